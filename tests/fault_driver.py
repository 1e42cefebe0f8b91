"""A collection under fire: a writer killed at any moment of its work, and readers beside a writer.

Run by `test_index_faults`, or alone for longer::

    python tests/fault_driver.py --kills 2000 --seed 7
    python tests/fault_driver.py --upgrades 100
    python tests/fault_driver.py --readers 2 --seconds 60
    python tests/fault_driver.py --guests 2 --seconds 60

Each trial is a forked child, which costs milliseconds where a new process would have to import everything. Pictures are
made from a number, their version, which is in them: so whatever is read can be compared byte for byte.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.config import DEFAULT_CONFIG, StorageConfig
from fingerprint.errors import CollectionExistsError
from fingerprint.features.descriptor import rounded_descriptor
from fingerprint.features.packed_frames import rounded_frames
from fingerprint.index import ImageRecord, Writer, check_store, upgrade_store
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.lock import WriterLock
from fingerprint.index.own_files import CATALOGUE_NAME
from fingerprint.index.segment import PictureSegment
from fingerprint.index.snapshot import open_snapshots
from fingerprint.models import load_models
from fingerprint.types import F32, Fingerprint, Keypoints

OTHER = "other-model"
KINDS = ("add", "replace", "remove", "compact", "vectors")
CONFIG = dataclasses.replace(
    DEFAULT_CONFIG,
    candidates=dataclasses.replace(DEFAULT_CONFIG.candidates, descriptor_index="annoy"),
    storage=StorageConfig(batch=2, merge_factor=2, merge_below=40, keep_local_descriptors=True),
)
MODELS = load_models()
NOBODY = 65534  # a user without rights
_MOST = 30  # pictures; beyond that removing is likelier than adding
#: Of pictures and of vectors of the other model: versions by id, in the order of adding.
State = tuple[dict[str, int], dict[str, int]]
Operation = dict[str, Any]


@functools.lru_cache(maxsize=4096)
def picture(version: int) -> Fingerprint:
    """A picture that never was; its first hash is its version. Every seventh has no keypoints."""
    rng = np.random.default_rng(version)
    n = 0 if version % 7 == 0 else 1 + version % 3
    vector = rng.standard_normal(MODELS.descriptor.dimension)
    return Fingerprint(
        hashes=np.array([version, *rng.integers(0, 2**63, 2)], np.uint64),
        keypoints=Keypoints(
            descriptors=rng.integers(0, 90, (n, 128)).astype(np.uint8),
            signatures=rng.integers(0, 2**63, (n, 2)).astype(np.uint64),
            frame=rounded_frames(rng.random((n, 5)).astype(np.float32)),
            width=640 + version % 100,
            height=480,
        ),
        descriptor=rounded_descriptor((vector / np.linalg.norm(vector)).astype(np.float32)),
        thumbnail=rng.integers(0, 256, 1 + version % 90).astype(np.uint8),
        colours=rng.integers(-127, 128, (8, 8, 2)).astype(np.int8),
        model_id=MODELS.model_id,
    )


def record(image_id: str, version: int) -> ImageRecord:
    """File facts that tell the version, too."""
    return ImageRecord(image_id, f"{image_id}.jpg", version, f"{version:064x}", 640 + version % 100, 480)


def vector(version: int) -> F32:
    """A vector of the other model; its first number is its version."""
    return np.array([version, version % 13, 1, 0], np.float32)


def bytes_of(fingerprint: Fingerprint) -> bytes:
    """Everything in a fingerprint."""
    k = fingerprint.keypoints
    arrays = (fingerprint.hashes, fingerprint.descriptor, fingerprint.thumbnail, k.descriptors, k.signatures, k.frame)
    return b"".join([*(np.ascontiguousarray(a).tobytes() for a in arrays), f"{k.width}x{k.height}".encode()])


def state_of(store: Writer) -> State:
    """Return what a collection holds, after comparing every picture and vector with what its version was made of."""
    ids = store.reader.ids
    assert len(ids) == len(set(ids)) == len(store.reader), f"ids are there twice: {ids}"
    own = {}
    for image_id in ids:
        found = store.reader.fingerprint(image_id)
        assert found is not None, image_id
        own[image_id] = version = int(found.hashes[0])
        assert bytes_of(found) == bytes_of(picture(version)), f"{image_id}: not the bytes of version {version}"
    if ids:
        asked = np.stack([picture(version).descriptor for version in own.values()])
        nearest = store.reader.nearest_vectors(asked, store.reader.model_id, 1, exact=True)
        assert [first[0].reference_id for first in nearest] == ids, "the nearest to a descriptor is not its own"
    other: dict[str, int] = {}
    if any(info.model_id == OTHER for info in store.reader.info().imported):
        names, vectors = store.reader.vectors(OTHER)
        other = {name: int(row[0]) for name, row in zip(names, vectors, strict=True)}
        assert len(other) == len(names)
        assert all(np.array_equal(row, vector(int(row[0]))) for row in vectors)
    return own, other


def plan(rng: np.random.Generator, state: State, fresh: int) -> Operation:
    """Choose an operation; versions and new ids count on from `fresh`."""
    own = list(state[0])
    weights = np.array([3, 2, 2, 2, 2] if len(own) < _MOST else [0, 1, 8, 2, 1], float)
    kind = str(rng.choice(KINDS, p=weights / weights.sum()))
    if not own and kind in ("replace", "remove"):
        kind = "add"
    n = int(rng.integers(1, 5))
    some = [str(name) for name in rng.choice(own, min(len(own), n), replace=False)] if own else []
    new = [f"b\u00fcld-{fresh + i}" for i in range(n)]
    if kind == "compact":
        return {"kind": kind, "largest": [None, 3, 10][int(rng.integers(3))]}
    ids = {"add": new, "replace": [*some, *new[:1]], "remove": some, "vectors": [*some, *new[:1]]}[kind]
    if kind == "remove" and rng.random() < 0.1:
        ids = own
    return {"kind": kind, "ids": ids, "versions": list(range(fresh, fresh + len(ids)))}


def applied(state: State, operation: Operation) -> State:
    """Return what a collection holds after an operation."""
    own, other = dict(state[0]), dict(state[1])
    kind = operation["kind"]
    for image_id in operation.get("ids", ()):
        if kind != "vectors":
            own.pop(image_id, None)
        if kind in ("vectors", "remove"):
            other.pop(image_id, None)
    changed = other if kind == "vectors" else own
    if kind in ("add", "replace", "vectors"):
        changed |= dict(zip(operation["ids"], operation["versions"], strict=True))
    return own, other


def perform(store: Writer, operation: Operation) -> None:
    """Do an operation."""
    kind, ids, versions = operation["kind"], operation.get("ids", []), operation.get("versions", [])
    if kind == "compact":
        store.compact(operation["largest"])
    elif kind == "remove":
        store.remove(ids)
    elif kind == "vectors":
        store.add_vectors(OTHER, ids, np.stack([vector(version) for version in versions]))
    else:
        records = [record(image_id, version) for image_id, version in zip(ids, versions, strict=True)]
        store.add([picture(v) for v in versions], records, replaced=None if kind == "replace" else ())


def unlisted(folder: Path) -> set[str]:
    """Return what is among the segments and not in the catalogue."""
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    listed = {f"{segment.number:06d}" for segment in catalogue.segments()}
    catalogue.close()
    return {path.name for path in (folder / "segments").iterdir()} ^ listed


class Child:
    """A forked process that tells its parent, line by line, what it does."""

    def __init__(self, work: Any, *arguments: Any) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            self._run(work, writing, arguments)
        os.close(writing)
        self._pipe, self._left = reading, b""

    @staticmethod
    def _run(work: Any, pipe: int, arguments: tuple[Any, ...]) -> None:
        def tell(**message: Any) -> None:
            data = json.dumps({**message, "at": time.monotonic()}).encode() + b"\n"
            while data:
                data = data[os.write(pipe, data) :]

        try:
            work(tell, *arguments)
            tell(what="end")
        except BaseException:  # noqa: BLE001 - the parent is told
            tell(what="error", text=traceback.format_exc())
        finally:
            os._exit(0)

    def messages(self, timeout: float = 60) -> Iterator[dict[str, Any]]:
        """Yield messages as they come; ends with the child."""
        while True:
            while b"\n" in self._left:
                line, self._left = self._left.split(b"\n", 1)
                yield json.loads(line)
            assert select.select([self._pipe], [], [], timeout)[0], "the child hangs"
            data = os.read(self._pipe, 1 << 16)
            if not data:
                return
            self._left += data

    def end(self, number: int) -> list[dict[str, Any]]:
        """Send a signal, wait for the end and return what was told by then."""
        os.kill(self.pid, number)
        told = list(self.messages())
        self.wait()
        return told

    def wait(self) -> None:
        """Wait for the end."""
        os.waitpid(self.pid, 0)
        os.close(self._pipe)


class Interrupts:
    """Ctrl-C, let through while an operation is under way and remembered."""

    def __init__(self) -> None:
        self.came = False
        self.hold()

    def __call__(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt

    def let_through(self) -> None:
        signal.signal(signal.SIGINT, self)

    @staticmethod
    def hold() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def work_until_killed(tell: Any, folder: Path, state: State, seed: int, fresh: int, n: int) -> None:
    """Do `n` operations; after Ctrl-C find out what holds, and do one more to see that it still works."""
    rng = np.random.default_rng(seed)
    interrupts = Interrupts()
    with Writer.open(folder, MODELS, CONFIG) as store:
        left = n
        while left:
            left -= 1
            operation = plan(rng, state, fresh)
            fresh += 8
            before, state = state, applied(state, operation)
            try:
                interrupts.let_through()
                tell(what="begin", operation=operation)
                perform(store, operation)
                tell(what="done", operation=operation)
                interrupts.hold()
            except BaseException:  # NumPy may make a TypeError of it
                interrupts.hold()
                if not interrupts.came:
                    raise
                store.reader.refresh()
                found = told(state_of(store))
                assert found in (told(before), told(state)), f"{operation}: {found} is neither state"
                tell(what="interrupted", state=found)
                state, left = (before if found == told(before) else state), 1
            else:
                assert not unlisted(folder), f"left behind after {operation}: {unlisted(folder)}"


def told(state: State) -> list[list[list[Any]]]:
    """Return a state as it can be compared, order and all, and sent."""
    return [[[name, version] for name, version in part.items()] for part in state]


def kill_trials(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill a writer at `kills` moments and look at the collection after each."""
    rng = np.random.default_rng(seed)
    Writer.create(folder, MODELS, CONFIG).close()
    state: State = ({}, {})
    lasting = {kind: deque([0.02], maxlen=20) for kind in KINDS}  # seconds
    counts: Counter[str] = Counter()
    fresh, trial = 1, 0
    while counts["kills"] < kills:
        trial += 1
        number = signal.SIGINT if trial % 5 == 0 else signal.SIGKILL
        child_seed = int(rng.integers(2**31))
        child = Child(work_until_killed, folder, state, child_seed, fresh, 6)
        doomed, begun = int(rng.integers(5)), 0  # which operation is to be the last
        messages = []
        for message in child.messages():
            messages.append(message)
            if message["what"] == "begin":
                if begun == doomed:
                    longest = 1.3 * float(np.mean(lasting[message["operation"]["kind"]]))
                    time.sleep(float(rng.random()) * longest)
                    break
                begun += 1
        messages += child.end(number)
        fresh += 8 * 8
        where = f"seed {seed}, trial {trial}, {signal.Signals(number).name}"
        state = _after_messages(state, messages, lasting, counts, folder, where)
    return counts


