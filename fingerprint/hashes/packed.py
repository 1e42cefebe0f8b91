"""Packed hashes as numbers: their text form and the distances between them."""

from __future__ import annotations

import re

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.kernels.hamming import hamming_pairs, hamming_to_one
from fingerprint.types import U8, U64

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
        The text is not 16 hexadecimal digits.

    Examples
    --------
    >>> hex_to_hash("00000000000000ff")
    255
    """
    if not _HEX.fullmatch(text):
        raise ConfigError(f"a hash is written as 16 hexadecimal digits, not {text!r}")
    return int(text, 16)


def words_to_int(words: U64) -> int:
    """Return packed words as one number, the first word the most significant.

    Parameters
    ----------
    words : uint64 array, shape (n_words,)

    Examples
    --------
    >>> import numpy as np
    >>> words_to_int(np.array([1, 2], np.uint64)) == 2**64 + 2
    True
    """
    return int.from_bytes(words.astype(">u8").tobytes(), "big")


def int_to_words(value: int, n_words: int) -> U64:
    """Return a number as packed words, the first word the most significant.

    Parameters
    ----------
    value : int
        [0, 2**(64 n_words)).
    n_words : int

    Returns
    -------
    uint64 array, shape (n_words,)

    Raises
    ------
    ConfigError
        The number does not fit.

    Examples
    --------
    >>> int_to_words(2**64 + 2, 2).tolist()
    [1, 2]
    """
    if not 0 <= value < 1 << 64 * n_words:
        raise ConfigError(f"a hash is a number of {64 * n_words} bits, not {value}")
    return np.frombuffer(value.to_bytes(8 * n_words, "big"), ">u8").astype(np.uint64)


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
    """Return the Hamming distances of hashes, paired by NumPy's rules of broadcasting.

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
    """Return the hashes as a flat, writable array; for a read-only one Numba would compile again."""
    flat = np.ravel(hashes)
    return flat if flat.flags.writeable and flat.flags.c_contiguous else flat.copy()
