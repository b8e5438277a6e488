"""The templates of the report; what is written as HTML is escaped by them."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """The template of that name; a name that it uses and isn't given is an error."""
    environment = Environment(
        loader=PackageLoader("sr_bench", "report/templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=name.endswith(".html.j2"),
    )
    return environment.get_template(name)
