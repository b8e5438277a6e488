"""A convolution by taps is the convolution."""

import pytest
import torch
from torch.nn import functional

from sr_bench.networks.taps import tap_convolution


@pytest.mark.parametrize(("out", "kernel"), [(1, 5), (3, 5), (3, 3), (2, 1)])
def test_tap_convolution_is_conv2d_forwards_and_backwards(out, kernel):
    generator = torch.Generator().manual_seed(3)

    def noise(*shape):  # float64: float32 sums depend on the processor
        return torch.randn(shape, dtype=torch.float64, generator=generator)

    x = noise(2, 9, 11, 7).requires_grad_()
    weight = noise(out, 7, kernel, kernel).requires_grad_()
    made = tap_convolution(x, weight)
    expected = functional.conv2d(x.permute(0, 3, 1, 2), weight)
    torch.testing.assert_close(made, expected, atol=1e-12, rtol=0)
    slope = noise(*made.shape)
    ours = torch.autograd.grad(made, (x, weight), slope)
    theirs = torch.autograd.grad(expected, (x, weight), slope)
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one, other, atol=1e-11, rtol=0)


def test_tap_convolution_in_bf16_sums_in_float32():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(1, 12, 12, 32, generator=generator).bfloat16().requires_grad_()
    weight = (0.1 * torch.randn(1, 32, 5, 5, generator=generator)).requires_grad_()
    made = tap_convolution(x, weight)
    assert made.dtype == torch.float32
    exact = functional.conv2d(x.float().permute(0, 3, 1, 2), weight.bfloat16().float())
    # each of 25 products is rounded to bf16 (2^-9 of it), nothing after
    assert (made - exact).abs().max() < 25 * 2**-9 * exact.abs().max()
    made.square().mean().backward()
    assert (x.grad.dtype, weight.grad.dtype) == (torch.bfloat16, torch.float32)
