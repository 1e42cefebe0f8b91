"""Files of vectors: what is written comes back bit for bit, and whatever is wrong with a file is said in words."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fingerprint.challenge import read_descriptors
from fingerprint.errors import ConfigError, FingerprintError
from fingerprint.types import F32
from fingerprint.vectorfiles import (
    ENDINGS,
    MAX_DIMENSION,
    VectorSet,
    check_model_id,
    is_hdf5,
    is_vector_file,
    read_vectors,
    write_vectors,
)
from fingerprint.vectorfiles import values as values_module

ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def bits(vectors: F32) -> list[list[int]]:
    assert vectors.dtype == np.float32
    return np.ascontiguousarray(vectors).view(np.uint32).tolist()


def by_id(found: VectorSet) -> dict[str, list[int]]:
    return dict(zip(found.ids, bits(found.vectors), strict=True))


@st.composite
def sets(draw: st.DrawFn) -> VectorSet:
    names = draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    shape = (len(names), draw(st.integers(1, 5)))
    return VectorSet(tuple(names), draw(arrays(np.float32, shape, elements=finite)), draw(st.none() | ids))


EDGES = np.array(
    [[0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38], [np.finfo("f4").max, -np.finfo("f4").max, 0.1, 1 / 3, 16777217]],
    np.float32,
)


class TestRoundTrip:
    @pytest.mark.parametrize("ending", ENDINGS)
    @given(offered=sets())
    def test_every_form_gives_back_the_same_bits(
        self, ending: str, offered: VectorSet, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.getbasetemp() / f"round{ending}"
        write_vectors(path, offered.ids, offered.vectors, offered.model_id)
        found = read_vectors(path)
        assert by_id(found) == by_id(offered)
        assert found.model_id == (None if ending == ".csv" else offered.model_id)
        order = tuple(sorted(offered.ids)) if is_hdf5(path) else offered.ids
        assert found.ids == order

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_the_ends_of_the_range_and_both_zeros(self, ending: str, tmp_path: Path) -> None:
        write_vectors(tmp_path / f"x{ending}", ["a", "b"], EDGES)
        assert bits(read_vectors(tmp_path / f"x{ending}").vectors) == bits(EDGES)

    @given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=64, max_size=64))
    def test_nine_digits_tell_all_float32_apart(self, numbers: list[float]) -> None:
        values = np.array(numbers, np.float32)
        read = np.array([float(f"{value:.9g}") for value in values.tolist()]).astype(np.float32)
        assert values.tobytes() == read.tobytes()

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_many_rows_go_in_parts(self, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("npz", "table"):
            monkeypatch.setattr(f"fingerprint.vectorfiles.{module}.rows_at_once", lambda _: 7)
        monkeypatch.setattr("fingerprint.vectorfiles.npz._IDS_AT_ONCE", 5)
        monkeypatch.setattr("fingerprint.challenge.halves._WRITTEN_ROWS", 7)
        vectors = np.random.default_rng(1).normal(size=(100, 3)).astype(np.float32)
        names = [f"id {i:03d}" + "x" * (i % 9) for i in range(100)]
        write_vectors(tmp_path / f"x{ending}", names, vectors)
        assert by_id(read_vectors(tmp_path / f"x{ending}")) == dict(zip(names, bits(vectors), strict=True))

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_only_parts_are_asked_for(self, ending: str, tmp_path: Path) -> None:
        class OnDisk:
            shape = (3_000, 1024)
            most = 0

            def __getitem__(self, rows: Any) -> F32:
                found = np.zeros((3_000, 1024), np.float32)[rows]
                self.most = max(self.most, len(found))
                return found

        rows = OnDisk()
        write_vectors(tmp_path / f"x{ending}", [str(i) for i in range(3_000)], rows)
        assert rows.most <= (1 << 14 if is_hdf5(f"x{ending}") else 1024)

    @pytest.mark.parametrize("ending", [".npz", ".csv"])
    def test_the_same_content_is_the_same_bytes(self, ending: str, tmp_path: Path) -> None:
        for name in ("one", "two"):
            write_vectors(tmp_path / f"{name}{ending}", ["a"], np.ones((1, 3), np.float32), "m")
        assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()

    def test_numpy_reads_an_archive_and_a_table(self, tmp_path: Path) -> None:
        vectors = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
        write_vectors(tmp_path / "x.npz", ["ä", "b,c", "d"], vectors, "m")
        write_vectors(tmp_path / "x.csv", ["a", "b", "c"], vectors)
        with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
            assert sorted(archive) == ["descriptors", "ids", "model_id"]
            assert archive["ids"].tolist() == ["ä", "b,c", "d"]
            assert str(archive["model_id"]) == "m"
            assert archive["descriptors"].tobytes() == vectors.tobytes()
        table = np.loadtxt(tmp_path / "x.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3, 4), dtype=np.float32)
        assert table.tobytes() == vectors.tobytes()


class TestOthersFiles:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    @pytest.mark.parametrize("names", [["a", "ä"], np.array([b"a", "ä".encode()]), np.array(["a", "ä"])])
    def test_archives_of_numpy(self, save: Callable[..., None], names: Any, tmp_path: Path) -> None:
        save(tmp_path / "x.npz", ids=names, descriptors=np.eye(2, 3, dtype=np.float32))
        found = read_vectors(tmp_path / "x.npz")
        assert found.ids == ("a", "ä")
        assert found.model_id is None
        assert found.vectors.tolist() == np.eye(2, 3).tolist()

    @pytest.mark.parametrize("model_id", ["m", np.array("m"), np.array(b"m"), np.array(["m"])])
    def test_the_model_in_any_of_its_forms(self, model_id: Any, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", ids=["a"], descriptors=np.ones((1, 1)), model_id=model_id)
        assert read_vectors(tmp_path / "x.npz").model_id == "m"

    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "longdouble"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_floating_point_of_any_kind_becomes_float32(self, dtype: str, order: Any, tmp_path: Path) -> None:
        vectors = np.array([[0.5, 2], [-3, 0.25], [1, 7]])
        np.savez(tmp_path / "x.npz", ids=["a", "b", "c"], descriptors=vectors.astype(dtype, order=order))
        found = read_vectors(tmp_path / "x.npz").vectors
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert found.tolist() == vectors.tolist()

    def test_a_table_from_a_spreadsheet(self, tmp_path: Path) -> None:
        text = '\ufeffID, D0,D1\r\n"a, ""b""",1,-2.5e0\r\n\r\n c , 3 ,4\r\n"two\r\nlines",5,6'
        (tmp_path / "x.csv").write_text(text, encoding="utf-8", newline="")
        found = read_vectors(tmp_path / "x.csv")
        assert found.ids == ('a, "b"', " c ", "two\r\nlines")
        assert found.vectors.tolist() == [[1, -2.5], [3, 4], [5, 6]]

    def test_the_endings_in_any_case(self, tmp_path: Path) -> None:
        for ending in ENDINGS:
            write_vectors(tmp_path / f"X{ending.upper()}", ["a"], np.ones((1, 1), np.float32))
            assert read_vectors(str(tmp_path / f"X{ending.upper()}")).ids == ("a",)
            assert is_vector_file(f"X{ending.upper()}")
        assert not is_vector_file("x.npy")
        assert not is_vector_file("photos")


