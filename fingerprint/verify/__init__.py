"""Verification of a query with one reference: alignment, pixels, evidence, probability."""

from fingerprint.verify.compare import compare
from fingerprint.verify.verification import Agreement, find_agreement, surer, verify, verify_view

__all__ = ["Agreement", "compare", "find_agreement", "surer", "verify", "verify_view"]
