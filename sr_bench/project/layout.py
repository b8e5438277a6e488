"""Where everything in a project folder lies."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from sr_bench.support.locks import writing

COMPUTED = "computed.json"  # beside SR images that aren't of float32 on a CPU: where they were made


@dataclass(frozen=True)
class Layout:
    """The paths of a project folder; every path of the pipeline comes from here.

    ``out`` stands in for ``root`` where reports are written: they take their place when whole.
    """

    root: Path
    out: Path | None = field(default=None, kw_only=True)

    @property
    def data(self) -> Path:
        """Fetched files."""
        return self.root / "data"

    @property
    def reports(self) -> Path:
        """Generated tables and pages."""
        return (self.out or self.root) / "reports"

    @property
    def local_figures(self) -> Path:
        """Figures of images that may not be redistributed."""
        return (self.out or self.root) / "build" / "figures"

    @property
    def local_page(self) -> Path:
        """The page with images that may not be redistributed."""
        return (self.out or self.root) / "build" / "page"

    @staticmethod
    def manifest_in(root: Path, dataset: str) -> Path:
        """A dataset's manifest in a project folder, or beside a data folder outside one."""
        return root / "build" / "manifests" / f"{dataset}.json"

    def manifest(self, dataset: str) -> Path:
        """A dataset's manifest."""
        return self.manifest_in(self.root, dataset)

    def weights_note(self, run: str) -> Path:
        """The note of which file holds the run's weights."""
        return self.root / "build" / "weights" / f"{run}.json"

    def trained(self, training: str) -> Path:
        """Weights made here."""
        return self.root / "methods" / "weights" / f"{training}.safetensors"

    def checkpoint(self, training: str) -> Path:
        """The state of an unfinished training."""
        return self.root / "methods" / "checkpoints" / f"{training}.safetensors"

    def unfinished_log(self, training: str) -> Path:
        """The folder of an unfinished training's record."""
        return self.root / "methods" / "checkpoints" / training

    def training_log(self, training: str) -> Path:
        """The folder of a training's record."""
        return self.root / "methods" / "logs" / training

    def writing(self, what: str, lock: str) -> AbstractContextManager[None]:
        """The lock of an output: one process at a time writes it."""
        return writing(what, self.root / "build" / "locks" / f"{lock}.lock")

    def sr(self, run: str, degradation: str, dataset: str) -> Path:
        """The folder of the run's SR images of one dataset, for one way of making LR."""
        return self.sr_of(run) / degradation / dataset

    def sr_of(self, run: str) -> Path:
        """The folder of all SR images of a run."""
        return self.root / "build" / "sr" / run

    def made(self, run: str) -> Path:
        """What the run's SR images were made from, and those of a run that isn't finished."""
        return self.root / "build" / "made" / run

    @property
    def missing(self) -> Path:
        """The list of what couldn't be had when all was made."""
        return self.root / "build" / "missing.json"

    @property
    def work_notes(self) -> Path:
        """The folder of notes of what each run is upscaled and scored on."""
        return self.root / "build" / "work"

    def scores(self, run: str) -> Path:
        """The run's scores, one row per image x protocol x metric."""
        return self.root / "build" / "scores" / f"{run}.csv"

    def scoring(self, run: str) -> Path:
        """The rows of a run that is being scored."""
        return self.root / "build" / "scoring" / f"{run}.jsonl"

    def origin(self, training: str) -> str:
        """What ``origin`` of a run says whose weights a training makes."""
        return self.trained(training).relative_to(self.root).as_posix()
