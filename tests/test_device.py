"""The device: which is chosen, what moves there, and what happens when its memory is too small."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.batches import batches_of
from sr_bench.evaluation.upscaling.dataset import BadImages, upscale_dataset
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging.images import write
from sr_bench.networks import device as under_test
from sr_bench.networks.device import (
    CPU,
    Computing,
    anywhere,
    choose_device,
    devices,
    in_precision,
    is_out_of_memory,
    placed,
    set_up,
)
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.modules import network_of
from sr_bench.project.project import Project
from sr_bench.report.provenance.records import collect
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.training.processes import processes
from sr_bench.training.run import _chosen

RGB = load_protocols().degradations["rgb-matlab"]
META = torch.device("meta")  # a device that every torch has: tensors without values


@pytest.fixture
def gpus(monkeypatch):
    """A machine with so many GPUs, as far as one asks and doesn't compute."""

    def there(count, current=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: current)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    monkeypatch.delenv("SR_BENCH_DEVICE", raising=False)
    there(0)
    return there


@pytest.mark.parametrize(
    ("count", "asked", "chosen"),
    [
        (0, None, "cpu"),
        (0, "auto", "cpu"),
        (0, "cpu", "cpu"),
        (2, None, "cuda:0"),
        (2, "cuda", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
        (2, "cpu", "cpu"),
    ],
)
def test_the_device_is_what_was_asked_for(gpus, count, asked, chosen):
    gpus(count)
    assert str(choose_device(asked)) == chosen


def test_cuda_is_the_gpu_of_this_process(gpus):
    gpus(4, current=3)
    assert str(choose_device()) == "cuda:3"


def test_mps_has_to_be_asked_for(gpus):
    gpus(0, mps=True)
    assert str(choose_device()) == "cpu"
    assert str(choose_device("mps")) == "mps"


def test_the_environment_chooses_and_the_option_goes_before_it(gpus, monkeypatch):
    gpus(2)
    monkeypatch.setenv("SR_BENCH_DEVICE", "cuda:1")
    assert str(choose_device()) == "cuda:1"
    assert str(choose_device("cpu")) == "cpu"
    monkeypatch.setenv("SR_BENCH_DEVICE", "")
    assert str(choose_device()) == "cuda:0"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu", "meta", "", "CPU"])
def test_a_device_that_is_not_here_is_wrong_use(gpus, name):
    with pytest.raises(WrongUse, match=f"--device is '{name}'.* has auto, cpu; choose one"):
        choose_device(name)


def test_the_third_of_two_gpus_is_wrong_use_and_the_environment_is_named(gpus, monkeypatch):
    gpus(2)
    monkeypatch.setenv("SR_BENCH_DEVICE", "cuda:2")
    with pytest.raises(WrongUse, match=r"SR_BENCH_DEVICE is 'cuda:2'.*cuda:0, cuda:1"):
        choose_device()
    assert devices() == ["auto", "cpu", "cuda", "cuda:0", "cuda:1"]


def test_a_gpu_computes_float32_in_float32():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32
    try:
        cudnn.allow_tf32 = matmul.allow_tf32 = True
        set_up(CPU, deterministic=True)
        assert cudnn.allow_tf32 and not torch.are_deterministic_algorithms_enabled()
        set_up(torch.device("cuda"), deterministic=True)
        assert not cudnn.allow_tf32 and not matmul.allow_tf32
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = before
        torch.use_deterministic_algorithms(False)


def test_precisions(gpus):
    in_precision(CPU, "float32")
    in_precision(CPU, "bf16")
    with pytest.raises(WrongUse, match="fp16, which a CPU hasn't"):
        in_precision(CPU, "fp16")
    with pytest.raises(WrongUse, match="'float64', expected one of float32, bf16, fp16"):
        in_precision(CPU, "float64")


# What moves


class Twice(nn.Module):
    """Nearest neighbour at x2; notes where its lr was, and answers from the CPU."""

    colour = "rgb"
    reach = 0

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen = []
        self.eval()

    def forward(self, lr):
        self.seen.append((lr.device, self.weight.device))
        lr = torch.full(lr.shape, 0.5) if lr.device == META else lr
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Around:
    """A model that works in NumPy around its network."""

    colour = "rgb"
    reach = 0

    def __init__(self):
        self.network = Twice()

    def __call__(self, lr):
        return self.network(torch.from_numpy(lr.numpy()))


def test_a_network_and_its_lr_move_and_the_one_given_stays():
    mine = Upscaler("mine", Twice(), RGB, 2)
    there = mine.on(META)
    assert there.device == META and mine.device == CPU
    sr = there(np.zeros((3, 4, 3), np.uint8))
    assert sr.shape == (6, 8, 3) and sr[0, 0, 0] == 128
    assert there.model.seen == [(META, META)]
    assert mine.model.weight.device == CPU and mine.model.seen == []


def test_a_network_inside_a_model_moves_and_the_model_stays_on_the_cpu():
    model = Around()
    moved, device = placed(model, META)
    assert device == META
    moved.model.network.network.forward = lambda x: (_ for _ in ()).throw(Seen(x.device))
    with pytest.raises(Seen, match="meta"):
        moved(torch.zeros(1, 3, 2, 2))
    assert next(model.network.parameters()).device == CPU
    assert (moved.colour, moved.reach) == ("rgb", 0)


def test_a_model_that_was_opened_takes_lr_from_anywhere():
    model = anywhere(Twice(), META)
    assert model(torch.full((1, 3, 2, 2), 0.5)).device == CPU
    assert model.model.seen == [(META, META)]
    assert anywhere(model, CPU) is model
    assert Upscaler("mine", model, RGB, 2)(np.zeros((2, 2, 3), np.uint8)).shape == (4, 4, 3)


class Seen(Exception):
    """Where lr was."""


def test_a_model_without_a_network_stays_on_the_cpu():
    class Plain:
        colour = "any"

        def __call__(self, lr):
            return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)

    there = Upscaler("mine", Plain(), RGB, 2).on(META)
    assert there.device == CPU and network_of(there.model) is None
    assert there(np.zeros((3, 4), np.uint8)).shape == (6, 8)


