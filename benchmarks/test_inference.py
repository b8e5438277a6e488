"""Inference of one run of each method, at 1280 x 720 on all cores: what `sr-bench time` measures.

In one process after another, as `sr-bench time` does it, memory is known as well (docs/timing.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.measure import Measurement
from sr_bench.timing.rounds import rounds_for
from sr_bench.timing.setting import ALL, FRAME, Setting
from sr_bench.timing.tasks import Task

PROJECT = Project.load(Path(__file__).parents[1])
FIRST = {run.method: name for name, run in reversed(PROJECT.params.runs.items())}


@pytest.mark.parametrize("name", FIRST.values())
def test_inference(benchmark: BenchmarkFixture, name: str, tmp_path: Path) -> None:
    task = Task(PROJECT.root, Setting(name, ALL, "float32", FRAME), psnr=False)
    try:
        measurement = Measurement(task, tmp_path)
    except SrBenchError as error:
        pytest.skip(str(error))
    warm = measurement.warm_up()
    (call,) = measurement.calls.calls
    benchmark.pedantic(call, rounds=rounds_for(warm.seconds))  # type: ignore[no-untyped-call]
    benchmark.extra_info.update(measurement.facts(warm))
