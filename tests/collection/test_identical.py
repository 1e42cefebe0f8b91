"""The same picture is always found, however little there is to see in it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerprint import compare
from fingerprint.collection import Collection, create_collection, open_collection
from fingerprint.features.describe import describe_reference
from fingerprint.types import U8


def png(pixels: U8, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form)
    return out.getvalue()


def dots() -> U8:
    """Faint dots on a grid."""
    pixels = np.full((300, 400, 3), 250, np.uint8)
    pixels[10::20, 10::20] = 244
    return pixels


def logo() -> U8:
    """White on transparency, or nearly so."""
    pixels = np.full((120, 160, 4), 255, np.uint8)
    pixels[..., 3] = 0
    pixels[40:80, 50:110, 3] = 255
    return pixels


PLAIN = {
    "dots": dots(),
    "logo": logo(),
    "blue": np.full((90, 120, 3), (20, 40, 200), np.uint8),
    "red": np.full((90, 120, 3), (200, 40, 20), np.uint8),
    "line": np.full((2000, 1, 3), 80, np.uint8),
    "one": np.full((1, 1, 3), 7, np.uint8),
    "black": np.zeros((64, 64), np.uint8),
}


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with create_collection(tmp_path / "collection") as made:
        yield made


@pytest.mark.parametrize("name", PLAIN)
def test_a_picture_is_a_copy_of_itself(name: str) -> None:
    data = png(PLAIN[name])
    found = compare(data, data)
    height, width = PLAIN[name].shape[:2]
    assert found.identical
    assert (found.relation, found.probability, found.shared_probability) == ("copy", 1.0, 0.0)
    assert list(found.transform or ()) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    corners = ((-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5))
    assert found.query_region == found.reference_region == corners
    assert not found.mirrored
    assert not found.inverted


def test_equal_pixels_in_another_file_are_the_same_picture() -> None:
    pixels = PLAIN["blue"]
    assert compare(png(pixels, "BMP"), png(pixels)).identical
    assert compare(pixels, png(pixels, "TIFF")).identical


def test_one_other_pixel_size_or_colour_is_not_the_same_picture() -> None:
    for reference in (PLAIN["blue"], dots()):
        changed = reference.copy()
        changed[5, 5] ^= 4
        others = (changed, reference[:-1], np.ascontiguousarray(reference[..., ::-1] ^ 1))
        assert not any(compare(png(other), png(reference)).identical for other in others)


def test_each_picture_that_was_added_finds_itself_first(collection: Collection) -> None:
    report = collection.add_images((name, png(pixels)) for name, pixels in PLAIN.items())
    assert report.added == len(PLAIN)
    for name, pixels in PLAIN.items():
        best = collection.search(png(pixels), n_results=2)[0]
        assert (best.reference_id, best.probability, best.verification.identical) == (name, 1.0, True), name


def test_they_come_before_all_others_and_by_id(collection: Collection, photos: dict[str, U8]) -> None:
    cat = png(photos["chelsea"])
    smaller = png(np.ascontiguousarray(photos["chelsea"][::2, ::2]))
    collection.add_images([("edited", smaller), ("b", cat), ("a", cat)])
    found = collection.search(cat, n_results=5)
    assert [m.reference_id for m in found] == ["a", "b", "edited"]
    assert [m.verification.identical for m in found] == [True, True, False]
    assert [m.reference_id for m in collection.search(cat, n_results=1)] == ["a"]


def test_the_file_itself_comes_before_others_with_its_pixels(collection: Collection, photos: dict[str, U8]) -> None:
    for pixels in (photos["chelsea"], PLAIN["blue"]):
        data = {form: png(pixels, form) for form in ("PNG", "BMP", "TIFF")}
        collection.add_images((f"{len(pixels)} {form}", content) for form, content in data.items())
        for form, content in data.items():
            for most in (1, 3):
                found = collection.search(content, n_results=most)
                assert found[0].reference_id == f"{len(pixels)} {form}"
                assert [m.verification.identical for m in found] == [True] * most


def test_no_more_than_asked_for_are_verified(collection: Collection) -> None:
    blue = png(PLAIN["blue"])
    collection.add_images((f"{i:03d}", blue) for i in range(40))
    assert [m.reference_id for m in collection.search(blue, n_results=3)] == ["000", "001", "002"]
    assert collection.answer(blue, n_results=3).counters["pairs_aligned"] <= 3


def test_what_was_removed_or_replaced_is_not_found_by_its_bytes(collection: Collection) -> None:
    blue, red = png(PLAIN["blue"]), png(PLAIN["red"])
    collection.add_images([("one", blue), ("other", blue)])
    collection.remove(["one"])
    assert [m.reference_id for m in collection.search(blue)] == ["other"]
    collection.add_images([("other", red)])
    assert collection.search(blue, min_probability=0.5) == []
    assert [m.reference_id for m in collection.search(red)] == ["other"]


def test_found_after_merging_and_by_another_reader(collection: Collection, tmp_path: Path) -> None:
    for name, pixels in PLAIN.items():
        collection.add_images([(name, png(pixels))])
    collection.compact()
    with open_collection(tmp_path / "collection") as again:
        for name, pixels in PLAIN.items():
            assert again.search(png(pixels), n_results=1)[0].reference_id == name


def test_a_reference_as_a_query_is_the_same_picture(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "blue.png"
    file.write_bytes(png(PLAIN["blue"]))
    collection.add_files([file])
    query = collection.as_query("blue.png")
    assert query.identity is not None
    assert query.identity.content == hashlib.sha256(file.read_bytes()).hexdigest()
    assert collection.search_described(query, n_results=1)[0].verification.identical


def test_adding_names_the_pictures_that_show_too_little(collection: Collection, photos: dict[str, U8]) -> None:
    plain = {name: png(pixels) for name, pixels in PLAIN.items()}
    photographs = {name: png(photos[name]) for name in ("chelsea", "coffee", "rocket")}
    report = collection.add_images([*photographs.items(), *plain.items()])
    assert {"blue", "red", "line", "one", "black"} <= set(report.plain) <= set(plain)
    assert f"plain: {len(report.plain)}" in repr(report)


def checks(side: int, square: int) -> U8:
    return ((np.indices((side, side)) // square).sum(axis=0) % 2 * 255).astype(np.uint8)


def test_adding_names_regular_pictures_that_are_not_even_found_by_their_own_description(collection: Collection) -> None:
    """They have hundreds of keypoints, which all look the same."""
    regular = {"many squares": checks(512, 8), "few": checks(512, 128), "fine": checks(256, 2), "small": checks(256, 4)}
    assert len(describe_reference(regular["many squares"]).keypoints) == 300
    report = collection.add_images([(name, png(pixels)) for name, pixels in regular.items()])
    assert report.plain == ("many squares", "fine", "small")
    for name, pixels in regular.items():
        assert collection.search(png(pixels), n_results=1)[0].reference_id == name
    smaller = Image.fromarray(regular["few"]).resize((341, 341))
    assert [m.relation for m in collection.search(smaller, min_probability=0.5)] == ["copy"]
