"""Which deviations give the numbers of a cell's moved images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.deviations import DEVIATIONS
from sr_bench.analysis.explain.measure import Made
from sr_bench.analysis.explain.subject import Subject
from sr_bench.analysis.explain.way import Way

# dB and similarity: the same images scored twice agree to far more digits.
_EQUAL = {"psnr": 1e-6, "ssim": 1e-8}
# These change nothing on small, coloured or evenly sized images.
_OFTEN_IDLE = (
    *("ssim-downsampled", "gray-rgb", "gray-own-y", "modcrop-12", "modcrop-scale"),
    *("range-spread", "range-peak"),
)
_Mades = Sequence[Made | None]


@dataclass(frozen=True)
class MovedImage:
    """One moved image: its name, hr with the sr of the fresh scores, old and new number."""

    name: str
    made: Made
    before: float
    after: float


class SrMaker:
    """Makes a run's sr on a dataset, each once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._known: dict[Hashable, Made | None] = {}

    def __call__(self, image: MovedImage, way: Way) -> Made | None:
        """The image's sr as the way makes it; ``None`` where that can't be."""
        key = image.name, way.source
        if key not in self._known:
            self._known[key] = self.subject.make(image.name, image.made.hr, way)
        return self._known[key]


class Matcher:
    """Scores a cell's moved images under every deviation, and compares the numbers.

    Args:
        metric: ``psnr`` or ``ssim``, of which kind ``base`` says.
    """

    def __init__(
        self, maker: SrMaker, images: Sequence[MovedImage], metric: str, base: Way
    ) -> None:
        self.maker, self.images, self.metric, self.base = maker, images, metric, base
        self.scale = maker.subject.scale

    def giving_fresh(self) -> list[Deviation]:
        """The deviations that give the fresh numbers.

        One that gives what the protocol itself gives here counts, too: it may be what the code has
        become, as with a coefficient mistyped in color.py.
        """
        gray = all(p.made.hr.ndim == 2 for p in self.images)
        wanted = [p.after for p in self.images]
        return self._giving(wanted, lambda d: gray or d.name in _OFTEN_IDLE)

    def giving_committed(self) -> list[Deviation]:
        """The deviations that give the committed numbers, which the protocol itself doesn't."""
        return self._giving([p.before for p in self.images], lambda _: True)

    def _giving(
        self, wanted: Sequence[float], idle_fails: Callable[[Deviation], bool]
    ) -> list[Deviation]:
        return [d for d in DEVIATIONS if self._gives(d, wanted, idle_fails(d))]

    def _gives(self, deviation: Deviation, wanted: Sequence[float], idle_fails: bool) -> bool:
        way = deviation.applied(self.base, self.metric)
        if way is None or way.scoring.pool != "images" or way.making.weights == self.scale:
            return False
        for made, plain in self._sources(deviation, way):
            idle = idle_fails and self._equal(plain, self.base, wanted)
            if not idle and self._equal(made, way, wanted):
                return True
        return False

    def _sources(self, deviation: Deviation, way: Way) -> list[tuple[_Mades, _Mades]]:
        """The sr that a deviation may be seen in, and what the protocol itself has for it.

        One of scoring can lie in the score, or, as a swap or a shift, in the saved sr.
        """
        again = self._again(way), self._again(self.base)
        stored = [p.made for p in self.images]
        return [again] if deviation.kind == "making" else [(stored, stored), again]

    def _again(self, way: Way) -> _Mades:
        """The sr of every image, made now."""
        return [self.maker(p, way) for p in self.images]

    def _equal(self, made: _Mades, way: Way, wanted: Sequence[float]) -> bool:
        return all(self._is(m, way, w) for m, w in zip(made, wanted))

    def _is(self, made: Made | None, way: Way, wanted: float) -> bool:
        found = None if made is None else made.value(way, self.metric, scale=self.scale)
        if found is None:
            return False
        return found == wanted or abs(found - wanted) <= _EQUAL[self.metric]
