"""The images that a claim is about, and their numbers under many ways."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sr_bench import images
from sr_bench.errors import about
from sr_bench.explain.deviations import DEVIATIONS, Deviation
from sr_bench.explain.making import bicubic
from sr_bench.explain.measure import Made, pooled
from sr_bench.explain.way import Way
from sr_bench.images import Image
from sr_bench.pairing import NamePair
from sr_bench.parallel import map_images

Maker = Callable[[str, Image, Way], Made | None]  # image's name, hr; None: sr can't be had so
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Subject:
    """A set of hr images, and how each becomes sr.

    Args:
        title: for people: "bicubic on Set5 x4".
        hr: name and file of each image.
        make: the sr of an image under a way.
        scale: 2, 3, 4, ...
        given: whether sr was made elsewhere: then only scoring can deviate.
    """

    title: str
    hr: tuple[tuple[str, Path], ...]
    make: Maker
    scale: int
    given: bool = False

    def key(self, way: Way) -> Hashable:
        """Equal for two ways that give the same number here."""
        return way.scoring_key if self.given else way.key

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Those that can be tried here."""
        return tuple(d for d in DEVIATIONS if d.kind == "scoring" or not self.given)

    def values(self, ways: Sequence[Way], metric: str, *, progress: Progress) -> list[float | None]:
        """The set's number under each way; ``None`` where some image has none.

        Each sr is made once, its planes once, and every distinct number once. ``progress`` is
        called with 1 after each image.
        """
        sources: dict[Hashable, list[int]] = {}
        for i, way in enumerate(ways):
            sources.setdefault(() if self.given else way.source, []).append(i)

        def one(item: tuple[str, Path]) -> list[float | None]:
            name, path = item
            hr = images.read(path)
            found: list[float | None] = [None] * len(ways)
            for indices in sources.values():
                with about(path):
                    made = self.make(name, hr, ways[indices[0]])
                    if made is None:
                        continue
                    for i in indices:
                        found[i] = made.value(ways[i], metric, scale=self.scale)
            progress(1)
            return found

        rows = map_images(one, self.hr)
        return [self._pooled(column, way, metric) for column, way in zip(zip(*rows), ways)]

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
