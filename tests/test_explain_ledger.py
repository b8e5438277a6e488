"""``sr-bench explain --ledger``: which rows it takes up, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.ledger import differing_rows, explain_row
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError

HEADER = "source,method,variant,dataset,scale,metric,value,protocol,note,run,trained\n"
LEDGER = (
    "a,bicubic,,Set5,2,psnr,{psnr},edsr-2017,,bicubic,\n"
    "a,bicubic,,Set5,2,ssim,0.5,edsr-2017,,bicubic,\n"
    "b,bicubic,,Set14,3,psnr,{psnr},edsr-2017,,bicubic,\n"
)
REPORT = "published,verdict\n{psnr},differs\n0.5,close\n{psnr},not run\n"


@contextmanager
def quietly(_: str, __: int) -> Iterator[object]:
    yield lambda _: None


@pytest.fixture
def claimed(project: Path):  # type: ignore[no-untyped-def]
    """``claimed(psnr)``: a project whose ledger and report hold that number as one that differs."""

    def write(psnr: str) -> Project:
        params = project / "params.yaml"
        params.write_text(params.read_text().replace("ledger: null", "ledger: published.csv"))
        (project / "published.csv").write_text(HEADER + LEDGER.format(psnr=psnr))
        (project / "reports").mkdir(exist_ok=True)
        (project / "reports" / "reproduction.csv").write_text(REPORT.format(psnr=psnr))
        return Project.load(project)

    return write


def test_rows_that_differ_come_with_what_is_printed_beside_and_elsewhere(claimed) -> None:  # type: ignore[no-untyped-def]
    (row,) = differing_rows(claimed("12.34"))
    assert row.run == "bicubic-x2"
    assert row.claim == Claim("psnr", "12.34")
    assert row.others == (Claim("ssim", "0.5"),)
    assert row.elsewhere == ("Set14 x3 in b",)


def test_a_row_is_explained_by_itself_where_its_neighbour_fits_nothing(claimed) -> None:  # type: ignore[no-untyped-def]
    project = claimed("12.34")
    (row,) = differing_rows(project)
    nearest = explain_row(project, row, watch=quietly).trials[0]
    exact = f"{nearest.values['psnr']:.9f}"
    project = claimed(exact)
    (row,) = differing_rows(project)
    answer = explain_row(project, row, watch=quietly)
    assert [c.printed for c in answer.question.claims] == [exact]
    assert answer.fitting[0].candidate == nearest.candidate


def test_a_report_of_another_ledger_is_refused(claimed) -> None:  # type: ignore[no-untyped-def]
    project = claimed("12.34")
    (project.reports / "reproduction.csv").write_text(REPORT.format(psnr="12.35"))
    with pytest.raises(SrBenchError, match="another ledger"):
        differing_rows(project)


def test_without_a_report_there_is_nothing_to_explain(claimed) -> None:  # type: ignore[no-untyped-def]
    project = claimed("12.34")
    (project.reports / "reproduction.csv").unlink()
    with pytest.raises(SrBenchError, match="run sr-bench report"):
        differing_rows(project)
