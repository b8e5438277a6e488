"""What the report's tables hold: grades, digits, names, gaps."""

import math
from pathlib import Path

import pandas as pd
import pytest

from sr_bench.analysis.ledger.ledger import REPRODUCTION, TRAINED
from sr_bench.analysis.metrics import Metric, describe_metric
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.catalogue.sources import Source, Sources
from sr_bench.evaluation.scoring.table import CELL_COLUMNS
from sr_bench.networks.method import Method, Published
from sr_bench.networks.method_files import load_methods
from sr_bench.project.entries import TrainEntry
from sr_bench.report.names import Names, slug
from sr_bench.report.readme import Picture, filled
from sr_bench.report.tables.degradations import degradation_tables
from sr_bench.report.tables.formats.latex import latex
from sr_bench.report.tables.formats.markdown import markdown
from sr_bench.report.tables.grades import graded
from sr_bench.report.tables.headline import headline_tables
from sr_bench.report.tables.model import (
    Column,
    Grade,
    Group,
    Link,
    Missing,
    Number,
    Table,
    digits,
    letters,
)
from sr_bench.report.tables.published import reproduction_tables
from sr_bench.report.tables.quality import quality_tables
from sr_bench.report.tables.speed import DOUBTFUL, IMPOSSIBLE, speedup_tables, timing_tables
from sr_bench.report.tables.trained import trained_table, trainings_table
from sr_bench.report.timings import SPEEDUPS, TIMINGS
from sr_bench.support.errors import SrBenchError

NAMES = Names(load_methods([Path(__file__).resolve().parent.parent / "methods"]))
EDSR_2017 = {"dataset": "Set5", "protocol": "edsr-2017", "metric": "psnr"}


def cells(*listed):
    """Rows of scores.csv: (run, value), and a dict of what differs from a bicubic run's."""
    rows = []
    for run, value, *change in listed:
        own = {"run": run, "scale": int(run[-1]), "value": value, "method": "bicubic"}
        rest = {"variant": "", "weights": "none", "images": 5, "signature": "s"}
        rows.append(own | rest | EDSR_2017 | (change[0] if change else {}))
    return pd.DataFrame(rows)[CELL_COLUMNS]


def grades(values, metric="psnr", places=2):
    row = graded([Missing() if v is None else Number(v, places) for v in values], metric=metric)
    return "".join("-" if isinstance(c, Missing) else " 12"[c.grade.value] for c in row)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([30.0, 32.0, 31.0], " 12"),
        ([31.001, 30.0, 30.998], "1 1"),  # tied at the printed digits: shared, and no second
        ([32.0, 31.0, 31.001, 30.0], "122 "),
        ([30.0, 31.0], " 1"),  # the loser of two is no second
        ([30.0, 30.0, 30.0], "   "),
        ([30.0], " "),
        ([], ""),
        ([30.0, None, 31.0, 32.0], " -21"),
        ([math.inf, 30.0, math.inf], "   "),  # infinite: an image is identical; it doesn't rank
        ([math.inf, 30.0, 31.0, 32.0], "  21"),
        ([math.inf, 30.0, 31.0, -math.inf], "  1 "),
        ([math.nan, 30.0, 31.0], "  1"),
    ],
)
def test_best_and_second(values, expected):
    assert grades(values) == expected


def test_of_a_distance_the_least_is_best():
    assert grades([0.3, 0.1, 0.2], metric="lpips", places=4) == " 12"


@pytest.mark.parametrize(
    ("value", "places", "signed", "expected"),
    [
        (30.085, 2, False, "30.09"),  # half up, as the ledger's verdicts are
        (-0.00001, 4, True, "0.0000"),
        (0.0037, 4, True, "+0.0037"),
        (math.inf, 2, False, "inf"),
        (1369859, 0, False, "1369859"),
    ],
)
def test_digits(value, places, signed, expected):
    assert digits(value, places, signed=signed) == expected


def test_a_number_shows_its_unit_and_keeps_its_value():
    number = Number(0.0123456, 1, unit=1e-3)
    assert (number.text, number.value) == ("12.3", 0.0123456)


def test_letters_go_on_after_z():
    assert [letters(i) for i in (0, 25, 26, 701, 702)] == ["a", "z", "aa", "zz", "aaa"]


