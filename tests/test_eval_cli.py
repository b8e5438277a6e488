"""``sr-bench eval``: what it prints, what it ends with, and that nothing is lost."""

import csv
import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from rich.console import Console

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


def test_piped_it_is_lines_with_tabs_and_comments(folder, cli, monkeypatch):
    out, _ = cli(["eval", *bicubic("--protocol", "edsr-2017", "--protocol", "basicsr-y")])
    lines = [line.split("\t") for line in out.splitlines() if not line.startswith("#")]
    assert [line[:4] for line in lines] == [
        ["model", "dataset", "scale", "psnr"],
        ["bicubic-x2", "hr", "x2", lines[1][3]],
        ["model", "dataset", "scale", "psnr"],
        ["bicubic-x2", "hr", "x2", lines[3][3]],
    ]
    assert float(lines[1][3]) > 9 and {len(line) for line in lines} == {6}
    assert out.splitlines()[0] == "# edsr-2017" and "\n# signature: protocol:edsr-2017" in out
    monkeypatch.setattr(Console, "is_terminal", True)
    out, _ = cli(["eval", *bicubic()])
    assert "\t" not in out and "\nsignature: protocol:edsr-2017" in out and "┃" in out


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
    assert facts["failed"] == []


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


def test_an_image_that_has_no_score_ends_with_1_and_the_table_says_so(
    folder, cli, evaluated, picture
):
    images.write(folder / "hr/c.png", picture(4, 60, 3))  # the crop leaves nothing
    out, err = cli(["eval", *bicubic("--csv", "s.csv")], 1)
    assert "2 of 3: not the" in out and "c.png" in err.partition("error: ")[2]
    facts, _ = evaluated(bicubic(), 1)
    assert "mean_of_part" in facts["results"][0] and facts["failed"][0]["image"] == "c"
    with (folder / "s.csv").open() as handle:
        assert list(csv.DictReader(handle))[-1]["error"]


def test_an_image_that_cannot_be_read_ends_with_1(folder, cli):
    (folder / "hr/b.png").write_bytes(b"x")
    out, err = cli(["eval", *bicubic()], 1)
    assert out == "" and "b.png" in err.partition("error: ")[2]


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
    assert "|lr:given." in facts["results"][0]["signature"]


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


def test_a_dataset_of_the_project_is_a_test_set(project, evaluated, monkeypatch, picture):
    monkeypatch.chdir(project)
    images.write(project / "mine/a.png", picture(40, 40, 3))
    with (project / "params.yaml").open("a") as params:
        params.write("datasets: {mine: {folder: mine}}\n")
    facts, _ = evaluated(["bicubic-x2", "--dataset", "mine"])
    assert [(r["dataset"], r["images"]) for r in facts["results"]] == [("mine", 1)]


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


class Repeat(torch.nn.Module):
    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


FUNCTIONS = """
import numpy as np, torch
def up(image: np.ndarray):
    return image.repeat(2, 0).repeat(2, 1)
def white(x: torch.Tensor):
    assert x.max() > 1
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
def raw(x: torch.Tensor):
    return 255 * x.repeat_interleave(2, 2).repeat_interleave(2, 3)
def same(image: np.ndarray):
    return image
def nan(x: torch.Tensor):
    factor = float("nan") if x.shape[2] == 20 else 1
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3) * factor
"""


@pytest.fixture
def functions(folder):
    (folder / "mine.py").write_text(FUNCTIONS)
    return folder


def test_a_function_and_two_graphs_are_one_table(functions, evaluated):
    torch.jit.trace(Repeat(), torch.rand(1, 3, 8, 8)).save("net.pt")
    models = ["mine.py:up", "net.pt"]
    if find_spec("onnx") and find_spec("onnxruntime"):
        sizes = {"lr": {2: "h", 3: "w"}, "sr": {2: "H", 3: "W"}}
        names = {"input_names": ["lr"], "output_names": ["sr"], "dynamic_axes": sizes}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Repeat(), (torch.rand(1, 3, 8, 8),), "net.onnx", dynamo=False, **names
            )
        models.append("net.onnx")
    facts, err = evaluated([*models, "--dataset", "hr"])
    names = [model["model"] for model in facts["models"]]
    assert len(set(names)) == len(models)
    psnr = [result["mean"]["psnr"] for result in facts["results"]]
    assert psnr == pytest.approx([psnr[0]] * len(models), abs=1e-3)
    assert "function mine.py:up" in err and "x2" in err


@pytest.mark.parametrize(
    ("function", "facts"),
    [
        ("raw", ["--range 255"]),
        ("same", ["the same size"]),
        ("nan", ["mine.nan on hr/", "NaN"]),
        ("none", ["unknown function 'none'"]),
    ],
)
def test_functions_that_fail_are_named_with_the_remedy(functions, cli, function, facts):
    out, err = cli(["eval", f"mine.py:{function}", "mine.py:up", "--dataset", "hr"], 1)
    assert "mine.up" in out and f"mine.{function}" not in out
    for fact in facts:
        assert fact in err.partition("error: ")[2]


def test_a_model_of_another_scale_is_wrong_use(functions, cli):
    out, err = cli(["eval", "mine.py:up", "--scale", "4", "--dataset", "hr"], 2)
    assert out == "" and "enlarges by 2, but the scale asked for is 4" in err


def test_the_value_range_is_in_the_signature(functions, evaluated):
    facts, _ = evaluated(["mine.py:white", "--range", "255", "--dataset", "hr"])
    plain, _ = evaluated(["mine.py:up", "--dataset", "hr"])
    assert facts["results"][0]["signature"].endswith("|model:range:255")
    assert facts["results"][0]["mean"]["psnr"] == pytest.approx(
        plain["results"][0]["mean"]["psnr"], abs=1e-3
    )


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
    published = result["published"]["psnr"]
    assert float(published["below"]["value"]) < 31.8523 < float(published["above"]["value"])
    ssim, measured = result["published"]["ssim"], result["mean"]["ssim"]
    assert float(ssim["below"]["value"]) < measured < float(ssim["above"]["value"])
    assert (cache.cache_folder() / "Set5").is_dir()
