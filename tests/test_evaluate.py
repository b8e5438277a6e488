"""Models on test sets: the same numbers as upscale and score, and what a failure costs."""

import itertools
import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.data.catalogue.sources import installed_sources
from sr_bench.evaluation.evaluating import sets
from sr_bench.evaluation.evaluating.candidate import (
    Candidate,
    CandidateOptions,
    open_candidates,
)
from sr_bench.evaluation.evaluating.evaluate import ROW, evaluate
from sr_bench.evaluation.evaluating.parts import parts_of, require_free
from sr_bench.evaluation.evaluating.results import results_of
from sr_bench.evaluation.evaluating.sets import open_pairs, open_test_sets
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method_files import method_files
from sr_bench.networks.opened import OpenOptions
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.errors import SrBenchError, WrongUse

ROOT = Path(__file__).resolve().parent.parent
EDSR, SRCNN = find_protocol("edsr-2017"), find_protocol("srcnn-2015")


class Stub:
    """A model that repeats pixels, then does what a test says."""

    def __init__(self, scale=2, colour="any", then=lambda sr: sr):
        self.scale, self.colour, self.then = scale, colour, then
        self.calls = 0

    def __call__(self, lr):
        self.calls += 1
        return self.then(lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3))


def candidate(name="mine", **options):
    model = Stub(**options)

    def upscaler(rule):
        return Upscaler(name, model, rule, model.scale)

    found = Candidate(name, model.scale, model.colour, "a stub", upscaler)
    object.__setattr__(found, "model", model)
    return found


@pytest.fixture
def hr(tmp_path, picture):
    """hr/ with two RGB images, which 4 doesn't divide, and a gray one."""
    for name, shape in (("a", (41, 46, 3)), ("b", (44, 52, 3)), ("c", (40, 41))):
        images.write(tmp_path / "hr" / f"{name}.png", picture(*shape))
    return tmp_path / "hr"


def opened(folder):
    return open_test_sets([str(folder)], installed_sources(), progress=lambda _: None)


def run(candidates, found, protocols=(EDSR,), **options):
    calls = []
    parts = parts_of(candidates, found, protocols)
    evaluation = evaluate(parts, progress=calls.append, **options)
    assert sum(calls) == sum(part.calls for part in parts)
    return evaluation


# The numbers


def test_they_are_those_of_upscale_and_score(project):
    """Byte for byte, under both protocols, gray images too."""
    loaded = Project.load(project)
    entry = loaded.run("bicubic-x2")
    note_weights(loaded, entry.name, progress=lambda _: None)
    upscale_run(loaded, entry, progress=lambda _: None)
    expected = score_run(loaded, entry)
    candidates, failed = open_candidates(
        ["bicubic-x2"],
        project=loaded,
        methods=method_files(loaded.method_folders),
        options=CandidateOptions(),
    )
    evaluation = run(candidates, opened(project / "data/Set5"), (EDSR, SRCNN))
    assert not failed and not evaluation.faults
    keys = ["protocol", "metric", "image"]
    pd.testing.assert_series_equal(
        evaluation.rows.set_index(keys)["value"].sort_index(),
        expected.set_index(keys)["value"].sort_index(),
        check_exact=True,
    )
    assert set(evaluation.rows["signature"]) == {EDSR.signature, SRCNN.signature}


def test_models_of_one_scale_share_lr(hr, monkeypatch):
    made = []

    def counted(*args, **options):
        made.append(args[1])
        return degrade(*args, **options)

    monkeypatch.setattr(sets, "degrade", counted)
    models = [candidate("one"), candidate("two"), candidate("three", scale=4)]
    evaluation = run(models, opened(hr))
    assert len(made) == 2 * 3  # two scales, three images
    one, two = (evaluation.rows[evaluation.rows["model"] == name] for name in ("one", "two"))
    assert list(one["value"]) == list(two["value"])
    assert list(evaluation.rows.columns) == ROW


def test_a_model_is_not_called_from_two_threads_unless_it_may_be(hr):
    inside, most = [], []
    lock = threading.Lock()

    def then(sr):
        with lock:
            inside.append(1)
            most.append(len(inside))
        threading.Event().wait(0.02)
        with lock:
            inside.pop()
        return sr

    run([candidate(then=then)], opened(hr))
    assert max(most) == 1


