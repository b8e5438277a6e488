"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.networks.method import Method as Method
from sr_bench.networks.method import Model as Model
from sr_bench.networks.method import ModelColour as ModelColour
from sr_bench.networks.method import Published as Published
from sr_bench.networks.method import Samples as Samples
from sr_bench.networks.method import Setup as Setup
from sr_bench.networks.method import Training as Training
from sr_bench.networks.method_files import find_method as find_method
from sr_bench.networks.method_files import find_method_file as find_method_file
from sr_bench.networks.method_files import load_method as load_method
from sr_bench.networks.method_files import load_methods as load_methods
from sr_bench.networks.method_files import method_files as method_files
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench.networks.method import Method")
