"""The pytest plug-in: a test that asks for ``conforms`` runs once for every golden case.

Installed with the package, through the entry point ``pytest11``:

    import my_code  # has resize(...) and score(...), or one of them

    def test_agrees_with_matlab(conforms):
        conforms(my_code)

``pytest -k resize`` chooses cases. This module is imported by every pytest run of the environment,
so it imports the rest only when a test asks.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a golden case."""
    if "conforms" not in metafunc.fixturenames:
        return
    from sr_bench.conformance.golden import load_golden

    cases = load_golden().cases
    metafunc.parametrize("conforms", cases, ids=[c.name for c in cases], indirect=True)


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