def test_on_the_cpu_nothing_is_copied():
    mine = Upscaler("mine", Twice(), RGB, 2)
    assert mine.on(CPU).model is mine.model


def test_bf16_is_computed_only_when_asked_for(picture):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2)).eval()
    network.colour = "rgb"
    lr = picture(9, 8, 3)
    exact = Upscaler("mine", network, RGB, 2).unrounded(lr)
    fast = Upscaler("mine", network, RGB, 2, precision="bf16").unrounded(lr)
    assert 0 < np.abs(exact - fast).max() < 3


# Too little memory


class Small(nn.Module):
    """A blur at x2 on a device whose memory holds ``most`` lr pixels."""

    colour = "rgb"
    reach = 1

    def __init__(self, most, error=None):
        super().__init__()
        self.most, self.error = most, error or torch.OutOfMemoryError("CUDA out of memory.")
        self.sizes = []
        self.eval()

    def forward(self, lr):
        self.sizes.append(lr.shape[2] * lr.shape[3])
        if self.sizes[-1] > self.most:
            raise self.error
        blurred = nn.functional.avg_pool2d(lr, 3, 1, padding=1)
        return blurred.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture
def said(caplog, monkeypatch):
    """What was told."""
    monkeypatch.setattr("sr_bench.support.notices._said", set())
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    MemoryError("Unable to allocate"),
])  # fmt: skip
@pytest.mark.parametrize("ensemble", [False, True])
def test_tiles_are_halved_until_they_fit_and_the_image_is_the_same(picture, said, error, ensemble):
    lr = picture(70, 90, 3)
    whole = Upscaler("mine", Small(10**9), RGB, 2, ensemble=ensemble)(lr)
    scarce = Upscaler("mine", Small(1000, error), RGB, 2, ensemble=ensemble)
    assert np.array_equal(scarce(lr), whole)
    assert [line.rpartition(" ")[2] for line in said()] == ["45", "22"]
    assert "mine: out of memory on cpu with 90 x 70 lr pixels: goes on in tiles of" in said()[0]


def test_the_next_image_begins_with_the_tile_that_fits(picture, said):
    scarce = Upscaler("mine", Small(1000), RGB, 2)
    scarce(picture(70, 90, 3))
    scarce.model.sizes.clear()
    scarce(picture(60, 90, 3))
    assert max(scarce.model.sizes) <= 1000
    scarce.model.sizes.clear()
    scarce(picture(12, 14, 3))  # smaller than the tile: at once
    assert scarce.model.sizes == [12 * 14]


def test_the_run_s_own_tile_is_halved_too(picture, said):
    lr = picture(70, 90, 3)
    whole = Upscaler("mine", Small(10**9), RGB, 2)(lr)
    assert np.array_equal(Upscaler("mine", Small(1000), RGB, 2, tile=64)(lr), whole)
    assert [line.rpartition(" ")[2] for line in said()] == ["32"]


def test_a_model_without_reach_says_what_to_do(picture):
    model = Small(1000)
    model.reach = None
    with pytest.raises(MemoryError, match=r"90 x 70.*no `reach`.*--device cpu.*set `reach`"):
        Upscaler("mine", model, RGB, 2)(picture(70, 90, 3))


