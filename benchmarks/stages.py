"""Time the stages of a query, and of describing references, on one core and one thread.

The yardstick is plain OpenCV on the same pictures: SIFT with its default thresholds and at most 500 keypoints, on the
picture reduced to a longer side of 512 pixels where it is larger. It and our extraction both begin with the decoded
grey pixels, so reducing them to size counts for both. Every picture goes through all stages before the next one has
its turn, and yardstick and profiles take turns in going first, so that a ratio is of times from the same moment. The
first pictures warm up kernels and files, are not counted, and are searched for by the engine as well: the run stops if
that finds anything else than the stages that are timed here.

What is written is one object: variants, ids, ``n_references``, ``command``, and ``queries`` and ``references``, which
have

- ``n_pictures``: how many were timed;
- ``median_counts`` (of queries only): keypoints, candidates and candidates compared in full;
- ``stages``: for each stage, in order, ``median_ms`` and ``p95_ms`` over the pictures, and ``ratio``, the median over
  the pictures of the stage's time divided by the yardstick's.

Times are of the processor, so that other work on the machine counts less. The last stages are sums, picture by picture:
"extraction" is the keypoints of a query, "describing" is all that is computed of a picture alone, "beyond extraction"
is variants and signatures, words, cohort score, candidates, shortlist and verification, "whole query" is all that a
search does.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from _records import RESULTS, command_line, digest_of, write

from fingerprint.collection.collection import create_collection, open_collection
from fingerprint.config import Config, FeatureConfig, config_for
from fingerprint.features.colour_grid import QUERY_SIDE, REFERENCE_SIDE, make_colour_grid
from fingerprint.features.describe import _as_reference, _without_repeats
from fingerprint.features.descriptor import compute_descriptor
from fingerprint.features.global_cues import make_cue_thumbnail
from fingerprint.features.inverted_file import measure_cohort_score
from fingerprint.features.local_features import extract_features, merge_features
from fingerprint.features.signatures import make_keypoints, make_variants, unsigned_keypoints
from fingerprint.features.thumbnail import is_flat, make_pyramid, make_thumbnail
from fingerprint.features.vocabulary import assign_words
from fingerprint.hashes import compute_hashes, compute_mirrored_hashes
from fingerprint.images.decode import luma_of, read_planes
from fingerprint.images.find import find_images
from fingerprint.images.identity import content_digest, pixel_digest
from fingerprint.index import Reader
from fingerprint.index.shortlist import voted
from fingerprint.models import Models, load_models
from fingerprint.types import U8, Identity, Keypoints, LocalFeatures, Picture, Query
from fingerprint.verify.verification import verify
from fingerprint.version import __version__

SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
N_WARM = 3  # pictures that are not counted
YARDSTICK = "SIFT, 512 px, 500 keypoints"
REFERENCE = "keypoints, reference profile"
QUERY = "keypoints, query profile"
BEYOND = ("variants and signatures", "words", "cohort score", "candidates", "shortlist", "verification")
DESCRIBING = ("digests", "decode", QUERY, "hashes", "compact descriptor", "pyramid of pixels", "colours", *BEYOND[:3])
SUMS = {
    "extraction": (QUERY,),
    "describing": DESCRIBING,
    "beyond extraction": BEYOND,
    "whole query": (*DESCRIBING, "the same picture", *BEYOND[3:]),
}
REFERENCE_SUMS = {
    "describing": ("digests", "decode", REFERENCE, "hashes", "compact descriptor", "signatures", "thumbnail", "colours")
}
Value = TypeVar("Value")


class Clock:
    """Runs pieces of work and keeps the milliseconds that each took, by its name."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(list)
        self.counts: dict[str, list[int]] = defaultdict(list)

    def __call__(self, name: str, work: Callable[[], Value]) -> Value:
        start = time.process_time()
        value = work()
        self.spent[name].append((time.process_time() - start) * 1e3)
        return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with queries/ and references/")
    parser.add_argument("--collection", type=Path, help="collection of the references, made if it is not there")
    parser.add_argument("--queries", type=int, default=80, help="queries, and references, that are timed")
    parser.add_argument("--models", type=Path, help="folder with the models; those of the package by default")
    parser.add_argument("--out", type=Path, default=RESULTS / "stages.json")
    arguments = parser.parse_args()
    if arguments.queries < 1:
        parser.error("--queries must be 1 or more")
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.collection or Path(temporary) / "collection"
        if not folder.exists():
            with create_collection(folder, models=load_models(arguments.models)) as collection:
                collection.add_files([arguments.data / "references"])
        os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
        # numpy reads these when it is imported, hence the new process
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            measured = pool.submit(measure, arguments.data, folder, arguments.queries, arguments.models).result()
    result = {
        "copyprint": __version__,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, one core",
        "command": command_line(),
        "data_digest": digest_of(arguments.data),
        **measured,
    }
    print_result(result)
    write(arguments.out, result, show=False)


