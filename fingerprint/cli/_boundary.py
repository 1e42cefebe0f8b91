"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._output import EXIT_FAILED, shown
from fingerprint.errors import FingerprintError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143
_SECONDS_TO_END = 10  # after the signal TERM, before the process is ended whatever it does


class BoundaryGroup(ExampleCommand, click.Group):
    """A group of commands that ends every foreseeable failure with one line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, write out what is left of its results, and turn errors into messages."""
        try:
            with _clean_end(), warnings.catch_warnings():
                warnings.showwarning = _log_warning
                result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _leave_interrupted(ctx)
        except SystemError as error:
            stopped = _hidden_in(error)
            if isinstance(stopped, KeyboardInterrupt):
                _leave_interrupted(ctx)
            if isinstance(stopped, SystemExit):
                raise stopped from None
            raise
        except BrokenPipeError:
            _silence_stdout()  # whoever read the results has had enough
            ctx.exit(EXIT_BROKEN_PIPE)
        except Exception as error:
            message = _message(error)
            if message is None:
                raise
            _silence_stdout()
            click.echo(f"fingerprint: error: {shown(message)}", err=True)
            ctx.exit(EXIT_FAILED)
        return result


def _leave_interrupted(ctx: click.Context) -> NoReturn:
    click.echo("\nfingerprint: interrupted", err=True)
    ctx.exit(EXIT_INTERRUPTED)


def _hidden_in(error: SystemError) -> BaseException | None:
    """Return what a signal raised while a compiled kernel handed over its result: Numba makes a SystemError of it."""
    cause: BaseException | None = error
    while isinstance(cause, SystemError):
        cause = cause.__cause__
    return cause


@contextmanager
def _clean_end() -> Iterator[None]:
    """Let the signal TERM unwind the command, so that its temporary files go with it."""

    def end(_number: int, _frame: object) -> NoReturn:
        signal.alarm(_SECONDS_TO_END)
        raise SystemExit(EXIT_TERMINATED)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not in the main thread: somebody else's process
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.alarm(0)


def _message(error: Exception) -> str | None:
    """Return what to tell the user of an error, or None if it is a fault of the program."""
    if isinstance(error, FingerprintError):
        return str(error)
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{place}{reason[:1].lower()}{reason[1:]}{_remedy(error.errno)}"
    if isinstance(error, MemoryError):
        return "not enough memory; give fewer --workers"
    import sqlite3

    if isinstance(error, sqlite3.Error):
        return f"the collection's catalogue: {error}; see to free space and permissions, then try again"
    return None


def _remedy(number: int | None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "; free some space, or choose another place (temporary files lie in the folder that TMPDIR names)"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; choose another place or change the permissions"
    return ""


def _silence_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, so that the interpreter does not stumble over it at its end."""
    with suppress(OSError, ValueError):  # a replaced stdout may have no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)


def _log_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Keep the warnings of libraries for ``--verbose``."""
    import logging

    logging.getLogger("fingerprint.warnings").info("%s", message)
