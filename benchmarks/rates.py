"""The tables of test_training.py: steps, shares of the machine's matrix rate, data supply."""

from __future__ import annotations

from typing import Any

Bench = dict[str, Any]

MATRIX = ("precision | median ms | IQR ms | GFLOP/s, fastest", "--- | ---: | ---: | ---:")
STEPS = (
    "| ms a step | IQR ms | patches/s | times ours | GFLOP a step | GFLOP/s | of bf16 rate "
    "| of float32 rate | loss differs by, first and last | why",
    "---" + " | ---:" * 8 + " | --- | ---",
)
SUPPLY = (
    "| ms a batch | IQR ms | batches/s | ms a step of ours | times what the step needs",
    "---" + " | ---:" * 5,
)


def head(kind: str) -> str:
    """The first two lines of a table of that kind."""
    return "\n".join(
        f"| {line} |" for line in {"matrix": MATRIX, "supply": SUPPLY}.get(kind, STEPS)
    )


def row(bench: Bench, ours: float | None, run: dict[str, Any]) -> str:
    """A benchmark's line; ``ours`` is our median in its group."""
    make = {"matrix": _matrix, "supply": _supply, "steps": _steps}[bench["extra_info"]["kind"]]
    return "| " + " | ".join(make(bench, ours, run)) + " |"


def _matrix(bench: Bench, _: float | None, run: dict[str, Any]) -> list[str]:
    extra = bench["extra_info"]
    return [extra["contender"], *_times(bench, 1), f"{_fastest(bench) / 1e9:.0f}"]


def _steps(bench: Bench, ours: float | None, run: dict[str, Any]) -> list[str]:
    extra, median = bench["extra_info"], bench["stats"]["median"]
    rate = extra["flop"] / median
    shares = [_share(rate, _rate(run, extra["device"], p)) for p in ("bf16", "float32")]
    off = " and ".join(f"{value:.0e}" for value in extra["differences"].values())
    return [
        f"{extra['contender']} ({extra['precision']})",
        *_times(bench, extra["steps"]),
        f"{extra['patches'] / median:.1f}",
        f"{median / ours:.2f}" if ours else "?",
        f"{extra['flop'] / extra['steps'] / 1e9:.1f}",
        f"{rate / 1e9:.0f}",
        *shares,
        off,
        extra["why"],
    ]


def _supply(bench: Bench, _: float | None, run: dict[str, Any]) -> list[str]:
    extra, median = bench["extra_info"], bench["stats"]["median"]
    steps = [b for b in _of_kind(run, "steps") if b["group"] == extra["of"]]
    ours = [b["stats"]["median"] for b in steps if b["extra_info"]["contender"] == "sr_bench"]
    need = [f"{ours[0] / extra['steps'] * 1e3:.1f}", f"{ours[0] / median:.0f}"] if ours else "??"
    return [
        extra["contender"],
        *_times(bench, extra["steps"]),
        f"{extra['steps'] / median:.0f}",
        *need,
    ]


def _times(bench: Bench, count: int) -> list[str]:
    """Median and IQR in ms of one of the ``count`` things that a round does."""
    return [_digits(bench["stats"][name] / count * 1e3) for name in ("median", "iqr")]


def _digits(ms: float) -> str:
    return f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def _rate(run: dict[str, Any], device: str, precision: str) -> float | None:
    rates = [
        _fastest(bench)
        for bench in _of_kind(run, "matrix")
        if (bench["extra_info"]["device"], bench["extra_info"]["precision"]) == (device, precision)
    ]
    return max(rates, default=None)


def _fastest(bench: Bench) -> float:
    """FLOP/s of the fastest round: what the machine can do, whatever else it did meanwhile."""
    return float(bench["extra_info"]["flop"] / bench["stats"]["min"])


def _share(rate: float, of: float | None) -> str:
    return f"{100 * rate / of:.0f}%" if of else "?"


def _of_kind(run: dict[str, Any], kind: str) -> list[Bench]:
    return [b for b in run["benchmarks"] if b["extra_info"].get("kind") == kind]
