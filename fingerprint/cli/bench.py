"""``fingerprint bench``: sets, methods of others and ours on the same files, and comparisons."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import listed_files, note_ignored
from fingerprint.cli._options import (
    EXISTING_FOLDER,
    FOLDER,
    LOCAL_IMAGES,
    Count,
    chosen_models,
    json_option,
    message_options,
    models_option,
    workers_option,
)
from fingerprint.cli._output import (
    count,
    finish,
    leave_after_skips,
    list_on_stderr,
    print_json,
    shown,
    shown_name,
    skipped_json,
)
from fingerprint.cli._progress import progress
from fingerprint.errors import ConfigError, FingerprintError

_ALL = "all"
_EDIT_PROFILES = (
    "mild",
    "challenge",
    "wide",
    "unseen",
    "hard",
    "augly",
)  # as in fingerprint.bench, which --help does not load


@click.group("bench", short_help="Judge any methods on the same files.")
def bench_group() -> None:
    """Judge any methods of copy detection on the same files: hashes, SIFT, this package, networks, your own vectors.

    A set is a folder with train/, references/, queries/, ground_truth.csv and edits.tsv; only train/ and edits.tsv may
    be missing.
    """


@bench_group.command(
    "make",
    short_help="Make a set from photographs.",
    cls=ExampleCommand,
    examples=(
        "fingerprint bench make photographs/ --out set/",
        "fingerprint bench make photographs/ --out hard/ --profile hard --seed 2 --look-alikes",
    ),
)
@click.argument("paths", metavar="IMAGES...", nargs=-1, required=True, type=LOCAL_IMAGES)
@click.option("--out", metavar="DIR", required=True, type=FOLDER, help="New folder for the set.")
@click.option(
    "--profile",
    type=click.Choice(_EDIT_PROFILES),
    default="challenge",
    show_default=True,
    help="Edits of the queries: light ones, the challenge's, those of phones and filter apps, those of them that "
    "models are not trained on, ones that leave little, or AugLy's own, where it is installed.",
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Of all chance.")
@click.option(
    "--edits",
    "n_edits",
    metavar="MIN MAX",
    nargs=2,
    type=click.IntRange(1, 5),
    default=(1, 5),
    show_default=True,
    help="Fewest and most edits of a query.",
)
@click.option(
    "--side",
    metavar="N",
    type=click.IntRange(64, 8192),
    default=512,
    show_default=True,
    help="Longer side of references and training images, in pixels; larger photographs are reduced.",
)
@click.option(
    "--look-alikes",
    is_flag=True,
    help="Search the photographs for other shots of one scene, and make queries of them that match nothing.",
)
@json_option("one JSON object")
@models_option
@workers_option
@message_options
def make_command(
    paths: tuple[Path, ...],
    out: Path,
    profile: str,
    seed: int,
    n_edits: tuple[int, int],
    side: int,
    look_alikes: bool,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Make a set from photographs: training images, references, and edited queries, half of which match nothing.

    Photographs that are nearly equal are used once. The same photographs and options give the same set. Look at
    contact-sheet.jpg in it before you measure anything.
    """
    from fingerprint.bench.making import MakeOptions, make_set

    images, unread, ignored = listed_files(paths)
    options = MakeOptions(profile=profile, seed=seed, n_edits=n_edits, side=side, look_alikes=look_alikes)
    with progress(quiet=quiet) as report:
        made = make_set(
            images,
            out,
            options,
            models=chosen_models(models_folder) if models_folder is not None else None,
            command=shlex.join(["fingerprint", *sys.argv[1:]]),
            n_workers=n_workers,
            progress=report,
        )
    skipped = (*made.skipped, *unread)
    if as_json:
        figures = {name: value for name, value in asdict(made).items() if name != "skipped"}
        print_json({"out": str(out), **figures, "skipped": skipped_json(skipped)})
    else:
        queries = f"{count(made.copies, 'copy', 'copies')} and {count(made.strangers, 'stranger')}"
        like = f", {made.look_alikes:,} of them look-alikes" if look_alikes else ""
        click.echo(
            f"{shown_name(out)}: {count(made.references, 'reference')}, {made.train:,} training images, "
            f"{queries}{like}; {made.left_out:,} left out as copies of others"
        )
    note_ignored(ignored, quiet=quiet)
    finish(skipped)


