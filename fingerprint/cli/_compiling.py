"""A note on stderr while kernels are compiled: the first run in an empty cache takes long and prints nothing else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from fingerprint.cli._output import shown_name

#: Key in a context's meta: whether ``--quiet`` is given.
QUIET = f"{__name__}.quiet"
_INTERVAL = 0.25  # seconds between two looks
_MANY = 5  # looks that find a compiler at work, a little more than a second
_COMPILER = "numba.core.compiler"
_KERNELS = "fingerprint.kernels.compiled"


@contextmanager
def compiling_noted(ctx: click.Context) -> Iterator[None]:
    """Say once that kernels are compiled, if that takes longer than a second and stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(ctx, ended), daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()


def _watch(ctx: click.Context, ended: threading.Event) -> None:
    seen = 0
    while not ended.wait(_INTERVAL):
        seen += compiles()
        if seen >= _MANY:
            if not ctx.meta.get(QUIET, False):
                click.echo(f"fingerprint: {note()}", err=True)
            return


def note() -> str:
    """Return what is said of the compiler at work, and where its results are kept."""
    place = sys.modules[_KERNELS].kept_in() if _KERNELS in sys.modules else None
    if place is None:
        return "compiling kernels, which takes a minute or two; they cannot be kept, see 'fingerprint doctor'"
    return (
        f"compiling kernels, once after installing: this takes a minute or two. They are kept in {shown_name(place)}; "
        "'fingerprint doctor --warm' compiles all of them in advance"
    )


def compiles() -> bool:
    """Return whether a thread of this process is in Numba's compiler, which tells nobody that it works."""
    if _COMPILER not in sys.modules:
        return False
    for thread in sys._current_frames().values():  # noqa: SLF001 - the documented way to see other threads
        frame = thread
        while frame is not None:
            if frame.f_globals.get("__name__") == _COMPILER:
                return True
            frame = frame.f_back  # type: ignore[assignment]
    return False
