"""The table of a search: a line for each query and each reference found for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import click

from fingerprint.cli._output import shown_name

_WIDEST = 48  # characters; a longer name makes only its own line longer


@dataclass(slots=True)
class Table:
    """Lines of queries and references, in columns.

    Attributes
    ----------
    longest_query, longest_reference : int
        Characters of the longest names that are expected.
    """

    longest_query: int
    longest_reference: int

    def widen(self, references: Iterable[object]) -> None:
        """Make the column of references as wide as those of an answer; it stays so."""
        self.longest_reference = max(self.longest_reference, longest(references))

    def row(self, query: object, reference: object, rest: str) -> None:
        """Print a query, a reference, and a text about both."""
        width = max(len("reference"), min(_WIDEST, self.longest_reference))
        self.note(query, f"{shown_name(reference):<{width}}  {rest}")

    def note(self, query: object, text: str) -> None:
        """Print a query and a text about it."""
        width = max(len("query"), min(_WIDEST, self.longest_query))
        click.echo(f"{shown_name(query):<{width}}  {text}")


def longest(names: Iterable[object]) -> int:
    """Return the length of the longest name, as it is shown, in characters."""
    return max((len(shown_name(name)) for name in names), default=0)
