"""The house: packages by purpose, imports in one direction."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "sr_bench"
# docs/architecture.md says what each holds. A package may import those before it.
DIRECTION = (
    "support", "imaging", "data", "networks", "project", "evaluation", "training", "timing",
    "conformance", "analysis", "report", "cli",
)  # fmt: skip
# Imports of 0.1 that are kept for one release (tests/test_faces.py).
FACES = {
    "color.py", "columns.py", "degrade.py", "errors.py", "inference.py", "method.py", "metrics.py",
    "protocol.py", "resize.py", "score.py", "sources.py", "weights.py",
}  # fmt: skip


def modules():
    """All modules in packages; templates are files of a new project, not modules."""
    inside = (p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE)
    return sorted(p for p in inside if "templates" not in p.parts)


def imports_of(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def backward(path: Path):
    """The imports of a module that run against the direction."""
    own = DIRECTION.index(path.relative_to(PACKAGE).parts[0])
    for name in imports_of(path):
        parts = name.split(".")
        room = parts[1] if parts[0] == "sr_bench" else "support"
        if room not in DIRECTION[: own + 1]:
            yield name


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_in_one_direction(path):
    assert list(backward(path)) == []


def test_an_arrow_back_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    path = tmp_path / "imaging" / "wrong.py"
    path.parent.mkdir()
    path.write_text("def late():\n    from sr_bench.report.names import Names\n")
    assert list(backward(path)) == ["sr_bench.report.names.Names"]


def test_there_are_at_most_twelve_rooms_and_only_faces_lie_loose():
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()}
    loose = {p.name for p in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert rooms == set(DIRECTION) and len(rooms) <= 12 and loose == FACES


def test_no_room_holds_a_quarter_of_the_lines():
    lines = dict.fromkeys(DIRECTION, 0)
    for path in modules():
        lines[path.relative_to(PACKAGE).parts[0]] += len(path.read_text().splitlines())
    assert max(lines.values()) < 0.25 * sum(lines.values())


def test_every_package_says_what_it_holds():
    for init in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text())), init
