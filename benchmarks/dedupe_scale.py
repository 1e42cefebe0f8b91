"""How the time and the memory of `fingerprint dedupe` grow with the files of a folder.

The files are all photographs of DATA/train, DATA/references and DATA/queries, and edited copies of them, by chains of
one to three edits, in an order that is drawn from a seed. The command runs on the first ``--files`` of them, from the
fewest to the most; each run describes and asks all again, as the first run of a user does. The result is written after
each run, so what was measured stays if a longer run is interrupted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write
from dedupe import N_EDITS, N_OTHERS, dedupe, save

from fingerprint.edits import random_chain
from fingerprint.images.decode import read_rgb

FOLDERS = ("train", "references", "queries")
SIZES = (1250, 2500, 5000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {', '.join(FOLDERS)}")
    parser.add_argument("--files", type=int, nargs="+", default=SIZES, help="sizes of the folder")
    parser.add_argument("--result", type=Path, default=RESULTS / "dedupe_scale.json")
    arguments = parser.parse_args()
    sizes = sorted(arguments.files)
    photographs = [path for name in FOLDERS for path in sorted((arguments.data / name).glob("*.jpg"))]
    if len(photographs) < N_OTHERS + 1:
        sys.exit(f"{arguments.data} has too few photographs in {', '.join(FOLDERS)}")
    order = np.random.default_rng([SEED, 0]).permutation(max(SIZES[-1], sizes[-1], len(photographs)))
    result: dict[str, Any] = {**header(arguments.data), "photographs": len(photographs), "measured": {}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dedupe-scale-")))
        made = 0
        for size in sizes:  # the peak of memory is that of all commands so far, so they grow
            for number in order[made:size]:
                make_file(folder, int(number), photographs)
            made = size
            pairs, cost = dedupe(folder)
            n_copies = int(np.count_nonzero(order[:size] >= len(photographs)))
            result["measured"][str(size)] = {"copies": n_copies, "pairs_found": len(pairs), **cost}
            write(arguments.result, result, show=size == sizes[-1])


def make_file(folder: Path, number: int, photographs: list[Path]) -> None:
    """Write a file of the folder: a photograph as it is, or an edited copy of one; each has a seed of its own."""
    path = folder / f"f{number:05d}.jpg"
    if number < len(photographs):
        path.write_bytes(photographs[number].read_bytes())
        return
    rng = np.random.default_rng([SEED, 1, number])
    source, *others = (read_rgb(photographs[k]).pixels for k in rng.integers(len(photographs), size=1 + N_OTHERS))
    save(path, random_chain(source, rng, others, N_EDITS).pixels, rng)


if __name__ == "__main__":
    main()
