"""Methods that need no project: those that sr-bench brings, and those of installed plug-ins."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from sr_bench.data.catalogue.plugins import PACKAGED, Plugin, usable
from sr_bench.networks.method import Method
from sr_bench.networks.method_files import method_files
from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice_about
from sr_bench.support.packaged import packaged_folder


@lru_cache(maxsize=1)
def plugin_folders() -> dict[Path, str]:
    """Folders of method files that plug-ins bring, each with its origin.

    One that fails, or whose method has a name that is taken, is named and left out.
    """
    found: dict[Path, str] = {}
    for plugin, folder in usable("sr_bench.methods", _folder):
        try:
            method_files([packaged_folder(), *found, folder])
        except SrBenchError as error:
            notice_about(str(plugin), f"left out: {error}")
            continue
        found[folder] = plugin.origin
    return found


def _folder(plugin: Plugin, package: ModuleType) -> Path:
    spec = find_spec(package.__name__)
    if spec is None or not spec.submodule_search_locations:
        raise SrBenchError(f"{package.__name__} is no package; name one that holds method files")
    return Path(spec.submodule_search_locations[0])


def installed_folders() -> list[Path]:
    """The folders of all installed methods: sr-bench's own first."""
    return [packaged_folder(), *plugin_folders()]


def installed_methods() -> dict[str, tuple[Path, Method]]:
    """All installed methods by name, each with its file."""
    return method_files(installed_folders())


def origin_of(file: Path) -> str:
    """Who brings a method file: sr-bench, a plug-in, or the project that it lies in."""
    if file.parent == packaged_folder():
        return PACKAGED
    return plugin_folders().get(file.parent, str(file))
