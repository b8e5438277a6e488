"""Defects of the field, each injected at its smallest: `check` catches every one and names it.

A project of small pictures is scored once; then one thing in degrading or scoring is broken, all is
made again, and the fresh scores are checked against the first.
"""

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

from sr_bench.analysis.drift.check import check_scores
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.analysis.explain.resizers import half_shifted, resized
from sr_bench.data.catalogue.protocols import Crop
from sr_bench.data.datasets import manifest
from sr_bench.evaluation.scoring import score
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.scoring.table import CELL_COLUMNS, cells
from sr_bench.evaluation.upscaling import dataset, prepared
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import color, images
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.degrade import hr_planes
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.files import sha256

ROOT = Path(__file__).resolve().parent.parent
PARAMS = f"""
methods: [{ROOT / "methods"}]
ledger: null
fetch: [Set5]
protocols: {{srcnn-2015: [Set5], edsr-2017: [Set5], mmediting-2020: [Set5]}}
runs:
  bicubic-x2: {{method: bicubic, scale: 2, protocols: [srcnn-2015, edsr-2017, mmediting-2020]}}
  srcnn-9-1-5-sr-bench-t91-x2:
    {{method: srcnn, variant: 9-1-5, weights: sr-bench-t91, scale: 2, protocols: [edsr-2017]}}
  srcnn-9-1-5-sr-bench-t91-x3:
    {{method: srcnn, variant: 9-1-5, weights: sr-bench-t91, scale: 3, protocols: [edsr-2017]}}
train:
  srcnn-9-1-5-sr-bench-t91-x2:
    {{method: srcnn, variant: 9-1-5, recipe: fast, data: T91, scales: [2]}}
  srcnn-9-1-5-sr-bench-t91-x3:
    {{method: srcnn, variant: 9-1-5, recipe: fast, data: T91, scales: [3]}}
"""
BICUBIC, SRCNN = "bicubic-x2", "srcnn-9-1-5-sr-bench-t91-x2"


def scene(seed, shape):
    """Smooth colours and sharp edges: what interpolation blurs and networks sharpen."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=shape), (3, 3, 0)[: len(shape)])
    stripes = np.sign(gaussian_filter(rng.normal(size=shape[:2]), 2))
    values = 128 + 400 * smooth + 35 * (stripes[..., None] if len(shape) == 3 else stripes)
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The project folder, everything made once."""
    folder = tmp_path_factory.mktemp("defects")
    entries = []
    for i, shape in enumerate([(60, 66, 3), (62, 59, 3), (63, 60)]):
        path = folder / "data" / "Set5" / f"scene{i}.png"
        images.write(path, scene(i, shape))
        entries.append({"name": path.name, "shape": shape, "sha256": sha256(path)})
    manifest = folder / "build" / "manifests" / "Set5.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"dataset": "Set5", "images": entries}))
    (folder / "params.yaml").write_text(PARAMS)
    (folder / "methods" / "weights").mkdir(parents=True)
    for scale in (2, 3):
        name = f"srcnn-9-1-5-sr-bench-t91-x{scale}.safetensors"
        shutil.copy(ROOT / "methods" / "weights" / name, folder / "methods" / "weights")
    return folder


@pytest.fixture(scope="module")
def project(root):
    made = Project.load(root)
    for name in made.params.runs:
        note_weights(made, name, progress=lambda _: None)
    return made


def made(project, *runs):
    """The state of the scores after making these runs with the code as it is now."""
    for name in runs:
        shutil.rmtree(project.made(name), ignore_errors=True)  # a defect patched in changes no file
        upscale_run(project, project.run(name), progress=lambda _: None)
    return scored(project, *runs)


def scored(project, *runs):
    table = pd.concat([score_run(project, project.run(name)) for name in runs], ignore_index=True)
    return Snapshot("state", cells(table)[CELL_COLUMNS], table)


@pytest.fixture
def again(project, sound, tmp_path):
    """A copy of the project, to make SR in that is not sound."""
    folder = tmp_path / "again"
    shutil.copytree(project.root, folder)
    return Project.load(folder)


