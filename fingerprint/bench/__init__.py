"""The bench: any method of copy detection on the same files, by the same judge; sets for it, and comparisons.

A method is a `DescribingMethod` or a `MatchingMethod`. Packages add theirs by the entry points ``copyprint.bench``.
"""

from __future__ import annotations

from fingerprint.bench.base import BACKGROUND_IMAGES, CANDIDATES, DescribingMethod, Matcher, MatchingMethod, Role
from fingerprint.bench.sets import BenchSet, Part, open_set

__all__ = [
    "BACKGROUND_IMAGES",
    "CANDIDATES",
    "BenchSet",
    "DescribingMethod",
    "Matcher",
    "MatchingMethod",
    "Part",
    "Role",
    "open_set",
]
