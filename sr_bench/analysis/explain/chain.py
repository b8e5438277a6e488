"""An explanation in words, and as facts for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from sr_bench.analysis.explain.question import Explanation, Trial
from sr_bench.evaluation.scoring.table import listed

DIGITS = 4


def chain(trial: Trial) -> str:
    """``edsr-2017 28.4290 -> 26.6921: RGB instead of Y -1.7369``: each deviation and its cost."""
    steps = trial.steps
    protocol = trial.candidate.protocol
    if len(steps) == 1:
        return f"{protocol} {steps[0].value:.{DIGITS}f}: the protocol itself"
    costs = (f"{b.text}{_cost(a.value, b.value)}" for a, b in pairwise(steps))
    start, end = steps[0].value, steps[-1].value
    return f"{protocol} {start:.{DIGITS}f} -> {end:.{DIGITS}f}: {', '.join(costs)}"


def _cost(before: float, after: float) -> str:
    """What a step adds; nothing can be said where a number before it is infinite."""
    return f" {after - before:+.{DIGITS}f}" if math.isfinite(after - before) else ""


def conclusion(explanation: Explanation) -> str:
    """One sentence: what explains the claim, or that nothing does and what comes nearest."""
    question = explanation.question
    claimed = " and ".join(str(c) for c in question.claims)
    what = f"{question.subject.title}, {claimed}"
    fitting = explanation.fitting
    if not fitting:
        return (
            f"{what}: nothing known explains it ({explanation.tried} ways tried); "
            f"nearest: {chain(explanation.trials[0])}, off by {_missed(explanation)}"
        )
    if len(fitting) == 1:
        return f"{what}: {chain(fitting[0])}"
    return (
        f"{what}: {len(fitting)} ways give these digits, which can't tell them apart; "
        f"simplest: {chain(fitting[0])}"
    )


def notes(explanation: Explanation) -> Iterator[str]:
    """What was not tried and why, and which images are identical: a sentence each."""
    subject = explanation.question.subject
    yield from _unfit(explanation)
    if explanation.identical:
        yield (
            f"sr is identical to hr: {listed(explanation.identical)}; where such images count, "
            "the mean PSNR is infinite, which no printed number can be"
        )
    if explanation.spared:
        yield f"not tried, since a way without them fits: {explanation.spared}"
    if explanation.left_out:
        yield (
            f"{explanation.left_out} ways were left out, since the network may run "
            f"{explanation.question.passes} times over the images: --passes allows more"
        )
    if subject.given:
        yield "SR was given: how its LR was made was not varied"
    if subject.hint and not explanation.fitting:
        yield subject.hint


def _unfit(explanation: Explanation) -> Iterator[str]:
    """Protocols that don't go with the images, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for protocol, reason in explanation.unfit.items():
        reasons.setdefault(reason, []).append(protocol)
    for reason, protocols in reasons.items():
        yield f"not tried: {', '.join(protocols)}: {reason}"
    named = explanation.question.protocol
    if named is not None and named.name in explanation.unfit:
        yield f"so deviations of the protocols that fit were tried, not of {named}"


def facts(explanation: Explanation, top: int) -> dict[str, object]:
    """What ``--json`` prints: every fitting way, and the ``top`` nearest in all."""
    question = explanation.question
    shown = explanation.trials[: max(top, len(explanation.fitting))]
    return {
        "subject": question.subject.title,
        "claims": [{"metric": c.metric, "printed": c.printed} for c in question.claims],
        "protocol": None if question.protocol is None else question.protocol.name,
        "tried": explanation.tried,
        "explained": bool(explanation.fitting),
        "findings": [_facts(t) for t in shown],
        "not_tried": dict(explanation.unfit),
        "notes": list(notes(explanation)),
    }


def _facts(trial: Trial) -> dict[str, object]:
    return {
        "protocol": trial.candidate.protocol.name,
        "deviations": [d.name for d in trial.candidate.deviations],
        "text": trial.candidate.text,
        "values": dict(trial.values),
        "fits": trial.fits,
        "digits_off": trial.digits_off,
        "chain": chain(trial),
    }


def _missed(explanation: Explanation) -> str:
    nearest = explanation.trials[0]
    parts = (
        f"{nearest.values[c.metric] - float(c.printed):+.{DIGITS}f} {c.metric}"
        for c in explanation.question.claims
    )
    return " and ".join(parts)
