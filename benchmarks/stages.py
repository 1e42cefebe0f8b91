"""Time the stages of a query and of a reference on one core, beside plain SIFT at 512 pixels in the same run."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from fingerprint.config import DEFAULT_CONFIG, FeatureConfig
from fingerprint.describe import describe_query
from fingerprint.descriptor import compute_descriptor
from fingerprint.features import extract_features
from fingerprint.hashes import compute_hashes
from fingerprint.image import find_images, read_grey
from fingerprint.index import Store
from fingerprint.keypoints import make_keypoints
from fingerprint.models import load_models
from fingerprint.pipeline import create_collection, open_collection
from fingerprint.verify import verify
from fingerprint.version import __version__

ROOT = Path(__file__).parent.parent
Value = TypeVar("Value")
SIFT_512 = FeatureConfig(sides=(512,), n_keypoints=(500,), octave_share=1.0, contrast_threshold=0.04, edge_threshold=10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with queries/ and references/")
    parser.add_argument("--collection", type=Path, help="collection of the references, made if it is not there")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "stages.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.collection or Path(temporary) / "collection"
        if not folder.exists():
            with create_collection(folder) as collection:
                collection.add_files([arguments.data / "references"])
        with open_collection(folder) as collection:
            n_references = len(collection)
        result = run(find_images([arguments.data / "queries"])[0][: arguments.queries], folder)
    result |= {"copyprint": __version__, "opencv": cv2.__version__, "n_references": n_references}
    result["command"] = f"python benchmarks/stages.py --data {arguments.data}"
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def run(queries: list[Path], folder: Path) -> dict[str, object]:
    config, models = DEFAULT_CONFIG, load_models()
    spent: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, work: Callable[[], Value]) -> Value:
        start = time.perf_counter()
        value = work()
        spent[name].append((time.perf_counter() - start) * 1e3)
        return value

    with Store.open_existing(folder, models.model_id, config) as store:
        for number, path in enumerate(queries):
            if number == 3:  # kernels are compiled and files are mapped by now
                spent.clear()
            picture = timed("decode", lambda path=path: read_grey(path, at_least=config.decode_side))
            timed("SIFT, 512 px, 500 keypoints", lambda p=picture: extract_features(p, SIFT_512))
            parts = timed("keypoints, reference", lambda p=picture: extract_features(p, config.reference))
            timed("keypoints, query", lambda p=picture: extract_features(p, config.query))
            timed("hashes", lambda p=picture: compute_hashes(p.pixels))
            timed("descriptor", lambda f=parts[0]: compute_descriptor(f, models.descriptor))
            timed(
                "signatures",
                lambda f=parts[0], p=picture: make_keypoints(f, p.width, p.height, models.descriptor),
            )
            query = timed("describe_query, all of it", lambda path=path: describe_query(path, models, config))
            candidates = timed("candidates", lambda q=query: store.candidates(q))
            timed(
                "verification of all candidates",
                lambda q=query, c=candidates: [verify(q, reference, models, config.match) for _, reference in c],
            )
    median = {name: round(statistics.median(times), 2) for name, times in spent.items()}
    base = np.array(spent["SIFT, 512 px, 500 keypoints"])
    ratio = {name: round(float(np.median(np.array(times) / base)), 3) for name, times in spent.items()}
    return {"n_queries": len(queries) - 3, "median_ms": median, "ratio_to_sift": ratio}


if __name__ == "__main__":
    main()
