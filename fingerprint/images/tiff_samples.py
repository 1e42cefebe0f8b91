"""The samples of TIFF files that Pillow reads wrong or not at all: planes of deep samples, 64-bit floats and others.

Pillow takes uncompressed planes of 16 bits for planes of bytes, swaps the bytes of compressed big-endian numbers of 32
bits twice, and knows only the kinds of pixels that its table lists. Here samples of 8, 16, 32 and 64 bits are read as
TIFF 6.0 stores them: in strips or tiles, contiguous or in planes, in both byte orders, uncompressed or compressed
without loss. libtiff unpacks a compressed strip, by way of Pillow, as a picture of bytes; predictors are undone here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _N_SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRAS, _FORMATS = 322, 323, 324, 325, 338, 339

_NONE, _LZW, _PACKBITS = 1, 5, 32773
_PREDICTED = frozenset((_LZW, 8, 32946, 34925, 50000))  # LZW, Deflate (two numbers), LZMA, Zstandard
_LOSSLESS = _PREDICTED | {_NONE, _PACKBITS}
_HORIZONTAL, _FLOATING = 2, 3  # predictors
_SEPARATE = 2
_KINDS = {1: "u", 2: "i", 3: "f"}  # SampleFormat
_DTYPES = frozenset(("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"))
#: Mode of a picture without alpha, and how many samples it has, by PhotometricInterpretation.
_COLOURS = {0: ("L", 1), 1: ("L", 1), 2: ("RGB", 3), 5: ("CMYK", 4)}
_ASSOCIATED, _UNASSOCIATED = 1, 2  # ExtraSamples
_MOST_SAMPLES = 32
_BLOCK_PIXELS = 1 << 21  # of uncompressed strips, that are read at a time
_PADDING = 1 << 22  # pixels that a tile may have beyond those of the picture
_BIG_ENDIAN_BIG = b"MM\0\x2b"
_BIG_START, _MOST_CLASSIC, _MOST_TAGS = 16, (1 << 32) - (1 << 24), 4096
#: Bytes of a value by its type.
_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass(frozen=True, slots=True)
class TiffSamples:
    """How a TIFF stores its samples.

    Attributes
    ----------
    width, height : int
        Of the picture as stored, in pixels.
    dtype : str
        Kind and bytes of a sample, such as ``u2``.
    order : str
        ``<`` or ``>``.
    n_samples : int
        Of a pixel, with all extra samples.
    colours : str
        ``L``, ``RGB`` or ``CMYK``.
    white_is_zero : bool
    alpha : int or None
        Position of the sample that is the alpha.
    associated : bool
        Whether the colours are multiplied by the alpha.
    planar : bool
        Whether each sample has its own strips.
    tile : (int, int)
        Width and height of a tile, or of a strip.
    tiled : bool
    compression, predictor : int
    offsets, sizes : tuple of int
        Of the strips or tiles.
    """

    width: int
    height: int
    dtype: str
    order: str
    n_samples: int
    colours: str
    white_is_zero: bool
    alpha: int | None
    associated: bool
    planar: bool
    tile: tuple[int, int]
    tiled: bool
    compression: int
    predictor: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def mode(self) -> str:
        """Pillow's mode of the picture with 8 bits a sample."""
        return self.colours if self.alpha is None else {"L": "LA", "RGB": "RGBA"}[self.colours]

    @property
    def pillow_errs(self) -> bool:
        """Whether Pillow gives other pixels, or fails: for planes, and where it swaps what libtiff has swapped."""
        deep, extra = self.dtype[1] != "1", self.n_samples > _n_colours(self.colours)
        swapped = self.order == ">" and self.compression != _NONE and self.dtype not in ("u1", "i1", "u2")
        return swapped or (self.planar and (deep or extra))

    @property
    def channels(self) -> tuple[int, ...]:
        """Positions of the samples that are seen: the colours, then the alpha."""
        return (*range(_n_colours(self.colours)), *(() if self.alpha is None else (self.alpha,)))

    def blocks(self, file: IO[bytes]) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield rows, and their samples of shape (n, width, channels) in the byte order of this machine.

        Parameters
        ----------
        file : binary stream
            The whole file.

        Raises
        ------
        OSError
            If the file ends early, or a strip cannot be unpacked.
        """
        across, down = -(-self.width // self.tile[0]), -(-self.height // self.tile[1])
        n_planes = self.n_samples if self.planar else 1
        if len(self.offsets) < across * down * n_planes:
            raise OSError(f"truncated: {len(self.offsets)} strips or tiles where {across * down * n_planes} belong")
        in_parts = self.compression == _NONE and not self.tiled
        step = max(1, _BLOCK_PIXELS // self.width) if in_parts else self.tile[1]
        for row in range(down):
            top = row * self.tile[1]
            end = min(self.height, top + self.tile[1])
            for start in range(top, end, step):
                rows = slice(start, min(end, start + step))
                yield rows, self._block(file, row, across, down, rows)

    def _block(self, file: IO[bytes], row: int, across: int, down: int, rows: slice) -> NDArray[Any]:
        wide, high = self.tile
        n_rows, skipped = rows.stop - rows.start, rows.start - row * high
        block = np.empty((n_rows, self.width, len(self.channels)), self.dtype)
        for column in range(across):
            left = column * wide
            width = min(wide, self.width - left)
            for to, channel in enumerate(self.channels):
                if self.planar:
                    at = (channel * down + row) * across + column
                    block[:, left : left + width, to] = self._tile(file, at, n_rows, skipped, 1)[:, :width, 0]
            if not self.planar:
                whole = self._tile(file, row * across + column, n_rows, skipped, self.n_samples)
                block[:, left : left + width] = whole[:, :width, list(self.channels)]
        return block

    def _tile(self, file: IO[bytes], at: int, n_rows: int, skipped: int, depth: int) -> NDArray[Any]:
        """Return rows of a strip or tile, of shape (n_rows, its width, depth)."""
        wide = self.tile[0]
        row_bytes = wide * depth * int(self.dtype[1])
        if self.compression == _NONE:
            file.seek(self.offsets[at] + skipped * row_bytes)
            data = file.read(n_rows * row_bytes)
            if len(data) < n_rows * row_bytes:
                raise OSError("truncated: the file ends before its pixels do")
            stored = np.frombuffer(data, np.uint8).reshape(n_rows, row_bytes)
        else:
            if at >= len(self.sizes):
                raise OSError("the lengths of its strips or tiles are not stated")
            file.seek(self.offsets[at])
            stored = _unpacked(file.read(self.sizes[at]), self.compression, row_bytes, n_rows)
        if self.predictor == _FLOATING:
            return _float_predicted(stored, wide, depth, self.dtype)
        values = stored.view(self.order + self.dtype).reshape(n_rows, wide, depth).astype(self.dtype)
        if self.predictor == _HORIZONTAL:
            whole = values.view(f"u{self.dtype[1]}")
            np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
        return values


def samples_of(tags: Mapping[int, Any], prefix: bytes) -> TiffSamples | None:
    """Return how a TIFF stores its samples; None for a kind that is not read here.

    Parameters
    ----------
    tags : mapping of int to value
        As Pillow gives them.
    prefix : bytes
        ``II`` or ``MM``.
    """
    photometric, compression = tags.get(_PHOTOMETRIC, 0), tags.get(_COMPRESSION, _NONE)
    width, height, n_samples = tags.get(_WIDTH), tags.get(_HEIGHT), tags.get(_N_SAMPLES, 1)
    dtype = _dtype_of(tags)
    predictor = tags.get(_PREDICTOR, 1) if compression in _PREDICTED else 1
    predictors = (1, _HORIZONTAL, _FLOATING) if dtype is not None and dtype[0] == "f" else (1, _HORIZONTAL)
    if dtype is None or photometric not in _COLOURS or compression not in _LOSSLESS or predictor not in predictors:
        return None
    if not (_is_count(width) and _is_count(height) and _is_count(n_samples)) or n_samples > _MOST_SAMPLES:
        return None
    mode, n_colours = _COLOURS[photometric]
    extras = tuple(tags.get(_EXTRAS, ()))
    alpha = next((at for at, extra in enumerate(extras) if extra in (_ASSOCIATED, _UNASSOCIATED)), None)
    if not extras and n_samples == n_colours + 1 and mode == "RGB":  # as Pillow takes a fourth sample that is not named
        alpha = 0
    if n_samples < n_colours + (0 if alpha is None else alpha + 1):
        return None
    if mode == "CMYK" and (dtype[0] == "f" or alpha is not None):
        return None
    tiled = _STRIPS not in tags
    wide, high = (tags.get(_TILE_WIDTH), tags.get(_TILE_HEIGHT)) if tiled else (width, tags.get(_ROWS, height))
    if not (_is_count(wide) and _is_count(high)):
        return None
    high = high if tiled else min(height, high)
    if wide * high > 4 * width * height + _PADDING:
        return None
    return TiffSamples(
        width=width,
        height=height,
        dtype=dtype,
        order="<" if prefix == b"II" else ">",
        n_samples=n_samples,
        colours=mode,
        white_is_zero=photometric == 0,
        alpha=None if alpha is None else n_colours + alpha,
        associated=alpha is not None and bool(extras) and extras[alpha] == _ASSOCIATED,
        planar=tags.get(_PLANAR, 1) == _SEPARATE and n_samples > 1,
        tile=(wide, high),
        tiled=tiled,
        compression=compression,
        predictor=predictor,
        offsets=tuple(tags.get(_TILES if tiled else _STRIPS, ())),
        sizes=tuple(tags.get(_TILE_BYTES if tiled else _STRIP_BYTES, ())),
    )


def described(tags: Mapping[int, Any]) -> str:
    """Return in words how a TIFF stores its pixels."""
    kinds = {1: "unsigned", 2: "signed", 3: "floating-point"}
    kind = " and ".join(dict.fromkeys(kinds.get(f, f"of format {f}") for f in tags.get(_FORMATS, (1,))))
    bits = " and ".join(dict.fromkeys(map(str, tags.get(_BITS, (1,)))))
    extras = len(tags.get(_EXTRAS, ()))
    return (
        f"{tags.get(_N_SAMPLES, 1)} {kind} samples of {bits} bits a pixel, {extras} of them extra, photometric "
        f"interpretation {tags.get(_PHOTOMETRIC, 0)}, compression {tags.get(_COMPRESSION, _NONE)}"
    )


def _n_colours(mode: str) -> int:
    return next(n for name, n in _COLOURS.values() if name == mode)


def _dtype_of(tags: Mapping[int, Any]) -> str | None:
    """Return kind and bytes of a sample; None if they differ, or there is no such type."""
    formats, bits = set(tags.get(_FORMATS, (1,))), set(tags.get(_BITS, (1,)))
    if len(formats) != 1 or len(bits) != 1 or tags.get(_FILL_ORDER, 1) != 1:
        return None
    n_bytes, rest = divmod(bits.pop(), 8)
    dtype = f"{_KINDS.get(formats.pop(), '?')}{n_bytes}"
    return dtype if not rest and dtype in _DTYPES else None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value > 0


def _unpacked(data: bytes, compression: int, row_bytes: int, n_rows: int) -> NDArray[np.uint8]:
    """Return the bytes of a compressed strip, of shape (n_rows, row_bytes): read as a grey TIFF of 8 bits by itself."""
    strip = _file_of(
        ((_WIDTH, row_bytes), (_HEIGHT, n_rows), (_BITS, 8), (_COMPRESSION, compression), (_PHOTOMETRIC, 1)),
        data,
        n_rows,
    )
    with TiffImagePlugin.TiffImageFile(io.BytesIO(strip)) as image:
        image.load()
        return np.array(image)


def _file_of(tags: Sequence[tuple[int, int]], strip: bytes, n_rows: int) -> bytes:
    """Return a TIFF of one strip."""
    start = 8 + 2 + 12 * (len(tags) + 4) + 4
    entries = (*tags, (_STRIPS, start), (_N_SAMPLES, 1), (_ROWS, n_rows), (_STRIP_BYTES, len(strip)))
    listed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + listed + bytes(4) + strip


def _float_predicted(stored: NDArray[np.uint8], width: int, depth: int, dtype: str) -> NDArray[Any]:
    """Undo the floating-point predictor (TIFF Technical Note 3): bytes are differences, and sorted by significance."""
    n_bytes = int(dtype[1])
    bytes_of = stored.reshape(len(stored), n_bytes * width, depth).cumsum(axis=1, dtype=np.uint8)
    by_sample = bytes_of.reshape(len(stored), n_bytes, width * depth).transpose(0, 2, 1)
    return np.ascontiguousarray(by_sample).view(f">{dtype}").reshape(len(stored), width, depth).astype(dtype)


def is_unknown_to_pillow(start: bytes) -> bool:
    """Return whether a file begins as a big-endian BigTIFF."""
    return start[:4] == _BIG_ENDIAN_BIG


def classic(data: bytes) -> bytes:
    """Return a big-endian BigTIFF, which Pillow does not recognise, as a TIFF; any other file as it is.

    The directory of the first page is written again behind the file, with positions of 32 bits.
    """
    if not is_unknown_to_pillow(data) or len(data) < _BIG_START or len(data) > _MOST_CLASSIC:
        return data
    (at,) = struct.unpack_from(">Q", data, 8)
    (n_tags,) = struct.unpack_from(">Q", data, at)
    if n_tags > _MOST_TAGS:
        return data
    directory_at = len(data) + len(data) % 2
    values_at = directory_at + 2 + 12 * n_tags + 4
    entries, values = b"", b""
    for tag, kind, count, value in struct.iter_unpack(">HHQ8s", data[at + 8 : at + 8 + 20 * n_tags]):
        size = _TYPE_BYTES.get(kind, 1) * count
        where = struct.unpack(">Q", value)[0]
        stored = value[:size] if size <= len(value) else data[where : where + size]
        if kind in (16, 18):  # positions of 64 bits
            kind, stored = 4, struct.pack(f">{count}I", *struct.unpack(f">{count}Q", stored))
        if len(stored) > 4:
            entries += struct.pack(">HHII", tag, kind, count, values_at + len(values))
            values += stored + bytes(len(stored) % 2)
            if len(values) > len(data):  # values of different tags lie on each other
                return data
        else:
            entries += struct.pack(">HHI4s", tag, kind, count, stored)
    header = struct.pack(">2sHI", b"MM", 42, directory_at)
    return header + data[8:] + bytes(len(data) % 2) + struct.pack(">H", n_tags) + entries + bytes(4) + values
