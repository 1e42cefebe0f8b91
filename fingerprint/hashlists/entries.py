"""What the fields of a line mean: which of them is the hash, and what the others say of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fingerprint.hashes.algorithms import ALGORITHMS, HashAlgorithm
from fingerprint.hashlists.lists import UNKNOWN_QUALITY


def _plain_name(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


#: A quality where nothing but its place says that it is one.
QUALITY = "100|[1-9]?[0-9]"
#: Names of a column of hashes whose algorithm is told elsewhere, and of ids, the most telling first.
_HASH_NAME = "hash"
_ID_NAMES = ("id", "path", "filename", "file", "name")
#: Algorithms that a hash is taken for if nothing but its length tells: the usual ones.
_GUESSED = {ALGORITHMS[name].n_digits: ALGORITHMS[name] for name in ("pdq", "phash")}
#: Algorithms by what they are called in columns and fields: ``pdq``, ``pdqhash``, ``dhash_vertical`` and so on.
_NAMED = {_plain_name(name) + more: algorithm for name, algorithm in ALGORITHMS.items() for more in ("", "hash")}
#: Hex digits, as many as some algorithm has.
ANY_HASH = "|".join(f"[0-9a-fA-F]{{{n}}}" for n in sorted({a.n_digits for a in ALGORITHMS.values()}, reverse=True))
_ANY_HASH = re.compile(ANY_HASH)
_HASH_WORD = re.compile(rf"(?<!\S)(?:{ANY_HASH})(?!\S)")
_HEX = re.compile("[0-9a-fA-F]+")
_WRITTEN_QUALITY = re.compile(r"([0-9]{1,3})(?:\.0*)?")
_USUAL_QUALITIES = {str(quality): quality for quality in range(101)}
_N_DIGITS = {name: algorithm.n_digits for name, algorithm in ALGORITHMS.items()}
_LONGEST_NAME = 32
_NAME = re.compile("[A-Za-z_-]+")
_SHOWN = 40
#: Hex digits from which on a field that has no hash's length was perhaps meant to be one.
_MEANT = 8


class MalformedError(Exception):
    """A line cannot be used; the text is the reason."""


class Entry(NamedTuple):
    """One hash of a list.

    Attributes
    ----------
    algorithm : str
        Name in `ALGORITHMS`.
    digits : str
        Hex digits, as many as the algorithm has, of either case.
    identifier : str
        May be empty.
    quality : int
        [0, 100], or -1 for unknown.
    """

    algorithm: str
    digits: str
    identifier: str
    quality: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table mean what, by their names.

    Attributes
    ----------
    names : tuple of str
        Of all columns, unknown ones included, as they are written.
    hashes : tuple of (int, HashAlgorithm or None)
        Columns of hashes, at least one, with the algorithm that their name tells.
    identifier, quality, algorithm : int or None
        The column, if there is one.
    """

    names: tuple[str, ...]
    hashes: tuple[tuple[int, HashAlgorithm | None], ...]
    identifier: int | None
    quality: int | None
    algorithm: int | None

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.names)

    def entries(self, row: Sequence[str], told: HashAlgorithm | None) -> list[Entry]:
        """Return the hashes of a row; none if all its cells for hashes are empty.

        Parameters
        ----------
        row : sequence of str
            Cells; those that are missing at the end count as empty.
        told : HashAlgorithm or None
            Of hashes for which neither column nor row tells an algorithm.

        Returns
        -------
        list of Entry
            In the order of the columns.

        Raises
        ------
        MalformedError
            A hash, the quality or the algorithm is not what it should be, or there are more cells than columns.
        """
        if len(row) > len(self.names) and any(cell.strip() for cell in row[len(self.names) :]):
            raise MalformedError(f"{len(row)} fields for {self.n} columns: quote what holds the separator")
        quality = _written_quality(_cell(row, self.quality))
        identifier = _cell(row, self.identifier)
        named = _told_algorithm(_cell(row, self.algorithm)) or told
        found = [(_cell(row, column).strip(), own or named) for column, own in self.hashes]
        return [checked_entry(digits, algorithm, identifier, quality) for digits, algorithm in found if digits]


