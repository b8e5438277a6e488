"""``sr-bench eval``: what it prints, what it ends with, and that nothing is lost."""

import csv
import json
from pathlib import Path

import pytest
import torch

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.data.datasets import cache
from sr_bench.evaluation.scoring.table import read_scores
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.opened import OpenedModel

ROOT = Path(__file__).resolve().parent.parent
RUN = "edsr-baseline-sr-bench-open690-x4"


@pytest.fixture
def folder(tmp_path, picture, monkeypatch):
    """An empty folder, but for hr/ with two images."""
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "cache"))
    for name in ("a", "b"):
        images.write(tmp_path / "hr" / f"{name}.png", picture(40, 44, 3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def evaluated(cli):
    """``evaluated(words, status)``: the facts of --json, and stderr."""

    def run(words, status=0):
        out, err = cli(["eval", *words, "--json"], status)
        return json.loads(out), err

    return run


def bicubic(*more):
    return ["bicubic", "--scale", "2", "--dataset", "hr", *more]


def test_a_table_with_its_signature(folder, cli):
    out, err = cli(["eval", *bicubic()])
    for fact in ("edsr-2017", "bicubic-x2", "hr", "x2", "psnr", "ssim", "signature: protocol:edsr"):
        assert fact in out
    assert "published" not in out  # the folder may be called Set5, and isn't
    assert "protocol edsr-2017, since it treats all planes alike" in err
    assert out.count("signature") == 1


def test_json_and_csv_have_every_image(folder, evaluated):
    facts, _ = evaluated(bicubic("--csv", "scores.csv"))
    (result,) = facts["results"]
    assert result["images"] == 2 and result["published"] == {}
    psnr = [row["value"] for row in facts["images"] if row["metric"] == "psnr"]
    assert len(psnr) == 2 and result["mean"]["psnr"] == pytest.approx(sum(psnr) / 2, abs=1e-9)
    with (folder / "scores.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["image"] for row in rows] == ["a", "a", "b", "b"] and "error" not in rows[0]
    assert float(rows[0]["value"]) == pytest.approx(psnr[0])
    assert facts["models"][0]["origin"].startswith("method bicubic")
    assert facts["failed"] == facts["skipped"] == []


def test_several_models_sets_and_protocols_make_one_table_a_protocol(folder, cli, picture):
    images.write(folder / "more/c.png", picture(36, 36, 3))
    words = bicubic("--dataset", "more", "--protocol", "edsr-2017", "--protocol", "basicsr-y")
    out, err = cli(["eval", *words])
    assert out.count("bicubic-x2") == 4 and out.count("signature:") == 2
    assert "since" not in err  # the protocols were asked for


def test_a_bad_model_among_good_ones_is_named_and_ends_with_1(folder, evaluated):
    (folder / "net.pth").write_bytes(b"x")
    facts, err = evaluated(["net.pth", *bicubic()], 1)
    assert len(facts["results"]) == 1
    assert facts["failed"][0]["model"] == "net.pth" and "error: net.pth" in err


def test_a_bad_image_ends_with_1_and_the_table_says_that_it_is_of_a_part(folder, cli, evaluated):
    (folder / "hr/b.png").write_bytes(b"x")
    (folder / "hr/notes.txt").write_text("x")
    out, err = cli(["eval", *bicubic("--csv", "s.csv")], 1)
    assert "1 of 2: not the" in out and "b.png" in err.partition("error: ")[2]
    assert "skipped: hr/notes.txt" in err
    facts, _ = evaluated(bicubic(), 1)
    assert "mean_of_part" in facts["results"][0] and facts["failed"][0]["image"] == "b"
    with (folder / "s.csv").open() as handle:
        assert list(csv.DictReader(handle))[-1]["error"]


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["bicubic"], "scale"),
        (["nothing.pth"], "no such file"),
        (bicubic("--protocol", "edsr-2018"), "did you mean"),
        (["bicubic", "--scale", "2", "--dataset", "Set6"], "did you mean"),
        (bicubic("--pad", "mirror"), "unknown padding 'mirror'"),
        (["bicubic", "--scale", "2", "--hr", "hr"], "--hr and --lr"),
        (bicubic("--hr", "hr", "--lr", "hr"), "leave --dataset out"),
    ],
)
def test_wrong_use_ends_with_2(folder, cli, words, fact):
    out, err = cli(["eval", *words], 2)
    assert out == "" and fact in err


