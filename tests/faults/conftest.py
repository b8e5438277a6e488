"""The made-up projects and the warm process that all tests of faults share."""

import os
from pathlib import Path

import pytest

from faults.harness import MOST, SEED, Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory):
    """The made-up project at each stage; counts go to the folder that the environment names."""
    print(f"seed {SEED}, at least {MOST} faults of a kind in a command")
    named = os.environ.get("SR_BENCH_FAULTS_RESULTS")
    results = Path(named) if named else None
    if results is not None:
        results.mkdir(parents=True, exist_ok=True)
    made = Bench(tmp_path_factory.mktemp("faults"), results)
    yield made
    made.close()