def test_options_that_change_numbers_are_in_the_signature(hr):
    plain = candidate()
    changed = replace(plain, options=("range:255", "self-ensemble"))
    evaluation = run([changed], opened(hr))
    assert set(evaluation.rows["signature"]) == {f"{EDSR.signature}|model:range:255+self-ensemble"}


def test_self_ensemble_is_an_option_of_any_model(hr):
    def scores(**options):
        found, _ = open_candidates(
            ["bicubic"],
            project=None,
            methods=method_files([ROOT / "methods"]),
            options=CandidateOptions(OpenOptions(scale=2), **options),
        )
        return run(found, opened(hr)).rows

    plain, averaged = scores(), scores(ensemble=True)
    assert averaged["signature"].str.endswith("|model:self-ensemble").all()
    assert np.abs(plain["value"] - averaged["value"]).max() < 0.05


# Protocols


@pytest.mark.parametrize(
    ("colour", "protocol", "why"),
    [
        ("rgb", "edsr-2017", "it sees RGB"),
        ("any", "edsr-2017", "it treats all planes alike"),
        ("ycbcr", "edsr-2017", "it sees YCBCR"),
        ("y", "srcnn-2015", "it sees Y alone"),
    ],
)
def test_the_default_protocol_follows_from_the_colour(colour, protocol, why):
    found = candidate(colour=colour)
    assert found.default_protocol.name == protocol
    assert found.why_default == f"protocol {protocol}, since {why}; --protocol chooses another"


def test_each_model_is_scored_under_its_own_default(hr):
    evaluation = run([candidate("rgb", colour="rgb"), candidate("y", colour="y")], opened(hr), ())
    found = evaluation.rows.groupby("model")["protocol"].unique().map(list).to_dict()
    assert found == {"rgb": ["edsr-2017"], "y": ["srcnn-2015"]}


# Failures


def nan(sr):
    return sr * float("nan")


@pytest.mark.parametrize(
    ("then", "fact"),
    [
        (nan, "NaN"),
        (lambda sr: sr * 255, "returned values span"),
        (lambda sr: sr[..., :-1], "expected (1, "),
        (lambda sr: sr.double(), "torch.float64"),
    ],
)
def test_a_model_that_fails_is_named_and_costs_no_other(hr, then, fact):
    bad, good = candidate("bad", then=then), candidate("good")
    evaluation = run([bad, good], opened(hr))
    (fault,) = evaluation.faults
    assert (fault.model, fault.dataset) == ("bad", "hr") and fact in fault.reason
    assert set(evaluation.rows["model"]) == {"good"}
    assert bad.model.calls == 1  # it isn't called again
    assert evaluation.rows["image"].nunique() == 3


def test_a_model_that_fails_on_the_last_image_has_no_row(hr):
    def then(sr):
        return nan(sr) if sr.shape[2] == 40 else sr

    evaluation = run([candidate(then=then)], opened(hr))
    assert evaluation.rows.empty and len(evaluation.faults) == 1
    assert results_of(parts_of([candidate()], opened(hr), [EDSR]), evaluation) == []


def test_an_image_that_goes_meanwhile_costs_no_other(hr):
    found = opened(hr)
    (hr / "b.png").unlink()
    parts = parts_of([candidate("one"), candidate("two")], found, [EDSR])
    evaluation = evaluate(parts, progress=lambda _: None)
    (fault,) = evaluation.faults
    assert (fault.model, fault.image) == ("", "b") and "b.png" in fault.reason
    results = results_of(parts, evaluation)
    assert [(r.scored, r.whole) for r in results] == [(2, False)] * 2
    assert evaluation.table["error"].tolist().count("") == len(evaluation.rows)
    assert evaluation.table.iloc[-1][["image", "dataset"]].tolist() == ["b", "hr"]