def test_a_wrong_reach_is_refused_before_tiles_are_made_of_it(picture, said):
    model = Small(1000)
    model.reach = 0
    with pytest.raises(SrBenchError, match="mine: reach is 0 lr pixels, but cutting"):
        Upscaler("mine", model, RGB, 2)(picture(70, 90, 3))


def test_memory_for_nothing_at_all_is_an_error(picture, said):
    with pytest.raises(MemoryError, match="in tiles of 16; take another device"):
        Upscaler("mine", Small(200), RGB, 2)(picture(70, 90, 3))


def test_other_errors_are_not_taken_for_too_little_memory(picture):
    assert not is_out_of_memory(RuntimeError("shapes don't fit"))
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(SrBenchError, match=r"the model fails on an lr image of .*shapes"):
        Upscaler("mine", Small(10, RuntimeError("shapes don't fit")), RGB, 2)(picture(9, 9, 3))


def test_a_gpu_s_cache_is_emptied_before_the_next_try(picture, said, monkeypatch):
    freed = []
    monkeypatch.setattr("sr_bench.networks.enlarger.free_memory", freed.append)
    Upscaler("mine", Small(1000), RGB, 2)(picture(70, 90, 3))
    assert freed == [CPU, CPU]


def test_one_image_at_a_time_on_a_gpu_and_several_on_the_cpu():
    gpu = torch.device("cuda", 0)
    with under_test.turn(gpu):
        assert not under_test._turns["cuda:0"].acquire(blocking=False)
        with under_test.turn(CPU), under_test.turn(CPU), under_test.turn(torch.device("cuda", 1)):
            pass
    assert under_test._turns["cuda:0"].acquire(blocking=False)
    under_test._turns["cuda:0"].release()


# Several images at once


class Several(Small):
    """As many images as ``most`` lr pixels; what it got is noted."""

    batches = True

    def forward(self, lr):
        self.sizes.append(tuple(lr.shape))
        if lr.numel() // 3 > self.most:
            raise self.error
        blurred = nn.functional.avg_pool2d(lr, 3, 1, padding=1)
        return blurred.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture
def accelerator(monkeypatch):
    """A device that isn't the CPU, as far as anything but PyTorch asks: its tensors are real."""
    for name in ("enlarger.to_device", "device.to_device"):
        monkeypatch.setattr(f"sr_bench.networks.{name}", lambda values, device: values)
    return META


def images_of(folder, picture, sizes):
    entries = []
    for i, (height, width) in enumerate(sizes):
        write(folder / f"{i}.png", picture(height, width, 3))
        entries.append(Entry(f"{i}.png", (height, width, 3), "0"))
    return Dataset("mine", folder, tuple(entries))


SIZES = [(40, 60), (30, 20), (40, 60), (40, 60), (30, 20), (40, 60), (40, 60)]


@pytest.mark.parametrize("ensemble", [False, True])
def test_images_of_one_size_are_computed_together_on_a_gpu_and_alone_on_the_cpu(
    accelerator, picture, tmp_path, ensemble
):
    dataset = images_of(tmp_path / "hr", picture, SIZES)
    made = {}
    for device in (CPU, accelerator):
        model, done = Several(10**9), []
        upscaler = Upscaler("mine", model, RGB, 2, ensemble=ensemble, device=device)
        folder = tmp_path / str(device)
        upscale_dataset(upscaler, dataset, folder, progress=done.append)
        assert done == [1] * len(SIZES)
        made[device] = {p.name: p.read_bytes() for p in folder.iterdir()}
        assert {shape[0] for shape in model.sizes} == ({1} if device == CPU else {2, 5})
        calls = len(SIZES) if device == CPU else 2
        assert len(model.sizes) == calls * (8 if ensemble else 1)
    assert made[CPU] == made[accelerator] and len(made[CPU]) == len(SIZES)


def test_a_batch_is_as_large_as_the_device_likes(picture, tmp_path):
    dataset = images_of(tmp_path / "hr", picture, [(40, 60)] * 20)
    there = Upscaler("mine", Several(10**9), RGB, 2, device=META)

    def sizes(upscaler, most):
        return [len(batch) for batch in batches_of(dataset, upscaler, most=most)]

    assert sizes(there, 10**9) == [16, 4]
    assert sizes(there, 8 * 2400) == [8, 8, 4]
    assert sizes(there, 1) == [1] * 20
    assert sizes(Upscaler("mine", Several(10**9), RGB, 2), 10**9) == [1] * 20
    assert sizes(Upscaler("mine", Small(10**9), RGB, 2, device=META), 10**9) == [1] * 20


