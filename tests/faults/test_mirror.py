"""A mirror that misbehaves once, or always: the right bytes come, or a clear error and no file."""

import pytest

from faults.harness import MOST, disturbed
from faults.made_up import HOST
from faults.mirror import MISBEHAVIOURS, serving

pytestmark = pytest.mark.slow
ALWAYS = 1 << 20
IMPATIENT = {"kind": "impatient"}


@pytest.mark.parametrize("misbehave", MISBEHAVIOURS, ids=lambda f: f.__name__)
def test_a_mirror_that_misbehaves(bench, misbehave):
    """Once, always, and once and always where half of each file is there already.

    In short: always, and once where half is there.
    """
    stage = bench.stages["fetch"]
    with bench.counting("mirror", misbehave.__name__.replace("_", " ")) as counts:
        every = [(False, 1), (True, ALWAYS)] if MOST else []
        for half, times in [(False, ALWAYS), (True, 1), *every]:
            root = bench.copy(stage.before)
            if half:
                leave_halves(bench.folder, root)
            with serving(bench.folder / "mirror", misbehave, times) as url:
                disturbed(bench, counts, stage, IMPATIENT, root, SR_BENCH_MIRROR=url)


def leave_halves(folder, root):
    """Half of each file, as a fetch leaves it that was stopped."""
    for path in (folder / "mirror" / HOST).rglob("*"):
        if path.is_file():
            group = "Lessons" if path.parent.name == "lessons" else "Tests"
            part = root / "data/.partial" / group / f"{path.name}.part"
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
