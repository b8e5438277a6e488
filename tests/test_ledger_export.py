"""The ledger for other programs: JSON by a schema, and in the shape of boards."""

import json
from pathlib import Path

import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from sr_bench.analysis.ledger.boards import Board, boards
from sr_bench.analysis.ledger.citations import Citation
from sr_bench.analysis.ledger.export import LedgerFile, ledger_file
from sr_bench.analysis.ledger.ledger import COLUMNS, RUN, WHERE, Context, judge
from sr_bench.analysis.ledger.lineage import lineage
from sr_bench.analysis.ledger.titles import NetworkNames

ROOT = Path(__file__).resolve().parent.parent
SCORED = ["run", "scale", "dataset", "protocol", "metric", "value"]


def cited(**changes):
    facts = {"kind": "paper", "title": "T", "authors": ("A, B",), "date": "2016-02-03"}
    return Citation.model_validate(facts | {"read": "2026-01-01"} | changes)


SOURCES = {
    "first": cited(introduces=("srcnn",), url="https://github.com/a/b", commit="0" * 40),
    "copier": cited(title="C", date="2017", url="https://github.com/c/d"),
}


def published(source, value, *, metric="psnr", method="srcnn", run="srcnn-a", **changes):
    row = dict.fromkeys([*COLUMNS, RUN, WHERE], "") | {
        "source": source, "method": method, "dataset": "Set5", "scale": 2, "metric": metric,
        "value": value, "protocol": "srcnn-2015", RUN: run,
    }  # fmt: skip
    return row | changes


ROWS = [
    published("first", "36.66"),
    published("first", "0.9542", metric="ssim"),
    published("copier", "36.65"),
    published("copier", "40.00", method="unheard-of", run=""),
    published("copier", "41.00", protocol=""),
]
CONTEXT = Context(
    methods=frozenset({"srcnn"}),
    runs=frozenset({"srcnn-a-x2"}),
    datasets={"srcnn-2015": frozenset({"Set5"})},
)


@pytest.fixture
def exported():
    table = pd.DataFrame(ROWS)
    scores = pd.DataFrame(
        [("srcnn-a-x2", 2, "Set5", "srcnn-2015", "psnr", 36.6586)], columns=SCORED
    )
    judged = judge(table, scores, CONTEXT)
    return ledger_file(table, judged, SOURCES, lineage(table, SOURCES), software="sr-bench 0")


def test_known_numbers_are_counted_apart_from_those_that_a_run_could_measure(exported):
    assert (exported.counts.known, exported.counts.verifiable) == (5, 3)
    assert exported.counts.verdicts == {"reproduced": 1, "close": 1, "not run": 3}
    assert [row.verifiable for row in exported.numbers] == [True, True, True, False, False]
    assert [row.run for row in exported.numbers[2:4]] == ["srcnn-a-x2", None]
    assert exported.numbers[0].measured == 36.6586 and exported.numbers[1].measured is None
    (line,) = exported.lineage
    assert line.original.value == "36.66" and line.other_digits[0].value == "36.65"


def test_what_is_written_is_read_back_and_another_field_is_refused(exported):
    text = exported.model_dump_json()
    assert LedgerFile.model_validate_json(text) == exported
    for change in ({"extra": 1}, {"format": "sr-bench-ledger/0"}):
        with pytest.raises(ValidationError):
            LedgerFile.model_validate(json.loads(text) | change)


def test_a_board_has_each_model_once_with_the_digits_of_its_own_paper(exported):
    ((board,),) = [b.datasets for b in boards(exported, NetworkNames())]
    assert board.dataset == "Set5 - 2x upscaling (srcnn-2015)"
    assert board.sota.metrics == ("PSNR", "SSIM")
    best, second = board.sota.rows
    assert second.model_name == "srcnn" and second.metrics == {"PSNR": "36.66", "SSIM": "0.9542"}
    assert second.paper_date == "2016-02-03" and second.code_links[0].url.endswith("/a/b")
    assert best.model_name == "unheard-of" and best.code_links == () and best.paper_date is None


@pytest.mark.parametrize("name", ["ledger", "boards"])
def test_the_schema_in_the_documents_is_that_of_the_command(cli, name):
    out, _ = cli(["ledger", "--schema", *(["--boards"] if name == "boards" else [])])
    assert json.loads(out) == json.loads((ROOT / f"docs/schemas/{name}.json").read_text()), (
        f"write it anew: sr-bench ledger --schema > docs/schemas/{name}.json"
    )


def test_all_published_numbers_of_this_repository_are_exported(cli):
    out, _ = cli(["ledger", "--json"], cwd=ROOT)
    found = LedgerFile.model_validate_json(out)
    assert found.counts.known == len(found.numbers) > 1500 > found.counts.verifiable > 500
    assert {row.source for row in found.numbers} <= set(found.sources)
    wrong = [p for line in found.lineage for p in line.other_digits]
    assert "32.45" in {p.value for p in wrong if p.source == "lornatang-srcnn-pytorch-readme"}
    out, _ = cli(["ledger", "--boards"])
    (board,) = TypeAdapter(tuple[Board, ...]).validate_json(out)
    rows = [row for dataset in board.datasets for row in dataset.sota.rows]
    assert len(rows) > 500 and "32.45" not in {
        row.metrics.get("PSNR") for row in rows if "Lornatang" in row.paper_url
    }
    out, _ = cli(["ledger"])
    assert f"{found.counts.known} numbers known, {found.counts.verifiable} verifiable" in out


def test_a_project_without_a_ledger_has_nothing_to_export(cli, project):
    _, err = cli(["ledger"], status=2, cwd=project)
    assert "names no ledger" in err
