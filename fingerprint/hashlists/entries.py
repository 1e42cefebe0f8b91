"""The meaning of the fields of a line: which one is the hash, and which are its id, quality and algorithm."""

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


#: A quality that is recognised only by its position.
QUALITY = "100|[1-9]?[0-9]"
#: Names of a column of hashes that does not name the algorithm, and of columns of ids, the most specific first.
_HASH_NAME = "hash"
_ID_NAMES = ("id", "path", "filename", "file", "name")
#: ThreatExchange calls a hash an indicator, and its algorithm a type such as HASH_PDQ.
_INDICATOR = "indicator"
_TYPE_NAMES = ("type", "signal_type")
_TYPE_PREFIX = "hash"
#: The usual algorithm for each length, assumed when only the length is known.
_GUESSED = {ALGORITHMS[name].n_digits: ALGORITHMS[name] for name in ("pdq", "phash")}
#: Algorithms by their names in columns and fields: ``pdq``, ``pdqhash``, ``dhash_vertical`` and so on.
_NAMED = {
    before + _plain_name(name) + after: algorithm
    for name, algorithm in ALGORITHMS.items()
    for before, after in (("", ""), ("", "hash"), (_TYPE_PREFIX, ""))
}
#: As many hex digits as one of the algorithms has.
ANY_HASH = "|".join(f"[0-9a-fA-F]{{{n}}}" for n in sorted({a.n_digits for a in ALGORITHMS.values()}, reverse=True))
_ANY_HASH = re.compile(ANY_HASH)
_HASH_WORD = re.compile(rf"(?<![^ \t])(?:{ANY_HASH})(?![^ \t])")
_HEX = re.compile("[0-9a-fA-F]+")
_WRITTEN_QUALITY = re.compile(r"([0-9]{1,3})(?:\.0*)?")
_USUAL_QUALITIES = {str(quality): quality for quality in range(101)}
_N_DIGITS = {name: algorithm.n_digits for name, algorithm in ALGORITHMS.items()}
_LONGEST_NAME = 32
_NAME = re.compile("[A-Za-z_-]+")
_BLANKS = " \t"
_SHOWN = 40
#: A field of at least so many hex digits was probably meant as a hash, even if no hash has its length.
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
    """The meaning of the columns of a table, by their names.

    Attributes
    ----------
    names : tuple of str
        Of all columns, unknown ones included, as they are written.
    hashes : tuple of (int, HashAlgorithm or None)
        Columns of hashes, at least one, each with the algorithm that its name gives.
    identifiers : tuple of int
        Columns of ids, of which the first that is not empty in a row counts. If no column is named as one, it is the
        first column of an unknown name.
    quality, algorithm : int or None
        The column, if there is one.
    """

    names: tuple[str, ...]
    hashes: tuple[tuple[int, HashAlgorithm | None], ...]
    identifiers: tuple[int, ...]
    quality: int | None
    algorithm: int | None

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.names)

    def entries(self, row: Sequence[str], default: HashAlgorithm | None) -> list[Entry]:
        """Return the hashes of a row; none if all its cells for hashes are empty.

        Parameters
        ----------
        row : sequence of str
            Cells; those that are missing at the end count as empty.
        default : HashAlgorithm or None
            Algorithm of hashes for which neither column nor row names one.

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
            raise MalformedError(f"{len(row)} fields for {self.n} columns: quote fields that hold the separator")
        quality = _written_quality(_cell(row, self.quality))
        identifier = next(filter(None, (_cell(row, column) for column in self.identifiers)), "")
        named = _named_algorithm(_cell(row, self.algorithm)) or default
        found = [(_cell(row, column).strip(), of_column or named) for column, of_column in self.hashes]
        return [checked_entry(digits, algorithm, identifier, quality) for digits, algorithm in found if digits]


@lru_cache(256)
def columns_of(names: tuple[str, ...]) -> Columns | None:
    """Return the meaning of columns of these names, or None if none of them holds hashes."""
    known = [name.strip().lower() for name in names]
    hashes = [(column, _algorithm_of(name)) for column, name in enumerate(known)]
    hashes = [(column, named) for column, named in hashes if named is not None or known[column] == _HASH_NAME]
    positions = {name: column for column, name in reversed(list(enumerate(known)))}
    kind = next((positions[name] for name in _TYPE_NAMES if name in positions), None)
    if not hashes and _INDICATOR in positions and kind is not None:
        hashes, positions["algorithm"] = [(positions[_INDICATOR], None)], kind
    if not hashes:
        return None
    identifiers = [positions[name] for name in _ID_NAMES if name in positions]
    if not identifiers:
        used = {column for column, _ in hashes} | {positions.get(name) for name in ("quality", "algorithm")}
        identifiers = [column for column in range(len(known)) if column not in used][:1]
    return Columns(names, tuple(hashes), tuple(identifiers), positions.get("quality"), positions.get("algorithm"))


def header_columns(fields: Sequence[str], *, strict: bool) -> Columns | None:
    """Return the columns that a header names, or None if the line is no header.

    Parameters
    ----------
    fields : sequence of str
        Of the line.
    strict : bool
        Whether a header may name only known columns. Otherwise, where blanks separate fields, any sentence with the
        word "hash" would be a header, and so could a damaged line in the middle of a list.

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


