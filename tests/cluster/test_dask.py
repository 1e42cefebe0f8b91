"""A real scheduler and three worker processes: what they do is, byte for byte, what one process does."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main
from fingerprint.cluster import connect, connecting, dask_cluster
from fingerprint.collection import cluster_search
from fingerprint.collection.collection import create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.dedupe import Rules, find_groups, working_collection
from fingerprint.edits import random_chain
from fingerprint.errors import ClusterError, ConfigError
from fingerprint.models import Models
from fingerprint.tracks import describe_track, match_track
from fingerprint.types import U8, Skipped
from fingerprint.workers import map_images, task_name

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed", "ignore::ResourceWarning")

_ROOT = Path(__file__).parents[2]


class Machine:
    """A scheduler, and workers that can be started and killed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file)
        )
        self._until(lambda: self.file.exists() and self.file.read_text().strip().endswith("}"))

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def add_worker(self, name: str) -> None:
        options = ("--no-nanny", "--nthreads", "1", "--name", name, "--local-directory", str(self.folder / name))
        self.workers[name] = self._start("worker", "--scheduler-file", str(self.file), *options)

    def kill_worker(self, name: str) -> None:
        """Kill a worker as a machine dies that loses its power."""
        process = self.workers.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        self._stack.close()

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a process in a folder of its own: the paths of pictures must not depend on it."""
        place = self.folder / f"in-{kind}-{len(self.workers)}"
        place.mkdir(exist_ok=True)
        log = self._stack.enter_context((place / "log").open("wb"))
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *options]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        self._stack.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    @staticmethod
    def _until(done: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        for name in ("a", "b", "c"):
            made.add_worker(name)
        yield made
    finally:
        made.close()


@contextmanager
def killed_at(machine: Machine, share: float) -> Iterator[Callable[[int, int], None]]:
    """Yield a progress callback that kills a worker in the middle, and let another one join at the end."""
    name = min(machine.workers)

    def progress(done: int, total: int) -> None:
        if name in machine.workers and done >= share * total:
            machine.kill_worker(name)
            machine.add_worker(f"{name}x")

    yield progress
    assert name not in machine.workers, "the worker was never killed"


@pytest.fixture(scope="module")
def pictures(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References and edited copies of them, with a broken file in each folder."""
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(3)
    others = [pixels[::2, ::2] for pixels in list(photos.values())[:3]]
    for folder in ("references", "queries"):
        (place / folder).mkdir()
        (place / folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    names = list(photos)
    for number in range(48):
        pixels = photos[names[number % len(names)]][::2, ::2]
        third = number // len(names)
        height, width = (side * 2 // 3 for side in pixels.shape[:2])
        part = (pixels, pixels[:height, :width], pixels[-height:, -width:])[third]
        Image.fromarray(part).save(place / "references" / f"R{number:03d}.png")
        if number % 2:
            edited = random_chain(part, rng, others, (1, 3)).pixels
            Image.fromarray(edited).save(place / "queries" / f"Q{number:03d}.jpg")
    return place


def run(*arguments: object, code: int = 1) -> tuple[str, str]:
    """Run a command; one file in each folder is skipped, so it ends with 1."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def segments(collection: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(collection)): path.read_bytes()
        for path in sorted(collection.glob("segments/**/*"))
        if path.is_file()
    }


def test_a_worker_that_dies_while_pictures_are_added_costs_nothing(
    machine: Machine, pictures: Path, models: Models, tmp_path: Path
) -> None:
    config = replace(DEFAULT_CONFIG, storage=replace(DEFAULT_CONFIG.storage, batch=7))
    files = sorted((pictures / "references").iterdir())
    with create_collection(tmp_path / "here", models=models, config=config) as collection:
        here = collection.add_files(files)
    with (
        connect(str(machine.file)) as cluster,
        killed_at(machine, 0.4) as progress,
        create_collection(tmp_path / "there", models=models, config=config) as collection,
    ):
        there = collection.add_files(files, n_workers=cluster, progress=progress)
    assert here == there
    assert segments(tmp_path / "here") == segments(tmp_path / "there")
    assert not (tmp_path / "there" / "incoming").exists()


@pytest.mark.parametrize("part_bytes", [1, 4 << 30])
def test_a_worker_that_dies_during_a_search_costs_nothing(
    machine: Machine,
    pictures: Path,
    models: Models,
    tmp_path: Path,
    part_bytes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_search, "_PART_BYTES", part_bytes)
    storage = replace(DEFAULT_CONFIG.storage, batch=12, merge_at_end=False)
    queries = sorted((pictures / "queries").iterdir()) * 2
    with create_collection(
        tmp_path / "c", models=models, config=replace(DEFAULT_CONFIG, storage=storage)
    ) as collection:
        collection.add_files([pictures / "references"])
        here = list(collection.answer_many(queries))
        there = []
        with connect(machine.address) as cluster, killed_at(machine, 0.3) as progress:
            for answer in collection.answer_many(queries, n_workers=cluster):
                there.append(answer)
                progress(len(there), len(queries))
    for one, other in zip(here, there, strict=True):
        if isinstance(one, Skipped) or isinstance(other, Skipped):
            assert one == other
        else:
            assert replace(one, milliseconds={}) == replace(other, milliseconds={})


def test_a_worker_that_dies_during_both_tracks_costs_nothing(
    machine: Machine, pictures: Path, models: Models, tmp_path: Path
) -> None:
    folders = pictures / "queries", pictures / "references"
    here = match_track(*folders, models=models), describe_track(*folders, models=models)
    with connect(machine.address, shared_folder=tmp_path) as cluster:
        with killed_at(machine, 0.5) as progress:
            matches = match_track(*folders, models=models, n_workers=cluster, progress=at_stage("queries", progress))
        with killed_at(machine, 0.2) as progress:
            described = describe_track(
                *folders, models=models, n_workers=cluster, progress=at_stage("references", progress)
            )
    assert matches[1] == here[0][1]
    assert (matches[0].query_ids, matches[0].reference_ids) == (here[0][0].query_ids, here[0][0].reference_ids)
    assert np.array_equal(matches[0].scores, here[0][0].scores)
    assert described[1] == here[1][1]
    assert np.array_equal(described[0].query, here[1][0].query)
    assert np.array_equal(described[0].reference, here[1][0].reference)


def test_a_worker_that_dies_while_copies_are_grouped_costs_nothing(
    machine: Machine, pictures: Path, models: Models, tmp_path: Path
) -> None:
    files = sorted(pictures.glob("*/*"))
    with working_collection(None, models) as collection:
        here = find_groups(files, collection, Rules(), models=models)
    with (
        connect(machine.address, shared_folder=tmp_path) as cluster,
        killed_at(machine, 0.3) as progress,
        working_collection(None, models, n_workers=cluster) as collection,
    ):
        there = find_groups(
            *(files, collection, Rules()),
            models=models,
            n_workers=cluster,
            progress=at_stage("pictures asked", progress),
        )
    assert here == there
    assert list(tmp_path.iterdir()) == []


def at_stage(wanted: str, progress: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: progress(done, total) if stage == wanted else None


def test_commands_write_the_same_bytes(machine: Machine, pictures: Path, tmp_path: Path) -> None:
    queries, references = pictures / "queries", pictures / "references"
    outputs = []
    for options in ((), ("--scheduler", machine.file, "--shared-folder", tmp_path)):
        place = tmp_path / ("there" if options else "here")
        place.mkdir()
        both = ("--queries", queries, "--references", references)
        folder, matches, vectors = place / "c.fp", place / "m.csv", place / "d.h5"
        said = [
            run("index", "create", folder, references, "-q", *options),
            run("index", "add", folder, references, "-q", "--json", *options),
            run("search", folder, queries, "--show-shared", "--json", "-q", *options),
            run("challenge", "match", *both, "--out", matches, "-q", *options),
            run("challenge", "describe", *both, "--out", vectors, "-q", *options),
            run("dedupe", references, queries, "--json", "-q", *options),
        ]
        texts = [(out.replace(str(place), ""), err.replace(str(place), "")) for out, err in said]
        outputs.append((texts, segments(folder), matches.read_bytes(), vectors.read_bytes()))
    assert outputs[0] == outputs[1]


def test_relative_paths_reach_workers_in_other_folders(
    machine: Machine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    run("index", "create", tmp_path / "c", "references", "-q", "--scheduler", machine.file)
    here = run("search", tmp_path / "c", "queries", "gone.jpg", "-q")
    assert run("search", tmp_path / "c", "queries", "gone.jpg", "-q", "--scheduler", machine.file) == here
    assert "gone.jpg: no such file" in here[1]


def test_keepers_are_the_same_by_relative_paths(
    machine: Machine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of a file decides which one is kept, and a file that a worker does not find is not reported."""
    shutil.copytree(pictures / "references", tmp_path / "some")
    for number in range(3):
        with Image.open(tmp_path / "some" / f"R00{number}.png") as picture:
            width, height = picture.size
            picture.convert("RGB").save(tmp_path / "some" / f"A{number}.jpg", quality=30)
            picture.resize((2 * width, 2 * height)).save(tmp_path / "some" / f"B{number}.png")
    monkeypatch.chdir(tmp_path)
    here = run("dedupe", "some", "-q", "--json")
    there = run("dedupe", "some", "-q", "--json", "--scheduler", machine.file, "--shared-folder", tmp_path)
    assert "least compressed (PNG)" in here[0]
    assert there == here


def test_what_is_before_two_dots_may_be_a_link(
    machine: Machine, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(pictures / "queries")
    monkeypatch.chdir(tmp_path)
    (queries,) = Path("link").glob("Q001.jpg")
    run("index", "create", "c", "link/../references", "-q")
    here = run("search", "c", queries, "link/../references/R001.png", "-q", code=0)
    assert run("search", "c", queries, "link/../references/R001.png", "-q", "--scheduler", machine.file, code=0) == here


def test_tasks_have_names(machine: Machine, pictures: Path, models: Models, tmp_path: Path) -> None:
    with (
        connect(machine.address) as cluster,
        create_collection(tmp_path / "c", models=models) as collection,
    ):
        collection.add_files([pictures / "references"], n_workers=cluster)
        list(collection.search_many(sorted((pictures / "queries").iterdir())[:9], n_workers=cluster))
        list(map_images(abs, range(3), cluster))
        names = set(cluster._client.run_on_scheduler(_prefixes))  # type: ignore[attr-defined]
    assert {"describe-references", "write-segment", "describe-queries", "look", "abs"} <= names


def _prefixes(dask_scheduler: object) -> list[str]:
    return list(dask_scheduler.task_prefixes)  # type: ignore[attr-defined]


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no scheduler; give an address"), connect(str(tmp_path / "none.json")):
        pass
    with pytest.raises(ConfigError, match="no scheduler"), connect("local:0"):
        pass
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ConfigError, match="it names no address"), connect(str(tmp_path / "bad.json")):
        pass
    (tmp_path / "bad.json").write_text("tcp")
    with pytest.raises(ConfigError, match="not the file of a scheduler"), connect(str(tmp_path / "bad.json")):
        pass
    with pytest.raises(ClusterError, match="is 'dask scheduler' running there"), connect("tcp://127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{}", "tcp://127.0.0.1:{}", "tls://127.0.0.1:{}", "tcp://127.0.0.1"]
)
def test_what_answers_but_is_no_scheduler_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_CONNECTING", 2.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            began = time.monotonic()
            with (
                pytest.raises(ClusterError, match="is 'dask scheduler' running there"),
                connect(address.format(server.server_port)),
            ):
                pass
            assert time.monotonic() - began < 30
        finally:
            server.shutdown()
            thread.join()


def test_the_address_of_a_worker_is_told(machine: Machine) -> None:
    with connect(machine.address) as cluster:
        worker = min(cluster._client.nthreads())  # type: ignore[attr-defined]
    with pytest.raises(ClusterError, match="no scheduler, but another process of Dask"), connect(worker):
        pass


def test_where_a_command_connects_to_is_said_before_it_waits(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text("no JSON")
    for quiet in (False, True):
        options = ["--scheduler", str(file), *(["-q"] if quiet else [])]
        result = CliRunner().invoke(main, ["index", "create", str(tmp_path / "c"), str(tmp_path), *options])
        assert (f"connecting to {file}" in result.stderr) is not quiet
        assert not (tmp_path / "c").exists()


def test_dask_logs_nothing_of_a_scheduler_that_is_lost(tmp_path: Path) -> None:
    """In a process of its own, as Dask sets the levels of its loggers when it is loaded."""
    alone = Machine(tmp_path / "m")
    code = f"""
import os, signal, sys
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.workers import map_images
import click, time

@click.command()
@scheduler_options
def command():
    with chosen_workers(None) as cluster:
        for _ in map_images(time.sleep, [0.1] * 8 + [1] * 40, cluster):
            os.kill({alone.scheduler.pid}, signal.SIGKILL)

command()
"""
    try:
        alone.add_worker("a")
        command = [sys.executable, "-c", code, "--scheduler", alone.address]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(_ROOT)})
    finally:
        alone.close()
    assert "ClusterError: the connection to the scheduler was lost" in done.stderr
    assert "distributed.client - " not in done.stderr


