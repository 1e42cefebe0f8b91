"""Computing the perceptual hashes of a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from PIL import Image

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.hashes.algorithms import MIN_QUALITY, PerceptualHash, algorithm_named
from fingerprint.hashes.luma import Luma, ThumbnailHash, averaged_luma, whole_luma
from fingerprint.hashes.packed import words_to_int
from fingerprint.images.decode import read_as_pillow, read_for_pdq, read_grey, read_rgb
from fingerprint.images.given import Held, held
from fingerprint.kernels.fused import ahash_of, dhash_of, dhash_vertical_of, phash_simple_of
from fingerprint.kernels.information import (
    measured_ahash,
    measured_block_mean,
    measured_block_mean_of_means,
    measured_colour_hash,
    measured_dhash,
    measured_dhash_vertical,
    measured_phash_simple,
    measured_whash,
)
from fingerprint.kernels.pdq import pdq_dihedral
from fingerprint.kernels.resample import luma
from fingerprint.types import U8, ImageSource, Picture

#: The eight orientations of a picture: clockwise quarter turns, and whether it is mirrored left to right before that.
ORIENTATIONS: Mapping[str, tuple[int, bool]] = MappingProxyType(
    {
        "upright": (0, False),
        "rotated-90": (1, False),
        "rotated-180": (2, False),
        "rotated-270": (3, False),
        "mirrored": (0, True),
        "mirrored-rotated-90": (1, True),
        "mirrored-rotated-180": (2, True),
        "mirrored-rotated-270": (3, True),
    }
)

_SMALL_SIDE = 48  # an eighth of 384 pixels: costs half a bit of a pHash on average, see `Luma`
_COLOUR_SIDE = 128
_TINY = 16  # pixels: PDQ fails on pictures with a smaller shorter side (see benchmarks/README.md)
_LARGEST_WAVELET = 64
_LEAST_LEFT = MIN_QUALITY // 2  # of what PDQ's tools see of a picture
_STRIP_ROWS = 256
_LUMA_SHARES = (0.299, 0.587, 0.114)
_MOST_UNDECIDED = 16  # coefficients near the median; photographs worth hashing have at most 8, stripes 69
#: How a picture is decoded for a hash: in full size or in colours; for the others at a reduced size.
_READS: Mapping[str, str] = MappingProxyType({"pdq": "full", "colorhash": "colours"})
_PHASH_SIMPLE = ThumbnailHash(32, 32, measured_phash_simple, phash_simple_of)
_DHASH = ThumbnailHash(9, 8, measured_dhash, dhash_of)
_DHASH_VERTICAL = ThumbnailHash(8, 9, measured_dhash_vertical, dhash_vertical_of)
_AHASH = ThumbnailHash(8, 8, measured_ahash, ahash_of)


#: Information in bits at which a hash has the quality 0 and the quality 100 (see benchmarks/README.md).
_INFORMATION: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "phash": (28.0, 52.0),
        "phash-simple": (16.0, 32.0),
        "dhash": (20.0, 36.0),
        "dhash-vertical": (20.0, 36.0),
        "ahash": (16.0, 32.0),
        "whash": (16.0, 32.0),
        "blockmean": (40.0, 80.0),
        "colorhash": (2.0, 5.0),
    }
)


def _whash(luma: Luma) -> tuple[int, float]:
    side = max(8, 1 << int(math.log2(min(luma.width, luma.height))))
    if not luma.exact:
        side = max(8, min(_LARGEST_WAVELET, 1 << int(math.log2(min(luma.pixels.shape)))))
    bits, known = measured_whash(luma.thumbnail(side, side))
    return int(bits), known


def _block_mean(luma: Luma) -> tuple[int, float]:
    if luma.exact:
        import cv2  # its own block-mean hash makes the thumbnail this way

        resized = cv2.resize(luma.pixels, (256, 256), interpolation=cv2.INTER_LINEAR_EXACT)
        words, known = measured_block_mean(np.asarray(resized, np.uint8))
    else:
        words, known = measured_block_mean_of_means(luma.means(16))
    return words_to_int(words), known


#: The hashes that are made from thumbnails.
_MEASURED: Mapping[str, Callable[[Luma], tuple[int, float]]] = {
    "phash": Luma.phash,
    "phash-simple": lambda luma: luma.hash_of(_PHASH_SIMPLE),
    "dhash": lambda luma: luma.hash_of(_DHASH),
    "dhash-vertical": lambda luma: luma.hash_of(_DHASH_VERTICAL),
    "ahash": lambda luma: luma.hash_of(_AHASH),
    "whash": _whash,
    "blockmean": _block_mean,
}


def perceptual_hash(
    source: ImageSource, algorithm: str = "pdq", *, exact: bool = False, limits: ReadLimits = DEFAULT_LIMITS
) -> PerceptualHash:
    """Return one perceptual hash of a picture.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
        A file, the bytes of a file, a file that is open in binary mode, pixels of shape (h, w), (h, w, 3) RGB or
        (h, w, 4) RGBA, or an image of Pillow, which is read as its file would be.
    algorithm : str
        Name in `ALGORITHMS`.
    exact : bool
        Give the same bits for a file as `imagehash` (PDQ: as its reference implementation, block-mean: as OpenCV). The
        file is decoded in full size and colour, not turned upright, and reduced with Pillow. Otherwise only the luma of
        a JPEG is decoded, at a reduced size where that is enough, the picture is turned upright by its EXIF
        orientation, and it is read as people see it. Then some bits may differ, at several times the speed. PDQ reads
        pictures with transparency or more than 8 bits in one way, quick or exact.
    limits : ReadLimits, optional
        What a picture may cost before it is refused.

    Returns
    -------
    PerceptualHash

    Raises
    ------
    ImageError
        The picture cannot be read.
    ConfigError
        There is no such algorithm.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010 (pHash, block-mean).
    N. Krawetz, "Looks like it", 2011 (aHash); "Kind of like that", 2013 (dHash).
    Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019.

    Examples
    --------
    >>> import skimage.data
    >>> found = perceptual_hash(skimage.data.chelsea(), "phash")
    >>> found.quality, len(found.hex)
    (100, 16)
    """
    return perceptual_hashes(source, (algorithm,), exact=exact, limits=limits)[0]


def perceptual_hashes(
    source: ImageSource, algorithms: Sequence[str], *, exact: bool = False, limits: ReadLimits = DEFAULT_LIMITS
) -> tuple[PerceptualHash, ...]:
    """Return several perceptual hashes of a picture, in the order of their names; see `perceptual_hash`.

    A hash does not depend on the others that are computed with it.

    Examples
    --------
    >>> import skimage.data
    >>> [found.hex for found in perceptual_hashes(skimage.data.coffee(), ("dhash", "ahash"), exact=True)]
    ['f3e96933160b1b36', '3f3fbfbb818081c3']
    """
    given = held(source, limits)
    pictures: dict[str, Luma | _Colours] = {}
    found = []
    for algorithm in algorithms:
        name = algorithm_named(algorithm).name
        reads = _reads(name)
        if reads not in pictures:
            pictures[reads] = _read(given, reads, limits, exact=exact)
        found.append(_hash_of(pictures[reads], name))
    return tuple(found)


def dihedral_hashes(
    source: ImageSource, algorithm: str = "pdq", *, exact: bool = False, limits: ReadLimits = DEFAULT_LIMITS
) -> tuple[PerceptualHash, ...]:
    """Return the hashes of a picture in all eight orientations, in the order of `ORIENTATIONS`.

    PDQ computes them from one cosine transform, the others from the turned picture; a colour hash is the same for all.

    Parameters
    ----------
    source, algorithm, exact, limits
        As in `perceptual_hash`.

    Returns
    -------
    tuple of 8 PerceptualHash

    Raises
    ------
    ImageError
        The picture cannot be read.
    ConfigError
        There is no such algorithm.

    Examples
    --------
    >>> import skimage.data
    >>> cat = skimage.data.chelsea()
    >>> mirrored = list(ORIENTATIONS).index("mirrored")
    >>> (dihedral_hashes(cat)[mirrored].value ^ perceptual_hash(cat[:, ::-1]).value).bit_count() <= 30
    True
    """
    name = algorithm_named(algorithm).name
    picture = _read(held(source, limits), _reads(name), limits, exact=exact)
    if isinstance(picture, _Colours):
        return (_hash_of(picture, name),) * len(ORIENTATIONS)
    if name == "pdq":
        parts = picture.pdq()
        quality = _worth(parts.quality, picture)
        return tuple(PerceptualHash(name, words_to_int(code), quality) for code in pdq_dihedral(parts.coefficients))
    contrast = picture.contrast()
    found = [
        hash_of_luma(picture.turned(quarters, mirrored=mirrored), name) for quarters, mirrored in ORIENTATIONS.values()
    ]
    return tuple(
        PerceptualHash(name, value, _worth(min(contrast, _quality_of(known, name)), picture)) for value, known in found
    )


def hash_of_luma(luma: Luma, name: str) -> tuple[int, float]:
    """Return a hash that is made from a grey thumbnail, and its information in bits.

    The hash is any in `ALGORITHMS` but PDQ and the colour hash.
    """
    return _MEASURED[name](luma)


def _reads(name: str) -> str:
    return _READS.get(name, "small")


@dataclass(frozen=True, slots=True)
class _Colours:
    """A picture for the colour hash."""

    rgb: U8
    luma: Luma


def _read(source: Held, reads: str, limits: ReadLimits, *, exact: bool) -> Luma | _Colours:
    if reads == "colours":
        colours = (
            read_as_pillow(source, colours=True, limits=limits)
            if exact
            else read_rgb(source, at_least=_COLOUR_SIDE, limits=limits)
        )
        return _Colours(colours.pixels, whole_luma(replace(colours, pixels=luma(colours.pixels))))
    if reads == "full":
        return _exactly_for_pdq(source, limits) if exact else _for_pdq(source, limits)
    if exact:
        return whole_luma(read_as_pillow(source, limits=limits), exact=True)
    return averaged_luma(_small(source, limits))


def _for_pdq(source: Held, limits: ReadLimits) -> Luma:
    """Return the rounded luma of a picture, or the unrounded luma if rounding may change too many bits."""
    picture = read_for_pdq(source, limits=limits)
    if not picture.plain:
        return _as_tools_or_people_see(picture, source, limits)
    rounded = whole_luma(picture)
    if rounded.pdq().n_undecided <= _MOST_UNDECIDED or rounded.pdq().quality < MIN_QUALITY:
        return rounded
    return _unrounded(read_rgb(source, limits=limits))


def _exactly_for_pdq(source: Held, limits: ReadLimits) -> Luma:
    picture = read_as_pillow(source, colours=True, limits=limits)
    if picture.plain:
        return _unrounded(picture)
    return _as_tools_or_people_see(read_for_pdq(source, limits=limits), source, limits)


def _as_tools_or_people_see(picture: Picture, source: Held, limits: ReadLimits) -> Luma:
    """Return the luma of a picture that is not plain as PDQ's tools see it, so that their hashes are found.

    If hardly anything is left of it then (a logo that is in its transparency, 16-bit grey that is all white), their
    hashes are of no use, and it is taken as people see it.
    """
    luma = _unrounded(picture)
    return luma if luma.pdq().quality >= _LEAST_LEFT else _unrounded(read_rgb(source, limits=limits))


def _unrounded(colours: Picture) -> Luma:
    """Return luma as PDQ's reference implementation makes it: from colours, without rounding."""
    unrounded = np.empty(colours.pixels.shape[:2], np.float32)
    for top in range(0, len(unrounded), _STRIP_ROWS):  # in strips, as the products take 24 bytes a pixel
        strip = colours.pixels[top : top + _STRIP_ROWS]
        red, green, blue = (strip[..., i] * share for i, share in enumerate(_LUMA_SHARES))
        unrounded[top : top + _STRIP_ROWS] = red + green + blue
    return whole_luma(replace(colours, pixels=luma(colours.pixels)), unrounded=unrounded)


