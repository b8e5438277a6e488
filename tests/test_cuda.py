"""What needs a GPU: recorded steps are the steps and resume exactly; networks give CPU's values."""

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.device import choose_device, taken_on
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Samples, Setup
from sr_bench.networks.method_files import find_method
from sr_bench.networks.modules import network_of
from sr_bench.training.pairs import Cut, make_pairs
from sr_bench.training.processes import Processes
from sr_bench.training.recipe import Recipe
from sr_bench.training.trainer import Trainer, initialise
from sr_bench.training.validation import Clamped

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

CPU, GPU = torch.device("cpu"), torch.device("cuda")
ROOT = Path(__file__).resolve().parent.parent
RULE = load_protocols().degradations["rgb-matlab"]
METHODS = ("srcnn", "edsr", "mdsr")


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """The same algorithms each time, and float32 that is float32."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.cuda.empty_cache()


def method(name):
    return find_method(name, [ROOT / "methods"])


@pytest.fixture
def pairs(picture):
    images = [picture(60, 72, 3), picture(51, 90, 3), picture(64, 64, 3)]
    cut = {s: Cut(12, Samples("rgb", "rgb-matlab"), RULE, s, False) for s in (2, 3, 4)}
    return {s: make_pairs(images, ["a", "b", "c"], c) for s, c in cut.items()}


@pytest.fixture
def trainer(pairs):
    """``trainer(name, scales, device, **recipe)``: EDSR or MDSR in training."""

    def made(name="edsr", scales=(2,), device=GPU, **fields):
        common = {"steps": 40, "batch": 4, "patch": 12, "lr": 1e-3, "precision": "float32"}
        common |= {"optimizer": "adam", "ema": 0.9, "clip": 0.5, "schedule": "cosine"}
        recipe = Recipe(**common | fields)
        network = initialise(lambda: method(name).training.network("baseline", scales), recipe)
        each = {s: pairs[s] for s in scales}
        return Trainer(recipe, network, each, processes=Processes(), device=device)

    return made


def go(mine, steps):
    return [float(mine.advance()) for _ in range(steps)]


def distance(one, other):
    """Of two sets of weights: largest difference."""
    assert one.keys() == other.keys()
    return max(float((one[k].double() - other[k].double()).abs().max()) for k in one)


def moved(mine, start):
    return distance(mine.weights(), start)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("draw", ["positions", "images"])
def test_patches_are_those_of_the_cpu(pairs, scale, draw):
    mine = replace(pairs[scale], draw=draw)
    there = mine.to(GPU)
    for seed in range(3):
        here = mine.batch(16, torch.Generator().manual_seed(seed), augment=True)
        made = there.batch(16, torch.Generator().manual_seed(seed), augment=True)
        for one, other in zip(here, made):
            assert other.device.type == "cuda" and torch.equal(one, other.cpu())
            assert other.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("name", "scales"), [("edsr", (2,)), ("edsr", (4,)), ("mdsr", (2, 3, 4))])
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_recorded_step_is_the_step(trainer, optimizer, name, scales):
    """Against the same operations one by one, and against the CPU's step."""
    mine = trainer(name, scales, optimizer=optimizer)
    start = mine.weights()
    losses = go(mine, 8)
    assert mine.recorded.record, "no graph was recorded"
    assert set(mine.recorded.graphs) == set(scales)
    one_by_one = trainer(name, scales, optimizer=optimizer)
    one_by_one.recorded = one_by_one.in_one(record=False)
    assert go(one_by_one, 8) == pytest.approx(losses, rel=1e-5)
    size = moved(mine, start)
    assert size > 1e-4
    assert distance(mine.weights(), one_by_one.weights()) < 0.02 * size
    cpu = trainer(name, scales, CPU, optimizer=optimizer)
    assert go(cpu, 8) == pytest.approx(losses, rel=1e-3)
    # Adam turns the sign of a tiny gradient into a whole move; so do bf16 sums in Muon.
    one, other = mine.weights(), cpu.weights()
    apart = torch.cat([(one[k] - other[k]).flatten() for k in one]).square().mean().sqrt()
    whole = torch.cat([(one[k] - start[k]).flatten() for k in one]).square().mean().sqrt()
    assert float(apart) < 0.1 * float(whole)
    assert mine.state().keys() >= cpu.state().keys()


