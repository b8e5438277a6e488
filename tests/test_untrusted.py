"""Files made to do harm: each is refused by what it is, runs nothing, and costs no memory."""

import io
import json
import pickle
import stat
import struct
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.io import savemat
from scipy.sparse import coo_matrix

from sr_bench.analysis.ledger.citations import Citation, bibtex, read_citations
from sr_bench.analysis.ledger.ledger import reproduce_command
from sr_bench.data.catalogue.entries import CatalogueError
from sr_bench.data.catalogue.plugins import CatalogueFile, packaged_file
from sr_bench.data.catalogue.protocols import read_protocols
from sr_bench.data.datasets.manifest import read_dataset
from sr_bench.data.datasets.unpack import unpack
from sr_bench.imaging import images
from sr_bench.imaging.photos import read_photo
from sr_bench.networks import checkpoint, limits, mat_hdf5
from sr_bench.networks.caffe_files import read_caffemodel
from sr_bench.networks.foreign import torchscript
from sr_bench.networks.foreign.recognise import open_checkpoint
from sr_bench.networks.mat_files import read_mat
from sr_bench.networks.opened import OpenOptions
from sr_bench.networks.weights import read_checkpoint
from sr_bench.report.tables.formats.markdown import code
from sr_bench.support import notices, zips
from sr_bench.support.errors import SourceError, SrBenchError, WrongUse

pytestmark = pytest.mark.usefixtures("little_memory")
STATE = {"head.weight": torch.ones(2, 3), "head.bias": torch.ones(2)}


# Archives


