"""A graph that an engine runs (ONNX, OpenVINO, TorchScript) as a model: what it takes is tried."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from sr_bench.networks.foreign.conventions import Call, ForeignModel, Padding, padding_of
from sr_bench.networks.foreign.fixed import FixedSize
from sr_bench.networks.foreign.probe import SIZES, probe
from sr_bench.networks.method import ModelColour
from sr_bench.networks.opened import OpenedModel, OpenOptions
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256

Layout = Literal["NCHW", "NHWC"]
_LARGEST = 1 << 24  # pixels of an input of fixed size
_COLOURS: dict[int, ModelColour] = {3: "rgb", 1: "y"}


@dataclass(frozen=True)
class Graph:
    """What an engine loaded.

    Args:
        shape: of its input; ``None`` where a side is free.
        dtype: of its input.
        run: on a tensor of that type and shape.
        network: the PyTorch network behind it, where there is one.
    """

    shape: tuple[int | None, ...]
    dtype: torch.dtype
    run: Call
    network: torch.nn.Module | None = None


@dataclass(frozen=True)
class Engine:
    """What runs a graph, and the files that it was loaded from."""

    name: str
    path: Path
    others: tuple[Path, ...] = ()  # files beside it that hold its weights

    @property
    def sha256(self) -> str:
        """Of the file; of several a hash of their hashes."""
        hashes = [sha256(path) for path in (self.path, *self.others)]
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def open_graph(graph: Graph, engine: Engine, options: OpenOptions) -> OpenedModel:
    """The graph as a model: layout, channels and value range are those under which sr looks right.

    Raises:
        SrBenchError: if its input isn't one image, or it can't be called on one.
        WrongUse: for another scale than the one that is asked for.
    """
    path = engine.path
    _require_image(graph, path)
    ways = {id(model): (model, layout) for model, layout in _ways(graph, path, options)}
    fixed = _fixed_size(graph.shape)
    probed = probe(
        str(path),
        [model for model, _ in ways.values()],
        options,
        sizes=SIZES if fixed is None else [fixed],
        any_size=fixed is None,
    )
    model, layout = ways[id(probed.model)]
    told = (*_taken(graph, model, layout, fixed), *probed.notes, *_others(engine))
    return OpenedModel(
        path.stem, model, probed.scale, engine.name, engine.sha256, told, model.options
    )


def _require_image(graph: Graph, path: Path) -> None:
    if len(graph.shape) != 4 or graph.shape[0] not in (1, None):
        raise SrBenchError(
            f"{path}: its input is {_shown(graph.shape)}, expected one image: (1, C, h, w) or "
            "(1, h, w, C); export it again, or wrap it in a function: file.py:function"
        )
    fixed = _fixed_size(graph.shape)
    if fixed is not None and not 0 < fixed[0] * fixed[1] <= _LARGEST:
        raise SrBenchError(
            f"{path}: its input is {_shown(graph.shape)}, expected at most {_LARGEST:,} pixels; "
            "export it again for smaller images, or with free sides"
        )
    if not list(_layouts(graph.shape)):
        raise SrBenchError(
            f"{path}: its input is {_shown(graph.shape)}, with neither 1 nor 3 channels; wrap it "
            "in a function: file.py:function"
        )


def _layouts(shape: tuple[int | None, ...]) -> Iterator[tuple[Layout, int]]:
    """Layouts and channels that an input may have."""
    for layout, axis in (("NCHW", 1), ("NHWC", 3)):
        yield from ((layout, c) for c in _COLOURS if shape[axis] == c)  # type: ignore[misc]
    if shape[1] is None and shape[3] is None:
        yield from (("NCHW", 3), ("NCHW", 1), ("NHWC", 3), ("NHWC", 1))


def _ways(graph: Graph, path: Path, options: OpenOptions) -> Iterator[tuple[ForeignModel, Layout]]:
    fixed = _fixed_size(graph.shape)
    for layout, channels in _layouts(graph.shape):
        for white in _whites(graph, options):
            call: Call = partial(_called, graph.run, graph.dtype, layout)
            padding = padding_of(options)
            if fixed is not None:
                call = FixedSize(str(path), call, fixed, white=white)
                padding = _to_fixed(padding, fixed, options)
            yield (
                ForeignModel(
                    call, _COLOURS[channels], white, padding, options, network=graph.network
                ),
                layout,
            )


def _whites(graph: Graph, options: OpenOptions) -> tuple[float, ...]:
    if graph.dtype == torch.uint8:
        return (255.0,)
    return (1.0, 255.0) if options.value_range == 1 else (options.value_range,)


def _to_fixed(padding: Padding, fixed: tuple[int, int], options: OpenOptions) -> Padding:
    """Where padding was told, smaller images grow to the size."""
    return padding if options.multiple_of == 1 else Padding(padding.multiple, fixed, padding.mode)


def _fixed_size(shape: tuple[int | None, ...]) -> tuple[int, int] | None:
    layout, _ = next(iter(_layouts(shape)), ("NCHW", 3))
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    return None if height is None or width is None else (height, width)


def _called(run: Call, dtype: torch.dtype, layout: Layout, lr: torch.Tensor) -> torch.Tensor:
    """A graph on an image of (1, C, h, w), in its own layout and type."""
    seen = lr if layout == "NCHW" else lr.permute(0, 2, 3, 1)
    if dtype == torch.uint8:
        seen = seen.clamp(0, 255).round()
    sr = run(seen.contiguous().to(dtype))
    sr = sr if layout == "NCHW" or sr.ndim != 4 else sr.permute(0, 3, 1, 2)
    return sr.float()


def _taken(
    graph: Graph, model: ForeignModel, layout: Layout, fixed: tuple[int, int] | None
) -> list[str]:
    """What it takes, as tried."""
    planes = "Y" if model.colour == "y" else "B, G, R" if model.bgr else "R, G, B"
    kind = str(graph.dtype).removeprefix("torch.")
    notes = [f"takes {planes} as {layout}, {kind} from 0 to {model.value_range:g}"]
    if fixed is None:
        return notes
    call = model.call
    assert isinstance(call, FixedSize)
    with torch.inference_mode():
        reach = call.reach(1 if model.colour == "y" else 3)
    size = f"takes images of {fixed[0]} x {fixed[1]} only"
    if 2 * reach >= min(fixed):
        return [*notes, f"{size}; larger ones can't be tiled exactly"]
    return [*notes, f"{size}; larger ones in tiles, exactly: its reach is {reach} pixels, measured"]


def _others(engine: Engine) -> list[str]:
    names = ", ".join(path.name for path in engine.others)
    return [f"weights in {names}; the hash is of both files"] if names else []


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"
