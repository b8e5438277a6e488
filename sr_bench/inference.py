"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.networks.inference import Upscaler as Upscaler
from sr_bench.networks.model_checks import require_model as require_model
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench import upscale")
