"""Messages between a process and the one that decodes for it: a length, JSON, and bytes. Nothing is unpickled."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

#: Seconds; longer times than this are no limit, and timers do not take all of them.
LONGEST = 1e6
#: Bytes of codecs' messages that are kept of one picture; a process that decodes can write no larger file.
MOST_SAID = 1 << 20
_LENGTH = struct.Struct(">I")
_LONGEST = 1 << 20  # bytes of JSON


def send(pipe: IO[bytes], message: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Write a message, and bytes that follow it."""
    text = json.dumps(message).encode()
    pipe.write(_LENGTH.pack(len(text)) + text)
    pipe.write(payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> dict[str, Any]:
    """Read a message; what follows it is left in the pipe.

    Raises
    ------
    EOFError
        If the other side is gone.
    ValueError
        If it is not a message.
    """
    (length,) = _LENGTH.unpack(receive_bytes(pipe, _LENGTH.size))
    if length > _LONGEST:
        raise ValueError(f"a message of {length} bytes")
    message = json.loads(bytes(receive_bytes(pipe, length)))
    if not isinstance(message, dict):
        raise ValueError("a message that is not an object")
    return message


def receive_bytes(pipe: IO[bytes], n_bytes: int) -> bytearray:
    """Read so many bytes.

    Raises
    ------
    EOFError
        If there are fewer.
    """
    data = bytearray(n_bytes)
    receive_into(pipe, memoryview(data))
    return data


def receive_into(pipe: IO[bytes], view: memoryview) -> None:
    """Fill a buffer.

    Raises
    ------
    EOFError
        If there are fewer bytes.
    """
    done = 0
    while done < len(view):
        n_read = pipe.readinto(view[done:])  # type: ignore[attr-defined] # every binary pipe has it
        if not n_read:
            raise EOFError
        done += n_read
