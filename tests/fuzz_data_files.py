"""A fuzzer of everything that reads data: changed files must end as an answer or as an error with a name.

Run by ``make fuzz``, or alone::

    python tests/fuzz_data_files.py --files 5000 --seed 1
    python tests/fuzz_data_files.py --only hdf5 --files 500
    python tests/fuzz_data_files.py --case 1234 --seed 1

A sound file of each kind is made, and changed by chance: bytes, headers, numbers, texts, the structure of JSON and of
databases. Children read the changed files, so that a crash or a hang costs only that child. Each case depends on the
seed and its number alone. The exit code is 1 if a case ended in any other way.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import select
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fault_driver import CONFIG, MODELS, picture, record, vector  # type: ignore[import-not-found] # beside this file

from fingerprint.challenge import (
    DescriptorSet,
    evaluate_descriptors,
    evaluate_matches,
    read_descriptors,
    read_ground_truth,
    read_matches,
    write_descriptors,
)
from fingerprint.collection.collection import Collection
from fingerprint.collection.repair import repair_collection
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.errors import FingerprintError
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.hamming import HammingIndex
from fingerprint.hashlists import read_hash_list
from fingerprint.index import ImageRecord, Writer, check_store, upgrade_store
from fingerprint.models import load_models, save_models
from fingerprint.train import read_known_pairs
from fingerprint.vectorfiles import read_vectors, write_vectors

Rng = np.random.Generator
GOLDEN = Path(__file__).parent / "golden"
#: Seconds after which a case hangs, and bytes of memory that it may take beyond what the child had before.
PATIENCE, MOST_MEMORY = 240, 1 << 30
_NUMBERS: tuple[Any, ...] = (
    0,
    1,
    -1,
    3.0,
    1e400,
    2**31,
    2**63,
    10**30,
    True,
    None,
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    float("nan"),
)
_BITS = (
    b"\0" * 8,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\x80" + b"\0" * 7,
    b"PK\x03\x04",
    b"\x93NUMPY",
    b'"',
    b",",
    b"\n",
)


def photo(seed: int) -> np.ndarray:
    """A picture with enough in it for keypoints."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    return np.ascontiguousarray(coarse.repeat(14, axis=0).repeat(14, axis=1))


# --------------------------------------------------------------------------- changes


