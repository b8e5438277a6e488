"""Between a model's planes and those of sr: rounded strip by strip, and what memory holds."""

from itertools import product

import numpy as np
import pytest

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging import color
from sr_bench.imaging.color import to_uint8
from sr_bench.networks import room
from sr_bench.networks.device import CPU
from sr_bench.networks.planes import Through
from sr_bench.networks.room import Fitting, Probe

RULES = load_protocols().degradations
COLOURS = ("any", "y", "rgb", "ycbcr")


@pytest.mark.parametrize(
    ("colour", "rule", "planes"),
    list(product(COLOURS, ("rgb-matlab", "ycbcr-float-replicate"), (1, 3))),
)
def test_rounding_by_strips_gives_what_the_whole_image_gives(monkeypatch, colour, rule, planes):
    rng = np.random.default_rng(4)
    lr = rng.uniform(0, 255, (31, 23) if planes == 1 else (31, 23, 3))
    channels = {"any": planes, "y": 1}.get(colour, 3)
    units = rng.uniform(-0.1, 1.1, (channels, 62, 46)).astype(np.float32)
    made = units.transpose(1, 2, 0) if channels == 3 else units[0]
    through = Through(colour, RULES[rule], 2)
    whole = to_uint8(through.back(lr, made.astype(np.float64) * 255))
    monkeypatch.setattr(color, "_STRIP", 400)  # 2 or 8 rows
    rounded = through.rounded(lr, made)
    assert rounded.dtype == np.uint8 and np.array_equal(rounded, whole)


def test_a_large_image_has_room_as_far_as_memory_goes(monkeypatch):
    calls = []
    monkeypatch.setattr(room, "taken_on", lambda device, call: call() or 65536 * 100)
    monkeypatch.setattr(room, "free_bytes", lambda device: 10**9)
    fitting, probe = Fitting(), Probe(lambda: calls.append(1), 65536)
    assert fitting.has_room(CPU, 10**6, probe) and not calls  # small ones aren't asked
    assert fitting.has_room(CPU, 9_900_000, probe)
    assert not fitting.has_room(CPU, 10_100_000, probe)
    assert calls == [1]  # measured once
    monkeypatch.setattr(room, "free_bytes", lambda device: None)
    assert fitting.has_room(CPU, 10_100_000, probe)  # nobody knows
