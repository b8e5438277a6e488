"""``sr-bench score``: two folders, SR images alone, or a run of the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sr_bench.analysis.metrics import describe_metric
from sr_bench.cli.executing import (
    LOCAL,
    ExecutorOption,
    SchedulerOption,
    WorkersOption,
    executing,
    executor_options,
)
from sr_bench.cli.hr import HR_HELP, hr_folder
from sr_bench.cli.score_neighbours import beside, sentence_of
from sr_bench.cli.show import (
    DeviceOption,
    JsonFlag,
    MaybeScaleOption,
    Skipped,
    count_progress,
    failures,
    print_json,
    print_table,
    remark,
)
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.pairing import NamePair, pair_folders
from sr_bench.evaluation.scoring.pairs import Rules, score_pairs
from sr_bench.evaluation.scoring.score import Scored
from sr_bench.evaluation.scoring.table import identical, write_table
from sr_bench.imaging import images
from sr_bench.project.here import catalogue_here
from sr_bench.support.errors import SrBenchError, WrongUse, printable
from sr_bench.support.executors import ExecutorOptions


def score(
    run: Annotated[
        list[str] | None,
        typer.Argument(help="Runs of params.yaml; without any, two folders are scored."),
    ] = None,
    sr: Annotated[Path | None, typer.Option(help="Folder of SR images.")] = None,
    hr: Annotated[Path | None, typer.Option(help=HR_HELP)] = None,
    scale: MaybeScaleOption = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="Protocol (sr-bench list protocols); with RUN: only this one of its."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="With RUN: only this dataset of its; nothing is written.")
    ] = None,
    all_runs: Annotated[bool, typer.Option("--all", help="All runs of params.yaml.")] = False,
    metric: Annotated[
        str | None,
        typer.Option(
            help="ms_ssim, lpips, dists, niqe and others (sr-bench list metrics), instead of the "
            "protocol's metrics. Those that need SR alone (niqe) take --sr without --hr."
        ),
    ] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    device: DeviceOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the scores of each image to this file.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Score a folder of SR images against HR images under a protocol, or runs of the project.

    Files pair by name: img.png with img.png, img_x4.png, imgx4.png, img_x4_SR.png, img_edsr.png.
    """
    others, elsewhere = (
        (sr, hr, scale, metric, device, csv),
        executor_options(executor, workers, scheduler),
    )
    if run or all_runs:
        _require_runs(run or [], all_runs, alone=all(v is None for v in others))
        _score_runs(run or [], (dataset, protocol), elsewhere, json)
        return
    if sr is not None and metric is not None and (hr, scale, protocol, dataset) == (None,) * 4:
        if elsewhere != LOCAL:
            raise WrongUse("--executor is for pairs of SR and HR, and for runs; add --hr DIR")
        _score_alone(sr, metric, device, csv, json)
        return
    if None in (sr, hr, scale, protocol) or dataset is not None:
        raise WrongUse(
            "score needs --sr DIR --hr DIR --scale S --protocol NAME, or runs (--all: all of "
            "params.yaml); --dataset is for runs"
        )
    assert sr and hr and scale and protocol
    _score_folders(
        _Folders(sr, hr_folder(hr), scale, protocol, elsewhere), metric, device, csv, json
    )


def _require_runs(named: list[str], all_runs: bool, *, alone: bool) -> None:
    if named and all_runs:
        raise WrongUse("score takes runs of params.yaml, or --all; see: sr-bench list runs")
    if not alone:
        raise WrongUse(
            "RUN scores a run of params.yaml and takes --dataset and --protocol alone, and who "
            "computes (--executor); leave the others out"
        )


@dataclass(frozen=True)
class _Folders:
    """What is scored under a protocol, and who computes."""

    sr: Path
    hr: Path
    scale: int
    protocol: str
    executor: ExecutorOptions


def _score_folders(
    of: _Folders, metric: str | None, device: str | None, csv: Path | None, json: bool
) -> None:
    """Score a folder of SR images against one of HR images."""
    named = _protocol_and(of.protocol, metric, device)
    skipped = Skipped()
    pairs = pair_folders(of.sr, of.hr, scale=of.scale, skip=skipped)
    rules = Rules((named,), of.scale, metric, device)
    with (
        executing(of.executor) as executor,
        count_progress(f"score {named}", len(pairs)) as advance,
    ):
        scored = score_pairs(pairs, rules, executor=executor, done=lambda name, rows: advance(1))
    if not scored.rows.empty:
        if csv is not None:
            _write_csv(csv, pairs, scored)
        rule = None if metric else (of.protocol, of.scale)
        _show_scores(pairs, scored, skipped, json, rule=rule)
    if scored.failed:
        raise SrBenchError(scored.refusal)


