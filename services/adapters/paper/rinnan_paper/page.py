"""The sheet as a web page that needs no script, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rinnan_paper.sheet import Sheet

FORMAT = "rinnan.manual_entry.v1"


@cache
def _template() -> Template:
    loader = PackageLoader("rinnan_paper", "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("sheet.html.jinja")


def page(sheet: Sheet, words: Mapping[str, str]) -> bytes:
    """The sheet as one self-contained page; a click on a value selects all of it."""
    return _template().render(it=sheet, say=words).encode()


def data(sheet: Sheet) -> bytes:
    """The sheet as JSON, in the order of the screens."""
    return orjson.dumps({"format": FORMAT, **asdict(sheet)}, option=orjson.OPT_INDENT_2)
