"""The clock of a search's stages."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fingerprint.index import stopwatch
from fingerprint.index.stopwatch import Stopwatch


def test_laps_are_milliseconds_and_leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [7.0, 7.25, 7.25, 9.0]
    monkeypatch.setattr(stopwatch, "perf_counter", iter(times).__next__)
    watch = Stopwatch()
    assert [watch.lap() for _ in times[1:]] == [(b - a) * 1000 for a, b in pairwise(times)] == [250, 0, 1750]


def test_two_do_not_disturb_each_other() -> None:
    one, other = Stopwatch(), Stopwatch()
    assert one.lap() >= 0
    assert other.lap() >= 0
    assert 0 <= one.lap() < 60_000
