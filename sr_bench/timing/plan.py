"""Which settings a command line asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.timing.devices import choose
from sr_bench.timing.setting import (
    BACKENDS,
    EAGER,
    FILES,
    FRAME,
    FRAMES,
    GPU,
    PRECISIONS,
    SIZES,
    Setting,
    all_settings,
    is_frame,
    lr_size,
    works_on,
)
from sr_bench.timing.tasks import ModelChoice
from sr_bench.timing.timed_run import TimedRun

_ALL_SIZES = "sizes"


@dataclass(frozen=True)
class Selection:
    """What to time; what is empty is chosen here.

    Args:
        runs: names; all runs of ``params.yaml``.
        devices: names; all that are here.
        precisions: labels; float32, and those that the device computes fast in.
        inputs: frames (``720p``, ...), ``sizes`` for all whose network is timed alone, sizes of lr
            (``180x320``), ``720p-png``, datasets; ``720p``, ``720p-png``, and all that the run is
            scored on; of a model ``720p``.
        backends: what runs the network; PyTorch as it is.
    """

    runs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()

    def labels(self, device: str) -> list[str]:
        """The precisions to time on a device, with what runs them."""
        plain = self.precisions or _fast(device)
        joined = [p if b == EAGER else f"{p}-{b}" for p in plain for b in self.backends or (EAGER,)]
        return [label for label in joined if label in PRECISIONS and works_on(label, device)]

    def order(self, devices: Sequence[str]) -> list[str]:
        """The precisions of all devices, in the order in which they are timed."""
        known = {label for device in devices for label in self.labels(device)}
        return [label for label in PRECISIONS if label in known]

    def named_inputs(self, datasets: Sequence[str], *, default: Sequence[str]) -> list[str]:
        """The inputs, the smallest frames first: they tell how long the larger ones take."""
        asked = {*self.inputs} or {*default}
        if _ALL_SIZES in asked:
            asked |= {*SIZES}
        return [i for i in self.inputs if lr_size(i)] + [
            i for i in (*FRAMES, *datasets) if i in asked
        ]

    def require_known(self, datasets: Sequence[str]) -> None:
        """Refuse names that mean nothing.

        Raises:
            WrongUse: with those that are near.
        """
        inputs = [_ALL_SIZES, *FRAMES, *datasets]
        for what, given, known in (
            ("precision", self.precisions, PRECISIONS),
            ("backend", self.backends, BACKENDS),
            ("input", [i for i in self.inputs if not lr_size(i)], inputs),
        ):
            for name in given:
                if name not in known:
                    raise unknown(what, name, known, where="sr-bench time")


@dataclass
class TimingPlan:
    """What will be timed, and what can't be.

    Args:
        settings: in the order in which they are timed.
        weights: sha256 by run.
        failed: runs that can't be timed, or not on all images, and why.
        models: the runs that are models which were named on the command line.
        left_out: what was asked for and makes no sense, and why.
    """

    settings: list[Setting] = field(default_factory=list)
    weights: dict[str, str | None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    models: dict[str, ModelChoice] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def make_plan(project: Project, selection: Selection) -> TimingPlan:
    """The settings, and for each run that lacks weights or images the reason.

    Raises:
        WrongUse: for unknown runs, devices, precisions or inputs, and if nothing is left to time.
    """
    runs = list(dict.fromkeys(selection.runs or project.params.runs))
    for run in runs:
        project.run(run)
    devices = choose(list(selection.devices) or ["all"])
    datasets = list(dict.fromkeys(d for n in project.params.protocols.values() for d in n))
    selection.require_known(datasets)
    plan, missing = TimingPlan(), _missing(project, datasets)
    has_network = {run: _examine(project, run, plan) for run in runs}
    inputs = selection.named_inputs(datasets, default=(FRAME, FILES, *datasets))
    for setting in all_settings(runs, devices, selection.order(devices), inputs):
        if setting.run in plan.weights and _makes_sense(
            setting, project, selection, network=has_network[setting.run]
        ):
            if setting.input in missing:
                plan.failed.setdefault(setting.run, missing[setting.input])
            else:
                plan.settings.append(setting)
    if not plan.settings and not plan.failed:
        raise WrongUse(
            f"nothing to time of {', '.join(runs)} on {', '.join(devices)}: a run without a "
            "network is timed on the CPU in float32 alone, fp16 on CUDA alone, ONNX Runtime and "
            "OpenVINO on the CPU in float32, and datasets are those of the run's protocols; ask "
            "for others"
        )
    return plan


def _missing(project: Project, datasets: Sequence[str]) -> dict[str, str]:
    """Datasets that aren't there, and what to do."""
    why = {}
    for name in datasets:
        try:
            project.dataset(name)
        except SrBenchError as error:
            why[name] = str(error)
    return why


def _examine(project: Project, run: str, plan: TimingPlan) -> bool:
    """Note the run's weights, or why it can't be timed; whether it has a network."""
    try:
        timed = TimedRun.find(project, run)
        network = timed.has_network
        plan.weights[run] = timed.weights_sha256
    except SrBenchError as error:
        plan.failed[run] = str(error)
        return False
    return network


def _fast(device: str) -> tuple[str, ...]:
    """The precisions that a device computes fast in."""
    if device == GPU:
        return "float32", "bf16", "fp16"
    import torch

    from sr_bench.networks.machine import fast_bf16

    return ("float32", "bf16") if fast_bf16(torch.device("cpu")) else ("float32",)


def _makes_sense(
    setting: Setting, project: Project, selection: Selection, *, network: bool
) -> bool:
    if setting.precision not in selection.labels(setting.device):
        return False
    if not network and (setting.device == GPU or setting.precision != "float32"):
        return False
    return is_frame(setting.input) or setting.input in project.datasets(project.run(setting.run))
