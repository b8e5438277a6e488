"""What one process times: a setting of a run of a project, or of a model that is opened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sr_bench.timing.setting import Setting

if TYPE_CHECKING:
    from sr_bench.timing.timed import Timed
    from sr_bench.timing.timed_model import TimedModel

FILE = "task.json"


@dataclass(frozen=True)
class ModelChoice:
    """A model of ``sr-bench time --model``.

    Args:
        spec: as :func:`~sr_bench.networks.opened.open_model` takes it.
        options: fields of :class:`~sr_bench.networks.opened.OpenOptions`.
        folders: of method files.
    """

    spec: str
    options: dict[str, Any] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A setting, and whether its PSNR is wanted as well.

    Args:
        root: the project's folder.
        setting: what is timed.
        psnr: whether it is wanted.
        again: whether an earlier process has timed it: then only what differs between processes is
            wanted, times and memory, of fewer rounds.
        model: what the setting's run is, where it is none of the project.
    """

    root: Path
    setting: Setting
    psnr: bool
    again: bool = False
    model: ModelChoice | None = None

    def write(self, folder: Path) -> None:
        """Hand it over."""
        content = {**asdict(self), "root": str(self.root)}
        (folder / FILE).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Task:
        """The task that was handed over."""
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        model = content["model"]
        if model is not None:
            model = ModelChoice(model["spec"], model["options"], tuple(model["folders"]))
        parsed = {"root": Path(content["root"]), "setting": Setting(**content["setting"])}
        return cls(**{**content, **parsed, "model": model})


def timed_of(task: Task) -> Timed:
    """What the task times.

    Raises:
        SrBenchError: if it, its weights or its images aren't there.
    """
    if task.model is not None:
        return model_of(task.model)
    from sr_bench.project.project import Project
    from sr_bench.timing.timed_run import TimedRun

    return TimedRun.find(Project.load(task.root), task.setting.run)


def model_of(choice: ModelChoice) -> TimedModel:
    """The model, opened.

    Raises:
        SrBenchError: if it can't be.
    """
    from sr_bench.networks.method_files import method_files
    from sr_bench.timing.timed_model import TimedModel

    methods = method_files([Path(folder) for folder in choice.folders])
    return TimedModel.find(choice.spec, choice.options, methods)
