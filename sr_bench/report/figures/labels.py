"""Labels at their markers, none over another label or a marker; the same answer each time.

Everything is in points (1/72 inch) on the figure; a box is ``(left, bottom, right, top)``, a leader
is the line from a label to its marker. Labels choose one after the other: of all boxes around its
marker that are free, each takes the one that is near and covers few lines. They do so in several
orders; labels that found no room, or whose leader runs over a marker, choose first in the next
round. The round that leaves fewest labels out, at the lowest cost, is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

Array = NDArray[np.float64]  # boxes (m, 4), segments (m, 2, 2)
Mask = NDArray[np.bool_]

_GAPS = (2.0, 5.0, 9.0, 14.0, 20.0, 27.0, 35.0, 44.0, 54.0, 66.0, 80.0, 96.0)
_DIRECTIONS = 24
_LEADER = 5.0  # a label nearer than this needs no leader
_ROOM = 1.2  # kept free around a label
_LINE, _LEADER_OVER_LINE, _LEADER_OVER_MARKER = 25.0, 10.0, 200.0  # costs, in points away
_ROUNDS = 4
_DIGITS = 6  # of a cost: further ones may differ between machines


@dataclass(frozen=True)
class Scene:
    """What labels are placed among."""

    points: Array  # `(n, 2)`, of the markers
    radii: Array  # `(n,)`, of the markers
    sizes: Array  # `(k, 2)`, width and height of the labels, which belong to the first k markers
    lines: Array  # `(m, 4)`, boxes of lines that are better left uncovered
    frame: Array  # `(4,)`, the box that labels stay in


@dataclass(frozen=True)
class _Candidates:
    """The boxes that one label may have, with their leaders and costs."""

    boxes: Array
    leaders: Array
    cost: Array


def draw_labels(axes: Axes, scene: Scene, names: Sequence[str]) -> list[int]:
    """Write the names at the first markers; returns which of them found no room."""
    left_out = []
    for i, (name, box) in enumerate(zip(names, place_labels(scene))):
        if box is None:
            left_out.append(i)
        else:
            _annotate(axes, scene, i, box, name)
    return left_out


def place_labels(scene: Scene) -> list[Array | None]:
    """The box of each label; ``None`` where there is no room for it."""
    candidates = [_candidates(scene, i) for i in range(len(scene.sizes))]
    tried = [chosen for order in _orders(scene) for chosen in _rounds(candidates, order)]
    best = min(tried, key=lambda chosen: _total(candidates, chosen))
    return [None if k is None else each.boxes[k] for each, k in zip(candidates, best)]


def _total(candidates: list[_Candidates], chosen: list[int | None]) -> tuple[int, float]:
    """How many labels are left out, and what the others cost."""
    cost = sum(float(each.cost[k]) for each, k in zip(candidates, chosen) if k is not None)
    return chosen.count(None), round(cost, _DIGITS)


def _rounds(candidates: list[_Candidates], order: list[int]) -> Iterator[list[int | None]]:
    """What each round gives, until one leaves no label out and no leader over a marker."""
    for _ in range(_ROUNDS):
        chosen = _chosen(candidates, order)
        yield chosen
        costs = [np.inf if k is None else e.cost[k] for e, k in zip(candidates, chosen)]
        if max(costs, default=0.0) < _LEADER_OVER_MARKER:
            break
        order = sorted(order, key=lambda i: costs[i] < _LEADER_OVER_MARKER)


def _chosen(candidates: list[_Candidates], order: Sequence[int]) -> list[int | None]:
    """Which of its boxes each label takes when they choose in this order."""
    chosen: list[int | None] = [None] * len(candidates)
    boxes, leaders = np.empty((0, 4)), np.empty((0, 2, 2))
    for i in order:
        own = candidates[i]
        taken = covers(_grown(own.boxes, _ROOM), boxes).any(axis=1)
        taken |= crosses_box(own.leaders, _grown(boxes, _ROOM)).any(axis=1)
        taken |= crosses_box(leaders, _grown(own.boxes, _ROOM)).any(axis=0)
        taken |= crosses(own.leaders, leaders).any(axis=1)
        if taken.all():
            continue
        k = int(np.argmin(np.where(taken, np.inf, own.cost)))
        boxes = np.concatenate([boxes, own.boxes[k : k + 1]])
        leaders = np.concatenate([leaders, own.leaders[k : k + 1]])
        chosen[i] = k
    return chosen


def _orders(scene: Scene) -> list[list[int]]:
    """From each side, and the most crowded first."""
    x, y = scene.points.T
    apart = np.abs(scene.points[:, None] - scene.points[None]).sum(axis=2)
    keys = (-(apart < 30).sum(axis=1), x, -x, y, -y)
    return [sorted(range(len(scene.sizes)), key=lambda i: (key[i], i)) for key in keys]


def _candidates(scene: Scene, i: int) -> _Candidates:
    """Boxes around marker ``i`` that lie in the frame and cover no marker."""
    point, radius, half = scene.points[i], scene.radii[i], scene.sizes[i] / 2
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    towards = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lean = np.clip(1.4 * towards, -1, 1) * half
    away = (radius + np.asarray(_GAPS))[:, None, None] * towards
    centre = (point + lean + away).reshape(-1, 2)
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    reach = scene.radii[:, None]
    markers = np.concatenate([scene.points - reach, scene.points + reach], axis=1)
    inside = (boxes[:, :2] >= scene.frame[:2]).all(1) & (boxes[:, 2:] <= scene.frame[2:]).all(1)
    boxes = boxes[inside & ~covers(boxes, _grown(markers, 0.8)).any(axis=1)]
    leaders = _leaders(point, radius, boxes)
    gaps = np.hypot(*(nearest(point, boxes) - point).T) - radius
    others = markers[np.hypot(*(scene.points - point).T) > radius]  # not those under this marker
    cost = gaps + np.where(gaps > _LEADER, 6.0, 0.0)
    cost += 4 * covers(_grown(boxes, 2.5), others).sum(axis=1)
    cost += _LINE * covers(boxes, scene.lines).sum(axis=1)
    cost += _LEADER_OVER_LINE * crosses_box(leaders, scene.lines).sum(axis=1)
    cost += _LEADER_OVER_MARKER * crosses_box(leaders, others).sum(axis=1)
    return _Candidates(boxes, leaders, np.round(cost, _DIGITS))


def _leaders(point: Array, radius: float, boxes: Array) -> Array:
    """From each box to the marker's edge; of no length where none is drawn."""
    starts = nearest(point, boxes)
    offset = starts - point
    length = np.hypot(*offset.T)[:, None]
    edge = point + offset * (radius / np.maximum(length, 1e-9))
    ends = np.where(length - radius > _LEADER, edge, starts)
    return np.asarray(np.stack([starts, ends], axis=1))


