"""What an evaluation computes: models of one scale on a test set whose LR is made in one way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Entry
from sr_bench.evaluation.evaluating.candidate import Candidate
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.imaging.degrade import Degradation
from sr_bench.support.errors import WrongUse

_NO_FILE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Part:
    """Models of one scale on a test set whose LR is made in one way."""

    test_set: TestSet
    degradation: Degradation
    scale: int
    models: tuple[tuple[Candidate, tuple[Protocol, ...]], ...]

    @property
    def calls(self) -> int:
        """How often a model is called."""
        return len(self.models) * len(self.test_set.dataset.entries)

    def sr_path(self, folder: Path, candidate: Candidate, image: Entry) -> Path:
        """Where the SR image of a model lies below a folder."""
        model, dataset = (_NO_FILE.sub("_", n) for n in (candidate.name, self.test_set.name))
        return folder / model / self.degradation.name / dataset / f"{image.stem}.png"


def parts_of(
    candidates: Sequence[Candidate], sets: Sequence[TestSet], protocols: Sequence[Protocol]
) -> list[Part]:
    """What is to be computed, models that share LR together.

    Args:
        candidates: the models.
        sets: the test sets.
        protocols: for all models; where there are none, each model's default.
    """
    found: dict[tuple[int, Degradation, int], dict[str, tuple[Candidate, list[Protocol]]]] = {}
    for at, test_set in enumerate(sets):
        for candidate in candidates:
            for protocol in map(test_set.under, protocols or [candidate.default_protocol]):
                models = found.setdefault((at, protocol.degradation, candidate.scale), {})
                models.setdefault(candidate.name, (candidate, []))[1].append(protocol)
    return [
        Part(sets[at], rule, scale, tuple((c, tuple(of)) for c, of in models.values()))
        for (at, rule, scale), models in found.items()
    ]


def require_free(parts: Sequence[Part], folder: Path) -> None:
    """Refuse to replace SR images.

    Raises:
        WrongUse: naming the first that is there, and how many.
    """
    paths = [
        part.sr_path(folder, candidate, image)
        for part in parts
        for candidate, _ in part.models
        for image in part.test_set.dataset
    ]
    there = [path for path in paths if path.exists()]
    if there:
        raise WrongUse(
            f"{there[0]}: is there already ({len(there)} of {len(paths)} images are); name another "
            "folder with --save, or replace them with --force"
        )
