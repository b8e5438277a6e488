"""The filters of a network's first layer as pictures, as in the SRCNN paper's figure 5."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from sr_bench.imaging.images import Image
from sr_bench.networks.method import Method, Model, Setup
from sr_bench.project.project import Project
from sr_bench.project.run_weights import noted_weights
from sr_bench.report.figures.speed import Plot
from sr_bench.report.figures.style import (
    DOUBLE_COLUMN,
    LINE,
    draw_foot,
    fitted_lines,
    new_figure,
    paper_style,
    printable,
    wrapped,
)
from sr_bench.report.names import Names, slug
from sr_bench.support.errors import SrBenchError

STEM = "filters"
_COLUMNS = 5
_GAP, _DOTS = 0.12, 4  # inches between panels; dots that a weight is enlarged to
_PLANES = {"y": ("",), "ycbcr": (" Y", " Cb", " Cr")}

Weights = NDArray[np.float64]  # (n, planes, f, f)


@dataclass(frozen=True)
class Bank:
    """The first layer of one run.

    Args:
        run: its name in tables.
        label: its name in the figure.
        weights: (n, planes, f, f).
        colour: what the planes are; three of ``rgb`` are shown as colours, others one by one.
    """

    run: str
    label: str
    weights: Weights
    colour: str


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
    with paper_style():
        figure = _draw(tiles, caption)
    return Plot(slug(STEM, method.name, f"x{scale}"), caption, figure, subjects, dpi=300)


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
    for place, i in enumerate(order):
        y, x = place // columns * step, place % columns * step
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


def _draw(tiles: Sequence[tuple[str, Image]], caption: str) -> Figure:
    columns = min(_COLUMNS, len(tiles))
    each = (DOUBLE_COLUMN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    width = max(columns * (each + _GAP) - _GAP, 2 * each)
    names = [fitted_lines(printable(name), each) for name, _ in tiles]
    text = LINE * max(len(lines) for lines in names)
    rows = -(-len(tiles) // columns)
    foot = wrapped(caption, width - 0.1)
    row = each + text + _GAP
    height = rows * row + LINE * len(foot) + 0.06
    figure = new_figure(width, height)
    draw_foot(figure, [], foot)
    for i, ((_, picture), lines) in enumerate(zip(tiles, names)):
        left, top = i % columns * (each + _GAP), height - i // columns * row
        box = (left / width, (top - each) / height, each / width, each / height)
        axes = figure.add_axes(box)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.set_axis_off()
        for j, line in enumerate(lines):
            y = top - each - (j + 0.5) * LINE
            x = (left + each / 2) / width
            figure.text(x, y / height, line, ha="center", va="center")
    return figure
