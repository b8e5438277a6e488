"""What the documentation site has beside docs/: pages of other folders, the command line, results.

Links are those of the repository, so that they work on GitHub too; here they become the site's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sr_bench.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASE.md",
    "benchmarks/README.md",
    "methods/README.md",
)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#]+)(#[^()\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/, and the reference of the command line."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    files.append(File.generated(config, "cli.md", content=cli_page()))
    reports = ROOT / "reports"
    url = (config.repo_url or "").rstrip("/")
    files.append(File.generated(config, "results/index.html", content=results_page(reports, url)))
    shown = (path for path in (reports / "images").rglob("*") if path.is_file())
    beside = (*reports.glob("*.csv*"), *(reports / "tables").glob("*"), *shown)
    for path in beside:
        name = f"results/{path.relative_to(reports).as_posix()}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def results_page(reports: Path, url: str) -> str:
    """The page; what it links to outside ``reports/`` is in the repository, if that is known."""
    text = (reports / "index.html").read_text(encoding="utf-8")
    if not url:
        return text
    text = text.replace('"root":"../"', f'"root":"{url}/blob/HEAD/"')
    return text.replace('href="../docs/', f'href="{url}/blob/HEAD/docs/')


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links between files of the repository to the site's pages."""
    own = page.file.src_uri
    here = PurePosixPath(own if own in OUTSIDE else f"docs/{own}").parent

    def lead(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target:
            return match[0]
        path = os.path.normpath(here / target)
        known = path if path in OUTSIDE else path.removeprefix("docs/")
        known = known.replace("reports/", "results/", 1)
        if files.get_file_from_path(known) is not None:
            return f"[{text}]({os.path.relpath(known, PurePosixPath(own).parent)}{anchor})"
        if not (ROOT / path).exists():
            return match[0]  # mkdocs tells that it leads nowhere
        url = (config.repo_url or "").rstrip("/")
        return f"[{text}]({url}/blob/HEAD/{path}{anchor})" if url else text

    return _LINK.sub(lead, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Docstrings name functions as Sphinx does; here the name alone is shown."""
    return re.sub(r":(?:func|class|data|meth):(?=<code)", "", html)


def cli_page() -> str:
    """Every command with its arguments and options, as ``--help`` has them."""
    group: Any = typer.main.get_command(app)
    parts = ["# Command line", "Exit status: 0 done, 1 the work or the check failed, 2 wrong use."]
    for name, command in _commands(group):
        parts += [
            f"## sr-bench {name}",
            escape(command.help or "", quote=False),
            _table(command, name),
        ]
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield above + name, command


def _table(command: Any, name: str) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    rows = ["| argument or option | meaning |", "| --- | --- |"]
    for parameter in command.get_params(context):
        if parameter.name == "help":
            continue
        words = ", ".join(f"`{word}`" for word in parameter.opts)
        if parameter.param_type_name == "argument":
            words = f"`{(parameter.metavar or parameter.name).upper()}`"
        text = escape(parameter.help or "", quote=False).replace("|", "\\|")
        rows.append(f"| {words} | {text} |")
    return "\n".join(rows)
