"""What a collection tells of itself, and the neighbours that it names."""

from __future__ import annotations

from dataclasses import dataclass

from fingerprint.config import DescriptorIndex
from fingerprint.htmltables import facts_table
from fingerprint.types import Skipped


@dataclass(frozen=True, slots=True)
class VectorsInfo:
    """Imported vectors of a model other than the collection's own."""

    model_id: str
    vectors: int
    dimension: int
    segments: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a collection holds.

    Attributes
    ----------
    path : str
    model_id : str
    references : int
        Pictures that can be found.
    removed : int
        Pictures that were removed and still take space.
    segments, keypoints, bytes : int
    keep_local_descriptors : bool
        Whether its pictures can be queries without their files.
    descriptor_index : {"auto", "annoy", "exact"}
        As in `fingerprint.config.CandidateConfig`.
    segments_by_codes, segments_by_annoy : int
        Segments of pictures whose descriptors single queries search by codes, and by Annoy's trees.
    skipped : tuple of Skipped
        Files that could not be added.
    imported : tuple of VectorsInfo
        By model.
    shards : int
        How many collections it is made of; 0 for a single one.
    """

    path: str
    model_id: str
    references: int
    removed: int
    segments: int
    keypoints: int
    bytes: int
    keep_local_descriptors: bool
    descriptor_index: DescriptorIndex
    segments_by_codes: int
    segments_by_annoy: int
    skipped: tuple[Skipped, ...]
    imported: tuple[VectorsInfo, ...]
    shards: int = 0

    def __repr__(self) -> str:
        """Return the counts, without the names of skipped files."""
        sizes = f"{self.references} references, {self.removed} removed, {self.segments} segments, {self.bytes} bytes"
        more = f"skipped: {len(self.skipped)}, imported: {[item.model_id for item in self.imported]}"
        return f"StoreInfo({self.path!r}: {sizes}, model {self.model_id!r}, {more})"

    def _repr_html_(self) -> str:
        """Return the counts as a table, for notebooks."""
        facts = {
            "references": f"{self.references:,}",
            "removed": f"{self.removed:,}",
            **({"shards": self.shards} if self.shards else {}),
            "segments": self.segments,
            "keypoints": f"{self.keypoints:,}",
            "size": f"{self.bytes / 1e6:,.1f} MB",
            "model": self.model_id,
            "skipped files": f"{len(self.skipped):,}",
            **{f"vectors of {item.model_id}": f"{item.vectors:,}" for item in self.imported},
        }
        return facts_table(self.path, facts)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A reference whose vector is near that of a query, with their Euclidean distance."""

    reference_id: str
    distance: float
