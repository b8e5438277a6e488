"""What a file is, by its bytes."""

import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from sr_bench.support.filetype import describe, special_kind


def saved(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def picture(kind):
    return saved(lambda b: Image.new("RGB", (8, 8)).save(b, kind))


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
CONTENTS = {
    "an empty file": b"",
    "an HTML page": b"\n<!DOCTYPE html><html><head><title>Quota exceeded</title>",
    "a Git LFS pointer": LFS.encode(),
    "a zip archive": saved(lambda b: zipfile.ZipFile(b, "w").writestr("a", "b")),
    "a gzip file": gzip.compress(b"x"),
    "a pickle": pickle.dumps({"a": 1}),
    "a safetensors file": (2).to_bytes(8, "little") + b"{}",
    "a NumPy array": saved(lambda b: np.save(b, np.zeros(3))),
    "a tar archive": b"name".ljust(257, b"\0") + b"ustar\0" + b"\0" * 249,
    "a file that begins with zeros": b"\0" * 9000,
    "JSON text": b'{"message": "Not Found"}',
    "an XML file": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "an SVG drawing": b'<?xml version="1.0"?><svg width="8">',
    "plain text": "caf\u00e9, 26.3 dB\n".encode(),
    "a file of an unknown kind": bytes(range(1, 255)),
    "a PNG image": picture("PNG"),
    "a BMP image": picture("BMP"),
    "a JPEG image": picture("JPEG"),
    "a TIFF image": picture("TIFF"),
    "a WebP image": picture("WEBP"),
}


@pytest.mark.parametrize(("kind", "content"), CONTENTS.items(), ids=CONTENTS)
def test_a_file_is_what_its_bytes_say(tmp_path, kind, content):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    assert describe(path) == kind


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_any_protocol(tmp_path, protocol):
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"a": [1.5, "b"]}, protocol=protocol))
    expected = "a file of an unknown kind" if protocol == 1 else "a pickle"  # 1 has no mark
    assert describe(tmp_path / "x.pth") == expected


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_text_and_pages_in_other_encodings(tmp_path, encoding):
    path = tmp_path / "x"
    path.write_text("caf\u00e9 cr\u00e8me\n" * 900, encoding=encoding)
    assert describe(path) == "plain text"
    path.write_text("<html><body>caf\u00e9", encoding=encoding)
    assert describe(path) == "an HTML page"


def test_text_that_is_cut_inside_a_character(tmp_path):
    (tmp_path / "x").write_text("\u20ac" * 4000, encoding="utf-8")
    assert describe(tmp_path / "x") == "plain text"


def test_what_is_no_file_is_said_and_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to("gone.png")
    (tmp_path / "round.png").symlink_to("round.png")
    (tmp_path / "linked.png").symlink_to(tmp_path)
    assert describe(tmp_path) == describe(tmp_path / "linked.png") == "a folder"
    assert describe(tmp_path / "pipe.png") == "a named pipe"
    assert describe(tmp_path / "broken.png") == "a link to gone.png, which isn't there"
    assert describe(tmp_path / "none.png") == "missing"
    assert "can't be read" in describe(tmp_path / "round.png")
    (tmp_path / "a.png").touch()
    assert special_kind(tmp_path / "a.png") is None
