"""Scores of a run that isn't finished: what a killed process had scored is not scored again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.pairing import NamePair
from sr_bench.evaluation.scoring.score import Row
from sr_bench.support.files import naming, sha256


@dataclass
class Kept:
    """A journal of rows, one line an image, by a hash of all that decides them.

    Args:
        path: the journal; ``None``: nothing is kept.
        found: hash to rows, as the journal had them when it was opened.
        lock: of the journal.
    """

    path: Path | None
    found: dict[str, list[Row]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, path: Path) -> Kept:
        """What is there of an earlier time; to be called by who holds the run's lock."""
        kept = cls(path)
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            try:
                key, rows = json.loads(line)
                kept.found[key] = [(str(p), str(m), float(v), str(s)) for p, m, v, s in rows]
            except (ValueError, TypeError):  # the last line of a killed process
                continue
        return kept

    def note(self, key: str, rows: Sequence[Row]) -> None:
        """Note the rows of an image."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.lock, naming(self.path), self.path.open("a", encoding="utf-8") as journal:
            journal.write(f"\n{json.dumps([key, rows])}\n")

    def finish(self) -> None:
        """The table is there: forget the rows."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Keys:
    """What decides the rows of an image.

    Args:
        hr: an image's name to the hash of its hr.
        context: all that isn't an image: protocols, scale, software.
    """

    hr: Mapping[str, str]
    context: str

    @classmethod
    def of(cls, protocols: Sequence[Protocol], facts: str, hr: Mapping[str, str]) -> Keys:
        """Those of images under some protocols, scored by the software of ``facts``."""
        rules = [[p.signature, p.model_dump(mode="json"), str(p.degradation)] for p in protocols]
        return cls(hr, _digest([rules, facts]))

    def of_pair(self, pair: NamePair) -> str:
        """The key of an image; reads sr."""
        return _digest([self.context, pair.name, self.hr[pair.name], sha256(pair.sr)])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
