"""Where the page's links lead: files of the project beside it, papers and their BibTeX."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sr_bench.analysis.ledger.citations import Citations, bibtex
from sr_bench.networks.method_files import method_files
from sr_bench.project.project import Project
from sr_bench.report.names import Names

_DOI = re.compile(r"doi:(\S+?)[.,;]?(?:\s|$)")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})", re.I)
_GUIDE = Path("docs") / "add.md"


@dataclass(frozen=True)
class Links:
    """Addresses of files, as seen from the page."""

    root: str = "../"  # the project's folder
    reports: str = ""  # what `sr-bench report` writes
    guide: str = ""  # how to add something; empty where that file isn't there
    methods: Mapping[str, str] = field(default_factory=dict)  # their files, below ``root``

    @classmethod
    def of(cls, project: Project, page: Path) -> Links:
        """Those of a project, from a page in folder ``page``."""
        files = method_files(project.method_folders)
        inside = {
            name: path.resolve().relative_to(project.root.resolve())
            for name, (path, _) in files.items()
            if path.resolve().is_relative_to(project.root.resolve())
        }
        guides = [project.root / _GUIDE, project.root.parent / _GUIDE]
        guide = next((path for path in guides if path.is_file()), None)
        reports = _folder(project.reports, page)
        return cls(
            root=_folder(project.root, page),
            reports="" if reports == "./" else reports,
            guide=_folder(guide.parent, page) + guide.name if guide else "",
            methods={name: quote(path.as_posix()) for name, path in inside.items()},
        )


NO_LINKS = Links()  # of a page of which nothing is known


def _folder(folder: Path, page: Path) -> str:
    return quote(Path(os.path.relpath(folder, page)).as_posix()) + "/"


def paper(method: str, names: Names) -> str:
    """The address of the paper that a method's file names; empty where it has none."""
    known = names.methods.get(method)
    reference = known.reference if known else ""
    for pattern, address in ((_DOI, "https://doi.org/"), (_ARXIV, "https://arxiv.org/abs/")):
        if found := pattern.search(reference):
            return address + found[1]
    introduced = introducing(method, names.citations)
    return names.citations[introduced[0]].link if introduced else ""


def introducing(method: str, citations: Citations) -> list[str]:
    """The papers that present a method."""
    papers = {key: found for key, found in citations.items() if found.kind == "paper"}
    return [key for key, found in papers.items() if method in found.introduces]


def cited(method: str, names: Names) -> dict[str, str]:
    """A method's paper: how its file cites it, the address, and BibTeX; empty where not known."""
    known = names.methods.get(method)
    return {
        "reference": known.reference if known else "",
        "paper": paper(method, names),
        "bibtex": bibtex(names.citations, introducing(method, names.citations)),
    }
