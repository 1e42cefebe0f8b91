"""Groups of copies among real photographs and edited copies of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import fingerprint.collection.describing
from fingerprint import create_collection, open_collection
from fingerprint.dedupe import Group, Groups, Rules, find_copies_of_references, find_groups, working_collection
from fingerprint.errors import ConfigError
from fingerprint.images.find import find_images
from fingerprint.models import Models
from fingerprint.types import U8

SMALL = ("camera/chelsea.jpg", "camera/rocket.jpg", "phone/chelsea (1).jpg", "phone/small.jpg")


@dataclass(frozen=True)
class Searched:
    """The library, what was found in it, and the collection that was kept."""

    folder: Path
    found: Groups
    kept: Path


def files_in(folder: Path) -> list[Path]:
    return [image for image in find_images([folder])[0] if isinstance(image, Path)]


@pytest.fixture(scope="module")
def searched(made: Path, models: Models) -> Searched:
    kept = made.parent / "kept.fp"
    images = files_in(made)
    with working_collection(kept, models) as collection:
        found = find_groups(images, collection, Rules(), models=models)
    return Searched(made, found, kept)


def by_keeper(groups: Sequence[Group]) -> dict[str, dict[str, str]]:
    """Return for each keeper what was done to its members, by their names."""
    return {
        group.keeper.path.name: {member.file.path.name: member.words for member in group.members}
        for group in groups
        if group.members
    }


def some(folder: Path, models: Models, kept: Path | None = None, n_workers: int = 1, **options: object) -> Groups:
    """Search the smaller part of a library."""
    with working_collection(kept, models) as collection:
        return find_groups(
            [folder / name for name in SMALL if (folder / name).exists()],
            collection,
            Rules(**options),  # type: ignore[arg-type]
            models=models,
            n_workers=n_workers,
        )


def test_each_copy_is_with_its_keeper_and_it_is_said_what_was_done(searched: Searched) -> None:
    found = by_keeper(searched.found.groups)
    assert found["chelsea.jpg"].keys() == {"chelsea (1).jpg", "small.jpg", "crop.jpg"}
    assert found["chelsea.jpg"]["chelsea (1).jpg"] == "same file"
    assert found["chelsea.jpg"]["small.jpg"] == "smaller (50 %)"
    assert found["chelsea.jpg"]["crop.jpg"].startswith("crop, ")
    assert found["astronaut.jpg"] == {"large.jpg": "enlarged (200 %)"}
    assert found["coffee.png"]["mirrored.jpg"] == "mirrored"
    assert found["rocket.jpg"] == {"turned.jpg": "rotated by 90°"}
    assert len(found) == 4


def test_second_shots_are_apart_and_listed_as_shared(searched: Searched) -> None:
    (group,) = (group for group in searched.found.groups if group.shared)
    assert not group.members
    assert {group.keeper.path.name, group.shared[0].file.path.name} == {"shot-first.jpg", "shot-second.jpg"}


def test_verdicts_are_those_against_the_keeper(searched: Searched) -> None:
    for group in searched.found.groups:
        for member in group.members:
            assert member.verification.relation == "copy"
            assert member.verification.identical == (member.words.startswith(("same", "hard", "symbolic")))


def test_the_reasons(searched: Searched) -> None:
    reasons = {group.keeper.path.name: " ".join(group.reasons) for group in searched.found.groups}
    assert "crops" in reasons["chelsea.jpg"]
    assert "named like copies" in reasons["chelsea.jpg"]
    assert "compressed" in reasons["coffee.png"]


def test_other_paths_to_one_file_are_said_and_free_nothing(searched: Searched) -> None:
    keeper = searched.folder / "camera/coffee.png"
    (group,) = (group for group in searched.found.groups if group.keeper.path == keeper)
    paths = {member.file.path.name: (member.words, member.frees) for member in group.members}
    assert paths["hard.png"] == (f"hard link of {keeper}", 0)
    assert paths["soft.png"] == (f"symbolic link to {keeper}", 0)
    assert searched.found.n_copies == 6
    copies = ("chelsea (1)", "small", "crop", "mirrored", "large", "turned")
    sizes = [(searched.folder / f"phone/{name}.jpg").stat().st_size for name in copies]
    assert searched.found.frees == sum(sizes)


def test_what_cannot_be_read_is_skipped_with_the_reason(searched: Searched) -> None:
    (skipped,) = searched.found.skipped
    assert skipped.path == str(searched.folder / "camera/torn.jpg")
    assert "truncated" in skipped.reason


def test_a_second_run_describes_nothing_and_says_the_same(
    searched: Searched, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("described again")

    monkeypatch.setattr(fingerprint.collection.describing, "describe_read_reference", refused)
    images = [searched.folder / name for name in SMALL]
    with working_collection(searched.kept, models) as collection:
        found = find_groups(images, collection, Rules(), models=models, n_workers=2)
        assert len(collection) > 10
    assert by_keeper(found.groups) == {"chelsea.jpg": {"chelsea (1).jpg": "same file", "small.jpg": "smaller (50 %)"}}


def test_the_outcome_does_not_depend_on_the_number_of_workers(made: Path, models: Models) -> None:
    assert some(made, models, n_workers=1) == some(made, models, n_workers=3)


@pytest.mark.parametrize("form", ["gif", "png", "webp", "tif"])
def test_animations_that_begin_alike_are_no_whole_copies(
    photos: dict[str, U8], models: Models, tmp_path: Path, form: str
) -> None:
    frames = [Image.fromarray(photos[name]).resize((240, 200)) for name in ("chelsea", "coffee", "rocket")]
    for name, others in (("first", frames[1:]), ("second", frames[:0:-1])):
        frames[0].save(tmp_path / f"{name}.{form}", save_all=True, append_images=others)
    shutil.copy(tmp_path / f"first.{form}", tmp_path / f"same.{form}")
    frames[0].save(tmp_path / "still.jpg", quality=60)
    images = files_in(tmp_path)
    with working_collection(None, models) as collection:
        (group,) = find_groups(images, collection, Rules(keep="path-order"), models=models, n_workers=1).groups
    assert group.keeper.path.name == f"first.{form}"
    seen = {member.file.path.name: (member.n_frames, member.has_unseen_frames) for member in group.members}
    assert seen == {f"same.{form}": (1, False), f"second.{form}": (3, True), "still.jpg": (1, False)}
    with create_collection(tmp_path / "still.fp", models=models) as collection:
        collection.add_files([tmp_path / "still.jpg"])
        (round_reference,) = find_copies_of_references(images, collection, Rules(), n_workers=1).groups
    unseen = {member.file.path.name for member in round_reference.members if member.has_unseen_frames}
    assert unseen == {f"first.{form}", f"second.{form}", f"same.{form}"}
    assert sum(member.frees for member in round_reference.members) == 0


def test_what_is_gone_leaves_the_collection(made: Path, models: Models, tmp_path: Path) -> None:
    own = tmp_path / "library"
    for name in SMALL:
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(made / name, own / name)
    some(own, models, tmp_path / "kept.fp")
    (own / "phone/small.jpg").unlink()
    found = some(own, models, tmp_path / "kept.fp")
    assert by_keeper(found.groups) == {"chelsea.jpg": {"chelsea (1).jpg": "same file"}}
    with working_collection(tmp_path / "kept.fp", models) as collection:
        assert sorted(map(os.path.basename, collection.ids)) == ["chelsea.jpg", "rocket.jpg"]


def test_a_reference_is_kept_whatever_it_is(made: Path, models: Models) -> None:
    with working_collection(None, models) as collection:
        found = find_groups(
            [made / "camera/chelsea.jpg"],
            collection,
            Rules(),
            references=[made / "phone/small.jpg", made / "phone/chelsea (1).jpg"],
            models=models,
        )
    (group,) = found.groups
    assert group.keeper.path.name == "chelsea (1).jpg"
    assert [member.file.path.name for member in group.members] == ["chelsea.jpg"]
    assert group.reasons[0] == "in a reference folder"


def test_groups_round_the_references_of_a_collection(made: Path, models: Models, tmp_path: Path) -> None:
    with create_collection(tmp_path / "photos.fp", models=models) as collection:
        collection.add_files([made / "camera/chelsea.jpg", made / "camera/coffee.png"])
        images = [made / name for name in (*SMALL, "phone/hard.png", "camera/torn.jpg")]
        found = find_copies_of_references(images, collection, Rules())
        assert len(collection) == 2
    words = by_keeper(found.groups)
    assert words["chelsea.jpg"] == {
        "chelsea.jpg": f"another path to {made / 'camera/chelsea.jpg'}",
        "chelsea (1).jpg": "same file",
        "small.jpg": "smaller (50 %)",
    }
    assert words["coffee.png"] == {"hard.png": f"hard link of {made / 'camera/coffee.png'}"}
    assert found.groups[0].reasons == ("in the collection as chelsea.jpg",)
    assert [item.path for item in found.skipped] == [str(made / "camera/torn.jpg")]


def test_a_collection_of_another_kind_is_refused(made: Path, models: Models, tmp_path: Path) -> None:
    with create_collection(tmp_path / "photos.fp", models=models) as collection:
        collection.add_files([made / "camera/chelsea.jpg"])
    with pytest.raises(ConfigError, match="--against"):
        some(made, models, tmp_path / "photos.fp")
    with create_collection(tmp_path / "other.fp", models=models) as collection:
        assert len(collection) == 0


def test_of_equal_files_one_whose_name_can_be_an_id_stands_for_all(made: Path, tmp_path: Path, models: Models) -> None:
    for name in ("a\udcff.jpg", "b.jpg"):
        shutil.copy(made / "camera/chelsea.jpg", tmp_path / name)
    shutil.copy(made / "phone/small.jpg", tmp_path / "c.jpg")
    with working_collection(None, models) as collection:
        found = find_groups(files_in(tmp_path), collection, Rules(), models=models)
    assert not found.skipped
    (group,) = found.groups
    assert {group.keeper.path.name, *(member.file.path.name for member in group.members)} == {
        *("a\udcff.jpg", "b.jpg", "c.jpg")
    }


def test_a_picture_of_which_the_collection_is_damaged_is_listed(made: Path, tmp_path: Path, models: Models) -> None:
    kept = tmp_path / "kept.fp"
    assert not some(made, models, kept).skipped
    (thumbnails,) = kept.rglob("thumbnails.npy")
    data = bytearray(thumbnails.read_bytes())
    data[len(data) // 2 :] = bytes(255 - byte for byte in data[len(data) // 2 :])
    thumbnails.write_bytes(data)
    found = some(made, models, kept)
    assert found.skipped
    assert all("is damaged" in item.reason for item in found.skipped)
    assert {Path(item.path) for item in found.skipped} <= {made / name for name in SMALL}
    with open_collection(kept) as collection:
        asked = find_copies_of_references([made / SMALL[0]], collection, Rules())
    assert asked.skipped
    assert all("is damaged" in item.reason for item in asked.skipped)


def test_a_jpeg_with_another_picture_behind_the_first_is_left_alone(made: Path, tmp_path: Path, models: Models) -> None:
    shutil.copy(made / "camera/chelsea.jpg", tmp_path / "plain.jpg")
    with Image.open(made / "phone/small.jpg") as first, Image.open(made / "camera/rocket.jpg") as second:
        first.save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=[second])
    with working_collection(None, models) as collection:
        (group,) = find_groups(files_in(tmp_path), collection, Rules(), models=models).groups
    assert [(member.file.path.name, member.has_unseen_frames) for member in group.members] == [("two.jpg", True)]
