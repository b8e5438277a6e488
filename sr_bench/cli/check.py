"""``sr-bench check``: compare fresh scores, or timings, with the committed ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, print_json, print_table
from sr_bench.project.params import PARAMS
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.files import write_text

if TYPE_CHECKING:
    from sr_bench.analysis.drift.check import DriftReport
    from sr_bench.analysis.drift.slowdown import TimingCheck, Verdict
    from sr_bench.analysis.drift.snapshot import Snapshot

_FRESH, _FRESH_TIMINGS = Path("reports"), Path("build/timings")
_OWN = ("reports", "reports/scores.csv", "build/scores")  # made from the project's own images


@dataclass(frozen=True)
class _Asked:
    """What to compare with what; without runs, all that the fresh scores are about."""

    baseline: str | None
    fresh: Path
    runs: tuple[str, ...]


@dataclass(frozen=True)
class _Shown:
    """How the check of scores is told, and whether drift is accepted."""

    json: bool
    markdown: Path | None
    github: bool
    accept: str | None


def check(
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Committed scores: scores.csv, its folder, or a Git revision; default: HEAD. With "
            "--timings: a file of results or their folder; default: benchmarks/results."
        ),
    ] = None,
    fresh: Annotated[
        Path | None,
        typer.Option(
            help="Fresh scores, default: reports. In a folder of <run>.csv files, such as "
            "build/scores, only these runs are compared. With --timings: build/timings."
        ),
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option(help="Compare only this run; can be given several times.")
    ] = None,
    timings: Annotated[
        bool,
        typer.Option(
            "--timings", help="Compare timings of: sr-bench time --results build/timings."
        ),
    ] = False,
    accept: Annotated[
        str | None,
        typer.Option(help="Accept the drift and write this reason into reports/CHANGES.md."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write a summary for a pull request to this file.")
    ] = None,
    github: Annotated[
        bool,
        typer.Option("--github", envvar="GITHUB_ACTIONS", help="Print annotations for GitHub."),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Compare fresh scores with committed ones, by cell and by image; exit status 1 on drift.

    It separates numeric noise from a regression and names likely causes: known deviations that give
    the new numbers, and changes of code, data, weights and environment. With --timings it compares
    timings of this machine, relative to the reference methods; exit status 1 if one is slower.
    """
    if timings and (accept is not None or markdown is not None or run):
        raise WrongUse("--accept, --markdown, --run are of scores; leave them out with --timings")
    if timings:
        _check_timings(
            None if baseline is None else Path(baseline), fresh or _FRESH_TIMINGS, json=json
        )
    else:
        asked = _Asked(baseline, fresh or _FRESH, tuple(run or ()))
        _check_scores(asked, _Shown(json, markdown, github, accept))


def _check_scores(asked: _Asked, shown: _Shown) -> None:
    from sr_bench.analysis.drift.accept import accept, require_reason, update

    baseline, fresh = asked.baseline, asked.fresh
    reason = None if shown.accept is None else require_reason(shown.accept)
    after = _fresh(asked)
    if reason is not None and after.runs is not None:
        raise WrongUse(
            f"--accept is for the reports of all runs, {fresh} is compared by "
            f"{len(after.runs)} of them; make the reports (make repro), then accept them"
        )
    found = _compared(asked, after)
    _tell(found, shown)
    if reason is not None:
        log = accept(found, reason, folder=fresh.parent if fresh.is_file() else fresh)
        written = [log]
        if baseline is not None and Path(baseline).exists():
            written += update(Path(baseline), fresh)
        if not shown.json:
            commit = "" if len(written) > 1 else "; commit the reports to make them the baseline"
            listed = ", ".join(map(str, written))
            console.print(f"accepted: {reason}; wrote {listed}{commit}", highlight=False)
    elif found.drift:
        raise SrBenchError(
            "the scores drifted; find the change that did it, or accept it if it is meant: "
            "sr-bench check --accept REASON"
        )


