"""`sr-bench time --model`, ONNX Runtime and OpenVINO, and facts that can't be had."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.modules import networks_of
from sr_bench.networks.opened import OpenedModel
from sr_bench.report.timings import TIMINGS
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.timing import launch as launching
from sr_bench.timing import plan_models
from sr_bench.timing.computation import put_on_device
from sr_bench.timing.exported import Exported, open_onnxruntime, open_openvino, write_onnx
from sr_bench.timing.launch import Measured, launch
from sr_bench.timing.measure import Measurement
from sr_bench.timing.plan import Selection
from sr_bench.timing.plan_models import make_model_plan
from sr_bench.timing.setting import Setting, frame_of, is_alone, works_on
from sr_bench.timing.tasks import ModelChoice, Task
from sr_bench.timing.timed_model import PHOTOS, TimedModel, photograph

RULE = load_protocols().degradations["rgb-matlab"]
CONV_MACS = 3 * 12 * 9


class Net(nn.Module):
    """x2 by one convolution, which first does something to lr."""

    colour, reach = "rgb", 1

    def __init__(self, first: Callable[[torch.Tensor], torch.Tensor] = lambda lr: lr) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.first = nn.Conv2d(3, 12, 3, padding=1), first

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.conv(self.first(lr)), 2).clamp(0, 1)


class Scaled(nn.Module):
    """A network that also takes a scale, in a model that is no module."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def forward(self, lr: torch.Tensor, scale: int) -> torch.Tensor:
        return self.net(lr) * scale / 2


class Around:
    colour = "rgb"

    def __init__(self) -> None:
        self.body = Scaled().eval()  # by any name

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        return self.body(lr, 2)


@torch.library.custom_op("sr_bench_tests::blurred", mutates_args=())
def blurred(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.avg_pool2d(x, 3, 1, 1)


def branch(lr: torch.Tensor) -> torch.Tensor:
    return lr + 1 if lr.sum() > 1e9 else lr


WAYS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "item": lambda lr: lr * (lr.mean().item() > -1),
    "branch": branch,
    "numpy": lambda lr: torch.from_numpy(np.ascontiguousarray(lr.numpy())),
    "index": lambda lr: lr + 0 * lr[lr > 0.5].sum(),
}


def opened(model: object, origin: str = "method mine", name: str = "mine") -> TimedModel:
    return TimedModel(OpenedModel(name, model, 2, origin, "hash"))  # type: ignore[arg-type]


def timed(
    model: TimedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: str = "float32"
) -> dict[str, object]:
    """What the process would hand back; one second of rounds is too long for a test."""
    monkeypatch.setattr("sr_bench.timing.measure.timed_of", lambda task: model)
    monkeypatch.setattr("sr_bench.timing.measure.rounds_for", lambda seconds, images, again: 2)
    monkeypatch.setattr("sr_bench.timing.cost.SIDE", 64)
    setting = Setting("mine", "cpu-1", precision, "8x6")
    Measurement(Task(tmp_path, setting, psnr=True), tmp_path).measured().write(tmp_path)
    return Measured.read(tmp_path).facts


