"""One optimiser step, and the state that makes the next one what it is."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.machine import describe, fast_bf16
from sr_bench.networks.method import Samples
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.training import graphs
from sr_bench.training import trainer as engine
from sr_bench.training.muon import BatchedMuon
from sr_bench.training.optimizers import as_matrix, in_channels_last
from sr_bench.training.pairs import Cut, make_pairs
from sr_bench.training.processes import Processes
from sr_bench.training.recipe import Recipe
from sr_bench.training.trainer import LOSSES, Trainer, initialise, require_finite

CPU = torch.device("cpu")
SAMPLES = Samples("rgb", "rgb-matlab")
RULE = load_protocols().degradations["rgb-matlab"]
OPTIMIZERS = ("adam", "sgd", "muon")


class Tiny(nn.Module):
    """Two convolutions, one of which has a 1 x 1 kernel, and a shuffle."""

    def __init__(self, scale=2):
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, 6, 3, padding=1)
        self.tail = nn.Conv2d(6, 3 * scale * scale, 1)

    def forward(self, x):
        return functional.pixel_shuffle(self.tail(functional.relu(self.head(x))), self.scale)


class TwoScales(nn.Module):
    """One body; each scale has an exit."""

    def __init__(self):
        super().__init__()
        self.exits = nn.ModuleDict({str(s): Tiny(s) for s in (2, 3)})

    def forward(self, x, scale):
        return self.exits[str(scale)](x)


def recipe(**fields):
    common = {"steps": 50, "batch": 4, "patch": 6, "lr": 1e-2, "precision": "float32"}
    return Recipe(**common | fields)


@pytest.fixture
def pairs(picture):
    """``pairs(scale)``: noise, and a smooth image that can be learnt."""
    ramp = np.add.outer(np.arange(36), 2 * np.arange(42))[..., None] + np.array([0, 40, 80])
    images = [picture(30, 36, 3), ramp.astype(np.uint8)]
    return lambda scale=2: make_pairs(images, ["a", "b"], Cut(6, SAMPLES, RULE, scale, False))


@pytest.fixture
def trained(pairs):
    """``trained(steps, **recipe)``: a trainer after that many steps, and the losses."""

    def run(steps=0, make=Tiny, scales=(2,), **fields):
        made = recipe(**fields)
        each = {scale: pairs(scale) for scale in scales}
        network = initialise(make, made)
        mine = Trainer(made, network, each, processes=Processes(), device=CPU)
        return mine, [float(mine.advance()) for _ in range(steps)]

    return run


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[k], other[k]) for k in one)


# What decides the weights


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(trained, optimizer):
    first, losses = trained(6, optimizer=optimizer)
    torch.manual_seed(123)  # the global generator has no part in it
    again, same = trained(6, optimizer=optimizer)
    other, _ = trained(6, optimizer=optimizer, seed=1)
    assert equal(first.weights(), again.weights()) and losses == same
    assert not any(
        torch.equal(a, b) for a, b in zip(first.weights().values(), other.weights().values())
    )


def test_initialisation_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = initialise(Tiny, recipe()), initialise(Tiny, recipe(seed=1))
    assert torch.equal(torch.rand(3), expected)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert equal(one.state_dict(), initialise(Tiny, recipe()).state_dict())


def test_init_std_is_gaussian_with_zero_biases():
    made = initialise(lambda: nn.Conv2d(64, 64, 9), recipe(init_std=0.001))
    assert made.weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert abs(made.weight.mean().item()) < 1e-5
    assert not made.bias.any()


def test_training_reduces_the_loss(trained):
    for optimizer, lr in (("adam", 1e-2), ("sgd", 0.3), ("muon", 1e-2)):
        _, losses = trained(50, optimizer=optimizer, lr=lr, batch=16)
        assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5]), optimizer


def test_each_step_of_two_scales_draws_one_of_them(trained):
    mine, _ = trained(make=TwoScales, scales=(2, 3))
    drawn = []
    for step in range(40):
        mine.step = step
        *_, scale = mine._batch()
        drawn.append(scale)
    assert set(drawn) == {2, 3} and 10 < drawn.count(2) < 30
    mine.step = 0
    before = mine.weights()
    mine.advance()
    moved = {k.split(".")[1] for k, v in mine.weights().items() if not torch.equal(v, before[k])}
    assert moved == {str(drawn[0])}


# Losses


def test_losses_by_hand():
    out, hr = torch.tensor([[[[0.5, 0.0]]], [[[1.0, 0.25]]]]), torch.zeros(2, 1, 1, 2)
    assert float(LOSSES["l1"](out, hr)) == pytest.approx(1.75 / 4)
    assert float(LOSSES["mse"](out, hr)) == pytest.approx(1.3125 / 4)
    assert float(LOSSES["sse"](out, hr)) == pytest.approx(1.3125 / 4)  # 2 * batch is 4 as well
    assert float(LOSSES["sse"](out[:1], hr[:1])) == pytest.approx(0.25 / 2)
    roots = [np.sqrt(d * d + 1e-6) for d in (0.5, 0, 1, 0.25)]
    assert float(LOSSES["charbonnier"](out, hr)) == pytest.approx(np.mean(roots))
    of_patches = [np.log(0.125 + 1e-5), np.log(1.0625 / 2 + 1e-5)]
    assert float(LOSSES["psnr"](out, hr)) == pytest.approx(np.mean(of_patches))


# One step by hand


def gradients(mine):
    """Of the coming step, by autograd, on a copy."""
    inputs, targets, _ = mine._batch()
    loss = LOSSES[mine.recipe.loss](mine.network(inputs), targets)
    return dict(
        zip(
            [n for n, _ in mine.network.named_parameters()],
            torch.autograd.grad(loss, list(mine.network.parameters())),
        )
    )


def test_sgd_with_lr_factors_by_hand(trained):
    factors = {"bias": 0.1, "tail.weight": 0.5}
    fields = {"schedule": "step", "milestones": [1], "gamma": 0.25, "loss": "mse"}
    mine, _ = trained(optimizer="sgd", momentum=0.9, lr=0.1, lr_factors=factors, **fields)
    by_name = {"head.weight": 1, "head.bias": 0.1, "tail.weight": 0.5, "tail.bias": 0.1}
    velocity = dict.fromkeys(by_name, 0.0)
    for rate in (0.1, 0.025, 0.025):
        before, slope = mine.weights(), gradients(mine)
        mine.advance()
        velocity = {k: 0.9 * velocity[k] + slope[k] for k in by_name}
        for name, factor in by_name.items():
            expected = before[name] - rate * factor * velocity[name]
            torch.testing.assert_close(mine.weights()[name], expected, rtol=1e-5, atol=1e-8)


def test_adam_by_hand(trained):
    mine, _ = trained(optimizer="adam", betas=(0.8, 0.95), eps=1e-3, warmup=2, lr=1e-2)
    m = v = 0.0
    for t, rate in ((1, 0.005), (2, 0.01), (3, 0.01)):
        before, slope = mine.weights()["head.weight"], gradients(mine)["head.weight"]
        mine.advance()
        m, v = 0.8 * m + 0.2 * slope, 0.95 * v + 0.05 * slope**2
        move = m / (1 - 0.8**t) / ((v / (1 - 0.95**t)).sqrt() + 1e-3)
        after = mine.weights()["head.weight"]
        torch.testing.assert_close(after, before - rate * move, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("limit", [1e-3, 1e6])
def test_clip_shortens_the_whole_gradient(trained, limit):
    """Plain SGD's move is the gradient it was given."""
    mine, _ = trained(optimizer="sgd", momentum=0, lr=1.0, loss="mse", clip=limit)
    before, slope = mine.weights(), gradients(mine)
    mine.advance()
    norm = torch.cat([g.flatten() for g in slope.values()]).norm().item()
    factor = min(1.0, limit / (norm + 1e-6))
    assert (factor < 1) == (limit < 1)
    for name, after in mine.weights().items():
        expected = before[name] - factor * slope[name]
        torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-7)


