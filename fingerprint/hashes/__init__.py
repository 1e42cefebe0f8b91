"""Perceptual hashes: 64 bits each of a grey picture, equal bit for bit to those of `imagehash`.

A hash is a ``uint64`` whose most significant bit is the first of the picture in reading order, so that its 16
hexadecimal digits are what ``str(imagehash.phash(image))`` prints.
"""

from fingerprint.hashes.compute import compute_hashes
from fingerprint.hashes.packed import (
    from_imagehash,
    hamming,
    hash_distance,
    hash_to_hex,
    hex_to_hash,
    to_imagehash,
)

__all__ = [
    "compute_hashes",
    "from_imagehash",
    "hamming",
    "hash_distance",
    "hash_to_hex",
    "hex_to_hash",
    "to_imagehash",
]