def member(name, mode=0):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def archive(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for info, content in members:
            bundle.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def below(folder):
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("kind", ["S_IFLNK", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"])
def test_of_an_archive_only_files_are_unpacked(tmp_path, kind):
    evil = member("evil.png", getattr(stat, kind) | 0o666)
    path = archive(tmp_path / "a.zip", (member("good.png"), b"1"), (evil, b"/etc/passwd"))
    with pytest.raises(SourceError, match=r"a\.zip: member 'evil\.png' is no file.*nothing was"):
        unpack(path, tmp_path / "out")
    assert below(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("names", "fact"),
    [
        (["a.png", "a.png"], "two members are 'a.png'"),
        (["a.png", "A.PNG"], "two members are 'A.PNG'"),
        (["a", "a/b.png"], "'a/b.png' lies in another member"),
        (["."], "member '.' is no file"),
        ([""], "member '' is no file"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_place_are_refused(tmp_path, names, fact):
    path = archive(tmp_path / "a.zip", *((member(name), b"x") for name in names))
    with pytest.raises(SourceError, match=fact):
        unpack(path, tmp_path / "out")
    assert below(tmp_path / "out") == []


def test_a_zip_bomb_is_refused_by_what_it_would_unpack_to(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "_ALWAYS", 10_000)
    path = archive(tmp_path / "a.zip", *((member(f"{i}.png"), bytes(90_000)) for i in range(9)))
    with pytest.raises(SourceError, match=r"would unpack to 810,000, more than the [\d,]+ that"):
        unpack(path, tmp_path / "out")
    assert below(tmp_path / "out") == []


def lying(content, size):
    """A zip whose first header, and whose list of members, say another size of one member."""
    data = bytearray(content)
    struct.pack_into("<I", data, 22, size)
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, size)
    return bytes(data)


def test_a_member_gives_no_more_than_its_header_says(tmp_path):
    path = archive(tmp_path / "a.zip", (member("a.png"), bytes(90_000)))
    path.write_bytes(lying(path.read_bytes(), 10))
    with pytest.raises(SourceError, match="damaged or isn't read"):
        unpack(path, tmp_path / "out")
    assert below(tmp_path / "out") == []


@pytest.mark.parametrize(("at", "value"), [(6, 1), (8, 99)])  # a password; no such compression
def test_an_archive_that_is_not_read_is_one_error(tmp_path, at, value):
    path = archive(tmp_path / "a.zip", (member("a.png"), b"x"))
    data = bytearray(path.read_bytes())
    data[at] = value
    data[data.index(b"PK\1\2") + at + 2] = value
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"a\.zip: a zip archive that is damaged or isn't read"):
        unpack(path, tmp_path / "out")


# Images


def tiff(*entries, then=0):
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + fields + struct.pack("<I", then)


def chunk(kind, data):
    crc = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


SIDE = 100_000
LARGE = {
    "a.png": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(9)))
    + chunk(b"IEND", b""),
    "a.bmp": b"BM"
    + struct.pack("<IHHI", 80, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, 0, 0, 0, 0, 0)
    + bytes(26),
    "a.tif": b"II*\0\x08\0\0\0"
    + tiff(
        (256, 4, 1, SIDE), (257, 4, 1, SIDE), (258, 3, 1, 8), (259, 3, 1, 5), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, SIDE), (279, 4, 1, 9),
    ),
    "a.ppm": b"P6 %d %d 255\n" % (SIDE, SIDE),
    "a.gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\0;",
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_header_of_ten_gigapixels_is_refused_with_size_and_limit(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LARGE[name])
    side = 65535 if name == "a.gif" else SIDE
    for read in (read_photo,) if name == "a.gif" else (images.read, read_photo):
        with pytest.raises(SrBenchError) as caught:
            read(path)
        assert f"{side} x {side} pixels" in str(caught.value)
        assert "268,435,456" in str(caught.value)


def test_a_chain_of_a_hundred_thousand_pages_is_not_counted(tmp_path):
    page = Image.new("L", (8, 8))
    page.save(tmp_path / "one.tif")
    one = (tmp_path / "one.tif").read_bytes()
    start = len(one)
    chain = b"".join(tiff(then=start + 6 * (i + 1)) for i in range(180_000))
    data = bytearray(one + chain + tiff())
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * count, start)
    (tmp_path / "many.tif").write_bytes(bytes(data))
    with pytest.raises(SrBenchError, match="it holds several pictures"):
        images.read(tmp_path / "many.tif")


# Pickles


class Evil:
    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return open, (str(self.proof), "w")


def refused(read, path, fact):
    with pytest.raises(SrBenchError) as caught:
        read(path)
    assert str(path) in str(caught.value) and fact in str(caught.value)
    assert len(str(caught.value)) < 2000


def in_zip(path, content):
    """A pickle as the ``data.pkl`` of a checkpoint."""
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("net/data.pkl", content)
        bundle.writestr("net/version", "3\n")
        bundle.writestr("net/byteorder", "little")
    return path


def laughs(levels):
    """A tuple of two that are one, of two that are one, and so on, as a key."""
    again = b"".join(b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(levels))
    return b"\x80\x02}K\x01\x85q\0" + again + b"K\x01s."


LONG = b"\x8a\x05" + (10**11).to_bytes(5, "little")
PICKLES = {
    "code": (b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.", "os.system"),
    "code, newer": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "os.system"),
    "bytes of any number": (
        b"\x80\x02c__builtin__\nbytearray\n" + LONG + b"\x85R.",
        "bytearray",
    ),
    "a tuple without end": (laughs(60), "a tuple in it holds itself over and over"),
}


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.parametrize("packed", [True, False])
def test_a_pickle_is_judged_before_it_is_followed(tmp_path, monkeypatch, kind, packed):
    content, fact = PICKLES[kind]
    path = tmp_path / "net.pth"
    in_zip(path, content) if packed else path.write_bytes(content)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was followed"))
    refused(read_checkpoint, path, fact)


def test_a_pickle_is_refused_wherever_it_lies(tmp_path):
    proof = tmp_path / "code-was-run"
    evil = pickle.dumps(Evil(proof), protocol=2)
    torch.save({"x": Evil(proof)}, tmp_path / "net.pth")
    whole = (tmp_path / "net.pth").read_bytes()
    archive(tmp_path / "zip.pth", (member("net.pth"), whole))
    with tarfile.open(tmp_path / "tar.pth", "w") as bundle:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            info = tarfile.TarInfo(name)
            info.size = len(evil)
            bundle.addfile(info, io.BytesIO(evil))
    tar = bytearray((tmp_path / "tar.pth").read_bytes())
    tar[:9] = b"\x80\x02pickle\0"  # a name that begins as a pickle does
    (tmp_path / "both.pth").write_bytes(bytes(tar))
    savemat(tmp_path / "net.mat", {"w": np.ones(2), "code": np.frombuffer(evil, np.uint8)})
    for name in ("net.pth", "zip.pth", "tar.pth", "both.pth"):
        refused(read_checkpoint, tmp_path / name, name)
    assert read_mat(tmp_path / "net.mat")["code"].shape == (1, len(evil))
    assert not proof.exists()
    pickle.loads(evil)  # the attack itself works
    assert proof.exists()


def test_dictionaries_that_hold_one_another_many_times_are_looked_into_once(tmp_path):
    content = {}
    for _ in range(5):
        content = {f"k{i}": content for i in range(300)}
    torch.save(content, tmp_path / "net.pth")
    refused(read_checkpoint, tmp_path / "net.pth", "holds no dictionary of tensors")


def test_a_tensor_of_more_values_than_the_file_holds_is_refused(tmp_path):
    torch.save({"w": torch.ones(1).expand(10**6, 10**6)}, tmp_path / "net.pth")
    refused(read_checkpoint, tmp_path / "net.pth", "4,000,000,000,000 bytes")
    torch.save({"w": torch.ones(2, 2, device="meta")}, tmp_path / "net.pth")
    refused(read_checkpoint, tmp_path / "net.pth", "tensors without values: w")
    torch.save({"w": torch.ones(1).expand(10, 10)}, tmp_path / "net.pth")  # honest
    assert read_checkpoint(tmp_path / "net.pth")["w"].shape == (10, 10)


def test_tensors_of_a_size_that_is_written_are_refused(tmp_path):
    made = b"ctorch\nTensor\nJ\0\0\1\0J\0\0\1\0\x86R"  # 65,536 x 65,536
    path = in_zip(tmp_path / "net.pth", b"\x80\x02}X\x01\0\0\0w" + made + b"s.")
    refused(read_checkpoint, path, "net.pth")  # too large, or where there is no memory: damaged


def test_a_packed_checkpoint_that_is_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_ALWAYS", 1 << 20)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("net/data.pkl", b"\x80\x02}." + bytes(1 << 21))
    (tmp_path / "net.pth").write_bytes(bomb.getvalue())
    refused(read_checkpoint, tmp_path / "net.pth", "would unpack to 2,097,156")


