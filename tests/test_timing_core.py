"""Settings, rounds, statistics, devices and the machine's name."""

import os
import platform
import time
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from sr_bench.networks import machine
from sr_bench.support.errors import WrongUse
from sr_bench.timing.devices import choose, peak_mb, pinned, present, resident_mb, threads_of
from sr_bench.timing.fingerprint import Fingerprint, fingerprint
from sr_bench.timing.rounds import (
    clock_of,
    duration,
    median_and_iqr,
    medians,
    rates,
    rounds_for,
    warm_up,
)
from sr_bench.timing.setting import PRECISIONS, SIZES, Setting, all_settings, frame_of, works_on


@pytest.mark.parametrize(
    ("scale", "name", "lr", "sr"),
    [
        (2, "720p", (360, 640), (720, 1280)),
        (3, "720p", (240, 427), (720, 1281)),
        (4, "720p-png", (180, 320), (720, 1280)),
        (3, "180p", (60, 107), (180, 321)),
        (4, "2160p", (540, 960), (2160, 3840)),
    ],
)
def test_frame(scale: int, name: str, lr: tuple[int, int], sr: tuple[int, int]) -> None:
    assert frame_of(scale, name) == lr
    assert (lr[0] * scale, lr[1] * scale) == sr


def test_every_scale_makes_every_frame_but_for_a_pixel_a_side() -> None:
    for name, (height, width) in SIZES.items():
        for scale in (2, 3, 4):
            h, w = frame_of(scale, name)
            assert h * scale == height and abs(w * scale - width) <= 1


def test_settings_of_one_kind_are_neighbours() -> None:
    made = all_settings(["a", "b"], ["cpu-1"], ["float32", "bf16"], ["720p"])
    assert [str(s) for s in made[:2]] == ["a cpu-1 float32 720p", "b cpu-1 float32 720p"]
    assert Setting(**made[3].asdict()) == made[3] == Setting("b", "cpu-1", "bf16", "720p")


def test_precisions() -> None:
    assert not works_on("fp16", "cpu-1") and not works_on("fp16-compile", "cpu-all")
    assert works_on("fp16", "cuda") and works_on("bf16", "cpu-1")
    assert not PRECISIONS["float32-nchw"].channels_last


@pytest.mark.parametrize("times", [[3.0], [1.0, 2.0], [5.0, 1.0, 2.0], [0.1, 0.7, 0.3, 0.9, 0.2]])
def test_statistics_equal_numpys(times: list[float]) -> None:
    median, iqr = median_and_iqr(times)
    assert median == np.median(times)
    assert iqr == pytest.approx(np.quantile(times, 0.75) - np.quantile(times, 0.25), abs=1e-15)


def test_medians_of_processes() -> None:
    assert medians([1.0, 3.0, 2.0, 8.0, 9.0], [3, 2]) == (2.0, 8.5)


def test_rates() -> None:
    assert rates([1.0, 0.5, 0.25], [2_000_000] * 3, 0.5) == (2.0, 4.0)  # at the median time
    assert rates([1.0, 3.0], [1_000_000, 3_000_000], 2.0) == (0.5, 1.0)  # over all of a dataset


def call_and_clock(durations: Iterator[float]) -> tuple[object, object]:
    """A call that takes the next of the durations, and the clock that shows it."""
    now = [0.0]

    def call() -> None:
        now[0] += next(durations)

    return call, lambda: now[0]


def test_warm_up_ends_when_stable() -> None:
    call, clock = call_and_clock(iter([9e-1, 5e-1, 3e-1, 1e-1, 1e-1, 1e-1, 1e-1, 1e-1, 1e-1, 1e-1]))
    warmth = warm_up(call, clock)
    assert (warmth.calls, warmth.stable) == (8, True)
    assert warmth.seconds == pytest.approx(0.1)


def test_warm_up_gives_up() -> None:
    call, clock = call_and_clock(0.01 * 1.1**i for i in count())
    assert warm_up(call, clock)[:2] == (30, False)
    call, clock = call_and_clock(iter([9.0, 9.0]))
    assert warm_up(call, clock) == (2, False, 9.0)
    call, clock = call_and_clock(iter([3.0, 3.0]))
    assert warm_up(call, clock, again=True) == (2, False, 3.0)


@pytest.mark.parametrize(
    ("seconds", "rounds"), [(6.0, 5), (5.0, 9), (0.5, 9), (0.05, 20), (0.001, 50), (0.0, 50)]
)
def test_rounds(seconds: float, rounds: int) -> None:
    assert rounds_for(seconds) == rounds


@pytest.mark.parametrize(("seconds", "rounds"), [(6.0, 3), (0.5, 3), (0.2, 5), (0.05, 9)])
def test_rounds_of_further_processes(seconds: float, rounds: int) -> None:
    assert rounds_for(seconds, again=True) == rounds
    assert rounds_for(seconds, 5, again=True) == 5


@pytest.mark.parametrize(("images", "rounds"), [(2, 10), (5, 10), (9, 9), (14, 14), (100, 100)])
def test_rounds_of_a_dataset(images: int, rounds: int) -> None:
    """Each image once, those of a small one as often as nine rounds need."""
    assert rounds_for(6.0, images) == rounds


