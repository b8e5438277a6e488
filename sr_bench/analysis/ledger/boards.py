"""The ledger in the shape of Papers with Code's ``evaluation-tables.json``, which boards read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from sr_bench.analysis.ledger.export import LedgerFile, PublishedRow, SourceFacts
from sr_bench.analysis.ledger.titles import NetworkNames

_TASK = "Image Super-Resolution"
_METRICS = {"psnr": "PSNR", "ssim": "SSIM"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(_Part):
    """An address with its name."""

    title: str
    url: str


class BoardRow(_Part):
    """A model on a board: what its source prints."""

    model_name: str
    metrics: dict[str, str]
    paper_title: str
    paper_url: str
    paper_date: str | None
    code_links: tuple[Link, ...] = ()
    model_links: tuple[Link, ...] = ()
    uses_additional_data: bool = False


class Sota(_Part):
    """The rows of a board, and the metrics that they have."""

    metrics: tuple[str, ...]
    rows: tuple[BoardRow, ...]


class BoardDataset(_Part):
    """A board: numbers of one dataset, scale and protocol compare."""

    dataset: str
    description: str
    dataset_links: tuple[Link, ...] = ()
    dataset_citations: tuple[Link, ...] = ()
    subdatasets: tuple[str, ...] = ()
    sota: Sota


class Board(_Part):
    """A task with its boards."""

    task: str = _TASK
    description: str
    categories: tuple[str, ...] = ("Computer Vision",)
    datasets: tuple[BoardDataset, ...]
    subtasks: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ("Super-Resolution",)
    source_link: str | None = None


Place = tuple[str, int, str]  # dataset, scale, protocol


def boards(ledger: LedgerFile, names: NetworkNames) -> tuple[Board, ...]:
    """One task whose boards hold the original of each number whose protocol is known.

    Copies are left out: a model stands once, with the digits of the source that presents it, else
    of the first that printed them.

    Args:
        ledger: the whole ledger.
        names: what people call networks.
    """
    places: dict[Place, list[PublishedRow]] = {}
    for row in _originals(ledger):
        if row.protocol is not None:
            places.setdefault((row.dataset, row.scale, row.protocol), []).append(row)
    datasets = tuple(_dataset(place, rows, ledger, names) for place, rows in places.items())
    return (Board(description="Published numbers, each from its original.", datasets=datasets),)


def _originals(ledger: LedgerFile) -> Iterator[PublishedRow]:
    """The rows whose number no other source printed before."""
    first = {
        (line.method, line.variant, line.dataset, line.scale, line.metric, line.protocol): line
        for line in ledger.lineage
    }
    for row in ledger.numbers:
        subject = (row.method, row.variant, row.dataset, row.scale, row.metric, row.protocol)
        line = first.get(subject)
        own = line is None or row.source == line.original.source
        if own and not row.variant.endswith("as quoted from the paper"):
            yield row


def _dataset(
    place: Place,
    rows: Sequence[PublishedRow],
    ledger: LedgerFile,
    names: NetworkNames,
) -> BoardDataset:
    dataset, scale, protocol = place
    models: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        name = names.network(row.method, row.variant)
        metric = _METRICS.get(row.metric, row.metric)
        models.setdefault((row.source, row.method, name), {})[metric] = row.value
    made = [
        _row(name, of, ledger.sources[source], presents=method in ledger.sources[source].introduces)
        for (source, method, name), of in models.items()
    ]
    metrics = tuple(dict.fromkeys(metric for of in models.values() for metric in of))
    return BoardDataset(
        dataset=f"{dataset} - {scale}x upscaling ({protocol})",
        description=f"Degraded and scored by the protocol {protocol} of sr-bench",
        sota=Sota(metrics=metrics, rows=tuple(sorted(made, key=_best_first))),
    )


def _row(name: str, metrics: Mapping[str, str], source: SourceFacts, *, presents: bool) -> BoardRow:
    """A row; the source's repository is the model's code where the source presents the model."""
    there = presents and "github.com" in source.url
    code = (Link(title=source.title, url=source.url),) if there else ()
    day = source.date if len(source.date) == len("2016-01-01") else None
    return BoardRow(
        model_name=name,
        metrics=dict(metrics),
        paper_title=source.title,
        paper_url=source.address,
        paper_date=day,
        code_links=code,
    )


def _best_first(row: BoardRow) -> float:
    return -float(row.metrics.get("PSNR", 0))
