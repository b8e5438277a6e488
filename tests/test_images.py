"""Pixels in and out: what is read, what is refused, and that a write is whole or isn't there."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError


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


NOT_IMAGES = {
    "an HTML page": b"<!DOCTYPE html><html><body>Sign in",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
    "an empty file": b"",
    "plain text": b"hello",
    "a zip archive": b"PK\3\4" + bytes(40),
    "a pickle": b"\x80\2}q\0.",
    "a file that begins with zeros": bytes(500),
}


@pytest.mark.parametrize(("what", "content"), NOT_IMAGES.items(), ids=NOT_IMAGES)
def test_a_file_that_is_no_image_is_said_to_be_what_it_is(tmp_path, what, content):
    (tmp_path / "a.png").write_bytes(content)
    fact = rf"a\.png: not an image but {what} \({len(content)} bytes\); replace it"
    with pytest.raises(SrBenchError, match=fact):
        images.read(tmp_path / "a.png")


def test_what_is_no_file_is_said(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "linked.png").symlink_to(tmp_path / "folder.png")
    (tmp_path / "broken.png").symlink_to("gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "round.png").symlink_to("round.png")
    found = images.listing(tmp_path)
    assert len(found) == 5  # none is left out: each is an error when it is read
    facts = {"folder": "a folder", "linked": "a folder", "pipe": "a named pipe"} | {
        "broken": "a link to gone.png, which isn't there",
        "round": "can't be read .*symbolic links",
    }
    for path in found:
        with pytest.raises(SrBenchError, match=rf"{path.name}: .*{facts[path.stem]}"):
            images.read(path)


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (PermissionError(13, "Permission denied"), "permission denied; make it readable"),
        (OSError(5, "Input/output error"), r"can't be read \(Input/output error\)"),
        (MemoryError(), "isn't enough memory"),
    ],
)
def test_an_intact_file_is_not_called_damaged(tmp_path, picture, monkeypatch, error, fact):
    def fails(*_, **__):
        raise error

    images.write(tmp_path / "a.png", picture(4, 4))
    monkeypatch.setattr(Image, "open", fails)
    with pytest.raises(SrBenchError, match=rf"a\.png: .*{fact}") as caught:
        images.read(tmp_path / "a.png")
    assert "damaged" not in str(caught.value)


LOSSLESS = {
    "a.tif": {"compression": "tiff_lzw"},
    "b.tiff": {"compression": "tiff_deflate"},
    "c.TIF": {},
    "d.webp": {"lossless": True},
    "e.ppm": {},
    "f.bmp": {},
    "g.PNG": {"interlace": 1},
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_are_read_exactly(tmp_path, picture, name):
    image = picture(17, 23, 3)
    Image.fromarray(image).save(tmp_path / name, **LOSSLESS[name])
    assert np.array_equal(images.read(tmp_path / name), image)


@pytest.mark.parametrize("name", ["a.tif", "a.pgm", "a.bmp", "a.jpg"])
def test_gray_images_of_other_formats(tmp_path, picture, name):
    image = np.full_like(picture(16, 24), 77)
    Image.fromarray(image).save(tmp_path / name)
    assert np.array_equal(images.read(tmp_path / name), image)


def test_gif_has_a_palette(tmp_path, picture):
    Image.fromarray(picture(8, 9)).save(tmp_path / "a.gif")
    with pytest.raises(SrBenchError, match=r"a\.gif: pixels are P, .*it has a palette: convert"):
        images.read(tmp_path / "a.gif")


def test_a_format_is_known_by_its_bytes(tmp_path, picture):
    image = picture(8, 9, 3)
    Image.fromarray(image).save(tmp_path / "b.png", format="TIFF")
    assert np.array_equal(images.read(tmp_path / "b.png"), image)


@pytest.mark.parametrize("name", ["a.jp2", "b.avif", "c.exr", "d.HEIC", "e.tga"])
def test_formats_that_would_lose_bits_in_silence_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"?")
    assert images.listing(tmp_path) == [tmp_path / name]
    with pytest.raises(SrBenchError, match=rf"{name}: .* isn't read; save it as 8-bit PNG"):
        images.read(tmp_path / name)


def tiff(path, array, **tags):
    """A TIFF written by hand: Pillow can't save 16-bit RGB, 64-bit floats or five channels."""
    height, width, *channels = array.shape
    count = channels[0] if channels else 1
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    values = {256: [width], 257: [height], 258: [array.itemsize * 8] * count, 259: [1]}
    values |= {262: [2 if count > 2 else 1], 273: [0], 277: [count], 278: [height]}
    values |= {279: [array.nbytes], 339: [kind] * count}
    values |= {338: [tags["extra"]] * (count - 3)} if "extra" in tags else {}
    head, tail = 8 + 2 + 12 * len(values) + 4, b""
    entries = b""
    for tag, numbers in sorted(values.items()):
        if tag == 273:
            continue
        packed = struct.pack(f"<{len(numbers)}H", *numbers)
        if len(packed) > 4:
            packed, tail = struct.pack("<I", head + len(tail)), tail + packed
        entries += struct.pack("<HHI4s", tag, 3, len(numbers), packed)
    entries += struct.pack("<HHII", 273, 4, 1, head + len(tail))
    data = struct.pack("<2sHIH", b"II", 42, 8, len(values)) + entries + bytes(4) + tail
    path.write_bytes(data + array.tobytes())