def entry_of_fields(
    fields: Sequence[str], default: HashAlgorithm | None, raw: tuple[str, Sequence[str]] | None = None
) -> Entry | None:
    """Return the hash in the fields of a line outside a table, or None if no field can be one.

    Parameters
    ----------
    fields : sequence of str
        In any order.
    default : HashAlgorithm or None
        Algorithm of the hash, unless a field names one.
    raw : (str, sequence of str), optional
        The separator, and the fields with all their blanks: then several fields beside each other are one id that holds
        the separator. Not given if the line has quotation marks, or if no id holds the separator.

    Returns
    -------
    Entry or None

    Raises
    ------
    MalformedError
        Several different fields can be the hash or the id, or the hash has more bits than its algorithm.
    """
    cells = [field.strip(_BLANKS) for field in fields]
    names = [_algorithm_of(cell) for cell in cells]
    named = next((column for column, known in enumerate(names) if known is not None), None)
    algorithm = default if named is None else names[named]
    lengths = _GUESSED if algorithm is None else (_N_DIGITS[algorithm.name],)
    hashes = [column for column, cell in enumerate(cells) if len(cell) in lengths and _HEX.fullmatch(cell)]
    if not hashes:
        return None
    position = hashes[0]
    digits = cells[position]
    if len(hashes) > 1 and {cells[column].lower() for column in hashes} != {digits.lower()}:
        raise MalformedError(
            f"fields {hashes[0] + 1} and {hashes[1] + 1} can both be the hash: name the columns in a header line"
        )
    quality, used = UNKNOWN_QUALITY, {position, named}
    after = position + 2 if named == position + 1 else position + 1
    if len(cells) > 2 and after < len(cells) and cells[after] in _USUAL_QUALITIES:
        quality = _USUAL_QUALITIES[cells[after]]
        used.add(after)
    others = [column for column, cell in enumerate(cells) if cell and column not in used]
    if len(others) < 2:
        blank = next((field for column, field in enumerate(fields) if field and column not in used), "")
        return checked_entry(digits, algorithm, fields[others[0]] if others else blank, quality)
    first, last = others[0], others[-1]
    numbers = [column for column in others if cells[column].isdecimal()]
    within = used & set(range(first, last + 1))
    if raw is None or within or first in numbers or last in numbers:
        raise MalformedError(
            f"fields {first + 1} and {others[1] + 1} can both be the id: quote an id that holds the separator, or name "
            "the columns in a header line"
        )
    separator, untouched = raw
    return checked_entry(digits, algorithm, separator.join(untouched[first : last + 1]).lstrip(" "), quality)


def blank_separated(text: str) -> list[str]:
    """Split a line at blanks, but not the text before the hash, nor the text after its algorithm and quality."""
    words = blank_words(text)
    hashes = {word.lower() for word in words if len(word) >= _MEANT and _ANY_HASH.fullmatch(word)}
    if len(hashes) != 1 or len(words) == 1 or (found := _HASH_WORD.search(text)) is None:
        return words
    head, tail = text[: found.start()].strip(_BLANKS), text[found.end() :].strip(_BLANKS)
    head = head.removesuffix(":").rstrip(_BLANKS)
    fields = [head, found[0]] if head else [found[0]]
    for recognise in (_algorithm_of, _USUAL_QUALITIES.get, _algorithm_of):
        first, *rest = blank_words(tail, 1) or [""]
        if recognise(first) is not None:
            fields.append(first)
            tail = rest[0] if rest else ""
    return [*fields, tail] if tail else fields


