"""A part of a run: upscaled and scored by itself; what else is there of the run stays."""

import json

import pytest

from sr_bench.evaluation.scoring.run import score_part, score_run
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.project.project import Project
from sr_bench.project.run_part import WHOLE, RunPart
from sr_bench.support.errors import WrongUse

RUN = "bicubic-x2"


def upscaled(root, part=WHOLE):
    opened = Project.load(root)
    return upscale_run(opened, opened.run(RUN), progress=lambda _: None, part=part)


def there(root):
    folder = root / "build" / "sr" / RUN
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_part_is_what_the_whole_has_of_it(project):
    done = upscaled(project, RunPart(protocols=("edsr-2017",)))
    assert done.made == {"rgb-matlab/Set5": 2}
    part = there(project)
    assert set(part) == {"rgb-matlab/Set5/colour.png", "rgb-matlab/Set5/gray.png"}

    done = upscaled(project)
    assert done.made == {"rgb-matlab/Set5": 0, "ycbcr-float-replicate/Set5": 2}
    assert done.kept["rgb-matlab/Set5"] == 2
    assert {name: there(project)[name] for name in part} == part


def test_making_a_part_again_loses_nothing_of_the_whole(project):
    upscaled(project)
    before = there(project)
    (project / "build/sr" / RUN / "rgb-matlab/Set5/gray.png").write_bytes(b"damaged")
    done = upscaled(project, RunPart(("Set5",), ("edsr-2017",)))
    assert (done.made, done.stale) == ({"rgb-matlab/Set5": 1}, ())
    assert there(project) == before
    assert upscaled(project).made == {"rgb-matlab/Set5": 0, "ycbcr-float-replicate/Set5": 0}


def test_what_is_of_other_inputs_beside_a_part_is_named(project, monkeypatch):
    upscaled(project)
    monkeypatch.setattr(
        "sr_bench.evaluation.upscaling.circumstances._digest", lambda root, paths: "another"
    )
    done = upscaled(project, RunPart(protocols=("edsr-2017",)))
    assert [p.parent.name for p in done.stale] == ["ycbcr-float-replicate"]


def test_a_part_is_scored_and_the_table_of_the_run_stays(project):
    upscaled(project)
    opened = Project.load(project)
    run = opened.run(RUN)
    whole = score_run(opened, run)
    before = opened.scores(RUN).read_bytes()
    part = score_part(opened, run, RunPart(protocols=("srcnn-2015",)))
    assert set(part["protocol"]) == {"srcnn-2015"}
    same = whole[whole["protocol"] == "srcnn-2015"]
    assert part["value"].tolist() == same["value"].tolist()
    assert opened.scores(RUN).read_bytes() == before


@pytest.mark.parametrize(
    ("part", "fact"),
    [
        (RunPart(("Set14",)), "unknown dataset 'Set14' in what bicubic-x2 is scored on"),
        (RunPart((), ("edsr2017",)), "unknown protocol 'edsr2017' .*did you mean edsr-2017"),
    ],
)
def test_a_part_that_the_run_lacks(project, part, fact):
    with pytest.raises(WrongUse, match=fact):
        upscaled(project, part)


def test_on_the_command_line(cli, project):
    cli(["fetch", "--run", RUN], cwd=project)
    part = ["--dataset", "Set5", "--protocol", "edsr-2017"]
    said = json.loads(cli(["upscale", RUN, *part, "--json"], cwd=project)[0])
    assert said["upscaled"] == {"rgb-matlab/Set5": 2}
    table, _ = cli(["score", RUN, *part], cwd=project)
    assert "signature: protocol:edsr-2017|" in table and "psnr" in table
    assert not (project / "build/scores").exists()
    _, said = cli(["score", RUN, "--dataset", "Set9"], 2, cwd=project)
    assert "unknown dataset 'Set9'" in said
    photo = ["upscale", "a.png", "--model", "bicubic", "--out", "o", "--dataset", "Set5"]
    assert "are for runs; photos take none" in cli(photo, 2, cwd=project)[1]
