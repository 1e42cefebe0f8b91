"""Files of data that are damaged or made to harm: what is wrong is an `OSError` or a `ValueError`."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.files.datafiles import load_array, open_archive, open_regular, parse_json, read_header, read_small


def npy(header: bytes, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


def archive(path: Path, how: int = zipfile.ZIP_DEFLATED, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", how) as file:
        for name, data in entries.items():
            file.writestr(f"{name}.npy", data)
    return path


class TestRegularFiles:
    def test_nobody_waits_on_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for name, what in (("pipe", "not a regular file"), (".", "a folder"), ("none", "No such file")):
            with pytest.raises(OSError, match=what):
                open_regular(tmp_path / name)

    def test_small_ones_are_small(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"12345")
        assert read_small(tmp_path / "x", 5) == b"12345"
        with pytest.raises(ValueError, match="longer than 4 bytes"):
            read_small(tmp_path / "x", 4)


class TestJson:
    @pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"{", b"1" * 5000, b"[1]]"])
    def test_what_is_none(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            parse_json(data)


class TestHeaders:
    @pytest.mark.parametrize(
        "data",
        [
            *(b"", b"PK\x03\x04", b"\x93NUMPY", npy(b"", version=b"\x09\x00"), npy(b"{'descr': "), npy(b"(" * 9000)),
            *(npy(b"-" * 9000 + b"1"), npy(b"\x00"), npy(b"{}"), npy(b"[" * 90), npy(b"17"), npy(b"'")),
            npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
            npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"),
            npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': 7}"),
            npy(b"{'descr': '<q9', 'fortran_order': False, 'shape': (1,)}"),
            npy(b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
            npy(b"{'descr': ('<f4', (9,)), 'fortran_order': False, 'shape': (1,)}"),
            npy(b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}"),
        ],
        ids=lambda data: repr(data[:60]),
    )
    def test_what_is_none(self, data: bytes, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"."):
            read_header(io.BytesIO(data))
        (tmp_path / "x.npy").write_bytes(data)
        with pytest.raises(ValueError, match=r"."):
            load_array(tmp_path / "x.npy", (1,), "float32")
        with open_archive(archive(tmp_path / "x.npz", x=data)) as file, pytest.raises(ValueError, match="x"):
            file.array("x")

    @given(st.binary(max_size=200), st.integers(0, 60))
    def test_any_bytes(self, noise: bytes, at: int) -> None:
        sound = io.BytesIO()
        np.save(sound, np.arange(6, dtype=np.float32).reshape(2, 3))
        data = bytearray(sound.getvalue())
        data[at : at + len(noise)] = noise
        try:
            shape, dtype, _ = read_header(io.BytesIO(bytes(data)))
        except ValueError:
            return
        assert dtype.kind in "biufcSU"
        assert all(n >= 0 for n in shape)


class TestArrays:
    @pytest.mark.parametrize("mapped_from", [0, 10**6])
    def test_are_of_the_form_that_is_expected(self, mapped_from: int, tmp_path: Path) -> None:
        array, path = np.arange(600, dtype=np.int32).reshape(30, 20), tmp_path / "x.npy"
        np.save(path, array)
        found = load_array(path, (30, 20), "int32", mapped_from)
        assert np.array_equal(found, array)
        assert not found.flags.writeable
        for shape, dtype in (((20, 30), "int32"), ((30, 20), "uint32"), ((600,), "int32")):
            with pytest.raises(ValueError, match="belongs"):
                load_array(path, shape, dtype, mapped_from)
        for data in (path.read_bytes() + b"1", path.read_bytes()[:-1]):
            path.write_bytes(data)
            with pytest.raises(ValueError, match="bytes of data where 2,400 belong"):
                load_array(path, (30, 20), "int32", mapped_from)
        np.save(path, np.asfortranarray(array))
        with pytest.raises(ValueError, match="Fortran"):
            load_array(path, (30, 20), "int32", mapped_from)


class TestArchives:
    def test_terabytes_in_a_header(self, tmp_path: Path) -> None:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"
        with open_archive(archive(tmp_path / "x.npz", x=npy(header))) as file:
            for read in (file.form, file.array):
                with pytest.raises(ValueError, match="not as long as its shape"):
                    read("x")

    def test_zeros_that_are_compressed(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "x.npz", x=np.zeros(1 << 25, np.float32))
        with open_archive(tmp_path / "x.npz") as file, pytest.raises(ValueError, match="claim to be 134,217,728"):
            file.array("x")

    def test_other_ways_to_compress(self, tmp_path: Path) -> None:
        sound = io.BytesIO()
        np.save(sound, np.arange(6))
        with (
            open_archive(archive(tmp_path / "x.npz", zipfile.ZIP_LZMA, x=sound.getvalue())) as file,
            pytest.raises(ValueError, match="compressed in a way"),
        ):
            file.array("x")

    def test_characters_that_do_not_exist(self, tmp_path: Path) -> None:
        """NumPy makes a text of them that brings Python down."""
        for order in "<>":
            header = f"{{'descr': '{order}U2', 'fortran_order': False, 'shape': (2,)}}".encode()
            data = np.array([65, 66, 0x110000, 67], f"{order}u4").tobytes()
            with (
                open_archive(archive(tmp_path / "x.npz", x=npy(header, data))) as file,
                pytest.raises(ValueError, match="characters that do not exist"),
            ):
                list(file.texts("x"))

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_what_numpy_writes_is_read(self, order: str, tmp_path: Path) -> None:
        vectors = np.asarray(np.random.default_rng(0).standard_normal((5, 7)), order=order)  # type: ignore[call-overload]
        ids = ["a", "\u00e9\u4e2d\U0001f600", "", "dddd", "e"]
        for save in (np.savez, np.savez_compressed):
            save(tmp_path / "x.npz", v=vectors, ids=ids, raw=np.array([t.encode() for t in ids]), one=np.array("m"))
            with open_archive(tmp_path / "x.npz") as file:
                assert np.array_equal(file.array("v"), vectors)
                assert list(file.texts("ids")) == list(file.texts("raw")) == ids
                assert list(file.texts("one")) == ["m"]
                assert file.form("v") == ((5, 7), np.float64)
