"""Image copy detection without a neural network: which picture was this one made from, how sure, and which part of it.

>>> import fingerprint, skimage.data
>>> cat = skimage.data.chelsea()
>>> fingerprint.compare(cat[:, ::-1], cat).probability > 0.99
True

Importing this package loads none of its parts; each name loads what it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fingerprint.version import __version__

if TYPE_CHECKING:
    from fingerprint.describe import compact_descriptor
    from fingerprint.describe import describe_reference as fingerprint_image
    from fingerprint.errors import FingerprintError, ImageError
    from fingerprint.pipeline import Collection, compare, create_collection, open_collection
    from fingerprint.types import Fingerprint, Match, Skipped, Verification

_HOMES = {
    "Collection": ("fingerprint.pipeline", "Collection"),
    "Fingerprint": ("fingerprint.types", "Fingerprint"),
    "FingerprintError": ("fingerprint.errors", "FingerprintError"),
    "ImageError": ("fingerprint.errors", "ImageError"),
    "Match": ("fingerprint.types", "Match"),
    "Skipped": ("fingerprint.types", "Skipped"),
    "Verification": ("fingerprint.types", "Verification"),
    "compact_descriptor": ("fingerprint.describe", "compact_descriptor"),
    "compare": ("fingerprint.pipeline", "compare"),
    "create_collection": ("fingerprint.pipeline", "create_collection"),
    "fingerprint_image": ("fingerprint.describe", "describe_reference"),
    "open_collection": ("fingerprint.pipeline", "open_collection"),
}

__all__ = [
    "Collection",
    "Fingerprint",
    "FingerprintError",
    "ImageError",
    "Match",
    "Skipped",
    "Verification",
    "__version__",
    "compact_descriptor",
    "compare",
    "create_collection",
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
