"""How a run is written down: its command, the versions, the machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

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
    "--before": "COLLECTION",
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


def header() -> dict[str, Any]:
    """Return what every record begins with."""
    return {
        "copyprint": __version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": command_line(),
        "load_average": round(os.getloadavg()[0], 2),
        "seed": SEED,
    }


def write(path: Path, result: dict[str, Any], *, show: bool = True) -> None:
    """Write a record, and print it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if show:
        print(json.dumps(result, indent=2))
    print(f"written to {path}", file=sys.stderr)