def test_a_row_needs_a_cell_for_every_column():
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        Table("t", "t", "t", (Column("a", "a"), Column("b", "b")), (Group("", "", (("x",),)),))


def test_a_mark_is_shown_unless_it_is_on_the_best():
    marks = {(run, "Set5", "edsr-2017", "psnr"): True for run in ("a-x2", "b-x2")}
    (table,) = quality_tables(cells(("a-x2", 31.0), ("b-x2", 30.9), ("c-x2", 29.0)), marks)
    shown = {row[0]: (row[-1].grade, row[-1].marked) for row in table.rows}
    assert shown == {
        "a-x2": (Grade.BEST, False),
        "b-x2": (Grade.SECOND, True),
        "c-x2": (Grade.NONE, False),
    }


def test_scales_are_compared_with_themselves():
    (table,) = quality_tables(cells(("a-x3", 25.0), ("b-x2", 30.0), ("a-x2", 31.0), ("b-x3", 26.0)))
    assert [(g.label, [row[0] for row in g.rows]) for g in table.groups] == [
        ("×2", ["b-x2", "a-x2"]),
        ("×3", ["a-x3", "b-x3"]),
    ]
    assert [row[0] for row in table.rows if row[-1].grade is Grade.BEST] == ["a-x2", "b-x3"]


def test_a_run_without_a_cell_has_a_gap_and_one_without_scores_a_line():
    table = quality_tables(
        cells(("a-x2", 31.0), ("b-x2", 30.0), ("a-x2", 29.0, {"dataset": "Set14"})),
        not_run={f"{n}-x2": "its file is missing" for n in "cdefghi"} | {"j-x2": "no time"},
    )[0]
    assert [row[-1] for row in table.rows] == [Number(29.0, 2), Missing()]
    assert table.remarks == (
        "No scores of c-x2, d-x2, e-x2, f-x2, g-x2 and 2 more: its file is missing.",
        "No scores of j-x2: no time.",
    )


def test_mixed_signatures_are_refused():
    with pytest.raises(SrBenchError, match="would mix 2 signatures"):
        quality_tables(cells(("a-x2", 31.0), ("b-x2", 30.0, {"signature": "t"})))


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (("bicubic", "", "none", 2), ("", "", "")),
        (("srcnn", "9-5-5", "author-imagenet", 3), ("ImageNet", "authors", "ImageNet")),
        (("srcnn", "9-1-5", "author-t91", 3), ("T91", "authors", "T91")),
        (("srcnn", "9-1-5", "mmediting", 4), ("DIV2K", "mmediting", "MMEditing")),
        (("edsr", "baseline", "author", 2), ("DIV2K", "authors", "")),
        (("edsr", "full+", "author", 2), ("DIV2K", "authors", "")),
        (("mdsr", "baseline", "author", 4), ("DIV2K", "authors", "")),
        (("edsr", "baseline", "mmediting", 4), ("DIV2K", "mmediting", "MMEditing")),
        (("edsr", "baseline", "sr-bench-open690", 2), ("Open690", "here", "Open690")),
        (("edsr", "baseline", "sr-bench-div2k", 2), ("DIV2K", "here", "DIV2K")),
        (("none", "", "sr-bench-mine", 2), ("mine", "here", "mine")),
        (("none", "", "author", 2), ("not stated", "authors", "")),
        (("none", "", "author-x", 2), ("not stated", "authors", "x")),
        (("none", "", "mmediting", 2), ("not stated", "mmediting", "mmediting")),
        (("edsr", "baseline", "of_mine", 2), ("not stated", "of_mine", "of_mine")),
    ],
)
def test_what_weights_were_trained_on_and_by_whom(key, named):
    assert NAMES.weights(*key) == named


def test_weights_that_sr_bench_brings_are_not_trained_here():
    entry = {"method": "edsr", "variant": "baseline", "recipe": "r", "data": "Open690"}
    mine = Names(NAMES.methods, trained=(TrainEntry(**entry, scales=(2,)),))
    key = ("edsr", "baseline", "sr-bench-open690")
    assert mine.weights(*key, 2) == ("Open690", "here", "Open690")
    assert mine.weights("edsr", "baseline+", key[2], 2).by == "here"
    assert mine.weights(*key, 3) == ("Open690", "sr-bench", "sr-bench Open690")
    nothing = Names(NAMES.methods, trained=())
    assert nothing.weights(*key, 2).by == "sr-bench"
    runs = pd.DataFrame(
        [{"run": "r", "method": "edsr", "variant": "baseline", "weights": key[2], "scale": 2}]
    )
    assert nothing.labels(runs) == {"r": "EDSR baseline sr-bench Open690"}
    assert mine.labels(runs) == {"r": "EDSR baseline Open690*"}


