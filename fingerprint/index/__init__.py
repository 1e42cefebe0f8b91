"""The collection on disk: catalogue, segments, Annoy's trees, and candidates for a query."""

from fingerprint.index.check import check_store
from fingerprint.index.reader import Neighbour, StoreInfo, VectorsInfo
from fingerprint.index.records import ImageRecord
from fingerprint.index.store import Store

__all__ = ["ImageRecord", "Neighbour", "Store", "StoreInfo", "VectorsInfo", "check_store"]
