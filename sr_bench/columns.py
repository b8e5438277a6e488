"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.evaluation.scoring.table import CELL as CELL
from sr_bench.evaluation.scoring.table import CELL_COLUMNS as CELL_COLUMNS
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS as IMAGE_COLUMNS
from sr_bench.evaluation.scoring.table import PER_IMAGE_COLUMNS as PER_IMAGE_COLUMNS
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS")
