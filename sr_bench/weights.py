"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.networks.torch_files import read_checkpoint as read_checkpoint
from sr_bench.networks.weights import RenamedKey as RenamedKey
from sr_bench.networks.weights import Rule as Rule
from sr_bench.networks.weights import layer_rules as layer_rules
from sr_bench.networks.weights import load_strictly as load_strictly
from sr_bench.networks.weights import rename as rename
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench.networks.weights import load_strictly, read_checkpoint")