def hdf5(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file.create_dataset(name, data=data)
    return path


HALF = {"reference": np.eye(2, dtype="f4"), "reference_ids": np.array([b"R0", b"R1"])}
OTHER_HALF = {"query": 2 * np.eye(2, dtype="f4"), "query_ids": np.array([b"Q0", b"Q1"])}
OLDER = {"vectors": 3 * np.eye(2, dtype="f4"), "image_names": np.array([b"V1", b"V0"])}


class TestChallengeFile:
    @pytest.mark.parametrize("ending", [".hdf5", ".h5"])
    def test_each_half_for_its_use(self, ending: str, tmp_path: Path) -> None:
        path = hdf5(tmp_path / f"x{ending}", **HALF, **OTHER_HALF)
        assert read_vectors(path).ids == ("R0", "R1")
        assert read_vectors(path, queries=True).ids == ("Q0", "Q1")
        assert read_vectors(path, queries=True).vectors.tolist() == [[2, 0], [0, 2]]

    @pytest.mark.parametrize("queries", [False, True])
    def test_the_older_layout_in_any_order(self, queries: bool, tmp_path: Path) -> None:
        assert read_vectors(hdf5(tmp_path / "x.h5", **OLDER), queries=queries).ids == ("V1", "V0")

    def test_references_alone_will_do_as_queries_but_not_the_reverse(self, tmp_path: Path) -> None:
        assert read_vectors(hdf5(tmp_path / "r.h5", **HALF), queries=True).ids == ("R0", "R1")
        with pytest.raises(FingerprintError, match=r"q\.h5: has query, query_ids: write reference and reference_ids"):
            read_vectors(hdf5(tmp_path / "q.h5", **OTHER_HALF))

    def test_ids_as_texts_of_any_length(self, tmp_path: Path) -> None:
        text = np.array(["R0", "ä"], dtype=h5py.string_dtype())
        assert read_vectors(hdf5(tmp_path / "x.h5", **HALF | {"reference_ids": text})).ids == ("R0", "ä")

    def test_a_half_that_is_written_completes_to_the_challenges_file(self, tmp_path: Path) -> None:
        write_vectors(tmp_path / "x.h5", ["R1", "R0"], np.array([[1, 2], [3, 4]], np.float32), "m")
        with h5py.File(tmp_path / "x.h5", "a") as file:
            for name, data in OTHER_HALF.items():
                file.create_dataset(name, data=data)
        whole = read_descriptors(tmp_path / "x.h5")
        assert whole.reference_ids == ("R0", "R1")
        assert whole.reference.tolist() == [[3, 4], [1, 2]]

    @pytest.mark.parametrize(
        ("datasets", "said"),
        [
            ({}, "has no dataset: write reference and reference_ids"),
            ({"reference": HALF["reference"]}, "has reference: write reference and reference_ids"),
            (HALF | {"reference": np.ones(2, "f4")}, r"reference has shape \(2,\)"),
            (HALF | {"reference": np.ones((2, MAX_DIMENSION + 1), "f4")}, "4097 dimensions, 4096 are allowed"),
            (HALF | {"reference": np.ones((2, 2), "i4")}, "the vectors are int32: give floating-point"),
            (HALF | {"reference": np.ones((3, 2), "f4")}, "2 ids for 3 vectors"),
            (HALF | {"reference_ids": np.array([b"R0", b"R0"])}, "the id 'R0' is there twice"),
            (HALF | {"reference_ids": np.array([1, 2])}, "are not bytes in UTF-8"),
            (HALF | {"reference_ids": np.array([b"R0", b"\xff"])}, "are not bytes in UTF-8"),
            (HALF | {"reference_ids": np.array([[b"R0", b"R1"]])}, "is not one-dimensional"),
            (HALF | {"reference": np.full((2, 2), np.nan, "f4")}, "the vector of 'R0' is not finite"),
        ],
    )
    def test_faults(self, datasets: dict[str, Any], said: str, tmp_path: Path) -> None:
        path = hdf5(tmp_path / "x.h5", **datasets)
        with pytest.raises(FingerprintError, match=rf"x\.h5: .*{said}"):
            read_vectors(path)

    @pytest.mark.parametrize("data", [b"", b"no HDF5", None])
    def test_damaged_files(self, data: bytes | None, tmp_path: Path) -> None:
        path = hdf5(tmp_path / "x.h5", **HALF)
        path.write_bytes(path.read_bytes()[:-100] if data is None else data)
        with pytest.raises(FingerprintError, match=r"x\.h5: cannot be read as HDF5"):
            read_vectors(path)


def archive(**arrays_: Any) -> dict[str, Any]:
    return {"ids": ["a", "b"], "descriptors": np.eye(2, dtype=np.float32)} | arrays_


class TestFaultsOfArchives:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ({"ids": ["a"]}, "has ids, lacks descriptors: write ids and descriptors"),
            ({"vectors": np.eye(2)}, "has vectors, lacks ids and descriptors"),
            (archive(ids=["a", "a"]), "the id 'a' is there twice"),
            (archive(ids=["a", ""]), "the id '' is empty"),
            (archive(ids=["a", "b\ud800"]), "is not valid Unicode"),
            (archive(ids=np.array([b"a", b"\xff"])), "not a sound NPZ archive"),
            (archive(ids=["a"]), "1 ids for 2 vectors: give one each"),
            (archive(ids=[["a", "b"]]), r"ids has shape \(1, 2\): write one id a row"),
            (archive(ids=[1, 2]), "ids is of type int64: write texts"),
            (archive(ids=np.array(["a", None])), "ids is pickled, which is never read"),
            (archive(descriptors=np.array([[1.0, 2.0], [3.0, None]])), "descriptors is pickled"),
            (archive(descriptors=np.array([[1, np.nan], [0, 0]])), "the vector of 'a' is not finite"),
            (archive(descriptors=np.array([[1, 0], [0, -np.inf]])), "the vector of 'b' is not finite"),
            (archive(descriptors=np.array([[1, 0], [0, 1e39]])), "the vector of 'b' is not finite in float32"),
            (archive(descriptors=np.ones(2)), r"shape \(2,\): give \(n, d\)"),
            (archive(descriptors=np.ones((2, 1, 1))), r"shape \(2, 1, 1\): give \(n, d\)"),
            (archive(ids=np.array([], "U1"), descriptors=np.ones((0, 3))), "at least one row"),
            (archive(descriptors=np.ones((2, 0))), "at least one row and one dimension"),
            (archive(descriptors=np.ones((2, MAX_DIMENSION + 1), "f4")), "4097 dimensions, 4096 are allowed"),
            (archive(descriptors=np.ones((2, 2), np.int8)), "the vectors are int8: give floating-point numbers"),
            (archive(descriptors=np.ones((2, 2), np.complex64)), "the vectors are complex64"),
            (archive(model_id=""), "the model id '' is empty"),
            (archive(model_id=7), "model_id is of type int64: write texts"),
            (archive(model_id=["m", "n"]), r"model_id has shape \(2,\): write one text"),
        ],
    )
    def test_each_is_said(self, content: dict[str, Any], said: str, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", **content)
        with pytest.raises(ConfigError, match=rf"x\.npz: .*{said}"):
            read_vectors(tmp_path / "x.npz")

    @given(data=st.data())
    def test_a_damaged_file_is_never_taken_for_another(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        whole = io.BytesIO()
        np.savez(whole, **archive())
        sound = whole.getvalue()
        at = data.draw(st.integers(0, len(sound) - 1))
        torn = sound[:at] if data.draw(st.booleans()) else sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :]
        path = tmp_path_factory.getbasetemp() / "torn.npz"
        path.write_bytes(torn)
        try:
            found = read_vectors(path)
        except ConfigError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:  # a byte that stands for nothing, such as one of a date
            assert found.ids == ("a", "b")
            assert found.vectors.tolist() == np.eye(2).tolist()

    def test_a_shape_that_the_file_has_no_room_for(self, tmp_path: Path) -> None:
        """It is found out before memory is asked for."""
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as made:
            for name, shape, descr in (("ids", (2,), "<U1"), ("descriptors", (10**12, 256), "<f4")):
                buffer = io.BytesIO()
                header = {"descr": descr, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(buffer, header)
                made.writestr(f"{name}.npy", buffer.getvalue() + b"a\0\0\0b\0\0\0")
        with pytest.raises(ConfigError, match=r"descriptors is not as long as its shape \(1000000000000, 256\) says"):
            read_vectors(tmp_path / "x.npz")

    def test_a_member_that_is_no_array(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as made:
            made.writestr("ids.npy", b"letter")
            made.writestr("descriptors.npy", b"")
        with pytest.raises(ConfigError, match="not a sound NPZ archive"):
            read_vectors(tmp_path / "x.npz")


class TestFaultsOfTables:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "the file is empty: write the header"),
            ("id,d0\n", "at least one row"),
            ("a,1,2\n", "the header is 'a,1,2': make it id,d0,d1"),
            ("id,d1,d0\na,1,2\n", "the header is 'id,d1,d0'"),
            ("id\na\n", "the header is 'id'"),
            ("id,d0,d1\na,1\n", "line 2: 2 fields where the header has 3"),
            ("id,d0,d1\na,1,2\nb,1,2,3\n", "line 3: 4 fields"),
            ("id,d0\na,one\n", "line 2: could not convert string to float: 'one'"),
            ("id,d0\na,\n", "line 2: could not convert"),
            ("id,d0\na,1_0\n", "line 2: '1_0' is no number"),
            ("id,d0\na,1\na,2\n", "the id 'a' is there twice"),
            ("id,d0\n,1\n", "the id '' is empty"),
            ("id,d0\na,nan\n", "the vector of 'a' is not finite"),
            ("id,d0\na,1e39\n", "the vector of 'a' is not finite in float32"),
            ('id,d0\n"a,1\n', "not a CSV file"),
        ],
    )
    def test_each_is_said(self, text: str, said: str, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(ConfigError, match=rf"x\.csv: .*{said}"):
            read_vectors(tmp_path / "x.csv")

    def test_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_bytes("id,d0\nä,1\n".encode("latin-1"))
        with pytest.raises(ConfigError, match=r"x\.csv: not a text file in UTF-8"):
            read_vectors(tmp_path / "x.csv")


class TestFaultsOfPaths:
    @pytest.mark.parametrize("name", ["x.npy", "x", "x.npz.gz", "x.json"])
    def test_other_endings(self, name: str, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(b"")
        for call in (read_vectors, lambda p: write_vectors(p, ["a"], np.ones((1, 1), np.float32))):
            with pytest.raises(
                ConfigError, match=rf"{name}: not a file of vectors by its name; it must end with \.npz"
            ):
                call(tmp_path / name)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_no_file_and_a_folder(self, ending: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=rf"none{ending}: no such file"):
            read_vectors(tmp_path / f"none{ending}")
        (tmp_path / f"x{ending}").mkdir()
        with pytest.raises(ConfigError, match=rf"x{ending}: a folder, not a file"):
            read_vectors(tmp_path / f"x{ending}")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_no_permission(self, ending: str, tmp_path: Path) -> None:
        (tmp_path / f"x{ending}").touch(mode=0)
        with pytest.raises(FingerprintError, match="ermission denied"):
            read_vectors(tmp_path / f"x{ending}")


class TestWriting:
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_never_half_a_file(self, ending: str, tmp_path: Path) -> None:
        class Torn:
            shape = (3_000, 1024)

            def __getitem__(self, rows: Any) -> F32:
                start = rows.start if isinstance(rows, slice) else 1
                if start:
                    raise OSError(28, "No space left on device")
                return np.zeros((1024, 1024), np.float32)

        path = tmp_path / f"x{ending}"
        write_vectors(path, ["old"], np.ones((1, 1), np.float32))
        with pytest.raises(ConfigError, match=rf"x{ending}: cannot be written: No space left on device; free some"):
            write_vectors(path, [str(i) for i in range(3_000)], Torn())
        assert read_vectors(path).ids == ("old",)
        assert [item.name for item in tmp_path.iterdir()] == [f"x{ending}"]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_it_is_on_disk_before_it_has_its_name(
        self, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []
        fsync, replace = os.fsync, Path.replace

        def flushing(number: int) -> None:
            told.append("fsync")
            fsync(number)

        def replacing(path: Path, target: Path) -> Path:
            told.append("replace")
            return replace(path, target)

        monkeypatch.setattr(os, "fsync", flushing)
        monkeypatch.setattr(Path, "replace", replacing)
        monkeypatch.setattr("fingerprint.files.atomic.flush_folder", lambda _: told.append("folder"))
        write_vectors(tmp_path / f"x{ending}", ["a"], np.ones((1, 1), np.float32))
        assert told == ["fsync", "replace", "folder"]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_no_such_folder(self, ending: str, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigError, match="cannot be written: No such file or directory; free some space or choose"
        ):
            write_vectors(tmp_path / "none" / f"x{ending}", ["a"], np.ones((1, 1), np.float32))

    @pytest.mark.parametrize(
        ("names", "shape", "said"),
        [
            (["a", "a"], (2, 1), "not written: the id 'a' is there twice"),
            (["a"], (2, 1), "not written: 1 ids for 2 vectors"),
            ([], (0, 1), "not written: .*at least one row"),
            (["a\0"], (1, 1), "has a NUL character"),
            (["a"], (1, MAX_DIMENSION + 1), "4097 dimensions"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(
        self, names: list[str], shape: tuple[int, int], said: str, tmp_path: Path
    ) -> None:
        for ending in ENDINGS:
            with pytest.raises(ConfigError, match=said):
                write_vectors(tmp_path / f"x{ending}", names, np.ones(shape, np.float32))
        assert not list(tmp_path.iterdir())


class TestVectorSet:
    def test_of_takes_lists_and_leaves_its_input_alone(self) -> None:
        given_ = np.array([[1.0, 2.0]])
        made = VectorSet.of(iter(["a"]), given_, "m")
        assert (made.ids, made.model_id, len(made)) == (("a",), "m", 1)
        assert given_.dtype == np.float64
        assert VectorSet.of(["a"], [[0.5]]).vectors.tolist() == [[0.5]]

    def test_the_constructor_is_strict(self) -> None:
        with pytest.raises(ConfigError, match="the vectors are float64: give float32"):
            VectorSet(("a",), np.ones((1, 1)))  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="is no text"):
            VectorSet((7,), np.ones((1, 1), np.float32))  # type: ignore[arg-type]

    @pytest.mark.parametrize("model_id", ["", "a\0", "\udcff", 7])
    def test_what_is_no_id_of_a_model(self, model_id: Any) -> None:
        with pytest.raises(ConfigError, match=r"the model id .*choose another one"):
            check_model_id(model_id)

    def test_the_widest_that_is_allowed(self, tmp_path: Path) -> None:
        wide = np.random.default_rng(0).normal(size=(2, MAX_DIMENSION)).astype(np.float32)
        for ending in ENDINGS:
            write_vectors(tmp_path / f"x{ending}", ["a", "b"], wide)
            assert bits(read_vectors(tmp_path / f"x{ending}").vectors) == bits(wide)

    def test_rows_at_once_is_at_least_one(self) -> None:
        assert values_module.rows_at_once(1 << 30) == 1
