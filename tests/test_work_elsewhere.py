"""Score, eval and degrade by workers: the same bytes as here; what a stop leaves is used again."""

import json
import pickle
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sr_bench.evaluation.scoring import pairs, score
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.evaluation.scoring.pairs import PairBlock, Rules, score_block
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support import units
from sr_bench.support.errors import SrBenchError
from sr_bench.support.executors import ExecutorOptions
from sr_bench.support.units import in_blocks, in_order

RUN = "bicubic-x2"
FUNCTION = """
import numpy as np

def twice(lr: np.ndarray) -> np.ndarray:
    if lr.shape[:2] == (21, 20):
        raise RuntimeError("not this one")
    return lr.repeat(2, 0).repeat(2, 1)
"""


class Backwards:
    """Workers of this process: units and results are pickled, and the last unit comes first."""

    def __init__(self):
        self.units = []

    def each(self, function, units):
        self.units += units
        for unit in reversed(units):
            yield unit, pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(unit)))))


@pytest.fixture
def workers(monkeypatch):
    """What ``--executor processes`` opens; blocks are small."""
    made = Backwards()

    @contextmanager
    def opened(options, tell):
        yield None if options.kind == "local" else made

    monkeypatch.setattr(ExecutorOptions, "opened", opened)
    monkeypatch.setattr(units, "PIXELS", 3000)
    return made


@pytest.fixture
def folders(tmp_path, picture, monkeypatch):
    """hr/ with eight images and sr/ of them at x2."""
    for i in range(8):
        image = picture(40 + 2 * i, 44, 3)
        images.write(tmp_path / f"hr/{i}.png", image)
        images.write(tmp_path / f"sr/{i}_x2.png", image // 2 * 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def upscaled(project):
    """The project's run with its SR images."""
    note_weights(Project.load(project), RUN, progress=lambda _: None)
    opened = Project.load(project)
    upscale_run(opened, opened.run(RUN), progress=lambda _: None)
    return project


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# The units


def test_results_come_in_the_order_of_the_units():
    told = []
    found = in_order(Backwards(), abs, [-1, -2, 300], lambda unit, result: told.append(unit))
    assert found == [1, 2, 300] and told == [300, -2, -1]
    assert in_order(Backwards(), abs, list(range(-400, 0))) == list(range(400, 0, -1))


def test_blocks_are_of_about_equal_work(monkeypatch):
    monkeypatch.setattr(units, "PIXELS", 10)
    assert list(in_blocks([4, 4, 4, 9, 9, 1], lambda n: n)) == [[4, 4, 4], [9, 9], [1]]


# Score


def scored(cli, *more, status=0):
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", 2, "--protocol", "edsr-2017"]
    return cli([*words, "--csv", "scores.csv", "--json", *more], status)


def test_scores_of_folders_are_the_same_bytes(cli, folders, workers):
    def both(status=0):
        out = [scored(cli, status=status), (folders / "scores.csv").read_bytes()]
        elsewhere = scored(cli, "--executor", "processes", status=status)
        return out, [elsewhere, (folders / "scores.csv").read_bytes()]

    here, there = both()
    assert here == there and len(workers.units) == 4
    images.write(folders / "sr/3_x2.png", images.read(folders / "sr/3_x2.png")[:-2])
    (folders / "sr/5_x2.png").write_bytes(b"no image")
    (out, _), (told, _) = both(1)
    assert out[0] == told[0] and {"3", "5"} == {f["name"] for f in json.loads(told[0])["failed"]}


def test_an_extra_metric_by_workers(cli, folders, workers):
    here = scored(cli, "--metric", "ms_ssim", status=1)  # the images are too small for it
    assert scored(cli, "--metric", "ms_ssim", "--executor", "processes", status=1)[0] == here[0]
    assert workers.units


def test_a_worker_of_another_version_refuses(folders, monkeypatch):
    rules = Rules((), 2)
    given = json.loads(units.software(pairs.CODE)) | {"sr_bench": "9.9"}
    (first, *_) = pair_folders(folders / "sr", folders / "hr", scale=2)
    block = PairBlock((first,), rules, folders, json.dumps(given))
    with pytest.raises(SrBenchError, match=r"0_x2.png: a worker differs in sr_bench .*9.9"):
        score_block(block)
    away = replace(block, folder=folders / "away", facts=units.software(pairs.CODE))
    with pytest.raises(SrBenchError, match="away: a worker can't work in it"):
        score_block(away)


def test_scores_of_all_runs_are_the_same_bytes(cli, upscaled, workers, monkeypatch):
    monkeypatch.chdir(upscaled)
    cli(["score", RUN])
    here = contents(upscaled / "build/scores")
    for words in (["--all"], [RUN]):
        out, _ = cli(["score", *words, "--executor", "processes"])
        assert f"{RUN}: " in out and contents(upscaled / "build/scores") == here
    assert workers.units and set(here) >= {(upscaled / f"{RUN}.csv").relative_to(upscaled)}


def test_a_run_that_can_not_be_scored_does_not_keep_the_others_from_it(cli, upscaled, monkeypatch):
    monkeypatch.chdir(upscaled)
    params = upscaled / "params.yaml"
    more = "  bicubic-x3: {method: bicubic, scale: 3, protocols: [edsr-2017]}\n"
    params.write_text(params.read_text() + more)
    out, err = cli(["score", "--all"], 1)
    assert f"{RUN}: " in out and "1 of 2 runs failed:" in err and "upscale bicubic-x3" in err
    rows = json.loads(cli(["score", "--all", "--json"], 1)[0])
    assert {row["run"] for row in rows} == {RUN}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["score", RUN, "--all"], "score takes runs of params.yaml, or --all"),
        (["score", "--all", "--executor", "slurm"], "executor 'slurm' is unknown"),
        (["score", "--all", "--workers", "2"], "--workers is for --executor"),
        (["score", "--sr", "sr", "--metric", "niqe", "--executor", "dask"], "add --hr DIR"),
    ],
)
def test_wrong_use_is_told(cli, folders, words, says):
    assert says in cli(words, 2)[1]


