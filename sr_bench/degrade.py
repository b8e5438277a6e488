"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.evaluation.by_protocol import degrade as _public
from sr_bench.imaging.crops import modcrop as modcrop
from sr_bench.imaging.degrade import Degradation as Degradation
from sr_bench.imaging.degrade import degrade as degrade
from sr_bench.imaging.degrade import hr_planes as hr_planes
from sr_bench.support.faces import make_callable, moved

moved(__name__, "from sr_bench import degrade")
make_callable(__name__, _public)
