"""What ``sr-bench time`` hands to the process that times one setting."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from sr_bench.timing.setting import Setting

VARIABLE = "SR_BENCH_TIMING"  # names the folder in which the two meet
TASK, RESULT, WHY = "task.json", "benchmark.json", "error.txt"


@dataclass(frozen=True)
class Task:
    """A setting of a project, and whether its PSNR is wanted as well."""

    root: Path
    setting: Setting
    psnr: bool

    def write(self, folder: Path) -> None:
        """Hand it over."""
        content = {"root": str(self.root), "psnr": self.psnr, **self.setting.asdict()}
        (folder / TASK).write_text(json.dumps(content), encoding="utf-8")


def handed_over() -> tuple[Task, Path] | None:
    """This process's task and its folder; ``None`` where nobody asked for one."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named)
    content = json.loads((folder / TASK).read_text(encoding="utf-8"))
    root, psnr = Path(content.pop("root")), content.pop("psnr")
    return Task(root, Setting(**content), psnr), folder