def _fresh(asked: _Asked) -> Snapshot:
    """The fresh scores, of the runs that were asked for."""
    from sr_bench.analysis.drift.snapshot import open_snapshot

    after = open_snapshot(asked.fresh)
    there = after.cells["run"].unique().tolist() if after.runs is None else after.runs
    for name in asked.runs:
        if name not in there:
            raise unknown("run", name, there, where=str(asked.fresh))
    return after.only(asked.runs) if asked.runs else after


def _compared(asked: _Asked, after: Snapshot) -> DriftReport:
    """The check of fresh scores; causes are looked for where they are this project's own."""
    from sr_bench.analysis.drift.check import check_scores
    from sr_bench.analysis.drift.snapshot import committed, open_snapshot
    from sr_bench.evaluation.scoring.record import require_all_recorded

    here, baseline = Path.cwd(), asked.baseline
    own = (here / PARAMS).is_file() and asked.fresh.resolve() in [here / path for path in _OWN]
    project = require_project() if own else None
    if project is not None:
        require_all_recorded(project)
    if baseline is not None and Path(baseline).exists():
        return check_scores(open_snapshot(Path(baseline)), after, project=project)
    with committed(here, baseline or "HEAD") as before:
        return check_scores(before, after, project=project)


def _tell(found: DriftReport, shown: _Shown) -> None:
    from sr_bench.analysis.drift import render as words

    if shown.markdown is not None:
        write_text(shown.markdown, words.markdown(found))
    if shown.json:
        print_json(words.facts(found))
        return
    for title, table in words.tables(found):
        print_table(title, words.columns(table), words.rows(table))
        if words.left_out(table):
            console.print(words.left_out(table), highlight=False)
    for line in (words.headline(found), *words.findings(found)):
        console.print(line, highlight=False)
    for line in words.github_lines(found) if shown.github else ():
        print(line)


def _check_timings(baseline: Path | None, fresh: Path, *, json: bool) -> None:
    from sr_bench.analysis.drift.slowdown import SLOWER, check_timings
    from sr_bench.networks.method_files import load_methods
    from sr_bench.timing.results import Results, files_to_compare, results_folder

    project = require_project()
    before, after = files_to_compare(baseline or results_folder(project), fresh)
    methods = {name: run.method for name, run in project.params.runs.items()}
    known = load_methods(project.method_folders)
    references = [name for name, method in known.items() if method.speed_reference]
    found = check_timings(Results.load(before), Results.load(after), methods, references)
    if json:
        print_json(_facts(before, after, found))
    else:
        _print_timings(found)
    slower = found.those(SLOWER)
    if slower:
        listed = "\n".join(_line(v) for v in slower)
        raise SrBenchError(
            f"{len(slower)} of {len(found.verdicts)} settings of {before} are slower in {after}:\n"
            f"{listed}\nfind the change that did it, or commit the fresh timings if it is meant"
        )
    if not json:
        console.print(f"{len(found.verdicts)} settings are no slower than in {before}")


def _print_timings(found: TimingCheck) -> None:
    from sr_bench.analysis.drift.slowdown import FASTER, FEW

    for setting, why in found.left_out.items():
        console.print(f"not compared: {setting}: {why}", highlight=False)
    few = len(found.those(FEW))
    if few:
        console.print(f"{few} settings have too few rounds to tell", highlight=False)
    for verdict in found.those(FASTER):
        console.print(f"faster: {_line(verdict)}", highlight=False)
    console.print(
        f"slower or faster is what differs by more than {found.hurdle:.2f} x; the noise from "
        f"setting to setting is {found.noise:.1%}",
        highlight=False,
    )


def _line(v: Verdict) -> str:
    p = "" if v.p is None else f", p {v.p:.1g}"
    return f"{v.setting}: {v.ratio:.2f} x as long (the references {v.references:.2f} x){p}"


def _facts(before: Path, after: Path, found: TimingCheck) -> dict[str, object]:
    return {
        "baseline": str(before),
        "fresh": str(after),
        "hurdle": found.hurdle,
        "noise": found.noise,
        "settings": [
            {**v.setting.asdict(), "ratio": v.ratio, "references": v.references, "p": v.p,
             "verdict": v.what}
            for v in found.verdicts
        ],
        "not_compared": [{**s.asdict(), "why": why} for s, why in found.left_out.items()],
    }  # fmt: skip
