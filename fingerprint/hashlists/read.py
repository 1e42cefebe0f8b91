"""Reading lists of hashes in the forms in which platforms exchange them."""

from __future__ import annotations

import json
import os
import re
from typing import BinaryIO

from fingerprint.errors import ConfigError
from fingerprint.files.listfiles import bounded, open_list
from fingerprint.files.names import read_name
from fingerprint.hashes.algorithms import ALGORITHMS, HashAlgorithm, algorithm_named
from fingerprint.hashlists.entries import (
    ANY_HASH,
    QUALITY,
    Columns,
    Entry,
    MalformedError,
    blank_separated,
    blank_words,
    checked_entry,
    columns_of,
    entry_of_fields,
    header_columns,
    no_hash,
    quoted,
)
from fingerprint.hashlists.lines import SEPARATORS, Lines, decoded, split_fields, with_broken_bytes, without_end
from fingerprint.hashlists.lists import UNKNOWN_QUALITY, GroupBuilder, HashList, MalformedLine
from fingerprint.types import HASH_ALGORITHMS

_BLANKS = " "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A line that begins with # and has a hash in a field after the first one.
_NAMED_WITH_HASH_SIGN = re.compile(rf"\s*#[^ \t].*?[\t,;] *(?:{ANY_HASH}) *(?:[\t,;]|$)")
#: A hash as programs write numbers.
_WITH_PREFIX = re.compile(rf"(?<![\w.-])0[xX](?=(?:{ANY_HASH})(?![\w.-]))")
#: What a file that is no text in UTF-8 begins with.
_OTHER_FORMS = {
    b"\xff\xfe": "text in UTF-16 or UTF-32",
    b"\xfe\xff": "text in UTF-16",
    b"\x1f\x8b": "compressed with gzip",
    b"PK\x03\x04": "a zip archive, or a spreadsheet",
}
#: A line as `fingerprint.hashlists.write.hash_record_text` writes it.
_OWN_TEXT = re.compile(rf"({ANY_HASH})\t({QUALITY})\t({'|'.join(map(re.escape, ALGORITHMS))})\t([^\t]*)")
#: A line of ``fingerprint hash`` without ``--algorithm``: a path, and the hashes that a collection keeps.
_OWN_STORED = re.compile(rf"(.+)  {' '.join(['([0-9a-f]{16})'] * len(HASH_ALGORITHMS))}")

#: The most usual lines: a hash alone, after an id, or before its quality and an id. Matching them first only saves
#: time, so here an id must look neither like a hash nor like the name of an algorithm.
_HASH = b"[0-9a-fA-F]{64}|[0-9a-fA-F]{16}"
_REST = rb'[^,"\t\r\n]*'
_MIXED_ID = rb"(?=[A-Za-z_-]*[0-9])(?=[0-9A-Fa-f-]*[G-Zg-z_])[0-9A-Za-z_-]{1,63}"  # names of algorithms have no digits
_PLAIN_ID = rb"[0-9]{1,10}|[0-9a-f]{8}-[-0-9a-f]{27}|" + _MIXED_ID
_FIRST_ID = rb"%b|[!$-+\--~]%b[./]%b" % (_PLAIN_ID, _REST, _REST)
_LAST_ID = rb'%b|[^ ,"\t\r\n]%b[./]%b' % (_PLAIN_ID, _REST, _REST)
_WORD = rb"[!#-+\--:<-~]*[./][!#-+\--:<-~]*"
_USUAL = re.compile(
    rb"(?:(%b),(%b)|(%b)(?:,(?:(%b),)?(%b)| +(%b))?)\r?\n?"
    % (_FIRST_ID, _HASH, _HASH, QUALITY.encode(), _LAST_ID, _WORD)
)


