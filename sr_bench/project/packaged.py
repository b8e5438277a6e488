"""What sr-bench brings along with its methods: weights that it trained, and published numbers.

Which weights are whose says the ``params.yaml`` of its own repository, which lies with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sr_bench.project.entries import Run
from sr_bench.support.packaged import packaged_folder
from sr_bench.support.strict_yaml import read_yaml

WEIGHTS = "sr_bench.methods/weights"  # what notes call the folder, wherever it lies
_FIELDS = ("method", "variant", "weights", "scale")


@lru_cache(maxsize=1)
def _runs() -> Mapping[str, Any]:
    folder = packaged_folder()
    inside = folder / "params.yaml"
    path = inside if inside.is_file() else folder.parent / "params.yaml"
    return dict(read_yaml(path.read_text(encoding="utf-8"))["runs"])


def packaged_run(name: str) -> Run | None:
    """The run of that name in the ``params.yaml`` of sr-bench's own repository."""
    entry = _runs().get(name)
    return None if entry is None else Run.model_validate(entry)


def packaged_weights(run: Run) -> Path | None:
    """The weights of a run that sr-bench trained; ``None`` where it brings none."""
    wanted = {name: getattr(run, name) for name in _FIELDS} | {"variant": run.base_variant}
    for entry in _runs().values():
        facts = {"variant": "", "weights": "none"} | {k: entry[k] for k in _FIELDS if k in entry}
        origin = Path(entry.get("origin") or "")
        if facts == wanted and origin.suffix == ".safetensors":
            return packaged_folder() / "weights" / origin.name
    return None
