"""Full-reference metrics on one pair of images; float64 throughout."""

from sr_bench.evaluation.metrics.ms_ssim import ms_ssim
from sr_bench.evaluation.metrics.psnr import psnr
from sr_bench.evaluation.metrics.ssim import ssim

__all__ = ["ms_ssim", "psnr", "ssim"]
