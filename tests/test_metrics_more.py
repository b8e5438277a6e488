"""MS-SSIM against piq and by its definition; LPIPS, DISTS and NIQE where they are installed."""

import json
import math
import sys
from types import ModuleType

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from sr_bench.cli.app import app
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.metrics import niqe, perceptual
from sr_bench.evaluation.metrics.ms_ssim import WEIGHTS, ms_ssim
from sr_bench.evaluation.scoring.extra import load_extra
from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.import_without_init import module_without_init


def pair(height, width, *, gray=True):
    kinds = ("scene+noise", "scene")
    return [Picture(kind=k, height=height, width=width, gray=gray).array() for k in kinds]


def halved(image):
    """The definition, value by value: the last row or column counts twice."""
    height, width = image.shape
    out = np.empty((math.ceil(height / 2), math.ceil(width / 2)))
    for i, j in np.ndindex(out.shape):
        rows = [2 * i, min(2 * i + 1, height - 1)]
        columns = [2 * j, min(2 * j + 1, width - 1)]
        out[i, j] = np.mean([image[r, c] for r in rows for c in columns])
    return out


def contrast_and_whole(x, y):
    """Means of cs and of SSIM over whole windows, by SciPy's Gaussian."""

    def local(values):
        return gaussian_filter(values, 1.5, radius=5)[5:-5, 5:-5]

    mx, my = local(x), local(y)
    sx, sy, sxy = local(x * x) - mx * mx, local(y * y) - my * my, local(x * y) - mx * my
    c1, c2 = 2.55**2, 7.65**2
    cs = (2 * sxy + c2) / (sx + sy + c2)
    return cs.mean(), (cs * (2 * mx * my + c1) / (mx * mx + my * my + c1)).mean()


@pytest.mark.parametrize("size", [(176, 192), (181, 177)])
def test_ms_ssim_by_its_definition(size):
    sr, hr = (image.astype(float) for image in pair(*size))
    expected, x, y = 1.0, sr, hr
    for scale, weight in enumerate(WEIGHTS, start=1):
        contrast, whole = contrast_and_whole(x, y)
        expected *= (whole if scale == 5 else contrast) ** weight
        x, y = halved(x), halved(y)
    assert ms_ssim(sr, hr, data_range=255) == pytest.approx(expected, abs=1e-12)


def test_ms_ssim_equals_piqs_at_even_sizes():
    torch = pytest.importorskip("torch")
    try:
        theirs = module_without_init("piq.ms_ssim").multi_scale_ssim
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    sr, hr = pair(176, 208)
    tensors = [torch.from_numpy(p.astype(float))[None, None] for p in (sr, hr)]
    expected = float(theirs(*tensors, data_range=255))
    assert ms_ssim(sr, hr, data_range=255) == pytest.approx(expected, abs=1e-12)


def test_ms_ssim_of_a_golden_pair():
    """piq 0.8.0 gives this number on float64 tensors; kept for machines without it."""
    sr, hr = pair(176, 208)
    assert ms_ssim(sr, hr, data_range=255) == pytest.approx(0.9995997764780429, abs=1e-12)


def test_ms_ssim_of_colour_is_the_mean_over_channels():
    sr, hr = pair(177, 180, gray=False)
    each = [ms_ssim(sr[..., c], hr[..., c], data_range=255) for c in range(3)]
    assert ms_ssim(sr, hr, data_range=255) == pytest.approx(np.mean(each), abs=1e-15)


def test_ms_ssim_of_identical_and_of_negated_images():
    hr = pair(176, 176)[1]
    assert ms_ssim(hr, hr, data_range=255) == pytest.approx(1, abs=1e-12)
    assert ms_ssim(255 - hr, hr, data_range=255) == 0  # negative structure, and no NaN


def test_ms_ssim_needs_176_pixels():
    sr, hr = pair(175, 400)
    with pytest.raises(ValueError, match=r"images are \(175, 400\).*at least 176"):
        ms_ssim(sr, hr, data_range=255)


@pytest.fixture
def folders(tmp_path):
    sr, hr = pair(204, 198, gray=False)
    images.write(tmp_path / "hr" / "a.png", hr)
    images.write(tmp_path / "sr" / "a.png", sr)
    return tmp_path / "sr", tmp_path / "hr"


