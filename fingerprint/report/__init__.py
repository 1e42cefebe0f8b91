"""Reports for people: a picture of a query beside a reference, and a page of many pairs to look at and decide on."""

from fingerprint.report.draft import Draft, References
from fingerprint.report.from_search import add_answer
from fingerprint.report.page import write_page
from fingerprint.report.picture import comparison_picture
from fingerprint.report.values import Page, PagePair, PagePicture
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
    "Draft",
    "Page",
    "PagePair",
    "PagePicture",
    "References",
    "add_answer",
    "comparison_picture",
    "probability_text",
    "variant_text",
    "write_page",
]
