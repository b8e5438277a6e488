"""``sr-bench compare``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from sr_bench.analysis.metrics import describe_metric
from sr_bench.cli.show import (
    JsonFlag,
    SharedDataset,
    SharedMetric,
    SharedProtocol,
    console,
    print_json,
    print_table,
)
from sr_bench.evaluation.scoring.table import listed
from sr_bench.project.project import require_project
from sr_bench.support.errors import WrongUse

if TYPE_CHECKING:
    from sr_bench.analysis.compare import Comparison


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(help="Two runs or more; the first is compared with each of the others."),
    ],
    protocol: SharedProtocol = None,
    metric: SharedMetric = "psnr",
    dataset: SharedDataset = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also print the difference on every image.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Test whether one run is better than others, image by image.

    Prints the mean of the paired differences with its 95 % bootstrap interval, the images won, and
    the Wilcoxon signed-rank test with Holm's correction for the number of runs.
    """
    from sr_bench.analysis.compare import choose, load_runs
    from sr_bench.analysis.compare import compare as compare_runs

    if len(runs) < 2:
        raise WrongUse(f"compare needs two runs, got {runs[0]} alone; see: sr-bench list runs")
    table = load_runs(require_project().root, runs)
    chosen = choose(table, protocol=protocol, metric=metric, dataset=dataset)
    found = compare_runs(chosen, runs[0])
    if json:
        print_json([_facts(c) for c in found])
        return
    _show(found)
    if images:
        _show_images(found)


def _facts(found: Comparison) -> dict[str, object]:
    numbers = asdict(found)
    flat = numbers.pop("paired") | {"smallest_p": found.smallest_p}
    images = numbers.pop("by_image")
    facts = numbers | flat | {"verdict": found.verdict, "by_image": images}
    facts |= {"mean": None} if found.ranked else {}
    return {k: None if v != v else v for k, v in facts.items()}  # NaN isn't JSON


def _show(found: list[Comparison]) -> None:
    one = found[0]
    metric = describe_metric(one.metric)
    title = f"{metric.title} in {metric.unit}" if metric.unit else metric.title
    better = "positive" if one.higher_is_better else "negative"
    for other in dict.fromkeys(c.other for c in found):
        rows = [c for c in found if c.other == other]
        console.print(f"\n{one.reference} minus {other}", highlight=False)
        columns = ["dataset", "difference", "95 % interval", "won", "p", "verdict"]
        print_table("", columns, [_row(c) for c in rows])
        for comparison in rows:
            console.print(sentence(comparison), highlight=False)
    console.print(f"\n{title}, {better} is better; p corrected for {one.compared} runs")
    console.print(f"signature: {one.signature}", highlight=False)


def _row(c: Comparison) -> list[str]:
    found = c.paired
    interval = "-" if found.low != found.low else f"{found.low:+.4f} to {found.high:+.4f}"
    won = f"{found.won if c.higher_is_better else found.lost} of {found.images}"
    mean = "-" if c.ranked else f"{found.mean:+.4f}"
    return [c.dataset, mean, interval, won, f"{c.p_holm:.2g}", c.verdict]


def sentence(c: Comparison) -> str:
    """What a comparison means, in plain words, and on which images it is largest."""
    ordered = sorted(c.by_image.items(), key=lambda item: item[1])
    low, high = (f"{value:+.4f} ({image})" for image, value in (ordered[0], ordered[-1]))
    count = "1 image" if c.paired.images == 1 else f"{c.paired.images} images"
    return f"{c.dataset}: {_meaning(c, count)}{_ranked(c)}; by image from {low} to {high}"


def _ranked(c: Comparison) -> str:
    """Why there is no mean, and on which images."""
    if not c.ranked:
        return ""
    infinite = [image for image, value in c.by_image.items() if np.isinf(value)]
    what = "1 difference is" if len(infinite) == 1 else f"{len(infinite)} differences are"
    return f" by ranks alone: {what} infinite ({listed(infinite)}), so there is no mean"


def _meaning(c: Comparison, count: str) -> str:
    found = c.paired
    few = c.too_few
    limit = f"{count} can't show more: p could not be below {c.smallest_p:.2g}"
    step = "this" if c.ranked else f"{found.mean:+.4f}"
    texts = {
        "better": "better",
        "worse": "worse",
        "equal": f"equal on {count}",
        "noise": f"{step} is noise on {count}" + (f" ({limit})" if few else ""),
        "mixed": "most images go one way, but the mean isn't clearly different",
        "unproven": f"not shown; {limit if few else f'the test does not confirm it on {count}'}",
    }
    return texts[c.verdict]


def _show_images(found: list[Comparison]) -> None:
    for c in found:
        rows = sorted(c.by_image.items(), key=lambda item: item[1], reverse=True)
        print_table(f"{c.dataset}: {c.reference} - {c.other}", ["image", c.metric], rows)
