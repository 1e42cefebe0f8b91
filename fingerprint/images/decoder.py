"""A process that decodes pictures for another one, so that a hostile file costs at most this process.

`fingerprint.images.sandbox` starts it and talks to it over its stdin and stdout. It ends with its stdin. Only Pillow,
NumPy and simplejpeg are loaded here. What codecs write to stderr goes to a file of the parent.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import AvifImagePlugin, Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.files import load_regular
from fingerprint.images.stream import OpenFile, Request
from fingerprint.images.wire import LONGEST, MOST_SAID, receive, receive_bytes, send


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)  # nothing but replies is written to the pipe
    warnings.simplefilter("always")
    warnings.showwarning = _show_warning
    Image.MAX_IMAGE_PIXELS = None  # the limits are the parent's
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if hasattr(signal, "setitimer"):  # a parent may have blocked or ignored the signal that ends this process
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    base = _restrict()
    send(replies, {"ready": True})
    with suppress(EOFError, BrokenPipeError):
        kept: OpenFile | None = None
        while True:
            task = receive(requests)
            if kept is not None and not task.get("goes_on"):
                kept.close()
                kept = None
            if not task.get("close"):
                kept = _answer(task, requests, replies, base, kept)
                _limit_memory(base, None)  # the next file is received without the limit of this one
                send(replies, {"freed": True})  # the parent lets others take as much memory from now on


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Write the text of a warning as codecs write theirs, without the line of code that gave it."""
    with suppress(OSError):  # the file is full, which its reader sees
        os.write(2, f"Warning: {message}\n".encode(errors="backslashreplace"))


def _answer(
    task: dict[str, Any], requests: IO[bytes], replies: IO[bytes], base: int | None, opened: OpenFile | None = None
) -> OpenFile | None:
    """Decode one picture: say its size, wait until the parent says that it may be decoded, and send its pixels.

    Return the file if it is kept open: the parent wants it to be, and it can go on. `opened` is the one that was kept,
    if the picture is another frame of it.
    """
    limits = ReadLimits(**task["limits"])
    data = None if opened or task["path"] is not None else receive_bytes(requests, task["n_bytes"])
    _limit_memory(base, task["memory"])
    _end_after(limits.timeout)
    source, keep = opened, False

    def admit(image: Image.Image) -> None:
        nonlocal keep
        _end_after(0)
        send(replies, {"width": image.width, "height": image.height})
        verdict = receive(requests)
        if "refused" in verdict:
            raise ImageError("", verdict["refused"])
        keep = verdict["keep"]
        _limit_memory(base, verdict["memory"])
        _end_after(limits.timeout)

    request = Request(task["mode"], task["at_least"], task["reading"], limits, task["frame"], task["count"])
    try:
        if source is None:
            source = OpenFile(_stream(task["path"], data), task["form"])
        picture = source.read("", request, admit)
    except (ImageError, MemoryError) as error:
        _end_after(0)
        reason = (
            error.reason if isinstance(error, ImageError) else f"not enough memory to decode this {task['form']} file"
        )
        if source is not None:
            source.close()
        send(replies, {"reason": reason})
        return None
    _end_after(0)
    pixels = np.ascontiguousarray(picture.pixels)
    reply = {"width": picture.width, "height": picture.height, "shape": pixels.shape, "plain": picture.plain}
    keep = keep and source.goes_on
    if not keep:
        source.close()
    send(replies, reply | {"n_frames": picture.n_frames, "kept": keep}, pixels.data.cast("B"))
    return source if keep else None


def _stream(path: str | None, data: bytearray | None) -> IO[bytes]:
    if path is None:
        return io.BytesIO(data or b"")
    loaded = load_regular(path)
    return io.BytesIO(loaded) if isinstance(loaded, bytes) else io.BufferedReader(loaded)


def _restrict() -> int | None:
    """Limit what this process may write, and return its size in memory; None where memory cannot be limited."""
    if sys.platform == "win32":
        return None
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_SAID, MOST_SAID))  # it writes nothing but codecs' messages
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return pages * resource.getpagesize()
    except (OSError, ValueError):
        return None


def _limit_memory(base: int | None, n_bytes: int | None) -> None:
    """Limit how much more than `base` this process may take; None for no limit."""
    if base is not None and sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = hard if n_bytes is None else base + n_bytes
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _end_after(seconds: float) -> None:
    """Let the system end this process after some time, unless this is called again; 0 for no limit."""
    if hasattr(signal, "setitimer"):  # elsewhere the parent ends it
        signal.setitimer(signal.ITIMER_REAL, min(seconds, LONGEST))


if __name__ == "__main__":
    main()
