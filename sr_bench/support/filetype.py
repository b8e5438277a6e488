"""What a file is, judged by its first bytes: for errors about files that are something else."""

from __future__ import annotations

import stat
from pathlib import Path

_HEAD = 4096  # bytes looked at
_STARTS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"II+\0": "a BigTIFF image",
    b"MM\0+": "a BigTIFF image",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cJXL ": "a JPEG XL image",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"v/1\x01": "an OpenEXR image",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF document",
    b"version https://git-lfs.github.com/spec/": "a Git LFS pointer",
    b"/annex/objects/": "a git-annex pointer",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"MATLAB 5.0": "a MATLAB file",
    b"\x7fELF": "a program",
    b"\0\x05\x16\x07": "data of macOS about another file (AppleDouble)",
    b"\0\x05\x16\0": "data of macOS about another file (AppleSingle)",
    **{bytes((0x80, protocol)): "a pickle" for protocol in (2, 3, 4, 5)},
    b"(dp": "a pickle",
    b"(lp": "a pickle",
    b"ccopy_reg\n": "a pickle",
    b"ccollections\n": "a pickle",
}
_SPECIAL = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def describe(path: Path) -> str:
    """What the file is, with its article: "an HTML page", "a Git LFS pointer", "plain text".

    It never raises: of a file that can't be read it says why.
    """
    if special := special_kind(path):
        return special
    try:
        with path.open("rb") as handle:
            return _of_bytes(handle.read(_HEAD))
    except OSError as error:
        return f"a file that can't be read ({error.strerror or error})"


def special_kind(path: Path) -> str | None:
    """What is there instead of a file: a folder, a pipe, a broken link, nothing; else ``None``.

    Opening a pipe would wait for ever, so ask here first.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            return f"a link to {path.readlink()}, which isn't there"
        return "missing"
    except OSError:  # a folder on the way may not be entered, or links go in a circle
        return None
    return next((kind for is_such, kind in _SPECIAL.items() if is_such(mode)), None)


def _of_bytes(head: bytes) -> str:
    if not head:
        return "an empty file"
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if not any(head):
        return "a file that begins with zeros"
    return _by_place(head) or _of_text(head) or "a file of an unknown kind"


def _by_place(head: bytes) -> str | None:
    """Kinds whose mark isn't at the start, or needs a second look."""
    if head[:4] == b"RIFF":
        return "a WebP image" if head[8:12] == b"WEBP" else "a RIFF file (sound or video)"
    if head[4:8] == b"ftyp":
        kinds = {b"avif": "an AVIF image", b"avis": "an AVIF image"}
        heif = "a HEIF image" if head[8:11] in (b"hei", b"hev", b"mif") else "a video"
        return kinds.get(head[8:12], heif)
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "a BMP image"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file"
    return None


def _of_text(head: bytes) -> str | None:
    text = _decoded(head)
    if text is None:
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")) or "<html" in start[:1000]:
        return "an HTML page"
    if start.startswith(("<?xml", "<svg", "<!doctype svg", "<error>")):
        return "an SVG drawing" if "<svg" in start else "an XML file"
    return "JSON text" if start.startswith(("{", "[")) else "plain text"


def _decoded(head: bytes) -> str | None:
    """The text, or ``None`` where bytes can't be one: control characters, no known encoding."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    head = head.removeprefix(b"\xef\xbb\xbf")
    try:
        text = head.decode("utf-16", errors="ignore") if wide else head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character; else it may be text of an older 8-bit encoding.
        cut = error.start >= len(head) - 3
        text = head[: error.start].decode() if cut else head.decode("latin-1")
    return text if all(c.isprintable() or c.isspace() for c in text) else None
