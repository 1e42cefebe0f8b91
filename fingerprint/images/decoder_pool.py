"""The processes that decode pictures, see `fingerprint.images.sandbox`: their start, their pipes and their end.

One that has read a later frame of an animation keeps it open, so that it goes on from there when the next frame is
asked for: each frame of an animation is made from the one before it. What the idle processes keep is limited together;
beyond that those that were used longest ago close theirs.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from fingerprint.images.limits import MEMORY_KEPT
from fingerprint.images.wire import LONGEST, MOST_SAID, receive, receive_into, send

#: Stands for the messages for which there was no room.
CUT_OFF = f"more than {MOST_SAID:,} bytes of messages"
_TO_START = 60.0  # seconds
_START = "import sys; sys.path[:] = sys.argv[1:]; from fingerprint.images.decoder import main; main()"


class SandboxUnavailableError(Exception):
    """No process can be started here."""


class DiedError(Exception):
    """The process ended, or sent something that is no reply."""


@dataclass(frozen=True, slots=True)
class OpenFrame:
    """What a process keeps open.

    Attributes
    ----------
    file : str
        Which file: the same for the same bytes only.
    frame : int
        The frame that was read last.
    cost : int
        Bytes that it takes at most, as a rule.
    """

    file: str
    frame: int
    cost: int


class Decoder:
    """One process. It is used by one thread at a time.

    Attributes
    ----------
    kept : OpenFrame or None
        What it keeps open.
    """

    def __init__(self) -> None:
        self.kept: OpenFrame | None = None
        if getattr(sys, "frozen", False) or not sys.executable:
            raise SandboxUnavailableError("this program is not run by a Python interpreter")
        self._messages: IO[bytes] | None = None
        with suppress(OSError):  # without a folder for temporary files, codecs' messages are lost
            self._messages = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the process
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
        deadline = Deadline(self, needed=True)
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
            raise DiedError from error

    def receive(self) -> dict[str, Any]:
        """Wait for a message."""
        try:
            return receive(self._replies)
        except (EOFError, ValueError, OSError) as error:
            raise DiedError from error

    def receive_into(self, view: memoryview) -> None:
        """Fill a buffer with the bytes that follow a message."""
        try:
            receive_into(self._replies, view)
        except (EOFError, ValueError, OSError) as error:
            raise DiedError from error

    def close_file(self) -> None:
        """Close the file that the process, which waits for its next task, keeps open."""
        self.kept = None
        with suppress(DiedError):  # it is replaced when it is needed
            self.send({"close": True})

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
        """Return what codecs wrote since the last call: each different line once, whole and in order.

        What was written when the file was full is lost, so the last line is then `CUT_OFF`.
        """
        if self._messages is None:
            return ()
        try:
            self._messages.seek(0)
            written = self._messages.read(MOST_SAID)
            self._messages.seek(0)  # where the process writes next, as it has the same position
            self._messages.truncate()
        except OSError:
            return ()
        is_full = len(written) == MOST_SAID
        if is_full:  # the last line may be half of one
            written = written[: written.rfind(b"\n") + 1]
        lines = [line.strip() for line in written.decode("utf-8", "replace").splitlines()]
        return tuple(dict.fromkeys([line for line in lines if line] + [CUT_OFF] * is_full))

    def _close_messages(self) -> None:
        if self._messages is not None:
            self._messages.close()


class Deadline:
    """Kills a process that takes too long, on platforms where it cannot end itself.

    Everywhere else the system ends the process by a timer that it sets itself, which also works if this one is gone,
    and needs no thread for each picture.
    """

    def __init__(self, decoder: Decoder, *, needed: bool = not hasattr(signal, "setitimer")) -> None:
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


class DecoderPool:
    """The processes of this one, which are started when they are needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Decoder] = []
        self._of_parent: list[Decoder] = []
        self.n_started = 0

    def take(self, file: str | None = None, frame: int = 0) -> Decoder:
        """Return a process: one that goes on to a frame of a file if there is one, and is nearest to it.

        Parameters
        ----------
        file : str, optional
            As in `OpenFrame`. None for a picture that is read from its beginning.
        frame : int
        """
        with self._lock:
            while self._idle:
                decoder = self._idle.pop(self._best(file, frame))
                if decoder.alive:
                    return decoder
                decoder.end()
            self.n_started += 1
        return Decoder()

    def _best(self, file: str | None, frame: int) -> int:
        """Return which of the idle processes is to be used: if none can go on, none whose open file may be wanted."""
        found: list[tuple[int, int]] = []
        free: list[int] = []
        for at, decoder in enumerate(self._idle):
            kept = decoder.kept
            if kept is None:
                free.append(at)
            elif kept.file == file and kept.frame <= frame:
                found.append((kept.frame, at))
        return max(found)[1] if found else free[-1] if free else 0

    def give(self, decoder: Decoder) -> None:
        """Take a process back. If too much is kept open, the files that were read longest ago are closed."""
        with self._lock:
            self._idle.append(decoder)
            total = sum(each.kept.cost for each in self._idle if each.kept is not None)
            for each in self._idle:
                if total <= MEMORY_KEPT:
                    break
                if each.kept is not None:
                    total -= each.kept.cost
                    each.close_file()

    def close(self) -> None:
        """End the idle processes."""
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


POOL = DecoderPool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)


def _import_path() -> list[str]:
    """Return where the process finds its modules: where this one does, but never in the current folder."""
    own = str(Path(__file__).absolute().parents[2])
    return list(dict.fromkeys([own, *(entry for entry in sys.path if os.path.isabs(entry))]))  # noqa: PTH117 - "" too


def _environment() -> dict[str, str]:
    """Return the environment of the process: one thread, so that memory and results do not depend on the machine."""
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
