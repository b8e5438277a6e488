"""The results of ``sr-bench eval``: tables for people, JSON, CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from sr_bench.analysis.ledger.neighbours import Cell, Neighbours, PublishedNumber, neighbours
from sr_bench.analysis.ledger.titles import NetworkNames
from sr_bench.cli.show import print_table, remark
from sr_bench.support.parallel import Failure

if TYPE_CHECKING:
    from sr_bench.evaluation.evaluating.candidate import Candidate
    from sr_bench.evaluation.evaluating.evaluate import Evaluation
    from sr_bench.evaluation.evaluating.results import Result

# Of the metrics of a protocol; CSV and JSON have all.
_SHOWN = ("psnr", "ssim", "ssim_blue", "ssim_padded")
_COMPARED = {"psnr": "PSNR", "ssim": "SSIM"}  # with published numbers


@dataclass(frozen=True)
class Printed:
    """All that is printed.

    Args:
        candidates: the models that could be opened.
        results: what came out.
        evaluation: with every image, and what failed.
        unopened: models that could not be opened.
        numbers: the published ones.
        names: what people call networks.
    """

    candidates: Sequence[Candidate]
    results: Sequence[Result]
    evaluation: Evaluation
    unopened: Sequence[Failure[str]]
    numbers: pd.DataFrame
    names: NetworkNames

    def published(self, result: Result) -> dict[str, Neighbours]:
        """The published numbers beside a result, by metric.

        None for a folder's images, for a part of a set, and for a metric that nobody printed.
        """
        if not (result.test_set.catalogued and result.whole):
            return {}
        place = (result.protocol.name, result.test_set.name, result.candidate.scale)
        printed = {"psnr": "psnr", "ssim": result.protocol.printed_ssim}
        found = {
            metric: neighbours(self.numbers, Cell(*place, metric), result.means[measured])
            for metric, measured in printed.items()
            if measured in result.means
        }
        return {metric: beside for metric, beside in found.items() if beside != Neighbours()}

    @property
    def failures(self) -> str:
        """Everything that has no score, each with the reason, one a line; empty if nothing."""
        lines = [failure.reason for failure in self.unopened]
        for fault in self.evaluation.faults:
            where = "/".join(part for part in (fault.dataset, fault.image) if part)
            lines.append(
                f"{fault.model} on {where}: {fault.reason}" if fault.model else fault.reason
            )
        if len(lines) < 2:
            return "".join(lines)
        return "\n  ".join([f"{len(lines)} things could not be scored:", *lines])


def facts_of(printed: Printed) -> dict[str, Any]:
    """Everything, for programs."""
    models = [
        {
            "model": c.name,
            "scale": c.scale,
            "origin": c.origin,
            "sha256": c.sha256,
            "options": list(c.options),
            "notes": list(c.notes),
        }
        for c in printed.candidates
    ]
    failed = [
        {"model": f.item, "dataset": "", "image": "", "reason": f.reason} for f in printed.unopened
    ]
    return {
        "models": models,
        "results": [_facts(printed, result) for result in printed.results],
        "images": printed.evaluation.rows.to_dict("records"),
        "unsteady": [model._asdict() for model in printed.evaluation.unsteady],
        "failed": failed + [asdict(fault) for fault in printed.evaluation.faults],
    }


def _facts(printed: Printed, result: Result) -> dict[str, Any]:
    return {
        "model": result.candidate.name,
        "scale": result.candidate.scale,
        "dataset": result.test_set.name,
        "protocol": result.protocol.name,
        "mean" if result.whole else "mean_of_part": result.means,
        "images": result.scored,
        "signature": result.signature,
        "published": {
            metric: {side: asdict(number) for side, number in _sides(beside)}
            for metric, beside in printed.published(result).items()
        },
    }


def print_results(printed: Printed) -> None:
    """A table for each protocol, its signatures, and the published numbers beside each result."""
    for protocol, of in groupby(printed.results, key=lambda result: result.protocol.name):
        results = list(of)
        metrics = [m for m in _SHOWN if any(m in result.means for result in results)]
        columns = ["model", "dataset", "scale", *metrics, "images"]
        print_table(protocol, columns, [_row(result, metrics) for result in results])
        for result in results:
            for line in _lines(printed, result):
                remark(line)
        _print_signatures(results)
    for model, found in printed.evaluation.unsteady:
        remark(f"{model}: {found}")


def _row(result: Result, metrics: Sequence[str]) -> list[object]:
    total = len(result.test_set.dataset.entries)
    count = str(total) if result.whole else f"{result.scored} of {total}: not the whole set"
    means = [result.means.get(metric, "") for metric in metrics]
    return [
        result.candidate.name,
        result.test_set.name,
        f"x{result.candidate.scale}",
        *means,
        count,
    ]


def _lines(printed: Printed, result: Result) -> list[str]:
    what = f"{result.candidate.name} on {result.test_set.name}"
    lines = [f"{what}: {sentence}" for sentence in result.infinite]
    for metric, beside in printed.published(result).items():
        found = [f"{side}: {number.label(printed.names)}" for side, number in _sides(beside)]
        lines.append(f"{what}, published {_COMPARED[metric]} {'; '.join(found)}")
    return lines


def _sides(beside: Neighbours) -> Iterator[tuple[str, PublishedNumber]]:
    for side in ("above", "equal", "below"):
        number = getattr(beside, side)
        if number is not None:
            yield side, number


def _print_signatures(results: Sequence[Result]) -> None:
    signatures: dict[str, list[str]] = {}
    for result in results:
        signatures.setdefault(result.signature, []).append(result.candidate.name)
    for signature, models in signatures.items():
        of = "" if len(signatures) == 1 else f" of {', '.join(dict.fromkeys(models))}"
        remark(f"signature{of}: {signature}")
