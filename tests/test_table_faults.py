"""Damaged tables and notes: each defect is one error with the file's name, never a traceback."""

import gzip
import json
import random
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from sr_bench.analysis.drift.inputs import changed_inputs
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.analysis.learning_curve import _column
from sr_bench.analysis.ledger.ledger import COLUMNS, RUN, TRAINED_RUN, read_ledger
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.data.datasets.manifest import read_manifest
from sr_bench.evaluation.scoring.table import (
    IMAGE_COLUMNS,
    PER_IMAGE_COLUMNS,
    cells,
    csv_text,
    read_per_image,
    read_run,
    read_scores,
)
from sr_bench.project.dvc_lock import read_lock
from sr_bench.support import text_files
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.results import Results

ROOT = Path(__file__).resolve().parent.parent
REAL = [33.6625718, 30.5, 32.25, 0.92991, 1e-05]


def images(run="bicubic-x2", protocol="edsr-2017"):
    """The per-image rows of a run on three images."""
    stamp = find_protocol(protocol).signature
    head = (run, run.split("-")[0], "", "none", 2, "Set5", protocol)
    return pd.DataFrame(
        [
            (
                *head,
                metric,
                f"img, {i}" if i == 2 else f"img{i}",
                REAL[i] + 0.1 * (metric == "ssim"),
                stamp,
            )
            for metric in ("psnr", "ssim")
            for i in range(3)
        ],
        columns=IMAGE_COLUMNS,
    )


def with_counts(rows):
    return rows.assign(images=3)[PER_IMAGE_COLUMNS]


def ledger_text():
    lines = [",".join([*COLUMNS, RUN, TRAINED_RUN])]
    lines += [
        f'paper{i},bicubic,,Set5,{2 + i},psnr,3{i}.66,edsr-2017,"a, note",bicubic,'
        for i in range(3)
    ]
    return "\n".join(lines) + "\n"


def mean_of(path):
    return cells(read_run(path))


TABLES = {  # file name -> its content when whole, its reader, and what is done after a mutation
    "bicubic-x2.csv": (lambda: csv_text(images()).encode(), mean_of, bytes),
    "scores.csv": (lambda: csv_text(cells(images())).encode(), read_scores, bytes),
    "per_image.csv.gz": (
        lambda: gzip.compress(csv_text(with_counts(images())).encode(), mtime=0),
        read_per_image,
        bytes,
    ),
    "packed.csv.gz": (
        lambda: csv_text(with_counts(images())).encode(),
        read_per_image,
        lambda text: gzip.compress(text, mtime=0),
    ),
    "published.csv": (lambda: ledger_text().encode(), read_ledger, bytes),
}
TOKENS = [
    b"", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"2.0", b"1_0", b"0x10", b"9" * 400, b" ",
    b"true", b"\xc3\xa9", b"\xe9", b"\0", b'"', b'""', b",", b";", b"\n", b"\r", b"\xef\xbb\xbf",
    b"\xff\xfe", b"\xef\xbc\x93", b"\xed\xb3\xbf", b"x" * 140_000,
]  # fmt: skip


def mutated(content, rng):
    """The content with one defect, or two."""
    for _ in range(rng.choice((1, 1, 2))):
        content = rng.choice(DEFECTS)(bytearray(content), rng)
    return content


def flip(b, rng):
    if b:
        b[rng.randrange(len(b))] ^= 1 << rng.randrange(8)
    return bytes(b)


def cut(b, rng):
    return bytes(b[: rng.randrange(len(b) + 1)])


def lose(b, rng):
    at = rng.randrange(len(b) + 1)
    return bytes(b[:at] + b[at + rng.randrange(1, 30) :])


def repeat(b, rng):
    at = rng.randrange(len(b) + 1)
    return bytes(b[:at] + b[at : at + rng.randrange(1, 200)] + b[at:])


def insert(b, rng):
    at = rng.randrange(len(b) + 1)
    return bytes(b[:at]) + rng.choice(TOKENS) + bytes(b[at:])


def field(b, rng):
    parts = re.split(rb"([,\n])", bytes(b))
    at = rng.randrange(0, len(parts), 2)
    parts[at] = rng.choice(TOKENS)
    return b"".join(parts)


def line(b, rng):
    lines = bytes(b).splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    change = rng.randrange(3)
    if change == 0:
        lines.insert(rng.randrange(len(lines) + 1), lines[at])
    elif change == 1:
        del lines[at]
    else:
        rng.shuffle(lines)
    return b"".join(lines)