def read_hash_list(source: str | os.PathLike[str] | BinaryIO, algorithm: str | None = None) -> HashList:
    r"""Read a list of perceptual hashes in hex: one on each line, a table, or one JSON object on each line.

    Lines are read by these rules:

    * Empty lines, and lines that begin with ``#``, are skipped.
    * The keys of a JSON object are named like the columns of a table, see below. An object without a hash, but with the
      key ``skipped``, is skipped.
    * A line without a hash that names a column of hashes is a header. The lines after it are rows of a table, until the
      next header. Column names, in any order and case: ``hash`` or an algorithm for hashes, also several; ``id``,
      ``path``, ``filename``, ``file`` or ``name`` for the id, the first in this order that is not empty counts, and if
      there is none of these, the first column of another name; ``quality``; ``algorithm``. Instead of ``hash`` and
      ``algorithm``, also ``indicator`` and ``type``, as in ThreatExchange. Other columns are ignored, but a header that
      has some must come before the first hash.
    * A line of a path, two blanks and three hashes of 64 bits is one that ``fingerprint hash`` prints without
      ``--algorithm``: it has a pHash, a dHash and an aHash.
    * A hash may begin with ``0x``.
    * Any other line has a hash and perhaps more fields, separated by tabs, commas, semicolons or blanks. The field of
      64 or 16 hex digits is the hash; a line with several such fields is malformed. A field that names an algorithm
      gives the algorithm. A whole number from 0 to 100 directly after the hash is the quality if there are three fields
      or more. In ``hash,17`` it is always the id: an unknown quality does no harm, but an id taken for a low quality
      would exclude the hash. The other field is the id. Several others beside each other, without quotation marks, are
      an id that holds commas or semicolons, unless the first or the last is a number: then the line is malformed, as it
      is if more than one can be the id. Where only blanks separate, all text before the hash, or after its algorithm
      and quality, is one id; a colon between it and the hash is not part of it.

    Quotation marks work as in CSV, except where blanks separate. An id that `fingerprint.files.names.written_name`
    wrote is read back.

    The algorithm is the one that the line or column names, else `algorithm`, else PDQ for 64 digits and pHash for 16.

    Parameters
    ----------
    source : path-like or binary file
        UTF-8, with or without byte-order mark, any line ends. A binary file is read to its end and stays open. For
        pipes and limits see `fingerprint.files.listfiles`.
    algorithm : str or None
        Name of the algorithm of all hashes for which the list names none.

    Returns
    -------
    HashList
        Lines that cannot be used are in its `malformed`.

    Raises
    ------
    ConfigError
        There is no such algorithm, the file cannot be read or is too long, or it has no usable hash.

    Examples
    --------
    >>> import io
    >>> read = read_hash_list(io.BytesIO(b"# of today\nffd8a0b1c2d3e4f5,cat.jpg\nno hash\n"))
    >>> read.groups[0].algorithm, read.groups[0].ids, read.groups[0].codes.tolist()
    ('phash', ('cat.jpg',), [[18435661759979447541]])
    >>> read.malformed
    (MalformedLine(number=3, reason="no hash in 'no hash'"),)
    """
    default = None if algorithm is None else algorithm_named(algorithm)
    try:
        if isinstance(source, str | os.PathLike):
            name = os.fspath(source)
            with open_list(source) as stream:
                return _Reading(name, default).of(Lines(stream))
        name = source.name if isinstance(getattr(source, "name", None), str) else "<stream>"
        return _Reading(name, default).of(Lines(bounded(source)))
    except OSError as error:
        raise ConfigError(f"{name}: the list of hashes cannot be read: {error.strerror or error}") from error


