"""Which of several copies is worth keeping, and why."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.config import ReadLimits
from fingerprint.dedupe.compression import pixel_quality
from fingerprint.dedupe.detail import drops, share_of
from fingerprint.dedupe.filenames import is_of_a_copy, is_of_a_screenshot, is_of_what_was_made
from fingerprint.dedupe.values import Keep, Picture, PictureFile, Rules
from fingerprint.errors import ImageError
from fingerprint.images.decode import count_frames, read_grey, read_rgb
from fingerprint.images.origin import Origin, origin_of
from fingerprint.types import U8

_STEPS = 4  # classes of size for each factor of two in pixels: less is no reason to keep one
_GOOD_QUALITY, _QUALITY_STEP = 90, 5  # of a JPEG: from here on a higher one is no reason
_HEAVY_LOSS = 70  # quality below which a file is hardly a camera's own, whatever it says
_UNKNOWN_QUALITY = 80  # of formats whose headers do not say how much was lost
#: The same where it is known who writes them: cameras, or programs that make pictures for the web, or animations, of
#: others. A GIF has 256 colours at most.
_USUAL_QUALITY = {"HEIC": _GOOD_QUALITY, "WebP": 60, "AVIF": 60, "GIF": 50}
_COLOUR_SIDE = 64  # pixels at which it is seen whether there are colours
_COLOURED, _LEAST_COLOURED = 12, 0.001  # difference of channels of a pixel with colour, and share of such pixels
_RAW = "camera RAW"


@dataclass(frozen=True, slots=True)
class Worth:
    """What is known of a file that may be kept.

    Attributes
    ----------
    file : PictureFile
    size : (int, int)
        Width and height in pixels.
    detail : float, (0, 1]
        Part of its pixels along a line that it needs for what it shows.
    origin : Origin
    is_derived : bool
        Whether it is a crop of another picture, or a picture that another one was put into.
    is_source : bool
        Whether more pictures are copies of it than of one that would have been kept otherwise.
    n_frames : int
        Of an animation its frames, of a TIFF its pages: only the first was compared.
    drops : tuple of float
        What `detail` comes from; see `fingerprint.dedupe.detail.drops`.
    has_colours : bool
    pixel_quality : int or None
        Lowest quality with which it was saved as a JPEG before; see `fingerprint.dedupe.compression`.
    """

    file: PictureFile
    size: tuple[int, int]
    detail: float
    origin: Origin
    is_derived: bool = False
    is_source: bool = False
    n_frames: int = 1
    drops: tuple[float, ...] = ()
    has_colours: bool = True
    pixel_quality: int | None = None

    @property
    def pixels(self) -> float:
        """Pixels that it needs for what it shows."""
        return self.size[0] * self.size[1] * self.detail**2

    @property
    def size_class(self) -> int:
        """Its pixels, in steps that are worth a reason."""
        return round(_STEPS * math.log2(max(1.0, self.pixels)))

    @property
    def quality(self) -> int:
        """Quality of a JPEG, or what corresponds to it: the lowest that it was ever saved with, as far as is known."""
        return self._said if self.pixel_quality is None else min(self._said, self.pixel_quality)

    @property
    def was_saved_again(self) -> bool:
        """Whether its pixels were compressed more than its header says: it was made from a JPEG."""
        return self.pixel_quality is not None and self.pixel_quality <= self._said - _QUALITY_STEP

    @property
    def _said(self) -> int:
        """Quality by its header, or the usual one of its format."""
        usual = _USUAL_QUALITY.get(self.origin.form, _UNKNOWN_QUALITY)
        return usual if self.origin.quality is None else self.origin.quality

    @property
    def quality_class(self) -> int:
        """How little was lost by compression, in steps that are worth a reason."""
        return min(self.quality, _GOOD_QUALITY) // _QUALITY_STEP

    @property
    def bytes_per_pixel(self) -> float:
        """Size of the file for each pixel."""
        return self.file.n_bytes / max(1, self.size[0] * self.size[1])

    @property
    def changed(self) -> str:
        """When the file was last changed, as `Origin.taken` is written; in UTC."""
        seconds = self.file.mtime_ns / 1e9
        return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def date(self) -> str:
        """When the photograph was taken, or else when the file was last changed."""
        return self.origin.taken or self.changed

    @property
    def has_name_of_copy(self) -> bool:
        """Whether its name is one that copies have."""
        return is_of_a_copy(self.file.path.stem)

    @property
    def has_made_name(self) -> bool:
        """Whether its name is one of what was made from another picture: a messenger's, a screenshot's, an editor's."""
        return is_of_what_was_made(self.file.path.stem)

    @property
    def is_named_as_screenshot(self) -> bool:
        """Whether its name is one that phones and desktops give to screenshots."""
        return is_of_a_screenshot(self.file.path.stem)


