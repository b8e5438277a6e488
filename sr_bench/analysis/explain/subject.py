"""The images that a claim is about, and their numbers under many ways."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.deviations import DEVIATIONS
from sr_bench.analysis.explain.making import bicubic
from sr_bench.analysis.explain.measure import Made, Numbers, number_key, pooled
from sr_bench.analysis.explain.way import Way
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.evaluation.scoring.pairing import NamePair
from sr_bench.imaging import images
from sr_bench.imaging.images import Image
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.parallel import map_images

Maker = Callable[[str, Image, Way], Made | None]  # image's name, hr; None: sr can't be had so
Progress = Callable[[int], None]
_ABSENT = "sr can't be made so"


@dataclass(frozen=True)
class NetworkPass:
    """A network over all images, on one kind of lr."""

    key: Hashable  # equal for two ways that share the network's output
    times: int = 1  # how often it runs on each image: 8 with self-ensemble


@dataclass(frozen=True)
class Subject:
    """A set of hr images, and how each becomes sr."""

    title: str  # for people: "bicubic on Set5 x4"
    hr: tuple[tuple[str, Path], ...]  # name and file of each image
    make: Maker  # the sr of an image under a way
    scale: int  # 2 to 8
    given: bool = False  # whether sr was made elsewhere: then only scoring can deviate
    # the pass of a network that a way needs; `None` where it needs none
    network: Callable[[Way], NetworkPass | None] = lambda _: None
    absent: Callable[[Way], str] = lambda _: _ABSENT  # why there is no sr under a way
    hint: str = ""  # what could be tried beyond this, for people
    _numbers: dict[Hashable, Numbers] = field(default_factory=dict, compare=False, repr=False)

    def key(self, way: Way) -> Hashable:
        """Equal for two ways that give the same number here."""
        return way.scoring_key if self.given else way.key

    def source(self, way: Way) -> Hashable:
        """Equal for two ways that have the same sr here."""
        return () if self.given else way.source

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Those that can be tried here."""
        return tuple(d for d in DEVIATIONS if d.kind == "scoring" or not self.given)

    def steps(self, ways: Sequence[Way]) -> int:
        """How many times :meth:`values` calls ``progress``."""
        return len(self.hr) * len({self.source(way) for way in ways})

    def values(self, ways: Sequence[Way], metric: str, *, progress: Progress) -> list[float | None]:
        """The set's number under each way; ``None`` where some image has none.

        Each sr is made once, its planes once, and every distinct number once, also over several
        calls. ``progress`` is called with 1 after each image and kind of sr.
        """
        rows = self.by_image(ways, metric, progress=progress)
        return [self._pooled(column, way, metric) for column, way in zip(zip(*rows), ways)]

    def by_image(
        self, ways: Sequence[Way], metric: str, *, progress: Progress
    ) -> list[list[float | None]]:
        """The same before the mean: of each image, the number under each way."""
        sources: dict[Hashable, list[int]] = {}
        for i, way in enumerate(ways):
            sources.setdefault(self.source(way), []).append(i)

        def one(item: tuple[str, Path]) -> list[float | None]:
            found: list[float | None] = [None] * len(ways)
            for source, indices in sources.items():
                of_source = [ways[i] for i in indices]
                for i, value in zip(indices, self._of_image(item, source, of_source, metric)):
                    found[i] = value
                progress(1)
            return found

        return map_images(one, self.hr)

    def refusal(self, way: Way, metric: str) -> str:
        """Why a way can't be tried, by the first image that it doesn't go with; or empty."""
        for name, path in self.hr:
            made = self.make(name, images.read(path), way)
            reason = (
                self.absent(way) if made is None else made.refusal(way, metric, scale=self.scale)
            )
            if reason:
                return f"{reason} ({name})" if made is not None else reason
        return ""

    def _of_image(
        self, item: tuple[str, Path], source: Hashable, ways: Sequence[Way], metric: str
    ) -> list[float | None]:
        """Numbers of one image and one sr, which is made only if one of them isn't known."""
        name, path = item
        numbers = self._numbers.setdefault((path, source), {})  # names may be twice there
        keys = [number_key(way, metric) for way in ways]
        if not all(key in numbers for key in keys):
            with about(path):
                made = self.make(name, images.read(path), ways[0])
                if made is None:
                    return [None] * len(ways)
                kept = Made(made.sr, made.hr, made.sr_colour, numbers)
                for way in sorted(ways, key=lambda w: repr(w.planes_key)):  # its planes stay
                    kept.value(way, metric, scale=self.scale)
        return [numbers[key] for key in keys]

    @staticmethod
    def _pooled(values: Sequence[float | None], way: Way, metric: str) -> float | None:
        known = [v for v in values if v is not None]
        return pooled(known, way, metric) if len(known) == len(values) else None


def folder_subject(title: str, pairs: Sequence[NamePair], *, scale: int) -> Subject:
    """SR images of any code: each way scores the files as they are."""
    files = {p.name: p.sr for p in pairs}

    def read(name: str, hr: Image, _: Way) -> Made:
        sr, colour = images.read_tagged(files[name])
        return Made(sr, hr, colour)

    return Subject(title, tuple((p.name, p.hr) for p in pairs), read, scale, given=True)


def bicubic_subject(title: str, hr: Sequence[tuple[str, Path]], *, scale: int) -> Subject:
    """Bicubic, made here under every way."""
    make = partial(bicubic, scale=scale)
    return Subject(title, tuple(hr), lambda _, image, way: make(image, way), scale)


def require_made_lr(dataset: Dataset) -> Dataset:
    """The dataset, if its lr is made from hr.

    Raises:
        SrBenchError: if it is given: then it has no deviations.
    """
    if dataset.lr:
        raise SrBenchError(
            f"{dataset.name}: its LR is given, so there is no other way of making it to try; "
            "explain a dataset whose LR is made, or SR images: --sr FOLDER --hr FOLDER"
        )
    return dataset
