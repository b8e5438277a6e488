"""The documents: their code runs, their commands are of the command line, their paths exist."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import typer

from sr_bench.cli.app import app
from sr_bench.data.catalogue.protocols import Protocols
from sr_bench.data.catalogue.sources import read_source
from sr_bench.data.datasets.fetch import MIRROR
from sr_bench.imaging import images
from sr_bench.imaging.resize import imresize
from sr_bench.project.entries import FigureEntry, ViewerEntries
from sr_bench.support.strict_yaml import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "RELEASE.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks/README.md",
]
COMMANDS = typer.main.get_command(app).commands
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
FENCE = re.compile(
    r"(?:^ *<!-- (?P<note>[^\n]*) -->\n)?^(?P<pad> *)```(?P<lang>\w*)\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A block of code; ``note`` is the comment above it."""

    page: Path
    line: int
    lang: str
    note: str
    text: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page, lang):
    text = page.read_text()
    for found in FENCE.finditer(text):
        if found["lang"] == lang:
            line = text.count("\n", 0, found.start()) + 1
            lines = (part.removeprefix(found["pad"]) for part in found["text"].splitlines(True))
            yield Block(page, line, lang, found["note"] or "", "".join(lines))


def all_blocks(lang):
    return [block for page in PAGES for block in blocks(page, lang)]


def test_no_block_is_left_without_a_language():
    for page in PAGES:
        assert not list(blocks(page, "")), f"{page}: name the language after the fence"


# Python


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_python_runs(page, tmp_path, monkeypatch):
    """In a folder with the clone's methods; a block that begins with a file's name is that file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "methods").symlink_to(ROOT / "methods")
    for block in blocks(page, "python"):
        if block.note.startswith("not run: "):
            ast.parse(block.text)
            continue
        if name := re.match(r"# (\w+\.py)\n", block.text):
            (tmp_path / name[1]).write_text(block.text)
        exec(compile(block.text, str(block), "exec"), {"__name__": "docs"})


def test_the_script_of_a_stranger_has_ten_lines_and_says_what_it_measured(
    tmp_path, monkeypatch, capsys
):
    (block,) = blocks(ROOT / "docs/index.md", "python")
    assert len([line for line in block.text.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    (tmp_path / "methods").symlink_to(ROOT / "methods")
    exec(compile(block.text, str(block), "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[2].startswith("protocol:edsr-2017|version:2|")
    psnr, ssim = map(float, first.split()[:2])
    assert 28 < psnr < 34 and 0.8 < ssim < 0.95
    assert float(second.split()[0]) < psnr  # RGB


# Commands


def commands(text):
    """Every single command of a shell block, as words: no comments, no variables set before it."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for part in " ".join(shlex.quote(word) for word in words).split("'&&'"):
            single = shlex.split(part)
            while single and re.match(r"[A-Z_]+=", single[0]):
                single = single[1:]
            if single:
                yield single


def check_command(words, *, whole):
    """Fail unless the command exists, with these options; ``whole``: with these values too."""
    if "sr-bench" in words:
        _, *rest = words[words.index("sr-bench") :]
        if not rest or rest[0].startswith("-"):
            return
        assert rest[0] in COMMANDS, f"no command {rest[0]}"
        command = COMMANDS[rest[0]]
        if hasattr(command, "commands") and len(rest) > 1 and not rest[1].startswith("-"):
            rest = rest[1:]
            assert rest[0] in command.commands, f"no command {' '.join(words)}"
            command = command.commands[rest[0]]
        if whole:
            command.make_context(rest[0], rest[1:])
        else:
            context = command.make_context(rest[0], [], resilient_parsing=True)
            command.make_parser(context).parse_args(args=rest[1:])
    elif words[0] == "make":
        assert set(words[1:]) <= TARGETS, f"no target: {' '.join(words)}"
    elif words[0] == "pytest":
        assert all((ROOT / w).exists() for w in words[1:] if "/" in w and w.startswith("t"))


