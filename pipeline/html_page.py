"""HTML pages of the pipeline: templates that escape everything, one style, no script or font from elsewhere."""

import base64
import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def environment() -> jinja2.Environment:
    """Templates of this room: all values escaped, a missing name an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    return made


def render(name: str, **content: Any) -> str:
    """The page that a template makes of its content, with the style in it."""
    style = Markup((TEMPLATES / "style.css").read_text())
    return environment().get_template(name).render(style=style, **content)


def number(value: float | None) -> str:
    """A number for a person: whole ones with thin gaps, others to three digits; a dash for none."""
    if value is None or value != value:
        return "–"
    if float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", "\u202f")


def data_url(content: bytes, kind: str) -> str:
    """Bytes as a URL that holds them, for files that work alone; ``kind`` is a media type such as ``image/png``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