def _score_alone(sr: Path, metric: str, device: str | None, csv: Path | None, json: bool) -> None:
    """Score a folder of SR images by a metric that needs no HR."""
    from sr_bench.evaluation.scoring.extra import score_alone

    skipped = Skipped()
    paths = images.listing(sr, skip=skipped)
    with count_progress(f"score {metric}", len(paths)) as advance:
        scored = score_alone(paths, metric, device=device, progress=advance)
    pairs = [NamePair(p.stem, p, p) for p in paths]
    if not scored.rows.empty:
        if csv is not None:
            _write_csv(csv, pairs, scored)
        _show_scores(pairs, scored, skipped, json, alone=True)
    if scored.failed:
        raise SrBenchError(scored.refusal)


def _score_runs(
    named: list[str], part: tuple[str | None, ...], elsewhere: ExecutorOptions, json: bool
) -> None:
    from sr_bench.cli.scored_run import print_runs
    from sr_bench.project.run_part import RunPart

    asked = RunPart(*(() if name is None else (name,) for name in part))
    with executing(elsewhere) as executor:
        print_runs(named, asked, executor, json=json)


def _protocol_and(protocol: str, metric: str | None, device: str | None) -> Protocol:
    if device is not None and metric is None:
        raise WrongUse("--device is for --metric lpips and dists; protocols' metrics use the CPU")
    return catalogue_here().protocols.find(protocol)


def _write_csv(path: Path, pairs: list[NamePair], scored: Scored) -> None:
    """One row an image and metric; an image without scores has one row that says why.

    The column of reasons is there only where some image has none, so that a table of a part of a
    set can't be taken for one of the whole.
    """
    table = scored.rows
    if scored.failed:
        bad = pd.DataFrame([{"image": f.item, "error": f.reason} for f in scored.failed])
        table = pd.concat([table, bad], ignore_index=True)
        table["error"] = table["error"].fillna("").map(printable)
        order = {p.name: i for i, p in enumerate(pairs)}
        table = table.sort_values("image", key=lambda names: names.map(order), kind="stable")
    table = table.assign(image=table["image"].map(printable))
    write_table(path, table)


def _show_scores(
    pairs: list[NamePair],
    scored: Scored,
    skipped: Skipped,
    json: bool,
    *,
    rule: tuple[str, int] | None = None,
    alone: bool = False,
) -> None:
    """Print the scores.

    Args:
        pairs: what was scored.
        scored: what came of it.
        skipped: files that are no images.
        json: for programs.
        rule: protocol and scale, where published numbers may stand beside.
        alone: of SR images that have no HR.
    """
    rows = scored.rows
    wide = rows.pivot(index="image", columns="metric", values="value")
    metrics = [m for m in rows["metric"].unique() if wide[m].notna().all()]
    left_out = [m for m in rows["metric"].unique() if m not in metrics]
    there = [p for p in pairs if p.name in wide.index]
    wide = wide.loc[[p.name for p in there], metrics]
    means = {m: float(wide[m].mean()) for m in metrics}
    signature = str(rows["signature"].iloc[0])
    whole = rule is not None and not scored.failed
    published = beside([p.hr for p in pairs], means.get("psnr"), *rule) if rule and whole else {}
    if json:
        listed = [
            {"image": p.name, "sr": str(p.sr), "hr": None if alone else str(p.hr)}
            | {m: float(v) for m, v in wide.loc[p.name].items()}
            for p in there
        ]
        facts = {
            "signature": signature,
            "mean_of_part" if scored.failed else "mean": means,
            "left_out": left_out,
            "published": published,
            "images": listed,
            "failed": failures(scored.failed),
            "skipped": skipped.facts,
        }
        print_json(facts)
        return
    names = [[p.sr.name] if alone else [p.sr.name, p.hr.name] for p in there]
    body = [[*shown, *(float(v) for v in wide.loc[p.name])] for shown, p in zip(names, there)]
    count = f"{len(there)} of {len(pairs)}: not the whole set" if scored.failed else len(pairs)
    headings = [describe_metric(metric).title_with_unit for metric in metrics]
    first, mean = (["sr"], []) if alone else (["sr", "hr"], [""])
    last = [f"mean of {count}", *mean, *means.values()]
    print_table("", [*first, *headings], [*body, last], apart=1)
    for sentence in identical(rows):
        remark(sentence)
    remark(f"signature: {signature}")
    if published and rule:
        remark(sentence_of(published, *rule))
    if left_out:
        remark(f"left out, since an image is gray: {', '.join(left_out)}")
