"""``sr-bench reproduce``: what it measures is what the ledger's rows are about."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from sr_bench.analysis.ledger.ledger import RUN, TRAINED_RUN, WHERE
from sr_bench.analysis.ledger.reproduce import AskedNumbers, reproduce
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.datasets.fetch import MIRROR
from sr_bench.data.datasets.folders import OwnFolder, indexed
from sr_bench.evaluation.by_protocol import score_folder
from sr_bench.evaluation.evaluating.candidate import CandidateOptions
from sr_bench.evaluation.evaluating.published_runs import PublishedRuns
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.resize import imresize
from sr_bench.networks.installed import installed_methods
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Catalogue.installed()
EDSR = CATALOGUE.protocols.find("edsr-2017")


def row(**changes):
    base = {"source": "paper", "method": "bicubic", "variant": "", "dataset": "Set5", "scale": 2}
    base |= {"metric": "psnr", "value": "30.00", "protocol": "edsr-2017", "note": ""}
    return base | {RUN: "bicubic", TRAINED_RUN: "", WHERE: "table 1"} | changes


def ledger(*rows):
    return pd.DataFrame(list(rows))


class Known(PublishedRuns):
    """Whose datasets are one folder, and whose weights are nowhere."""

    def test_set(self, name):
        if name == "Set14":
            raise SrBenchError("Set14: no address answers")
        folder = Path("hr").absolute()
        return TestSet(indexed(OwnFolder("Set5", folder, "*", told="hr")), catalogued=True)


@pytest.fixture
def known(tmp_path, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "cache"))
    for name in ("a", "b"):
        hr = picture(40, 44, 3)
        images.write(tmp_path / "hr" / f"{name}.png", hr)
        sr = imresize(degrade(hr, EDSR.degradation, scale=2), scale=2, rounding="each-pass",
                      border="mirror")  # fmt: skip
        images.write(tmp_path / "sr" / f"{name}.png", sr)
    return Known(installed_methods(), CATALOGUE)


def test_the_verdict_is_of_what_is_measured_now(known):
    rows = score_folder("sr", "hr", protocol="edsr-2017", scale=2)
    psnr = rows[rows["metric"] == "psnr"]["value"].mean()
    found = reproduce(
        ledger(row(value=f"{psnr:.2f}"), row(value=f"{psnr + 1:.2f}", variant="other")),
        known,
        CandidateOptions(),
    )
    assert found.rows["verdict"].tolist() == ["reproduced", "differs"]
    assert found.rows["measured"].tolist() == pytest.approx([psnr, psnr], abs=1e-9)
    assert found.rows["signature"].tolist() == [EDSR.signature] * 2
    assert found.faults == ()


def test_what_cannot_be_measured_has_its_reason_and_costs_no_other(known):
    found = reproduce(
        ledger(row(), row(protocol=""), row(run="", method="srcnn"), row(dataset="Set14")),
        known,
        CandidateOptions(),
    )
    assert found.rows["verdict"].tolist() == ["differs", "not run", "not run", "not run"]
    assert "no protocol of sr-bench" in found.rows["note"][1]
    assert "weights behind this row were not published" in found.rows["note"][2]
    assert found.faults == ("Set14: no address answers",)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (AskedNumbers("paper"), [0, 1]),  # Set5
        (AskedNumbers("paper", ("Set14",)), [2]),
        (AskedNumbers("paper", (), (3,)), [1]),
        (AskedNumbers("paper", ("Set5", "Set14"), (2,), ("bicubic",)), [0, 2]),
        (AskedNumbers("log"), [3]),  # the first that it has
    ],
)
def test_which_numbers_are_asked_for(asked, expected):
    rows = ledger(
        row(), row(scale=3, method="srcnn"), row(dataset="Set14"),
        row(source="log", dataset="BSD100"),
    )  # fmt: skip
    assert asked.rows(rows).index.tolist() == expected


@pytest.mark.parametrize(
    ("asked", "fact"),
    [
        (AskedNumbers("papper"), "unknown source 'papper' in the ledger; did you mean paper"),
        (AskedNumbers("paper", ("Set15",)), "unknown dataset 'Set15' in the numbers of paper"),
        (AskedNumbers("paper", (), (4,)), "unknown scale '4' in the numbers of paper; known: 2"),
    ],
)
def test_what_the_source_does_not_print(asked, fact):
    with pytest.raises(WrongUse, match=fact):
        asked.rows(ledger(row(), row(source="other", dataset="Set15", scale=4)))


@pytest.mark.parametrize("project", [None, Project.load(ROOT)])
def test_runs_are_found_with_and_without_a_project(project):
    known = PublishedRuns(installed_methods(), CATALOGUE, project)
    for name in ("bicubic-x3", "srcnn-9-5-5-author-imagenet-x3", "edsr-full-author-x2"):
        assert known.find(name).name == name
    assert known.find("edsr-full+-author-x2").ensemble
    assert known.find("nobody-x2") is None


def test_every_run_that_the_ledger_names_is_known_by_its_name():
    from sr_bench.analysis.ledger.neighbours import published_numbers

    known = PublishedRuns(installed_methods(), CATALOGUE)
    rows = published_numbers()
    rows = rows[(rows[RUN] != "") & rows["method"].isin(known.methods)]
    names = {f"{r[RUN]}-x{r['scale']}" for r in rows.to_dict("records")}
    assert names and {name for name in names if known.find(name) is None} == set()


@pytest.mark.skipif(MIRROR not in os.environ, reason="nothing to fetch Set5 from")
def test_in_an_empty_folder(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    words = ["reproduce", "dong2016srcnn", "--scale", 3, "--method", "bicubic"]
    numbers = json.loads(cli([*words, "--json"])[0])["numbers"]
    assert [n["verdict"] for n in numbers if n["where"] == "table 2"] == ["reproduced"] * 2
    text, _ = cli(words)
    for fact in ("Dong et al. 2016", "https://doi.org/", "table 2", "30.39", "30.3936"):
        assert fact in text
    assert text.count("signature: protocol:srcnn-2015|version:1|") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]


def test_wrong_use_of_the_command(cli):
    assert "unknown source 'dong2016'" in cli(["reproduce", "dong2016"], 2)[1]
    words = ["reproduce", "dong2016srcnn", "--method", "edsr"]
    assert "unknown method 'edsr' in the numbers of dong2016srcnn" in cli(words, 2)[1]


def test_sources_are_listed(cli):
    rows = json.loads(cli(["list", "published", "--json"])[0])
    (dong,) = [r for r in rows if r["source"] == "dong2016srcnn"]
    assert dong["cited"] == "Dong et al. 2016" and dong["numbers"] == 58
