"""Caffe's .caffemodel files as named tensors, without Caffe: the few fields of its protobuf.

A file is a ``NetParameter`` of layers, each with a name and its blobs: filters, then biases. Its
filters have PyTorch's order of axes, (out, in, h, w); those of a deconvolution (in, out, h, w).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from sr_bench.support.errors import SrBenchError
from sr_bench.support.filetype import describe

_LAYER, _LAYER_NAME, _LAYER_BLOBS = 100, 1, 7  # of NetParameter; of LayerParameter
_BLOB_DATA, _BLOB_SHAPE, _SHAPE_DIM = 5, 7, 1  # of BlobProto; of BlobShape
_LEGACY_SHAPE = (1, 2, 3, 4)  # of BlobProto: num, channels, height, width
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types
_BITS = 64  # of a number, which takes ten bytes at most
_PARTS = ("weight", "bias")

Field = tuple[int, int | bytes]


def read_caffemodel(path: Path) -> dict[str, torch.Tensor]:
    """The layers' blobs, ``conv1`` as ``conv1.weight`` and ``conv1.bias``.

    Raises:
        SrBenchError: if the file is missing, is no caffemodel, or holds no weights.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; fetch it, or check the path")
    try:
        state = dict(_weights(path.read_bytes()))
    except (IndexError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise SrBenchError(
            f"{path}: not a readable caffemodel ({error}); it is {describe(path)}. Fetch it again"
        ) from error
    if not state:
        raise SrBenchError(
            f"{path}: a caffemodel without layers that have weights; is it the right file? Layers "
            "of Caffe's older format (V1LayerParameter) aren't read: upgrade_net_proto_binary "
            "converts them"
        )
    return state


def write_caffemodel(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """A file that :func:`read_caffemodel` reads: for made-up weights."""
    layers: dict[str, bytes] = {}
    for key, value in state.items():
        name = key.rpartition(".")[0]
        shape = b"".join(_varint(size) for size in value.shape)
        data = value.detach().numpy().astype("<f4").tobytes()
        blob = _bytes(_BLOB_DATA, data) + _bytes(_BLOB_SHAPE, _bytes(_SHAPE_DIM, shape))
        start = layers.get(name, _bytes(_LAYER_NAME, name.encode()))
        layers[name] = start + _bytes(_LAYER_BLOBS, blob)
    path.write_bytes(b"".join(_bytes(_LAYER, layer) for layer in layers.values()))


def _weights(content: bytes) -> Iterator[tuple[str, torch.Tensor]]:
    for number, layer in _fields(content):
        if number != _LAYER or not isinstance(layer, bytes):
            continue
        name, blobs = b"".join(_parts(layer, _LAYER_NAME)).decode(), _parts(layer, _LAYER_BLOBS)
        if len(blobs) > len(_PARTS):
            raise ValueError(f"layer {name} has {len(blobs)} blobs, expected filters and biases")
        for part, blob in zip(_PARTS, blobs):
            yield f"{name}.{part}", _tensor(blob)


def _parts(message: bytes, wanted: int) -> list[bytes]:
    return [value for n, value in _fields(message) if n == wanted and isinstance(value, bytes)]


def _tensor(blob: bytes) -> torch.Tensor:
    """A blob's values in its shape; one that says no shape is a legacy one, of four axes."""
    shape: list[int] = []
    values: list[bytes] = []
    for number, value in _fields(blob):
        if number == _BLOB_DATA and isinstance(value, bytes):
            values.append(value)
        elif number == _BLOB_SHAPE and isinstance(value, bytes):
            shape = [size for n, v in _fields(value) if n == _SHAPE_DIM for size in _sizes(v)]
        elif number in _LEGACY_SHAPE and isinstance(value, int):
            shape.append(value)
    return torch.from_numpy(
        np.frombuffer(b"".join(values), "<f4").astype(np.float32).reshape(shape)
    )


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a protobuf message, in their order: number, and a number or bytes."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"field {number} is of wire type {kind}, which Caffe never writes")
        if at + size > len(message):
            raise ValueError(f"field {number} ends behind the end of its message: cut off?")
        yield number, message[at : at + size]
        at += size


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first; and where the next field begins."""
    value = shift = 0
    while shift < _BITS:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number without end at byte {at}")


def _sizes(packed: int | bytes) -> Iterator[int]:
    """A repeated number: packed into one field, or a field each."""
    if isinstance(packed, int):
        yield packed
        return
    at = 0
    while at < len(packed):
        value, at = _read_varint(packed, at)
        yield value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content
