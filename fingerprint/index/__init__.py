"""The collection on disk: its reader, its writer, and the candidates of a query."""

from fingerprint.index.check import check_store, ids_of_two_shards
from fingerprint.index.info import Neighbour, StoreInfo, VectorsInfo
from fingerprint.index.joining import make_sharded
from fingerprint.index.manifests import FORMAT_VERSION
from fingerprint.index.reader import Reader
from fingerprint.index.records import ImageRecord
from fingerprint.index.sharded import open_writer
from fingerprint.index.shards import shard_folders
from fingerprint.index.shortlist import shortlist
from fingerprint.index.upgrade import upgrade_store
from fingerprint.index.writer import Writer

__all__ = [
    "FORMAT_VERSION",
    "ImageRecord",
    "Neighbour",
    "Reader",
    "StoreInfo",
    "VectorsInfo",
    "Writer",
    "check_store",
    "ids_of_two_shards",
    "make_sharded",
    "open_writer",
    "shard_folders",
    "shortlist",
    "upgrade_store",
]
