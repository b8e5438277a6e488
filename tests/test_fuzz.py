"""Readers of other people's files, fed with anything: content, or one error of ours.

Short here, and the same examples each time; `make fuzz` takes long, and new ones.
"""

import io
import json
import os
import pickletools
import string
import unicodedata
import zipfile
from contextlib import suppress
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save
from scipy.io import savemat

from sr_bench.analysis.submissions.bundle import open_bundle
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.plugins import CatalogueFile, packaged_file
from sr_bench.data.catalogue.protocols import read_protocols
from sr_bench.data.catalogue.sources import Sources
from sr_bench.data.datasets.manifest import read_dataset
from sr_bench.data.datasets.unpack import unpack
from sr_bench.evaluation.scoring.table import CELL_COLUMNS, read_scores
from sr_bench.imaging import images
from sr_bench.imaging.photos import read_photo
from sr_bench.networks.caffe_files import read_caffemodel, write_caffemodel
from sr_bench.networks.foreign.onnx_files import external_files, is_onnx
from sr_bench.networks.mat_files import read_mat
from sr_bench.networks.weights import read_checkpoint
from sr_bench.project.params import check_params
from sr_bench.report.tables.formats import latex_text, markdown
from sr_bench.report.tables.formats.html import html_table
from sr_bench.report.tables.model import Column, Group, Table
from sr_bench.support.errors import SrBenchError, printable
from sr_bench.support.strict_yaml import read_yaml

pytestmark = pytest.mark.usefixtures("little_memory")
LONG = "SR_BENCH_FUZZ" in os.environ
EXAMPLES = int(os.environ.get("SR_BENCH_FUZZ", "30"))
# No race with a clock, and nothing kept between runs.
fuzzed = settings(max_examples=EXAMPLES, derandomize=not LONG, deadline=None, database=None)


@st.composite
def damaged(draw, whole):
    """Bytes that begin as a file of some kind and don't go on as such."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(("flip", "number", "cut", "repeat", "insert", "drop")))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "number":
            data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f")))
        elif kind == "cut":
            del data[at:]
        elif kind == "repeat":
            data[at:at] = data[at : at + 64] * draw(st.integers(1, 20))
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=16))
        else:
            del data[at : at + draw(st.integers(1, 32))]
    return bytes(data)


def tried(read, content, name="file"):
    """What ``read`` makes of a file with that content; ``None`` where it refuses it as ours do."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read(path)
        except SrBenchError as error:
            said = str(error)
    assert str(path) in said and len(said) < 12_000
    return None


# Images


@cache
def pictures():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (19, 23, 3), dtype=np.uint8)
    kinds = {
        "a.png": {},
        "a.bmp": {},
        "a.jpg": {"progressive": True},
        "a.tif": {},
        "b.tif": {"compression": "tiff_lzw"},
        "c.tif": {"compression": "tiff_deflate"},
        "a.webp": {"lossless": True},
        "a.ppm": {},
        "a.gif": {},
    }
    made = {}
    for name, options in kinds.items():
        out = io.BytesIO()
        format = {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper())
        Image.fromarray(pixels).save(out, format, **options)
        made[name] = out.getvalue()
    return made


@pytest.mark.parametrize("name", pictures())
@pytest.mark.filterwarnings("ignore")  # of Pillow, on what it passes over
def test_images(name):
    @fuzzed
    @given(damaged(pictures()[name]))
    def check(content):
        found = tried(images.read, content, name)
        assert found is None or (found.dtype == np.uint8 and found.ndim in (2, 3))
        photo = tried(read_photo, content, name)
        assert photo is None or photo.pixels.dtype in (np.uint8, np.uint16)

    check()


# Weights