def blank_words(text: str, most_splits: int = 0) -> list[str]:
    """Split a text at spaces and tabs; other kinds of blanks, such as narrow ones, belong to names."""
    bare = text.strip(_BLANKS)
    return re.split(r"[ \t]+", bare, maxsplit=most_splits) if bare else []


def no_hash(text: str, fields: Sequence[str], default: HashAlgorithm | None) -> MalformedError:
    """Return the error for a line in which no field can be the hash."""
    meant = max((field.strip() for field in fields if _HEX.fullmatch(field.strip())), key=len, default="")
    if len(meant) >= _MEANT:
        named = next(filter(None, map(_algorithm_of, fields)), default)
        return MalformedError(_length_fault(meant, named))
    return MalformedError(f"no hash in {quoted(text)}")


def checked_entry(digits: str, algorithm: HashAlgorithm | None, identifier: str, quality: int) -> Entry:
    """Return a hash as an entry; without a given algorithm, its length decides which one it is.

    Raises
    ------
    MalformedError
        The digits are not hexadecimal, too many or too few, or have more bits than the algorithm.
    """
    if not _HEX.fullmatch(digits):
        raise MalformedError(f"{quoted(digits)} is no hash in hex")
    chosen = _GUESSED.get(len(digits)) if algorithm is None else algorithm
    if chosen is None or len(digits) != _N_DIGITS[chosen.name]:
        raise MalformedError(_length_fault(digits, chosen))
    if chosen.n_bits % 4 and int(digits, 16) >> chosen.n_bits:
        raise MalformedError(f"{quoted(digits)} has more than the {chosen.n_bits} bits of {chosen.name}")
    return Entry(chosen.name, digits, identifier, quality)


def quoted(text: str) -> str:
    """Return the beginning of a text for a message: in quotation marks, on one line, escaped."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def _length_fault(digits: str, algorithm: HashAlgorithm | None) -> str:
    fault = f"{quoted(digits)} has {len(digits)} hex digits"
    if algorithm is not None:
        return f"{fault}, a hash of {algorithm.name} has {algorithm.n_digits}"
    fitting = ", ".join(known.name for known in ALGORITHMS.values() if known.n_digits == len(digits))
    if fitting:
        return f"{fault}: give the algorithm if it is a hash of {fitting}"
    return f"{fault}, a hash has {' or '.join(map(str, sorted(_GUESSED)))}"


def _cell(row: Sequence[str], column: int | None) -> str:
    return "" if column is None or column >= len(row) else row[column]


def _written_quality(cell: str) -> int:
    """Return the quality in a cell; ``97.0`` is accepted, as programs write columns with empty cells that way."""
    if (quality := _USUAL_QUALITIES.get(cell)) is not None:
        return quality
    cell = cell.strip()
    if not cell:
        return UNKNOWN_QUALITY
    if (match := _WRITTEN_QUALITY.fullmatch(cell)) is None or int(match[1]) > 100:
        raise MalformedError(f"the quality is {quoted(cell)}: a whole number from 0 to 100, or nothing")
    return int(match[1])


def _named_algorithm(cell: str) -> HashAlgorithm | None:
    """Return the algorithm that a cell names, None for an empty cell."""
    if (algorithm := _NAMED.get(cell)) is not None:
        return algorithm
    if not cell.strip():
        return None
    if (algorithm := _algorithm_of(cell)) is None:
        raise MalformedError(f"no hash algorithm is called {quoted(cell)}; there are {', '.join(ALGORITHMS)}")
    return algorithm


def _algorithm_of(field: str) -> HashAlgorithm | None:
    """Return the algorithm of this name, or None; `algorithm_named` is too slow to call for every field."""
    if len(field) > _LONGEST_NAME or not _NAME.fullmatch(name := field.strip()):
        return None
    return _NAMED.get(_plain_name(name))
