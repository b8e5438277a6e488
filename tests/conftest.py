"""Fixtures that several test files share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sr_bench.cli import main
from sr_bench.data.catalogue.sources import find_source
from sr_bench.data.datasets.fetch import MIRROR, fetch
from sr_bench.data.datasets.transfer import is_present
from sr_bench.imaging import images
from sr_bench.support.errors import SourceError
from sr_bench.support.files import sha256
from sr_bench.support.parallel import cores

ROOT = Path(__file__).resolve().parent.parent
# Weights that a mirror made before their methods came doesn't hold: their tests are skipped there.
NOT_IN_EVERY_MIRROR = ("IDN-author-weights", "DnCNN-author-weights")
# The files that take longest: started last, one of them would keep a single core busy at the end.
SLOWEST = ("test_pipeline", "test_training_run", "test_plots", "test_method_contract")


def pytest_configure(config: pytest.Config) -> None:
    """Share the cores between xdist's workers, which inherit the environment."""
    workers = len(getattr(config.option, "tx", None) or [])
    if workers:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // workers)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, and mark files that use torch as ``network``."""
    items.sort(key=lambda item: item.path.stem not in SLOWEST)
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item.module, "torch"):
            item.add_marker("network")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Files of a group of sources.yaml: from data/ where all are there, else from the mirror."""

    def files(name: str) -> list[Path]:
        source = find_source(name)
        here = [ROOT / "data" / source.folder / f.name for f in source.files]
        if all(is_present(f, path) for f, path in zip(source.files, here)):
            return here
        mirror = os.environ.get(MIRROR)
        if not mirror:
            pytest.skip(f"{name} is neither in data/ nor is {MIRROR} set")
        data = tmp_path_factory.getbasetemp() / "real"
        try:
            return fetch(source, data, mirror=mirror, progress=lambda _: None)
        except SourceError as error:
            if name in NOT_IN_EVERY_MIRROR:
                pytest.skip(str(error))
            raise

    return files


@pytest.fixture(scope="module")
def little_memory() -> Iterator[None]:
    """While a file's tests run, the process gets 1 GiB more than it has; only Linux tells that."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    import resource

    have = int(statm.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (have + (1 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """``picture(h, w[, 3])``: uint8 noise, the same in every run."""
    rng = np.random.default_rng(7)
    return lambda *shape: rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def filled(picture: Callable[..., np.ndarray]) -> Callable[..., None]:
    """``filled(root, {name: shape})``: noise of these shapes as Set5 of a project, and listed."""

    def fill(root: Path, shapes: dict[str, tuple[int, ...]]) -> None:
        entries = []
        for name, shape in shapes.items():
            path = root / "data" / "Set5" / name
            images.write(path, picture(*shape))
            entries.append({"name": name, "shape": shape, "sha256": sha256(path)})
        manifest = root / "build" / "manifests" / "Set5.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_text(json.dumps({"dataset": "Set5", "images": entries}))

    return fill


@pytest.fixture
def project(tmp_path: Path, filled: Callable[..., None]) -> Path:
    """A project folder with one run, bicubic-x2, on two small images that stand for Set5."""
    root = tmp_path / "project"
    lines = (
        f"methods: [{ROOT / 'methods'}]",
        "ledger: null",
        "fetch: [Set5]",
        "protocols: {edsr-2017: [Set5], srcnn-2015: [Set5]}",
        "runs:",
        "  bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017, srcnn-2015]}",
    )
    filled(root, {"colour.png": (33, 46, 3), "gray.png": (34, 45)})
    (root / "params.yaml").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def cli(monkeypatch, capsys):
    """``cli(words, status)``: run in this process, demand that status; (stdout, stderr)."""

    def run(words, status=0, cwd=None):
        if cwd is not None:
            monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["sr-bench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == status, err
        return out, err

    return run
