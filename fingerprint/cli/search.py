"""``fingerprint search``: the sources of images, found in a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import frames_of, listed_images, note_ignored
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FOLDER,
    IMAGES,
    Count,
    chosen_limits,
    chosen_models,
    engine_options,
    frames_option,
    json_option,
    not_nan,
    profile_option,
)
from fingerprint.cli._output import finish, leave_after_skips, print_json, shown, verification_json
from fingerprint.cli._progress import progress
from fingerprint.cli._report import SearchPage, report_option
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.cli._table import Table, longest
from fingerprint.cli.vectors import search_vectors, vector_queries, vector_search_options
from fingerprint.config import DEFAULT_CONFIG, config_for
from fingerprint.locations import Location, location

if TYPE_CHECKING:
    from fingerprint.collection.collection import Collection
    from fingerprint.results import Answer, Match, Verification
    from fingerprint.types import Skipped

_PLAIN = "there is so little to see that only the same bytes or pixels are sure to be found"


@click.command(
    "search",
    short_help="Find the sources of images in a collection.",
    cls=ExampleCommand,
    examples=(
        "fingerprint search photos.fp suspicious.jpg --min-score 0.9",
        "fingerprint search photos.fp suspicious.jpg --show-shared",
        "fingerprint search photos.fp uploads/ --report page.html",
        "fingerprint search photos.fp queries.npz --model-id resnet50",
    ),
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("paths", metavar="QUERY...", nargs=-1, required=True, type=IMAGES)
@click.option(
    "-k",
    "--results",
    "n_results",
    metavar="N",
    type=Count(min=1),
    default=DEFAULT_CONFIG.results,
    show_default=True,
    help="Largest number of references for a query.",
)
@click.option(
    "--min-score",
    metavar="P",
    type=click.FloatRange(0, 1),
    callback=not_nan("a probability is a number from 0 to 1"),
    default=DEFAULT_CONFIG.probability_threshold,
    show_default=True,
    help="For images: least probability of a copy, 0 to 1.",
)
@click.option(
    "--show-shared",
    is_flag=True,
    help="For images: after the copies, also list references that only share a template or a scene with the query.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Compare all compact descriptors, also in segments that codes or Annoy would search.",
)
@click.option(
    "--timings",
    is_flag=True,
    help="For images: print how long each stage took and how much it did; with --json for each query, else over all.",
)
@report_option
@frames_option
@vector_search_options
@profile_option
@json_option("one JSON object a line, one for each query")
@scheduler_options
@engine_options
def search_command(
    folder: Path,
    paths: tuple[Location, ...],
    n_results: int,
    min_score: float,
    show_shared: bool,
    exact: bool,
    timings: bool,
    report_file: Path | None,
    n_frames: int,
    model_id: str | None,
    max_distance: float | None,
    profile: str,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Find the references that images may have been made from, most probable first.

    The relation of a query to a reference is 'copy', 'shared' (same template or same scene, and neither was made from
    the other) or 'unrelated'.

    QUERY is an image file, a folder of images, or a file of vectors (.npz, .csv, .hdf5 or .h5). Vectors are compared
    with the collection's vectors of the same model, by Euclidean distance, nearest first. Images and folders may be
    URLs, too, such as s3://bucket/uploads.
    """
    if vectors := vector_queries(paths):
        _refuse_report(report_file)
        search_vectors(
            *(folder, vectors, model_id, n_results, max_distance),
            exact=exact,
            as_json=as_json,
            models_folder=models_folder,
            quiet=quiet,
        )
        return
    from fingerprint.collection.collection import open_collection
    from fingerprint.types import Skipped

    if report_file is not None:
        refuse_input(report_file, "--report", pictures=paths, folders=(folder, models_folder))
    page = SearchPage(report_file)
    config = page.settings(replace(config_for(profile), limits=chosen_limits()))
    images, unread, ignored = listed_images(paths)
    images = frames_of(images, n_frames, n_workers)
    skipped: list[Skipped] = []
    with (
        chosen_workers(n_workers) as workers,
        open_collection(folder, models=chosen_models(models_folder), config=config) as collection,
        progress(quiet=quiet, streams=True) as report,
    ):
        table = Table(longest(images), collection.longest_id)
        results = collection.answer_many(
            images, n_results=n_results, min_probability=min_score, exact=exact, n_workers=workers
        )
        answers = []
        any_damaged = False
        if not as_json:
            shared_column = f"  {'shared':>8}" if show_shared else ""
            table.header(f"{'copy':>8}{shared_column}  relation   what is seen")
        for done, (query, result) in enumerate(zip(images, results, strict=True), start=1):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                any_damaged |= bool(result.damaged)
                if timings and not as_json:
                    answers.append(result)
            page.add(query, result, collection)
            if as_json:
                _print_object(query, result, collection, show_shared=show_shared, timings=timings)
            else:
                _print_rows(table, query, result, show_shared=show_shared)
            report("queries", done, len(images))
    for item in unread:
        if as_json:
            _print_object(location(item.path), item, None, show_shared=show_shared, timings=timings)
    if answers:
        _print_timings(answers)
    title = f"{len(images):,} pictures searched for in {folder}"
    page.write(title, unread, min_score, n_workers=n_workers, quiet=quiet)
    note_ignored(ignored, quiet=quiet)
    finish((*skipped, *unread))
    leave_after_skips(any_damaged)


