"""What references and queries hold, and the compact descriptor alone: the same vectors, and insets found in queries."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerprint.edits import apply_edits
from fingerprint.errors import ImageError
from fingerprint.features.describe import compact_descriptor, describe_query, describe_reference
from fingerprint.features.descriptor import rounded_descriptor
from fingerprint.images.decode import read_grey
from fingerprint.models import Models
from fingerprint.types import F32, U8, Fingerprint

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def pasted(photos: dict[str, U8]) -> dict[str, U8]:
    """Each photograph at half the size of the next one's shorter side, somewhere on the next one."""
    out, names = {}, list(photos)
    for row, name in enumerate(names):
        rng = np.random.default_rng(row)
        canvas, source = photos[names[(row + 1) % len(names)]].copy(), photos[name]
        (h, w), (room_h, room_w) = source.shape[:2], canvas.shape[:2]
        factor = 0.55 * min(room_w / w, room_h / h)
        patch = cv2.resize(source, (round(w * factor), round(h * factor)), interpolation=cv2.INTER_AREA)
        h, w = patch.shape[:2]
        y, x = rng.integers(0, room_h - h), rng.integers(0, room_w - w)
        canvas[y : y + h, x : x + w] = patch
        out[name] = canvas
    return out


@pytest.fixture(scope="module")
def references(described: dict[str, Fingerprint]) -> F32:
    return np.stack([fingerprint.descriptor for fingerprint in described.values()])


def jpeg(pixels: U8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def unit(vector: F32) -> F32:
    return vector / np.linalg.norm(vector)


class TestCompactDescriptor:
    @pytest.mark.parametrize("name", NAMES)
    def test_of_a_reference_is_that_of_the_reference(self, name: str, pasted: dict[str, U8], models: Models) -> None:
        for source in (pasted[name], jpeg(pasted[name])):
            alone = compact_descriptor(source, models, as_query=False)
            rounded = describe_reference(source, models).descriptor
            assert rounded_descriptor(alone).tobytes() == rounded.tobytes()
            assert (alone.dtype, alone.shape) == (np.float32, (models.descriptor.dimension,))
            assert np.linalg.norm(alone) == pytest.approx(1, abs=1e-5)

    def test_the_length_of_a_query_tells_how_common_it_is(self, photos: dict[str, U8], models: Models) -> None:
        """Walls and grass are like many pictures, so they are farther from all; what is like none has hardly any."""
        lengths = {
            name: float(np.linalg.norm(compact_descriptor(pixels, models, as_query=True)))
            for name, pixels in photos.items()
        }
        assert all(0.1 < length < 1.3 for length in lengths.values())
        assert max(lengths.values()) > 1.1 * min(lengths.values())

    def test_a_standard_query_is_described_much_like_a_reference(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        for name in NAMES:
            query = describe_query(photos[name], models).descriptor
            assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
            assert query @ described[name].descriptor > 0.8

    def test_of_a_picture_without_insets_a_query_is_near_to_what_a_reference_is(
        self, photos: dict[str, U8], models: Models
    ) -> None:
        for name in NAMES:
            as_query, as_reference = (compact_descriptor(photos[name], models, as_query=way) for way in (True, False))
            assert unit(as_query) @ as_reference > 0.9
            assert (as_query.dtype, as_query.shape) == (np.float32, (models.descriptor.dimension,))

    def test_the_shipped_models_are_the_usual_ones(self, photos: dict[str, U8], models: Models) -> None:
        plain = compact_descriptor(photos["coffee"], as_query=True)
        assert plain.tobytes() == compact_descriptor(photos["coffee"], models, as_query=True).tobytes()

    def test_a_pasted_picture_is_nearer_to_its_source_as_a_query(
        self, photos: dict[str, U8], pasted: dict[str, U8], references: F32, models: Models
    ) -> None:
        nearer, nearest = 0, {True: 0, False: 0}
        for row, name in enumerate(list(photos)[:11]):
            cosines = {
                way: references @ unit(compact_descriptor(pasted[name], models, as_query=way)) for way in nearest
            }
            nearer += cosines[True][row] > cosines[False][row] + 0.1
            for way, values in cosines.items():
                nearest[way] += int(values.argmax()) == row
        assert nearer >= 8
        assert nearest[True] >= nearest[False] + 4

    @pytest.mark.parametrize("edit", ["overlay_onto_background", "screenshot", "pad"])
    def test_an_inset_made_by_an_edit_is_nearer_to_its_source_as_a_query(
        self, edit: str, photos: dict[str, U8], references: F32, models: Models
    ) -> None:
        gains = []
        for row, (name, photo) in enumerate(list(photos.items())[:11]):
            others = [other for key, other in photos.items() if key != name][-4:]
            copy = apply_edits(photo, [edit], np.random.default_rng(row), others).pixels
            one, two = (unit(compact_descriptor(copy, models, as_query=way)) @ references[row] for way in (True, False))
            gains.append(float(one - two))
        assert sum(gain > 0 for gain in gains) >= 8
        assert np.mean(gains) > 0.2

    def test_same_bytes_in_threads_and_pixels_are_not_changed(self, pasted: dict[str, U8], models: Models) -> None:
        pixels = pasted["chelsea"].copy()
        alone = compact_descriptor(pixels, models, as_query=True).tobytes()
        with ThreadPoolExecutor(4) as pool:
            many = pool.map(lambda _: compact_descriptor(pixels, models, as_query=True).tobytes(), range(8))
            assert set(many) == {alone}
        np.testing.assert_array_equal(pixels, pasted["chelsea"])

    @pytest.mark.parametrize("as_query", [True, False])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 900, 3), (700, 2), (5, 5, 4)], ids=str)
    def test_tiny_and_flat_pictures_have_one(self, shape: tuple[int, ...], *, as_query: bool, models: Models) -> None:
        vector = compact_descriptor(np.full(shape, 200, np.uint8), models, as_query=as_query)
        assert np.isfinite(vector).all()
        assert 0.1 < np.linalg.norm(vector) < 1.3

    @pytest.mark.parametrize("as_query", [True, False])
    def test_what_cannot_be_read_is_named(self, *, as_query: bool, models: Models, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="nothing"):
            compact_descriptor(tmp_path / "nothing.jpg", models, as_query=as_query)

    def test_grey_and_colour_pictures_are_near(self, photos: dict[str, U8], models: Models) -> None:
        for name in NAMES:
            grey = read_grey(photos[name]).pixels
            one, two = (compact_descriptor(p, models, as_query=False) for p in (grey, photos[name]))
            assert one @ two > 0.75