def _small(source: Held, limits: ReadLimits) -> Picture:
    """Return a picture for small thumbnails, in grey or colours; an array is taken as it is, without Pillow."""
    if isinstance(source, np.ndarray) and source.dtype == np.uint8 and source.size > 0:
        height, width = source.shape[:2]
        if source.ndim == 2 or (source.ndim == 3 and source.shape[2] == 3):
            return Picture(source, width, height, "<array>")
    return read_grey(source, at_least=_SMALL_SIDE, limits=limits)


def _hash_of(picture: Luma | _Colours, name: str) -> PerceptualHash:
    if name == "pdq" and isinstance(picture, Luma):
        parts = picture.pdq()
        return PerceptualHash(name, words_to_int(parts.words), _worth(parts.quality, picture))
    if isinstance(picture, _Colours):
        luma = picture.luma
        hsv = np.ascontiguousarray(Image.fromarray(picture.rgb).convert("HSV"))
        bits, known = measured_colour_hash(luma.pixels, hsv)
        value = int(bits)
    else:
        luma = picture
        value, known = hash_of_luma(luma, name)
    return PerceptualHash(name, value, _worth(min(luma.contrast(), _quality_of(known, name)), luma))


def _quality_of(known: float, name: str) -> int:
    """Return the quality, [0, 100], that a hash has by its information in bits."""
    none, full = _INFORMATION[name]
    return min(max(int(100 * (known - none) / (full - none)), 0), 100)


def _worth(quality: int, luma: Luma) -> int:
    """Return the quality, scaled down to below `MIN_QUALITY` for a tiny picture."""
    side = min(luma.width, luma.height)
    return quality * side * MIN_QUALITY // (100 * _TINY) if side < _TINY else quality
