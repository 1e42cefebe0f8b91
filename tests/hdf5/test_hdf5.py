"""HDF5 files that read other files, claim more than they have, or bring the library down."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fingerprint.challenge import read_descriptors
from fingerprint.errors import ChallengeFileError
from fingerprint.hdf5 import open_hdf5
from fingerprint.vectorfiles import read_vectors

VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)
IDS = np.array([b"R0", b"R1", b"R2"])


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the machine, as long as the vectors."""
    path = tmp_path / "secret"
    path.write_bytes(b"password".ljust(VECTORS.nbytes, b"."))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["reference"] = VECTORS
    return path


def written(path: Path, vectors: Callable[[h5py.File], object] | None = None) -> Path:
    """Return a file of vectors; `vectors` makes the dataset ``reference``."""
    with h5py.File(path, "w") as file:
        if vectors is None:
            file["reference"] = VECTORS
        else:
            vectors(file)
        file["reference_ids"] = IDS
        file["query"], file["query_ids"] = VECTORS, np.array([b"Q0", b"Q1", b"Q2"])
    return path


def create(file: h5py.File, **settings: object) -> None:
    file.create_dataset("reference", **settings)


def refusals(path: Path) -> list[str]:
    """Return the messages of all readers, which must refuse the file."""
    said = []
    for read in (read_vectors, read_descriptors):
        with pytest.raises(ChallengeFileError) as caught:
            read(path)
        said.append(str(caught.value))
    return said


def of_external_storage(file: h5py.File, secret: Path) -> None:
    file.create_dataset("reference", (3, 4), np.float32, external=[(str(secret), 0, VECTORS.nbytes)])


def of_virtual_sources(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((3, 4), np.float32)
    layout[:] = h5py.VirtualSource(str(secret.parent / "other.h5"), "reference", (3, 4))
    file.create_virtual_dataset("reference", layout)


def of_external_link(file: h5py.File, secret: Path) -> None:
    file["reference"] = h5py.ExternalLink(str(secret.parent / "other.h5"), "/reference")


def of_soft_link(file: h5py.File, _: Path) -> None:
    file["inner/elsewhere"] = VECTORS
    file["reference"] = h5py.SoftLink("/inner/elsewhere")


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (of_external_storage, "another file"),
            (of_virtual_sources, "virtual dataset"),
            (of_external_link, "is a link"),
            (of_soft_link, "is a link"),
        ],
    )
    def test_are_not_read(
        self, make: Callable[[h5py.File, Path], None], what: str, tmp_path: Path, secret: Path
    ) -> None:
        path = written(tmp_path / "x.h5", lambda file: make(file, secret))
        for said in refusals(path):
            assert said.startswith(f"{path}: reference ")
            assert what in said

    def test_nor_for_ids(self, tmp_path: Path, secret: Path) -> None:
        path = written(tmp_path / "x.h5")
        with h5py.File(path, "a") as file:
            del file["reference_ids"]
            file.create_dataset("reference_ids", (3,), "S2", external=[(str(secret), 0, 6)])
        assert all("reference_ids" in said and "another file" in said for said in refusals(path))

    def test_a_link_that_is_not_needed_does_no_harm(self, tmp_path: Path, secret: Path) -> None:
        path = written(tmp_path / "x.h5")
        with h5py.File(path, "a") as file:
            file["more"] = h5py.ExternalLink(str(secret), "/x")
            file["loop"] = h5py.SoftLink("/loop")
        assert np.array_equal(read_vectors(path).vectors, VECTORS)


