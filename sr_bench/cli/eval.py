"""``sr-bench eval``: what a model scores, without a project."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from sr_bench.analysis.ledger.neighbours import published_numbers
from sr_bench.analysis.ledger.titles import NetworkNames
from sr_bench.cli.eval_results import Printed, facts_of, print_results
from sr_bench.cli.executing import (
    ExecutorOption,
    SchedulerOption,
    WorkersOption,
    executing,
    executor_options,
)
from sr_bench.cli.show import (
    BgrOption,
    DeviceOption,
    JsonFlag,
    MaybeScaleOption,
    MultipleOption,
    RangeOption,
    count_progress,
    late_bytes_progress,
    print_json,
)
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.catalogue.sources import Sources
from sr_bench.evaluation.scoring.table import write_table
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.support.errors import SrBenchError, WrongUse, printable, unknown

if TYPE_CHECKING:
    from sr_bench.evaluation.evaluating.candidate import Candidate
    from sr_bench.evaluation.evaluating.sets import TestSet
    from sr_bench.networks.opened import Pad
    from sr_bench.project.project import Project

Several = list[str] | None
_SET = "Set5"
_PADS = "author, reflect, replicate, zero or flip-next"


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Weights, ONNX or TorchScript file, FILE.py:FUNCTION, METHOD=FILE, a method "
            "without weights, or a run of params.yaml. Several make one table.",
        ),
    ],
    dataset: Annotated[
        Several,
        typer.Option(
            help="Dataset, which is fetched, or folder of HR images; default: Set5. Can be given "
            "several times."
        ),
    ] = None,
    hr: Annotated[Path | None, typer.Option(help="Folder of HR images, with --lr.")] = None,
    lr: Annotated[
        Path | None, typer.Option(help="Folder of LR images, where LR isn't made from HR.")
    ] = None,
    scale: MaybeScaleOption = None,
    protocol: Annotated[
        Several,
        typer.Option(
            help="Protocol; default: edsr-2017, and srcnn-2015 for models of Y. Can be given "
            "several times."
        ),
    ] = None,
    value_range: RangeOption = 1.0,
    bgr: BgrOption = False,
    multiple_of: MultipleOption = 1,
    pad: Annotated[str, typer.Option(help=f"What stands in the padding: {_PADS}.")] = "author",
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Average over the 8 flips and rotations of LR.")
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option(min=16, help="LR pixels a side at once, for methods with a reach."),
    ] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    device: DeviceOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the scores of each image to this file.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Keep the SR images in this folder, as PNG.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let --save replace images that are there.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Score models on test sets: LR is made from HR, upscaled, and compared with HR.

    Needs no project. Datasets are fetched once, into the user's cache (SR_BENCH_DATA). The
    published numbers nearest to each result stand beside it. Exit status 1 if anything failed.
    """
    from sr_bench.evaluation.evaluating.blocks import Asked, Elsewhere
    from sr_bench.evaluation.evaluating.candidate import CandidateOptions, open_candidates
    from sr_bench.evaluation.evaluating.evaluate import evaluate as evaluate_parts
    from sr_bench.evaluation.evaluating.parts import parts_of, require_free
    from sr_bench.evaluation.evaluating.results import results_of
    from sr_bench.networks.device import choose_device
    from sr_bench.networks.opened import OpenOptions

    asked, by = _Asked(tuple(dataset or ()), hr, lr), executor_options(executor, workers, scheduler)
    project = project_here()
    known = catalogue_here() if project is None else project.catalogue
    protocols = [known.protocols.find(name) for name in dict.fromkeys(protocol or ())]
    padding, on = _pad(pad), choose_device(device)
    opened = OpenOptions(scale, value_range, bgr, multiple_of, padding, on, sources=known.sources)
    methods = methods_here(project)
    ledgers = [] if project is None else project.ledgers
    numbers = published_numbers(ledgers, known)
    options = CandidateOptions(opened, ensemble, tile)
    candidates, unopened = open_candidates(
        models, project=project, methods=methods, options=options
    )
    _tell(candidates, protocols)
    sets = _sets(asked, candidates, project, known.sources) if candidates else []
    parts = parts_of(candidates, sets, protocols)
    if save is not None and not force:
        require_free(parts, save)
    total = sum(part.calls for part in parts)
    with executing(by) as pool, count_progress("eval", total) as advance:
        elsewhere = None if pool is None else Elsewhere(pool, Asked.here(models, options))
        evaluation = evaluate_parts(parts, progress=advance, save=save, elsewhere=elsewhere)
    if csv is not None:
        write_table(csv, evaluation.table)
    known_methods = {name: method for name, (_, method) in methods.items()}
    names = NetworkNames.known(ledgers, known_methods)
    results = results_of(parts, evaluation)
    printed = Printed(candidates, results, evaluation, unopened, numbers, names)
    if json:
        print_json(facts_of(printed))
    else:
        print_results(printed)
    if printed.failures:
        raise SrBenchError(printed.failures)


@dataclass(frozen=True)
class _Asked:
    """The test images that the command line names."""

    datasets: tuple[str, ...]
    hr: Path | None
    lr: Path | None

    def __post_init__(self) -> None:
        if (self.hr is None) != (self.lr is None):
            raise WrongUse(
                "--hr and --lr are folders of the same images and belong together; where LR is to "
                "be made from HR: --dataset FOLDER"
            )
        if self.hr is not None and self.datasets:
            raise WrongUse("--hr and --lr are the test images; leave --dataset out")


def _sets(
    asked: _Asked, candidates: Sequence[Candidate], project: Project | None, sources: Sources
) -> list[TestSet]:
    from sr_bench.evaluation.evaluating.sets import open_pairs, open_test_sets

    if asked.hr is not None and asked.lr is not None:
        scale = candidates[0].scale
        return [open_pairs(asked.hr, asked.lr, scale=scale)]
    own = {} if project is None else {n: project.own(n) for n in project.params.datasets}
    with late_bytes_progress("fetch") as advance:
        return open_test_sets(asked.datasets or (_SET,), sources, own, progress=advance)


def _tell(candidates: Sequence[Candidate], protocols: Sequence[Protocol]) -> None:
    """On stderr: what each model was recognised as, what was done, and why which protocol."""
    for candidate in candidates:
        default = [] if protocols else [candidate.why_default]
        scale = f"x{candidate.scale}"
        origin = candidate.origin if scale in candidate.origin else f"{candidate.origin} {scale}"
        facts = [origin, *candidate.notes, *default]
        print(printable(f"{candidate.name}: {'; '.join(facts)}"), file=sys.stderr)


def _pad(name: str) -> Pad:
    from sr_bench.networks.opened import Pad

    known = get_args(Pad)
    if name not in known:
        raise unknown("padding", name, known, where="--pad")
    return cast(Pad, name)
