"""An SQLite database of a collection: opened as the disk allows, with errors that name the file."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError
from fingerprint.index.guest import Guest, facts_of, is_settled
from fingerprint.index.own_files import SIDE_FILES, check_file

_BUSY_SECONDS = 5.0
#: How often a guest reads what others are changing, how often what SQLite refuses, and seconds between two attempts.
_ATTEMPTS, _ATTEMPTS_AFTER_ERRORS, _PAUSE = 40, 10, 0.05
_LONGEST_REASON = 120  # characters
_NO_LOCKS = "win32-none" if os.name == "nt" else "unix-none"  # SQLite's way to files without locking them
#: SQLite's codes for failures of the disk or the system, which do not mean that the catalogue is damaged.
_REFUSED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)

Found = TypeVar("Found")


def _has_log(path: Path) -> bool:
    """Return whether there is a log: a writer is active, or left changes that are not yet in the file itself."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


class Database:
    """An open database, which several threads may use: while one of them is changing it, the others wait.

    All share one connection, so without this they would see changes that are undone later, and begin a transaction
    within that of another thread.

    Parameters
    ----------
    path : Path
    create : bool
        Make an empty one.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._db: Any = self._first(create)  # a connection, or a `Guest`

    def _first(self, create: bool) -> Any:
        """Open the database; one who may only read may meet others at the moment when they replace its side files."""
        for attempt in range(_ATTEMPTS_AFTER_ERRORS):
            try:
                return self._connect(create)
            except CollectionError:
                last = attempt + 1 == _ATTEMPTS_AFTER_ERRORS
                if create or last or not self._path.is_file() or os.access(self._path.parent, os.W_OK):
                    raise
                time.sleep(_PAUSE)
        raise AssertionError("the last attempt returns or raises")

    def _connect(self, create: bool) -> Any:
        """Open the database; where SQLite cannot write its side files, without them and without locks."""
        for end in SIDE_FILES:
            check_file(self._path.with_name(self._path.name + end), written=True)
        if self._path.is_symlink() or self._path.is_file():
            check_file(self._path, written=False)
        elif self._path.exists():
            raise CollectionCorruptError(f"{self._path}: not a file; restore it or build the collection again")
        with self._reported():
            if create:
                with suppress(FileExistsError), self._path.open("xb"):
                    pass  # with the permissions that the user's umask gives; SQLite's own side files get the same
            facts = facts_of(self._path)
            may_write = create or os.access(self._path.parent, os.W_OK)
            if may_write or _has_log(self._path):
                try:
                    opened = self._opened("mode=rw")
                except sqlite3.OperationalError as error:
                    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                    if create or code not in (*_REFUSED, sqlite3.SQLITE_CANTOPEN) or not self._path.is_file():
                        raise
                    # the disk is full or read-only
                else:
                    return opened if may_write else Guest(opened, None, self._repeated)
            if not _has_log(self._path):
                return Guest(self._opened("mode=ro&immutable=1"), facts, self._repeated)
            first = "PRAGMA locking_mode = EXCLUSIVE"  # the log's index in memory
            return Guest(self._opened(f"mode=ro&vfs={_NO_LOCKS}", first), facts, self._repeated)

    def _opened(self, mode: str, first: str = "PRAGMA trusted_schema = OFF") -> sqlite3.Connection:
        """Open the database in a mode, and read from it once: only that shows whether it can be read."""
        database = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            database.execute(first).fetchall()
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA synchronous = FULL")  # a committed change survives a loss of power
            database.execute("PRAGMA user_version").fetchall()
            database.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            (page_size,) = database.execute("PRAGMA page_size").fetchone()
            if self._path.stat().st_size % page_size and not _has_log(self._path):
                # SQLite itself misses pages, but not a part of the last one, which it would read as zeros. (The file
                # is not opened here: closing it would release the locks that SQLite holds on it for this process.)
                raise CollectionCorruptError(
                    f"{self._path}: its end is missing; restore it or build the collection again"
                )
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Read while no other thread changes anything; errors as `_translated` gives them."""
        with self._lock, self._translated():
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn an error of SQLite into one that names the file and the remedy."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise CollectionError(f"{self._path}: {error}; it was closed: open the collection again") from error
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)  # an error about text that is not UTF-8 has no code
            if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
                raise CollectionBusyError(
                    f"{self._path}: another process is using it ({error}); wait until it has ended"
                ) from error
            unopened = code == sqlite3.SQLITE_CANTOPEN and self._path.is_file()  # no permission, or too many open files
            if unopened or (code is not None and code & 0xFF in _REFUSED):
                raise CollectionError(
                    f"{self._path}: {error}; check free space and permissions, then try again"
                ) from error
            what = str(error)  # which may have all of a text that is not UTF-8
            what = what if len(what) <= _LONGEST_REASON else f"{what[:_LONGEST_REASON]}..."
            raise CollectionCorruptError(
                f"{self._path}: not a sound catalogue ({what}); restore it or build the collection again"
            ) from error

    def read_at_once(self, read: Callable[[], Found]) -> Found:
        """Return what a function reads of one moment, while other processes may write; it may be called repeatedly."""

        def within(database: Any) -> Found:
            try:
                database.execute("BEGIN")
                return read()
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

        with self._reported():
            if not isinstance(self._db, Guest):
                return within(self._db)
            self._renew()  # by now there may be space, or rights
            return self._repeated(within)

    @contextmanager
    def read_transaction(self) -> Iterator[None]:
        """Make everything read inside of one moment; unlike in `read_at_once`, nothing is read twice for a guest."""
        with self._reported():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _renew(self) -> None:
        """Open the database again; if that fails, the connection stays as it was."""
        old, self._db = self._db, self._connect(create=False)
        old.close()

    def _repeated(self, read: Callable[[Any], Found]) -> Found:
        """Return what a function reads of the connection, again if it failed or others changed what it read.

        Raises
        ------
        CollectionBusyError
            If others change it all the time.
        sqlite3.Error, CollectionError
            If it cannot be read.
        """
        for attempt in range(_ATTEMPTS):
            guest = self._db if isinstance(self._db, Guest) else None
            database = self._db if guest is None else guest.connection
            try:
                found = read(database)
            except (sqlite3.DatabaseError, CollectionError) as error:
                closed = isinstance(error, sqlite3.ProgrammingError)
                if guest is None or closed or attempt + 1 >= _ATTEMPTS_AFTER_ERRORS:
                    raise
            else:
                if guest is None or guest.facts is None:
                    return found
                now = facts_of(self._path)
                if now == guest.facts and (is_settled(now) or attempt + 1 == _ATTEMPTS):
                    return found
            time.sleep(_PAUSE)
            with suppress(CollectionError):  # it is tried again by the connection that is there
                self._renew()
        raise CollectionBusyError(f"{self._path}: others change it all the time; try again when they have ended")

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make all changes inside one transaction: after it all of them are on disk, or none."""
        with self._lock:
            try:
                with self._translated():
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise CollectionError(
                        f"{self._path}: {error}; this step was undone: check free space and permissions, then try again"
                    ) from error
                raise
