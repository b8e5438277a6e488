"""One departure from a protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sr_bench.analysis.explain.way import Way

Kind = Literal["scoring", "making"]
Change = Callable[[Way], Way | None]


@dataclass(frozen=True)
class Deviation:
    """One known departure."""

    name: str  # for programs
    text: str  # for people, as a part of a sentence: "RGB instead of Y"
    change: Change  # the way that it makes of another; `None` where it means nothing there
    # the only metric that it concerns, `niqe` being every kind of it; `None` for every one
    metric: str | None = None
    kind: Kind = "scoring"  # whether sr has to be made again

    def applied(self, way: Way, metric: str) -> Way | None:
        """The changed way; ``None`` where this deviation would change nothing."""
        if self.metric not in (None, metric.partition("_")[0]):
            return None
        changed = self.change(way)
        return None if changed is None or changed.key == way.key else changed
