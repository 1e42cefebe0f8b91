"""De-duplicate a folder with known groups, and say which pairs are found: `fingerprint dedupe` beside pHash and PDQ.

The folder is made from photographs of DATA/train and DATA/references, taken by turns:

- ``--photographs`` of them as they are;
- ``--copies`` edited copies, by chains of one to three edits, of photographs that are drawn with replacement, so that
  some have several copies; what is pasted in comes from photographs that are not in the folder, each used once: two
  copies with one photograph pasted into both would be copies of that, too;
- ``--shots`` of the photographs are replaced by the first of two made second shots, and the second is added. Neither
  was made from the other: they belong to no group together.

A pair is right if both files come from one photograph, by copies alone. Precision is the share of the pairs in one
group that are right, recall the share of the right pairs that are in one group. The hashes are of the same files:
pHash by imagehash, a pair up to a distance of 8, and PDQ, up to 31. Their pairs are taken one by one; joining them to
groups could only add wrong ones to them.

``half`` is the cost of the command on every other file, which shows how time and memory grow.

Some photographs of DATA are copies of each other by nature. ``wrong`` in the record lists the first wrong pairs.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
from _records import RESULTS, SEED, header, write
from PIL import Image

from fingerprint.edits import random_chain
from fingerprint.edits.second_shots import second_shots
from fingerprint.hashes import perceptual_hashes
from fingerprint.images.decode import read_rgb
from fingerprint.types import U8

N_EDITS = (1, 3)
N_OTHERS = 2  # photographs that an edit may paste
QUALITY = (75, 96)  # of the JPEG files
STRENGTH = (0.2, 0.8)  # of second shots
PHASH_DISTANCE, PDQ_DISTANCE = 8, 31
MOST_WRONG = 20

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in the folder: the source of each file, how each copy was made, and the pairs of second shots."""

    source: dict[str, str]
    edits: dict[str, str]
    shots: list[Pair]

    def right(self) -> set[Pair]:
        groups: dict[str, list[str]] = {}
        for name, source in self.source.items():
            groups.setdefault(source, []).append(name)
        return set(chain.from_iterable(combinations(sorted(names), 2) for names in groups.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and references/")
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=600)
    parser.add_argument("--shots", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="make the files in this new folder, and keep them")
    parser.add_argument("--result", type=Path, default=RESULTS / "dedupe.json")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dedupe-")))
        folder.mkdir(exist_ok=True)
        truth = make_folder(arguments.data, folder, arguments.photographs, arguments.copies, arguments.shots)
        half = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dedupe-")))
        for path in sorted(folder.iterdir())[::2]:
            shutil.copy(path, half)
        # first, as the peak is that of all commands so far
        cost_of_half = {"files": len(list(half.iterdir())), **dedupe(half)[1]}
        methods = {
            "dedupe": dedupe(folder),
            f"phash_{PHASH_DISTANCE}": by_hash(folder, truth, "phash", PHASH_DISTANCE),
            f"pdq_{PDQ_DISTANCE}": by_hash(folder, truth, "pdq", PDQ_DISTANCE),
        }
    result = {
        **header(arguments.data),
        "photographs": arguments.photographs,
        "copies": arguments.copies,
        "second_shots": arguments.shots,
        "files": len(truth.source),
        "pairs": len(truth.right()),
        **{name: {**judge(pairs, truth), **cost} for name, (pairs, cost) in methods.items()},
        "half": cost_of_half,
    }
    write(arguments.result, result)


def make_folder(data: Path, folder: Path, n_photographs: int, n_copies: int, n_shots: int) -> Truth:
    """Make the files, each from a seed of its own, so that a smaller set has the first files of a larger one."""
    photographs, others = photographs_of(data, n_photographs, N_OTHERS * n_copies)
    truth = Truth({}, {}, [])
    for k, path in enumerate(photographs):
        name = f"p{k:05d}.jpg"
        if k < n_shots:
            rng = np.random.default_rng([SEED, 1, k])
            shots = second_shots(read_rgb(path).pixels, rng, rng.uniform(*STRENGTH))
            second = f"s{k:05d}.jpg"
            save(folder / name, shots.first, rng)
            save(folder / second, shots.second, rng)
            truth.source[second] = second
            truth.shots.append((name, second))
        else:
            (folder / name).write_bytes(path.read_bytes())
        truth.source[name] = name
    for k in range(n_copies):
        rng = np.random.default_rng([SEED, 2, k])
        source = f"p{rng.integers(n_photographs):05d}.jpg"
        pasted = [read_rgb(path).pixels for path in others[N_OTHERS * k : N_OTHERS * (k + 1)]]
        copy = random_chain(read_rgb(folder / source).pixels, rng, pasted, N_EDITS)
        name = f"c{k:05d}.jpg"
        save(folder / name, copy.pixels, rng)
        truth.source[name] = source
        truth.edits[name] = " ".join(copy.names)
    return truth


def photographs_of(data: Path, wanted: int, n_others: int) -> tuple[list[Path], list[Path]]:
    """Return photographs of both folders by turns, and others that are not among them."""
    folders = [sorted((data / name).glob("*.jpg")) for name in ("train", "references")]
    mixed = [path for pair in zip(*folders, strict=False) for path in pair]
    rest = mixed[wanted:] + folders[1][len(folders[0]) :]
    if len(mixed) < wanted or len(rest) < n_others:
        sys.exit(f"{data} has too few photographs: {wanted + n_others} are needed, in equal parts of both folders")
    return mixed[:wanted], rest[:n_others]


def save(path: Path, pixels: U8, rng: np.random.Generator) -> None:
    Image.fromarray(pixels).save(path, quality=int(rng.integers(*QUALITY)))


def dedupe(folder: Path) -> tuple[set[Pair], dict[str, Any]]:
    """Run the command, and return the pairs in its groups, and what it took."""
    command = [sys.executable, "-m", "fingerprint", "dedupe", str(folder), "--json", "--quiet"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    pairs: set[Pair] = set()
    for line in map(json.loads, done.stdout.splitlines()):
        if "keeper" in line:
            names = sorted(Path(item["path"]).name for item in (line["keeper"], *line["members"]))
            pairs.update(combinations(names, 2))
    cost = {
        "seconds": round(seconds, 1),
        "core_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": round(after.ru_maxrss / 1024),
    }
    return pairs, cost


def by_hash(folder: Path, truth: Truth, algorithm: str, distance: int) -> tuple[set[Pair], dict[str, Any]]:
    """Return the pairs of files whose hashes are near, and the time that hashing and comparing took."""
    names = sorted(truth.source)
    begun, used = time.monotonic(), time.process_time()
    hashes = np.stack([bits_of(folder / name, algorithm) for name in names])
    pairs: set[Pair] = set()
    for k, own in enumerate(hashes[:-1]):
        near = np.bitwise_count(hashes[k + 1 :] ^ own).sum(axis=1) <= distance
        pairs.update((names[k], names[k + 1 + int(j)]) for j in np.flatnonzero(near))
    return pairs, {"seconds": round(time.monotonic() - begun, 1), "core_seconds": round(time.process_time() - used, 1)}


def bits_of(path: Path, algorithm: str) -> U8:
    if algorithm == "phash":
        with Image.open(path) as image:
            return np.packbits(imagehash.phash(image).hash)
    (found,) = perceptual_hashes(path, algorithms=("pdq",), exact=True)
    return np.frombuffer(bytes.fromhex(found.hex), np.uint8)


def judge(pairs: set[Pair], truth: Truth) -> dict[str, Any]:
    """Return precision, recall, how many second shots are apart, and what is wrong and missed."""
    right = truth.right()
    wrong, missed = sorted(pairs - right), sorted(right - pairs)
    together = sum(tuple(sorted(shot)) in pairs for shot in truth.shots)
    return {
        "precision": share(len(pairs & right), len(pairs)),
        "recall": share(len(pairs & right), len(right)),
        "pairs_found": len(pairs),
        "second_shots_apart": share(len(truth.shots) - together, len(truth.shots)),
        "second_shots_together": together,
        "wrong": [" ".join(pair) for pair in wrong[:MOST_WRONG]],
        "missed_by_edit": dict(edits_of(missed, truth).most_common()),
    }


def edits_of(pairs: Iterable[Pair], truth: Truth) -> Counter[str]:
    """Count the edits of the copies in some pairs."""
    return Counter(edit for pair in pairs for name in pair for edit in truth.edits.get(name, "").split())


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


if __name__ == "__main__":
    main()