def test_a_group_of_sources_says_what_its_weights_were_trained_on():
    published = {
        ("", "author", 2): Published("of-others", "a"),
        ("", "author", 3): Published("of-others", "a", trained_on="T91", by="me"),
        ("", "author", 4): Published("not-there", "a"),
    }
    method = Method(name="mine", load=print, reference="r", published=published)
    group = Source("of-others", "weights", "t", "l", "f", (), trained_on="Set14", by="them")
    sources = Sources({"of-others": {}}, {}, {"of-others": group})
    known = Names({"mine": method}, catalogue=Catalogue(sources, load_protocols()))
    assert known.weights("mine", "", "author", 2) == ("Set14", "them", "them")
    assert known.weights("mine", "", "author", 3) == ("T91", "me", "me")
    assert known.weights("mine", "", "author", 4) == ("not stated", "authors", "")


def test_what_published_numbers_were_trained_on_is_said_of_the_methods_that_are_there():
    rows = {"source": "p", "variant": "", "scale": 2, "published": "31.0", "measured": 31.0}
    row = dict.fromkeys(TRAINED, "") | EDSR_2017 | rows | {"delta": 0.0, "run": "a-x2"}
    trained = pd.DataFrame([row | {"method": "srcnn"}])
    here = {"method": "srcnn", "weights": "sr-bench-t91", "run": "a-x2"}
    scores = cells(("a-x2", 31.0, here))
    caption = trained_table(trained, scores, NAMES).caption
    assert caption.endswith("name says so (ImageNet, or DIV2K for EDSR and MDSR).")
    assert trained_table(trained, scores).caption.endswith("name says so.")


def test_names_of_metrics_and_files():
    planes, whole = describe_metric("psnr_ycbcr"), describe_metric("ms_ssim")
    assert (planes.title_with_unit, planes.decimals) == ("PSNR YCbCr (dB)", 2)
    assert (whole.title_with_unit, whole.decimals) == ("MS-SSIM", 4)
    assert describe_metric("lpips").higher_is_better is False
    assert describe_metric("mine_cb") == Metric("MINE", "Cb")
    assert slug("reproduction", "dong2016") == "reproduction-dong2016"
    assert slug("a<b") != slug("a>b") and "/" not in slug("../a/b")


def reproduction(**row):
    return pd.DataFrame([dict.fromkeys(REPRODUCTION, "") | EDSR_2017 | row])


def test_a_published_number_stands_beside_the_measured_one():
    row = {"source": "p", "method": "srcnn", "variant": "9-5-5", "scale": 2, "published": "31.0"}
    row |= {"measured": 31.04567, "delta": 0.04567, "verdict": "reproduced", "note": "why"}
    row |= {"where": "table 1", "command": "sr-bench reproduce p --dataset Set5"}
    (table,) = reproduction_tables(reproduction(**row), cells(("a-x2", 31.04567)), NAMES)
    published, measured, delta, verdict = table.rows[0][4:8]
    assert (published, measured.text, delta.text, verdict) == (
        "31.0",
        "31.046",
        "+0.0457",
        "reproduced",
    )
    group = table.groups[0]
    assert (group.label, group.where) == ("SRCNN 9-5-5, edsr-2017", Link("table 1", ""))
    assert group.command == "sr-bench reproduce p --dataset Set5"
    assert table.notes("paper") == {"why": "a"}
    assert table.signatures == ("s",)


def test_the_headline_has_the_best_of_each_method_and_origin():
    here = {"method": "srcnn", "variant": "9-5-5", "weights": "sr-bench-t91"}
    theirs = here | {"weights": "author-imagenet"}
    scores = cells(
        ("bicubic-x2", 30.0), ("a-x2", 31.0, theirs), ("b-x2", 32.0, here), ("c-x2", 31.5, here)
    )
    own = {"method": "srcnn", "scale": 2, "published": "31.00", "measured": 31.0}
    aim = dict.fromkeys(TRAINED, "") | EDSR_2017 | {"method": "bicubic", "scale": 2}
    trained = pd.DataFrame([aim | {"published": "30.5", "run": "bicubic-x2"}])
    (table,) = headline_tables(scores, reproduction(**own), trained)
    assert [(row[0], row[-2].text, row[-1]) for row in table.rows] == [
        ("bicubic-x2", "30.00", "30.5"),
        ("a-x2", "31.00", "31.00"),
        ("b-x2", "32.00", Missing()),
    ]


