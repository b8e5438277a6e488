"""Makes a submission of folders of SR images."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from sr_bench.analysis.submissions.bundle import member
from sr_bench.analysis.submissions.schema import (
    Environment,
    ImageValues,
    Submission,
    SubmittedResult,
)
from sr_bench.analysis.submissions.scored import SrFolder, means_of, paired, values_of
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.support.errors import WrongUse
from sr_bench.support.files import sha256
from sr_bench.support.parallel import map_images
from sr_bench.support.strict_yaml import problems
from sr_bench.support.version import __version__

_PACKAGES = ("numpy", "pillow", "scipy", "torch")


@dataclass(frozen=True)
class Scoring:
    """How SR images are scored.

    Args:
        protocols: by which.
        scale: of all of them.
        opened: opens a dataset by its name.
    """

    protocols: Sequence[Protocol]
    scale: int
    opened: Callable[[str], Dataset]


def make(
    facts: Mapping[str, str | None], folders: Sequence[SrFolder], scoring: Scoring
) -> tuple[Submission, dict[str, Path]]:
    """Score the folders.

    Args:
        facts: the fields of a submission that people tell.
        folders: SR images, each of a whole dataset.
        scoring: how.

    Returns:
        The submission, and the files that may be attached.

    Raises:
        WrongUse: for a fact that isn't by the schema.
        SrBenchError: if images are missing or can't be scored.
    """
    results: list[SubmittedResult] = []
    attached: dict[str, Path] = {}
    for folder in folders:
        dataset = scoring.opened(folder.dataset)
        files = paired(folder.folder, dataset, scale=scoring.scale)
        results += [_result(dataset, files, p, scoring.scale) for p in scoring.protocols]
        attached |= {member(dataset.name, image): file for image, file in files.items()}
    try:
        told = {**facts, "environment": _environment(), "results": results}
        return Submission.model_validate(told), attached
    except ValidationError as error:
        raise WrongUse(f"submit: {problems(error, Submission.model_fields)}") from error


def _result(
    dataset: Dataset, files: Mapping[str, Path], protocol: Protocol, scale: int
) -> SubmittedResult:
    def values(stem: str) -> dict[str, float]:
        return values_of(files[stem], hr[stem], protocol, scale=scale)

    hr = {entry.stem: dataset.folder / entry.name for entry in dataset}
    found = dict(zip(hr, map_images(values, list(hr))))
    images = [
        ImageValues(image=stem, sha256=sha256(files[stem]), values=found[stem]) for stem in hr
    ]
    return SubmittedResult(
        dataset=dataset.name,
        protocol=protocol.name,
        scale=scale,
        signature=protocol.signature,
        means=means_of(found),
        images=tuple(images),
    )


def _environment() -> Environment:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Environment(
        software=f"sr-bench {__version__}",
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}".strip(),
        packages=found,
    )
