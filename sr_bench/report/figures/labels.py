"""Labels beside points, none over another: a small search that gives the same answer each time.

Everything is in points (1/72 inch) on the figure; a box is ``(left, bottom, right, top)``. Each
label tries 24 directions at several distances. A place costs what it covers (labels and markers
most, lines less), what its leader crosses, and its distance. What each two places of two labels
cost beside each other is worked out once; then labels are moved one at a time to their cheapest
place until none moves, and two at a time until that doesn't help either. The cheapest of a few
orders wins. No random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sr_bench.report.figures.boxes import Array, covers, cross, grown, nearest, through

_GAPS = (2.0, 5.0, 9.0, 14.0, 20.0, 27.0, 35.0, 44.0, 54.0, 66.0, 80.0, 96.0)
_DIRECTIONS = 24
_LEADER = 5.0  # a label nearer than this needs no leader
_ROOM = 1.2  # kept free around a label
_SWEEPS = 8
_KEPT = 150  # places of a label that are looked at further: the cheapest
_DIGITS = 6  # of a cost: further ones may differ between machines
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
        tangles: how many times a leader passes through another's label or crosses its leader.
    """

    boxes: Array
    clear: NDArray[np.bool_]
    tangles: int


def place(scene: Scene) -> Placement:
    """The cheapest placement that the search finds."""
    if not len(scene.points):
        return Placement(np.zeros((0, 4)), np.zeros(0, bool), 0)
    search = _Search(scene)
    found = [search.settle(order) for order in _orders(scene)]
    best = min(found, key=lambda chosen: round(search.total(chosen), _DIGITS))
    boxes = np.stack([search.boxes[i][k] for i, k in enumerate(best)])
    return Placement(boxes, _clear(scene, boxes), _tangles(scene, boxes))


class _Search:
    """The places of every label, what each costs, and what each two cost beside each other."""

    def __init__(self, scene: Scene) -> None:
        self.boxes: list[Array] = []
        self.fixed: list[Array] = []
        leaders: list[Array] = []
        for i in range(len(scene.points)):
            boxes = _candidates(scene, i)
            cost = _fixed_cost(scene, i, boxes)
            kept = np.argsort(np.round(cost, _DIGITS), kind="stable")[:_KEPT]
            self.boxes.append(boxes[kept])
            self.fixed.append(cost[kept])
            leaders.append(_leaders(scene, i, boxes[kept]))
        self.n = len(self.boxes)
        self.mutual: dict[tuple[int, int], Array] = {}
        for i in range(self.n):
            for j in range(i):
                cost = _mutual_cost(self.boxes[i], leaders[i], self.boxes[j], leaders[j])
                self.mutual[i, j], self.mutual[j, i] = cost, cost.T

    def settle(self, order: list[int]) -> list[int]:
        """Which place each label takes when they choose in this order, again and again."""
        chosen = [0] * self.n
        placed: list[int] = []
        for i in order:
            chosen[i] = _cheapest(self._cost(i, chosen, placed))
            placed.append(i)
        before = np.inf
        for _ in range(_SWEEPS):
            for i in order:
                chosen[i] = _cheapest(self._cost(i, chosen, placed))
            self._settle_pairs(order, chosen)
            total = round(self.total(chosen), _DIGITS)
            if total >= before:
                break
            before = total
        return chosen

    def total(self, chosen: list[int]) -> float:
        """What a placement costs."""
        cost = sum(float(self.fixed[i][chosen[i]]) for i in range(self.n))
        return cost + sum(
            float(self.mutual[i, j][chosen[i], chosen[j]]) for i in range(self.n) for j in range(i)
        )

    def _settle_pairs(self, order: list[int], chosen: list[int]) -> None:
        """Move each two labels that are in each other's or another's way, both at once."""
        for rank, i in enumerate(order):
            for j in order[:rank]:
                mine, theirs = (self._cost(k, chosen, order, but=(i, j)) for k in (i, j))
                here = mine[chosen[i]] + theirs[chosen[j]] + self.mutual[i, j][chosen[i], chosen[j]]
                if here <= mine.min() + theirs.min():  # nothing can be cheaper
                    continue
                both = mine[:, None] + theirs[None] + self.mutual[i, j]
                k = _cheapest(both.ravel())
                if round(float(both.flat[k]), _DIGITS) < round(float(here), _DIGITS):
                    chosen[i], chosen[j] = divmod(k, len(theirs))

    def _cost(
        self, i: int, chosen: list[int], others: list[int], but: tuple[int, ...] = ()
    ) -> Array:
        """What each place of label ``i`` costs beside the others where they are."""
        cost = self.fixed[i].copy()
        for j in others:
            if j != i and j not in but:
                cost += self.mutual[i, j][:, chosen[j]]
        return cost


def _cheapest(cost: Array) -> int:
    return int(np.argmin(np.round(cost, _DIGITS)))


def needs_leader(point: Array, radius: float, box: Array) -> bool:
    """Whether the label is too far from its marker to be read as its own."""
    return float(np.hypot(*(nearest(point, box[None])[0] - point))) - radius > _LEADER


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
    cost += _HARD * covers(boxes, _markers(scene, 0.8)).sum(1)
    cost += 4 * covers(grown(boxes, 2.5), others).sum(1)
    cost += _LINE * covers(boxes, scene.lines).sum(1)
    cost += _ALONG * through(along, others).sum(1)
    return np.asarray(cost + 10.0 * through(along, scene.lines).sum(1), float)


def _mutual_cost(boxes: Array, leaders: Array, others: Array, their_leaders: Array) -> Array:
    """``(m, k)``: what each place of a label costs beside each place of another."""
    cost = _HARD * covers(grown(boxes, _ROOM), others)
    cost += _STRUCK * through(leaders, grown(others, _ROOM))
    cost += _STRUCK * through(their_leaders, grown(boxes, _ROOM)).T
    return np.asarray(cost + _CROSSED * cross(leaders, their_leaders), float)


def _clear(scene: Scene, boxes: Array) -> NDArray[np.bool_]:
    """True where a label covers no label of lower index, no marker, and is in the frame."""
    mutual = np.tril(covers(boxes, boxes), -1).any(axis=1)
    inside = (boxes[:, :2] >= scene.frame[:2]).all(1) & (boxes[:, 2:] <= scene.frame[2:]).all(1)
    return np.asarray(~mutual & ~covers(boxes, _markers(scene, 0.0)).any(axis=1) & inside, bool)


def _tangles(scene: Scene, boxes: Array) -> int:
    leaders = np.concatenate([_leaders(scene, i, boxes[i : i + 1]) for i in range(len(boxes))])
    struck = through(leaders, boxes)
    np.fill_diagonal(struck, False)
    return int(struck.sum() + np.tril(cross(leaders, leaders), -1).sum())


def _markers(scene: Scene, room: float) -> Array:
    reach = (scene.radii + room)[:, None]
    return np.concatenate([scene.points - reach, scene.points + reach], axis=1)


def _leaders(scene: Scene, i: int, boxes: Array) -> Array:
    """Segments ``(m, 2, 2)`` from each box to marker ``i``'s edge; of no length where not drawn."""
    starts = nearest(scene.points[i], boxes)
    offset = starts - scene.points[i]
    length = np.hypot(*offset.T)[:, None]
    edge = scene.points[i] + offset * (scene.radii[i] / np.maximum(length, 1e-9))
    drawn = length - scene.radii[i] > _LEADER
    return np.asarray(np.stack([starts, np.where(drawn, edge, starts)], axis=1), float)