def timings(**row):
    own = {"run": "a-x2", "machine": "box", "device": "cpu1", "precision": "float32"}
    own |= {"input": "720p", "median_s": 0.5, "iqr_s": 0.01, "images_per_s": 2.0}
    own |= {"peak_memory_mb": 300, "params": 57184, "macs": pd.NA} | row
    return pd.DataFrame([{"medians_s": str(own["median_s"])} | own])


def test_timings_of_a_machine_and_device():
    (table,) = timing_tables(timings(), cells(("a-x2", 31.0)))
    assert table.name == "timings-box-cpu1"
    assert [c.text for c in (table.rows[0][2], table.rows[0][5])] == ["500.0", "1"]
    assert table.rows[0][3:5] == (Missing(), Missing())  # nothing was repeated; no files
    assert [c.text for c in table.rows[0][6:8]] == ["300", "57.2"]
    assert table.rows[0][8:] == (Missing(),)


def test_timings_have_files_and_datasets_beside_the_network_alone():
    inputs = {"720p": 0.5, "720p-png": 0.6, "Set5": 0.2, "BSD100": 0.3, "360p": 0.1}
    rows = [timings(input=name, median_s=s) for name, s in inputs.items()]
    other = timings(precision="bf16", median_s=0.4)
    (table,) = timing_tables(pd.concat([*rows, other]), cells(("a-x2", 31.0)))
    shown = [(c.group, c.heading) for c in table.columns]
    assert shown[4] == ("time for 1280 × 720 (ms)", "PNG to PNG")
    assert shown[9:] == [("median an image (ms)", "BSD100"), ("median an image (ms)", "Set5")]
    whole, bf16 = table.rows
    assert [whole[i].text for i in (2, 4, 9, 10)] == ["500.0", "600.0", "300.0", "200.0"]
    assert bf16[2].text == "400.0"
    assert {bf16[4], *bf16[9:]} == {Missing()}


def networks(**seconds):
    """Scores and timings of runs: of ``a1``, ``a2``, ... one network, of ``b1``, ... another."""
    variants = {run: {"variant": run[0], "scale": 2} for run in seconds}
    table = pd.concat([timings(run=run, median_s=s) for run, s in seconds.items()])
    return table, cells(*((run, 31.0, variants[run]) for run in seconds))


def test_runs_of_one_network_are_one_row_and_what_differs_is_marked():
    table, scores = networks(a1=1.0, a2=1.02, b1=2.0, b2=2.02, c1=1.0, c2=2.0, d1=5.0)
    (made,) = timing_tables(table, scores)
    assert [row[2].text for row in made.rows] == ["1010.0", "2010.0", "1500.0", "5000.0"]
    assert [row[5].text for row in made.rows] == ["2", "2", "2", "1"]
    assert made.rows[0][3].text == "20.0" and made.rows[2][3].text == "1000.0"
    assert made.rows[3][3].text == "99.0"  # of one process: the usual spread, 20 / 1010
    assert [row[2].note for row in made.rows] == ["", "", DOUBTFUL, ""]


def test_processes_of_a_run_and_of_others_of_its_network_count_alike():
    table, scores = networks(a1=1.0, a2=9.0)
    several = table.assign(medians_s=["1.0 1.1 1.2", "9.0"])
    (made,) = timing_tables(several, scores)
    assert [made.rows[0][i].text for i in (2, 3, 5)] == ["1150.0", "8000.0", "4"]


def test_from_file_to_file_faster_than_alone_is_marked():
    rows = [timings(), timings(input="720p-png", median_s=0.49)]
    (made,) = timing_tables(pd.concat(rows), cells(("a-x2", 31.0)))
    assert made.rows[0][4].note == IMPOSSIBLE
    assert "490.0 a" in markdown(made) and f"- a: {IMPOSSIBLE}" in markdown(made)
    assert r"490.0\rlap{$^{\mathrm{a}}$}" in latex(made)


