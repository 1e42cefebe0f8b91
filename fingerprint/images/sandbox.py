"""Decoding in a process of its own, with limits on memory and time: for all files but the plain ones.

The processes are started when the first file needs one, as many as threads decode at the same time, and kept for the
files that follow. One that crashes, takes too long or is killed is replaced; its picture is refused with a reason. They
end with the process that started them. No process is started for arrays of pixels, nor for plain files.

Where no process can be started (a program that was frozen into one file, a platform without processes), pictures are
decoded by the caller's process, and only the limits on what headers say hold. Memory is limited on Linux only.
"""

from __future__ import annotations

import atexit
import dataclasses
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.headers import Header
from fingerprint.images.limits import GATE, check_size, largest_cost, needs_much_memory
from fingerprint.images.wire import LONGEST, receive, receive_into, send
from fingerprint.types import Picture

if TYPE_CHECKING:
    from fingerprint.images.stream import Request

_LOGGER = logging.getLogger(__name__)

_FOR_HEADERS = 1 << 28  # bytes that reading a header may take
_TO_START = 60.0  # seconds
_AT_LEAST = 1 << 27  # bytes that decoding may take, however small a picture is
_MOST_MESSAGES = 3  # lines of a codec that are kept with a file
_LONGEST_MESSAGE = 200  # characters of each
#: What is said of a picture although all of its pixels are there: warnings, and what is about tags of a TIFF.
_HARMLESS = re.compile(r"\bWarning\b|^_?TIFF\w*(Tag|Directory|Field)\b")
_MAY_NEED_MORE = "; a picture of this size may need more than the {:,} bytes of memory that one may take"
_START = "import sys; sys.path[:] = sys.argv[1:]; from fingerprint.images.decoder import main; main()"


class SandboxUnavailableError(Exception):
    """No process can be started here."""


class _Died(Exception):  # noqa: N818 - it is no error until the caller knows why
    """The process ended, or sent something that is no reply."""


class _Decoder:
    """One process. It is used by one thread at a time."""

    def __init__(self) -> None:
        if getattr(sys, "frozen", False) or not sys.executable:
            raise SandboxUnavailableError("this program is not run by a Python interpreter")
        self._messages: IO[bytes] | None = None
        with suppress(OSError):  # without a folder for temporary files, codecs' messages are lost
            self._messages = tempfile.TemporaryFile(mode="a+b")  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this, and paths of its modules
                [sys.executable, "-I", "-c", _START, *_import_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if self._messages is None else self._messages,
                env=_environment(),
                start_new_session=True,  # an interrupt at the terminal is for the parent, which then ends it
            )
        except OSError as error:
            self._close_messages()
            raise SandboxUnavailableError(str(error)) from error
        self._requests: IO[bytes] = cast("IO[bytes]", self._process.stdin)
        self._replies: IO[bytes] = cast("IO[bytes]", self._process.stdout)
        deadline = _Deadline(self, needed=True)
        deadline.start(_TO_START)
        try:
            receive(self._replies)
        except (EOFError, ValueError, OSError) as error:
            detail = self.messages()
            self.end()
            raise SandboxUnavailableError(detail[-1] if detail else "it ended at once") from error
        finally:
            deadline.stop()

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def send(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """Send a message, and bytes that follow it."""
        try:
            send(self._requests, message, payload)
        except OSError as error:
            raise _Died from error

    def receive(self) -> dict[str, Any]:
        """Wait for a message."""
        try:
            return receive(self._replies)
        except (EOFError, ValueError, OSError) as error:
            raise _Died from error

    def receive_into(self, view: memoryview) -> None:
        """Fill a buffer with the bytes that follow a message."""
        try:
            receive_into(self._replies, view)
        except (EOFError, ValueError, OSError) as error:
            raise _Died from error

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def end(self) -> int:
        """End the process and return its exit code; negative for a signal."""
        self.close_pipes()
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._close_messages()
        return code

    def close_pipes(self) -> None:
        """Close the pipes, which ends a process that is not decoding."""
        for pipe in (self._requests, self._replies):
            with suppress(OSError):
                pipe.close()

    def messages(self) -> tuple[str, ...]:
        """Return what codecs wrote since the last call: each different line once, in order."""
        if self._messages is None:
            return ()
        try:
            self._messages.seek(0)
            text = self._messages.read(1 << 16).decode("utf-8", "replace")
            self._messages.truncate(0)
        except OSError:
            return ()
        lines = dict.fromkeys(line.strip()[:_LONGEST_MESSAGE] for line in text.splitlines() if line.strip())
        return tuple(lines)

    def _close_messages(self) -> None:
        if self._messages is not None:
            self._messages.close()


class _Deadline:
    """Kills a process that takes too long, on platforms where it cannot end itself.

    Everywhere else the system ends the process by a timer that it sets itself, which also works if this one is gone,
    and needs no thread for each picture.
    """

    def __init__(self, decoder: _Decoder, *, needed: bool = not hasattr(signal, "setitimer")) -> None:
        self._decoder = decoder
        self._needed = needed
        self._lock = threading.Lock()
        self._running = 0
        self._timer: threading.Timer | None = None
        self.passed = False

    def start(self, seconds: float) -> None:
        """Begin to count."""
        if self._needed:
            self.stop()
            self._timer = threading.Timer(min(seconds, LONGEST), self._end, (self._running,))
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Stop counting: from now on the process is not killed."""
        with self._lock:
            self._running += 1
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, started: int) -> None:
        with self._lock:
            if started == self._running:
                self.passed = True
                self._decoder.kill()


class _Pool:
    """The processes of this one, which are started when they are needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Decoder] = []
        self._of_parent: list[_Decoder] = []
        self.n_started = 0

    def take(self) -> _Decoder:
        with self._lock:
            while self._idle:
                decoder = self._idle.pop()
                if decoder.alive:
                    return decoder
                decoder.end()
            self.n_started += 1
        return _Decoder()

    def give(self, decoder: _Decoder) -> None:
        with self._lock:
            self._idle.append(decoder)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for decoder in idle:
            decoder.end()

    def forget(self) -> None:
        """After a fork, leave the processes to the parent."""
        self._lock = threading.Lock()
        self._of_parent, self._idle = self._idle, []
        for decoder in self._of_parent:
            decoder.close_pipes()


