"""The methods of the bench: each against a plain reckoning of what it is said to be, and all on a small set."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from fingerprint.bench.clustering import cluster, nearest_words
from fingerprint.bench.keypoints import root_sift, sift_of
from fingerprint.bench.methods.asmk import SiftAsmk, aggregate, similarities
from fingerprint.bench.methods.gist import challenge_gist
from fingerprint.bench.methods.ratio import count_matches
from fingerprint.bench.registry import make_method
from fingerprint.bench.running import run_method
from fingerprint.bench.sets import BenchSet
from fingerprint.challenge import evaluate_matches
from fingerprint.errors import ConfigError
from fingerprint.types import U8

ROOT = Path(__file__).parents[2]


class TestHashes:
    @pytest.mark.parametrize("name", ["phash", "dhash"])
    def test_are_those_of_imagehash(self, bench_set: BenchSet, name: str) -> None:
        path = bench_set.references.paths[1]
        (word,) = np.atleast_1d(make_method(name, bench_set).describe(path, "query", {}))  # type: ignore[union-attr]
        with Image.open(path) as image:
            assert f"{int(word):016x}" == str(getattr(imagehash, name)(image))


class TestRatio:
    def test_counts_as_a_plain_loop_does(self) -> None:
        rng = np.random.default_rng(1)
        pictures = [rng.integers(0, 255, (n, 128)).astype(np.uint8) for n in (5, 1, 0, 9)]
        own = np.clip(pictures[3][:6].astype(np.int64) + rng.integers(-60, 60, (6, 128)), 0, 255).astype(np.float32)
        everything = np.concatenate(pictures)
        starts = np.cumsum([0, *map(len, pictures)])
        half = (np.square(everything.astype(np.float32)).sum(axis=1) / 2).astype(np.float32)
        found = count_matches(own, everything, half, starts, [(0, 2), (2, 4)])
        counts = []
        for picture in pictures:
            n = 0
            for one in own if len(picture) > 1 else ():
                first, second = np.sort(np.linalg.norm(picture - one, axis=1))[:2]
                n += first < 0.8 * second
            counts.append(n)
        assert np.floor(found).tolist() == counts
        assert counts[3] >= 1


class TestAsmk:
    def test_similarity_is_cubed_above_zero(self) -> None:
        first = np.zeros((3, 2), np.uint64)
        second = np.array([[0, 0], [2**32 - 1, 0], [2**64 - 1, 1]], np.uint64)
        assert similarities(first, second).tolist() == [1.0, 0.125, 0.0]

    def test_a_picture_is_aggregated_by_word(self) -> None:
        rng = np.random.default_rng(2)
        sift = rng.integers(0, 255, (12, 128)).astype(np.uint8)
        codebook = rng.random((4, 128), dtype=np.float32) / np.float32(8)
        words, codes = aggregate(sift, codebook, 2)
        points = root_sift(sift)
        nearest = np.argsort(np.square(points[:, None] - codebook).sum(axis=2), axis=1)[:, :2]
        for word, code in zip(words, codes, strict=True):
            total = (points[(nearest == word).any(axis=1)] - codebook[word]).sum(axis=0)
            assert np.unpackbits(code.view(np.uint8)).tolist() == (total > 0).astype(int).tolist()
        assert words.tolist() == sorted(set(nearest.ravel().tolist()))
        assert [len(part) for part in aggregate(sift[:0], codebook, 2)] == [0, 0]

    def test_scores_are_those_of_the_paper(self, bench_set: BenchSet, tmp_path: Path) -> None:
        method = SiftAsmk()
        codebook = cluster(
            root_sift(np.concatenate([sift_of(path, 200) for path in bench_set.train.paths])),
            16,
            3,
            np.random.default_rng(0),
        )
        matcher = method.open(bench_set.references.paths, {"codebook": codebook}, tmp_path, 1)
        found = dict(matcher.match(bench_set.queries.paths[0]))
        words, codes = aggregate(sift_of(bench_set.queries.paths[0], 500), codebook, 5)
        for row, path in enumerate(bench_set.references.paths):
            theirs = dict(zip(*aggregate(sift_of(path, 500), codebook, 1), strict=True))
            total = sum(
                similarities(code[None], theirs[word][None])[0]
                for word, code in zip(words, codes, strict=True)
                if word in theirs
            )
            assert found.get(row, 0.0) == pytest.approx(total / np.sqrt(len(words) * max(1, len(theirs))))
        assert max(found, key=found.__getitem__) == 0

    def test_clusters_are_means_of_what_is_nearest(self) -> None:
        points = np.random.default_rng(5).standard_normal((300, 4)).astype(np.float32)
        codebook = cluster(points, 8, 40, np.random.default_rng(0))
        words = nearest_words(points, codebook, 1)[:, 0]
        means = np.stack([points[words == word].mean(axis=0) for word in range(8)])
        assert np.allclose(means, codebook, atol=1e-4)


class TestGist:
    def test_is_of_unit_length_and_has_even_blocks(self, photos: dict[str, U8]) -> None:
        found = challenge_gist(photos["chelsea"])
        assert found.shape == (960,)
        assert np.linalg.norm(found) == pytest.approx(1)
        assert np.square(found - challenge_gist(photos["chelsea"] // 2)).sum() < 0.02
        assert np.square(found - challenge_gist(photos["coffee"])).sum() > 0.1


@pytest.mark.parametrize("name", ["dhash", "pdq", "gist256", "vlad", "sift-ratio", "sift-asmk", "descriptor-track"])
def test_every_method_finds_a_plain_copy(bench_set: BenchSet, tmp_path: Path, name: str) -> None:
    result = run_method(bench_set, name, make_method(name, bench_set), tmp_path, n_workers=1)
    assert evaluate_matches(result.read("raw"), bench_set.truth).recall_at_1 >= 1 / 3
    assert "normalised" in result.rows
    assert result.costs.image_bytes is not None
    assert result.costs.image_bytes > 0


def test_the_matching_track_finds_all_copies(bench_set: BenchSet, tmp_path: Path) -> None:
    method = make_method("matching-track-fast", bench_set)
    result = run_method(bench_set, "ours", method, tmp_path, n_workers=1)
    assert evaluate_matches(result.read("raw"), bench_set.truth).recall_at_1 == 1
    assert result.rows == ("raw",)
    assert result.facts["identity"] == method.identity


class TestNames:
    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("surf", "no method is called 'surf': choose from phash"),
            ("phash:8", "phash takes no argument"),
            ("onnx", "write onnx:FILE"),
            ("vectors:missing.npz", "no such file"),
        ],
    )
    def test_what_is_no_method_is_refused(self, bench_set: BenchSet, spec: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make_method(spec, bench_set)

    def test_the_method_of_the_page_is_added_by_its_package(
        self, bench_set: BenchSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The class and the entry point are those that the page has."""
        page = (ROOT / "docs" / "howto" / "compare-methods.md").read_text(encoding="utf-8")
        (source,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        assert len(source.splitlines()) <= 20
        tables = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        (project,) = (table for table in map(tomllib.loads, tables) if "project" in table)
        ((name, value),) = project["project"]["entry-points"]["copyprint.bench"].items()
        module = value.partition(":")[0]
        install(tmp_path, module, source, f"{name} = {value}\nwrong = pathlib:Path\n")
        monkeypatch.syspath_prepend(tmp_path)
        result = run_method(bench_set, name, make_method(name, bench_set), tmp_path / "results", n_workers=1)
        assert evaluate_matches(result.read("normalised"), bench_set.truth).recall_at_1 >= 1 / 3
        with pytest.raises(ConfigError, match="neither a DescribingMethod nor a MatchingMethod"):
            make_method("wrong", bench_set)
        with pytest.raises(ConfigError, match=f"choose from .*{name}"):
            make_method("unknown", bench_set)
        sys.modules.pop(module)

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("typo", r"'typo', unruly:Typo, cannot be imported: AttributeError: .*'Typo'"),
            ("absent", r"'absent', nowhere_at_all:X, cannot be imported: ModuleNotFoundError: "),
            ("heavy", r"'heavy', unruly:Heavy, cannot be made: ValueError: no weights"),
            ("heavy:a.bin", r"'heavy', unruly:Heavy, cannot be made from 'a\.bin': TypeError: "),
            ("vlad", r"unruly:Heavy: a package adds it as 'vlad', which is here already: rename it there"),
        ],
    )
    def test_a_method_of_a_package_that_cannot_be_made_is_named(
        self, bench_set: BenchSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
    ) -> None:
        """It is no bug of this package."""
        source = "class Heavy:\n    def __init__(self):\n        raise ValueError('no weights')\n"
        points = "typo = unruly:Typo\nabsent = nowhere_at_all:X\nheavy = unruly:Heavy\nvlad = unruly:Heavy\n"
        install(tmp_path, "unruly", source, points)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ConfigError, match=message):
            make_method(spec, bench_set)
        sys.modules.pop("unruly", None)


def install(folder: Path, name: str, source: str, entry_points: str) -> None:
    """Put a module and what pip would write of its entry points into a folder."""
    (folder / f"{name}.py").write_text(source)
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[copyprint.bench]\n{entry_points}")
