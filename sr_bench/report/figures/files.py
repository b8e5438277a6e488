"""A figure's files: SVG, PDF and PNG, the same bytes for the same figure, with caption and id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from sr_bench.report.figures.panels import COLUMN, PLAIN, Form
from sr_bench.report.figures.style import paper_style, printable
from sr_bench.support.files import replacing

PAPER = "paper"  # the folder of the figures for papers, beside the others
Identify = Callable[[Iterable[str]], str]  # subjects to the id of what made them
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
class Plot:
    """One figure."""

    stem: str  # its file name without suffix
    caption: str  # one line that says what it shows and how that was made
    figure: Figure  # the figure
    # whose content it shows, as `provenance.json` calls them: `runs/bicubic-x2`
    subjects: tuple[str, ...] = ()
    dpi: float = 200  # dots an inch of its PNG
    again: Callable[[Form], Figure] | None = None  # draws it for a paper
    forms: tuple[Form, ...] = (PLAIN, COLUMN)  # of the papers that it is drawn for


@dataclass(frozen=True)
class Plots:
    """What was drawn."""

    files: tuple[Path, ...] = ()  # the files written, in order; empty where nothing was timed
    captions: Mapping[str, str] = field(default_factory=dict)  # stem to caption, for the page
    notes: tuple[str, ...] = ()  # what is not in the plots, and why
    # stem to whose content it shows, for `provenance.json`
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __add__(self, other: Plots) -> Plots:
        """Both, one after the other."""
        return Plots(
            self.files + other.files,
            {**self.captions, **other.captions},
            self.notes + other.notes,
            {**self.subjects, **other.subjects},
        )


def no_provenance(subjects: Iterable[str]) -> str:
    """The id of figures whose origin isn't tracked: none."""
    return ""


def write_each(
    plots: Iterable[Plot], folder: Path, notes: list[str], identify: Identify = no_provenance
) -> Plots:
    """Write plots one after the other as SVG, PDF and PNG, each with its id and caption.

    In ``paper/`` are PDFs without the caption in the picture, as wide as a page and as a column.
    """
    files: list[Path] = []
    captions: dict[str, str] = {}
    subjects: dict[str, tuple[str, ...]] = {}
    for plot in plots:
        identity = identify(plot.subjects)
        files += save_figure(plot, folder, identity)
        for form in plot.forms if plot.again else ():
            files.append(_save_for_paper(plot, form, folder / PAPER, identity))
        captions[plot.stem], subjects[plot.stem] = plot.caption, plot.subjects
    return Plots(tuple(files), captions, tuple(notes), subjects)


def save_figure(plot: Plot, folder: Path, provenance: str = "") -> list[Path]:
    """Write ``<stem>.svg``, ``.pdf`` and ``.png``, without dates or versions; return the paths.

    ``provenance`` is the id of what made the figure; empty if not known. Vector files hold pixels
    at the plot's ``dpi``.
    """
    paths = []
    for kind in _METADATA:
        path = folder / f"{plot.stem}.{kind}"
        with paper_style(), replacing(path) as temporary:
            metadata = _metadata(kind, plot.caption, provenance)
            plot.figure.savefig(temporary, format=kind, metadata=metadata, dpi=plot.dpi)
        paths.append(path)
    return paths


def _save_for_paper(plot: Plot, form: Form, folder: Path, provenance: str) -> Path:
    """Write ``<stem>.pdf`` without caption, or ``<stem>-column.pdf``, one column wide."""
    assert plot.again is not None
    path = folder / f"{plot.stem}{form.suffix}.pdf"
    with paper_style():
        figure = plot.again(form)
        with replacing(path) as temporary:
            metadata = _metadata("pdf", plot.caption, provenance)
            figure.savefig(temporary, format="pdf", metadata=metadata, dpi=plot.dpi)
    return path


def _metadata(kind: str, caption: str, provenance: str) -> dict[str, str | None]:
    known = {
        _KEYS[kind][0]: printable(caption),
        _KEYS[kind][1]: provenance and f"sr-bench provenance {provenance}",
    }
    return _METADATA[kind] | {key: text for key, text in known.items() if text}


def remove_stale(folder: Path, stems: Iterable[str], written: Plots) -> None:
    """Remove figures of earlier calls, whose names begin with ``stems``, that aren't drawn now."""
    for stem in stems:
        for kind in _METADATA:
            for place in (folder, folder / PAPER):
                for path in place.glob(f"{stem}*.{kind}"):
                    if path not in written.files:
                        path.unlink()
