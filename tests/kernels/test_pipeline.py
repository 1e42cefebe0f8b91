"""How kernels are compiled: what comes out is what Numba's own steps give."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from fingerprint.kernels import compiled

if compiled.pipeline is None:
    pytest.skip("this version of Numba compiles kernels by its own steps", allow_module_level=True)
pipeline = compiled.pipeline

njit = compiled.njit


def mean_of_roots(values: Any) -> Any:
    total = np.float32(0)
    for value in values:
        total += np.sqrt(value) / np.float32(len(values))
    return total


@njit(cache=False)
def _halved(value):  # type: ignore[no-untyped-def]
    return value / 2


@njit(cache=False)
def _loud(value):  # type: ignore[no-untyped-def]
    print("a part was given", value)  # noqa: T201
    return value


@njit(cache=False)
def _checked(value):  # type: ignore[no-untyped-def]
    if value < 0:
        raise ValueError("below zero")
    return value


class TestParts:
    def test_a_kernel_calls_what_has_no_code_of_its_own(self) -> None:
        quarter = njit(cache=False)(lambda value: _halved(_halved(value)))
        assert quarter(3) == 0.75
        compiled_for: Any = [*quarter.overloads.values(), *_halved.overloads.values()]
        assert [bool(one.library._compiled_object) for one in compiled_for] == [True, False, False]

    def test_a_kernel_is_called_by_python_and_by_kernels(self) -> None:
        mean: Any = njit(cache=False)(mean_of_roots)
        twice = njit(cache=False)(lambda values: 2 * mean(values))
        values = np.arange(9, dtype=np.float32)
        assert mean(values) * 2 == twice(values)
        assert list(mean.overloads) == list(mean._part.overloads)  # compiled once for each of the two

    def test_a_part_prints(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert njit(cache=False)(lambda value: _loud(value) + 1)(4) == 5
        assert capfd.readouterr().out == "a part was given 4\n"

    def test_an_error_in_a_part_is_an_error_of_the_kernel(self) -> None:
        kernel = njit(cache=False)(lambda value: _checked(value))
        assert kernel(1) == 1
        with pytest.raises(ValueError, match="below zero"):
            kernel(-1)

    def test_a_part_calls_itself(self, tmp_path: Path) -> None:
        (tmp_path / "recursive.py").write_text(
            "from fingerprint.kernels.compiled import njit\n"
            "@njit(cache=False)\n"
            "def _factorial(n):\n"
            "    if n < 2:\n"
            "        return 1\n"
            "    return n * _factorial(n - 1)\n"
            "@njit(cache=False)\n"
            "def factorial(n):\n"
            "    return _factorial(n)\n"
            "print(factorial(10))\n"
        )
        done = subprocess.run(
            [sys.executable, tmp_path / "recursive.py"], capture_output=True, check=True, text=True, timeout=300
        )
        assert done.stdout == "3628800\n"


class TestKept:
    def test_a_new_kernel_calls_one_that_is_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
        values = np.arange(9, dtype=np.float32)
        expected = njit(cache=True)(mean_of_roots)(values)
        again = njit(cache=True)(mean_of_roots)
        assert again(values) == expected
        assert sum(again.stats.cache_hits.values()) == 1
        assert njit(cache=False)(lambda values: again(values))(values) == expected


class TestNewArrays:
    @pytest.mark.parametrize(
        "make",
        [
            lambda n: np.zeros(n),
            lambda n: np.zeros(n, np.float32),
            lambda n: np.zeros((n, 2), np.uint8),
            lambda n: np.zeros((n, n, 3), np.bool_),
            lambda n: np.zeros(shape=(n,), dtype=np.int32),
            lambda n: np.zeros(n, np.zeros(1, np.uint16).dtype),
        ],
    )
    @pytest.mark.parametrize("n", [0, 1, 5])
    def test_zeros(self, make: Any, n: int) -> None:
        found, expected = njit(cache=False)(make)(n), make(n)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("make", [lambda n: np.empty(n), lambda n: np.empty((n, 2), np.int64)])
    def test_empty(self, make: Any) -> None:
        found, expected = njit(cache=False)(make)(3), make(3)
        assert (found.dtype, found.shape, found.strides) == (expected.dtype, expected.shape, expected.strides)

    def test_they_are_freed(self) -> None:
        def fill(n: int) -> float:
            return np.zeros((n, 1000))[n - 1, 999]

        kernel = njit(cache=False)(fill)
        kernel(1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(100):
            kernel(1000)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # of 800,000 KiB

    def test_too_large(self) -> None:
        with pytest.raises(ValueError, match="array is too big"):
            njit(cache=False)(lambda n: np.zeros((n, n)))(1 << 40)

    def test_what_is_no_number_type(self) -> None:
        with pytest.raises(numba.TypingError, match="number type of NumPy"):
            njit(cache=False)(lambda n: np.zeros(n, n))(3)


def all_operations(a: Any, b: Any) -> Any:
    return (a + b, a - b, a * b, a / b, a // b, a % b, a**2, a**b, -a, a < b, a == b, a != b, a + 1, 1 + a, a * 0.5)


class TestWhatIsRemembered:
    @pytest.mark.parametrize(
        ("first", "second"),
        [(np.uint8, np.int8), (np.int64, np.uint64), (np.float32, np.int64), (np.float64, np.float32)],
    )
    def test_operations_have_the_types_and_bits_of_numbas_own_steps(self, first: Any, second: Any) -> None:
        numbers = first(7), second(3)
        own: Any = njit(cache=False)(all_operations)
        expected: Any = numba.njit(error_model="numpy")(all_operations)
        assert own(*numbers) == expected(*numbers)
        again: Any = njit(cache=False)(lambda a, b: own(a, b))
        assert again(*numbers) == expected(*numbers)
        assert own.nopython_signatures[0].return_type == expected.nopython_signatures[0].return_type

    @pytest.mark.parametrize("of", [np.uint8, np.float32])
    def test_what_is_in_an_array_has_the_type_of_numbas_own_steps(self, of: Any) -> None:
        def pick(values: Any, k: Any) -> Any:
            copy = np.empty_like(values)
            copy[:] = values
            copy[k, 1] = values[1, 2]
            copy[0] = values[k]
            copy[:, 0] = values[:, 1]
            return copy, values[k, 0], values[1:, ::2].sum(), values[k][2], values[k][values[k] > 5].size

        values = np.arange(12).reshape(3, 4).astype(of)
        for array in (values, np.asfortranarray(values), values[:, ::-1]):
            for k in (2, np.uint8(1)):
                own: Any = njit(cache=False)(pick)
                expected: Any = numba.njit(error_model="numpy")(pick)
                for found, wanted in zip(own(array, k), expected(array, k), strict=True):
                    np.testing.assert_array_equal(found, wanted)
                signatures = own.nopython_signatures, expected.nopython_signatures
                assert signatures[0][0].return_type == signatures[1][0].return_type

    def test_an_operation_that_is_none_is_an_error_each_time(self) -> None:
        for _ in range(2):
            with pytest.raises(numba.TypingError, match="No implementation of function"):
                njit(cache=False)(lambda a: a << 0.5)(1.5)

    def test_flags_are_equal_if_numba_finds_them_equal(self) -> None:
        flags: list[Any] = [numba.core.compiler.Flags() for _ in range(3)]
        flags[1].nrt = flags[1].nrt  # set to what it is anyway
        flags[2].nrt = not flags[2].nrt
        for one in flags:
            for other in flags:
                assert (pipeline._Flags(one) == pipeline._Flags(other)) is (one == other)
                assert (pipeline._Flags(one) == other) is (one == other)
            assert hash(pipeline._Flags(one)) == hash(one)
        assert pipeline._Flags(flags[0]) != "flags"


@pytest.mark.parametrize("own", [True, False])
def test_the_same_bits_as_with_numbas_own_steps(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not own:
        monkeypatch.setattr(compiled, "pipeline", None)
    kernel = njit(cache=False)(mean_of_roots)
    assert isinstance(kernel, pipeline.Kernel) is own
    values = np.random.default_rng(5).random(1000, np.float32)
    assert kernel(values) == numba.njit(mean_of_roots)(values)
    assert njit(cache=False)(lambda values: kernel(values))(values) == kernel(values)
