"""Turns the errors of all commands into messages and exit codes."""

from __future__ import annotations

import errno
import io
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
from fingerprint.cli._streams import fill_closed_streams
from fingerprint.errors import FingerprintError

EXIT_BUG = 70  # as in sysexits.h: an internal error of the software
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143
_SECONDS_TO_END = 10  # from a signal until the process is ended by force


class BoundaryGroup(ExampleCommand, click.Group):
    """A group of commands in which every failure ends with one line on stderr and an exit code.

    An error that nobody expected has its own code, as it is a bug: 1 means that the work was done.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; help and the version, which are printed before any command, may fail too."""
        fill_closed_streams()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            _silence_stdout()
            click.echo(f"fingerprint: error: {shown(_message(error))}", err=True)
            sys.exit(EXIT_FAILED)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, flush its results, and turn errors into messages."""
        try:
            with _clean_end(), warnings.catch_warnings():
                warnings.showwarning = _log_warning
                _print_any_name()
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
            _leave_after_bug(ctx, error)
        except BrokenPipeError:
            _silence_stdout()  # the program that reads the results has closed the pipe
            ctx.exit(EXIT_BROKEN_PIPE)
        except Exception as error:  # noqa: BLE001 - the last place that can say what went wrong
            message = _message(error)
            if message is None:
                _leave_after_bug(ctx, error)
            _silence_stdout()
            click.echo(f"fingerprint: error: {shown(message)}{_lost_directory()}", err=True)
            ctx.exit(EXIT_FAILED)
        return result


def _print_any_name() -> None:
    """Let stdout escape what its encoding does not have; a name must not end the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _leave_interrupted(ctx: click.Context) -> NoReturn:
    click.echo("\nfingerprint: interrupted", err=True)
    ctx.exit(EXIT_INTERRUPTED)


def _leave_after_bug(ctx: click.Context, error: Exception) -> NoReturn:
    """Say what happened in one line; the traceback, for a report, only with ``-vv``."""
    import logging
    import traceback

    _silence_stdout()
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    click.echo(
        f"fingerprint: internal error: {shown(what)}; this is a bug of copyprint: please report it, with the command "
        "and its messages when -vv is given",
        err=True,
    )
    logger = logging.getLogger("fingerprint")
    for line in "".join(traceback.format_exception(error)).splitlines() if logger.isEnabledFor(logging.DEBUG) else ():
        logger.debug("%s", line)
    ctx.exit(EXIT_BUG)


def _hidden_in(error: SystemError) -> BaseException | None:
    """Return the exception that a signal raised while a kernel returned its result: Numba hides it in a SystemError."""
    cause: BaseException | None = error
    while isinstance(cause, SystemError):
        cause = cause.__cause__
    return cause


@contextmanager
def _clean_end() -> Iterator[None]:
    """Let the signals TERM and INT unwind the command, so that its temporary files are deleted, but not for ever."""

    def end(_number: int, _frame: object) -> NoReturn:
        signal.alarm(_SECONDS_TO_END)
        raise SystemExit(EXIT_TERMINATED)

    def interrupt(_number: int, _frame: object) -> NoReturn:
        signal.alarm(_SECONDS_TO_END)
        raise KeyboardInterrupt

    handlers = {signal.SIGTERM: end}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a background job
        handlers[signal.SIGINT] = interrupt
    try:
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    except ValueError:  # not in the main thread, so the process is not ours
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.alarm(0)


def _message(error: Exception) -> str | None:
    """Return the message for the user, or None if the error is a bug."""
    if isinstance(error, FingerprintError):
        return str(error)
    if isinstance(error, OSError):
        if error.errno == errno.EBADF and error.filename is None:
            return "standard output or input is closed; direct it to a file, or from one"
        reason = error.strerror or str(error) or type(error).__name__
        path = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{path}{reason[:1].lower()}{reason[1:]}{_remedy(error.errno)}"
    if isinstance(error, MemoryError):
        return "not enough memory; give fewer --workers"
    import sqlite3

    if isinstance(error, sqlite3.Error):
        return f"the collection's catalogue: {error}; check free space and permissions, then try again"
    return None


def _remedy(number: int | None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "; free some space, or choose another folder (temporary files are in the folder that TMPDIR names)"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; choose another folder or change the permissions"
    return ""


def _lost_directory() -> str:
    """Return what is added to a message where relative paths lead nowhere."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() does just this
    except FileNotFoundError:
        return "; the current directory was deleted or moved: change to another (cd)"
    return ""


def _silence_stdout() -> None:
    """Discard what is still buffered for stdout, so that the interpreter does not fail on it when it exits."""
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
