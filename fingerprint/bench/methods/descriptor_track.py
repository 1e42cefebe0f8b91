"""Our compact descriptor of the Descriptor Track."""

from __future__ import annotations

from pathlib import Path

from fingerprint.bench.base import DescribingMethod, Learned, Role
from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.features.describe import compact_descriptor
from fingerprint.models import Models
from fingerprint.types import F32


class DescriptorTrack(DescribingMethod):
    """The compact descriptor of this package: of a query with its insets, background-normalised by itself."""

    title = "copyprint, Descriptor Track (256-d)"

    def __init__(self, models: Models, config: Config = DEFAULT_CONFIG) -> None:
        self._models, self._config = models, config

    @property
    def identity(self) -> str:
        """The id of the models."""
        return self._models.model_id

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        """Return the compact descriptor; see `DescribingMethod`."""
        del learned
        return compact_descriptor(picture, self._models, self._config, as_query=role == "query")
