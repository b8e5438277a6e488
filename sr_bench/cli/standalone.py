"""Commands that need no project: ``degrade`` and ``score``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from sr_bench import images
from sr_bench.cli.show import console, count_progress, print_done, print_json, print_table
from sr_bench.degrade import degrade as make_lr
from sr_bench.errors import SrBenchError, WrongUse, about
from sr_bench.files import replacing
from sr_bench.pairing import NamePair, pair_folders
from sr_bench.parallel import map_images
from sr_bench.protocol import load_protocols
from sr_bench.score import read_pair, score_images
from sr_bench.score_table import identical

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ProtocolName = Annotated[str, typer.Option(help="A protocol; see: sr-bench list protocols.")]
Scale = Annotated[int, typer.Option(min=2, max=8, help="Integer upscaling factor.")]


def degrade(
    hr: Annotated[Path, typer.Option(help="Folder of HR images.")],
    out: Annotated[Path, typer.Option(help="Folder for the LR images; made if missing.")],
    scale: Scale,
    protocol: ProtocolName,
    json: JsonFlag = False,
) -> None:
    """Make LR images from a folder of HR images, exactly as a protocol does.

    8-bit LR is written as PNG; LR that is never rounded (srcnn-2015) as .npy, float64 on the
    0..255 scale, planes Y, Cb, Cr.
    """
    rule = load_protocols().degradation_of(protocol)
    paths = images.listing(hr)
    stems = [p.stem for p in paths]
    twice = sorted({s for s in stems if stems.count(s) > 1})
    if twice:
        raise SrBenchError(f"{hr}: {twice[0]} occurs with two suffixes; LR names would clash")
    if out.resolve() == hr.resolve():
        raise WrongUse(f"{out}: is the HR folder too; LR images would replace HR: name another")

    def convert(path: Path) -> dict[str, Any]:
        with about(path):
            lr = make_lr(images.read(path), rule, scale=scale)
        written = _write_lr(out, path.stem, lr)
        advance(1)
        return {"hr": str(path), "lr": str(written), "shape": list(lr.shape)}

    with count_progress(f"degrade x{scale}", len(paths)) as advance:
        made = map_images(convert, paths)
    facts = {"protocol": protocol, "degradation": str(rule), "images": made}
    line = f"{len(made)} images by {protocol} ({rule}) x{scale} in {out}"
    print_done(line, facts, json=json)


def _write_lr(out: Path, stem: str, lr: np.ndarray[Any, Any]) -> Path:
    if lr.dtype == np.uint8:
        images.write(out / f"{stem}.png", lr)
        return out / f"{stem}.png"
    target = out / f"{stem}.npy"
    with replacing(target) as temporary, temporary.open("wb") as handle:
        np.save(handle, lr)
    return target


def score(
    run: Annotated[
        str | None, typer.Argument(help="A run of params.yaml, as the pipeline scores it.")
    ] = None,
    sr: Annotated[Path | None, typer.Option(help="Folder of SR images.")] = None,
    hr: Annotated[Path | None, typer.Option(help="Folder of HR images.")] = None,
    scale: Annotated[int | None, typer.Option(min=2, max=8, help="Upscaling factor.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="A protocol: sr-bench list protocols.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="ms_ssim, lpips, dists or niqe, instead of the protocol's own."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the per-image table there.")] = None,
    json: JsonFlag = False,
) -> None:
    """Score a folder of SR images against HR, under a protocol (or a run of this project).

    Files pair by name: img.png with img.png, img_x4.png, imgx4.png, img_x4_SR.png, img_edsr.png.
    """
    if run is not None:
        if any(v is not None for v in (sr, hr, scale, protocol, metric, csv)):
            raise WrongUse(
                "RUN scores a run of params.yaml and takes no other option; leave one out"
            )
        _score_run(run, json)
        return
    if sr is None or hr is None or scale is None or protocol is None:
        raise WrongUse("score needs --sr DIR --hr DIR --scale S --protocol NAME (or a run's name)")
    load_protocols().protocol(protocol)
    pairs = pair_folders(sr, hr, scale=scale)
    with count_progress(f"score {protocol}", len(pairs)) as advance:
        jobs = [(p.name, partial(_read, p, advance)) for p in pairs]
        if metric is None:
            rows = score_images(jobs, [protocol], scale=scale)
        else:
            from sr_bench.extra_score import score_extra

            rows = score_extra(jobs, metric=metric, protocol=protocol, scale=scale)
    signature = str(rows["signature"].iloc[0])
    if csv is not None:
        from sr_bench.score_table import write_table

        write_table(csv, rows)
    _show_scores(pairs, rows, signature, json)


def _read(pair: NamePair, advance: Any) -> Any:
    loaded = read_pair(pair.sr, pair.hr)
    advance(1)
    return loaded


def _show_scores(pairs: list[NamePair], rows: pd.DataFrame, signature: str, json: bool) -> None:
    wide = rows.pivot(index="image", columns="metric", values="value")
    metrics = [m for m in rows["metric"].unique() if wide[m].notna().all()]
    left_out = [m for m in rows["metric"].unique() if m not in metrics]
    wide = wide.loc[[p.name for p in pairs], metrics]
    means = {m: float(wide[m].mean()) for m in metrics}
    if json:
        listed = [
            {"image": p.name, "sr": str(p.sr), "hr": str(p.hr)}
            | {m: float(v) for m, v in wide.loc[p.name].items()}
            for p in pairs
        ]
        print_json({"signature": signature, "mean": means, "left_out": left_out, "images": listed})
        return
    body = [[p.sr.name, p.hr.name, *(float(v) for v in wide.loc[p.name])] for p in pairs]
    mean = [f"mean of {len(pairs)}", "", *means.values()]
    print_table("", ["sr", "hr", *metrics], [*body, mean])
    for sentence in identical(rows):
        console.print(sentence, highlight=False)
    console.print(f"signature: {signature}", highlight=False)
    if left_out:
        console.print(f"left out, since an image is gray: {', '.join(left_out)}")


def _score_run(name: str, json: bool) -> None:
    from sr_bench.project import require_project
    from sr_bench.score_run import score_run
    from sr_bench.score_table import cells

    project = require_project()
    scored = score_run(project, name)
    table = cells(scored)
    said = [
        f"{dataset} under {protocol}: {sentence}"
        for (dataset, protocol), rows in scored.groupby(["dataset", "protocol"], sort=False)
        for sentence in identical(rows)
    ]
    line = "\n".join([f"{name}: {len(table)} cells in {project.scores(name)}", *said])
    print_done(line, table.to_dict("records"), json=json)