@cache
def weights():
    state = {"head.weight": torch.ones(2, 3), "head.bias": torch.ones(2)}
    made = {"net.safetensors": save(state)}
    for name, modern in (("new.pth", True), ("old.pth", False)):
        out = io.BytesIO()
        torch.save({"params": state, "epoch": 3}, out, _use_new_zipfile_serialization=modern)
        made[name] = out.getvalue()
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = np.ones((2, 3)), np.zeros(4)
    for name, packed in (("net.mat", False), ("packed.mat", True)):
        out = io.BytesIO()
        savemat(out, {"net": {"w": cell, "t": "text"}, "b": np.ones(3)}, do_compression=packed)
        made[name] = out.getvalue()
    with TemporaryDirectory() as folder:
        with h5py.File(Path(folder) / "x", "w", userblock_size=512) as file:
            file["net/w"], file["net/b"] = np.ones((2, 3)), np.ones(3)
        made["hdf5.mat"] = b"MATLAB 7.3" + (Path(folder) / "x").read_bytes()[10:]
        write_caffemodel(Path(folder) / "y", state)
        made["net.caffemodel"] = (Path(folder) / "y").read_bytes()
    return made


def reader(name):
    suffix = name.rpartition(".")[2]
    return {"mat": read_mat, "caffemodel": read_caffemodel}.get(suffix, read_checkpoint)


@pytest.mark.parametrize("name", weights())
@pytest.mark.filterwarnings("ignore")  # of SciPy and PyTorch, on what they pass over
def test_weights(name):
    @fuzzed
    @given(damaged(weights()[name]))
    def check(content):
        found = tried(reader(name), content, name)
        assert found is None or len(found)

    check()


CODES = [c for c in pickletools.opcodes if c.name not in ("EXT1", "EXT2", "EXT4", "INST")]


GLOBALS = (
    b"os\nsystem\n",
    b"torch\nTensor\n",
    b"torch\nSize\n",
    b"__builtin__\nset\n",
    b"torch._utils\n_rebuild_tensor_v2\n",
)


@st.composite
def instruction(draw):
    code = draw(st.sampled_from(CODES))
    byte = code.code.encode("latin-1")
    if code.arg is None:
        return byte
    if code.name == "GLOBAL":
        return byte + draw(st.sampled_from(GLOBALS))
    if code.arg.n > 0:
        return byte + draw(st.binary(min_size=code.arg.n, max_size=code.arg.n))
    return byte + draw(st.sampled_from((b"\1\0\0\0a", b"1\n", b"\1a", b"\1" + bytes(7) + b"a")))


@fuzzed
@given(st.lists(instruction(), max_size=40), st.booleans())
@pytest.mark.filterwarnings("ignore")
def test_pickles(parts, packed):
    content = b"\x80\x02" + b"".join(parts) + b"."
    if packed:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as bundle:
            bundle.writestr("net/data.pkl", content)
            bundle.writestr("net/version", "3\n")
        content = out.getvalue()
    tried(read_checkpoint, content)


@fuzzed
@given(st.binary(max_size=200).map(lambda tail: b"\x08\x07" + tail))
def test_onnx(content):
    def read(path):
        return is_onnx(path) and external_files(path)

    tried(read, content)


# Archives


@cache
def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in ("a.png", "x/b.png", "x/c.png"):
            bundle.writestr(name, name * 30)
    return out.getvalue()


@fuzzed
@given(damaged(zipped()))
def test_archives(content):
    def read(path):
        try:
            unpack(path, path.parent / "out")
        except OSError as error:
            if not error.filename:  # a name that the disk won't have is told as it is
                raise
        finally:
            assert {p.name for p in path.parent.iterdir()} <= {path.name, "out"}

    tried(read, content)


SUBMISSION = {
    "model": "m", "by": "b",
    "environment": {"software": "s", "python": "3", "system": "l", "packages": {"a": "1"}},
    "results": [{
        "dataset": "Set5", "protocol": "edsr-2017", "scale": 2, "signature": "s",
        "means": {"psnr": 3.0},
        "images": [{"image": "a", "sha256": "0" * 64, "values": {"psnr": 3.0}}],
    }],
}  # fmt: skip

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["../x", "Set5", "edsr-2017", "\x1b[2J", "<b>", "x" * 5000, 10**400]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.text(max_size=8), inside, max_size=3)
        | st.dictionaries(st.integers(), inside, max_size=1)
    ),
    max_leaves=6,
)


