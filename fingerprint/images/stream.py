"""Decoding one file in this process, by the rules in `fingerprint.images.decode`."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import IO, Literal, TypeAlias

import numpy as np
from PIL import AvifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.convert import Mode, pixels_of
from fingerprint.images.damage import DamagedImageError, check_png, check_tiff, without_harmful_extras
from fingerprint.images.depth import DeepTiff, UnsupportedImageError, as_reference_tools, is_plain, layout_of, to_8_bits
from fingerprint.images.extra_image import ExtraImage
from fingerprint.images.formats import READERS
from fingerprint.images.heif_damage import check_zeros
from fingerprint.images.jpeg_damage import DamagedJpegError, check_jpeg, complete_jpeg
from fingerprint.images.limits import check_size, divisor_of, reduced
from fingerprint.images.orientation import orientation_of, swaps_sides, upright
from fingerprint.images.raw import preview_of
from fingerprint.images.tiff_samples import classic, is_unknown_to_pillow
from fingerprint.images.webp_damage import WebpFrames
from fingerprint.types import U8, Picture

#: By the rules of `fingerprint.images.decode`, as ``PIL.Image.open(...).convert(...)``, or as PDQ's tools.
Reading: TypeAlias = Literal["seen", "pillow", "pdq"]


@dataclass(frozen=True, slots=True)
class Request:
    """How a picture is to be read.

    Attributes
    ----------
    mode : str
        ``L``, ``RGB`` or ``YCbCr``.
    at_least : int or None
        As in `read_grey`.
    reading : str
        ``seen`` by the rules of this module, ``pillow`` as `read_as_pillow` does, ``pdq`` as `read_for_pdq` does.
    limits : ReadLimits
    frame : int
        Which frame of an animation, or page.
    count : bool
        Whether the frames are to be counted, which takes a walk through the file.
    """

    mode: Mode
    at_least: int | None
    reading: Reading
    limits: ReadLimits
    frame: int = 0
    count: bool = False


def decode_stream(
    file: IO[bytes],
    name: str,
    form: str,
    request: Request,
    admit: Callable[[Image.Image], None] | None = None,
) -> Picture:
    """Decode a picture with Pillow in this process, if all pixels are there.

    Parameters
    ----------
    file : binary stream
    name : str
        Its name in messages.
    form : str
        Its format, a key of the readers.
    request : Request
    admit : callable, optional
        Called with the opened image before it is decoded. It raises an `ImageError` if the image is too large. By
        default the size is checked against the request's limits.

    Raises
    ------
    ImageError
    """
    return OpenFile(file, form).read(name, request, admit)


class OpenFile:
    """A file of which several frames are read: each goes on from the one before it, with the same result.

    Parameters
    ----------
    file : binary stream
        It stays open until it is closed with `close`.
    form : str
        Its format, a key of the readers.

    Attributes
    ----------
    goes_on : bool
        Whether another frame can be read: the same one again, or a later one. An error ends that.
    """

    def __init__(self, file: IO[bytes], form: str) -> None:
        self.goes_on = True
        self._given, self._file, self._form = file, file, form
        self._turned = 1
        self._opened_again = False
        self._image: ImageFile.ImageFile | None = None
        self._frame = 0
        self._layout = ""
        self._webp: WebpFrames | None = None
        self._has_zeros_checked = False

    def read(self, name: str, request: Request, admit: Callable[[Image.Image], None] | None = None) -> Picture:
        """Read a frame; parameters and errors as in `decode_stream`."""
        self.goes_on, was_read = False, self._image is not None and self._frame == request.frame
        try:
            image = self._at(request.frame)
            n_frames = 1
            if request.count:
                image, n_frames = self._counted(image)
            width, height = image.size
            if admit is not None:
                admit(image)
            else:
                check_size(width, height, name, request.limits)
            if not was_read:
                self._layout = layout_of(image)
                with _unchanged_ground(image):
                    self._load(image, request)
            if isinstance(image, ExtraImage):
                width, height = image.size
            facts, self._opened_again = dict(image.info), False
            made = picture_from(
                image, self._layout, request, name, size=(width, height), again=self._again, turned=self._turned
            )
            image.info.clear()  # the same object, as the frames of a PNG share it
            image.info.update(facts)
            self.goes_on = not (request.count or self._opened_again)
            return replace(made, n_frames=n_frames)
        except ImageError:
            raise
        except Exception as error:  # a damaged file can make a decoder raise any exception
            raise _image_error(error, name, self._form) from error

    def close(self) -> None:
        """Close the file."""
        self._given.close()

    def _at(self, frame: int) -> ImageFile.ImageFile:
        """Return the image, at a frame that is not loaded unless it was read before."""
        if self._image is None:
            self._file, self._form, self._turned = _prepared(self._file, self._form)
            self._image = self._opened(frame)
        elif frame > self._frame:
            self._image._exif = None  # noqa: SLF001 - read again for each frame, as when the file is opened for it
            _go_to(self._image, frame)
        self._frame = frame
        return self._image

    def _opened(self, frame: int) -> ImageFile.ImageFile:
        self._file.seek(0)
        image = READERS[self._form](self._file)
        if frame:
            _go_to(image, frame)
        return image

    def _counted(self, image: ImageFile.ImageFile) -> tuple[ImageFile.ImageFile, int]:
        """Return the image, perhaps opened once more, and how many frames there are.

        In a TIFF, pages that follow a damaged one cannot be found. The damaged one is counted: reading it says what is
        wrong. What Pillow says of other pages than this one is not said of it; this hides warnings of all threads, and
        does no harm as TIFF is decoded in a process of its own.
        """
        if not isinstance(image, DeepTiff):
            return image, int(getattr(image, "n_frames", 1))
        with warnings.catch_warnings(action="ignore"):
            with suppress(Exception):  # a damaged file can make a decoder raise any exception
                return image, int(image.n_frames)
            image, n_frames = self._opened(self._frame), self._frame + 1
            with suppress(Exception):
                while True:
                    image.seek(n_frames)
                    n_frames += 1
        self._image = self._opened(self._frame)
        return self._image, n_frames + 1

    def _load(self, image: ImageFile.ImageFile, request: Request) -> None:
        """Decode an opened image, if all of its pixels are in the file."""
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            check_jpeg(self._file)
        elif isinstance(image, DeepTiff):
            check_tiff(self._file, image)
        elif isinstance(image, WebPImagePlugin.WebPImageFile):
            self._webp = self._webp or WebpFrames(self._file)
            self._webp.check(image.size, request.frame)
        elif isinstance(image, AvifImagePlugin.AvifImageFile) and not self._has_zeros_checked:
            position = self._file.tell()
            self._file.seek(0)
            check_zeros(self._file.read(), "AVIF", primary=True)  # of the primary picture, whichever frame is read
            self._file.seek(position)
            self._has_zeros_checked = True
        if request.reading != "pillow":
            _shrink(image, request.mode, request.at_least)
        image.load()
        if isinstance(image, PngImagePlugin.PngImageFile) and not request.frame:
            check_png(self._file, image)

    def _again(self) -> ImageFile.ImageFile:
        """Open the file once more, at the same frame. The image that was open has lost its position then."""
        self._opened_again = True
        return self._opened(self._frame)


@contextmanager
def _unchanged_ground(image: ImageFile.ImageFile) -> Iterator[None]:
    """Keep what the next frame of a PNG needs as it is before this one is loaded, and not after.

    If this frame is laid over the one before it and taken away again, Pillow takes it away rightly only if it is not
    loaded before the next one is looked for.
    """
    ground = getattr(image, "_prev_im", None) if isinstance(image, PngImagePlugin.PngImageFile) else None
    before = None if ground is None else ground.copy()
    yield
    if before is not None:
        image._prev_im = before  # type: ignore[attr-defined]  # noqa: SLF001


def _image_error(error: Exception, name: str, form: str) -> ImageError:
    if isinstance(error, DamagedImageError | DamagedJpegError):
        return ImageError(name, str(error))
    if isinstance(error, UnsupportedImageError):
        return ImageError(name, _unsupported(form, str(error)))
    return ImageError(name, _reason(error, form))


def picture_from(
    image: Image.Image,
    layout: str,
    request: Request,
    name: str,
    *,
    size: tuple[int, int] | None = None,
    again: Callable[[], ImageFile.ImageFile] | None = None,
    turned: int = 1,
) -> Picture:
    """Return the picture that a loaded image shows.

    Parameters
    ----------
    image : PIL.Image.Image
    layout : str
        How its file stores a pixel, see `fingerprint.images.depth.layout_of`; its mode, if it has no file.
    request : Request
    name : str
    size : (int, int), optional
        Width and height of the whole picture as stored; those of the image by default.
    again : callable, optional
        Opens its file again, as in `fingerprint.images.depth.to_8_bits`. Without it the high bytes of deep colours are
        kept, which is all that Pillow has of them.
    turned : int
        Its EXIF orientation, if it does not say one itself.
    """
    (width, height), mode, reading = size or image.size, request.mode, request.reading
    plain = is_plain(image, layout)
    if reading == "pillow":
        return Picture(converted(image, mode), width, height, name, plain)
    orientation = orientation_of(image.getexif, turned)
    if reading == "pdq" and not plain:
        shallow, mode = as_reference_tools(image, layout, again), "RGB"
    else:
        shallow = to_8_bits(image, layout, again)
    is_callers = again is None and shallow is image
    small = reduced(shallow, divisor_of(shallow.size, shallow.mode, mode), keep=is_callers)
    pixels = pixels_of(upright(small, orientation), mode)
    if swaps_sides(orientation):
        width, height = height, width
    return Picture(pixels, width, height, name, plain)


def _go_to(image: ImageFile.ImageFile, frame: int) -> None:
    try:
        image.seek(frame)
    except EOFError as error:
        raise UnsupportedImageError(f"it has no frame {frame}") from error


def _prepared(file: IO[bytes], form: str) -> tuple[IO[bytes], str, int]:
    """Return what is to be decoded of a file, its format, and its EXIF orientation if it does not say one itself.

    Of camera RAW it is a large preview, if there is one. What does no harm to the pixels of a file but stops Pillow is
    left out.
    """
    if form == "camera RAW":
        preview = preview_of(file)
        if preview is None:
            return file, form, 1
        jpeg, turned = preview
        return io.BytesIO(complete_jpeg(jpeg)), "JPEG", turned
    if form == "JPEG":
        return io.BytesIO(complete_jpeg(file.read())), form, 1
    if form == "PNG":
        return io.BytesIO(without_harmful_extras(file.read())), form, 1
    if form == "TIFF" and is_unknown_to_pillow(file.read(4)):
        file.seek(0)
        return io.BytesIO(classic(file.read())), form, 1
    return file, form, 1


def converted(image: Image.Image, mode: Mode) -> U8:
    """Return a loaded image as Pillow converts it: a new uint8 array of shape (h, w) or (h, w, 3)."""
    return np.asarray(image.convert(mode)).copy()


def _shrink(image: ImageFile.ImageFile, mode: str, at_least: int | None) -> None:
    """Set a JPEG to decode at the least size whose longer side is `at_least`, and as luma alone for grey."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return
    divisor = max(divisor_for(max(image.size), at_least), divisor_of(image.size, mode, mode))
    named_rgb = [component[0] for component in image.layer] == [*b"RGB"]
    if "jfif" not in image.info and image.info.get("adobe_transform", 0 if named_rgb else 1) == 0:
        mode = mode if mode == "L" else "RGB"  # libjpeg does not convert a JPEG stored as RGB to YCbCr
    image.draft(mode, (max(1, image.width // divisor), max(1, image.height // divisor)))


def divisor_for(longer: int, at_least: int | None) -> int:
    """Return the largest divisor, 1, 2, 4 or 8, that leaves the longer side of a JPEG `at_least`."""
    if at_least is None:
        return 1
    return next((d for d in (8, 4, 2) if -(-longer // d) >= at_least), 1)


def _reason(error: Exception, form: str) -> str:
    """Return why decoding failed, in words for the user."""
    detail = str(error) or type(error).__name__
    if isinstance(error, MemoryError) or detail == "decoder error -9":  # which is libtiff's way to say it
        return f"not enough memory to decode this {form} file"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large for Pillow: {detail}"
    if "truncated" in detail.lower():
        return f"truncated {form} file: {detail}"
    if detail.lower().startswith("unsupported"):  # as Pillow says it of sound files
        return _unsupported(form, detail)
    return f"damaged {form} file, or of an unsupported kind: {detail}"


def _unsupported(form: str, what: str) -> str:
    return f"{form} file of a kind that is not supported ({what}): save it as PNG, or as TIFF of 8 or 16 bits in RGB"
