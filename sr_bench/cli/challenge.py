"""``sr-bench challenge``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sr_bench.cli.show import (
    DeviceOption,
    JsonFlag,
    console,
    late_bytes_progress,
    print_json,
    print_table,
)
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.support.errors import SrBenchError, printable

if TYPE_CHECKING:
    import pandas as pd

    from sr_bench.evaluation.evaluating.results import Result
    from sr_bench.evaluation.evaluating.sets import TestSet
    from sr_bench.timing.challenge.entries import Asked, Entry
    from sr_bench.timing.challenge.official import Official

Several = list[str] | None


def challenge(
    repository: Annotated[
        Path, typer.Argument(metavar="REPO", help="Folder with test_demo.py, models, model_zoo.")
    ],
    team: Annotated[
        str, typer.Option(help="Number of a team, several with commas, or all.")
    ] = "all",
    dataset: Annotated[
        Several, typer.Option(help="Dataset, which is fetched, or folder of HR; default: Set5.")
    ] = None,
    protocol: Annotated[Several, typer.Option(help="Protocol; default: edsr-2017.")] = None,
    device: DeviceOption = None,
    limit: Annotated[float, typer.Option(min=1, help="Seconds that one team may take.")] = 300,
    memory: Annotated[
        int, typer.Option(min=100, help="MB of memory that one team may take (Linux, CPU).")
    ] = 8000,
    timed: Annotated[
        bool, typer.Option("--time/--no-time", help="Time the networks, for the official score.")
    ] = True,
    year: Annotated[
        int | None, typer.Option(help="Whose official score; default: the repository's year.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the table to this file, after each team.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Measure every network of an NTIRE efficient-SR repository alike: x4, scores, costs, time.

    This runs the code in the folder that you name, as your user: each team's in a process of its
    own, bounded in time and memory, without the environment's secrets, but not in a sandbox. Name
    only a repository whose code you would run by hand. The official score compares with team 0,
    the baseline, timed on this machine; its PSNR threshold is on images that aren't public. Exit
    status 1 if a team can't be scored.
    """
    from sr_bench.evaluation.scoring.table import write_table
    from sr_bench.networks.device import choose_device
    from sr_bench.timing.challenge.entries import Asked, findings, measured, reference, scores
    from sr_bench.timing.challenge.official import BASELINE, official_of
    from sr_bench.timing.challenge.process import Limits
    from sr_bench.timing.challenge.repository import Repository

    project = project_here()
    known = catalogue_here()
    found = Repository.read(repository)
    teams = found.chosen(team)
    official = official_of(year or found.year)
    asked = Asked(
        found,
        _sets(dataset or ["Set5"], known),
        [known.protocols.find(name) for name in dict.fromkeys(protocol or ["edsr-2017"])],
        Limits(limit, memory, choose_device(device)),
        timed=timed,
    )
    if timed and official and official.weights and BASELINE in found.teams:
        teams = tuple(sorted({BASELINE, *teams}))
    bicubic = reference(asked, methods_here(project))
    entries: list[Entry] = []
    for entry in measured(asked, teams):
        entries.append(entry)
        shown = _Shown(asked, entries, bicubic, official, scores(entries, official))
        _tell(entry, quiet=json)
        if csv is not None:
            write_table(csv, _table(shown))
    notable = findings(entries, bicubic)
    if json:
        print_json(_facts(shown, notable))
    else:
        _print(shown, notable)
    failed = [f"team {entry.team}: {entry.failed}" for entry in entries if entry.failed]
    if failed:
        listed = "\n  ".join(failed)
        raise SrBenchError(f"{len(failed)} of {len(entries)} teams failed:\n  {listed}")


class _Shown(NamedTuple):
    """What is printed."""

    asked: Asked
    entries: Sequence[Entry]
    bicubic: Sequence[Result]
    official: Official | None
    scores: dict[int, float]


def _sets(named: Sequence[str], known: Catalogue) -> list[TestSet]:
    from sr_bench.evaluation.evaluating.sets import open_test_sets

    with late_bytes_progress("fetch") as advance:
        return open_test_sets(named, known.sources, progress=advance)


def _tell(entry: Entry, *, quiet: bool) -> None:
    """A line as soon as a team is through; a run over all takes minutes."""
    if quiet:
        return
    means = "; ".join(
        f"{result.test_set.name} {result.means['psnr']:.2f} dB" for result in entry.results
    )
    said = "; ".join(part for part in (means, entry.failed and f"failed: {entry.failed}") if part)
    text = f"team {entry.team} {entry.name}: {said} ({entry.seconds:.0f} s)"
    console.print(printable(text), highlight=False)


