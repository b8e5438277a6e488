"""What is known of each metric by its name: how it is printed, its unit, which way is better.

Tables, figures, ``sr-bench compare`` and the results page all take it from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_PLANES = {"cb": "Cb", "cr": "Cr", "y": "Y", "ycbcr": "YCbCr", "rgb": "RGB"}


@dataclass(frozen=True)
class Metric:
    """A metric."""

    name: str  # as papers write it
    planes: str = ""  # those it is computed on, where its key names some: `YCbCr`
    decimals: int = 4  # digits after the point that papers print
    unit: str = ""  # `dB`, or none
    higher_is_better: bool = True  # False for a distance

    @property
    def title(self) -> str:
        """Name and planes: ``PSNR YCbCr``."""
        return f"{self.name} {self.planes}".strip()

    @property
    def title_with_unit(self) -> str:
        """The same with the unit in brackets: ``PSNR (dB)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


_KNOWN = {
    "psnr": Metric("PSNR", decimals=2, unit="dB"),
    "ssim": Metric("SSIM"),
    "ms_ssim": Metric("MS-SSIM"),
    "ifc": Metric("IFC", decimals=2),
    "lpips": Metric("LPIPS", higher_is_better=False),
    "dists": Metric("DISTS", higher_is_better=False),
    "niqe": Metric("NIQE", decimals=2, higher_is_better=False),
    "niqe_gray": Metric("NIQE", "gray", decimals=2, higher_is_better=False),
    "niqe_pi": Metric("NIQE", "PI's", decimals=2, higher_is_better=False),
    "maniqa": Metric("MANIQA"),
    "musiq": Metric("MUSIQ", decimals=2),
    "clipiqa": Metric("CLIPIQA"),
    "topiq_fr": Metric("TOPIQ-FR"),
    "topiq_nr": Metric("TOPIQ-NR"),
}


def describe_metric(key: str) -> Metric:
    """The metric of a key in ``scores.csv``: ``psnr``, or ``psnr_ycbcr`` of certain planes.

    One that isn't known here counts as a similarity with four decimals, a plug-in's as a distance
    where its function says ``higher_is_better = False``.
    """
    if key in _KNOWN:
        return _KNOWN[key]
    head, _, planes = key.partition("_")
    known = _KNOWN.get(head) or replace(_brought(key), name=head.upper())
    return replace(known, planes=_PLANES.get(planes, planes))


def _brought(key: str) -> Metric:
    from sr_bench.evaluation.scoring.extra import brought_lower_is_better  # for few metrics alone

    return Metric(key, higher_is_better=not brought_lower_is_better(key))