class TestClaims:
    def test_terabytes_that_were_never_written(self, tmp_path: Path) -> None:
        variants: list[dict[str, Any]] = [{}, {"chunks": (1000, 4)}, {"chunks": (1000, 4), "compression": "gzip"}]
        for settings in variants:
            path = written(tmp_path / "x.h5", partial(create, shape=(10**11, 4), dtype=np.float32, **settings))
            assert path.stat().st_size < 20_000
            assert all(": 3 ids for 100000000000 vectors" in said for said in refusals(path))
            with h5py.File(path, "a") as file:
                del file["reference_ids"]
                file.create_dataset("reference_ids", (10**11,), "S4", **{k: (1000,) for k in settings if k == "chunks"})
            assert all("write it again" in said or "claim" in said for said in refusals(path))

    def test_a_chunk_far_larger_than_the_data(self, tmp_path: Path) -> None:
        path = written(
            tmp_path / "x.h5",
            lambda file: file.create_dataset(
                "reference", data=VECTORS, maxshape=(None, None), chunks=(1 << 14, 1 << 13), compression="gzip"
            ),
        )
        assert all("claim to be 536,870,912" in said for said in refusals(path))

    def test_compressed_vectors_are_read(self, tmp_path: Path) -> None:
        variants: list[dict[str, Any]] = [
            {"compression": "gzip", "shuffle": True, "fletcher32": True},
            {"compression": "lzf"},
            {"chunks": (2, 3), "maxshape": (None, 4)},
        ]
        for settings in variants:
            path = written(tmp_path / "x.h5", partial(create, data=VECTORS, **settings))
            assert np.array_equal(read_vectors(path).vectors, VECTORS), settings

    def test_many_ids_that_are_one_long_text(self, tmp_path: Path) -> None:
        """A file of 2 MB that would be 20 GB in memory."""
        path, n = tmp_path / "x.h5", 10_000
        with h5py.File(path, "w") as file:
            file["reference"] = np.zeros((n, 1), np.float32)
            file.create_dataset("reference_ids", data=["x" * 2_000_000, *["y"] * (n - 1)], dtype=h5py.string_dtype())
            start = file["reference_ids"].id.get_offset()
        data = bytearray(path.read_bytes())
        data[start : start + 16 * n] = data[start : start + 16] * n
        path.write_bytes(data)
        with pytest.raises(ChallengeFileError, match="claim"):
            read_vectors(path)


class TestTextsOfAnyLength:
    @pytest.mark.parametrize("settings", [{}, {"chunks": (4,)}, {"chunks": (4,), "maxshape": (None,)}])
    def test_are_read_as_they_are(self, settings: dict[str, object], tmp_path: Path) -> None:
        ids = [f"R{i}" + "\u00e9" * i for i in range(1, 30)]
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file["reference"] = np.zeros((29, 2), np.float32)
            file.create_dataset("reference_ids", data=ids, dtype=h5py.string_dtype(), **settings)
        assert list(read_vectors(tmp_path / "x.h5").ids) == ids

    @pytest.mark.parametrize("reference", [(2**32 - 1, 0, 1), (2, 2**63, 1), (2, 0, 1), (2, 100, 1)])
    def test_a_reference_that_leads_astray(self, reference: tuple[int, int, int], tmp_path: Path) -> None:
        path = tmp_path / "x.h5"
        with h5py.File(path, "w") as file:
            file["reference"] = VECTORS
            file.create_dataset("reference_ids", data=["R0", "R1", "R2"], dtype=h5py.string_dtype())
            start = file["reference_ids"].id.get_offset()
        data = bytearray(path.read_bytes())
        data[start : start + 16] = struct.pack("<IQI", *reference)
        path.write_bytes(data)
        with pytest.raises(ChallengeFileError, match=r"x\.h5: .*text"):
            read_vectors(path)


def test_the_end_of_the_other_process_is_an_error_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when HDF5's library crashes, or is stopped because it took too long."""
    path = written(tmp_path / "x.h5")
    for program, code in (("import os; os.kill(os.getpid(), 11)", -11), ("import sys; sys.exit(3)", 3)):
        monkeypatch.setattr("fingerprint.hdf5.process._PROGRAM", program)
        with pytest.raises(ChallengeFileError, match=rf"x\.h5: cannot be read as HDF5: .*\(code {code}\)"):
            read_vectors(path)


def test_it_takes_no_more_time_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from fingerprint.hdf5 import process; process._SECONDS = 1; process._limit(0)\nwhile True: pass"
    monkeypatch.setattr("fingerprint.hdf5.process._PROGRAM", program)
    with pytest.raises(ChallengeFileError, match="too long"):
        read_vectors(written(tmp_path / "x.h5"))


def test_every_changed_byte_is_an_answer_or_an_error_with_a_name(tmp_path: Path) -> None:
    data = written(tmp_path / "x.h5").read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.choice(len(data), 12, replace=False).tolist():
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        path = tmp_path / "changed.h5"
        path.write_bytes(changed)
        with suppress(ChallengeFileError):
            read_descriptors(path)


def test_names_of_datasets_and_their_forms(tmp_path: Path) -> None:
    with open_hdf5(written(tmp_path / "x.h5")) as file:
        assert set(file.names) == {"reference", "reference_ids", "query", "query_ids"}
        assert file.form("reference") == ((3, 4), "float32")
        assert file.attribute("model_id") is None
