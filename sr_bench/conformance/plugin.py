"""The pytest plug-in: golden cases for your code, the contract for your method files.

Installed with the package, through the entry point ``pytest11``. A test that asks for ``conforms``
runs once for every golden case:

    import my_code  # has resize(...) and score(...), or one of them

    def test_agrees_with_matlab(conforms):
        conforms(my_code)

One that asks for ``obeys_contract`` runs once for every check of the method files that it names
(docs/add.md):

    @pytest.mark.method_file("methods/mine.py", weights="mine_x4.pth", scale=4)
    def test_contract(obeys_contract):
        obeys_contract()

``pytest -k resize`` chooses cases. This module is imported by every pytest run of the environment,
so it imports the rest only when a test asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sr_bench.conformance.method_contract import Check

_FOLDERS = pytest.StashKey[TemporaryDirectory[str]]()
_MARK = "method_file"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and a folder for made-up weights."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(path, weights=None, variant=None, scale=None, data='data'): the method file that "
        "obeys_contract checks; paths count from pytest's root",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove made-up weights."""
    if _FOLDERS in config.stash:
        config.stash[_FOLDERS].cleanup()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a golden case, or a check of a method file."""
    if "conforms" in metafunc.fixturenames:
        from sr_bench.conformance.golden import load_golden

        cases = load_golden().cases
        metafunc.parametrize("conforms", cases, ids=[c.name for c in cases], indirect=True)
    if "obeys_contract" in metafunc.fixturenames:
        marks = list(metafunc.definition.iter_markers(_MARK))
        if not marks:
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: name the file: @pytest.mark.{_MARK}('mine.py')"
            )
        found = [c for mark in marks for c in _checks(metafunc.config, *mark.args, **mark.kwargs)]
        ids = [f"{check.what}: {check.name}" for check in found]
        metafunc.parametrize("obeys_contract", found, ids=ids, indirect=True)


def _checks(
    config: pytest.Config, path: str, *, weights: str | None = None, data: str = "data", **only: Any
) -> Iterator[Check]:
    from sr_bench.conformance.configurations import Choice
    from sr_bench.conformance.method_contract import checks
    from sr_bench.data.catalogue.catalogue import Catalogue
    from sr_bench.networks.method_files import load_method
    from sr_bench.support.errors import SrBenchError

    if _FOLDERS not in config.stash:
        config.stash[_FOLDERS] = TemporaryDirectory(prefix="sr-bench-check-")
    file, folder = config.rootpath / path, Path(config.stash[_FOLDERS].name)
    real = None if weights is None else config.rootpath / weights
    try:
        known = Catalogue.of_project(config.rootpath)
        choice = Choice(config.rootpath / data, weights=real, catalogue=known, **only)
        yield from checks(file, load_method(file), folder, choice)
    except SrBenchError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture
def conforms(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Call it with an adapter: fails where it disagrees, skips what it doesn't offer.

    An adapter is a module or object with ``resize``, ``score`` or both
    (:class:`sr_bench.conformance.adapter.Adapter`).
    """
    from sr_bench.conformance.adapter import Adapter
    from sr_bench.conformance.run import run_case

    def check(target: object) -> None:
        name = getattr(target, "__name__", type(target).__name__)
        found = run_case(request.param, Adapter(name, target))
        if found.status == "not offered":
            pytest.skip(found.detail)
        if found.status != "agrees":
            pytest.fail(f"{found.case}: {found.detail}", pytrace=False)

    return check


@pytest.fixture
def obeys_contract(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Call it: fails with what breaks the contract, skips where there are no weights."""
    from sr_bench.conformance.method_contract import run_check

    def check() -> None:
        found = run_check(request.param)
        if found.status == "skipped":
            pytest.skip(found.why)
        if found.status == "failed":
            pytest.fail(found.why, pytrace=False)

    return check
