"""What people call methods, weights, runs and files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import pandas as pd

from sr_bench.entries import TRAINED
from sr_bench.report.plot_data import method_name
from sr_bench.sources import load_sources

# Published weights and what their authors trained them on; ours are called by their training set.
_PUBLISHED = {
    "none": "",
    "author": "DIV2K",
    "author-t91": "T91",
    "author-imagenet": "ImageNet",
    "mmediting": "DIV2K",
}


@dataclass(frozen=True)
class RunName:
    """A run as people read it: which method, what it learned from, and who trained it."""

    scale: int
    method: str
    data: str
    by: str

    def __str__(self) -> str:
        return f"{self.method}, {self.data}" if self.data else self.method


def run_names(cells: pd.DataFrame) -> dict[str, RunName]:
    """The name of every run that has a cell."""
    rows = cells[["run", "method", "variant", "weights", "scale"]].drop_duplicates("run")
    return {
        r.run: RunName(
            int(r.scale),
            f"{method_name(r.method)} {r.variant}".strip(),
            training_data(r.weights),
            trained_by(r.weights),
        )
        for r in rows.itertuples(index=False)
    }


def training_data(weights: str) -> str:
    """The training set behind weights: ``T91`` for ``sr-bench-t91``; empty where there is none.

    Weights that nothing is known of are named themselves.
    """
    if weights in _PUBLISHED:
        return _PUBLISHED[weights]
    made_of = weights.removeprefix(TRAINED)
    return {name.lower(): name for name in load_sources()}.get(made_of, made_of)


def trained_by(weights: str) -> str:
    """Who trained weights: ``here``, ``authors``, or whoever published them."""
    if weights == "none":
        return ""
    if weights.startswith(TRAINED):
        return "here"
    return "authors" if weights.partition("-")[0] == "author" else weights


def slug(*parts: str) -> str:
    """A file name of ``parts``: letters, digits, ``.``, ``_`` and ``-``; a changed one gets a hash.

    The hash keeps apart what would become the same name.
    """
    text = "-".join(parts)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:80]
    if plain == text:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
