"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.imaging.color import gray_of_rgb as gray_of_rgb
from sr_bench.imaging.color import rgb_to_y as rgb_to_y
from sr_bench.imaging.color import rgb_to_ycbcr as rgb_to_ycbcr
from sr_bench.imaging.color import to_uint8 as to_uint8
from sr_bench.imaging.color import ycbcr_to_rgb as ycbcr_to_rgb
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench.imaging.color import rgb_to_y")