def worth_of(picture: Picture, limits: ReadLimits, *, with_detail: bool) -> list[Worth]:
    """Return what is known of each file of a picture; of one that is gone, what the scan knew."""
    detail, found, has_colours, quality = 1.0, tuple[float, ...](), True, None
    if with_detail:
        with suppress(ImageError):  # gone since the scan: nothing will be done with it
            grey = read_grey(picture.files[0].path, limits=limits).pixels
            found, quality = drops(grey), pixel_quality(grey)
            detail = share_of(found)
            has_colours = _has_colours(read_rgb(picture.files[0].path, at_least=_COLOUR_SIDE, limits=limits).pixels)
    origins = [_origin(file) for file in picture.files]
    n_frames = frames_of(picture.files[0], limits, origins[0])  # all have the same bytes
    return [
        Worth(
            *(file, picture.size, detail, origin),
            n_frames=n_frames,
            drops=found,
            has_colours=has_colours,
            pixel_quality=quality,
        )
        for file, origin in zip(picture.files, origins, strict=True)
    ]


def frames_of(file: PictureFile, limits: ReadLimits, origin: Origin | None = None) -> int:
    """Return how many frames or pages a file has; 1 of one that is gone.

    Parameters
    ----------
    file : PictureFile
    limits : ReadLimits
    origin : Origin, optional
        What the file says of itself, if that is known already.
    """
    known = origin or _origin(file)
    if not known.may_have_frames:
        return 1 + known.n_further
    try:
        return count_frames(file.path, limits=limits)
    except ImageError:  # gone since the scan: nothing will be done with it
        return 1


def _has_colours(rgb: U8) -> bool:
    chroma = rgb.max(axis=2).astype(np.int64) - rgb.min(axis=2)
    return float(np.mean(chroma > _COLOURED)) > _LEAST_COLOURED