def test_kept_images_are_not_replaced_without_force(folder, cli):
    cli(["eval", *bicubic("--save", "sr")])
    path = folder / "sr/bicubic-x2/rgb-matlab/hr/a.png"
    whole = path.read_bytes()
    path.write_bytes(b"mine")
    out, err = cli(["eval", *bicubic("--save", "sr")], 2)
    assert out == "" and "--force" in err and path.read_bytes() == b"mine"
    cli(["eval", *bicubic("--save", "sr", "--force")])
    assert path.read_bytes() == whole


def test_lr_can_be_given(folder, evaluated):
    rule = find_protocol("edsr-2017").degradation
    for path in images.listing(folder / "hr"):
        images.write(folder / "lr" / path.name, degrade(images.read(path), rule, scale=2))
    facts, _ = evaluated(["bicubic", "--scale", "2", "--hr", "hr", "--lr", "lr"])
    made, _ = evaluated(bicubic())
    assert facts["results"][0]["mean"] == made["results"][0]["mean"]
    assert "|lr:given|" in facts["results"][0]["signature"]


def test_a_run_of_the_project_is_a_model(project, evaluated, cli, monkeypatch):
    monkeypatch.chdir(project)
    facts, _ = evaluated(["bicubic-x2", "--dataset", "data/Set5"])
    assert facts["models"][0] | {"notes": []} == {
        "model": "bicubic-x2",
        "scale": 2,
        "origin": "run bicubic-x2",
        "sha256": None,
        "options": [],
        "notes": [],
    }
    words = ["bicubic-x2", "--scale", "3", "--dataset", "data/Set5"]
    _, err = cli(["eval", *words], 2)
    assert "bicubic-x2 is of scale 2, --scale is 3" in err


def test_a_params_yaml_of_another_tool_is_no_project(folder, cli, caplog):
    (folder / "params.yaml").write_text("train: {lr: 0.1}\n")
    out, _ = cli(["eval", *bicubic()])
    assert "bicubic-x2" in out and "isn't one of sr-bench" in caplog.text


def test_options_reach_the_model(folder, cli, monkeypatch):
    seen = []

    def opened(spec, *, methods, options):
        seen.append(options)

        def model(lr):
            return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)

        model.colour = "rgb"
        return OpenedModel(spec, model, 2, "a stub", options=("range:255",))

    monkeypatch.setattr("sr_bench.evaluation.evaluating.candidate.open_model", opened)
    words = ["--range", "255", "--bgr", "--multiple-of", "8", "--pad", "reflect"]
    out, _ = cli(["eval", "mine", "--dataset", "hr", "--device", "cpu", *words])
    options = seen[0]
    assert (options.value_range, options.bgr, options.multiple_of) == (255, True, 8)
    assert (options.pad, options.device, options.scale) == ("reflect", torch.device("cpu"), None)
    assert "|model:range:255" in out.replace("\n", "")


def test_our_edsr_is_its_cell_of_the_reports(folder, evaluated, real):
    """From the mirror: 31.85 dB on Set5; a processor changes at most 3e-5."""
    source = real("Set5")
    assert source
    facts, _ = evaluated([str(ROOT / f"methods/weights/{RUN}.safetensors")])
    (result,) = facts["results"]
    cells = read_scores(ROOT / "reports/scores.csv")
    cell = cells[
        (cells["run"] == RUN) & (cells["dataset"] == "Set5") & (cells["protocol"] == "edsr-2017")
    ].set_index("metric")["value"]
    assert result["mean"]["psnr"] == pytest.approx(cell["psnr"], abs=3e-5)
    assert result["mean"]["ssim"] == pytest.approx(cell["ssim"], abs=1e-5)
    assert result["published"]["above"]["value"] == "32.09"
    assert (cache.cache_folder() / "Set5").is_dir()
