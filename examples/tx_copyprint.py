"""An extension of ThreatExchange: PDQ searched by copyprint's index, and a photo signal that finds crops.

$ threatexchange config extensions add tx_copyprint      # with this file on the PYTHONPATH
$ threatexchange match photo suspicious.jpg

A signal of `copyprint_photo` is a picture's keypoints, compact descriptor and thumbnail as one text, much longer than a
hash. It tells more of the picture than a hash does, the thumbnail at least: share it with that in mind.
"""

from __future__ import annotations

import base64
import io
import typing as t
import zlib

import numpy as np
from threatexchange.content_type.content_base import ContentType
from threatexchange.content_type.photo import PhotoContent
from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest
from threatexchange.signal_type.index import IndexMatchUntyped, SignalSimilarityInfoWithSingleDistance, SignalTypeIndex
from threatexchange.signal_type.pdq.signal import PdqSignal
from threatexchange.signal_type.signal_base import BytesHasher, SignalComparisonResult, SimpleSignalType

from fingerprint import Fingerprint, ImageError, fingerprint_image
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.features.describe import query_from_fingerprint
from fingerprint.hamming import HammingIndex
from fingerprint.hashes import MIN_QUALITY, int_to_words, perceptual_hash
from fingerprint.models import load_models
from fingerprint.types import Keypoints
from fingerprint.verify import verify

T = t.TypeVar("T")
_MOST_BITS = 31  # that two PDQ hashes may differ by
_LEAST_PROBABILITY = 0.5
_VERIFIED = 20  # entries that a query is compared with closely


