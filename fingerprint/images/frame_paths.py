"""The paths and ids of frames, see `fingerprint.images.frames`."""

from __future__ import annotations

import os
import re
from pathlib import Path

_FRAME = re.compile(r"(.+)[/\\]#frame=([1-9][0-9]{0,8})", re.DOTALL)


def frame_id(image_id: str, frame: int) -> str:
    """Return the id of a frame of the picture with an id."""
    return image_id if frame == 0 else f"{image_id}#frame={frame}"


def frame_path(path: Path, frame: int) -> Path:
    """Return the path of a frame of a file."""
    return path if frame == 0 else path / f"#frame={frame}"


def split_frame(path: str | os.PathLike[str]) -> tuple[str | os.PathLike[str], int]:
    """Return the file that a path is in, and which of its frames it is; 0 for the path of a file.

    A file with such a name, in a folder, is a file.
    """
    found = _FRAME.fullmatch(os.fspath(path))
    if found is None or os.path.isdir(found[1]):  # noqa: PTH112 - Path.is_dir() raises where a name is too long
        return path, 0
    return found[1], int(found[2])
