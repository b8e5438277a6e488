"""``reports/README.md``: a table per protocol, and published against measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from sr_bench.protocol import load_protocols
from sr_bench.report.data import Report
from sr_bench.tables import require_one_signature

VERDICTS = ("reproduced", "close", "differs", "not run")
_MAIN = ("psnr", "ssim")


@dataclass(frozen=True)
class Row:
    """One line of a protocol's table: a run, and a text for each column."""

    scale: int
    run: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Runs by scale down, columns across."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """A protocol's part of the page: PSNR / SSIM, and the other metrics if it has any."""

    name: str
    summary: str
    signature: str
    main: Table
    more: Table | None


def render(report: Report) -> str:
    """The page as Markdown."""
    reproduction = report.reproduction
    environment = Environment(
        loader=PackageLoader("sr_bench", "report/templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown: the filter `cell` escapes what comes from outside
    )
    environment.filters["cell"] = _escape
    environment.filters["signed"] = lambda delta: f"{delta:+.4f}"
    environment.filters["number"] = _number
    return environment.get_template("README.md.j2").render(
        sections=sections(report.cells),
        sources=_summary(reproduction),
        totals=reproduction["verdict"].value_counts().to_dict(),
        verdicts=VERDICTS,
        reproduction=_shown(reproduction),
        waiting=_waiting(reproduction),
        not_run=report.not_run,
        trainings=report.trainings.to_dict("records"),
        trained=report.trained.to_dict("records"),
    )


def sections(cells: pd.DataFrame) -> list[Section]:
    """The tables of all protocols that have cells, in the order of ``protocols.yaml``."""
    named = {name: cells[cells["protocol"] == name] for name in load_protocols().protocols}
    return [section(name, rows) for name, rows in named.items() if len(rows)]


def section(name: str, cells: pd.DataFrame) -> Section:
    """A protocol's tables; numbers of different signatures are refused."""
    require_one_signature(cells, f"the table of {name}")
    datasets = cells["dataset"].unique()
    main = _table(cells, [(d, d, _MAIN) for d in datasets])
    rest = cells[~cells["metric"].isin([*_MAIN, "psnr_y" if _is_y(name) else ""])]
    pairs = rest[["dataset", "metric"]].drop_duplicates().itertuples(index=False)
    columns = [(f"{d} {m}", d, (m,)) for d, m in pairs]
    more = _table(rest, columns) if columns else None
    summary = load_protocols().protocol(name).summary
    return Section(name, summary, cells["signature"].iloc[0], main, more)


def _is_y(protocol: str) -> bool:
    """Where Y is scored, psnr_y is psnr again."""
    return load_protocols().protocol(protocol).colour == "y"


Column = tuple[str, str, tuple[str, ...]]  # heading, dataset, metrics of a cell


def _table(cells: pd.DataFrame, columns: Sequence[Column]) -> Table:
    texts = {
        (r.run, r.dataset, r.metric): _digits(r.metric, r.value)
        for r in cells.itertuples(index=False)
    }
    best = cells.groupby(["scale", "dataset", "metric"])["value"].max()
    winners = {key: _digits(key[2], value) for key, value in best.items()}
    runs = cells[["scale", "run"]].drop_duplicates().sort_values("scale", kind="stable")
    rows = [
        Row(scale, run, tuple(_cell(texts, winners, (scale, run), c) for c in columns))
        for scale, run in runs.itertuples(index=False)
    ]
    return Table(tuple(heading for heading, _, _ in columns), tuple(rows))


def _cell(
    texts: dict[tuple[str, str, str], str],
    winners: dict[tuple[int, str, str], str],
    row: tuple[int, str],
    column: Column,
) -> str:
    """The cell's numbers, the best of its scale bold; ties at the printed digits are all bold."""
    (scale, run), (_, dataset, metrics) = row, column
    shown = []
    for metric in metrics:
        text = texts.get((run, dataset, metric))
        if text is None:
            return "-"
        shown.append(f"**{text}**" if text == winners[scale, dataset, metric] else text)
    return " / ".join(shown)


def _digits(metric: str, value: float) -> str:
    return f"{value:.4f}" if metric.startswith("ssim") else f"{value:.2f}"


def _summary(reproduction: pd.DataFrame) -> list[tuple[str, dict[str, int]]]:
    groups = reproduction.groupby("source", sort=False)
    return [(name, rows["verdict"].value_counts().to_dict()) for name, rows in groups]


def _shown(reproduction: pd.DataFrame) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = reproduction[reproduction["verdict"] != "not run"].to_dict(
        "records"
    )
    return rows


def _waiting(reproduction: pd.DataFrame) -> list[dict[str, object]]:
    """Rows that were not run, one line for each source, method, variant, dataset and reason."""
    keys = ["source", "method", "variant", "dataset", "protocol", "note"]
    waiting = reproduction[reproduction["verdict"] == "not run"]
    counted = waiting.groupby(keys, sort=False).size().rename("cells").reset_index()
    rows: list[dict[str, object]] = counted.to_dict("records")
    return rows


def _number(value: float, like: str) -> str:
    """``value`` with two digits more than the published number was printed with."""
    return f"{value:.{len(like.partition('.')[2]) + 2}f}"


def _escape(text: object) -> str:
    """Text that can't break a Markdown table or start HTML."""
    out = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return out.replace("|", "\\|").replace("\n", " ")
