"""SIGKILL at a change of a file, and a full disk: given again, all is as undisturbed."""

import random

import pytest

from faults.harness import MOST, SEED, disturbed, some

pytestmark = pytest.mark.slow
FEW = {
    "fetch": 3, "train": 1, "work": 1, "weights": 1,
    "upscale": 3, "score": 1, "report": 1, "eval": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", FEW)
def test_killed_at_any_change_of_a_file(bench, name):
    stage = bench.stages[name]
    with bench.counting("SIGKILL at a change of a file", name) as counts:
        for at in some(range(stage.changes), FEW[name]):
            first = disturbed(bench, counts, stage, {"kind": "kill", "at": at})
            assert first.reached or first.status == 0


@pytest.mark.parametrize("name", FEW)
def test_killed_within_a_write(bench, name):
    """Files end at some size, as where a kill comes between two pieces that are written."""
    with bench.counting("SIGKILL within a write", name) as counts:
        for size in sizes(bench, name, 1):
            disturbed(bench, counts, bench.stages[name], {"kind": "torn", "bytes": size})


@pytest.mark.parametrize("name", FEW)
def test_a_full_disk_at_any_new_file(bench, name):
    stage = bench.stages[name]
    with bench.counting("disk full at a new file", name) as counts:
        for at in some(range(stage.grows), FEW[name]):
            disturbed(bench, counts, stage, {"kind": "full", "at": at})


@pytest.mark.parametrize("name", FEW)
def test_a_full_disk_within_a_write(bench, name):
    with bench.counting("disk full within a write", name) as counts:
        for size in sizes(bench, name, 1):
            disturbed(bench, counts, bench.stages[name], {"kind": "limit", "bytes": size})


def sizes(bench, name, few):
    """Sizes at which files may end: just before the end of each that the stage writes, and 0."""
    root, before = bench.after(name), bench.stages[name].before
    new = [
        p for p in root.rglob("*") if p.is_file() and not (before / p.relative_to(root)).exists()
    ]
    largest = sorted({p.stat().st_size - 1 for p in new if p.stat().st_size > 1})
    dice = random.Random(SEED)
    within = [dice.randrange(largest[-1]) for _ in range(MOST)]
    return [0, *within, *some(largest, few)]
