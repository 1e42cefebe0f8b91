"""Reports for people: a picture of a query beside a reference, and a page of many such pictures."""

from fingerprint.report.page import PageEntry, write_page
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
    "PageEntry",
    "comparison_picture",
    "probability_text",
    "variant_text",
    "write_page",
]
