"""An HTML page in one file: pairs of pictures to look at, to filter and to decide on. It needs no server, no network.

The page's parts are the files in ``template``. Pictures are written while they are read, so that none waits in memory.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.files.atomic import replacing
from fingerprint.files.names import escaped
from fingerprint.report.data import page_data
from fingerprint.report.embedded import Embedded, embed, side_for
from fingerprint.report.values import Page
from fingerprint.types import Progress, Skipped
from fingerprint.workers import map_images

TEMPLATE = Path(__file__).parent / "template"
#: The page's script, in the order in which its files are joined.
SCRIPTS = ("data.js", "model.js", "decisions.js", "list.js", "stage.js", "main.js")


def write_page(
    path: str | os.PathLike[str],
    page: Page,
    *,
    side: int | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Skipped, ...]:
    """Write a page.

    Parameters
    ----------
    path : str or path
        The file to write; an existing one is replaced when the new one is complete.
    page : Page
    side : int, optional
        Longer side of the pictures on the page, in pixels. By default it follows from their number, from 640 for a few
        hundred to 208 for ten thousand, so that the page stays below about 80 MB.
    limits : ReadLimits, optional
    n_workers : int, optional
        Threads; one for each core by default.
    progress : callable, optional
        Called as ``progress(done, total)`` in pictures.

    Returns
    -------
    tuple of Skipped
        Pictures that could not be read. The page has them, too, and names them.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "page.html"
    ...     skipped = write_page(file, Page("search", "Nothing yet", (), ()))
    ...     file.read_text(encoding="utf-8")[:15], skipped
    ('<!DOCTYPE html>', ())
    """
    longest = side or side_for(len(page.pictures))
    embedded: list[Embedded] = []
    unread: list[Skipped] = []

    def pictures() -> Iterator[str]:
        found = map_images(lambda picture: embed(picture, longest, limits), page.pictures, n_workers)
        for picture, item in zip(page.pictures, found, strict=True):
            shown = Embedded("", None, problem=item.reason) if isinstance(item, Skipped) else item
            embedded.append(shown)
            if shown.problem:
                unread.append(Skipped(str(picture.file or picture.name), shown.problem))
            yield Markup(shown.text)  # noqa: S704 - base64
            if progress is not None:
                progress(len(embedded), len(page.pictures))

    def data() -> Markup:
        return Markup(page_data(page, embedded, unread))  # noqa: S704 - it has no sign that means anything in HTML

    style, script = _parts()
    parts = _template().generate(
        policy=_policy(style, script),
        title=escaped(page.title),
        notes=[escaped(note) for note in page.notes],
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704
        pictures=pictures(),
        data=data,
    )
    with replacing(path) as temporary, temporary.open("x", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    return tuple(unread)


@cache
def _parts() -> tuple[str, str]:
    """Return the style sheet and the script."""
    joined = "\n".join((TEMPLATE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return (TEMPLATE / "page.css").read_text(encoding="utf-8"), f'(() => {{\n"use strict";\n{joined}}})();\n'


def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html")


def _policy(style: str, script: str) -> str:
    """Return the page's rule for browsers: only this style and this script, only embedded pictures, nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
