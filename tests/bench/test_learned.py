"""Learned models: vectors from files in every form, and networks in ONNX files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from fingerprint.bench.methods.onnx import InputForm, read_card
from fingerprint.bench.methods.vectors import VectorsMethod
from fingerprint.bench.registry import make_method
from fingerprint.bench.running import run_method
from fingerprint.bench.sets import BenchSet
from fingerprint.errors import ConfigError
from fingerprint.types import F32


@pytest.fixture
def rows(bench_set: BenchSet) -> dict[str, F32]:
    """A vector for each picture, by part."""
    rng = np.random.default_rng(0)
    sizes = {"train": 5, "references": 6, "queries": 5}
    return {name: rng.standard_normal((n, 7)).astype(np.float32) for name, n in sizes.items()}


class TestVectors:
    def test_every_form_gives_the_same_pairs(self, bench_set: BenchSet, rows: dict[str, F32], tmp_path: Path) -> None:
        ids = [name for part in ("train", "references", "queries") for name in getattr(bench_set, part).ids]
        everything = np.concatenate(list(rows.values()))
        np.savez(tmp_path / "parts.npz", **rows)  # type: ignore[arg-type]
        np.savez(tmp_path / "ids.npz", ids=ids, descriptors=everything)
        np.save(tmp_path / "plain.npy", everything)
        (tmp_path / "plain.txt").write_text("".join(f"{name}\r\n" for name in ids), newline="")
        with h5py.File(tmp_path / "challenge.h5", "w") as file:
            for half, part in (("query", "queries"), ("reference", "references")):
                file[half], file[f"{half}_ids"] = rows[part], np.array(getattr(bench_set, part).ids, np.bytes_)
        np.savez(tmp_path / "train.npz", ids=bench_set.train.ids, descriptors=rows["train"])
        specs = ("parts.npz", "ids.npz", "plain.npy", f"challenge.h5,{tmp_path / 'train.npz'}")
        found = set()
        for row, spec in enumerate(specs):
            method = make_method(f"vectors:{tmp_path / spec}", bench_set)
            result = run_method(bench_set, f"form{row}", method, tmp_path / "results", n_workers=1)
            assert result.rows == ("raw", "normalised")
            found.add((result.folder / "pairs-normalised.csv").read_bytes())
        assert len(found) == 1

    def test_pictures_without_a_vector_are_skipped_and_named(
        self, bench_set: BenchSet, rows: dict[str, F32], tmp_path: Path
    ) -> None:
        kept = {"references_ids": np.array(bench_set.references.ids[1:]), "references": rows["references"][1:]}
        np.savez(tmp_path / "some.npz", **{**rows, **kept})  # type: ignore[arg-type]
        method = make_method(f"vectors:{tmp_path / 'some.npz'}", bench_set)
        result = run_method(bench_set, "some", method, tmp_path / "results", n_workers=1)
        assert [name for name, _ in result.facts["skipped"]] == ["R0.jpg"]

    def test_ids_of_no_picture_are_mentioned(
        self, bench_set: BenchSet, rows: dict[str, F32], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        np.savez(tmp_path / "exact.npz", **rows)  # type: ignore[arg-type]
        VectorsMethod([tmp_path / "exact.npz"], bench_set)
        assert caplog.text == ""
        np.savez(tmp_path / "more.npz", ids=["R0", "Q0", "R99", "R98"], descriptors=np.eye(4))
        VectorsMethod([tmp_path / "more.npz"], bench_set)
        assert "more.npz: 2 of 4 ids are of no picture of the set, as 'R99'; ids are names of files" in caplog.text
        np.savez(tmp_path / "part.npz", train=np.eye(2), train_ids=["T0", "R0"])  # R0 is no training image
        VectorsMethod([tmp_path / "part.npz"], bench_set)
        assert "part.npz: 1 of 2 ids are of no picture of the set, as 'R0'" in caplog.text

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"train": np.zeros((4, 2), np.float32)}, "4 vectors in 'train' for 5 ids"),
            ({"ids": ["a", "a"], "descriptors": np.eye(2)}, "twice"),
            ({"ids": ["a"], "descriptors": np.full((1, 2), np.nan)}, "not finite"),
            ({"train": np.zeros((5, 2), np.int64)}, "write floating-point numbers"),
            ({"other": np.eye(2)}, "lacks ids and descriptors"),
        ],
    )
    def test_files_that_do_not_fit_are_refused(
        self, bench_set: BenchSet, tmp_path: Path, arrays: dict[str, object], message: str
    ) -> None:
        np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=message):
            VectorsMethod([tmp_path / "x.npz"], bench_set)

    def test_two_files_may_not_have_the_same_ids(self, bench_set: BenchSet, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", ids=["a"], descriptors=np.eye(1))
        with pytest.raises(ConfigError, match="'a' has a vector already"):
            VectorsMethod([tmp_path / "x.npz"] * 2, bench_set)
        np.save(tmp_path / "y.npy", np.eye(3))
        (tmp_path / "y.txt").write_text("a\nb\n")
        with pytest.raises(ConfigError, match="2 ids for 3 vectors"):
            VectorsMethod([tmp_path / "y.npy"], bench_set)
        (tmp_path / "y.txt").write_text("a\r\nb\r\nc\r\n\r\n")  # an empty line at the end is no id
        assert len(VectorsMethod([tmp_path / "y.npy"], bench_set).describe(Path("c.jpg"), "query", {})) == 3
        with pytest.raises(ConfigError, match=r"y\.txt: .* must end with \.npz, \.npy, \.csv, \.hdf5, \.h5"):
            VectorsMethod([tmp_path / "y.txt"], bench_set)
        (tmp_path / "y.txt").unlink()
        with pytest.raises(ConfigError, match=r"y\.npy: no y\.txt beside it"):
            VectorsMethod([tmp_path / "y.npy"], bench_set)
        with pytest.raises(ConfigError, match="no file before or after a comma"):
            make_method(f"vectors:{tmp_path / 'x.npz'},", bench_set)


class TestInput:
    def test_squashing_is_that_of_pillow(self) -> None:
        pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        made = InputForm((8, 12), dtype="uint8").make(pixels)
        assert np.array_equal(made[0], np.asarray(Image.fromarray(pixels).resize((12, 8), Image.Resampling.BILINEAR)))

    def test_layout_colours_and_numbers(self) -> None:
        pixels = np.tile(np.array([10, 20, 30], np.uint8), (4, 4, 1))
        form = InputForm((4, 4), layout="nchw", colours="bgr", scale=0.1, mean=(1.0, 1.0, 0.5), std=(2.0, 1.0, 0.5))
        made = form.make(pixels)
        assert made.shape == (1, 3, 4, 4)
        assert made.dtype == np.float32
        assert np.allclose(made[0, :, 0, 0], [(3 - 1) / 2, 2 - 1, (1 - 0.5) / 0.5])
        grey = InputForm((2, 2), colours="grey", dtype="float16").make(pixels)
        assert grey.shape == (1, 2, 2, 1)
        assert grey.dtype == np.float16

    @pytest.mark.parametrize(("resize", "corner", "middle"), [("crop", 200, 200), ("pad", 0, 200)])
    def test_cropping_and_padding_keep_the_shape(self, resize: str, corner: int, middle: int) -> None:
        made = InputForm((20, 20), resize=resize, dtype="uint8").make(np.full((10, 40, 3), 200, np.uint8))
        assert made.shape == (1, 20, 20, 3)
        assert (made[0, 0, 0, 0], made[0, 10, 10, 0]) == (corner, middle)


class TestCard:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "no 'input': write it"),
            ('model = "m.onnx"\n[input]\n', "no 'input.size'"),
            ('model = "m.onnx"\nspeed = 1\n[input]\nsize = [2, 2]', "unknown key 'speed'"),
            ('model = "m.onnx"\n[input]\nsize = [2]', "write \\[height, width\\]"),
            ('model = "m.onnx"\n[input]\nsize = [2, 2]\nlayout = "chw"', "write one of nhwc, nchw"),
            ('model = "m.onnx"\n[input]\nsize = [2, 2]\nmean = [1, 2]', "one for each of 3 channels"),
            ('model = "m.onnx"\n[input]\nsize = [2, 2]\nstd = 0', "has a 0"),
            ('model = "m.onnx"\n[input]\nsize = [2, 2]\ndtype = "uint8"\nscale = 2', "omit scale"),
            ('model = "none.onnx"\n[input]\nsize = [2, 2]', "no such file"),
            ('model = "m.onnx"\ninput = 3', "is no table"),
            ('model = "m.onnx"\n[input]\nsize = [2, 2]\n[output]\nnormalise = 1', "write a true or false"),
            ("model = ", "no TOML file"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "m.onnx").write_bytes(b"")
        (tmp_path / "m.toml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_card(tmp_path / "m.toml")

    def test_the_network_itself_is_no_description_of_it(self, tmp_path: Path) -> None:
        (tmp_path / "m.onnx").write_bytes(bytes(100))
        with pytest.raises(ConfigError, match="this is the network itself: write a TOML file"):
            read_card(tmp_path / "m.onnx")


def field(number: int, value: bytes | int) -> bytes:
    """Return a field of a protocol buffer: a number below 128, or bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    assert len(value) < 128 or number == 7
    length = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7])
    return bytes([number << 3 | 2]) + length + value


