"""Numba's compiler, for all kernels: it works where compiled code cannot be kept on disk, and says so.

Numba keeps compiled code beside the package, in the user's cache, or in ``NUMBA_CACHE_DIR``. If none of these can be
written to, it raises an error when a kernel is imported; and if the disk is full, or a file there is damaged, when a
kernel is first called. Here another folder is used, or the code is compiled again in each process.

Compiling is most of a first run, so nothing is compiled that nobody calls: no kernel is an address for C code, and a
kernel whose name begins with an underscore is called by other kernels only. Python must not call it: it has no code
that takes Python's objects apart. Nor is it kept by itself, as it is part of the kernels that call it (`pipeline` tells
how). A kernel that is called by Python and by kernels is compiled for each of the two.
Dividing by zero raises no error in any kernel: it gives what NumPy gives, without code for an error at each division.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fingerprint.errors import ConfigError

try:
    import numba
    from numba.core import event
except ValueError as error:  # as for NUMBA_NUM_THREADS=0
    _set = ", ".join(sorted(name for name in os.environ if name.startswith("NUMBA_"))) or "none"
    raise ConfigError(f"Numba does not start: {error} Change or unset its environment variables ({_set})") from error
if getattr(numba.config, "DISABLE_JIT", 0):  # kernels compute in types of fixed width, which plain Python does not have
    raise ConfigError("NUMBA_DISABLE_JIT is set, and kernels give no right results without the compiler: unset it")

_log = logging.getLogger(__name__)
pipeline: ModuleType | None = None
#: Versions of Numba whose classes `pipeline` was tested with; with others, kernels compile by all of Numba's steps.
_TESTED = ("0.68.",)
if numba.__version__.startswith(_TESTED):
    from fingerprint.kernels import pipeline
else:
    _log.info(
        "kernels compile with all steps of Numba %s, which takes longer than with a tested one", numba.__version__
    )
_said: set[str] = set()
_places: list[str] = []
_ADVICE = "set NUMBA_CACHE_DIR to a folder that can be written to"
#: What reading a damaged file of compiled code raises.
_DAMAGED = (OSError, EOFError, pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, ImportError)


def _njit(*, cache: bool, **settings: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like `numba.njit`, with its settings; with `cache`, compiled code is kept if possible."""
    settings = {"no_cfunc_wrapper": True, "error_model": "numpy", **settings}
    part = settings | {"no_cpython_wrapper": True}
    if pipeline is not None:
        settings |= {"pipeline_class": pipeline.Wholes}
        part |= {"pipeline_class": pipeline.Parts}

    def compiled(function: Callable[..., Any]) -> Any:
        if function.__name__.startswith("_"):
            return numba.njit(**part)(function)
        kernel = called_by_python(function)
        if pipeline is not None:
            kernel.__class__ = pipeline.Kernel
            kernel.make_part = lambda: numba.njit(**part)(function)
        return kernel

    def called_by_python(function: Callable[..., Any]) -> Any:
        if cache:
            for place in (_numbas_places, _own_place):
                if (kernel := place(function, settings)) is not None:
                    kernel._cache = _Kept(kernel._cache)  # noqa: SLF001 - Numba has no other way to handle its errors
                    if kernel._cache.cache_path not in _places:  # noqa: SLF001
                        _places.append(kernel._cache.cache_path)  # noqa: SLF001
                    return kernel
            _say(f"compiled code cannot be kept, so every run compiles it again, which takes long; {_ADVICE}")
        return numba.njit(**settings)(function)

    return compiled


def kept_in() -> Path | None:
    """Return the folder in which compiled code is kept, of the kernels that are imported; None if it is not kept."""
    return Path(_places[0]) if _places else None


def _numbas_places(function: Callable[..., Any], settings: dict[str, Any]) -> Any:
    """Return a kernel that is kept where Numba finds a folder, or None if it finds none."""
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return None


def _own_place(function: Callable[..., Any], settings: dict[str, Any]) -> Any:
    """Return a kernel that is kept in a folder of this user's own for temporary files, or None if there is none."""
    folder = _own_folder()
    if folder is None:
        return None
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)  # is read only while the decorator works
    try:
        kernel = _numbas_places(function, settings)
    finally:
        config.CACHE_DIR = before
    if kernel is not None:
        _say(f"Numba cannot write its cache where it looks for one; compiled code is kept in {folder}; {_ADVICE}")
    return kernel


def _own_folder() -> Path | None:
    """Return a folder that only this user can write to: with write access to it, others could run code here."""
    if not hasattr(os, "getuid"):
        return None
    try:
        folder = Path(tempfile.gettempdir()) / f"copyprint-numba-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if own else None


class _Compiling(event.Listener):
    """Stops the search for garbage in cycles while Numba compiles, which would take an eighth of the time; and counts.

    What compiling made counts as old afterwards, and is searched with all else that is old. As new it would be
    searched right after each kernel, which takes nearly as long.

    Numba compiles in one thread at a time, and a kernel that is called by another while that one is compiled.
    """

    def __init__(self) -> None:
        self._n_begun = 0
        self._was_on = True
        self._began = 0.0
        self.seconds = 0.0  # processor time of all compiling so far

    def on_start(self, _: Any) -> None:
        if self._n_begun == 0:
            self._was_on = gc.isenabled()
            gc.disable()
            self._began = time.thread_time()
        self._n_begun += 1

    def on_end(self, _: Any) -> None:
        self._n_begun -= 1
        if self._n_begun == 0:
            self.seconds += time.thread_time() - self._began
        if self._n_begun == 0 and self._was_on:
            if gc.get_freeze_count() == 0:  # else this would thaw what the host has frozen
                gc.freeze()
                gc.unfreeze()  # all is old now
            gc.enable()


_compiling = _Compiling()
event.register("numba:compile", _compiling)  # type: ignore[no-untyped-call]


def seconds_compiling() -> float:
    """Return the processor time that this process has spent on compiling kernels, ours and others', so far.

    Who measures what something costs leaves it out: it is spent once after installing.
    """
    return _compiling.seconds


class _Kept:
    """Numba's cache of one kernel, without errors about files."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled code, or None if there is none that can be read."""
        try:
            return self._cache.load_overload(signature, context)
        except _DAMAGED as error:
            _say(f"a file in {self._cache.cache_path} cannot be read ({error!r}); the code is compiled again")
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep compiled code, if the disk allows it."""
        try:
            self._cache.save_overload(signature, result)
        except _DAMAGED as error:
            _say(
                f"compiled code cannot be kept in {self._cache.cache_path} ({error}), so the next run compiles it "
                f"again; free some space or delete what is there, or {_ADVICE}"
            )


def _say(what: str) -> None:
    """Log something once, not for each kernel."""
    if what not in _said:
        _said.add(what)
        _log.warning("%s", what)


if TYPE_CHECKING:
    from numba import njit as njit  # kernels are typed as Numba's own
else:
    njit = _njit