def changed_bytes(data: bytes, rng: Rng) -> bytes:
    """Change, cut, double or fill up a piece of some bytes."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if not out:
            return bytes(rng.integers(0, 256, 20).astype(np.uint8))
        front = rng.random() < 0.5  # headers are at the front, and for zip and SQLite also at the end
        at = int(rng.integers(0, min(len(out), 400))) if front else int(rng.integers(0, len(out)))
        n = int(rng.integers(1, 40))
        match int(rng.integers(8)):
            case 0:
                out[at] ^= 1 << int(rng.integers(8))
            case 1:
                out[at] = int(rng.integers(256))
            case 2:
                del out[at:]
            case 3:
                del out[at : at + n]
            case 4:
                out[at:at] = out[at : at + n]
            case 5:
                out[at : at + n] = bytes(n)
            case 6:
                piece = _BITS[int(rng.integers(len(_BITS)))]
                out[at : at + len(piece)] = piece
            case 7:
                out += rng.integers(0, 256, n).astype(np.uint8).tobytes()
    return bytes(out)


def changed_text(data: bytes, rng: Rng) -> bytes:
    """Change a text by lines, fields and characters that readers stumble over."""
    if rng.random() < 0.3:
        return changed_bytes(data, rng)
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    odd = (
        *(
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"\0",
            b'"',
            b'""',
            b",,,",
            b"\t",
            b"\r",
            b"nan",
            b"-inf",
            b"1e999",
            b"1_0",
            b"#",
        ),
        *(b"9" * 5000, b"[" * 100_000, b'{"a":' * 50_000, "\u202f\u00a0".encode(), b"id", b"hash,100", b"\x1c\x85"),
    )
    piece = odd[int(rng.integers(len(odd)))]
    where = int(rng.integers(len(lines[at]) + 1))
    match int(rng.integers(5)):
        case 0:
            lines[at] = lines[at][:where] + piece + lines[at][where:]
        case 1:
            lines[at] = piece
        case 2:
            lines.insert(at, lines[int(rng.integers(len(lines)))])
        case 3:
            del lines[at]
        case 4:
            fields = lines[at].split(b",")
            fields[int(rng.integers(len(fields)))] = piece
            lines[at] = b",".join(fields)
    return b"\n".join(lines)


def changed_json(data: bytes, rng: Rng) -> bytes:
    """Change a value anywhere in JSON, its type or its name."""
    if rng.random() < 0.2:
        return changed_text(data, rng)
    if rng.random() < 0.1:
        return (b"[" * 200_000, b"3", b"null", b'"x"', b"[]", b"{}", b"\xff", b"")[int(rng.integers(8))]
    value = json.loads(data)
    inner = value
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            break
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(inner[key], dict | list) and inner[key] and rng.random() < 0.6:
            inner = inner[key]
            continue
        if rng.random() < 0.15:
            del inner[key]
        elif isinstance(inner, dict) and rng.random() < 0.15:
            inner["../" + str(key)] = inner.pop(key)
        elif type(inner[key]) is int and rng.random() < 0.5:
            inner[key] += int(rng.integers(-3, 4))
        else:
            inner[key] = _NUMBERS[int(rng.integers(len(_NUMBERS)))]
        break
    return json.dumps(value).encode()


def changed_npy(data: bytes, rng: Rng) -> bytes:
    """Change the header of an array, or its numbers."""
    if rng.random() < 0.5:
        return changed_bytes(data, rng)
    size = int.from_bytes(data[8:10], "little")
    header, rest = data[10 : 10 + size].decode("latin1"), bytearray(data[10 + size :])
    shapes = (
        "(-1,)",
        "(99999999999999,)",
        "(1" + ",1" * 70 + ")",
        "(10**9,)",
        "()",
        "(True,)",
        "'x'",
        "(((((",
        "1L",
        "(2,3)",
    )
    descrs = (
        "'|O'",
        "'<f8'",
        "'|S0'",
        "'<U99999999'",
        "[('a','<i4')]",
        "'>u8'",
        "('<i4',(9,))",
        "'<M8[s]'",
        "17",
        "'V9'",
    )
    kind = int(rng.integers(6))
    if kind == 0:
        start = header.index("'shape':") + 9
        header = header[:start] + shapes[int(rng.integers(len(shapes)))] + header[header.index(")", start) + 1 :]
    elif kind == 1:
        start = header.index("'descr':") + 9
        header = header[:start] + descrs[int(rng.integers(len(descrs)))] + header[header.index(", 'fortran") :]
    elif kind == 2:
        header = ("(" * 3000, "{'descr': ", "-" * 9000 + "1", "{" * 90, "1", "{'a':1}", "", "\x00", "'")[
            int(rng.integers(9))
        ]
    elif kind == 3:
        header = header.replace("False", "True")
    else:
        n = len(rest) // 4
        if n:
            view = np.frombuffer(rest, np.uint8)[: 4 * n].view(np.uint32)
            at = rng.integers(0, n, max(1, n // int(rng.choice([1, 20, n])) if n > 20 else 1))
            odd = np.array([0, 2**32 - 1, 0x7FC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 1, 2**31], np.uint32)
            view[at] = (
                rng.choice(odd, len(at)) if rng.random() < 0.7 else rng.integers(0, 2**32, len(at), dtype=np.uint32)
            )
        return data[: 10 + size] + bytes(rest)
    text = header.encode("latin1")
    return data[:8] + len(text).to_bytes(2, "little") + text + bytes(rest)


def changed_npz(data: bytes, rng: Rng) -> bytes:
    """Change an archive's bytes, or one of its arrays."""
    if rng.random() < 0.4:
        return changed_bytes(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    name = sorted(entries)[int(rng.integers(len(entries)))]
    entries[name] = changed_npy(entries[name], rng)
    how = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)[int(rng.integers(4))]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for other, content in entries.items():
            if other != name or rng.random() < 0.95:
                archive.writestr(other, content)
    return out.getvalue()


