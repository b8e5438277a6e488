"""``sr-bench explain``: which deviation from a protocol gives a claimed number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.analysis.explain.chain import chain, conclusion, facts, notes
from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.question import PASSES, Explanation, Question
from sr_bench.analysis.explain.search import explain as find_ways
from sr_bench.analysis.explain.subject import (
    Progress,
    Subject,
    bicubic_subject,
    folder_subject,
    require_made_lr,
)
from sr_bench.cli.hr import HR_HELP, hr_dataset
from sr_bench.cli.show import (
    JsonFlag,
    MaybeScaleOption,
    Skipped,
    console,
    count_progress,
    print_json,
    print_table,
)
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.imaging import images
from sr_bench.project.here import catalogue_here, project_here
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError, WrongUse


def explain(
    run: Annotated[
        str | None,
        typer.Argument(help="Run of params.yaml, or bicubic, which is computed from --hr."),
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            help="The number as printed: 28.43, or ssim=0.8104; can be given several times."
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Metric of a claim without psnr= or ssim=.")] = "psnr",
    hr: Annotated[str | None, typer.Option(help=HR_HELP)] = None,
    sr: Annotated[Path | None, typer.Option(help="Folder of SR images.")] = None,
    scale: MaybeScaleOption = None,
    protocol: Annotated[
        str | None, typer.Option(help="The protocol that the claim names; default: try all.")
    ] = None,
    single: Annotated[
        bool, typer.Option("--single", help="Try single deviations only, no pairs.")
    ] = False,
    upscale: Annotated[
        bool,
        typer.Option("--upscale", help="Also run the network on LR that is made in other ways."),
    ] = False,
    passes: Annotated[
        int, typer.Option(min=1, help="How often the network may run over all images.")
    ] = PASSES,
    top: Annotated[int, typer.Option(min=1, help="How many results to list.")] = 10,
    ledger: Annotated[
        bool,
        typer.Option(
            "--ledger", help="Explain each published number that differs from the measured one."
        ),
    ] = False,
    costs: Annotated[
        bool,
        typer.Option(
            "--costs", help="Print how much each deviation changes bicubic's scores on --hr."
        ),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Find the deviation from a protocol that gives a claimed PSNR or SSIM.

    Tries every protocol, then each known deviation from it, then pairs if no single one gives the
    printed digits. Deviations that need no network are tried first; --passes limits the others. For
    a folder of SR images only the scoring is varied.
    """
    if ledger:
        _explain_ledger(top, json)
        return
    if hr is None:
        raise WrongUse("explain needs --hr, a folder or a dataset; or --ledger")
    here = catalogue_here()
    if costs:
        _print_costs(here.protocols.find(protocol or "edsr-2017"), hr, json)
        return
    if not claim:
        raise WrongUse("explain needs --claim, the number as printed, as --claim 28.43")
    claims = tuple(Claim.parse(text, metric) for text in claim)
    subject = _subject(run, hr, sr, scale, upscale=upscale)
    named = None if protocol is None else here.protocols.find(protocol)
    limit, known = 1 if single else 2, here.protocols.protocols
    question = Question(subject, claims, named, limit=limit, passes=passes, known=known)
    if upscale:
        _tell_plan(f"at most {passes} runs of the network beside the protocols' own (--passes)")
    answer = find_ways(question, watch=_watch, tell=_tell_plan)
    if json:
        print_json(facts(answer, top))
    else:
        _show(answer, top)


@contextmanager
def _watch(what: str, count: int) -> Iterator[Progress]:
    with count_progress(f"explain: {what}", count) as advance:
        yield advance


def _tell_plan(stage: str) -> None:
    print(f"explain: {stage}", file=sys.stderr)


