"""The part of a reference that agrees, against a search through all rectangles, and on pieces with a known border."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from fingerprint.kernels.cells import CELL, compare_cells
from fingerprint.kernels.overlap import MEASURES, summarise_cells
from fingerprint.kernels.piece import PIECE_MEASURES, SLOT_MEASURES, best_rectangle, measure_piece_and_slot
from fingerprint.types import F64, U8, Bool

SIDE = 192


def scene(seed: int) -> U8:
    """Return a picture with texture at several scales."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.normal(0, 40, (n, n)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for n in (6, 24, 64)]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


def measured(query: U8, reference: U8, shared: Bool | None = None) -> tuple[F64, dict[str, float]]:
    shared = np.ones(reference.shape, np.bool_) if shared is None else shared
    table = compare_cells(query, reference, shared)
    most_agree = float(summarise_cells(table)[MEASURES.index("three_quarters")])
    box, found = measure_piece_and_slot(table, query, reference, shared, most_agree)
    return box, dict(zip((*PIECE_MEASURES, *SLOT_MEASURES), found.tolist(), strict=True))


def with_piece(reference: U8, around: U8, left: int, top: int, right: int, bottom: int) -> U8:
    query = around.copy()
    query[top:bottom, left:right] = reference[top:bottom, left:right]
    return query


@given(st_numpy.arrays(np.float64, st.integers(1, 5).map(lambda n: (n, n)), elements=st.sampled_from([-1.0, 0.0, 1.0])))
def test_no_rectangle_has_a_larger_sum(weights: F64) -> None:
    n = len(weights)
    every = [
        (weights[a:b, c:d].sum(), (b - a) * (d - c))
        for a in range(n)
        for b in range(a + 1, n + 1)
        for c in range(n)
        for d in range(c + 1, n + 1)
    ]
    top, bottom, left, right = best_rectangle(weights)
    assert (weights[top:bottom, left:right].sum(), (bottom - top) * (right - left)) == max(every)


@pytest.mark.parametrize("box", [(40, 56, 130, 150), (0, 0, 100, 192), (61, 0, 192, 83), (24, 24, 168, 168)])
def test_a_pasted_piece_is_found_to_the_pixel(box: tuple[int, int, int, int]) -> None:
    reference = scene(1)
    place, found = measured(with_piece(reference, scene(2), *box), reference)
    assert place * SIDE == pytest.approx(box, abs=2)
    assert found["piece_sides"] == sum(0 < edge < SIDE for edge in box)
    assert found["weakest_border"] > 0.3
    assert found["piece_agreeing"] > 0.8
    assert found["piece_contradicting"] < 0.1
    assert found["around_agreeing"] < 0.2
    assert found["piece"] == pytest.approx((box[2] - box[0]) * (box[3] - box[1]) / SIDE**2, abs=0.08)


def test_of_a_whole_copy_all_is_one_piece_without_a_border() -> None:
    reference = scene(3)
    place, found = measured(reference, reference)
    assert place.tolist() == [0, 0, 1, 1]
    assert (found["piece"], found["piece_sides"], found["border"], found["log_around_contradicting"]) == (1, 0, 0, 0)


def test_where_the_reference_has_the_same_edge_there_is_no_border() -> None:
    """As in two pictures of one template: the band is the same in both, and so is its edge."""
    band = scene(4) // 2
    query, reference = scene(5) // 2 + 120, scene(6) // 2 + 120
    query[: 8 * CELL] = reference[: 8 * CELL] = band[: 8 * CELL]
    _, shared = measured(query, reference)
    pasted = with_piece(scene(6), scene(5), 0, 0, SIDE, 8 * CELL)
    _, piece = measured(pasted, scene(6))
    assert shared["piece_sides"] == piece["piece_sides"] == 1
    assert shared["border"] < 0.5 < 1 < piece["border"]


def test_what_is_not_shared_has_no_border() -> None:
    reference = scene(7)
    shared = np.zeros(reference.shape, np.bool_)
    shared[:, : 12 * CELL] = True
    place, found = measured(reference, reference, shared)
    assert found["piece"] == 1
    assert found["piece_sides"] == 0
    assert place[2] >= 0.5


def test_flat_pictures_give_numbers() -> None:
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    place, found = measured(flat, flat)
    assert np.isfinite([*place, *found.values()]).all()
    assert found["piece_agreeing"] == 0


def framed(content: U8, frame: U8, box: tuple[int, int, int, int]) -> U8:
    left, top, right, bottom = box
    out = frame.copy()
    out[top:bottom, left:right] = content[top:bottom, left:right]
    return out


def test_what_was_laid_over_a_copy_has_an_edge_in_the_query_only() -> None:
    reference, box = scene(7), (48, 56, 136, 144)
    _, found = measured(framed(scene(8) // 2, reference, box), reference)
    assert found["slot"] == pytest.approx(88 * 88 / SIDE**2, abs=0.05)
    assert found["slot_contradicting"] > 0.8
    assert found["around_slot_agreeing"] > 0.9
    assert found["slot_sides"] == 4
    assert found["slot_border"] > 0.3
    plain = 128 + scene(7) // 8
    _, over_plain = measured(framed(scene(8), plain, box), plain)
    assert over_plain["slot_edge"] < 1


def test_the_slot_of_a_template_has_the_same_edges_in_both() -> None:
    frame, box = np.full((SIDE, SIDE), 20, np.uint8), (48, 56, 136, 144)
    frame[::8, :40] = 90
    frame[:40, ::8] = 90
    query, reference = (framed(scene(seed) // 2 + 120, frame, box) for seed in (9, 10))
    _, found = measured(query, reference)
    assert found["slot"] == pytest.approx(88 * 88 / SIDE**2, abs=0.05)
    assert found["slot_sides"] == 4
    assert found["weakest_slot_edge"] > 2
    assert abs(found["slot_border"]) < 0.5


def test_without_contradictions_there_is_no_slot() -> None:
    reference = scene(11)
    _, found = measured(reference, reference)
    assert {found[name] for name in SLOT_MEASURES} == {0.0}
