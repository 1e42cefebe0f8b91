"""The catalogue of a collection, an SQLite database: which picture, by its id, is in which row of which segment.

A collection may hold vectors of several models. Ids are unique within a model; each segment belongs to one model.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from fingerprint.errors import CollectionCorruptError, UnknownIdError
from fingerprint.files.names import read_name, written_name
from fingerprint.index.database import Database
from fingerprint.index.records import ImageRecord, SegmentRecord, facts_digest, storable, storable_facts
from fingerprint.types import Identity, is_unicode

SCHEMA_VERSION = 3
#: The schema before, which is read as it is: it has no digests of pixels, and no indices to find pictures by digests.
UNIDENTIFIED = 2
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
    pixels TEXT,
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (segment, row)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX live_ids ON images (id, model) WHERE removed = 0;
CREATE INDEX contents ON images (content) WHERE removed = 0 AND content IS NOT NULL;
CREATE INDEX digests ON images (pixels) WHERE removed = 0 AND pixels IS NOT NULL;
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
_FACTS = "id, path, bytes, content, width, height, pixels"
_FACTS_BEFORE = "id, path, bytes, content, width, height, NULL"
#: Raises a catalogue from the schema before.
_RAISE = f"""
ALTER TABLE images ADD COLUMN pixels TEXT;
CREATE INDEX contents ON images (content) WHERE removed = 0 AND content IS NOT NULL;
CREATE INDEX digests ON images (pixels) WHERE removed = 0 AND pixels IS NOT NULL;
PRAGMA user_version = {SCHEMA_VERSION};
"""
_FACT_TYPES = (
    *((str,), (str, type(None)), (int, type(None)), (str, type(None))),
    *((int,), (int,), (str, type(None))),
)
_SEGMENT_TYPES = ((int,), (int,), (str,), (int,), (int,), (str,), (str,))


class Catalogue(Database):
    """An open catalogue."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        super().__init__(path, create=create)
        try:
            version = self._prepare(create)
        except BaseException:
            self._db.close()
            raise
        self._facts = _FACTS_BEFORE if version == UNIDENTIFIED else _FACTS
        if version == 0:
            self._db.close()
            raise CollectionCorruptError(
                f"{path}: an empty file, or no catalogue of copyprint; restore it or build the collection again"
            )
        if version not in (UNIDENTIFIED, SCHEMA_VERSION):
            self._db.close()
            raise CollectionCorruptError(
                f"{path}: catalogue version {version}, this version of copyprint reads {UNIDENTIFIED} and "
                f"{SCHEMA_VERSION}; 'fingerprint index upgrade' brings older ones up to date"
            )

    def _prepare(self, create: bool) -> int:
        """Write the schema if `create`, and return the version of the schema."""
        with self._reported():
            if create:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def next_number(self) -> int:
        """Return the number for the next segment, which no segment ever had."""
        with self._reported():
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").fetchone() or (0,)
        self._check_types(row, ((int,),))
        return 1 + int(row[0])

    def add_segment(
        self, number: int, model_id: str, records: Sequence[ImageRecord], manifest: str, rank: int | None = None
    ) -> None:
        """Enter a segment and its pictures, one record for each row in order. By default it ranks after all others."""
        model = self._model(model_id)
        if rank is None:
            (rank,) = self._db.execute("SELECT coalesce(max(place), 0) + 1 FROM segments").fetchone()
        self._db.execute(
            "INSERT INTO segments (number, place, model, n_rows, manifest, facts) VALUES (?, ?, ?, ?, ?, ?)",
            (number, rank, model, len(records), manifest, facts_digest(records)),
        )
        self._db.executemany(
            f"INSERT INTO images (segment, row, model, {_FACTS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(number, row, model, *storable_facts(record)) for row, record in enumerate(records)],
        )

    def make_room(self, rank: int, n: int) -> None:
        """Raise the ranks after `rank`, so that the `n` ranks from `rank` on are free for new segments."""
        self._db.execute("UPDATE segments SET place = place + ? WHERE place > ?", (n - 1, rank))

    def drop_segment(self, number: int) -> None:
        """Delete a segment and all its pictures."""
        self._db.execute("DELETE FROM images WHERE segment = ?", (number,))
        self._db.execute("DELETE FROM segments WHERE number = ?", (number,))

    def _model(self, model_id: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO models (model_id) VALUES (?)", (model_id,))
        (number,) = self._db.execute("SELECT number FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return int(number)

    def remove(self, ids: Iterable[str], model_id: str | None = None) -> None:
        """Mark pictures as removed, for one model or for all models.

        Raises
        ------
        UnknownIdError
            At the first id that is not in the collection; within `change`, nothing is removed then.
        """
        query = (
            "UPDATE images SET removed = 1 WHERE id = ? AND removed = 0 "
            "AND (? IS NULL OR model = (SELECT number FROM models WHERE model_id = ?)) RETURNING segment"
        )
        for image_id in ids:
            known = is_unicode(image_id) and (model_id is None or is_unicode(model_id))
            segments = self._db.execute(query, (image_id, model_id, model_id)).fetchall() if known else []
            if not segments:
                raise UnknownIdError(f"{image_id}: no such id in the collection; nothing was removed", image_id)
            self._db.executemany("UPDATE segments SET n_removed = n_removed + 1 WHERE number = ?", segments)

    def remove_rows(self, number: int, rows: Sequence[int]) -> None:
        """Mark rows of a segment as removed; none of them may be marked yet."""
        query = "UPDATE images SET removed = 1 WHERE segment = ? AND row = ?"
        self._db.executemany(query, [(number, row) for row in rows])
        self._db.execute("UPDATE segments SET n_removed = n_removed + ? WHERE number = ?", (len(rows), number))

    def live(self, ids: Iterable[str], model_id: str) -> list[str]:
        """Return the ids, of those given, that are in the collection."""
        query = (
            "SELECT 1 FROM images "
            "WHERE id = ? AND model = (SELECT number FROM models WHERE model_id = ?) AND removed = 0"
        )
        with self._reported():
            return [image_id for image_id in ids if self._db.execute(query, (image_id, model_id)).fetchone()]

    def find(self, image_id: str, model_id: str) -> ImageRecord | None:
        """Return the current record of an id, or None if there is none."""
        query = (
            f"SELECT {self._facts} FROM images "  # noqa: S608 - a constant
            "WHERE id = ? AND model = (SELECT number FROM models WHERE model_id = ?) AND removed = 0"
        )
        with self._reported():
            row = self._db.execute(query, (image_id, model_id)).fetchone()
        return None if row is None else self._image(row)

    def frames_of(self, image_id: str, model_id: str) -> dict[str, str | None]:
        """Return the paths of the frames of a picture's file that are pictures of their own, by their ids."""
        query = (
            "SELECT id, path FROM images WHERE id > ? AND id < ? AND removed = 0 "
            "AND model = (SELECT number FROM models WHERE model_id = ?)"
        )
        with self._reported():
            return dict(self._db.execute(query, (f"{image_id}#frame=", f"{image_id}#frame>", model_id)).fetchall())

    def identical(self, identity: Identity, model_id: str, most: int) -> dict[str, bool]:
        """Return at most `most` pictures with the same bytes or pixels by id, and whether the bytes are the same.

        Those with the same bytes come first, and then they are in the order of their ids.

        A catalogue of the schema before has no index for this, and names none.
        """
        if self._facts != _FACTS:
            return {}
        same = (("content", identity.content), ("pixels", identity.pixels))
        found: dict[str, bool] = {}
        with self._reported():
            for column, digest in same:
                if digest is not None:
                    query = (
                        f"SELECT id FROM images WHERE {column} = ? AND removed = 0 "  # noqa: S608 - a constant
                        "AND model = (SELECT number FROM models WHERE model_id = ?) ORDER BY id LIMIT ?"
                    )
                    for (image_id,) in self._db.execute(query, (digest, model_id, most)):
                        found.setdefault(image_id, column == "content")
        return dict(list(found.items())[:most])

    def raise_schema(self) -> None:
        """Raise a catalogue of the schema before to the current one; hold the writer's lock."""
        if self._facts == _FACTS:
            return
        with self._reported():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == UNIDENTIFIED:
                self._db.executescript(f"BEGIN IMMEDIATE; {_RAISE} COMMIT;")
        self._facts = _FACTS

    def record(self, segment: int, row: int) -> ImageRecord | None:
        """Return the record of a row, removed or not, or None if its segment no longer exists."""
        query = f"SELECT {self._facts} FROM images WHERE segment = ? AND row = ?"  # noqa: S608
        with self._reported():
            found = self._db.execute(query, (segment, row)).fetchone()
        return None if found is None else self._image(found)

    def records(self, segment: int) -> Iterator[tuple[ImageRecord, bool]]:
        """Yield (record, whether it is removed) for each row of a segment, in order."""
        query = f"SELECT {self._facts}, removed FROM images WHERE segment = ? ORDER BY row"  # noqa: S608
        with self._translated():  # without the lock, which would be held while the caller works on what it has
            for *facts, removed in self._db.execute(query, (segment,)):
                yield self._image(facts), bool(removed)

    def set_paths(self, paths: Mapping[str, str], model_id: str) -> None:
        """Enter the new paths of pictures' files, by id; unknown ids are ignored."""
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
        """Note a file that could not be added; its path is read back as it is, also with bytes that are not UTF-8."""
        self._db.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?)", (_stored_name(path), storable(reason)))

    def clear_skipped(self, path: str) -> None:
        """Delete the note that a file could not be added."""
        # the second form is that of older versions
        self._db.execute("DELETE FROM skipped WHERE path IN (?, ?)", (_stored_name(path), storable(path)))

    def skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of the files that could not be added, by path."""
        with self._reported():
            rows = self._db.execute("SELECT path, reason FROM skipped ORDER BY path").fetchall()
        return [(read_name(path), reason) for path, reason in rows]

    def segments(self) -> list[SegmentRecord]:
        """Return the segments of all models, by rank."""
        query = (
            "SELECT s.number, s.place, m.model_id, s.n_rows, s.n_removed, s.manifest, s.facts "
            "FROM segments s JOIN models m ON m.number = s.model ORDER BY s.place, s.number"
        )
        with self._reported():
            rows = self._db.execute(query).fetchall()
        for row in rows:
            self._check_types(row, _SEGMENT_TYPES)
        return [SegmentRecord(*row) for row in rows]

    def tombstones(self) -> dict[int, list[int]]:
        """Return the rows that were removed, by segment, ascending."""
        found: dict[int, list[int]] = {}
        query = "SELECT segment, row FROM images WHERE removed = 1 ORDER BY segment, row"
        with self._reported():
            for segment, row in self._db.execute(query):
                self._check_types((segment, row), ((int,), (int,)))
                found.setdefault(segment, []).append(row)
        return found

    def counts(self, segment: int) -> tuple[int, int, int, int]:
        """Return of a segment: number of rows, highest row, number of removed rows, number of rows of other models."""
        query = (
            "SELECT count(*), coalesce(max(row), -1), coalesce(sum(removed <> 0), 0), "
            "coalesce(sum(model <> (SELECT model FROM segments WHERE number = ?)), 0) FROM images WHERE segment = ?"
        )
        with self._reported():
            rows, highest, removed, foreign = self._db.execute(query, (segment, segment)).fetchone()
        return int(rows), int(highest), int(removed), int(foreign)

    def _image(self, facts: Sequence[Any]) -> ImageRecord:
        self._check_types(facts, _FACT_TYPES)
        return ImageRecord(*facts)

    def _check_types(self, row: Sequence[Any], types: Sequence[tuple[type, ...]]) -> None:
        """Check what a table of another form than ours may have: SQLite stores anything in it."""
        for value, allowed in zip(row, types, strict=True):
            if type(value) not in allowed:
                raise CollectionCorruptError(
                    f"{self._path}: not a sound catalogue ({value!r:.40} is of type {type(value).__name__}); restore "
                    "it or build the collection again"
                )

    def fact(self, name: str) -> str | None:
        """Return the value noted under a name, or None."""
        with self._reported():
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Note a value that concerns the whole collection."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def settle(self, number: int, ids: Sequence[str]) -> list[str]:
        """Correct the entries of a segment that contradict each other or the ids in the segment.

        Returns
        -------
        list of str
            What was changed; also empty if rows are missing, which cannot be corrected.
        """
        rows, highest, removed, foreign = self.counts(number)
        if (rows, highest) != (len(ids), len(ids) - 1):
            return []
        done = []
        (listed,) = (segment for segment in self.segments() if segment.number == number)
        if listed.n_rows != rows:
            self._db.execute("UPDATE segments SET n_rows = ? WHERE number = ?", (rows, number))
            done.append("the number of its pictures was corrected")
        if foreign:
            query = "UPDATE images SET model = (SELECT model FROM segments WHERE number = ?) WHERE segment = ?"
            self._db.execute(query, (number, number))
            done.append(f"{foreign} pictures were given their model")
        if listed.n_removed != removed:
            self._db.execute("UPDATE segments SET n_removed = ? WHERE number = ?", (removed, number))
            done.append(f"{removed} of its pictures are marked as removed, {listed.n_removed} were counted; check them")
        records = [record for record, _ in self.records(number)]
        for row, (image_id, record) in enumerate(zip(ids, records, strict=True)):
            if record.image_id != image_id:
                query = "UPDATE images SET id = ? WHERE segment = ? AND row = ?"
                self._db.execute(query, (image_id, number, row))
                done.append(f"the id {image_id!r} was restored")
        facts = facts_digest(record for record, _ in self.records(number))
        if facts != listed.facts:
            self._db.execute("UPDATE segments SET facts = ? WHERE number = ?", (facts, number))
            done.append("paths, contents or sizes of its pictures have changed and were accepted")
        return done

    def rebuild_indices(self) -> None:
        """Let SQLite rebuild its indices."""
        with self.change():
            self._db.execute("REINDEX")

    def problems(self) -> list[str]:
        """Return the problems that SQLite finds in its file; empty if it is sound."""
        try:
            answers = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            answers = [str(error)]
        return [f"{self._path}: {answer}" for answer in answers if answer != "ok"]


def _stored_name(path: str) -> str:
    """Return a path as SQLite can store it, for `read_name`: one that is no text in UTF-8 becomes a JSON string."""
    return path if is_unicode(path) and read_name(path) == path else written_name(path)


def was_unfinished(path: Path) -> bool:
    """Return whether a database can be one that was being made when its maker died: without tables, or an empty one."""
    for mode in ("ro", "rw"):
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as database:
                tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
                return tables <= _TABLES and not ("segments" in tables and database.execute(_ANY_SEGMENT).fetchone())
        except sqlite3.Error as error:
            # the maker died within its first change: only who may write can undo that
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_READONLY_ROLLBACK:
                break
    return False


_TABLES = {"models", "segments", "images", "skipped", "facts", "sqlite_sequence"}
_ANY_SEGMENT = "SELECT 1 FROM segments LIMIT 1"
