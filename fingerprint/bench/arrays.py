"""Arrays in archives of NumPy: written whole or not at all, and never pickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import ConfigError
from fingerprint.files import atomic
from fingerprint.files.datafiles import as_value_error, open_regular


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write an archive."""
    with atomic.replacing(path) as temporary, temporary.open("xb") as out:
        np.savez(out, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an archive that the bench wrote.

    Raises
    ------
    ConfigError
        If it is damaged.
    """
    try:
        with open_regular(path) as file, as_value_error(), np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: damaged ({error}); delete it, and run the same command again") from error
