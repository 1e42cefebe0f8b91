"""``fingerprint search``: the sources of images, in a collection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import (
    EXISTING,
    EXISTING_FOLDER,
    chosen_models,
    engine_options,
    json_option,
    profile_option,
)
from fingerprint.cli._output import (
    finish,
    listed_images,
    note_ignored,
    print_json,
    region_words,
    shown,
    verification_json,
)
from fingerprint.cli._progress import progress
from fingerprint.cli.vectors import search_vectors, vector_queries, vector_search_options
from fingerprint.config import DEFAULT_CONFIG, config_for

if TYPE_CHECKING:
    from fingerprint.types import Answer, Skipped

_WIDEST = 48  # longer names push their line to the right rather than make all lines long


def _number(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("a probability is a number from 0 to 1")
    return value


@click.command(
    "search",
    short_help="Find the sources of images in a collection.",
    cls=ExampleCommand,
    examples=(
        "fingerprint search photos.fp suspicious.jpg --min-score 0.9",
        "fingerprint search photos.fp queries.npz --model-id resnet50",
    ),
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("paths", metavar="QUERY...", nargs=-1, required=True, type=EXISTING)
@click.option(
    "-k",
    "--results",
    "n_results",
    metavar="N",
    type=click.IntRange(min=1),
    default=DEFAULT_CONFIG.results,
    show_default=True,
    help="The most references to name for a query.",
)
@click.option(
    "--min-score",
    metavar="P",
    type=click.FloatRange(0, 1),
    callback=_number,
    default=DEFAULT_CONFIG.probability_threshold,
    show_default=True,
    help="Of images: the least probability, 0 to 1, that a reference must have.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Compare all compact descriptors, even in segments so large that Annoy would search them.",
)
@click.option(
    "--timings",
    is_flag=True,
    help="Of images: print how long each stage took and what it did; for each query with --json, else over all.",
)
@vector_search_options
@profile_option
@json_option("one JSON object a line, one for each query")
@engine_options
def search_command(
    folder: Path,
    paths: tuple[Path, ...],
    n_results: int,
    min_score: float,
    exact: bool,
    timings: bool,
    model_id: str | None,
    max_distance: float | None,
    profile: str,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Find the references that images may have been made from, the surest first.

    QUERY is an image file or a folder of images. Or it is a file of vectors (.npz, .csv, .hdf5 or .h5): then it is
    compared with the collection's vectors of the same model, by Euclidean distance, the nearest first.
    """
    if vector_queries(paths):
        search_vectors(
            *(folder, paths, model_id, n_results, max_distance),
            exact=exact,
            as_json=as_json,
            models_folder=models_folder,
            quiet=quiet,
        )
        return
    from fingerprint.collection.collection import open_collection
    from fingerprint.types import Skipped

    images, unread, ignored = listed_images(paths)
    skipped: list[Skipped] = []
    with (
        open_collection(folder, models=chosen_models(models_folder), config=config_for(profile)) as collection,
        progress(quiet=quiet, streams=True) as report,
    ):
        widths = _width(images), min(_WIDEST, collection.longest_id)
        results = collection.answer_many(
            images, n_results=n_results, min_probability=min_score, exact=exact, n_workers=n_workers
        )
        answers = []
        if not as_json:
            _print_row("query", "reference", widths, "probability  inliers  shown              seen")
        for done, (query, result) in enumerate(zip(images, results, strict=True), start=1):
            if isinstance(result, Skipped):
                skipped.append(result)
            elif timings and not as_json:
                answers.append(result)
            if as_json:
                _print_object(query, result, timings=timings)
            else:
                _print_rows(query, result, widths)
            report("queries", done, len(images))
    for item in unread:
        if as_json:
            _print_object(Path(item.path), item, timings=timings)
    if answers:
        _print_timings(answers)
    note_ignored(ignored, quiet=quiet)
    finish((*skipped, *unread))


def _width(names: Sequence[object]) -> int:
    return min(_WIDEST, max((len(shown(name)) for name in names), default=0))


def _print_row(query: object, reference: object, widths: tuple[int, int], rest: str) -> None:
    click.echo(f"{shown(query):<{max(5, widths[0])}}  {shown(reference):<{max(9, widths[1])}}  {rest}")


def _print_rows(query: Path, result: Answer | Skipped, widths: tuple[int, int]) -> None:
    from fingerprint.report import probability_text, variant_text
    from fingerprint.types import Skipped

    if isinstance(result, Skipped):
        click.echo(f"{shown(query):<{max(5, widths[0])}}  skipped: {shown(result.reason)}")
    elif not result.matches:
        click.echo(f"{shown(query):<{max(5, widths[0])}}  nothing found")
    else:
        for match in result.matches:
            seen = match.verification
            said = probability_text(seen.probability)
            facts = f"{said:>11}  {seen.n_inliers:>7}  {variant_text(seen):<17}  {region_words(seen)}"
            _print_row(query, match.reference_id, widths, facts)


def _print_object(query: Path, result: Answer | Skipped, *, timings: bool) -> None:
    from fingerprint.types import Skipped

    if isinstance(result, Skipped):
        print_json({"query": str(query), "skipped": result.reason})
        return
    found = [{"reference": match.reference_id, **verification_json(match.verification)} for match in result.matches]
    took = {stage: round(spent, 3) for stage, spent in result.milliseconds.items()}
    spent = {"milliseconds": took, "counters": dict(result.counters)}
    print_json({"query": str(query), "matches": found} | (spent if timings else {}))


def _print_timings(answers: Sequence[Answer]) -> None:
    """Print what each stage took, and what was done, over all queries."""
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
