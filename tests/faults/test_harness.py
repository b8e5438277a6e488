"""What counts as which outcome, and the table of the counts."""

import json

import pytest

from faults.harness import HANGS, TRACEBACK, Counts, Ended, bytes_of, clear, difference, flipped
from faults.table import main


@pytest.mark.parametrize(
    ("status", "late", "err", "fault"),
    [
        (0, False, "", None),
        (1, False, "error: a.png: damaged; fetch it again", None),
        (2, False, "error: unknown run", None),
        (1, False, "Traceback (most recent call last):\nKeyError: 'x'", TRACEBACK),
        (-11, False, "", TRACEBACK),
        (-9, True, "", HANGS),
    ],
)
def test_how_a_command_ended(status, late, err, fault):
    assert Ended(status, late, False, None, "", err).fault == fault


def test_an_error_that_names_nothing_is_not_clear():
    assert clear("\nerror: a.csv: No space left on device")
    assert not clear("error: input or output: No space left on device")
    assert not clear("Killed")


def test_projects_that_differ(tmp_path):
    for name, files in {"one": "abc", "other": "abd"}.items():
        for file in files:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_text(file)
    flipped(tmp_path / "other/b", 3)
    found = [bytes_of(tmp_path / name) for name in ("one", "other")]
    assert difference(*found) == "b differs; c missing; d left"
    assert not difference(found[0], found[0])


def test_the_table_counts_every_outcome(tmp_path, monkeypatch):
    for kind, what, outcomes in (
        ("full", "fetch", ["survived"]),
        ("SIGKILL", "score", ["survived", "survived", "clear error", "hangs"]),
    ):
        counts = Counts(kind, what)
        for outcome in outcomes:
            counts.add(outcome, "said")
        assert len(counts.bad) == ("hangs" in outcomes)
        (tmp_path / "results").mkdir(exist_ok=True)
        counts.write(tmp_path / "results")
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- faults -->\nold\n<!-- /faults -->\nAfter.\n")
    monkeypatch.setattr("sys.argv", ["table", str(tmp_path / "results"), str(page)])
    main()
    assert json.loads((tmp_path / "results/full-fetch.json").read_text())["what"] == "fetch"
    assert page.read_text().splitlines() == [
        "Before.",
        "<!-- faults -->",
        "| fault | in | put in | survived | clear error | wrong bytes | lost | hangs | traceback |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| SIGKILL | score | 4 | 2 | 1 | 0 | 0 | 1 | 0 |",
        "| full | fetch | 1 | 1 | 0 | 0 | 0 | 0 | 0 |",
        "| **all** |  | 5 | 3 | 1 | 0 | 0 | 1 | 0 |",
        "<!-- /faults -->",
        "After.",
    ]


def test_a_page_without_the_marks_stays(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("Nothing.\n")
    monkeypatch.setattr("sys.argv", ["table", str(tmp_path), str(page)])
    with pytest.raises(SystemExit, match="0 places marked"):
        main()
    assert page.read_text() == "Nothing.\n"
