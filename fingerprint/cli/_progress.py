"""Progress bars on stderr, if it is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fingerprint.types import StageProgress


@contextmanager
def progress(*, quiet: bool, streams: bool = False) -> Iterator[StageProgress]:
    """Yield a progress callback that draws a bar for each stage.

    Parameters
    ----------
    quiet : bool
        Draw nothing. Nothing is drawn either if stderr is not a terminal.
    streams : bool
        Whether the command prints results while it works: no bar is drawn between them on the same terminal.
    """
    if quiet or not sys.stderr.isatty() or (streams and sys.stdout.isatty()):
        yield _nothing
        return
    with ExitStack() as current:
        bars = _Bars(current)
        yield bars.report


class _Bars:
    """Draws the bar of the current stage."""

    def __init__(self, current: ExitStack) -> None:
        self._current = current
        self._stage: str | None = None
        self._done = 0
        self._begun = 0.0

    def report(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._current.close()  # ends the line of the stage before
            self._stage, self._done, self._begun = stage, 0, time.monotonic()
            shown: Any = click.progressbar(
                iterable=None if total else count(),  # the length of a list on stdin is not known
                length=total or None,
                label=f"{stage:<22}",
                file=sys.stderr,
                show_pos=True,
                show_eta=True,
                item_show_func=lambda rate: None if rate is None else f"{rate:,.1f}/s",
            )
            self._bar = self._current.enter_context(shown)
        self._bar.update(done - self._done, done / max(1e-9, time.monotonic() - self._begun))
        self._done = done


def _nothing(_stage: str, _done: int, _total: int) -> None:
    return
