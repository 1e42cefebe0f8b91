"""The three hashes that a collection keeps of every picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fingerprint.config import HASH_ALGORITHMS
from fingerprint.errors import ImageError
from fingerprint.kernels.hashing import ahash64, dhash64, phash64
from fingerprint.types import U8, U64


@dataclass(frozen=True, slots=True)
class _Hasher:
    """One kind of hash: the size of the thumbnail it looks at and the kernel that turns that into bits."""

    width: int
    height: int
    kernel: Callable[[U8], np.uint64]


_HASHERS: Mapping[str, _Hasher] = {
    "phash": _Hasher(32, 32, phash64),
    "dhash": _Hasher(9, 8, dhash64),
    "ahash": _Hasher(8, 8, ahash64),
}


def compute_hashes(grey: U8) -> U64:
    """Return the perceptual hashes of a grey picture.

    The thumbnails are made with Pillow's Lanczos filter from the picture at the size it comes in, as `imagehash` makes
    them; so from the same grey pixels the bits are the same as those of ``imagehash.phash``, ``imagehash.dhash`` and
    ``imagehash.average_hash``.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        Grey values, at least one pixel.

    Returns
    -------
    uint64 array, shape (3,)
        Packed hashes in the order of `fingerprint.config.HASH_ALGORITHMS`.

    Raises
    ------
    ImageError
        The array is not of this type or shape.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010 (pHash).
    N. Krawetz, "Looks like it", 2011 (aHash); "Kind of like that", 2013 (dHash).

    Examples
    --------
    >>> import numpy as np
    >>> from fingerprint.hashes import hash_to_hex
    >>> ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))  # brighter from left to right
    >>> _, dhash, ahash = compute_hashes(ramp)
    >>> hash_to_hex(dhash), hash_to_hex(ahash)
    ('ffffffffffffffff', '0f0f0f0f0f0f0f0f')
    """
    if grey.dtype != np.uint8 or grey.ndim != 2 or grey.size == 0:
        raise ImageError("<array>", f"a grey picture is a uint8 array (h, w), not {grey.dtype} {grey.shape}")
    image = Image.fromarray(grey)
    hashes = np.empty(len(HASH_ALGORITHMS), np.uint64)
    for i, name in enumerate(HASH_ALGORITHMS):
        hasher = _HASHERS[name]
        thumbnail = image.resize((hasher.width, hasher.height), Image.Resampling.LANCZOS)
        hashes[i] = hasher.kernel(np.asarray(thumbnail).copy())
    return hashes
