"""Reads an HDF5 file in another process: `open_hdf5` starts it, and asks it for one dataset after the other.

The other process runs `serve`. It answers in lines of JSON; a dataset of numbers follows its line as bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import ChallengeFileError
from fingerprint.files.datafiles import check_claim, open_regular, parse_json, size_of

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from fingerprint.hdf5.process import serve; serve()"
)
_MEMORY = 1 << 29  # bytes that the other process may take beyond those that it has and those of a dataset
_SECONDS, _BYTES_A_SECOND = 10, 10_000_000  # of computing time, and what it may take for the size of the file
_LONGEST_LINE = 1 << 30  # bytes


class Hdf5File:
    """An open file; a damaged or dangerous one is a `ChallengeFileError`.

    Attributes
    ----------
    names : tuple of str
        Of the datasets in the root group that can be read.
    """

    def __init__(self, path: str | os.PathLike[str], process: subprocess.Popen[bytes]) -> None:
        self._path = path
        self._process = process
        facts = self._ask("open", os.path.abspath(path))  # noqa: PTH100 - does not follow links
        self.names: tuple[str, ...] = tuple(facts["datasets"])
        self._forms: dict[str, list[Any]] = facts["datasets"]
        self._unusable: dict[str, str] = facts["unusable"]

    def check(self, *names: str) -> None:
        """Raise if one of these datasets is there and must not be read.

        Raises
        ------
        ChallengeFileError
        """
        for name in names:
            if name in self._unusable:
                raise self._fault(f"{name} {self._unusable[name]}")

    def form(self, name: str) -> tuple[tuple[int, ...], str]:
        """Return the shape of a dataset and the name of its type."""
        shape, dtype = self._forms[name]
        return tuple(shape), dtype

    def numbers(self, name: str) -> NDArray[Any]:
        """Return a dataset of numbers.

        Raises
        ------
        ChallengeFileError
            If it is not of numbers, parts of it are missing, or it claims far more memory than the file has.
        """
        shape, code = self._ask("numbers", name)
        dtype, stream = np.dtype(code), self._stream()
        check_claim(size_of(tuple(shape), dtype), Path(self._path).stat().st_size)
        array: NDArray[Any] = np.empty(tuple(shape), dtype)
        view: Any = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
        done = 0
        while done < len(view):
            n = stream.readinto(view[done:])  # type: ignore[attr-defined] # a buffered reader
            if not n:
                raise self._ended()
            done += n
        return array

    def texts(self, name: str, encoding: str, wanted: str) -> tuple[str, ...]:
        """Return a one-dimensional dataset of bytes of fixed length or texts of any length.

        Parameters
        ----------
        name, encoding : str
        wanted : str
            What should be in the file, for the message.

        Raises
        ------
        ChallengeFileError
            As `numbers`.
        """
        return tuple(self._ask("texts", name, encoding, wanted))

    def attribute(self, name: str) -> str | None:
        """Return an attribute of the file that is one text, or None."""
        value: str | None = self._ask("attribute", name)
        return value

    def _ask(self, *question: str) -> Any:
        """Send a question and return the answer."""
        with suppress(BrokenPipeError):  # the answer says what happened
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(question).encode() + b"\n")
                self._process.stdin.flush()
        line = self._stream().readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise self._ended()
        answer = parse_json(line)
        if "fault" in answer:
            raise self._fault(answer["fault"])
        return answer["value"]

    def _stream(self) -> BinaryIO:
        if self._process.stdout is None:
            raise AssertionError("the process was started with a pipe")
        return self._process.stdout  # type: ignore[return-value]

    def _ended(self) -> ChallengeFileError:
        """Return the error to raise when the other process has ended by itself."""
        self._process.kill()
        code = self._process.wait()
        return self._fault(
            f"cannot be read as HDF5: the library fails on it, or takes too long or too much memory (code {code}); "
            "write or copy it again"
        )

    def _fault(self, what: str) -> ChallengeFileError:
        return ChallengeFileError(f"{os.fspath(self._path)}: {what}")


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[Hdf5File]:
    """Open a file for reading.

    Raises
    ------
    ChallengeFileError
        If it cannot be read, is not HDF5, or is damaged.
    """
    try:
        open_regular(path).close()
        process = subprocess.Popen(  # noqa: S603 - this Python, with a program of this module
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ChallengeFileError(
            f"{os.fspath(path)}: cannot be read as HDF5: {reason}; write or copy it again"
        ) from error
    with process:
        try:
            yield Hdf5File(path, process)
        except ValueError as error:
            if isinstance(error, ChallengeFileError):
                raise
            raise ChallengeFileError(f"{os.fspath(path)}: {error}: write or copy it again") from error
        finally:
            process.kill()


def serve() -> None:
    """Answer the questions on stdin about one file."""
    from fingerprint.hdf5.reading import Dangerous, Datasets

    out = sys.stdout.buffer
    datasets: Any = None
    for line in sys.stdin.buffer:
        action, *arguments = json.loads(line)
        array = None
        try:
            if action == "open":
                _limit(Path(arguments[0]).stat().st_size)
                datasets = Datasets(arguments[0], _allow)
                value: Any = datasets.facts()
            elif action == "numbers":
                array = np.ascontiguousarray(datasets.numbers(*arguments))
                value = [array.shape, array.dtype.str]
            else:
                value = getattr(datasets, action)(*arguments)
            answer = {"value": value}
        except Dangerous as error:
            answer = {"fault": str(error)}
        except Exception as error:  # noqa: BLE001 - for damaged bytes h5py raises errors of nearly every kind
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number else (str(error).strip() or type(error).__name__)
            answer = {"fault": f"cannot be read as HDF5: {reason}; write or copy it again"}
            array = None
        out.write(json.dumps(answer).encode() + b"\n")
        if array is not None and array.size:
            out.write(array.reshape(-1).view(np.uint8).data)
        out.flush()


def _limit(size: int) -> None:
    """Limit the computing time and the memory of this process, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        seconds = _SECONDS + size // _BYTES_A_SECOND
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _allow(2 * size)


def _allow(size: int) -> None:
    """Let this process take some bytes of memory besides `_MEMORY`."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + _MEMORY + size, most))
