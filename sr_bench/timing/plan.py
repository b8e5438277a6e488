"""Which settings a command line asks for."""

from __future__ import annotations

from dataclasses import dataclass, field

from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.timing.devices import choose
from sr_bench.timing.setting import (
    FILES,
    FRAME,
    FRAMES,
    GPU,
    PRECISIONS,
    SIZES,
    Setting,
    all_settings,
    works_on,
)
from sr_bench.timing.timed_run import TimedRun

_ALL_SIZES = "sizes"


@dataclass(frozen=True)
class Selection:
    """What to time; what is empty is chosen here.

    Args:
        runs: names; all runs of ``params.yaml``.
        devices: names; all that are here.
        precisions: labels; float32, and those that the device computes fast in.
        inputs: frames (``720p``, ...), ``sizes`` for all whose network is timed alone,
            ``720p-png``, datasets; ``720p``, ``720p-png``, and all that the run is scored on.
    """

    runs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


@dataclass
class TimingPlan:
    """Settings in the order in which they are timed, weights by run, and runs that can't be."""

    settings: list[Setting] = field(default_factory=list)
    weights: dict[str, str | None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def make_plan(project: Project, selection: Selection) -> TimingPlan:
    """The settings, and for each run that lacks weights or images the reason.

    Raises:
        WrongUse: for unknown runs, devices, precisions or inputs, and if nothing is left to time.
    """
    runs = list(dict.fromkeys(selection.runs or project.params.runs))
    for run in runs:
        project.run(run)
    devices = choose(list(selection.devices) or ["all"])
    _check_labels(project, selection)
    plan = TimingPlan()
    has_network = {run: _examine(project, run, plan) for run in runs}
    known = {p for device in devices for p in _precisions(device, selection)}
    order = [p for p in PRECISIONS if p in known]
    for setting in all_settings(runs, devices, order, _inputs(project, selection)):
        if setting.run in plan.weights and _makes_sense(
            setting, project, selection, network=has_network[setting.run]
        ):
            plan.settings.append(setting)
    if not plan.settings and not plan.failed:
        raise WrongUse(
            f"nothing to time of {', '.join(runs)} on {', '.join(devices)}: a run without a "
            "network is timed on the CPU in float32 alone, fp16 on CUDA alone, and datasets are "
            "those of the run's protocols; ask for others"
        )
    return plan


def _check_labels(project: Project, selection: Selection) -> None:
    datasets = {d for names in project.params.protocols.values() for d in names}
    for label in selection.precisions:
        if label not in PRECISIONS:
            raise unknown("precision", label, PRECISIONS, where="sr-bench time")
    inputs = [_ALL_SIZES, *FRAMES, *datasets]
    for label in selection.inputs:
        if label not in inputs:
            raise unknown("input", label, inputs, where="sr-bench time")


def _examine(project: Project, run: str, plan: TimingPlan) -> bool:
    """Note the run's weights, or why it can't be timed; whether it has a network."""
    try:
        timed = TimedRun.find(project, run)
        _, quality = timed.quality
        project.dataset(quality)
        network = timed.has_network
        plan.weights[run] = timed.weights_sha256
    except SrBenchError as error:
        plan.failed[run] = str(error)
        return False
    return network


def _precisions(device: str, selection: Selection) -> tuple[str, ...]:
    if selection.precisions:
        return tuple(p for p in selection.precisions if works_on(p, device))
    if device == GPU:
        return "float32", "bf16", "fp16"
    import torch

    from sr_bench.networks.machine import fast_bf16

    return ("float32", "bf16") if fast_bf16(torch.device("cpu")) else ("float32",)


def _inputs(project: Project, selection: Selection) -> list[str]:
    """The smallest frames first: they tell how long the larger ones take."""
    datasets = dict.fromkeys(d for names in project.params.protocols.values() for d in names)
    asked = {*selection.inputs} or {FRAME, FILES, *datasets}
    if _ALL_SIZES in asked:
        asked |= {*SIZES}
    return [i for i in (*FRAMES, *datasets) if i in asked]


def _makes_sense(
    setting: Setting, project: Project, selection: Selection, *, network: bool
) -> bool:
    if setting.precision not in _precisions(setting.device, selection):
        return False
    if not network and (setting.device == GPU or setting.precision != "float32"):
        return False
    return setting.input in (*FRAMES, *project.datasets(project.run(setting.run)))
