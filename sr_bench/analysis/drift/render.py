"""A drift report as text: for the terminal, for a pull request, for GitHub's annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict

import pandas as pd

from sr_bench.analysis.drift.changes import SIGNATURE
from sr_bench.analysis.drift.check import DriftReport
from sr_bench.analysis.drift.inputs import ChangedInput
from sr_bench.analysis.drift.noise import Movement

_CELLS, _IMAGES = 30, 10  # rows that people get to see; --json has all
_ANNOTATIONS = 9  # GitHub shows ten of a step
_INPUTS = 12
_NAMES = ("run", "dataset", "protocol", "metric")
_NUMBERS = ("before", "after", "delta", "what")


def headline(found: DriftReport) -> str:
    """One sentence: whether there is drift, and how much of what was compared."""
    cells, images = found.compared
    if not found.drift:
        noise = f"; numeric noise in {len(found.noise)} groups of images" if found.noise else ""
        return f"{cells} cells and {images} image scores agree with {found.before}{noise}"
    if found.cells.empty and found.images.empty:
        count = sum(m.drift for m in found.movements)
        text = "no score is beyond its tolerance, but whole sets of images moved to one side"
        return f"drift against {found.before}: {text} ({count} groups)"
    return (
        f"drift against {found.before}: {len(found.cells)} of {cells} cells and "
        f"{len(found.images)} of {images} image scores differ in {found.after}"
    )


def findings(found: DriftReport) -> list[str]:
    """What is likely behind it, the most certain first."""
    lines = [f"cause: {cause}" for cause in found.causes]
    lines += [f"likely: {text}" for text in found.patterns]
    lines += [f"changed: {_input(i)}" for i in found.inputs[:_INPUTS]]
    hidden = len(found.inputs) - _INPUTS
    lines += [f"changed: {hidden} more (--json lists them)"] if hidden > 0 else []
    lines += [f"kind: {_movement(m)}" for m in _worst(found)]
    return [*lines, *(f"note: {note}" for note in found.notes)]


def rows(table: pd.DataFrame, most: int | None = None) -> list[list[str]]:
    """The ``most`` rows furthest beyond their tolerance, those first; else as many as fit."""
    beyond = (table["delta"].abs() / table["tolerance"]).fillna(float("inf"))
    order = beyond.sort_values(ascending=False, kind="stable").index[: most or _limit(table)]
    return [
        [*map(str, names), _value(before), _value(after), _delta(delta), what]
        for *names, before, after, delta, what in table.loc[order, columns(table)].itertuples(
            index=False
        )
    ]


def columns(table: pd.DataFrame) -> list[str]:
    """The columns of :func:`rows`."""
    return [*_NAMES, *(["image"] if "image" in table else []), *_NUMBERS]


def left_out(table: pd.DataFrame) -> str:
    """How many rows :func:`rows` doesn't show; empty if none."""
    hidden = len(table) - _limit(table)
    return f"and {hidden} more (--json has all)" if hidden > 0 else ""


def _limit(table: pd.DataFrame) -> int:
    return _IMAGES if "image" in table else _CELLS


def changelog(found: DriftReport) -> str:
    """What an accepted drift leaves behind: every cell but those with another signature alone."""
    lines = [_escape(headline(found)), "", *(f"- {_escape(text)}" for text in findings(found))]
    cells = found.cells[found.cells["what"] != SIGNATURE]
    signed = len(found.cells) - len(cells)
    if signed:
        lines.append(f"- {signed} cells have the same number under another signature")
    if len(cells):
        lines += ["", *_table(columns(cells), rows(cells, len(cells)))]
    return "\n".join(lines) + "\n"


def markdown(found: DriftReport) -> str:
    """A summary for a pull request."""
    mark = "drift" if found.drift else "no drift"
    lines = [f"### sr-bench check: {mark}", "", _escape(headline(found)), ""]
    lines += [f"- {_escape(text)}" for text in findings(found)]
    for title, table in tables(found):
        lines += ["", f"**{title}**", "", *_table(columns(table), rows(table))]
        lines += ["", left_out(table)] if left_out(table) else []
    return "\n".join(lines).rstrip() + "\n"


def facts(found: DriftReport) -> dict[str, object]:
    """All of a check, for programs."""
    return {
        "baseline": found.before,
        "fresh": found.after,
        "drift": found.drift,
        "compared": dict(zip(("cells", "images"), found.compared)),
        "cells": _records(found.cells),
        "images": _records(found.images),
        "movements": [asdict(m) | {"mean": _number(m.mean)} for m in found.movements],
        "causes": [asdict(c) | {"text": str(c)} for c in found.causes],
        "patterns": list(found.patterns),
        "suspects": [asdict(i) for i in found.inputs],
        "notes": list(found.notes),
    }


def github_lines(found: DriftReport) -> list[str]:
    """GitHub's workflow commands: a summary, then an error a drifted cell, up to its limit."""
    if not found.drift:
        return [_command("notice", "sr-bench check", headline(found))]
    lines = [_command("error", "sr-bench: drift", "\n".join([headline(found), *findings(found)]))]
    table = found.cells if len(found.cells) else found.images
    for run, *rest in rows(table)[:_ANNOTATIONS]:
        named = "; ".join(f"{k} {v}" for k, v in zip(columns(table)[1:], rest))
        lines.append(_command("error", run, named))
    return lines


def tables(found: DriftReport) -> Iterator[tuple[str, pd.DataFrame]]:
    """Title and rows of each table that has any."""
    if len(found.cells):
        yield "cells", found.cells
    if len(found.images):
        yield "images", found.images


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows with ``None`` for what isn't there, as JSON wants it."""
    plain = table.astype(object).where(table.notna(), None)
    rows: list[dict[str, object]] = plain.to_dict("records")
    return rows


def _worst(found: DriftReport) -> list[Movement]:
    drifted = [m for m in found.movements if m.drift]
    return sorted(drifted, key=lambda m: -m.largest)[:5]


def _movement(m: Movement) -> str:
    return (
        f"{m.run}, {m.protocol}, {m.metric}: {m.kind}; {m.moved} of {m.images} images moved, "
        f"mean {m.mean:+.2g}, largest {m.largest:.2g}"
    )


def _input(i: ChangedInput) -> str:
    runs = f" (read by {len(i.runs)} of the runs that moved)" if i.runs else ""
    return f"{i.kind}: {i.what}{runs}"


def _number(value: float) -> float | None:
    """``None`` for NaN, the mean of opposite infinities, which JSON doesn't have."""
    return None if value != value else value


def _value(number: float) -> str:
    return "-" if number != number else f"{number:.6f}"


def _delta(number: float) -> str:
    return "-" if number != number else f"{number:+.2g}"


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([_escape(v) for v in row] for row in body)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _escape(text: object) -> str:
    """Text that can't break a Markdown table or start HTML."""
    out = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`\[\]|])", r"\\\1", " ".join(out.split("\n")))


def _command(kind: str, title: str, text: str) -> str:
    """A workflow command; its own signs are escaped as GitHub wants them."""
    body = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    head = title.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={head}::{body}"
