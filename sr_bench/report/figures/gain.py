"""PSNR gained over the baseline on each image, sorted: how even a method's advantage is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sr_bench.evaluation.scoring.table import require_one_signature
from sr_bench.report.figures.files import Plot
from sr_bench.report.figures.panels import line_panels
from sr_bench.report.figures.style import Lines, paper_style, printable
from sr_bench.report.names import Names, slug
from sr_bench.support.errors import SrBenchError

STEM = "gain"
_HEIGHT = 2.1  # inches
_COLUMNS = 3
_FEW = 20  # images: so few are marked one by one


def gain_plots(
    per_image: pd.DataFrame, protocols: tuple[str, ...], notes: list[str], names: Names
) -> Iterator[Plot]:
    """One figure for each protocol and scale: a panel for each dataset, a line for each run.

    Args:
        notes: gets what can't be drawn, and why.

    Raises:
        SrBenchError: if scores of different signatures would meet in a figure.
    """
    base = names.baseline
    if base is None:
        notes.append(f"{STEM}: no method's file says baseline=True")
        return
    per_image = _labelled(per_image, names)
    lines = Lines(_by_scales(per_image, base))
    for protocol in protocols:
        rows = gains(per_image, protocol, base)
        if rows.empty:
            notes.append(f"{STEM}-{protocol}: no run beside {base} was scored under {protocol}")
        for scale, shown in rows.groupby("scale"):
            caption = (
                f"PSNR of each image minus {names.title(base)}'s at ×{scale}, in dB; images sorted "
                f"by it, for each run by itself. *: trained here. {shown['signature'].iloc[0]}."
            )
            subjects = tuple(f"runs/{run}" for run in shown["run"].unique())
            with paper_style():
                figure = _draw(shown, lines, caption)
            yield Plot(slug(STEM, protocol, f"x{scale}"), caption, figure, subjects)


def gains(per_image: pd.DataFrame, protocol: str, baseline: str) -> pd.DataFrame:
    """The PSNR rows of a protocol with ``gain`` in dB; the baseline's own are left out.

    Raises:
        SrBenchError: for several signatures, or two of its runs at one scale.
    """
    rows = per_image[(per_image["protocol"] == protocol) & (per_image["metric"] == "psnr")]
    require_one_signature(rows, f"the plot of gains under {protocol}")
    key = ["scale", "dataset", "image"]
    base = rows[rows["method"] == baseline][[*key, "value"]].rename(columns={"value": "base"})
    twice = base[base.duplicated(key)]
    if len(twice):
        raise SrBenchError(
            f"{protocol}: {twice.iloc[0]['image']} has two scores of {baseline} at "
            f"x{twice.iloc[0]['scale']}; remove one run from params.yaml"
        )
    others = rows[rows["method"] != baseline].merge(base, on=key, how="inner")
    both = others[np.isfinite(others["value"]) & np.isfinite(others["base"])]
    return both.assign(gain=both["value"] - both["base"]).reset_index(drop=True)


def _labelled(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    """``rows`` with ``label``: a run's name with its method, without its scale."""
    facts = rows.drop_duplicates("run")
    name = {
        row.run: names.labels(pd.DataFrame([row]))[row.run] for row in facts.itertuples(index=False)
    }
    return rows.assign(label=rows["run"].map(name))


def _by_scales(rows: pd.DataFrame, baseline: str) -> list[str]:
    """The labels that have most scales first: they look the same in each figure, and all differ."""
    counts = rows[rows["method"] != baseline].groupby("label", sort=False)["scale"].nunique()
    return list(counts.sort_values(ascending=False, kind="stable").index)


def _draw(rows: pd.DataFrame, lines: Lines, caption: str) -> Figure:
    datasets = list(dict.fromkeys(rows["dataset"]))
    across = min(len(datasets), _COLUMNS)
    legend = lines.legend({*rows["label"]})
    figure, panels = line_panels((len(datasets), across), _HEIGHT, legend, caption)
    for i, (axes, dataset) in enumerate(zip(panels, datasets)):
        axes.set_title(printable(dataset), fontweight="bold")
        axes.set_xlabel("images, sorted")
        if i % across == 0:
            axes.set_ylabel("PSNR gain (dB)")
        _panel(axes, rows[rows["dataset"] == dataset], lines)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, lines: Lines) -> None:
    axes.axhline(0, color="#777777", lw=0.6)
    most = 1
    for label, line in rows.groupby("label", sort=False):
        gain = line["gain"].sort_values(ascending=False).to_numpy()
        most = max(most, len(gain))
        style = lines.style(str(label), markers=len(gain) <= _FEW)
        axes.plot(np.arange(1, len(gain) + 1), gain, **style)
    axes.set_xlim(1 - 0.03 * most, most + 0.03 * most)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
