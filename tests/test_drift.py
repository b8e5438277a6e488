"""What `check` makes of numbers: what moved, noise or regression, which inputs changed."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
import yaml

from sr_bench.analysis.drift.changes import Tolerances, load_tolerances
from sr_bench.analysis.drift.check import check_scores
from sr_bench.analysis.drift.inputs import changed_inputs
from sr_bench.analysis.drift.render import facts, findings, github_lines, markdown
from sr_bench.analysis.drift.snapshot import Snapshot, open_snapshot
from sr_bench.evaluation.scoring.table import CELL, CELL_COLUMNS, IMAGE_COLUMNS, cells
from sr_bench.support.errors import SrBenchError

INF = float("inf")


def rows(values, **given):
    """Per-image rows of one cell."""
    row = {
        "run": "srcnn-x2",
        "method": "srcnn",
        "variant": "9-1-5",
        "weights": "author",
        "scale": 2,
        "dataset": "Set5",
        "protocol": "edsr-2017",
        "metric": "psnr",
        "signature": "protocol:edsr-2017",
    } | given
    listed = [row | {"image": f"im{i}", "value": v} for i, v in enumerate(values)]
    return pd.DataFrame(listed)[IMAGE_COLUMNS]


def state(*parts, **kwargs):
    table = pd.concat(parts, ignore_index=True)
    return Snapshot("reports", cells(table)[CELL_COLUMNS], table, **kwargs)


def base(n=5):
    return np.random.default_rng(n).normal(30, 3, n)


def compared(before, after, **given):
    return check_scores(state(rows(before, **given)), state(rows(after, **given)))


# Cells and images


@pytest.mark.parametrize(
    ("change", "given", "drift"),
    [
        (0, {}, False),
        (0.0049, {}, False),
        (0.0051, {}, True),
        (0.0000049, {"metric": "ssim"}, False),
        (0.0000510, {"metric": "ssim_blue"}, True),
        (1e-12, {"weights": "none"}, False),
        (1e-6, {"weights": "none"}, True),
    ],
)
def test_tolerances_go_by_metric_and_network(change, given, drift):
    step = change * np.array([1, -1, 1, -1, 1])
    assert compared(base(), base() + step, **given).drift is drift


def test_images_that_cancel_in_the_mean_are_caught():
    step = np.array([0.5, -0.5, 0, 0, 0])
    found = compared(base(), base() + step)
    assert found.cells.empty
    assert found.images[["image", "what"]].values.tolist() == [["im0", "moved"], ["im1", "moved"]]


def test_cells_and_images_that_came_or_went_are_named():
    both, other = rows(base()), rows(base(), dataset="Set14")
    gone = check_scores(state(both, other), state(both))
    assert gone.cells[["dataset", "what"]].values.tolist() == [["Set14", "missing"]]
    assert gone.images.empty  # of a cell that went as a whole
    new = check_scores(state(both), state(both, other))
    assert new.cells["what"].tolist() == ["new"]
    fewer = check_scores(state(both), state(both[:4]))
    assert fewer.images[["image", "what"]].values.tolist() == [["im4", "missing"]]
    assert check_scores(state(both[:4]), state(both)).images["what"].tolist() == ["new"]


def test_a_mean_over_other_images_is_drift_though_numbers_are_equal():
    before = Snapshot("old.csv", state(rows([30.0, 30.0])).cells, None)
    after = Snapshot("new.csv", state(rows([30.0])).cells, None)
    assert check_scores(before, after).cells["what"].tolist() == ["other images"]


def test_another_version_of_the_software_is_no_drift():
    first, second = (rows(base(), signature=f"protocol:p|version:1|sr-bench:{v}") for v in "12")
    assert not check_scores(state(first), state(second)).drift
    third = rows(base(), signature="protocol:p|version:2|sr-bench:2")
    assert check_scores(state(second), state(third)).cells["what"].tolist() == ["signature"]


def test_another_signature_is_drift_though_numbers_are_equal():
    found = check_scores(state(rows(base())), state(rows(base(), signature="other")))
    assert found.cells["what"].tolist() == ["signature"]


def test_nan_is_drift_even_if_both_have_it_and_infinities_are_equal():
    bad = base()
    bad[1] = float("nan")
    assert set(compared(bad, bad).images["what"]) == {"not a number"}
    assert not compared([INF, 30.0], [INF, 30.0]).drift
    assert compared([INF, 30.0], [50.0, 30.0]).drift


def test_without_images_cells_are_compared_and_it_is_said():
    before, after = (Snapshot("old.csv", state(rows(v)).cells, None) for v in (base(), base() + 1))
    found = check_scores(before, after)
    assert found.drift and len(found.cells) == 1
    assert "compared by cell alone" in found.notes[0]


def test_tolerances_of_a_protocol_and_of_unknown_metrics():
    known = load_tolerances()
    assert known.of(weights="author", protocol="edsr-2017", metric="ms_ssim") == 0.00005
    assert known.of(weights="author", protocol="edsr-2017", metric="niqe") == 0.005
    own = Tolerances.model_validate(
        {"exact": {"other": 0}, "network": {"other": 1, "psnr": 2}}
        | {"protocols": {"edsr-2017": {"network": {"psnr": 3}}}}
    )
    assert own.of(weights="author", protocol="edsr-2017", metric="psnr_y") == 3
    assert own.of(weights="author", protocol="basicsr-y", metric="psnr_y") == 2
    assert own.of(weights="none", protocol="edsr-2017", metric="psnr") == 0
    with pytest.raises(ValueError, match="network has no 'other'"):
        Tolerances.model_validate({"exact": {"other": 0}, "network": {"psnr": 1}})


# Noise or regression


def kinds(step, **given):
    found = compared(base(len(step)), base(len(step)) + step, **given)
    return [(m.kind, m.drift) for m in found.movements]


def test_tiny_differences_both_ways_are_noise():
    step = np.random.default_rng(0).normal(0, 0.0005, 100)
    assert kinds(step) == [("noise", False)]


def test_tiny_differences_one_way_are_a_regression():
    assert kinds(np.full(100, 0.0004)) == [("one-sided", True)]


def test_large_differences_are_one_sided_few_or_scattered():
    few = np.zeros(100)
    few[:3] = 0.2, -0.1, 0.4
    assert kinds(few) == [("few images", True)]
    assert kinds(np.full(100, -0.3)) == [("one-sided", True)]
    assert kinds(np.tile([0.02, -0.02], 50)) == [("scattered", True)]


def test_noise_in_hundreds_of_groups_raises_no_alarm():
    rng = np.random.default_rng(1)
    before = [rows(base(119), run=f"run{i}") for i in range(150)]
    after = [part.assign(value=part["value"] + rng.normal(0, 0.001, 119)) for part in before]
    found = check_scores(state(*before), state(*after))
    assert not found.drift and len(found.noise) == 150


# Changed inputs


def lock(path, **md5):
    deps = [{"path": p.replace("__", "/"), "md5": m} for p, m in md5.items()]
    stages = {"upscale@srcnn-x2": {"deps": deps, "params": {"params.yaml": {"protocols": ["a"]}}}}
    path.write_text(yaml.safe_dump({"stages": stages}))
    return path


def test_inputs_that_differ_in_the_locks(tmp_path):
    files = {"methods__srcnn.py": "1", "build__weights__srcnn-x2.json": "2", "build__sr__a": "3"}
    changed = {"methods__srcnn.py": "1", "build__weights__srcnn-x2.json": "9", "build__sr__a": "9"}
    before = state(rows(base()), lock=lock(tmp_path / "a", **files))
    after = state(rows(base() + 1), lock=lock(tmp_path / "b", **changed))
    (found,) = changed_inputs(before, after, ["srcnn-x2"])
    assert (found.kind, found.what) == ("weights", "build/weights/srcnn-x2.json")
    text = "changed: weights: build/weights/srcnn-x2.json (read by 1 of the runs that moved)"
    assert text in findings(check_scores(before, after))


def provenance(path, torch, color):
    run = {"code": f"code/{color}", "data": {"Set5": "1"}, "signatures": {}, "scores": color}
    records = {"runs/srcnn-x2": run, f"code/{color}": {"sr_bench/imaging/color.py": color}}
    content = {"packages": {"numpy": "2.4", "torch": torch}, "records": records}
    path.write_text(json.dumps(content))
    return path


def test_inputs_that_differ_in_the_provenance(tmp_path):
    before = state(rows(base()), provenance=provenance(tmp_path / "a", "2.9", "x"))
    after = state(rows(base() + 1), provenance=provenance(tmp_path / "b", "2.10", "y"))
    found = [(s.kind, s.what) for s in changed_inputs(before, after, ["srcnn-x2"])]
    assert found == [("code", "sr_bench/imaging/color.py"), ("environment", "torch: 2.9 -> 2.10")]


def test_without_both_states_nothing_is_suspected_and_it_is_said(tmp_path):
    before = state(rows(base()), lock=lock(tmp_path / "a"))
    found = check_scores(before, state(rows(base() + 1)))
    assert found.inputs == ()
    assert any("what changed isn't known" in note for note in found.notes)


# Patterns


def test_patterns_name_what_the_moved_cells_share():
    given = [{"run": r, "protocol": p} for r in "ab" for p in ("edsr-2017", "mmediting-2020")]
    before = state(*(rows(base(), **g) for g in given))

    def moved(where):
        return check_scores(before, state(*(rows(base() + where(g), **g) for g in given))).patterns

    assert moved(lambda g: g["run"] == "a") == ("only a moved: its weights or its method's file",)
    luminance = "only protocols that score Y moved: luminance (color.py)"
    assert luminance in moved(lambda g: g["protocol"] == "edsr-2017")
    assert "everything moved" in moved(lambda g: 1)[0]


# Words


def drifted():
    return compared(base(), base() + np.array([0, 0, 0, 0, 1]), run="a|b<c>")


def test_the_markdown_names_cells_and_escapes():
    text = markdown(drifted())
    assert text.startswith("### sr-bench check: drift\n")
    assert "| a\\|b&lt;c&gt; | Set5 | edsr-2017 | psnr |" in text
    assert "| im4 |" in text and "| im0 |" not in text
    assert markdown(compared(base(), base())).startswith("### sr-bench check: no drift\n")


def test_annotations_are_single_lines_that_github_reads():
    first, second = github_lines(drifted())
    assert first.startswith("::error title=sr-bench%3A drift::drift against reports")
    assert "\n" not in first and "%0Akind: " in first
    assert second.startswith(
        "::error title=a|b<c>::dataset Set5; protocol edsr-2017; metric psnr; before "
    )
    (fine,) = github_lines(compared(base(), base()))
    assert fine.startswith("::notice title=sr-bench check::1 cells and 5 image scores agree")


def test_facts_are_json_even_where_images_became_or_ceased_to_be_identical():
    found = facts(compared([INF, 30.0, 31.0], [40.0, INF, 31.0]))
    assert found["movements"][0]["mean"] is None and found["drift"]
    assert [i["image"] for i in found["images"]] == ["im0", "im1"]


# Files


def test_a_damaged_or_foreign_table_is_named(tmp_path):
    good = state(rows(base()))
    good.cells.to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "per_image.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(SrBenchError, match=r"per_image\.csv\.gz: "):
        open_snapshot(tmp_path)
    (tmp_path / "per_image.csv.gz").write_bytes(gzip.compress(b"run,score\na,1\n"))
    with pytest.raises(
        SrBenchError, match=r"columns are run, score; expected run, .*another version"
    ):
        open_snapshot(tmp_path)
    twice = pd.concat([good.images, good.images])
    twice.to_csv(tmp_path / "per_image.csv.gz", index=False)
    with pytest.raises(SrBenchError, match="im0 is listed twice"):
        open_snapshot(tmp_path)


def test_an_empty_value_is_nan(tmp_path):
    table = state(rows(base())).cells.assign(value="")
    table.to_csv(tmp_path / "scores.csv", index=False)
    assert open_snapshot(tmp_path).cells["value"].isna().all()
    assert set(CELL) < set(open_snapshot(tmp_path).cells)
