"""The model of a cluster agrees with cases that are worked out by hand."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def model() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("_scaleout_model")


@pytest.fixture
def costs(model: ModuleType) -> Any:
    """Return round numbers: candidates take 10 ms for each million references of a part."""
    return model.Costs(
        describe_reference_ms=12.0,
        write_reference_ms=6.0,
        file_bytes=30_000.0,
        fingerprint_bytes=50_000.0,
        reference_bytes=20_000.0,
        mapped_bytes=5_000.0,
        describe_ms=30.0,
        shortlist_ms=4.0,
        verify_ms=16.0,
        candidates=model.Curve((0.0, 1e6), (0.0, 10.0)),
        looks=2.0,
        query_bytes=1_000.0,
        named_bytes=100.0,
        task_ms=1.0,
        merge_ms=0.5,
    )


@pytest.fixture
def replay(model: ModuleType) -> Any:
    """Return one query of 100 ms in two looks, which always takes the same time."""
    one = {"describe": 30.0, "candidates": 50.0, "shortlist": 4.0, "verify": 16.0}
    record = {
        "milliseconds": {name: [value] for name, value in one.items()},
        "looks": [2],
        "noise_percentiles": [1.0],
    }
    return model.Replay.of(record)


def setting(model: ModuleType) -> Any:
    return model.Setting(cores=10, memory_bytes=50e9, part_bytes=20e9, parcel=10)


class TestSizes:
    def test_one_part(self, model: ModuleType, costs: Any) -> None:
        found = model.size_for(1_000_000, costs, setting(model))
        assert found["disk_bytes"] == 20e9
        assert (found["machines"], found["cores"], found["parts"]) == (1, 10, 1)
        assert found["build_core_hours"] == pytest.approx(5.0)  # 18 ms each
        assert found["build_hours"] == pytest.approx(0.5)
        assert found["core_seconds_a_query"] == pytest.approx(0.060)  # 30 + 10 + 4 + 16 ms
        assert found["queries_a_second_by_cores"] == pytest.approx(10 / 0.060)
        assert found["tasks_a_query"] == pytest.approx(0.3)  # three for ten queries
        assert found["queries_a_second_by_caller"] == pytest.approx(1 / 0.0003)
        assert found["network_bytes_a_query"] == 0

    def test_a_hundred_parts(self, model: ModuleType, costs: Any) -> None:
        found = model.size_for(100_000_000, costs, setting(model))
        assert (found["machines"], found["cores"], found["parts"]) == (10, 100, 100)
        assert found["core_seconds_a_query"] == pytest.approx(0.050 + 100 * 0.010)
        assert found["queries_a_second_by_cores"] == pytest.approx(100 / 1.05)
        tasks = (3 + 2 * (3 * 100 + 3)) / 10
        assert found["tasks_a_query"] == pytest.approx(tasks)
        assert found["queries_a_second_by_caller"] == pytest.approx(1e3 / (tasks * 1.0 + 100 * 0.5))
        assert found["network_bytes_a_query"] == 2 * (100 * 1_000 + 100 * 100)

    def test_a_query_travels_to_each_worker_once(self, model: ModuleType, costs: Any) -> None:
        assert model.bytes_of_a_query(100, 10, costs) == 2 * (10 * 1_000 + 100 * 100)


class TestCurve:
    def test_is_straight_between_and_beyond(self, model: ModuleType) -> None:
        curve = model.Curve((10.0, 20.0, 40.0), (1.0, 3.0, 5.0))
        assert [curve.at(x) for x in (10, 15, 20, 30, 40, 60)] == [1, 2, 3, 4, 5, 7]
        assert curve.at(0) == 0  # not negative


class TestLatency:
    def simulated(self, model: ModuleType, replay: Any, parts: int, times: float = 1.0, **network: float) -> Any:
        rng = np.random.default_rng(5)
        return model.latencies(replay, parts, times, model.Network(**network), rng, n=2_000)

    def test_in_one_part_is_the_sum_of_the_stages(self, model: ModuleType, replay: Any) -> None:
        assert self.simulated(model, replay, 1) == pytest.approx(100.0)
        assert self.simulated(model, replay, 1, 2.0, round_trip_ms=3.0, task_ms=1.0) == pytest.approx(154.0)

    @pytest.mark.parametrize("parts", [2, 5, 100])
    def test_falls_with_the_parts_that_a_collection_is_divided_into(
        self, model: ModuleType, replay: Any, parts: int
    ) -> None:
        """Without a network and slow workers: candidates and votes are divided, the query is described once."""
        found = self.simulated(model, replay, parts, 1 / parts)
        assert found == pytest.approx(30 + 50 / parts + 4 / min(parts, 50) + 16 / min(parts, 9))

    def test_has_each_step_of_each_look_on_the_network(self, model: ModuleType, replay: Any) -> None:
        alone = self.simulated(model, replay, 10)
        assert self.simulated(model, replay, 10, round_trip_ms=3.0) - alone == pytest.approx(2 * 4 * 3.0)
        assert self.simulated(model, replay, 10, merge_ms=0.5) - alone == pytest.approx(10 * 0.5)
        # the last task of a step begins when all are handed over: 1 description, 10 + 10 + 9 parts, in both looks
        assert self.simulated(model, replay, 10, task_ms=1.0) - alone == pytest.approx(2 * (1 + 10 + 10 + 9))

    def test_waits_for_the_slowest(self, model: ModuleType, replay: Any) -> None:
        all_slow = self.simulated(model, replay, 100, slow_share=1.0, slowness=3.0)
        assert all_slow == pytest.approx(30 + 3 * (50 + 4 / 50 + 16 / 9))
        some = self.simulated(model, replay, 100, slow_share=0.01, slowness=3.0)
        delayed = float(np.mean(some > self.simulated(model, replay, 100) + 1))
        assert delayed == pytest.approx(1 - 0.99**100, abs=0.03)

    def test_depends_on_nothing_but_the_seed(self, model: ModuleType, replay: Any) -> None:
        noisy = replace(replay, noise=np.array([0.8, 1.0, 1.7]))
        first, second = (self.simulated(model, noisy, 20, slow_share=0.1, slowness=2.0) for _ in range(2))
        assert np.array_equal(first, second)
        assert np.ptp(first) > 0


def test_quantiles_have_names(model: ModuleType) -> None:
    assert model.quantiles(np.arange(101.0)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