def test_an_image_that_the_crop_leaves_nothing_of_is_named(hr, picture):
    images.write(hr / "d.png", picture(4, 60, 3))
    evaluation = run([candidate()], opened(hr))
    (fault,) = evaluation.faults
    assert (fault.model, fault.image) == ("mine", "d") and "leaves nothing" in fault.reason


def test_models_that_cannot_be_opened_cost_no_other(hr, tmp_path):
    (tmp_path / "net.pth").write_bytes(b"x")
    found, failed = open_candidates(
        [str(tmp_path / "net.pth"), "bicubic", "bicubc"],
        project=None,
        methods=method_files([ROOT / "methods"]),
        options=CandidateOptions(OpenOptions(scale=2)),
    )
    assert [c.name for c in found] == ["bicubic-x2"]
    assert [f.item for f in failed] == [str(tmp_path / "net.pth"), "bicubc"]
    with pytest.raises(WrongUse, match="bicubc"):
        open_candidates(
            ["bicubc"], project=None, methods={}, options=CandidateOptions(OpenOptions(scale=2))
        )


# Test sets


def test_a_metric_that_a_gray_image_lacks_has_no_mean(hr):
    parts = parts_of([candidate()], opened(hr), [SRCNN])
    (result,) = results_of(parts, evaluate(parts, progress=lambda _: None))
    assert {"psnr", "ssim"} <= set(result.means) and "psnr_cb" not in result.means
    assert result.whole and not result.test_set.catalogued


def test_two_folders_of_one_name_are_two_sets(tmp_path, hr, picture):
    images.write(tmp_path / "other/hr/a.png", picture(30, 30, 3))
    found = open_test_sets(
        [str(hr), str(tmp_path / "other/hr")], installed_sources(), progress=lambda _: None
    )
    assert [s.name for s in found] == [str(hr), str(tmp_path / "other/hr")]
    assert found[0].largest == 44 * 52


@pytest.mark.parametrize(
    ("named", "error", "fact"),
    [("Set6", WrongUse, "did you mean"), ("./none", SrBenchError, "none: no such folder")],
)
def test_what_is_no_test_set_is_refused(named, error, fact):
    with pytest.raises(error, match=fact):
        opened(named)


def test_a_folder_without_images_or_with_two_of_one_name_is_refused(tmp_path, picture):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SrBenchError, match="no image in it"):
        opened(tmp_path / "empty")
    for name in ("a.png", "a.bmp"):
        images.write(tmp_path / "twice" / name, picture(9, 9, 3))
    with pytest.raises(SrBenchError, match="two images called 'a'"):
        opened(tmp_path / "twice")


def test_every_image_that_cannot_be_read_is_named_before_anything_is_computed(hr):
    for name in "ab":
        (hr / f"{name}.png").write_bytes(b"x")
    with pytest.raises(SrBenchError, match=r"a\.png.*b\.png"):
        opened(hr)


def test_a_folder_with_two_sets_of_names_needs_a_pattern(tmp_path, picture):
    for name, side in (("a_SRF_2_HR", 40), ("a_SRF_2_LR", 20), ("b_SRF_2_HR", 44)):
        images.write(tmp_path / "mixed" / f"{name}.png", picture(side, side, 3))
    with pytest.raises(SrBenchError, match=r"two sets of names.*--dataset 'FOLDER/\*_HR\.png'"):
        opened(tmp_path / "mixed")
    (found,) = opened(tmp_path / "mixed/*_HR.png")
    assert [e.stem for e in found.dataset] == ["a_SRF_2_HR", "b_SRF_2_HR"]
    assert found.name == "mixed"


# LR that is given


@pytest.fixture
def lr(hr):
    """lr/ as edsr-2017 makes it at scale 2."""
    for path in images.listing(hr):
        made = degrade(images.read(path), EDSR.degradation, scale=2)
        images.write(hr.parent / "lr" / f"{path.stem}_x2.png", made)
    return hr.parent / "lr"


def test_lr_that_is_given_scores_as_lr_that_is_made(hr, lr):
    made = run([candidate()], opened(hr)).rows
    given = run([candidate()], [open_pairs(hr, lr, scale=2)]).rows
    assert list(given["value"]) == list(made["value"])
    (signature,) = set(given["signature"])
    assert re.search(r"\|lr:given\.[0-9a-f]{12}\|score:", signature)


