"""Where published numbers come from: papers, READMEs, logs and programs, each with its address."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sr_bench.data.catalogue.entries import require_name
from sr_bench.support.errors import SrBenchError
from sr_bench.support.strict_yaml import problems, read_yaml
from sr_bench.support.text_files import read_text

_IN_ADDRESS = r"^[!-~]*$"  # characters of a part of an address
_BIBTEX = {"\\": r"\textbackslash "} | {c: "\\" + c for c in "&%#_$"}
_PREPRINT = {"eprinttype": "arxiv"}


class Citation(BaseModel):
    """A source of published numbers.

    ``introduces`` names the methods that the source itself presents: their numbers there are first
    hand. ``measures`` is whether it measured other methods' numbers itself; else they are copied.
    ``date`` is when it appeared (a README: the commit).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["paper", "readme", "log", "code"]
    title: str
    authors: Annotated[tuple[str, ...], Field(min_length=1)]  # "Family, Given"
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
    venue: str = ""
    doi: Annotated[str, Field(pattern=_IN_ADDRESS)] = ""
    arxiv: Annotated[str, Field(pattern=_IN_ADDRESS)] = ""
    url: Annotated[str, Field(pattern=r"^(https?://[!-~]+)?$")] = ""
    commit: Annotated[str, Field(pattern=_IN_ADDRESS)] = ""  # of the repository at ``url``
    read: datetime.date  # when its numbers were read
    introduces: tuple[str, ...] = ()
    measures: bool = False

    @property
    def year(self) -> str:
        """The year it appeared in."""
        return self.date[:4]

    @property
    def link(self) -> str:
        """Its address: the DOI's, arXiv's or the repository's at that commit."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"{self.url}/tree/{self.commit}" if self.commit else self.url

    @property
    def short(self) -> str:
        """As a text cites it, "Dong et al. 2016"; a README by its repository, "torchSR 2021"."""
        families = [name.partition(",")[0] for name in self.authors]
        who = families[0] if len(families) == 1 else f"{families[0]} et al."
        return f"{who} {self.year}" if self.kind == "paper" else f"{self.title} {self.year}"


Citations = Mapping[str, Citation]
T = TypeVar("T")
_ALL = TypeAdapter(dict[str, Citation])


def read_citations(ledger: Path) -> Citations:
    """The sources of a ledger, from ``citations.yaml`` beside it; none where there is no such file.

    Raises:
        SrBenchError: if the file isn't YAML, or an entry lacks a field or has a wrong one.
    """
    path = ledger.with_name("citations.yaml")
    found = read_beside(path, _ALL, Citation.model_fields)
    for key in found:
        require_name(key, str(path))
    return found


def read_beside(
    path: Path, content: TypeAdapter[dict[str, T]], fields: Iterable[str]
) -> dict[str, T]:
    """A YAML file beside a ledger, entries by name; none where there is no such file.

    Args:
        content: what it holds.
        fields: keys that its entries have, of which an unknown one may be a misspelling.

    Raises:
        SrBenchError: if the file isn't YAML, or an entry lacks a field or has a wrong one.
    """
    if not path.is_file():
        return {}
    try:
        return content.validate_python(read_yaml(read_text(path, remedy="correct it")) or {})
    except yaml.YAMLError as error:
        raise SrBenchError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SrBenchError(f"{path}: {problems(error, fields)}") from error


def all_citations(ledgers: Iterable[Path]) -> Citations:
    """The sources of several ledgers; of a source that two describe, the last one's entry."""
    return {key: found for path in ledgers for key, found in read_citations(path).items()}


def bibtex(citations: Citations, sources: Iterable[str]) -> str:
    """The BibTeX entries of those sources that have a citation, in their order."""
    return "\n".join(_entry(key, citations[key]) for key in sources if key in citations)


def _entry(key: str, found: Citation) -> str:
    kind = "inproceedings" if found.venue else "misc"
    fields = {
        "author": " and ".join(found.authors),
        "title": found.title,
        "booktitle": found.venue,
        "year": found.year,
        "doi": found.doi,
        "eprint": found.arxiv,
        "url": found.link,
        "note": f"read {found.read}" + (f", commit {found.commit}" if found.commit else ""),
    } | (_PREPRINT if found.arxiv else {})
    values = {name: _escaped(text) for name, text in fields.items() if text}
    if found.title:
        values["title"] = "{" + values["title"] + "}"  # as it is written, in capitals too
    body = ",\n".join(f"  {name} = {{{text}}}" for name, text in values.items())
    return f"@{kind}{{{key},\n{body}\n}}\n"


def _escaped(text: str) -> str:
    """Braces stay, which keep a name together, where each has its other."""
    depths = list(accumulate((c == "{") - (c == "}") for c in text))
    if depths and (min(depths) < 0 or depths[-1]):
        text = text.replace("{", "(").replace("}", ")")
    return "".join(_BIBTEX.get(c, c) for c in " ".join(text.split()))
