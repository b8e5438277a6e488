"""Convolution to very few channels, in which oneDNN leaves most of a vector's lanes empty."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


class _TapConvolution(torch.autograd.Function):
    """One matrix product for all taps, then k * k shifted sums: for very few output channels."""

    @staticmethod
    def forward(ctx: Any, planes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        batch, height, width, channels = planes.shape
        out, _, k, _ = weight.shape
        taps = weight.to(planes.dtype).permute(2, 3, 0, 1).reshape(-1, channels)  # (k k out, c)
        ctx.save_for_backward(planes, taps)
        ctx.shape = weight.shape
        products = taps @ planes.reshape(-1, channels).T  # (k k out, B h w)
        each = products.view(k, k, out, batch, height, width)
        size = (out, batch, height - k + 1, width - k + 1)
        total = torch.zeros(size, dtype=_summed_in(planes), device=planes.device)
        for i in range(k):
            for j in range(k):
                total += each[i, j, :, :, i : height - k + 1 + i, j : width - k + 1 + j]
        result: torch.Tensor = total.transpose(0, 1)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        planes, taps = ctx.saved_tensors
        (_, height, width, channels), (out, _, k, _) = planes.shape, ctx.shape
        padded = functional.pad(gradient.transpose(0, 1).to(planes.dtype), (k - 1,) * 4)
        back = range(k - 1, -1, -1)
        shifted = torch.stack(
            [padded[:, :, i : i + height, j : j + width] for i in back for j in back]
        ).view(k * k * out, -1)  # (k k out, B h w)
        to_planes = (shifted.T @ taps).view_as(planes)
        to_taps = shifted @ planes.reshape(-1, channels)  # (k k out, c)
        to_weight = to_taps.view(k, k, out, channels).permute(2, 3, 0, 1)
        return to_planes, to_weight.to(_summed_in(planes))


def _summed_in(planes: torch.Tensor) -> torch.dtype:
    return torch.promote_types(planes.dtype, torch.float32)


def tap_convolution(planes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Valid convolution without bias: (B, h, w, c) and (out, c, k, k) to (B, out, h', w').

    Equals ``conv2d`` of the planes' precision, summed in float32 at least; several times as fast on
    a CPU for one to three output channels.
    """
    result: torch.Tensor = _TapConvolution.apply(planes, weight)  # type: ignore[no-untyped-call]
    return result