@st.composite
def changed(draw, content):
    """A tree with another value, or another key, somewhere."""
    if isinstance(content, dict) and content and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(content, key=str)))
        inner = {**content, key: draw(changed(content[key]))}
        if not draw(st.integers(0, 7)):
            inner[draw(st.text(max_size=8))] = inner.pop(key)
        return inner
    if isinstance(content, (list, tuple)) and content and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(content) - 1))
        return [*content[:at], draw(changed(content[at])), *content[at + 1 :]]
    return draw(ANYTHING)


@fuzzed
@given(changed(SUBMISSION))
def test_submissions(content):
    def read(path):
        path.unlink()
        path.mkdir()
        text = json.dumps({str(k): v for k, v in content.items()} if content.__class__ is dict
                          else content)  # fmt: skip
        (path / "submission.json").write_text(text)
        with open_bundle(path) as bundle:
            return bundle.submission

    tried(read, b"")


# Files of a project


PARAMS = {
    "methods": ["methods"], "ledger": None, "fetch": ["Set5"],
    "datasets": {"mine": {"folder": "pictures", "glob": "*.png", "protocols": ["edsr-2017"]}},
    "protocols": {"edsr-2017": ["Set5"]},
    "runs": {"bicubic-x2": {"method": "bicubic", "scale": 2, "protocols": ["edsr-2017"]}},
    "train": {"a-b-sr-bench-t91-x2": {
        "method": "a", "variant": "b", "recipe": "r", "data": "T91", "scales": [2]}},
    "figures": {"one": {
        "image": "Set5/baby", "scale": 2, "protocol": "edsr-2017", "runs": ["bicubic-x2"],
        "box": [0, 0, 16, 16]}},
    "viewer": {"local": {"protocol": "edsr-2017", "images": {"Set5": "all"}}},
}  # fmt: skip
CATALOGUE = Catalogue.installed()


@fuzzed
@given(changed(PARAMS))
def test_params(content):
    text = yaml.safe_dump(content, allow_unicode=True)
    tried(lambda path: check_params(path.read_text(), path, CATALOGUE), text.encode())


@fuzzed
@given(st.text(alphabet="&*!<:-[]{}'\"#|>?,%@ \nab0\t.~\\x", max_size=120))
def test_yaml(text):
    with suppress(yaml.YAMLError):
        read_yaml(text)


SOURCES = {"mine": {
    "kind": "images", "title": "t", "licence": "l", "base": "https://example.org/a/",
    "files": {"a.png": f"3 {'0' * 64}"}, "urls": {"a.png": ["https://example.org/a.png"]}},
    "both": {"title": "t", "of": ["mine"], "without": []},
    "hand": {"kind": "by-hand", "title": "t", "licence": "l", "page": "https://x.org/",
             "images": 3},
}  # fmt: skip
OWN_PROTOCOLS = {
    "degradations": {"own": {
        "colour": "rgb", "modcrop": "scale", "rounding": "once", "border": "mirror"}},
    "protocols": {"own": {
        "version": 1, "summary": "s", "source": "s", "degradation": "own", "colour": "y",
        "y": "float", "gray": "rgb", "crop": {"times": 1, "plus": 0}, "metrics": ["psnr"],
        "tolerance": {"psnr": 0.1, "ssim": 0.1}}},
}  # fmt: skip


@fuzzed
@given(changed(SOURCES))
def test_catalogue(content):
    text = yaml.safe_dump(content, allow_unicode=True)

    def read(path):
        return Sources.of([CatalogueFile(str(path), path.read_bytes(), "me")]).all()

    tried(read, text.encode())


@fuzzed
@given(changed(OWN_PROTOCOLS))
def test_protocols(content):
    text = yaml.safe_dump(content, allow_unicode=True)

    def read(path):
        own = CatalogueFile(str(path), path.read_bytes(), "me")
        found = read_protocols([packaged_file("protocols.yaml"), own])
        return [p.signature for p in found.protocols.values()]

    tried(read, text.encode())


