"""What mirroring and negating do to the bins of a local descriptor."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.models.reflections import KINDS, ORBITS, PERMUTATIONS, kind_basis
from fingerprint.types import VARIANTS


def test_variants_are_a_group_that_exclusive_or_multiplies() -> None:
    for a in range(len(VARIANTS)):
        for b in range(len(VARIANTS)):
            np.testing.assert_array_equal(PERMUTATIONS[a][PERMUTATIONS[b]], PERMUTATIONS[a ^ b])


def test_each_bin_is_in_one_orbit() -> None:
    assert sorted(ORBITS.ravel().tolist()) == list(range(128))
    for orbit in ORBITS:
        assert {tuple(sorted(PERMUTATIONS[:, member])) for member in orbit} == {tuple(sorted(orbit))}


def test_the_bases_together_are_orthonormal() -> None:
    every = np.concatenate([kind_basis(kind) for kind in range(len(KINDS))], axis=1)
    np.testing.assert_allclose(every.T @ every, np.eye(128), atol=1e-12)


@pytest.mark.parametrize("kind", range(4))
def test_a_variant_changes_the_sign_of_a_kind(kind: int) -> None:
    descriptor = np.random.default_rng(kind).random(128)
    for variant, permutation in enumerate(PERMUTATIONS):
        before, after = descriptor @ kind_basis(kind), descriptor[permutation] @ kind_basis(kind)
        np.testing.assert_allclose(after, KINDS[kind, variant] * before, atol=1e-12)
