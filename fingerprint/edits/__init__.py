"""Edited copies: pictures changed the way people change them, with the true map from the original to the copy.

They train the models, and replace real copies in the demo and the tests. All randomness comes from the
`numpy.random.Generator` that is passed in, so the same seed gives the same bytes.

`apply_edits` runs a named chain, `random_chain` draws one; `EDITS` holds all edits by name, and `WIDE_EDITS` those of
phones, printers, scissors and filter apps; on `HELD_OUT_EDITS` nothing is trained. An edit is a function of an
`Edited`, a generator and an `EditContext`, and returns a new `Edited`.
"""

from __future__ import annotations

from fingerprint.edits.canvas import MAX_SIDE, MIN_SIDE, EditContext, Edited
from fingerprint.edits.chain import (
    COUNT_WEIGHTS,
    EDIT_WEIGHTS,
    EDITS,
    HELD_OUT_EDITS,
    TRAINED_WIDE_EDITS,
    WIDE_EDITS,
    EditFunction,
    apply_edits,
    random_chain,
)

__all__ = [
    "COUNT_WEIGHTS",
    "EDITS",
    "EDIT_WEIGHTS",
    "HELD_OUT_EDITS",
    "MAX_SIDE",
    "MIN_SIDE",
    "TRAINED_WIDE_EDITS",
    "WIDE_EDITS",
    "EditContext",
    "EditFunction",
    "Edited",
    "apply_edits",
    "random_chain",
]
