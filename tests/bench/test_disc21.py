"""The published layout of DISC21 in miniature: both files and the scores, resumable, by split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.bench import disc21
from fingerprint.bench.disc21 import run_disc21
from fingerprint.challenge import read_descriptors, read_matches
from fingerprint.cli import main
from fingerprint.collection.collection import Collection
from fingerprint.errors import ConfigError
from fingerprint.types import U8


@pytest.fixture(scope="module")
def published(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six references, three dev queries of which two are labelled, one final query, and a torn file of each kind."""
    folder = tmp_path_factory.mktemp("disc21")
    for name in ("query_images", "reference_images", "train_images"):
        (folder / name).mkdir()
    pictures = list(photos.values())
    for row in range(6):
        save(folder / "reference_images" / f"R{row:06}.jpg", pictures[row])
    save(folder / "query_images" / "Q00000.jpg", pictures[0][:, ::-1])
    save(folder / "query_images" / "Q00001.jpg", pictures[7])
    save(folder / "query_images" / "Q25000.jpg", pictures[2])
    save(folder / "query_images" / "Q50000.jpg", pictures[3] // 2)
    (folder / "query_images" / "Q00002.jpg").write_bytes(b"\xff\xd8\xff torn")
    (folder / "reference_images" / "R000009.jpg").write_bytes(b"\xff\xd8\xff torn")
    (folder / "public_ground_truth.csv").write_text("query_id,reference_id\nQ00000,R000000\nQ00001,\nQ00002,R000001\n")
    return folder


def save(path: Path, pixels: U8) -> None:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((160, 160))
    picture.save(path, quality=90)


def test_both_files_and_the_scores_come_out_of_the_published_folders(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["challenge", "run", "--disc21", str(published), "--out", str(out), "--profile", "fast", "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1, done.output  # two torn files
    said = json.loads(done.stdout)
    assert said["matching_track"]["micro_ap"] == 0.5  # one of two labelled copies is torn
    assert said["matching_track"]["recall_at_1"] == 0.5
    assert {Path(item["path"]).name for item in said["skipped"]} == {"Q00002.jpg", "R000009.jpg"}
    assert json.loads((out / "scores.json").read_text())["descriptor_track"]["recall_at_1"] == 0.5
    matches = read_matches(out / "matches.csv")
    assert set(matches.query_ids) == {"Q00000", "Q00001", "Q25000"}
    best = max(zip(matches.scores, matches.query_ids, matches.reference_ids, strict=True))
    assert best[1:] in {("Q00000", "R000000"), ("Q25000", "R000002")}
    descriptors = read_descriptors(out / "descriptors.h5")
    assert descriptors.query_ids == ("Q00000", "Q00001", "Q25000")
    assert descriptors.reference_ids == tuple(f"R{row:06}" for row in range(6))
    assert descriptors.query.shape[1] <= 256


def test_an_interrupted_run_goes_on(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disc21, "_QUERIES_AT_ONCE", 2)
    monkeypatch.setattr(disc21, "_REFERENCES_AT_ONCE", 3)
    whole = run_disc21(published, tmp_path / "whole", profile="fast", n_workers=1)
    original, calls = Collection.search_many, []

    def stop_at_the_second(self: Collection, *given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Collection, "search_many", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_disc21(published, tmp_path / "cut", profile="fast", n_workers=1)
    cut = run_disc21(published, tmp_path / "cut", profile="fast", n_workers=1)
    assert len(calls) == 3  # the first block was not searched again
    assert cut.matches.read_bytes() == whole.matches.read_bytes()
    assert cut.matching == whole.matching
    assert cut.descriptor == whole.descriptor


def test_the_final_split_has_queries_of_its_own(published: Path, tmp_path: Path) -> None:
    truth = tmp_path / "final.csv"
    truth.write_text("Q50000,R000003\n")
    outcome = run_disc21(published, tmp_path / "out", split="final", profile="fast", ground_truth=truth, n_workers=1)
    assert outcome.n_queries == 1
    assert outcome.matching is not None
    assert outcome.matching.micro_ap == 1.0
    with pytest.raises(ConfigError, match="names none of the queries of the split 'final'"):
        run_disc21(published, tmp_path / "out", split="final", profile="fast", n_workers=1)


def test_folders_of_other_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder query_images/"):
        run_disc21(tmp_path, tmp_path / "out")
    (tmp_path / "query_images").mkdir()
    with pytest.raises(ConfigError, match="no images in it"):
        run_disc21(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("note", ['{"models": "others", "calibration": "others"}', "{"])
def test_a_run_of_other_models_is_not_gone_on_with(published: Path, tmp_path: Path, note: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text(note)
    with pytest.raises(ConfigError, match=r"run\.json: damaged, or of a run with other models"):
        run_disc21(published, out, profile="fast", n_workers=1)
