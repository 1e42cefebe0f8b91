"""Which format a file has, by its first bytes, and what reads it.

HEIC, JPEG XL and camera RAW are read by packages of their own, which come with the extras of copyprint. They are looked
for when a file needs one, and loaded where that file is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)

from fingerprint.errors import ImageError
from fingerprint.images.depth import DeepTiff
from fingerprint.images.heif import HeifImage, is_heic
from fingerprint.images.jxl import JxlImage, is_jxl
from fingerprint.images.raw import RawImage, is_raw


@dataclass(frozen=True, slots=True)
class ExtraFormat:
    """A format that is read if a package is installed.

    Attributes
    ----------
    module, package, extra : str
        The package's module and name, and the extra of copyprint that brings it.
    """

    module: str
    package: str
    extra: str

    @property
    def installed(self) -> bool:
        """Whether the package is there; it is not loaded."""
        return find_spec(self.module) is not None

    @property
    def advice(self) -> str:
        """What to do to have it."""
        return f"pip install 'copyprint[{self.extra}]'"


#: By the name of the format in messages.
EXTRA_FORMATS: Mapping[str, ExtraFormat] = {
    "HEIC": ExtraFormat("pillow_heif", "pillow-heif", "heif"),
    "JPEG XL": ExtraFormat("imagecodecs", "imagecodecs", "jxl"),
    "camera RAW": ExtraFormat("rawpy", "rawpy", "raw"),
}

#: What opens a file of each format, by its name.
READERS: Mapping[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # reads the first picture of an MPO
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "HEIC": HeifImage,
    "JPEG XL": JxlImage,
    "camera RAW": RawImage,
    "TIFF": DeepTiff,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
}

_LONGEST_MARK = 64  # leading bytes that identify a format


def format_of(file: IO[bytes], name: str) -> str:
    """Return the name of a file's format; leave the file at its start.

    Parameters
    ----------
    file : binary stream
        Of which a few bytes are read.
    name : str
        Its name in messages.

    Raises
    ------
    ImageError
        If the format is not known, or the package that reads it is not installed.
    """
    start = file.read(_LONGEST_MARK)
    if not start:
        raise ImageError(name, "empty file")
    try:
        for form in READERS:
            if _is(form, start, file, name):
                extra = EXTRA_FORMATS.get(form)
                if extra is not None and not extra.installed:
                    raise ImageError(name, f"{form} needs {extra.package}: {extra.advice}")
                return form
    finally:
        file.seek(0)
    raise ImageError(name, f"not an image of a known format ({', '.join(READERS)})")


def _is(form: str, start: bytes, file: IO[bytes], name: str) -> bool:
    if form == "HEIC":
        return is_heic(start)
    if form == "JPEG XL":
        return is_jxl(start)
    if form == "camera RAW":
        return is_raw(start, file)
    accept = Image.OPEN[form][1]
    verdict = accept is None or accept(start)
    if isinstance(verdict, str):
        raise ImageError(name, f"{form} files cannot be read by this build of Pillow")
    return verdict