class HammingPdqIndex(SignalTypeIndex[T]):
    """All entries within 31 bits of a hash, found exactly."""

    def __init__(self, entries: t.Iterable[tuple[str, T]] = ()) -> None:
        self._entries: list[tuple[str, T]] = []
        self._index = HammingIndex(256)
        self.add_all(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getstate__(self) -> list[tuple[str, T]]:
        return self._entries

    def __setstate__(self, entries: list[tuple[str, T]]) -> None:
        self.__init__(entries)  # type: ignore[misc]

    def add(self, signal_str: str, entry: T) -> None:
        """Add one entry."""
        self.add_all([(signal_str, entry)])

    def add_all(self, entries: t.Iterable[tuple[str, T]]) -> None:
        """Add entries."""
        new = list(entries)
        if new:
            self._index.add(np.stack([int_to_words(int(text, 16), 4) for text, _ in new]))
            self._entries += new

    def query(self, query: str) -> list[t.Any]:
        """Return the matches of a hash, nearest first."""
        found = self._index.within(int_to_words(int(query, 16), 4)[np.newaxis], _MOST_BITS)
        pairs = sorted(zip(found.distances.tolist(), found.rows.tolist(), strict=True))
        return [
            IndexMatchUntyped(SignalSimilarityInfoWithSingleDistance(distance), self._entries[row][1])
            for distance, row in pairs
        ]


class CopyprintPdqSignal(PdqSignal):
    """PDQ as ThreatExchange has it, with our hasher, which reads more formats, and our index."""

    @classmethod
    def get_name(cls) -> str:
        """Return the name of the signal."""
        return "copyprint_pdq"

    @classmethod
    def get_index_cls(cls) -> type[HammingPdqIndex[t.Any]]:
        """Return the index."""
        return HammingPdqIndex

    @classmethod
    def hash_from_bytes(cls, bytes_: bytes) -> str:
        """Return the hash of a picture; nothing if it is not worth comparing, or no picture."""
        try:
            found = perceptual_hash(bytes_, "pdq", exact=True)
        except ImageError:
            return ""
        return found.hex if found.quality >= MIN_QUALITY else ""


def packed(found: Fingerprint) -> str:
    """Return a fingerprint as a text."""
    out = io.BytesIO()
    keypoints = found.keypoints
    np.savez(
        out,
        size=np.array([found.width, found.height]),
        hashes=found.hashes,
        descriptors=keypoints.descriptors,
        signatures=keypoints.signatures,
        frame=keypoints.frame,
        descriptor=found.descriptor,
        thumbnail=found.thumbnail,
        colours=found.colours,
        model=np.array(found.model_id),
    )
    return base64.b64encode(zlib.compress(out.getvalue())).decode("ascii")


def unpacked(text: str) -> Fingerprint:
    """Return the fingerprint that a text holds."""
    with np.load(io.BytesIO(zlib.decompress(base64.b64decode(text))), allow_pickle=False) as known:
        width, height = known["size"].tolist()
        keypoints = Keypoints(known["descriptors"], known["signatures"], known["frame"], width, height)
        looks = known["descriptor"], known["thumbnail"], known["colours"]
        return Fingerprint(known["hashes"], keypoints, *looks, str(known["model"]))


def probability(signal: str | Fingerprint, query: str | Fingerprint) -> float:
    """Return how probable it is that the picture of a query was made from that of a signal."""
    reference = unpacked(signal) if isinstance(signal, str) else signal
    asked = unpacked(query) if isinstance(query, str) else query
    models = load_models()
    described = query_from_fingerprint("query", asked, models, DEFAULT_CONFIG)
    return verify(described, reference, models, DEFAULT_CONFIG.match).probability


class CopyprintPhotoIndex(SignalTypeIndex[T]):
    """Entries whose compact descriptors are nearest, compared closely."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, T]] = []
        self._known: list[Fingerprint] = []

    def __getstate__(self) -> list[tuple[str, T]]:
        return self._entries

    def __setstate__(self, entries: list[tuple[str, T]]) -> None:
        self.__init__()  # type: ignore[misc]
        self.add_all(entries)

    def add(self, signal_str: str, entry: T) -> None:
        """Add one entry."""
        self._entries.append((signal_str, entry))
        self._known.append(unpacked(signal_str))

    def query(self, query: str) -> list[t.Any]:
        """Return the entries that the picture was probably made from, the surest first; distance is 1 - probability."""
        if not self._known:
            return []
        asked = unpacked(query)
        squared = ((np.stack([known.descriptor for known in self._known]) - asked.descriptor) ** 2).sum(axis=1)
        nearest = np.argsort(squared, kind="stable")[:_VERIFIED].tolist()
        verified = [(1 - probability(self._known[row], asked), row) for row in nearest]
        return [
            IndexMatchUntyped(SignalSimilarityInfoWithSingleDistance(distance), self._entries[row][1])
            for distance, row in sorted(verified)
            if distance <= 1 - _LEAST_PROBABILITY
        ]


class CopyprintPhotoSignal(SimpleSignalType, BytesHasher):
    """A picture as copyprint describes it, by which crops, mirrored and turned copies are found."""

    @classmethod
    def get_name(cls) -> str:
        """Return the name of the signal."""
        return "copyprint_photo"

    @classmethod
    def get_content_types(cls) -> list[type[ContentType]]:
        """Return photographs."""
        return [PhotoContent]

    @classmethod
    def get_index_cls(cls) -> type[CopyprintPhotoIndex[t.Any]]:
        """Return the index."""
        return CopyprintPhotoIndex

    @classmethod
    def hash_from_bytes(cls, bytes_: bytes) -> str:
        """Return the signal of a picture; nothing if it is no picture."""
        try:
            return packed(fingerprint_image(bytes_))
        except ImageError:
            return ""

    @classmethod
    def compare_hash(cls, hash1: str, hash2: str) -> SignalComparisonResult:
        """Return whether the picture of `hash2` was probably made from that of `hash1`."""
        return SignalComparisonResult.from_simple_dist(1 - probability(hash1, hash2), 1 - _LEAST_PROBABILITY)

    @classmethod
    def validate_signal_str(cls, signal_str: str) -> str:
        """Return a signal, if it is one."""
        try:
            unpacked(signal_str)
        except Exception as error:  # whatever is wrong with it
            raise ValueError("no signal of copyprint") from error
        return signal_str

    @staticmethod
    def get_examples() -> list[str]:
        """Return no examples: they would be long."""
        return []


TX_MANIFEST = ThreatExchangeExtensionManifest(signal_types=(CopyprintPdqSignal, CopyprintPhotoSignal))
