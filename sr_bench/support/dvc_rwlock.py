"""``python -m sr_bench.support.dvc_rwlock .dvc/tmp``: remove an rwlock that a killed DVC left."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sr_bench.support.locks import is_held

_LOCKS = ("lock", "rwlock.lock")  # DVC's: of the project, and while rwlock is written


def remove_unreadable_rwlock(folder: Path) -> bool:
    """Remove ``folder/rwlock`` if it isn't JSON and no process holds a lock of DVC's.

    Returns:
        Whether it was removed.
    """
    path = folder / "rwlock"
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        if any(is_held(folder / name) for name in _LOCKS):
            return False
        path.unlink(missing_ok=True)
        return True
    return False


if __name__ == "__main__":
    if remove_unreadable_rwlock(Path(sys.argv[1])):
        print(f"{sys.argv[1]}/rwlock: left unreadable by a killed dvc, removed")
