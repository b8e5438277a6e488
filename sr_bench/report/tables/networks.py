"""What each network costs: parameters and multiply-adds, beside the published ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pandas as pd

from sr_bench.analysis.ledger.published_costs import PublishedCost
from sr_bench.report.names import NO_NAMES, Names
from sr_bench.report.tables.model import Cell, Column, Group, Link, Missing, Number, Table, number
from sr_bench.report.tables.quality import SCALE, scale_group

_COLUMNS = (
    Column("method", "name"),
    Column("params", "params (k)", numeric=True),
    Column("published_params", "published", numeric=True),
    Column("macs", "multiply-adds (G)", numeric=True),
    Column("published_macs", "published", numeric=True),
    Column("source", "source"),
)
_NETWORK = ["method", "variant", "scale", "params", "macs"]
_UNITS = {"params": 1000, "macs": 10**9}
OTHER = "another number than the network of these weights has"


def networks_table(
    networks: pd.DataFrame,
    cells: pd.DataFrame,
    published: Iterable[PublishedCost] = (),
    names: Names = NO_NAMES,
) -> Table:
    """One row for each network and source, or one row where nothing was published of it."""
    facts = cells[["run", *_NETWORK[:3]]].drop_duplicates("run")
    facts = facts.assign(variant=facts["variant"].fillna("").astype(str).str.removesuffix("+"))
    known = facts.merge(networks.dropna(subset=["macs"]), on="run")
    each = known[known["params"] > 0].drop_duplicates(_NETWORK)
    printed: dict[tuple[str, str, str], list[PublishedCost]] = {}
    for cost in published:
        printed.setdefault((cost.method, cost.variant, cost.scale), []).append(cost)
    groups = []
    for scale, of_scale in each.groupby("scale"):
        rows: list[tuple[Cell, ...]] = []
        for row in of_scale.to_dict("records"):
            found = printed.get((row["method"], row["variant"], str(scale)), [])
            name = names.network(row["method"], row["variant"])
            rows += _rows(name, row["params"], row["macs"], found, names)
        groups.append(scale_group(int(str(scale)), rows))
    return _table(groups)


def _table(groups: Sequence[Group]) -> Table:
    caption = (
        "Parameters and multiply-adds of each network, counted from its layers for one image of "
        "1280 × 720; beside them what was published."
    )
    return Table("networks", "Networks", caption, _COLUMNS, tuple(groups), by=SCALE)


def _rows(
    name: str, params: int, macs: int, published: Sequence[PublishedCost], names: Names
) -> list[tuple[Cell, ...]]:
    own = number(params, 1, _UNITS["params"]), number(macs, 1, _UNITS["macs"])
    if not published:
        return [(name, own[0], Missing(), own[1], Missing(), "")]
    return [
        (
            name,
            own[0],
            _printed(cost.params_k, params, "params"),
            own[1],
            _printed(cost.macs_g, macs, "macs"),
            Link(f"{names.source(cost.source)}, {cost.where}", names.link(cost.source)),
        )
        for cost in published
    ]


def _printed(text: str, counted: int, what: str) -> Cell:
    """A printed number, with a note where the network has another one, rounded or cut off."""
    if not text:
        return Missing()
    decimals = len(text.partition(".")[2])
    ours, step = Decimal(int(counted)) / Decimal(_UNITS[what]), Decimal(1).scaleb(-decimals)
    note = "" if abs(ours - Decimal(text)) < step else OTHER
    return Number(float(text), decimals, note=note)
