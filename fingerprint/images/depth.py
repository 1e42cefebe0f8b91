"""Pictures of more than 8 bits a sample, as pictures of 8 bits; and transparent colours that are named in full depth.

One rule for whole numbers, in grey and in colour, whatever the file's container: the picture is taken to be as wide as
the least usual width (`USUAL_WIDTHS`) that holds its largest value, and its 8 highest bits are kept. So a scan of 10
bits in a 16-bit file is not black, and a picture that uses its 16 bits keeps its high byte. A TIFF that states another
width than 16 or 32 bits is as wide as it states.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin

from fingerprint.images.damage import DamagedImageError
from fingerprint.images.tiff_samples import TiffSamples, described, samples_of
from fingerprint.types import U8

#: Bits a sample that cameras, scanners and instruments give.
USUAL_WIDTHS = (8, 10, 12, 14, 16, 24, 31, 32)
#: Returns the opened file again, before loading.
Again: TypeAlias = Callable[[], ImageFile.ImageFile]

_BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 259, 262, 339
#: What Pillow says of kinds of pixels that are not in its table.
_NOT_KNOWN = ("unknown pixel mode", "Invalid value for samples per pixel")
#: Tags that say how pixels are stored; Pillow drops those whose values lie beyond the end of the file.
_NEEDED = frozenset((256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339))
_MOST_TAGS = 1 << 16
_MIN_IS_WHITE, _MIN_IS_BLACK, _UNSIGNED = 0, 1, 1
_SWAPPED = str.maketrans("BL", "LB")
_OPAQUE = 255
_STRIP_PIXELS = 1 << 21


class UnsupportedImageError(Exception):
    """A sound picture of a kind that is not read; the text says of which."""


class DeepTiff(TiffImagePlugin.TiffImageFile):
    """A TIFF file; Pillow reads deep grey only where 0 is black, so that is what it is given.

    What Pillow reads wrong, and kinds of pixels that are not in its table, are read here as far as `TiffSamples` reads
    them, as a picture of 8 bits a sample.

    Attributes
    ----------
    inverted : bool
        Whether 0 is white in the file, and Pillow does not know it.
    samples : TiffSamples or None
        How the samples are stored that are read here; None if Pillow reads them.
    """

    def _setup(self) -> None:
        tags = self.tag_v2
        bits = tags.get(_BITS_PER_SAMPLE, (1,))
        stored = samples_of(tags, tags.prefix)
        self.samples: TiffSamples | None = None
        self.inverted = tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE and max(bits) > 8
        if stored is not None and stored.pillow_errs:
            self._read_here(stored)
            return
        if self.inverted:
            tags[_PHOTOMETRIC] = _MIN_IS_BLACK
        if tags.get(_COMPRESSION, 1) not in TiffImagePlugin.COMPRESSION_INFO:
            raise self._refused()
        try:
            super()._setup()
        except SyntaxError as error:
            if str(error) not in _NOT_KNOWN:
                raise
            if stored is None:
                raise self._refused() from error
            self._read_here(stored)

    def _refused(self) -> Exception:
        """Return what is said of pixels that are not read: their kind, or that the file ends before it says so."""
        if self.fp is not None and (_listed_tags(self.fp, self.tag_v2) & _NEEDED).difference(self.tag_v2):
            return DamagedImageError("truncated TIFF file: it ends before what it says of its pixels")
        return UnsupportedImageError(described(self.tag_v2))

    def _read_here(self, stored: TiffSamples) -> None:
        self.samples, self.inverted = stored, False
        self._mode, self._size = stored.mode, (stored.width, stored.height)
        self.use_load_libtiff = False
        layout = stored.mode if stored.dtype == "u1" else f"{stored.mode};16"
        self.tile = [ImageFile._Tile("raw", (0, 0, *self._size), 0, layout)]  # noqa: SLF001 - to say how it is stored

    def load(self) -> Any:
        """Load the picture; one that is read here has 8 bits a sample."""
        if self.samples is not None and self.tile:
            made = _samples_to_8_bits(self.samples, self.fp)
            self.im, self._mode, self.tile = made.im, made.mode, []
            self.load_end()
        return super().load()


def _listed_tags(file: IO[bytes], directory: TiffImagePlugin.ImageFileDirectory_v2) -> set[int]:
    """Return the tags that a directory lists, also those whose values are not there."""
    big = directory._bigtiff  # noqa: SLF001 - Pillow says it nowhere else
    order = "<" if directory.prefix == b"II" else ">"
    count, entry = struct.Struct(order + ("Q" if big else "H")), struct.Struct(order + ("HHQQ" if big else "HHLL"))
    position = file.tell()
    file.seek(directory.offset or 0)
    head = file.read(count.size)
    n_entries = min(_MOST_TAGS, *count.unpack(head)) if len(head) == count.size else 0
    entries = file.read(n_entries * entry.size)
    file.seek(position)
    return {tag for tag, *_ in entry.iter_unpack(entries[: len(entries) // entry.size * entry.size])}


def layout_of(image: ImageFile.ImageFile) -> str:
    """Return how a file that is not loaded yet stores a pixel, in Pillow's words (a raw mode)."""
    if not image.tile:
        return image.mode
    arguments = image.tile[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments or image.mode)


