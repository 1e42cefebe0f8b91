"""The challenge's files for both tracks, and its metrics, for the scores of any system."""

from fingerprint.challenge.descriptors import MAX_DIMENSIONS, DescriptorSet, read_descriptors, write_descriptors
from fingerprint.challenge.ground_truth import GroundTruth, read_ground_truth
from fingerprint.challenge.matches import MAX_ROWS, Matches, read_matches, write_matches
from fingerprint.challenge.metrics import Metrics, evaluate_descriptors, evaluate_matches

__all__ = [
    "MAX_DIMENSIONS",
    "MAX_ROWS",
    "DescriptorSet",
    "GroundTruth",
    "Matches",
    "Metrics",
    "evaluate_descriptors",
    "evaluate_matches",
    "read_descriptors",
    "read_ground_truth",
    "read_matches",
    "write_descriptors",
    "write_matches",
]
