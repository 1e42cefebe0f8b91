"""Run methods of the bench on the challenge-shaped set, and keep the comparison: the peers of all tables.

Everything goes through `fingerprint bench`. What has a result in the folder of results is not run again, so one method
at a time will do. Vectors and pairs stay there; ``results/bench.json`` has the figures, with machine, versions and
command of each run and the digest of the set.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from _records import RESULTS, ROOT, command_line, write

from fingerprint.bench.registry import PLAIN

#: What the word after another one is called in a record: results may have been made in other folders, one by one.
_NAMES = {"run": "DATA", "--results": "RESULTS"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of the bench's results")
    parser.add_argument("--out", type=Path, default=RESULTS / "bench.json")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="as 'bench run' takes them; none: only compare")
    arguments = parser.parse_args()
    for spec in arguments.methods or ():
        name = ["--name", "sscd"] if spec.startswith("onnx:") and spec.endswith("sscd.toml") else []
        fingerprint("bench", "run", str(arguments.data), "--method", spec, "--results", str(arguments.work), *name)
    compared = json.loads(fingerprint("bench", "compare", str(arguments.work), "--json"))
    for run in compared["runs"].values():
        run["command"] = generally(run["command"])
    write(arguments.out, {"command": generally(command_line()), **compared}, show=False)
    missing = sorted(PLAIN.keys() - compared["runs"].keys())
    print(f"{len(compared['rows'])} rows; without a result: {', '.join(missing) or 'none'}", file=sys.stderr)


def fingerprint(*arguments: str) -> str:
    command = [sys.executable, "-m", "fingerprint", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def generally(command: str | None) -> str | None:
    """Return a command of this script or of ``bench run`` with general names for the folders of that machine."""
    if command is None:
        return None
    words = shlex.split(command)
    for at, before in enumerate(words[:-1]):
        if before in _NAMES:
            words[at + 1] = _NAMES[before]
    return shlex.join(f"onnx:{Path(word).name}" if word.startswith("onnx:") else word for word in words)


if __name__ == "__main__":
    main()
