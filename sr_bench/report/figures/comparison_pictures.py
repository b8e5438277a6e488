"""What a comparison figure shows: hr and each run's sr, with the scores of the tables."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.scoring.planes import Luma, as_rgb
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.evaluation.scoring.table import CELL, read_run, require_one_signature
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.images import Colour, Image
from sr_bench.project.checks import require_scored
from sr_bench.project.entries import FigureEntry
from sr_bench.project.project import Project
from sr_bench.report.names import Names
from sr_bench.support.errors import SrBenchError, about, unknown

_MARKS = re.compile(r"(_SRF_\d)?(_GT|_HR)$")  # what packages put behind an image's name
_SAME = 1e-6  # of a score: more than another processor's last bits, less than a printed digit


@dataclass(frozen=True)
class RunPicture:
    """One run's picture."""

    run: str  # its name in tables
    label: str  # its name in the figure
    sr: Image  # uint8, gray or RGB, as it is looked at
    luminance: Image  # uint8 (h, w), as errors are shown
    psnr: float  # of the whole image under the protocol, in dB
    ssim: float  # the same


@dataclass(frozen=True)
class Pictures:
    """All that a comparison figure needs."""

    image: str  # the image's name, without a mark at its end
    hr: Image  # uint8, gray or RGB, after the protocol's modcrop
    luminance: Image  # uint8 (h, w)
    border: int  # pixels at each side that the protocol doesn't score
    signature: str  # of all the scores
    shown: tuple[RunPicture, ...]  # the baseline first, then as the entry names the runs


def load_pictures(project: Project, entry: FigureEntry) -> Pictures:
    """Read hr and sr, and look up the scores; each must be the score of the picture shown.

    Raises:
        WrongUse: for an unknown run or image, a run of another scale, or one that isn't scored on
            the dataset under the protocol.
        SrBenchError: for SR images or scores that are missing, or that don't belong together.
    """
    require_scored(project, entry, where=entry.image)
    protocol = project.protocol_on(entry.protocol, entry.dataset)
    entry = entry.model_copy(update={"protocol": protocol})
    dataset = project.dataset(entry.dataset)
    found = _find(dataset, entry.name)
    hr = dataset.read(found)
    scores = pd.concat([_scores(project, run, found.stem, entry) for run in entry.runs])
    require_one_signature(scores, f"the figure of {entry.image}")
    multiple = entry.protocol.degradation.multiple(entry.scale)
    with about(dataset.folder / found.name):
        shown_hr = modcrop(hr, multiple)
    names = Names.of(project)
    of = {run: scores[scores["run"] == run] for run in entry.runs}
    labels = {run: names.labels(rows[CELL].head(1))[run] for run, rows in of.items()}
    first = sorted(entry.runs, key=lambda run: project.run(run).method != names.baseline)
    return Pictures(
        _plain(found.stem),
        shown_hr,
        _luminance(shown_hr, "rgb"),
        entry.protocol.crop.pixels(entry.scale),
        str(scores["signature"].iloc[0]),
        tuple(
            _run_picture(_sr(project, run, found.stem, entry), hr, of[run], entry, labels[run])
            for run in first
        ),
    )


def _find(dataset: Dataset, name: str) -> Entry:
    """The image of that name, or of that name and a mark at its end."""
    for entry in dataset:
        if name in (entry.stem, _plain(entry.stem)):
            return entry
    raise unknown("image", name, [e.stem for e in dataset], where=dataset.name)


def _plain(stem: str) -> str:
    return _MARKS.sub("", stem)


def _sr(project: Project, run: str, stem: str, entry: FigureEntry) -> Path:
    path = project.sr(run, entry.protocol.degradation.name, entry.dataset) / f"{stem}.png"
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; make it with: dvc repro upscale@{run}")
    return path


def _scores(project: Project, run: str, stem: str, entry: FigureEntry) -> pd.DataFrame:
    path = project.scores(run)
    table = read_run(path, project.catalogue.protocols)
    rows = table[
        (table["image"] == stem)
        & (table["dataset"] == entry.dataset)
        & (table["protocol"] == entry.protocol.name)
        & table["metric"].isin(["psnr", "ssim"])
    ]
    if sorted(rows["metric"]) != ["psnr", "ssim"]:
        raise SrBenchError(
            f"{path}: has {len(rows)} scores of {entry.dataset}/{stem} under {entry.protocol}, "
            f"expected psnr and ssim; run: dvc repro score@{run}"
        )
    return rows


def _run_picture(
    path: Path, hr: Image, scores: pd.DataFrame, entry: FigureEntry, label: str
) -> RunPicture:
    planes, colour = images.read_tagged(path)
    values = dict(zip(scores["metric"], scores["value"].astype(float)))
    with about(path):
        made = score_pair(Pair(planes, hr, colour, str(path)), entry.protocol, scale=entry.scale)
    run = str(scores["run"].iloc[0])
    for metric, value in values.items():
        if not math.isclose(made[metric], value, rel_tol=_SAME):
            raise SrBenchError(
                f"{path}: its {metric} is {made[metric]:.6f}, the scores of {run} say "
                f"{value:.6f}: they are of another picture; run: dvc repro score@{run}"
            )
    return RunPicture(
        run,
        label,
        np.asarray(as_rgb(planes, colour), np.uint8),
        _luminance(planes, colour, gray_hr=hr.ndim == 2),
        values["psnr"],
        values["ssim"],
    )


def _luminance(planes: Image, colour: Colour, *, gray_hr: bool = False) -> Image:
    """(h, w) uint8, as errors are shown."""
    return np.asarray(Luma(rounded=True)(planes, colour, gray_hr=gray_hr), np.uint8)
