"""Small tables in HTML, by which notebooks show values: all text is escaped, and nothing is loaded from outside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

_LONGEST = 120  # characters of a text
_CELL = 'style="text-align:left"'


def facts_table(title: str, facts: Mapping[str, object], picture: str = "") -> str:
    """Return a table of names and values under a title, with a picture of `inline_picture` beside it."""
    rows = "".join(f"<tr><th {_CELL}>{_text(name)}</th><td {_CELL}>{_text(v)}</td></tr>" for name, v in facts.items())
    return f"<table><caption>{_text(title)}{picture}</caption>{rows}</table>"


def rows_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a line for each row."""
    first = "".join(f"<th {_CELL}>{_text(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td {_CELL}>{_text(v)}</td>" for v in row) + "</tr>" for row in rows)
    return f"<table><caption>{_text(title)}</caption><tr>{first}</tr>{lines}</table>"


def inline_picture(data: bytes) -> str:
    """Return a picture within the page: the bytes of a JPEG or PNG file; nothing for other bytes."""
    kinds = ((b"\xff\xd8", "jpeg"), (b"\x89PNG", "png"))
    kind = next((kind for start, kind in kinds if data.startswith(start)), None)
    if kind is None:
        return ""
    return f'<br><img alt="" src="data:image/{kind};base64,{base64.b64encode(data).decode("ascii")}">'


def _text(value: object) -> str:
    text = str(value)
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
