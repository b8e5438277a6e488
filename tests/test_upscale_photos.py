"""sr-bench upscale PHOTO... --model MODEL: photos of any kind, in tiles, nothing overwritten."""

import json

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch import nn

from sr_bench import load_model, upscale
from sr_bench.cli import main
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.upscaling import photo_tiles
from sr_bench.evaluation.upscaling.photo_tiles import Tiler, Tiling
from sr_bench.evaluation.upscaling.photos import (
    Job,
    PhotoOptions,
    Photos,
    bands,
    jobs_of,
    rounds_to_8_bits,
)
from sr_bench.imaging import images
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.photos import Photo, read_photo
from sr_bench.imaging.png import Header, write_png
from sr_bench.imaging.resize import imresize
from sr_bench.networks.inference import Upscaler
from sr_bench.support.errors import SrBenchError, WrongUse

RGB = find_protocol("edsr-2017").degradation


class Net(nn.Module):
    """Two convolutions at x2, computed in float64: 2 + a part of 1 lr pixels away."""

    reach = 3

    def __init__(self, colour="rgb"):
        super().__init__()
        self.colour, channels = colour, 3 if colour == "rgb" else 1
        torch.manual_seed(1)
        self.first = nn.Conv2d(channels, channels * 4, 5, padding=2).double()
        self.last = nn.Conv2d(channels, channels, 3, padding=1).double()
        self.seen = []
        self.eval()

    def forward(self, lr):
        self.seen.append(lr.shape[2] * lr.shape[3])
        return self.last(nn.functional.pixel_shuffle(self.first(lr.double()), 2)).float()


class Global(nn.Module):
    """Adds the mean of the whole image, as a global attention does."""

    colour, reach = "rgb", 64

    def __init__(self):
        super().__init__()
        self.eval()

    def forward(self, lr):
        lr = lr + 0.2 * lr.mean((2, 3), keepdim=True)
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)


def mine(model, **options):
    return Upscaler("mine", model, RGB, 2, **options)


def whole(upscaler, photo, tiling):
    """All bands."""
    return np.concatenate(list(bands(upscaler, photo, tiling, lambda _: None)))


