"""The options ``--scheduler`` and ``--shared-folder``, by which a command's work is done on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fingerprint.cli._options import EXISTING_FOLDER
from fingerprint.cli._output import shown

if TYPE_CHECKING:
    from fingerprint.workers import Workers

Command = TypeVar("Command", bound=Callable[..., Any])

_SCHEDULER = f"{__name__}.scheduler"  # keys in the context's meta
_SHARED = f"{__name__}.shared"


def scheduler_options(command: Command) -> Command:
    """Add ``--scheduler`` and ``--shared-folder``; see `chosen_workers`."""
    scheduler = click.option(
        "--scheduler",
        metavar="WHERE",
        expose_value=False,
        callback=_keeper(_SCHEDULER),
        help="Do the work on a Dask cluster: the scheduler's address (tcp://HOST:PORT), its file, or local:N for N "
        "processes here. The result is the same.",
    )
    shared = click.option(
        "--shared-folder",
        metavar="DIR",
        type=EXISTING_FOLDER,
        expose_value=False,
        callback=_keeper(_SHARED),
        help="With --scheduler: a folder for temporary files that all workers reach under the same path.",
    )
    return scheduler(shared(command))


@contextmanager
def chosen_workers(n_workers: int | None) -> Iterator[Workers]:
    """Yield the cluster that ``--scheduler`` names, connected; or what ``--workers`` says.

    Raises
    ------
    ClusterError, ConfigError
    """
    context = click.get_current_context()
    meta = context.meta
    scheduler: str | None = meta.get(_SCHEDULER)
    shared: Path | None = meta.get(_SHARED)
    if scheduler is None:
        if shared is not None:
            raise click.UsageError("--shared-folder is for the workers of a --scheduler")
        yield n_workers
        return
    if n_workers is not None:
        raise click.UsageError("--workers and --scheduler exclude each other: the cluster says how many workers it has")
    from fingerprint.cluster import connect, log_from

    # Dask logs a traceback of its own for what is one line here
    level = logging.ERROR if logging.getLogger("fingerprint").isEnabledFor(logging.DEBUG) else logging.CRITICAL
    log_from(level)
    if not context.params.get("quiet"):
        click.echo(f"connecting to {shown(scheduler)}", err=True)  # if nothing answers, this lasts
    with connect(scheduler, shared_folder=None if shared is None else shared.absolute()) as cluster:
        yield cluster


def _keeper(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        ctx.meta[key] = value

    return keep