def test_duration_is_of_the_call_alone() -> None:
    """Not of freeing what it returns."""
    now = [0.0]

    class Result:
        def __del__(self) -> None:
            now[0] += 5

    def call() -> Result:
        now[0] += 0.5
        return Result()

    assert duration(call, lambda: now[0]) == 0.5
    assert now == [5.5]


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("sr_bench.timing.devices.cores", lambda: 4)
    assert present() == choose(["all"]) == choose(["cpu-1", "cpu"]) == ["cpu-1", "cpu-all"]
    assert (threads_of("cpu-1"), threads_of("cpu-all"), threads_of("cuda")) == (1, 4, 4)
    with pytest.raises(WrongUse, match=r"no device 'cuda' .* choose one of: cpu-1, cpu-all, cpu"):
        choose(["cpu", "cuda"])
    monkeypatch.setattr("sr_bench.timing.devices.cores", lambda: 1)
    assert present() == ["cpu-1"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no pinning on this system")
def test_pinned() -> None:
    before = os.sched_getaffinity(0)
    with pinned("cpu-1") as variables:
        assert os.sched_getaffinity(0) == {max(before)}
        assert variables["OMP_NUM_THREADS"] == "1"
    assert os.sched_getaffinity(0) == before


def test_name_of_a_machine() -> None:
    facts = {"cpu": "AMD EPYC (R)", "cpu_id": "25.17.1", "instructions": ["avx2"], "cores": 2}
    facts |= {"threads": 2, "torch": "2.13.0", "os": "Linux", "gpu": None, "driver": None}
    newer = {"cpu_id": "26.2.1"}  # what a virtual machine may call the same
    one, another, again, other = (
        Fingerprint.model_validate(facts | more).name
        for more in ({}, newer, newer, {"instructions": []})
    )
    stem = "amd-epyc-r-2-threads-torch-2.13.0-"
    assert all(name.startswith(stem) for name in (one, another, other))
    assert another == again and len({one, another, other}) == 3


X86 = "processor: 0\nvendor_id: A\ncpu family: 25\nmodel: 1\nmodel name: AMD  EPYC\nstepping: 1\n"
ARM = "processor: 0\nCPU implementer: 0x41\nCPU part: 0xd40\nCPU revision: 1\n"


@pytest.mark.parametrize(
    ("cpuinfo", "name", "cpu_id"),
    [(f"{X86}\n{X86}", "AMD EPYC", "25.1.1"), (ARM, "arm", "0x41.0xd40.1"), (None, "arm", "?.?.?")],
)
def test_processor(
    cpuinfo: str | None, name: str, cpu_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    monkeypatch.setattr(machine, "_brand", str)
    monkeypatch.setattr(machine.Path, "is_file", lambda _: cpuinfo is not None)
    monkeypatch.setattr(machine.Path, "read_text", lambda *_, **__: cpuinfo)
    assert machine.processor() == (name, cpu_id)


def test_fingerprint_does_not_tell_whose_machine_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "SECRET")
    here = fingerprint()
    told = here.model_dump_json() + here.name
    assert "SECRET" not in told and "/" not in told
    assert here.threads >= 1 and here.cores >= 1 and here.torch


def test_memory() -> None:
    assert 10 < resident_mb() <= peak_mb()


def test_a_network_alone_on_a_gpu_is_timed_by_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is recorded and waited for; milliseconds since the last one are added up."""
    done: list[str] = []

    class Event:
        def __init__(self, *, enable_timing: bool) -> None:
            assert enable_timing
            self.number = done.count("record")

        def record(self) -> None:
            done.append("record")

        def synchronize(self) -> None:
            done.append("synchronize")

        def elapsed_time(self, end: "Event") -> float:
            return 250.0 * (end.number - self.number)

    monkeypatch.setattr("torch.cuda.Event", Event)
    clock = clock_of(Setting("a", "cuda", "bf16", "720p"))
    assert duration(lambda: None, clock) == 0.25
    assert (clock(), clock.__name__) == (0.75, "cuda_events")
    assert done == ["record", "synchronize"] * 4
    for device, name in (("cuda", "720p-png"), ("cuda", "Set5"), ("cpu-all", "720p")):
        assert clock_of(Setting("a", device, "bf16", name)) is time.perf_counter


@pytest.mark.parametrize(
    ("cpu", "cpu_id", "device", "place"),
    [
        ("AMD EPYC", "26.2.1", "cpu-1", "AMD EPYC (Zen 5), 1 core"),
        ("AMD EPYC 7543 Processor", "25.1.1", "cpu-all", "AMD EPYC 7543 (Zen 3), 4 cores"),
        ("Intel(R) Xeon(R) Processor", "6.207.2", "cpu-1", "Intel Xeon (Emerald Rapids), 1 core"),
        ("Intel(R) Xeon(R) Processor", "6.207.2", "cuda", "NVIDIA H200"),
        ("Apple M2", "unknown", "cpu-1", "Apple M2, 1 core"),
        ("AMD EPYC", "26.80.0", "cpu-1", "AMD EPYC, 1 core"),
    ],
)  # fmt: skip
def test_a_machine_has_a_name_that_people_read(cpu, cpu_id, device, place):
    facts = {"instructions": (), "cores": 4, "threads": 4, "torch": "2", "os": "x", "driver": None}
    machine = Fingerprint(cpu=cpu, cpu_id=cpu_id, gpu="NVIDIA H200", **facts)
    assert machine.place(device) == place
