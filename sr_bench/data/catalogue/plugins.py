"""Installed packages that bring something to sr-bench, by their entry points.

Groups: ``sr_bench.methods`` (a module, or a package, of method files), ``sr_bench.catalogue`` (a
package with ``sources.yaml`` or ``protocols.yaml``) and ``sr_bench.metrics`` (a function).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from types import ModuleType
from typing import Any, Literal, TypeVar

from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice_about
from sr_bench.support.version import __version__

Group = Literal["sr_bench.methods", "sr_bench.catalogue", "sr_bench.metrics"]
Made = TypeVar("Made")
PACKAGED = f"sr-bench {__version__}"  # the origin of what the package itself brings


@dataclass(frozen=True)
class Plugin:
    """One entry point of an installed package."""

    entry: EntryPoint

    @property
    def name(self) -> str:
        """What its package calls it."""
        return self.entry.name

    @property
    def origin(self) -> str:
        """The package that brings it, and its version."""
        dist = self.entry.dist
        return f"{dist.name} {dist.version}" if dist else self.entry.value

    def __str__(self) -> str:
        return f"plug-in {self.name} of {self.origin}"


def plugins(group: Group) -> list[Plugin]:
    """The plug-ins of a group, in the order of their names."""
    found = {entry.name: entry for entry in entry_points(group=group)}  # a path may be there twice
    return [Plugin(found[name]) for name in sorted(found)]


def usable(group: Group, make: Callable[[Plugin, Any], Made]) -> Iterator[tuple[Plugin, Made]]:
    """What ``make`` makes of each plug-in and of what it loads.

    One that fails is named on stderr with the reason, and the others go on.
    """
    for plugin in plugins(group):
        try:
            made = make(plugin, plugin.entry.load())
        except (Exception, SystemExit) as error:
            said = " ".join(str(error).split())
            notice_about(str(plugin), f"left out: {type(error).__name__}: {said}")
            continue
        yield plugin, made


@dataclass(frozen=True)
class CatalogueFile:
    """A file of entries, what errors call it, and whose it is."""

    where: str
    content: bytes
    origin: str


def usable_files(name: str, read: Callable[[list[CatalogueFile]], object]) -> list[CatalogueFile]:
    """The packaged file, and those of plug-ins that ``read`` takes together with it.

    One that it doesn't take (a wrong entry, a name that is there already) is named and left out.
    """
    found = [packaged_file(name)]
    for file in catalogue_files(name):
        try:
            read([*found, file])
        except SrBenchError as error:
            notice_about(f"plug-in {file.origin}", f"left out: {error}")
            continue
        found.append(file)
    return found


def packaged_file(name: str) -> CatalogueFile:
    """A catalogue file of sr-bench itself."""
    content = files("sr_bench.data.catalogue").joinpath(name).read_bytes()
    return CatalogueFile(f"sr_bench/data/catalogue/{name}", content, PACKAGED)


def catalogue_files(name: str) -> list[CatalogueFile]:
    """The files of that name that plug-ins bring."""

    def read(plugin: Plugin, package: ModuleType) -> CatalogueFile | None:
        file = files(package).joinpath(name)
        if not file.is_file():
            return None
        return CatalogueFile(f"{package.__name__}/{name}", file.read_bytes(), plugin.origin)

    return [file for _, file in usable("sr_bench.catalogue", read) if file]