def everywhere(b, rng):
    old, new = rng.choice(
        [(b",", b";"), (b",", b"\t"), (b"\n", b"\r\n"), (b"\n", b"\r"), (b".", b","), (b'"', b"")]
    )
    return bytes(b).replace(old, new)


DEFECTS = [flip, cut, lose, repeat, insert, field, line, everywhere]


def ends_of(path, read, contents):
    """How reading each of the contents ends: counts of those read, and of clear errors."""
    ends = {"read": 0, "clear": 0}
    for content in contents:
        path.write_bytes(content)
        said = ""
        try:
            read(path)
        except SrBenchError as error:
            said = str(error)
        ends["clear" if said else "read"] += 1
        assert not said or path.name in said or "would mix" in said
        assert len(said) < 2000
    return ends


def mutations(name, content, pack, seeds):
    return [pack(mutated(content, random.Random(f"{name} {seed}"))) for seed in seeds]


def faults(folder, name, seeds):
    whole, read, pack = TABLES[name]
    path = folder / name
    assert ends_of(path, read, [pack(whole())]) == {"read": 1, "clear": 0}
    return ends_of(path, read, mutations(name, whole(), pack, seeds))


@pytest.mark.parametrize("name", TABLES)
def test_no_mutation_of_a_table_ends_in_a_traceback(tmp_path, name):
    assert faults(tmp_path, name, range(60))["clear"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_no_mutation_of_five_hundred_does(tmp_path, name):
    ends = faults(tmp_path, name, range(500))
    assert sum(ends.values()) == 500


def facts(path):
    snapshot = Snapshot("x", pd.DataFrame(), None, provenance=path)
    changed_inputs(snapshot, snapshot, ["bicubic-x2"])


def locked(path):
    read_lock(path.parent).inputs("bicubic-x2", "a")
    snapshot = Snapshot("x", pd.DataFrame(), None, lock=path)
    changed_inputs(snapshot, snapshot, ["bicubic-x2"])


def result():
    (path,) = (ROOT / "benchmarks/results").glob("*cpu-27f28eae.json")
    content = json.loads(path.read_text())
    content["benchmarks"] = content["benchmarks"][:2]
    return json.dumps(content, indent=1).encode()


def lock():
    stage = {
        "cmd": "x",
        "deps": [{"path": "../a.py", "hash": "md5", "md5": "a"}],
        "params": {"params.yaml": {"runs.a": {"scale": 2}}},
        "outs": [{"path": "build/scores/bicubic-x2.csv", "hash": "md5", "md5": "a"}],
    }
    names = ("upscale@bicubic-x2", "score@bicubic-x2")
    return yaml.safe_dump({"schema": "2.0", "stages": dict.fromkeys(names, stage)}).encode()


RECORDS = {"runs/bicubic-x2": {"data": {"Set5": "a"}, "code": "code/1", "signatures": {"p": "s"}}}
NOTES = {
    "Set5.json": (
        lambda: json.dumps(
            {"images": [{"name": "a.png", "shape": [2, 3, 3], "sha256": "ab"}] * 2}, indent=1
        ).encode(),
        lambda path: read_manifest(path, "Set5"),
    ),
    "provenance.json": (
        lambda: json.dumps({"packages": {"numpy": "2"}, "files": {}, "records": RECORDS}).encode(),
        facts,
    ),
    "dvc.lock": (lock, locked),
    "machine.json": (result, Results.load),
    "psnr.tsv": (
        lambda: b"step\tpsnr\n" + b"".join(b"%d\t3%d.25\n" % (i, i) for i in range(9)),
        _column,
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_no_mutation_of_a_note_ends_in_a_traceback(tmp_path, name):
    whole, read = NOTES[name]
    path = tmp_path / name
    assert ends_of(path, read, [whole()]) == {"read": 1, "clear": 0}
    ends_of(path, read, mutations(name, whole(), bytes, range(60)))


@pytest.mark.parametrize("name", [*TABLES, *NOTES])
def test_what_is_no_file_of_that_kind_is_named(tmp_path, name):
    """Nothing, a folder, an empty file, NULs, UTF-16, a page of HTML, deep nesting."""
    read = TABLES[name][1] if name in TABLES else NOTES[name][1]
    path = tmp_path / name
    path.mkdir()
    with pytest.raises(SrBenchError, match=f"{re.escape(name)}: is a folder, expected a file"):
        read(path)
    path.rmdir()
    if name != "dvc.lock":  # a project may have none
        with pytest.raises(SrBenchError, match=f"{re.escape(name)}: no such file"):
            read(path)
    html = b"<!DOCTYPE html><html><body>\n404, not here\n</body></html>\n"
    texts = (b"", b"\0" * 99, "a,b\n".encode("utf-16"), html, b"[" * 100_000, b"\x1f\x8b\x08")
    pack = gzip.compress if name.endswith(".gz") else bytes
    assert ends_of(path, read, map(pack, texts)) == {"read": 0, "clear": len(texts)}


@pytest.mark.parametrize("name", TABLES)
def test_a_file_that_may_not_be_read_says_so(tmp_path, name, monkeypatch):
    (tmp_path / name).write_bytes(b"x")

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(SrBenchError, match=r"can't be read \(Permission denied\)"):
        TABLES[name][1](tmp_path / name)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (
            lambda t: t.replace("note", "not\u00e9").encode("latin-1"),
            "which isn't UTF-8 .*spreadsheet",
        ),
        (lambda t: t.replace(",", ";").encode(), "separated by ';', expected ','"),
        (lambda t: t.replace(",", "\t").encode(), r"separated by '\\t', expected ','"),
        (lambda t: t.encode("utf-16"), "is UTF-16, expected UTF-8"),
        (lambda t: t.replace("3", "\u0663").encode(), ":2: value is"),
        (lambda t: t.replace("30.66", "3_0.66").encode(), ":2: value is '3_0.66'"),
        (lambda t: t.replace("30.66", "nan").encode(), ":2: value is 'nan'"),
        (lambda t: t.replace("30.66", "1e9999").encode(), ":2: value is '1e9999'"),
        (lambda t: t.replace(",2,", ",,").encode(), ":2: scale is ''"),
        (lambda t: t.replace('note",', "note,").encode(), "not CSV"),
        (lambda t: gzip.compress(t.encode()), "is packed with gzip, its name"),
    ],
)
def test_a_ledger_that_a_spreadsheet_or_a_hand_has_changed(tmp_path, change, fact):
    path = tmp_path / "published.csv"
    path.write_bytes(change(ledger_text()))
    with pytest.raises(SrBenchError, match=fact):
        read_ledger(path)


@pytest.mark.parametrize("name", ["published.csv", "scores.csv", "bicubic-x2.csv"])
def test_a_mark_at_the_start_and_windows_line_ends_change_nothing(tmp_path, name):
    whole, read, _ = TABLES[name]
    path = tmp_path / name
    path.write_bytes(whole())
    expected = read(path)
    path.write_bytes(b"\xef\xbb\xbf" + whole().replace(b"\n", b"\r\n") + b"\r\n")
    pd.testing.assert_frame_equal(read(path), expected)


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("33.6625718", "", ":2: value of Set5/img0 is no number"),
        ("33.6625718", "nan", ":2: value of Set5/img0 is no number"),
        (",img0,", ",,", ":2: image is ''"),
        (",psnr,img1", ",psnr,img0", ":3: .*img0 is listed twice"),
        ("bicubic-x2,bicubic,,none,2,Set5,edsr-2017,psnr,img0", "bicubic-x3,bicubic,,none,2,Set5,"
         "edsr-2017,psnr,img0", ":2: is of run 'bicubic-x3', the file's name says 'bicubic-x2'"),
        ("edsr-2017,psnr,img0", "edsr-2016,psnr,img0", ":2: there is no protocol 'edsr-2016'"),
        ("edsr-2017,psnr,img0", "edsr-2017,lpips,img0", ":2: edsr-2017 has no metric 'lpips'"),
        (",2,Set5", ",2.0,Set5", ":2: scale is '2.0', expected a whole number"),
        (",value,", ",wert,", r"columns are .*wert.*\(missing: value\)"),
    ],
)  # fmt: skip
def test_a_table_of_a_run_that_says_nonsense(tmp_path, old, new, fact):
    path = tmp_path / "bicubic-x2.csv"
    text = csv_text(images())
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(SrBenchError, match=fact):
        read_run(path)


def test_a_gzip_that_unpacks_to_more_than_any_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "_LARGEST", 1000)
    path = tmp_path / "per_image.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 1001))
    with pytest.raises(SrBenchError, match="unpacks to more than 1000 bytes"):
        read_per_image(path)