@lru_cache(256)
def columns_of(names: tuple[str, ...]) -> Columns | None:
    """Return what columns of these names mean, or None if none of them is known to hold hashes."""
    known = [name.strip().lower() for name in names]
    hashes = [(column, _algorithm_of(name)) for column, name in enumerate(known)]
    hashes = [(column, own) for column, own in hashes if own is not None or known[column] == _HASH_NAME]
    if not hashes:
        return None
    places = {name: column for column, name in reversed(list(enumerate(known)))}
    identifier = next((places[name] for name in _ID_NAMES if name in places), None)
    return Columns(names, tuple(hashes), identifier, places.get("quality"), places.get("algorithm"))


def header_columns(fields: Sequence[str], *, strict: bool) -> Columns | None:
    """Return what the columns under a line mean, or None if it is no header.

    Parameters
    ----------
    fields : sequence of str
        Of the line.
    strict : bool
        Whether a header may not name a column that is unknown. Otherwise any sentence with the word "hash" would be one
        where blanks separate, and a damaged line could be one in the midst of a list.

    Returns
    -------
    Columns or None
    """
    if any(len(field.strip()) >= _MEANT and _HEX.fullmatch(field.strip()) for field in fields):
        return None
    others = (*_ID_NAMES, _HASH_NAME, "quality", "algorithm")
    if strict and any(field.lower() not in others and _algorithm_of(field) is None for field in fields):
        return None
    return columns_of(tuple(fields))


def entry_of_fields(fields: Sequence[str], told: HashAlgorithm | None) -> Entry | None:
    """Return the hash in the fields of a line that no header explains, or None if no field can be one.

    Parameters
    ----------
    fields : sequence of str
        In any order.
    told : HashAlgorithm or None
        Of the hash, unless a field is the name of an algorithm.

    Returns
    -------
    Entry or None

    Raises
    ------
    MalformedError
        Several different fields can be the hash, or it has more bits than its algorithm.
    """
    cells = [field.strip() for field in fields]
    names = [_algorithm_of(cell) for cell in cells]
    named = next((column for column, known in enumerate(names) if known is not None), None)
    algorithm = told if named is None else names[named]
    lengths = _GUESSED if algorithm is None else (_N_DIGITS[algorithm.name],)
    hashes = [column for column, cell in enumerate(cells) if len(cell) in lengths and _HEX.fullmatch(cell)]
    if not hashes:
        return None
    place = hashes[0]
    digits = cells[place]
    if len(hashes) > 1 and {cells[column].lower() for column in hashes} != {digits.lower()}:
        raise MalformedError(
            f"fields {hashes[0] + 1} and {hashes[1] + 1} can both be the hash: tell the algorithm, or name the columns "
            "in a first line"
        )
    quality, used = UNKNOWN_QUALITY, {place, named}
    after = place + 2 if named == place + 1 else place + 1
    if len(cells) > 2 and after < len(cells) and cells[after] in _USUAL_QUALITIES:
        quality = _USUAL_QUALITIES[cells[after]]
        used.add(after)
    identifier = next((field for column, field in enumerate(fields) if field and column not in used), "")
    return checked_entry(digits, algorithm, identifier, quality)


def blank_separated(text: str) -> list[str]:
    """Split a line at blanks, but keep together what stands before the hash, and what follows on what tells of it."""
    words = text.split()
    hashes = {word.lower() for word in words if len(word) >= _MEANT and _ANY_HASH.fullmatch(word)}
    if len(hashes) != 1 or len(words) == 1 or (found := _HASH_WORD.search(text)) is None:
        return words
    head, tail = text[: found.start()].strip(), text[found.end() :].strip()
    fields = [head, found[0]] if head else [found[0]]
    for tells in (_algorithm_of, _USUAL_QUALITIES.get, _algorithm_of):
        first, *rest = tail.split(None, 1) or [""]
        if tells(first) is not None:
            fields.append(first)
            tail = rest[0] if rest else ""
    return [*fields, tail] if tail else fields


