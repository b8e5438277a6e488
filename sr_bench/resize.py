"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.imaging.resize import Border as Border
from sr_bench.imaging.resize import Rounding as Rounding
from sr_bench.imaging.resize import imresize as imresize
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench import imresize")
