"""Labels beside points, none over another: a small search that gives the same answer each time.

Everything is in points (1/72 inch) on the figure; a box is ``(left, bottom, right, top)``. Each
label tries 24 directions at several distances. A place costs what it covers (labels and markers
most, lines less), what its leader crosses, and its distance. Labels are moved one at a time to
their cheapest place until none moves; the cheapest of a few orders wins, and then the costliest
labels may choose first, as long as that helps. No random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GAPS = (2.0, 5.0, 9.0, 14.0, 20.0, 27.0, 35.0, 44.0, 54.0, 66.0, 80.0, 96.0)
_DIRECTIONS = 24
_LEADER = 5.0  # a label nearer than this needs no leader
_ROOM = 1.2  # kept free around a label
_SWEEPS = 8
_KEPT = 180  # places of a label that are looked at further: the cheapest
_KICKS, _WORST = 3, 8  # rounds in which the costliest labels choose first
_HARD, _STRUCK, _CROSSED, _ALONG, _LINE = 10000.0, 500.0, 80.0, 200.0, 25.0


@dataclass(frozen=True)
class Scene:
    """What labels are placed among.

    Args:
        points: ``(n, 2)``, one to a label.
        radii: ``(n,)``, of the markers.
        sizes: ``(n, 2)``, width and height of the labels.
        lines: ``(k, 4)``, boxes of lines that are better left uncovered.
        frame: ``(4,)``, the box that labels stay in.
    """

    points: Array
    radii: Array
    sizes: Array
    lines: Array
    frame: Array


@dataclass(frozen=True)
class Placement:
    """Where the labels went.

    Args:
        boxes: ``(n, 4)``.
        clear: ``(n,)``, False where a label could not be kept off another label or marker.
    """

    boxes: Array
    clear: NDArray[np.bool_]


def place(scene: Scene) -> Placement:
    """The cheapest placement that the search finds."""
    options, fixed = [], []
    for i in range(len(scene.points)):
        boxes = _candidates(scene, i)
        cost = _fixed_cost(scene, i, boxes)
        kept = np.argsort(np.round(cost, 6), kind="stable")[:_KEPT]
        options.append(boxes[kept])
        fixed.append(cost[kept])
    best = _best(scene, options, fixed, _orders(scene))
    for _ in range(_KICKS):
        costs = _costs(scene, best)
        worst = sorted(range(len(best)), key=lambda i: (-round(float(costs[i]), 6), i))
        better = _best(scene, options, fixed, [[i, *_without(worst, i)] for i in worst[:_WORST]])
        if _costs(scene, better).sum() >= costs.sum() - 1e-6:
            break
        best = better
    return Placement(best, _clear(scene, best))


def needs_leader(point: Array, radius: float, box: Array) -> bool:
    """Whether the label is too far from its marker to be read as its own."""
    return float(np.hypot(*(nearest(point, box[None])[0] - point))) - radius > _LEADER


def nearest(point: Array, boxes: Array) -> Array:
    """The point of each box nearest to ``point``, ``(m, 2)``: where a leader starts."""
    return np.stack(
        [np.clip(point[0], boxes[:, 0], boxes[:, 2]), np.clip(point[1], boxes[:, 1], boxes[:, 3])],
        axis=1,
    )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights at least ``gap`` apart within ``low``..``high``, as near to the wanted as can be.

    Least squares with an order (pool adjacent violators); ties keep their order. Where
    ``high - low`` is too little for all, they reach over ``high``.
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    pools: list[list[float]] = []  # sum, count
    for rank, i in enumerate(order):
        pools.append([wanted[i] - rank * gap, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    top = max(low, high - gap * (len(wanted) - 1))
    bases = [min(max(s / n, low), top) for s, n in pools for _ in range(int(n))]
    heights = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        heights[i] = bases[rank] + rank * gap
    return heights


def _best(scene: Scene, options: list[Array], fixed: list[Array], orders: list[list[int]]) -> Array:
    """The cheapest of what the orders lead to."""
    tried = [_settle(scene, options, fixed, order) for order in orders]
    costs = [round(float(_costs(scene, boxes).sum()), 6) for boxes in tried]
    return tried[int(np.argmin(costs))]


def _without(order: list[int], i: int) -> list[int]:
    return [j for j in order if j != i]


def _orders(scene: Scene) -> list[list[int]]:
    x, y = scene.points.T
    n = range(len(scene.points))
    apart = np.abs(scene.points[:, None] - scene.points[None]).sum(axis=2)
    crowd = (apart < 30).sum(axis=1)
    return [
        sorted(n, key=lambda i: (-crowd[i], i)),
        sorted(n, key=lambda i: (x[i], i)),
        sorted(n, key=lambda i: (-x[i], i)),
        sorted(n, key=lambda i: (y[i], i)),
        sorted(n, key=lambda i: (-y[i], i)),
    ]


def _candidates(scene: Scene, i: int) -> Array:
    """Boxes around point ``i`` that lie in the frame (all of them where none does)."""
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    towards = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    half = scene.sizes[i] / 2
    lean = np.clip(1.4 * towards, -1, 1) * half
    away = (scene.radii[i] + np.asarray(_GAPS))[:, None, None] * towards[None]
    centre = (scene.points[i] + lean[None] + away).reshape(-1, 2)
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    inside = (boxes[:, :2] >= scene.frame[:2]).all(1) & (boxes[:, 2:] <= scene.frame[2:]).all(1)
    return boxes[inside] if inside.any() else boxes


def _fixed_cost(scene: Scene, i: int, boxes: Array) -> Array:
    """What each box costs whatever the other labels do."""
    starts = nearest(scene.points[i], boxes)
    gaps = np.hypot(*(starts - scene.points[i]).T) - scene.radii[i]
    apart = np.hypot(*(scene.points - scene.points[i]).T)
    others = _markers(scene, 1.5)[apart > scene.radii[i]]  # no leader can avoid a marker below it
    along = _leaders(scene, i, boxes)
    cost = gaps + np.where(gaps > _LEADER, 6.0, 0.0)
    cost += _HARD * _covers(boxes, _markers(scene, 0.8)).sum(1)
    cost += 4 * _covers(_grown(boxes, 2.5), others).sum(1)
    cost += _LINE * _covers(boxes, scene.lines).sum(1)
    cost += _ALONG * _through(along, others).sum(1)
    return np.asarray(cost + 10.0 * _through(along, scene.lines).sum(1), float)


def _settle(scene: Scene, options: list[Array], fixed: list[Array], order: list[int]) -> Array:
    n = len(options)
    boxes, placed = np.zeros((n, 4)), np.zeros(n, bool)
    for _ in range(_SWEEPS):
        before = boxes.copy()
        for i in order:
            placed[i] = False
            cost = fixed[i] + _mutual_cost(scene, i, options[i], boxes, placed)
            boxes[i] = options[i][int(np.argmin(np.round(cost, 6)))]
            placed[i] = True
        if np.array_equal(before, boxes):
            break
    return boxes


def _mutual_cost(
    scene: Scene, i: int, candidates: Array, boxes: Array, placed: NDArray[np.bool_]
) -> Array:
    """What each candidate costs beside the labels that have a place."""
    there = np.flatnonzero(placed)
    if not len(there):
        return np.zeros(len(candidates))
    others = boxes[there]
    mine = _leaders(scene, i, candidates)
    theirs = np.concatenate([_leaders(scene, int(j), boxes[j : j + 1]) for j in there])
    cost = _HARD * _covers(_grown(candidates, _ROOM), others).sum(1)
    cost += _STRUCK * _through(mine, _grown(others, _ROOM)).sum(1)
    cost += _STRUCK * _through(theirs, _grown(candidates, _ROOM)).sum(0)
    return np.asarray(cost + _CROSSED * _cross(mine, theirs).sum(1), float)


def _costs(scene: Scene, boxes: Array) -> Array:
    """What each label costs; a conflict counts half for either."""
    n = len(boxes)
    everywhere = np.ones(n, bool)
    costs = np.zeros(n)
    for i in range(n):
        everywhere[i] = False
        one = boxes[i : i + 1]
        mutual = float(_mutual_cost(scene, i, one, boxes, everywhere)[0])
        costs[i] = float(_fixed_cost(scene, i, one)[0]) + mutual / 2
        everywhere[i] = True
    return costs


def _clear(scene: Scene, boxes: Array) -> NDArray[np.bool_]:
    """True where a label covers no label of lower index, no marker, and is in the frame."""
    mutual = np.tril(_covers(boxes, boxes), -1).any(axis=1)
    inside = (boxes[:, :2] >= scene.frame[:2]).all(1) & (boxes[:, 2:] <= scene.frame[2:]).all(1)
    return np.asarray(~mutual & ~_covers(boxes, _markers(scene, 0.0)).any(axis=1) & inside, bool)


def _markers(scene: Scene, room: float) -> Array:
    reach = (scene.radii + room)[:, None]
    return np.concatenate([scene.points - reach, scene.points + reach], axis=1)


def _grown(boxes: Array, room: float) -> Array:
    return np.asarray(boxes + np.array([-room, -room, room, room]), float)


def _leaders(scene: Scene, i: int, boxes: Array) -> Array:
    """Segments ``(m, 2, 2)`` from each box to marker ``i``'s edge; of no length where not drawn."""
    starts = nearest(scene.points[i], boxes)
    offset = starts - scene.points[i]
    length = np.hypot(*offset.T)[:, None]
    edge = scene.points[i] + offset * (scene.radii[i] / np.maximum(length, 1e-9))
    drawn = length - scene.radii[i] > _LEADER
    return np.asarray(np.stack([starts, np.where(drawn, edge, starts)], axis=1), float)


