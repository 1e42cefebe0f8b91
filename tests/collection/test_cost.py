"""What one query may cost, however it was made: counted, not timed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerprint.collection.collection import create_collection
from fingerprint.config import PROFILES, config_for
from fingerprint.features import inverted_file
from fingerprint.features.describe import describe_query, describe_reference, read_picture
from fingerprint.features.local_features import extract_features
from fingerprint.features.sift import detect
from fingerprint.features.views import Likeliest, closer_views
from fingerprint.kernels.postings import vote_postings
from fingerprint.models import Models
from fingerprint.types import U8, VARIANTS, Picture

_Y, _X = np.mgrid[:900, :900]


def patterns() -> dict[str, U8]:
    """Textures with as many extrema as fit, and patterns all of whose keypoints are alike."""
    rng = np.random.default_rng(1)
    black_or_white = {
        "dots": (_X % 8 < 4) & (_Y % 8 < 4),
        "fine dots": (_X % 5 < 2) & (_Y % 5 < 2),
        "checks": (_X // 3 + _Y // 3) % 2 > 0,
        "grid": (_X % 30 < 2) | (_Y % 30 < 2),
        "nested": np.maximum(abs(_X - 450), abs(_Y - 450)) // 8 % 2 > 0,
        "rectangles": np.kron(rng.integers(0, 2, (45, 45)), np.ones((20, 20))) > 0,
    }
    return {
        **{name: (white * 255).astype(np.uint8) for name, white in black_or_white.items()},
        "noise": rng.integers(0, 256, (900, 900), dtype=np.uint8),
        "coarse noise": np.kron(rng.integers(0, 256, (225, 225), dtype=np.uint8), np.ones((4, 4), np.uint8)),
        "tall noise": rng.integers(0, 256, (65_000, 3), dtype=np.uint8),
    }


@pytest.fixture(scope="module", params=patterns().items(), ids=lambda item: item[0])
def pattern(request: pytest.FixtureRequest) -> U8:
    pixels: U8 = request.param[1]
    return pixels


@pytest.mark.parametrize("profile", PROFILES)
def test_describing_is_bounded_by_the_sides_not_by_the_picture(pattern: U8, profile: str, models: Models) -> None:
    config = config_for(profile)
    picture = Picture(pattern, pattern.shape[1], pattern.shape[0], "pattern")
    closer = config.closer
    described = [config.query, closer.inset, *((closer.whole,) if closer.whole else ())]
    for features in described:
        for part, side, n_keypoints in zip(
            extract_features(picture, features), features.sides, features.n_keypoints, strict=True
        ):
            assert max(part.width, part.height) <= side
            assert len(part) <= n_keypoints
    views = list(closer_views(read_picture(pattern, config), models, config, lambda: Likeliest(0.5, shared=False)))
    assert len(views) <= closer.relief + closer.n_insets + (closer.whole is not None) + len(closer.stretched)
    most = max(sum(features.n_keypoints) for features in described)
    for query in (describe_query(pattern, models, config), *(view.query for view in views)):
        assert len(query.variants) == len(VARIANTS) == 4
        assert all(len(variant) <= most for variant in query.variants)
        looked_up = 2 * most * config.match.n_words + 2 * config.match.n_inverted * config.match.n_words_inverted
        assert len(query.assignments.words) <= looked_up
    assert len(describe_reference(pattern, models, config).keypoints) <= sum(config.reference.n_keypoints)


def test_no_picture_has_more_extrema_than_a_ninth_of_its_pixels_in_each_layer(pattern: U8) -> None:
    """They are larger or smaller than all their neighbours, so no two of a kind touch; three layers, octaves of 4/3."""
    grey = pattern[:600, :600]
    assert len(detect(grey, 0, 0.005, 12.0)) <= 2 * 3 * (grey.size / 4) * 4 / 3


def test_searching_is_bounded_for_each_reference(tmp_path: Path, models: Models) -> None:
    """A collection of one pattern, and a query of it: everything matches everything."""
    grid = patterns()["grid"]
    shifted = [(str(i), np.roll(grid, (i % 5, i // 5), (0, 1))) for i in range(20)]
    config = config_for("standard")
    with create_collection(tmp_path / "patterns", models=models, config=config) as collection:
        collection.add_many(shifted)
        answer = collection.answer(np.roll(grid, 7, 1))
    looks = answer.counters["looks"]
    assert 1 <= looks <= 1 + config.closer.n_insets + config.closer.n_cells + len(config.closer.stretched)
    n_looked_up = (
        looks * 2 * 800 * config.match.n_words + looks * 2 * config.match.n_inverted * config.match.n_words_inverted
    )
    counters, caps = answer.counters, config.candidates
    assert 0 < counters["hits"] <= counters["postings_visited"] <= n_looked_up * 300 * len(shifted)
    assert counters["references_scored"] <= looks * len(VARIANTS) * len(shifted)
    assert counters["candidates"] <= looks * (caps.from_keypoints + caps.from_descriptor + caps.from_hashes)
    assert counters["pairs_aligned"] <= looks * (caps.n_verified + caps.n_verified_more + 2 + caps.from_hashes)


def test_the_vote_holds_a_bounded_number_of_hits(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for fewer hits than one query has here, the answer is the same."""
    grid = patterns()["grid"]
    with create_collection(tmp_path / "patterns", models=models) as collection:
        collection.add_many([(str(i), np.roll(grid, i, 0)) for i in range(8)])
        whole = collection.answer(grid)
        vote: Any = vote_postings
        held = 10_000
        assert whole.counters["hits"] > 8 * held
        monkeypatch.setattr(inverted_file, "vote_postings", lambda *arguments: vote(*arguments, held))
        parts = collection.answer(grid)
    assert dataclasses.replace(whole, milliseconds={}) == dataclasses.replace(parts, milliseconds={})
