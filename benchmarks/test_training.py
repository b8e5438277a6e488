"""Training steps against a plain float32 loop, the machine's matrix rate, and the data supply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.support.parallel import cores

from .contest import Contender, Values, contenders, contest
from .training import (
    STEPS,
    Round,
    Setting,
    Workload,
    finish,
    flop,
    plain_round,
    trainers_round,
    workload,
)

SIDE = {"cpu": 2048, "cuda": 8192}  # of the matrices whose product is the machine's rate
FLOAT32 = {"first loss": 1e-5, "last loss": 1e-5}  # relative
TF32 = 1e-3  # the same on a GPU, whose convolutions round float32 to 10 bits
BF16 = {"first loss": 2e-2, "last loss": 2e-2}
FIRST = {"first loss": 2e-2, "last loss": float("inf")}  # then another optimiser has moved it
Settings = Callable[[Workload, str], Setting]

# The original loops have one rate and no more than their optimiser. SRCNN's authors sum squares
# over a patch; recipe fast takes their mean, which asks for a larger rate.
BARE = {"schedule": "constant", "warmup": 0, "clip": None, "ema": None, "precision": "float32"}
ADAM = {**BARE, "optimizer": "adam", "lr": 1e-4}
SGD = {**BARE, "optimizer": "sgd", "lr": 1e-3, "momentum": 0.9, "reparametrised": False}
MUON = {"optimizer": "muon", "lr": 1e-3, "momentum": 0.95}

EDSR = workload(
    "EDSR baseline x2, 16 patches of 48",
    ("edsr", "baseline", "published"),
    scales=(2,),
    ours={"precision": "auto"},
)
EDSR_FAST = workload(
    "EDSR baseline x2, 8 patches of 32 (recipe fast)",
    ("edsr", "baseline", "fast"),
    scales=(2,),
    plain=ADAM,
)
MDSR = workload(
    "MDSR baseline, x2, x3 and x4 in turn, 16 patches of 48",
    ("mdsr", "baseline", "published"),
    scales=(2, 3, 4),
    ours={"precision": "auto"},
)
SRCNN = workload(
    "SRCNN 9-1-5, 4 patches of 72 (recipe fast)",
    ("srcnn", "9-1-5", "fast"),
    scales=(3,),
    plain=SGD,
)
SRCNN_16 = workload(
    "SRCNN 9-1-5, 16 patches of 72",
    ("srcnn", "9-1-5", "fast"),
    scales=(3,),
    ours={"batch": 16},
    plain={**SGD, "batch": 16},
)


def _ours(**changes: Any) -> Callable[[Setting], Round]:
    """Our trainer with the workload's recipe and these changes."""
    return lambda setting: trainers_round(setting, setting.work.recipe.model_copy(update=changes))


def _ours_as_plain(setting: Setting) -> Round:
    return trainers_round(setting, setting.work.plain)


PLAIN = Contender("plain loop", plain_round, FLOAT32)
OF_MDSR = (
    Contender("sr_bench", _ours(), BF16, "bf16"),
    Contender("sr_bench, float32", _ours_as_plain, FLOAT32),
    PLAIN,
)
OF_EDSR = (*OF_MDSR, Contender("sr_bench, Muon", _ours(**MUON), FIRST, "bf16, Muon"))
OF_EDSR_FAST = (
    Contender("sr_bench", _ours(), FIRST, "bf16, Muon, clipping, average"),
    Contender("sr_bench, Adam", _ours(optimizer="adam"), FIRST, "bf16, clipping, average"),
    PLAIN,
)
OF_SRCNN = (
    Contender("sr_bench", _ours(), FIRST, "bf16, easier form, Adam"),
    Contender("sr_bench, float32", _ours(precision="float32"), FIRST, "easier form, Adam"),
    Contender("sr_bench, plain recipe", _ours_as_plain, FLOAT32),
    PLAIN,
)