@pytest.mark.parametrize("way", WAYS)
def test_a_row_of_a_network_that_looks_at_values_is_whole(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = timed(opened(Net(WAYS[way]).eval()), monkeypatch, tmp_path)
    assert facts["not_known"] == {}
    assert (facts["macs"], facts["params"]) == (CONV_MACS * 48, CONV_MACS + 12)
    assert 5 < facts["psnr"] < 40 and facts["peak_memory_mb"] > 0  # type: ignore[operator]


def test_what_nobody_can_count_is_told_and_the_row_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = timed(opened(Net(blurred).eval()), monkeypatch, tmp_path)
    assert facts["macs"] is None and facts["psnr"]
    assert "sr_bench_tests::blurred aren't known" in facts["not_known"]["macs"]  # type: ignore[index]


def test_every_fact_may_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("not here")

    for name in ("peak_mb", "resident_mb", "matrix_rate", "os.getloadavg"):
        monkeypatch.setattr(f"sr_bench.timing.measure.{name}", fails)
    for name in ("parameters", "macs", "psnr"):
        monkeypatch.setattr(TimedModel, name, fails)
    facts = timed(opened(Net().eval()), monkeypatch, tmp_path)
    missing = ["load", "macs", "matrix_gflops", "params", "peak_memory_mb", "psnr", "rss_before_mb"]
    assert sorted(facts["not_known"]) == missing  # type: ignore[call-overload]
    assert {facts[name] for name in missing} == {None}


def test_a_process_that_dies_over_a_fact_costs_that_fact(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = {"pixels": [1], "macs": None, "not_known": {"macs": "the timing process ended"}}

    def run(task: Task, folder: Path) -> object:
        Measured(facts, [0.5]).write(folder)
        return type("Done", (), {"returncode": -9})

    monkeypatch.setattr(launching, "_run", run)
    task = Task(tmp_path, Setting("mine", "cpu-1", "float32", "8x6"), psnr=False)
    assert launch(task) == Measured(facts, [0.5])


def test_facts_that_are_not_there_yet_are_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TimedModel, "psnr", killed)
    with pytest.raises(KeyboardInterrupt):
        timed(opened(Net().eval()), monkeypatch, tmp_path)
    left = Measured.read(tmp_path)
    assert len(left.times_s) == 2 and left.facts["macs"] == CONV_MACS * 48
    assert left.facts["not_known"] == {"psnr": "the timing process ended while it was looked for"}


# Where networks are found


def test_networks_are_found_wherever_they_are_held() -> None:
    def call(lr: torch.Tensor) -> torch.Tensor:
        return net(lr)

    net = Net()
    holder = Around()
    holder.more = [{"deep": net}]  # type: ignore[attr-defined]
    assert networks_of(call) == {"net": net}
    assert networks_of(holder) == {"body": holder.body, "more.0.deep": net}
    holder.inner = holder.body.net  # type: ignore[attr-defined]
    assert "inner" not in networks_of(holder)
    assert networks_of(net) == {"": net} and networks_of(3) == {}


def test_a_model_whose_network_cannot_be_moved_is_timed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    holder = Around()
    holder.more = [Net().eval()]  # type: ignore[attr-defined]
    facts = timed(opened(holder), monkeypatch, tmp_path)
    assert facts["params"] == 2 * (CONV_MACS + 12) and facts["macs"] == CONV_MACS * 48


class Calls(nn.Module):
    """As a model from a function or an engine is: a module without parameters, around a call."""

    colour = "rgb"

    def __init__(self, call: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.call = call
        self.eval()

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return self.call(lr)


def test_the_network_that_a_function_uses_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    net = Net().eval()
    model = opened(Calls(lambda lr: net(lr)), "function mine.py:up")
    facts = timed(model, monkeypatch, tmp_path)
    assert not model.has_network and model.label == "float32"
    assert (facts["params"], facts["macs"]) == (CONV_MACS + 12, CONV_MACS * 48)


def test_of_an_engine_parameters_are_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = opened(
        Calls(lambda lr: lr.repeat_interleave(2, 2).repeat_interleave(2, 3)), "onnxruntime (CPU)"
    )
    facts = timed(model, monkeypatch, tmp_path, model.label)
    assert model.label == "float32-onnxruntime"
    assert facts["params"] is facts["macs"] is None
    assert set(facts["not_known"]) == {"params", "macs"}  # type: ignore[call-overload]
    assert "onnxruntime (CPU)" in facts["not_known"]["params"]  # type: ignore[index]


# Engines


@pytest.mark.parametrize(("backend", "make"), [("onnxruntime", Around), ("openvino", Net)])
def test_engines_compute_what_pytorch_does(backend: str, make: type, tmp_path: Path) -> None:
    for module in (backend, "onnx", "onnxscript"):
        pytest.importorskip(module)
    made: list[Path] = []

    def export(inputs: tuple[object, ...]) -> Path:
        path = tmp_path / f"{len(made)}.onnx"
        write_onnx(network, [list(x.shape) if hasattr(x, "shape") else x for x in inputs], path)
        made.append(path)
        return path

    model = make()
    model = model.eval() if isinstance(model, nn.Module) else model
    (network,) = networks_of(model).values()
    there, computation = put_on_device(model, "cpu", f"float32-{backend}", export)
    assert isinstance(computation, Exported)
    lr = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    sr = Upscaler("mine", there, RULE, 2).unrounded(lr)
    np.testing.assert_allclose(sr, Upscaler("mine", model, RULE, 2).unrounded(lr), atol=1e-3)
    Upscaler("mine", there, RULE, 2)(lr)
    assert len(made) == 1  # a file a size
    assert computation.original is network


@pytest.mark.parametrize("open_engine", [open_onnxruntime, open_openvino])
def test_an_engine_that_is_not_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, open_engine: Callable[[Path, int], object]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("sr_bench.timing.exported.importlib.import_module", missing)
    with pytest.raises(SrBenchError, match=r"is not installed: pip install 'sr-bench\["):
        open_engine(Path("a.onnx"), 1)


# What a command line asks for


def test_sizes_of_lr() -> None:
    assert frame_of(4, "180x320") == (180, 320) and is_alone("180x320")
    assert not is_alone("Set5") and not is_alone("0x5") and not is_alone("720p-png")
    assert works_on("float32-openvino", "cpu-1") and not works_on("float32-openvino", "cuda")


def test_labels() -> None:
    def labels(**chosen: tuple[str, ...]) -> list[str]:
        return Selection(**chosen).labels("cpu-1")

    every = ("eager", "compile", "onnxruntime", "openvino")
    assert labels(precisions=("float32", "bf16"), backends=every) == [
        *("float32", "float32-compile", "float32-onnxruntime", "float32-openvino"),
        *("bf16", "bf16-compile"),
    ]
    assert labels(precisions=("float32-nchw",), backends=("openvino",)) == []


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, TimedModel]:
    """Models by what names them."""
    found = {
        "net.pth": opened(Net(), "spandrel: Net x2", "net"),
        "other/net.pth": opened(Net(), "spandrel: Net x2", "net"),
        "net.onnx": opened(Calls(lambda lr: lr), "onnxruntime (CPU)", "onnx"),
    }

    def open_one(choice: ModelChoice) -> TimedModel:
        if choice.spec not in found:
            raise SrBenchError(f"{choice.spec}: no such file")
        return found[choice.spec]

    monkeypatch.setattr(plan_models, "model_of", open_one)
    return found


def plan_of(*specs: str, **chosen: tuple[str, ...]) -> plan_models.TimingPlan:
    selection = Selection(**{"devices": ("cpu-1",), "precisions": ("float32",), **chosen})
    return make_model_plan([ModelChoice(spec) for spec in specs], selection)


def test_plan_of_models(models: dict[str, TimedModel]) -> None:
    plan = plan_of("net.pth", "net.onnx", "gone.pth", inputs=("9x7",))
    assert [str(s) for s in plan.settings] == [
        "net cpu-1 float32 9x7",
        "onnx cpu-1 float32-onnxruntime 9x7",
    ]
    assert plan.failed == {"gone.pth": "gone.pth: no such file"} and plan.left_out == []
    assert plan.weights == {"net": "hash", "onnx": "hash"}
    both = plan_of("net.pth", "other/net.pth")
    assert [s.run for s in both.settings] == ["net", "net (other/net.pth)"]
    assert {s.input for s in both.settings} == {"720p"}


def test_backends_that_a_model_cannot_have_are_told(models: dict[str, TimedModel]) -> None:
    plan = plan_of("net.pth", "net.onnx", backends=("eager", "onnxruntime"))
    assert [f"{s.run} {s.precision}" for s in plan.settings] == [
        "net float32",
        "net float32-onnxruntime",
        "onnx float32-onnxruntime",
    ]
    assert plan.left_out[0].startswith("onnx is not timed with eager: it has no network")
    with pytest.raises(WrongUse, match=r"nothing to time of onnx.*not timed with compile"):
        plan_of("net.onnx", backends=("compile",))
    with pytest.raises(WrongUse, match="unknown backend 'tensorrt'"):
        plan_of("net.pth", backends=("tensorrt",))
    with pytest.raises(WrongUse, match="unknown input 'Set5'"):
        plan_of("net.pth", inputs=("Set5",))


def test_photographs_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {photograph(name).shape for name in PHOTOS} == {(240, 240, 3)}
    monkeypatch.setattr("sr_bench.timing.timed_model.sha256", lambda path: "another")
    with pytest.raises(SrBenchError, match="not the photo"):
        photograph(PHOTOS[0])


METHOD = """
import torch
from torch import nn
from sr_bench.networks.method import Method

class Net(nn.Module):
    colour = "rgb"
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 12, 3, padding=1)
    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.conv(lr), 2)

METHOD = Method(name="mine", load=lambda setup: Net().eval(), reference="r")
"""


@pytest.mark.slow
def test_command(project: Path, cli: Callable[..., tuple[str, str]]) -> None:
    """All of it: a model of PyTorch, in its own process, in two backends."""
    (project / "methods").mkdir()
    (project / "methods" / "mine.py").write_text(METHOD)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("methods: [", "methods: [methods, "))
    words = ["time", "--model", "mine", "--scale", 2, "--device", "cpu-1", "--size", "9x7"]
    words += ["--precision", "float32", "--backend", "eager,onnxruntime", "--csv", "times.csv"]
    out, _ = cli([*words, "--json"], cwd=project)
    rows = json.loads(out)["rows"]
    assert [row["precision"] for row in rows] == ["float32", "float32-onnxruntime"]
    assert abs(rows[0]["psnr"] - rows[1]["psnr"]) < 1e-4 and rows[1]["not_known"] == {}
    table = pd.read_csv(project / "times.csv")
    assert list(table.columns) == TIMINGS and table["macs"].tolist() == [CONV_MACS * 63] * 2
    assert not (project / "benchmarks").exists()


@pytest.mark.parametrize(
    ("words", "fact"),
    [(["--scale", 3], "say how --model is opened"), (["--model", "x"], "not both")],
)
def test_what_does_not_go_together(
    project: Path, cli: Callable[..., tuple[str, str]], words: list[object], fact: str
) -> None:
    _, err = cli(["time", "bicubic-x2", *words], 2, cwd=project)
    assert fact in " ".join(err.split())