def is_plain(image: Image.Image, layout: str) -> bool:
    """Return whether an image is opaque and has at most 8 bits a sample, so that every program reads it alike."""
    return ";16" not in layout and image.mode[0] not in "IF" and not image.has_transparency_data


def to_8_bits(image: Image.Image, layout: str, again: Again | None = None) -> Image.Image:
    """Return a loaded image with 8 bits a sample.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded.
    layout : str
        What `layout_of` said before.
    again : callable, optional
        Opens the file again. Pillow keeps the high byte of 16-bit colours, so the low ones take a second reading. It is
        done only where they matter.

    Returns
    -------
    PIL.Image.Image
        The image itself, or one of mode L, LA, RGB or RGBA.
    """
    if isinstance(image, DeepTiff) and image.samples is not None:
        return image
    if image.mode[0] in "IF":
        return _grey_to_8_bits(image)
    if layout in ("L;2", "L;4") and isinstance(image.info.get("transparency"), int):  # Pillow scales the pixels only
        image.info["transparency"] *= 85 if layout == "L;2" else 17
    if (
        again is not None
        and ";16" in layout
        and image.mode in ("RGB", "RGBA", "CMYK")
        and isinstance(image, PngImagePlugin.PngImageFile | DeepTiff)
    ):
        return _colours_to_8_bits(image, layout, again)
    return image


def as_reference_tools(image: Image.Image, layout: str, again: Again | None = None) -> Image.Image:
    """Return a loaded image that is not plain as PDQ's tools see it: of mode L or RGB, without its transparency.

    They are built on Pillow, which takes values of 16-bit grey beyond 255 for white. Narrower pictures are reduced to
    8 bits as in `to_8_bits`.
    """
    if image.mode[0] in "IF" and (image.mode == "F" or width_of(max(int(s.max()) for _, s in _strips(image))) >= 16):
        return image.convert("L")
    shallow = to_8_bits(image, layout, again)
    return shallow if shallow.mode == "L" and not shallow.has_transparency_data else shallow.convert("RGB")