MANIFEST = {
    "dataset": "Set5",
    "images": [{"name": "a.png", "shape": [8, 8, 3], "sha256": "0" * 64}],
    "lr": {"2": [{"name": "b.png", "shape": [4, 4, 3], "sha256": "1" * 64}]},
}


@fuzzed
@given(changed(MANIFEST))
def test_manifests(content):
    def read(path):
        return list(read_dataset(path, "Set5", path.parent).all_entries())

    for entry in tried(read, json.dumps(content).encode()) or ():
        assert ".." not in Path(entry.name).parts and not Path(entry.name).is_absolute()


FIELD = st.text(max_size=10) | st.sampled_from(
    [
        "nan",
        "inf",
        "1e400",
        "-0",
        "9" * 5000,
        "1_0",
        "²",
        "\x1b[2J",
        '"',
        "a,b",
        "=1+1",
        "2",
        "30.5",
    ]
)


@fuzzed
@given(st.lists(st.lists(FIELD, min_size=10, max_size=12), max_size=3))
def test_score_tables(rows):
    lines = [",".join(CELL_COLUMNS), *(",".join(row) for row in rows)]
    found = tried(read_scores, "\n".join(lines).encode("utf-8", "surrogatepass"))
    assert found is None or list(found) == CELL_COLUMNS


def test_a_field_of_ten_megabytes_is_refused():
    text = ",".join(CELL_COLUMNS) + "\n" + "x" * 10_000_000
    assert tried(read_scores, text.encode()) is None


# Names, wherever they are shown

HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        *("<script>alert(1)</script>", "&lt;", "{{ 7 }}", "](javascript:x)", "<!-- end: x -->"),
        *("\\input{/etc/passwd}", "\\end{document}", "^^5c", "`", "$", "%", "a | b", "\n# x"),
        *("\x1b]0;x\x07", "\u202e"),
    ]
)


class Tags(HTMLParser):
    """The elements of a page, and their attributes' names."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, sorted(name for name, _ in attrs)))


def table(name):
    columns = (Column("a", name), Column("b", "b", code=True))
    groups = (Group(name, name, ((name, name),)),)
    return Table("t", name, name, columns, groups, signatures=(name,), remarks=(name,))


def tags(name):
    parser = Tags()
    parser.feed(html_table(table(name)))
    parser.close()
    return parser.found


@fuzzed
@given(HOSTILE)
def test_a_name_is_text_on_a_page(name):
    assert tags(f"x{name}") == tags("x")


@fuzzed
@given(HOSTILE)
def test_a_name_is_text_in_latex(name):
    known = set(string.ascii_letters + string.digits + string.punctuation + " ")
    for made in (latex_text.escape(name), latex_text.code(name)):
        assert set(made) <= known
        bare = made.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
        assert bare.count("{") == bare.count("}")
        for sign in "%&#_":
            assert made.count(sign) == made.count(f"\\{sign}")
        assert "\\input" not in made and "\\end" not in made and "^^" not in made


@fuzzed
@given(HOSTILE)
def test_a_name_is_text_in_markdown(name):
    made = markdown.escape(name)
    assert "\n" not in made and "<" not in made and ">" not in made
    plain = made.replace("\\\\", "")
    for sign in "`[]|*_~$":
        assert plain.count(sign) == plain.count(f"\\{sign}")
    shown = markdown.code(name)
    assert "\n" not in shown and "<!--" not in shown
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(fence) and fence not in shown[len(fence) : -len(fence)]


@fuzzed
@given(HOSTILE)
def test_a_name_moves_no_cursor(name):
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in printable(name))


def test_what_is_fuzzed_is_read_when_it_is_whole():
    """Without this the tests above could fuzz what is refused at the first byte."""
    for name, content in pictures().items():
        assert tried(read_photo, content, name) is not None
    for name, content in weights().items():
        assert tried(reader(name), content, name)
    assert check_params(yaml.safe_dump(PARAMS), Path("params.yaml"), CATALOGUE)
    assert tried(lambda p: len(unpack(p, p.parent / "out")), zipped()) == 3