def put(path, samples, icc=None):
    """A PNG file of 8 or 16 bits."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    header = Header(samples.shape[:2], samples.shape[2], samples.dtype.itemsize * 8, icc)
    write_png(path, header, [samples])
    return path


def made_of(path, tmp_path, model, **options):
    """A photo, upscaled."""
    photos = Photos(lambda rule: Upscaler("mine", model, rule, 2), PhotoOptions(**options))
    made, failed = photos.all(jobs_of([path], tmp_path / "out"), lambda _: None)
    assert not failed, failed[0].reason
    return made[0], read_photo(made[0].target)


# Pixels


@pytest.mark.parametrize("colour", ["rgb", "y"])
@pytest.mark.parametrize("alpha", [False, True])
def test_tiles_give_the_whole_photo(picture, colour, alpha):
    photo = Photo(picture(37, 53, 3), picture(37, 53) if alpha else None)
    upscaler = mine(Net(colour))
    at_once = whole(upscaler, photo, Tiling(53, 0))
    tiled = whole(upscaler, photo, Tiling(16, 3))
    assert np.array_equal(at_once, tiled)
    assert at_once.shape == (74, 106, 4 if alpha else 3)
    assert np.array_equal(at_once[..., :3], upscaler(photo.pixels))


def test_sixteen_bits_are_not_rounded_to_eight(tmp_path):
    ramp = np.linspace(0, 65535, 40 * 50).astype(np.uint16).reshape(40, 50)
    samples = np.stack([ramp, ramp.T.reshape(40, 50), ramp[::-1]], axis=-1)
    path = put(tmp_path / "a.png", samples)
    (made, photo), net = made_of(path, tmp_path, Net()), mine(Net())
    exact = net.unrounded(samples / 257) * 257
    assert made.bits == 16 and photo.bits == 16 and photo.pixels.shape == (80, 100, 3)
    assert np.abs(np.clip(exact, 0, 65535) - photo.pixels).max() <= 0.51
    assert len(np.unique(photo.pixels)) > 5000


def test_a_model_that_rounds_says_so_and_writes_eight_bits(tmp_path, picture):
    class Rounding(Net):
        def forward(self, lr):
            return (super().forward(lr) * 255).round() / 255

    path = put(tmp_path / "a.png", picture(12, 13, 3).astype(np.uint16) * 257)
    made, photo = made_of(path, tmp_path, Rounding())
    assert made.bits == photo.bits == 8
    assert made.notes == ("the model rounds to 8 bits: it is written with 8",)
    eight = put(tmp_path / "b.png", (read_photo(path).pixels // 257).astype(np.uint8))
    assert np.array_equal(made_of(eight, tmp_path, Rounding())[1].pixels, photo.pixels)
    assert not rounds_to_8_bits(mine(Net())) and rounds_to_8_bits(mine(Rounding()))


def test_gray_stays_gray_and_alpha_is_bicubic(tmp_path, picture):
    samples = picture(12, 13, 2)
    made, photo = made_of(put(tmp_path / "a.png", samples), tmp_path, Net())
    assert photo.pixels.shape == (24, 26) and made.notes == ("alpha by bicubic interpolation",)
    smooth = imresize(samples[..., 1] / 1.0, scale=2, rounding="none", border="mirror")
    assert np.array_equal(photo.alpha, to_uint8(smooth))


def test_the_profile_and_the_turn_are_kept(tmp_path, picture):
    exif = Pillow.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Pillow.fromarray(picture(16, 24, 3)).save(path, exif=exif, icc_profile=b"a profile" * 20)
    made, photo = made_of(path, tmp_path, Net())
    assert photo.icc == b"a profile" * 20 and photo.pixels.shape == (48, 32, 3)
    assert made.notes == ("turned upright (EXIF orientation 6)",)
    assert np.array_equal(photo.pixels, mine(Net())(read_photo(path).pixels))


def test_a_photo_equals_the_public_upscale(tmp_path, picture):
    samples = picture(20, 21, 3)
    path = put(tmp_path / "a.png", samples)
    out = tmp_path / "out"
    status = run("upscale", path, "--model", "bicubic", "--scale", 3, "--out", out)
    assert status == 0
    assert np.array_equal(images.read(out / "a.png"), upscale(load_model("bicubic", scale=3), path))


# Tiles by memory


def test_tiles_are_as_large_as_memory_allows(picture, monkeypatch):
    asked = []
    monkeypatch.setattr(photo_tiles, "_PROBE", 32)
    monkeypatch.setattr(photo_tiles, "free_bytes", lambda device: 2_000_000)
    monkeypatch.setattr(
        photo_tiles, "taken_on", lambda d, call: asked.append(call()) or 32 * 32 * 100
    )
    pixels, tiler = picture(90, 150, 3), Tiler(mine(Net()))
    assert tiler.tiling(pixels, None) == Tiling(94, 3)  # (94 + 6)**2 lr pixels of 100 bytes
    assert tiler.tiling(pixels[:60], None) == Tiling(150, 0)
    assert len(asked) == 1  # one call on a part of it, for all photos
    assert asked[0].shape == (64, 64, 3)
    assert tiler.tiling(pixels[:20, :20], None) == Tiling(20, 0)


def test_tiles_are_lower_where_their_rows_would_take_the_memory(picture, monkeypatch):
    monkeypatch.setattr(photo_tiles, "taken_on", lambda device, call: 0)
    monkeypatch.setattr(photo_tiles, "_BANDS", 400 * 4 * 4 * 2 * 100)  # 100 rows of RGBA at x2
    tiler, pixels = Tiler(mine(Net())), picture(300, 400, 3)
    assert tiler.tiling(pixels, None) == Tiling(100, 3)
    assert tiler.tiling(pixels.astype(np.uint16), None) == Tiling(50, 3)


def test_tiles_of_the_size_that_is_asked_for(picture):
    tiler = Tiler(mine(Net()))
    assert tiler.tiling(picture(90, 150, 3), 32) == Tiling(32, 3)
    assert tiler.tiling(picture(30, 32, 3), 32) == Tiling(32, 0)


def test_a_machine_that_says_nothing_gets_a_guess(picture, monkeypatch):
    monkeypatch.setattr(photo_tiles, "taken_on", lambda device, call: None)
    assert Tiler(mine(Net())).bytes_a_pixel(picture(90, 150, 3)) == 20_000


def test_a_model_without_reach_is_run_at_once_or_not_at_all(picture, monkeypatch):
    model = Net()
    model.reach = None
    tiler, pixels = Tiler(mine(model)), picture(300, 300, 3)
    assert tiler.tiling(pixels, None) == Tiling(300, 0)
    with pytest.raises(SrBenchError, match=r"tiles of 32 pixels are asked for.*no `reach`"):
        tiler.tiling(pixels, 32)
    monkeypatch.setattr(photo_tiles, "free_bytes", lambda device: 1_000_000)
    monkeypatch.setattr(photo_tiles, "taken_on", lambda device, call: 256 * 256 * 1000)
    with pytest.raises(SrBenchError, match=r"needs about 0\.1 GB at once, 0\.0 GB are free on cpu"):
        Tiler(mine(model)).tiling(pixels, None)


@pytest.mark.parametrize(("model", "reach"), [(Net(), 1), (Global(), 64)])
def test_a_wrong_reach_and_a_global_attention_are_refused_in_tiles(picture, model, reach):
    model.reach = reach
    tiler = Tiler(mine(model))
    tiler.tiling(picture(40, 40, 3), None)  # at once: reach doesn't matter
    with pytest.raises(SrBenchError, match=f"mine: reach is {reach} lr pixels, but cutting"):
        tiler.tiling(picture(40, 40, 3), 16)


@pytest.mark.parametrize(("function", "said"), [
    (lambda sr: sr[..., :-1], r"returned \(1, 3, 40, 41\).*expected \(1, 3, 40, 42\)"),
    (lambda sr: sr * 255, "expected about .0, 1."),
    (lambda sr: sr * float("nan"), "are NaN or infinite"),
    (lambda sr: sr.double(), "torch.float64, expected"),
    (lambda sr: None, "returned NoneType, expected a tensor"),
])  # fmt: skip
def test_a_model_that_returns_nonsense_is_named_with_the_photo(tmp_path, picture, function, said):
    class Wrong(Net):
        def forward(self, lr):
            return function(lr.repeat_interleave(2, 2).repeat_interleave(2, 3))

    photos = Photos(lambda rule: Upscaler("mine", Wrong(), rule, 2))
    jobs = jobs_of([put(tmp_path / "a.png", picture(20, 21, 3))], tmp_path / "out")
    made, failed = photos.all(jobs, lambda _: None)
    assert not made
    with pytest.raises(SrBenchError, match=rf"a\.png: mine: .*{said}"):
        raise SrBenchError(failed[0].reason)
    assert not list((tmp_path / "out").iterdir())


def test_too_little_memory_halves_the_tiles_of_a_photo(tmp_path, picture, monkeypatch):
    class Small(Net):
        def forward(self, lr):
            if lr.shape[2] * lr.shape[3] > 700:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return super().forward(lr)

    path = put(tmp_path / "a.png", picture(60, 64, 3))
    _, photo = made_of(path, tmp_path, Small())
    assert np.array_equal(photo.pixels, mine(Net())(read_photo(path).pixels))


# Files


@pytest.fixture
def photos(tmp_path, picture):
    """A folder of three photos and a text."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        put(folder / name, picture(9, 8, 3))
    Pillow.fromarray(picture(9, 8, 3)).save(folder / "c.jpg")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def run(*words):
    """The exit status of a command line."""
    import sys
    from unittest.mock import patch

    with patch.object(sys, "argv", ["sr-bench", *map(str, words)]):
        try:
            main()
        except SystemExit as end:
            return end.code or 0
    return 0


