"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.evaluation.metrics import ms_ssim as ms_ssim
from sr_bench.evaluation.metrics import psnr as psnr
from sr_bench.evaluation.metrics import ssim as ssim
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench import ms_ssim, psnr, ssim")
