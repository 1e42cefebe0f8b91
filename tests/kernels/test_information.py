"""What a hash is worth: the shortest description of its decided bits, against a slow one in Python."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fingerprint.kernels.information import by_a_line, by_other_cells, information
from fingerprint.types import U8

BIT = st.integers(0, 1)
GRIDS = st.sampled_from([8, 16]).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.uint8, (n, n), elements=BIT),
        hnp.arrays(np.uint8, (n, n), elements=BIT) | st.just(np.ones((n, n), np.uint8)),
    )
)


def charge(bits: list[int]) -> float:
    """Code bits one after the other, each by what was seen before, with half a count for what was not seen."""
    seen, length = [0.5, 0.5], 0.0
    for bit in bits:
        length -= math.log2(seen[bit] / sum(seen))
        seen[bit] += 1
    return length


def slow_by_other_cells(bits: U8, decided: U8) -> float:
    grid = bits.tolist()
    n = len(grid)

    def at(y: int, x: int) -> int:
        return int(grid[y][x]) if y >= 0 and 0 <= x < n else 0

    describe = [
        lambda y, x: (0, at(y, x)),
        lambda y, x: (at(y, x - 1), at(y, x)),
        lambda y, x: (at(y - 1, x), at(y, x)),
        lambda y, x: (at(y - 1, x - 1), at(y, x)),
        lambda y, x: (at(y - 1, x + 1), at(y, x)),
        lambda y, x: ((at(y, x - 1), at(y - 1, x)), at(y, x)),
        lambda y, x: (0, at(y, x) ^ at(y, x - 1) ^ at(y - 1, x) ^ at(y - 1, x - 1)),
        lambda y, x: (1, at(y, x) ^ at(y, 0) ^ at(0, x) ^ at(0, 0)) if y and x else (0, at(y, x)),
    ]
    lengths = []
    for one in describe:
        coded: dict[object, list[int]] = {}
        for y, x in product(range(n), repeat=2):
            if decided[y, x]:
                context, bit = one(y, x)
                coded.setdefault(context, []).append(bit)
        lengths.append(sum(map(charge, coded.values())))
    return min(lengths)


@given(GRIDS)
@settings(max_examples=60)
def test_descriptions_by_other_cells_are_charged_as_by_a_coder(grid: tuple[U8, U8]) -> None:
    assert by_other_cells(*grid) == pytest.approx(slow_by_other_cells(*grid), abs=1e-9)


@given(GRIDS)
@settings(max_examples=60)
def test_information_is_bounded_and_the_same_for_the_negative(grid: tuple[U8, U8]) -> None:
    bits, decided = grid
    known = information(bits, decided)
    assert 0 <= known <= decided.sum() + 0.5 * math.log2(bits.size) + 1.5  # as an adaptive coder promises
    assert by_a_line(1 - bits, decided) == pytest.approx(by_a_line(bits, decided))


def test_undecided_bits_do_not_count() -> None:
    rng = np.random.default_rng(2)
    bits, nothing = rng.integers(0, 2, (8, 8)).astype(np.uint8), np.zeros((8, 8), np.uint8)
    assert information(bits, nothing) == 0


@pytest.mark.parametrize("n", [8, 16])
def test_simple_pictures_take_few_bits_and_noise_takes_all(n: int) -> None:
    y, x = np.mgrid[:n, :n]
    whole = np.ones((n, n), np.uint8)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (-1, 2), (3, 1), (-4, 3), (1, 4)):
        line = dy * (y - n // 2) + dx * (x - n // 2)
        assert information((line > 0).astype(np.uint8), whole) < 19, (dy, dx)
    for simple in (x < 0, x % 2, y % 2, (x + y) % 2, (x // 2 + y // 2) % 2, (x < n / 2) ^ (y < n / 2)):
        assert information(simple.astype(np.uint8), whole) < 40
    rng = np.random.default_rng(3)
    for _ in range(20):
        assert information(rng.integers(0, 2, (n, n)).astype(np.uint8), whole) > 0.75 * n * n