def test_folders_and_files_become_targets(photos, tmp_path):
    skipped = []
    jobs = jobs_of(
        [photos, photos / "a.png"],
        tmp_path / "out",
        skip=lambda path, why: skipped.append(path.name),
    )
    assert [job.target.name for job in jobs] == ["a.png", "b.png", "c.png"]
    assert skipped == ["notes.txt"]
    assert jobs_of([photos / "c.jpg"], photos, kind="webp") == [
        Job(photos / "c.jpg", photos / "c.webp")
    ]


def test_nothing_is_overwritten_without_force_and_photos_never(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").write_text("mine")
    (photos / "notes.txt").unlink()
    with pytest.raises(WrongUse, match=r"out/b\.png: is there already; --force replaces"):
        jobs_of([photos], out)
    assert len(jobs_of([photos], out, force=True)) == 3
    with pytest.raises(WrongUse, match=r"a\.png: is one of the photos; name another folder"):
        jobs_of([photos], photos, force=True)


def test_two_photos_of_one_name_are_refused(photos, tmp_path, picture):
    other = tmp_path / "A.tif"
    Pillow.fromarray(picture(9, 8, 3)).save(other)
    with pytest.raises(WrongUse, match=r"a\.png and .*A\.tif would both become"):
        jobs_of([photos / "a.png", other], tmp_path / "out")


def test_the_command_writes_every_photo_and_says_what_was_done(photos, tmp_path, capsys):
    out = tmp_path / "out"
    words = ("upscale", photos, "--model", "bicubic", "--scale", 2, "--out", out, "--json")
    assert run(*words) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["device"] == "cpu" and facts["precision"] == "float32" and facts["scale"] == 2
    assert [p["shape"] for p in facts["photos"]] == [[18, 16]] * 3
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "b.png", "c.png"]
    assert "bicubic-x2: method bicubic x2" in said.err and "notes.txt" in said.err
    assert run(*words) == 2
    assert "is there already, and 2 more are" in capsys.readouterr().err
    assert run(*words, "--force") == 0