@bench_group.command(
    "run",
    short_help="Run methods on a set.",
    cls=ExampleCommand,
    examples=(
        "fingerprint bench run set/ --method pdq --method matching-track-standard --results results/",
        "fingerprint bench run set/ --method onnx:sscd.toml --results results/",
        "fingerprint bench run set/ --method vectors:mine.npz --name mine --results results/",
    ),
)
@click.argument("set_folder", metavar="SET", type=EXISTING_FOLDER)
@click.option(
    "--method",
    "specs",
    metavar="METHOD",
    multiple=True,
    required=True,
    help="phash, dhash, pdq, gist256, vlad, sift-ratio, sift-asmk, descriptor-track, matching-track-PROFILE, "
    "onnx:FILE.toml, vectors:FILE, the name of one that a package adds, or all: those of the package. Repeat it.",
)
@click.option("--results", metavar="DIR", required=True, type=FOLDER, help="Folder of results; made if it is missing.")
@click.option("--name", metavar="NAME", help="Name of the row in tables, for one method.  [default: the method's name]")
@click.option("--again", is_flag=True, help="Run again what has a result, or was interrupted, from the beginning.")
@json_option("one JSON object for each method")
@models_option
@workers_option
@message_options
def run_command(
    set_folder: Path,
    specs: tuple[str, ...],
    results: Path,
    name: str | None,
    again: bool,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Run methods on a set and keep their vectors, scored pairs and costs as files.

    A result that is there is not made again, and an interrupted run goes on. A method that fails does not keep the
    others from running. All methods are searched exactly, and a
    query keeps its 10 best references.
    """
    from fingerprint.bench.files import RESULT_NAME, folder_of_set
    from fingerprint.bench.registry import PLAIN, make_method, short_name
    from fingerprint.bench.running import run_method
    from fingerprint.bench.sets import open_set

    chosen = list(dict.fromkeys(one for spec in specs for one in (PLAIN if spec == _ALL else (spec,))))
    if name is not None and (len(chosen) != 1 or name in PLAIN or Path(name).name != name or name.startswith(".")):
        raise click.UsageError(
            "--name goes with one --method, and is a plain name, not that of a method of the package"
        )
    names = {spec: name or short_name(spec) for spec in chosen}
    if len(set(names.values())) < len(names):
        raise click.UsageError("two methods would have the same name: run one of them with --name")
    bench_set = open_set(set_folder)
    models = chosen_models(models_folder) if models_folder is not None else None
    methods = [(names[spec], make_method(spec, bench_set, models)) for spec in chosen]
    skipped, failed = [], []
    with progress(quiet=quiet, streams=True) as report:
        for row, method in methods:
            was_there = not again and (folder_of_set(results, bench_set) / row / RESULT_NAME).exists()
            try:
                result = run_method(
                    bench_set,
                    row,
                    method,
                    results,
                    command=shlex.join(["fingerprint", *sys.argv[1:]]),
                    again=again,
                    n_workers=n_workers,
                    progress=report,
                )
            except FingerprintError as error:
                if len(methods) == 1:
                    raise
                failed.append(f"{row}: {shown(str(error))}")
                continue
            skipped += [f"{row}: {shown(path)}: {shown(reason)}" for path, reason in result.facts.get("skipped") or ()]
            if as_json:
                print_json({"folder": str(result.folder), **result.facts})
            else:
                rows = f"{count(len(result.rows), 'row')} to compare"
                click.echo(f"{shown_name(result.folder)}: {rows}{', made before' if was_there else ''}")
    if failed:
        list_on_stderr(f"no result of {count(len(failed), 'method')}", failed)
    if skipped:
        list_on_stderr(
            f"skipped {count(len(skipped), 'picture')}: figures of methods that were judged on other pictures do not "
            "compare",
            skipped,
        )
    if failed:
        raise ConfigError(f"{len(failed)} of {len(methods)} methods failed, see above; the others have results")
    if skipped:
        leave_after_skips(len(skipped))


@bench_group.command(
    "compare",
    short_help="Compare the results on a set.",
    cls=ExampleCommand,
    examples=(
        "fingerprint bench compare results/",
        "fingerprint bench compare results/ --method pdq --method onnx-sscd --out comparison/",
    ),
)
@click.argument("results", metavar="RESULTS", type=EXISTING_FOLDER)
@click.option(
    "--set", "set_name", metavar="NAME", help="Which set, if there are results on several: its folder's name."
)
@click.option("--method", "names", metavar="NAME", multiple=True, help="Compare only these; repeat it.")
@click.option(
    "--out",
    metavar="DIR",
    type=FOLDER,
    help="Write comparison.md, .csv, .json and .html there, and pictures if matplotlib is installed.",
)
@click.option(
    "--resamples",
    metavar="N",
    type=Count(min=20),
    default=1000,
    show_default=True,
    help="Resamples of the queries for intervals and tests.",
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Of the resamples.")
@json_option("one JSON object")
@message_options
def compare_command(
    results: Path,
    set_name: str | None,
    names: tuple[str, ...],
    out: Path | None,
    resamples: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Judge results again from their files, and compare them: metrics with intervals, costs, recall by kind of edit.

    RESULTS is the folder that 'bench run' was given; the pictures are not needed.
    """
    from fingerprint.bench import tables
    from fingerprint.bench.files import read_set
    from fingerprint.bench.judging import differences, judge

    found = read_set(_set_folder(results, set_name), names)
    rows = judge(found, resamples, seed)
    gaps = differences(rows)
    if as_json:
        print_json(tables.as_json(found, rows, gaps))
    else:
        for line in tables.text(rows):
            click.echo(shown(line))
    if incomplete := tables.incomplete(found):
        list_on_stderr(
            "these were not judged on all pictures, so their figures do not compare with the others", incomplete
        )
    if out is not None:
        _write(out, quiet=quiet, found=found, rows=rows, gaps=gaps)


def _set_folder(results: Path, name: str | None) -> Path:
    from fingerprint.bench.files import find_sets

    sets = {path.name: path for path in find_sets(results)}
    if name is not None:
        if name not in sets:
            raise ConfigError(f"{results}: no results on {name!r}; there are {', '.join(sets) or 'none'}")
        return sets[name]
    if not sets:
        raise ConfigError(f"{results}: no results in it: give the folder that 'fingerprint bench run' was given")
    if len(sets) != 1:
        raise ConfigError(f"{results}: results on {len(sets)} sets ({', '.join(sets)}): choose one with --set")
    return next(iter(sets.values()))


def _write(out: Path, *, quiet: bool, found, rows, gaps) -> None:  # type: ignore[no-untyped-def]
    from fingerprint.bench import tables
    from fingerprint.bench.judging import copies_by_edit
    from fingerprint.bench.plots import CURVES, HEAT, plots
    from fingerprint.files import atomic

    picture_names = {HEAT: "heat-map.png", CURVES: "curves.png"}
    out.mkdir(parents=True, exist_ok=True)
    pictures = plots(rows, copies_by_edit(found))
    if not pictures and not quiet:
        click.echo("fingerprint: no pictures without matplotlib: pip install 'copyprint[plots]'", err=True)
    files = {
        "comparison.md": tables.markdown(found, rows, gaps).encode(),
        "comparison.csv": tables.as_csv(rows).encode(),
        "comparison.json": tables.to_json(tables.as_json(found, rows, gaps)).encode(),
        "comparison.html": tables.html(found, rows, gaps, pictures).encode(),
        **{name: pictures[key] for key, name in picture_names.items() if key in pictures},
    }
    for name in picture_names.values():
        if name not in files:  # one that is there is of another comparison
            (out / name).unlink(missing_ok=True)
    for name, data in files.items():
        atomic.replace_bytes(out / name, data)
        click.echo(f"{shown_name(out / name)}", err=True)
