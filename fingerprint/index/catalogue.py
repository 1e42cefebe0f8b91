"""The catalogue of a collection: which picture, by its id, lies in which row of which segment (SQLite).

A collection may hold vectors of several models. Ids are unique within one of them; each segment belongs to one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError, UnknownIdError
from fingerprint.index.records import ImageRecord, SegmentRecord, facts_digest, storable, storable_facts

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


class Catalogue:
    """An open catalogue. Several threads may ask it; one at a time may change it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._db = self._connect(create)
        try:
            version = self._prepare(create)
        except BaseException:
            self._db.close()
            raise
        if version != SCHEMA_VERSION:
            self._db.close()
            raise CollectionCorruptError(
                f"{path}: catalogue version {version}, this version of copyprint reads {SCHEMA_VERSION}; "
                f"'fingerprint index upgrade' brings older ones up to date"
            )

    def _connect(self, create: bool) -> sqlite3.Connection:
        mode = "mode=rwc" if create else "mode=rw"
        self._immutable = not create and not os.access(self._path.parent, os.W_OK) and not _has_log(self._path)
        if self._immutable:
            mode = "mode=ro&immutable=1"  # a log cannot be made there, and nobody who could is writing
        with self._reported():
            return sqlite3.connect(
                f"{self._path.absolute().as_uri()}?{mode}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
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
            unopened = code == sqlite3.SQLITE_CANTOPEN and self._path.is_file()  # by permissions, or too many files
            if unopened or (code is not None and code & 0xFF in _REFUSED):
                raise CollectionError(
                    f"{self._path}: {error}; see to free space and permissions, then try again"
                ) from error
            raise CollectionCorruptError(
                f"{self._path}: not a sound catalogue ({error}); restore it or build the collection anew"
            ) from error

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Answer all questions inside as of one moment, whatever other processes write meanwhile."""
        if self._immutable:  # who may write may have done so since
            self._db.close()
            self._db = self._connect(create=False)
        with self._reported():
            try:
                self._db.execute("BEGIN")
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it is seen afterwards, and on disk, or nothing."""
        try:
            with self._reported():
                self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise CollectionError(
                    f"{self._path}: {error}; this step was undone: see to free space and permissions, then try again"
                ) from error
            raise

    def next_number(self) -> int:
        """Return the number of the next segment, which none ever had."""
        with self._reported():
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").fetchone()
        return 1 + (int(row[0]) if row else 0)

    def add_segment(
        self, number: int, model_id: str, records: Sequence[ImageRecord], manifest: str, rank: int | None = None
    ) -> None:
        """Enter a segment and its pictures, a record a row in order; by default after all others."""
        model = self._model(model_id)
        if rank is None:
            (rank,) = self._db.execute("SELECT coalesce(max(place), 0) + 1 FROM segments").fetchone()
        self._db.execute(
            "INSERT INTO segments (number, place, model, n_rows, manifest, facts) VALUES (?, ?, ?, ?, ?, ?)",
            (number, rank, model, len(records), manifest, facts_digest(records)),
        )
        self._db.executemany(
            f"INSERT INTO images (segment, row, model, {_FACTS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(number, row, model, *storable_facts(record)) for row, record in enumerate(records)],
        )

    def make_room(self, rank: int, n: int) -> None:
        """Raise the ranks after `rank`, so that `n` segments can have ranks from there on."""
        self._db.execute("UPDATE segments SET place = place + ? WHERE place > ?", (n - 1, rank))

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

    def remove_rows(self, number: int, rows: Sequence[int]) -> None:
        """Mark rows of a segment as removed that are not so yet."""
        query = "UPDATE images SET removed = 1 WHERE segment = ? AND row = ?"
        self._db.executemany(query, [(number, row) for row in rows])
        self._db.execute("UPDATE segments SET n_removed = n_removed + ? WHERE number = ?", (len(rows), number))

    def live(self, ids: Iterable[str], model_id: str) -> list[str]:
        """Return those of the ids that are in the collection."""
        query = (
            "SELECT 1 FROM images "
            "WHERE id = ? AND model = (SELECT number FROM models WHERE model_id = ?) AND removed = 0"
        )
        with self._reported():
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
        with self._reported():
            for *facts, removed in self._db.execute(query, (segment,)):
                yield ImageRecord(*facts), bool(removed)

    def set_paths(self, paths: Mapping[str, str], model_id: str) -> None:
        """Enter where the files of pictures are now, by id; ids that are not there are passed over."""
        query = (
            "UPDATE images SET path = ? WHERE id = ? AND removed = 0 "
            "AND model = (SELECT number FROM models WHERE model_id = ?) RETURNING segment"
        )
        touched: set[int] = set()
        for image_id, path in paths.items():
            touched.update(row[0] for row in self._db.execute(query, (storable(path), image_id, model_id)).fetchall())
        for number in touched:
            facts = facts_digest(record for record, _ in self.records(number))
            self._db.execute("UPDATE segments SET facts = ? WHERE number = ?", (facts, number))

    def set_skipped(self, path: str, reason: str) -> None:
        """Note a file that could not be added; bytes of its path that are not UTF-8 are written as escapes."""
        self._db.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?)", (storable(path), storable(reason)))

    def clear_skipped(self, path: str) -> None:
        """Forget that a file could not be added, once it could."""
        self._db.execute("DELETE FROM skipped WHERE path = ?", (storable(path),))

    def skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of the files that could not be added, by path."""
        with self._reported():
            return self._db.execute("SELECT path, reason FROM skipped ORDER BY path").fetchall()

    def segments(self) -> list[SegmentRecord]:
        """Return the segments of all models, by rank."""
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

    def settle(self, number: int, ids: Sequence[str]) -> list[str]:
        """Put right what is said of a segment, where it disagrees with itself or with the ids in the segment.

        Returns
        -------
        list of str
            What was changed; empty too where rows are missing, which nothing can put right.
        """
        rows, highest, removed, foreign = self.counts(number)
        if (rows, highest) != (len(ids), len(ids) - 1):
            return []
        done = []
        (listed,) = (segment for segment in self.segments() if segment.number == number)
        if listed.n_rows != rows:
            self._db.execute("UPDATE segments SET n_rows = ? WHERE number = ?", (rows, number))
            done.append("the number of its pictures was put right")
        if foreign:
            query = "UPDATE images SET model = (SELECT model FROM segments WHERE number = ?1) WHERE segment = ?1"
            self._db.execute(query, (number,))
            done.append(f"{foreign} pictures were given their model")
        if listed.n_removed != removed:
            self._db.execute("UPDATE segments SET n_removed = ? WHERE number = ?", (removed, number))
            done.append(
                f"{removed} pictures of it are marked as removed, {listed.n_removed} were counted; look at them"
            )
        records = [record for record, _ in self.records(number)]
        for row, (image_id, record) in enumerate(zip(ids, records, strict=True)):
            if record.image_id != image_id:
                query = "UPDATE images SET id = ? WHERE segment = ? AND row = ?"
                self._db.execute(query, (image_id, number, row))
                done.append(f"the id {image_id!r} was put back")
        facts = facts_digest(record for record, _ in self.records(number))
        if facts != listed.facts:
            self._db.execute("UPDATE segments SET facts = ? WHERE number = ?", (facts, number))
            done.append("paths, contents or sizes of its pictures have changed and were taken as they are")
        return done

    def make_indices_anew(self) -> None:
        """Let SQLite make its indices anew."""
        with self.change():
            self._db.execute("REINDEX")

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
    """Return whether a writer is there, or has left changes that are not in the file itself yet."""
    return path.with_name(path.name + "-wal").exists()
