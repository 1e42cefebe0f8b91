"""Try recipes for the compact descriptor on the same features.

``prepare`` makes edited copies of the training images and describes all pictures; ``run`` tries recipes and writes one
file each. A recipe is fitted on two thirds of the training images and asked for edited copies of the rest (dev), then
fitted on all of them and asked for the challenge-shaped set (judged).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import scipy
from _recipes.book import TABLES, Recipe
from _recipes.lab import Lab
from _recipes.pictures import prepare
from _recipes.registry import RECIPES
from _records import RESULTS, digest_of

from fingerprint.version import __version__

OUT = RESULTS / "recipes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("prepare", "run"):
        command = commands.add_parser(name)
        command.add_argument("--data", type=Path, required=True)
        command.add_argument("--work", type=Path, required=True, help="folder for what is kept between runs, 20 GB")
        if name == "prepare":
            command.add_argument("--workers", type=int, default=os.cpu_count() or 1)
            command.add_argument("--limit", type=int, help="so many pictures of each set only, to try it")
        else:
            command.add_argument("--out", type=Path, default=OUT)
            command.add_argument("names", nargs="+", metavar="NAME", help="recipes, groups, or all")
    commands.add_parser("list")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.command == "prepare":
        prepare(arguments.data, arguments.work, arguments.workers, arguments.limit)
    elif arguments.command == "run":
        lab, digest = Lab(arguments.work, arguments.data, TABLES), digest_of(arguments.data)
        for recipe in chosen(arguments.names):
            run(recipe, lab, digest, arguments.out)
    else:
        print("\n".join(f"{recipe.group:18s} {recipe.name:32s} {recipe.description}" for recipe in RECIPES.values()))


def chosen(names: list[str]) -> list[Recipe]:
    known = {*RECIPES, *(recipe.group for recipe in RECIPES.values()), "all"}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no such recipe: {', '.join(unknown)}; see `list`")
    return [r for r in RECIPES.values() if r.name in names or r.group in names or "all" in names]


def run(recipe: Recipe, lab: Lab, digest: str, out: Path) -> None:
    start = time.perf_counter()
    figures = recipe.judge(lab)
    result = {
        "name": recipe.name,
        "group": recipe.group,
        "description": recipe.description,
        **figures,
        "seconds": round(time.perf_counter() - start, 1),
        "versions": {
            "copyprint": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "opencv": cv2.__version__,
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "data_digest": digest,
        "command": f"python benchmarks/recipes.py run {recipe.name} --data DATA --work FOLDER",
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{recipe.name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{recipe.name:32s} dev {figures['dev']} judged {figures['judged']} {result['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