on_each_device = pytest.mark.parametrize("device", ["cpu", "cuda"])


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Each workload on each device, made once."""
    made: dict[tuple[str, str], Setting] = {}

    def setting(work: Workload, device: str) -> Setting:
        _need(device)
        if (work.name, device) not in made:
            made[work.name, device] = Setting(work, torch.device(device))
        return made[work.name, device]

    return setting


@pytest.fixture
def race(benchmark: BenchmarkFixture, settings: Settings) -> Callable[..., None]:
    """Compare the losses of the first steps with the setting's, then time the steps."""

    def run(work: Workload, contender: Contender, device: str, *, rounds: int) -> None:
        setting = settings(work, device)
        steps: Round = contender.make(setting)  # type: ignore[assignment]
        off = [abs(float(loss) / wanted - 1) for loss, wanted in zip(steps(), setting.losses)]
        differences: Values = {"first loss": off[0], "last loss": off[-1]}
        benchmark.group = _group(work, device)
        benchmark.extra_info.update(kind="steps", device=device, precision=steps.precision)
        benchmark.extra_info.update(steps=STEPS, patches=STEPS * work.recipe.batch)
        benchmark.extra_info["flop"] = flop(steps.network, setting)
        contest(benchmark, _on(contender, device), steps, differences, rounds=rounds)

    return run


on_each_precision = pytest.mark.parametrize("precision", ["bf16", "float32"])


@on_each_precision
@on_each_device
def test_matrix_rate(benchmark: BenchmarkFixture, precision: str, device: str) -> None:
    _multiply(benchmark, precision, device, when="before")


@contenders(*OF_EDSR)
@on_each_device
def test_edsr(race: Callable[..., None], contender: Contender, device: str) -> None:
    race(EDSR, contender, device, rounds=7)


@contenders(*OF_EDSR_FAST)
@on_each_device
def test_edsr_fast(race: Callable[..., None], contender: Contender, device: str) -> None:
    race(EDSR_FAST, contender, device, rounds=15)


@contenders(*OF_MDSR)
@on_each_device
def test_mdsr(race: Callable[..., None], contender: Contender, device: str) -> None:
    race(MDSR, contender, device, rounds=5)


@contenders(*OF_SRCNN)
@on_each_device
def test_srcnn(race: Callable[..., None], contender: Contender, device: str) -> None:
    race(SRCNN, contender, device, rounds=31)


@contenders(*OF_SRCNN)
@on_each_device
def test_srcnn_16(race: Callable[..., None], contender: Contender, device: str) -> None:
    race(SRCNN_16, contender, device, rounds=15)


@pytest.mark.parametrize(
    "work", [EDSR, EDSR_FAST, MDSR, SRCNN, SRCNN_16], ids=lambda work: work.name
)
@on_each_device
def test_data_supply(
    benchmark: BenchmarkFixture, settings: Settings, work: Workload, device: str
) -> None:
    """The batches of a round, new ones each time, without a network."""
    setting, recipe = settings(work, device), work.recipe
    generator = torch.Generator().manual_seed(0)

    def supply() -> None:
        for batch in setting.batches:
            setting.pairs[batch.scale].batch(recipe.batch, generator, augment=recipe.augment)
        finish(setting.device)

    benchmark.group = f"data supply, {_name(device)}"
    benchmark.extra_info.update(kind="supply", steps=STEPS, of=_group(work, device))
    contest(benchmark, Contender(work.name, lambda: supply), supply, {}, rounds=51)


@on_each_precision
@on_each_device
def test_matrix_rate_after(benchmark: BenchmarkFixture, precision: str, device: str) -> None:
    """Once more, as a shared machine isn't equally fast all the time."""
    _multiply(benchmark, precision, device, when="after")


def test_mdsr_round_has_each_scale_once(settings: Settings) -> None:
    """Else its time would say little about a training, which has as many of each."""
    assert sorted(batch.scale for batch in settings(MDSR, "cpu").batches) == [2, 3, 4]


def _multiply(benchmark: BenchmarkFixture, precision: str, device: str, *, when: str) -> None:
    _need(device)
    side, kind = SIDE[device], torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))

    def product() -> None:
        torch.mm(a, b)
        finish(a.device)

    benchmark.group = f"matrix product of side {side}, {when} all else, {_name(device)}"
    benchmark.extra_info.update(kind="matrix", device=device, precision=precision)
    benchmark.extra_info["flop"] = 2 * side**3
    contest(benchmark, Contender(precision, lambda: product), product, {}, rounds=25)


def _on(contender: Contender, device: str) -> Contender:
    if device == "cpu":
        return contender
    return replace(contender, within={k: max(v, TF32) for k, v in contender.within.items()})


def _group(work: Workload, device: str) -> str:
    return f"{work.name}, {_name(device)}"


def _need(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU here")


def _name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} of {cores()} cores"
