"""The table of a search: a line for each query and each reference found for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from fingerprint.cli._output import shown_name

_WIDEST = 48  # characters; a longer name makes only its own line longer
_REST = 44  # characters that the columns after the names take, about


@dataclass(slots=True)
class Table:
    """Lines of queries and references, in columns; where these do not fit a terminal, names are below each other.

    Attributes
    ----------
    longest_query, longest_reference : int
        Characters of the longest names that are expected.
    columns : int or None
        Of the terminal; None if it is none, so that a program may read the lines.
    """

    longest_query: int
    longest_reference: int
    columns: int | None = field(default_factory=lambda: _terminal_columns())
    _query: object = None  # the one that was printed last, where names are below each other

    @property
    def stacked(self) -> bool:
        """Whether names are below each other."""
        return self.columns is not None and self.longest_query + self.longest_reference + _REST > self.columns

    def widen(self, references: Iterable[object]) -> None:
        """Make the column of references as wide as those of an answer; it stays so."""
        self.longest_reference = max(self.longest_reference, longest(references))

    def header(self, rest: str) -> None:
        """Print the names of the columns, of which `rest` are those after the names."""
        if self.stacked:
            click.echo(f"  {rest}")
        else:
            self.row("query", "reference", rest)

    def row(self, query: object, reference: object, rest: str) -> None:
        """Print a query, a reference, and a text about both."""
        if self.stacked:
            self._below(query)
            click.echo(f"  {rest}")
            click.echo(f"      {shown_name(reference)}")
            return
        width = max(len("reference"), min(_WIDEST, self.longest_reference))
        self.note(query, f"{shown_name(reference):<{width}}  {rest}")

    def note(self, query: object, text: str) -> None:
        """Print a query and a text about it."""
        if self.stacked:
            self._below(query)
            click.echo(f"  {text}")
            return
        width = max(len("query"), min(_WIDEST, self.longest_query))
        click.echo(f"{shown_name(query):<{width}}  {text}")

    def _below(self, query: object) -> None:
        """Print a query, unless it is that of the line before."""
        if query is not self._query:
            self._query = query
            click.echo(shown_name(query))


def _terminal_columns() -> int | None:
    """Return the characters in a line of the terminal that stdout is, or None if it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def longest(names: Iterable[object]) -> int:
    """Return the length of the longest name, as it is shown, in characters."""
    return max((len(shown_name(name)) for name in names), default=0)
