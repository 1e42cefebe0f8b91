"""The ids of a segment's pictures, mapped from disk: the id of a row and the row of an id, without reading them all.

``ids.npy`` uint8 (b,) all ids in UTF-8, one after the other · ``id_offsets.npy`` int64 (n + 1,) where each id begins ·
``id_order.npy`` uint32 (n,) the rows, sorted by id. Ids sort the same as bytes and as texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fingerprint.types import I64, U8, U32


@dataclass(frozen=True, slots=True)
class SegmentIds(Sequence[str]):
    """Ids of a segment.

    Attributes
    ----------
    text : uint8 array, shape (b,)
    offsets : int64 array, shape (n + 1,)
    order : uint32 array, shape (n,)
    """

    text: U8
    offsets: I64
    order: U32

    @classmethod
    def of(cls, ids: Sequence[str]) -> SegmentIds:
        """Encode ids and sort them."""
        encoded = [image_id.encode() for image_id in ids]
        return cls.of_encoded(
            np.frombuffer(b"".join(encoded), np.uint8), np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        )

    @classmethod
    def of_encoded(cls, text: U8, offsets: I64) -> SegmentIds:
        """Sort ids that are already encoded."""
        data, bounds = text.tobytes(), offsets.tolist()
        names = [data[start:stop] for start, stop in pairwise(bounds)]
        order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.uint32)
        return cls(text, offsets, order)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, row: int) -> str:  # type: ignore[override] # no slices
        return self._encoded(row).decode("utf-8", "replace")  # damage is reported by the check, not here

    def __iter__(self) -> Iterator[str]:
        data, bounds = self.text.tobytes(), self.offsets.tolist()
        for start, stop in pairwise(bounds):
            yield data[start:stop].decode("utf-8", "replace")

    def row(self, image_id: str) -> int | None:
        """Return the row of an id, or None if it is not in the segment."""
        try:
            wanted = image_id.encode()
        except UnicodeEncodeError:  # a file name with bytes that are not UTF-8 cannot be an id
            return None
        low, high = 0, len(self.order)
        while low < high:
            middle = (low + high) // 2
            if self._encoded(int(self.order[middle])) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == len(self.order):
            return None
        row = int(self.order[low])
        return row if self._encoded(row) == wanted else None

    def _encoded(self, row: int) -> bytes:
        return self.text[self.offsets[row] : self.offsets[row + 1]].tobytes()
