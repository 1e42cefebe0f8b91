"""How long the first `compare`, `search` and `hash` take, which compile their kernels, and the second ones.

Each command runs in fresh processes with a cache of compiled kernels of its own, empty before the first run, and is
given the same photograph and an edited copy of it. The collection that `search` opens is made before, with another
cache. `core_seconds` is the time that the process kept cores busy, which other processes lengthen less than
`wall_seconds`; the fewest of the rounds are written.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import skimage.data
from _records import RESULTS, ROOT, header, write
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="first runs of each command, each with an empty cache")
    parser.add_argument("--out", type=Path, default=RESULTS / "first_run.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), arguments.rounds)
    write(arguments.out, header(None) | {"rounds": arguments.rounds} | result)


def measure(work: Path, rounds: int) -> dict[str, Any]:
    """Return the seconds of the first and of the second run of each command."""
    photo, copy = draw_pictures(work)
    collection = work / "collection"
    run(("index", "create", str(collection), str(photo)), work / "cache-of-others")
    commands = {
        "compare": ("compare", str(copy), str(photo)),
        "search": ("search", str(collection), str(copy)),
        "hash": ("hash", str(photo)),
    }
    result: dict[str, Any] = {}
    for name, words in commands.items():
        runs = []
        for number in range(rounds):
            cache = work / f"cache-{name}-{number}"
            runs.append({"first": run(words, cache), "second": run(words, cache)})
        result[name] = {
            which: {measure: min(one[which][measure] for one in runs) for measure in ("core_seconds", "wall_seconds")}
            for which in ("first", "second")
        }
    return result


def draw_pictures(work: Path) -> tuple[Path, Path]:
    """Write a photograph, and a mirrored part of it at another size; return their paths."""
    photo, copy = work / "photo.jpg", work / "copy.jpg"
    cat = Image.fromarray(skimage.data.chelsea())
    cat.save(photo)
    part = cat.crop((60, 20, 420, 290)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    part.resize((300, 225)).save(copy, quality=80)
    return photo, copy


def run(words: tuple[str, ...], cache: Path) -> dict[str, float]:
    """Run a command of the checkout and return its seconds; it must succeed."""
    cores, start = core_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return {
        "core_seconds": round(core_seconds() - cores, 1),
        "wall_seconds": round(time.perf_counter() - start, 1),
    }


def core_seconds() -> float:
    """Return the time that cores were busy with processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
