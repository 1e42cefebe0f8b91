"""Packed hashes as numbers: their text form, their `imagehash` form and the distances between them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.kernels.hamming import hamming_pairs, hamming_to_one
from fingerprint.types import U8, U64

if TYPE_CHECKING:
    from imagehash import ImageHash

_HEX = re.compile(r"[0-9a-fA-F]{16}")


def hash_to_hex(value: int | np.uint64) -> str:
    """Return the 16 hexadecimal digits of a hash, as ``str(imagehash.phash(image))`` prints them.

    Parameters
    ----------
    value : int or uint64
        Packed bits, [0, 2**64).

    Returns
    -------
    str
        16 lower-case digits.

    Raises
    ------
    ConfigError
        The number has more than 64 bits or is negative.

    Examples
    --------
    >>> hash_to_hex(1)
    '0000000000000001'
    """
    number = int(value)
    if not 0 <= number < 2**64:
        raise ConfigError(f"a hash is a number of 64 bits, not {number}")
    return f"{number:016x}"


def hex_to_hash(text: str) -> int:
    """Return the hash that 16 hexadecimal digits stand for.

    Parameters
    ----------
    text : str
        16 digits of either case.

    Returns
    -------
    int
        Packed bits, [0, 2**64).

    Raises
    ------
    ConfigError
        The text is anything else.

    Examples
    --------
    >>> hex_to_hash("00000000000000ff")
    255
    """
    if not _HEX.fullmatch(text):
        raise ConfigError(f"a hash is written as 16 hexadecimal digits, not {text!r}")
    return int(text, 16)


def to_imagehash(value: int | np.uint64) -> ImageHash:
    """Return a hash as the class of `imagehash`, for programs that use that library.

    Parameters
    ----------
    value : int or uint64
        Packed bits, [0, 2**64).

    Returns
    -------
    imagehash.ImageHash
        Of 8 x 8 bits; its text is ``hash_to_hex(value)``.

    Raises
    ------
    ConfigError
        The number has more than 64 bits or is negative.

    Examples
    --------
    >>> str(to_imagehash(255))
    '00000000000000ff'
    """
    from imagehash import hex_to_hash as parse  # it loads half of SciPy

    return parse(hash_to_hex(value))


def from_imagehash(value: ImageHash) -> int:
    """Return a hash of `imagehash` as packed bits.

    Parameters
    ----------
    value : imagehash.ImageHash
        Of 64 bits, in any shape.

    Returns
    -------
    int
        Packed bits, [0, 2**64).

    Raises
    ------
    ConfigError
        The hash is not of 64 bits.

    Examples
    --------
    >>> from_imagehash(to_imagehash(255))
    255
    """
    if len(value) != 64:
        raise ConfigError(f"only hashes of 64 bits (hash_size=8) can be packed, not of {len(value)}")
    return hex_to_hash(str(value))


def hash_distance(a: int | np.uint64, b: int | np.uint64) -> int:
    """Return the Hamming distance of two hashes.

    Parameters
    ----------
    a, b : int or uint64
        Packed bits, [0, 2**64).

    Returns
    -------
    int
        Differing bits, [0, 64].

    Examples
    --------
    >>> hash_distance(0b1100, 0b1010)
    2
    """
    return (int(a) ^ int(b)).bit_count()


def hamming(a: U64, b: U64) -> U8:
    """Return the Hamming distances of hashes, taken together by NumPy's rules of broadcasting.

    Parameters
    ----------
    a, b : uint64 array
        Packed bits, of shapes that broadcast: ``(n, 3)`` and ``(3,)`` give the distances of `n` pictures to one, hash
        by hash.

    Returns
    -------
    uint8 array, of the broadcast shape
        Differing bits, [0, 64].

    Raises
    ------
    TypeError
        An array is not of uint64.
    ConfigError
        The shapes do not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> hamming(np.array([0, 1, 3], np.uint64), np.array(1, np.uint64)).tolist()
    [1, 0, 1]
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != np.uint64 or b.dtype != np.uint64:
        raise TypeError(f"packed hashes are uint64 arrays, not {a.dtype} and {b.dtype}")
    shape = np.broadcast_shapes(a.shape, b.shape)
    if a.size == 1:
        a, b = b, a
    distances: U8
    if b.size == 1:
        distances = hamming_to_one(_flat(a), b.ravel()[0])
    else:
        distances = hamming_pairs(_flat(np.broadcast_to(a, shape)), _flat(np.broadcast_to(b, shape)))
    return distances.reshape(shape)


def _flat(hashes: U64) -> U64:
    """Return the hashes in one row, in an array that may be written to (Numba compiles anew for one that may not)."""
    flat = np.ravel(hashes)
    return flat if flat.flags.writeable and flat.flags.c_contiguous else flat.copy()
