"""Frames of animations and pages of files: each a picture of its own, by its path and its id."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint import Collection, create_collection
from fingerprint.cli import main
from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images.decode import count_frames, read_for_pdq, read_rgb
from fingerprint.images.frame_paths import frame_id, frame_path, split_frame
from fingerprint.images.frames import spread, with_frames
from fingerprint.models import Models
from fingerprint.types import U8

N = 5
FORMS: list[tuple[str, dict[str, Any]]] = [
    ("gif", {}),
    ("webp", {"lossless": True}),
    ("png", {}),
    ("tif", {}),
    ("avif", {"quality": 95}),
]


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> list[Image.Image]:
    """Five photographs of one size."""
    names = ("chelsea", "coffee", "rocket", "astronaut", "motorcycle_left")
    return [Image.fromarray(photos[name]).resize((240, 180)) for name in names]


def animation(path: Path, scenes: list[Image.Image], **options: Any) -> Path:
    scenes[0].save(path, save_all=True, append_images=scenes[1:], **options)
    return path


@pytest.fixture
def film(tmp_path: Path, scenes: list[Image.Image]) -> Path:
    return animation(tmp_path / "film.png", scenes)


@pytest.mark.parametrize(
    ("n", "most", "chosen"),
    [(1, 9, [0]), (5, 1, [0]), (5, 2, [0, 2]), (5, 5, [0, 1, 2, 3, 4]), (5, 9, [0, 1, 2, 3, 4]), (100, 3, [0, 33, 66])],
)
def test_frames_are_spread_evenly_from_the_first(n: int, most: int, chosen: list[int]) -> None:
    assert spread(n, most) == chosen


@pytest.mark.parametrize(("form", "options"), FORMS, ids=[form for form, _ in FORMS])
def test_each_frame_is_read(form: str, options: dict[str, Any], tmp_path: Path, scenes: list[Image.Image]) -> None:
    path = animation(tmp_path / f"film.{form}", scenes, **options)
    assert count_frames(path) == count_frames(path.read_bytes()) == N
    assert np.array_equal(read_rgb(path).pixels, read_rgb(path.read_bytes()).pixels)
    for k in (1, 4):
        picture = read_rgb(frame_path(path, k))
        assert picture.name == str(path / f"#frame={k}")
        assert np.abs(picture.pixels.astype(int) - np.asarray(scenes[k])).mean() < 12  # a GIF has few colours
    with pytest.raises(ImageError, match="it has no frame 5"):
        read_rgb(frame_path(path, N))


def test_pages_of_different_depths_and_sizes(tmp_path: Path, scenes: list[Image.Image]) -> None:
    deep = Image.fromarray(np.asarray(scenes[1].convert("L").resize((60, 40))).astype(np.uint16) * 257)
    path = animation(tmp_path / "pages.tif", [scenes[0], deep])
    page = read_rgb(frame_path(path, 1))
    assert (page.width, page.height, page.plain) == (60, 40, False)
    assert np.array_equal(page.pixels[..., 0], np.asarray(scenes[1].convert("L").resize((60, 40))))
    assert read_for_pdq(frame_path(path, 1)).pixels.shape == (40, 60, 3)


def test_other_files_have_one(tmp_path: Path, scenes: list[Image.Image]) -> None:
    for form in ("JPEG", "PNG", "BMP", "GIF", "TIFF"):
        out = io.BytesIO()
        scenes[0].save(out, form)
        assert count_frames(out.getvalue()) == 1
    scenes[0].save(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="it has no frame 1"):
        read_rgb(tmp_path / "a.jpg" / "#frame=1")


def test_the_limits_hold_for_each_frame(tmp_path: Path, scenes: list[Image.Image]) -> None:
    path = animation(tmp_path / "pages.tif", [scenes[0].resize((10, 10)), scenes[1]])
    with pytest.raises(ImageError, match="240 x 180 pixels are more than the limit"):
        read_rgb(frame_path(path, 1), limits=ReadLimits(max_pixels=1000))


def test_a_cut_animation_is_refused_where_it_ends(tmp_path: Path, scenes: list[Image.Image]) -> None:
    path = animation(tmp_path / "film.gif", scenes)
    path.write_bytes(path.read_bytes()[:-3000])
    read_rgb(frame_path(path, 1))
    with pytest.raises(ImageError):
        read_rgb(frame_path(path, 4))


@pytest.mark.parametrize("harm", ["cut", "overwritten"])
def test_pages_before_a_damaged_one_are_added_and_it_is_named(
    harm: str, tmp_path: Path, scenes: list[Image.Image], models: Models
) -> None:
    path = animation(tmp_path / "pages.tif", scenes)
    data = path.read_bytes()
    with Image.open(path) as pages:
        pages.seek(3)
        place = int(pages._frame_pos[3])  # type: ignore[attr-defined]  # of the directory that describes the page
    path.write_bytes(data[:place] if harm == "cut" else data[:place] + b"\x01" * 200 + data[place + 200 :])
    assert count_frames(path) == 4
    with create_collection(tmp_path / "c.fp", models=models) as collection:
        report = collection.add_files([path], root=tmp_path, frames=N)
        assert sorted(collection.ids) == ["pages.tif", "pages.tif#frame=1", "pages.tif#frame=2"]
    (skipped,) = report.skipped
    assert skipped.path == str(path / "#frame=3")


def test_a_frame_is_compared_by_its_path(tmp_path: Path, scenes: list[Image.Image]) -> None:
    film = animation(tmp_path / "film.png", scenes)
    scenes[3].save(tmp_path / "still.png")
    for given in ([f"{film}/#frame=3", str(tmp_path / "still.png")], [str(tmp_path / "still.png"), f"{film}/#frame=3"]):
        done = CliRunner().invoke(main, ["compare", "--json", *given])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["probability"] > 0.99
    done = CliRunner().invoke(main, ["compare", f"{tmp_path}/none.png/#frame=3", str(tmp_path / "still.png")])
    assert done.exit_code == 2
    assert "none.png' does not exist" in done.output


def test_paths_and_ids(tmp_path: Path) -> None:
    assert frame_id("a/cat.gif", 0) == "a/cat.gif"
    assert frame_id("a/cat.gif", 12) == "a/cat.gif#frame=12"
    assert split_frame(frame_path(tmp_path / "cat.gif", 12)) == (str(tmp_path / "cat.gif"), 12)
    for name in ("cat.gif#frame=12", "#frame=0", "#frame=x", "#frame=01"):
        assert split_frame(tmp_path / "cat.gif" / name) == (tmp_path / "cat.gif" / name, 0)
    assert split_frame(tmp_path / "#frame=1") == (tmp_path / "#frame=1", 0)  # a file in a folder


def test_files_that_cannot_be_counted_stay(tmp_path: Path, film: Path) -> None:
    (tmp_path / "bad.gif").write_bytes(b"GIF89a")
    named = [("bad.gif", tmp_path / "bad.gif"), ("none", tmp_path / "none"), ("film.png", film)]
    assert with_frames(named, 1, DEFAULT_LIMITS) == named
    assert [name for name, _ in with_frames(named, 2, DEFAULT_LIMITS)] == [
        *("bad.gif", "none", "film.png", "film.png#frame=2"),
    ]
    with pytest.raises(ConfigError, match="must be 1 or more, not 0"):
        with_frames(named, 0, DEFAULT_LIMITS)


@pytest.fixture
def collection(tmp_path: Path, models: Models) -> Any:
    with create_collection(tmp_path / "all.fp", models=models) as made:
        yield made


class TestInCollections:
    def test_frames_are_references_of_their_own(
        self, collection: Collection, film: Path, scenes: list[Image.Image]
    ) -> None:
        report = collection.add_files([film], frames=3)
        assert collection.ids == ["film.png", "film.png#frame=1", "film.png#frame=3"]
        assert report.added == 3
        assert collection.search(scenes[3], n_results=1)[0].reference_id == "film.png#frame=3"
        again = collection.add_files([film], frames=3)
        assert (again.added, again.unchanged, again.replaced) == (0, 3, 0)
        assert collection.add_files([film]).unchanged == 1
        (found,) = collection.search(frame_path(film, 1), n_results=1)
        assert (found.reference_id, found.verification.identical) == ("film.png#frame=1", True)

    def test_by_default_only_the_first(self, collection: Collection, film: Path) -> None:
        assert collection.add_files([film]).added == 1
        assert collection.ids == ["film.png"]

    def test_a_changed_file_loses_its_old_frames(
        self, collection: Collection, film: Path, scenes: list[Image.Image]
    ) -> None:
        collection.add_files([film], frames=5)
        collection.add("film.png#frame=77", scenes[2])  # of the caller's own choice
        animation(film, scenes[::-1][:2])
        collection.add_files([film], frames=5)
        assert set(collection.ids) == {"film.png", "film.png#frame=1", "film.png#frame=77"}
        assert collection.search(scenes[3], n_results=1)[0].reference_id == "film.png#frame=1"
        scenes[0].save(film)
        collection.add_files([film])
        assert set(collection.ids) == {"film.png", "film.png#frame=77"}

    def test_a_file_is_removed_with_its_frames(self, collection: Collection, film: Path) -> None:
        collection.add_files([film], frames=5)
        assert collection.remove(["film.png#frame=1"]) == ["film.png#frame=1"]
        assert set(collection.remove(["film.png"])) == {"film.png", *(f"film.png#frame={k}" for k in (2, 3, 4))}
        assert len(collection) == 0

    def test_a_real_file_of_that_name_takes_no_place(
        self, collection: Collection, film: Path, scenes: list[Image.Image]
    ) -> None:
        real = film.with_name("film.png#frame=1")
        scenes[4].save(real, "PNG")
        collection.add_files([film], frames=5)
        report = collection.add_files([real])
        assert [item.reason[:54] for item in report.skipped] == [
            "its id 'film.png#frame=1' is already that of " + str(film)[:9]
        ]
        collection.remove(["film.png"])
        collection.add_files([real])
        report = collection.add_files([film], frames=5)
        assert len(report.skipped) == 1
        assert collection.record("film.png#frame=1").path == str(real)

    def test_frames_can_be_queries_from_their_file(self, collection: Collection, film: Path) -> None:
        collection.add_files([film], frames=2)
        assert collection.as_query("film.png#frame=2").name == "film.png#frame=2"


def run(*arguments: object) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_commands(film: Path, tmp_path: Path, scenes: list[Image.Image]) -> None:
    folder = tmp_path / "refs.fp"
    assert run("index", "create", folder, film, "--frames", 2)[-1]["added"] == 2
    assert run("index", "add", folder, film, "--frames", 5)[-1]["added"] == 3
    listed = {item["id"]: (item["path"], item.get("frame")) for item in run("index", "list", folder)}
    assert listed["film.png"] == (str(film), None)
    assert listed["film.png#frame=3"] == (str(film), 3)
    answers = run("search", folder, film, "--frames", 5, "-k", 1)
    assert [answer["query"] for answer in answers][:2] == [str(film), f"{film}/#frame=1"]
    assert [answer["matches"][0]["reference"] for answer in answers][1:3] == ["film.png#frame=1", "film.png#frame=2"]
    hashes = run("hash", film, "--frames", 3)
    assert len({item["phash"] for item in hashes}) == 3
    assert set(run("index", "remove", folder, "film.png")[0]["removed"]) == set(listed)
