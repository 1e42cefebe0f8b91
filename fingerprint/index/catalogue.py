"""The catalogue of a collection: which picture, by its id, lies in which row of which segment (SQLite).

A collection may hold vectors of several models. Ids are unique within one of them; each segment belongs to one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError, UnknownIdError

SCHEMA_VERSION = 2
CATALOGUE_NAME = "catalogue.sqlite"
_BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE models (
    number INTEGER PRIMARY KEY,
    model_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE segments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models (number),
    n_rows INTEGER NOT NULL,
    n_removed INTEGER NOT NULL DEFAULT 0,
    manifest TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT;
CREATE TABLE images (
    segment INTEGER NOT NULL REFERENCES segments (number),
    row INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models (number),
    id TEXT NOT NULL,
    path TEXT,
    bytes INTEGER,
    content TEXT,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (segment, row)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX live_ids ON images (id, model) WHERE removed = 0;
CREATE INDEX tombstones ON images (segment, row) WHERE removed = 1;
CREATE TABLE skipped (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
_FACTS = "id, path, bytes, content, width, height"


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What the catalogue knows of one picture.

    Attributes
    ----------
    image_id : str
        Unique among the pictures that are not removed.
    path : str or None
        Where the file was; None for pictures from memory.
    n_bytes : int or None
        Size of the file.
    content : str or None
        SHA-256 of the file's bytes, in hex.
    width, height : int
        In pixels, upright; 0 for a vector that came without a picture.
    """

    image_id: str
    path: str | None
    n_bytes: int | None
    content: str | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the catalogue knows of a segment.

    Attributes
    ----------
    number : int
        Never used for another segment, even when this one is gone.
    place : int
        Its place among the segments, which keeps the order of addition.
    model_id : str
    n_rows, n_removed : int
        Pictures in it, and those of them that were removed.
    manifest, facts : str
        SHA-256 in hex of its manifest, and of the file facts of its pictures.
    """

    number: int
    place: int
    model_id: str
    n_rows: int
    n_removed: int
    manifest: str
    facts: str


class Catalogue:
    """An open catalogue. Several threads may ask it; one at a time may change it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        mode = "mode=rwc" if create else "mode=rw"
        if not create and not os.access(path.parent, os.W_OK) and not _has_log(path):
            mode = "mode=ro&immutable=1"  # a log cannot be made there; nobody can be writing either
        with self._reported():
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?{mode}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            version = self._prepare(create)
        except BaseException:
            self._db.close()
            raise
        if version != SCHEMA_VERSION:
            self._db.close()
            raise CollectionCorruptError(
                f"{path}: catalogue version {version}, this version of copyprint reads {SCHEMA_VERSION}; "
                "build the collection anew or install the version that made it"
            )

    def _prepare(self, create: bool) -> int:
        """Write the schema if asked to, and return the version of what is there."""
        with self._reported():
            if create:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            self._db.execute("PRAGMA synchronous = FULL")  # what was acknowledged outlives a loss of power
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn what SQLite says of a file that it cannot read into an error that names the file."""
        try:
            yield
        except sqlite3.ProgrammingError:  # the catalogue is closed, not damaged
            raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)  # text that is no UTF-8 has no code
            if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
                raise CollectionBusyError(
                    f"{self._path}: another process is using it ({error}); wait until it has ended"
                ) from error
            if code is not None and code & 0xFF in _REFUSED:
                raise CollectionError(
                    f"{self._path}: {error}; see to free space and permissions, then try again"
                ) from error
            raise CollectionCorruptError(
                f"{self._path}: not a sound catalogue ({error}); restore it or build the collection anew"
            ) from error

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Answer all questions inside as of one moment, whatever other processes write meanwhile."""
        with self._reported():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it is seen afterwards, and on disk, or nothing."""
        with self._reported():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise CollectionError(
                    f"{self._path}: {error}; nothing was changed: see to free space and permissions, then try again"
                ) from error
            raise

    def next_number(self) -> int:
        """Return the number of the next segment, which none ever had."""
        with self._reported():
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").fetchone()
        return 1 + (int(row[0]) if row else 0)

    def add_segment(
        self, number: int, model_id: str, records: Sequence[ImageRecord], manifest: str, place: int | None = None
    ) -> None:
        """Enter a segment and its pictures, a record a row in order; by default after all others."""
        model = self._model(model_id)
        if place is None:
            (place,) = self._db.execute("SELECT coalesce(max(place), 0) + 1 FROM segments").fetchone()
        self._db.execute(
            "INSERT INTO segments (number, place, model, n_rows, manifest, facts) VALUES (?, ?, ?, ?, ?, ?)",
            (number, place, model, len(records), manifest, facts_digest(records)),
        )
        self._db.executemany(
            f"INSERT INTO images (segment, row, model, {_FACTS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(number, row, model, *_storable_facts(record)) for row, record in enumerate(records)],
        )

    def drop_segment(self, number: int) -> None:
        """Forget a segment and all its pictures."""
        self._db.execute("DELETE FROM images WHERE segment = ?", (number,))
        self._db.execute("DELETE FROM segments WHERE number = ?", (number,))

    def _model(self, model_id: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO models (model_id) VALUES (?)", (model_id,))
        (number,) = self._db.execute("SELECT number FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return int(number)

    def remove(self, ids: Iterable[str], model_id: str | None = None) -> None:
        """Mark pictures as removed, of one model or of all that have them.

        Raises
        ------
        UnknownIdError
            At the first id that is not there; within `change`, nothing is removed then.
        """
        query = (
            "UPDATE images SET removed = 1 WHERE id = ?1 AND removed = 0 "
            "AND (?2 IS NULL OR model = (SELECT number FROM models WHERE model_id = ?2)) RETURNING segment"
        )
        for image_id in ids:
            segments = self._db.execute(query, (image_id, model_id)).fetchall()
            if not segments:
                raise UnknownIdError(f"{image_id}: no such id in the collection; nothing was removed")
            self._db.executemany("UPDATE segments SET n_removed = n_removed + 1 WHERE number = ?", segments)

    def live(self, ids: Iterable[str], model_id: str) -> list[str]:
        """Return those of the ids that are in the collection."""
        query = (
            "SELECT 1 FROM images "
            "WHERE id = ? AND model = (SELECT number FROM models WHERE model_id = ?) AND removed = 0"
        )
        return [image_id for image_id in ids if self._db.execute(query, (image_id, model_id)).fetchone()]

    def find(self, image_id: str, model_id: str) -> ImageRecord | None:
        """Return the record of a picture as it is now, or None if there is none of this id."""
        query = (
            f"SELECT {_FACTS} FROM images "  # noqa: S608 - a constant
            "WHERE id = ? AND model = (SELECT number FROM models WHERE model_id = ?) AND removed = 0"
        )
        with self._reported():
            row = self._db.execute(query, (image_id, model_id)).fetchone()
        return None if row is None else ImageRecord(*row)

    def record(self, segment: int, row: int) -> ImageRecord | None:
        """Return the record of a row, removed or not, or None if its segment is there no more."""
        query = f"SELECT {_FACTS} FROM images WHERE segment = ? AND row = ?"  # noqa: S608
        with self._reported():
            found = self._db.execute(query, (segment, row)).fetchone()
        return None if found is None else ImageRecord(*found)

    def records(self, segment: int) -> Iterator[tuple[ImageRecord, bool]]:
        """Yield record and whether it is removed for each row of a segment, in order."""
        query = f"SELECT {_FACTS}, removed FROM images WHERE segment = ? ORDER BY row"  # noqa: S608
        for *facts, removed in self._db.execute(query, (segment,)):
            yield ImageRecord(*facts), bool(removed)

    def set_skipped(self, path: str, reason: str) -> None:
        """Note a file that could not be added; bytes of its path that are not UTF-8 are written as escapes."""
        self._db.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?)", (_storable(path), _storable(reason)))

    def clear_skipped(self, path: str) -> None:
        """Forget that a file could not be added, once it could."""
        self._db.execute("DELETE FROM skipped WHERE path = ?", (_storable(path),))

    def skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of the files that could not be added, by path."""
        with self._reported():
            return self._db.execute("SELECT path, reason FROM skipped ORDER BY path").fetchall()

    def segments(self) -> list[SegmentRecord]:
        """Return the segments of all models, in the order of their places."""
        query = (
            "SELECT s.number, s.place, m.model_id, s.n_rows, s.n_removed, s.manifest, s.facts "
            "FROM segments s JOIN models m ON m.number = s.model ORDER BY s.place, s.number"
        )
        with self._reported():
            return [SegmentRecord(*row) for row in self._db.execute(query)]

    def tombstones(self) -> dict[int, list[int]]:
        """Return the rows that were removed, by segment, ascending."""
        found: dict[int, list[int]] = {}
        query = "SELECT segment, row FROM images WHERE removed = 1 ORDER BY segment, row"
        with self._reported():
            for segment, row in self._db.execute(query):
                found.setdefault(segment, []).append(row)
        return found

    def counts(self, segment: int) -> tuple[int, int, int, int]:
        """Return how many rows of a segment there are, the highest, how many removed, and rows of other models."""
        query = (
            "SELECT count(*), coalesce(max(row), -1), coalesce(sum(removed <> 0), 0), "
            "coalesce(sum(model <> (SELECT model FROM segments WHERE number = ?)), 0) FROM images WHERE segment = ?"
        )
        with self._reported():
            rows, highest, removed, foreign = self._db.execute(query, (segment, segment)).fetchone()
        return int(rows), int(highest), int(removed), int(foreign)

    def fact(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""
        with self._reported():
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Note something of the collection as a whole."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def problems(self) -> list[str]:
        """Return what SQLite finds wrong with its file; empty if it is sound."""
        try:
            answers = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            answers = [str(error)]
        return [f"{self._path}: {answer}" for answer in answers if answer != "ok"]


#: SQLite's codes for what the disk or the system refuses, which says nothing of the catalogue itself.
_REFUSED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)


def _has_log(path: Path) -> bool:
    """Return whether there are changes that are not in the file itself yet."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def facts_digest(records: Iterable[ImageRecord]) -> str:
    """Return the SHA-256 in hex of what the catalogue says of the pictures of a segment."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(_storable_facts(record)).encode() + b"\n")
    return digest.hexdigest()


def _storable_facts(record: ImageRecord) -> tuple[str, str | None, int | None, str | None, int, int]:
    path = None if record.path is None else _storable(record.path)
    return record.image_id, path, record.n_bytes, record.content, record.width, record.height


def _storable(text: str) -> str:
    """Return a text that SQLite can keep: lone surrogates, which stand for foreign bytes in file names, escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