def test_a_bad_photo_does_not_cost_the_others(photos, tmp_path, capsys):
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:60])
    out = tmp_path / "out"
    assert run("upscale", photos, "--model", "bicubic", "--scale", 2, "--out", out) == 1
    said = capsys.readouterr()
    assert "b.png: it is a PNG image that can't be decoded" in said.err
    assert "1 of 3 images could not be upscaled" in said.err
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "c.png"]


@pytest.mark.parametrize(("words", "said"), [
    (["a.png"], "without --model, upscale takes runs"),
    (["bicubic-x2", "--out", "x"], "are for photos: --model"),
    (["a.png", "--model", "bicubic"], "--out DIR"),
    (["a.png", "--model", "bicubic", "--out", "x", "--tile", "big"], "--tile is 'big'"),
    (["a.png", "--model", "bicubic", "--out", "x", "--tile", "4"], "from 16 up"),
    (["a.png", "--model", "bicubic", "--out", "x", "--format", "gif"], "unknown format 'gif'"),
    (["a.png", "--model", "bicubic", "--out", "x", "--device", "cuda:9"], "this machine has auto"),
    (["a.png", "--model", "bicubic", "--out", "x", "--precision", "fp16"], "a CPU hasn't"),
    (["a.png", "--model", "bicubic", "--out", "x", "--precision", "f8"], "'f8', expected one of"),
])  # fmt: skip
def test_wrong_use_ends_with_2_and_says_what_to_do(
    tmp_path, picture, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SR_BENCH_DEVICE", "cpu")
    put(tmp_path / "a.png", picture(9, 8, 3))
    assert run("upscale", *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
