"""Made-up projects of any size: images and a small network, or score tables of many runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sr_bench.evaluation.scoring.record import write_record
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS, write_table
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.timing.photo import photo

METHODS = Path(__file__).parents[1] / "methods"
SET = "made-up"
# Three layers of 32 channels on lr, and a shuffle: 0.2 M multiply-adds an lr pixel at x2.
SMALL = """
import torch
from torch import nn

from sr_bench.networks.method import Method
from sr_bench.networks.strips import InferenceNetwork


class Small(nn.Module):
    colour, reach = "rgb", 3

    def __init__(self, scale):
        super().__init__()
        layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)]
        layers += [nn.ReLU(), nn.Conv2d(32, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale)]
        self.body, self.scale = nn.Sequential(*layers), scale

    def forward(self, x):
        return self.body(x) * 0.1 + 0.5


def load(setup):
    torch.manual_seed(0)
    return InferenceNetwork(Small(setup.scale))


METHOD = Method(name="small", load=load, reference="made up", variants=%r)
"""


@dataclass(frozen=True)
class Images:
    """So many images of one size, and the runs that upscale them."""

    count: int
    height: int
    width: int
    runs: Sequence[str] = ("bicubic", "small")
    scale: int = 2


def project_of_images(root: Path, made: Images) -> None:
    """A project folder with these images; ``sr-bench fetch`` has to follow."""
    for i in range(made.count):
        hr = photo(min(made.height, 2048), min(made.width, 2048), seed=i)
        repeats = -(-made.height // len(hr)), -(-made.width // hr.shape[1]), 1
        images.write(root / f"hr/{i:06}.png", np.tile(hr, repeats)[: made.height, : made.width])
    (root / "methods").mkdir()
    (root / "methods/small.py").write_text(SMALL % (("",),))
    _write_params(root, [f"{m}-x{made.scale}: {_run(m, '', made.scale)}" for m in made.runs])


def project_of_tables(root: Path, runs: int, images_of: dict[str, int]) -> None:
    """A project folder with score tables of so many runs, as ``sr-bench score`` leaves them.

    Args:
        root: an empty folder.
        runs: how many.
        images_of: dataset to its number of images.
    """
    variants = tuple(f"v{i}" for i in range(-(-runs // 3)))
    (root / "methods").mkdir(parents=True)
    (root / "methods/small.py").write_text(SMALL % (variants,))
    names = [f"small-{v}-x{s}: {_run('small', v, s)}" for v in variants for s in (2, 3, 4)][:runs]
    datasets = {name: f"{{folder: {name}}}" for name in images_of}
    _write_params(root, ["bicubic-x2: " + _run("bicubic", "", 2), *names], datasets)
    for name, count in images_of.items():
        (root / name).mkdir()
        listed = [
            {"name": f"{i:03}.png", "shape": [96, 96, 3], "sha256": "0"} for i in range(count)
        ]
        manifest = root / f"build/manifests/{name}.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_text(json.dumps({"dataset": name, "images": listed}))
    project = Project.load(root)
    rng = np.random.default_rng(0)
    for name in project.params.runs:
        _write_scores(project, name, rng)


def _write_scores(project: Project, name: str, rng: np.random.Generator) -> None:
    run, rows = project.run(name), []
    facts = [run.name, run.method, run.variant, run.weights, run.scale]
    for work in project.work(run):
        manifest = json.loads(project.manifest(work.dataset).read_text())
        better = rng.normal(0, 0.3)
        for protocol in work.protocols:
            for metric in protocol.metrics:
                for image in manifest["images"]:
                    value = round(30 + better + rng.normal(0, 0.2), 10)
                    cell = [work.dataset, protocol.name, str(metric)]
                    stem = Path(image["name"]).stem
                    rows.append([*facts, *cell, stem, value, protocol.signature])
    path = project.scores(name)
    text = write_table(path, pd.DataFrame(rows, columns=IMAGE_COLUMNS))
    write_record(path, run, text, (), {})


def _run(method: str, variant: str, scale: int) -> str:
    of = f", variant: {variant}" if variant else ""
    return f"{{method: {method}{of}, scale: {scale}, protocols: [edsr-2017]}}"


def _write_params(root: Path, runs: list[str], datasets: dict[str, str] | None = None) -> None:
    own = datasets or {SET: "{folder: hr}"}
    root.mkdir(parents=True, exist_ok=True)
    lines = [f"methods: [{METHODS}, methods]", "ledger: null", "fetch: []", "datasets:"]
    lines += [f"  {name}: {entry}" for name, entry in own.items()]
    lines += [f"protocols: {{edsr-2017: [{', '.join(own)}]}}", "runs:"]
    (root / "params.yaml").write_text("\n".join([*lines, *(f"  {run}" for run in runs)]) + "\n")
