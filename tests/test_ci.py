"""What CI makes from real images: a few runs for all of this project's methods and protocols."""

import runpy
from pathlib import Path

import pytest

from sr_bench.networks.method_files import load_methods
from sr_bench.project.project import Project

ROOT = Path(__file__).resolve().parent.parent
PROJECT = Project.load(ROOT)
RUNS = [r for r in (ROOT / ".ci/runs").read_text().splitlines() if not r.startswith("#")]


def unused(names):
    """Methods, protocols and degradations that none of these runs uses."""
    known = set(PROJECT.params.protocols)
    runs = [PROJECT.run(name) for name in names]
    protocols = {p for run in runs for p in run.protocols}
    degradations = {p.degradation.name for p in protocols}
    methods = set(load_methods(PROJECT.method_folders)) | {
        run.method for run in PROJECT.params.runs.values()
    }
    return (
        (methods - {run.method for run in runs})
        | ({p.name for p in known} - {p.name for p in protocols})
        | ({p.degradation.name for p in known} - degradations)
    )


def test_the_runs_of_ci_use_every_method_protocol_and_degradation():
    tested = runpy.run_path(str(ROOT / "tests/test_published_networks.py"))
    elsewhere = {row[0].split()[0] for row in tested["REQUIRED"]} - {"bicubic", "srcnn"}
    assert unused(RUNS) - elsewhere == set(), "add a run to .ci/runs"
    assert len(RUNS) == len(set(RUNS))


@pytest.mark.parametrize("method", ["bicubic", "srcnn", "edsr", "mdsr"])
def test_a_method_without_a_run_is_noticed(method):
    assert method in unused([r for r in RUNS if not r.startswith(f"{method}-")])


def test_a_protocol_and_a_degradation_without_a_run_are_noticed():
    assert unused(["srcnn-9-1-5-author-t91-x3"]) >= {"edsr-div2k", "basicsr-y", "rgb-matlab-mod12"}


@pytest.mark.parametrize("script", ["run", "real-data", "nightly"])
def test_the_scripts_can_be_run(script):
    path = ROOT / ".ci" / script
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    assert path.stat().st_mode & 0o111
