"""Pixels in and out: what is read, what is refused, and that a write is whole or isn't there."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sr_bench import images
from sr_bench.errors import SrBenchError


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png16(path, array):
    """A 16-bit PNG written by hand: Pillow can't save 16-bit RGB."""
    height, width = array.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 16, 2 if array.ndim == 3 else 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize("shape", [(17, 23), (17, 23, 3), (1, 1), (1, 1, 3)])
def test_what_is_written_is_read_back(tmp_path, picture, shape):
    image = picture(*shape)
    images.write(tmp_path / "new" / "a.png", image)
    back = images.read(tmp_path / "new" / "a.png")
    assert back.dtype == np.uint8
    assert np.array_equal(back, image)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.png"]


def test_bmp_and_jpeg_are_read_as_rgb(tmp_path):
    red = np.zeros((16, 24, 3), np.uint8)
    red[..., 0] = 250
    for name in ("a.bmp", "a.jpg"):
        Image.fromarray(red).save(tmp_path / name)
        assert np.abs(images.read(tmp_path / name).astype(int) - red).max() <= 3


def test_planes_other_than_rgb_are_tagged(tmp_path, picture):
    image = picture(8, 9, 3)
    images.write(tmp_path / "ycbcr.png", image, colour="ycbcr")
    images.write(tmp_path / "rgb.png", image)
    images.write(tmp_path / "gray.png", image[..., 0], colour="ycbcr")
    assert images.read_tagged(tmp_path / "ycbcr.png")[1] == "ycbcr"
    assert np.array_equal(images.read_tagged(tmp_path / "ycbcr.png")[0], image)
    assert images.read_tagged(tmp_path / "rgb.png")[1] == "rgb"
    assert images.read_tagged(tmp_path / "gray.png")[1] == "rgb"


def test_a_foreign_tag_is_ignored(tmp_path, picture):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("sr-bench:planes", "cmyk")
    Image.fromarray(picture(8, 9, 3)).save(tmp_path / "a.png", pnginfo=info)
    assert images.read_tagged(tmp_path / "a.png")[1] == "rgb"


def test_16_bit_gray_and_rgb_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    for name, shape in (("gray.png", (8, 9)), ("rgb.png", (8, 9, 3))):
        png16(tmp_path / name, rng.integers(0, 65536, shape))
        with pytest.raises(SrBenchError, match=rf"{name}: .*expected 8-bit.*more than 8 bits"):
            images.read(tmp_path / name)


@pytest.mark.parametrize(
    ("mode", "remedy"),
    [
        ("P", "palette: convert it to RGB"),
        ("RGBA", "alpha channel: flatten"),
        ("LA", "alpha channel: flatten"),
        ("1", "1 bit a pixel"),
    ],
)
def test_other_pixels_are_refused_with_a_remedy(tmp_path, mode, remedy):
    path = tmp_path / "odd.png"
    Image.new(mode, (9, 8)).save(path)
    with pytest.raises(SrBenchError, match=rf"odd\.png: pixels are {mode}, expected .*{remedy}"):
        images.read(path)


def test_cmyk_jpeg_is_refused(tmp_path):
    Image.new("CMYK", (9, 8)).save(tmp_path / "odd.jpg")
    with pytest.raises(SrBenchError, match=r"odd\.jpg: pixels are CMYK"):
        images.read(tmp_path / "odd.jpg")


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, picture, kind):
    whole = io.BytesIO()
    Image.fromarray(picture(20, 30, 3)).save(whole, kind)
    data = whole.getvalue()
    path = tmp_path / "cut.png"
    for length in range(0, len(data) - 20, 97):
        path.write_bytes(data[:length])
        with pytest.raises(SrBenchError, match=r"cut\.png: .*\d+ bytes"):
            images.read(path)


def test_damaged_bytes_never_escape_as_another_error(tmp_path, picture):
    path = tmp_path / "bad.png"
    images.write(path, picture(20, 30, 3))
    data, rng = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(200):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= rng.integers(1, 256)
        path.write_bytes(damaged)
        try:
            images.read(path)
        except SrBenchError:
            refused += 1
    assert refused > 100


def test_a_text_file_and_another_format_are_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    Image.new("RGB", (9, 8)).save(tmp_path / "b.png", format="TIFF")
    for name in ("a.png", "b.png"):
        with pytest.raises(SrBenchError, match=rf"{name}: not a PNG, BMP or JPEG file"):
            images.read(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SrBenchError, match=r"none\.png: no such file"):
        images.read(tmp_path / "none.png")


def test_only_uint8_is_written_and_nothing_is_lost(tmp_path, picture):
    path = tmp_path / "a.png"
    images.write(path, picture(8, 9))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"a\.png: image is float64, .*uint8; round it"):
        images.write(path, np.zeros((8, 9)))
    assert path.read_bytes() == before


def test_listing_is_sorted_and_holds_images_alone(tmp_path, picture):
    for name in ("b.PNG", "a.png", "c.bmp", "d.jpeg"):
        images.write(tmp_path / name, picture(4, 4))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in images.listing(tmp_path)] == ["a.png", "b.PNG", "c.bmp", "d.jpeg"]


def test_listing_of_nothing_is_an_error(tmp_path):
    with pytest.raises(SrBenchError, match=r"none: no such folder"):
        images.listing(tmp_path / "none")
    with pytest.raises(SrBenchError, match=r"no \.png.* file in it"):
        images.listing(tmp_path)
