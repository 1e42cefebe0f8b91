"""``--report``: the option, and writing the page that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fingerprint.cli._options import EXISTING_FILE, NewFile, chosen_limits
from fingerprint.cli._output import count, shown, shown_name
from fingerprint.cli._progress import progress

if TYPE_CHECKING:
    from fingerprint.collection.collection import Collection
    from fingerprint.config import Config
    from fingerprint.locations import Location
    from fingerprint.report.from_matches import Truth
    from fingerprint.report.values import Page
    from fingerprint.results import Answer
    from fingerprint.types import Skipped

Command = TypeVar("Command", bound=Callable[..., Any])


class PageFile(NewFile):
    """An HTML file to write."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that the name is that of a page: it must not be a picture that was meant to be read."""
        path = Path(super().convert(value, param, ctx))
        if path.suffix.lower() not in (".html", ".htm"):
            self.fail(f"the name must end in .html, not {shown(path.suffix)!r}", param, ctx)
        return path


def report_option(command: Command) -> Command:
    """Add ``--report``."""
    return click.option(
        "--report",
        "report_file",
        metavar="PAGE.html",
        type=PageFile(),
        help="Also write a page to look at in a browser and to decide on. It holds the pictures, reduced, and takes at "
        "most about 80 MB, as for 10,000 of them.",
    )(command)


def truth_options(command: Command) -> Command:
    """Add ``--ground-truth`` and ``--edits``; see `truth_read`."""
    truth = click.option(
        "--ground-truth",
        metavar="GT.csv",
        type=EXISTING_FILE,
        help="File with the reference of each query: the page shows what was missed and what is wrong.",
    )
    edits = click.option(
        "--edits",
        metavar="EDITS.tsv",
        type=EXISTING_FILE,
        help="What was done to each query: lines of query, reference and edits joined by '+', with tabs between them.",
    )
    return truth(edits(command))


def truth_read(ground_truth: Path | None, edits: Path | None) -> Truth:
    """Return what these options name."""
    from fingerprint.challenge import read_ground_truth
    from fingerprint.challenge.edits import read_edits
    from fingerprint.report.from_matches import Truth

    return Truth(
        read_ground_truth(ground_truth) if ground_truth is not None else None,
        read_edits(edits) if edits is not None else {},
    )


def keeping_inliers(config: Config) -> Config:
    """Return settings with which verdicts keep their matched keypoints, for a page."""
    return replace(config, match=replace(config.match, keep_inliers=True))


def write_report(path: Path, page: Page, *, side: int | None = None, n_workers: int | None = None, quiet: bool) -> None:
    """Write a page, and say on stderr where it is, how large, and which pictures could not be read."""
    from fingerprint.report.page import write_page

    with progress(quiet=quiet) as report:
        unread = write_page(
            *(path, page),
            side=side,
            limits=chosen_limits(),
            n_workers=n_workers,
            progress=lambda done, total: report("pictures for the page", done, total),
        )
    if not quiet:
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        without = f", {count(len(unread), 'picture')} not read" if unread else ""
        pairs = count(len(page.pairs), "pair")
        said = f"{shown_name(path)}: a page of {pairs}, {size}{without}; open it in a browser"
        click.echo(f"fingerprint: note: {said}", err=True)


class SearchPage:
    """The page of a search, or nothing if none is asked for.

    Parameters
    ----------
    path : Path or None
        The file to write; None for no page.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            from fingerprint.report.draft import Draft

            self._draft = Draft()

    def settings(self, config: Config) -> Config:
        """Return the settings with which the page has all that it shows."""
        return config if self._path is None else keeping_inliers(config)

    def add(self, query: Location, result: Answer | Skipped, collection: Collection) -> None:
        """Add what was found for a query."""
        if self._path is not None:
            from fingerprint.report.draft import References
            from fingerprint.report.from_search import add_answer

            add_answer(self._draft, query, result, References(collection))

    def write(
        self, title: str, unread: Iterable[Skipped], threshold: float, *, n_workers: int | None, quiet: bool
    ) -> None:
        """Write the page, with the files that were not read before there was a search."""
        if self._path is not None:
            self._draft.skipped += unread
            page = self._draft.page("search", title, threshold=threshold)
            write_report(self._path, page, n_workers=n_workers, quiet=quiet)
