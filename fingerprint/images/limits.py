"""What decoding may cost: size by the header, memory in flight over all threads, and the reduction of large pictures.

Limits are checked before decoding. Memory in flight is bounded by one gate for the whole process, so that many workers
decode many small pictures at the same time but only one large one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError

#: What is said of a file that is not there, wherever it is looked for.
NO_SUCH_FILE = "no such file"
#: Bytes that all pictures that are being decoded, or kept open, may take together.
MEMORY_IN_FLIGHT = 850_000_000
#: Of these, bytes that the frames may take that idle processes keep open, to go on from them.
MEMORY_KEPT = 150_000_000
#: A picture that takes more, as Pillow holds it, is reduced right after decoding, before any conversion.
LARGE_BYTES = 1 << 27
#: Bytes for each pixel that decoding and converting take at most, of a picture with 8 bits a sample and of any picture.
_PLAIN_PIXEL, _ANY_PIXEL = 16, 40
_GREY_PIXEL = 3  # of the luma of a JPEG, which is decoded alone
_PROGRESSIVE_PIXEL = 6  # more for the coefficients of a JPEG in several scans, which libjpeg keeps in full size
_LARGEST_PLAIN = LARGE_BYTES // 4 * _PLAIN_PIXEL
_MOST_WALKED = 20 * (LARGE_BYTES // 4)  # pixels times passes of a plain file: some seconds
_STRIP_BYTES = 1 << 23


def too_many_bytes(n_bytes: int, limits: ReadLimits) -> str:
    """Return what is said of a file that is larger than the limits allow."""
    return f"{n_bytes:,} bytes are more than the limit of {limits.max_bytes:,}"


def check_bytes(n_bytes: int, name: str, limits: ReadLimits) -> None:
    """Raise `ImageError` if a file is too large.

    Raises
    ------
    ImageError
    """
    if n_bytes > limits.max_bytes:
        raise ImageError(name, too_many_bytes(n_bytes, limits))


def check_size(width: int, height: int, name: str, limits: ReadLimits) -> None:
    """Raise `ImageError` if a picture has too many pixels or none.

    Raises
    ------
    ImageError
    """
    if width < 1 or height < 1:
        raise ImageError(name, f"no pixels ({width} x {height})")
    if width * height > limits.max_pixels:
        raise ImageError(name, f"{width} x {height} pixels are more than the limit of {limits.max_pixels:,}")
    if max(width, height) > limits.max_side:
        raise ImageError(name, f"{width} x {height}: a side is more than the limit of {limits.max_side:,} pixels")


def plain_cost(n_pixels: int, n_passes: int, divisor: int, *, grey: bool) -> int | None:
    """Return the bytes that decoding a plain file takes at most; None if it is too large for the caller's process.

    Parameters
    ----------
    n_pixels, n_passes : int
        By its header.
    divisor : int
        1, 2, 4 or 8: at which it is decoded.
    grey : bool
        Whether only the luma of a JPEG is decoded.
    """
    cost = n_pixels * (_GREY_PIXEL if grey else _PLAIN_PIXEL) // divisor**2
    if n_passes > 1:
        cost += n_pixels * _PROGRESSIVE_PIXEL
    return cost if cost <= _LARGEST_PLAIN and n_pixels * n_passes <= max(n_pixels, _MOST_WALKED) else None


def largest_cost(n_pixels: int, n_bytes: int) -> int:
    """Return the bytes that decoding any file of this size takes at most, as a rule; it may also take no more."""
    return n_pixels * _ANY_PIXEL + 2 * n_bytes


def open_cost(form: str, n_pixels: int, n_bytes: int) -> int:
    """Return the bytes that an open frame of an animation takes at most, as a rule, with those that it is made from."""
    return n_pixels * (_ANY_PIXEL if form == "AVIF" else _PLAIN_PIXEL) + 2 * n_bytes


def needs_much_memory(n_pixels: int, limits: ReadLimits) -> bool:
    """Return whether decoding may fail because memory is limited: some codecs then only say that they failed."""
    return n_pixels * _PLAIN_PIXEL > limits.memory


class Gate:
    """Lets threads reserve memory, in the order in which they ask; one that needs more than all of it goes alone.

    Parameters
    ----------
    total : int
        Bytes that may be reserved at the same time.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0
        self._free = threading.Condition()
        self._waiting: deque[object] = deque()

    @property
    def used(self) -> int:
        """Bytes that are reserved now."""
        return self._used

    @contextmanager
    def reserved(self, n_bytes: int) -> Iterator[None]:
        """Reserve memory for the time of a ``with`` block; wait until it is free. Blocks must not be nested."""
        needed = min(n_bytes, self._total)
        with self._free:
            if self._waiting or self._used + needed > self._total:
                self._wait(needed)
            self._used += needed
        try:
            yield
        finally:
            with self._free:
                self._used -= needed
                if self._waiting:
                    self._free.notify_all()

    def _wait(self, needed: int) -> None:
        turn = object()
        self._waiting.append(turn)
        try:
            self._free.wait_for(lambda: self._waiting[0] is turn and self._used + needed <= self._total)
        finally:  # also if the wait is interrupted
            self._waiting.remove(turn)
            self._free.notify_all()

    def forget(self) -> None:
        """After a fork, drop what the other threads of the parent have reserved."""
        self._used = 0
        self._free = threading.Condition()
        self._waiting = deque()


GATE = Gate(MEMORY_IN_FLIGHT - MEMORY_KEPT)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=GATE.forget)


def divisor_of(size: tuple[int, int], mode: str, wanted: str) -> int:
    """Return by how much both sides of a picture must be divided, 1, 2, 4 or 8, so that it is not large.

    Parameters
    ----------
    size : (int, int)
        Width and height as decoded.
    mode, wanted : str
        Pillow's mode as decoded, and the one it will be converted to.
    """
    pixel = 1 if mode == wanted == "L" else 8 if mode in ("I", "F") else 4
    n_bytes = size[0] * size[1] * pixel
    return next((divisor for divisor in (1, 2, 4) if n_bytes <= LARGE_BYTES * divisor**2), 8)


def reduced(image: Image.Image, divisor: int, *, keep: bool = False) -> Image.Image:
    """Return an image with both sides divided, rounded up: the mean of each block of pixels.

    It works in strips, so that it takes little memory besides the image, which is closed unless `keep` is set.
    Transparent pixels do not colour their neighbours.
    """
    if divisor == 1:
        return image
    width, height = image.size
    n_rows = max(1, _STRIP_BYTES // (4 * width * divisor)) * divisor
    strips = (
        (top // divisor, _reduced_strip(image.crop((0, top, width, min(height, top + n_rows))), divisor))
        for top in range(0, height, n_rows)
    )
    _, first = next(strips)
    out = Image.new(first.mode, (first.width, -(-height // divisor)))
    out.info = dict(first.info)
    out.paste(first)
    for top, strip in strips:
        out.paste(strip, (0, top))
    if not keep:
        image.close()
    return out


def _reduced_strip(strip: Image.Image, divisor: int) -> Image.Image:
    if strip.mode.startswith("I;16"):
        deep = Image.fromarray(np.asarray(strip).astype(np.int32)).reduce(divisor)
        made = Image.fromarray(np.asarray(deep).astype(np.uint16))
        made.info = dict(strip.info)
        return made
    if strip.mode in ("1", "P", "PA") or (strip.has_transparency_data and strip.mode in ("L", "RGB")):
        strip = strip.convert("RGBA" if strip.has_transparency_data else "RGB")
        strip.info.pop("transparency", None)
    return strip.reduce(divisor)
