"""An HTML page in one file: a row for each query, with its picture embedded in the page."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from fingerprint.atomic import replacing
from fingerprint.report.words import RELATION_NAMES, probability_text
from fingerprint.results import Relation
from fingerprint.types import U8

_JPEG_QUALITY = 85

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --line: #d9dce1; --text: #1b1e24; --soft: #59606c; --right: #1a7a47; --wrong: #b3261e;
  --copy: #1a7a47; --shared: #8a5a00; --unrelated: #59606c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101216; --card: #181a1f; --line: #2d3139; --text: #e8eaee; --soft: #a2a9b4; --right: #4fc98a;
    --wrong: #ff8a80; --copy: #4fc98a; --shared: #f0b84a; --unrelated: #a2a9b4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 104rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { margin: 0 0 .5rem; font-size: 1.75rem; line-height: 1.2; }
header p { margin: .25rem 0; max-width: 60rem; color: var(--soft); }
main {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(42rem, 100%), 1fr)); gap: 1.5rem;
  margin-top: 1.5rem;
}
article {
  display: flex; flex-direction: column; overflow: hidden; border: 1px solid var(--line); border-radius: .75rem;
  background: var(--card);
}
.facts { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 2rem; padding: .9rem 1.5rem; }
h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; flex: 1 1 18rem; }
.verdict { margin: 0; font-weight: 600; white-space: nowrap; }
.right { color: var(--right); }
.wrong { color: var(--wrong); }
.copy { color: var(--copy); }
.shared { color: var(--shared); }
.unrelated { color: var(--unrelated); }
dl { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0; flex: 1 0 100%; }
dl div { display: flex; gap: .5rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.shot { display: grid; flex: 1; place-items: center; background: #181a1f; }
img { display: block; max-width: 100%; height: auto; }
"""


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One row of the page: a query, and the reference that looks most like its source.

    Attributes
    ----------
    query : str
        Name of the query.
    reference : str or None
        Id of the reference; None where the collection holds nothing to compare with.
    probability : float or None
        Calibrated probability, [0, 1], that the query was made from it; None if there is no reference.
    relation : {"copy", "shared", "unrelated"} or None
        How the two are related; None if there is no reference.
    picture : uint8 array, shape (h, w, 3) RGB
        What to show, usually by `comparison_picture`.
    done : str or None
        The edits of the query in words, if they are known.
    right : bool or None
        Whether the answer is right, if the truth is known.
    """

    query: str
    reference: str | None
    probability: float | None
    relation: Relation | None
    picture: U8
    done: str | None = None
    right: bool | None = None

    @property
    def verdict(self) -> str:
        """The outcome in a few words."""
        if self.right is None:
            return "nothing to compare with" if self.relation is None else RELATION_NAMES[self.relation]
        if self.relation == "copy":
            return "found" if self.right else "wrongly found"
        return "rightly not found" if self.right else "missed"


def write_page(
    path: str | os.PathLike[str], entries: Sequence[PageEntry], title: str, notes: Iterable[str] = ()
) -> None:
    """Write an HTML page that needs no other file, no network and no script.

    Parameters
    ----------
    path : str or path
        The file to write; an existing one is replaced.
    entries : sequence of PageEntry
        The rows, in the order in which they are shown.
    title : str
        Heading of the page.
    notes : iterable of str
        Paragraphs under the heading. All text is escaped.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> entry = PageEntry("a.jpg", "b.jpg", 0.98, "copy", np.zeros((40, 90, 3), np.uint8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = pathlib.Path(folder) / "index.html"
    ...     write_page(page, [entry], "One query")
    ...     page.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    with replacing(path) as temporary, temporary.open("x", encoding="utf-8", newline="\n") as file:
        file.write(
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f"<header>\n<h1>{_escaped(title)}</h1>\n"
        )
        file.writelines(f"<p>{_escaped(note)}</p>\n" for note in notes)
        file.write("</header>\n<main>\n")
        file.writelines(_row(entry) for entry in entries)
        file.write("</main>\n</body>\n</html>\n")


def _row(entry: PageEntry) -> str:
    mark = {True: "right", False: "wrong", None: entry.relation or "open"}[entry.right]
    sign = {True: "✓ ", False: "✗ ", None: ""}[entry.right]
    facts = [("closest reference", "none" if entry.reference is None else entry.reference, "")]
    if entry.relation is not None:
        facts.append(("relation", RELATION_NAMES[entry.relation], f' class="{entry.relation}"'))
    if entry.probability is not None:
        facts.append(("probability of a copy", probability_text(entry.probability), ""))
    if entry.done is not None:
        facts.append(("what was done", entry.done, ""))
    details = "".join(f"<div><dt>{name}</dt><dd{kind}>{_escaped(fact)}</dd></div>" for name, fact, kind in facts)
    beside = "" if entry.reference is None else f" beside {_escaped(entry.reference)}"
    height, width = entry.picture.shape[:2]
    return (
        f'<article>\n<div class="facts">\n<h2>{_escaped(entry.query)}</h2>\n'
        f'<p class="verdict {mark}">{sign}{entry.verdict}</p>\n<dl>{details}</dl>\n</div>\n'
        f'<div class="shot"><img src="{_data_uri(entry.picture)}" width="{width}" height="{height}" '
        f'alt="{_escaped(entry.query)}{beside}: {entry.verdict}"></div>\n</article>\n'
    )


def _escaped(text: str) -> str:
    """Escape text for HTML; characters that cannot be printed, which file names may have, become U+FFFD."""
    return html.escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))


def _data_uri(pixels: U8) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
