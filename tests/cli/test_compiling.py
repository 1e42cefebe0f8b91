"""The note that kernels are being compiled."""

from __future__ import annotations

import io
import sys
import threading

import click
import numba
import pytest

from fingerprint.cli import _compiling
from fingerprint.kernels import hashing  # noqa: F401 - some kernels
from fingerprint.kernels.compiled import kept_in


class Looks(threading.Event):
    """The end of a command, after some looks at the compiler."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(
    ("n_at_work", "quiet", "said"),
    [(100, False, True), (_compiling._MANY, False, True), (_compiling._MANY - 1, False, False), (100, True, False)],
)
def test_it_is_said_once_and_only_if_it_takes_long(
    *, n_at_work: int, quiet: bool, said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [False, False] + [True] * n_at_work
    monkeypatch.setattr(_compiling, "compiles", looks.pop)
    context = click.Context(click.Command("some"))
    context.meta[_compiling.QUIET] = quiet
    _compiling._watch(context, Looks(len(looks)))
    assert capsys.readouterr().err == (f"fingerprint: {_compiling.note()}\n" if said else "")


def test_it_says_where_kernels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    place = kept_in()
    assert place is not None
    assert f"They are kept in {place};" in _compiling.note()
    monkeypatch.setattr("fingerprint.kernels.compiled._places", [])
    assert "cannot be kept" in _compiling.note()


@pytest.mark.parametrize("terminal", [False, True])
def test_only_a_terminal_is_told(*, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stderr(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    watched = []
    monkeypatch.setattr(sys, "stderr", Stderr())
    monkeypatch.setattr(_compiling, "_watch", lambda *given: watched.append(given))
    context = click.Context(click.Command("some"))
    with _compiling.compiling_noted(context):
        pass
    assert len(watched) == terminal
    assert all(ended.is_set() for _, ended in watched)


def test_a_compiler_at_work_is_seen() -> None:
    def work(values: list[float]) -> float:
        total = 0.0
        for value in values:
            total += value * value - value
        return total

    ended = threading.Event()
    found = []

    def look() -> None:
        while not ended.wait(0.02):
            found.append(_compiling.compiles())

    watch = threading.Thread(target=look)
    watch.start()
    try:
        numba.njit("float64(float64[:])")(work)
    finally:
        ended.set()
        watch.join()
    assert any(found)
    assert not _compiling.compiles()
