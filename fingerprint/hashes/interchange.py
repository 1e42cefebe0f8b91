"""Converting hashes to and from the classes of `imagehash`, and its crop-resistant hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fingerprint.errors import ConfigError
from fingerprint.hashes.algorithms import ALGORITHMS, PerceptualHash, algorithm_named
from fingerprint.hashes.packed import hash_to_hex
from fingerprint.images.decode import read_as_pillow
from fingerprint.types import ImageSource

if TYPE_CHECKING:
    from imagehash import ImageHash, ImageMultiHash

_SHAPES = {42: (14, 3), 64: (8, 8), 256: (16, 16)}


def to_imagehash(value: int | np.uint64 | PerceptualHash) -> ImageHash:
    """Return a hash as the class of `imagehash`, for programs that use that library.

    Parameters
    ----------
    value : int, uint64 or PerceptualHash
        Packed bits, [0, 2**64), or a hash of any algorithm.

    Returns
    -------
    imagehash.ImageHash
        8 x 8 bits; 16 x 16 for a hash of 256 bits, 14 x 3 for a colour hash. Its hexadecimal digits are the hash's.

    Raises
    ------
    ConfigError
        The number has more than 64 bits or is negative.

    Examples
    --------
    >>> str(to_imagehash(255))
    '00000000000000ff'
    >>> str(to_imagehash(PerceptualHash("colorhash", 7, 100)))
    '00000000007'
    """
    from imagehash import ImageHash  # slow to import, as it loads half of SciPy

    if not isinstance(value, PerceptualHash):
        text, shape = f"{int(hash_to_hex(value), 16):064b}", (8, 8)
    else:
        n_bits = ALGORITHMS[value.algorithm].n_bits
        text, shape = f"{value.value:0{n_bits}b}", _SHAPES[n_bits]
    return ImageHash(np.array([digit == "1" for digit in text]).reshape(shape))


def from_imagehash(value: ImageHash, n_bits: int = 64) -> int:
    """Return a hash of `imagehash` as packed bits.

    Parameters
    ----------
    value : imagehash.ImageHash
        Of `n_bits` bits, in any shape.
    n_bits : int
        The expected length.

    Returns
    -------
    int
        Packed bits, [0, 2**n_bits).

    Raises
    ------
    ConfigError
        The hash has another length.

    Examples
    --------
    >>> from_imagehash(to_imagehash(255))
    255
    """
    if len(value) != n_bits:
        raise ConfigError(f"a hash of {n_bits} bits is needed, not of {len(value)}; use another hash_size")
    return int(str(value), 16)


def hash_from_imagehash(value: ImageHash, algorithm: str, quality: int = 100) -> PerceptualHash:
    """Return a hash of `imagehash` as one of these, to be compared with others or to be searched for.

    Parameters
    ----------
    value : imagehash.ImageHash
        Or another object with as many bits, whose text is their hexadecimal digits.
    algorithm : str
        Name of the algorithm that made it; `imagehash` does not say. Its `phash` is ``phash``, `phash_simple`
        ``phash-simple``, `average_hash` ``ahash``, `dhash` ``dhash``, `dhash_vertical` ``dhash-vertical``, `whash`
        ``whash`` and `colorhash` ``colorhash``, with their default sizes.
    quality : int, [0, 100]
        Which `imagehash` does not measure; by default the hash is trusted.

    Raises
    ------
    ConfigError
        There is no such algorithm, its hashes have another length, or `quality` is no quality.

    Examples
    --------
    >>> import imagehash, skimage.data
    >>> from PIL import Image
    >>> image = Image.fromarray(skimage.data.chelsea())
    >>> from fingerprint.hashes import perceptual_hash
    >>> hash_from_imagehash(imagehash.phash(image), "phash") == perceptual_hash(image, "phash", exact=True)
    True
    """
    named = algorithm_named(algorithm)
    if not 0 <= quality <= 100:
        raise ConfigError(f"a quality lies in 0..100, not {quality}")
    return PerceptualHash(named.name, from_imagehash(value, named.n_bits), quality)


def crop_resistant_hash(source: ImageSource) -> ImageMultiHash:
    """Return the crop-resistant hash of `imagehash`: a dHash for each bright and each dark segment of the picture.

    It is slow (some tenths of a second) and only compares with other crop-resistant hashes. To find crops use
    `fingerprint.compare`.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
        As in `perceptual_hash`; read as with ``exact=True``.

    Raises
    ------
    ImageError
        The picture cannot be read.

    References
    ----------
    M. Steinebach, H. Liu, Y. Yannikos, "Efficient cropping-resistant robust image hashing", ARES, 2014.

    Examples
    --------
    >>> import skimage.data
    >>> found = crop_resistant_hash(skimage.data.chelsea())
    >>> found.matches(crop_resistant_hash(skimage.data.chelsea()[:, 40:]))
    True
    """
    from imagehash import crop_resistant_hash as compute

    return compute(Image.fromarray(read_as_pillow(source).pixels))