def test_a_zip_whose_end_python_does_not_find_is_refused(tmp_path):
    torch.save({"x": Evil(tmp_path / "proof")}, tmp_path / "net.pth")
    path = tmp_path / "net.pth"
    path.write_bytes(path.read_bytes() + b"PK\5\6")
    refused(read_checkpoint, path, "damaged or cut off")


# MATLAB files


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def cell(inside, length=None):
    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", 1, 1))
    head += element(1, b"")
    whole = element(14, head + inside)
    return whole if length is None else struct.pack("<II", 14, length) + whole[8:]


def mat(*elements):
    return b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\0\x01IM" + b"".join(elements)


@pytest.mark.parametrize("length", [None, 1])
def test_cells_that_lie_in_each_other_without_end_are_refused(tmp_path, length):
    inside = b""
    for _ in range(3000):
        inside = cell(inside, length)
    for content in (inside, struct.pack("<II", 15, len(p := zlib.compress(inside))) + p):
        (tmp_path / "net.mat").write_bytes(mat(content))
        refused(read_mat, tmp_path / "net.mat", "more than 50 cells or structs lie inside")


def test_a_mat_file_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_ALWAYS", 1 << 20)
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(3)) + packer.flush()
    (tmp_path / "net.mat").write_bytes(mat(struct.pack("<II", 15, len(packed)) + packed))
    refused(read_mat, tmp_path / "net.mat", "would unpack to more than the")


def test_a_sparse_matrix_that_is_too_large_to_write_out_is_refused(tmp_path):
    huge = coo_matrix(([1.0], ([0], [0])), shape=(10**5, 10**5)).tocsc()
    savemat(tmp_path / "net.mat", {"w": huge})
    refused(read_mat, tmp_path / "net.mat", "w is a sparse matrix of 100000 x 100000")


@pytest.mark.parametrize("compress", [False, True])
def test_honest_structs_cells_and_texts_pass(tmp_path, compress):
    inner = np.empty((2, 2), object)
    inner[:] = [[np.ones((2, 3)), np.zeros(1)], [np.ones(4, np.uint8), np.array([True])]]
    deep = {"a": {"b": {"c": inner}}, "text": "words", "sparse": coo_matrix(np.eye(3))}
    savemat(tmp_path / "net.mat", {"net": deep}, do_compression=compress)
    assert len(read_mat(tmp_path / "net.mat")) == 5


def hdf5(path):
    return h5py.File(path, "w", userblock_size=512)


def external_link(file):
    file["w"] = h5py.ExternalLink("/etc/passwd", "/")


def external_values(file):
    file.create_dataset("w", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "w", (4,))
    file.create_virtual_dataset("w", layout)


def unwritten(file):
    file.create_dataset("w", (10**6, 10**6), "f8", chunks=(100, 100))


