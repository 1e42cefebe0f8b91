"""The catalogue of a collection: which picture, by its id, lies in which row of which segment (SQLite)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError, UnknownIdError

SCHEMA_VERSION = 1
CATALOGUE_NAME = "catalogue.sqlite"
_BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    n_rows INTEGER NOT NULL
) STRICT;
CREATE TABLE images (
    id TEXT NOT NULL,
    segment INTEGER NOT NULL REFERENCES segments (number),
    row INTEGER NOT NULL,
    path TEXT,
    bytes INTEGER,
    content TEXT,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (segment, row)
) STRICT;
CREATE UNIQUE INDEX live_ids ON images (id) WHERE removed = 0;
CREATE TABLE skipped (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT;
"""


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
        In pixels, upright.
    """

    image_id: str
    path: str | None
    n_bytes: int | None
    content: str | None
    width: int
    height: int


class Catalogue:
    """An open catalogue; use it from one thread at a time."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        address = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        with self._reported():
            self._db = sqlite3.connect(
                address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
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
                self._db.executescript(_SCHEMA)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
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
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:  # text that is no UTF-8 has no code
                raise CollectionBusyError(
                    f"{self._path}: another process is using it ({error}); wait until it has ended"
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
        """Make everything inside one transaction: all of it is seen afterwards, or nothing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise CollectionBusyError(
                    f"{self._path}: another process is writing ({error}); wait until it has ended"
                ) from error
            raise CollectionError(
                f"{self._path}: {error}; see to free space and permissions, then try again"
            ) from error
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

    def add_segment(self, number: int, records: Sequence[ImageRecord]) -> None:
        """Enter a segment and its pictures, a record a row in order."""
        self._db.execute("INSERT INTO segments VALUES (?, ?)", (number, len(records)))
        self._db.executemany(
            "INSERT INTO images (id, segment, row, path, bytes, content, width, height) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (r.image_id, number, row, r.path, r.n_bytes, r.content, r.width, r.height)
                for row, r in enumerate(records)
            ],
        )

    def remove(self, ids: Iterable[str]) -> None:
        """Mark pictures as removed.

        Raises
        ------
        UnknownIdError
            At the first id that is not there; within `change`, nothing is removed then.
        """
        for image_id in ids:
            found = self._db.execute("UPDATE images SET removed = 1 WHERE id = ? AND removed = 0", (image_id,))
            if found.rowcount != 1:
                raise UnknownIdError(f"{image_id}: no such id in the collection; nothing was removed")

    def set_skipped(self, path: str, reason: str) -> None:
        """Note a file that could not be added; bytes of its path that are not UTF-8 are written as escapes."""
        self._db.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?)", (_storable(path), _storable(reason)))

    def clear_skipped(self, path: str) -> None:
        """Forget that a file could not be added, once it could."""
        self._db.execute("DELETE FROM skipped WHERE path = ?", (path,))

    def skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of the files that could not be added, by path."""
        with self._reported():
            return self._db.execute("SELECT path, reason FROM skipped ORDER BY path").fetchall()

    def segments(self) -> list[tuple[int, int]]:
        """Return (number, rows) of the segments, in order."""
        return [(n, rows) for n, rows in self._db.execute("SELECT number, n_rows FROM segments ORDER BY number")]

    def rows(self) -> list[tuple[int, int, str, bool]]:
        """Return (segment, row, id, whether removed) of everything stored, in order."""
        query = "SELECT segment, row, id, removed FROM images ORDER BY segment, row"
        return [(segment, row, image_id, bool(removed)) for segment, row, image_id, removed in self._db.execute(query)]

    def live(self, ids: Iterable[str]) -> list[str]:
        """Return those of the ids that are in the collection."""
        query = "SELECT 1 FROM images WHERE id = ? AND removed = 0"
        return [image_id for image_id in ids if self._db.execute(query, (image_id,)).fetchone()]

    def record(self, segment: int, row: int) -> ImageRecord:
        """Return the record of a row; it never changes, whether the picture is removed or not."""
        query = "SELECT id, path, bytes, content, width, height FROM images WHERE segment = ? AND row = ?"
        with self._reported():
            return ImageRecord(*self._db.execute(query, (segment, row)).fetchone())

    def problems(self) -> list[str]:
        """Return what SQLite finds wrong with its file; empty if it is sound."""
        try:
            answers = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            answers = [str(error)]
        return [f"{self._path}: {answer}" for answer in answers if answer != "ok"]


def _storable(text: str) -> str:
    """Return a text that SQLite can keep: lone surrogates, which stand for foreign bytes in file names, escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