def _after_messages(
    state: State,
    messages: list[dict[str, Any]],
    lasting: dict[str, deque[float]],
    counts: Counter[str],
    folder: Path,
    where: str,
) -> State:
    """Check the collection against what its last writer told, and return what it holds."""
    under_way: Operation | None = None
    since = 0.0
    ended = messages[-1]["what"] == "end"
    for message in messages:
        what = message["what"]
        assert what != "error", f"{where}: {message['text']}"
        if what == "begin":
            under_way, since = message["operation"], message["at"]
        elif what == "done":
            assert under_way is not None
            lasting[under_way["kind"]].append(message["at"] - since)
            state, under_way = applied(state, under_way), None
        elif what == "interrupted":
            counts[f"interrupted in {under_way['kind']}" if under_way else "interrupted between operations"] += 1
            counts["kills"] += 1
            ended = True
            own, other = message["state"]
            state, under_way = (dict(own), dict(other)), None
    if under_way is None:
        counts["between operations"] += not ended
        counts["kills"] += not ended
        after = state
    else:
        where += f", in {under_way}"
        counts[f"killed in {under_way['kind']}"] += 1
        counts["kills"] += 1
        after = applied(state, under_way)
    try:
        return _examined(state, after, counts, folder, where)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{where}: {error!r}") from error


