"""The collection on disk: catalogue, segments, Annoy's trees, and candidates for a query."""

from fingerprint.index.check import check_store
from fingerprint.index.layout import FORMAT_VERSION
from fingerprint.index.reader import Neighbour, StoreInfo, VectorsInfo
from fingerprint.index.records import ImageRecord
from fingerprint.index.store import Store
from fingerprint.index.upgrade import upgrade_store

__all__ = [
    "FORMAT_VERSION",
    "ImageRecord",
    "Neighbour",
    "Store",
    "StoreInfo",
    "VectorsInfo",
    "check_store",
    "upgrade_store",
]