def _subject(
    run: str | None, hr: str, sr: Path | None, scale: int | None, *, upscale: bool
) -> Subject:
    if (run is None) == (sr is None):
        raise WrongUse("explain needs either a run, or bicubic, or --sr, a folder of SR images")
    if run is not None and run != "bicubic":
        if scale is not None:
            raise WrongUse(f"{run} has its own scale; leave --scale {scale} out")
        from sr_bench.analysis.explain.runs import run_subject

        project = require_project()
        return run_subject(project, project.run(run), _dataset_of_run(run, hr), upscale=upscale)
    if scale is None:
        raise WrongUse("explain needs --scale for a folder and for bicubic")
    folder = Path(hr) if _is_folder(hr) else hr_dataset(hr).folder
    if sr is not None:
        pairs = pair_folders(sr, folder, scale=scale, skip=Skipped())
        return folder_subject(f"{sr} x{scale}", pairs, scale=scale)
    return bicubic_subject(f"bicubic on {hr} x{scale}", _hr_files(hr), scale=scale)


def _is_folder(hr: str) -> bool:
    """Whether a folder is meant; one that is called as a dataset of the project isn't."""
    project = project_here()
    return Path(hr).is_dir() and (project is None or hr not in project.params.datasets)


def _hr_files(hr: str) -> list[tuple[str, Path]]:
    if _is_folder(hr):
        return [(p.stem, p) for p in images.listing(Path(hr), skip=Skipped())]
    dataset = require_made_lr(hr_dataset(hr))
    return [(e.stem, dataset.folder / e.name) for e in dataset]


def _dataset_of_run(run: str, hr: str) -> Dataset:
    """The dataset of that name, or whose folder that is."""
    if hr in catalogue_here().sources or not Path(hr).is_dir():
        return hr_dataset(hr)
    for name, source in catalogue_here().sources.all().items():
        if (Path("data") / source.folder).resolve() == Path(hr).resolve():
            return hr_dataset(name)
    raise WrongUse(
        f"{hr}: not the folder of a fetched dataset, and a run's images belong to one: give its "
        f"name, as --hr Set5; or compare two folders: --sr build/sr/{run}/... --hr {hr}"
    )


def _show(answer: Explanation, top: int) -> None:
    console.print(conclusion(answer), highlight=False)
    fitting = answer.fitting
    shown = fitting or answer.trials[:top]
    title = "gives the printed digits" if fitting else "nearest"
    metrics = list(dict.fromkeys(c.metric for c in answer.question.claims))
    rows = [[chain(f), *(f.values[m] for m in metrics), f.digits_off] for f in shown[:top]]
    print_table(f"{title} ({answer.tried} ways tried)", ["way", *metrics, "digits off"], rows)
    if len(shown) > top:
        console.print(f"and {len(shown) - top} more: --top, or --json lists all that fit")
    for note in notes(answer):
        console.print(note, highlight=False)


def _explain_ledger(top: int, json: bool) -> None:
    from sr_bench.analysis.explain.ledger import differing_rows, explain_row

    project = require_project()
    found: list[dict[str, object]] = []
    for row in differing_rows(project):
        try:
            answer = explain_row(project, row, watch=_watch)
        except SrBenchError as error:
            found.append({"row": dict(row.cell), "error": str(error)})
            _tell(f"{row}: {error}", json)
            continue
        found.append({"row": dict(row.cell), "elsewhere": row.elsewhere, **facts(answer, top)})
        _tell(f"{row}\n  {conclusion(answer)}", json)
        for finding in answer.fitting[1:]:
            _tell(f"  or {chain(finding)}", json)
        for cell in row.elsewhere:
            _tell(f"  the same digits stand for {cell}", json)
    if json:
        print_json(found)


def _tell(text: str, json: bool) -> None:
    if not json:
        console.print(text, highlight=False)


def _print_costs(protocol: Protocol, hr: str, json: bool) -> None:
    from sr_bench.analysis.explain.costs import costs, markdown

    scales = (2, 3, 4)
    found = costs(protocol, _hr_files(hr), scales, watch=_watch)
    if json:
        print_json(
            [
                {
                    "name": c.deviation.name,
                    "text": c.deviation.text,
                    "metric": m,
                    "scale": s,
                    "added": v,
                }
                for c in found
                for (m, s), v in c.added.items()
            ]
        )
    else:
        print(markdown(found, scales))
