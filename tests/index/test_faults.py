"""The collection under faults: killed writers, failed writes, read-only folders, several processes at once."""

from __future__ import annotations

import dataclasses
import errno
import importlib.util
import io
import itertools
import json
import logging
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fingerprint
from fingerprint.config import Config
from fingerprint.errors import CollectionBusyError, CollectionError
from fingerprint.index import Writer, annoy_trees, check_store
from fingerprint.index.catalogue import Catalogue
from fingerprint.types import Skipped

ROOT = Path(fingerprint.__file__).parents[1]
DRIVER = Path(__file__).parents[1] / "fault_driver.py"
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{DRIVER.parent}"}
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)
REMEDIES = ("free some space", "check the permissions", "check the disk", "check free space")
SQLITE_CODES = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EIO: sqlite3.SQLITE_IOERR,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EROFS: sqlite3.SQLITE_READONLY,
}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fault_driver", DRIVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver = _load()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what is not flushed is not lost by killing a process."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures and vectors in several segments, some removed; a change makes one segment of them."""
    folder = tmp_path_factory.mktemp("faults") / "template"
    Writer.create(folder, driver.MODELS, driver.CONFIG).close()
    with opened(folder, stored(merge_factor=99)) as store:
        for start in (1, 5, 9):
            ids = [f"p{version}" for version in range(start, start + 4)]
            driver.perform(store, {"kind": "add", "ids": ids, "versions": range(start, start + 4)})
        driver.perform(store, {"kind": "vectors", "ids": ["p2", "p3"], "versions": [90, 91]})
        driver.perform(store, {"kind": "remove", "ids": ["p3", "p6"]})
    return folder


def stored(**settings: Any) -> Config:
    """The driver's settings, some of the storage's changed."""
    config: Config = driver.CONFIG
    return dataclasses.replace(config, storage=dataclasses.replace(config.storage, **settings))


def opened(folder: Path, config: Config = driver.CONFIG) -> Writer:
    return Writer.open(folder, driver.MODELS, config)


def held(folder: Path) -> Any:
    """What is found in a collection that is opened anew."""
    with opened(folder) as store:
        return driver.told(driver.state_of(store))


OPERATIONS: dict[str, dict[str, Any]] = {
    "add": {"kind": "add", "ids": ["new", "n\u00f6ch"], "versions": [40, 41]},
    "replace": {"kind": "replace", "ids": ["p2", "new"], "versions": [40, 42]},
    "vectors": {"kind": "vectors", "ids": ["p3", "p9"], "versions": [95, 96]},
    "remove": {"kind": "remove", "ids": ["p1", "p2"]},
    "compact": {"kind": "compact", "largest": None},
    "compact into several": {"kind": "compact", "largest": 6},
    "skipped": {"kind": "skipped"},
}
ONE_MORE = {"kind": "add", "ids": ["one more"], "versions": [77]}


def perform(store: Writer, operation: dict[str, Any]) -> None:
    if operation["kind"] == "skipped":
        store.note_skipped([Skipped("a.jpg", "torn")])
    else:
        driver.perform(store, operation)


class Faults:
    """Counts the places where the system may refuse a change, and lets it refuse at one of them."""

    def __init__(self, fail_at: int, error: int) -> None:
        self.fail_at, self.error = fail_at, error
        self.reached: list[str] = []
        self.armed = False

    @property
    def fired(self) -> bool:
        return len(self.reached) >= self.fail_at

    def _due(self, what: str) -> bool:
        if not self.armed:
            return False
        self.reached.append(what)
        return len(self.reached) == self.fail_at

    def reach(self, what: str, path: Any = None) -> None:
        if self._due(what):
            names = (os.fspath(path),) if isinstance(path, (str, os.PathLike)) else ()
            raise OSError(self.error, os.strerror(self.error), *names)

    def ask(self, statement: str) -> None:
        if statement != "ROLLBACK" and self._due(f"SQLite: {statement}"):
            failed = sqlite3.OperationalError("the disk refuses")
            failed.sqlite_errorcode = SQLITE_CODES[self.error]
            raise failed

    def save(self) -> None:
        if self._due("Annoy"):
            raise OSError(f"Unable to write: {os.strerror(self.error)} ({self.error})")

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the library and the system."""

        def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **settings: Any) -> Any:
                self.reach(function.__name__, arguments[0])
                return None if function.__name__ == "fsync" else function(*arguments, **settings)

            return call

        for name in ("fsync", "open", "rename", "replace", "mkdir", "unlink"):
            monkeypatch.setattr(os, name, guarded(getattr(os, name)))
        rmtree = shutil.rmtree

        def remove_folder(folder: Path) -> None:
            if self.armed and len(self.reached) + 1 == self.fail_at:
                next(folder.iterdir()).unlink()  # it goes half way
            self.reach("rmtree", folder)
            armed, self.armed = self.armed, False
            rmtree(folder)
            self.armed = armed

        monkeypatch.setattr(shutil, "rmtree", remove_folder)
        really = io.open

        def open_file(file: Any, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
            if not self.armed or ("r" in mode and "+" not in mode):
                return really(file, mode, *arguments, **settings)
            self.reach(f"open {mode}", file)
            return _File(self, really(file, mode, *arguments, **settings))

        monkeypatch.setattr(io, "open", open_file)

        class Index(annoy_trees.AnnoyIndex):  # type: ignore[misc, name-defined]
            def save(index, path: str) -> bool:  # noqa: N805
                self.save()
                return bool(super().save(path))

        monkeypatch.setattr(annoy_trees, "AnnoyIndex", Index)

    @contextmanager
    def at_work(self, store: Writer) -> Iterator[None]:
        """Let a store meet them."""
        store.reader.catalogue._db = _Database(self, store.reader.catalogue._db)
        self.armed = True
        try:
            yield
        finally:
            self.armed = False


class _File:
    """An open file whose writes may fail."""

    def __init__(self, faults: Faults, file: Any) -> None:
        self._faults, self._file, self._written = faults, file, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: Any) -> int:
        self._written += 1
        if self._written < 3:  # what comes first, as a header, and what follows
            self._faults.reach("write")
        return int(self._file.write(data))

    def truncate(self, size: int) -> int:
        self._faults.reach("truncate")
        return int(self._file.truncate(size))