def no_hash(text: str, fields: Sequence[str], told: HashAlgorithm | None) -> MalformedError:
    """Return the error for a line in which no field can be the hash."""
    meant = max((field.strip() for field in fields if _HEX.fullmatch(field.strip())), key=len, default="")
    if len(meant) >= _MEANT:
        named = next(filter(None, map(_algorithm_of, fields)), told)
        return MalformedError(_length_fault(meant, named))
    return MalformedError(f"no hash in {quoted(text)}")


def checked_entry(digits: str, algorithm: HashAlgorithm | None, identifier: str, quality: int) -> Entry:
    """Return a hash with what is known of it, its algorithm guessed from its length if it is None.

    Raises
    ------
    MalformedError
        The digits are none, too many, too few, or stand for more bits than the algorithm has.
    """
    if not _HEX.fullmatch(digits):
        raise MalformedError(f"{quoted(digits)} is no hash in hex")
    taken = _GUESSED.get(len(digits)) if algorithm is None else algorithm
    if taken is None or len(digits) != _N_DIGITS[taken.name]:
        raise MalformedError(_length_fault(digits, taken))
    if taken.n_bits % 4 and int(digits, 16) >> taken.n_bits:
        raise MalformedError(f"{quoted(digits)} has more than the {taken.n_bits} bits of {taken.name}")
    return Entry(taken.name, digits, identifier, quality)


def quoted(text: str) -> str:
    """Return the beginning of a text as a message may show it: in quotation marks, on one line, escaped."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def _length_fault(digits: str, algorithm: HashAlgorithm | None) -> str:
    fault = f"{quoted(digits)} has {len(digits)} hex digits"
    if algorithm is not None:
        return f"{fault}, a hash of {algorithm.name} has {algorithm.n_digits}"
    fitting = ", ".join(known.name for known in ALGORITHMS.values() if known.n_digits == len(digits))
    if fitting:
        return f"{fault}: tell the algorithm if it is a hash of {fitting}"
    return f"{fault}, a hash has {' or '.join(map(str, sorted(_GUESSED)))}"


def _cell(row: Sequence[str], column: int | None) -> str:
    return "" if column is None or column >= len(row) else row[column]


def _written_quality(cell: str) -> int:
    """Return the quality that a column holds; ``97.0`` is whole, as tables with gaps are written that way."""
    if (quality := _USUAL_QUALITIES.get(cell)) is not None:
        return quality
    cell = cell.strip()
    if not cell:
        return UNKNOWN_QUALITY
    if (match := _WRITTEN_QUALITY.fullmatch(cell)) is None or int(match[1]) > 100:
        raise MalformedError(f"the quality is {quoted(cell)}: a whole number from 0 to 100, or nothing")
    return int(match[1])


def _told_algorithm(cell: str) -> HashAlgorithm | None:
    """Return the algorithm that a column holds, None for an empty cell."""
    if (algorithm := _NAMED.get(cell)) is not None:
        return algorithm
    if not cell.strip():
        return None
    if (algorithm := _algorithm_of(cell)) is None:
        raise MalformedError(f"no hash algorithm is called {quoted(cell)}; there are {', '.join(ALGORITHMS)}")
    return algorithm


def _algorithm_of(field: str) -> HashAlgorithm | None:
    """Return the algorithm of this name, None if it is none; `algorithm_named` is too slow to ask for every field."""
    if len(field) > _LONGEST_NAME or not _NAME.fullmatch(name := field.strip()):
        return None
    return _NAMED.get(_plain_name(name))
