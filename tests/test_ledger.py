"""Verdicts on published numbers."""

from pathlib import Path

import pandas as pd
import pytest

from sr_bench.analysis.ledger.citations import Citation, bibtex, read_citations
from sr_bench.analysis.ledger.ledger import (
    COLUMNS,
    RUN,
    TRAINED_RUN,
    Context,
    equal_at_printed_digits,
    judge,
    read_ledger,
)
from sr_bench.analysis.ledger.lineage import lineage
from sr_bench.analysis.ledger.published_costs import published_costs
from sr_bench.support.errors import SrBenchError

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "methods/published.csv"
CONTEXT = Context(
    methods=frozenset({"bicubic", "srcnn"}),
    runs=frozenset({"bicubic-x2", "srcnn-9-1-5-mmediting-x4"}),
    datasets={"srcnn-2015": frozenset({"Set5"}), "mmediting-2020": frozenset({"Set5"})},
)


def row(**changes):
    base = {
        "source": "paper",
        "method": "bicubic",
        "variant": "",
        "dataset": "Set5",
        "scale": "2",
        "metric": "psnr",
        "value": "33.66",
        "protocol": "srcnn-2015",
        "note": "",
        RUN: "bicubic",
    }
    return base | changes


def measured(*rows):
    columns = ["run", "scale", "dataset", "protocol", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def verdict(entry, *cells):
    return judge(pd.DataFrame([entry]), measured(*cells), CONTEXT).iloc[0]


@pytest.mark.parametrize(
    ("published", "value", "equal"),
    [
        ("33.66", 33.6621, True),
        ("33.66", 33.665, False),  # half up: 33.67
        ("33.66", 33.6649999, True),
        ("33.66", 33.6549999, False),
        ("0.8099", 0.80990, True),
        ("0.90", 0.903, True),
        ("0.9", 0.96, False),
        ("40", 39.6, True),
        ("33.66", float("inf"), False),
    ],
)
def test_equal_at_printed_digits(published, value, equal):
    assert equal_at_printed_digits(published, value) is equal


@pytest.mark.parametrize(
    ("value", "expected"),
    [(33.6621, "reproduced"), (33.673, "close"), (33.647, "close"), (33.69, "differs")],
)
def test_verdict_by_distance(value, expected):
    got = verdict(row(), ("bicubic-x2", 2, "Set5", "srcnn-2015", "psnr", value))
    assert got["verdict"] == expected
    assert got["delta"] == pytest.approx(value - 33.66)
    assert got["published"] == "33.66"


def test_another_protocol_that_fits_is_named():
    got = verdict(
        row(protocol="edsr-2017"),
        ("bicubic-x2", 2, "Set5", "edsr-2017", "psnr", 33.6734),
        ("bicubic-x2", 2, "Set5", "srcnn-2015", "psnr", 33.6621),
        ("bicubic-x2", 2, "Set5", "srcnn-2015", "ssim", 33.6621),
        ("bicubic-x3", 3, "Set5", "basicsr-y", "psnr", 33.6621),
    )
    assert got["verdict"] == "close"
    assert got["note"] == "the printed digits come out under srcnn-2015"


def test_mmediting_ssim_is_compared_with_the_blue_channel():
    entry = row(
        method="srcnn",
        scale="4",
        metric="ssim",
        value="0.8099",
        protocol="mmediting-2020",
        run="srcnn-9-1-5-mmediting",
    )
    run = "srcnn-9-1-5-mmediting-x4"
    got = verdict(
        entry,
        (run, 4, "Set5", "mmediting-2020", "ssim", 0.82518),
        (run, 4, "Set5", "mmediting-2020", "ssim_blue", 0.80990),
    )
    assert got["verdict"] == "reproduced"
    assert got["metric"] == "ssim"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": "BSD200"}, "BSD200 is not a dataset that can be fetched"),
        ({"method": "edsr"}, "sr-bench has no file for this method"),
        ({"run": ""}, "the weights behind this row were not published"),
        ({"dataset": "Set14"}, "Set14 is not among the datasets of srcnn-2015 in params.yaml"),
        ({"scale": "3"}, "its weights are published, but no run of this project uses them"),
        ({}, "its run has no score on Set5 under srcnn-2015"),
    ],
)
def test_a_row_that_was_not_run_says_why(changes, reason):
    got = verdict(row(note="a doubt", **changes))
    assert got["verdict"] == "not run"
    assert got["note"] == f"{reason}; a doubt"
    assert got["measured"] is None


