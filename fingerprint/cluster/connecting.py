"""Connecting to a Dask cluster: the scheduler is reached, there are workers, and they would give the same results."""

from __future__ import annotations

import logging
import platform
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint.cluster.dask_cluster import DaskCluster
from fingerprint.errors import ClusterError, ConfigError
from fingerprint.files.datafiles import parse_json, read_small
from fingerprint.version import __version__
from fingerprint.workers import Cluster

if TYPE_CHECKING:
    from distributed import Client

_log = logging.getLogger(__name__)
_LOCAL = re.compile(r"local:([1-9][0-9]{0,4})")
_ADDRESS = re.compile(r"[a-z]+://.+")
_CONNECTING = 30.0  # seconds
_WAITING = 60.0  # seconds for the first worker
_LARGE = 1 << 30  # bytes of a shared value from which Dask warns; models are larger than what it warns of by default
_ENVIRONMENT = {"OPENCV_FOR_THREADS_NUM": "1"}  # a worker's thread has one core
#: By default Dask's processes give memory back at once, and arrays that live for a moment have to get it again.
_TRIM = "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"
#: Packages whose versions decide about the bytes of a result.
_PACKAGES = ("numpy", "opencv-contrib-python-headless", "pillow", "simplejpeg", "numba")


@contextmanager
def connect(scheduler: str, *, shared_folder: Path | None = None, timeout: float = _WAITING) -> Iterator[Cluster]:
    """Connect to a cluster for as long as a ``with`` statement lasts.

    Parameters
    ----------
    scheduler : str
        The address of a scheduler that runs (``tcp://HOST:PORT``), the path of the scheduler file that it has written,
        or ``local:N``: N processes on this machine, which end with the context.
    shared_folder : Path, optional
        Folder for temporary files that all workers reach under the same path; of processes on this machine that of the
        system by default. Not needed where all that is written has a place of its own.
    timeout : float
        Seconds to wait for the first worker.

    Yields
    ------
    Cluster

    Raises
    ------
    ClusterError
        If Dask is not installed, the scheduler cannot be reached, it has no workers, or they have another version of
        copyprint.
    ConfigError
        If `scheduler` is none of these.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError(
            f"a cluster needs Dask ({error}): pip install 'copyprint[distributed]', here and on each worker"
        ) from error
    local = _LOCAL.fullmatch(scheduler)
    address = scheduler if local else _address(scheduler)
    settings = {"distributed.admin.large-graph-warning-threshold": f"{_LARGE} B", _TRIM: None}
    with dask.config.set(settings):
        own = None
        try:
            if local:
                n = int(local[1])
                shared_folder = shared_folder or Path(tempfile.gettempdir())
                with _uninterrupted():
                    own = LocalCluster(
                        n_workers=n,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",
                        memory_limit=0,  # Dask counts the mapped files of a collection as a worker's own memory
                        env=_ENVIRONMENT,
                    )
            else:
                _reach(address)
            client = _client(own or address, Client)
            try:
                cluster = DaskCluster(client, shared_folder)
                _check(client, address, timeout)
                yield cluster
            finally:
                client.close()
        finally:
            if own is not None:
                own.close()


def log_from(level: int) -> None:
    """Let Dask, and what it needs, log from a level on."""
    try:
        import distributed  # noqa: F401 - when it is loaded it sets levels, of single modules too
    except ImportError:
        return  # `connect` says so
    rooms = ("distributed", "tornado", "asyncio")
    for name in {*rooms, *(name for name in logging.root.manager.loggerDict if name.startswith(rooms))}:
        logging.getLogger(name).setLevel(level)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let the processes and threads that are started here leave Ctrl-C to this thread, which ends them.

    A terminal interrupts all processes, and each worker would write a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # where it starts with the first process, that one gets interrupts again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _address(scheduler: str) -> str:
    """Return the address of a scheduler, of an address or the path of its file."""
    if _ADDRESS.fullmatch(scheduler):
        return scheduler
    if not Path(scheduler).is_file():
        raise ConfigError(
            f"{scheduler}: no scheduler; give an address (tcp://HOST:PORT), the scheduler's file, or local:N for N "
            "processes on this machine"
        )
    try:
        found = parse_json(read_small(Path(scheduler)))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{scheduler}: not the file of a scheduler ({error})") from error
    if not isinstance(found, dict) or not isinstance(found.get("address"), str):
        raise ConfigError(f"{scheduler}: not the file of a scheduler, as it names no address")
    return str(found["address"])


def _reach(address: str) -> None:
    """Ask a scheduler who it is: a Dask client that cannot reach one takes minutes to give up, or never does.

    Raises
    ------
    ClusterError
        If something else answers, or nothing does.
    """
    from distributed.comm.core import connect as connection
    from distributed.utils import LoopRunner, wait_for

    async def ask() -> object:
        comm = await connection(address, timeout=_CONNECTING, deserialize=False)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    async def ask_in_time() -> object:
        return await wait_for(ask(), _CONNECTING)

    try:
        found = LoopRunner().run_sync(ask_in_time)
    except Exception as error:  # each protocol has errors of its own
        raise _unreached(address, error) from error
    if not isinstance(found, dict) or "workers" not in found:
        raise ClusterError(
            f"{address}: no scheduler, but another process of Dask; give the address of 'dask scheduler'"
        )


def _client(scheduler: Any, client: type[Client]) -> Client:
    try:
        return client(scheduler, timeout=_CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise _unreached(scheduler, error) from error


def _unreached(scheduler: object, error: Exception) -> ClusterError:
    return ClusterError(
        f"{scheduler}: the scheduler cannot be reached ({str(error) or type(error).__name__}); is 'dask scheduler' "
        "running there, and is its port open?"
    )


def _check(client: Client, scheduler: str, timeout: float) -> None:
    """Check that there are workers, and that they would give the same results."""
    if not client.nthreads():
        _log.warning("%s: no worker is connected yet; waiting for one", scheduler)
        try:
            client.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise ClusterError(
                f"{scheduler}: no worker within {timeout:.0f} seconds; start some with 'dask worker {scheduler}'"
            ) from error
    own = _facts()
    for address, facts in client.run(_facts).items():
        _check_facts(address, facts, own)


def _facts() -> dict[str, str]:
    """Return the versions that decide about results, of this process."""
    return {"copyprint": __version__} | {name: version(name) for name in _PACKAGES} | {"CPU": platform.machine()}


def _check_facts(address: str, facts: dict[str, str], own: dict[str, str]) -> None:
    """Check a worker's versions against our own.

    Raises
    ------
    ClusterError
        If it has another version of copyprint. Of other packages, which may change last digits, it is only logged.
    """
    if facts["copyprint"] != own["copyprint"]:
        raise ClusterError(
            f"{address}: this worker has copyprint {facts['copyprint']}, this process {own['copyprint']}; "
            "install the same version on all machines"
        )
    for name, mine in own.items():
        if facts[name] != mine:
            _log.warning(
                "%s: this worker has %s %s, this process %s; results may differ in their last digits",
                *(address, name, facts[name], mine),
            )
