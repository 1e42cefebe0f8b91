"""A connection to a database that this process may only read, while others change it.

Who cannot write beside a database cannot take SQLite's locks there, or not all of them. So what a statement read may be
half of one state and half of the next, and SQLite may find its side files gone, or refuse to mend them. Each statement
is therefore read to its end at once, and again, by a new connection, if it failed or the files changed meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

#: Inode, size and time of change of the database and its log; None for one that is not there.
Facts: TypeAlias = tuple[tuple[int, int, int] | None, ...]
_SETTLED = 0.05  # seconds after which another change would have another time


class Rows:
    """What a statement returned, all of it."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchall(self) -> list[Any]:
        """Return the rows that were not fetched yet."""
        return list(self._rows)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)


class Guest:
    """A connection whose statements are repeated by `repeat`, but for those within a transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
    facts : Facts or None
        Of the files before it was opened; None if SQLite's locks keep changes away from what it reads.
    repeat : callable
        Calls a function until it neither fails nor reads what is being changed.
    """

    def __init__(
        self, connection: sqlite3.Connection, facts: Facts | None, repeat: Callable[[Callable[[Any], Rows]], Rows]
    ) -> None:
        self.connection, self.facts = connection, facts
        self._repeat = repeat

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run a statement, and read all that it returns."""
        if self.connection.in_transaction:  # which is repeated as a whole
            return Rows(self.connection.execute(statement, parameters).fetchall())
        return self._repeat(lambda database: Rows(database.execute(statement, parameters).fetchall()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def facts_of(path: Path) -> Facts:
    """Return what changes with every change of a database."""
    found: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            status = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def is_settled(facts: Facts) -> bool:
    """Return whether files were changed so long ago that another change would show."""
    newest = max((fact[2] for fact in facts if fact is not None), default=0)
    return abs(time.time() - newest / 1e9) > _SETTLED