def test_too_little_memory_halves_the_batch_and_then_the_tile(picture, said):
    lrs = [picture(70, 90, 3) for _ in range(5)]
    whole = [Upscaler("mine", Small(10**9), RGB, 2)(lr) for lr in lrs]
    scarce = Upscaler("mine", Several(2 * 70 * 90), RGB, 2)
    assert all(map(np.array_equal, scarce.together(lrs), whole))
    assert [shape[0] for shape in scarce.model.sizes] == [5, 2, 2, 1]
    assert [line.rpartition(": ")[2] for line in said()] == ["goes on with 2"]
    assert "out of memory on cpu with 90 x 70 lr pixels of 5 images at once" in said()[0]
    scarce.model.sizes.clear()
    scarce.together([picture(35, 90, 3) for _ in range(5)])  # half as large: twice as many
    assert [shape[0] for shape in scarce.model.sizes] == [4, 1]

    scarcer = Upscaler("other", Several(1000), RGB, 2)
    assert all(map(np.array_equal, scarcer.together(lrs), whole))
    told = [line.rpartition("goes on ")[2] for line in said()[1:]]
    assert told == ["with 2", "with 1", "in tiles of 45", "in tiles of 22"]


def test_of_a_batch_the_bad_images_alone_are_named(accelerator, picture, tmp_path):
    dataset = images_of(tmp_path / "hr", picture, [(40, 60)] * 5)
    (tmp_path / "hr" / "1.png").write_bytes(b"no image")
    black = np.zeros((40, 60, 3), np.uint8)
    write(tmp_path / "hr" / "3.png", black)

    class Picky(Several):
        def forward(self, lr):
            sr = super().forward(lr)
            return sr / (lr.amax((1, 2, 3), keepdim=True) > 0)  # black becomes NaN

    upscaler = Upscaler("mine", Picky(10**9), RGB, 2, device=accelerator)
    with pytest.raises(BadImages) as caught:
        upscale_dataset(upscaler, dataset, tmp_path / "sr", progress=lambda _: None)
    first, second = caught.value.reasons
    assert "1.png" in first and second.startswith("mine/3.png: mine: 7200 of 7200")
    assert {p.name for p in (tmp_path / "sr").iterdir()} == {"0.png", "2.png", "4.png"}


# Runs of the pipeline


def test_a_run_on_another_device_is_recorded_beside_its_images(project, monkeypatch):
    at = Project.load(project)
    run = at.run("bicubic-x2")
    upscale_run(at, run, progress=lambda _: None)
    folder = at.sr_of(run.name)
    before = {p: p.read_bytes() for p in folder.rglob("*.png")}
    assert before and not (folder / "computed.json").exists()
    again = upscale_run(at, run, progress=lambda _: None, computing=Computing(META))
    assert sum(again.made.values()) == len(before)  # nothing of another device is kept
    facts = {"device": "meta", "precision": "float32"}
    assert json.loads((folder / "computed.json").read_text()) == facts
    assert collect(at).records["runs/bicubic-x2"]["computed"] == facts
    assert {p: p.read_bytes() for p in folder.rglob("*.png")} == before  # bicubic has no network
    upscale_run(at, run, progress=lambda _: None)
    assert not (folder / "computed.json").exists()
    assert "computed" not in collect(at).records["runs/bicubic-x2"]


def test_a_run_s_network_is_computed_on_the_device(project, monkeypatch):
    seen = []
    monkeypatch.setattr(Upscaler, "on", lambda self, *computing: seen.append(computing) or self)
    at = Project.load(project)
    computing = Computing(META, "bf16")
    upscale_run(at, at.run("bicubic-x2"), progress=lambda _: None, computing=computing)
    assert seen == [(META, "bf16")] * 2  # once for each degradation


def test_training_takes_the_device_and_refuses_mps(gpus):
    gpus(0, mps=True)
    assert _chosen("cpu") == CPU
    with pytest.raises(WrongUse, match="training on mps lacks float64"):
        _chosen("mps")
    with processes(META) as shared:
        assert (shared.device, shared.count) == (META, 1)


def test_what_memory_does_not_hold_is_made_in_tiles_before_it_is_tried(picture, said, monkeypatch):
    """Linux ends a process that uses memory it was promised: a large image is measured first."""
    monkeypatch.setattr("sr_bench.networks.room._SURELY", 1000)
    monkeypatch.setattr("sr_bench.networks.room.free_bytes", lambda device: 0)
    monkeypatch.setattr("sr_bench.networks.room.taken_on", lambda device, call: 10**9)
    lr = picture(70, 90, 3)
    large = Small(10**9)
    assert np.array_equal(
        Upscaler("mine", large, RGB, 2)(lr), Upscaler("mine", Small(10**9), RGB, 2, tile=22)(lr)
    )
    assert [line.rpartition(" ")[2] for line in said()] == ["45", "22"]
    assert max(large.sizes) <= 1000
