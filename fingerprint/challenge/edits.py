"""The table of what was done to queries, which sets have beside the ground truth."""

from __future__ import annotations

import os

from fingerprint.challenge.files import fault
from fingerprint.files.listfiles import open_list

EDITS_HEADER = ("query_id", "reference_id", "edits")


def read_edits(path: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Read the edits of queries.

    Parameters
    ----------
    path : path-like
        Lines with tabs between their fields, UTF-8: query, reference or nothing, edits joined by ``+`` or nothing. The
        header, ``query_id``, ``reference_id`` and ``edits``, may be missing.

    Returns
    -------
    dict of str to tuple of str
        The chain of each query, in the order of the file.

    Raises
    ------
    ChallengeFileError
        If the file cannot be read, a line has other fields, or a query is there twice.
    """
    edits: dict[str, tuple[str, ...]] = {}
    try:
        with open_list(path) as file:
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(path, "not a text file in UTF-8") from error
    except OSError as error:
        raise fault(path, f"cannot be read: {error.strerror or error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        fields = [field.strip() for field in line.split("\t")]
        if not any(fields) or tuple(fields) == EDITS_HEADER:
            continue
        if len(fields) != len(EDITS_HEADER):
            raise fault(path, f"{len(fields)} fields instead of 3: write query, reference and edits with tabs", number)
        if fields[0] in edits:
            raise fault(path, f"query {fields[0]!r} is there twice: remove one line", number)
        edits[fields[0]] = tuple(filter(None, fields[2].split("+")))
    return edits