def change_database(path: Path, rng: Rng) -> None:
    """Change a catalogue by its bytes, or by what SQL can do to it."""
    if rng.random() < 0.5:
        path.write_bytes(changed_bytes(path.read_bytes(), rng))
        return
    odd = (
        "CAST(x'ff00fe' AS TEXT)",
        "'\u00e9'",
        "-1",
        "99999999999",
        "NULL",
        "''",
        "x'00'",
        "9223372036854775807",
        "'[]'",
    )
    value = odd[int(rng.integers(len(odd)))]
    columns = (
        *(
            "images.id",
            "images.path",
            "images.row",
            "images.segment",
            "images.width",
            "images.content",
            "images.removed",
        ),
        *("segments.manifest", "segments.n_rows", "segments.place", "segments.number", "segments.facts", "facts.value"),
        *("models.model_id", "skipped.reason", "facts.name", "images.model", "segments.n_removed"),
    )
    table, column = columns[int(rng.integers(len(columns)))].split(".")
    statements = (
        *(f"UPDATE {table} SET {column} = {value} WHERE rowid % 2", f"UPDATE {table} SET {column} = {value}"),
        *(
            f"DELETE FROM {table}",
            f"DROP TABLE {table}",
            "PRAGMA user_version = 77",
            f"ALTER TABLE {table} ADD COLUMN x",
        ),
        (
            f"CREATE TABLE loose AS SELECT * FROM {table}; DROP TABLE {table}; ALTER TABLE loose RENAME TO {table}; "
            f"UPDATE {table} SET {column} = {value}"
        ),
        "UPDATE sqlite_sequence SET seq = 'x'",
        *(f"CREATE VIEW v AS SELECT 1; UPDATE OR IGNORE {table} SET {column} = {value}",),
    )
    with contextlib.closing(sqlite3.connect(path)) as database, contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA foreign_keys = OFF")
        database.executescript(statements[int(rng.integers(len(statements)))])


def change_file(path: Path, rng: Rng) -> None:
    """Change a file in the way of its kind."""
    if path.suffix == ".sqlite":
        change_database(path, rng)
        return
    how: dict[str, Callable[[bytes, Rng], bytes]] = {
        **dict.fromkeys((".csv", ".txt", ".jsonl"), changed_text),
        ".json": changed_json,
        ".npy": changed_npy,
        ".npz": changed_npz,
    }
    path.write_bytes(how.get(path.suffix, changed_bytes)(path.read_bytes(), rng))


# --------------------------------------------------------------------------- kinds of files


@dataclass(frozen=True)
class Kind:
    """How a sound file or folder is made, and everything that reads it; `share` is how often it is tried."""

    make: Callable[[Path], None]
    read: Callable[[Path, Rng], None]
    share: int = 4
    change: Callable[[Path, Rng], None] | None = None


