"""What the compact descriptor costs and keeps: time an image, bytes, and the loss of its form in 8 bits.

Times are CPU milliseconds of one thread, medians over pictures; the keypoints of a reference, which the descriptor
shares with everything else, are a row of their own. ``DATA`` is a challenge-shaped folder; descriptors come from
``fingerprint challenge describe``, made again unless ``--descriptors`` names its file.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, command_line, digest_of, write

from fingerprint.challenge import evaluate_descriptors, read_descriptors, read_ground_truth
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.features.describe import compact_descriptor
from fingerprint.features.descriptor import compute_vlad, embed, join_views, pack_descriptors, unpack_descriptors
from fingerprint.features.global_cues import compute_colours, compute_gist, make_cue_thumbnail
from fingerprint.features.insets import find_insets
from fingerprint.features.local_features import extract_features
from fingerprint.images.decode import read_planes
from fingerprint.images.find import find_images
from fingerprint.models import load_models
from fingerprint.version import __version__

MILLION = 1_000_000
N_WARM = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--descriptors", type=Path, help="file of `fingerprint challenge describe`")
    parser.add_argument("--count", type=int, default=150, help="pictures of each role that are timed")
    parser.add_argument("--out", type=Path, default=RESULTS / "descriptor.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.descriptors or describe(arguments.data, Path(folder))
        quality = judge(path, arguments.data / "ground_truth.csv")
    models = load_models()
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": command_line(),
        "data_digest": digest_of(arguments.data),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "copyprint": __version__,
        "model_id": models.model_id,
        "cores": os.cpu_count(),
        "quality": quality,
        "ms": measure(arguments.data, arguments.count),
        "gb_of_a_million": {
            "float32": MILLION * models.descriptor.dimension * 4 / 1e9,
            "int8": MILLION * models.descriptor.dimension / 1e9,
        },
    }
    write(arguments.out, result)


def describe(data: Path, folder: Path) -> Path:
    out = folder / "descriptors.h5"
    folders = ["--queries", str(data / "queries"), "--references", str(data / "references")]
    subprocess.run(
        [sys.executable, "-m", "fingerprint", "challenge", "describe", *folders, "--out", str(out)], check=True
    )
    return out


def judge(path: Path, truth: Path) -> dict[str, Any]:
    """Judge the descriptors as they are and packed: both sides, and the references alone."""
    whole, truth_pairs = read_descriptors(path), read_ground_truth(truth)
    query, reference = (unpack_descriptors(pack_descriptors(v)) for v in (whole.query, whole.reference))
    forms = {
        "float32": whole,
        "int8 references": replace(whole, reference=reference),
        "int8": replace(whole, query=query, reference=reference),
    }
    judged = {}
    for name, form in forms.items():
        metrics = evaluate_descriptors(form, truth_pairs)
        judged[name] = {
            "micro_average_precision": metrics.micro_ap,
            "recall_at_p90": metrics.recall_at_p90,
            "recall_at_1": metrics.recall_at_1,
        }
    cut = float((np.abs(whole.reference) > 127.5 * 0.5 / 127).mean())
    return {"judged": judged, "part_of_numbers_cut_off": cut}


def measure(data: Path, count: int) -> dict[str, dict[str, float]]:
    """Time every part for references and for queries."""
    models, config = load_models(), DEFAULT_CONFIG
    model = models.descriptor
    times: dict[str, dict[str, list[float]]] = {"references": {}, "queries": {}}
    for role in times:
        paths = find_images([data / role])[0]
        chosen = paths[:: max(1, len(paths) // count)][:count]
        for turn, path in enumerate(chosen[:N_WARM] + chosen):
            planes = read_planes(path, at_least=config.decode_side)
            luma = replace(planes, pixels=np.ascontiguousarray(planes.pixels[..., 0]))
            spent: dict[str, float] = {}

            def timed(name: str, work: Callable[[], Any], spent: dict[str, float] = spent) -> Any:
                begun = time.thread_time()
                made = work()
                spent[name] = spent.get(name, 0.0) + (time.thread_time() - begun) * 1e3
                return made

            features = timed("keypoints", lambda luma=luma: extract_features(luma, config.reference)[0])
            vlad = timed("VLAD", lambda features=features: compute_vlad(features, model))
            thumbnail = timed("thumbnail", lambda planes=planes: make_cue_thumbnail(planes.pixels))
            gist = timed("GIST", lambda thumbnail=thumbnail: compute_gist(thumbnail))
            colours = timed("colours", lambda thumbnail=thumbnail: compute_colours(thumbnail))
            cues = (vlad, gist, colours)
            timed(
                "projection and background normalisation",
                lambda cues=cues: join_views([(1.0, embed(cues, model))], model),
            )
            spent["descriptor beyond keypoints"] = sum(spent.values()) - spent["keypoints"]
            if role == "queries":
                timed("search for insets", lambda luma=luma: find_insets(luma.pixels, models.insets))
            timed(
                "all from the file",
                lambda path=path, role=role: compact_descriptor(path, models, as_query=role == "queries"),
            )
            if turn >= N_WARM:
                for name, value in spent.items():
                    times[role].setdefault(name, []).append(value)
    return {
        role: {name: round(statistics.median(values), 2) for name, values in rows.items()}
        for role, rows in times.items()
    }


if __name__ == "__main__":
    main()
