"""Vectors of any model on the command line: ``index export``, ``index import``, and files of vectors as queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    Command,
    NewFile,
    chosen_models,
    json_option,
    message_options,
    models_option,
    not_nan,
    verbose_option,
)
from fingerprint.cli._output import count, print_json, shown_name
from fingerprint.cli._progress import progress
from fingerprint.cli._table import Table, longest
from fingerprint.locations import Location, Url

if TYPE_CHECKING:
    from fingerprint.index import Neighbour, StoreInfo, VectorsInfo

_QUERIES_AT_ONCE = 1_024
#: Options of ``search`` that also apply to queries that are vectors; the others are only for images.
_FOR_VECTORS = ("n_results", "exact", "as_json", "models_folder", "n_workers", "quiet")
_ONLY_FOR_VECTORS = {"model_id": "--model-id", "max_distance": "--max-distance"}


def model_id_option(text: str) -> Callable[[Command], Command]:
    """Return the option ``--model-id``; `text` says what it is for."""
    return click.option("--model-id", metavar="ID", help=text)


@click.command("export", cls=ExampleCommand, examples=("fingerprint index export photos.fp vectors.npz",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("file", metavar="FILE", type=NewFile())
@model_id_option("The model whose vectors to write.  [default: the collection's own]")
@click.option(
    "--queries",
    metavar="FILE",
    type=EXISTING_FILE,
    help="Vectors of queries. With them an HDF5 file is a complete file of the challenge's Descriptor Track.",
)
@json_option("one JSON object")
@models_option
@verbose_option
def export_command(
    folder: Path, file: Path, model_id: str | None, queries: Path | None, as_json: bool, models_folder: Path | None
) -> None:
    """Write the vectors of a model to a file: .npz, .csv, or the challenge's .hdf5 or .h5.

    Without --queries an HDF5 file has only the half of the references.
    """
    from fingerprint.collection.collection import open_collection

    refuse_input(file, "FILE", files=(queries,), folders=(folder, models_folder))
    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        info = collection.info()
        name = info.model_id if model_id is None else model_id
        n_vectors = collection.export_vectors(file, model_id, queries=queries)
    if as_json:
        print_json({"collection": str(folder), "out": str(file), "model_id": name, "vectors": n_vectors})
    else:
        click.echo(f"{shown_name(file)}: {count(n_vectors, 'vector')} of {shown_name(name)}")


@click.command(
    "import", cls=ExampleCommand, examples=("fingerprint index import photos.fp learned.npz --model-id resnet50",)
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("file", metavar="FILE", type=EXISTING_FILE)
@model_id_option("Name of the model that made the vectors, any text.  [default: the one that the file names]")
@json_option("one JSON object")
@models_option
@message_options
def import_command(
    folder: Path, file: Path, model_id: str | None, as_json: bool, models_folder: Path | None, quiet: bool
) -> None:
    """Import vectors of another model into a collection: .npz, .csv, or the challenge's .hdf5 or .h5.

    Only queries that are vectors of the same model find them; searches for images never do. Unchanged vectors are not
    written again; a changed vector replaces the old one. After an interruption, the same command imports the missing
    ones.
    """
    from fingerprint.collection.collection import open_collection

    with (
        open_collection(folder, models=chosen_models(models_folder)) as collection,
        progress(quiet=quiet) as report,
    ):
        done = collection.import_vectors(file, model_id, progress=partial(report, "vectors"))
        stored = next(item for item in collection.info().imported if item.model_id == done.model_id)
    if as_json:
        print_json(
            {
                "collection": str(folder),
                "model_id": done.model_id,
                "added": done.added,
                "unchanged": done.unchanged,
                "replaced": done.replaced,
                "vectors": stored.vectors,
                "dimension": stored.dimension,
            }
        )
    else:
        outcome = f"{done.added:,} added, {done.unchanged:,} unchanged, {done.replaced:,} replaced"
        click.echo(f"{shown_name(folder)}: {outcome}; {_sizes(stored)}")


def imported_json(info: StoreInfo) -> list[dict[str, Any]]:
    """Return what was imported into a collection as JSON objects, one for each model."""
    return [
        {"model_id": i.model_id, "vectors": i.vectors, "dimension": i.dimension, "segments": i.segments}
        for i in info.imported
    ]


def print_imported(info: StoreInfo) -> None:
    """Print how many models were imported, and a line for each."""
    click.echo(f"{'imported':<20} {len(info.imported):,}")
    for item in info.imported:
        click.echo(f"  {_sizes(item)} in {count(item.segments, 'segment')}")


def _sizes(item: VectorsInfo) -> str:
    sizes = f"{count(item.vectors, 'vector')} of {count(item.dimension, 'dimension')}"
    return f"{shown_name(item.model_id)}: {sizes}"


def vector_search_options(command: Command) -> Command:
    """Add the options of ``search`` that are only for files of vectors."""
    model_id = model_id_option("For vectors: the model that made them.  [default: the one that the file names]")
    distance = click.option(
        "--max-distance",
        metavar="D",
        type=click.FloatRange(min=0),
        callback=not_nan("a distance is a number from 0 on"),
        help="For vectors: largest Euclidean distance of a reference.  [default: any]",
    )
    return model_id(distance(command))


def vector_queries(paths: Sequence[Location]) -> list[Path]:
    """Return the queries if they are files of vectors, else none; check that the options fit the kind of queries.

    Raises
    ------
    click.UsageError
        If there are queries of both kinds, an option is given that is for the other kind, or vectors by URL.
    """
    from click.core import ParameterSource

    from fingerprint.vectorfiles import is_vector_file

    ctx = click.get_current_context()
    files = [path for path in paths if is_vector_file(path) and not path.is_dir()]
    if files and isinstance(files[0], Url):
        raise click.UsageError(
            f"{shown_name(files[0])}: vectors are not read by URL: copy the file to this machine", ctx
        )
    if files and len(files) < len(paths):
        other = next(path for path in paths if path not in files)
        raise click.UsageError(
            f"{shown_name(files[0])} has vectors and {shown_name(other)} images: search for them in two commands", ctx
        )
    for parameter in ctx.command.params:
        name = str(parameter.name)
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and given and name in ctx.params:
            if files and name not in (*_FOR_VECTORS, *_ONLY_FOR_VECTORS):
                raise click.UsageError(f"{parameter.opts[-1]} is for images: leave it out if queries are vectors")
            if not files and name in _ONLY_FOR_VECTORS:
                raise click.UsageError(f"{parameter.opts[-1]} is for files of vectors: leave it out for images")
    return [path for path in files if isinstance(path, Path)]


def search_vectors(
    folder: Path,
    paths: Sequence[Path],
    model_id: str | None,
    n_results: int,
    max_distance: float | None,
    *,
    exact: bool,
    as_json: bool,
    models_folder: Path | None,
    quiet: bool,
) -> None:
    """Print for each query in files of vectors the references with the nearest vectors."""
    from fingerprint.collection.collection import open_collection
    from fingerprint.collection.vectors import model_of
    from fingerprint.vectorfiles import VectorSet, read_vectors

    with (
        open_collection(folder, models=chosen_models(models_folder)) as collection,
        progress(quiet=quiet, streams=True) as report,
    ):
        table: Table | None = None
        for path in paths:
            queries = read_vectors(path, queries=True)
            name = model_of(queries, model_id, path)
            for start in range(0, len(queries), _QUERIES_AT_ONCE):
                ids = queries.ids[start : start + _QUERIES_AT_ONCE]
                part = VectorSet(ids, queries.vectors[start : start + _QUERIES_AT_ONCE], queries.model_id)
                found = [
                    [match for match in own if max_distance is None or match.distance <= max_distance]
                    for own in collection.nearest(part, name, n_results=n_results, exact=exact)
                ]
                if as_json:
                    _print_objects(ids, found, name)
                else:
                    if table is None:
                        table = Table(longest(ids), longest(match.reference_id for own in found for match in own))
                        table.header(f"{'distance':>10}")
                    _print_rows(table, ids, found)
                report("queries", start + len(ids), len(queries))


def _print_objects(ids: Sequence[str], found: Sequence[Sequence[Neighbour]], model_id: str) -> None:
    for query, matches in zip(ids, found, strict=True):
        objects = [{"reference": match.reference_id, "distance": match.distance} for match in matches]
        print_json({"query": query, "model_id": model_id, "matches": objects})


def _print_rows(table: Table, ids: Sequence[str], found: Sequence[Sequence[Neighbour]]) -> None:
    for query, matches in zip(ids, found, strict=True):
        for match in matches:
            table.row(query, match.reference_id, f"{match.distance:>10.6f}")
        if not matches:
            table.note(query, "nothing found")
