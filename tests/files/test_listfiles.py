"""Lists come from files and from pipes of this process; what never ends is refused."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fingerprint.challenge import read_ground_truth, read_matches
from fingerprint.errors import FingerprintError
from fingerprint.files.listfiles import bounded, open_list
from fingerprint.hashlists import read_hash_list
from fingerprint.train import read_known_pairs
from fingerprint.vectorfiles import read_vectors

READERS: dict[str, Callable[[Path], object]] = {
    "hashes": read_hash_list,
    "matches": read_matches,
    "truth": read_ground_truth,
    "pairs": read_known_pairs,
}
HASH = b"ffd8a0b1c2d3e4f5"


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_devices_pipes_and_folders_are_refused(reader: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (Path("/dev/zero"), tmp_path / "link", tmp_path / "pipe", tmp_path):
        with pytest.raises(FingerprintError, match="not a regular file|a folder") as caught:  # noqa: RUF043
            reader(path)
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("reader", [*READERS.values(), read_vectors], ids=[*READERS, "vectors"])
def test_a_file_of_one_endless_line_is_refused_early(reader: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "sparse.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(FingerprintError, match="a line of more than") as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_pipe_that_was_given_is_read() -> None:
    back, front = os.pipe()
    with os.fdopen(front, "wb") as stream:
        stream.write(HASH + b",cat.jpg\n")
    try:
        for path in (f"/dev/fd/{back}",):
            assert read_hash_list(path).groups[0].ids == ("cat.jpg",)
    finally:
        os.close(back)


def test_a_slow_pipe_is_waited_for() -> None:
    back, front = os.pipe()

    def write() -> None:
        with os.fdopen(front, "wb", buffering=0) as stream:
            for part in (HASH[:5], HASH[5:] + b",a\n", HASH + b",b\n"):
                stream.write(part)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with open_list(f"/proc/self/fd/{back}") as file:
            assert file.read() == HASH + b",a\n" + HASH + b",b\n"
    finally:
        writer.join()
        os.close(back)


def test_limits() -> None:
    def lines(data: bytes, most: int | None, longest: int) -> list[bytes]:
        return list(bounded(io.BytesIO(data), most, longest))

    assert lines(b"12345\n12345\r12345", 17, 5) == [b"12345\n", b"12345\r12345"]
    with pytest.raises(OSError, match="a line of more than 4 bytes"):
        lines(b"123\n12345", None, 4)
    with pytest.raises(OSError, match="more than 16 bytes"):
        lines(b"12345\n12345\r12345", 16, 5)


def test_a_stream_stays_open() -> None:
    stream = io.BytesIO(HASH)
    assert len(read_hash_list(stream)) == 1
    assert not stream.closed


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_device_as_standard_input_is_refused(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fingerprint", "hash-list", "match", name, str(tmp_path)]
    with Path("/dev/zero").open("rb") as zeros:
        done = subprocess.run(command, stdin=zeros, capture_output=True, check=False, timeout=120)
    assert done.returncode == 2
    assert (b"a line of more than" if name == "-" else b"not a regular file") in done.stderr
