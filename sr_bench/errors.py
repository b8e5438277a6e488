"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.support.errors import SourceError as SourceError
from sr_bench.support.errors import SrBenchError as SrBenchError
from sr_bench.support.errors import WrongUse as WrongUse
from sr_bench.support.errors import about as about
from sr_bench.support.errors import unknown as unknown
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench import SrBenchError")
