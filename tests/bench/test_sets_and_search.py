"""Sets are read strictly; the search of the bench is exact, over all views of a query."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from fingerprint.bench.search import background, best_of, search
from fingerprint.bench.sets import BenchSet, open_set
from fingerprint.errors import ChallengeFileError, ConfigError


class TestSets:
    def test_a_set_has_its_parts_in_order(self, bench_set: BenchSet) -> None:
        assert bench_set.train.ids == ("T0", "T1", "T2", "T3", "T4")
        assert bench_set.references.paths[5].name == "R5.jpg"
        assert bench_set.edits["Q1"] == ("hflip", "scale")
        assert bench_set.edits["Q4"] == ()
        assert bench_set.name == f"small-{bench_set.digest[:12]}"

    def test_the_digest_covers_names_and_contents(self, set_folder: Path, bench_set: BenchSet, tmp_path: Path) -> None:
        copy = tmp_path / "elsewhere"
        shutil.copytree(set_folder, copy)
        assert open_set(copy).digest == bench_set.digest
        with (copy / "references" / "R1.jpg").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"x")
        changed = open_set(copy).digest
        (copy / "train" / "T0.jpg").rename(copy / "train" / "T9.jpg")
        assert len({bench_set.digest, changed, open_set(copy).digest}) == 3

    def test_training_images_and_edits_may_be_missing(self, set_folder: Path, tmp_path: Path) -> None:
        copy = tmp_path / "bare"
        shutil.copytree(set_folder, copy)
        shutil.rmtree(copy / "train")
        (copy / "edits.tsv").unlink()
        bare = open_set(copy)
        assert (len(bare.train), dict(bare.edits)) == (0, {})

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("ground_truth.csv", "Q0,R77\n", "no picture of the reference 'R77'"),
            ("ground_truth.csv", "Q77,R0\n", "no picture of the query 'Q77'"),
            ("ground_truth.csv", "Q0,R0\nQ1,R1\nQ2,R2\nQ3,\n", "no line of the query 'Q4'; 1 missing"),
            ("ground_truth.csv", "".join(f"Q{row},\n" for row in range(5)), "no query has a reference"),
            ("edits.tsv", "query_id\treference_id\tedits\nQ0\tR0\n", "line 2: 2 fields instead of 3"),
            ("edits.tsv", "Q0\tR0\tcrop\nQ0\tR0\tblur\n", "line 2: query 'Q0' is there twice"),
            ("references/R0.png", "", "would have the same id"),
            ("references/a b.jpg", "", "is no id"),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, set_folder: Path, tmp_path: Path, file: str, content: str, message: str
    ) -> None:
        copy = tmp_path / "wrong"
        shutil.copytree(set_folder, copy)
        (copy / file).write_text(content)
        with pytest.raises((ConfigError, ChallengeFileError), match=message) as caught:
            open_set(copy)
        assert str(copy) in str(caught.value)

    def test_what_is_no_file_among_the_pictures_is_refused(self, set_folder: Path, tmp_path: Path) -> None:
        """One could wait for ever for what is in a pipe."""
        copy = tmp_path / "piped"
        shutil.copytree(set_folder, copy)
        os.mkfifo(copy / "train" / "pipe.jpg")
        with pytest.raises(ConfigError, match=r"train/pipe\.jpg: not a regular file: remove it from the set"):
            open_set(copy)
        (copy / "train" / "pipe.jpg").unlink()
        (copy / "train" / "link.jpg").symlink_to("nowhere")
        with pytest.raises(ConfigError, match=r"train/link\.jpg: No such file or directory: remove it"):
            open_set(copy)

    def test_a_folder_that_is_no_set_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"no ground_truth\.csv"):
            open_set(tmp_path)


class TestSearch:
    def test_vectors_and_views_are_searched_exactly(self) -> None:
        rng = np.random.default_rng(3)
        views = rng.standard_normal((40, 6)).astype(np.float32)
        owners = np.repeat(np.arange(10), 4)
        references = rng.standard_normal((50, 6)).astype(np.float32)
        found = search(views, owners, references, 7)
        distances = np.square(views[:, None].astype(np.float64) - references).sum(axis=2)
        best = distances.reshape(10, 4, 50).min(axis=1)
        assert found.reference_idx.reshape(10, 7).tolist() == np.argsort(best, axis=1)[:, :7].tolist()
        assert np.allclose(found.scores.reshape(10, 7), -np.sort(best, axis=1)[:, :7] / 2, rtol=1e-12)

    def test_codes_are_searched_by_hamming_distance(self) -> None:
        rng = np.random.default_rng(4)
        codes = rng.integers(0, 2**63, (30, 2), dtype=np.uint64)
        found = search(codes[:5], np.arange(5), codes, 3)
        distances = np.bitwise_count(codes[:5, None] ^ codes).sum(axis=2, dtype=np.int64)
        assert found.scores.reshape(5, 3).tolist() == (-np.sort(distances, axis=1)[:, :3]).tolist()
        assert found.reference_idx.reshape(5, 3)[:, 0].tolist() == [0, 1, 2, 3, 4]

    def test_a_query_without_a_view_has_no_rows(self) -> None:
        found = search(np.eye(2, dtype=np.float32), np.array([0, 2]), np.eye(2, dtype=np.float32), 1)
        assert found.query_idx.tolist() == [0, 2]

    def test_codes_and_vectors_are_not_mixed(self) -> None:
        with pytest.raises(ConfigError, match="a method describes all alike"):
            search(np.zeros((1, 2), np.float32), np.zeros(1, np.int64), np.zeros((1, 2), np.uint64))

    def test_a_pair_counts_once_with_its_best_score(self) -> None:
        found = best_of(np.array([0, 0, 0]), np.array([5, 4, 5]), np.array([1.0, 2.0, 3.0]), 2)
        assert (found.reference_idx.tolist(), found.scores.tolist()) == ([5, 4], [3.0, 2.0])

    def test_the_background_is_the_mean_of_the_three_best(self) -> None:
        among = best_of(np.array([0, 0, 0, 0, 1]), np.array([0, 1, 2, 3, 0]), np.array([9.0, 6.0, 3.0, 1.0, 4.0]), 9)
        assert background(among, 3, 4).tolist() == [6.0, 4.0, 0.0]
        assert background(among, 3, 4, absent=-2.0).tolist() == [6.0, 0.0, -2.0]