def scored(folders, *options):
    sr, hr = map(str, folders)
    return CliRunner().invoke(
        app, ["score", "--sr", sr, "--hr", hr, "--metric", "ms_ssim", *options]
    )


def test_a_folder_is_scored_under_the_protocols_planes_and_border(folders):
    done = scored(folders, "--protocol", "edsr-div2k", "--scale", "2", "--json")
    said = json.loads(done.stdout)
    sr, hr = (p[8:-8, 8:-8] for p in pair(204, 198, gray=False))
    assert said["mean"] == {"ms_ssim": ms_ssim(sr, hr, data_range=255)}
    assert said["signature"].startswith("protocol:edsr-div2k|")
    assert said["signature"].endswith("|metric:ms_ssim+wang-2003")


def test_a_folder_of_another_size_is_refused(folders):
    done = scored(folders, "--protocol", "edsr-2017", "--scale", "4")
    assert "sr is (204, 198), hr is (204, 196) after edsr-2017 cut" in str(done.exception)


def test_an_unknown_metric_is_wrong_use():
    with pytest.raises(WrongUse, match=r"unknown metric 'lpip'.*did you mean lpips"):
        load_extra("lpip", find_protocol("edsr-2017"))


@pytest.mark.parametrize(("metric", "module"), [("lpips", "lpips"), ("dists", "piq.perceptual")])
def test_a_metric_without_its_library_is_not_run_with_the_reason(metric, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    perceptual.load_perceptual.cache_clear()
    reason = perceptual.not_run(metric)
    assert reason.startswith(f"{metric}: not run: ")
    assert module.split(".")[0] in reason or "torchvision" in reason


def test_niqe_equals_matlab_on_baboon(real):
    """MATLAB R2021a gives 5.72957338, as basicsr's docstring states."""
    if reason := perceptual.not_run("niqe"):
        pytest.skip(reason)
    baboon = images.read(next(p for p in real("Set14") if p.stem == "baboon"))
    metric = perceptual.load_perceptual("niqe")
    assert metric(baboon) == metric(baboon, baboon) == pytest.approx(5.72957338, abs=1e-4)
    assert metric.needs == "sr" and "own-1+y+weights.2a7c182a68c9e7f1" in metric.signature


def model_of_made_up_images():
    """A model of NIQE that needs no file of others: of scenes."""
    scenes = [Picture(kind="scene", height=384, width=384 + 96 * i, gray=True) for i in range(3)]
    rows = np.concatenate([niqe.features(scene.array()) for scene in scenes])
    return niqe.Pristine(np.nanmean(rows, axis=0), np.cov(rows, rowvar=False))


def test_niqe_is_least_for_what_the_model_was_made_of():
    model = model_of_made_up_images()
    scene = Picture(kind="scene", height=384, width=480, gray=True).array()
    rng = np.random.default_rng(0)
    noisy = np.clip(scene + rng.normal(0, 25, scene.shape), 0, 255).astype(np.uint8)
    assert niqe.niqe(scene, model) < niqe.niqe(noisy, model)


def test_niqe_of_flat_regions_does_not_hang_on_rounding():
    """Rounding noise of a flat region has a sign, which the features would count."""
    image = Picture(kind="scene", height=192, width=288, gray=True).array().copy()
    image[:, :150] = 77
    values = niqe.features(image)
    assert np.isnan(values[0]).any() and not np.isnan(values[-1]).any()


def test_the_kinds_of_niqe_see_another_gray():
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    seen = {name: gray.of(red) for name, gray in niqe.GRAYS.items()}
    assert {n: (int(g[0, 0]), g.shape) for n, g in seen.items()} == {
        "niqe": (81, (20, 20)), "niqe_gray": (76, (20, 20)), "niqe_pi": (81, (12, 12)),
    }  # fmt: skip


def test_niqe_refuses_what_is_no_model_and_small_or_flat_images(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, mu_pris_param=np.zeros(3), cov_pris_param=np.zeros((36, 36)))
    with pytest.raises(SrBenchError, match="expected 36 features"):
        niqe.Pristine.read(path)
    path.write_bytes(b"no")
    with pytest.raises(SrBenchError, match="not a model of NIQE"):
        niqe.Pristine.read(path)
    model = niqe.Pristine(np.zeros(36), np.eye(36))
    for shape, why in (((100, 100), "two blocks of 96"), ((96, 192), "flat")):
        with pytest.raises(ValueError, match=why):
            niqe.niqe(np.full(shape, 9, np.uint8), model)


@pytest.fixture
def pyiqa(monkeypatch):
    """A library with pyiqa's call: ``create_metric(name, device=...)``."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, *images):
            return images[0].mean() + len(images)

    library = ModuleType("pyiqa")
    library.create_metric = lambda name, device: Network().to(device)
    monkeypatch.setitem(sys.modules, "pyiqa", library)
    monkeypatch.setattr(perceptual, "version", lambda package: "0.1.16")
    perceptual.load_perceptual.cache_clear()
    yield
    perceptual.load_perceptual.cache_clear()


def test_pyiqas_metrics_say_what_they_need_and_carry_their_weights_hash(pyiqa):
    white = np.full((8, 8, 3), 255, np.uint8)
    alone, pair = (perceptual.load_perceptual(n, "cpu") for n in ("maniqa", "topiq_fr"))
    assert alone(white) == alone(white, white) == 2 and pair(white, white) == 3
    assert alone.signature.startswith("pyiqa-0.1.16+maniqa+weights.")
    with pytest.raises(ValueError, match="topiq_fr compares sr with hr"):
        pair(white)


def test_sr_is_scored_without_hr_by_a_metric_that_needs_none(pyiqa, tmp_path):
    for name in ("a", "b"):
        images.write(tmp_path / "sr" / f"{name}.png", np.full((8, 8, 3), 255, np.uint8))
    command = ["score", "--sr", str(tmp_path / "sr"), "--metric", "musiq", "--device", "cpu"]
    done = CliRunner().invoke(app, [*command, "--json", "--csv", str(tmp_path / "out.csv")])
    facts = json.loads(done.stdout)
    assert facts["mean"] == {"musiq": 2} and facts["images"][0]["hr"] is None
    assert "protocol:none|" in facts["signature"] and "metric:musiq+pyiqa-" in facts["signature"]
    assert (tmp_path / "out.csv").read_text().count("musiq,2,") == 2
    assert "mean of 2" in CliRunner().invoke(app, command).stdout
    done = CliRunner().invoke(app, ["score", "--sr", str(tmp_path / "sr"), "--metric", "topiq_fr"])
    assert isinstance(done.exception, WrongUse)
    assert "topiq_fr compares SR with HR; add --hr DIR, or choose one of niqe" in str(
        done.exception
    )


def test_every_metric_says_what_it_needs_and_which_way_is_better():
    rows = json.loads(CliRunner().invoke(app, ["list", "metrics", "--json"]).stdout)
    listed = {row["metric"]: (row["needs"], row["better"]) for row in rows}
    assert listed["niqe"] == ("sr", "lower") and listed["lpips"] == ("pair", "lower")
    assert listed["ms_ssim"] == ("pair", "higher") and listed["musiq"] == ("sr", "higher")


def test_a_perceptual_network_is_computed_on_the_device_that_was_chosen(monkeypatch):
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, sr, hr):
            seen.append((sr.device.type, hr.device.type, self.training))
            return torch.zeros(())

    seen = []
    monkeypatch.setattr("sr_bench.networks.device.choose_device", lambda name: torch.device(name))
    model = perceptual._placed(Network(), "meta")
    lr = torch.zeros(1, 3, 4, 4)
    assert perceptual.of_network(model, lr, lr) == 0 and seen == [("meta", "meta", False)]


def test_device_is_for_networks_alone(tmp_path, capsys, monkeypatch):
    from sr_bench.cli import main

    words = "sr-bench score --sr a --hr b --scale 2 --protocol edsr-2017 --device cpu"
    monkeypatch.setattr("sys.argv", words.split())
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "--device is for --metric lpips and dists" in capsys.readouterr().err