class _Reading:
    """The state of reading one list.

    Parameters
    ----------
    name : str
        Of the list.
    default : HashAlgorithm or None
        Algorithm of hashes for which the list names none.
    """

    def __init__(self, name: str, default: HashAlgorithm | None) -> None:
        self._name = name
        self._default = default
        self._table: tuple[str, Columns] | None = None
        self._spaced = True
        self._begun = False

    def of(self, lines: Lines) -> HashList:
        """Return the whole list.

        Raises
        ------
        ConfigError
            The list has no usable hash.
        """
        builders = {name: GroupBuilder(algorithm) for name, algorithm in ALGORITHMS.items()}
        malformed = []
        for raw in lines:
            number = lines.number
            if number == 1:
                self._check_form(raw)
            try:
                for entry in self._entries(raw, lines):
                    builders[entry.algorithm].add(entry.digits, entry.identifier, entry.quality, number)
                    self._begun = True
            except MalformedError as error:
                malformed.append(MalformedLine(number, str(error)))
        groups = tuple(builder.group() for builder in builders.values() if len(builder))
        if not groups:
            what = "no line has one: write one hash in hex on each line"
            if malformed:
                what = f"line {malformed[0].number}: {malformed[0].reason}"
            raise ConfigError(f"{self._name}: no usable hash; {what}")
        return HashList(self._name, groups, tuple(malformed))

    def _check_form(self, raw: bytes) -> None:
        """Raise `ConfigError` if a file begins as no text in UTF-8 does."""
        form = next((form for beginning, form in _OTHER_FORMS.items() if raw.startswith(beginning)), None)
        if form is None and b"\0" in raw[:4]:
            form = "text in UTF-16 or UTF-32"
        if form is not None:
            raise ConfigError(f"{self._name}: the list is {form}: save it as text in UTF-8")

    def _entries(self, raw: bytes, lines: Lines) -> list[Entry]:
        if self._table is None and (usual := _USUAL.fullmatch(raw)):
            before, second, first, quality, after, word = usual.groups()
            level = UNKNOWN_QUALITY if quality is None else int(quality)
            return [
                checked_entry((first or second).decode(), self._default, decoded(before or after or word or b""), level)
            ]
        line = self._decoded(raw.removeprefix(_BYTE_ORDER_MARK) if lines.number == 1 else raw, lines)
        if "0x" in line or "0X" in line:
            line = _WITH_PREFIX.sub("", line)
        text = without_end(line)
        start = text.lstrip()[:1]
        if not start or start == "#":
            if _NAMED_WITH_HASH_SIGN.match(text) or (text[1:2].strip() and _OWN_STORED.fullmatch(text)):
                raise MalformedError(f"a comment, or an id that begins with #, in {quoted(text)}: put the id in quotes")
            return []
        if (self._table is None or self._table[0] != "\t") and (own := _OWN_TEXT.fullmatch(text)):
            return [checked_entry(own[1], ALGORITHMS[own[3]], read_name(own[4]), int(own[2]))]
        if self._table is None and (own := _OWN_STORED.fullmatch(text)):
            name = read_name(own[1])
            stored = zip(HASH_ALGORITHMS, own.groups()[1:], strict=True)
            return [checked_entry(digits, ALGORITHMS[kept], name, UNKNOWN_QUALITY) for kept, digits in stored]
        if start == "{" and (entries := self._of_object(text)) is not None:
            return entries
        if "\r" in text and '"' not in text:
            raise MalformedError(f"a carriage return within {quoted(text)}: end lines with a line feed")
        entries = self._of_fields(line, lines) if self._table is None else self._of_row(line, lines, *self._table)
        return [entry._replace(identifier=read_name(entry.identifier)) for entry in entries]

    def _decoded(self, raw: bytes, lines: Lines) -> str:
        try:
            return decoded(raw)
        except MalformedError:
            if self._table is not None and self._table[0] != _BLANKS:
                split_fields(
                    with_broken_bytes(raw), self._table[0], lines, spaced=self._spaced
                )  # raises one error for all lines of the row
            raise

    def _of_fields(self, line: str, lines: Lines) -> list[Entry]:
        """Return the hash of a line outside a table; a header begins a table."""
        text = without_end(line)
        first: list[str] = []
        fault: MalformedError | None = None
        for separator in SEPARATORS:
            if separator not in line:
                continue
            try:
                fields, n_more = split_fields(line, separator, lines)
            except MalformedError as error:
                fault = fault or error
                continue
            joinable = separator != "\t" and '"' not in text
            raw = (separator, text.split(separator)) if joinable else None
            if (entry := entry_of_fields(fields, self._default, raw)) is not None:
                lines.pass_over(n_more)
                return [entry]
            if self._begins_table(fields, separator, text):
                return []
            first = first or fields
        fields = blank_separated(text)
        if (entry := entry_of_fields(fields, self._default)) is not None:
            return [entry]
        if self._begins_table(blank_words(text), _BLANKS, text):
            return []
        raise fault or no_hash(text, first or fields, self._default)

    def _begins_table(self, fields: list[str], separator: str, text: str) -> bool:
        if self._table is not None and tuple(fields) == self._table[1].names:
            return True  # joined files repeat the header
        columns = header_columns(fields, strict=self._begun or separator == _BLANKS)
        if columns is None or (self._begun and columns.n == 1):
            return False
        self._table = separator, columns
        self._spaced = f"{separator} " in text  # else blanks after a separator belong to the ids
        return True

    def _of_row(self, line: str, lines: Lines, separator: str, columns: Columns) -> list[Entry]:
        if separator == _BLANKS:
            row, n_more = blank_words(without_end(line), columns.n - 1), 0
        else:
            row, n_more = split_fields(line, separator, lines, spaced=self._spaced)
        try:
            entries = columns.entries(row, self._default)
        except MalformedError:
            if self._begins_table(row, separator, without_end(line)):
                return []
            raise
        if not entries:
            raise MalformedError(f"the column of the hash is empty in {quoted(without_end(line))}")
        lines.pass_over(n_more)
        return entries

    def _of_object(self, text: str) -> list[Entry] | None:
        """Return the hashes of a JSON object; None if the line is none, as an id may also begin with a brace."""
        try:
            record = json.loads(text)
            cells = [value if type(value) is str else _written(value) for value in record.values()]
        except (ValueError, RecursionError):
            return None
        columns = columns_of(tuple(record))
        entries = [] if columns is None else columns.entries(cells, self._default)
        if entries:
            return entries
        if "skipped" not in record:
            raise MalformedError(f"no hash in {quoted(text)}")
        return []


def _written(value: object) -> str:
    """Return a value of a JSON object as the cell of a table would hold it."""
    if value is None:
        return ""
    return str(value) if type(value) is int else json.dumps(value)
