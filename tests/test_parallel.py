"""Work on many images: one that fails doesn't stop the others."""

import time
from pathlib import Path

import numpy as np
import pytest

from sr_bench.support import memory
from sr_bench.support.errors import SrBenchError
from sr_bench.support.parallel import ahead, outcomes


def work(number):
    if number % 100 == 7:
        raise SrBenchError(f"{number} is damaged")
    if number == 50:
        raise MemoryError
    return number * 2


@pytest.mark.parametrize("workers", [None, 1])
def test_all_good_items_are_done_and_all_bad_ones_are_named_in_order(workers):
    found = outcomes(work, range(300), workers=workers)
    assert [f.item for f in found.failed] == [7, 50, 107, 207]
    assert [f.reason for f in found.failed][:2] == ["7 is damaged", "50: not enough memory"]
    assert found.done == [(n, 2 * n) for n in range(300) if n not in (7, 50, 107, 207)]


def test_nothing_to_do_has_no_failure():
    assert outcomes(work, []).done == outcomes(work, []).failed == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("a bug")])
def test_what_would_meet_every_item_is_raised(error):
    def fails(number):
        raise error

    with pytest.raises(type(error)):
        outcomes(fails, range(9))


def test_ahead_makes_the_next_item_while_one_is_used_and_no_more():
    made = []

    def items():
        for i in range(6):
            made.append(i)
            yield i

    used = []
    for item in ahead(items()):
        used.append(item)
        time.sleep(0.02)
        assert len(made) <= item + 2
    assert used == list(range(6))


def test_ahead_raises_what_making_an_item_raised():
    def items():
        yield 1
        raise SrBenchError("no second")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(SrBenchError, match="no second"):
        next(coming)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux alone says")
def test_memory_that_a_call_takes():
    large = memory.taken_by(lambda: np.ones(30_000_000))
    small = memory.taken_by(lambda: np.ones(1000))
    assert large > 230e6 and small < 100e6
    assert memory.available() > 100e6


def test_memory_of_a_system_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    called = []
    assert memory.available() is None and memory.taken_by(lambda: called.append(1)) is None
    assert called == [1]


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   64 kB\n")
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.available() == 65536
    (tmp_path / "memory.max").write_text("30000\n")
    (tmp_path / "memory.current").write_text("10000\n")
    assert memory.available() == 20000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() == 65536
