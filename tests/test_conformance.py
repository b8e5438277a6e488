"""The conformance suite: sr-bench passes, defects don't, adapters of anybody's are found."""

import json
import math
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sr_bench.cli.conformance import conformance
from sr_bench.conformance import ours
from sr_bench.conformance.adapter import Adapter, load_adapter
from sr_bench.conformance.golden import load_golden
from sr_bench.conformance.make import cases
from sr_bench.conformance.matlab import run_matlab
from sr_bench.conformance.run import compare_images, run_case
from sr_bench.conformance.suite import cell, run_adapter, short_table
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.color import to_uint8
from sr_bench.support.errors import WrongUse

GOLDEN = load_golden().cases
APP = typer.Typer()
APP.command()(conformance)


def statuses(cases, **functions):
    adapter = Adapter("theirs", SimpleNamespace(**functions))
    return {run_case(case, adapter).status for case in cases}


def named(*starts):
    chosen = [c for c in GOLDEN if c.name.startswith(starts)]
    assert chosen
    return chosen


@pytest.mark.parametrize("case", GOLDEN, ids=lambda c: c.name)
def test_sr_bench_agrees(case):
    found = run_case(case, load_adapter("sr-bench"))
    if case.kind == "niqe" and found.status == "not offered":
        pytest.skip(found.detail)  # its model is fetched
    assert found.status == "agrees", found.detail


def test_the_file_is_what_make_makes():
    made = {}
    with suppress(NotImplementedError):  # NIQE's cases, the last ones: its model is fetched
        made.update((c.name, c) for c in cases())
    kept = [c for c in GOLDEN if c.kind != "niqe" or len(made) == len(GOLDEN)]
    assert list(made) == [c.name for c in kept]
    for case in kept:
        same = made[case.name].model_copy(update={"expected": case.expected})
        assert same == case
        np.testing.assert_allclose(made[case.name].expected, case.expected, atol=1e-9, rtol=0)


def test_every_protocol_resize_option_and_plane_has_a_case():
    resizes = {(c.scale, c.rounding, c.border) for c in GOLDEN if c.kind == "resize"}
    assert len({s for s, *_ in resizes}) == 6
    assert {r[1:] for r in resizes} >= {
        (r, b) for r in ("each-pass", "none") for b in ("mirror", "replicate")
    }
    protocols = {(c.protocol, c.scale) for c in GOLDEN if c.kind == "protocol"}
    bicubic = [p.name for p in load_protocols().protocols.values() if not p.degradation.steps]
    assert protocols == {(p, s) for p in bicubic for s in (2, 3, 4)}


def test_every_degradation_of_steps_has_a_case_at_each_scale():
    found = {(c.degradation, c.scale) for c in GOLDEN if c.kind == "degrade"}
    rules = load_protocols().degradations.items()
    wanted = {n: r for n, r in rules if r.steps and r.made and not r.draws}
    assert found == {(n, s) for n, r in wanted.items() for s in r.scales or (2, 3, 4)}


def other_kernel(hr, *, degradation, scale):
    other = {"bd-rdn": "bd-basicvsr", "box": "nearest"}.get(degradation, "box")
    return ours.degrade(hr, degradation=other, scale=2)


def test_another_degradation_differs():
    assert statuses(named("degrade-"), degrade=other_kernel) == {"differs"}
    assert statuses(named("degrade-"), score=ours.score) == {"not offered"}


@pytest.mark.parametrize(("more", "status"), [(0.0004, "agrees"), (0.01, "differs")])
def test_niqe_may_differ_by_what_nobody_prints(more, status):
    values = {(c.picture.kind, c.metric): c.expected for c in named("niqe")}

    def near(image, *, kind):
        of = "chirp" if image.shape[0] == 200 else "scene+noise"
        return values[of, kind] + more

    assert statuses(named("niqe"), niqe=near) == {status}


def test_colour_by_hand():
    """Pure red against black: 65.481 levels of Y, 65 once rounded."""
    expected = {c.name: c.expected for c in named("colour-y")}
    assert expected["colour-y-255.0.0"] == pytest.approx(20 * math.log10(255 / 65.481))
    assert expected["colour-y-uint8-255.0.0"] == pytest.approx(20 * math.log10(255 / 65))


