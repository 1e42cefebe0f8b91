"""Training: from photographs to the models that a collection needs. Deterministic for a seed."""

from fingerprint.config import TrainConfig
from fingerprint.train.training import train_models

__all__ = ["TrainConfig", "train_models"]