@pytest.mark.parametrize("block", all_blocks("sh"), ids=str)
def test_commands_exist_with_these_options(block):
    for words in commands(block.text):
        check_command(words, whole=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_in_sentences_exist_with_these_options(page):
    prose = FENCE.sub("", page.read_text())
    for text in re.findall(r"`(sr-bench [^`]+|make [a-z][^`]*)`", prose):
        if not re.search(r"\.\.\.|[<|*]", text):
            for words in commands(text):
                check_command(words, whole=False)


def test_a_wrong_option_and_a_wrong_target_would_be_seen():
    for words in (["sr-bench", "score", "--protcol", "x"], ["sr-bench", "list", "things"]):
        with pytest.raises(Exception, match=r"protcol|things"):
            check_command(words, whole=True)
    for words in (["sr-bench", "scor"], ["make", "tset"]):
        with pytest.raises(AssertionError):
            check_command(words, whole=True)


@pytest.fixture
def samples(tmp_path):
    """Set5/ and results/Set5/: two HR images, and bicubic's SR of them at x4."""
    rng = np.random.default_rng(5)
    for name in ("a", "b"):
        lr = rng.integers(0, 256, (48, 50, 3), np.uint8)
        hr = imresize(lr, scale=4, rounding="each-pass", border="mirror")
        images.write(tmp_path / "Set5" / f"{name}.png", hr)
        images.write(tmp_path / "results/Set5" / f"{name}.png", hr // 4 * 4)
    return tmp_path


RUN = [block for block in all_blocks("sh") if block.note.startswith("run")]


HAD = "run where Set5 can be had"


@pytest.mark.parametrize("block", RUN, ids=str)
def test_commands_that_are_marked_run(block, samples):
    """``run``: in a folder with Set5/ and results/Set5/; ``run in a clone``: in this one."""
    if block.note == HAD and MIRROR not in os.environ:
        pytest.skip(f"{MIRROR} is not set")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", block.text],
        cwd=ROOT if block.note == "run in a clone" else samples,
        env=os.environ
        | {"PATH": path, "PYTHONPATH": str(ROOT), "SR_BENCH_DATA": str(samples / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_some_commands_are_run():
    assert len(RUN) >= 9 and {block.note for block in RUN} == {"run", "run in a clone", HAD}


def test_the_index_has_every_task_with_its_commands():
    page = (ROOT / "docs/index.md").read_text()
    table = page.partition("| task |")[2].partition("\n\n")[0]
    tasks = re.findall(r"^\| \[([^]]+)\]\(#([a-z-]+)\) \|", table, re.M)
    assert len(tasks) == 8
    for name, anchor in tasks:
        assert anchor == name.lower().replace(" ", "-")
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert "```sh\n" in section, name


# YAML


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_yaml_is_what_the_project_reads(block):
    content = read_yaml(block.text)
    for name, entry in content.items():
        if name == "figures":
            for figure in entry.values():
                FigureEntry.model_validate(figure)
        elif name == "viewer":
            ViewerEntries.model_validate(entry)
        elif isinstance(entry, dict) and "files" in entry:
            assert read_source(name, content).title == entry["title"]
        elif isinstance(entry, dict) and "version" in entry:
            text = files("sr_bench.data.catalogue").joinpath("protocols.yaml").read_text()
            known = read_yaml(text)
            Protocols.model_validate({**known, "protocols": {**known["protocols"], name: entry}})


# Paths and words


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_paths_exist(page):
    found = re.findall(r"`((?:sr_bench|tests|docs|methods|demo|\.ci)/[\w./-]*)`", page.read_text())
    made = ("demo/reports", "methods/checkpoints")
    for path in found:
        assert path.startswith(made) or (ROOT / path).exists(), f"{page}: {path}"


def test_the_architecture_lists_the_packages_in_their_order():
    page = (ROOT / "docs/architecture.md").read_text()
    text = (ROOT / "tests/test_architecture.py").read_text()
    direction = ast.literal_eval(re.search(r"^DIRECTION = (\(.*?\))", text, re.M | re.S)[1])
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.M)) == direction


def test_the_site_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    for page in (ROOT / "docs").glob("*.md"):
        assert re.search(rf": {page.name}$", nav, re.M), f"{page.name} is not in mkdocs.yml: nav"


def test_what_to_commit_is_said_once():
    said = [page for page in PAGES if re.search(r"^#+ What to commit", page.read_text(), re.M)]
    assert said == [ROOT / "docs/pipeline.md"]


def test_extras_that_are_named_exist():
    known = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    )
    for path in [*PAGES, ROOT / "Makefile"]:
        for names in re.findall(r"(?:\.|sr-bench)\[([a-z,]+)\]", path.read_text()):
            assert set(names.split(",")) <= known, f"{path}: [{names}]"


@pytest.mark.parametrize("name", ["ci", "environments", "nightly", "pages", "release"])
def test_workflows_call_what_is_there(name):
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    steps = [
        step
        for job in read_yaml(text)["jobs"].values()
        for step in job["steps"]
        if "run" in step or "uses" in step
    ]
    for words in (words for step in steps for words in commands(step.get("run", ""))):
        if words[0].startswith(".ci/"):
            assert (ROOT / words[0]).is_file()
        elif words[0] == "make":
            check_command(words, whole=True)
    assert steps


def test_the_dockerfile_and_the_devcontainer_set_up_what_make_does():
    stamp = re.search(r"^STAMP := \$\(VENV\)/(\S+)$", (ROOT / "Makefile").read_text(), re.M)[1]
    for name in ("Dockerfile", ".devcontainer/devcontainer.json"):
        assert f"make .venv/{stamp}" in (ROOT / name).read_text()


def test_pre_commit_runs_the_linters_of_make_lint():
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    hooks = read_yaml((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["name"] for hook in hooks] == ["ruff check", "ruff format", "mypy"]
    assert re.findall(r"^\t(ruff \w+|mypy)", lint, re.M) == [hook["name"] for hook in hooks]
