"""Pairing the files of an sr folder with those of an hr folder by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sr_bench.errors import SrBenchError
from sr_bench.images import listing


@dataclass(frozen=True)
class NamePair:
    """Two files that are the same picture."""

    name: str  # hr's stem
    sr: Path
    hr: Path


def pair_folders(sr: Path, hr: Path, *, scale: int) -> list[NamePair]:
    """Pair every image of ``hr`` with exactly one of ``sr``.

    Names agree when they are equal, or equal once marks at their end are dropped: the scale
    (``_x4``, ``x4``, ``_SRF_4``) and what the file is (``_HR``, ``_GT``, ``_SR``, ``_out``); or
    when sr's name is hr's and then a method's (``img_x4_edsr``).

    Raises:
        SrBenchError: naming every file that has no partner, or more than one.
    """
    hrs, srs = listing(hr), listing(sr)
    matches = {h: _matches(h, hrs, srs, scale) for h in hrs}
    problems = [f"{h.name} has no sr image" for h, found in matches.items() if not found]
    problems += [
        f"{h.name} could be {' or '.join(s.name for s in found)}"
        for h, found in matches.items()
        if len(found) > 1
    ]
    taken = [s for found in matches.values() for s in found]
    problems += [f"{s.name} has no hr image" for s in srs if s not in taken]
    problems += [f"{s.name} fits {taken.count(s)} hr images" for s in srs if taken.count(s) > 1]
    if problems:
        shown = "; ".join(problems[:8]) + (
            f"; and {len(problems) - 8} more" if problems[8:] else ""
        )
        raise SrBenchError(
            f"{sr} ({len(srs)} images) doesn't pair with {hr} ({len(hrs)} images) "
            f"at scale {scale}: "
            f"{shown}; rename, add or move away these files"
        )
    return [NamePair(h.stem, matches[h][0], h) for h in hrs]


def _matches(hr: Path, hrs: list[Path], srs: list[Path], scale: int) -> list[Path]:
    """The sr files of the first rule that any fits."""
    exact = [s for s in srs if s.stem == hr.stem]
    if exact:
        return exact
    key = _key(hr.stem, scale)
    same = [s for s in srs if _key(s.stem, scale) == key and s.stem not in {h.stem for h in hrs}]
    if same:
        return same
    keys = {_key(h.stem, scale) for h in hrs}
    return [s for s in srs if _begins(_key(s.stem, scale), key, keys, scale)]


def _key(stem: str, scale: int) -> str:
    """The name without the marks at its end."""
    mark = rf"(?:[_-]?x{scale}|[_-]{scale}x|[_-]SRF[_-]{scale}|[_-](?:HR|GT|SR|out|output))$"
    while True:
        shorter = re.sub(mark, "", stem, flags=re.IGNORECASE)
        if shorter in (stem, ""):
            return stem
        stem = shorter


def _begins(sr: str, key: str, keys: set[str], scale: int) -> bool:
    """Whether sr's name is ``key`` and then a method's, and no longer hr name fits better."""
    rest = sr.removeprefix(key)
    if rest == sr or sr in keys or not re.match(r"[_-]?x\d|[_-]", rest):
        return False
    other = re.match(r"[_-]?(?:x|SRF[_-])(\d+)", rest, flags=re.IGNORECASE)
    if other and int(other[1]) != scale:
        return False
    return not any(k != key and len(k) > len(key) and sr.startswith(k) for k in keys)
