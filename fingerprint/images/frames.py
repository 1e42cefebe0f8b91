"""Frames of animations, pages, and pictures of a HEIC file: each is a picture of its own, with a path and an id.

Frame 12 of ``photos/cat.gif`` has the path ``photos/cat.gif/#frame=12``, which no file can have, as ``cat.gif`` is no
folder. Its id is that of the file with ``#frame=12`` after it. The first frame has the path and the id of the file.

Frames that are read in order are decoded once each, see `fingerprint.images.sandbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fingerprint.config import ReadLimits
from fingerprint.errors import ConfigError
from fingerprint.images.decode import count_frames
from fingerprint.images.frame_paths import frame_id, frame_path
from fingerprint.locations import Location
from fingerprint.types import Skipped
from fingerprint.workers import Workers, map_images


def spread(n_frames: int, most: int) -> list[int]:
    """Return the numbers of at most `most` of so many frames, spread evenly from the first on.

    Examples
    --------
    >>> spread(100, 4), spread(2, 4)
    ([0, 25, 50, 75], [0, 1])
    """
    n = min(n_frames, most)
    return [k * n_frames // n for k in range(n)]


def with_frames(
    named: Sequence[tuple[str, Location]], most: int, limits: ReadLimits, n_workers: Workers = None
) -> list[tuple[str, Location]]:
    """Return (id, path) of each file and of its further frames, up to `most` for a file, in order.

    A file whose frames cannot be counted is left as it is: reading it says why.

    Raises
    ------
    ConfigError
        If `most` is below 1.
    """
    if most < 1:
        raise ConfigError(f"the number of frames must be 1 or more, not {most}")
    if most == 1:
        return list(named)
    counts = map_images(partial(count_frames, limits=limits), [path for _, path in named], n_workers)
    out = []
    for (image_id, path), n in zip(named, counts, strict=True):
        numbers = [0] if isinstance(n, Skipped) else spread(n, most)
        out += [(frame_id(image_id, k), frame_path(path, k)) for k in numbers]
    return out
