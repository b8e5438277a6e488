"""Checkpoints' pickles, read and not followed: what they name, and how large they make things.

``torch.load(weights_only=True)`` calls nothing but what builds tensors and plain containers. A few
of these make objects of any size from a few bytes, and releases before 2.10 had holes: so a pickle
is judged here before PyTorch follows it.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import torch

from sr_bench.support.filetype import describe

Instruction = tuple[pickletools.OpcodeInfo, Any]  # and its argument

_PARTS = 5  # pickles that an old checkpoint begins with
_PLAIN = ("torch", "collections", "_codecs")  # modules that a checkpoint of tensors names
_ALSO_PLAIN = ("builtins.set", "builtins.complex", "__builtin__.set", "__builtin__.complex")
_PARAMETER = "torch.nn.parameter.Parameter"
LARGEST_TUPLE = 1_000_000  # values, those in its tuples counted as often as they are in it


def instructions(path: Path) -> Iterator[Instruction]:
    """The instructions of a checkpoint's pickles, as PyTorch will read them.

    Raises:
        Exception: where it isn't a pickle, or a damaged one; in many ways.
    """
    if describe(path) == "a zip archive":
        yield from _of(torch._C.PyTorchFileReader(str(path)).get_record("data.pkl"))
        return
    with path.open("rb") as whole:
        for _ in range(_PARTS):
            yield from _of(whole)
            if not whole.peek(1):
                return


def _of(pickled: IO[bytes] | bytes) -> Iterator[Instruction]:
    return ((code, argument) for code, argument, _ in pickletools.genops(pickled))


def code_in(path: Path) -> list[str]:
    """What the pickle names that a checkpoint of tensors doesn't, as ``__main__.Net``."""
    return [name for name in _names(_until_damage(path)) if not _is_plain(name)]


def words_in(path: Path) -> Iterator[str]:
    """The texts in it, keys among them."""
    found = _until_damage(path)
    return (text for code, text in found if "UNICODE" in code.name and isinstance(text, str))


def has_endless_tuple(path: Path) -> bool:
    """Whether a tuple stands for more than :data:`LARGEST_TUPLE` values.

    One that holds another twice, that one a third twice, and so on, takes some bytes a level, and
    twice the time to hash or to print with each.
    """
    stack = _Sizes()
    try:
        return any(stack.follow(*each) > LARGEST_TUPLE for each in _until_damage(path))
    except IndexError:  # it takes more than there is, which ends PyTorch's reading too
        return False


class _Sizes:
    """The stack of an unpickler, with the size of each tuple in the place of values."""

    def __init__(self) -> None:
        self.stack: list[int] = []
        self.marked: list[list[int]] = []
        self.memo: dict[int, int] = {}

    def follow(self, code: pickletools.OpcodeInfo, argument: Any) -> int:
        """The size of what the instruction leaves on top."""
        name = code.name
        if name == "MARK":
            self.marked.append(self.stack)
            self.stack = []
        elif name.endswith("PUT"):
            self.memo[argument] = self.stack[-1]
        elif name.endswith("GET"):
            self.stack.append(self.memo.get(argument, 1))
        else:
            taken = self._take(code.stack_before)
            size = 1 + sum(taken) if name.startswith("TUPLE") or name == "REDUCE" else 1
            self.stack += [size] * len(code.stack_after)
        return self.stack[-1] if self.stack else 0

    def _take(self, before: Iterable[pickletools.StackObject]) -> list[int]:
        """What an instruction takes off: so many, or all above the last mark and so many below."""
        wanted = list(before)
        taken: list[int] = []
        if pickletools.markobject in wanted:
            taken, self.stack = self.stack, self.marked.pop()
            wanted = wanted[: wanted.index(pickletools.markobject)]
        for _ in wanted:
            taken.append(self.stack.pop())
        return taken


def _until_damage(path: Path) -> Iterator[Instruction]:
    try:
        yield from instructions(path)
    except Exception:  # PyTorch will meet it too; what was read so far is all there is to judge
        return


def _names(found: Iterable[Instruction]) -> list[str]:
    names: dict[str, None] = {}
    recent: list[str] = []
    for code, argument in found:
        if isinstance(argument, str):
            recent = [*recent[-1:], argument]
        if code.name == "GLOBAL":
            names[str(argument).replace(" ", ".")] = None
        elif code.name == "STACK_GLOBAL":
            names[".".join(recent)] = None
    return list(names)


def _is_plain(name: str) -> bool:
    if name.startswith("torch.nn."):
        return name == _PARAMETER
    return name.partition(".")[0] in _PLAIN or name in _ALSO_PLAIN
