"""Decoding in a process of its own, with limits on memory and time: for all files but the plain ones.

The processes are started when the first file needs one, as many as threads decode at the same time, and kept for the
files that follow. One that crashes, takes too long or is killed is replaced; its picture is refused with a reason. They
end with the process that started them. No process is started for arrays of pixels, nor for plain files.

Frames of an animation are made from those before them. A process that has read one, but for the first, goes on from
there when it reads the next; so each frame of a file is decoded once, and not again for all that follow it.

Where no process can be started (a program that was frozen into one file, a platform without processes), pictures are
decoded by the caller's process, and only the limits on what headers say hold. Memory is limited on Linux only.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.decoder_pool import POOL, Deadline, Decoder, DiedError, OpenFrame, SandboxUnavailableError
from fingerprint.images.headers import Header
from fingerprint.images.limits import GATE, MEMORY_KEPT, check_size, largest_cost, needs_much_memory, open_cost
from fingerprint.types import Picture

if TYPE_CHECKING:
    from fingerprint.images.stream import Request

_LOGGER = logging.getLogger(__name__)

_FOR_HEADERS = 1 << 28  # bytes that reading a header may take
_AT_LEAST = 1 << 27  # bytes that decoding may take, however small a picture is
_MOST_MESSAGES, _LONGEST_MESSAGE = 3, 200  # lines of a codec that are kept with a file, and characters of one
#: Formats in which a frame is made from those before it. The pages of a TIFF and the pictures of a HEIC file are not.
_IN_TURN = ("GIF", "PNG", "WEBP", "AVIF")
#: What is said of a picture although all of its pixels are there: warnings, and what is about tags of a TIFF.
_HARMLESS = re.compile(r"\bWarning\b|^_?TIFF\w*(Tag|Directory|Field)\b")
_MAY_NEED_MORE = "; a picture of this size may need more than the {:,} bytes of memory that one may take"


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
    limits, file = request.limits, _file_of(source, form, request)
    try:
        decoder = POOL.take(file, request.frame)
    except SandboxUnavailableError as error:
        _unavailable.set()
        _LOGGER.warning("pictures are decoded without limits on time and memory: no process can be started: %s", error)
        raise
    kept, decoder.kept = decoder.kept, None
    goes_on = kept is not None and kept.file == file and kept.frame <= request.frame
    payload = source if isinstance(source, bytes) and not goes_on else b""
    deadline = Deadline(decoder)
    task = {
        "form": form,
        "mode": request.mode,
        "at_least": request.at_least,
        "reading": request.reading,
        "frame": request.frame,
        "count": request.count,
        "limits": dataclasses.asdict(limits),
        "path": None if isinstance(source, bytes) else str(Path(source).absolute()),
        "n_bytes": len(payload),
        "goes_on": goes_on,
    }
    try:
        with ExitStack() as held:
            if header is None:
                allowed = min(limits.memory, _FOR_HEADERS + 3 * n_bytes)
            else:  # what a decoder takes as soon as it reads the header is within the limit too
                check_size(header.width, header.height, name, limits)
                allowed = _reserve(held, header.width * header.height, n_bytes, limits)
            deadline.start(limits.timeout)
            decoder.send(task | {"memory": allowed}, payload)
            to_keep: OpenFrame | None = None

            def admit(n_pixels: int) -> dict[str, Any]:
                nonlocal to_keep
                cost = open_cost(form, n_pixels, n_bytes)
                if file is not None and cost <= MEMORY_KEPT:
                    to_keep = OpenFrame(file, request.frame, cost)
                memory = allowed if header is not None else _reserve(held, n_pixels, n_bytes, limits)
                return {"memory": memory, "keep": to_keep is not None}

            n_pixels = 0 if header is None else header.width * header.height
            picture, is_kept = _converse(decoder, deadline, name, limits, n_pixels, admit)
            decoder.receive()  # it has freed what it took
    except DiedError:
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
        decoder.kept = to_keep if is_kept else None
        if messages and decoder.kept is not None:  # they are of the frames after this one, too, which are made from it
            decoder.close_file()
        POOL.give(decoder)
    return _checked(picture, messages, name, form)


def _checked(picture: Picture | str, messages: Sequence[str], name: str, form: str) -> Picture:
    """Return the picture; raise `ImageError` if it is a reason, or a codec said that it made up pixels."""
    if isinstance(picture, str):
        raise ImageError(name, picture + _said(messages))
    damage = [line for line in messages if not _HARMLESS.search(line)]
    if damage:  # it filled the gap and went on
        raise ImageError(name, f"damaged {form} file: its decoder would make up pixels{_said(damage)}")
    for line in _readable(messages):
        _LOGGER.info("%s: %s", name, line)
    return picture


def _file_of(source: bytes | str | os.PathLike[str], form: str, request: Request) -> str | None:
    """Return by what a file is known that may be kept open: the same only for the same bytes. None for all others.

    Most files are read for their first frame only, so one is kept open from the second frame on.
    """
    if request.frame == 0 or form not in _IN_TURN:
        return None
    if isinstance(source, bytes):
        return blake2b(source, digest_size=32).hexdigest()
    status = Path(source).stat()
    facts = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
    return f"{Path(source).absolute()} {facts}"


def _converse(
    decoder: Decoder,
    deadline: Deadline,
    name: str,
    limits: ReadLimits,
    n_pixels: int,
    admit: Callable[[int], dict[str, Any]],
) -> tuple[Picture | str, bool]:
    """Return the picture, or why it cannot be read; and whether the process keeps the file open."""
    reply = decoder.receive()
    if "reason" not in reply:
        deadline.stop()  # waiting for other threads' pictures does not count
        width, height = _size(reply)
        try:
            check_size(width, height, name, limits)
            n_pixels = width * height
            verdict = admit(n_pixels)
        except ImageError as error:
            verdict = {"refused": error.reason}
        deadline.start(limits.timeout)
        decoder.send(verdict)
        reply = decoder.receive()
    if "reason" in reply:
        reason = str(reply["reason"])
        needs_more = needs_much_memory(n_pixels, limits) and not reason.startswith("truncated")
        return reason + (_MAY_NEED_MORE.format(limits.memory) if needs_more else ""), False
    pixels = np.empty(_shape(reply, limits), np.uint8)
    decoder.receive_into(pixels.data.cast("B"))
    n_frames = reply.get("n_frames")
    if type(n_frames) is not int:
        raise DiedError
    picture = Picture(pixels, *_size(reply), name, reply.get("plain") is True, n_frames)
    return picture, reply.get("kept") is True


def _reserve(held: ExitStack, n_pixels: int, n_bytes: int, limits: ReadLimits) -> int:
    """Wait until no other thread needs the memory, and return how much may be taken."""
    cost = min(limits.memory, largest_cost(n_pixels, n_bytes))
    held.enter_context(GATE.reserved(cost))
    return min(limits.memory, max(cost, _AT_LEAST + 3 * n_bytes))


def _size(reply: dict[str, Any]) -> tuple[int, int]:
    width, height = reply.get("width"), reply.get("height")
    if type(width) is not int or type(height) is not int:
        raise DiedError
    return width, height


def _shape(reply: dict[str, Any], limits: ReadLimits) -> tuple[int, ...]:
    """Return the shape of the pixels that follow, if it can be one."""
    shape = reply.get("shape")
    if not (isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)):
        raise DiedError
    if shape[2:] not in ([], [3]) or len(shape) < 2 or shape[0] * shape[1] > limits.max_pixels:
        raise DiedError
    return tuple(shape)


def _why(code: int, form: str, limits: ReadLimits, *, timed_out: bool) -> str:
    """Return why a process ended, in words for the user."""
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    if timed_out or name == "SIGALRM":
        return f"decoding took longer than the limit of {limits.timeout:g} second{'' if limits.timeout == 1 else 's'}"
    if name == "SIGKILL":
        return "the process that decoded it was killed, as happens where a machine has no memory left"
    return f"the decoder of {form} files crashed ({name})"


def _said(messages: Sequence[str]) -> str:
    said = _readable(messages)
    return f"; the decoder said: {'; '.join(said)}" if said else ""


def _readable(messages: Sequence[str]) -> list[str]:
    """Return the first lines of a codec, without zeros; a long one is cut at a word, and says so."""
    said = [text for message in messages if (text := message.replace("\0", "").strip())]
    return [
        text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE].rsplit(' ', 1)[0]} ..."
        for text in said[:_MOST_MESSAGES]
    ]
