"""Labels of a crowded plot: no leader crosses another label, in the height that allows it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sr_bench.report.figures import pareto
from sr_bench.report.figures.boxes import nearest
from sr_bench.report.figures.labels import Scene, needs_leader, place
from sr_bench.report.figures.style import Looks
from sr_bench.report.names import NO_NAMES


def crosses(start, end, box):
    """Whether the segment passes through the box, by sampling it."""
    points = start + np.linspace(0, 1, 400)[:, None] * (end - start)
    return bool(((points > box[:2]) & (points < box[2:])).all(axis=1).any())


def crowd():
    """The report's densest panel, PSNR against multiply-adds at x3: x, y and width in points."""
    rows = np.array([
        (203, 152, 58), (212, 160, 36), (212, 153, 54), (212, 149, 33), (222, 158, 57),
        (222, 158, 50), (223, 161, 64), (225, 160, 37), (225, 158, 54), (235, 161, 54),
        (235, 160, 37), (235, 158, 55), (249, 212, 50), (270, 223, 33), (289, 224, 32),
        (314, 227, 37), (205, 83, 24),
    ], float)  # fmt: skip
    sizes = np.stack([rows[:, 2], np.full(len(rows), 7.5)], axis=1)
    frame = np.array([192.0, 67.5, 328, 253])
    return Scene(rows[:, :2], np.full(len(rows), 2.9), sizes, np.empty((0, 4)), frame)


def leaders(scene, made):
    """Label to the two ends of its leader, for those that have one."""
    found = {}
    for i, box in enumerate(made.boxes):
        point, radius = scene.points[i], scene.radii[i]
        if needs_leader(point, radius, box):
            start = nearest(point, box[None])[0]
            found[i] = start, point + (start - point) * radius / np.hypot(*(start - point))
    return found


def struck(scene, made):
    """Pairs of a label whose leader crosses another label, and that label."""
    ends, boxes = leaders(scene, made), made.boxes
    return [(i, j) for i in ends for j, b in enumerate(boxes) if j != i and crosses(*ends[i], b)]


def crossing(scene, made):
    """How many pairs of leaders cross: each has the ends of the other on both of its sides."""

    def sides(line, ends):
        (x, y), (u, v) = line
        left, right = ((u - x) * (b - y) - (v - y) * (a - x) for a, b in ends)
        return left * right < 0

    pairs = combinations(leaders(scene, made).values(), 2)
    return sum(sides(a, b) and sides(b, a) for a, b in pairs)


def test_no_leader_crosses_a_label_in_a_crowd():
    scene = crowd()
    made = place(scene)
    assert made.clear.all() and struck(scene, made) == []
    assert made.tangles == crossing(scene, made)


def test_tangles_are_counted():
    tight = replace(crowd(), frame=np.array([192.0, 110, 328, 230]))
    made = place(tight)
    assert made.tangles == len(struck(tight, made)) + crossing(tight, made) > 0


def drawn(monkeypatch, *heights):
    """Eighteen runs of nearly the same quality and cost, in panels of these heights."""
    n = np.arange(18)
    rows = pd.DataFrame({
        "run": [f"srcnn-{i}-sr-bench-t91-x3" for i in n], "method": "srcnn",
        "variant": [f"9-{i}-5-128-64" for i in n], "weights": "sr-bench-t91", "scale": 3,
        "value": 32 + 0.03 * (5 * n % 7), "cost": 1.0 + 0.06 * (3 * n % 5), "spread": 0.01,
        "params": 8129,
    })  # fmt: skip
    monkeypatch.setattr(pareto, "_HEIGHTS", heights)
    cost = pareto.Cost("time", "PSNR", "caption")
    made = pareto.quality_figure(rows, cost, Looks(NO_NAMES, {"srcnn": ("#0072b2", "o")}))
    assert isinstance(made.figure, Figure)
    return made


@pytest.mark.slow
def test_the_height_is_the_first_without_tangles(monkeypatch):
    heights = (1.2, 1.5, 2.0)
    each = [drawn(monkeypatch, h) for h in heights]
    assert each[0].tangles > 0 == len(each[0].unlabelled)
    chosen = drawn(monkeypatch, *heights)
    best = min(each, key=lambda made: made.badness)
    assert chosen.badness == best.badness
    assert chosen.figure.get_figheight() == best.figure.get_figheight()


def test_no_labels_are_placed_as_well():
    empty = np.empty((0, 2))
    made = place(Scene(empty, np.empty(0), empty, np.empty((0, 4)), np.array([0.0, 0, 9, 9])))
    assert made.boxes.shape == (0, 4) and made.clear.shape == (0,) and made.tangles == 0