class _Database:
    """A connection whose statements may fail."""

    def __init__(self, faults: Faults, db: Any) -> None:
        self._faults, self._db = faults, db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, statement: str, *arguments: Any) -> Any:
        self._faults.ask(statement)
        return self._db.execute(statement, *arguments)

    def executemany(self, statement: str, rows: Any) -> Any:
        self._faults.ask(statement)
        return self._db.executemany(statement, rows)


class TestKilled:
    def test_a_killed_writer_leaves_the_state_before_or_after(self, place: Path) -> None:
        """The driver looks at the collection after each kill. Which operation a kill meets is chance."""
        counts = run_driver("--kills", "300", "--seed", "11", "--folder", str(place))
        assert counts["kills"] == 300

    def test_readers_see_published_states_only(self, place: Path) -> None:
        counts = run_driver("--readers", "2", "--seconds", "6", "--seed", "11", "--folder", str(place))
        assert counts.get("seen", 0) >= 1

    @pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user")
    def test_so_do_readers_who_may_not_write(self, place: Path) -> None:
        place.chmod(0o755)
        counts = run_driver("--guests", "2", "--seconds", "6", "--seed", "3", "--folder", str(place))
        assert counts.get("seen", 0) >= 1


def run_driver(*arguments: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, str(DRIVER), *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counts


class TestFullDisk:
    """SQLite cannot make its side files; a real full disk needs more rights than tests have."""

    @pytest.mark.parametrize("log", [False, True])
    @pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN])
    def test_readers_do_without_them(
        self, code: int, log: bool, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "c"
        shutil.copytree(template, folder)
        expected = held(folder)
        if log:  # a writer was killed: its last change is in the log only
            leave_a_log(folder)
            (folder / "catalogue.sqlite-shm").unlink()
        really = Catalogue._opened

        def full(self: Catalogue, mode: str, *more: str) -> sqlite3.Connection:
            if mode == "mode=rw":
                failed = sqlite3.OperationalError("database or disk is full")
                failed.sqlite_errorcode = code
                raise failed
            return really(self, mode, *more)

        monkeypatch.setattr(Catalogue, "_opened", full)
        assert held(folder) == expected
        with opened(folder) as store:
            record = store.reader.record("p1")
            assert record is not None
            assert (record.path == "/moved") is log
            with pytest.raises(CollectionError, match="free space"):
                perform(store, ONE_MORE)
            monkeypatch.undo()  # there is space again
            perform(store, ONE_MORE)
            assert "one more" in store.reader


class TestGuests:
    """Readers who may not write to the folder, beside a writer. Here they only believe so, as tests may run as root."""

    @pytest.fixture
    def folder(self, template: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(template, tmp_path / "c"))

    @pytest.fixture(autouse=True)
    def without_rights(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        really = os.access

        def access(path: Any, mode: int) -> bool:
            return mode != os.W_OK and really(path, mode)

        monkeypatch.setattr("fingerprint.index.database.os.access", access)
        monkeypatch.setattr("fingerprint.index.guest._SETTLED", 0.0)

    def test_a_statement_reads_what_is_there_now(self, folder: Path) -> None:
        catalogue = Catalogue(folder / "catalogue.sqlite")
        before = catalogue.find("p1", driver.MODELS.model_id)
        assert before is not None
        with closing(sqlite3.connect(folder / "catalogue.sqlite")) as other:  # which also writes its log into the file
            other.execute("UPDATE images SET path = '/moved' WHERE id = 'p1'")
            other.commit()
        after = catalogue.find("p1", driver.MODELS.model_id)
        assert after is not None
        assert (before.path, after.path) == ("p1.jpg", "/moved")
        catalogue.close()

    @pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT])
    def test_what_fails_while_others_write_is_read_again(self, code: int, folder: Path) -> None:
        catalogue = Catalogue(folder / "catalogue.sqlite")
        guest = catalogue._db

        class Failing:
            in_transaction = False

            def execute(self, *_: Any) -> Any:
                failed = sqlite3.OperationalError("attempt to write a readonly database")
                failed.sqlite_errorcode = code
                raise failed

            def close(self) -> None:
                guest_connection.close()

        guest_connection, guest.connection = guest.connection, Failing()
        assert catalogue.live(["p1"], driver.MODELS.model_id) == ["p1"]
        catalogue.close()

    def test_what_changes_while_it_is_read_is_read_again(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        catalogue = Catalogue(folder / "catalogue.sqlite")
        asked = 0
        really = Catalogue.segments

        def changed_meanwhile(self: Catalogue) -> Any:
            nonlocal asked
            asked += 1
            found = really(self)
            if asked == 1:
                os.utime(folder / "catalogue.sqlite")
            return found

        monkeypatch.setattr(Catalogue, "segments", changed_meanwhile)
        assert len(catalogue.read_at_once(catalogue.segments)) == len(really(catalogue))
        assert asked == 2
        catalogue.close()

    def test_a_catalogue_that_cannot_be_opened_for_a_moment_can_be_read_afterwards(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with opened(folder) as store:
            ids = store.reader.ids
            monkeypatch.setattr("fingerprint.index.database._PAUSE", 0.0)
            (folder / "catalogue.sqlite").rename(folder / "away")
            with pytest.raises(CollectionError):
                store.reader.refresh()
            (folder / "away").rename(folder / "catalogue.sqlite")
            store.reader.refresh()
            assert store.reader.ids == ids
            assert store.reader.record("p1") is not None

    def test_damage_is_told_all_the_same(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fingerprint.index.database._PAUSE", 0.0)
        data = bytearray((folder / "catalogue.sqlite").read_bytes())
        data[4096:12288] = b"\xff" * 8192
        (folder / "catalogue.sqlite").write_bytes(data)
        with pytest.raises(CollectionError, match=r"catalogue\.sqlite"):
            opened(folder)


def leave_a_log(folder: Path) -> None:
    """Change the catalogue and end without closing it, as a killed process does."""
    code = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute(\"UPDATE images SET path = '/moved' WHERE id = 'p1'\"); db.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder / "catalogue.sqlite")], check=False)
    assert (folder / "catalogue.sqlite-wal").stat().st_size > 0


class TestRefused:
    @pytest.mark.parametrize("name", ["replace", "vectors", "compact into several", "remove", "skipped"])
    def test_whatever_is_refused_the_collection_is_whole(
        self,
        name: str,
        template: Path,
        place: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        operation = OPERATIONS[name]
        with opened(template) as store:
            state = driver.state_of(store)
        before = driver.told(state)
        after = driver.told(driver.applied(state, operation))
        config = stored(merge_below=3) if name == "vectors" else driver.CONFIG  # of pictures there are more in each
        committed = raised = 0
        for n in itertools.count(1):
            folder = place / f"{n}"
            shutil.copytree(template, folder)
            faults = Faults(n, ERRORS[n // 2 % 4])
            caplog.clear()
            with monkeypatch.context() as patches, opened(folder, config) as store:
                faults.install(patches)
                with store.writing() if n % 2 else nullcontext():  # what was left is not swept until the lock is free
                    error = attempt(store, operation, faults)
                    where = f"{name}, {n}: {faults.reached[-1]}, {error}"
                    found = held(folder)
                    if error is None:
                        assert found == after, where
                        assert faults.fired == any(r.levelno == logging.WARNING for r in caplog.records), where
                    else:
                        assert isinstance(error, CollectionError), where
                        assert str(folder) in str(error), where
                        assert any(remedy in str(error) for remedy in REMEDIES), where
                        assert found == before or ("was undone" not in str(error) and found == after), where
                    assert driver.told(driver.state_of(store)) in ([before, after] if found == after else [before])
                    assert check_store(folder) == [], where
                    raised += error is not None
                    committed += faults.fired and found == after != before
                    if found != after:
                        perform(store, operation)
                        assert held(folder) == after, where
                store.remove(["p9"])
                assert not driver.unlisted(folder), where
                assert store.reader.ids == [image_id for image_id, *_ in after[0] if image_id != "p9"], where
            shutil.rmtree(folder)
            if not faults.fired:
                break
        assert raised >= 4, "the faults were not met"
        print(f"{name}: {n - 1} failures, {raised} raised, {committed} after publishing")  # noqa: T201

    def test_a_collection_that_could_not_be_made_can_be_made_later(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for n in itertools.count(1):
            folder = place / f"{n}"
            faults = Faults(n, ERRORS[n % 4])
            with monkeypatch.context() as patches:
                faults.install(patches)
                faults.armed = True
                error = None
                try:
                    Writer.create(folder, driver.MODELS, driver.CONFIG).close()
                except CollectionError as caught:
                    error = str(caught)
                faults.armed = False
            if not faults.fired:
                assert error is None
                break
            assert error is not None
            assert str(place) in error
            assert any(remedy in error for remedy in REMEDIES)
            if not (folder / "collection.json").exists():
                Writer.create(folder, driver.MODELS, driver.CONFIG).close()
            with opened(folder) as store:
                perform(store, ONE_MORE)
                assert store.reader.ids == ["one more"]
        assert n > 5

    @pytest.mark.parametrize("name", ["add", "vectors", "compact", "remove"])
    def test_files_that_may_not_grow(self, name: str, template: Path, place: Path) -> None:
        """Real failures of real writes, SQLite's among them."""
        with opened(template) as store:
            state = driver.state_of(store)
        operation = OPERATIONS[name]
        before, after = driver.told(state), driver.told(driver.applied(state, operation))
        outcomes = []
        for limit in (0, 50, 100, 500, 2_000, 4_000, 5_000, 10_000, 20_000, 32_000, 33_000, 50_000, 100_000, 500_000):
            folder = place / f"{limit}"
            shutil.copytree(template, folder)
            with opened(folder) as store:
                error = None
                with no_file_beyond(limit):
                    try:
                        perform(store, operation)
                    except CollectionError as caught:
                        error = caught
                if error is not None:
                    assert str(folder) in str(error)
                    assert any(remedy in str(error) for remedy in REMEDIES)
                outcomes.append(error is None)
                assert held(folder) == (after if error is None else before), f"{limit}: {error}"
                assert check_store(folder) == []
                if error is not None:
                    perform(store, operation)
                assert driver.told(driver.state_of(store)) == held(folder) == after
        assert outcomes[0] is False
        assert outcomes[-1] is True


def attempt(store: Writer, operation: dict[str, Any], faults: Faults) -> BaseException | None:
    """Return what an operation raises while it meets faults."""
    with faults.at_work(store):
        try:
            perform(store, operation)
        except Exception as error:  # noqa: BLE001 - which one is the question
            return error
    return None


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the system refuse to make files larger; Python ignores the signal for it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestOrderOfDurability:
    @pytest.mark.parametrize("name", ["add", "vectors", "compact into several"])
    def test_nothing_is_published_that_is_not_on_disk(
        self, name: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "collection"
        shutil.copytree(template, folder)
        there = {path.name for path in (folder / "segments").iterdir()}
        done: list[tuple[str, str]] = []
        fsync, rename = os.fsync, os.rename

        def noted_fsync(handle: int) -> None:
            fsync(handle)
            done.append(("fsync", str(Path(f"/proc/self/fd/{handle}").readlink())))

        def noted_rename(source: Path, target: Path) -> None:
            names = {path.name for path in Path(source).iterdir()}
            flushed = {Path(path).name for what, path in done if what == "fsync" and Path(path).parent == source}
            assert names == flushed  # every file in it
            assert done[-1] == ("fsync", str(source))  # and then the folder
            rename(source, target)
            done.append(("rename", str(target)))

        class Database(_Database):
            def execute(self, statement: str, *arguments: Any) -> Any:
                if statement == "COMMIT":
                    done.append(("COMMIT", ""))
                return super().execute(statement, *arguments)

        with opened(folder) as store:
            assert store.reader.catalogue._db.execute("PRAGMA synchronous").fetchone() == (2,)
            assert store.reader.catalogue._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            store.reader.catalogue._db = Database(Faults(0, 0), store.reader.catalogue._db)
            with monkeypatch.context() as patches:
                patches.setattr(os, "fsync", noted_fsync)
                patches.setattr(os, "rename", noted_rename)
                perform(store, OPERATIONS[name])
            commits = [at for at, (what, _) in enumerate(done) if what == "COMMIT"]
            renamed = [at for at, (what, _) in enumerate(done) if what == "rename"]
            assert len(commits) == len(renamed) >= 1
            for at, commit in zip(renamed, commits, strict=True):
                assert done[at + 1] == ("fsync", str(folder / "segments"))
                assert commit == at + 2
            made = {Path(path).name for what, path in done if what == "rename"}
            assert not made & there


class TestLock:
    def test_a_second_writer_is_refused_at_once_and_told_who_writes(self, template: Path, tmp_path: Path) -> None:
        shutil.copytree(template, tmp_path / "c")
        with opened(tmp_path / "c") as first, opened(tmp_path / "c") as second:
            before = second.reader.ids
            with first.writing():
                for operation in OPERATIONS.values():
                    with pytest.raises(CollectionBusyError, match=f"process {os.getpid()} "):
                        perform(second, operation)
                assert driver.told(driver.state_of(second)) == held(tmp_path / "c")  # reading goes on
                perform(first, ONE_MORE)
                assert second.reader.ids == before
                second.reader.refresh()
                assert second.reader.ids == [*before, "one more"]
            perform(second, OPERATIONS["add"])
            assert second.reader.ids[-3:] == ["one more", "new", "n\u00f6ch"]

    def test_is_held_until_the_outermost_ends(self, template: Path, tmp_path: Path) -> None:
        shutil.copytree(template, tmp_path / "c")
        with opened(tmp_path / "c") as first, opened(tmp_path / "c") as second:
            with first.writing():
                with first.writing():
                    perform(first, ONE_MORE)
                with pytest.raises(CollectionBusyError):
                    perform(second, OPERATIONS["remove"])
            with pytest.raises(ZeroDivisionError), first.writing(), first.writing():
                raise ZeroDivisionError
            perform(second, OPERATIONS["remove"])

    def test_goes_with_the_process_that_held_it(self, template: Path, tmp_path: Path) -> None:
        folder = tmp_path / "c"
        shutil.copytree(template, folder)
        code = (
            "import sys, fault_driver as d; from pathlib import Path\n"
            "with d.Writer.open(Path(sys.argv[1]), d.MODELS, d.CONFIG) as store, store.writing():\n"
            "    print('ready', flush=True); sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"ready\n"
            with opened(folder) as store:
                with pytest.raises(CollectionBusyError, match=f"process {holder.pid} "):
                    perform(store, ONE_MORE)
                holder.send_signal(signal.SIGKILL)
                holder.wait()
                perform(store, ONE_MORE)

    def test_threads_that_share_an_object_wait_for_each_other(self, template: Path, tmp_path: Path) -> None:
        shutil.copytree(template, tmp_path / "c")
        with opened(tmp_path / "c") as store, ThreadPoolExecutor(4) as pool:
            work = [{"kind": "add", "ids": [f"thread-{i}"], "versions": [50 + i]} for i in range(12)]
            list(pool.map(lambda operation: perform(store, operation), work))
            assert {f"thread-{i}" for i in range(12)} <= set(store.reader.ids)
            assert driver.told(driver.state_of(store)) == held(tmp_path / "c")
        assert check_store(tmp_path / "c") == []

    def test_what_stands_in_the_file_does_not_matter(self, template: Path, tmp_path: Path) -> None:
        shutil.copytree(template, tmp_path / "c")
        lock = tmp_path / "c" / "writer.lock"
        for content in (b"", b"\xff{", b'{"pid": "x"}', b"[]", b'{"pid": 1, "host": "elsewhere", "since": "ever"}'):
            with opened(tmp_path / "c") as first, opened(tmp_path / "c") as second, first.writing():
                lock.write_bytes(content)
                with pytest.raises(CollectionBusyError, match=r"not known|process 1 on elsewhere"):
                    second.remove(["p1"])
        with opened(tmp_path / "c") as store:
            store.remove(["p1"])


READ_ONLY = """
import os, sys
from pathlib import Path
import fault_driver as d
from fingerprint.errors import CollectionError
folder, writable, state = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def look(folder):
    with d.Writer.open(folder, d.MODELS, d.CONFIG) as store:
        return d.json.dumps(d.told(d.state_of(store)))
look(writable)  # whatever is imported late is imported now
if os.getuid() == 0:
    os.setresuid(65534, 65534, 65534)
assert look(folder) == state
assert d.check_store(folder) == []
with d.Writer.open(folder, d.MODELS, d.CONFIG) as store:
    for act in (
        lambda: d.perform(store, {"kind": "add", "ids": ["x"], "versions": [50]}),
        lambda: store.remove(["p1"]),
        lambda: store.compact(),
    ):
        try:
            act()
        except CollectionError as error:
            assert str(folder) in str(error) and "check the permissions" in str(error), error
        else:
            raise AssertionError("it was written to")
    print("ready", flush=True)
    sys.stdin.readline()
    store.reader.refresh()
    print(d.json.dumps(d.told(d.state_of(store))), flush=True)
"""


class TestReadOnly:
    @pytest.fixture
    def public(self, template: Path) -> Iterator[Path]:
        """A place that others may look into, with a collection that they may not write to."""
        with tempfile.TemporaryDirectory() as name:
            base = Path(name)
            shutil.copytree(template, base / "writable")
            shutil.copytree(template, base / "read-only")
            base.chmod(0o755)
            for path in [base / "read-only", *(base / "read-only").rglob("*")]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            yield base
            for path in [base / "read-only", *(base / "read-only").rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o644)

    @contextmanager
    def reader(self, base: Path) -> Iterator[subprocess.Popen[str]]:
        arguments = [str(base / "read-only"), str(base / "writable"), json.dumps(held(base / "writable"))]
        with subprocess.Popen(
            [sys.executable, "-c", READ_ONLY, *arguments],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            if process.stdout.readline() != "ready\n":
                raise AssertionError(process.stderr.read())
            yield process

    def test_is_searched_and_says_that_it_cannot_be_written(self, public: Path) -> None:
        with self.reader(public) as process:
            assert json.loads(process.communicate("\n")[0]) == held(public / "writable")
        assert not (public / "read-only" / "catalogue.sqlite-wal").exists()

    @pytest.mark.skipif(os.getuid() != 0, reason="the folder's owner must be able to write to it")
    @pytest.mark.parametrize("writer", ["is there before", "comes later"])
    def test_by_one_while_another_may_write(self, writer: str, public: Path) -> None:
        folder = public / "read-only"
        if writer == "is there before":
            with opened(folder) as store, self.reader(public) as process:
                perform(store, OPERATIONS["replace"])
                seen, errors = process.communicate("\n")
                assert seen, errors
                assert json.loads(seen) == held(folder)
        else:
            with self.reader(public) as process, opened(folder) as store:
                for operation in (OPERATIONS["replace"], OPERATIONS["compact"], ONE_MORE):
                    perform(store, operation)
                seen, errors = process.communicate("\n")
                assert seen, errors
                assert json.loads(seen) == held(folder)

    def test_without_a_log_it_is_read_as_it_is(
        self, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(template, tmp_path / "c")
        expected = held(tmp_path / "c")
        monkeypatch.setattr(os, "access", lambda *_: False)
        with opened(tmp_path / "c") as store:
            assert driver.told(driver.state_of(store)) == expected
            assert not (tmp_path / "c" / "catalogue.sqlite-wal").exists()
            with pytest.raises(CollectionError, match="catalogue"):
                store.remove(["p1"])
            assert driver.told(driver.state_of(store)) == expected
