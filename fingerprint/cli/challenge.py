"""``fingerprint challenge``: the files of the image similarity challenge, and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    EXISTING_FOLDER_OR_URL,
    FOLDER,
    NewFile,
    chosen_limits,
    chosen_models,
    engine_options,
    json_option,
    message_options,
    profile_option,
)
from fingerprint.cli._output import count, finish, print_json, shown_name, skipped_json
from fingerprint.cli._progress import progress
from fingerprint.cli._report import keeping_inliers, report_option, truth_options, truth_read, write_report
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.config import DEFAULT_CONFIG, config_for
from fingerprint.locations import Location

if TYPE_CHECKING:
    from fingerprint.models import Models
    from fingerprint.report.from_matches import Truth
    from fingerprint.results import Match, Verification
    from fingerprint.types import Skipped

_queries_option = click.option(
    "--queries", metavar="DIR", required=True, type=EXISTING_FOLDER_OR_URL, help="Folder of images, or a collection."
)
_references_option = click.option(
    "--references", metavar="DIR", required=True, type=EXISTING_FOLDER_OR_URL, help="Folder of images, or a collection."
)


@click.group("challenge", short_help="Write and evaluate the challenge's files.")
def challenge_group() -> None:
    """Write and evaluate the files of the image similarity challenge (DISC21), for both tracks.

    Ids are the names of the files, without folder and extension.
    """


@challenge_group.command(
    "match",
    cls=ExampleCommand,
    examples=("fingerprint challenge match --queries queries/ --references references/ --out matches.csv",),
)
@_queries_option
@_references_option
@click.option("--out", metavar="FILE.csv", required=True, type=NewFile(), help="Matching Track file to write.")
@click.option(
    "--collection",
    metavar="DIR",
    type=FOLDER,
    help="Keep the collection made from a folder of references here, and use it again the next time.",
)
@report_option
@truth_options
@profile_option
@json_option("one JSON object")
@scheduler_options
@engine_options
def match_command(
    queries: Location,
    references: Location,
    out: Path,
    collection: Path | None,
    report_file: Path | None,
    ground_truth: Path | None,
    edits: Path | None,
    profile: str,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Write a Matching Track file: for each query, by itself, its most probable sources with their log-odds.

    The score of a pair is the log-odds of a copy, not of a shared template or scene.
    """
    from fingerprint.challenge import write_matches
    from fingerprint.tracks import challenge_id, match_track

    for file, option in ((out, "--out"), (report_file, "--report")):
        if file is not None:
            refuse_input(
                *(file, option),
                files=(ground_truth, edits),
                pictures=(queries, references),
                folders=(collection, models_folder),
            )
    if report_file is None and (ground_truth is not None or edits is not None):
        raise click.UsageError("'--ground-truth' and '--edits' are for the page: give '--report PAGE.html', too")
    truth = truth_read(ground_truth, edits) if report_file is not None else None
    models = chosen_models(models_folder)
    config = replace(config_for(profile), limits=chosen_limits())
    verdicts: list[tuple[str, str, Verification]] = []

    def note(query_id: str, found: Sequence[Match]) -> None:
        verdicts.extend((query_id, challenge_id(match.reference_id), match.verification) for match in found)

    with chosen_workers(n_workers) as workers, progress(quiet=quiet) as report:
        matches, skipped = match_track(
            queries,
            references,
            models=models,
            config=config if report_file is None else keeping_inliers(config),
            collection=collection,
            n_workers=workers,
            progress=report,
            found=None if report_file is None else note,
        )
    write_matches(out, matches)
    if report_file is not None and truth is not None:
        _write_page(report_file, verdicts, queries, references, truth, skipped, models, n_workers, quiet=quiet)
    n_queries = len(set(matches.query_ids))
    if as_json:
        facts = {"out": str(out), "rows": len(matches), "queries_with_rows": n_queries}
        print_json({**facts, "skipped": skipped_json(skipped)})
    else:
        click.echo(f"{shown_name(out)}: {count(len(matches), 'row')} on {n_queries:,} of the queries")
    finish(skipped)


def _write_page(
    path: Path,
    verdicts: Sequence[tuple[str, str, Verification]],
    queries: Location,
    references: Location,
    truth: Truth,
    skipped: Sequence[Skipped],
    models: Models,
    n_workers: int | None,
    *,
    quiet: bool,
) -> None:
    """Write the page of a run."""
    from fingerprint.report.from_matches import page_of_run, pictures_at

    with ExitStack() as stack:
        of_queries, of_references = (pictures_at(place, models, stack) for place in (queries, references))
        page = page_of_run(verdicts, of_queries, of_references, truth, skipped)
    write_report(path, page, n_workers=n_workers, quiet=quiet)


