"""HEIC, as phones write it: pictures in HEIF files that are compressed by HEVC. It is read by pillow-heif.

libheif turns, mirrors and cuts the picture as the file's transformations say. HEIF defines these as what counts; the
orientation in EXIF data, which phones also write, only repeats it, so it is not looked at (ISO/IEC 23008-12, annex A).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from fingerprint.images.damage import DamagedImageError
from fingerprint.images.depth import UnsupportedImageError
from fingerprint.images.extra_image import ExtraImage, picture_of
from fingerprint.images.heif_damage import check_zeros

_HEVC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
_ANY_CODEC = (b"mif1", b"mif2", b"msf1", b"miaf")
_AV1 = (b"avif", b"avis")
_MOST_BOXES = 10_000


def is_heic(start: bytes) -> bool:
    """Return whether a file is a HEIF file by its first bytes, and not one of AV1, which Pillow reads as AVIF."""
    if start[4:8] != b"ftyp":
        return False
    if start[8:12] in _HEVC:
        return True
    brands = start[16 : max(16, min(len(start), int.from_bytes(start[:4], "big")))]
    return start[8:12] in _ANY_CODEC and not any(brands[k : k + 4] in _AV1 for k in range(0, len(brands), 4))


class HeifImage(ExtraImage):
    """A HEIF file: its primary picture, and its other ones in the order of the file, as frames.

    Thumbnails, depth maps and other pictures that belong to one of them are no frames, and tracks of a film are not
    read.

    Attributes
    ----------
    n_frames : int
    """

    format = "HEIC"

    def _open(self) -> None:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1  # memory and results do not depend on the machine
        pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
        data = self._file().read()
        check_boxes(data)
        opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        if not len(opened):
            raise UnsupportedImageError("a film without a picture")
        first = opened.primary_index
        check_zeros(data, self.format, primary=True)
        self._file_data = data
        self._pictures = [opened[first], *(opened[k] for k in range(len(opened)) if k != first)]
        self.n_frames = len(self._pictures)
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go to a picture, before one is loaded.

        Raises
        ------
        EOFError
            If there is none of that number.
        """
        if not 0 <= frame < self.n_frames:
            raise EOFError(f"no picture {frame}")
        if frame:
            check_zeros(self._file_data, self.format, primary=False)
        self._frame, self._heif = frame, self._pictures[frame]
        layout, _, bits = self._heif.mode.partition(";")
        self._bits = int(bits or 8)
        mode = {"I": "L", "La": "LA", "RGBa": "RGBA"}.get(layout, layout)
        self._premultiplied = layout[-1] == "a"
        self._expect((self._heif.size[0], self._heif.size[1]), mode, deep=self._bits > 8)

    def tell(self) -> int:
        """Return the number of the picture."""
        return self._frame

    def _decoded(self) -> Image.Image:
        data, (width, height), stride = self._heif.data, self._heif.size, self._heif.stride
        n = len(self._mode)
        sample = np.dtype("<u2" if self._bits > 8 else "u1")
        rows: Any = np.frombuffer(data, np.uint8)[: stride * height].reshape(height, stride)
        samples = rows[:, : width * n * sample.itemsize].copy().view(sample).reshape(height, width, n)
        made = picture_of(samples, (self._bits, self._bits))
        if self._premultiplied:
            layout = {"LA": "La", "RGBA": "RGBa"}[made.mode]
            made = Image.frombytes(layout, made.size, made.tobytes()).convert(made.mode)
        return made


def check_boxes(data: bytes) -> None:
    """Check that the boxes of the file end where it ends: a decoder fills what is missing of a grid of tiles.

    Raises
    ------
    DamagedImageError
    """
    end = 0
    for end in _box_ends(data):
        if end > len(data):
            missing = end - len(data)
            raise DamagedImageError(f"truncated HEIC file: {missing:,} bytes of its last part are missing")
    if len(data) - end >= 8 and not end:
        raise DamagedImageError("damaged HEIC file: it does not consist of boxes")


def _box_ends(data: bytes) -> Iterator[int]:
    """Yield where each box of the file ends, by its own word."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            return
        size = struct.unpack_from(">I", data, at)[0]
        if size == 0:  # to the end of the file
            return
        if size == 1:
            if at + 16 > len(data):
                yield at + 16
                return
            size = struct.unpack_from(">Q", data, at + 8)[0]
        if size < 8:
            return
        at += size
        yield at