POOL = _Pool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)

_unavailable = threading.Event()


def decode_apart(
    source: bytes | str | os.PathLike[str], name: str, form: str, header: Header | None, request: Request
) -> Picture:
    """Decode a picture in a process of its own.

    Parameters
    ----------
    source : bytes, or path of a file
    name : str
        Its name in messages.
    form : str
        Its format, by its first bytes.
    header : Header or None
        What is known of its size.
    request : Request

    Raises
    ------
    ImageError
        If it cannot be read, or takes more than the limits.
    SandboxUnavailableError
        If no process can be started here.
    """
    if _unavailable.is_set():
        raise SandboxUnavailableError
    n_bytes = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    limits = request.limits
    try:
        decoder = POOL.take()
    except SandboxUnavailableError as error:
        _unavailable.set()
        _LOGGER.warning("pictures are decoded without limits on time and memory: no process can be started: %s", error)
        raise
    deadline = _Deadline(decoder)
    task = {
        "form": form,
        "mode": request.mode,
        "at_least": request.at_least,
        "reading": request.reading,
        "frame": request.frame,
        "count": request.count,
        "limits": dataclasses.asdict(limits),
        "path": None if isinstance(source, bytes) else str(Path(source).absolute()),
        "n_bytes": n_bytes if isinstance(source, bytes) else 0,
    }
    try:
        with ExitStack() as held:
            if header is None:
                allowed = min(limits.memory, _FOR_HEADERS + 3 * n_bytes)
            else:  # what a decoder takes as soon as it reads the header is within the limit too
                check_size(header.width, header.height, name, limits)
                allowed = _reserve(held, header.width * header.height, n_bytes, limits)
            deadline.start(limits.timeout)
            decoder.send(task | {"memory": allowed}, source if isinstance(source, bytes) else b"")

            def admit(n_pixels: int) -> int:
                return allowed if header is not None else _reserve(held, n_pixels, n_bytes, limits)

            n_pixels = 0 if header is None else header.width * header.height
            picture = _converse(decoder, deadline, name, limits, n_pixels, admit)
    except _Died:
        deadline.stop()
        messages = decoder.messages()
        code = decoder.end()
        raise ImageError(name, _why(code, form, limits, timed_out=deadline.passed) + _said(messages)) from None
    except BaseException:  # an interrupt, or no memory for the pixels: the reply was not read to its end
        deadline.stop()
        decoder.kill()
        decoder.end()
        raise
    deadline.stop()
    messages = decoder.messages()
    if deadline.passed:  # its reply came at the last moment
        decoder.end()
    else:
        POOL.give(decoder)
    if isinstance(picture, str):
        raise ImageError(name, picture + _said(messages))
    damage = [line for line in messages if not _HARMLESS.search(line)]
    if damage:  # it filled the gap and went on
        raise ImageError(name, f"damaged {form} file: its decoder would make up pixels{_said(damage)}")
    for line in messages[:_MOST_MESSAGES]:
        _LOGGER.info("%s: %s", name, line)
    return picture


