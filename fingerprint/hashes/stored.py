"""The three hashes that a collection keeps of every picture."""

from __future__ import annotations

import numpy as np

from fingerprint.errors import ImageError
from fingerprint.hashes.luma import averaged_luma
from fingerprint.kernels.hashing import ahash64, dhash64, phash64
from fingerprint.types import U8, U64, Picture


def compute_hashes(grey: U8) -> U64:
    """Return the perceptual hashes of a grey picture.

    They are made as `imagehash` makes them, but from rows that are averaged first, as long as 64 are left. So they
    differ from ``imagehash.phash``, ``imagehash.dhash`` and ``imagehash.average_hash``, in less than half a bit on
    average. `fingerprint.hashes.perceptual_hashes` gives their exact bits.

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
    return _hashes_of(*_thumbnails(grey))


def compute_mirrored_hashes(grey: U8) -> U64:
    """Return the perceptual hashes of a grey picture and those of its mirror image.

    Mirrored pixels give mirrored thumbnails, to the bit, so the picture is reduced only once.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        As in `compute_hashes`.

    Returns
    -------
    uint64 array, shape (2, 3)
        What `compute_hashes` returns for the picture, and for the picture mirrored left to right.

    Raises
    ------
    ImageError
        As from `compute_hashes`.
    """
    thumbnails = _thumbnails(grey)
    return np.stack([_hashes_of(*thumbnails), _hashes_of(*(np.ascontiguousarray(t[:, ::-1]) for t in thumbnails))])


def _thumbnails(grey: U8) -> tuple[U8, U8, U8]:
    """Return the thumbnails of pHash (32, 32), dHash (8, 9) and aHash (8, 8)."""
    if grey.dtype != np.uint8 or grey.ndim != 2 or grey.size == 0:
        raise ImageError("<array>", f"a grey picture is a uint8 array (h, w), not {grey.dtype} {grey.shape}")
    luma = averaged_luma(Picture(grey, grey.shape[1], grey.shape[0], "<array>"))
    return luma.thumbnail(32, 32), luma.thumbnail(9, 8), luma.thumbnail(8, 8)


def _hashes_of(for_phash: U8, for_dhash: U8, for_ahash: U8) -> U64:
    return np.array([phash64(for_phash), dhash64(for_dhash), ahash64(for_ahash)], np.uint64)