@pytest.mark.parametrize("name", ["edsr", "mdsr"])
def test_bf16_learns_what_float32_learns(trainer, name):
    scales = (2,) if name == "edsr" else (2, 3, 4)
    mine = trainer(name, scales, optimizer="muon", precision="auto")
    assert mine.bf16
    exact = trainer(name, scales, optimizer="muon")
    assert go(mine, 20) == pytest.approx(go(exact, 20), rel=0.05)
    assert {v.dtype for v in mine.weights().values()} == {torch.float32}


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize(("name", "scales"), [("edsr", (3,)), ("mdsr", (2, 3, 4))])
def test_a_resumed_training_is_the_same_bit_by_bit(trainer, name, scales, optimizer):
    fields = {"optimizer": optimizer, "precision": "auto"}
    whole = trainer(name, scales, **fields)
    losses = go(whole, 9)
    first = trainer(name, scales, **fields)
    early = go(first, 4)
    kept = {k: v.clone() for k, v in first.state().items()}
    second = trainer(name, scales, **fields | {"seed": 5})
    go(second, 2)  # of which nothing must remain
    second.recipe = whole.recipe
    second.recorded = second.in_one(record=True)
    second.restore(kept, 4)
    assert early + go(second, 5) == losses
    assert distance(second.weights(), whole.weights()) == 0


def test_a_checkpoint_of_the_cpu_goes_on(trainer):
    cpu = trainer(device=CPU, optimizer="muon")
    go(cpu, 3)
    mine = trainer(optimizer="muon")
    mine.restore({k: v.clone() for k, v in cpu.state().items()}, 3)
    assert go(mine, 3) == pytest.approx(go(cpu, 3), rel=1e-3)


def test_where_nothing_can_be_recorded_it_trains_on(trainer, monkeypatch, caplog):
    class Refused:
        def __init__(self, graph):
            raise RuntimeError("operation not permitted when stream is capturing")

    expected = go(trainer(), 5)
    monkeypatch.setattr(torch.cuda, "graph", Refused)
    mine = trainer()
    assert go(mine, 5) == pytest.approx(expected, rel=1e-5)
    assert not mine.recorded.record
    assert "no CUDA graph could be recorded" in caplog.text


def variants():
    found = [(name, v) for name in METHODS for v in method(name).variants]
    return [pytest.param(*each, id="-".join(each)) for each in found]


@pytest.mark.parametrize(("name", "variant"), variants())
def test_a_network_gives_the_cpus_values(name, variant):
    """float32, TF32 off."""
    training = method(name).training
    scales = (2, 3, 4) if name == "mdsr" else (3,)
    torch.manual_seed(0)
    network = training.network(variant, scales).eval()
    there = copy.deepcopy(network).to(GPU, memory_format=torch.channels_last)
    channels = 1 if training.samples(variant).colour == "y" else 3
    lr = torch.rand(2, channels, 30, 41)
    for which in [(s,) for s in scales] if name == "mdsr" else [()]:
        with torch.inference_mode():
            here, made = network(lr, *which), there(lr.to(GPU), *which).cpu()
        assert float((here - made).abs().max()) < 1e-4 * max(1.0, float(here.abs().max()))


def test_a_model_is_validated_on_the_gpu():
    training = method("edsr").training
    network = training.network("baseline", (2,))
    setup = Setup("baseline", "x", None, 2, RULE)
    made = [training.model(network.state_dict(), setup) for _ in range(2)]
    lr = torch.rand(1, 3, 33, 47)
    with torch.inference_mode():
        here, there = Clamped(made[0])(lr), Clamped(made[1], GPU)(lr)
    assert there.device.type == "cpu" and float((here - there).abs().max()) < 1e-4


@pytest.mark.parametrize(
    ("name", "variant", "scale"), [("edsr", "baseline", 2), ("srcnn", "9-1-5", 3)]
)
def test_an_upscaler_on_the_gpu_gives_the_cpus_image_from_many_threads(
    picture, name, variant, scale
):
    """With pinned memory, copies on a stream of their own, and a network inside a model."""
    training = method(name).training
    torch.manual_seed(0)
    state = training.network(variant, (scale,)).state_dict()
    model = training.model(state, Setup(variant, "x", None, scale, RULE))
    here = Upscaler(name, model, RULE, scale, untrained=True)
    there = here.on(choose_device("cuda"))
    images = [picture(20 + i, 31, 3) for i in range(12)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(there.unrounded, images))
    for lr, sr in zip(images, made):
        assert np.abs(here.unrounded(lr) - sr).max() < 0.05
        assert np.array_equal(there.unrounded(lr), sr)
    assert there.device.type == "cuda" and next(network_of(model).parameters()).device == CPU


def test_too_little_gpu_memory_halves_the_tile(picture):
    training = method("edsr").training
    torch.manual_seed(0)
    state = training.network("baseline", (2,)).state_dict()
    model = training.model(state, Setup("baseline", "x", None, 2, RULE))
    here = Upscaler("edsr", model, RULE, 2, untrained=True)
    there, lr = here.on(choose_device("cuda")), picture(700, 700, 3)
    whole = there.unrounded(lr)
    taken = taken_on(there.device, lambda: there.unrounded(lr))
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + taken / 2) / total)
    try:
        assert np.abs(there.unrounded(lr) - whole).max() < 0.05
        assert there.enlarger._fitting.tile is not None
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
