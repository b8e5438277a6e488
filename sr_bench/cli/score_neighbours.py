"""The published numbers beside the mean of a scored folder, where its HR images are a known set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sr_bench.analysis.ledger.neighbours import Cell, Neighbours, neighbours, published_numbers
from sr_bench.analysis.ledger.titles import NetworkNames
from sr_bench.data.catalogue.known_images import digest, may_be_known, set_of
from sr_bench.imaging import images
from sr_bench.support.parallel import map_images

_SIDES = ("above", "equal", "below")


def beside(hr: Sequence[Path], psnr: float | None, protocol: str, scale: int) -> dict[str, Any]:
    """Which test set the HR images are, and the published PSNR above, equal and below.

    Args:
        hr: the files.
        psnr: their mean.
        protocol: how it was scored.
        scale: the factor.

    Returns:
        ``dataset`` and the sides that have a number; empty where the images aren't of one set.
    """
    if psnr is None or not may_be_known(len(hr)):
        return {}
    if (name := set_of(map_images(lambda path: digest(images.read(path)), hr))) is None:
        return {}
    found = neighbours(published_numbers(), Cell(protocol, name, scale), psnr)
    return {"dataset": name} | {side: asdict(number) for side, number in _numbers(found).items()}


def sentence_of(facts: dict[str, Any], protocol: str, scale: int) -> str:
    """``beside`` as a line for people; empty where there is nothing to say."""
    if not facts:
        return ""
    names = NetworkNames.known()  # the files would need torch
    said = [f"{side}: {_label(facts[side], names)}" for side in _SIDES if side in facts]
    where = f"these are {facts['dataset']}; published PSNR under {protocol} at x{scale}"
    return f"{where}: {'; '.join(said) or 'none is known'}"


def _numbers(found: Neighbours) -> dict[str, Any]:
    return {side: number for side in _SIDES if (number := getattr(found, side)) is not None}


def _label(number: dict[str, Any], names: NetworkNames) -> str:
    name = names.network(number["method"], number["variant"])
    return f"{name} {number['value']} ({number['source']})"