def measure(data: Path, folder: Path, n_pictures: int, models_folder: Path | None) -> dict[str, Any]:
    """Time everything; to be called in a process of its own with `SINGLE_THREADED` set."""
    cv2.setNumThreads(1)
    config, models = config_for("fast"), load_models(models_folder)  # one look
    queries, references = (find_images([data / name])[0] for name in ("queries", "references"))
    with Reader.open(folder, models, config) as reader:
        for path in queries[:N_WARM]:
            check(path, folder, time_query(path, 0, reader, models, config, Clock()), models, config)
        clock = Clock()
        for turn, path in enumerate(spread(queries, n_pictures)):
            time_query(path, turn, reader, models, config, clock)
        n_references = len(reader)
    for path in references[:N_WARM]:
        time_reference(path, 0, models, config, Clock())
    reference_clock = Clock()
    for turn, path in enumerate(spread(references, n_pictures)):
        time_reference(path, turn, models, config, reference_clock)
    return {
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "n_references": n_references,
        "queries": summary(clock, SUMS),
        "references": summary(reference_clock, REFERENCE_SUMS),
    }


def time_query(
    path: Path, turn: int, reader: Reader, models: Models, config: Config, timed: Clock
) -> list[tuple[str, float]]:
    """Do what `Collection.search` does, stage by stage, and return the ids and scores that it found."""
    planes, identity = time_reading(path, config, timed)
    picture = luma_of(planes)
    parts = time_extraction(picture, {REFERENCE: config.reference, QUERY: config.query}, turn, timed)[QUERY]
    hashes = timed("hashes", lambda: compute_mirrored_hashes(picture.pixels))
    descriptor = timed(
        "compact descriptor",
        lambda: compute_descriptor(
            _as_reference(parts[0], config.reference), make_cue_thumbnail(planes.pixels), models.descriptor
        ),
    )
    pixels = timed("pyramid of pixels", lambda: make_pyramid(picture.pixels))
    colours = timed("colours", lambda: make_colour_grid(make_cue_thumbnail(planes.pixels), QUERY_SIDE))
    variants = timed("variants and signatures", lambda: all_variants(parts, picture, models))
    assignments = timed("words", lambda: assign_words(variants, models.vocabulary, config.match))
    cohort_score = timed("cohort score", lambda: measure_cohort_score(assignments, models, config.match))
    query = Query(
        name=str(path),
        hashes=np.concatenate([hashes, ~hashes]),
        variants=variants,
        assignments=assignments,
        cohort_score=cohort_score,
        pixels=pixels,
        colours=colours,
        flat=is_flat(pixels[0]),
        descriptor=descriptor,
        model_id=models.model_id,
        identity=identity,
    )
    same = timed("the same picture", lambda: reader.known_identical(query.identity, config.results))
    known, part = {name for name, _ in same}, reader.whole()
    candidates = timed("candidates", lambda: reader.select_candidates(query)[0])
    others = [candidate for candidate in candidates if candidate.reference_id not in known]
    votes, ranks = timed("shortlist", lambda: voted(query, others, config))
    chosen = [others[rank] for rank in ranks]
    loads = [
        *((partial(part.fingerprint, name, identity), None) for name, identity in same),
        *((others[rank].load, votes[rank]) for rank in ranks),
    ]
    outcomes = timed(
        "verification", lambda: [verify(query, load(), models, config.match, None, own) for load, own in loads]
    )
    timed.counts["keypoints"].append(len(query.plain))
    timed.counts["candidates"].append(len(candidates))
    timed.counts["compared in full"].append(len(loads))
    names = [*(name for name, _ in same), *(c.reference_id for c in chosen)]
    found = [(name, outcome.log_odds) for name, outcome in zip(names, outcomes, strict=True)]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def time_reference(path: Path, turn: int, models: Models, config: Config, timed: Clock) -> None:
    """Do what `describe_reference` does, stage by stage."""
    planes, _ = time_reading(path, config, timed)
    picture = luma_of(planes)
    parts = time_extraction(picture, {REFERENCE: config.reference}, turn, timed)[REFERENCE]
    timed("hashes", lambda: compute_hashes(picture.pixels))
    merged = merge_features(parts)
    timed("signatures", lambda: make_keypoints(merged, picture.width, picture.height, models.descriptor))
    timed(
        "compact descriptor",
        lambda: compute_descriptor(parts[0], make_cue_thumbnail(planes.pixels), models.descriptor),
    )
    timed("thumbnail", lambda: make_thumbnail(picture.pixels))
    timed("colours", lambda: make_colour_grid(make_cue_thumbnail(planes.pixels), REFERENCE_SIDE))


