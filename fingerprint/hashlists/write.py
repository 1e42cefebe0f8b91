"""Writing perceptual hashes, one record a line, in the forms that `read_hash_list` reads."""

from __future__ import annotations

import csv
import io
import json
import os
import re

from fingerprint.errors import ConfigError
from fingerprint.files.names import written_name
from fingerprint.hashes import PerceptualHash
from fingerprint.hashes.algorithms import algorithm_named

#: The first line of a file of `hash_record_csv` records.
CSV_HEADER = "path,algorithm,hash,quality"

_CSV_LINE_END = "\r\n"
#: Paths that a reader could misread at the start of a line, so they are quoted.
_MISTAKABLE = re.compile(r"\s|#|\{")


def hash_record_text(path: str | os.PathLike[str], value: PerceptualHash) -> str:
    r"""Return a hash as one line of text: hash, quality, algorithm and path, separated by tabs.

    Parameters
    ----------
    path : path-like
        The picture. A name with control characters or undecodable bytes is written as a JSON string, see
        `fingerprint.files.names.written_name`; `read_hash_list` reads back any name unchanged.
    value : PerceptualHash
        Its hash.

    Returns
    -------
    str
        Without line end; its only tabs are the three between the fields.

    Raises
    ------
    ConfigError
        There is no such algorithm, the hash is too long for it, or the quality is out of [0, 100].

    Examples
    --------
    >>> hash_record_text("a cat.jpg", PerceptualHash("phash", 255, 97)).split("\t")
    ['00000000000000ff', '97', 'phash', 'a cat.jpg']
    """
    algorithm, digits = _checked(path, value)
    return f"{digits}\t{value.quality}\t{algorithm}\t{written_name(os.fspath(path))}"


def hash_record_csv(path: str | os.PathLike[str], value: PerceptualHash) -> str:
    r"""Return a hash as a record of a CSV file that begins with `CSV_HEADER`.

    Parameters
    ----------
    path : path-like
        The picture, quoted where needed. A name with control characters or undecodable bytes is written as a JSON
        string, see `fingerprint.files.names.written_name`; `read_hash_list` reads back any name unchanged.
    value : PerceptualHash
        Its hash.

    Returns
    -------
    str
        Without line end.

    Raises
    ------
    ConfigError
        There is no such algorithm, the hash is too long for it, or the quality is out of [0, 100].

    Examples
    --------
    >>> print(CSV_HEADER, hash_record_csv("a,b.jpg", PerceptualHash("phash", 255, 97)), sep="\n")
    path,algorithm,hash,quality
    "a,b.jpg",phash,00000000000000ff,97
    """
    algorithm, digits = _checked(path, value)
    name = written_name(os.fspath(path))
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_ALL if _MISTAKABLE.match(name) else csv.QUOTE_MINIMAL).writerow([name])
    return f"{line.getvalue().removesuffix(_CSV_LINE_END)},{algorithm},{digits},{value.quality}"


def hash_record_json(path: str | os.PathLike[str], value: PerceptualHash) -> str:
    """Return a hash as a JSON object in ASCII; any path is read back unchanged.

    Parameters
    ----------
    path : path-like
        The picture.
    value : PerceptualHash
        Its hash.

    Returns
    -------
    str
        With the keys path, algorithm, hash and quality; without line end.

    Raises
    ------
    ConfigError
        There is no such algorithm, the hash is too long for it, or the quality is out of [0, 100].

    Examples
    --------
    >>> print(hash_record_json("cat.jpg", PerceptualHash("phash", 255, 97)))
    {"path": "cat.jpg", "algorithm": "phash", "hash": "00000000000000ff", "quality": 97}
    """
    algorithm, digits = _checked(path, value)
    record = {"path": os.fspath(path), "algorithm": algorithm, "hash": digits, "quality": value.quality}
    return json.dumps(record)


def _checked(path: str | os.PathLike[str], value: PerceptualHash) -> tuple[str, str]:
    """Return the name of the algorithm and the hex digits of a hash, checked so that they can be read back."""
    algorithm = algorithm_named(value.algorithm)
    if not 0 <= value.value < 1 << algorithm.n_bits:
        what = f"a hash of {algorithm.name} is a number of {algorithm.n_bits} bits, not {value.value:#x}"
        raise ConfigError(f"{written_name(os.fspath(path))}: {what}")
    if not 0 <= value.quality <= 100:
        raise ConfigError(f"{written_name(os.fspath(path))}: a quality lies in 0..100, not {value.quality}")
    return algorithm.name, f"{value.value:0{algorithm.n_digits}x}"
