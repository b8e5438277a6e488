"""Boxes and segments: which overlap, which cross. In points on the figure, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]  # boxes (m, 4): left, bottom, right, top; segments (m, 2, 2)


def nearest(point: Array, boxes: Array) -> Array:
    """The point of each box nearest to ``point``, ``(m, 2)``: where a leader starts."""
    return np.stack(
        [np.clip(point[0], boxes[:, 0], boxes[:, 2]), np.clip(point[1], boxes[:, 1], boxes[:, 3])],
        axis=1,
    )


def grown(boxes: Array, room: float) -> Array:
    """The boxes, larger by ``room`` on each side."""
    return np.asarray(boxes + np.array([-room, -room, room, room]), float)


def covers(boxes: Array, others: Array) -> NDArray[np.bool_]:
    """``(m, k)``: whether box and other overlap."""
    a, b = boxes[:, None], others[None]
    return np.asarray((a[..., :2] < b[..., 2:]).all(-1) & (b[..., :2] < a[..., 2:]).all(-1), bool)


def through(segments: Array, boxes: Array) -> NDArray[np.bool_]:
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


def cross(first: Array, second: Array) -> NDArray[np.bool_]:
    """``(m, k)``: whether two segments cross."""
    p, q = first[:, None, 0], second[None, :, 0]
    r, s = first[:, None, 1] - p, second[None, :, 1] - q
    across = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    gap = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / across
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / across
    return np.asarray((across != 0) & (t > 0) & (t < 1) & (u > 0) & (u < 1), bool)
