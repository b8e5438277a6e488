"""The filters of a network's first layer as pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from sr_bench.imaging.images import Image
from sr_bench.networks.method import Method, Model, Setup
from sr_bench.project.project import Project
from sr_bench.project.run_weights import noted_weights
from sr_bench.report.figures.files import Plot
from sr_bench.report.figures.panels import (
    DOUBLE_COLUMN,
    LINE,
    PAGE,
    PLAIN,
    Form,
    Grid,
    Margins,
    draw_grid,
    fitted_lines,
)
from sr_bench.report.figures.style import paper_style, printable
from sr_bench.report.names import Names, slug
from sr_bench.support.errors import SrBenchError

STEM = "filters"
_COLUMNS = 5
_GAP, _DOTS = 0.12, 4  # inches between panels; dots that a weight is enlarged to
_PLANES = {"y": ("",), "ycbcr": (" Y", " Cb", " Cr")}

Weights = NDArray[np.float64]  # (n, planes, f, f)


@dataclass(frozen=True)
class Bank:
    """The first layer of one run."""

    run: str  # its name in tables
    label: str  # its name in the figure
    weights: Weights  # (n, planes, f, f)
    colour: str  # what the planes are; three of `rgb` are shown as colours, others one by one


def read_banks(project: Project, method: Method, scale: int, notes: list[str]) -> list[Bank]:
    """The first layers of a method's runs at one scale; a run that can't be had goes to ``notes``.

    Runs that differ in nothing but self-ensemble are one.
    """
    names = Names({method.name: method})
    banks: dict[tuple[str, str], Bank] = {}
    for name, run in project.params.runs.items():
        if (run.method, run.scale) != (method.name, scale) or (
            run.base_variant,
            run.weights,
        ) in banks:
            continue
        try:
            model = _load(project, name, method)
        except SrBenchError as error:
            notes.append(f"{STEM}: {name} is left out: {error}")
            continue
        facts = pd.DataFrame([{"run": name, **run.model_dump(include=_FACTS)}])
        bank = Bank(name, names.labels(facts)[name], first_layer(model), model.colour)
        banks[(run.base_variant, run.weights)] = bank
    return list(banks.values())


_FACTS = {"method", "variant", "weights", "scale"}


def _load(project: Project, name: str, method: Method) -> Model:
    run = project.run(name)
    degradation = run.protocols[0].degradation
    file = noted_weights(project, run, method)
    setup = Setup(run.base_variant, run.weights, file, run.scale, degradation)
    return method.built(setup, name)


def first_layer(model: Model) -> Weights:
    """The weights of the model's first convolution, (n, planes, f, f).

    Raises:
        SrBenchError: if the model has no ``network`` with a convolution in it.
    """
    network = getattr(model, "network", None)
    if isinstance(network, nn.Module):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                return module.weight.detach().double().contiguous().numpy()
    raise SrBenchError(
        f"{type(model).__name__} has no network whose first layer is a convolution; "
        "draw the filters of another method"
    )


def filters_plot(banks: Sequence[Bank], method: Method, scale: int) -> Plot:
    """All banks in one figure, each filter by itself from black (least) to white (most)."""
    caption = (
        f"First-layer filters of {method.title or method.name} ×{scale}, sorted by variance, each "
        "scaled to its own range. *: trained here."
    )
    tiles = [tile for bank in banks for tile in _tiles(bank)]
    subjects = tuple(f"runs/{bank.run}" for bank in banks)
    again = partial(_draw, tiles, caption)
    with paper_style():
        figure = again(PAGE)
    stem = slug(STEM, method.name, f"x{scale}")
    return Plot(stem, caption, figure, subjects, dpi=300, again=again, forms=(PLAIN,))


def filter_plots(project: Project, method: Method, notes: list[str]) -> Iterator[Plot]:
    """A figure for each scale that the method has runs of."""
    scales = {run.scale for run in project.params.runs.values() if run.method == method.name}
    for scale in sorted(scales):
        banks = read_banks(project, method, scale, notes)
        if banks:
            yield filters_plot(banks, method, scale)


def mosaic(weights: Weights) -> Image:
    """Filters (n, f, f) or (n, f, f, 3) as one picture: by falling variance, row by row.

    Each is stretched to 0..255 by its own least and largest weight; one whose weights are all equal
    is gray. White lines part them.
    """
    order = np.argsort(-weights.reshape(len(weights), -1).var(axis=1), kind="stable")
    columns = math.ceil(math.sqrt(len(weights)))
    rows = -(-len(weights) // columns)
    size = weights.shape[1] * _DOTS
    step = size + _DOTS
    shape = (rows * step - _DOTS, columns * step - _DOTS, *weights.shape[3:])
    picture = np.full(shape, 255, np.uint8)
    for position, i in enumerate(order):
        y, x = position // columns * step, position % columns * step
        enlarged = _stretched(weights[i]).repeat(_DOTS, axis=0).repeat(_DOTS, axis=1)
        picture[y : y + size, x : x + size] = enlarged
    return picture


def _stretched(one: Weights) -> Image:
    low, high = one.min(), one.max()
    if high == low:
        return np.full(one.shape, 128, np.uint8)
    return np.asarray(np.round((one - low) / (high - low) * 255), np.uint8)


def _tiles(bank: Bank) -> list[tuple[str, Image]]:
    if bank.colour == "rgb" and bank.weights.shape[1] == 3:
        return [(bank.label, mosaic(bank.weights.transpose(0, 2, 3, 1)))]
    planes = range(bank.weights.shape[1])
    names = _PLANES.get(bank.colour, ("",))
    if len(names) != len(planes):
        names = tuple(f" plane {i + 1}" for i in planes)
    return [(bank.label + names[i], mosaic(bank.weights[:, i])) for i in planes]


def _draw(tiles: Sequence[tuple[str, Image]], caption: str, form: Form) -> Figure:
    columns = min(_COLUMNS, len(tiles))
    each = (DOUBLE_COLUMN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    used = columns * (each + _GAP) - _GAP
    width = max(used, 2 * each)
    names = [fitted_lines(printable(name), each) for name, _ in tiles]
    text = LINE * max(len(lines) for lines in names)
    space = Margins(0, width - used, _GAP, top=0, bottom=text + _GAP, foot=0.06)
    figure, panels = draw_grid(Grid(len(tiles), columns, width, each, space, [], caption, form))
    for axes, (_, picture), lines in zip(panels, tiles, names):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.set_axis_off()
        _name(figure, axes, lines)
    return figure


def _name(figure: Figure, axes: Axes, lines: Sequence[str]) -> None:
    """Write the lines under a panel."""
    box, line = axes.get_position(original=True), LINE / figure.get_figheight()
    for i, text in enumerate(lines):
        y = box.y0 - (i + 0.5) * line
        figure.text((box.x0 + box.x1) / 2, y, text, ha="center", va="center")
