"""The files that figures come from, read when they are first asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Results:
    """What was measured, by the name of its file.

    Parameters
    ----------
    folder : Path
        With ``NAME.json`` for each result, and folders of such files.
    models : Path
        The folder of the shipped models, whose record and size are the result ``models``.
    """

    def __init__(
        self, folder: Path = ROOT / "benchmarks" / "results", models: Path = ROOT / "fingerprint" / "models"
    ) -> None:
        self._folder, self._models = folder, models
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return what is in ``NAME.json``."""
        if name not in self._read:
            if name == "models":
                record = json.loads((self._models / "MODELS.json").read_text(encoding="utf-8"))
                found = {**record["facts"], "bytes": (self._models / "models.npz").stat().st_size}
            else:
                found = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
            self._read[name] = found
        return self._read[name]

    def names(self) -> list[str]:
        """Return the names of all files, those in folders as ``FOLDER/NAME``."""
        paths = self._folder.rglob("*.json")
        return sorted(path.relative_to(self._folder).with_suffix("").as_posix() for path in paths)

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        return (self._folder / f"{name}.json").exists()
