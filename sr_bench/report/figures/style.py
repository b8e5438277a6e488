"""How every plot looks, and how it is written: the same bytes for the same tables.

Texts are never read as mathtext (``text.parse_math`` is off), so ``$``, ``_`` and ``%`` in a name
are themselves; SVG holds outlines, so that it looks the same where the font is missing; PDF embeds
TrueType (type 42), which publishers ask for. The font comes with matplotlib.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sr_bench.report.names import Names
from sr_bench.support.files import replacing

SINGLE_COLUMN, DOUBLE_COLUMN = 3.3, 6.9  # inches: no wider than a column, a page of most venues
FONT = 7.0  # points: the smallest text that publishers take
LINE = 0.135  # inches: a line of text

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
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": "sr-bench"},
    "pdf": {"CreationDate": None, "Creator": "sr-bench", "Producer": "sr-bench"},
    "png": {"Software": "sr-bench"},
}
_KEYS = {  # the fields of each format that hold the caption, and the id of what made the figure
    "svg": ("Description", "Identifier"),
    "pdf": ("Subject", "Keywords"),
    "png": ("Description", "Identifier"),
}


@dataclass(frozen=True)
class About:
    """What a figure's file says of itself, beside the picture.

    Args:
        caption: what the figure shows, with the signature of its numbers.
        provenance: the id of what made it, to be found in ``provenance.json``; empty if not known.
    """

    caption: str = ""
    provenance: str = ""


@dataclass(frozen=True)
class Looks:
    """How the methods of a plot look, and what they are called.

    Args:
        names: of methods and weights.
        marks: colour and marker of each method.
    """

    names: Names
    marks: dict[str, tuple[str, str]]


@contextmanager
def paper_style() -> Iterator[None]:
    """The style of every plot, whatever the user's own matplotlibrc says; undone afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches on an Agg canvas; no pyplot, so nothing to close."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save_figure(
    figure: Figure,
    folder: Path,
    stem: str,
    about: About | None = None,
    *,
    dpi: float = 200,
) -> list[Path]:
    """Write ``<stem>.svg``, ``.pdf`` and ``.png``, without dates or versions; return the paths.

    Args:
        figure: what to write.
        folder: where to; made if need be.
        stem: the file name without suffix.
        about: what goes into the files' metadata.
        dpi: dots an inch of the PNG, and of what vector files hold as pixels.
    """
    paths = []
    for kind in _METADATA:
        path = folder / f"{stem}.{kind}"
        with paper_style(), replacing(path) as temporary:
            figure.savefig(
                temporary, format=kind, metadata=_metadata(kind, about or About()), dpi=dpi
            )
        paths.append(path)
    return paths


def _metadata(kind: str, about: About) -> dict[str, str | None]:
    caption, identifier = _KEYS[kind]
    known = {
        caption: printable(about.caption),
        identifier: about.provenance and f"sr-bench provenance {about.provenance}",
    }
    return _METADATA[kind] | {key: text for key, text in known.items() if text}


Wanted = Callable[[str], tuple[str | None, str | None]]


def looks(
    names: Iterable[str], wanted: Wanted = lambda name: (None, None)
) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name, in order of appearance.

    Args:
        names: what is drawn.
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


def wrapped(text: str, width: float) -> list[str]:
    """``text`` in lines that fit ``width`` inches; a signature breaks after ``|`` and ``+``."""
    breakable = re.sub(r"([|+])(?=\S)", "\\1\u200b", printable(text))
    count = int(width * 72 / (0.56 * FONT))
    lines = _fill(re.split(r"(?<= )|\u200b", breakable), count)
    return [line.strip() for line in lines]


def _fill(pieces: list[str], count: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if len(lines[-1]) + len(piece.rstrip()) > count and lines[-1]:
            lines.append("")
        if len(piece) > count:
            lines.extend(textwrap.wrap(piece, count))
        else:
            lines[-1] += piece
    return lines


def fitted_lines(text: str, width: float) -> list[str]:
    """``text`` in lines of words that fit ``width`` inches, measured; a long word is broken."""
    fits = _measured(width)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if fits(longer):
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if not fits(lines[-1] + letter):
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]


def _measured(width: float) -> Callable[[str], bool]:
    font = FontProperties(family=["DejaVu Sans"], size=FONT)
    return lambda text: not text or TextPath((0, 0), text, prop=font).get_extents().x1 <= width * 72


def plain(value: float) -> str:
    """A number as it is: 0.01, 20."""
    return f"{value:g}"


def log_axis(
    axes: Axes, which: str, limits: tuple[float, float], text: Callable[[float], str] = plain
) -> None:
    """A log axis with plain labels: an exponent as a superscript would be smaller than 7 points."""
    axis: Axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(*limits)
    narrow = limits[1] / limits[0] < 60
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=12))
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())


def amount(value: float) -> str:
    """A number as people write it: 57.2 k, 1.37 M, 43 M."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def fitted(handles: list[Line2D], width: float) -> list[list[Line2D]]:
    """Legend entries in rows that fit ``width`` inches."""
    out: list[list[Line2D]] = [[]]
    used = 0.0
    for entry in handles:
        need = 0.36 + 0.06 * len(str(entry.get_label()))
        if used + need > width and out[-1]:
            out.append([])
            used = 0.0
        out[-1].append(entry)
        used += need
    return [row for row in out if row]


def handle(
    label: str, colour: str, marker: str, size: float = 5.0, *, hollow: bool = False
) -> Line2D:
    """A legend entry of one marker."""
    face = "white" if hollow else colour
    return Line2D(
        [], [], ls="", marker=marker, color=colour, markerfacecolor=face, markersize=size,
        markeredgewidth=0.9, label=label,
    )  # fmt: skip


def draw_foot(figure: Figure, legend: list[list[Line2D]], caption: list[str]) -> None:
    """The legend's rows and the caption's lines at the bottom of the figure."""
    height = figure.get_figheight()
    y = LINE * (len(legend) + len(caption)) + 0.06
    for row in legend:
        figure.legend(
            handles=row, loc="center", bbox_to_anchor=(0.5, (y - LINE / 2) / height),
            ncols=len(row), handletextpad=0.3, columnspacing=1.2, handlelength=1.6,
            borderpad=0, borderaxespad=0,
        )  # fmt: skip
        y -= LINE
    for line in caption:
        figure.text(0.05 / figure.get_figwidth(), (y - LINE / 2) / height, line, va="center",
                    color="#444444")  # fmt: skip
        y -= LINE
