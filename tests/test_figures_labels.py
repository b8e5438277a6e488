"""Labels of a crowded plot: no leader crosses another label."""

import numpy as np

from sr_bench.report.plot_labels import Scene, nearest, needs_leader, place


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


def struck(scene, made):
    """Pairs of a label whose leader crosses another label, and that label."""
    found = []
    for i, box in enumerate(made.boxes):
        point, radius = scene.points[i], scene.radii[i]
        if needs_leader(point, radius, box):
            start = nearest(point, box[None])[0]
            end = point + (start - point) * radius / np.hypot(*(start - point))
            found += [(i, j) for j, b in enumerate(made.boxes) if j != i and crosses(start, end, b)]
    return found


def test_no_leader_crosses_a_label_in_a_crowd():
    scene = crowd()
    made = place(scene)
    assert made.clear.all() and struck(scene, made) == []


def test_no_labels_are_placed_as_well():
    empty = np.empty((0, 2))
    made = place(Scene(empty, np.empty(0), empty, np.empty((0, 4)), np.array([0.0, 0, 9, 9])))
    assert made.boxes.shape == (0, 4) and made.clear.shape == (0,)
