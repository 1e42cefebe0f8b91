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
from itertools import repeat
from typing import IO, TypeAlias

from PIL import Image, WebPImagePlugin

from fingerprint.images.damage import DamagedImageError

_START = 12  # bytes of a file before its first chunk
_FRAME_HEADER = 16  # bytes of a frame of an animation before its chunks
_LAST = 16  # bytes: more than a decoder reads ahead, or an encoder writes to end its code
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"
_LOSSLESS_MARK = b"\x2f"
_MOST_CHUNKS = 100_000
_Place: TypeAlias = tuple[bytes, int, int]  # the kind of a chunk, where its content begins, and its length
_NO_MORE: _Place = (b"", 0, 0)


class WebpFrames:
    """The frames of a WebP file, which is walked through once, however many of them are checked.

    Parameters
    ----------
    file : binary stream
        The whole file; its position is kept.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._found: list[_Place | None] = []
        self._rest = _places(file)

    def check(self, size: tuple[int, int], frame: int) -> None:
        """Check that a frame needs all of its data; what cannot be decoded at all passes.

        Parameters
        ----------
        size : (int, int)
            Width and height of the picture. A frame that says that it is larger is left to the decoder.
        frame : int
            Which frame of an animation; any number for a file with one picture.

        Raises
        ------
        DamagedImageError
            A part of the pixels is made up.
        """
        position = self._file.tell()
        found = self._bitstream(frame)
        self._file.seek(position)
        if found is not None and len(found[1]) > _LAST and _fits(*found, size):
            _check(*found)

    def _bitstream(self, frame: int) -> tuple[bytes, bytes] | None:
        """Return the kind and content of the chunk that has the pixels of a frame, without its transparency."""
        while len(self._found) <= frame and (more := next(self._rest, _NO_MORE)) is not _NO_MORE:
            self._found.append(more)
        place = self._found[frame] if frame < len(self._found) else None
        if place is None:
            return None
        kind, start, length = place
        self._file.seek(start)
        return kind, self._file.read(length)


def _check(kind: bytes, data: bytes) -> None:
    if not _decodes(kind, data[:-_LAST]):
        return
    end = len(data.rstrip(data[-1:]))  # what follows is of one value
    if _decodes(kind, data[: end - _LAST]):
        raise DamagedImageError("damaged WEBP file: its pixels end before their data do, so a part of them is made up")
    if not _decodes(kind, data[: end + _LAST]):
        raise DamagedImageError("damaged WEBP file: the end of its data is overwritten")


def _places(file: IO[bytes]) -> Iterator[_Place | None]:
    """Yield for each frame where its pixels are; the same for ever for a file with one picture."""
    end = file.seek(0, io.SEEK_END)
    for kind, start, length in _chunks(file, _START, end):
        if kind in (_LOSSY, _LOSSLESS):
            yield from repeat((kind, start, length))
        if kind == b"ANMF":
            inner = _chunks(file, start + _FRAME_HEADER, start + length)
            yield next((place for place in inner if place[0] in (_LOSSY, _LOSSLESS)), None)


def _chunks(file: IO[bytes], at: int, end: int) -> Iterator[_Place]:
    """Yield the chunks between two positions; the position of the file may be changed between two of them."""
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8) if at + 8 <= end else b""
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        yield kind, at + 8, min(length, end - at - 8)
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
