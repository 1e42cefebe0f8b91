"""A group of commands of which one is meant where none is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from fingerprint.cli._help import ExampleCommand


class DefaultGroup(ExampleCommand, click.Group):
    """A group of commands that runs one of them if its first argument is no name of a command.

    Parameters
    ----------
    *args, **kwargs
        Those of `click.Group` and `ExampleCommand`.
    default : str
        Name of that command.
    """

    def __init__(self, *args: Any, default: str, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, examples=examples, **kwargs)
        self.default = default

    def with_default(self, args: Sequence[str]) -> list[str]:
        """Return arguments with the name of the command that is meant, if they do not begin with one."""
        named = not args or args[0] in self.commands
        return list(args) if named else [self.default, *args]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments; without any, or where help is asked for, of the group itself."""
        asks_for_help = bool(args) and args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if asks_for_help else self.with_default(args))
