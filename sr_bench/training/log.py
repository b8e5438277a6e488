"""The training's record: rows of a curve, in the files that ``dvc plots`` draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sr_bench.support.files import replacing_folder

Row = dict[str, float]  # step, minutes, and the metrics at that step


def write_log(folder: Path, rows: Iterable[Mapping[str, float]]) -> None:
    """Write all rows as DVCLive does, one metric a file: ``plots/metrics/**/*.tsv``.

    The folder is replaced as a whole: the checkpoint holds the rows, so a resumed training's
    record has no gap and nothing twice.
    """
    lines: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            if name != "step":
                table = lines.setdefault(name, [f"step\t{name.rpartition('/')[2]}"])
                table.append(f"{int(row['step'])}\t{value}")
    with replacing_folder(folder) as fresh:
        for name, table in lines.items():
            path = fresh / "plots" / "metrics" / f"{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(table) + "\n", encoding="utf-8")
