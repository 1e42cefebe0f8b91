"""The collection on disk: catalogue, segments, Annoy's trees, and candidates for a query."""

from fingerprint.index.catalogue import ImageRecord
from fingerprint.index.check import check_store
from fingerprint.index.store import Store, StoreInfo

__all__ = ["ImageRecord", "Store", "StoreInfo", "check_store"]
