"""``sr-bench train``: from an entry of ``params.yaml`` to weights, resumable at any moment."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import torch

from sr_bench.networks import checkpoint
from sr_bench.networks.device import choose_device
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.machine import describe
from sr_bench.networks.method import Setup
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sweep
from sr_bench.support.notices import notice
from sr_bench.support.version import __version__
from sr_bench.training.job import Data, Job, code_hash, decisive_facts, make_network
from sr_bench.training.log import Row, write_log
from sr_bench.training.processes import Processes, processes
from sr_bench.training.recipe import Recipe
from sr_bench.training.trainer import Trainer, require_finite
from sr_bench.training.validation import Clamped

LOOK_EVERY = 20  # steps between looks at the loss, each of which waits for a GPU


@dataclass
class Progress:
    """Where a training stands: what a resumed one goes on from."""

    step: int = 0
    minutes: float = 0.0
    rows: list[Row] = field(default_factory=list)
    before: int = 0  # rows of earlier sittings
    loss: float = math.nan  # of the newest step
    rate: float = 0.0  # steps a second, in this sitting

    @property
    def last(self) -> Row:
        """The newest row of the record."""
        return self.rows[-1] if self.rows else {}


Report = Callable[[Progress], None]


def train(
    project: Project,
    name: str,
    *,
    minutes: float | None,
    report: Report,
    device: str | None = None,
) -> Progress:
    """Train until the recipe's last step, or for some minutes; go on where it was left.

    Writes ``methods/weights/<name>.safetensors`` and the record ``methods/logs/<name>/`` when the
    last step is done; until then, what an earlier training left there stays. The checkpoint,
    ``methods/checkpoints/<name>.safetensors``, and the record so far,
    ``methods/checkpoints/<name>/``, are there until then.

    Args:
        minutes: stop after this time; ``None`` for no limit.
        report: called with where it stands, after the first step and about every
            :data:`LOOK_EVERY` steps.
        device: by name, see :func:`sr_bench.networks.device.choose_device`.

    Raises:
        WrongUse: for a device that isn't here, or mps, which lacks the float64 of the records.
        SrBenchError: for data that doesn't suit the recipe, a checkpoint of other settings, a
            loss that isn't finite, a full disk; the last checkpoint stays. Also where another
            process does this training.
    """
    job = Job.find(project, name)
    with processes(_chosen(device)) as shared, _alone(job) if shared.first else nullcontext():
        run = _Run(job, shared, minutes)
        run.resume()
        while not run.finished:
            run.advance(report)
        return run.progress


def _chosen(name: str | None) -> torch.device:
    device = choose_device(name)
    if device.type == "mps":
        raise WrongUse(
            "training on mps lacks float64; choose cpu or cuda: --device, or SR_BENCH_DEVICE"
        )
    return device


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    with job.project.writing(f"training {job.name}", f"train-{job.name}"):
        for output in (job.weights, job.checkpoint, job.log, job.unfinished_log):
            sweep(output)
        yield


class _Run:
    """A job under way in one process."""

    def __init__(self, job: Job, shared: Processes, minutes: float | None) -> None:
        self.job, self.shared, self.minutes = job, shared, minutes
        self.progress = Progress()
        device = shared.device
        data = Data.read(job)
        self.validation = data.validation
        self.facts = decisive_facts(job, data)
        self.machine, self.code = describe(device), f"sr-bench {__version__}, {code_hash()[:12]}"
        self.trainer = Trainer(
            job.recipe, make_network(job, data), data.pairs, processes=shared, device=device
        )
        self.finished = False
        self.since = time.monotonic()
        self.before = 0.0  # minutes of earlier sittings
        self.loss = torch.zeros((), device=device)  # of the newest step
        self.total = torch.zeros((), dtype=torch.float64, device=device)  # since the last row
        self.steps = 0  # since the last row
        self.looked: tuple[int, float] | None = None  # the first look's step and time

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self.job.checkpoint
        if not path.is_file():
            return
        try:
            state, kept = checkpoint.load(path)
        except SrBenchError as error:
            raise SrBenchError(f"{error}; delete this file to start anew") from error
        if not checkpoint.is_hashed(path):  # of version 0.1
            notice(path, "was written without a hash of its content, so damage can't be noticed")
        if "facts" not in kept:
            raise SrBenchError(f"{path}: holds no checkpoint; delete this file to start anew")
        # What a recipe didn't say yet when the checkpoint was written was at its default.
        then = Recipe.model_validate(kept["facts"]["recipe"]).model_dump(mode="json")
        checkpoint.require_same(path, kept["facts"] | {"recipe": then}, self.facts)
        self.trainer.restore(state, kept["step"])
        self.progress = Progress(
            kept["step"], kept["minutes"], kept["rows"], before=len(kept["rows"])
        )
        self.before, self.steps = kept["minutes"], kept["steps"]
        self.total += kept["total"]

    def advance(self, report: Report) -> None:
        """One step and what is due after it."""
        recipe, step = self.job.recipe, self.trainer.step
        if step < recipe.steps:
            self.loss = self.trainer.advance()
            self.total += self.loss
            self.steps, step = self.steps + 1, step + 1
        last = step >= recipe.steps
        due = last or step % recipe.validate_every == 0
        save = due or step % recipe.checkpoint_every == 0
        looks = save or step % LOOK_EVERY == 0
        if not looks and self.looked:
            return
        require_finite(float(self.loss), step, recipe)
        self._look(step)
        if not looks:  # the first step of this sitting
            report(self.progress)
            return
        late = self._clock()
        if due and self.steps:  # a training killed in its last save has its last row
            self._record()
        if save or late:
            self._save(last)
        self.finished = last or late
        report(self.progress)

    def _look(self, step: int) -> None:
        """Note the loss, and how fast the steps have gone since the first of this sitting."""
        self.progress.step = step
        self.progress.loss, now = float(self.loss), time.perf_counter()
        if self.looked is not None:
            first, since = self.looked
            self.progress.rate = (step - first) / max(now - since, 1e-9)
        else:
            self.looked = (step, now)

    def _clock(self) -> bool:
        """Note the time; whether it is up, for all processes alike."""
        spent = (time.monotonic() - self.since) / 60
        self.progress.step, self.progress.minutes = self.trainer.step, self.before + spent
        late = torch.tensor([float(self.minutes is not None and spent >= self.minutes)])
        return bool(self.shared.average([late.to(self.trainer.device)]) > 0)

    def _record(self) -> None:
        row: Row = {
            "step": self.trainer.step,
            "minutes": round(self.progress.minutes, 2),
            "train/loss": float(self.total) / max(1, self.steps),
            "train/lr": self.job.recipe.rate(self.trainer.step - 1),
        }
        if self.shared.first:
            row |= self._validated()
        self.progress.rows.append(row)
        self.total.zero_()
        self.steps = 0

    def _validated(self) -> Row:
        weights, scales = self.trainer.weights(), self.job.entry.scales
        rule = self.validation.degradation
        row = {}
        for scale in scales:
            setup = Setup(self.job.entry.variant, self.job.entry.label, None, scale, rule)
            made = self.job.training.model(weights, setup)
            model = Clamped(made, self.trainer.device)
            upscale = Upscaler(self.job.name, model, rule, scale)
            name = "val/psnr" if len(scales) == 1 else f"val/psnr_x{scale}"
            row[name] = self.validation.psnr(upscale, scale)
        return row

    def _save(self, last: bool) -> None:
        if not self.shared.first:
            return
        job, progress, weights = self.job, self.progress, self.trainer.weights()
        largest = torch.stack([value.abs().max() for value in weights.values()]).max()
        require_finite(float(largest), progress.step, job.recipe, what="largest weight")
        made = {
            **self.facts,
            "step": progress.step,
            "minutes": round(progress.minutes, 2),
            "machine": self.machine,
            "precision": "bf16" if self.trainer.bf16 else "float32",
            "processes": self.shared.count,
            "code": self.code,
            "last": progress.last,
        }
        kept = {
            "facts": self.facts,
            "step": progress.step,
            "minutes": progress.minutes,
            "rows": progress.rows,
            "total": float(self.total),
            "steps": self.steps,
        }
        checkpoint.save(job.checkpoint, self.trainer.state(), kept)
        if not last:
            write_log(job.unfinished_log, progress.rows)
            return
        checkpoint.save(job.weights, weights, made)
        write_log(job.log, progress.rows)
        shutil.rmtree(job.unfinished_log, ignore_errors=True)
        job.checkpoint.unlink()
