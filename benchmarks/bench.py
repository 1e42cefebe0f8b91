"""Run methods of the bench on the challenge-shaped set, and keep the comparison: the peers of all tables.

Everything goes through `fingerprint bench`. What has a result in the folder of results is not run again, so one method
at a time will do. Vectors and pairs stay there; ``results/bench.json`` has the figures, with machine, versions and
command of each run and the digest of the set.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from _records import RESULTS, ROOT, command_line, write

from fingerprint.bench.registry import PLAIN


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
        run["command"] = generally(run["command"], arguments.data, arguments.work)
    write(arguments.out, {"command": command_line(), **compared}, show=False)
    missing = sorted(PLAIN.keys() - compared["runs"].keys())
    print(f"{len(compared['rows'])} rows; without a result: {', '.join(missing) or 'none'}", file=sys.stderr)


def fingerprint(*arguments: str) -> str:
    command = [sys.executable, "-m", "fingerprint", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def generally(command: str | None, data: Path, work: Path) -> str | None:
    """Return a command with general names for the folders of this machine."""
    if command is None:
        return None
    for folder, word in ((data, "DATA"), (work, "RESULTS")):
        for path in (str(folder.resolve()), str(folder)):  # other runs may have had it in the other form
            command = command.replace(path, word)
    words = command.split()
    return " ".join(f"onnx:{Path(word).name}" if word.startswith("onnx:") else word for word in words)


if __name__ == "__main__":
    main()