# Going on


@pytest.fixture
def read(monkeypatch):
    """The SR images that were read to be scored."""
    found = []

    def read_pair(sr, hr):
        found.append(sr.name)
        return score.read_pair(sr, hr)

    monkeypatch.setattr(pairs, "read_pair", read_pair)
    return found


@pytest.mark.parametrize("by", [None, Backwards()])
def test_a_stopped_scoring_goes_on_where_it_was(upscaled, read, by):
    project = Project.load(upscaled)
    run, kept = project.run(RUN), upscaled / f"build/scoring/{RUN}.jsonl"
    score_run(project, run)
    whole = contents(upscaled / "build/scores")
    assert not kept.exists() and sorted(read) == ["colour.png"] * 2 + ["gray.png"] * 2
    damaged = upscaled / f"build/sr/{RUN}/ycbcr-float-replicate/Set5/gray.png"
    good = damaged.read_bytes()
    damaged.write_bytes(b"")
    with pytest.raises(SrBenchError, match="gray"):
        score_run(project, run, executor=by)
    with kept.open("a") as journal:
        journal.write('["half a li')
    damaged.write_bytes(good)
    read.clear()
    counted = []
    score_run(project, run, executor=by, progress=counted.append)
    assert read == ["gray.png"] and sum(counted) == 4
    assert contents(upscaled / "build/scores") == whole and not kept.exists()