def _examined(before: State, after: State, counts: Counter[str], folder: Path, where: str) -> State:
    lock = WriterLock(folder)
    lock.acquire()  # is free at once
    lock.release()
    counts["left something behind"] += bool(unlisted(folder))
    problems = check_store(folder)
    assert problems == [], f"{where}: {problems}"
    with Writer.open(folder, MODELS, CONFIG) as store:
        found = state_of(store)
        for image_id, version in found[0].items():
            assert store.reader.record(image_id) == record(image_id, version), f"{where}: file facts of {image_id}"
    assert told(found) in (told(before), told(after)), f"{where}: {found} is neither {before} nor {after}"
    if before != after:
        counts["found as before" if told(found) == told(before) else "found as after"] += 1
    return found


def kill_while_creating(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill a process while it makes a collection: either it is there, or it can be made."""
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()

    def make(tell: Any, place: Path) -> None:
        tell(what="begin")
        Writer.create(place, MODELS, CONFIG).close()

    for trial in range(kills):
        place = folder / f"new-{trial}"
        child = Child(make, place)
        next(child.messages())
        time.sleep(float(rng.random()) * 0.012)
        child.end(signal.SIGKILL)
        try:
            Writer.create(place, MODELS, CONFIG).close()
            counts["could be made anew"] += 1
        except CollectionExistsError:
            counts["was made"] += 1
        with Writer.open(place, MODELS, CONFIG) as store:
            perform(store, {"kind": "add", "ids": ["a"], "versions": [3]})
            assert store.reader.ids == ["a"]
        assert check_store(place) == [], f"seed {seed}, trial {trial} of creating"
    return counts


def upgrade_until_killed(tell: Any, folder: Path) -> None:
    """Upgrade a collection, and tell before and after."""
    tell(what="begin")
    upgrade_store(folder)
    tell(what="done")


def contents_of(folder: Path) -> dict[tuple[str, str], tuple[bytes, Any]]:
    """Return all that a collection holds, by model and id; it may have been made with other settings."""
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    try:
        found: dict[tuple[str, str], tuple[bytes, Any]] = {}
        for model, snapshot in open_snapshots(folder, catalogue, {}).items():
            for name in snapshot.live_ids():
                position = snapshot.position(name)
                assert position is not None, name
                which, row = snapshot.locate(position)
                segment = snapshot.segments[which]
                if isinstance(segment, PictureSegment):
                    data = bytes_of(segment.fingerprint(row))
                else:
                    data = np.asarray(segment.descriptors[row]).tobytes()
                assert (model, name) not in found, f"{name} is there twice"
                found[model, name] = (data, catalogue.record(snapshot.numbers[which], row))
            for segment in snapshot.segments:
                segment.close()
        return found
    finally:
        catalogue.close()


def kill_while_upgrading(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill upgrades of collections of all older formats, and complete them: nothing is lost, and nothing twice."""
    from golden_collections import unpack  # type: ignore[import-not-found] # beside this file

    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    archives = sorted((Path(__file__).parent / "golden").glob("format*.zip"))
    old = [unpack(archive, folder / archive.stem) for archive in archives]
    expected, seconds = [], []
    for number, source in enumerate(old):
        whole = Path(shutil.copytree(source, folder / f"whole-{number}"))
        begun = time.monotonic()
        upgrade_store(whole)
        seconds.append(time.monotonic() - begun)
        expected.append(contents_of(whole))
    for trial in range(kills):
        which = trial % len(old)
        where = f"seed {seed}, trial {trial} of upgrading {old[which].name}"
        place = Path(shutil.copytree(old[which], folder / "upgraded"))
        child = Child(upgrade_until_killed, place)
        next(child.messages())
        time.sleep(float(rng.random()) * 1.2 * seconds[which])
        messages = child.end(signal.SIGKILL)
        finished = any(message["what"] == "done" for message in messages)
        counts["upgrades that had ended" if finished else f"killed while upgrading {old[which].name}"] += 1
        if old[which].name != "format2":  # which cannot be searched before it is upgraded
            names = set(contents_of(place))
            assert names == set(expected[which]), f"{where}: {names} after the kill"
        upgrade_store(place)
        assert check_store(place) == [], f"{where}: {check_store(place)}"
        assert contents_of(place) == expected[which], f"{where}: not the pictures of an upgrade without a kill"
        counts["left something behind by an upgrade"] += bool(unlisted(place))
        shutil.rmtree(place)
    return counts


def write_beside_readers(tell: Any, folder: Path, seed: int, seconds: float) -> None:
    """Change a collection without a break, and tell each state before and after it is published."""
    rng = np.random.default_rng(seed)
    state: State = ({}, {})
    end, fresh = time.monotonic() + seconds, 1
    while time.monotonic() < end:
        with Writer.open(folder, MODELS, CONFIG) as store:
            for _ in range(int(rng.integers(1, 12))):
                operation = plan(rng, state, fresh)
                fresh += 8
                state = applied(state, operation)
                tell(what="begin", state=told(state))
                perform(store, operation)
                tell(what="done")


def read_beside_a_writer(tell: Any, folder: Path, seed: int, seconds: float) -> None:
    """Open, refresh and ask, and tell what was seen with the time in which it was looked at."""
    rng = np.random.default_rng(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        with Writer.open(folder, MODELS, CONFIG) as store:
            for _ in range(int(rng.integers(1, 8))):
                looked = time.monotonic()
                seen = told(state_of(store))
                tell(what="seen", state=seen, start=start, stop=looked)
                time.sleep(float(rng.random()) * 0.02)
                assert told(state_of(store)) == seen, "a snapshot has changed by itself"
                start = time.monotonic()
                store.reader.refresh()


def read_as_a_guest(tell: Any, folder: Path, seed: int, seconds: float) -> None:
    """Read as a user who may not write to the collection's folder; only root can become one."""
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    read_beside_a_writer(tell, folder, seed, seconds)


def read_and_write(
    folder: Path, readers: int, seconds: float, seed: int, reader: Any = read_beside_a_writer
) -> Counter[str]:
    """Let a writer and readers work side by side; every answer must be of a state published by then."""
    Writer.create(folder, MODELS, CONFIG).close()
    children = [Child(write_beside_readers, folder, seed, seconds)]
    children += [Child(reader, folder, seed + 1 + i, seconds) for i in range(readers)]
    heard: list[list[dict[str, Any]]] = [[] for _ in children]
    streams = {child._pipe: (child, own) for child, own in zip(children, heard, strict=True)}
    buffers = dict.fromkeys(streams, b"")
    while buffers:
        for pipe in select.select(list(buffers), [], [], 60)[0]:
            data = os.read(pipe, 1 << 16)
            *lines, buffers[pipe] = (buffers[pipe] + data).split(b"\n")
            streams[pipe][1].extend(map(json.loads, lines))
            if not data:
                del buffers[pipe]
    for child in children:
        child.wait()
    for own in heard:
        assert own[-1]["what"] == "end", f"seed {seed}: {own[-1]}"
    published: list[tuple[float, float, Any]] = [(0.0, 0.0, [[], []])]  # begin and end of publishing, state
    for message in heard[0]:
        if message["what"] == "begin":
            published.append((message["at"], np.inf, message["state"]))
        elif message["what"] == "done":
            published[-1] = (published[-1][0], message["at"], published[-1][2])
    counts: Counter[str] = Counter(published=len(published) - 1)
    different = set()
    for message in [message for own in heard[1:] for message in own if message["what"] == "seen"]:
        possible = [
            state
            for at, (begin, _, state) in enumerate(published)
            if begin <= message["stop"] and (at + 1 == len(published) or published[at + 1][1] >= message["start"])
        ]
        assert message["state"] in possible, f"seed {seed}: {message} is none of the {len(possible)} states then"
        counts["seen"] += 1
        counts["seen while it changed"] += len(possible) > 1
        counts["states possible then, in all"] += len(possible)
        different.add(json.dumps(message["state"]))
    counts["different states seen"] = len(different)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--upgrades", type=int, default=0, help="how many upgrades to kill")
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--guests", type=int, default=0, help="readers without rights to write; as root")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to make collections; a temporary one otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        with Writer.create(folder / "warm", MODELS, CONFIG) as store:  # so that no child has to wait for Numba
            for version in range(1, 20):
                perform(store, {"kind": "add", "ids": [str(version)], "versions": [version]})
                perform(store, {"kind": "vectors", "ids": [str(version)], "versions": [version]})
                state_of(store)  # a guest may not read what it takes to import and compile this, with few or many
        counts: Counter[str] = Counter()
        if options.kills:
            counts += kill_trials(folder / "killed", options.kills, options.seed)
            counts += kill_while_creating(folder, options.kills // 10, options.seed)
        if options.upgrades:
            (folder / "old").mkdir()
            counts += kill_while_upgrading(folder / "old", options.upgrades, options.seed)
        if options.readers:
            counts += read_and_write(folder / "shared", options.readers, options.seconds, options.seed)
        if options.guests:
            folder.chmod(0o755)
            place, reader = folder / "shown", read_as_a_guest
            counts += read_and_write(place, options.guests, options.seconds, options.seed, reader)
    json.dump(dict(sorted(counts.items())), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
