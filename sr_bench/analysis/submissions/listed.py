"""The submissions that a repository holds, as a table of what they claim."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sr_bench.analysis.submissions.bundle import open_bundle

SUBMITTED = ["model", "by", "trained_on", "dataset", "scale", "protocol", "psnr", "ssim", "images"]


def submitted(folder: Path) -> pd.DataFrame:
    """A row for each result of each bundle below a folder, in the order of their names.

    Raises:
        SrBenchError: for a bundle that isn't by the schema.
    """
    rows: list[dict[str, object]] = []
    for path in sorted(folder.glob("*/submission.json")):
        with open_bundle(path.parent) as bundle:
            said = bundle.submission
        told = {"model": said.model, "by": said.by, "trained_on": said.trained_on}
        for result in said.results:
            values = {name: result.means.get(name) for name in ("psnr", "ssim")}
            place = {name: getattr(result, name) for name in ("dataset", "scale", "protocol")}
            rows.append(told | place | values | {"images": len(result.images)})
    return pd.DataFrame(rows, columns=SUBMITTED)
