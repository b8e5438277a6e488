"""Which settings of models a command line asks for."""

from __future__ import annotations

from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.timing.devices import choose
from sr_bench.timing.plan import Selection, TimingPlan
from sr_bench.timing.setting import FRAME, GPU, PRECISIONS, all_settings
from sr_bench.timing.tasks import ModelChoice, model_of
from sr_bench.timing.timed_model import TimedModel


def make_model_plan(choices: list[ModelChoice], selection: Selection) -> TimingPlan:
    """The settings of models, and the reason for each that can't be opened.

    A model without a network that PyTorch could move or export is timed as it is.

    Raises:
        WrongUse: for unknown devices, precisions or inputs, and if nothing is left to time.
    """
    devices = choose(list(selection.devices) or ["all"])
    selection.require_known(())
    plan = TimingPlan()
    opened = {name: timed for choice in choices for name, timed in _opened(choice, plan)}
    labels = {(n, d): _labels(t, d, selection) for n, t in opened.items() for d in devices}
    known = {label for each in labels.values() for label in each}
    order = [label for label in PRECISIONS if label in known]
    inputs = selection.named_inputs((), default=(FRAME,))
    plan.settings = [
        setting
        for setting in all_settings(list(opened), devices, order, inputs)
        if setting.precision in labels[setting.run, setting.device]
    ]
    plan.left_out = [why for name, timed in opened.items() for why in _told(name, timed, selection)]
    if not plan.settings and not plan.failed:
        told = " ".join(f"{why}." for why in plan.left_out)
        raise WrongUse(
            f"nothing to time of {', '.join(opened)} on {', '.join(devices)}. {told} fp16 is for "
            "CUDA alone, ONNX Runtime and OpenVINO for the CPU in float32; ask for others"
        )
    return plan


def _opened(choice: ModelChoice, plan: TimingPlan) -> list[tuple[str, TimedModel]]:
    """The model under a name that no other has."""
    try:
        timed = model_of(choice)
    except SrBenchError as error:
        plan.failed[choice.spec] = str(error)
        return []
    name = timed.opened.name
    name = f"{name} ({choice.spec})" if name in plan.models else name
    plan.models[name], plan.weights[name] = choice, timed.weights_sha256
    return [(name, timed)]


def _labels(timed: TimedModel, device: str, selection: Selection) -> list[str]:
    if timed.has_network:
        return selection.labels(device)
    alone = selection.backends and timed.backend not in selection.backends
    return [] if device == GPU or alone else [timed.label]


def _told(name: str, timed: TimedModel, selection: Selection) -> list[str]:
    others = [b for b in selection.backends if b != timed.backend]
    if timed.has_network or not others:
        return []
    return [
        f"{name} is not timed with {', '.join(others)}: it has no network of PyTorch that can be "
        f"moved or exported ({timed.opened.origin})"
    ]
