"""Camera RAW, read by rawpy (LibRaw): the JPEG preview that cameras put in, or the sensor's values at half size.

The preview is the picture that the camera made of its data, so it is what people see and pass on. It is taken if its
longer side has `PREVIEW_SIDE` pixels, or half of the sensor's. Otherwise each block of 2 x 2 of the sensor becomes one
pixel, in the camera's white balance. Either is turned once: the preview by its own EXIF data, or by the camera's
orientation if it has none.
"""

from __future__ import annotations

import struct
from typing import IO, Any, BinaryIO, cast

import numpy as np
from PIL import Image

from fingerprint.images.depth import UnsupportedImageError
from fingerprint.images.extra_image import ExtraImage
from fingerprint.images.headers import header_of

#: Longer side of a preview that is large enough, in pixels: pictures are described at up to 900.
PREVIEW_SIDE = 1024

_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR")
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_PHOTOMETRIC, _SUB_FOLDERS, _DNG_VERSION = 262, 330, 50706
_OF_SENSOR = (32803, 34892)  # a mosaic of colours; its values before any correction
_SHORT, _MOST_TAGS, _MOST_FOLDERS = 3, 512, 16
_TURNS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's word for the EXIF orientation


def is_raw(start: bytes, file: IO[bytes]) -> bool:
    """Return whether a file is camera RAW: by its first bytes, or as a TIFF that holds a sensor's values.

    Parameters
    ----------
    start : bytes
        The first 16 or more.
    file : binary stream
        Where the TIFF's folders of tags are looked at. Its position changes.
    """
    if start.startswith(_STARTS) or start[4:12] == b"ftypcrx " or (start[:4] in _TIFF and start[8:10] == b"CR"):
        return True
    order = _TIFF.get(start[:4])
    return order is not None and len(start) >= 8 and _holds_sensor_values(file, order, start)


def _holds_sensor_values(file: IO[bytes], order: str, start: bytes) -> bool:
    waiting = [struct.unpack_from(order + "I", start, 4)[0]]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_FOLDERS:
        at = waiting.pop(0)
        if at in seen or at < 8:
            continue
        seen.add(at)
        file.seek(at)
        head = file.read(2)
        n_tags = min(_MOST_TAGS, struct.unpack(order + "H", head)[0]) if len(head) == 2 else 0
        block = file.read(12 * n_tags)
        for tag, kind, count, value in struct.iter_unpack(order + "HHII", block[: len(block) // 12 * 12]):
            if tag == _DNG_VERSION:
                return True
            if tag == _PHOTOMETRIC:
                stored = value >> 16 if order == ">" and kind == _SHORT else value & 0xFFFF
                if stored in _OF_SENSOR:
                    return True
            elif tag == _SUB_FOLDERS:
                waiting += _numbers(file, order, count, value)
    return False


def _numbers(file: IO[bytes], order: str, count: int, value: int) -> list[int]:
    """Return the values of a tag of 32-bit numbers."""
    if count == 1:
        return [value]
    n = min(count, _MOST_FOLDERS)
    file.seek(value)
    found = file.read(4 * n)
    return list(struct.unpack(f"{order}{n}I", found)) if len(found) == 4 * n else []


def preview_of(file: IO[bytes]) -> tuple[bytes, int] | None:
    """Return the JPEG preview of a RAW file, and the camera's EXIF orientation; None if there is no large one.

    Raises
    ------
    UnsupportedImageError
        If LibRaw does not know the kind of file.
    """
    raw = _opened(file)
    try:
        jpeg = _jpeg_of(raw)
        header = None if jpeg is None else header_of("JPEG", jpeg)
        longer = 0 if header is None else max(header.width, header.height)
        sensor = max(raw.sizes.width, raw.sizes.height)
        if jpeg is None or longer < min(PREVIEW_SIDE, sensor // 2):
            return None
        return jpeg, _TURNS.get(raw.sizes.flip, 1)
    finally:
        raw.close()


def _opened(file: IO[bytes]) -> Any:
    import rawpy

    raw = rawpy.RawPy()
    file.seek(0)
    try:
        raw.open_buffer(cast("BinaryIO", file))
    except rawpy.LibRawFileUnsupportedError as error:
        raw.close()
        raise UnsupportedImageError("not known to LibRaw") from error
    return raw


def _jpeg_of(raw: Any) -> bytes | None:
    import rawpy

    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    return bytes(found.data) if found.format == rawpy.ThumbFormat.JPEG else None


class RawImage(ExtraImage):
    """The sensor's values of a RAW file, at half size."""

    format = "camera RAW"

    def _open(self) -> None:
        self._raw = _opened(self._file())
        self._expect((self._raw.sizes.raw_width, self._raw.sizes.raw_height), "RGB", deep=False)

    def _decoded(self) -> Image.Image:
        try:
            pixels = self._raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
        finally:
            self._raw.close()
        return Image.fromarray(np.ascontiguousarray(pixels))
