"""Digests of a picture's bytes and pixels, by which the same picture is known again."""

from __future__ import annotations

import hashlib

import numpy as np

from fingerprint.types import U8, Picture

_PIXEL_DIGEST_BYTES = 16


def content_digest(data: bytes | U8) -> str:
    """Return the SHA-256 in hex of a file's bytes, or of an array's with its type and shape."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    form = f"{data.dtype.str} {data.shape} ".encode()
    return hashlib.sha256(form + np.ascontiguousarray(data).tobytes()).hexdigest()


def pixel_digest(picture: Picture) -> str:
    """Return the BLAKE2b of 16 bytes in hex of a picture's size and decoded pixels."""
    digest = hashlib.blake2b(digest_size=_PIXEL_DIGEST_BYTES)
    digest.update(f"{picture.width} {picture.height} {picture.pixels.shape} ".encode())
    digest.update(np.ascontiguousarray(picture.pixels).data)
    return digest.hexdigest()
