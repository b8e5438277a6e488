"""Numbers that a repository prints about its own weights, against what the weights give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from sr_bench.analysis.ledger.ledger import equal_at_printed_digits
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.evaluation.evaluating.candidate import CandidateOptions, open_candidates
from sr_bench.evaluation.evaluating.evaluate import evaluate
from sr_bench.evaluation.evaluating.parts import parts_of
from sr_bench.evaluation.evaluating.results import results_of
from sr_bench.evaluation.evaluating.sets import open_test_sets
from sr_bench.networks.opened import Methods, OpenOptions
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.scale import Scale
from sr_bench.support.strict_yaml import problems, read_yaml
from sr_bench.support.text_files import read_text

_REMEDY = "name a file of claims (docs/action.md)"
_PRINTED = re.compile(r"\d{1,4}(\.\d{1,12})?")
VERDICTS = ("reproduced", "close", "differs", "not scored")
_COLOURS = {"reproduced": "brightgreen", "close": "yellowgreen", "differs": "red"}


def _printed(value: str) -> str:
    if not _PRINTED.fullmatch(value):
        raise ValueError(f"is {value[:40]!r}, expected the number as it is printed: '32.10'")
    return value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Claim(_Part):
    """A printed number. ``value`` is text, so that its digits are known: ``"32.10"``.

    ``range``, ``bgr``, ``multiple_of`` and ``ensemble`` are those of ``sr-bench eval``.
    """

    model: Annotated[str, Field(min_length=1)]
    dataset: Annotated[str, Field(min_length=1)]
    value: Annotated[str, AfterValidator(_printed)]
    scale: Scale | None = None
    protocol: str = "edsr-2017"
    metric: str = "psnr"
    range: float = 1
    bgr: bool = False
    multiple_of: PositiveInt = 1
    ensemble: bool = False

    def __str__(self) -> str:
        scale = f" x{self.scale}" if self.scale else ""
        return f"{self.model}{scale}, {self.dataset}, {self.protocol}, {self.metric}"


class Claims(_Part):
    """The file: its claims, and the page that prints them, where that is to be checked too."""

    claims: Annotated[list[Claim], Field(min_length=1)]
    readme: str | None = None


@dataclass(frozen=True)
class Judged:
    """A claim beside what was measured.

    Args:
        claim: the printed number.
        measured: what the weights give; ``None`` where nothing could be scored.
        verdict: one of :data:`VERDICTS`.
        reason: why it isn't reproduced; also that the model gives other pixels each time.
    """

    claim: Claim
    measured: float | None
    verdict: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the number isn't what the weights give."""
        return self.verdict in ("differs", "not scored")


def read_claims(path: Path, catalogue: Catalogue) -> Claims:
    """The claims of a file.

    Raises:
        SrBenchError: if it is missing or not by the schema.
        WrongUse: for an unknown protocol or metric.
    """
    import yaml

    try:
        found = Claims.model_validate(read_yaml(read_text(path, remedy=_REMEDY)))
    except yaml.YAMLError as error:
        raise SrBenchError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        known = [*Claim.model_fields, *Claims.model_fields]
        raise SrBenchError(f"{path}: {problems(error, known)}") from error
    for claim in found.claims:
        metrics = [str(metric) for metric in catalogue.protocols.find(claim.protocol).metrics]
        if claim.metric not in metrics:
            raise unknown("metric", claim.metric, metrics, where=f"{path}: {claim.protocol}")
    return found


def missing_in(readme: Path, claims: Claims) -> list[str]:
    """The claims whose number, with these digits, stands nowhere in the page.

    Raises:
        SrBenchError: if the page can't be read.
    """
    printed = set(re.findall(r"\d+(?:\.\d+)?", read_text(readme, remedy="correct readme:")))
    return [
        f"{readme}: {claim.value} ({claim}) is not printed there"
        for claim in claims.claims
        if claim.value not in printed
    ]


def judge_claims(
    claims: Claims,
    methods: Methods,
    catalogue: Catalogue,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Judged]:
    """Evaluate the models, each with all of its claims, and judge every claim.

    Args:
        claims: the printed numbers.
        methods: those that are known.
        catalogue: of datasets and protocols.
        progress: called with 1 after each claim.
    """
    groups: dict[tuple[Any, ...], list[Claim]] = {}
    for claim in claims.claims:
        key = (claim.model, claim.scale, claim.range, claim.bgr, claim.multiple_of, claim.ensemble)
        groups.setdefault((*key, claim.dataset, claim.protocol), []).append(claim)
    judged: dict[int, Judged] = {}
    for group in groups.values():
        means, reason = _means(group[0], methods, catalogue)
        for claim in group:
            judged[id(claim)] = _verdict(claim, means, reason, catalogue)
            progress(1)
    return [judged[id(claim)] for claim in claims.claims]


def _means(claim: Claim, methods: Methods, catalogue: Catalogue) -> tuple[dict[str, float], str]:
    """What the model reaches on the claim's images, and why nothing, or not each time the same."""
    opened = OpenOptions(claim.scale, claim.range, claim.bgr, claim.multiple_of)
    options = CandidateOptions(opened, claim.ensemble)
    try:
        found, failed = open_candidates(
            [claim.model], project=None, methods=methods, options=options
        )
        if failed:
            return {}, failed[0].reason
        sets = open_test_sets([claim.dataset], catalogue.sources, progress=lambda _: None)
        parts = parts_of(found, sets, [catalogue.protocols.find(claim.protocol)])
        evaluation = evaluate(parts, progress=lambda _: None)
    except SrBenchError as error:
        return {}, str(error)
    if evaluation.faults:
        return {}, "; ".join(fault.reason for fault in evaluation.faults)
    unsteady = "; ".join(model.found for model in evaluation.unsteady)
    return results_of(parts, evaluation)[0].means, unsteady


def _verdict(claim: Claim, means: Mapping[str, float], reason: str, catalogue: Catalogue) -> Judged:
    value = means.get(claim.metric)
    if value is None:
        none = "" if reason and not means else f"{claim.metric} has no mean"
        return Judged(claim, None, "not scored", "; ".join(filter(None, [none, reason])))
    if equal_at_printed_digits(claim.value, value):
        return Judged(claim, value, "reproduced", reason)
    protocol = catalogue.protocols.find(claim.protocol)
    off = value - float(claim.value)
    close = abs(off) <= protocol.tolerance.of(claim.metric)
    why = "; ".join(filter(None, [f"measured is {off:+.4f} off", reason]))
    return Judged(claim, value, "close" if close else "differs", why)


def badge(judged: Sequence[Judged]) -> dict[str, Any]:
    """The badge as shields.io reads it from an address (its endpoint schema)."""
    counts = {v: sum(j.verdict == v for j in judged) for v in VERDICTS}
    worst = next((v for v in reversed(VERDICTS) if counts[v]), "not scored")
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return {
        "schemaVersion": 1,
        "label": "SR numbers",
        "message": listed or "none",
        "color": _COLOURS.get(worst, "lightgrey"),
    }