def test_a_scheduler_that_is_lost_is_named_whatever_it_was_asked() -> None:
    from distributed.comm.core import CommClosedError

    class Gone:
        """A client whose scheduler has gone between two tasks."""

        def nthreads(self) -> dict[str, int]:
            raise CommClosedError("Connection reset by peer")

        def submit(self, *_: object, **__: object) -> None:
            raise CommClosedError("Connection reset by peer")

    lost = dask_cluster.DaskCluster(cast("Any", Gone()), None)
    with pytest.raises(ClusterError, match=r"was lost \(Connection reset by peer\)"):
        assert lost.n_threads
    with pytest.raises(ClusterError, match="was lost"):
        lost.start(len, "abc", name="length")
    with pytest.raises(ClusterError, match="was lost"):
        lost.start(len, "abc", name="length", place=3)


def test_a_scheduler_without_workers_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    alone = Machine(tmp_path)
    try:
        with (
            caplog.at_level(logging.WARNING),
            pytest.raises(ClusterError, match="no worker within 1 seconds"),
            connect(alone.address, timeout=1),
        ):
            pass
        assert "waiting for one" in caplog.text
    finally:
        alone.close()


def test_that_all_workers_are_gone_is_said_while_results_are_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "_LOOKED_AFTER", 0.5)
    alone = Machine(tmp_path / "alone")
    try:
        alone.add_worker("first")
        with connect(str(alone.file)) as cluster, caplog.at_level(logging.WARNING):
            task = cluster.start(_slept, 2.0, name="slept")
            time.sleep(1.0)
            alone.kill_worker("first")
            found: list[float] = []
            waiting = Thread(target=lambda: found.append(task.result()))
            waiting.start()
            for _ in range(300):
                if "no workers left" in caplog.text:
                    break
                time.sleep(0.1)
            assert caplog.text.count("the cluster has no workers left; waiting for some") == 1
            alone.add_worker("second")
            waiting.join(60)
            assert found == [2.0]
    finally:
        alone.close()