def _covers(boxes: Array, others: Array) -> NDArray[np.bool_]:
    """``(m, k)``: whether box and other overlap."""
    a, b = boxes[:, None], others[None]
    return np.asarray((a[..., :2] < b[..., 2:]).all(-1) & (b[..., :2] < a[..., 2:]).all(-1), bool)


def _through(segments: Array, boxes: Array) -> NDArray[np.bool_]:
    """``(m, k)``: whether a segment passes through a box (clipping, after Liang and Barsky)."""
    start = segments[:, None, 0]
    along = segments[:, None, 1] - start
    with np.errstate(divide="ignore", invalid="ignore"):
        a = (boxes[None, :, :2] - start) / along
        b = (boxes[None, :, 2:] - start) / along
    beside = (start < boxes[None, :, :2]) | (start > boxes[None, :, 2:])
    still = along == 0
    enter = np.where(still, np.where(beside, np.inf, -np.inf), np.minimum(a, b)).max(-1)
    leave = np.where(still, np.where(beside, -np.inf, np.inf), np.maximum(a, b)).min(-1)
    drawn = np.abs(along).sum(-1) > 0
    return np.asarray(drawn & (np.maximum(enter, 0) < np.minimum(leave, 1)), bool)


def _cross(first: Array, second: Array) -> NDArray[np.bool_]:
    """``(m, k)``: whether two segments cross."""
    p, q = first[:, None, 0], second[None, :, 0]
    r, s = first[:, None, 1] - p, second[None, :, 1] - q
    across = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    gap = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / across
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / across
    return np.asarray((across != 0) & (t > 0) & (t < 1) & (u > 0) & (u < 1), bool)