def _origin(file: PictureFile) -> Origin:
    try:
        return origin_of(file.path)
    except OSError:
        return Origin("", None, None, None)


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One reason to keep a file: the least value wins, and what is said of the winner."""

    value: Callable[[Worth], Any]
    reason: Callable[[Worth], str]


class Preference:
    """The order in which files are kept.

    Parameters
    ----------
    rules : Rules
    """

    def __init__(self, rules: Rules) -> None:
        folders = [os.path.abspath(folder) for folder in rules.prefer]  # noqa: PTH100 - does not follow links

        def place(worth: Worth) -> int:
            return next((k for k, folder in enumerate(folders) if _is_within(worth.file.id, folder)), len(folders))

        raw = _Criterion(lambda w: w.origin.form != _RAW, lambda _: "camera RAW, which the others were made from")
        coloured = _Criterion(lambda w: not w.has_colours, lambda _: "has colours")
        camera = _Criterion(
            lambda w: w.origin.camera is None, lambda w: f"has its camera in the file ({w.origin.camera})"
        )
        asked_for = [
            _Criterion(lambda w: not w.file.is_reference, lambda _: "in a reference folder"),
            _Criterion(place, lambda w: f"in the preferred folder {rules.prefer[place(w)]}"),
            _Criterion(lambda w: w.file.is_link, lambda _: "a file, no link"),
            *_CHOSEN[rules.keep],
        ]
        self._before_sources = [*asked_for, raw, coloured, camera]
        self._criteria = [
            *asked_for,
            raw,
            _Criterion(lambda w: not w.is_source, lambda _: "more are copies of it than of any other"),
            _Criterion(lambda w: w.is_derived, lambda _: "others are crops of it, or were made with it"),
            _Criterion(lambda w: -w.size_class, lambda w: f"most pixels that are really shown ({_megapixels(w)})"),
            coloured,
            _Criterion(lambda w: w.quality < _HEAVY_LOSS, _quality_reason),
            camera,
            _Criterion(lambda w: w.origin.taken is None, lambda w: f"has its date in the file ({w.origin.taken})"),
            _Criterion(lambda w: w.has_made_name, lambda _: "others are named like what is made from pictures"),
            # after these: an edited picture may be saved with less loss than what it was made from
            _Criterion(lambda w: -w.quality_class, _quality_reason),
            _Criterion(lambda w: w.was_saved_again, lambda _: "others were made from a JPEG and saved again"),
            _Criterion(lambda w: w.has_name_of_copy, lambda _: "others are named like copies"),
            *(() if rules.keep == "newest" else (_OLDEST,)),
            _Criterion(lambda w: -w.bytes_per_pixel, lambda _: "most bytes for each pixel"),
            _Criterion(lambda w: w.file.order, lambda _: "first of equals"),
        ]

    def key(self, worth: Worth) -> tuple[Any, ...]:
        """Return what to sort by: the first of all is the one to keep."""
        return tuple(criterion.value(worth) for criterion in self._criteria)

    def gives_way(self, first: Worth, source: Worth) -> bool:
        """Return whether a file may give way to what is most likely its source: nothing that is sure speaks against it.

        That is what a user asked for, and that only the first is a camera's RAW, has colours, or names its camera.
        """
        return all(criterion.value(source) <= criterion.value(first) for criterion in self._before_sources)

    def reasons(self, keeper: Worth, others: Sequence[Worth]) -> tuple[str, ...]:
        """Return why one is kept rather than others: what it has before at least one of them, and behind none."""
        said: list[str] = []
        undecided = list(others)
        for criterion in self._criteria:
            own = criterion.value(keeper)
            beaten = [other for other in undecided if own < criterion.value(other)]
            if beaten:
                said.append(criterion.reason(keeper))
                undecided = [other for other in undecided if not own < criterion.value(other)]
        return tuple(dict.fromkeys(said))  # two criteria may have the same words


def _is_within(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _megapixels(worth: Worth) -> str:
    enlarged = " once enlarged" if worth.detail < 1 else ""
    return f"{worth.size[0]} x {worth.size[1]}{enlarged}"


def _quality_reason(worth: Worth) -> str:
    if worth.origin.form == "JPEG":
        return f"least compressed (JPEG quality about {worth.quality})"
    return f"least compressed ({worth.origin.form or 'by its format'})"


_OLDEST = _Criterion(lambda w: (w.date, w.changed), lambda w: f"oldest ({w.date})")
#: What a user may put before everything else that is known of the files.
_CHOSEN: dict[Keep, tuple[_Criterion, ...]] = {
    "best": (),
    "largest": (_Criterion(lambda w: -w.size[0] * w.size[1], lambda w: f"largest ({w.size[0]} x {w.size[1]})"),),
    "oldest": (_Criterion(lambda w: w.date, lambda w: f"oldest ({w.date})"),),
    "newest": (_Criterion(lambda w: tuple(-ord(sign) for sign in w.date), lambda w: f"newest ({w.date})"),),
    "path-order": (_Criterion(lambda w: w.file.order, lambda _: "first in the order of paths"),),
}