def _converse(
    decoder: _Decoder,
    deadline: _Deadline,
    name: str,
    limits: ReadLimits,
    n_pixels: int,
    admit: Callable[[int], int],
) -> Picture | str:
    """Return the picture, or why it cannot be read."""
    reply = decoder.receive()
    if "reason" not in reply:
        deadline.stop()  # waiting for other threads' pictures does not count
        width, height = _size(reply)
        try:
            check_size(width, height, name, limits)
            n_pixels = width * height
            verdict: dict[str, Any] = {"memory": admit(n_pixels)}
        except ImageError as error:
            verdict = {"refused": error.reason}
        deadline.start(limits.timeout)
        decoder.send(verdict)
        reply = decoder.receive()
    if "reason" in reply:
        reason = str(reply["reason"])
        needs_more = needs_much_memory(n_pixels, limits) and not reason.startswith("truncated")
        return reason + (_MAY_NEED_MORE.format(limits.memory) if needs_more else "")
    pixels = np.empty(_shape(reply, limits), np.uint8)
    decoder.receive_into(pixels.data.cast("B"))
    n_frames = reply.get("n_frames")
    if type(n_frames) is not int:
        raise _Died
    return Picture(pixels, *_size(reply), name, reply.get("plain") is True, n_frames)


def _reserve(held: ExitStack, n_pixels: int, n_bytes: int, limits: ReadLimits) -> int:
    """Wait until no other thread needs the memory, and return how much may be taken."""
    cost = min(limits.memory, largest_cost(n_pixels, n_bytes))
    held.enter_context(GATE.reserved(cost))
    return min(limits.memory, max(cost, _AT_LEAST + 3 * n_bytes))


def _size(reply: dict[str, Any]) -> tuple[int, int]:
    width, height = reply.get("width"), reply.get("height")
    if type(width) is not int or type(height) is not int:
        raise _Died
    return width, height


def _shape(reply: dict[str, Any], limits: ReadLimits) -> tuple[int, ...]:
    """Return the shape of the pixels that follow, if it can be one."""
    shape = reply.get("shape")
    if not (isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)):
        raise _Died
    if shape[2:] not in ([], [3]) or len(shape) < 2 or shape[0] * shape[1] > limits.max_pixels:
        raise _Died
    return tuple(shape)


def _why(code: int, form: str, limits: ReadLimits, *, timed_out: bool) -> str:
    """Return why a process ended, in words for the user."""
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    if timed_out or name == "SIGALRM":
        return f"decoding took longer than the limit of {limits.timeout:g} seconds"
    if name == "SIGKILL":
        return "the process that decoded it was killed, as happens where a machine has no memory left"
    return f"the decoder of {form} files crashed ({name})"


def _said(messages: Sequence[str]) -> str:
    said = [text for message in messages if (text := message.replace("\0", "").strip())]
    return f"; the decoder said: {'; '.join(said[:_MOST_MESSAGES])}" if said else ""


def _import_path() -> list[str]:
    """Return where the process finds its modules: where this one does, but never in the current folder."""
    own = str(Path(__file__).absolute().parents[2])
    return list(dict.fromkeys([own, *(entry for entry in sys.path if os.path.isabs(entry))]))  # noqa: PTH117 - "" too


def _environment() -> dict[str, str]:
    """Return the environment of the process: one thread, so that memory and results do not depend on the machine."""
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
