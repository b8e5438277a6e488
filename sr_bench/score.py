"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from collections.abc import Iterable, Sequence

import pandas as pd

from sr_bench.data.catalogue.protocols import Metric, find_protocol
from sr_bench.evaluation.by_protocol import score as _public
from sr_bench.evaluation.scoring import score as _new
from sr_bench.evaluation.scoring.score import Job as Job
from sr_bench.evaluation.scoring.score import Pair as Pair
from sr_bench.evaluation.scoring.score import read_pair as read_pair
from sr_bench.support.faces import make_callable, moved
from sr_bench.support.parallel import Map

moved(__name__, "from sr_bench import score")
make_callable(__name__, _public)


def score_pair(pair: Pair, name: str, *, scale: int, mapper: Map = map) -> dict[Metric, float]:
    """As the new ``score_pair``, by the protocol's name."""
    return _new.score_pair(pair, find_protocol(name), scale=scale, mapper=mapper)


def score_images(jobs: Iterable[Job], protocols: Sequence[str], *, scale: int) -> pd.DataFrame:
    """As the new ``score_images``, by the protocols' names."""
    return _new.score_images(jobs, [find_protocol(n) for n in protocols], scale=scale)