def rounded_once(image, *, scale, rounding, border):
    kept = ours.resize(image.astype(float), scale=scale, rounding="none", border=border)
    return kept if rounding == "none" else to_uint8(kept)


def other_border(image, *, scale, rounding, border):
    other = {"mirror": "replicate", "replicate": "mirror"}[border]
    return ours.resize(image, scale=scale, rounding=rounding, border=other)


def shorter(image, **options):
    return ours.resize(image, **options)[:-1]


def floats(image, **options):
    return ours.resize(image, **options).astype(np.float32)


@pytest.mark.parametrize(
    ("defect", "start"),
    [(rounded_once, "resize-1:3-each-pass"), (other_border, "resize-"), (shorter, "resize-")],
)
def test_a_defect_of_resizing_differs(defect, start):
    assert statuses(named(start), resize=defect) == {"differs"}


def test_uint8_must_be_uint8_and_floats_may_be_float32():
    assert statuses(named("resize-2-each-pass"), resize=floats) == {"differs"}
    assert statuses(named("resize-2-none"), resize=floats) == {"agrees"}


def bgr(sr, hr, **options):
    return ours.score(sr[..., ::-1], hr[..., ::-1], **options)


def crop_forgotten(sr, hr, *, metric, planes, crop):
    return ours.score(sr, hr, metric=metric, planes=planes, crop=0)


@pytest.mark.parametrize(
    ("defect", "start"), [(bgr, "colour-y-255.0.0"), (crop_forgotten, "psnr-y-crop3")]
)
def test_a_defect_of_scoring_differs(defect, start):
    assert statuses(named(start), score=defect) == {"differs"}


def test_a_defect_shows_in_a_protocol():
    for case in named("protocol-edsr-2017"):
        adapter = Adapter("theirs", SimpleNamespace(resize=rounded_once, score=ours.score))
        assert run_case(case, adapter).status == "differs"


def test_nan_is_a_difference():
    assert not compare_images(np.array([[np.nan]]), np.array([[1.0]])).agrees
    assert statuses(named("psnr-rgb"), score=lambda *_, **__: math.nan) == {"differs"}


def test_what_is_missing_is_not_offered_and_what_raises_fails():
    def broken(*_, **__):
        raise KeyError("scale")

    assert statuses(named("resize-", "protocol-"), score=ours.score) == {"not offered"}
    found = run_case(named("ssim-")[0], Adapter("b", SimpleNamespace(score=broken)))
    assert (found.status, found.detail) == ("fails", "KeyError: 'scale'")


def test_an_adapter_is_found_by_module_and_attribute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine_sr.py").write_text(
        "class best:\n    @staticmethod\n    def score(*a, **k): return 1.0\n"
    )
    adapter = load_adapter("mine_sr:best")
    assert adapter.score(None, None, metric="ssim", planes="rgb", crop=0) == 1.0
    with pytest.raises(WrongUse, match="mine_sr has no 'worst'"):
        load_adapter("mine_sr:worst")
    with pytest.raises(WrongUse, match="has none of resize, score, degrade, niqe"):
        load_adapter("json")
    with pytest.raises(WrongUse, match="did you mean sr-bench"):
        load_adapter("sr-bnech")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with adapters, the current folder beside it, and the import path restored."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    here, there = tmp_path / "here", tmp_path / "a folder"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    score = "def score(*a, **k): return {}\n"
    (here / "own_code.py").write_text(score.format(1))
    (there / "helper_of_other.py").write_text("VALUE = 2\n")
    body = "from helper_of_other import VALUE\nclass best:\n  class inner:\n    "
    (there / "other-code.py").write_text(body + "score = lambda *a, **k: VALUE\n")
    (there / "no_library.py").write_text("import not_there_at_all\n")
    (there / "broken.py").write_text("1 / 0\n")
    (there / "syntax.py").write_text("def (:\n")
    (there / "ends.py").write_text("import sys; sys.exit(3)\n")
    (there / "empty.py").write_text("")
    (there / "notes.txt").write_text("")
    return there


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("own_code.py", 1),
        ("./own_code.py", 1),
        ("own_code", 1),
        ("{here}/own_code.py", 1),
        ("../a folder/other-code.py:best.inner", 2),
        ("{there}/other-code.py:best.inner", 2),
    ],
)
def test_an_adapter_in_a_file(files, name, value):
    adapter = load_adapter(name.format(here=Path.cwd(), there=files))
    assert adapter.score(None, None, metric="psnr", planes="rgb", crop=0) == value


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("own_cod.py", ["own_cod.py: no such file", "correct the path"]),
        ("./own_code", ["own_code: no such file", "did you mean own_code.py?"]),
        ("own_code.py:best", ["own_code.py has no 'best', but score; write it as own_code.py:"]),
        ("../a folder/other-code.py", ["other-code.py: has none of resize, score"]),
        ("../a folder/other-code.py:best.outer", ["has no 'outer', but inner"]),
        ("../a folder/no_library.py", ["no_library.py: can't be imported", "not_there_at_all"]),
        ("../a folder/broken.py", ["broken.py: fails on import with ZeroDivisionError"]),
        ("../a folder/syntax.py", ["syntax.py: fails on import with SyntaxError"]),
        ("../a folder/ends.py", ["ends.py: fails on import with SystemExit(3)"]),
        ("../a folder/empty.py", ["has none of resize, score"]),
        ("../a folder/notes.txt", ["notes.txt: an adapter's file ends in .py"]),
        ("../a folder", ["a folder: a folder; name the adapter's file in it"]),
        ("other-code", ["unknown adapter 'other-code'", "write ./a.py"]),
        (".own_code", ["unknown adapter '.own_code'"]),
        ("own_code.", ["unknown adapter 'own_code.'"]),
        ("", ["unknown adapter ''"]),
        (":score", ["unknown adapter ''"]),
    ],
)
def test_an_adapter_that_cannot_be_used_says_what_to_write(files, name, facts):
    with pytest.raises(WrongUse) as caught:
        load_adapter(name)
    for fact in facts:
        assert fact in str(caught.value)


