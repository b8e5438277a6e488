"""A made-up report with names that try to break a page; tests of the page share it."""

import dataclasses
from pathlib import Path

import pandas as pd

from sr_bench.analysis.ledger.ledger import REPRODUCTION
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS, cells
from sr_bench.networks.method_files import load_methods
from sr_bench.report.build import Report
from sr_bench.report.names import Names
from sr_bench.report.timings import NETWORKS, SPEEDUPS, TIMINGS

HOSTILE = "srcnn-</script><script>alert('_%\"')</script>-x2"
RUNS = {
    "bicubic-x2": ("bicubic", "none", 2),
    HOSTILE: ("srcnn", "author-t91", 2),
    "edsr-x2": ("edsr", "author", 2),
    "bicubic-x3": ("bicubic", "none", 3),
}

VARIANTS = {"bicubic": "", "srcnn": "9-1-5", "edsr": "baseline"}


def made_up(*, timed=False):
    """Four runs on two images of Set5 under two protocols; PSNR rises from run to run."""
    rows = []
    for i, (run, (method, weights, scale)) in enumerate(RUNS.items()):
        for protocol in ("srcnn-2015", "edsr-2017"):
            stamp = find_protocol(protocol).signature
            for image, value in (("colour", 30 + i), ("gray", 32.12345 + i)):
                for metric, v in (("psnr", value), ("ssim", value / 40)):
                    rows.append(
                        (
                            run,
                            method,
                            VARIANTS[method],
                            weights,
                            scale,
                            "Set5",
                            protocol,
                            metric,
                            image,
                            v,
                            stamp,
                        )
                    )
    per_image = pd.DataFrame(rows, columns=IMAGE_COLUMNS)
    per_image = per_image.sort_values(
        ["run", "protocol", "metric"], kind="stable", ignore_index=True
    )
    parts = {
        "per_image": per_image,
        "cells": cells(per_image),
        "reproduction": _ledger(),
        "speedups": pd.DataFrame(columns=SPEEDUPS),
        "timings": _timings() if timed else pd.DataFrame(columns=TIMINGS),
        "networks": _networks() if timed else pd.DataFrame(columns=NETWORKS),
        "published_costs": (),
        "not_run": {"mdsr-<b>": "no weights", "srcnn-a": "no file", "mdsr-c": "no weights"},
    }
    parts["names"] = Names(load_methods([Path(__file__).resolve().parent.parent / "methods"]))
    blank = {f.name: pd.DataFrame() for f in dataclasses.fields(Report) if f.name != "names"}
    return Report(**(blank | parts))


def _ledger():
    rows = [
        (
            "paper",
            "bicubic",
            "",
            "Set5",
            2,
            "psnr",
            "srcnn-2015",
            "31.06",
            31.061725,
            0.001725,
            "reproduced",
            "",
            "table 2",
            "yes",
            "sr-bench reproduce paper --dataset Set5",
        ),
        (
            "readme",
            "srcnn",
            "<i>9-5-5</i>",
            "Set5",
            2,
            "psnr",
            "srcnn-2015",
            "36.66",
            32.0,
            -4.66,
            "differs",
            "a <b>doubt</b>",
            "",
            "yes",
            "",
        ),
        (
            "readme",
            "edsr",
            "",
            "Set5",
            2,
            "psnr",
            "edsr-2017",
            "38.11",
            None,
            None,
            "not run",
            "no weights",
            "",
            "no",
            "",
        ),
    ]
    return pd.DataFrame(rows, columns=REPRODUCTION)


def _networks():
    rows = [("bicubic-x2", 0, 0, ""), (HOSTILE, 1000, 10**9, ""), ("edsr-x2", 2000, 2 * 10**9, "")]
    return pd.DataFrame(rows, columns=NETWORKS)


def _timings():
    rows = [
        (
            run,
            machine,
            "cpu-1",
            "float32",
            "720p",
            10.0 ** (i - 3),
            10.0 ** (i - 4),
            5,
            1.0,
            100.0,
            1000 * i,
            10**9 * i,
            30.0 + i,
            "Set5",
            "",
            str(10.0 ** (i - 3)),
        )
        for machine, runs in (("few", 1), ("one", 3), ("two", 3))
        for i, run in enumerate(["bicubic-x2", HOSTILE, "edsr-x2"][:runs])
    ]
    return pd.DataFrame(rows, columns=TIMINGS)