@challenge_group.command(
    "describe",
    cls=ExampleCommand,
    examples=("fingerprint challenge describe --queries queries/ --references references/ --out descriptors.h5",),
)
@_queries_option
@_references_option
@click.option("--out", metavar="FILE.h5", required=True, type=NewFile(), help="Descriptor Track file to write.")
@json_option("one JSON object")
@scheduler_options
@engine_options
def describe_command(
    queries: Location,
    references: Location,
    out: Path,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Write a Descriptor Track file: one vector for each query and each reference."""
    from fingerprint.challenge import write_descriptors
    from fingerprint.tracks import describe_track

    refuse_input(out, "--out", pictures=(queries, references), folders=(models_folder,))
    config = replace(DEFAULT_CONFIG, limits=chosen_limits())
    models = chosen_models(models_folder)
    with chosen_workers(n_workers) as workers, progress(quiet=quiet) as report:
        descriptors, skipped = describe_track(
            queries, references, models=models, config=config, n_workers=workers, progress=report
        )
    write_descriptors(out, descriptors)
    n_queries, n_references = len(descriptors.query_ids), len(descriptors.reference_ids)
    dimension = descriptors.query.shape[1]
    if as_json:
        facts = {"out": str(out), "queries": n_queries, "references": n_references, "dimensions": dimension}
        print_json({**facts, "skipped": skipped_json(skipped)})
    else:
        sizes = f"{count(n_queries, 'query', 'queries')} and {count(n_references, 'reference')}"
        click.echo(f"{shown_name(out)}: {sizes} in {dimension} dimensions")
    finish(skipped)


@challenge_group.command(
    "run",
    short_help="Run both tracks on the published DISC21, and judge them.",
    cls=ExampleCommand,
    examples=("fingerprint challenge run --disc21 disc21/ --out run/",),
)
@click.option(
    "--disc21",
    "folder",
    metavar="DIR",
    required=True,
    type=EXISTING_FOLDER,
    help="Folder with query_images/, reference_images/ and public_ground_truth.csv, as it is published.",
)
@click.option(
    "--out", metavar="DIR", required=True, type=FOLDER, help="Folder for both files, and for what is kept between runs."
)
@click.option(
    "--split",
    type=click.Choice(("dev", "final", "all")),
    default="dev",
    show_default=True,
    help="Queries below Q50000, from Q50000 on, or all.",
)
@click.option(
    "--ground-truth",
    metavar="GT.csv",
    type=EXISTING_FILE,
    help="Another file of the ground truth; only queries that it names are judged.",
)
@profile_option
@json_option("one JSON object")
@scheduler_options
@engine_options
def run_command(
    folder: Path,
    out: Path,
    split: Literal["dev", "final", "all"],
    ground_truth: Path | None,
    profile: str,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Run both tracks on the published DISC21, and judge them: matches.csv, descriptors.h5 and scores.json.

    An interrupted run goes on with the same command.
    """
    from fingerprint.bench.disc21 import run_disc21

    with chosen_workers(n_workers) as workers, progress(quiet=quiet) as report:
        outcome = run_disc21(
            folder,
            out,
            split=split,
            profile=profile,
            ground_truth=ground_truth,
            models=chosen_models(models_folder),
            n_workers=workers,
            progress=report,
        )
    scores = {"matching_track": outcome.matching, "descriptor_track": outcome.descriptor}
    if as_json:
        figures = {name: None if found is None else asdict(found) for name, found in scores.items()}
        sizes = {"queries": outcome.n_queries, "references": outcome.n_references}
        print_json({"out": str(out), **sizes, **figures, "skipped": skipped_json(outcome.skipped)})
    else:
        for name, found in scores.items():
            words = "not judged: no ground truth" if found is None else f"micro_ap {found.micro_ap:.4f}"
            more = "" if found is None else f", recall_at_p90 {found.recall_at_p90:.4f}"
            click.echo(f"{name:<17} {words}{more}")
    finish(outcome.skipped)


@challenge_group.command(
    "evaluate",
    cls=ExampleCommand,
    examples=("fingerprint challenge evaluate --ground-truth ground_truth.csv --matching matches.csv",),
)
@click.option(
    "--ground-truth", metavar="GT.csv", required=True, type=EXISTING_FILE, help="File with the reference of each query."
)
@click.option("--matching", metavar="FILE.csv", type=EXISTING_FILE, help="Matching Track file to evaluate.")
@click.option(
    "--descriptors",
    metavar="FILE.h5",
    type=EXISTING_FILE,
    multiple=True,
    help="Descriptor Track file to evaluate; in the older layout two files, queries first.",
)
@click.option(
    "--labelled-only",
    is_flag=True,
    help="Leave out rows of queries that are not in the ground truth; without this option they count as wrong.",
)
@json_option("one JSON object")
@message_options
def evaluate_command(
    ground_truth: Path,
    matching: Path | None,
    descriptors: tuple[Path, ...],
    labelled_only: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Evaluate a file as the challenge does: micro average precision and recalls."""
    if (matching is None) == (not descriptors) or len(descriptors) > 2:
        raise click.UsageError("give one file to evaluate: --matching FILE.csv, or --descriptors FILE.h5")
    if labelled_only and matching is None:
        raise click.UsageError("--labelled-only is for --matching; --descriptors searches only labelled queries anyway")
    from fingerprint.challenge import (
        evaluate_descriptors,
        evaluate_matches,
        read_descriptors,
        read_ground_truth,
        read_matches,
    )

    truth = read_ground_truth(ground_truth)
    if matching is not None:
        matches = read_matches(matching)
        metrics = evaluate_matches(matches.of_queries(truth.query_ids) if labelled_only else matches, truth)
    else:
        vectors = read_descriptors(*descriptors)
        with progress(quiet=quiet) as report:
            metrics = evaluate_descriptors(vectors, truth, partial(report, "queries"))
    figures = asdict(metrics)
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        exact = "none" if value is None else repr(value)  # a rounded threshold would leave out its own row
        click.echo(f"{name:<17} {exact if name == 'threshold_at_p90' else f'{value:.4f}'}")