def test_the_table_of_libraries_names_those_that_are_missing(monkeypatch, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    monkeypatch.setitem(sys.modules, "kornia", None)
    from benchmarks.conformance import MODULES, suites

    found = list(suites(["pillow", "kornia"]))
    assert [s.adapter for s in found] == ["sr-bench", "pillow"]
    assert found[1].version.startswith("pillow ") and found[1].failed
    assert capsys.readouterr().err.startswith("kornia: not run: benchmarks.adapters.kornia: can't")
    adapters = {p.stem for p in (Path(__file__).parents[1] / "benchmarks/adapters").glob("*.py")}
    assert adapters == {"__init__", "common", *MODULES.values()}


def test_an_adapter_that_is_missing_ends_the_command(monkeypatch, tmp_path):
    """Though sr-bench, which was asked for as well, agrees."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "needs_sr.py").write_text("import not_there_at_all\n")
    done = CliRunner().invoke(APP, ["--adapter", "needs_sr", "--adapter", "sr-bench"])
    assert isinstance(done.exception, WrongUse) and "install what it needs" in str(done.exception)


def test_images_made_by_matlab_are_not_run_without_them(tmp_path):
    found = list(run_matlab(load_adapter("sr-bench"), tmp_path))
    assert {r.status for r in found} == {"not run"} and len(found) == 6
    assert "sr-bench fetch Set5 Set5-matlab-lr-x2" in found[0].detail


def test_a_cell_shows_the_worst_case():
    adapter = Adapter("theirs", SimpleNamespace(resize=rounded_once))
    found = [run_case(c, adapter) for c in named("resize-1:3-each-pass", "resize-2-none")]
    assert cell(found).endswith("%") and " levels, " in cell(found)
    assert cell([]) == "not run"


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    run = CliRunner().invoke
    good = run(APP, ["--json"])
    assert good.exit_code == 0
    facts = json.loads(good.stdout)
    assert facts["adapters"][0]["version"].startswith("sr-bench ")
    assert "not by MATLAB" in " ".join(facts["provenance"].values())
    (tmp_path / "wrong_sr.py").write_text("def score(*a, **k): return 30.0\n")
    bad = run(APP, ["--adapter", "wrong_sr", "--markdown"])
    assert bad.exit_code == 1
    assert "| rgb2ycbcr: y | +" in bad.stdout
    assert "not offered" in bad.stdout


def test_one_row_a_group(tmp_path):
    columns, rows = short_table([run_adapter("sr-bench", tmp_path)])
    assert columns == ["case", "sr-bench"]
    assert len({row[0] for row in rows}) == len(rows) == len({c.group for c in GOLDEN}) + 1
