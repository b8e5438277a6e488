"""How every plot looks: fonts, colours, markers, axes, numbers.

Texts are never read as mathtext (``text.parse_math`` is off), so ``$``, ``_`` and ``%`` in a name
are themselves; SVG holds outlines, so that it looks the same where the font is missing; PDF embeds
TrueType (type 42), which publishers ask for. The font comes with matplotlib.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from sr_bench.report.names import Names

FONT = 7.0  # points: the smallest text that publishers take

# Okabe & Ito, "Color Universal Design" (2008); yellow last, for it is faint on white.
_COLOURS = (
    "#000000",
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
)
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))  # 3 against 8 colours
_SHADES = (0.0, 0.45, -0.45, 0.25, -0.25)  # of lines of one method, towards white and black
_MARKERS = ("D", "o", "^", "s", "v", "P", "X")  # 7 against 8 colours: 56 pairs, none twice

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelpad": 2.0,
    "axes.labelsize": FONT,
    "axes.linewidth": 0.5,
    "axes.titlepad": 3.0,
    "axes.titlesize": FONT + 1,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 300,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.4,
    "legend.fontsize": FONT,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "sr-bench",
    "text.parse_math": False,
    "xtick.labelsize": FONT,
    "xtick.major.pad": 2.0,
    "xtick.major.width": 0.5,
    "xtick.minor.width": 0.3,
    "ytick.labelsize": FONT,
    "ytick.major.pad": 2.0,
    "ytick.major.width": 0.5,
    "ytick.minor.width": 0.3,
}


@dataclass(frozen=True)
class Looks:
    """How the methods of a plot look, and what they are called."""

    names: Names  # of methods and weights
    marks: dict[str, tuple[str, str]]  # colour and marker of each method

    def legend(self, shown: Container[str], size: float = 5.0) -> list[Line2D]:
        """An entry for each method shown."""
        title = self.names.title
        return [
            handle(printable(title(m)), *mark, size) for m, mark in self.marks.items() if m in shown
        ]


@contextmanager
def paper_style() -> Iterator[None]:
    """The style of every plot, whatever the user's own matplotlibrc says; undone afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


Wanted = Callable[[str], tuple[str | None, str | None]]


def looks(
    names: Iterable[str], wanted: Wanted = lambda name: (None, None)
) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name, in order of appearance.

    Args:
        wanted: the colour and the marker that a name asks for, ``None`` where it asks for none:
            it gets the first ones that nobody asked for.
    """
    asked = {name: wanted(name) for name in names}
    colours, markers = ({look[i] for look in asked.values()} for i in (0, 1))
    every = [
        (_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)])
        for i in range(len(_COLOURS) * len(_MARKERS))
    ]
    free = [look for look in every if look not in asked.values()]
    free.sort(key=lambda look: (look[0] in colours) + (look[1] in markers))
    following = itertools.cycle(free)
    given = {}
    for name, (colour, marker) in asked.items():
        other = ("", "") if colour and marker else next(following)
        given[name] = (colour or other[0], marker or other[1])
    return given


def printable(text: object) -> str:
    """``text`` on one line, without control characters, which SVG can't hold."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def plain(value: float) -> str:
    """A number as it is: 0.01, 20."""
    return f"{value:g}"


def log_ticks(low: float, high: float) -> list[float]:
    """Where a log axis has labels: at the decades; on a short axis, between them too."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)

    def at(*steps: float) -> list[float]:
        every = [float(f"{step}e{decade}") for decade in decades for step in steps]
        return [tick for tick in every if low <= tick <= high]

    if high / low >= 60:
        return at(1)
    ticks = at(1, 2, 5)
    return ticks if len(ticks) > 1 else at(1, 1.5, 2, 3, 4, 5, 7)


def log_axis(
    axes: Axes, which: str, limits: tuple[float, float], text: Callable[[float], str] = plain
) -> None:
    """A log axis with plain labels: an exponent as a superscript would be smaller than 7 points."""
    axis: Axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(*limits)
    axis.set_major_locator(FixedLocator(log_ticks(*limits)))
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())


def amount(value: float) -> str:
    """A number as people write it: 57.2 k, 1.37 M, 43 M."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def handle(
    label: str, colour: str, marker: str, size: float = 5.0, *, hollow: bool = False
) -> Line2D:
    """A legend entry of one marker."""
    face = "white" if hollow else colour
    return Line2D(
        [], [], ls="", marker=marker, color=colour, markerfacecolor=face, markersize=size,
        markeredgewidth=0.9, label=label,
    )  # fmt: skip


class Lines:
    """How each named line looks: its method's colour and marker, in shades and dashes of its own.

    Args:
        methods: each line's name to its method.
        marks: colour and marker of each method.
    """

    def __init__(self, methods: Mapping[str, str], marks: Mapping[str, tuple[str, str]]) -> None:
        self._order = list(methods)
        counts: dict[str, int] = {}
        self._styles: dict[str, dict[str, Any]] = {}
        for name, method in methods.items():
            colour, marker = marks[method]
            place = counts[method] = counts.get(method, -1) + 1
            shade, dash = divmod(place, len(_DASHES))
            face = "white" if shade % 2 else None  # hollow, too
            self._styles[name] = {
                "color": _shaded(colour, _SHADES[shade % len(_SHADES)]),
                "marker": marker,
                "ls": _DASHES[dash],
                "lw": 0.9,
                "markersize": 2.6,
            } | ({"markerfacecolor": face} if face else {})

    def legend(self, shown: Container[str] | None = None) -> list[Line2D]:
        """An entry for each line, or for those shown."""
        names = [n for n in self._order if shown is None or n in shown]
        return [Line2D([], [], label=printable(n), **self.style(n)) for n in names]

    def style(self, name: str, *, markers: bool = True) -> dict[str, Any]:
        """What ``Axes.plot`` and ``Line2D`` take."""
        return self._styles[name] | ({} if markers else {"marker": ""})


def _shaded(colour: str, by: float) -> str:
    """A colour nearer to white (above 0) or to black (below 0)."""
    end = 255 if by > 0 else 0
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + abs(by) * (end - part)):02x}" for part in parts)
