"""Kernels where compiled code cannot be kept: they work, and say so."""

from __future__ import annotations

import errno
import gc
import logging
import os
import pickle
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core import caching, event

from fingerprint.bench.clock import processor_seconds
from fingerprint.kernels import compiled


def double(x: int) -> int:
    return 2 * x


@pytest.fixture(autouse=True)
def nothing_said_yet() -> Iterator[None]:
    before = set(compiled._said)
    compiled._said.clear()
    yield
    compiled._said.clear()
    compiled._said.update(before)


@pytest.fixture
def no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba finds no folder by itself: as without a home, for a package that only root can write to."""
    for name in ("InTreeCacheLocator", "UserWideCacheLocator"):
        monkeypatch.setattr(getattr(caching, name), "from_function", classmethod(lambda *_: None), raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")


def test_numba_itself_raises_an_error(no_place: None) -> None:
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)


@pytest.mark.usefixtures("no_place")
class TestNoPlace:
    def test_a_folder_of_the_users_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        for _ in range(3):
            kernel = compiled.njit(cache=True, nogil=True)(double)
            assert kernel(4) == 8
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.rglob("*.nbc"))
        config: Any = numba.config
        assert config.CACHE_DIR == ""
        assert [str(folder) in record.message for record in caplog.records] == [True]

    @pytest.mark.parametrize("kind", ["link", "open to others", "file"])
    def test_one_that_others_can_write_to_is_not_used(
        self, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        folder = tmp_path / "temporary" / f"copyprint-numba-{os.getuid()}"
        folder.parent.mkdir()
        if kind == "file":
            folder.write_text("")
        elif kind == "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "elsewhere")
        else:
            folder.mkdir()
            folder.chmod(0o777)
        for _ in range(3):
            assert compiled.njit(cache=True, nogil=True)(double)(4) == 8
        assert not list(tmp_path.rglob("*.nb?"))
        (said,) = [record.message for record in caplog.records]
        assert "cannot be kept" in said
        assert "NUMBA_CACHE_DIR" in said


class TestFailures:
    @pytest.fixture
    def kernel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
        return compiled.njit(cache=True, nogil=True)(double)

    def test_a_full_disk(self, kernel: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
        assert kernel(4) == 8
        assert kernel(0.5) == 1
        (said,) = [record.message for record in caplog.records]
        assert "No space left on device" in said

    def test_damaged_files(
        self, kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert kernel(4) == 8
        assert caplog.records == []
        for path in tmp_path.rglob("*.nb?"):
            path.write_bytes(path.read_bytes()[:3])
        with caplog.at_level(logging.WARNING):
            assert compiled.njit(cache=True, nogil=True)(double)(4) == 8
        assert any("cannot be read" in record.message for record in caplog.records)

    def test_what_is_kept_is_used(self, kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        assert kernel(4) == 8
        monkeypatch.setattr(pickle, "dumps", None)
        again = compiled.njit(cache=True, nogil=True)(double)
        assert again(4) == 8
        assert sum(again.stats.cache_hits.values()) == 1


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("NUMBA_NUM_THREADS=0", "Number of threads specified must be > 0"),
        ("NUMBA_NUM_THREADS=-1", "environment variables (NUMBA_NUM_THREADS)"),
        ("NUMBA_DISABLE_JIT=1", "NUMBA_DISABLE_JIT is set"),
    ],
)
def test_settings_with_which_numba_does_not_work(setting: str, what: str, tmp_path: Path) -> None:
    name, value = setting.split("=")
    others = {key: kept for key, kept in os.environ.items() if not key.startswith("NUMBA_")}
    (tmp_path / "x.png").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "fingerprint", "hash", "--algorithm", "pdq", str(tmp_path / "x.png")],
        env=others | {name: value},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert what in done.stderr


class TestGarbage:
    """Numba's compiler makes many objects; while it works, Python does not search them for cycles."""

    @pytest.fixture
    def seen(self) -> Iterator[list[bool]]:
        """Return whether the search was on at each begin and each end of compiling a kernel."""
        found: list[bool] = []

        class Look(event.Listener):
            def on_start(self, _: Any) -> None:
                found.append(gc.isenabled())

            def on_end(self, _: Any) -> None:
                found.append(gc.isenabled())

        look = Look()  # listeners hear in the order in which they are registered: this one after the kernels' own
        event.register("numba:compile", look)
        yield found
        event.unregister("numba:compile", look)

    def test_no_search_until_the_outermost_kernel_is_compiled(self, seen: list[bool]) -> None:
        inner = compiled.njit(cache=False)(double)
        outer = compiled.njit(cache=False)(lambda x: inner(x) + 1)
        assert gc.isenabled()
        assert outer(4) == 9
        assert seen == [False, False, False, True]
        assert gc.isenabled()

    def test_search_stays_off_where_the_caller_had_it_off(self, seen: list[bool]) -> None:
        gc.disable()
        try:
            compiled.njit(cache=False)(double)(4)
            assert not gc.isenabled()
        finally:
            gc.enable()
        assert seen == [False, False]

    def test_what_was_made_meanwhile_is_old_and_is_still_found(self) -> None:
        class Node:
            pass

        node = Node()
        node.itself = node  # type: ignore[attr-defined]
        found = weakref.ref(node)
        compiled.njit(cache=False)(double)(4)
        del node
        gc.collect(1)  # of what is young
        assert found() is not None
        gc.collect()
        assert found() is None

    def test_what_a_host_has_frozen_stays_so(self) -> None:
        gc.freeze()
        try:
            compiled.njit(cache=False)(double)(4)
            assert gc.get_freeze_count() > 0
        finally:
            gc.unfreeze()

    def test_search_is_on_again_after_a_kernel_that_does_not_compile(self) -> None:
        with pytest.raises(numba.TypingError):
            compiled.njit(cache=False)(lambda x: x.nothing)(4)
        assert gc.isenabled()


def test_the_time_of_compiling_is_counted_apart() -> None:
    inner = compiled.njit(cache=False)(double)
    outer = compiled.njit(cache=False)(lambda x: inner(x) + 1)
    counted, began, cost = compiled.seconds_compiling(), time.process_time(), processor_seconds()
    assert outer(4) == 9
    compiling, spent = compiled.seconds_compiling() - counted, time.process_time() - began
    assert 0 < compiling <= spent  # the inner kernel is not counted twice
    assert processor_seconds() - cost < spent
    counted = compiled.seconds_compiling()
    assert outer(5) == 11
    assert compiled.seconds_compiling() == counted
