"""The three hashes that a collection keeps of every picture."""

from __future__ import annotations

import numpy as np

from fingerprint.errors import ImageError
from fingerprint.hashes.compute import hash_of_luma
from fingerprint.hashes.luma import whole_luma
from fingerprint.types import HASH_ALGORITHMS, U8, U64, Picture


def compute_hashes(grey: U8) -> U64:
    """Return the perceptual hashes of a grey picture.

    The thumbnails are made as in `imagehash`, with Pillow's Lanczos filter from the picture at its given size. So the
    same grey pixels give the same bits as ``imagehash.phash``, ``imagehash.dhash`` and ``imagehash.average_hash``.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        Grey values, at least one pixel.

    Returns
    -------
    uint64 array, shape (3,)
        Packed hashes in the order of `fingerprint.types.HASH_ALGORITHMS`.

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
    luma = whole_luma(Picture(grey, grey.shape[1], grey.shape[0], "<array>"), exact=True)
    return np.array([hash_of_luma(luma, name)[0] for name in HASH_ALGORITHMS], np.uint64)
