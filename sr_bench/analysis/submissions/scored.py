"""SR images of a catalogued dataset, scored: for writing a submission and for checking one."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.evaluation.scoring.score import read_pair, score_pair
from sr_bench.evaluation.scoring.table import DECIMALS
from sr_bench.support.errors import SrBenchError, WrongUse, about


@dataclass(frozen=True)
class SrFolder:
    """A folder of SR images, and the dataset that they are of."""

    dataset: str
    folder: Path

    @classmethod
    def parse(cls, text: str) -> SrFolder:
        """``DATASET=FOLDER``, or a folder that is called like the dataset.

        Raises:
            WrongUse: if it names no folder.
        """
        dataset, told, folder = text.partition("=")
        path = Path(folder if told else text)
        if not path.is_dir():
            raise WrongUse(f"--sr {text}: no such folder; write DATASET=FOLDER")
        return cls(dataset if told else path.resolve().name, path)


def paired(sr: Path, dataset: Dataset, *, scale: int) -> dict[str, Path]:
    """The SR file of each image of a dataset, by the rules of ``sr-bench score``.

    Raises:
        SrBenchError: naming every file without a partner.
    """
    with tempfile.TemporaryDirectory(prefix="sr-bench-hr-") as name:
        hr = Path(name) / dataset.name
        hr.mkdir()
        for entry in dataset:
            target = hr / f"{entry.stem}{Path(entry.name).suffix}"
            target.symlink_to((dataset.folder / entry.name).resolve())
        return {pair.name: pair.sr for pair in pair_folders(sr, hr, scale=scale)}


def values_of(sr: Path, hr: Path, protocol: Protocol, *, scale: int) -> dict[str, float]:
    """Every metric of a protocol on one image.

    Raises:
        SrBenchError: if the images can't be read or don't fit, or SR equals HR.
    """
    with about(sr):
        found = score_pair(read_pair(sr, hr), protocol, scale=scale)
    values = {str(metric): round(value, DECIMALS) for metric, value in found.items()}
    if not all(map(math.isfinite, values.values())):
        raise SrBenchError(f"{sr}: equals the HR image in every pixel that is scored")
    return values


def means_of(images: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric that all images have."""
    rows = list(images.values())
    shared = [metric for metric in rows[0] if all(metric in row for row in rows)]
    return {m: round(math.fsum(row[m] for row in rows) / len(rows), DECIMALS) for m in shared}
