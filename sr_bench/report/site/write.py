"""The page as one file: data, style and script inside it, allowed by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from sr_bench.report.build import Report
from sr_bench.report.site.links import NO_LINKS, Links
from sr_bench.report.site.payload import Marked, payload
from sr_bench.report.site.pictures import Viewer, write_pictures
from sr_bench.report.site.store import FOLDER
from sr_bench.report.tables.formats.html import html_table
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.model import Table
from sr_bench.support.files import write_text

_SCRIPTS = (
    "state",
    "dom",
    "table",
    "data",
    "run",
    "images",
    "leaderboard",
    "plot",
    "ledger",
    "stage",
    "viewer",
    "main",
)
_SECTIONS = {
    "leaderboard": "Leaderboard",
    "viewer": "Viewer",
    "speed": "PSNR against cost",
    "ledger": "Published against measured",
}


@dataclass(frozen=True)
class Surroundings:
    """What the page has besides a report.

    Args:
        viewer: its pictures.
        links: where its links lead.
        static: tables that need no script.
        marked: the cells that have a dagger in the report's tables.
    """

    viewer: Viewer | None = None
    links: Links = NO_LINKS
    static: Sequence[Table] = ()
    marked: Marked = frozenset()


def write_page(report: Report, folder: Path, around: Surroundings = Surroundings()) -> int:
    """Write ``folder/index.html`` and, with a viewer, ``folder/images/``; the same bytes each time.

    Without a viewer there is no ``folder/images/`` afterwards.

    Returns:
        The bytes of all of it.
    """
    viewer = around.viewer
    if not viewer:
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
    pictures, size = write_pictures(viewer, folder) if viewer else ([], 0)
    shown = {"protocol": viewer.protocol, "pictures": pictures} if viewer else None
    content = payload(report, around.links, around.marked) | {"viewer": shown}
    text = _page(content, f"{size / 1e6:.1f} MB in {FOLDER}/" if viewer else "no images", around)
    write_text(folder / "index.html", text)
    return size + len(text.encode())


def _page(content: dict[str, object], images: str, around: Surroundings) -> str:
    style = _asset("page.css")
    script = (
        '"use strict";\n(() => {\n' + "\n".join(_asset(f"{s}.js") for s in _SCRIPTS) + "})();\n"
    )
    data = _embedded(content)
    static = [Markup(html_table(table)) for table in around.static]
    return template("index.html.j2").render(
        style=Markup(style),
        script=Markup(script),
        data=Markup(data),
        style_hash=_hash(style),
        script_hash=_hash(script),
        kilobytes=round(sum(len(t.encode()) for t in (style, script, data, *static)) / 1000),
        images=images,
        links=around.links,
        static=static,
        sections=_SECTIONS.items(),
    )


def _embedded(content: dict[str, object]) -> str:
    """JSON that can't end the script element it stands in, nor start a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _asset(name: str) -> str:
    return files("sr_bench.report.site").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
