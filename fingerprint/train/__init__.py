"""Training: from photographs to the models that a collection needs. Deterministic for a seed."""

from fingerprint.config import TrainConfig
from fingerprint.train.known_pairs import read_known_pairs
from fingerprint.train.training import train_models

__all__ = ["TrainConfig", "read_known_pairs", "train_models"]