def many_links(file):
    group = file.create_group("g0")
    group["w"] = np.ones(1)
    for i in range(1, 7):
        above = file.create_group(f"g{i}")
        for j in range(12):
            above[f"k{j}"] = group
        group = above


def round_and_round(file):
    group = file.create_group("g")
    group["again"] = group


@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (external_link, "w lies in another file"),
        (external_values, "the values of w lie in another file"),
        (virtual, "the values of w lie in another file"),
        (unwritten, "its arrays would take more than"),
        (many_links, "lead to more than 1,000 arrays"),
        (round_and_round, "net.mat"),
    ],
)
def test_an_hdf5_file_stays_in_itself_and_within_its_size(tmp_path, make, fact, monkeypatch):
    monkeypatch.setattr(mat_hdf5, "_MOST", 1000)
    with hdf5(tmp_path / "net.mat") as file:
        make(file)
    refused(read_mat, tmp_path / "net.mat", fact)


# Other weights


@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 3_000_000,  # a number without end
        b"\xa2\x06" + b"\xff" * 9 + b"\x01",  # a layer of 2^63 bytes
        b"\xa2\x06\x13\x3a\x11\x3a\x0d\x08" + b"\xff" * 9 + b"\x01\x08\x02\x2a\0",  # a side of 2^64
    ],
)
def test_a_caffemodel_of_endless_numbers_is_refused_at_once(tmp_path, content):
    (tmp_path / "net.caffemodel").write_bytes(content)
    refused(read_caffemodel, tmp_path / "net.caffemodel", "not a readable caffemodel")


def test_values_of_a_caffemodel_one_by_one_are_read_in_one_go(tmp_path):
    count = 150_000
    blob = b"\x2d\0\0\x80\x3f" * count  # each a field of its own
    shape = b"\x3a\x05\x0a\x03" + bytes([count & 127 | 128, count >> 7 & 127 | 128, count >> 14])

    def field(number, content):
        size, out = len(content), b""
        while size > 127:
            out, size = out + bytes([size & 127 | 128]), size >> 7
        tag = number << 3 | 2
        head = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
        return head + out + bytes([size]) + content

    layer = field(1, b"conv") + field(7, blob + shape)
    (tmp_path / "net.caffemodel").write_bytes(field(100, layer))
    assert read_caffemodel(tmp_path / "net.caffemodel")["conv.weight"].sum() == count


def with_header(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(offsets, shape=(2,)):
    return {"dtype": "F32", "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", (1 << 32) - 1) + b"{}",
        struct.pack("<Q", (1 << 63) - 1) + b"{}",
        with_header({"a": one((0, 8)), "b": one((4, 12))}, bytes(12)),
        with_header({"a": one((0, 8), (2**40, 2**40))}, bytes(8)),
        with_header({"a": one((8, 0))}, bytes(8)),
        with_header(b'{"a":' * 5000, bytes(8)),
    ],
)
def test_a_safetensors_file_whose_header_lies_is_refused(tmp_path, content):
    (tmp_path / "net.safetensors").write_bytes(content)
    refused(read_checkpoint, tmp_path / "net.safetensors", "net.safetensors: ")


@pytest.mark.parametrize(
    "facts",
    ["[" * 100_000, "[]", '{"method": "bicubic", "variant": "", "scales": 5}',
     '{"method": "bicubic", "variant": "", "scales": ["x", 1e400, null, {}]}'],
)  # fmt: skip
def test_facts_of_weights_that_are_nonsense_say_nothing(tmp_path, facts):
    from sr_bench.networks.installed import installed_folders
    from sr_bench.networks.method_files import method_files

    save_file(STATE, tmp_path / "net.safetensors", {checkpoint.FACTS: facts})
    methods = {"bicubic": method_files(installed_folders())["bicubic"]}
    assert open_checkpoint(tmp_path / "net.safetensors", methods, OpenOptions(scale=2)) is None


class Reaching(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "stolen")
        return x


class Printing(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("\x1b]0;hello\x07")
        return x


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("network", "fact"), [(Reaching(), "opens files .save"), (Printing(), "prints .print")]
)
def test_a_torchscript_program_that_writes_or_prints_is_refused_unrun(tmp_path, network, fact):
    torch.jit.script(network).save(str(tmp_path / "net.pt"))
    with pytest.raises(SrBenchError, match=f"refused: its program {fact}"):
        torchscript.open_torchscript(tmp_path / "net.pt", OpenOptions())