def time_reading(path: Path, config: Config, timed: Clock) -> tuple[Picture, Identity]:
    """Read a picture and make its digests."""
    data = path.read_bytes()
    planes = timed("decode", lambda: read_planes(data, at_least=config.decode_side))
    digests = timed("digests", lambda: (content_digest(data), pixel_digest(planes)))
    return planes, Identity(*digests)


def time_extraction(
    picture: Picture, profiles: Mapping[str, FeatureConfig], turn: int, timed: Clock
) -> dict[str, tuple[LocalFeatures, ...]]:
    """Time the yardstick and our profiles on one picture; who goes first changes with `turn`."""
    parts = {}
    names = [YARDSTICK, *profiles]
    first = turn % len(names)
    for name in names[first:] + names[:first]:
        if name == YARDSTICK:
            timed(name, lambda: yardstick(picture.pixels))
        else:
            parts[name] = timed(name, partial(extract_features, picture, profiles[name]))
    return parts


def yardstick(grey: U8) -> int:
    """Extract keypoints as one would with OpenCV alone, and return how many there are."""
    height, width = grey.shape
    factor = 512 / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return len(cv2.SIFT.create(nfeatures=500).detectAndCompute(grey, None)[0])


def all_variants(parts: tuple[LocalFeatures, ...], picture: Picture, models: Models) -> tuple[Keypoints, ...]:
    merged = merge_features(_without_repeats(parts))
    return make_variants(unsigned_keypoints(merged, picture.width, picture.height), models.descriptor)


def check(path: Path, folder: Path, found: list[tuple[str, float]], models: Models, config: Config) -> None:
    """Stop if the stages do not add up to what a search does."""
    with open_collection(folder, models=models, config=config) as collection:
        expected = [(match.reference_id, match.score) for match in collection.search(path, n_results=len(found) + 1)]
    same_ids = [image_id for image_id, _ in found] == [image_id for image_id, _ in expected]
    if not same_ids or not np.allclose([score for _, score in found], [score for _, score in expected], atol=1e-6):
        raise SystemExit(f"{path}: the stages found {found[:3]}, a search {expected[:3]}; bring {__file__} up to date")


def spread(paths: Sequence[Path], n: int) -> list[Path]:
    """Return `n` of the paths at even distances, or all if they are fewer."""
    return [paths[i * len(paths) // n] for i in range(n)] if n < len(paths) else list(paths)


def summary(clock: Clock, sums: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    times = {name: np.array(spent) for name, spent in clock.spent.items()}
    times = {YARDSTICK: times.pop(YARDSTICK)} | times
    times |= {name: np.sum([times[stage] for stage in stages], axis=0) for name, stages in sums.items()}
    counts = {name: int(np.median(values)) for name, values in clock.counts.items()}
    return {
        "n_pictures": len(times[YARDSTICK]),
        **({"median_counts": counts} if counts else {}),
        "stages": {
            name: {
                "median_ms": round(float(np.median(spent)), 2),
                "p95_ms": round(float(np.percentile(spent, 95)), 2),
                "ratio": round(float(np.median(spent / times[YARDSTICK])), 3),
            }
            for name, spent in times.items()
        },
    }


def print_result(result: Mapping[str, Any]) -> None:
    for name in ("queries", "references"):
        part = result[name]
        counts = "".join(f", {count} {what}" for what, count in part.get("median_counts", {}).items())
        print(f"{part['n_pictures']} {name}, {result['n_references']} references in the collection{counts}")
        print(f"  {'stage':30s} {'median ms':>10s} {'p95 ms':>10s} {'ratio':>8s}")
        for stage, row in part["stages"].items():
            print(f"  {stage:30s} {row['median_ms']:10.2f} {row['p95_ms']:10.2f} {row['ratio']:8.3f}")


if __name__ == "__main__":
    main()
