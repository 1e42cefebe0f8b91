"""Numbers that no machine can hold are refused by every option, not only by the one at which that was noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import pytest

from fingerprint.cli import main
from fingerprint.cli._options import MOST_COUNT, Count
from fingerprint.collection.looks import SearchOptions
from fingerprint.errors import ConfigError

HUGE = 99_999_999_999_999_999_999


def options(group: click.Command = main) -> Iterator[click.Parameter]:
    yield from group.params
    for command in group.commands.values() if isinstance(group, click.Group) else ():
        yield from options(command)


def test_every_whole_number_has_an_upper_end() -> None:
    counted: list[Any] = [option for option in options() if isinstance(option.type, click.IntRange)]
    unbounded = {str(o.name) for o in counted if not isinstance(o.type, Count) and o.type.max is None}
    assert unbounded == {"seed", "max_pixels", "verbose"}  # any whole number is a seed; more pixels are no limit
    for option in counted:
        if isinstance(option.type, Count):
            assert option.type.convert(str(MOST_COUNT), option, None) == MOST_COUNT
            with pytest.raises(click.BadParameter, match="is more than"):
                option.type.convert(str(HUGE), option, None)


def test_the_library_refuses_them_too() -> None:
    assert SearchOptions((1 << 63) - 1).n_results
    with pytest.raises(ConfigError, match="must be at most"):
        SearchOptions(HUGE)
