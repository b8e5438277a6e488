"""The training's record: rows of a curve, shown by ``dvc plots`` through DVCLive."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sr_bench.support.files import replacing_folder

Row = dict[str, float]  # step, minutes, and the metrics at that step


def write_log(folder: Path, rows: Iterable[Mapping[str, float]]) -> None:
    """Write all rows as DVCLive does: ``plots/metrics/**/*.tsv``.

    The folder is replaced as a whole: the checkpoint holds the rows, so a resumed training's
    record has no gap and nothing twice.
    """
    from dvclive.live import Live

    logging.getLogger("dvclive").setLevel(logging.ERROR)  # it warns where there is no git commit
    with replacing_folder(folder) as fresh:
        live: Any = Live(str(fresh), save_dvc_exp=False, dvcyaml=None, report=None)
        for row in rows:
            live.step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    live.log_metric(name, value)
        live.end()
        # The last row once more, which dvc plots can't draw.
        (fresh / "metrics.json").unlink(missing_ok=True)
