"""What a caller may give as a picture, brought to a few kinds."""

from __future__ import annotations

import hashlib
import inspect
import os
from typing import TypeAlias

import numpy as np
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.files import remote_of
from fingerprint.images.frame_paths import split_frame
from fingerprint.images.limits import check_bytes, check_size
from fingerprint.images.orientation import orientation_of
from fingerprint.images.remote import read_remote
from fingerprint.types import U8, source_name

#: A picture that can be read more than once.
Held: TypeAlias = str | os.PathLike[str] | bytes | U8 | Image.Image

_AS_ARRAYS = ("L", "RGB", "RGBA")  # modes of Pillow that an array says all of


def held(source: object, limits: ReadLimits) -> Held:
    """Return a picture as it was given, or in another form that can be read more than once.

    A binary file is read from where it stands to its end. What a URL names is read. A Pillow image is loaded.

    Parameters
    ----------
    source : object
        A path or a URL; the bytes of an image file, as bytes, bytearray or memoryview; a binary file; pixels; a Pillow
        image.
    limits : ReadLimits

    Raises
    ------
    ImageError
        If it is none of these, or cannot be loaded.
    """
    if isinstance(source, str | os.PathLike):
        return _at(source, limits)
    if isinstance(source, bytes | np.ndarray):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, Image.Image):
        return _loaded(source, limits)
    if callable(getattr(source, "read", None)):
        return _read(source, limits)
    kind = type(source).__name__
    raise ImageError(
        f"<{kind}>",
        f"an object of the type {kind} is no picture here; give a path, the bytes of an image file, a file that is open"
        " in binary mode, a Pillow image, or a uint8 array of pixels",
    )


def _at(path: str | os.PathLike[str], limits: ReadLimits) -> Held:
    """Return what a URL names, which is read only once; the path of a file of this machine, or of a frame."""
    remote = remote_of(path)
    return path if remote is None or split_frame(remote)[1] else read_remote(remote, limits)


def _read(file: object, limits: ReadLimits) -> bytes:
    name = source_name(file)
    try:
        data = file.read(limits.max_bytes + 1)  # type: ignore[attr-defined] # its caller has looked
    except (OSError, ValueError) as error:  # such as a file that is closed
        raise ImageError(name, f"this file cannot be read: {error}") from error
    if inspect.iscoroutine(data):
        data.close()
        raise ImageError(name, "this file is read with 'await'; give what that returns, or its attribute 'file'")
    if not isinstance(data, bytes):
        raise ImageError(name, "this file is open as text; open it in binary mode, open(path, 'rb')")
    if not data:
        raise ImageError(name, "empty file, or one that was read to its end before: use seek(0)")
    check_bytes(len(data), name, limits)
    return data


def _loaded(image: Image.Image, limits: ReadLimits) -> Image.Image:
    name = source_name(image)
    check_size(*image.size, name, limits)
    try:
        image.load()
    except Exception as error:  # a damaged file can make a decoder raise any exception
        raise ImageError(name, f"this Pillow image cannot be loaded: {error}") from error
    return image


def image_digest(image: Image.Image) -> str | None:
    """Return the SHA-256 in hex of a loaded Pillow image with all that says how it looks.

    None if an array of its pixels says the same: it then has the array's digest.
    """
    orientation = orientation_of(image.getexif)
    transparent = image.info.get("transparency")
    if image.mode in _AS_ARRAYS and orientation == 1 and transparent is None:
        return None
    digest = hashlib.sha256(f"{image.mode} {image.size} {orientation} {transparent!r} ".encode())
    if image.palette is not None:
        digest.update(f"{image.palette.mode} ".encode() + bytes(image.palette.palette))
    digest.update(image.tobytes())
    return digest.hexdigest()
