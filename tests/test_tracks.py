"""Both tracks from folders and collections: rows, ids, independence of queries, bad files, kept collections."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fingerprint.collection.describing
import fingerprint.tracks
from fingerprint.challenge import GroundTruth, evaluate_descriptors, evaluate_matches
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, StorageConfig, config_for
from fingerprint.edits import apply_edits
from fingerprint.errors import ChallengeFileError, CollectionError, ConfigError, FingerprintError, ImageError
from fingerprint.features.describe import compact_descriptor
from fingerprint.features.descriptor import rounded_descriptor
from fingerprint.images.find import unread_folders
from fingerprint.tracks import challenge_id, describe_track, match_track
from fingerprint.types import U8, Skipped
from fingerprint.verify.score import Judgement, judge

#: Query, the photograph that it is made from, and how.
COPIES = (
    ("Q0", "chelsea", ("hflip",)),
    ("Q1", "coffee", ("crop",)),
    ("Q2", "rocket", ("rotate",)),
    ("Q3", "astronaut", ("jpeg",)),
)
STRANGER = "clock_motion"
BAD = ("R8.jpg", "R9.jpg", "Q8.png", "Q9.jpg")


@dataclass(frozen=True)
class Sets:
    """Folders of queries and references, with bad files among them, and the truth."""

    queries: Path
    references: Path
    truth: GroundTruth


def save(path: Path, pixels: U8) -> None:
    image = Image.fromarray(pixels)
    image.thumbnail((320, 320))
    image.save(path, quality=90)


def truncated(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: len(data) // 2]


@pytest.fixture(scope="module")
def sets(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Sets:
    root = tmp_path_factory.mktemp("sets")
    queries, references = root / "queries", root / "references"
    queries.mkdir()
    (references / "more").mkdir(parents=True)
    names = ["astronaut", "chelsea", "coffee", "rocket", "brick"]
    ids = {name: f"R{i}" for i, name in enumerate(names)}
    for name in names:
        folder = references / "more" if name == "rocket" else references
        save(folder / f"{ids[name]}.jpg", photos[name])
    for query, source, edits in COPIES:
        save(queries / f"{query}.png", apply_edits(photos[source], edits, np.random.default_rng(3)).pixels)
    save(queries / "Q4.jpg", photos[STRANGER])
    (references / "R8.jpg").write_bytes(truncated(references / "R0.jpg"))
    (references / "R9.jpg").write_text("text by another name")
    (references / "readme.txt").write_text("no image by its name either")
    (queries / "Q8.png").write_bytes(b"")
    (queries / "Q9.jpg").write_bytes(truncated(queries / "Q4.jpg"))
    truth = GroundTruth(tuple((query, ids[source]) for query, source, _ in COPIES), ("Q4", "Q8", "Q9"))
    return Sets(queries, references, truth)


@pytest.fixture(scope="module")
def collection(sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kept") / "collection"
    with create_collection(place) as made:
        made.add_files([sets.references])
    return place


@pytest.fixture
def no_describing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, *_: object) -> None:
        raise ImageError(str(source)[:40], "described again")

    monkeypatch.setattr(fingerprint.collection.describing, "describe_read_reference", refuse)


def skipped_names(skipped: tuple[Skipped, ...]) -> list[str]:
    return sorted(Path(item.path).name for item in skipped)


def test_the_copies_are_found_and_bad_files_are_named(sets: Sets) -> None:
    matches, skipped = match_track(sets.queries, sets.references)
    best = dict(zip(reversed(matches.query_ids), reversed(matches.reference_ids), strict=True))
    assert {query: best[query] for query, _ in sets.truth.pairs} == dict(sets.truth.pairs)
    assert evaluate_matches(matches, sets.truth).micro_ap == 1.0
    assert skipped_names(skipped) == sorted(BAD)
    assert all(item.reason for item in skipped)
    assert not {"Q8", "Q9"} & set(matches.query_ids)
    assert not {"R8", "R9"} & set(matches.reference_ids)


def test_the_score_is_of_a_copy_whatever_is_shared(
    sets: Sets, collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = config_for("fast")  # what is shared is a hint for further looks, which find more
    before, _ = match_track(sets.queries, collection, config=once)

    def sharing_much(*arguments: Any) -> Judgement:
        judged = judge(*arguments)
        return replace(judged, shared=1 - judged.copy)

    monkeypatch.setattr("fingerprint.verify.verification.judge", sharing_much)
    after, _ = match_track(sets.queries, collection, config=once)
    assert (after.query_ids, after.reference_ids) == (before.query_ids, before.reference_ids)
    np.testing.assert_array_equal(after.scores, before.scores)


def test_rows_are_those_of_a_search_in_the_order_of_the_queries(sets: Sets, collection: Path) -> None:
    matches, _ = match_track(sets.queries, collection)
    expected = []
    with open_collection(collection) as opened:
        for path in sorted(sets.queries.iterdir()):
            if path.name not in BAD:
                found = opened.search(path)
                expected += [(path.stem, challenge_id(m.reference_id), m.score) for m in found]
    assert list(zip(matches.query_ids, matches.reference_ids, matches.scores, strict=True)) == expected
    assert matches.scores.dtype == np.float64


def test_every_query_is_treated_by_itself(sets: Sets, collection: Path, tmp_path: Path) -> None:
    together, _ = match_track(sets.queries, collection)
    for name in ("Q0.png", "Q4.jpg"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(sets.queries / name, folder)
        alone, _ = match_track(folder, collection)
        same = together.of_queries({Path(name).stem})
        assert alone.reference_ids == same.reference_ids
        assert alone.scores.tolist() == same.scores.tolist()


def test_neither_result_depends_on_the_number_of_workers(sets: Sets) -> None:
    one, two = (match_track(sets.queries, sets.references, n_workers=n) for n in (1, 2))
    assert one[0].query_ids == two[0].query_ids
    assert one[0].reference_ids == two[0].reference_ids
    assert one[0].scores.tobytes() == two[0].scores.tobytes()
    assert one[1] == two[1]
    first, second = (describe_track(sets.queries, sets.references, n_workers=n) for n in (1, 2))
    assert first[0].query.tobytes() == second[0].query.tobytes()
    assert first[0].reference.tobytes() == second[0].reference.tobytes()
    assert first[1] == second[1]


def test_a_query_gets_no_more_rows_than_asked_for(sets: Sets) -> None:
    matches, _ = match_track(sets.queries, sets.references, config=replace(DEFAULT_CONFIG, results=2))
    assert matches.query_ids.count("Q4") == 2


def test_too_many_rows_are_cut_by_score_over_all_queries(
    sets: Sets, collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything, _ = match_track(sets.queries, collection)
    monkeypatch.setattr(fingerprint.tracks, "MAX_ROWS", 6)
    kept, _ = match_track(sets.queries, collection)
    threshold = np.sort(everything.scores)[-6]
    rows = zip(everything.query_ids, everything.reference_ids, everything.scores, strict=True)
    expected = [row for row in rows if row[2] >= threshold]
    assert list(zip(kept.query_ids, kept.reference_ids, kept.scores, strict=True)) == expected
    assert len(kept) == 6


def test_progress_is_told_of_both_stages(sets: Sets) -> None:
    told: list[tuple[str, int, int]] = []
    match_track(sets.queries, sets.references, progress=lambda *step: told.append(step))
    assert told == [("references", i, 7) for i in range(1, 8)] + [("queries", i, 7) for i in range(1, 8)]
    told.clear()
    describe_track(sets.queries, sets.references, progress=lambda *step: told.append(step))
    assert told == [("queries", i, 7) for i in range(1, 8)] + [("references", i, 7) for i in range(1, 8)]


@pytest.mark.parametrize("keep_local", [False, True])
def test_queries_may_be_a_collection(sets: Sets, collection: Path, tmp_path: Path, *, keep_local: bool) -> None:
    """One that keeps local descriptors needs its files no longer; one that does not gives what a look at them gives."""
    files = Path(shutil.copytree(sets.queries, tmp_path / "files"))
    config = replace(DEFAULT_CONFIG, storage=StorageConfig(keep_local_descriptors=keep_local))
    with create_collection(tmp_path / "asked", config=config) as asked:
        asked.add_files([files])
    if keep_local:
        shutil.rmtree(files)
    matches, skipped = match_track(tmp_path / "asked", collection)
    assert skipped == ()
    assert evaluate_matches(matches, sets.truth).recall_at_1 == 1.0
    assert set(matches.query_ids) == {"Q0", "Q1", "Q2", "Q3", "Q4"}
    vectors, _ = describe_track(tmp_path / "asked", collection)
    assert vectors.query_ids == ("Q0", "Q1", "Q2", "Q3", "Q4")
    if not keep_local:
        from_files, _ = match_track(files, collection, config=config_for("fast"))
        assert (matches.query_ids, matches.reference_ids) == (from_files.query_ids, from_files.reference_ids)
        assert matches.scores.tolist() == from_files.scores.tolist()
        (files / "Q2.png").unlink()
        fewer, skipped = match_track(tmp_path / "asked", collection)
        assert set(fewer.query_ids) == {"Q0", "Q1", "Q3", "Q4"}
        assert [item.path for item in skipped] == ["Q2.png"]
        assert re.search(r"files/Q2\.png is missing or has changed; .*--keep-local", skipped[0].reason)


def test_a_temporary_collection_leaves_nothing_behind(
    sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    match_track(sets.queries, sets.references)
    assert list(tmp_path.iterdir()) == []


class TestKeptCollection:
    def test_it_is_used_again_without_describing_anything(
        self, sets: Sets, tmp_path: Path, no_describing: None, collection: Path
    ) -> None:
        shutil.copytree(collection, tmp_path / "kept")
        again, skipped = match_track(sets.queries, sets.references, collection=tmp_path / "kept")
        fresh, _ = match_track(sets.queries, collection)
        assert again.reference_ids == fresh.reference_ids
        assert again.scores.tolist() == fresh.scores.tolist()
        assert skipped_names(skipped) == sorted(BAD)

    def test_it_is_made_where_there_is_none_and_brought_up_to_date(self, sets: Sets, tmp_path: Path) -> None:
        references = tmp_path / "references"
        references.mkdir()
        shutil.copy(sets.references / "R1.jpg", references)
        match_track(sets.queries, references, collection=tmp_path / "kept")
        shutil.copy(sets.references / "R2.jpg", references)
        matches, _ = match_track(sets.queries, references, collection=tmp_path / "kept")
        assert set(matches.reference_ids) == {"R1", "R2"}
        with open_collection(tmp_path / "kept") as opened:
            assert opened.ids == ["R1.jpg", "R2.jpg"]

    def test_a_file_that_has_gone_bad_is_reported_and_matches_nothing(self, sets: Sets, tmp_path: Path) -> None:
        references = tmp_path / "references"
        references.mkdir()
        for name in ("R1.jpg", "R2.jpg"):
            shutil.copy(sets.references / name, references)
        match_track(sets.queries, references, collection=tmp_path / "kept")
        (references / "R2.jpg").write_bytes(b"")
        matches, skipped = match_track(sets.queries, references, collection=tmp_path / "kept")
        assert set(matches.reference_ids) == {"R1"}
        assert "R2.jpg" in skipped_names(skipped)

    def test_a_collection_of_other_pictures_is_refused(self, sets: Sets, tmp_path: Path, collection: Path) -> None:
        references = tmp_path / "references"
        references.mkdir()
        shutil.copy(sets.references / "R0.jpg", references)
        with pytest.raises(ConfigError, match=r"holds 'R1\.jpg', which is not in .*references; remove that"):
            match_track(sets.queries, references, collection=collection)

    def test_it_is_for_folders_only(self, sets: Sets, tmp_path: Path, collection: Path) -> None:
        with pytest.raises(ConfigError, match="already a collection"):
            match_track(sets.queries, collection, collection=tmp_path / "kept")
        assert not (tmp_path / "kept").exists()


class TestDescribe:
    def test_each_row_is_the_descriptor_of_its_file(self, sets: Sets) -> None:
        vectors, skipped = describe_track(sets.queries, sets.references)
        assert skipped_names(skipped) == sorted(BAD)
        assert vectors.query_ids == ("Q0", "Q1", "Q2", "Q3", "Q4")
        assert vectors.reference_ids == ("R0", "R1", "R2", "R4", "R3")  # R3 is in a folder of its own
        assert vectors.query.dtype == vectors.reference.dtype == np.float32
        assert vectors.query.shape[1] <= 256
        query = compact_descriptor(sets.queries / "Q4.jpg", as_query=True)
        np.testing.assert_array_equal(vectors.query[4], query)
        reference = compact_descriptor(sets.references / "more" / "R3.jpg", as_query=False)
        np.testing.assert_array_equal(vectors.reference[4], reference)
        assert evaluate_descriptors(vectors, sets.truth).recall_at_1 == 1.0

    def test_a_collection_gives_the_same_vectors_rounded_without_describing(
        self, sets: Sets, collection: Path, no_describing: None
    ) -> None:
        from_folder, _ = describe_track(sets.queries, sets.references)
        from_collection, _ = describe_track(sets.queries, collection)
        assert from_collection.reference_ids == from_folder.reference_ids
        np.testing.assert_array_equal(from_collection.reference, rounded_descriptor(from_folder.reference))

    def test_it_writes_nothing(self, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a collection was made")

        monkeypatch.setattr(fingerprint.tracks, "create_collection", refuse)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        describe_track(sets.queries, sets.references)

    def test_a_set_without_one_readable_picture_is_an_error_that_says_why(self, sets: Sets, tmp_path: Path) -> None:
        (tmp_path / "R0.jpg").write_bytes(b"")
        with pytest.raises(ChallengeFileError, match=r"none of its 1 images can be read.*R0\.jpg: empty file"):
            describe_track(sets.queries, tmp_path)

    def test_ids_must_be_ascii(self, sets: Sets, tmp_path: Path) -> None:
        shutil.copy(sets.references / "R0.jpg", tmp_path / "Rätsel.jpg")
        with pytest.raises(ChallengeFileError, match="'Rätsel' is not ASCII"):
            describe_track(sets.queries, tmp_path)
        matches, _ = match_track(sets.queries, tmp_path)  # a CSV file is UTF-8
        assert set(matches.reference_ids) == {"Rätsel"}


class TestIds:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("R000001.jpg", "R000001"),
            ("a/b/R1.JPEG", "R1"),
            ("R1.v2.png", "R1.v2"),
            ("v1.2", "v1.2"),
            ("R1", "R1"),
            ("notes.txt", "notes.txt"),
        ],
    )
    def test_the_last_part_without_an_image_ending(self, name: str, expected: str) -> None:
        assert challenge_id(name) == expected

    @pytest.mark.parametrize("track", [match_track, describe_track])
    @pytest.mark.parametrize("role", ["queries", "references"])
    def test_two_files_with_the_same_id_are_an_error_that_names_both(
        self, sets: Sets, tmp_path: Path, track: object, role: str
    ) -> None:
        (tmp_path / "sub").mkdir()
        for name in ("P1.jpg", "sub/P1.png"):
            shutil.copy(sets.references / "R0.jpg", tmp_path / name)
        folders = {"queries": sets.queries, "references": sets.references} | {role: tmp_path}
        with pytest.raises(ChallengeFileError, match=r"P1\.jpg' and .*sub/P1\.png' would both be 'P1'; rename one"):
            track(**folders)  # type: ignore[operator]

    def test_the_same_holds_for_the_ids_of_a_collection(
        self, sets: Sets, tmp_path: Path, photos: dict[str, U8]
    ) -> None:
        with create_collection(tmp_path / "both") as made:
            made.add_many([("a/P1.jpg", photos["chelsea"]), ("b/P1", photos["coffee"])])
        with pytest.raises(ChallengeFileError, match=r"both: 'a/P1\.jpg' and 'b/P1' would both be 'P1'"):
            match_track(sets.queries, tmp_path / "both")

    def test_an_id_that_no_file_can_hold_is_refused_before_the_work(
        self, sets: Sets, tmp_path: Path, no_describing: None
    ) -> None:
        shutil.copy(sets.references / "R0.jpg", tmp_path / "my cat, asleep.jpg")
        with pytest.raises(ChallengeFileError, match=r"my cat, asleep\.jpg' cannot be in the challenge's files"):
            match_track(sets.queries, tmp_path)

    @pytest.mark.skipif(os.fsencode("é") != "é".encode(), reason="the file system's names are not UTF-8")
    def test_a_name_that_is_not_utf8_is_refused_before_the_work(self, sets: Sets, tmp_path: Path) -> None:
        try:
            (tmp_path / os.fsdecode(b"R\xff.jpg")).write_bytes((sets.references / "R0.jpg").read_bytes())
        except OSError:
            pytest.skip("the file system takes UTF-8 names only")
        with pytest.raises(ChallengeFileError, match="it is not UTF-8; rename it"):
            match_track(tmp_path, sets.references)


class TestPlaces:
    @pytest.mark.parametrize("track", [match_track, describe_track])
    def test_what_is_no_folder_of_images(self, sets: Sets, tmp_path: Path, track: object) -> None:
        empty = tmp_path / "empty"
        empty.mkdir()
        for place, kind, words in (
            (empty, ConfigError, "neither images nor a collection"),
            (sets.queries / "Q0.png", ConfigError, "a file; give a folder"),
            (tmp_path / "nowhere", ImageError, "no such file or folder"),
        ):
            with pytest.raises(kind, match=words) as caught:
                track(sets.queries, place)  # type: ignore[operator]
            assert str(place) in str(caught.value)
            assert isinstance(caught.value, FingerprintError)

    def test_a_damaged_collection_is_an_error(self, sets: Sets, collection: Path, tmp_path: Path) -> None:
        shutil.copytree(collection, tmp_path / "damaged")
        (tmp_path / "damaged" / "segments" / "000001" / "frames.npy").unlink()
        with pytest.raises(CollectionError, match=r"frames\.npy"):
            match_track(sets.queries, tmp_path / "damaged")

    def test_links_to_folders_are_reported_and_other_files_are_told_on_demand(
        self, sets: Sets, collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        queries = tmp_path / "queries"
        queries.mkdir()
        shutil.copy(sets.queries / "Q0.png", queries)
        (queries / "notes.txt").write_text("")
        (queries / "elsewhere").symlink_to(sets.references)
        with caplog.at_level(logging.INFO, logger="fingerprint"):
            matches, skipped = match_track(queries, collection)
        assert set(matches.query_ids) == {"Q0"}
        assert [(item.path, item.reason[:22]) for item in skipped] == [
            (f"{queries}/elsewhere", "a link to another fold")
        ]
        assert "1 files ignored" in caplog.text
        assert unread_folders([queries / "notes.txt"]) == ()

    def test_an_open_collection_is_closed_when_something_fails(
        self, sets: Sets, collection: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[Collection] = []
        close = Collection.close

        def closing(self: Collection) -> None:
            closed.append(self)
            close(self)

        monkeypatch.setattr(Collection, "close", closing)
        with pytest.raises(ImageError):
            match_track(collection, sets.references.parent / "nowhere")
        assert len(closed) == 1
