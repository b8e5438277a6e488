"""PyTorch checkpoints and safetensors files in: known by their content; code is never unpickled."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

import torch

from sr_bench.networks.limits import most_bytes
from sr_bench.networks.pickles import code_in, has_endless_tuple, words_in
from sr_bench.networks.safetensors_files import is_safetensors, read_safetensors
from sr_bench.networks.unwrap import some, unwrap
from sr_bench.support.errors import SrBenchError
from sr_bench.support.filetype import describe
from sr_bench.support.notices import notice
from sr_bench.support.zips import open_zip

_TENSOR = re.compile(r"[\w.]+\.(weight|bias|running_mean|running_var|alpha|beta|gamma)")

Read = tuple[dict[str, torch.Tensor], list[str]]  # the tensors of a file, and what was done
_kept: ContextVar[dict[tuple[Path, str | None], Read] | None] = ContextVar("kept", default=None)


def read_checkpoint(path: Path, *, take: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a PyTorch checkpoint or a safetensors file, by key; floats as float32.

    Weights inside ``state_dict``, ``params``, ``model``, ``net_g`` and the like are found at any
    depth; a moving average of them is preferred. One line on stderr says what was done. Only
    tensors and plain containers are unpickled.

    Args:
        path: the file; what it is follows from its content, not from its name.
        take: the name of the network to take, where a file holds several: ``params``, ``net_g``.

    Raises:
        SrBenchError: for another kind of file, a damaged one, one that would have to run code to
            be read, and one without tensors, with the keys that are there.
    """
    kept = _kept.get()
    state, notes = (kept or {}).get((path, take)) or _read(path, take)
    if kept is not None:
        kept[path, take] = (state, notes)
    if notes:
        notice(path, "; ".join(notes))
    return dict(state)


def _read(path: Path, take: str | None) -> Read:
    moved: set[str] = set()
    content = read_safetensors(path) if is_safetensors(path) else _unpickled(path, moved)
    found = unwrap(content, path, take)
    _refuse_unbacked(found.state, path)
    state, converted = _as_float32(found.state, path)
    devices = [f"tensors of {', '.join(sorted(moved))} are taken to the CPU"] if moved else []
    return state, [*found.notes, *devices, *converted]


@contextmanager
def reading_once() -> Iterator[None]:
    """Keep what was read of a file, for many looks at it: as long as this lasts."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def _unpickled(path: Path, moved: set[str]) -> Any:
    """What a checkpoint holds; ``moved`` gets the devices that its tensors were on."""

    def to_cpu(storage: Any, device: str) -> Any:
        moved.update({str(device)} - {"cpu"})
        return storage  # it was read into the CPU's memory

    _refuse_others(path)
    _refuse_code(path)
    try:
        return torch.load(path, map_location=to_cpu, weights_only=True)
    except Exception as error:  # PyTorch too, from RuntimeError to struct.error
        _refuse_damaged(path, error)


def _refuse_others(path: Path) -> None:
    """Say what a file is that isn't a checkpoint of today's PyTorch."""
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; fetch it, or check the path")
    kind, remedy = describe(path), "fetch the weights' own file"
    if kind == "a zip archive":
        found = _of_zip(path)
        if found is None:
            return
        kind, remedy = found
    elif kind == "a tar archive":
        kind = "a tar archive, as PyTorch before 0.1.10 wrote checkpoints"
        remedy = "save its tensors as safetensors with a program that reads it"
    elif kind == "a pickle":
        return
    elif kind == "a Git LFS pointer":
        remedy = "it names the file's hash and size, the file itself isn't here: run git lfs pull"
    elif kind == "an HTML page":
        remedy = "the site sent a page instead of the file: download it in a browser"
    size = path.stat().st_size
    raise SrBenchError(f"{path}: {kind} ({size} bytes), not a checkpoint; {remedy}")


def _of_zip(path: Path) -> tuple[str, str] | None:
    """What a zip archive is, and the remedy; ``None`` for a checkpoint."""
    if not zipfile.is_zipfile(path):
        _refuse_damaged(path)
    with open_zip(path, remedy="fetch it again", most=most_bytes(path)) as bundle:
        names = bundle.namelist()
    if any(n.endswith("/constants.pkl") or "/code/" in n for n in names):
        return (
            "a TorchScript archive, which is a program with its weights",
            "where you trust it, save its state_dict: "
            "torch.save(torch.jit.load('FILE').state_dict(), 'WEIGHTS.pth')",
        )
    if any(n.endswith("data.pkl") for n in names):
        return None
    if names and all(n.endswith(".npy") for n in names):
        arrays = some([n.removesuffix(".npy") for n in names])
        return (
            f"a NumPy archive (.npz) with {arrays}",
            "save its arrays as safetensors: safetensors.numpy.save_file(dict(np.load('FILE')), "
            "'WEIGHTS.safetensors')",
        )
    return f"a zip archive with {some(names) or 'nothing'}", "unpack it and name the file inside"


def _refuse_code(path: Path) -> None:
    """Refuse what isn't made of tensors and plain containers alone."""
    code = code_in(path)
    if not code:
        if has_endless_tuple(path):
            raise SrBenchError(
                f"{path}: refused: a tuple in it holds itself over and over, which no checkpoint "
                "of tensors needs; fetch the weights' own file"
            )
        return
    strings = list(dict.fromkeys(words_in(path)))
    keys = [w for w in strings if _TENSOR.fullmatch(w)]
    whole = {"_parameters", "_modules"} <= set(strings)
    what = "a whole model, pickled with its class" if whole else "it holds objects"
    raise SrBenchError(
        f"{path}: refused: it isn't a checkpoint of tensors alone ({what}: {some(code)}); its keys "
        f"are {some(keys) or 'not named'}. Loading it could run code: save its state_dict, or "
        "convert it to safetensors where you trust it"
    )


def _refuse_damaged(path: Path, error: Exception | None = None) -> NoReturn:
    raise SrBenchError(
        f"{path}: not a readable checkpoint: it begins as {describe(path)} and is damaged or cut "
        f"off after {path.stat().st_size} bytes; fetch it again"
    ) from error


def _refuse_unbacked(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Tensors without values, or of more than the file holds: a view that repeats one value."""
    without = [key for key, value in state.items() if value.device.type != "cpu"]
    if without:
        raise SrBenchError(f"{path}: tensors without values: {some(without)}; save it again")
    whole = sum(v.numel() * v.element_size() for v in state.values())
    if whole > most_bytes(path):
        raise SrBenchError(
            f"{path}: refused: its tensors would take {whole:,} bytes, the file has "
            f"{path.stat().st_size:,}: they repeat values, or have none; save its state_dict with "
            "contiguous tensors"
        )


def _as_float32(
    state: dict[str, torch.Tensor], path: Path
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Floats of any precision as float32, and a note of it; other kinds of numbers are refused."""
    odd = [
        f"{k} ({v.dtype})".replace("torch.", "")
        for k, v in state.items()
        if v.is_complex() or v.is_quantized or v.layout != torch.strided
    ]
    if odd:
        raise SrBenchError(
            f"{path}: complex, quantized or sparse tensors: {some(odd)}; weights are dense real "
            "numbers: save them as such"
        )
    changed = [
        v.dtype for v in state.values() if v.is_floating_point() and v.dtype != torch.float32
    ]
    made = {k: v.detach().float() if v.is_floating_point() else v for k, v in state.items()}
    kinds = " and ".join(sorted({str(dtype).removeprefix("torch.") for dtype in changed}))
    return made, [f"{len(changed)} tensors converted from {kinds} to float32"] if changed else []
