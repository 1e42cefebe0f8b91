"""What pictures and vectors must be so that a collection, or the shards of one, can take them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fingerprint.errors import CollectionError, ModelMismatchError
from fingerprint.index.records import ImageRecord
from fingerprint.index.snapshot import Snapshot
from fingerprint.types import F32, Fingerprint


def check_fingerprints(
    folder: Path, model_id: str, fingerprints: Sequence[Fingerprint], records: Sequence[ImageRecord]
) -> None:
    """Check that a collection can take fingerprints: they are of its model, and whole.

    Raises
    ------
    ModelMismatchError
    CollectionError
        If one has no local descriptors.
    """
    for fingerprint, record in zip(fingerprints, records, strict=True):
        if fingerprint.model_id != model_id:
            raise ModelMismatchError(
                f"{record.image_id}: described by model {fingerprint.model_id}, the collection {folder} "
                f"is of {model_id}; describe it with the collection's model"
            )
        if len(fingerprint.keypoints.descriptors) != len(fingerprint.keypoints):
            raise CollectionError(
                f"{record.image_id}: its fingerprint has no local descriptors, which its words are made from; "
                "describe the picture again"
            )


def check_ids(folder: Path, records: Sequence[ImageRecord]) -> None:
    """Check that each picture has an id of its own.

    Raises
    ------
    CollectionError
    """
    if len({record.image_id for record in records}) < len(records):
        raise CollectionError(f"{folder}: the same id was given to two pictures; give each picture an id of its own")


def check_other_model(folder: Path, own_model: str, model_id: str) -> None:
    """Check that vectors are not of a collection's own model.

    Raises
    ------
    ModelMismatchError
    """
    if model_id == own_model:
        raise ModelMismatchError(
            f"{folder}: {model_id} is its own model, whose vectors come with keypoints and hashes; "
            "add the images instead"
        )


def check_dimensions(folder: Path, model_id: str, stored: Snapshot, vectors: F32) -> None:
    """Check that vectors, a float32 array of shape (n, d), have as many dimensions as those that are stored.

    Raises
    ------
    ModelMismatchError
    """
    if not (stored.segments and len(vectors)):
        return
    known = stored.segments[0].descriptors.shape[1]
    if known != vectors.shape[1]:
        raise ModelMismatchError(
            f"{folder}: its vectors of {model_id} have {known} dimensions, the new ones {vectors.shape[1]}; "
            "import them under another model id"
        )
