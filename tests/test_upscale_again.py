"""An upscaling that was stopped, or in which images failed, goes on where it was."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from sr_bench.evaluation.upscaling.upscale import BadImages, upscale_run
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256

RUN = "mine-x2"
METHOD = """
import os
from pathlib import Path

from sr_bench.networks.method import Method

CALLS = Path(__file__).with_name("calls")
BAD = {bad!r}
KILL_AT = {kill!r}


class Mine:
    colour = "any"

    def __call__(self, lr):
        with CALLS.open("a") as calls:
            calls.write("x")
        if CALLS.stat().st_size == KILL_AT:
            os.kill(os.getpid(), 9)
        wide = lr.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return wide * float("nan") if lr.shape[-1] in BAD else wide{more}


METHOD = Method(name="mine", load=lambda setup: Mine(), reference="nobody")
"""
COUNT = 6  # images, 20, 22, ... pixels wide: lr is 10, 11, ...


@pytest.fixture
def mine(project, filled):
    """A project with one run of a method that counts its calls, on six images."""
    filled(project, {f"{i}.png": (16, 20 + 2 * i, 3) for i in range(COUNT)})
    (project / "methods").mkdir()
    (project / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: [Set5]\n"
        "protocols: {edsr-2017: [Set5], srcnn-2015: [Set5]}\n"
        f"runs:\n  {RUN}: {{method: mine, scale: 2, protocols: [edsr-2017]}}\n"
    )
    write(project)
    return project


def write(root, bad=(), kill=0, more=""):
    (root / "methods" / "mine.py").write_text(METHOD.format(bad=bad, kill=kill, more=more))


def go(root):
    """Upscale; how many images were made."""
    calls = root / "methods" / "calls"
    calls.write_text("")
    opened, counted = Project.load(root), []
    note_weights(opened, RUN, progress=lambda _: None)
    try:
        upscale_run(opened, opened.run(RUN), progress=counted.append)
        assert sum(counted) == opened.images_of(opened.run(RUN))
    finally:
        made = calls.stat().st_size
        calls.unlink()
    return made


def made(root):
    folder = root / "build" / "sr"
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fail(root, bad):
    write(root, bad=bad)
    with pytest.raises(BadImages) as caught:
        go(root)
    return caught.value


def mend(root):
    """Make the bad images good without a change of the method's file that decides pixels."""
    method = root / "methods" / "mine.py"
    method.write_text(re.sub(r"BAD = .*", "BAD = ()", method.read_text()))


@pytest.fixture
def forgiving(monkeypatch):
    """Changes of the method's file don't count: what failed may succeed the next time."""
    monkeypatch.setattr(
        "sr_bench.evaluation.upscaling.circumstances._digest", lambda root, paths: "the same"
    )


def test_all_bad_images_are_named_and_the_others_are_not_made_again(mine, forgiving):
    error = fail(mine, (11, 14))
    assert f"{RUN}: 2 of " in str(error)
    assert [r.split(":")[0] for r in error.reasons] == ["Set5/1.png", "Set5/4.png"]
    assert not made(mine)
    mend(mine)
    assert go(mine) == 2
    assert len(made(mine)) == COUNT and not list((mine / "build/made").rglob("*.png"))


def test_what_was_there_before_stays_until_all_is_made(mine):
    assert go(mine) == COUNT
    before = made(mine)
    fail(mine, (11,))
    assert made(mine) == before


def test_results_are_the_same_bytes_as_without_a_stop(mine, forgiving):
    go(mine)
    whole = made(mine)
    shutil.rmtree(mine / "build/made")
    fail(mine, (10, 12, 15))
    mend(mine)
    assert go(mine) == 3
    assert made(mine) == whole


def test_a_killed_process_leaves_what_it_made(mine, forgiving):
    write(mine, kill=4)
    note_weights(Project.load(mine), RUN, progress=lambda _: None)
    script = (
        "import sr_bench.evaluation.upscaling.circumstances as u\n"
        "u._digest = lambda root, paths: 'the same'\n"
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from sr_bench.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "upscale", RUN], cwd=mine, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = [p.name for p in (mine / "build/made").rglob("*.png")]
    assert sorted(kept) == ["0.png", "1.png", "2.png"]
    write(mine)
    one_core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(one_core)})  # as the killed process: cores may decide bits
    try:
        assert go(mine) == COUNT - 3
    finally:
        os.sched_setaffinity(0, one_core)
    assert len(made(mine)) == COUNT


def flip(root):
    path = next((root / "build/made").rglob("2.png"))
    path.write_bytes(path.read_bytes()[:-3])


def another_hr(root):
    path = root / "data/Set5/2.png"
    images.write(path, np.zeros((16, 24, 3), np.uint8))
    manifest = root / "build/manifests/Set5.json"
    listed = json.loads(manifest.read_text())
    listed["images"][2]["sha256"] = sha256(path)
    manifest.write_text(json.dumps(listed))


def cut_journal(root):
    journal = next((root / "build/made").rglob("made.jsonl"))
    lines = [line for line in journal.read_text().splitlines() if line and "/2.png" not in line]
    journal.write_text("\n".join(lines) + '\n["Set5/2.png", "ab')


@pytest.mark.parametrize("damage", [flip, another_hr, cut_journal])
def test_an_image_that_is_damaged_or_of_another_hr_is_made_again(mine, forgiving, damage):
    fail(mine, (11,))
    mend(mine)
    damage(mine)
    assert go(mine) == 2


def another_method(root):
    write(root, more=" + 0.1")


def another_tile(root):
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("scale: 2,", "scale: 2, tile: 512,"))


def another_helper(root):
    (root / "methods" / "parts").mkdir()
    (root / "methods" / "parts" / "helper.py").write_text("X = 1\n")


@pytest.mark.parametrize("change", [another_method, another_tile, another_helper])
def test_what_decides_pixels_has_changed_so_all_is_made_again(mine, change):
    fail(mine, (11,))
    write(mine)
    change(mine)
    if change is another_tile:  # the method has no reach
        with pytest.raises(SrBenchError, match="tile"):
            go(mine)
    else:
        assert go(mine) == COUNT


def test_another_protocol_keeps_what_is_made_for_the_first(mine, forgiving):
    fail(mine, (11,))
    params = mine / "params.yaml"
    params.write_text(params.read_text().replace("[edsr-2017]}", "[edsr-2017, srcnn-2015]}"))
    mend(mine)
    calls = mine / "methods" / "calls"
    calls.write_text("")
    upscale_run(opened := Project.load(mine), opened.run(RUN), progress=lambda _: None)
    assert calls.stat().st_size == 1 + COUNT


def test_the_command_names_all_bad_images_and_ends_with_1(mine, cli):
    write(mine, bad=(10, 13))
    note_weights(Project.load(mine), RUN, progress=lambda _: None)
    _, err = cli(["upscale", RUN], 1, cwd=mine)
    assert "Set5/0.png" in err and "Set5/3.png" in err and "2 of" in err
