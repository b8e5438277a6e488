"""Full-reference metrics on one pair of images; float64 throughout."""

from sr_bench.metrics.ms_ssim import ms_ssim
from sr_bench.metrics.psnr import psnr
from sr_bench.metrics.ssim import ssim

__all__ = ["ms_ssim", "psnr", "ssim"]
