"""The paths and ids of frames, see `fingerprint.images.frames`."""

from __future__ import annotations

import os
import re

from fingerprint.locations import Location, Url, local_name

_FRAME = re.compile(r"(.+)[/\\]#frame=([1-9][0-9]{0,8})", re.DOTALL)


def frame_id(image_id: str, frame: int) -> str:
    """Return the id of a frame of the picture with an id."""
    return image_id if frame == 0 else f"{image_id}#frame={frame}"


def frame_path(path: Location, frame: int) -> Location:
    """Return the path or URL of a frame of a file."""
    if frame == 0:
        return path
    name = f"#frame={frame}"
    return Url(f"{path.whole}/{name}") if isinstance(path, Url) else path / name


def split_frame(path: str | os.PathLike[str]) -> tuple[str | os.PathLike[str], int]:
    """Return the file that a path or URL is in, and which of its frames it is; 0 for that of a file.

    A file with such a name, in a folder, is a file.
    """
    whole = path.whole if isinstance(path, Url) else os.fspath(path)
    found = _FRAME.fullmatch(whole)
    if found is None or os.path.isdir(local_name(found[1])):  # noqa: PTH112 - Path.is_dir() raises for long names
        return path, 0
    return found[1], int(found[2])