@pytest.mark.parametrize(
    ("array", "tags", "fact"),
    [
        (np.zeros((8, 9), np.uint16), {}, "more than 8 bits"),
        (np.zeros((8, 9, 3), np.uint16), {}, "more than 8 bits"),
        (np.zeros((8, 9), np.float32), {}, "more than 8 bits"),
        (np.zeros((8, 9), np.float64), {}, "of a kind that isn't read"),
        (np.zeros((8, 9), np.int8), {}, "have a sign"),
        (np.zeros((8, 9, 4), np.uint8), {"extra": 0}, "extra channel"),
        (np.zeros((8, 9, 4), np.uint8), {"extra": 2}, "alpha channel"),
    ],
    ids=["gray 16", "RGB 16", "float32", "float64", "int8", "RGBX", "RGBA"],
)
def test_tiff_that_is_not_8_bit_gray_or_rgb_is_refused(tmp_path, array, tags, fact):
    tiff(tmp_path / "a.tif", array, **tags)
    with pytest.raises(SrBenchError, match=rf"a\.tif: .*{fact}") as caught:
        images.read(tmp_path / "a.tif")
    assert "truncated" not in str(caught.value)


def test_the_tiff_that_is_written_by_hand_is_one(tmp_path, picture):
    for name, shape in (("gray.tif", (8, 9)), ("rgb.tif", (8, 9, 3))):
        image = picture(*shape)
        tiff(tmp_path / name, image)
        assert np.array_equal(images.read(tmp_path / name), image)


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "LAB", "YCbCr"])
def test_other_colours_in_tiff_are_refused(tmp_path, mode):
    Image.new(mode, (9, 8)).save(tmp_path / "a.tif")
    cut = "|it is a TIFF image that can't be decoded" if mode == "YCbCr" else ""  # before Pillow 13
    with pytest.raises(
        SrBenchError, match=rf"a\.tif: (pixels are {mode}, expected 8-bit gray{cut})"
    ):
        images.read(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("deep.ppm", b"P6 1 1 65535 " + bytes(6), r"levels are 0\.\.65535"),
        ("few.pgm", b"P5 2 1 100 \0\x64", r"levels are 0\.\.100"),
        ("text.pgm", b"P2 2 1 100 0 100\n", r"levels are 0\.\.100"),
        ("deep.pgm", b"P5 1 1 65535 " + bytes(2), "more than 8 bits"),
        ("float.pfm", b"Pf 1 1 -1.0\n" + bytes(4), "more than 8 bits"),
        ("one.pbm", b"P4 8 1 \xaa", "1 bit a pixel"),
    ],
)
def test_levels_that_pillow_would_stretch_are_refused(tmp_path, name, content, fact):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SrBenchError, match=rf"{name}: .*{fact}"):
        images.read(tmp_path / name)


@pytest.mark.parametrize(("size", "masks"), [(15, None), (16, (0xF800, 0x7E0, 0x1F))])
def test_bmp_of_five_bits_a_channel_is_refused(tmp_path, size, masks):
    pixels = bytes(2 * 4 * 2)
    extra = struct.pack("<3I", *masks) if masks else b""
    offset = 14 + 40 + len(extra)
    info = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 16, 3 if masks else 0, 16, 0, 0, 0, 0)
    head = struct.pack("<2sIHHI", b"BM", offset + 16, 0, 0, offset)
    (tmp_path / "a.bmp").write_bytes(head + info + extra + pixels)
    with pytest.raises(SrBenchError, match=r"a\.bmp: .*it has 5 bits a channel"):
        images.read(tmp_path / "a.bmp")


