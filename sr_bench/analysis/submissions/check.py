"""Checks a submission: what is attached is scored again, the rest stays a claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sr_bench.analysis.submissions.bundle import Bundle
from sr_bench.analysis.submissions.schema import ImageValues, SubmittedResult
from sr_bench.analysis.submissions.scored import SrFolder, means_of, paired, values_of
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256

_EQUAL = 1e-6  # of values that two machines compute from the same file


@dataclass
class Checked:
    """What became of a result.

    Args:
        result: as it was submitted.
        scored: images that were scored again.
        faults: what doesn't agree.
    """

    result: SubmittedResult
    scored: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """``differs``; ``verified``, all images were scored again; ``partly``; ``claimed``."""
        if self.faults:
            return "differs"
        if self.scored == len(self.result.images):
            return "verified"
        return "partly" if self.scored else "claimed"


@dataclass(frozen=True)
class Against:
    """What a submission is checked against.

    Args:
        catalogue: of protocols and datasets.
        opened: opens a dataset by its name.
        folders: SR images beside those that are attached.
    """

    catalogue: Catalogue
    opened: Callable[[str], Dataset]
    folders: Sequence[SrFolder] = ()


def check(bundle: Bundle, against: Against) -> list[Checked]:
    """Check every result of a bundle.

    A fault of a submission is no error here: it is in the result.

    Raises:
        SrBenchError: if a dataset can't be had.
    """
    return [_check(result, bundle, against) for result in bundle.submission.results]


def _check(result: SubmittedResult, bundle: Bundle, against: Against) -> Checked:
    checked = Checked(result)
    known = against.catalogue
    protocol = known.protocols.protocols.get(result.protocol)
    if protocol is None or result.dataset not in known.sources:
        what = f"protocol {result.protocol}" if protocol is None else f"dataset {result.dataset}"
        checked.faults.append(f"{what} is not known here")
        return checked
    if _rules(result.signature) != _rules(protocol.signature):
        checked.faults.append(
            f"signature is {result.signature}, that of {protocol} is {protocol.signature}"
        )
        return checked
    dataset = against.opened(result.dataset)
    checked.faults += _claims(result, dataset)
    if not checked.faults:
        _score_again(checked, protocol, dataset, _files(result, bundle, dataset, against))
    return checked


def _rules(signature: str) -> list[str]:
    """A signature without the version of the software: the same rules give the same numbers."""
    return [part for part in signature.split("|") if not part.startswith("sr-bench:")]


def _claims(result: SubmittedResult, dataset: Dataset) -> list[str]:
    """What is wrong before anything is scored."""
    theirs = {image.image for image in result.images}
    ours = {entry.stem for entry in dataset}
    if theirs != ours:
        missing, more = sorted(ours - theirs), sorted(theirs - ours)
        return [f"not the images of {dataset.name}: {missing[:5]} are missing, {more[:5]} too many"]
    means = means_of({image.image: image.values for image in result.images})
    return [
        f"mean {metric} is {value}, that of the values of the images {means.get(metric)}"
        for metric, value in result.means.items()
        if metric not in means or abs(value - means[metric]) > _EQUAL
    ]


def _files(
    result: SubmittedResult, bundle: Bundle, dataset: Dataset, against: Against
) -> Mapping[str, Path | None]:
    """The SR file of each image: of a folder that was named, else what is attached."""
    for folder in against.folders:
        if folder.dataset == result.dataset:
            return dict(paired(folder.folder, dataset, scale=result.scale))
    return {i.image: bundle.image(result.dataset, i.image) for i in result.images}


def _score_again(
    checked: Checked, protocol: Protocol, dataset: Dataset, files: Mapping[str, Path | None]
) -> None:
    hr = {entry.stem: dataset.folder / entry.name for entry in dataset}
    for image in checked.result.images:
        file = files.get(image.image)
        if file is not None:
            fault = _fault(image, file, hr[image.image], protocol, checked.result.scale)
            checked.faults += [f"{image.image}: {fault}"] if fault else []
            checked.scored += not fault


def _fault(image: ImageValues, sr: Path, hr: Path, protocol: Protocol, scale: int) -> str:
    """What doesn't agree on one image; empty if all does."""
    digest = sha256(sr)
    if digest != image.sha256:
        return f"sha256 of the file is {digest[:12]}..., submitted {image.sha256[:12]}..."
    try:
        values = values_of(sr, hr, protocol, scale=scale)
    except SrBenchError as error:
        return str(error)
    if set(values) != set(image.values):
        return f"metrics are {', '.join(image.values)}, of {protocol} {', '.join(values)}"
    wrong = [m for m, value in values.items() if abs(value - image.values[m]) > _EQUAL]
    return "; ".join(f"{m} is {values[m]}, submitted {image.values[m]}" for m in wrong)