def test_speedups_of_a_machine_and_device():
    row = {"run": "a-x2", "machine": "box", "device": "cpu1", "precision": "float32"}
    row |= {"input": "720p", "median_s": 0.5, "speedup": 1.754, "psnr_difference": -0.00004}
    made = pd.DataFrame([row | {"gflops": 61.4, "matrix_gflops": 100, "of_matrix_rate": 0.614}])
    (table,) = speedup_tables(made, cells(("a-x2", 31.0)))
    assert table.name == "speedups-box-cpu1"
    assert [c.text for c in table.rows[0][5:]] == ["500.0", "1.75", "0.0000", "61", "61"]
    assert speedup_tables(made.assign(input="Set5"), cells(("a-x2", 31.0))) == []
    assert speedup_tables(pd.DataFrame(columns=SPEEDUPS), cells(("a-x2", 31.0))) == []


def test_no_timings_and_no_trainings():
    assert timing_tables(pd.DataFrame(columns=TIMINGS), cells(("a-x2", 31.0))) == []
    assert timing_tables(timings(input="Set5"), cells(("a-x2", 31.0))) == []
    assert trainings_table(pd.DataFrame()).rows == ()


def test_a_page_takes_tables_between_its_markers():
    table = Table("t", "t", "t", (Column("a", "a"),), (Group("", "", (("x",),)),))
    page = "one\n<!-- table: t -->\nold\n<!-- end: t -->\ntwo\n"
    once = filled(page, [table], where="README.md")
    assert once == "one\n<!-- table: t -->\n\n| a |\n| --- |\n| x |\n\n<!-- end: t -->\ntwo\n"
    assert filled(once, [table], where="README.md") == once
    with pytest.raises(SrBenchError, match="unknown table 't'"):
        filled(page, [], where="README.md")
    with pytest.raises(SrBenchError, match="<!-- table: t --> stands alone"):
        filled("<!-- table: t -->\n", [table], where="README.md")


def test_a_page_takes_plots_between_its_markers():
    page = "<!-- plot: p -->\n<!-- end: p -->\n"
    once = filled(page, [], {"p": Picture("plots/p.png", "PSNR [dB]")}, where="README.md")
    shown = "![PSNR \\[dB\\]](reports/plots/p.png)"
    assert once == f"<!-- plot: p -->\n\n{shown}\n\n<!-- end: p -->\n"
    with pytest.raises(SrBenchError, match="unknown plot 'p'"):
        filled(once, [], {"q": Picture("", "")}, where="README.md")


def test_a_page_takes_sentences_between_its_markers():
    page = "<!-- text: counts -->\n<!-- end: counts -->\n"
    once = filled(page, [], None, {"counts": "5 runs.\n"}, where="README.md")
    assert once == "<!-- text: counts -->\n\n5 runs.\n\n<!-- end: counts -->\n"
    with pytest.raises(SrBenchError, match="unknown text 'counts'"):
        filled(page, [], None, {}, where="README.md")


def test_degradations_are_the_rows_where_a_project_scores_several():
    every = [
        ("a-x3", 30.0, {"protocol": "edsr-2017"}),
        ("a-x3", 28.5, {"protocol": "bd-rdn"}),
        ("a-x4", 27.0, {"protocol": "box"}),
        ("b-x3", 24.25, {"protocol": "bd-rdn", "method": "srcnn"}),
        ("b-x3", 25.5, {"protocol": "bd-rdn", "method": "srcnn", "dataset": "BSD100"}),
    ]
    bsd100, set5 = degradation_tables(cells(*every), NAMES)
    assert [t.name for t in (bsd100, set5)] == ["degradations-BSD100", "degradations-Set5"]
    assert [c.group for c in set5.columns[1::2]] == ["bicubic", "SRCNN"]
    rows = [(group.value, *row[:2], row[3]) for group in set5.groups for row in group.rows]
    assert rows == [
        ("3", "edsr-2017", Number(30.0, 2), Missing()),
        ("3", "bd-rdn", Number(28.5, 2), Number(24.25, 2)),
        ("4", "box", Number(27.0, 2), Missing()),
    ]
    assert degradation_tables(cells(*every[:2]), NAMES) == []  # one alone is no comparison
