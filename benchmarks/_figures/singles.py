"""Single figures: each by its name, with the file and the keys that it comes from and how it is rounded.

A page has one as ``<!--f:NAME-->0.959<!--/f-->``.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _figures.results import Results


@dataclass(frozen=True)
class Figure:
    """Where a number comes from, and how it is written."""

    form: str
    read: Callable[[Results], float]

    def text(self, results: Results) -> str:
        """Return the figure as pages have it."""
        return format(self.read(results), self.form)


def of(form: str, file: str, *keys: str | int, scale: float = 1.0, step: float = 0.0) -> Figure:
    """Return the figure at some keys of a file, times `scale`, rounded to a multiple of `step` if there is one."""

    def read(results: Results) -> float:
        found: Any = results[file]
        for key in keys:
            found = found[key]
        value = float(found) * scale
        return round(value / step) * step if step else value

    return Figure(form, read)


def _gain(form: str, better: str, worse: str) -> Figure:
    """Return how much one recipe is better than another on the training images that were left out."""
    return Figure(
        form,
        lambda r: abs(r[f"recipes/{better}"]["dev"]["micro_ap"] - r[f"recipes/{worse}"]["dev"]["micro_ap"]),
    )


def _keypoints(part: dict[str, Any]) -> float:
    """Return how many keypoints a reference has: signatures and frames take 24 bytes each."""
    return float(part["bytes"]["signatures and frames"]) / part["references"] / 24


def _local_bytes(results: Results) -> float:
    """Return what the local descriptors of a reference take, 128 bytes a keypoint."""
    return 128 * float(results["storage"]["keypoints"])


def _held_bytes(results: Results) -> float:
    """Return what a reference takes before it is written: frames and the compact descriptor are float32, not packed."""
    found = results["storage"]
    packed = found["bytes_a_reference"]
    frames = _FRAME_BYTES * float(found["keypoints"])
    unpacked = frames - packed["frames"] + 3 * _DIMENSIONS
    return float(packed["all"] + unpacked) + _local_bytes(results)


def _core_seconds_to_describe(results: Results) -> float:
    return float(results["stages"]["references"]["stages"]["describing"]["median_ms"]) / 1e3


def _disc21_hours(results: Results) -> dict[str, float]:
    """Return what 50,000 queries and a million references take on the 2 cores of our runs, in hours."""
    grown, seconds = results["scale"]["grown"].values(), results["challenge_set"]["seconds"]
    sizes = results["bench"]["set"]
    references = 1e6 * _core_seconds_to_describe(results) / 2
    described = seconds["challenge describe"] - sizes["references"] * references / 1e6
    return {
        "references": (references + sum(part["seconds_in_additions"] for part in grown)) / 3600,
        "search": 50_000 * results["scale"]["measured"]["1000000"]["batch_ms_a_query"] / 1000 / 3600,
        "descriptors": 50_000 * described / sizes["queries"] / 3600,
    }


def _row(results: Results, method: str, row: str) -> dict[str, Any]:
    """Return a row of the bench."""
    return next(one for one in results["bench"]["rows"] if (one["method"], one["row"]) == (method, row))


def _added(results: Results, key: str) -> float:
    grown = results["scale"]["grown"]["1000000"]
    number = (grown["to"] - grown["from"]) / 1000
    return {
        "number": number,
        "mean": grown["seconds_in_additions"] / number,
        "longest": grown["longest_addition"],
    }[key]


def _own_memory(results: Results, job: str) -> float:
    """Return the MB of memory of a worker that are its own, after a job."""
    return float(max(found.get("own_mb", 0.0) for found in results["scaleout_ways"]["jobs"][job].values()))


_MATCH = ("challenge_set", "matching_track")
_CALIBRATION = ("challenge_set", "calibration")
_QUERY = ("stages", "queries", "stages")
_MILLION = ("scale", "measured", "1000000")
_FOUND = (*_MILLION, "found")
_RANDOM = ("hamming", "sets", "random, 64 bits")
_FRAME_BYTES = 20  # of a keypoint in memory: five float32
_DIMENSIONS = 256


def _times_of_fast(profile: str) -> Figure:
    """Return how many times as long as a single look at each query another profile takes."""

    def times(results: Results) -> float:
        seconds = results["challenge_set"]["seconds"]
        return float(seconds[f"challenge match, {profile}"] / seconds["challenge match, fast"])

    return Figure(".1f", times)


FIGURES: dict[str, Figure] = {
    # the challenge-shaped set
    "set.references": of(",.0f", "bench", "set", "references"),
    "set.queries": of(",.0f", "bench", "set", "queries"),
    "set.copies": of(",.0f", "bench", "set", "copies"),
    "match.fast.micro_ap": of(".3f", *_MATCH, "fast", "micro_ap"),
    "match.standard.micro_ap": of(".3f", *_MATCH, "standard", "micro_ap"),
    "match.thorough.micro_ap": of(".3f", *_MATCH, "thorough", "micro_ap"),
    "match.standard.times": _times_of_fast("standard"),
    "match.thorough.times": _times_of_fast("thorough"),
    "calibration.all.error": of(".4f", *_CALIBRATION, "all_rows", "expected_calibration_error"),
    "calibration.first.error": of(".4f", *_CALIBRATION, "top_rows", "expected_calibration_error"),
    "calibration.first.chance": of(".4f", *_CALIBRATION, "top_rows", "error_by_chance", "mean"),
    "calibration.first.worst": of(".4f", *_CALIBRATION, "top_rows", "error_by_chance", "worst_of_twenty"),
    "calibration.first.brier": of(".4f", *_CALIBRATION, "top_rows", "brier_score"),
    "describe.micro_ap": of(".3f", "challenge_set", "descriptor_track", "micro_ap"),
    # a query and a reference, stage by stage
    "stages.references": of(",.0f", "stages", "n_references"),
    "stages.queries": of(".0f", "stages", "queries", "n_pictures"),
    "stages.pictures": of(".0f", "stages", "references", "n_pictures"),
    "stages.yardstick": of(".0f", *_QUERY, "SIFT, 512 px, 500 keypoints", "median_ms"),
    "stages.keypoints": of(".0f", *_QUERY, "keypoints, query profile", "median_ms"),
    "stages.beyond": of(".0f", *_QUERY, "beyond extraction", "median_ms"),
    "stages.query": of(".0f", *_QUERY, "whole query", "median_ms"),
    "sift.doubled": of(".2f", "sift", "ratio_to_opencv_300", "ours, 300 px, doubled, 300 keypoints"),
    "sift.plain": of(".2f", "sift", "ratio_to_yardstick", "ours, 512 px, 500 keypoints"),
    # the compact descriptor
    "descriptor.query": of(".0f", "descriptor", "ms", "queries", "all from the file"),
    "descriptor.reference": of(".0f", "descriptor", "ms", "references", "all from the file"),
    "descriptor.query.times": Figure(
        ".0f",
        lambda r: (
            r["descriptor"]["ms"]["queries"]["all from the file"]
            / r["descriptor"]["ms"]["references"]["all from the file"]
        ),
    ),
    "descriptor.million": of(".0f", "descriptor", "gb_of_a_million", "float32"),
    "exact.memory": of(".1f", "exact_search", "peak_memory", "all, bytes", scale=1e-9),
    "annoy.code_bytes": Figure(".0f", lambda r: next(iter(r["annoy_search"]["compact"].values()))["dimensions"] / 8),
    # a collection, and a large one
    "reference.kb": of(".0f", "storage", "bytes_a_reference", "all", scale=1e-3),
    "reference.local_kb": Figure(".0f", lambda r: _local_bytes(r) / 1e3),
    "reference.held_kb": Figure(".0f", lambda r: _held_bytes(r) / 1e3),
    "reference.describe_ms": Figure(".0f", lambda r: _core_seconds_to_describe(r) * 1e3),
    "million.describe_hours": Figure(".1f", lambda r: _core_seconds_to_describe(r) * 1e6 / 3600),
    "million.query": of(".0f", *_MILLION, "ms", "all", "p50"),
    "peer.sscd": Figure(".3f", lambda r: _row(r, "sscd", "normalised")["micro_ap"]),
    "disc21.references": Figure(".1f", lambda r: _disc21_hours(r)["references"]),
    "disc21.search": Figure(".1f", lambda r: _disc21_hours(r)["search"]),
    "disc21.descriptors": Figure(".1f", lambda r: _disc21_hours(r)["descriptors"]),
    "million.growth": of(".1f", "scale", "targets", "growth_all_p50"),
    "million.first": of(".0f", *_FOUND, "source_first"),
    "million.asked": of(".0f", *_FOUND, "queries_with_source"),
    "million.disk": of(".0f", *_MILLION, "bytes", "total", scale=1e-9),
    "million.open": of(".2f", *_MILLION, "open_seconds", "cold"),
    "million.words": of(".1f", *_MILLION, "bytes", "inverted file", scale=1e-9),
    "million.keypoints": Figure(".0f", lambda r: _keypoints(r["scale"]["measured"]["1000000"])),
    "million.add": Figure(".1f", lambda r: statistics.median(r["scale"]["added"]["seconds_for_1000"])),
    "million.additions": Figure(".0f", lambda r: _added(r, "number")),
    "million.addition": Figure(".1f", lambda r: _added(r, "mean")),
    "million.longest": Figure(".0f", lambda r: _added(r, "longest")),
    "million.compact_minutes": of(".1f", "scale", "compacted", "seconds", scale=1 / 60),
    "million.compact_segments": of(".0f", "scale", "compacted", "segments_before"),
    "million.check": of(".0f", "scale", "compacted", "seconds_check"),
    "million.two": of(".1f", "scale", "two_processes", "resident_of_both", scale=1e-9),
    "million.one": Figure(".1f", lambda r: max(r["scale"]["two_processes"]["resident_of_each"]) / 1e9),
    "small.first": of(".0f", "scale", "small", "found", "source_first"),
    # clusters
    "scaleout.add.own": Figure(".0f", lambda r: _own_memory(r, "index add")),
    "scaleout.search.own": Figure(".0f", lambda r: _own_memory(r, "search")),
    "scaleout.load": Figure(
        ".0f", lambda r: max(r["scaleout_ways"][k] for k in ("load_average", "load_average_at_end"))
    ),
    "scaleout.mapped": of(".1f", "scaleout_simulation", "costs", "mapped_bytes", scale=1e-3),
    "scaleout.part": of(",.0f", "scaleout_simulation", "latency", "part_references", step=10_000),
    # perceptual hashes, and search among them
    "hash.decode.least": Figure(".2f", lambda r: min(f["ratio to decode 1/8"] for f in r["hashing"]["files"].values())),
    "hash.decode.most": Figure(".2f", lambda r: max(f["ratio to decode 1/8"] for f in r["hashing"]["files"].values())),
    "hash.imagehash.least": Figure(
        ".1f", lambda r: min(f["times faster than imagehash.phash"] for f in r["hashing"]["files"].values())
    ),
    "hash.imagehash.most": Figure(
        ".1f", lambda r: max(f["times faster than imagehash.phash"] for f in r["hashing"]["files"].values())
    ),
    "hash.pdqhash.least": Figure(".1f", lambda r: min(f["times faster"] for f in r["hashing"]["pdq"].values())),
    "hash.pdqhash.most": Figure(".1f", lambda r: max(f["times faster"] for f in r["hashing"]["pdq"].values())),
    "hash.quality.agree": of(".0f", "hashing", "quality", "on the same side", scale=100),
    "hash.pairs": of(".1f", "hashing", "pairs", "phash", "pairs", scale=1e-6),
    "hamming.radius": of(",.0f", *_RANDOM, "queries_per_second", "radius 7, batch", step=1000),
    "hamming.radius.times": of(".0f", *_RANDOM, "ratios", "radius 7, batch, to the best MultiHash"),
    "hamming.nearest": of(",.0f", *_RANDOM, "queries_per_second", "k=10, batch", step=100),
    "hamming.nearest.times": of(".1f", *_RANDOM, "ratios", "k=10, batch, to Flat"),
    "hamming.radius.single.times": of(".1f", *_RANDOM, "ratios", "radius 7, one by one, to the best MultiHash"),
    "hamming.nearest.single.times": of(".1f", *_RANDOM, "ratios", "k=10, one by one, to Flat"),
    "hamming.skew.least": Figure(
        ".0f", lambda r: min(r["hamming"]["sets"]["dHash"]["buckets"]["of_a_stored_code_over_even"])
    ),
    "hamming.skew.most": Figure(
        ".0f", lambda r: max(r["hamming"]["sets"]["dHash"]["buckets"]["of_a_stored_code_over_even"])
    ),
    # the shipped models
    "models.images": of(",.0f", "models", "n_images"),
    "models.copies": Figure(",.0f", lambda r: r["models"]["n_images"] * r["models"]["n_edited_copies"]),
    "models.copies_each": of(".0f", "models", "n_edited_copies"),
    "models.insets": of(",.0f", "models", "n_inset_views"),
    "models.queries": of(",.0f", "models", "n_calibration_queries"),
    "models.pairs": of(",.0f", "models", "n_calibration_pairs"),
    "models.matches": of(",.0f", "models", "n_calibration_copies"),
    "models.shared": of(",.0f", "models", "n_calibration_shared"),
    "models.second_looks": of(",.0f", "models", "n_second_looks"),
    "models.size": of(".1f", "models", "bytes", scale=1e-6),
    # what parts of the compact descriptor are worth
    "recipes.root": _gain(".2f", "vlad64", "vlad64-power1"),
    "recipes.size": _gain(".2f", "vlad64-sized", "vlad64"),
    "recipes.mirror": _gain(".2f", "vlad64", "vlad64-unmirrored"),
    "recipes.agreement": _gain(".2f", "vlad64-agreement512", "vlad64-whitened"),
    "recipes.copies": _gain(".3f", "vlad64-agreement512", "vlad64-copies1"),
    "recipes.codebooks": _gain(".2f", "vlad32x4", "vlad64"),
    "recipes.codebooks.sized": _gain(".2f", "vlad32x4-sized-power0.4", "vlad64-sized-power0.4"),
    "recipes.codebooks.all": _gain(".3f", "insets-whole0.4", "insets-one-codebook"),
    "recipes.more_words": _gain(".2f", "vlad64", "vlad256"),
    "recipes.cues": _gain(".2f", "late", "vlad32x4-sized-power0.4"),
    "recipes.insets": _gain(".2f", "insets-whole0.4", "whole"),
    "recipes.sides": _gain(".3f", "insets-sides", "insets-whole0.4"),
}

_PLACE = re.compile(r"\{([\w.]+)\}")


def insert_figures(text: str, results: Results) -> str:
    """Return a text with ``{NAME}`` replaced by the figure of that name."""
    return _PLACE.sub(lambda found: FIGURES[found[1]].text(results), text)
