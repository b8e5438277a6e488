"""What the command line meets around it: terminals, notebooks, missing packages, small machines."""

import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from sr_bench.imaging import images
from sr_bench.report.figures.files import Plot, save_figure
from sr_bench.report.figures.panels import new_figure
from sr_bench.report.figures.style import paper_style

PROGRAM = """
import sys
sys.argv[0] = "sr-bench"
from sr_bench.cli import main
main()
"""


def run(words, cwd, **environment):
    """The command line in a process of its own, in that environment; its output is bytes."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        | {"PYTHONPATH": os.pathsep.join(sys.path)}
        | environment,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("kind", [MemoryError, RecursionError, UnicodeError])
def test_what_the_input_causes_is_one_line(cli, monkeypatch, tmp_path, kind):
    def fail(*_, **__):
        raise kind("what it said")

    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", fail)
    out, err = cli(["list", "sources"], 1, tmp_path)
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert {MemoryError: "out of memory", RecursionError: "nested too deeply"}.get(
        kind, "save the file as UTF-8"
    ) in err


def failing_with(monkeypatch, said):
    def fail(*_):
        raise RuntimeError(said)

    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", fail)


@pytest.mark.parametrize(
    "said", ["can't start new thread", "DefaultCPUAllocator: can't allocate memory: you tried"]
)
def test_too_little_memory_for_a_thread_or_a_tensor_is_one_line(cli, monkeypatch, tmp_path, said):
    failing_with(monkeypatch, said)
    assert cli(["list", "sources"], 1, tmp_path)[1].startswith(f"error: out of memory ({said})")


def test_another_runtime_error_keeps_its_traceback(cli, monkeypatch, tmp_path):
    failing_with(monkeypatch, "a fault of ours")
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli(["list", "sources"], 1, tmp_path)


def test_text_that_cannot_be_decoded_is_one_line(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", lambda _: b"\xff".decode())
    assert "another encoding than expected: 'utf-8'" in cli(["list", "sources"], 1, tmp_path)[1]


def test_a_fault_of_the_program_itself_keeps_its_traceback(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", lambda _: {}["x"])
    with pytest.raises(KeyError):
        cli(["list", "sources"], 1, tmp_path)


@pytest.mark.parametrize(
    ("module", "fact"),
    [
        ("matplotlib", "matplotlib is not installed; it comes with the extra [run] of sr-bench"),
        ("dvclive.live", "dvclive is not installed; it comes with the extra [run]"),
        ("skimage", "skimage is not installed; it comes with the extra [run]"),
        ("lpips", "lpips is not installed; it comes with the extra [metrics]"),
        ("pytest_benchmark", "it comes with the extra [test]"),
        ("scunet", "Python module scunet is not installed and is needed here; install it"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(cli, monkeypatch, tmp_path, module, fact):
    def fail(*_, **__):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", fail)
    assert fact in cli(["list", "sources"], 1, tmp_path)[1]


def test_a_missing_module_of_our_own_is_a_fault_of_the_program(cli, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise ModuleNotFoundError("No module named 'sr_bench.x'", name="sr_bench.x")

    monkeypatch.setattr("sr_bench.data.catalogue.sources.Sources.all", fail)
    with pytest.raises(ModuleNotFoundError):
        cli(["list", "sources"], 1, tmp_path)


C = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}  # Python reads names as ASCII


@pytest.mark.parametrize(
    ("environment", "bird"),
    [
        ({"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C.UTF-8"}, b"\\u9ce5"),
        ({"PYTHONIOENCODING": "latin-1:strict", "LC_ALL": "C.UTF-8"}, b"\\u9ce5"),
        (C, b"\\xe9\\xb3\\xa5"),
    ],
    ids=["ascii", "latin-1", "C"],
)
def test_a_terminal_that_is_not_utf8_gets_the_table(tmp_path, picture, environment, bird):
    """A table, and an error, with names that its encoding lacks."""
    pixels = picture(24, 24, 3)
    for folder in ("hr", "sr"):
        images.write(tmp_path / folder / "bœuf_鳥.png", pixels)
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", "2", "--protocol", "edsr-2017"]
    done = run(words, tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert b"inf" in done.stdout and bird in b"".join(done.stdout.split())
    words[2] = "鳥"
    done = run(words, tmp_path, **environment)
    assert done.returncode in (1, 2) and done.stderr.startswith(b"error: " + bird)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "backend", ["module://matplotlib_inline.backend_inline", "module://nowhere", "no such", "TkAgg"]
)
def test_a_notebook_may_hand_on_any_backend(tmp_path, backend):
    program = (
        "from sr_bench.cli.app import _adapt_surroundings as adapt; adapt()\n"
        "from pathlib import Path\n"
        "from sr_bench.report.figures.files import Plot, save_figure\n"
        "from sr_bench.report.figures.panels import new_figure\n"
        "save_figure(Plot('a', '', new_figure(1, 1)), Path('.'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").is_file()


OWN_STYLE = {
    "axes.facecolor": "red",
    "figure.dpi": 31,
    "font.family": "monospace",
    "lines.linewidth": 9,
    "path.simplify": False,
    "pdf.compression": 0,
    "savefig.bbox": "tight",
    "savefig.dpi": 31,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "other",
    "svg.id": "other",
    "xtick.direction": "in",
}


def drawn(folder):
    with paper_style():
        figure = new_figure(2, 1.5)
        axes = figure.subplots()
        axes.plot(np.arange(5), np.arange(5) ** 2, marker="o", label="a")
        axes.legend()
    return {p.suffix: p.read_bytes() for p in save_figure(Plot("plot", "c", figure), folder)}


@pytest.mark.parametrize("changed", [*OWN_STYLE, "all"])
def test_a_style_of_the_users_own_changes_no_byte_of_a_figure(tmp_path, changed):
    own = OWN_STYLE if changed == "all" else {changed: OWN_STYLE[changed]}
    own = {key: value for key, value in own.items() if key in matplotlib.rcParams}
    plain = drawn(tmp_path / "plain")
    with matplotlib.rc_context(own):
        assert drawn(tmp_path / "own") == plain
