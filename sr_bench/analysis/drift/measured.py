"""A cell's moved images under every deviation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from sr_bench.analysis.explain.deviations import DEVIATIONS, Deviation
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
class Picture:
    """One moved image: its name, hr with the sr of the fresh scores, and both numbers."""

    name: str
    made: Made
    before: float
    after: float


class Remade:
    """A run's sr on a dataset, each made once.

    Args:
        subject: the run and the dataset.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._known: dict[Hashable, Made | None] = {}

    def __call__(self, picture: Picture, way: Way) -> Made | None:
        """The picture's sr as the way makes it; ``None`` where that can't be."""
        key = picture.name, way.source
        if key not in self._known:
            self._known[key] = self.subject.make(picture.name, picture.made.hr, way)
        return self._known[key]


class Measured:
    """A cell's pictures under many ways.

    Args:
        remade: makes the run's sr again.
        pictures: the moved images.
        metric: ``psnr`` or ``ssim``, of which kind ``base`` says.
        base: the protocol's own way.
    """

    def __init__(self, remade: Remade, pictures: Sequence[Picture], metric: str, base: Way) -> None:
        self.remade, self.pictures, self.metric, self.base = remade, pictures, metric, base
        self.scale = remade.subject.scale

    def now(self) -> list[Deviation]:
        """The deviations that give the fresh numbers.

        One that gives what the protocol itself gives here counts, too: it may be what the code has
        become, as with a coefficient mistyped in color.py.
        """
        gray = all(p.made.hr.ndim == 2 for p in self.pictures)
        wanted = [p.after for p in self.pictures]
        return self._giving(wanted, lambda d: gray or d.name in _OFTEN_IDLE)

    def undoing(self) -> list[Deviation]:
        """The deviations that give the committed numbers, which the protocol itself doesn't."""
        return self._giving([p.before for p in self.pictures], lambda _: True)

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
        stored = [p.made for p in self.pictures]
        return [again] if deviation.kind == "making" else [(stored, stored), again]

    def _again(self, way: Way) -> _Mades:
        """The sr of every picture, made now."""
        return [self.remade(p, way) for p in self.pictures]

    def _equal(self, made: _Mades, way: Way, wanted: Sequence[float]) -> bool:
        return all(self._is(m, way, w) for m, w in zip(made, wanted))

    def _is(self, made: Made | None, way: Way, wanted: float) -> bool:
        found = None if made is None else made.value(way, self.metric, scale=self.scale)
        if found is None:
            return False
        return found == wanted or abs(found - wanted) <= _EQUAL[self.metric]