def mean_of_channels() -> bytes:
    """Return an ONNX model: input (1, 3, 4, 4), output the mean of each channel."""

    def value(name: bytes, shape: tuple[int, ...]) -> bytes:
        dims = b"".join(field(1, field(1, n)) for n in shape)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    node = field(1, b"x") + field(2, b"y") + field(4, b"GlobalAveragePool")
    graph = field(1, node) + field(2, b"g") + field(11, value(b"x", (1, 3, 4, 4)))
    graph += field(12, value(b"y", (1, 3, 1, 1)))
    return field(1, 8) + field(8, field(1, b"") + field(2, 13)) + field(7, graph)


def test_a_network_describes_pictures(bench_set: BenchSet, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "mean.onnx").write_bytes(mean_of_channels())
    card = 'title = "mean"\nmodel = "mean.onnx"\n[input]\nsize = [4, 4]\nlayout = "nchw"\nfilter = "box"\n'
    card += '[output]\nname = "y"\n'
    (tmp_path / "mean.toml").write_text(card)
    method = make_method(f"onnx:{tmp_path / 'mean.toml'}", bench_set)
    found = method.describe(bench_set.references.paths[0], "reference", {})  # type: ignore[union-attr]
    with Image.open(bench_set.references.paths[0]) as image:
        means = np.asarray(image.convert("RGB"), np.float64).mean(axis=(0, 1))
    assert np.allclose(found, means / np.linalg.norm(means), atol=0.01)
    result = run_method(bench_set, "mean", method, tmp_path / "results", n_workers=2)
    assert result.title == "mean"
    assert result.rows == ("raw", "normalised")
    (tmp_path / "mean.toml").write_text(card.replace('"y"', '"z"'))
    with pytest.raises(ConfigError, match="no output 'z', but y"):
        make_method(f"onnx:{tmp_path / 'mean.toml'}", bench_set)
    (tmp_path / "mean.onnx").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="onnxruntime cannot load it"):
        make_method(f"onnx:{tmp_path / 'mean.toml'}", bench_set)
