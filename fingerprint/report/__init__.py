"""Reports for people: a picture of a query beside a reference, and a page of many pairs to look at and to decide on.

The page is made by `fingerprint.report.page`, of what `draft` and the modules above it gather.
"""

from fingerprint.report.picture import comparison_picture
from fingerprint.report.words import (
    IDENTICAL_VERDICT,
    RELATION_NAMES,
    RELATION_VERDICTS,
    probability_text,
    variant_text,
)

__all__ = [
    "IDENTICAL_VERDICT",
    "RELATION_NAMES",
    "RELATION_VERDICTS",
    "comparison_picture",
    "probability_text",
    "variant_text",
]
