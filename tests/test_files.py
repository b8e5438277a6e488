"""A file or folder is replaced whole, or stays as it was."""

import hashlib
import stat
import subprocess
import sys

import pytest

from sr_bench.support import locks
from sr_bench.support.files import replacing, replacing_folder, sha256, write_text


def test_sha256_is_that_of_the_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1_000_000)
    assert sha256(path) == hashlib.sha256(b"x" * 1_000_000).hexdigest()


def test_write_text_makes_folders_and_unix_line_ends(tmp_path):
    target = tmp_path / "new" / "a.txt"
    write_text(target, "ä\nb\n")
    assert target.read_bytes() == b"\xc3\xa4\nb\n"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_a_new_file_has_the_mode_that_open_gives(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "x")
    ours, plain = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("ours", "plain"))
    assert ours == plain


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def left_by_a_kill(target):
    """The temporary file of a process that was killed while it wrote ``target``."""
    script = (
        "import os, sys; from pathlib import Path; from sr_bench.support.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half of what was to come'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    (left,) = [p for p in target.parent.iterdir() if p != target]
    return left


def test_what_a_killed_process_left_goes_when_the_target_is_written(tmp_path):
    left = left_by_a_kill(tmp_path / "a.txt")
    assert left.read_text().startswith("half")
    write_text(tmp_path / "a.txt", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "x"


@pytest.mark.parametrize("others", ["at once", "link", "no locks"])
def test_two_writers_of_one_target_never_share_a_file(tmp_path, monkeypatch, others):
    target, theirs = tmp_path / "a.txt", tmp_path / "theirs"
    if others == "no locks":
        monkeypatch.setattr(locks, "fcntl", None)
    if others == "link":
        theirs.write_text("theirs")
        tmp_path.joinpath(".a.txt._writing.partial").symlink_to(theirs)
    with replacing(target) as first, replacing(target) as second:
        assert first != second
        second.write_text("second")
        first.write_text("first")
    assert target.read_text() == "first"
    left = {p.name for p in tmp_path.iterdir()} - {"a.txt"}
    if others == "link":
        assert theirs.read_text() == "theirs"
        left -= {"theirs", ".a.txt._writing.partial"}
    assert not left


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "sr"
    target.mkdir()
    (target / "old.png").write_text("old")
    with replacing_folder(target) as fresh:
        (fresh / "new.png").write_text("new")
        assert (target / "old.png").is_file()
    assert [p.name for p in target.iterdir()] == ["new.png"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_whose_making_fails_stays(tmp_path):
    target = tmp_path / "sr"
    target.mkdir()
    (target / "old.png").write_text("old")

    def fail():
        with replacing_folder(target) as fresh:
            (fresh / "new.png").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in target.iterdir()] == ["old.png"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_not_kept(tmp_path):
    left = tmp_path / ".sr.partial"
    left.mkdir()
    (left / "half.png").write_text("half")
    with replacing_folder(tmp_path / "sr") as fresh:
        (fresh / "new.png").write_text("new")
    assert [p.name for p in (tmp_path / "sr").iterdir()] == ["new.png"]