@pytest.mark.parametrize(
    ("state", "fact"),
    [
        ({"conv_first.weight": torch.ones(4, 3, 3, 3), "body.999999999.w": torch.ones(1)}, "999"),
        ({"conv_first.weight": torch.ones(0, 3, 3, 3)}, "tensors without values"),
    ],
)
def test_what_makes_a_network_of_any_size_is_refused(tmp_path, state, fact):
    from sr_bench.networks.foreign.spandrel import open_weights

    save_file(state, tmp_path / "net.safetensors")
    refused(lambda path: open_weights(path, OpenOptions()), tmp_path / "net.safetensors", fact)


# Names


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a\\b", "", "a b", "a\nb", "-x", ".."])
def test_names_in_a_project_are_words(tmp_path, name, project):
    text = (project / "params.yaml").read_text()
    text = text.replace("bicubic-x2: {method: bicubic,", f"{json.dumps(name + '-x2')}: "
                        f"{{method: {json.dumps(name)},")  # fmt: skip
    (project / "params.yaml").write_text(text)
    from sr_bench.project.project import Project

    with pytest.raises(WrongUse, match=r"params\.yaml: runs: is called"):
        Project.load(project)


@pytest.mark.parametrize("part", ["degradations", "protocols"])
def test_names_of_protocols_and_degradations_are_words(part):
    file = CatalogueFile("mine.yaml", f'{part}: {{"../x": {{}}}}'.encode(), "me")
    with pytest.raises(CatalogueError, match=r"mine\.yaml: an entry is called '\.\./x'"):
        read_protocols([packaged_file("protocols.yaml"), file])


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "x/../../a.png", "...png", "", "a\0"])
def test_a_manifest_names_only_files_of_its_dataset(tmp_path, name):
    entry = {"name": name, "shape": [8, 8], "sha256": "0" * 64}
    (tmp_path / "Set5.json").write_text(json.dumps({"images": [entry]}))
    with pytest.raises(SrBenchError, match="not a manifest"):
        read_dataset(tmp_path / "Set5.json", "Set5", tmp_path)


@pytest.mark.parametrize("shape", [[1e400, 8], [True, 8], [8.5, 8], ["8", 8], [-1, 8], 5])
def test_the_sides_in_a_manifest_are_whole_numbers(tmp_path, shape):
    entry = {"name": "a.png", "shape": shape, "sha256": "0" * 64}
    (tmp_path / "Set5.json").write_text(json.dumps({"images": [entry]}))
    with pytest.raises(SrBenchError, match="not a manifest"):
        read_dataset(tmp_path / "Set5.json", "Set5", tmp_path)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc", "a b"])
def test_the_address_of_a_source_is_of_the_web(tmp_path, url):
    (tmp_path / "citations.yaml").write_text(
        f"x: {{kind: code, title: t, authors: [A], date: '2020', url: {json.dumps(url)}, "
        "read: 2020-01-01}\n"
    )
    with pytest.raises(SrBenchError, match=r"citations\.yaml: x\.url"):
        read_citations(tmp_path / "published.csv")


def test_a_citation_ends_no_entry_of_bibtex():
    said = {"kind": "paper", "authors": ["{The Team}"], "date": "2020", "read": "2020-01-01"}
    evil = Citation.model_validate({**said, "title": "A} @misc{b, \\input{x}} $"})
    text = bibtex({"key": evil}, ["key"])
    assert "author = {{The Team}}" in text
    assert "title = {{A) @misc(b, \\textbackslash input(x)) \\$}}" in text


def test_a_command_that_names_what_a_table_says_is_one_command():
    row = {"source": "$(rm x)", "dataset": "a;b", "scale": 2, "method": "`c`"}
    told = "sr-bench reproduce '$(rm x)' --dataset 'a;b' --scale 2 --method '`c`'"
    assert reproduce_command(row) == told
    assert code(told) == f"`` {told} ``"
    assert code("a\n<!-- end: x --> b") == "`a <! -- end: x --> b`"


def test_no_name_reaches_the_terminal_as_a_command(capsys, caplog, monkeypatch, tmp_path):
    from sr_bench.cli.show import console, print_table, remark

    evil = "\x1b]0;owned\x07 [red]x[/nothing] \x9b2J"
    console.print(evil, highlight=False)
    remark(evil)
    print_table(evil, [evil], [[evil]])
    monkeypatch.setattr(notices, "_said", set())
    notices.notice(tmp_path / evil, evil)
    out = capsys.readouterr().out + caplog.text
    assert not {"\x1b", "\x07", "\x9b"} & set(out)
    assert out.count("[red]x[/nothing]") >= 5
