"""How the weights that were trained here were made, from the facts in their files."""

from __future__ import annotations

import pandas as pd

from sr_bench.networks.checkpoint import read_facts
from sr_bench.project.project import Project

COLUMNS = [
    "training",
    "data",
    "images",
    "recipe",
    "step",
    "steps",
    "minutes",
    "machine",
    "precision",
    "start",
    "val_psnr",
]


def trainings(project: Project) -> pd.DataFrame:
    """One row for each training of ``params.yaml`` whose weights there are.

    ``images`` are those trained on, without the held-out ones, of which ``val_psnr`` is the PSNR in
    dB (on Y, a mean over the scales); ``step`` of ``steps`` says how far it got.
    """
    rows = [_row(project, name) for name in project.trainings if project.trained(name).is_file()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(project: Project, name: str) -> dict[str, object]:
    facts, entry = read_facts(project.trained(name)), project.training(name)
    scores = [value for key, value in facts["last"].items() if key.startswith("val/psnr")]
    return {
        "training": name,
        "data": facts["data"],
        "images": max(facts["images"].values()),
        "recipe": entry.recipe,
        "step": facts["step"],
        "steps": facts["recipe"]["steps"],
        "minutes": facts["minutes"],
        "machine": facts["machine"],
        "precision": facts["precision"],
        "start": entry.start or "",
        "val_psnr": round(sum(scores) / len(scores), 3) if scores else None,
    }
