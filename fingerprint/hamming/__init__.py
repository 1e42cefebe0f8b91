"""Exact search in Hamming space: packed codes of 64 to 256 bits, in memory or in a folder."""

from fingerprint.hamming.index import HammingIndex
from fingerprint.hamming.neighbours import Neighbours

__all__ = ["HammingIndex", "Neighbours"]
