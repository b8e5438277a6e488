"""Inference: one setting (run, device, precision, input), which `sr-bench time` hands over.

Each setting has a process of its own, so that its peak memory is its own and a crash is its alone.
docs/timing.md says what is measured, and how.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.timing.task import Task, handed_over

HANDED = handed_over()


def _clock() -> Callable[[], float]:
    from .inference import clock_of

    assert HANDED is not None
    return clock_of(HANDED[0].setting)


def _parameters() -> list[object]:
    if HANDED is None:
        why = "`sr-bench time` times inference, each setting in a process of its own"
        return [pytest.param(None, marks=pytest.mark.skip(reason=why))]
    return [pytest.param(HANDED, marks=pytest.mark.benchmark(timer=_clock()))]


@pytest.mark.parametrize("handed", _parameters(), ids=["setting"])
def test_inference(benchmark: BenchmarkFixture, handed: tuple[Task, Path]) -> None:
    from sr_bench.project.project import Project
    from sr_bench.timing.subject import Subject

    from .inference import Job, noting_failure, rounds_of

    task, folder = handed
    clock = benchmark._timer  # the one that the rounds are timed with
    with noting_failure(folder):
        job = Job(task, Subject.find(Project.load(task.root), task.setting.run), folder)
        work = job.work()
        warmth = job.warm(work, clock)
        rounds = rounds_of(work, warmth)
        calls = iter([work.calls[i % len(work.calls)] for i in range(rounds)])
        benchmark.pedantic(lambda call: call(), setup=lambda: ((next(calls),), {}), rounds=rounds)
        benchmark.extra_info.update(job.facts(work, warmth, clock))
        benchmark.extra_info["pixels"] = [work.pixels[i % len(work.pixels)] for i in range(rounds)]