def test_the_ledger_of_the_repository_is_whole():
    table = read_ledger(LEDGER)
    citations = read_citations(LEDGER)
    assert len(table) >= 1500
    costs = {cost.source for cost in published_costs([LEDGER])}
    assert {*table["source"], *costs} == set(citations)  # no entry without a row, nor a row without
    assert (table["where"] != "").all()
    shorts = [c.short for c in citations.values()]
    assert len(set(shorts)) == len(shorts)
    assert all(c.link.startswith("https://") for c in citations.values())
    values, metric = table["value"].astype(float), table["metric"].str.partition("_")[0]
    odd = (metric == "ssim") & (values > 1) | (metric == "psnr") & ~values.between(15, 60)
    assert (table.loc[odd, "note"] != "").all()  # misprints are printed as they are, and said


def test_a_source_that_has_rows_has_its_own_methods():
    table = read_ledger(LEDGER)
    for source, cited in read_citations(LEDGER).items():
        methods = set(table.loc[table["source"] == source, "method"])
        assert not methods or set(cited.introduces) <= methods, source


def test_every_published_number_has_a_verdict_and_every_gap_a_reason():
    table = pd.read_csv(ROOT / "reports/reproduction.csv", keep_default_na=False)
    assert len(table) == len(read_ledger(LEDGER))
    assert set(table["verdict"]) <= {"reproduced", "close", "differs", "not run"}
    assert (table.loc[table["verdict"] != "reproduced", "note"] != "").all()
    ours = table["method"].isin(["bicubic", "srcnn"])
    here = ours & table["dataset"].isin(["Set5", "Set14", "BSD100"]) & (table["variant"] != "")
    published = table[ours & table["dataset"].isin(["Set5", "Set14", "BSD100"])]
    not_run = published[published["verdict"] == "not run"]
    assert here.any()
    assert not_run["note"].str.startswith("the weights behind this row were not published").all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("33.66", "33,66", "12 fields, expected 11"),
        ("33.66", "33.6x", "value is '33.6x'"),
        (",2,", ",two,", "scale is 'two'"),
        ("srcnn-2015", "srcnn-2016", "did you mean srcnn-2015"),
        ("source,", "origin,", "columns are origin"),
    ],
)
def test_a_damaged_ledger_is_refused(tmp_path, old, new, message):
    path = tmp_path / "published.csv"
    head = ",".join([*COLUMNS, RUN, TRAINED_RUN])
    lines = [head, "p,bicubic,,Set5,2,psnr,33.66,srcnn-2015,,bicubic,"]
    path.write_text("\n".join(lines).replace(old, new))
    with pytest.raises(SrBenchError, match=message):
        read_ledger(path)


HEADER = "source,method,variant,dataset,scale,metric,value,protocol,note,run,trained,where\n"
PAPER = """\
paper:
  kind: paper
  title: "A & B: 50% better"
  authors: ["Doe, Jane", "Roe, Richard"]
  date: "2016"
  venue: A Journal
  doi: 10.1000/x_1
  read: 2026-11-28
  introduces: [srcnn]
copy:
  {kind: readme, title: copy, authors: ["Roe, R"], date: "2020-01-02", url: "https://x.org",
   read: 2026-11-28}
again:
  {kind: readme, title: again, authors: ["Poe, P"], date: "2019", url: "https://y.org",
   read: 2026-11-28, measures: true}
"""


@pytest.fixture
def cited(tmp_path):
    """A ledger of three sources beside its citations; a row is what it is called with."""

    def made(*rows):
        path = tmp_path / "published.csv"
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        (tmp_path / "citations.yaml").write_text(PAPER)
        return path

    return made


def test_a_source_without_a_citation_is_refused(cited):
    path = cited("pper,srcnn,,Set5,2,psnr,36.66,srcnn-2015,,,,table 2")
    with pytest.raises(SrBenchError, match=r"'pper' in .*published.csv:2; did you mean paper"):
        read_ledger(path)


