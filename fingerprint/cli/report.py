"""``fingerprint report``: the page of results that were saved."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    Count,
    chosen_limits,
    chosen_models,
    limit_options,
    message_options,
    models_option,
    workers_option,
)
from fingerprint.cli._progress import progress
from fingerprint.cli._report import PageFile, keeping_inliers, truth_options, truth_read, write_report
from fingerprint.config import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fingerprint.models import Models
    from fingerprint.report.draft import References
    from fingerprint.report.from_matches import Truth
    from fingerprint.report.values import Page

_LOOKED_AT = 200  # pairs that are compared again: a minute or two of one core


@click.command(
    "report",
    short_help="Make a page to look at from saved results.",
    cls=ExampleCommand,
    examples=(
        "fingerprint search photos.fp uploads/ --json > results.jsonl",
        "fingerprint report results.jsonl --out page.html",
        "fingerprint report matches.csv --queries queries/ --references refs/ --ground-truth truth.csv --out page.html",
    ),
)
@click.argument("results", metavar="RESULTS", type=EXISTING_FILE)
@click.option("--out", metavar="PAGE.html", required=True, type=PageFile(), help="The page to write.")
@click.option(
    "--queries",
    metavar="DIR",
    type=EXISTING_FOLDER,
    help="For a Matching Track file: folder of images, or a collection, of the queries.",
)
@click.option(
    "--references",
    metavar="DIR",
    multiple=True,
    type=EXISTING_FOLDER,
    help="Folder of images, or a collection, in which references are found by their ids.",
)
@click.option(
    "--root",
    metavar="DIR",
    type=EXISTING_FOLDER,
    default=Path(),
    help="Folder in which paths of the results begin that are not absolute.  [default: the current one]",
)
@truth_options
@click.option(
    "--look-again",
    "n_again",
    metavar="N",
    type=Count(min=0),
    default=_LOOKED_AT,
    show_default=True,
    help="Compare this many pairs again, if their files are there, for matched keypoints, which saved results do not "
    "have, and for the place, which a Matching Track file does not have.",
)
@click.option(
    "--picture-side",
    "side",
    metavar="PIXELS",
    type=click.IntRange(64, 2048),
    help="Longer side of the pictures on the page.  [default: from 640 for hundreds to 208 for ten thousand, so that a "
    "page takes at most about 80 MB]",
)
@models_option
@workers_option
@limit_options
@message_options
def report_command(
    results: Path,
    out: Path,
    queries: Path | None,
    references: tuple[Path, ...],
    root: Path,
    ground_truth: Path | None,
    edits: Path | None,
    n_again: int,
    side: int | None,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Make one HTML page of saved results: pairs side by side, to be filtered, sorted and decided on.

    RESULTS is what 'search', 'compare' or 'dedupe find' printed with '--json', or a Matching Track file (.csv). The
    page needs no server and loads nothing from elsewhere. Pictures are read from their files; of a reference whose file
    is gone, the small grey picture of its collection is shown if '--references' names that. What cannot be read is
    named on the page.
    """
    from fingerprint.report.again import look_again

    refuse_input(
        *(out, "--out"),
        files=(results, ground_truth, edits),
        pictures=tuple(path for path in (queries, *references) if path is not None),
        folders=(models_folder,),
    )
    models = chosen_models(models_folder)
    truth = truth_read(ground_truth, edits)
    with ExitStack() as stack:
        page = _page(results, queries, references, root, truth, models, stack)
    config = keeping_inliers(replace(DEFAULT_CONFIG, limits=chosen_limits()))
    with progress(quiet=quiet) as report:
        page = look_again(
            *(page, models, config, n_again, n_workers),
            lambda done, total: report("pairs looked at again", done, total),
        )
    write_report(out, page, side=side, n_workers=n_workers, quiet=quiet)


def _page(
    results: Path,
    queries: Path | None,
    references: Sequence[Path],
    root: Path,
    truth: Truth,
    models: Models,
    stack: ExitStack,
) -> Page:
    """Return the page of the results in a file."""
    from fingerprint.challenge import read_matches
    from fingerprint.report.from_matches import page_of_matches, pictures_at
    from fingerprint.report.saved import is_json_lines, page_of_saved

    if is_json_lines(results):
        if queries is not None or truth.pairs is not None or truth.edits:
            raise click.UsageError("'--queries', '--ground-truth' and '--edits' are for a Matching Track file")
        return page_of_saved(results, root, _references(references, models, stack))
    if queries is None or len(references) != 1:
        raise click.UsageError("a Matching Track file has ids only: give --queries DIR and --references DIR, once each")
    of_queries, of_references = (pictures_at(place, models, stack) for place in (queries, references[0]))
    return page_of_matches(read_matches(results), of_queries, of_references, truth)


def _references(places: Sequence[Path], models: Models, stack: ExitStack) -> References:
    """Return what finds the pictures of references in folders, and in at most one collection."""
    from fingerprint.collection.collection import open_collection
    from fingerprint.index.own_files import is_collection
    from fingerprint.report.draft import References

    collections = [place for place in places if is_collection(place)]
    if len(collections) > 1:
        raise click.UsageError("'--references' names more than one collection; results are of one")
    collection = stack.enter_context(open_collection(collections[0], models=models)) if collections else None
    return References(collection, [place for place in places if place not in collections])
