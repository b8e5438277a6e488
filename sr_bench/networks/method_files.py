"""Method files: loading one, all of a folder, and the one of a name."""

from __future__ import annotations

from pathlib import Path

from sr_bench.networks.method import Method
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.user_code import import_file


def load_method(path: Path) -> Method:
    """Import a method file by its path and return its ``METHOD``.

    Raises:
        SrBenchError: if the file is missing, fails to import, or holds no ``METHOD``.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such method file; methods are files named <method>.py")
    try:
        module = import_file(path, f"sr_bench_method_{path.stem}")
    except SrBenchError as error:  # a field that holds something else
        raise SrBenchError(f"{path}: {error}; see methods/README.md") from error
    except (Exception, SystemExit) as error:
        raise SrBenchError(f"{path}: fails on import with {error!r}; mend the file") from error
    method = getattr(module, "METHOD", None)
    if not isinstance(method, Method):
        raise SrBenchError(
            f"{path}: METHOD is {_description(method)}, expected sr_bench.networks.method.Method; "
            "see methods/README.md"
        )
    return method


def _description(method: object) -> str:
    if method is Method:
        return "the class Method itself, without its fields"
    return "missing" if method is None else type(method).__name__


def load_methods(folders: list[Path]) -> dict[str, Method]:
    """All methods of the folders by name.

    Raises:
        SrBenchError: for a missing folder, or two files whose methods have one name.
    """
    return {name: method for name, (_, method) in method_files(folders).items()}


def method_files(folders: list[Path]) -> dict[str, tuple[Path, Method]]:
    """All methods of the folders by name, each with its file.

    Raises:
        SrBenchError: as :func:`load_methods`.
    """
    found: dict[str, tuple[Path, Method]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SrBenchError(f"{folder}: no such folder of methods; correct params.yaml: methods")
        for path in sorted(folder.glob("[!_]*.py")):
            method = load_method(path)
            if method.name in found:
                raise SrBenchError(
                    f"{path}: its method is called '{method.name}', and so is that of "
                    f"{found[method.name][0]}; rename one"
                )
            found[method.name] = (path, method)
    return found


def find_method(name: str, folders: list[Path]) -> Method:
    """The method of that name, or an error that suggests one."""
    return find_method_file(name, folders)[1]


def find_method_file(name: str, folders: list[Path]) -> tuple[Path, Method]:
    """The file of that method and what is in it, or an error that suggests one."""
    methods = method_files(folders)
    if name not in methods:
        where = ", ".join(str(f) for f in folders)
        raise unknown("method", name, methods, where=where)
    return methods[name]
