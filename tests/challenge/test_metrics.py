"""The judge against values worked out by hand, and against a slow judge that is written differently."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.challenge import DescriptorSet, GroundTruth, Matches, evaluate_descriptors, evaluate_matches
from fingerprint.errors import ChallengeFileError


def matches_of(*rows: str) -> Matches:
    """Build matches from rows such as ``"Q0 R0 0.9"``."""
    fields = [row.split() for row in rows]
    return Matches(
        tuple(f[0] for f in fields), tuple(f[1] for f in fields), np.array([float(f[2]) for f in fields], np.float64)
    )


def truth_of(n: int, unmatched: tuple[str, ...] = ()) -> GroundTruth:
    """Q0 comes from R0, Q1 from R1 and so on."""
    return GroundTruth(tuple((f"Q{i}", f"R{i}") for i in range(n)), unmatched)


def about(*expected: float | None) -> tuple[object, ...]:
    """Return micro AP, recall at P90, its threshold, recall at 1 and at 10, give or take float64 rounding."""
    return tuple(None if value is None else pytest.approx(value, rel=0, abs=1e-12) for value in expected)


# --- matches, by hand: (micro AP, recall at P90, its threshold, recall at 1, recall at 10) -------------------------

#: T F T T T T T T T T: a false positive second, then eight true ones.
DIP = ["Q0 R0 1.00", "Q1 R9 0.99", *(f"Q{i} R{i} 0.{99 - i}" for i in range(1, 9))]

BY_HAND = {
    # one true pair on top of the list, the second after a false positive: (1/1 + 2/3) / 2 = 5/6;
    # after the first row precision is 1 and recall 1/2, after the third precision is only 2/3
    "true, false, true": (
        ["Q0 R0 0.9", "Q9 R5 0.8", "Q1 R1 0.7"],
        truth_of(2, ("Q9",)),
        (5 / 6, 1 / 2, 0.9, 1, 1),
    ),
    "the order of the lines says nothing": (
        ["Q1 R1 0.7", "Q0 R0 0.9", "Q9 R5 0.8"],
        truth_of(2, ("Q9",)),
        (5 / 6, 1 / 2, 0.9, 1, 1),
    ),
    "everything right": (["Q0 R0 2", "Q1 R1 -1"], truth_of(2), (1, 1, -1.0, 1, 1)),
    # equal scores: the false positive counts first although its line comes last: 1/2. Another query's row does not
    # change the rank within Q0.
    "a tie with another query": (["Q0 R0 0.5", "Q9 R5 0.5"], truth_of(1), (1 / 2, 0, None, 1, 1)),
    # the same within the query: two scores reach 0.5, so the rank is 2 - 1 = 1: not first, but among the first ten
    "a tie within the query": (["Q0 R0 0.5", "Q0 R5 0.5"], truth_of(1), (1 / 2, 0, None, 0, 1)),
    # one score for all: F F T T T, precisions 1/3, 2/4, 3/5 at the true ones: (20 + 30 + 36) / 60 / 3 = 43/90
    "one score for all": (
        ["Q0 R0 1", "Q1 R1 1", "Q8 R0 1", "Q2 R2 1", "Q9 R1 1"],
        truth_of(3),
        (43 / 90, 0, None, 1, 1),
    ),
    # one of four true pairs is in the file: all recalls are at most 1/4
    "true pairs that were never found": (["Q0 R0 0.5"], truth_of(4), (1 / 4, 1 / 4, 0.5, 1 / 4, 1 / 4)),
    # F F T: 1/3
    "unmatched queries on top": (
        ["Q9 R0 0.9", "Q8 R0 0.8", "Q0 R0 0.7"],
        truth_of(1, ("Q8", "Q9")),
        (1 / 3, 0, None, 1, 1),
    ),
    # a query without a line in the ground truth matches nothing either, also when other unmatched ones have a line
    "a query that the ground truth does not name": (
        ["Q7 R0 0.9", "Q0 R0 0.7"],
        truth_of(1, ("Q9",)),
        (1 / 2, 0, None, 1, 1),
    ),
    # the right reference for the wrong query and the wrong reference for the right query are both wrong
    "references exchanged": (["Q0 R1 0.9", "Q1 R0 0.8"], truth_of(2), (0, 0, None, 0, 0)),
    "no row at all": ([], truth_of(2), (0, 0, None, 0, 0)),
    # after the dip precision is 2/3, 3/4, ... 8/9, and at the tenth row 9/10: exactly enough. Recall 9/10.
    # micro AP: (1 + 2/3 + 3/4 + 4/5 + 5/6 + 6/7 + 7/8 + 8/9 + 9/10) / 10
    "precision recovers to exactly 0.9": (
        DIP,
        truth_of(10),
        (
            (1 + 2 / 3 + 3 / 4 + 4 / 5 + 5 / 6 + 6 / 7 + 7 / 8 + 8 / 9 + 9 / 10) / 10,
            9 / 10,
            0.91,
            8 / 10,  # Q0 and Q2 to Q8; for Q1 the wrong R9 scores higher
            9 / 10,
        ),
    ),
    # one row fewer and it is 8/9 at best: only the first row has a precision of 0.9
    "precision recovers to 8/9 only": (
        DIP[:-1],
        truth_of(10),
        (
            (1 + 2 / 3 + 3 / 4 + 4 / 5 + 5 / 6 + 6 / 7 + 7 / 8 + 8 / 9) / 10,
            1 / 10,
            1.0,
            7 / 10,
            8 / 10,
        ),
    ),
    # nine wrong rows reach the true score: rank 9, just among the first ten. F x 9, T: 1/10
    "nine ahead": ([*(f"Q0 R{i} 0.5" for i in range(1, 10)), "Q0 R0 0.5"], truth_of(1), (1 / 10, 0, None, 0, 1)),
    # ten wrong rows reach it: rank 10, out. 1/11
    "ten ahead": ([*(f"Q0 R{i} 0.5" for i in range(1, 11)), "Q0 R0 0.5"], truth_of(1), (1 / 11, 0, None, 0, 0)),
    # one query, two references: each is a pair of its own. T F T: (1 + 2/3) / 2. The second has two rows above it.
    "two references for a query": (
        ["Q0 R0 3", "Q0 R5 2", "Q0 R1 1"],
        GroundTruth((("Q0", "R0"), ("Q0", "R1"))),
        (5 / 6, 1 / 2, 3.0, 1 / 2, 1),
    ),
    # scores that six decimals would make equal still differ
    "scores that are very near": (
        ["Q0 R0 1.0000000002", "Q9 R1 1.0000000001"],
        truth_of(1),
        (1, 1, 1.0000000002, 1, 1),
    ),
}


@pytest.mark.parametrize(("rows", "truth", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_matches_by_hand(rows: list[str], truth: GroundTruth, expected: tuple[float | None, ...]) -> None:
    metrics = evaluate_matches(matches_of(*rows), truth)
    assert astuple(metrics) == about(*expected)
    assert {type(value) for value in astuple(metrics)} <= {float, type(None)}


def test_a_threshold_does_not_split_a_tie() -> None:
    """Twenty true rows, then a tie of one true and four false ones: 21/25 is too little, so the tie is left out."""
    rows = [*(f"Q{i} R{i} {2 + i}" for i in range(20)), "Q20 R20 1", *(f"Q20 R{i} 1" for i in range(4))]
    metrics = evaluate_matches(matches_of(*rows), truth_of(25))
    assert (metrics.recall_at_p90, metrics.threshold_at_p90) == (20 / 25, 2.0)


def test_nan_infinity_and_repeated_pairs_never_reach_the_judge() -> None:
    for rows in (["Q0 R0 nan"], ["Q0 R0 1", "Q1 R1 inf"], ["Q0 R0 1", "Q0 R0 0.5"]):
        with pytest.raises(ChallengeFileError):
            evaluate_matches(matches_of(*rows), truth_of(1))


def test_a_ground_truth_without_a_pair_defines_no_metric() -> None:
    with pytest.raises(ChallengeFileError, match="no query has a reference"):
        evaluate_matches(matches_of("Q0 R0 1"), GroundTruth((), ("Q0",)))


def test_a_file_can_be_judged_on_its_labelled_part(caplog: pytest.LogCaptureFixture) -> None:
    truth, matches = truth_of(1, ("Q1",)), matches_of("Q7 R3 0.9", "Q0 R0 0.8", "Q1 R0 0.7")
    with caplog.at_level(logging.WARNING, "fingerprint.challenge"):
        assert evaluate_matches(matches, truth).micro_ap == 1 / 2
    assert "1 rows are on queries that the ground truth does not name" in caplog.text
    caplog.clear()
    assert evaluate_matches(matches.of_queries(truth.query_ids), truth).micro_ap == 1
    assert evaluate_matches(matches, truth_of(1)).micro_ap == 1 / 2  # pairs only: unmatched queries have no line at all
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("row", "message"), [("Q0.jpg R0 1", r"matches: 'Q0\.jpg', but .* has 'Q0'"), ("Q0 R0.PNG 1", "'R0.PNG'")]
)
def test_ids_with_extension_are_refused_where_the_ground_truth_has_none(row: str, message: str) -> None:
    with pytest.raises(ChallengeFileError, match=message):
        evaluate_matches(matches_of(row), truth_of(1))


def test_ids_that_look_like_file_names_are_fine_where_the_ground_truth_has_them() -> None:
    truth = GroundTruth((("a.jpg", "b.jpg"),))
    assert evaluate_matches(matches_of("a.jpg b.jpg 1", "c.jpg b.jpg 0"), truth).micro_ap == 1
    truth = GroundTruth((("a.jpg", "b.jpg"), ("a", "b")))
    assert evaluate_matches(matches_of("a.jpg b.jpg 1", "a b 1"), truth).micro_ap == 1


# --- matches, against another judge -------------------------------------------------------------------------------


def slow_judge(matches: Matches, truth: GroundTruth) -> tuple[float | None, ...]:
    """Judge in fractions, a threshold at a time: no sorting of rows, no running sums."""
    rows = list(zip(matches.query_ids, matches.reference_ids, matches.scores.tolist(), strict=True))
    true = set(truth.pairs)
    right, wrong = (
        Counter(s for q, r, s in rows if (q, r) in true),
        Counter(s for q, r, s in rows if (q, r) not in true),
    )
    area, operating_points = Fraction(0), [(Fraction(0), np.inf)]
    for score in {*right, *wrong}:
        right_above, wrong_above = (sum(n for s, n in count.items() if s > score) for count in (right, wrong))
        for nth in range(1, right[score] + 1):
            area += Fraction(right_above + nth, right_above + nth + wrong_above + wrong[score])
        hits, n_rows = right_above + right[score], right_above + wrong_above + right[score] + wrong[score]
        if Fraction(hits, n_rows) >= Fraction(9, 10):
            operating_points.append((Fraction(hits, len(true)), score))
    recall_at_p90, threshold = max(operating_points)  # of equal recalls the highest threshold
    ranks = []
    for query_id, reference_id in true:
        found = [s for q, r, s in rows if (q, r) == (query_id, reference_id)]
        ranks += [sum(q == query_id and s >= found[0] for q, _, s in rows) - 1] if found else []
    recalls = [float(Fraction(sum(rank < n for rank in ranks), len(true))) for n in (1, 10)]
    return float(area / len(true)), float(recall_at_p90), None if threshold == np.inf else threshold, *recalls


@st.composite
def problems(draw: st.DrawFn, max_rows: int = 30) -> tuple[Matches, GroundTruth]:
    n_queries, n_references = draw(st.integers(1, 6)), draw(st.integers(1, 14))
    cells = [(f"Q{q}", f"R{r}") for q in range(n_queries) for r in range(n_references)]
    truth = draw(st.lists(st.sampled_from(cells), min_size=1, max_size=8, unique=True))
    pairs = draw(st.lists(st.sampled_from(cells), max_size=max_rows, unique=True))
    scores = draw(st.lists(st.integers(-2, 3), min_size=len(pairs), max_size=len(pairs)))
    likely = [score + 2 * (pair in truth) for pair, score in zip(pairs, scores, strict=True)]
    matches = Matches(tuple(q for q, _ in pairs), tuple(r for _, r in pairs), np.array(likely, np.float64) / 4)
    return matches, GroundTruth(tuple(truth))


@settings(deadline=None, max_examples=300)
@given(problems())
def test_same_as_the_slow_judge(problem: tuple[Matches, GroundTruth]) -> None:
    assert astuple(evaluate_matches(*problem)) == about(*slow_judge(*problem))


@settings(deadline=None, max_examples=60)
@given(problems(max_rows=6))
def test_ties_are_the_worst_of_all_orders(problem: tuple[Matches, GroundTruth]) -> None:
    matches, truth = problem
    true, rows = set(truth.pairs), list(zip(matches.query_ids, matches.reference_ids, matches.scores, strict=True))
    areas = []
    for order in itertools.permutations(rows):
        if all(a[2] >= b[2] for a, b in itertools.pairwise(order)):
            hits = [row[:2] in true for row in order]
            areas.append(sum(sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit) / len(true))
    assert evaluate_matches(matches, truth).micro_ap == pytest.approx(min(areas), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(problems(), st.randoms(use_true_random=False))
def test_neither_the_order_of_lines_nor_the_unit_of_scores_matters(
    problem: tuple[Matches, GroundTruth], random: Random
) -> None:
    matches, truth = problem
    order = list(range(len(matches)))
    random.shuffle(order)
    shuffled = Matches(
        tuple(matches.query_ids[i] for i in order),
        tuple(matches.reference_ids[i] for i in order),
        np.exp(matches.scores[order]) * 1000,
    )
    first, second = evaluate_matches(matches, truth), evaluate_matches(shuffled, truth)
    assert astuple(replace(first, threshold_at_p90=None)) == about(*astuple(replace(second, threshold_at_p90=None)))


# --- descriptors --------------------------------------------------------------------------------------------------


def on_a_line(queries: Mapping[str, float], references: Mapping[str, float]) -> DescriptorSet:
    """One-dimensional descriptors: names and places, such as ``{"Q0": 3.0}``."""
    return DescriptorSet(
        np.array(list(queries.values()), np.float32)[:, None],
        np.array(list(references.values()), np.float32)[:, None],
        tuple(queries),
        tuple(references),
    )


def test_descriptors_by_hand() -> None:
    # squared distances: Q0-R0 1, Q0-R1 144, Q1-R0 81, Q1-R1 4, Q9-R0 361, Q9-R1 64. All six pairs are kept (of at
    # most 10 * 3), so the list is T T F F F F: micro AP 1, and precision 0.9 is held down to -4.
    made = on_a_line({"Q0": 0, "Q1": 10, "Q9": 20}, {"R0": 1, "R1": 12})
    assert astuple(evaluate_descriptors(made, truth_of(2, ("Q9",)))) == about(1, 1, -4.0, 1, 1)


def test_descriptors_are_not_normalised() -> None:
    # R0 points the same way as Q0, but it is 9 away; the wrong R1 is nearer: F T, 1/2
    made = DescriptorSet(
        np.array([[1, 0]], np.float32), np.array([[10, 0], [0.5, 0.5]], np.float32), ("Q0",), ("R0", "R1")
    )
    assert astuple(evaluate_descriptors(made, truth_of(1))) == about(1 / 2, 0, None, 0, 1)


@pytest.mark.parametrize(("n_nearer", "expected"), [(9, (1 / 10, 0, None, 0, 1)), (10, (0, 0, None, 0, 0))])
def test_ten_pairs_for_one_query_and_no_more(n_nearer: int, expected: tuple[float | None, ...]) -> None:
    nearer = {f"R{i}": i for i in range(1, n_nearer + 1)}
    made = on_a_line({"Q0": 0}, {**nearer, "R0": 50, "R99": 99})
    assert astuple(evaluate_descriptors(made, truth_of(1))) == about(*expected)


def test_the_cut_is_over_all_queries_not_for_each() -> None:
    # two labelled queries: 20 pairs. Q0 has 20 references within 20, Q1's true one is 30 away, nothing else is near
    # it: its first neighbour is not kept, whereas eleven and more of Q0 are. Q0-R0 is the 12th of the list: 1/12 / 2.
    references = {f"R{i + 10}": i for i in range(1, 12)} | {"R0": 11.5} | {f"R{i + 30}": i for i in range(12, 20)}
    made = on_a_line({"Q0": 0, "Q1": 1000}, {**references, "R1": 1030})
    assert astuple(evaluate_descriptors(made, truth_of(2))) == about(1 / 24, 0, None, 0, 0)


LABELLED = {"Q0": 0, "Q1": 100}
#: Eleven unlabelled queries that sit on R1: 11 pairs at distance 0 ahead of the true ones.
UNLABELLED = {f"X{i}": 200 for i in range(11)}


def test_queries_without_label_are_not_searched_where_unmatched_ones_are_listed() -> None:
    # Labelled are Q0 (true, 1 away from R0) and Q1 (unmatched): four pairs, the true one first.
    made = on_a_line(LABELLED | UNLABELLED, {"R0": 1, "R1": 200})
    assert astuple(evaluate_descriptors(made, truth_of(1, ("Q1",)))) == about(1, 1, -1.0, 1, 1)


def test_all_queries_are_searched_where_the_ground_truth_lists_pairs_only() -> None:
    # The other twelve match nothing; the eleven at distance 0 come first: 1/12.
    made = on_a_line(LABELLED | UNLABELLED, {"R0": 1, "R1": 200})
    assert astuple(evaluate_descriptors(made, truth_of(1))) == about(1 / 12, 0, None, 1, 1)


def test_the_number_of_pairs_follows_the_labelled_queries_only() -> None:
    # Of 12 queries one is labelled: 10 pairs, not 120, and R0 is the eleventh.
    made = on_a_line({"Q0": 0} | UNLABELLED, {**{f"R{i}": i for i in range(1, 11)}, "R0": 11})
    assert astuple(evaluate_descriptors(made, truth_of(1, ("Q1",)))) == about(0, 0, None, 0, 0)


def test_what_the_file_lacks_costs_recall(caplog: pytest.LogCaptureFixture) -> None:
    # Q0-R0 is found first; Q1 has no descriptor, Q2's reference R2 has none: one of three
    made = on_a_line({"Q0": 0, "Q2": 50}, {"R0": 1, "R1": 80})
    with caplog.at_level(logging.WARNING, "fingerprint.challenge"):
        assert astuple(evaluate_descriptors(made, truth_of(3))) == about(1 / 3, 1 / 3, -1.0, 1 / 3, 1 / 3)
    assert "2 true pairs have no descriptor" in caplog.text


def test_a_file_of_other_queries_scores_nothing() -> None:
    made = on_a_line({"Q7": 0}, {"R0": 1})
    assert astuple(evaluate_descriptors(made, truth_of(1, ("Q1",)))) == about(0, 0, None, 0, 0)
    assert astuple(evaluate_descriptors(made, truth_of(1))) == about(0, 0, None, 0, 0)


def test_equal_distances_count_the_false_positive_first() -> None:
    # R5 and R0 are both 1 away from Q0, on either side: F T
    made = on_a_line({"Q0": 0}, {"R0": 1, "R5": -1})
    assert astuple(evaluate_descriptors(made, truth_of(1))) == about(1 / 2, 0, None, 0, 1)


def test_a_perfect_copy_has_threshold_zero_not_minus_zero() -> None:
    assert str(evaluate_descriptors(on_a_line({"Q0": 5}, {"R0": 5}), truth_of(1)).threshold_at_p90) == "0.0"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_descriptors_are_judged_as_the_list_of_their_nearest_pairs(data: st.DataObject) -> None:
    """The list is made here by sorting all pairs in Python, and judged as a file of matches."""
    places = st.integers(0, 60).map(float)
    queries = {f"Q{i}": place for i, place in enumerate(data.draw(st.lists(places, min_size=1, max_size=3)))}
    references = {f"R{i}": place for i, place in enumerate(data.draw(st.lists(places, min_size=1, max_size=25)))}
    truth = truth_of(data.draw(st.integers(1, 3)), unmatched=("Q9",))
    labelled = [(row, query_id) for row, query_id in enumerate(queries) if query_id in truth.query_ids]
    cells = [
        ((queries[query_id] - references[reference_id]) ** 2, query_row, reference_row, query_id, reference_id)
        for query_row, query_id in labelled
        for reference_row, reference_id in enumerate(references)
    ]
    kept = sorted(cells)[: 10 * len(labelled)]
    matches = Matches(tuple(c[3] for c in kept), tuple(c[4] for c in kept), np.array([0.0 - c[0] for c in kept]))
    expected = astuple(evaluate_matches(matches, truth))
    assert astuple(evaluate_descriptors(on_a_line(queries, references), truth)) == about(*expected)


def test_descriptor_ids_with_extension_are_refused() -> None:
    with pytest.raises(ChallengeFileError, match=r"query descriptors: 'Q0\.jpg'"):
        evaluate_descriptors(on_a_line({"Q0.jpg": 0}, {"R0": 0}), truth_of(1))
    with pytest.raises(ChallengeFileError, match=r"reference descriptors: 'R0\.jpg'"):
        evaluate_descriptors(on_a_line({"Q0": 0}, {"R0.jpg": 0}), truth_of(1))


def test_progress_reaches_the_labelled_queries() -> None:
    seen = []
    evaluate_descriptors(
        on_a_line(LABELLED | UNLABELLED, {"R0": 1}),
        truth_of(1, ("Q1",)),
        lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (2, 2)
