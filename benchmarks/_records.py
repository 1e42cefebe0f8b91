"""How a run is written down: its command, the versions, the machine, the digest of its pictures."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.bench.sets import TRUTH_NAME, digest_of_files, open_set
from fingerprint.images.find import find_images
from fingerprint.version import __version__

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SEED = 20210621

#: What a folder or file of this machine is called in a record.
_NAMES = {
    "--data": "DATA",
    "--images": "DATA/train",
    "--work": "FOLDER",
    "--keep": "FOLDER",
    "--collection": "COLLECTION",
    "--models": "MODELS",
    "--descriptors": "DESCRIPTORS.h5",
    "--out": "FILE",
    "--json": "FILE",
}


def command_line() -> str:
    """Return the command that runs, with general names for the folders and files of this machine."""
    words = [Path(sys.argv[0]).name]
    for word in sys.argv[1:]:
        option, equals, _ = word.partition("=")
        if equals and option in _NAMES:
            words += [option, _NAMES[option]]
        else:
            words.append(_NAMES.get(words[-1], word))
    return f"python benchmarks/{' '.join(words)}"


def header(data: Path | None) -> dict[str, Any]:
    """Return what every record begins with.

    Parameters
    ----------
    data : Path or None
        The set, or folder of pictures, that is measured on; None if all is made from a seed.
    """
    return {
        "copyprint": __version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": command_line(),
        "load_average": round(os.getloadavg()[0], 2),
        "seed": SEED,
        "data_digest": None if data is None else digest_of(data),
    }


def digest_of(data: Path) -> str:
    """Return the digest of a set as the bench has it, or that of all pictures in another folder."""
    if (data / TRUTH_NAME).is_file():
        return open_set(data).digest
    return digest_of_files(data, find_images([data])[0])


def write(path: Path, result: dict[str, Any], *, show: bool = True) -> None:
    """Write a record, and print it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if show:
        print(json.dumps(result, indent=2))
    print(f"written to {path}", file=sys.stderr)
