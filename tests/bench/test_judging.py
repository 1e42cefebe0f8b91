"""The judge of the bench against cases worked out by hand, and against the challenge's judge on resamples."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerprint.bench.files import Costs, Result, SetResults
from fingerprint.bench.judging import (
    better_rows,
    copies_by_edit,
    differences,
    interval_of,
    judge,
    mcnemar,
    precision_curve,
    ranked_first,
    ranking,
    recall_by_edit,
    resampled_precision,
)
from fingerprint.bench.tables import as_csv, as_json, html, markdown, text
from fingerprint.challenge import GroundTruth, Matches, evaluate_matches, write_matches
from fingerprint.errors import ConfigError

TRUTH = GroundTruth((("Q0", "R0"), ("Q1", "R1"), ("Q2", "R2")), ("Q3",))
POSITION = {f"Q{i}": i for i in range(4)}
#: In order: hit, miss of Q3, hit, miss of Q2 (with the score of the hit that follows: misses count first), hit.
MATCHES = Matches(("Q0", "Q3", "Q1", "Q2", "Q2"), ("R0", "R0", "R1", "R0", "R2"), np.array([9.0, 8.0, 7.0, 5.0, 5.0]))


def by_hand() -> float:
    return (1 / 1 + 2 / 3 + 3 / 5) / 3


def test_average_precision_by_hand_is_that_of_the_judge_and_of_one_draw_of_each_query() -> None:
    query_idx, hits = ranking(MATCHES, TRUTH, POSITION)
    assert hits.tolist() == [True, False, True, False, True]
    once = resampled_precision(query_idx, hits, np.array([1, 1, 1, 0]), np.ones((1, 4), np.int64))
    assert abs(once[0] - by_hand()) < 1e-9
    assert abs(evaluate_matches(MATCHES, TRUTH).micro_ap - by_hand()) < 1e-9


def test_a_query_that_is_drawn_twice_counts_as_two_queries() -> None:
    """Q0 twice, Q1 never, Q2 once, Q3 twice: hit, hit, miss, miss, miss, hit; three true pairs."""
    query_idx, hits = ranking(MATCHES, TRUTH, POSITION)
    found = resampled_precision(query_idx, hits, np.array([1, 1, 1, 0]), np.array([[2, 0, 1, 2], [0, 0, 0, 4]]))
    assert abs(found[0] - (1 + 1 + 3 / 6) / 3) < 1e-9
    assert found[1] == 0.0
    queries = ("Q0", "Q0b", "Q2", "Q2", "Q3", "Q3b")
    same = Matches(queries, ("R0", "R0", "R0", "R2", "R0", "R0"), np.array([9.0, 9.0, 5.0, 5.0, 8.0, 8.0]))
    truth = GroundTruth((("Q0", "R0"), ("Q0b", "R0"), ("Q2", "R2")), ("Q3", "Q3b"))
    assert abs(evaluate_matches(same, truth).micro_ap - found[0]) < 1e-9


def test_curve_and_first_ranks() -> None:
    hits = ranking(MATCHES, TRUTH, POSITION)[1]
    assert precision_curve(hits, 3).tolist() == [[1 / 3, 2 / 3, 1.0], [1.0, 2 / 3, 3 / 5]]
    assert ranked_first(MATCHES, TRUTH) == {"Q0", "Q1"}  # of Q2 another row has the same score
    assert len(ranked_first(MATCHES, TRUTH)) / 3 == evaluate_matches(MATCHES, TRUTH).recall_at_1


def test_recall_by_edit_counts_copies_only() -> None:
    edits = {"Q0": ("crop",), "Q1": ("crop", "blur"), "Q2": ("blur",), "Q3": ("blur", "crop")}
    assert recall_by_edit(frozenset({"Q0", "Q1"}), TRUTH, edits) == {"blur": 0.5, "crop": 1.0}


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (0, 5, 2 / 32), (1, 6, 2 * 8 / 128), (4, 4, 1.0)])
def test_mcnemar_by_hand(first: int, second: int, p: float) -> None:
    assert abs(mcnemar(first, second) - p) < 1e-12


def test_intervals_are_percentiles() -> None:
    assert interval_of(np.arange(201.0)) == pytest.approx((5.0, 195.0))


@pytest.fixture
def results(tmp_path: Path) -> SetResults:
    """A good method and one that finds nothing."""
    worse = Matches(("Q0", "Q1"), ("R5", "R6"), np.array([1.0, 2.0]))
    found = []
    for name, matches in (("good", MATCHES), ("ba|d", worse)):
        folder = tmp_path / name.replace("|", "")
        folder.mkdir()
        write_matches(folder / "pairs-raw.csv", matches)
        facts: dict[str, Any] = {
            "rows": ["raw"],
            "machine": "m",
            "versions": {"copyprint": "1"},
            "command": "c",
            "skipped": [],
        }
        found.append(Result(folder, name, f"a <{name}> method", facts, Costs(1.5, 1024.0, None)))
    sizes: dict[str, Any] = {"name": "set", "digest": "d" * 64, "train": 0, "references": 9, "queries": 4, "copies": 3}
    return SetResults("set", sizes, TRUTH, {"Q0": ("crop",)}, tuple(POSITION), tuple(found))


def test_rows_are_judged_on_the_same_resamples(results: SetResults) -> None:
    rows = judge(results, resamples=200)
    assert [row.label for row in rows] == ["good", "ba|d"]
    assert rows[0].interval[0] <= by_hand() <= rows[0].interval[1]
    (gap,) = differences(rows)
    assert abs(gap.micro_ap - by_hand()) < 1e-9
    assert (gap.only_first, gap.only_second, gap.p_value_first) == (2, 0, 0.5)
    assert 2 / 201 <= gap.p_value < 0.1
    assert judge(results, resamples=200)[0].samples.tolist() == rows[0].samples.tolist()
    with pytest.raises(ConfigError, match="at least 20"):
        judge(results, resamples=3)


def test_tables_say_the_same_in_all_forms(results: SetResults) -> None:
    rows = judge(results, resamples=50)
    gaps = differences(rows)
    page = markdown(results, rows, gaps)
    assert "| good | 0.7556 |" in page
    assert "ba\\|d" in page
    assert as_csv(rows).splitlines()[1].startswith(f"good,raw,a <good> method,{rows[0].metrics.micro_ap!r},")
    value = as_json(results, rows, gaps)
    assert value["rows"][0]["micro_ap"] == rows[0].metrics.micro_ap
    assert value["runs"]["good"]["command"] == "c"
    shown = html(results, rows, gaps, {"Picture": b"\x89PNG"})
    assert "&lt;good&gt;" in shown
    assert "<good>" not in shown
    assert "http" not in shown
    assert text(rows)[1].split()[:2] == ["good", "0.7556"]


def test_kinds_of_edit_have_one_column_a_method(results: SetResults) -> None:
    """Normalising takes one number from all scores of a query, so it changes no rank."""
    rows = judge(results, resamples=20)
    twice = [dataclasses.replace(row, row=kind) for row in rows for kind in ("normalised", "raw")]
    assert [(row.label, row.row) for row in better_rows(twice)] == [
        ("good, normalised", "normalised"),
        ("ba|d, normalised", "normalised"),
    ]
    assert "| edit | copies | good | ba\\|d |\n" in markdown(results, twice, differences(twice))
    assert "<th>edit</th><th>copies</th><th>good</th><th>ba|d</th>" in html(results, twice, differences(twice), {})
    assert copies_by_edit(results) == {"crop": 1}


def test_pictures_are_drawn_if_matplotlib_is_there(results: SetResults) -> None:
    pytest.importorskip("matplotlib")
    from fingerprint.bench.plots import CURVES, HEAT, plots

    pictures = plots(judge(results, resamples=20), copies_by_edit(results))
    assert pictures.keys() == {HEAT, CURVES}
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())
