"""Digests of a picture's bytes and pixels, by which the same picture is known again."""

from __future__ import annotations

import hashlib
import os

import numpy as np
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.images.files import load_regular
from fingerprint.images.frame_paths import frame_id, split_frame
from fingerprint.images.given import Held, held, image_digest
from fingerprint.types import U8, ImageSource, Picture

_PIXEL_DIGEST_BYTES = 16


def content_digest(data: bytes | U8 | Image.Image) -> str:
    """Return the SHA-256 in hex of a file's bytes, or of pixels with their type and shape."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    if isinstance(data, Image.Image):
        own = image_digest(data)
        if own is not None:
            return own
        data = np.asarray(data)
    form = f"{data.dtype.str} {data.shape} ".encode()
    return hashlib.sha256(form + np.ascontiguousarray(data).tobytes()).hexdigest()


def load_identified(source: ImageSource, limits: ReadLimits) -> tuple[Held, str, int | None]:
    """Return a picture to decode, the digest of its content, and its size in bytes (None for pixels).

    The bytes of a file are read once. One that is larger than 64 MiB is not held in memory: its path is returned.

    Raises
    ------
    ImageError
        If there is no file, it cannot be read, or it is larger than the limits allow.
    """
    given = held(source, limits)
    if isinstance(given, str | os.PathLike):
        path, frame = split_frame(given)
        if frame:  # it is decoded from its path, which says which frame it is
            _, whole, n_bytes = load_identified(path, limits)
            return given, content_digest(frame_id(whole, frame).encode()), n_bytes
    data = given if isinstance(given, bytes | np.ndarray | Image.Image) else load_regular(given, limits)
    if isinstance(data, np.ndarray | Image.Image):
        return data, content_digest(data), None
    if isinstance(data, bytes):
        return data, content_digest(data), len(data)
    with data as file:
        n_bytes = os.fstat(file.fileno()).st_size
        return given, hashlib.file_digest(file, "sha256").hexdigest(), n_bytes


def pixel_digest(picture: Picture) -> str:
    """Return the BLAKE2b of 16 bytes in hex of a picture's size and decoded pixels."""
    digest = hashlib.blake2b(digest_size=_PIXEL_DIGEST_BYTES)
    digest.update(f"{picture.width} {picture.height} {picture.pixels.shape} ".encode())
    digest.update(np.ascontiguousarray(picture.pixels).data)
    return digest.hexdigest()
