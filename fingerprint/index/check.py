"""Whether everything in a collection is as it was written."""

from __future__ import annotations

from pathlib import Path

from fingerprint.errors import CollectionCorruptError, CollectionError
from fingerprint.index.catalogue import CATALOGUE_NAME, Catalogue
from fingerprint.index.layout import open_listed, read_manifest, segment_folder
from fingerprint.index.segment import segment_problems


def check_store(folder: Path) -> list[str]:
    """Compare every file of a collection with its digest and the catalogue with the segments, and open it all.

    Returns
    -------
    list of str
        What is wrong, one sentence each; empty if all is sound.

    Raises
    ------
    CollectionNotFoundError
        If there is no collection in `folder`.
    """
    try:
        manifest = read_manifest(folder)
        catalogue = Catalogue(folder / CATALOGUE_NAME)
    except CollectionCorruptError as error:
        return [str(error)]
    try:
        problems = catalogue.problems()
        if problems:
            return problems
        with catalogue.moment():
            segments, rows = catalogue.segments(), catalogue.rows()
    except CollectionCorruptError as error:
        return [str(error)]
    finally:
        catalogue.close()
    for number, n_rows in segments:
        found = segment_problems(segment_folder(folder, number))
        if not found:
            try:
                open_listed(folder, number, n_rows, manifest["model_id"]).trees.close()
            except CollectionError as error:
                found = [str(error)]
        problems += found
        listed = [row for segment, row, _, _ in rows if segment == number]
        if listed != list(range(n_rows)):
            problems.append(f"{folder / CATALOGUE_NAME}: the rows of segment {number} are not 0 to {n_rows - 1}")
    return problems
