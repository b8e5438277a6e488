"""Pairing the files of an sr folder with those of an hr folder by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sr_bench.imaging.images import Skip, listing, name_of
from sr_bench.support.errors import SrBenchError

_MARKS = r"[_-]?x{0}|[_-]{0}x|[_-]SRF[_-]{0}|[_-](?:HR|GT|SR|out|output)"
_SCALES = re.compile(r"(?<![a-z0-9])(?:SR)?(?:x(\d+)|(\d+)x|SRF[_-](\d+))(?![a-z0-9])", re.I)
_BEGIN = re.compile(r"[_-]|x\d", re.IGNORECASE)  # of what may follow hr's name
_NUMBER = re.compile(r"[_-](\d+)(?![a-z0-9])", re.I)
_ITERATION = re.compile(r"[_-][1-9]\d{3,}")  # BasicSR's images: img_500000
_SHOWN = 8  # problems that a message lists


@dataclass(frozen=True)
class NamePair:
    """Two files that are the same picture."""

    name: str  # hr's stem
    sr: Path
    hr: Path


def pair_folders(sr: Path, hr: Path, *, scale: int, skip: Skip | None = None) -> list[NamePair]:
    """Pair every image of ``hr`` with exactly one of ``sr``.

    Names agree when they are equal, or equal once marks at their end are dropped: the scale
    (``_x4``, ``x4``, ``_SRF_4``) and what the file is (``_HR``, ``_GT``, ``_SR``, ``_out``); or
    when sr's name is hr's and then a method's (``img_x4_edsr``). Of several hr names the one that
    needs the fewest marks dropped is meant, then the longest.

    Raises:
        SrBenchError: naming every file that has no partner, or more than one.
    """
    hrs, srs = listing(hr, skip=skip), listing(sr, skip=skip)
    names = _Names(hrs, scale)
    partners = names.by_one_ending(srs) or {s: names.find(s) for s in srs}
    found: dict[Path, list[Path]] = {h: [] for h in hrs}
    for s, fitting in partners.items():
        for h in fitting:
            found[h].append(s)
    if problems := _problems(found, partners):
        shown = "; ".join(problems[:_SHOWN]) + (
            f"; and {len(problems) - _SHOWN} more" if problems[_SHOWN:] else ""
        )
        alone = [s for s, fitting in partners.items() if not fitting]
        raise SrBenchError(
            f"{sr} ({len(srs)} images) doesn't pair with {hr} ({len(hrs)} images) "
            f"at scale {scale}: {shown}; {_other_scale(alone, hrs, scale)}"
            "rename, add or move away these files"
        )
    return [NamePair(h.stem, found[h][0], h) for h in hrs]


def _problems(found: dict[Path, list[Path]], partners: dict[Path, list[Path]]) -> list[str]:
    problems = [f"{h.name} has no sr image" for h, srs in found.items() if not srs]
    problems += [
        f"{h.name} could be {' or '.join(s.name for s in srs)}"
        for h, srs in found.items()
        if len(srs) > 1
    ]
    problems += [f"{s.name} has no hr image" for s, hrs in partners.items() if not hrs]
    return problems + [
        f"{s.name} fits {len(hrs)} hr images" for s, hrs in partners.items() if len(hrs) > 1
    ]


def _other_scale(alone: Sequence[Path], hrs: Sequence[Path], scale: int) -> str:
    """The remedy where names carry another scale than the one asked for."""
    for other in range(2, 17):
        names = _Names(hrs, other)
        first = next((s for s in alone[:100] if other != scale and names.find(s)), None)
        if first:
            return (
                f"{first.name} names scale {other}, --scale is {scale}: is one of them wrong? Or "
            )
    return ""


class _Names:
    """The hr files by every name that an sr file may call them."""

    def __init__(self, hrs: Sequence[Path], scale: int):
        self.scale = scale
        self.mark = re.compile(rf"(?:{_MARKS.format(scale)})$", re.IGNORECASE)
        self.whole = {name_of(hr): [hr] for hr in hrs}
        self.by_name: dict[str, list[Path]] = {}
        # Names with fewer marks dropped come first, and none of more is added to them.
        levels: list[dict[str, list[Path]]] = []
        for hr in hrs:
            for level, name in enumerate(self.forms(name_of(hr))):
                if level and self._foreign(name):  # made for another scale: img_x2_HR
                    break
                if level == len(levels):
                    levels.append(defaultdict(list))
                levels[level][name].append(hr)
        for names in levels:
            for name, paths in names.items():
                self.by_name.setdefault(name, paths)

    def forms(self, name: str) -> Iterator[str]:
        """The name, and what is left as its marks are dropped one by one."""
        yield name
        while (shorter := self.mark.sub("", name)) not in (name, ""):
            name = shorter
            yield name

    def by_one_ending(self, srs: Sequence[Path]) -> dict[Path, list[Path]]:
        """Partners where every sr name is an hr name and one ending that all share; else empty.

        It is asked first: it knows that ``box_x2`` is of ``box`` where ``box_x2_x2`` is there too.
        """
        names = {name_of(s): s for s in srs}
        longer = sum(map(len, names)) - sum(map(len, self.whole))
        length = longer // len(names)
        ending = next(iter(names))[-length:] if length > 0 else ""
        if len(names) != len(self.whole) or not ending or not self._is_method(ending):
            return {}
        found = {s: self.whole.get(name.removesuffix(ending), []) for name, s in names.items()}
        return found if len({h for hrs in found.values() for h in hrs}) == len(names) else {}

    def find(self, sr: Path) -> list[Path]:
        """The hr files that an sr file is: none, one, or several that fit alike."""
        name = name_of(sr)
        for candidate in (*self.forms(name), *self._before_a_method(name)):
            if candidate in self.by_name:
                return self.by_name[candidate]
        return []

    def _before_a_method(self, name: str) -> Iterator[str]:
        """What may be hr's name where the rest is a method's, the longest first."""
        for start in range(len(name) - 1, 0, -1):
            if name[start] in "_-xX" and self._is_method(name[start:]):
                yield name[:start]

    def _is_method(self, rest: str) -> bool:
        """Not so where it names another scale, or another image of a series: ``_x2``, ``_002``."""
        if not _BEGIN.match(rest) or self._foreign(rest):
            return False
        number = _NUMBER.match(rest)
        return not number or int(number[1]) == self.scale or bool(_ITERATION.fullmatch(rest))

    def _foreign(self, text: str) -> bool:
        """Whether a text names scales, and not the one asked for."""
        scales = {int(next(filter(None, m.groups()))) for m in _SCALES.finditer(text)}
        return bool(scales) and self.scale not in scales
