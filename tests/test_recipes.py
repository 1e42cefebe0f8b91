"""Recipes are judged as the Descriptor Track is, also with several views of a query."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fingerprint.challenge import DescriptorSet, GroundTruth, evaluate_descriptors

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TRUTH = np.where(np.arange(30) < 18, np.arange(30), -1)


@pytest.fixture(scope="module")
def judging() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("_recipes.judging")


@pytest.fixture
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Queries and references; a query is the more like its source, the lower its row."""
    rng = np.random.default_rng(5)
    references = rng.standard_normal((40, 6)).astype(np.float32)
    noise = rng.standard_normal((30, 6)) * np.linspace(0.1, 1.5, 30)[:, None]
    return (references[:30] + noise).astype(np.float32), references


def by_track(queries: np.ndarray, references: np.ndarray) -> dict[str, float]:
    query_ids, reference_ids = (tuple(f"{kind}{row}" for row in range(n)) for kind, n in (("Q", 30), ("R", 40)))
    pairs = tuple((f"Q{row}", f"R{row}") for row in range(18))
    found = evaluate_descriptors(
        DescriptorSet(queries, references, query_ids, reference_ids), GroundTruth(pairs, query_ids[18:])
    )
    names = ("micro_ap", "recall_at_p90", "recall_at_1")
    return {name: round(getattr(found, name), 4) for name in names}


def test_one_view_is_judged_as_the_descriptor_track_is(
    judging: ModuleType, vectors: tuple[np.ndarray, np.ndarray]
) -> None:
    queries, references = vectors
    figures = judging.judge((queries,), references, TRUTH)
    assert figures == by_track(queries, references)
    assert 0.3 < figures["micro_ap"] < 0.95


def test_the_nearest_view_of_a_query_counts(judging: ModuleType, vectors: tuple[np.ndarray, np.ndarray]) -> None:
    queries, references = vectors
    far = queries + 50
    seen = [np.where(np.arange(30)[:, None] % 2 == half, queries, far) for half in (0, 1)]
    assert judging.judge(tuple(seen), references, TRUTH) == by_track(queries, references)
    twice = judging.judge((queries, queries), references, TRUTH)
    assert twice == by_track(queries, references)
