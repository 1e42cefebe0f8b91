"""Our search of the Matching Track: candidates by words, descriptors and hashes, and verification."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fingerprint.bench.base import CANDIDATES, Learned, Matcher, MatchingMethod
from fingerprint.bench.clock import processor_seconds
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import config_for
from fingerprint.errors import ImageError
from fingerprint.files import atomic
from fingerprint.index.own_files import is_collection
from fingerprint.models import Models
from fingerprint.types import Skipped

_AT_ONCE = 512


class MatchingTrack(MatchingMethod):
    """The search of this package with one profile; the score is the log-odds of a copy.

    A background is part of its evidence already, so there is no other normalised row.
    """

    normalised = False

    def __init__(self, models: Models, profile: str) -> None:
        self._models, self._config = models, config_for(profile)
        self.title = f"copyprint, Matching Track, {profile}"

    @property
    def identity(self) -> str:
        """The ids of the models."""
        return f"{self._models.model_id} {self._models.calibration_id}"

    def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
        """Add the references to a collection; see `MatchingMethod`."""
        del learned
        self._compile(references)
        folder, costs = work / "collection", work / "seconds.json"
        make = open_collection if is_collection(folder) else create_collection
        seconds = json.loads(costs.read_text(encoding="utf-8")) if costs.exists() else 0.0
        collection = make(folder, models=self._models, config=self._config)
        names = set(collection.ids)
        missing = [(str(row), path) for row, path in enumerate(references) if str(row) not in names]
        skipped: list[Skipped] = []
        for start in range(0, len(missing), _AT_ONCE):
            before = processor_seconds()
            skipped += collection.add_images(missing[start : start + _AT_ONCE], n_workers=n_workers).skipped
            seconds += processor_seconds() - before
            atomic.replace_bytes(costs, json.dumps(seconds).encode())
        matcher = _Searching(collection)
        matcher.seconds, matcher.skipped = seconds, skipped
        return matcher

    def _compile(self, references: Sequence[Path]) -> None:
        """Search among two pictures: what is compiled on the way is not a cost of describing."""
        with (
            tempfile.TemporaryDirectory(prefix="fingerprint-") as folder,
            create_collection(Path(folder) / "few", models=self._models, config=self._config) as few,
        ):
            few.add_images([(str(row), path) for row, path in enumerate(references[:2])], n_workers=1)
            for path in references[1:2]:
                with suppress(ImageError):  # it will be skipped, and named, when all are added
                    few.search(path)


class _Searching(Matcher):
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @property
    def n_bytes(self) -> int:
        return self._collection.info().bytes

    def match(self, query: Path) -> Sequence[tuple[int, float]]:
        found = self._collection.search(query, n_results=CANDIDATES)
        return [(int(match.reference_id), match.score) for match in found]

    def close(self) -> None:
        self._collection.close()
