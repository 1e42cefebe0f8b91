"""Collections: adding references, searching for queries, importing and exporting vectors, repairing damage."""

from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.collection.repair import RepairReport, repair_collection
from fingerprint.collection.vectors import ImportReport, model_of

__all__ = [
    "Collection",
    "ImportReport",
    "RepairReport",
    "create_collection",
    "model_of",
    "open_collection",
    "repair_collection",
]
