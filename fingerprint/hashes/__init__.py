"""Perceptual hashes: PDQ, pHash, dHash and others, interchangeable with `imagehash` and PDQ's tools.

The first bit of a hash is the most significant bit of its number, so its hexadecimal digits are those that
``str(imagehash.phash(image))`` or PDQ's tools print. In arrays, a hash is packed into one ``uint64`` for each 64 bits.
"""

from fingerprint.hashes.algorithms import ALGORITHMS, MIN_QUALITY, HashAlgorithm, PerceptualHash, algorithm_named
from fingerprint.hashes.compute import ORIENTATIONS, dihedral_hashes, perceptual_hash, perceptual_hashes
from fingerprint.hashes.interchange import crop_resistant_hash, from_imagehash, hash_from_imagehash, to_imagehash
from fingerprint.hashes.packed import hamming, hash_distance, hash_to_hex, hex_to_hash, int_to_words, words_to_int
from fingerprint.hashes.stored import compute_hashes, compute_mirrored_hashes

__all__ = [
    "ALGORITHMS",
    "MIN_QUALITY",
    "ORIENTATIONS",
    "HashAlgorithm",
    "PerceptualHash",
    "algorithm_named",
    "compute_hashes",
    "compute_mirrored_hashes",
    "crop_resistant_hash",
    "dihedral_hashes",
    "from_imagehash",
    "hamming",
    "hash_distance",
    "hash_from_imagehash",
    "hash_to_hex",
    "hex_to_hash",
    "int_to_words",
    "perceptual_hash",
    "perceptual_hashes",
    "to_imagehash",
    "words_to_int",
]
