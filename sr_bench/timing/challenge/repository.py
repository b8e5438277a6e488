"""A repository of the NTIRE efficient-SR challenge: its teams, its year, its commit.

Read without running anything: ``test_demo.py`` has ``select_model(args, device)``, which compares
``model_id`` with each team's number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.text_files import read_text

SCRIPT, FUNCTION = "test_demo.py", "select_model"
_ID = "model_id"
_YEAR = re.compile(r"NTIRE[\s_-]*(20\d\d)", re.I)
_REMEDY = "name the folder of a challenge's repository"


@dataclass(frozen=True)
class Repository:
    """A challenge's repository on this machine.

    Args:
        root: its folder.
        teams: numbers that ``select_model`` knows, ascending.
        year: of the challenge; ``None`` where neither its README nor its script says.
        commit: that the folder is at, where git says.
    """

    root: Path
    teams: tuple[int, ...]
    year: int | None
    commit: str | None

    @classmethod
    def read(cls, root: Path) -> Repository:
        """Find the teams of the folder.

        Raises:
            WrongUse: if the folder or its script isn't there.
            SrBenchError: if the script has no such function, or isn't Python.
        """
        script = root / SCRIPT
        if not script.is_file():
            raise WrongUse(f"{root}: has no {SCRIPT}; {_REMEDY}, which brings one")
        text = read_text(script, remedy=_REMEDY)
        teams = tuple(sorted(set(_teams(script, text))))
        if not teams:
            raise SrBenchError(f"{script}: {FUNCTION} compares {_ID} with no number; {_REMEDY}")
        readme = next(iter(sorted(root.glob("README*"))), None)
        said = text if readme is None else read_text(readme, remedy=_REMEDY) + text
        year = _YEAR.search(said)
        return cls(root, teams, int(year[1]) if year else None, _commit(root))

    def chosen(self, asked: str) -> tuple[int, ...]:
        """The teams that ``all`` or ``3,7`` names.

        Raises:
            WrongUse: for a number that isn't there.
        """
        if asked == "all":
            return self.teams
        known = {str(team): team for team in self.teams}
        words = [word.strip().lstrip("0") or "0" for word in asked.split(",") if word.strip()]
        for word in words:
            if word not in known:
                raise unknown("team", word, known, where=str(self.root / SCRIPT))
        if not words:
            raise WrongUse("--team names no team; give its number, several with commas, or all")
        return tuple(sorted({known[word] for word in words}))


def _teams(script: Path, text: str) -> Iterator[int]:
    """Numbers that ``model_id`` is compared with; not of a branch that does nothing."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise SrBenchError(f"{script}: isn't Python: {error}; {_REMEDY}") from error
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == FUNCTION]
    if not functions:
        raise SrBenchError(f"{script}: has no function {FUNCTION}; {_REMEDY}")
    for node in ast.walk(functions[-1]):
        if isinstance(node, ast.If) and not all(isinstance(s, ast.Pass) for s in node.body):
            yield from _compared(node.test)


def _compared(test: ast.expr) -> Iterator[int]:
    """``model_id == 7`` and ``args.model_id == 7``."""
    if not (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)):
        return
    left, right = test.left, test.comparators[0]
    name = left.id if isinstance(left, ast.Name) else getattr(left, "attr", "")
    if name == _ID and isinstance(right, ast.Constant) and type(right.value) is int:
        yield right.value


def _commit(root: Path) -> str | None:
    """What ``HEAD`` of the folder's own repository is, read from its files."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head or None
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text(encoding="ascii").strip() or None
        packed = (git / "packed-refs").read_text(encoding="ascii").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
    except (OSError, UnicodeError):
        return None