def needs_leader(point: Array, radius: float, box: Array) -> bool:
    """Whether the label is too far from its marker to be read as its own."""
    return float(np.hypot(*(nearest(point, box[None])[0] - point))) - radius > _LEADER


def nearest(point: Array, boxes: Array) -> Array:
    """The point of each box nearest to ``point``, ``(m, 2)``: where a leader starts."""
    return np.asarray(np.clip(point, boxes[:, :2], boxes[:, 2:]))


def _grown(boxes: Array, room: float) -> Array:
    return np.asarray(boxes + np.array([-room, -room, room, room]))


def covers(boxes: Array, others: Array) -> Mask:
    """``(m, k)``: whether box and other overlap."""
    a, b = boxes[:, None], others[None]
    return np.asarray((a[..., :2] < b[..., 2:]).all(-1) & (b[..., :2] < a[..., 2:]).all(-1))


def crosses_box(segments: Array, boxes: Array) -> Mask:
    """``(m, k)``: whether a segment passes through a box: no axis or normal parts them."""
    bounds = np.concatenate([segments.min(axis=1), segments.max(axis=1)], axis=1)
    corners = boxes[:, [[0, 1], [0, 3], [2, 1], [2, 3]]]
    sides = _side(segments[:, None, None], corners[None])
    return np.asarray(covers(bounds, boxes) & (sides.min(-1) < 0) & (sides.max(-1) > 0))


def crosses(first: Array, second: Array) -> Mask:
    """``(m, k)``: whether two segments cross: each has the other's ends on both of its sides."""
    a, b = first[:, None], second[None]
    one, two = _side(a[..., None, :, :], b), _side(b[..., None, :, :], a)
    return np.asarray((one.prod(axis=-1) < 0) & (two.prod(axis=-1) < 0))


def _side(segment: Array, points: Array) -> Array:
    """Positive for points left of a segment, negative for those right of it."""
    start, along = segment[..., 0, :], segment[..., 1, :] - segment[..., 0, :]
    away = points - start
    return np.asarray(along[..., 0] * away[..., 1] - along[..., 1] * away[..., 0])


def text_sizes(figure: Figure, names: list[str]) -> Array:
    """Width and height of each name in points."""
    sizes = []
    for name in names:
        text = figure.text(0, 0, name)
        box = text.get_window_extent()
        sizes.append((box.width * 72 / figure.dpi, box.height * 72 / figure.dpi))
        text.remove()
    return np.array(sizes, float).reshape(-1, 2)


def _annotate(axes: Axes, scene: Scene, i: int, box: Array, name: str) -> None:
    """Write ``name`` into ``box``, with a thin line to its marker where it is far from it."""
    point, radius = scene.points[i], float(scene.radii[i])
    start = (nearest(point, box[None])[0] - box[:2]) / (box[2:] - box[:2])
    relpos = (float(start[0]), float(start[1]))
    far = needs_leader(point, radius, box)
    leader = {"color": "#444444", "shrinkB": radius, "relpos": relpos} if far else None
    x, y = (box[:2] + box[2:]) / 2
    write_at(axes, name, (float(x), float(y)), point, leader, ha="center", zorder=5)


def write_at(
    axes: Axes,
    name: str,
    at: tuple[float, float],
    point: Array,
    leader: dict[str, Any] | None,
    **text: Any,
) -> None:
    """Write ``name`` at ``at``; a thin line to ``point``, where ``leader`` says how it looks."""
    line = {"arrowstyle": "-", "lw": 0.4, "shrinkA": 0.0}
    axes.annotate(
        name, (float(point[0]), float(point[1])), xycoords="figure points", xytext=at,
        textcoords="figure points", va="center", annotation_clip=False,
        arrowprops=None if leader is None else line | leader, **text,
    )  # fmt: skip
