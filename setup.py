"""Puts ``methods/`` of the repository into the wheel, as data: ``sr_bench/_methods``.

The rest of the build is in pyproject.toml. An editable install finds the folder where it is.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
INTO = "sr_bench/_methods"  # sr_bench.methods is a function
RUNS = "params.yaml"  # says which weights belong to which run


class BuildWithMethods(build_py):
    """Also copies method files, published numbers and the weights that a run uses."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if not self.editable_mode:
            for name in shipped():
                target = Path(self.build_lib, INTO, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / RUNS if name == RUNS else ROOT / "methods" / name, target)


def shipped() -> list[str]:
    """Files of ``methods/``; weights that only other trainings start from stay behind."""
    used = set(re.findall(r"methods/(weights/[\w.+-]+\.safetensors)", (ROOT / RUNS).read_text()))
    return [
        *(path.name for path in sorted((ROOT / "methods").glob("*.py"))),
        "published.csv",
        "citations.yaml",
        "costs.csv",
        "titles.yaml",
        RUNS,
        *sorted(used),
    ]


setup(cmdclass={"build_py": BuildWithMethods})