def make_vectors(ending: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        rows = np.random.default_rng(0).standard_normal((30, 16)).astype(np.float32)
        write_vectors(folder / f"vectors{ending}", [f"R{i:05d}" for i in range(30)], rows, "a-network")

    return make


def read_vector_file(folder: Path, rng: Rng) -> None:
    (path,) = folder.iterdir()
    read_vectors(path, queries=bool(rng.random() < 0.5))


def make_hdf5(folder: Path) -> None:
    import h5py

    rng = np.random.default_rng(1)
    query, reference = (rng.standard_normal((n, 16)).astype(np.float32) for n in (12, 20))
    ids = tuple(f"Q{i:05d}" for i in range(12)), tuple(f"R{i:05d}" for i in range(20))
    write_descriptors(folder / "descriptors.h5", DescriptorSet(query, reference, *ids))
    with h5py.File(folder / "chunked.h5", "w") as file:
        for name, data, names in (("query", query, ids[0]), ("reference", reference, ids[1])):
            file.create_dataset(name, data=data, chunks=(5, 16), compression="gzip", shuffle=True, fletcher32=True)
            file.create_dataset(f"{name}_ids", data=list(names), dtype=h5py.string_dtype())
    with h5py.File(folder / "older.h5", "w") as file:
        file["vectors"], file["image_names"] = query, np.array(ids[0], "S6")
        file.attrs["model_id"] = "a-network"
    (folder / "truth.csv").write_text("query_id,reference_id\nQ00001,R00003\nQ00002,\n")


def read_hdf5(folder: Path, rng: Rng) -> None:
    """Read one of the files; each time another process is started."""
    calls: tuple[Callable[[], Any], ...] = (
        lambda: evaluate_descriptors(
            read_descriptors(folder / "descriptors.h5"), read_ground_truth(folder / "truth.csv")
        ),
        lambda: read_descriptors(folder / "chunked.h5"),
        lambda: read_descriptors(folder / "older.h5", folder / "older.h5"),
        lambda: read_vectors(folder / "descriptors.h5"),
        lambda: read_vectors(folder / "chunked.h5", queries=True),
        lambda: read_vectors(folder / "older.h5"),
    )
    calls[int(rng.integers(len(calls)))]()


def change_hdf5(folder: Path, rng: Rng) -> None:
    for path in sorted(folder.glob("*.h5")):
        change_file(path, rng)


def make_tables(folder: Path) -> None:
    rows = [f"Q{i % 9:05d},R{i:05d},{i / 7}" for i in range(40)]
    (folder / "matches.csv").write_text("\n".join(["query_id,reference_id,score", *rows, ""]))
    (folder / "truth.csv").write_text("query_id,reference_id\nQ00001,R00001\nQ00002,R00011\nQ00003,\n")
    (folder / "pairs.csv").write_text("first,second,kind\na.jpg,b.jpg,copy\nc.jpg,d.jpg,second shot\n")
    digits = "f0f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e"
    (folder / "list.txt").write_text(f"# list\n{digits},100,one.jpg\n{digits[::-1]}\tpdq\ttwo\n{digits[:16]} name\n")
    (folder / "list.csv").write_text(f'id,hash,quality\n"a, b",{digits},7\nc,{digits[::-1]},\n')
    (folder / "list.jsonl").write_text(json.dumps({"id": "x", "pdq": digits, "quality": 3}) + "\n")


def read_tables(folder: Path, _: Rng) -> None:
    tolerate(lambda: evaluate_matches(read_matches(folder / "matches.csv"), read_ground_truth(folder / "truth.csv")))
    tolerate(lambda: read_matches(folder / "matches.csv").of_queries(read_ground_truth(folder / "truth.csv").query_ids))
    tolerate(lambda: read_known_pairs(folder / "pairs.csv"))
    for name in ("list.txt", "list.csv", "list.jsonl"):
        tolerate(partial(read_hash_list, folder / name))


def make_hamming(folder: Path) -> None:
    codes = np.random.default_rng(2).integers(0, 2**63, (600, 4)).astype(np.uint64)
    with HammingIndex.create(folder / "index", 256) as index:
        index.add(codes[:400])
        index.add(codes[400:])


def read_hamming(folder: Path, _: Rng) -> None:
    queries = np.random.default_rng(2).integers(0, 2**63, (3, 4)).astype(np.uint64)
    with HammingIndex.open(folder / "index") as index:
        index.check()
        for method in ("auto", "scan"):
            index.within(queries, 20, method=method)
            index.nearest(queries, 5, method=method)
        index.add(queries)


def make_models(folder: Path) -> None:
    save_models(MODELS, folder / "models")


def read_models(folder: Path, _: Rng) -> None:
    load_models(folder / "models")


def make_collection(folder: Path) -> None:
    pictures = [describe_reference(photo(i), MODELS, DEFAULT_CONFIG) for i in range(3)]
    with Writer.create(folder / "photos.fp", MODELS, CONFIG) as store:
        facts = [
            ImageRecord(f"p{i}", f"/gone/p{i}.png", 9, "0" * 64, p.width, p.height) for i, p in enumerate(pictures)
        ]
        store.add(pictures, facts)
        store.add_vectors("other-model", [f"v{i}" for i in range(14)], np.stack([vector(i) for i in range(14)]))
        store.note_skipped([])
        store.add([picture(3)], [record("small", 3)])
        store.remove(["small"])


def change_collection(folder: Path, rng: Rng) -> None:
    """Change a file; often the catalogue agrees with a changed manifest, so that reading goes on."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "writer.lock")
    special = [path for path in files if path.suffix in (".json", ".sqlite")]
    chosen = special if rng.random() < 0.5 else files
    path = chosen[int(rng.integers(len(chosen)))]
    change_file(path, rng)
    if path.suffix != ".json" or rng.random() < 0.4:
        return
    with contextlib.suppress(ValueError, sqlite3.Error):
        text = path.read_bytes().decode()
        with contextlib.closing(sqlite3.connect(folder / "photos.fp" / "catalogue.sqlite")) as database:
            if path.name == "manifest.json":
                database.execute("UPDATE segments SET manifest = ? WHERE number = ?", (text, int(path.parent.name)))
            else:
                database.execute("UPDATE facts SET value = ?", (text,))
            database.commit()


def read_collection(folder: Path, rng: Rng) -> None:
    place = folder / "photos.fp"
    config = CONFIG if rng.random() < 0.5 else DEFAULT_CONFIG
    tolerate(lambda: search_collection(place, config))
    tolerate(lambda: check_store(place))
    match int(rng.integers(4)):
        case 0:
            tolerate(lambda: repair_collection(place, models=MODELS, config=config, n_workers=1))
        case 1:
            tolerate(lambda: upgrade_store(place))
        case 2:
            tolerate(lambda: change_contents(place, config))
    tolerate(lambda: search_collection(place, config))


def search_collection(place: Path, config: Any) -> None:
    with Collection(Writer.open(place, MODELS, config), MODELS, config) as collection:
        collection.info()
        for image_id in collection.ids[:4]:
            for call in (collection.record, collection.fingerprint, collection.as_query):
                tolerate(partial(call, image_id))
        collection.search_described(QUERY)
        collection.search_described(QUERY, exact=True)
        tolerate(lambda: collection.nearest(np.tile(QUERY.descriptor, (20, 1)), None))
        tolerate(lambda: collection.nearest(np.ones((2, 4), np.float32), "other-model"))


def change_contents(place: Path, config: Any) -> None:
    with Writer.open(place, MODELS, config) as store:
        store.add([picture(8)], [record("one more", 8)])
        store.compact(None)
        store.remove(["p1"])


def make_old(folder: Path) -> None:
    with zipfile.ZipFile(GOLDEN / "format2.zip") as archive:
        archive.extractall(folder)


def read_old(folder: Path, _: Rng) -> None:
    for path in sorted(folder.rglob("collection.json")):
        tolerate(partial(upgrade_store, path.parent))
        tolerate(partial(check_store, path.parent))


KINDS = {
    "npz": Kind(make_vectors(".npz"), read_vector_file, 5),
    "csv": Kind(make_vectors(".csv"), read_vector_file, 3),
    "hdf5": Kind(make_hdf5, read_hdf5, 8, change_hdf5),
    "tables": Kind(make_tables, read_tables, 5),
    "hamming": Kind(make_hamming, read_hamming, 3),
    "models": Kind(make_models, read_models, 1),
    "collection": Kind(make_collection, read_collection, 12, change_collection),
    "upgrade": Kind(make_old, read_old, 2),
}
QUERY = describe_query(photo(1)[:200, :300], MODELS, DEFAULT_CONFIG)


def tolerate(call: Callable[[], Any]) -> None:
    """Call something that may end with a named error."""
    with contextlib.suppress(FingerprintError):
        call()


# --------------------------------------------------------------------------- running


def do_case(number: int, seed: int, names: list[str], sound: Path, work: Path) -> None:
    """Make the changed file of a case and read it."""
    name = names[number % len(names)]
    kind = KINDS[name]
    rng = np.random.default_rng([seed, number])
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(sound / name, work)
    if kind.change is not None:
        kind.change(work, rng)
    else:
        files = sorted(path for path in work.rglob("*") if path.is_file())
        change_file(files[int(rng.integers(len(files)))], rng)
    tolerate(lambda: kind.read(work, rng))


def run_child(pipe: int, cases: range, seed: int, names: list[str], sound: Path, work: Path) -> None:
    """Do cases one after the other, and send a line before and after each."""
    limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (virtual_size() + 2 * MOST_MEMORY, resource.RLIM_INFINITY))
    for number in cases:
        os.write(pipe, f"{number} begin\n".encode())
        outcome = "fine"
        try:
            do_case(number, seed, names, sound, work)
        except Exception:  # noqa: BLE001 - which one is the question
            outcome = json.dumps(traceback.format_exc())
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > limit + MOST_MEMORY:
            os.write(pipe, f'{number} "too much memory"\n'.encode())
            return
        os.write(pipe, f"{number} {outcome}\n".encode())


def virtual_size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def run(cases: range, seed: int, names: list[str], sound: Path, work: Path) -> dict[int, str]:
    """Return the cases that did not end as they should, with what happened."""
    failed: dict[int, str] = {}
    left = cases
    while left:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            silence()
            try:
                run_child(writer, left, seed, names, sound, work)
            finally:
                os._exit(0)
        os.close(writer)
        at, begun, buffer = left.start, True, b""
        hung = False
        while True:
            if not select.select([reader], [], [], PATIENCE)[0]:
                hung = True
                os.kill(child, signal.SIGKILL)
            data = os.read(reader, 1 << 16)
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                word, _, outcome = line.decode().partition(" ")
                at, begun = int(word), outcome == "begin"
                if outcome not in ("begin", "fine"):
                    failed[at] = json.loads(outcome)
        os.close(reader)
        status = os.waitpid(child, 0)[1]
        if hung:
            failed[at] = f"hangs for more than {PATIENCE} s"
        elif begun:
            failed[at] = f"crashes: status {status}"
        left = range(at + 1, cases.stop)
    return failed


def silence() -> None:
    """Let a child print nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="how many changed files to read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, help="one kind of files")
    parser.add_argument("--case", type=int, help="do this case alone, in this process, and show what it raises")
    parser.add_argument("--json", type=Path, help="a file for how many cases of each kind there were, and failed")
    options = parser.parse_args()
    names = [options.only] if options.only else [name for name, kind in KINDS.items() for _ in range(kind.share)]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        sound, work = Path(folder) / "sound", Path(folder) / "work"
        for name in dict.fromkeys(names):
            (sound / name).mkdir(parents=True)
            KINDS[name].make(sound / name)
            shutil.copytree(sound / name, work)  # the sound one is read first: it must not be refused by itself
            KINDS[name].read(work, np.random.default_rng(0))
            shutil.rmtree(work)
        if options.case is not None:
            do_case(options.case, options.seed, names, sound, work)
            return
        failed = run(range(options.files), options.seed, names, sound, work)
    for number, what in failed.items():
        sys.stdout.write(f"--- case {number} of seed {options.seed} ({names[number % len(names)]}):\n{what}\n")
    counts = Counter(names[number % len(names)] for number in range(options.files))
    seconds = time.monotonic() - begun
    if options.json is not None:
        options.json.write_text(json.dumps({**dict(sorted(counts.items())), "failed": len(failed)}), encoding="utf-8")
    sys.stdout.write(
        f"{options.files} changed files in {seconds:.0f} s ({dict(counts)}): {len(failed)} did not end as they should\n"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