@pytest.fixture(scope="module")
def sound(project):
    """The baseline."""
    return made(project, BICUBIC, SRCNN)


# The defects: what a function becomes


def seen(change):
    """Other planes than the protocol's."""
    return lambda original: lambda *given, **named: change(original(*given, **named))


def luma(*weights, offset=0.0, rounded=False):
    def rgb_to_y(rgb):
        y = rgb @ np.array(weights) + offset
        return np.floor(y + 0.5) if rounded else y

    return seen(lambda planes: replace(planes, luma=replace(planes.luma, of_rgb=rgb_to_y)))


def swapped(planes):
    of_rgb = planes.luma.of_rgb
    return replace(planes, luma=replace(planes.luma, of_rgb=lambda rgb: of_rgb(rgb[..., ::-1])))


def unrounded_y(planes):
    return replace(planes, luma=replace(planes.luma, rounded=False))


def crop(change):
    return seen(lambda planes: replace(planes, border=change(planes.border)))


def blue(original):
    """SSIM alone, and where that code base's own SSIM stands beside it alone."""

    def ssim(planes, mapper):
        metric = planes.rule.printed_ssim
        return original[metric](planes, mapper)

    return original | {"ssim": ssim}


def rounding(wanted):
    """Degradations that round after each pass round otherwise; signatures stay as they are."""

    def defect(original):
        def load(run, method, file, rule):
            if rule.rounding == "each-pass":
                rule = rule.model_copy(update={"rounding": wanted})
            return original(run, method, file, rule)

        return load

    return defect


def torch_bicubic(original):
    """Without antialiasing, as many ports make LR."""

    def degrade(hr, rule, *, scale):
        planes = np.atleast_3d(hr_planes(hr, rule, scale)).astype(np.float64)
        small = torch.nn.functional.interpolate(
            torch.from_numpy(planes).permute(2, 0, 1)[None],
            scale_factor=1 / scale,
            mode="bicubic",
            align_corners=False,
        )
        lr = small[0].permute(1, 2, 0).numpy()
        lr = lr if rule.rounding == "none" else to_uint8(lr)
        return lr if hr.ndim == 3 else lr[..., 0]

    return degrade


def saved(change):
    """SR changed on its way to the file."""
    return lambda original: lambda path, image, **kw: original(path, change(image), **kw)


def bgr(image):
    return image[..., ::-1].copy() if image.ndim == 3 else image


def shifted_lr(original):
    """Sampled at the pixels' corners instead of their centres."""

    def degrade(hr, rule, *, scale):
        lr = resized(hr_planes(hr, rule, scale), "uncentred", Fraction(1, scale))
        return lr if rule.rounding == "none" else to_uint8(lr)

    return degrade


def other_weights(original):
    """The weights of x3 for the run at x2."""
    return lambda project, run, method: original(
        project, project.run("srcnn-9-1-5-sr-bench-t91-x3"), method
    )


YIQ = (0.299, 0.587, 0.114)
MISTYPED = tuple(np.array([64.738, 129.057, 25.064]) / 256)


def mistyped_everywhere(original):
    return np.vstack([np.array(MISTYPED), original[1:]])


SCORING = {
    "blue channel's SSIM": (score, "_METRICS", blue, "ssim-blue"),
    "BGR for RGB": (score, "compared_planes", seen(swapped), "swap-both"),
    "crop of one less": (score, "compared_planes", crop(lambda b: b - 1), "crop-less"),
    "crop of one more": (score, "compared_planes", crop(lambda b: b + 1), "crop-more"),
    "crop forgotten": (score, "compared_planes", crop(lambda b: 0), "crop-none"),
    "YIQ": (score, "compared_planes", luma(*YIQ), "yiq"),
    "mistyped": (score, "compared_planes", luma(*MISTYPED, offset=16), "mistyped"),
    "mistyped in color.py": (color, "_RGB_TO_YCBCR", mistyped_everywhere, "mistyped"),
    "full-range Y": (score, "compared_planes", luma(*YIQ, rounded=True), "full-range"),
    "Y not rounded": (score, "compared_planes", seen(unrounded_y), "y-float"),
}
MAKING = {
    "rounded once": (prepared, "load_upscaler", rounding("once"), "round-once"),
    "not rounded": (prepared, "load_upscaler", rounding("none"), "round-none"),
    "torch's bicubic": (manifest, "degrade", torch_bicubic, "lr-torch"),
    "SR shifted by half a pixel": (images, "write", saved(half_shifted), "half-shift"),
    "LR shifted by half a pixel": (manifest, "degrade", shifted_lr, "lr-uncentred"),
    "SR saved as BGR": (images, "write", saved(bgr), "swap-sr"),
    "weights of another scale": (prepared, "noted_weights", other_weights, "weights-x3"),
}