@pytest.mark.parametrize("bits", [2, 4])
def test_png_of_fewer_bits_is_read_exactly(tmp_path, bits):
    """PNG says how 2 and 4 bits become 8: by a factor without a remainder."""
    head = struct.pack(">IIBBBBB", 8 // bits, 1, bits, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\x1b")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    expected = {2: [0, 85, 170, 255], 4: [17, 187]}[bits]
    assert images.read(tmp_path / "a.png").tolist() == [expected]


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_an_orientation_other_than_upright_is_refused(tmp_path, picture, suffix, value):
    exif = Image.Exif()
    exif[0x0112] = value
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(picture(8, 9, 3)).save(path, exif=exif)
    if 2 <= value <= 8:
        with pytest.raises(SrBenchError, match=rf"EXIF orientation tag is {value}: .*exif_transp"):
            images.read(path)
    else:
        assert images.read(path).shape == (8, 9, 3)


def png(path, chunks, size=(9, 8)):
    """An RGB PNG with these chunks before and behind its pixels."""
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(size[1] * (1 + 3 * size[0])))
    before, behind = (b"".join(chunk(k, b) for k, b in part) for part in chunks)
    body = chunk(b"IHDR", head) + before + chunk(b"IDAT", rows) + behind + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_orientation_behind_the_pixels_of_a_png_and_in_xmp(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    png(tmp_path / "exif.png", ([], [(b"eXIf", exif.tobytes()[6:])]))
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
    png(tmp_path / "xmp.png", ([], [(b"iTXt", xmp)]))
    for name in ("exif.png", "xmp.png"):
        with pytest.raises(SrBenchError, match=rf"{name}: its EXIF orientation tag is 6"):
            images.read(tmp_path / name)


def test_damaged_exif_is_ignored(tmp_path, picture):
    image = Image.fromarray(picture(8, 9, 3))
    image.save(tmp_path / "a.jpg", exif=b"Exif\0\0" + b"\xff" * 40)
    image.save(tmp_path / "a.png", exif=b"Exif\0\0MM")
    for name in ("a.jpg", "a.png"):
        assert images.read(tmp_path / name).shape == (8, 9, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_one_transparent_colour_is_refused_as_alpha_is(tmp_path, mode):
    colour = (1, 2, 3) if mode == "RGB" else 1
    Image.new(mode, (9, 8)).save(tmp_path / "a.png", transparency=colour)
    with pytest.raises(SrBenchError, match=r"a\.png: one of its colours is transparent"):
        images.read(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "gif"])
def test_a_file_of_several_pictures_is_refused(tmp_path, suffix):
    frames = [Image.new("L", (9, 8), level) for level in (0, 100, 200)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(SrBenchError, match=rf"a\.{suffix}: it holds 3 pictures .*expected one"):
        images.read(tmp_path / f"a.{suffix}")


def test_a_picture_over_pillows_limit_is_read_and_the_limit_stays(tmp_path, picture, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    for name in ("a.png", "a.tif", "a.jpg"):
        Image.fromarray(picture(20, 30)).save(tmp_path / name)
        assert images.read(tmp_path / name).shape == (20, 30)
    assert Image.MAX_IMAGE_PIXELS == 50


def test_a_picture_over_our_limit_says_how_to_allow_it(tmp_path, picture, monkeypatch):
    images.write(tmp_path / "a.png", picture(20, 30))
    monkeypatch.setenv("SR_BENCH_MAX_PIXELS", "599")
    fact = r"a\.png: 30 x 20 pixels are more than the 599 .*set SR_BENCH_MAX_PIXELS=600"
    with pytest.raises(SrBenchError, match=fact):
        images.read(tmp_path / "a.png")
    monkeypatch.setenv("SR_BENCH_MAX_PIXELS", "600")
    assert images.read(tmp_path / "a.png").shape == (20, 30)


@pytest.mark.parametrize("text", ["", "many", "-1", "0", "1e9"])
def test_a_limit_that_is_no_number_is_wrong_use(tmp_path, picture, monkeypatch, text):
    images.write(tmp_path / "a.png", picture(4, 4))
    monkeypatch.setenv("SR_BENCH_MAX_PIXELS", text)
    with pytest.raises(SrBenchError, match=f"SR_BENCH_MAX_PIXELS is '{text}', expected a whole"):
        images.read(tmp_path / "a.png")


def declared(data, size):
    """A picture's bytes with another size in the header."""
    data = bytearray(data)
    if data[:2] == b"\xff\xd8":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", size, size)
    elif data[:2] == b"BM":
        data[18:26] = struct.pack("<ii", size, size)
    elif data[:2] == b"P5":
        data[:11] = b"P5 %d %d 255 " % (size, size)
    else:
        data[16:24] = struct.pack(">II", size, size)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "PPM"])
def test_a_header_that_declares_more_than_the_file_can_hold_is_refused(tmp_path, kind):
    small = io.BytesIO()
    Image.new("L" if kind == "PPM" else "RGB", (64, 64)).save(small, kind)
    (tmp_path / "a.png").write_bytes(declared(small.getvalue(), 12000))
    with pytest.raises(SrBenchError, match=r"12000 x 12000 pixels, more than its \d+ bytes can"):
        images.read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("best.png", {"compress_level": 9}),
        ("fast.png", {"compress_level": 1}),
        ("worst.jpg", {"quality": 1, "optimize": True}),
        ("progressive.jpg", {"quality": 1, "progressive": True}),
        ("flat.webp", {"lossless": True}),
        ("flat.tif", {"compression": "tiff_deflate"}),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_honest_picture_of_one_colour_is_read_however_small_its_file(
    tmp_path, name, options, mode
):
    Image.new(mode, (3000, 3000)).save(tmp_path / name, **options)
    assert (tmp_path / name).stat().st_size < 150_000
    assert images.read(tmp_path / name).shape[:2] == (3000, 3000)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_huge_text_or_profile_in_a_png_is_an_error(tmp_path, kind):
    packed = zlib.compress(bytes(3_000_000))
    png(tmp_path / "a.png", ([(kind, b"key\0\0" + packed)], []))
    png(tmp_path / "b.png", ([], [(kind, b"key\0\0" + packed)]))
    for name in ("a.png", "b.png"):
        with pytest.raises(SrBenchError, match=r"png: its text or colour profile is too large"):
            images.read(tmp_path / name)


def test_jpeg_of_12_bits_is_not_called_truncated(tmp_path, picture):
    whole = io.BytesIO()
    Image.fromarray(picture(16, 16)).save(whole, "JPEG")
    data = bytearray(whole.getvalue())
    data[data.index(b"\xff\xc0") + 4] = 12
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(SrBenchError, match=r"a\.jpg: .*12-bit.* or of a kind that isn't read"):
        images.read(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif"])
def test_a_file_cut_in_the_middle_is_called_damaged(tmp_path, picture, name):
    Image.fromarray(picture(40, 50)).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(SrBenchError, match=rf"{name}: .*damaged"):
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


def test_listing_is_sorted_and_tells_what_it_skips(tmp_path, picture):
    for name in ("b.PNG", "a.png", "c.bmp", "d.jpeg", "e.TiF", "f.webp"):
        images.write(tmp_path / name, picture(4, 4))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in (".DS_Store", "._a.png", "Thumbs.db", "Icon\r"):
        (tmp_path / name).touch()
    skipped = {}
    found = images.listing(tmp_path, skip=lambda path, why: skipped.update({path.name: why}))
    assert [p.name for p in found] == ["a.png", "b.PNG", "c.bmp", "d.jpeg", "e.TiF", "f.webp"]
    assert skipped == {
        "folder": "a folder; images in it are not looked at",
        "notes.txt": "no image (plain text)",
    }


def test_listing_warns_where_nobody_asks(tmp_path, picture):
    images.write(tmp_path / "a.png", picture(4, 4))
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY")
    with pytest.warns(UserWarning, match=r"b\.npy: skipped: no image \(a NumPy array\)"):
        images.listing(tmp_path)


@pytest.mark.parametrize("names", [("a.png", "a.jpg"), ("e\u0301.png", "\u00e9.png")])
def test_two_images_of_one_name_in_a_folder_are_both_named(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(SrBenchError) as caught:
        images.listing(tmp_path)
    assert all(name in str(caught.value) for name in names)


def test_listing_of_nothing_is_an_error(tmp_path):
    with pytest.raises(SrBenchError, match=r"none: no such folder"):
        images.listing(tmp_path / "none")
    (tmp_path / "a.txt").touch()
    with pytest.raises(SrBenchError, match=r"no image in it \(of 1 files and folders\); .*\.png"):
        images.listing(tmp_path)
    with pytest.raises(SrBenchError, match=r"a\.txt: is an empty file, expected a folder"):
        images.listing(tmp_path / "a.txt")
