"""Whether a WebP decoder keeps in step with its data, to their last bytes.

WebP has no checksum, and its decoder does not say when its data go on after the last pixel. But that shows damage: a
code that is changed in the middle is rarely as long as before, so that the pixels end before their data, or after them.
The decoder refuses what ends too early; here the picture is decoded once more without its last bytes, and a sound one
cannot be. Bytes of one value that some encoders append are no data.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

from PIL import Image, WebPImagePlugin

from fingerprint.images.damage import DamagedImageError

_START = 12  # bytes of a file before its first chunk
_FRAME_HEADER = 16  # bytes of a frame of an animation before its chunks
_LAST = 16  # bytes: more than a decoder reads ahead, or an encoder writes to end its code
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"
_LOSSLESS_MARK = b"\x2f"
_MOST_CHUNKS = 100_000


def check_webp(file: IO[bytes], size: tuple[int, int], frame: int) -> None:
    """Check that a frame of a WebP file needs all of its data; what cannot be decoded at all passes.

    Parameters
    ----------
    file : binary stream
        The whole file; its position is kept.
    size : (int, int)
        Width and height of the picture. A frame that says that it is larger is left to the decoder.
    frame : int
        Which frame of an animation.

    Raises
    ------
    DamagedImageError
        A part of the pixels is made up.
    """
    position = file.tell()
    file.seek(0)
    found = _bitstream(file.read(), frame)
    file.seek(position)
    if found is None or len(found[1]) <= _LAST or not _fits(*found, size):
        return
    kind, data = found
    if not _decodes(kind, data[:-_LAST]):
        return
    end = len(data.rstrip(data[-1:]))  # what follows is of one value
    if _decodes(kind, data[: end - _LAST]):
        raise DamagedImageError("damaged WEBP file: its pixels end before their data do, so a part of them is made up")
    if not _decodes(kind, data[: end + _LAST]):
        raise DamagedImageError("damaged WEBP file: the end of its data is overwritten")


def _bitstream(data: bytes, frame: int) -> tuple[bytes, bytes] | None:
    """Return the kind and content of the chunk that has the pixels of a frame, without its transparency."""
    number = -1
    for kind, body in _chunks(data, _START):
        if kind in (_LOSSY, _LOSSLESS):
            return kind, body
        if kind == b"ANMF":
            number += 1
            if number == frame:
                inner = _chunks(body, _FRAME_HEADER)
                return next(((k, content) for k, content in inner if k in (_LOSSY, _LOSSLESS)), None)
    return None


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _fits(kind: bytes, data: bytes, size: tuple[int, int]) -> bool:
    """Return whether the data say that their pixels are no more than a picture has."""
    if kind == _LOSSLESS:
        (bits,) = struct.unpack_from("<I", data, 1)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return data[:1] == _LOSSLESS_MARK and width <= size[0] and height <= size[1]
    width, height = struct.unpack_from("<HH", data, 6)
    return bool(width & 0x3FFF <= size[0] and height & 0x3FFF <= size[1])


def _decodes(kind: bytes, data: bytes) -> bool:
    """Return whether data are enough for all of their pixels."""
    chunk = kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    file = b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
    try:
        WebPImagePlugin.WebPImageFile(io.BytesIO(file)).load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # Pillow raises any of them
        return False
    return True