def muon_step(matrix, slope, average, rate, momentum):
    """Jordan et al. 2024 by singular values, in double precision."""
    average.lerp_(slope, 1 - momentum)
    u, s, v = torch.linalg.svd(slope.lerp(average, momentum).double(), full_matrices=False)
    s = s / s.norm()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return matrix - rate * 0.2 * max(matrix.shape) ** 0.5 * (u @ s.diag() @ v).float()


def test_muon_moves_kernels_as_matrices(trained, monkeypatch):
    monkeypatch.setattr("sr_bench.training.optimizers.fast_bf16", lambda device: False)
    mine, _ = trained(optimizer="muon", momentum=0.9, lr=1e-2, schedule="cosine")
    kernels = [n for n, p in mine.network.named_parameters() if p.ndim > 1]
    assert kernels == ["head.weight", "tail.weight"]
    matrices = [as_matrix(mine.weights()[n]).clone() for n in kernels]
    assert [tuple(m.shape) for m in matrices] == [(6, 27), (12, 6)]
    averages = [torch.zeros_like(m) for m in matrices]
    biases = [nn.Parameter(mine.weights()[n]) for n in ("head.bias", "tail.bias")]
    adam = torch.optim.Adam(biases, lr=1)
    for step in range(4):
        slope = gradients(mine)
        mine.advance()
        adam.param_groups[0]["lr"] = mine.recipe.rate(step)
        for name, bias in zip(("head.bias", "tail.bias"), biases):
            bias.grad = slope[name]
        adam.step()
        after = mine.weights()
        for i, name in enumerate(kernels):
            moved = as_matrix(slope[name]), averages[i], mine.recipe.rate(step), 0.9
            matrices[i] = muon_step(matrices[i], *moved)
            torch.testing.assert_close(as_matrix(after[name]), matrices[i], rtol=1e-4, atol=1e-6)
        for name, bias in zip(("head.bias", "tail.bias"), biases):
            torch.testing.assert_close(after[name], bias.data, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("able", [True, False])
def test_muon_multiplies_in_bf16_only_where_the_processor_does(trained, monkeypatch, able):
    monkeypatch.setattr("sr_bench.training.optimizers.fast_bf16", lambda device: able)
    mine, _ = trained(optimizer="muon")
    assert mine.optimizers[0].inner.products == (torch.bfloat16 if able else torch.float32)


@pytest.mark.parametrize("shape", [(5, 4, 3, 3), (5, 1, 3, 3), (5, 4, 1, 1), (1, 4, 3, 3), (5, 4)])
def test_a_kernel_as_a_matrix_shares_its_memory(shape):
    layer = nn.Module()
    layer.kernel = nn.Parameter(torch.arange(float(np.prod(shape))).view(shape).clone())
    kernel = in_channels_last(layer).kernel
    matrix = as_matrix(kernel.data)
    assert matrix.shape == (shape[0], int(np.prod(shape[1:])))
    matrix[0, 0] = -7
    assert kernel.data.flatten()[0] == -7


# The moving average


def test_ema_is_what_its_formula_says(trained):
    """First the weights; then by the decay, or less in the first steps: (1 + n) / (10 + n)."""
    mine, _ = trained(ema=0.5)
    expected = None
    for n in range(12):
        mine.advance()
        now = {k: v.double() for k, v in mine.network.state_dict().items()}
        decay = min(0.5, (1 + n) / (10 + n))
        expected = now if n == 0 else {k: decay * expected[k] + (1 - decay) * now[k] for k in now}
        for k, v in mine.weights().items():
            torch.testing.assert_close(v.double(), expected[k], rtol=1e-5, atol=1e-7)
    assert min(0.5, 12 / 21) == 0.5  # both sides of the minimum were seen
    assert not equal(mine.weights(), dict(mine.network.state_dict()))


def test_weights_are_copies(trained):
    mine, _ = trained(1)
    given = mine.weights()
    before = {k: v.clone() for k, v in given.items()}
    mine.advance()
    assert equal(given, before) and not equal(mine.weights(), before)


# State


@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_state_and_restore_go_on_bit_by_bit(trained, optimizer, ema):
    fields = {"optimizer": optimizer, "ema": ema, "lr_factors": {"bias": 0.1}, "clip": 0.5}
    if optimizer == "muon":
        fields["lr_factors"] = {}
    whole, losses = trained(9, **fields)
    first, early = trained(4, **fields)
    kept = {k: v.clone() for k, v in first.state().items()}
    assert all(v.is_contiguous() for v in kept.values())  # as safetensors wants them
    second, _ = trained(3, **fields | {"seed": 5})  # of which nothing must remain
    second.recipe = whole.recipe
    second.restore(kept, 4)
    late = [float(second.advance()) for _ in range(5)]
    assert early + late == losses
    assert equal(second.weights(), whole.weights())
    assert equal(second.state(), whole.state())


def test_state_has_everything_that_later_steps_depend_on(trained):
    mine, _ = trained(2, optimizer="adam", ema=0.9)
    kinds = {k.rpartition("/")[2] for k in mine.state() if k.startswith("optimizer/0/")}
    assert kinds == {"step", "exp_avg", "exp_avg_sq"}
    mine, _ = trained(2, optimizer="muon")
    assert {k.split("/")[1] for k in mine.state() if k.startswith("optimizer/")} == {"0", "1"}


# Precision


@pytest.mark.parametrize(
    ("precision", "able"), [("auto", True), ("auto", False), ("float32", True)]
)
def test_bf16_only_where_the_recipe_allows_and_the_processor_has_it(
    trained, monkeypatch, precision, able
):
    monkeypatch.setattr(engine, "fast_bf16", lambda device: able)
    seen = []

    class Watched(Tiny):
        def forward(self, x):
            out = super().forward(x)
            seen.append(out.dtype)
            return out

    mine, _ = trained(2, make=Watched, precision=precision)
    bf16 = precision == "auto" and able
    assert (mine.bf16, seen) == (bf16, [torch.bfloat16 if bf16 else torch.float32] * 2)
    assert {v.dtype for v in mine.weights().values()} == {torch.float32}
    assert {p.grad.dtype for p in mine.network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("has", "fast"),
    [
        ({}, False),
        ({"avx512": True, "avx512_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
    ],
)
def test_a_processor_is_fast_in_bf16_by_its_instructions(monkeypatch, has, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert fast_bf16(CPU) is fast


def test_the_machine_in_words():
    assert f"torch {torch.__version__}" in describe(CPU) and " cores, " in describe(CPU)


# What goes wrong


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_names_step_and_rate(loss):
    made = recipe(schedule="step", milestones=[10], lr=0.5)
    with pytest.raises(SrBenchError) as caught:
        require_finite(loss, 20, made)
    for fact in (f"the loss is {loss} at step 20 of 50", "learning rate 0.25", "lower the recipe"):
        assert fact in str(caught.value)
    require_finite(3.0, 20, made)


def test_a_batch_that_cannot_be_shared(pairs):
    with pytest.raises(WrongUse, match=r"a batch of 4 can't be shared equally by 3 processes; "):
        Trainer(recipe(), Tiny(), {2: pairs()}, processes=Processes(1, 3), device=CPU)
    parts = [Processes(rank, 4).part(8) for rank in range(4)]
    assert [i for part in parts for i in range(8)[part]] == list(range(8))
    assert [Processes(rank, 2).first for rank in range(2)] == [True, False]


# As a GPU does it (tests/test_cuda.py has what needs one)


@pytest.mark.parametrize("scales", [(2,), (2, 3)])
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_step_for_a_gpu_is_the_same_step(trained, monkeypatch, optimizer, scales):
    monkeypatch.setattr(graphs, "AHEAD", 4)  # blocks that end in between
    make = Tiny if len(scales) == 1 else TwoScales
    fields = {"optimizer": optimizer, "ema": 0.8, "clip": 0.05, "schedule": "cosine", "warmup": 3}
    plain, losses = trained(11, make=make, scales=scales, **fields)
    mine, _ = trained(make=make, scales=scales, **fields)
    mine.recorded = mine.in_one(record=False)
    assert [float(mine.advance()) for _ in range(11)] == pytest.approx(losses, rel=1e-5)
    assert mine.state().keys() == plain.state().keys()
    for one, other in ((mine.weights(), plain.weights()), (mine.state(), plain.state())):
        for key, value in other.items():
            torch.testing.assert_close(one[key], value, rtol=1e-4, atol=1e-6, msg=key)


def test_a_step_for_a_gpu_goes_on_bit_by_bit(trained):
    whole, _ = trained()
    whole.recorded = whole.in_one(record=False)
    losses = [float(whole.advance()) for _ in range(7)]
    first, _ = trained()
    first.recorded = first.in_one(record=False)
    early = [float(first.advance()) for _ in range(3)]
    kept = {k: v.clone() for k, v in first.state().items()}
    for _ in range(2):
        first.advance()
    first.restore(kept, 3)
    assert early + [float(first.advance()) for _ in range(4)] == losses
    assert equal(first.state(), whole.state())


def test_what_is_put_back_lies_where_it_lay(trained):
    mine, _ = trained(3, optimizer="muon", ema=0.9)
    kept = {k: v.clone() for k, v in mine.state().items()}
    some = {k: v for k, v in kept.items() if not k.startswith("optimizer/0/0/")}
    places = {k: v.data_ptr() for k, v in mine.optimizers[0].state().items()}
    mine.advance()
    mine.put_back(some)
    assert {k: v.data_ptr() for k, v in mine.optimizers[0].state().items()} == places
    for key, value in mine.state().items():
        assert torch.equal(value, some.get(key, torch.zeros_like(value))), key


@pytest.mark.parametrize("rate", [0.02, torch.tensor(0.02)])
def test_batched_muon_is_torchs_muon(rate):
    torch.manual_seed(0)
    shapes = [(8, 36), (8, 36), (12, 6), (8, 36), (3, 40)]
    ours = [nn.Parameter(torch.randn(s)) for s in shapes]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    mine = BatchedMuon(ours, lr=1.0, momentum=0.9)
    muon = torch.optim.Muon(
        theirs, lr=1.0, momentum=0.9, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
    )
    for step in range(4):
        for one, other in zip(ours, theirs):
            one.grad = None if step == 1 and one.shape == (12, 6) else torch.randn(one.shape)
            other.grad = None if one.grad is None else one.grad.clone()
        mine.param_groups[0]["lr"], muon.param_groups[0]["lr"] = rate, float(rate)
        before = ours[0].detach().clone()
        mine.step()
        muon.step()
        for one, other in zip(ours, theirs):
            # bf16 sums of another order: a hundredth of what a step moves
            moved = float((ours[0].detach() - before).abs().max())
            torch.testing.assert_close(one.data, other.data, rtol=0, atol=0.02 * moved * (step + 1))
    assert mine.state_dict()["state"].keys() == muon.state_dict()["state"].keys()
    for index, slots in muon.state_dict()["state"].items():
        torch.testing.assert_close(mine.state_dict()["state"][index], slots)