def _print(shown: _Shown, notable: Sequence[str]) -> None:
    from sr_bench.timing.challenge.entries import SIDE

    places = [(r.test_set.name, r.protocol.name) for r in shown.bicubic]
    quality = [f"{dataset} {metric}" for metric in ("PSNR", "SSIM") for dataset, _ in places]
    columns = ["team", "network", *quality, "k params", "G macs", "M acts", "ms", "score"]
    rows = [_row(shown, entry, places) for entry in shown.entries if entry.results]
    print_table("", columns, [*rows, _bicubic_row(shown, len(columns))])
    for result in shown.bicubic:
        console.print(f"signature: {result.signature}", highlight=False)
    console.print(f"macs, activations, ms: of {SIDE} x {SIDE} LR", highlight=False)
    official = shown.official
    if official and shown.scores:
        formula = " + ".join(
            f"{weight:g} exp(2 {name}/{official.baseline}'s)"
            for name, weight in official.weights.items()
        )
        console.print(f"score: {formula} ({official.source}, {official.where})", highlight=False)
    for text in [*_notes(shown.entries), *notable]:
        console.print(printable(text), highlight=False)


def _notes(entries: Sequence[Entry]) -> list[str]:
    """Each note once, with the teams that it is of."""
    teams: dict[str, list[int]] = {}
    for entry in entries:
        for note in entry.remarks:
            teams.setdefault(note, []).append(entry.team)
    return [f"team {', '.join(map(str, of))}: {note}" for note, of in teams.items()]


def _row(shown: _Shown, entry: Entry, places: Sequence[tuple[str, str]]) -> list[str]:
    means = {(r.test_set.name, r.protocol.name): r.means for r in entry.results}
    quality = [
        f"{means[place][metric]:.{digits}f}" if metric in means.get(place, {}) else ""
        for metric, digits in (("psnr", 2), ("ssim", 4))
        for place in places
    ]
    units = [("params", 1e3, 0), ("macs", 1e9, 2), ("activations", 1e6, 1), ("median_s", 1e-3, 1)]
    costs = [_number(entry.costs.get(name), unit, digits) for name, unit, digits in units]
    return [str(entry.team), entry.name, *quality, *costs, _number(shown.scores.get(entry.team))]


def _bicubic_row(shown: _Shown, width: int) -> list[str]:
    psnr = [f"{result.means['psnr']:.2f}" for result in shown.bicubic]
    ssim = [f"{r.means['ssim']:.4f}" if "ssim" in r.means else "" for r in shown.bicubic]
    row = ["", "bicubic", *psnr, *ssim]
    return row + [""] * (width - len(row))


def _number(value: float | None, unit: float = 1, digits: int = 2) -> str:
    return "" if value is None else f"{value / unit:.{digits}f}"


_COSTS = ("params", "macs", "activations", "convolutions", "median_s", "iqr_s", "threads")


def _table(shown: _Shown) -> pd.DataFrame:
    """A row for each team, dataset and protocol; of a team without scores one with the error."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for entry in shown.entries:
        costs = {name: entry.costs.get(name) for name in _COSTS}
        fixed = costs | {
            "score": shown.scores.get(entry.team),
            "seconds": round(entry.seconds, 1),
            "sha256": " ".join(entry.files.values()),
            "error": entry.failed,
        }
        blank: dict[str, object] = {"dataset": "", "protocol": "", "signature": ""}
        of_sets = [_of_result(result) for result in entry.results] or [blank]
        rows += [{"team": entry.team, "name": entry.name} | of | fixed for of in of_sets]
    return pd.DataFrame(rows)


def _of_result(result: Result) -> dict[str, object]:
    return {
        "dataset": result.test_set.name,
        "protocol": result.protocol.name,
        **result.means,
        "images": result.scored,
        "signature": result.signature,
    }


def _facts(shown: _Shown, notable: Sequence[str]) -> dict[str, Any]:
    found = shown.asked.repository
    return {
        "repository": str(found.root),
        "commit": found.commit,
        "year": found.year,
        "official": None if shown.official is None else shown.official.model_dump(),
        "limits": asdict(shown.asked.limits) | {"device": str(shown.asked.limits.device)},
        "bicubic": [_of_result(result) for result in shown.bicubic],
        "teams": [
            {
                "team": entry.team,
                "name": entry.name,
                "results": [_of_result(result) for result in entry.results],
                "costs": entry.costs,
                "score": shown.scores.get(entry.team),
                "files": entry.files,
                "notes": entry.notes,
                "failed": entry.failed,
                "seconds": round(entry.seconds, 1),
            }
            for entry in shown.entries
        ],
        "findings": list(notable),
    }