def found(project, before, after):
    """The check, which must fail, and the names of the causes it gives."""
    result = check_scores(before, after, project=project)
    assert result.drift
    return result, {name for cause in result.causes for name in cause.names}


@pytest.mark.parametrize("defect", SCORING.values(), ids=SCORING)
def test_a_defect_of_scoring_is_caught_and_named(project, sound, monkeypatch, defect):
    where, name, change, cause = defect
    monkeypatch.setattr(where, name, change(getattr(where, name)))
    assert found(project, sound, scored(project, BICUBIC, SRCNN))[1] == {cause}


@pytest.mark.parametrize("defect", MAKING.values(), ids=MAKING)
def test_a_defect_of_making_is_caught_and_named(again, sound, monkeypatch, defect):
    where, name, change, cause = defect
    monkeypatch.setattr(where, name, change(getattr(where, name)))
    after = made(again, BICUBIC, SRCNN)
    monkeypatch.undo()
    assert found(again, sound, after)[1] == {cause}


def test_what_all_protocols_share_is_named_by_what_undoes_it(project, sound, monkeypatch):
    pixels = Crop.pixels
    monkeypatch.setattr(Crop, "pixels", lambda self, scale: pixels(self, scale) - 1)
    result, causes = found(project, sound, scored(project, BICUBIC, SRCNN))
    assert causes == {"crop-more"} and result.causes[0].undoes
    assert "a crop of one pixel more: gives the committed psnr" in str(result.causes[0])


def test_without_images_the_numbers_tell_the_blue_channel(project, sound, monkeypatch):
    monkeypatch.setattr(score, "_METRICS", blue(score._METRICS))
    result = check_scores(sound, scored(project, BICUBIC, SRCNN))
    assert result.causes == ()
    assert "ssim of mmediting-2020 is now that of the blue channel" in result.patterns
    assert "only SSIM moved: its window, constants or channels (metrics/ssim.py)" in result.patterns


def test_a_cause_that_cannot_be_looked_for_is_noted(again, sound):
    moved = sound.images.assign(value=sound.images["value"] + 1)
    after = replace(sound, images=moved, cells=cells(moved)[CELL_COLUMNS])
    (again.root / "build" / "manifests" / "Set5.json").unlink()
    result = check_scores(sound, after, project=again)
    assert result.drift and result.causes == ()
    assert any("no cause was looked for in bicubic-x2 on Set5: " in n for n in result.notes)


def test_what_no_deviation_explains_names_none(project, sound):
    moved = sound.images.assign(value=sound.images["value"] * 1.01)
    after = replace(sound, images=moved, cells=cells(moved)[CELL_COLUMNS])
    assert found(project, sound, after)[1] == set()


# Without a defect


@pytest.mark.slow
def test_fifty_runs_on_other_threads_and_tiles_raise_no_alarm(again, monkeypatch):
    before = made(again, SRCNN)
    run = again.params.runs[SRCNN]
    for cores, tile in product((1, 2, 3, 4, 8), (None, *range(16, 34, 2))):
        monkeypatch.setattr(dataset, "cores", lambda cores=cores: cores)
        runs = {SRCNN: run.model_copy(update={"tile": tile})}
        other = replace(again, params=again.params.model_copy(update={"runs": runs}))
        result = check_scores(before, made(other, SRCNN))
        assert not result.drift, (cores, tile, result.movements)
