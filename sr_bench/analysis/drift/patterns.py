"""Likely causes from the numbers alone: which cells moved, and which did not."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from sr_bench.data.catalogue.protocols import load_protocols

_SAME = 1e-9


def patterns(table: pd.DataFrame) -> list[str]:
    """What the choice of moved cells says.

    Args:
        table: every row that both tables have (cells or images), with ``before``, ``after`` and a
            flag ``drift``.
    """
    moved, still = table[table["drift"]], table[~table["drift"]]
    if moved.empty:
        return []
    return [*_blue(table), *(text for rule in _RULES if (text := rule(moved, still)))]


def _blue(table: pd.DataFrame) -> list[str]:
    """SSIM that has become the blue channel's, which stands beside it."""
    keys = [c for c in ("run", "dataset", "protocol", "image") if c in table]
    ssim = table[table["drift"] & (table["metric"] == "ssim")]
    blue = table[table["metric"] == "ssim_blue"][[*keys, "after"]]
    both = ssim.merge(blue, on=keys, suffixes=("", "_blue"))
    equal = both[(both["after"] - both["after_blue"]).abs() <= _SAME]
    return [f"ssim of {p} is now that of the blue channel" for p in equal["protocol"].unique()]


def _one(column: str, text: str) -> Callable[[pd.DataFrame, pd.DataFrame], str]:
    """A rule: all that moved shares one value of a column, and others stayed."""

    def rule(moved: pd.DataFrame, still: pd.DataFrame) -> str:
        names = moved[column].unique()
        if len(names) > 1 or not (still[column] != names[0]).any():
            return ""
        return text.format(names[0])

    return rule


def _networks(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    if (moved["weights"] == "none").any() or not (still["weights"] == "none").any():
        return ""
    return "only runs with weights moved: the weights, their method's file, torch or the processor"


def _luminance(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    return _colour(moved, still, "y", "only protocols that score Y moved: luminance (color.py)")


def _rgb(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    if not moved["metric"].str.startswith("psnr").any():
        return ""
    text = "only protocols that score RGB moved: the order of channels"
    return _colour(moved, still, "rgb", text)


def _colour(moved: pd.DataFrame, still: pd.DataFrame, colour: str, text: str) -> str:
    of = {name: p.colour for name, p in load_protocols().protocols.items()}
    kinds, others = set(moved["protocol"].map(of)), set(still["protocol"].map(of))
    return text if kinds == {colour} and others - {colour} else ""


def _degradation(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    of = {name: p.degradation.name for name, p in load_protocols().protocols.items()}
    kinds = set(moved["protocol"].map(of).dropna())  # of protocols that sr-bench brings
    if len(kinds) != 1 or kinds & set(still["protocol"].map(of)) or still.empty:
        return ""
    return f"only LR made by {kinds.pop()} moved, whole: how LR is made (degrade.py, resize.py)"


def _ssim(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    psnr = still["metric"].str.startswith("psnr").any()
    only = moved["metric"].str.startswith("ssim").all()
    return (
        "only SSIM moved: its window, constants or channels (metrics/ssim.py)"
        if only and psnr
        else ""
    )


def _everything(moved: pd.DataFrame, still: pd.DataFrame) -> str:
    if len(still) or moved["protocol"].nunique() == 1:
        return ""
    return "everything moved: what all protocols share (crop, metrics, the images themselves)"


_RULES = (
    _one("run", "only {} moved: its weights or its method's file"),
    _one("dataset", "only {} moved: its images"),
    _one("protocol", "only {} moved: its rule (protocols.yaml), or what it alone does"),
    _networks,
    _degradation,
    _luminance,
    _rgb,
    _ssim,
    _everything,
)
