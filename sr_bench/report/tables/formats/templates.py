"""The templates of the report; what is written as HTML is escaped by them."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from sr_bench.support.errors import printable


def template(name: str) -> Template:
    """The template of that name; a name that it uses and isn't given is an error."""
    page = name.endswith(".html.j2")
    environment = Environment(
        loader=PackageLoader("sr_bench", "report/templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=page,
        finalize=_shown if page else None,
    )
    return environment.get_template(name)


def _shown(value: object) -> object:
    """A text without marks that turn the direction of writing, or what a terminal obeys."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return printable(str(value), lines=True) if plain else value
