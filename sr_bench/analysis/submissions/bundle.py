"""A bundle: a folder or zip with ``submission.json`` and, where attached, ``sr/DATASET/IMAGE.png``.

What it holds is read by the names that the submission may have, never by names that it brings: no
other member of a zip is unpacked, no link is followed out of a folder.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from sr_bench.analysis.submissions.schema import Submission
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import naming, replacing, replacing_folder, sweep
from sr_bench.support.locks import writing
from sr_bench.support.strict_yaml import problems
from sr_bench.support.zips import open_zip, zip_damage

NAME = "submission.json"
_LARGEST, _LARGEST_TEXT = 64_000_000, 16_000_000  # bytes of an image, and of the text
_TIME = (1980, 1, 1, 0, 0, 0)  # of every member: equal content is an equal file
_REMEDY = "have it written by: sr-bench submit"


def member(dataset: str, image: str) -> str:
    """The name of an SR image in a bundle."""
    return f"sr/{dataset}/{image}.png"


class Bundle(ABC):
    """A bundle that is read.

    Args:
        path: the folder or file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.submission = self._parsed()

    @abstractmethod
    def _text(self) -> bytes:
        """The content of ``submission.json``, of bounded length."""

    @abstractmethod
    def image(self, dataset: str, image: str) -> Path | None:
        """The file of an SR image; ``None`` where it isn't attached."""

    def _parsed(self) -> Submission:
        try:
            return Submission.model_validate_json(self._text())
        except ValidationError as error:
            told = problems(error, Submission.model_fields)
            raise SrBenchError(f"{self.path}: {NAME}: {told}; {_REMEDY}") from error


class _Folder(Bundle):
    def _text(self) -> bytes:
        path = self._inside(NAME)
        if path is None:
            raise SrBenchError(f"{self.path}: has no {NAME}; {_REMEDY}")
        return path.read_bytes()

    def image(self, dataset: str, image: str) -> Path | None:
        return self._inside(member(dataset, image))

    def _inside(self, name: str) -> Path | None:
        """A regular file of bounded size that lies in the folder itself."""
        path = self.path / name
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise SrBenchError(f"{path}: leads out of the bundle; put the file itself there")
        most = _LARGEST_TEXT if name == NAME else _LARGEST
        if path.stat().st_size > most:
            raise SrBenchError(f"{path}: has {path.stat().st_size:,} bytes, expected {most:,}")
        return path


class _Zip(Bundle):
    def __init__(self, path: Path, bundle: zipfile.ZipFile, unpacked: Path) -> None:
        self._zip, self._unpacked, self._count = bundle, unpacked, 0
        super().__init__(path)

    def _text(self) -> bytes:
        target = self._copy(NAME, _LARGEST_TEXT)
        if target is None:
            raise SrBenchError(f"{self.path}: has no {NAME}; {_REMEDY}")
        return target.read_bytes()

    def image(self, dataset: str, image: str) -> Path | None:
        return self._copy(member(dataset, image), _LARGEST)

    def _copy(self, name: str, most: int) -> Path | None:
        """A member, copied under a name of ours."""
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            return None
        self._count += 1
        target = self._unpacked / f"{self._count}{Path(name).suffix}"
        with (
            zip_damage(self.path, remedy=_REMEDY),
            naming(target),
            self._zip.open(info) as packed,
            target.open("wb") as plain,
        ):
            self._bounded(packed, plain, name, most)
        return target

    def _bounded(self, packed: IO[bytes], plain: IO[bytes], name: str, most: int) -> None:
        left = most
        while part := packed.read(min(1 << 20, left + 1)):
            left -= len(part)
            if left < 0:
                raise SrBenchError(f"{self.path}: {name} has more than {most:,} bytes")
            plain.write(part)


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Read a folder or a zip.

    Raises:
        WrongUse: if there is none.
        SrBenchError: if it is no bundle, or what it says isn't by the schema.
    """
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.is_file():
        raise WrongUse(f"{path}: no such bundle; name a folder or a zip file")
    if not zipfile.is_zipfile(path):
        raise SrBenchError(f"{path}: is neither a folder nor a zip file; {_REMEDY}")
    with (
        tempfile.TemporaryDirectory(prefix="sr-bench-bundle-") as name,
        open_zip(path, remedy=_REMEDY) as bundle,
    ):
        yield _Zip(path, bundle, Path(name))


def write_bundle(path: Path, submission: Submission, attached: Mapping[str, Path]) -> None:
    """Write a folder, or a zip where the name ends so.

    Args:
        path: not there yet.
        submission: what it says.
        attached: member name to the SR image's file.

    Raises:
        WrongUse: if something lies there.
        Locked: if another process is writing it.
    """
    with writing(str(path), path.with_name(f".{path.name}.lock")):
        if path.exists():
            raise WrongUse(f"{path}: is there already; name another bundle, or remove it")
        sweep(path)  # what a killed process left
        _write(path, submission.model_dump_json(indent=1) + "\n", attached)


def _write(path: Path, text: str, attached: Mapping[str, Path]) -> None:
    if path.suffix == ".zip":
        with replacing(path) as beside, zipfile.ZipFile(beside, "w") as packed:
            packed.writestr(zipfile.ZipInfo(NAME, _TIME), text)
            for name, file in attached.items():
                packed.writestr(zipfile.ZipInfo(name, _TIME), file.read_bytes())
        return
    with replacing_folder(path) as fresh:
        (fresh / NAME).write_text(text, encoding="utf-8")
        for name, file in attached.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, fresh / name)