def _refuse_report(report_file: Path | None) -> None:
    """Refuse a page where there are no pictures to show."""
    if report_file is not None:
        raise click.UsageError("--report shows pictures: it is not for files of vectors")


def _print_rows(table: Table, query: Location, result: Answer | Skipped, *, show_shared: bool) -> None:
    from fingerprint.types import Skipped

    if isinstance(result, Skipped):
        table.note(query, f"skipped: {shown(result.reason)}")
        return
    listed = (*result.matches, *(result.shared if show_shared else ()))
    if not listed:
        table.note(query, f"nothing found; {_PLAIN}" if result.plain else "nothing found")
    table.widen(match.reference_id for match in listed)
    for match in listed:
        table.row(query, match.reference_id, _facts(match.verification, show_shared=show_shared))


def _facts(verification: Verification, *, show_shared: bool) -> str:
    """Return the columns about a verification. Of an unrelated reference nothing is seen in the query."""
    from fingerprint.report import probability_text
    from fingerprint.verify.changes import changes_of

    related = verification.relation != "unrelated"
    columns = [
        f"{probability_text(verification.probability):>8}",
        *([f"{probability_text(verification.shared_probability):>8}"] if show_shared else []),
        f"{verification.relation:<9}",
        changes_of(verification).words if related else "-",
    ]
    return "  ".join(columns)


def _print_object(
    query: Location, result: Answer | Skipped, collection: Collection | None, *, show_shared: bool, timings: bool
) -> None:
    from fingerprint.types import Skipped

    if isinstance(result, Skipped):
        print_json({"query": str(query), "skipped": result.reason})
        return
    answer: dict[str, Any] = {"query": str(query), "matches": _match_objects(result.matches, collection)}
    if show_shared:
        answer["shared"] = _match_objects(result.shared, collection)
    if result.plain:
        answer["plain"] = _PLAIN
    if result.damaged:
        answer["damaged"] = [{"reference": item.path, "reason": item.reason} for item in result.damaged]
    took = {stage: round(spent, 3) for stage, spent in result.milliseconds.items()}
    spent = {"milliseconds": took, "counters": dict(result.counters)}
    print_json(answer | (spent if timings else {}))


def _match_objects(matches: Iterable[Match], collection: Collection | None) -> list[dict[str, Any]]:
    """Return matches as JSON objects, with the file of each reference as it was added, for a page made later."""
    from fingerprint.verify.changes import changes_of

    return [
        {
            "reference": match.reference_id,
            "file": None if collection is None else collection.record(match.reference_id).path,
            **verification_json(match.verification),
            "what": changes_of(match.verification).words if match.relation != "unrelated" else None,
        }
        for match in matches
    ]


def _print_timings(answers: Sequence[Answer]) -> None:
    """Print how long each stage took and how much it did, over all queries."""
    stages = {stage: [answer.milliseconds[stage] for answer in answers] for stage in answers[0].milliseconds}
    stages["all"] = [sum(answer.milliseconds.values()) for answer in answers]
    counters = {name: [answer.counters[name] for answer in answers] for name in answers[0].counters}
    _print_spread("stage", stages, "milliseconds a query", ".1f")
    _print_spread("counted", counters, "a query", ",.0f")


def _print_spread(header: str, rows: Mapping[str, Sequence[float]], unit: str, form: str) -> None:
    """Print median, 95th percentile and mean of each row."""
    import numpy as np

    click.echo(f"\n{header:<17} {'median':>11} {'95 of 100':>11} {'mean':>11}   {unit}")
    for name, values in rows.items():
        median, most = np.percentile(values, (50, 95))
        click.echo(f"{name:<17} {median:>11{form}} {most:>11{form}} {np.mean(values):>11{form}}")