def test_an_image_that_changed_is_scored_again(upscaled, read):
    project = Project.load(upscaled)
    run = project.run(RUN)
    first, damaged = (
        upscaled / f"build/sr/{RUN}/{rule}/Set5/{name}.png"
        for rule, name in (("rgb-matlab", "colour"), ("ycbcr-float-replicate", "gray"))
    )
    good = damaged.read_bytes()
    damaged.write_bytes(b"")
    with pytest.raises(SrBenchError):
        score_run(project, run)
    damaged.write_bytes(good)
    images.write(first, images.read(first) // 2)
    read.clear()
    score_run(project, run)
    assert sorted(read) == ["colour.png", "gray.png"]


# Degrade


def test_lr_is_the_same_bytes(cli, folders, workers):
    def degraded(out, *more, protocol="edsr-2017"):
        words = ["degrade", "--hr", "hr", "--out", out, "--scale", 4, "--protocol", protocol]
        return cli([*words, *more])[0], contents(folders / out)

    for protocol in ("edsr-2017", "srcnn-2015", "second-order-v1"):
        said, here = degraded(f"a-{protocol}", protocol=protocol)
        told, there = degraded(f"b-{protocol}", "--executor", "processes", protocol=protocol)
        assert here == there and len(here) >= 8
        assert said.replace("a-", "b-") == told
    assert workers.units


def test_a_bad_image_is_named_by_its_worker(cli, folders, workers):
    (folders / "hr/3.png").write_bytes(b"")
    words = ["degrade", "--hr", "hr", "--out", "lr", "--scale", 4, "--protocol", "edsr-2017"]
    here = cli(words, 1)
    assert cli([*words, "--executor", "processes"], 1) == here and "3.png" in here[1]


# Eval


def evaluated(cli, *words, status=0):
    out, err = cli(["eval", *words, "--dataset", "hr", "--csv", "scores.csv", "--json"], status)
    return json.loads(out), err


@pytest.fixture
def models(folders):
    (folders / "mine.py").write_text(FUNCTION)
    return ["bicubic", "mine.py:twice", "--scale", 2]


def test_eval_is_the_same_bytes_and_opens_functions_by_name(cli, models, folders, workers):
    here = evaluated(cli, *models, "--save", "a"), (folders / "scores.csv").read_bytes()
    more = ["--executor", "processes", "--save", "b"]
    assert (evaluated(cli, *models, *more), (folders / "scores.csv").read_bytes()) == here
    assert contents(folders / "a") == contents(folders / "b") and len(contents(folders / "a")) == 16
    assert len(workers.units) > 2 and not here[0][0]["failed"]


def test_a_model_that_fails_is_left_out_of_the_whole_set(cli, models, folders, workers):
    image = images.read(folders / "hr/1.png")
    images.write(folders / "hr/1.png", image[:42, :40])
    here, _ = evaluated(cli, *models, status=1)
    there, _ = evaluated(cli, *models, "--executor", "processes", status=1)
    assert there == here and [f["image"] for f in here["failed"]] == ["1"]
    assert {row["model"] for row in here["images"]} == {"bicubic-x2"}


def test_protocols_and_given_lr_by_workers(cli, models, folders, workers):
    cli(["degrade", "--hr", "hr", "--out", "lr", "--scale", 2, "--protocol", "edsr-2017"])
    words = ["eval", "bicubic", "--scale", 2, "--hr", "hr", "--lr", "lr", "--json"]
    words += ["--protocol", "edsr-2017", "--protocol", "basicsr-y"]
    here = cli(words)[0]
    assert cli([*words, "--executor", "processes"])[0] == here and workers.units


# Other processes


@pytest.mark.slow
def test_processes_find_the_same(cli, folders):
    two = ["--executor", "processes", "--workers", 2]
    here, there = scored(cli), scored(cli, *two)
    assert here[0] == there[0]
    words = ["degrade", "--hr", "hr", "--scale", 4, "--protocol", "edsr-2017", "--out"]
    cli([*words, "a"])
    cli([*words, "b", *two])
    assert contents(folders / "a") == contents(folders / "b")


@pytest.mark.slow
def test_dask_finds_the_same(cli, models, folders):
    pytest.importorskip("distributed")
    here = evaluated(cli, *models)[0]
    assert evaluated(cli, *models, "--executor", "dask", "--workers", 2)[0] == here
