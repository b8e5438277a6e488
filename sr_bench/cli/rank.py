"""``sr-bench rank``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import (
    JsonFlag,
    SharedDataset,
    SharedMetric,
    SharedProtocol,
    console,
    print_json,
    print_table,
)
from sr_bench.project.project import require_project

if TYPE_CHECKING:
    from sr_bench.analysis.ranks import Ranks


def rank(
    runs: Annotated[list[str], typer.Argument(help="Three runs or more, of one scale.")],
    protocol: SharedProtocol = None,
    metric: SharedMetric = "psnr",
    dataset: SharedDataset = None,
    every: Annotated[
        bool, typer.Option("--all-pairs", help="Every pair of runs, not only neighbours.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="Folder for a critical-difference diagram of each dataset (PDF, SVG)."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Rank runs image by image, and say how sure the order is.

    Prints average ranks with Friedman's test and Nemenyi's critical difference; and of neighbours
    the probability that the better one is better on images drawn again (bootstrap), and how many
    images it would take for 95 %.
    """
    from sr_bench.analysis.compare import choose, load_runs
    from sr_bench.analysis.ranks import rank as ranked

    table = load_runs(require_project().root, runs)
    chosen = choose(table, protocol=protocol, metric=metric, dataset=dataset)
    found = ranked(chosen, every=every, nemenyi=figure is not None)
    files = _diagrams(found, figure) if figure else []
    if json:
        facts = [asdict(one) | {"nemenyi": one.nemenyi.to_dict()} for one in found]
        print_json({"datasets": facts, "files": [str(path) for path in files]})
        return
    for one in found:
        _show(one)
    console.print(f"signature: {chosen['signature'].iloc[0]}", highlight=False)
    for path in files:
        console.print(str(path), highlight=False)


def _show(found: Ranks) -> None:
    from sr_bench.analysis.ranks import SURE, critical_difference

    apart = critical_difference(len(found.ranks), found.images)
    title = f"{found.dataset}: average rank over {found.images} images"
    print_table(title, ["run", "rank"], [[run, f"{r:.2f}"] for run, r in found.ranks.items()])
    console.print(
        f"Friedman p {found.friedman_p:.2g}; ranks less than {apart:.2f} apart can't be told apart "
        "(Nemenyi, 0.05)",
        highlight=False,
    )
    rows = [
        [pair.first, pair.second, f"{pair.difference:.4f}", f"{pair.probability:.3f}",
         "-" if pair.images_needed is None else str(pair.images_needed)]
        for pair in found.pairs
    ]  # fmt: skip
    columns = ["run", "against", "better by", "probability", f"images for {SURE:.0%}"]
    print_table("", columns, rows)


def _diagrams(found: list[Ranks], folder: Path) -> list[Path]:
    from sr_bench.analysis.ranks import draw_diagram
    from sr_bench.report.figures.panels import DOUBLE_COLUMN, new_figure
    from sr_bench.report.figures.style import paper_style

    files = []
    folder.mkdir(parents=True, exist_ok=True)
    for one in found:
        with paper_style():
            drawn = new_figure(DOUBLE_COLUMN, 0.9 + 0.14 * len(one.ranks))
            draw_diagram(one, list(one.ranks), drawn.add_axes((0.3, 0.05, 0.4, 0.85)))
            for kind in ("pdf", "svg"):
                files.append(folder / f"ranks-{one.dataset}.{kind}")
                drawn.savefig(files[-1], format=kind, bbox_inches="tight")
    return files
