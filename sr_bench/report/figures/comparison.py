"""The comparison figure: hr with a marked box, and that box of every run, enlarged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from sr_bench.imaging.images import Image
from sr_bench.project.entries import Box, FigureEntry
from sr_bench.report.figures.comparison_layout import (
    DPI,
    GAP,
    TEXT,
    Contents,
    Layout,
    Rect,
    arrange,
)
from sr_bench.report.figures.comparison_pictures import Pictures, RunPicture
from sr_bench.report.figures.panels import (
    LINE,
    PAGE,
    Form,
    draw_foot,
    fitted_lines,
    new_figure,
    wrapped,
)
from sr_bench.report.figures.region import choose_box, cut, require_inside
from sr_bench.report.figures.style import paper_style, printable

_MARK = "#D55E00"
_ERRORS = "inferno"
_LEAST, _STEP = 10, 5  # grey levels: the error scale ends at a multiple of 5, not below 10


def comparison_figure(
    pictures: Pictures, entry: FigureEntry, form: Form = PAGE
) -> tuple[Figure, str]:
    """The figure and its caption.

    Raises:
        SrBenchError: if the entry's box reaches over the image.
    """
    if entry.box is not None:
        require_inside(entry.box, pictures.hr, entry.image)
    srs = [shown.luminance for shown in pictures.shown]
    box = entry.box or choose_box(pictures.luminance, srs, border=pictures.border)
    with paper_style():
        return _Drawing(pictures, entry, box, form).draw()


class _Drawing:
    """One figure while it is drawn."""

    def __init__(self, pictures: Pictures, entry: FigureEntry, box: Box, form: Form) -> None:
        self.pictures, self.entry, self.box = pictures, entry, box
        self.caption = _caption(pictures, entry, box)
        self.names, self.layout = self._laid_out()
        lines = wrapped(self.caption, self.layout.width / DPI - 0.1)
        self.foot = lines if form.captioned else []
        self.height = self.layout.height + round((len(self.foot) * LINE + 0.12) * DPI)
        # A hundredth of a dot more: the canvas drops fractions, and 2069.999 would lose a dot.
        self.figure = new_figure((self.layout.width + 0.01) / DPI, (self.height + 0.01) / DPI)

    def draw(self) -> tuple[Figure, str]:
        """Everything."""
        self._draw_hr()
        crops = [cut(self.pictures.hr, self.box)]
        crops += [cut(shown.sr, self.box) for shown in self.pictures.shown]
        for rects, crop, name in zip(self.layout.panels, crops, self.names):
            self._picture(rects[0], self._enlarged(crop))
            self._name(rects[0] if name is self.names[0] else rects[-1], name)
        self._scores()
        if self.entry.errors:
            self._draw_errors()
        draw_foot(self.figure, [], self.foot)
        return self.figure, self.caption

    def _laid_out(self) -> tuple[list[list[str]], Layout]:
        """Names in lines as wide as a panel, and the layout that has room for so many."""
        names = ["HR", *(printable(shown.label) for shown in self.pictures.shown)]
        most = 1
        while True:
            layout = arrange(self._contents(most + 1))
            width = layout.column / DPI
            lines = [fitted_lines(name, width) for name in names]
            need = max(len(each) for each in lines)
            if need <= most:
                return lines, layout
            most = need

    def _contents(self, lines: int) -> Contents:
        return Contents(
            self.pictures.hr.shape[:2],
            (self.box.height, self.box.width),
            1 + len(self.pictures.shown),
            2 if self.entry.errors else 1,
            lines,
        )

    def _draw_hr(self) -> None:
        rect = self.layout.hr
        axes = self._picture(rect, self.pictures.hr, smooth=True)
        mark = Rectangle(
            (self.box.x - 0.5, self.box.y - 0.5), self.box.width, self.box.height,
            fill=False, edgecolor=_MARK, linewidth=1.3, clip_on=False,
            path_effects=[Stroke(linewidth=2.3, foreground="white"), Normal()],
        )  # fmt: skip
        axes.add_patch(mark)
        title = f"{self.pictures.image} ({self.entry.dataset}), ×{self.entry.scale}"
        lines = fitted_lines(printable(title), rect.width / DPI)
        self._name(rect, lines)

    def _scores(self) -> None:
        """PSNR left of the slash and SSIM right of it, the best of each in bold."""
        shown = self.pictures.shown
        psnr = [_printed(s.psnr, 2) for s in shown]
        ssim = [_printed(s.ssim, 4) for s in shown]
        rows = zip([_best(psnr), *psnr], [_best(ssim), *ssim])
        best = next(rows)
        for rects, name, values in zip(self.layout.panels[1:], self.names[1:], rows):
            x, y = self._below(rects[-1], len(name))
            for text, side, top in zip(values, ("right", "left"), best):
                weight = "bold" if len(shown) > 1 and text == top else "normal"
                shift = -0.03 if side == "right" else 0.03  # inches
                across = x + shift * DPI / self.layout.width - 0.008
                self.figure.text(across, y, text, ha=side, va="center", weight=weight)
            self.figure.text(x - 0.008, y, "/", ha="center", va="center")
        x, y = self._below(self.layout.panels[0][0], len(self.names[0]))
        self.figure.text(x, y, "PSNR / SSIM", ha="center", va="center")

    def _draw_errors(self) -> None:
        hr = cut(self.pictures.luminance, self.box).astype(np.int16)
        errors = [np.abs(cut(s.luminance, self.box) - hr) for s in self.pictures.shown]
        top = _scale_end(errors)
        colours = (matplotlib.colormaps[_ERRORS](np.linspace(0, 1, 256))[:, :3] * 255).round()
        for rects, error in zip(self.layout.panels[1:], errors):
            index = np.minimum(error * 255.0 / top, 255).round().astype(int)
            self._picture(rects[1], self._enlarged(colours.astype(np.uint8)[index]))
        self._draw_scale(self.layout.panels[0][1], top)

    def _draw_scale(self, rect: Rect, top: int) -> None:
        """What the errors' colours mean, where hr has no error to show."""
        margin = rect.width // 8
        top_of_bar = rect.top + max(rect.height // 2, 5 * TEXT)  # below HR's own text
        bar = Rect(rect.left + margin, top_of_bar, rect.width - 2 * margin, 30)
        axes = self.figure.add_axes(self._inside(bar))
        axes.imshow(np.linspace(0, 1, 256)[None], cmap=_ERRORS, aspect="auto", rasterized=True)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        middle = bar.left + bar.width / 2
        texts = [
            (middle, bar.top - TEXT * 1.5, "|SR − HR|"),
            (middle, bar.top - TEXT * 0.6, "of Y"),
        ]
        below = bar.top + bar.height + TEXT * 0.7
        texts += [(bar.left, below, "0"), (bar.left + bar.width, below, f"≥ {top}")]
        for x, y, text in texts:
            self.figure.text(
                x / self.layout.width, 1 - y / self.height, text, ha="center", va="center"
            )

    def _picture(self, rect: Rect, image: Image, *, smooth: bool = False) -> Axes:
        axes = self.figure.add_axes(self._inside(rect))
        kind = "auto" if smooth else "none"  # "none" keeps pixels as they are in vector files
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation=kind, aspect="auto")
        axes.set_axis_off()
        return axes

    def _enlarged(self, crop: Image) -> Image:
        """Each pixel a square of pixels, so that no viewer smooths it."""
        times = max(1, round(self.layout.zoom))
        return crop.repeat(times, axis=0).repeat(times, axis=1)

    def _name(self, rect: Rect, lines: Sequence[str]) -> None:
        for i, line in enumerate(lines):
            x, y = self._below(rect, i)
            self.figure.text(x, y, line, ha="center", va="center")

    def _below(self, rect: Rect, line: int) -> tuple[float, float]:
        """The middle of a line of text below a panel, as a fraction of the figure."""
        y = rect.top + rect.height + GAP // 2 + (line + 0.5) * TEXT
        return (rect.left + rect.width / 2) / self.layout.width, 1 - y / self.height

    def _inside(self, rect: Rect) -> tuple[float, float, float, float]:
        """The rectangle as matplotlib has it: fractions, from the bottom."""
        width, height = self.figure.get_size_inches() * DPI
        bottom = height - rect.top - rect.height
        return rect.left / width, bottom / height, rect.width / width, rect.height / height


def _caption(pictures: Pictures, entry: FigureEntry, box: Box) -> str:
    star = " *: trained here." if any(s.label.endswith("*") for s in pictures.shown) else ""
    errors = " Below: error of the luminance." if entry.errors else ""
    return (
        f"{printable(pictures.image)} of {entry.dataset}, ×{entry.scale}: {box.width} × "
        f"{box.height} pixels at ({box.x}, {box.y}). PSNR (dB) / SSIM of the whole image; bold: "
        f"best.{star}{errors} {pictures.signature}."
    )


def _printed(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"


def _best(values: Sequence[str]) -> str:
    return max(values, key=lambda text: math.inf if text == "∞" else float(text))


def _scale_end(errors: Sequence[NDArray[np.int16]]) -> int:
    """Where the error scale ends: above 99.5 % of all errors shown."""
    most = float(np.quantile(np.stack(errors), 0.995))
    return max(_LEAST, math.ceil(most / _STEP) * _STEP)


def subjects_of(shown: Sequence[RunPicture]) -> tuple[str, ...]:
    """The runs, as provenance.json calls them."""
    return tuple(f"runs/{each.run}" for each in shown)
