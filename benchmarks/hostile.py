"""Hostile files and killed writers: how each case ended, and the most memory that all processes took together.

Each part runs a program of `tests/` or a command, and writes what came of it into the same file:

- `kills` kills writers at random moments: while they add, replace, remove, compact and create, and upgrades.
- `data` reads data files of all kinds that were changed by chance.
- `pictures` reads pictures of all formats that were changed by chance, with two threads.
- `bombs` makes a collection of the hostile pictures of `tests/hostile.py`, as large as the limits allow, with two
  workers; `bombs-search`, `bombs-dedupe` and `bombs-hash` give the same pictures to these commands.

A case that did not end as an answer, as a skipped file with a reason or as a named error ends the part with its text.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _records import RESULTS, ROOT, header, write
from PIL import Image

sys.path.insert(0, str(ROOT / "tests"))

import hostile
from fuzz_pictures import Meter

Outcome = dict[str, Any]


def run(*words: str | Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run a Python program, and return what it printed; end with its text if it does not end with one of `codes`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-20_000:]}{done.stderr}")
    return done.stdout


def kills(n: int, seed: int) -> Outcome:
    """Kill writers, and a sixth as many upgrades; the driver ends with an error if anything is lost or there twice."""
    memory = Path("/dev/shm")  # what is not flushed is not lost by killing a process, so a disk would add nothing
    where = ["--folder", str(memory)] if os.access(memory, os.W_OK) else []
    text = run(
        ROOT / "tests/fault_driver.py", "--kills", str(n), "--upgrades", str(n // 6), "--seed", str(seed), *where
    )
    return {"endings": json.loads(text.splitlines()[-1])}


def data(n: int, seed: int) -> Outcome:
    """Read changed data files."""
    return fuzzed("fuzz_data_files.py", n, seed)


def pictures(n: int, seed: int) -> Outcome:
    """Read changed pictures."""
    return fuzzed("fuzz_pictures.py", n, seed)


def fuzzed(program: str, n: int, seed: int) -> Outcome:
    """Run a fuzzer, which writes how the cases ended."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "endings.json"
        run(ROOT / "tests" / program, "--files", str(n), "--seed", str(seed), "--json", path)
        return {"endings": json.loads(path.read_text(encoding="utf-8"))}


def bombs(_n: int, _seed: int) -> Outcome:
    """Make a collection of hostile pictures."""
    with tempfile.TemporaryDirectory() as folder:
        made, *_, counts = _command_on_bombs(Path(folder), "index", "create", Path(folder) / "c.fp")
        return {"endings": {name: counts[name] for name in ("added", "skipped", "ignored")}, "files": made}


def bombs_search(_n: int, _seed: int) -> Outcome:
    """Ask for hostile pictures, in a collection of one that is harmless."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.linear_gradient("L").save(folder / "harmless.png")
        run("-m", "fingerprint", "index", "create", folder / "c.fp", folder / "harmless.png", "--quiet")
        made, *answers = _command_on_bombs(folder, "search", folder / "c.fp")
        return {"endings": _answered_or_skipped(answers), "files": made}


def bombs_dedupe(_n: int, _seed: int) -> Outcome:
    """Look for copies among hostile pictures."""
    with tempfile.TemporaryDirectory() as folder:
        made, *_, totals = _command_on_bombs(Path(folder), "dedupe", "find")
        return {"endings": {name: totals[name] for name in ("files", "pictures", "skipped")}, "files": made}


def bombs_hash(_n: int, _seed: int) -> Outcome:
    """Hash hostile pictures."""
    with tempfile.TemporaryDirectory() as folder:
        made, *answers = _command_on_bombs(Path(folder), "hash")
        return {"endings": _answered_or_skipped(answers), "files": made}


def _command_on_bombs(folder: Path, *words: str | Path) -> tuple[Any, ...]:
    """Give hostile pictures to a command: how many there are, and the lines of its output; exit code 1 is "skipped"."""
    made = hostile.write(folder / "pictures")
    lines = run(
        "-m", "fingerprint", *words, folder / "pictures", "--workers", "2", "--json", "--quiet", codes=(0, 1)
    ).splitlines()
    return (len(made), *map(json.loads, lines))


def _answered_or_skipped(answers: Sequence[Outcome]) -> Outcome:
    skipped = sum("skipped" in answer for answer in answers)
    return {"answered": len(answers) - skipped, "skipped": skipped}


#: By the name of each part, how many cases it has by default.
PARTS: dict[str, tuple[Callable[[int, int], Outcome], int]] = {
    "kills": (kills, 600),
    "data": (data, 5_000),
    "pictures": (pictures, 10_000),
    "bombs": (bombs, 0),
    "bombs-search": (bombs_search, 0),
    "bombs-dedupe": (bombs_dedupe, 0),
    "bombs-hash": (bombs_hash, 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--cases", type=int, help="how many; by default 600 kills, 5,000 data files, 10,000 pictures")
    parser.add_argument("--seed", type=int, default=33)
    parser.add_argument("--json", type=Path, default=RESULTS / "hostile.json")
    arguments = parser.parse_args()
    for part in arguments.parts:
        measure, usual = PARTS[part]
        n = usual if arguments.cases is None else arguments.cases
        meter, begun = Meter(pause=0.5), time.monotonic()
        meter.start()
        outcome = measure(n, arguments.seed)
        meter.stopped.set()
        facts = header(None) | {"seed": arguments.seed} | ({"cases": n} if n else {}) | outcome
        facts |= {"seconds": round(time.monotonic() - begun), "peak_memory_mb": round(meter.peak / 1e6)}
        facts.pop("data_digest")
        runs = json.loads(arguments.json.read_text(encoding="utf-8"))["runs"] if arguments.json.is_file() else {}
        write(arguments.json, {"data_digest": None, "runs": {**runs, part: facts}})


if __name__ == "__main__":
    main()