def test_models_of_y_take_lr_that_is_given(hr, lr):
    evaluation = run([candidate(colour="y")], [open_pairs(hr, lr, scale=2)], ())
    assert not evaluation.faults and evaluation.rows["image"].nunique() == 3
    assert set(evaluation.rows["protocol"]) == {"srcnn-2015-on-hr"}


def test_a_model_of_another_scale_than_lr_is_named(hr, lr):
    models = [candidate(scale=4), candidate("good")]
    evaluation = run(models, [open_pairs(hr, lr, scale=2)])
    (fault,) = evaluation.faults
    assert (fault.model, fault.reason) == ("mine", "LR of hr is given for x2, the model is x4")
    assert set(evaluation.rows["model"]) == {"good"}


def test_lr_of_another_size_is_named(hr, lr):
    image = images.read(hr / "a.png")
    images.write(lr / "a_x2.png", modcrop(image, 4)[::4, ::4])
    with pytest.raises(SrBenchError, match=r"a_x2\.png: .*LR is \(10, 11\), HR is \(41, 46\)"):
        open_pairs(hr, lr, scale=2)


def test_folders_that_do_not_pair_are_refused(hr, lr):
    (lr / "b_x2.png").unlink()
    with pytest.raises(SrBenchError, match=r"no LR of b.*correct --hr .*hr and --lr .*lr"):
        open_pairs(hr, lr, scale=2)
    with pytest.raises(SrBenchError, match="none: no such folder; correct --lr"):
        open_pairs(hr, hr.parent / "none", scale=2)


# SR that is kept


def test_sr_is_kept_and_not_replaced(hr, tmp_path):
    found, save = opened(hr), tmp_path / "sr"
    parts = parts_of([candidate("a/b.pth")], found, [EDSR])
    require_free(parts, save)
    evaluate(parts, progress=lambda _: None, save=save)
    kept = sorted(p.relative_to(save).as_posix() for p in save.rglob("*.png"))
    assert kept == [f"a_b.pth/rgb-matlab/hr/{name}.png" for name in "abc"]
    made = degrade(images.read(hr / "a.png"), EDSR.degradation, scale=2)
    expected = made.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(images.read(save / kept[0]), expected)
    with pytest.raises(WrongUse, match=r"a\.png: is there already \(3 of 3 images are\).*--force"):
        require_free(parts, save)


# The same twice


def shifted(amount):
    return lambda sr: (sr + amount()).clamp(0, 1)


def test_a_model_that_gives_other_pixels_the_second_time_is_named(hr):
    calls = itertools.count()
    models = [
        candidate("random", then=shifted(lambda: 0.2 * torch.rand(()))),
        candidate("steady"),
        candidate("counting", then=shifted(lambda: 0.01 * next(calls))),
    ]
    evaluation = run(models, opened(hr), (EDSR, SRCNN))
    assert [told.model for told in evaluation.unsteady] == ["random", "counting"]  # each once
    assert all("(hr/c, 20 x 20) were different" in told.found for told in evaluation.unsteady)
    assert not evaluation.faults and set(evaluation.rows["model"]) == {
        "random",
        "steady",
        "counting",
    }


def test_a_large_image_is_repeated_in_part(tmp_path, picture):
    images.write(tmp_path / "large/a.png", picture(200, 140, 3))
    seen = []
    evaluation = run(
        [candidate("mine", then=lambda sr: seen.append(sr.shape) or sr)], opened(tmp_path / "large")
    )
    assert [shape[-2:] for shape in seen[:3]] == [(200, 140), (128, 128), (128, 128)]
    assert evaluation.unsteady == ()


def test_a_model_that_takes_no_smaller_image_is_scored(tmp_path, picture):
    def picky(sr):
        if sr.shape[-1] < 140:
            raise SrBenchError("too small")
        return sr

    images.write(tmp_path / "large/a.png", picture(200, 140, 3))
    evaluation = run([candidate("mine", then=picky)], opened(tmp_path / "large"))
    assert not evaluation.faults and len(evaluation.rows)
