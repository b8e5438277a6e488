"""A model that is evaluated: a run of the project, a method, or a file of anybody's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sr_bench.data.catalogue.protocols import Protocol, find_protocol
from sr_bench.evaluation.upscaling.prepared import load_upscaler
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, ModelColour
from sr_bench.networks.opened import Methods, OpenedModel, OpenOptions, open_model
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights, noted_weights
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256
from sr_bench.support.parallel import Failure

_BY_DEFAULT = {"y": "srcnn-2015"}  # the model's colour -> protocol
_OTHERWISE = "edsr-2017"
_METHOD = "method "  # how the origin of a method's own model begins


@dataclass(frozen=True)
class CandidateOptions:
    """How models are opened and called.

    Args:
        opened: what recognising a model needs to know: the scale where its file doesn't say, value
            range, order of colours, padding, device.
        ensemble: whether to average a model over the 8 flips and rotations of LR.
        tile: LR pixels a side that a model sees at once; for models with a ``reach``.
    """

    opened: OpenOptions = field(default_factory=OpenOptions)
    ensemble: bool = False
    tile: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A model that is evaluated.

    Args:
        name: in tables; unique among those evaluated together.
        scale: its factor.
        colour: the planes that it wants.
        origin: what it was recognised as.
        upscaler: builds it for LR of a degradation.
        shared: whether several threads may call it at once.
        sha256: of its file, if it has one.
        notes: what was found and done when it was opened.
        options: what changes its numbers beyond its file; they stand in the signature.
    """

    name: str
    scale: int
    colour: ModelColour
    origin: str
    upscaler: Callable[[Degradation], Upscaler]
    shared: bool = False
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def signature(self, of_set: str) -> str:
        """A protocol's signature, and the options with which the model was called."""
        return "|".join([of_set, f"model:{'+'.join(self.options)}"] if self.options else [of_set])

    @property
    def default_protocol(self) -> Protocol:
        """What its colour suggests: networks of Y are scored as SRCNN's paper does."""
        return find_protocol(_BY_DEFAULT.get(self.colour, _OTHERWISE))

    @property
    def why_default(self) -> str:
        """Why that protocol is the default."""
        rule = self.default_protocol
        wants = {"y": "it sees Y alone", "any": "it treats all planes alike"}.get(
            self.colour, f"it sees {self.colour.upper()}"
        )
        return f"protocol {rule}, since {wants}; --protocol chooses another"


def open_candidates(
    named: Sequence[str], *, project: Project | None, methods: Methods, options: CandidateOptions
) -> tuple[list[Candidate], list[Failure[str]]]:
    """Open models; one that can't be doesn't cost the others.

    Args:
        named: runs of the project, methods, files.
        project: whose runs may be named.
        methods: by name, each with its file.
        options: how they are opened.

    Returns:
        The models, and each that can't be opened with the reason.

    Raises:
        WrongUse: if the only model is named wrongly.
    """
    opened: list[tuple[str, Candidate]] = []
    failed: list[Failure[str]] = []
    for name in dict.fromkeys(named):
        try:
            opened.append((name, _open(name, project, methods, options)))
        except WrongUse as error:
            if len(named) == 1:
                raise
            failed.append(Failure(name, str(error)))
        except SrBenchError as error:
            failed.append(Failure(name, str(error)))
    return _distinct(opened), failed


def _open(
    named: str, project: Project | None, methods: Methods, options: CandidateOptions
) -> Candidate:
    if project is not None and named in project.params.runs:
        return _of_run(project, named, methods, options)
    return _of_model(named, methods, options)


def _of_run(project: Project, named: str, methods: Methods, options: CandidateOptions) -> Candidate:
    run = project.run(named)
    if options.opened.scale not in (None, run.scale):
        asked = options.opened.scale
        raise WrongUse(f"{named} is of scale {run.scale}, --scale is {asked}; leave --scale out")
    if not project.weights_note(named).is_file():
        note_weights(project, named, progress=lambda _: None)
    method = methods[run.method][1]
    return candidate_of(run, method, noted_weights(project, run, method), options)


def candidate_of(
    run: Run, method: Method, file: Path | None, options: CandidateOptions
) -> Candidate:
    """A run as a candidate.

    Args:
        run: its variant, weights and scale.
        method: its method.
        file: its weights; ``None`` for a method without any.
        options: how it is called.
    """
    first = load_upscaler(run, method, file, _usual())

    def upscaler(rule: Degradation) -> Upscaler:
        built = first if rule == _usual() else load_upscaler(run, method, file, rule)
        return _adapted(built, options).on(options.opened.device)

    return Candidate(
        run.name,
        run.scale,
        first.model.colour,
        f"run {run.name}",
        upscaler,
        shared=True,
        sha256=None if file is None else sha256(file),
        options=_ensemble(options),
    )


def _of_model(named: str, methods: Methods, options: CandidateOptions) -> Candidate:
    def opened(rule: Degradation) -> OpenedModel:
        return open_model(named, methods=methods, options=replace(options.opened, degradation=rule))

    first = opened(_usual())
    ours = first.origin.startswith(_METHOD)

    def upscaler(rule: Degradation) -> Upscaler:
        found = opened(rule) if ours and rule != _usual() else first
        device = options.opened.device
        built = Upscaler(found.name, found.model, rule, found.scale, device=device)
        return _adapted(built, options)

    return Candidate(
        first.name,
        first.scale,
        first.model.colour,
        first.origin,
        upscaler,
        shared=ours,
        sha256=first.sha256,
        notes=first.notes,
        options=(*first.options, *_ensemble(options)),
    )


def _usual() -> Degradation:
    return find_protocol(_OTHERWISE).degradation


def _ensemble(options: CandidateOptions) -> tuple[str, ...]:
    return ("self-ensemble",) if options.ensemble else ()


def _adapted(upscaler: Upscaler, options: CandidateOptions) -> Upscaler:
    adapted = replace(
        upscaler,
        ensemble=upscaler.ensemble or options.ensemble,
        tile=options.tile or upscaler.tile,
    )
    if options.tile is not None:
        adapted.enlarger.require_reach()
    return adapted


def _distinct(opened: list[tuple[str, Candidate]]) -> list[Candidate]:
    """Those that share a name are called as they were given: ``a/net.pth`` and ``b/net.pth``."""
    names = [candidate.name for _, candidate in opened]
    return [
        candidate if names.count(candidate.name) == 1 else replace(candidate, name=given)
        for given, candidate in opened
    ]
