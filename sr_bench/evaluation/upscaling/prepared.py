"""A run before its first image: its method, its weights, and all that decides its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sr_bench.evaluation.upscaling.circumstances import circumstances
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.device import Computing
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.method_files import find_method_file
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import noted_weights
from sr_bench.support.files import sha256


def load_upscaler(
    run: Run, method: Method, file: Path | None, degradation: Degradation
) -> Upscaler:
    """Build the run's model for lr made by ``degradation``."""
    setup = Setup(run.base_variant, run.weights, file, run.scale, degradation)
    upscaler = Upscaler(
        run.name,
        method.built(setup, run.name),
        degradation,
        run.scale,
        ensemble=run.ensemble,
        tile=run.tile,
    )
    upscaler.enlarger.require_reach()
    return upscaler


@dataclass(frozen=True)
class Prepared:
    """A run with its method and weights.

    Args:
        run: of ``params.yaml``.
        method: the run's.
        file: of its weights; ``None`` for a method without.
        computing: where, and in what precision.
        facts: what decides the SR images besides hr and the degradation.
    """

    run: Run
    method: Method
    file: Path | None
    computing: Computing
    facts: dict[str, Any]

    @classmethod
    def of(cls, project: Project, run: Run, computing: Computing) -> Prepared:
        """Find the run's method and weights.

        Raises:
            SrBenchError: if the method's file is wrong, or weights aren't there.
        """
        code, method = find_method_file(run.method, project.method_folders)
        file = noted_weights(project, run, method)
        facts = {
            "run": run.model_dump(exclude={"protocols", "origin"}),
            "weights": None if file is None else sha256(file),
            **circumstances(code, project.method_folders),
            **computing.facts,
        }
        return cls(run, method, file, computing, facts)

    def inputs(self, rule: Degradation) -> dict[str, Any]:
        """What decides the images of a degradation; of lr that is given each counts by itself."""
        return {**self.facts, "degradation": rule.model_dump(exclude={"given"})}

    def upscaler(self, rule: Degradation) -> Upscaler:
        """The run's model for lr made by ``rule``."""
        return load_upscaler(self.run, self.method, self.file, rule).on(*self.computing)
