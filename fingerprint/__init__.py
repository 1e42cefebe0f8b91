"""Image copy detection without a neural network: which picture an image was made from, and which part of it is seen.

>>> import fingerprint, skimage.data
>>> cat = skimage.data.chelsea()
>>> fingerprint.compare(cat[:, ::-1], cat).probability > 0.99
True

Importing this package loads none of its modules; each name loads its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fingerprint.version import __version__

if TYPE_CHECKING:
    from fingerprint.collection.collection import Collection, create_collection, open_collection
    from fingerprint.collection.vectors import ImportReport
    from fingerprint.config import Config
    from fingerprint.errors import FingerprintError, ImageError
    from fingerprint.features.describe import compact_descriptor
    from fingerprint.features.describe import describe_reference as fingerprint_image
    from fingerprint.index.info import Neighbour, StoreInfo
    from fingerprint.results import AddReport, Answer, Match, Verification
    from fingerprint.types import Fingerprint, Skipped
    from fingerprint.verify.compare import compare
    from fingerprint.verify.explain import Explanation, explain

_HOMES = {
    "AddReport": ("fingerprint.results", "AddReport"),
    "Answer": ("fingerprint.results", "Answer"),
    "Collection": ("fingerprint.collection.collection", "Collection"),
    "Config": ("fingerprint.config", "Config"),
    "Explanation": ("fingerprint.verify.explain", "Explanation"),
    "Fingerprint": ("fingerprint.types", "Fingerprint"),
    "FingerprintError": ("fingerprint.errors", "FingerprintError"),
    "ImageError": ("fingerprint.errors", "ImageError"),
    "ImportReport": ("fingerprint.collection.vectors", "ImportReport"),
    "Match": ("fingerprint.results", "Match"),
    "Neighbour": ("fingerprint.index.info", "Neighbour"),
    "Skipped": ("fingerprint.types", "Skipped"),
    "StoreInfo": ("fingerprint.index.info", "StoreInfo"),
    "Verification": ("fingerprint.results", "Verification"),
    "compact_descriptor": ("fingerprint.features.describe", "compact_descriptor"),
    "compare": ("fingerprint.verify.compare", "compare"),
    "create_collection": ("fingerprint.collection.collection", "create_collection"),
    "explain": ("fingerprint.verify.explain", "explain"),
    "fingerprint_image": ("fingerprint.features.describe", "describe_reference"),
    "open_collection": ("fingerprint.collection.collection", "open_collection"),
}

__all__ = [
    "AddReport",
    "Answer",
    "Collection",
    "Config",
    "Explanation",
    "Fingerprint",
    "FingerprintError",
    "ImageError",
    "ImportReport",
    "Match",
    "Neighbour",
    "Skipped",
    "StoreInfo",
    "Verification",
    "__version__",
    "compact_descriptor",
    "compare",
    "create_collection",
    "explain",
    "fingerprint_image",
    "open_collection",
]


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