def test_one_number_twice_is_refused(cited):
    one = "paper,srcnn,,Set5,2,psnr,36.66,srcnn-2015,,,,table 2"
    with pytest.raises(SrBenchError, match=r"published\.csv:3: is the number of line 2 again"):
        read_ledger(cited(one, one))
    assert len(read_ledger(cited(one, one.replace("table 2", "table 3")))) == 2


def test_a_ledger_without_citations_or_places_is_read(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(HEADER.replace(",where", "") + "any,srcnn,,Set5,2,psnr,36.66,srcnn-2015,,,\n")
    assert read_ledger(path)["where"].tolist() == [""]


def test_a_number_of_no_known_protocol_is_not_run(cited):
    (entry,) = read_ledger(cited("paper,srcnn,,Set5,2,psnr_rgb,36.66,,,,,p. 3")).to_dict("records")
    got = verdict(entry)
    assert (got["verdict"], got["where"]) == ("not run", "p. 3")
    assert got["note"] == "no protocol of sr-bench is known to score it so"


def test_lineage_tells_copies_from_other_digits(cited):
    path = cited(
        "copy,srcnn,,Set5,2,psnr,36.65,srcnn-2015,,,,",
        "again,srcnn,,Set5,2,psnr,36.70,srcnn-2015,,,,",
        "paper,srcnn,,Set5,2,psnr,36.66,srcnn-2015,,,,",
        "paper,srcnn,,Set5,3,psnr,32.75,srcnn-2015,,,,",
        "copy,srcnn,as quoted from the paper,Set5,3,psnr,32.750,srcnn-2015,,,,",
        "copy,srcnn,,Set14,3,psnr,29.30,srcnn-2015,,,,",
    )
    first, second = lineage(read_ledger(path), read_citations(path))
    assert first.original.source == "paper" and first.original.kind == "first hand"
    assert [p.value for p in first.other_digits] == ["36.65"]
    assert [p.value for p in first.measured_again] == ["36.70"]
    assert [p.value for p in second.copies] == ["32.750"] and not second.other_digits


def test_known_misquotes_are_found():
    table, citations = read_ledger(LEDGER), read_citations(LEDGER)
    lines = {
        (*x.subject, p.source): p.value for x in lineage(table, citations) for p in x.other_digits
    }
    author = ("srcnn", "9-5-5 ImageNet", "Set5")
    assert lines[(*author, 3, "psnr", "lornatang-srcnn-pytorch-readme")] == "32.45"
    assert lines[(*author, 4, "psnr", "lornatang-srcnn-pytorch-readme")] == "30.29"
    # It repeats VDSR's table, which was made otherwise than SRCNN's (docs/protocols.md).
    assert ("bicubic", "", "Set14", 4, "ssim", "lim2017edsr") not in lines
    assert lines[("elan", "", "Urban100", 2, "psnr", "trainner-redux")] == "33.34"


@pytest.mark.parametrize("reports", ["reports", "full/reports"])
def test_what_is_reproduced_or_has_no_run_is_not_called_unexplained(reports):
    table = pd.read_csv(LEDGER.parents[1] / reports / "reproduction.csv", keep_default_na=False)
    unexplained = table[table["note"].str.startswith("not explained")]
    assert set(unexplained["verdict"]) <= {"close", "differs"}


def test_bibtex_is_escaped(cited):
    citations = read_citations(cited())
    text = bibtex(citations, ["paper", "unknown", "copy"])
    assert "@inproceedings{paper," in text and "@misc{copy," in text and "unknown" not in text
    assert r"{A \& B: 50\% better}" in text and "Doe, Jane and Roe, Richard" in text
    assert r"doi = {10.1000/x\_1}" in text


def test_citations_are_checked(cited):
    path = cited()
    sources = path.with_name("citations.yaml")
    sources.write_text(PAPER.replace("kind: paper", "kind: rumour"))
    with pytest.raises(SrBenchError, match=r"citations\.yaml: paper\.kind: .*'rumour'"):
        read_citations(path)
    assert Citation.model_fields["introduces"].default == ()