def _strips(image: Image.Image, *, unsigned: bool = False) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield rows, and their values: a few at a time, as a copy of all of a large picture may not fit into memory."""
    n_rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, n_rows):
        end = min(image.height, top + n_rows)
        values = np.asarray(image.crop((0, top, image.width, end)))
        yield slice(top, end), values.view(np.uint32) if unsigned else values


def _grey_to_8_bits(image: Image.Image) -> Image.Image:
    tags = image.tag_v2 if isinstance(image, DeepTiff) else {}
    unsigned = (
        image.mode == "I" and tags.get(_BITS_PER_SAMPLE) == (32,) and tags.get(_SAMPLE_FORMAT, (1,)) == (_UNSIGNED,)
    )
    strips = partial(_strips, image, unsigned=unsigned)
    if image.mode == "F":
        low = min(float(deep.min(where=np.isfinite(deep), initial=np.inf)) for _, deep in strips())
        high = max(float(deep.max(where=np.isfinite(deep), initial=-np.inf)) for _, deep in strips())
        convert = partial(stretched, low=low, high=high)
    else:
        (stated,) = set(tags.get(_BITS_PER_SAMPLE, (16,)))
        width = stated if stated < 16 else width_of(max(0, *(int(deep.max()) for _, deep in strips())))
        convert = partial(high_bits, width=width)
    transparent = image.info.get("transparency")
    levels = np.empty((image.height, image.width), np.uint8)
    alpha = np.full_like(levels, _OPAQUE) if isinstance(transparent, int) else None
    for rows, deep in strips():
        levels[rows] = convert(deep)
        if alpha is not None:
            alpha[rows][deep == transparent] = 0
    if isinstance(image, DeepTiff) and image.inverted:
        np.subtract(255, levels, out=levels)
    return Image.fromarray(levels if alpha is None else np.dstack([levels, alpha]))


def _samples_to_8_bits(stored: TiffSamples, file: Any) -> Image.Image:
    """Return the picture that samples make, of mode L, LA, RGB, RGBA or CMYK. They are read twice, to save memory.

    Alpha is as wide as its own largest value; as a floating-point number, 1 or its largest value is opaque.
    """
    n = len(stored.channels) - (stored.alpha is not None)
    convert, convert_alpha = _conversions(stored, file, n)
    made = Image.new(stored.mode, (stored.width, stored.height))
    for rows, deep in stored.blocks(file):
        levels = convert(deep[..., :n])
        if stored.white_is_zero and stored.colours == "L":
            levels = 255 - levels
        if stored.alpha is not None:
            levels = np.concatenate([levels, convert_alpha(np.maximum(deep[..., n:], 0))], axis=2)
        mode = {"LA": "La", "RGBA": "RGBa"}[stored.mode] if stored.associated else stored.mode
        part = Image.frombytes(mode, (stored.width, len(levels)), levels.tobytes())
        made.paste(part.convert(stored.mode), (0, rows.start))
    return made


def _conversions(
    stored: TiffSamples, file: Any, n: int
) -> tuple[Callable[[NDArray[Any]], U8], Callable[[NDArray[Any]], U8]]:
    """Return what makes 8 bits of the first n samples, the colours, and of the alpha."""
    if stored.dtype[1] == "1":
        return partial(high_bits, width=8), partial(high_bits, width=8)
    if stored.dtype[0] != "f":
        most, opaque = 0, 0
        for _, deep in stored.blocks(file):
            most, opaque = max(most, int(deep[..., :n].max())), max(opaque, int(deep[..., n:].max(initial=0)))
        return partial(high_bits, width=width_of(most)), partial(high_bits, width=width_of(opaque))
    low, high, full = np.inf, -np.inf, 1.0
    for _, deep in stored.blocks(file):
        finite = np.isfinite(deep)
        low = min(low, float(deep[..., :n].min(where=finite[..., :n], initial=np.inf)))
        high = max(high, float(deep[..., :n].max(where=finite[..., :n], initial=-np.inf)))
        full = max(full, float(deep[..., n:].max(where=finite[..., n:], initial=0)))
    return partial(stretched, low=low, high=high), partial(stretched, low=0.0, high=full)


def stretched(deep: NDArray[Any], low: float, high: float) -> U8:
    """Return floating-point values as 8 bits, from `low` as 0 to `high` as 255; what is not finite is 0."""
    if not low < high:
        return np.zeros(deep.shape, np.uint8)
    scaled = (np.where(np.isfinite(deep), deep, low).astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled).astype(np.uint8)


def width_of(largest: int) -> int:
    """Return the least usual width, in bits, that holds a value."""
    return next(width for width in USUAL_WIDTHS if largest < 1 << width)


def high_bits(deep: NDArray[Any], width: int) -> U8:
    """Return the 8 highest of so many bits of whole numbers; negative values are black."""
    levels: U8 = np.right_shift(np.maximum(deep, 0), max(8, width) - 8).astype(np.uint8)
    return levels


def _colours_to_8_bits(image: ImageFile.ImageFile, layout: str, again: Again) -> Image.Image:
    transparent = image.info.get("transparency")
    named = isinstance(transparent, tuple) and image.mode == "RGB"
    visible = faintest = 0
    for _, high in _strips(image):
        seen = np.where(high[..., 3:] > 0, high[..., :3], 0) if image.mode == "RGBA" else high
        visible, faintest = max(visible, int(seen.max())), max(faintest, int(high[..., -1].max()))
    narrow = width_of(visible << 8 | 0xFF) < 16
    faint = image.mode == "RGBA" and width_of(faintest << 8 | 0xFF) < 16
    if not (named or narrow or faint):
        return image
    deep = _in_full_depth(np.asarray(image), layout, again)
    if deep is None:
        return image
    if image.mode == "CMYK":
        return Image.frombytes("CMYK", image.size, high_bits(deep, width_of(int(deep.max()))).tobytes())
    colours = high_bits(deep[..., :3], width_of(int(deep[..., :3].max())))
    if named:
        alpha = np.where((deep == np.array(transparent)).all(axis=2), 0, _OPAQUE).astype(np.uint8)
    elif image.mode == "RGBA":
        alpha = high_bits(deep[..., 3], width_of(int(deep[..., 3].max())))
    else:
        return Image.fromarray(colours)
    return Image.fromarray(np.dstack([colours, alpha]))


def _in_full_depth(high: U8, layout: str, again: Again) -> NDArray[np.uint16] | None:
    """Return all 16 bits of colours whose high bytes are known; None if Pillow cannot give the low ones."""
    if layout == "LA;16B":
        both = _loaded_as(again(), "RGBA").astype(np.uint16)
        grey, alpha = both[..., 0] << 8 | both[..., 1], both[..., 2] << 8 | both[..., 3]
        return np.dstack([grey, grey, grey, alpha])
    order = layout[-1] if layout[-1] != "N" else "L" if sys.byteorder == "little" else "B"
    if order not in "BL" or layout.startswith("RGBa"):
        return None
    low = _loaded_as(again(), layout[:-1] + order.translate(_SWAPPED)).astype(np.uint16)
    deep: NDArray[np.uint16] = high * np.uint16(256) + low
    return deep


def _loaded_as(image: ImageFile.ImageFile, layout: str) -> U8:
    """Load a file with its pixels taken for ones of another layout."""
    tiles = []
    for tile in image.tile:
        arguments = (layout, *tile[3][1:]) if isinstance(tile[3], tuple) else layout
        tiles.append(tile._replace(args=arguments))
    image.tile = tiles
    image.load()
    return np.asarray(image)
