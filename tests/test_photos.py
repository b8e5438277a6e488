"""Photos of any kind: read as a viewer shows them, written with all their bits."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from sr_bench.imaging.photos import check_format, read_photo, write_photo
from sr_bench.imaging.png import Header, write_png
from sr_bench.support.errors import SrBenchError

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION = 0x0112


@pytest.fixture
def deep():
    """``deep(h, w[, c])``: uint16 noise."""
    rng = np.random.default_rng(3)
    return lambda *shape: rng.integers(0, 65536, shape, dtype=np.uint16)


def bands(samples, rows=5):
    """(h, w[, c]) as (rows, w, c) from the top down."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    return (samples[i : i + rows] for i in range(0, len(samples), rows))


def put(path, samples, icc=None):
    """Write samples with the writer under test."""
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    header = Header(samples.shape[:2], channels, samples.dtype.itemsize * 8, icc)
    write_png(path, header, bands(samples))
    return path


def foreign_png(path, samples, colour, extra=b"", interlace=0):
    """A 16-bit PNG by the standard's plainest rules: filter 0, one IDAT."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, interlace)
    parts = [
        chunk(b"IHDR", header),
        extra,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (33, 5, 2), (40, 70, 3), (3, 64, 4), (65, 1, 3)])
def test_pillow_reads_what_the_writer_wrote(tmp_path, picture, shape):
    samples = picture(*shape)
    with Pillow.open(put(tmp_path / "a.png", samples, PROFILE)) as read:
        read.load()
        assert np.array_equal(np.array(read), samples)
        assert read.info["icc_profile"] == PROFILE


def test_smooth_pictures_become_small_files(tmp_path):
    across = np.linspace(0, 255, 400).astype(np.uint8)
    smooth = np.repeat((across[:, None] // 2 + across // 2)[..., None], 3, axis=2)
    size = put(tmp_path / "a.png", smooth).stat().st_size
    assert size < smooth.size / 20


@pytest.mark.parametrize("shape", [(7, 9), (33, 5, 2), (40, 70, 3), (3, 64, 4)])
def test_sixteen_bits_come_back_whole(tmp_path, deep, shape):
    samples = deep(*shape)
    photo = read_photo(put(tmp_path / "a.png", samples, PROFILE))
    assert photo.bits == 16 and photo.icc == PROFILE
    if samples.ndim == 2:
        assert np.array_equal(photo.pixels, samples) and photo.alpha is None
        return
    colours = samples[..., 0] if shape[2] == 2 else samples[..., :3]
    assert np.array_equal(photo.pixels, colours)
    assert (photo.alpha is None) == (shape[2] == 3)
    assert photo.alpha is None or np.array_equal(photo.alpha, samples[..., -1])


@pytest.mark.parametrize(
    ("colour", "shape"), [(0, (6, 5)), (2, (6, 5, 3)), (4, (6, 5, 2)), (6, (6, 5, 4))]
)
def test_sixteen_bits_of_another_writer(tmp_path, deep, colour, shape):
    samples = deep(*shape)
    photo = read_photo(foreign_png(tmp_path / "a.png", samples, colour))
    planes = [photo.pixels] if photo.pixels.ndim == 2 else [*photo.pixels.transpose(2, 0, 1)]
    planes += [] if photo.alpha is None else [photo.alpha]
    expected = samples[None] if samples.ndim == 2 else samples.transpose(2, 0, 1)
    assert np.array_equal(np.stack(planes), expected)


def test_sixteen_bits_of_tiff(tmp_path, deep):
    tifffile = pytest.importorskip("tifffile")
    samples = deep(20, 30, 3)
    for name, options in (
        ("le", {"byteorder": "<"}),
        ("be", {"byteorder": ">"}),
        ("deflate", {"compression": "zlib", "predictor": True}),
    ):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, samples, photometric="rgb", **options)
        assert np.array_equal(read_photo(path).pixels, samples), name
    tifffile.imwrite(tmp_path / "gray.tif", samples[..., 0], byteorder=">")
    assert np.array_equal(read_photo(tmp_path / "gray.tif").pixels, samples[..., 0])


def test_a_transparent_colour_of_sixteen_bits_is_alpha(tmp_path, deep):
    samples = deep(6, 5, 3)
    samples[2, 3] = (300, 301, 302)
    data = struct.pack(">HHH", 300, 301, 302)
    crc = struct.pack(">I", zlib.crc32(b"tRNS" + data))
    chunk = struct.pack(">I", 6) + b"tRNS" + data + crc
    photo = read_photo(foreign_png(tmp_path / "a.png", samples, 2, chunk))
    assert photo.alpha[2, 3] == 0 and (photo.alpha == 0).sum() == 1
    assert photo.alpha.max() == 65535 and np.array_equal(photo.pixels, samples)


def test_eight_bits_of_every_kind(tmp_path, picture):
    kinds = {
        "gray": (Pillow.fromarray(picture(6, 7)), (6, 7), False),
        "rgb": (Pillow.fromarray(picture(6, 7, 3)), (6, 7, 3), False),
        "rgba": (Pillow.fromarray(picture(6, 7, 4)), (6, 7, 3), True),
        "la": (Pillow.fromarray(picture(6, 7, 2)), (6, 7), True),
        "bits": (Pillow.fromarray(picture(6, 7) > 128), (6, 7), False),
        "palette": (Pillow.fromarray(picture(6, 7, 3)).quantize(16), (6, 7, 3), False),
    }
    for name, (written, shape, alpha) in kinds.items():
        path = tmp_path / f"{name}.png"
        written.save(path)
        photo = read_photo(path)
        assert (photo.pixels.shape, photo.pixels.dtype) == (shape, np.uint8), name
        assert (photo.alpha is not None) is alpha, name
    assert "palette" in read_photo(tmp_path / "palette.png").notes[0]


def test_a_palette_with_a_transparent_colour_has_alpha(tmp_path, picture):
    written = Pillow.fromarray(picture(16, 17, 3)).quantize(16)
    written.save(tmp_path / "a.png", transparency=3)
    alpha = read_photo(tmp_path / "a.png").alpha
    assert np.array_equal(alpha == 0, np.array(written) == 3)


@pytest.mark.parametrize("how", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_turned_photo_is_read_upright(tmp_path, picture, how, suffix):
    exif = Pillow.Exif()
    exif[ORIENTATION] = how
    path = tmp_path / f"a.{suffix}"
    Pillow.fromarray(picture(16, 24, 4 if suffix == "png" else 3)).save(path, exif=exif)
    with Pillow.open(path) as opened:
        expected = np.array(ImageOps.exif_transpose(opened))
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, expected[..., :3])
    assert photo.alpha is None or np.array_equal(photo.alpha, expected[..., 3])


def test_a_turned_photo_of_sixteen_bits(tmp_path, deep):
    samples = deep(6, 8, 3)
    exif = Pillow.Exif()
    exif[ORIENTATION] = 6
    data = exif.tobytes()[6:]  # without "Exif\0\0"
    chunk = struct.pack(">I", len(data)) + b"eXIf" + data
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + data))
    photo = read_photo(foreign_png(tmp_path / "a.png", samples, 2, chunk))
    assert np.array_equal(photo.pixels, np.rot90(samples, -1))
    assert photo.notes == ("turned upright (EXIF orientation 6)",)


@pytest.mark.parametrize(("mode", "suffix", "said"), [
    ("CMYK", "jpg", "pixels are CMYK, expected gray or RGB"),
    ("F", "tif", "pixels are F, expected 8 or 16 bits"),
    ("I", "tif", "pixels are I, expected 8 or 16 bits"),
])  # fmt: skip
def test_what_has_no_one_meaning_is_refused(tmp_path, mode, suffix, said):
    path = tmp_path / f"a.{suffix}"
    Pillow.new(mode, (8, 8)).save(path)
    with pytest.raises(SrBenchError, match=rf"a\.{suffix}: {said}"):
        read_photo(path)


def test_several_pictures_damage_and_text_are_refused(tmp_path, picture):
    first, second = (Pillow.fromarray(picture(6, 7, 3)) for _ in range(2))
    first.save(tmp_path / "two.gif", save_all=True, append_images=[second])
    whole = io.BytesIO()
    first.save(whole, "png")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[:-40])
    (tmp_path / "text.png").write_text("not an image")
    deep = put(tmp_path / "deep.png", np.full((40, 40, 3), 77, np.uint16))
    deep.write_bytes(deep.read_bytes()[:80])
    said = {"two.gif": "2 pictures", "half.png": "truncated", "text.png": "not an image",
            "deep.png": "truncated", "none.png": "no such file"}  # fmt: skip
    for name, what in said.items():
        with pytest.raises(SrBenchError, match=f"{name}.*{what}"):
            read_photo(tmp_path / name)


@pytest.mark.parametrize("kind", ["tiff", "webp", "jpeg"])
def test_other_formats_keep_the_profile(tmp_path, picture, kind):
    samples = np.full((9, 8, 3), 90, np.uint8)
    header = Header((9, 8), 3, 8, PROFILE)
    write_photo(tmp_path / "a", header, bands(samples), kind)
    photo = read_photo(tmp_path / "a")
    assert photo.icc == PROFILE and np.abs(photo.pixels.astype(int) - 90).max() <= 1


def test_formats_that_would_lose_something_are_refused(tmp_path, picture, deep):
    rgba = read_photo(put(tmp_path / "a.png", picture(4, 4, 4)))
    deeper = read_photo(put(tmp_path / "b.png", deep(4, 4, 3)))
    check_format(tmp_path, rgba, "webp")
    check_format(tmp_path, deeper, "png")
    with pytest.raises(SrBenchError, match=r"jpeg would lose its alpha; write PNG"):
        check_format(tmp_path, rgba, "jpeg")
    with pytest.raises(SrBenchError, match=r"tiff would lose 16 bits a sample"):
        check_format(tmp_path, deeper, "tiff")


def test_rows_that_are_missing_or_too_wide_are_an_error_and_no_file(tmp_path, picture):
    header = Header((9, 8), 3)
    with pytest.raises(ValueError, match="5 rows were made, the picture has 9"):
        write_photo(tmp_path / "a.png", header, [picture(5, 8, 3)], "png")
    with pytest.raises(ValueError, match=r"a band is \(9, 7, 3\) of 8 bits"):
        write_photo(tmp_path / "a.png", header, [picture(9, 7, 3)], "png")
    assert list(tmp_path.iterdir()) == []
