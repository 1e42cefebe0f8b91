"""Perceptual hashes: PDQ, pHash, dHash and their kin, interchangeable with `imagehash` and the tools of PDQ.

The first bit of a hash is the most significant one of its number, so that its hexadecimal digits are what
``str(imagehash.phash(image))`` prints, or PDQ's tools. Packed in arrays a hash is one ``uint64`` for each 64 bits.
"""

from fingerprint.hashes.algorithms import ALGORITHMS, MIN_QUALITY, HashAlgorithm, PerceptualHash, algorithm_named
from fingerprint.hashes.compute import ORIENTATIONS, dihedral_hashes, perceptual_hash, perceptual_hashes
from fingerprint.hashes.interchange import crop_resistant_hash, from_imagehash, to_imagehash
from fingerprint.hashes.packed import hamming, hash_distance, hash_to_hex, hex_to_hash, int_to_words, words_to_int
from fingerprint.hashes.stored import compute_hashes

__all__ = [
    "ALGORITHMS",
    "MIN_QUALITY",
    "ORIENTATIONS",
    "HashAlgorithm",
    "PerceptualHash",
    "algorithm_named",
    "compute_hashes",
    "crop_resistant_hash",
    "dihedral_hashes",
    "from_imagehash",
    "hamming",
    "hash_distance",
    "hash_to_hex",
    "hex_to_hash",
    "int_to_words",
    "perceptual_hash",
    "perceptual_hashes",
    "to_imagehash",
    "words_to_int",
]
