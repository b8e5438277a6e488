"""PSNR that a run gains over the baseline on each image."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sr_bench.evaluation.scoring.table import require_one_signature
from sr_bench.support.errors import SrBenchError


def gains(per_image: pd.DataFrame, protocol: str, baseline: str) -> pd.DataFrame:
    """The PSNR rows of a protocol with ``gain`` in dB; the baseline's own are left out.

    Raises:
        SrBenchError: for several signatures, or two of its runs at one scale.
    """
    rows = per_image[(per_image["protocol"] == protocol) & (per_image["metric"] == "psnr")]
    require_one_signature(rows, f"the plot of gains under {protocol}")
    key = ["scale", "dataset", "image"]
    base = rows[rows["method"] == baseline][[*key, "value"]].rename(columns={"value": "base"})
    twice = base[base.duplicated(key)]
    if len(twice):
        raise SrBenchError(
            f"{protocol}: {twice.iloc[0]['image']} has two scores of {baseline} at "
            f"x{twice.iloc[0]['scale']}; remove one run from params.yaml"
        )
    others = rows[rows["method"] != baseline].merge(base, on=key, how="inner")
    both = others[np.isfinite(others["value"]) & np.isfinite(others["base"])]
    return both.assign(gain=both["value"] - both["base"]).reset_index(drop=True)
