"""Labels of a crowded plot: whose they are, no overlap, no leader across another label."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from sr_bench.report.figures import pareto
from sr_bench.report.figures.costs import labelled
from sr_bench.report.figures.labels import Scene, nearest, needs_leader, place_labels
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
    for i, box in made.items():
        point, radius = scene.points[i], scene.radii[i]
        if needs_leader(point, radius, box):
            start = nearest(point, box[None])[0]
            found[i] = start, point + (start - point) * radius / np.hypot(*(start - point))
    return found


def struck(scene, made):
    """Pairs of a label whose leader crosses another label, and that label."""
    ends = leaders(scene, made)
    return [(i, j) for i in ends for j, b in made.items() if j != i and crosses(*ends[i], b)]


def crossing(scene, made):
    """How many pairs of leaders cross: each has the ends of the other on both of its sides."""

    def sides(line, ends):
        (x, y), (u, v) = line
        left, right = ((u - x) * (b - y) - (v - y) * (a - x) for a, b in ends)
        return left * right < 0

    pairs = combinations(leaders(scene, made).values(), 2)
    return sum(sides(a, b) and sides(b, a) for a, b in pairs)


def overlap(a, b):
    return bool((a[:2] < b[2:]).all() and (b[:2] < a[2:]).all())


def placed(scene):
    """Label to box, of those that found room."""
    return {i: box for i, box in enumerate(place_labels(scene)) if box is not None}


def require_clear(scene, made):
    assert struck(scene, made) == [] and crossing(scene, made) == 0
    assert not any(overlap(a, b) for a, b in combinations(made.values(), 2))
    reach = scene.radii[:, None]
    markers = np.concatenate([scene.points - reach, scene.points + reach], axis=1)
    assert not any(overlap(box, marker) for box in made.values() for marker in markers)


def test_no_leader_crosses_a_label_in_a_crowd():
    made = placed(crowd())
    assert len(made) >= 13
    require_clear(crowd(), made)


def test_what_has_no_room_is_left_out():
    tight = replace(crowd(), frame=np.array([192.0, 110, 328, 230]))
    made = placed(tight)
    assert 0 < len(made) < len(tight.points)
    require_clear(tight, made)


def test_markers_without_a_label_are_not_covered():
    few = replace(crowd(), sizes=crowd().sizes[:6])
    made = placed(few)
    assert set(made) == set(range(6))
    require_clear(few, made)


def runs(count):
    """Runs of nearly the same quality and cost."""
    n = np.arange(count)
    return pd.DataFrame({
        "run": [f"srcnn-{i}-sr-bench-t91-x3" for i in n], "method": "srcnn",
        "variant": [f"9-{i}-5-128-64" for i in n], "weights": "sr-bench-t91", "scale": 3,
        "value": 32 + 0.03 * (5 * n % 7), "cost": 1.0 + 0.06 * (3 * n % 5), "spread": 0.01,
        "params": 8129,
    })  # fmt: skip


def drawn(rows, monkeypatch, *heights):
    """These runs in panels of the first height that has room for all labels."""
    monkeypatch.setattr(pareto, "_HEIGHTS", heights)
    cost = pareto.Cost("time", "PSNR", "caption")
    return pareto.pareto_figure(rows, cost, Looks(NO_NAMES, {"srcnn": ("#0072b2", "o")}))


def test_the_front_and_the_best_of_each_method_and_trainer_have_labels():
    rows = pd.DataFrame(
        [
            ("a", "one", "author", 30.0, 1.0),
            ("b", "one", "author", 31.0, 2.0),  # the front: a, b, d
            ("c", "one", "sr-bench-t91", 29.0, 3.0),  # the best that was trained here
            ("d", "two", "author", 33.0, 3.0),
            ("e", "two", "author", 32.0, 4.0),  # neither
            ("f", "three", "none", 28.0, 0.0),  # no network, so no cost
        ],
        columns=["run", "method", "weights", "value", "cost"],
    )
    assert labelled(rows.assign(spread=0.0)) == {"a", "b", "c", "d", "f"}


def test_the_height_is_the_first_that_has_room_for_all_labels(monkeypatch):
    heights = (0.1, 1.5, 2.0)
    each = [drawn(runs(18), monkeypatch, h) for h in heights]
    assert each[0].unlabelled and not each[1].unlabelled
    chosen = drawn(runs(18), monkeypatch, *heights)
    assert chosen.figure.get_figheight() == each[1].figure.get_figheight()


def test_sixty_runs_in_a_panel_have_the_labels_of_their_front(monkeypatch):
    made = drawn(runs(60), monkeypatch, 2.6)
    texts = {t.get_text() for t in made.figure.axes[0].texts}
    assert made.unlabelled == () and len(texts) == len(labelled(runs(60))) < 15


def test_no_labels_are_placed_as_well():
    empty = np.empty((0, 2))
    assert place_labels(Scene(empty, np.empty(0), empty, np.empty((0, 4)), np.zeros(4))) == []