def _slept(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_an_error_of_a_task_is_raised_here(machine: Machine) -> None:
    def work(_: int) -> int:
        raise ConfigError("the worker says so")

    assert task_name(work) == "work"
    with connect(machine.address) as cluster, pytest.raises(ConfigError, match="the worker says so"):
        list(map_images(work, range(3), cluster))


def test_processes_of_this_machine_leave_interrupts_to_the_command() -> None:
    with connect("local:1") as cluster:
        assert list(map_images(_is_blocked, [signal.SIGINT], cluster)) == [True]
    assert not _is_blocked(signal.SIGINT)


def _is_blocked(number: signal.Signals) -> bool:
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_task_that_runs_out_of_time_raises_its_own_error(machine: Machine) -> None:
    def work(_: int) -> int:
        raise TimeoutError("the store did not answer")

    with connect(machine.address) as cluster, pytest.raises(TimeoutError, match="the store did not answer"):
        cluster.start(work, 1, name="late").result()


def test_a_task_that_kills_its_workers_is_told(tmp_path: Path) -> None:
    with connect("local:1") as cluster, pytest.raises(ClusterError, match="each of them died"):
        list(map_images(_die, range(1), cluster))


def _die(_: int) -> int:
    os._exit(3)


def test_options_that_exclude_each_other(pictures: Path, tmp_path: Path) -> None:
    for options, said in (
        (("--scheduler", "local:1", "--workers", "2"), "exclude each other"),
        (("--shared-folder", tmp_path), "for the workers of a --scheduler"),
    ):
        out, err = run("index", "create", tmp_path / "c", pictures / "references", *options, code=2)
        assert said in out + err
        assert not (tmp_path / "c").exists()


def test_processes_of_this_machine(pictures: Path, models: Models, tmp_path: Path) -> None:
    with connect("local:2") as cluster, create_collection(tmp_path / "c", models=models) as collection:
        assert cluster.n_threads == 2
        added = collection.add_files([pictures / "references"], n_workers=cluster)
    with open_collection(tmp_path / "c", models=models) as collection:
        assert len(collection) == added.added == 48
