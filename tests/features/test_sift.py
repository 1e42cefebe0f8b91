"""Our SIFT against OpenCV's, in mirrors, on edited copies, and on pictures with nothing in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from fingerprint.errors import ConfigError
from fingerprint.features.local_features import select_by_octave
from fingerprint.features.sift import describe, detect, orient
from fingerprint.images.decode import read_grey
from fingerprint.models.reflections import INVERT_PERMUTATION, MIRROR_PERMUTATION
from fingerprint.types import ROOTSIFT_SCALE, U8

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "camera", "coins")
CONTRAST, EDGE = 0.01, 12.0


class Found(NamedTuple):
    points: np.ndarray
    sizes: np.ndarray
    angles: np.ndarray
    descriptors: np.ndarray
    octave: np.ndarray
    response: np.ndarray


def ours(grey: U8, first_octave: int, n: int = 10**6, contrast: float = CONTRAST) -> Found:
    extrema = detect(grey, first_octave, contrast, EDGE)
    oriented = orient(extrema, select_by_octave(extrema.response, extrema.octave, n, 0.5))
    chosen = select_by_octave(oriented.response, oriented.octave, n, 0.5)
    return Found(*describe(extrema, oriented, chosen), oriented.octave[chosen], oriented.response[chosen])


def opencvs(grey: U8) -> Found:
    sift = cv2.SIFT.create(0, 3, CONTRAST, EDGE, 1.6, enable_precise_upscale=True)
    keypoints = sift.detect(grey, None)
    response = np.array([k.response for k in keypoints], np.float32)
    octave = np.array([(k.octave & 255) for k in keypoints], np.int64)
    octave = np.where(octave >= 128, octave - 256, octave)
    kept, raw = sift.compute(grey, keypoints)
    points, sizes, angles = (np.array([getattr(k, f) for k in kept], np.float32) for f in ("pt", "size", "angle"))
    return Found(points, sizes, angles, root_sift(raw), octave, response)


def root_sift(sift: np.ndarray) -> np.ndarray:
    """Return SIFT as RootSIFT in 8 bits: L1-normalised, square root, in steps that make the length 512."""
    share = sift / np.maximum(sift.sum(axis=1, keepdims=True, dtype=np.float64), 1e-6)
    return np.minimum(np.rint(np.sqrt(share) * ROOTSIFT_SCALE), 255).astype(np.uint8)


def angle_between(a: np.ndarray, b: np.ndarray | float) -> np.ndarray:
    return np.abs((a - b + 180) % 360 - 180)


def refind(a: Found, b: Found) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of `a` that `b` has within 1 pixel, 1.1 times the size and 10 degrees, and those of `b`."""
    apart = np.linalg.norm(a.points[:, None] - b.points[None], axis=2)
    growth = np.abs(np.log(a.sizes[:, None] / b.sizes[None]))
    turn = angle_between(a.angles[:, None], b.angles[None])
    cost = np.where((apart < 1) & (growth < np.log(1.1)) & (turn < 10), apart + growth + turn / 10, np.inf)
    rows = np.flatnonzero(np.isfinite(cost.min(axis=1)))
    return rows, cost[rows].argmin(axis=1)


def cosines(a: U8, b: U8) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def part(found: Found, rows: np.ndarray) -> Found:
    return Found(*(field[rows] for field in found))


def shrunk(grey: U8, longer: int) -> U8:
    factor = longer / max(grey.shape)
    size = (round(grey.shape[1] * factor), round(grey.shape[0] * factor))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.fixture(scope="module")
def greys(photos: dict[str, U8]) -> dict[str, U8]:
    return {name: read_grey(photos[name]).pixels for name in NAMES if name in photos}


def grey_of(greys: dict[str, U8], name: str) -> U8:
    if name not in greys:
        pytest.skip(f"{name} is not in this version of scikit-image")
    return greys[name]


class TestAgainstOpenCV:
    @pytest.mark.parametrize("name", NAMES)
    def test_doubled(self, name: str, greys: dict[str, U8]) -> None:
        grey = shrunk(grey_of(greys, name), 300)
        theirs, found = opencvs(grey), ours(grey, -1)
        rows, partners = refind(theirs, found)
        assert len(rows) >= 0.9 * len(theirs.points)
        assert len(refind(found, theirs)[0]) >= 0.88 * len(found.points)
        likeness = cosines(theirs.descriptors[rows], found.descriptors[partners])
        assert np.median(likeness) >= 0.99
        assert np.quantile(likeness, 0.1) >= 0.98
        np.testing.assert_allclose(np.median(found.points[partners] - theirs.points[rows], axis=0), 0, atol=0.02)
        np.testing.assert_allclose(np.median(found.sizes[partners] / theirs.sizes[rows]), 1, atol=0.005)
        assert np.median(angle_between(found.angles[partners], theirs.angles[rows])) < 0.3
        assert (found.octave[partners] == theirs.octave[rows]).mean() > 0.98
        np.testing.assert_allclose(np.median(found.response[partners] / theirs.response[rows]), 1, atol=0.02)

    @pytest.mark.parametrize("name", NAMES)
    def test_not_doubled_gives_all_but_the_finest_octave(self, name: str, greys: dict[str, U8]) -> None:
        grey = shrunk(grey_of(greys, name), 400)
        theirs, found = opencvs(grey), ours(grey, 0)
        theirs = part(theirs, theirs.octave >= 0)
        rows, partners = refind(theirs, found)
        # Where a width or height is even, an octave's pixels lie between OpenCV's.
        assert len(rows) >= 0.8 * len(theirs.points)
        finest = theirs.octave == 0
        assert np.isin(np.flatnonzero(finest), rows).mean() >= 0.95
        assert np.median(cosines(theirs.descriptors[rows], found.descriptors[partners])) >= 0.98
        np.testing.assert_allclose(np.median(found.points[partners] - theirs.points[rows], axis=0), 0, atol=0.02)
        np.testing.assert_allclose(np.median(found.sizes[partners] / theirs.sizes[rows]), 1, atol=0.005)

    @pytest.mark.parametrize("name", NAMES)
    def test_where_the_octaves_pixels_are_opencvs(self, name: str, greys: dict[str, U8]) -> None:
        """Sides of 16 k + 1 stay odd for four octaves, in which both then take the same pixels."""
        grey = np.asarray(cv2.resize(grey_of(greys, name), (401, 305), interpolation=cv2.INTER_AREA), np.uint8)
        theirs, found = opencvs(grey), ours(grey, 0)
        theirs = part(theirs, theirs.octave >= 0)
        assert len(refind(theirs, found)[0]) >= 0.95 * len(theirs.points)


class TestMirrorAndNegative:
    @pytest.mark.parametrize("width", [299, 300])
    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_mirror(self, first_octave: int, width: int, greys: dict[str, U8]) -> None:
        for name in ["chelsea", "rocket", "coffee"]:
            grey = shrunk(greys[name], 300)[:, :width]
            before, after = ours(grey, first_octave), ours(grey[:, ::-1], first_octave)
            mirrored = before._replace(
                points=before.points * [-1, 1] + [width - 1, 0],
                angles=(180 - before.angles) % 360,
                descriptors=before.descriptors[:, MIRROR_PERMUTATION],
            )
            rows, partners = refind(mirrored, after)
            assert len(rows) >= 0.99 * len(before.points), name
            likeness = cosines(mirrored.descriptors[rows], after.descriptors[partners])
            assert np.median(likeness) >= 0.999, name
            np.testing.assert_allclose(mirrored.points[rows], after.points[partners], atol=0.01, err_msg=str(name))

    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_negative(self, first_octave: int, greys: dict[str, U8]) -> None:
        grey = shrunk(greys["astronaut"], 256)
        before, after = ours(grey, first_octave), ours(255 - grey, first_octave)
        inverted = before._replace(
            angles=(before.angles + 180) % 360, descriptors=before.descriptors[:, INVERT_PERMUTATION]
        )
        rows, partners = refind(inverted, after)
        assert len(rows) >= 0.97 * len(before.points)
        assert np.median(cosines(inverted.descriptors[rows], after.descriptors[partners])) >= 0.99


class TestEditedCopies:
    def matches(self, pair: list[Found], transform: np.ndarray) -> int:
        """Count nearest neighbours that lie where the transform puts them, within 3 pixels."""
        a, b = pair
        products = a.descriptors.astype(np.float32) @ b.descriptors.astype(np.float32).T
        there = a.points @ transform[:, :2].T + transform[:, 2]
        return int((np.linalg.norm(there - b.points[products.argmax(axis=1)], axis=1) < 3).sum())

    @pytest.mark.parametrize("edit", ["smaller", "turned", "jpeg", "blurred"])
    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_as_many_matches_as_opencv(self, first_octave: int, edit: str, greys: dict[str, U8]) -> None:
        n, counts = 200, np.zeros(2)
        for name in ("astronaut", "chelsea", "coffee", "rocket"):
            grey = shrunk(greys[name], 300)
            height, width = grey.shape
            transform: np.ndarray = np.eye(2, 3)
            if edit == "smaller":
                # Pixel centres: (x + 0.5) * 0.7 - 0.5.
                size = (round(width * 0.7), round(height * 0.7))
                copy: object = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
                factors = np.array([size[0] / width, size[1] / height])
                transform = np.column_stack([np.diag(factors), (factors - 1) / 2])
            elif edit == "turned":
                transform = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1)
                copy = cv2.warpAffine(grey, transform, (width, height))
            elif edit == "jpeg":
                copy = cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 0)
            else:
                copy = cv2.GaussianBlur(grey, (0, 0), 1.5)
            mine, theirs = [], []
            for pixels in (grey, np.asarray(copy, np.uint8)):
                mine.append(ours(pixels, first_octave, n))
                # As many for OpenCV, and of the same octaves.
                every = opencvs(pixels)
                every = part(every, np.flatnonzero(every.octave >= first_octave))
                m = len(mine[-1].points)
                theirs.append(part(every, select_by_octave(every.response, every.octave, m, 0.5)))
            counts += [self.matches(pair, transform) for pair in (mine, theirs)]
        assert counts[0] >= 0.95 * counts[1]


class TestEdges:
    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_flat_pictures_give_none(self, first_octave: int) -> None:
        for size in [(1, 1), (1, 7), (300, 1), (16, 16), (120, 90)]:
            for value in [0, 1, 128, 255]:
                found = ours(np.full(size, value, np.uint8), first_octave, contrast=0.0)
                assert [f.shape for f in found] == [(0, 2), (0,), (0,), (0, 128), (0,), (0,)], (size, value)
                assert [f.dtype for f in found] == [np.float32] * 3 + [np.uint8, np.int64, np.float32], (size, value)

    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_any_size_is_described(self, first_octave: int) -> None:
        for width in [1, 3, 6, 11, 16, 31]:
            for height in [1, 2, 5, 6, 10, 11, 12, 17, 40]:
                noise = np.random.default_rng(width * 100 + height).integers(0, 256, (height, width)).astype(np.uint8)
                found = ours(noise, first_octave, contrast=0.0)
                assert all(np.isfinite(f).all() for f in found), (width, height)
                assert ((found.points >= -0.5) & (found.points <= [width - 0.5, height - 0.5])).all(), (width, height)
                assert (found.descriptors.max(axis=1, initial=0) > 0).all(), (width, height)

    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_hard_edges_and_checkers(self, first_octave: int) -> None:
        y, x = np.mgrid[:90, :131]
        for pixels in ((x // 8 + y // 8) % 2 * 255, (x > 60) * 255, ((x == 60) & (y == 40)) * 255):
            found = ours(pixels.astype(np.uint8), first_octave, contrast=0.0)
            assert all(np.isfinite(f).all() for f in found)

    def test_values_are_in_their_ranges(self, greys: dict[str, U8]) -> None:
        found = ours(greys["coffee"], 0, 300)
        assert len(found.points) == 300
        assert ((found.angles >= 0) & (found.angles < 360)).all()
        assert (found.sizes > 2 * 1.6).all()
        norms = np.linalg.norm(found.descriptors.astype(np.float64), axis=1)
        np.testing.assert_allclose(norms, ROOTSIFT_SCALE, rtol=0.02)

    def test_a_blob_is_found_where_and_as_large_as_it_is(self) -> None:
        """The difference of Gaussians of a Gaussian of sigma s is extreme near sigma s; no shift, no scale."""
        for first_octave in (-1, 0):
            for sigma, x0, y0 in ((4.0, 50.3, 41.7), (7.0, 60.0, 50.0), (10.0, 61.5, 48.25)):
                y, x = np.mgrid[:100, :121]
                blob = 220 * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma**2))
                extrema = detect(np.rint(blob).astype(np.uint8), first_octave, CONTRAST, EDGE)
                best = extrema.response.argmax()
                np.testing.assert_allclose(extrema.points[best], [x0, y0], atol=0.1)
                assert extrema.sizes[best] / 2 == pytest.approx(sigma, rel=0.15)

    def test_angle_is_the_gradients_as_y_points_down(self) -> None:
        y, x = np.mgrid[:201, :201].astype(np.float64) - 100
        blob = 200 * np.exp(-(x**2 + y**2) / (2 * 12**2)) * (1 + np.tanh((x + y) / 10)) / 2
        found = ours(blob.astype(np.uint8), 0)
        strongest = np.argmin(np.linalg.norm(found.points - 100, axis=1))
        assert angle_between(found.angles[strongest], 45) < 10

    @pytest.mark.parametrize("first_octave", [-1, 0])
    def test_the_same_from_any_memory_order_and_many_threads(self, first_octave: int, greys: dict[str, U8]) -> None:
        grey = shrunk(greys["chelsea"], 200)
        wide = np.zeros((2 * grey.shape[0], 3 * grey.shape[1]), np.uint8)
        wide[::2, ::3] = grey
        kept = grey.copy()
        expected = ours(grey, first_octave)
        inputs = [grey, wide[::2, ::3], np.asfortranarray(grey)] * 3
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda g: ours(g, first_octave), inputs):
                for a, b in zip(found, expected, strict=True):
                    np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(grey, kept)

    def test_thresholds(self, greys: dict[str, U8]) -> None:
        grey = shrunk(greys["astronaut"], 256)
        many, few, round_ones = detect(grey, 0, 0.01, 12.0), detect(grey, 0, 0.04, 12.0), detect(grey, 0, 0.01, 3.0)
        assert len(many) > len(few) > 0
        assert len(many) > len(round_ones) > 0
        assert few.response.min() >= 0.04 / 3 - 1e-6
        assert set(map(tuple, few.points.tolist())) <= set(map(tuple, many.points.tolist()))

    def test_only_what_is_chosen_is_oriented_and_described(self, greys: dict[str, U8]) -> None:
        extrema = detect(shrunk(greys["rocket"], 256), -1, CONTRAST, EDGE)
        chosen = np.arange(len(extrema))[::-3].astype(np.int64)
        oriented = orient(extrema, chosen)
        assert set(oriented.extremum) <= set(chosen)
        assert (np.diff(oriented.extremum) <= 0).all()
        all_of_them = describe(extrema, oriented, np.arange(len(oriented)))
        some = describe(extrema, oriented, np.array([5, 2]))
        for field in range(4):
            np.testing.assert_array_equal(all_of_them[field][[5, 2]], some[field])

    @pytest.mark.parametrize(
        ("pixels", "first_octave", "said"),
        [
            (np.zeros((4, 4, 3), np.uint8), 0, "grey uint8"),
            (np.zeros((4, 4), np.float32), 0, "grey uint8"),
            (np.zeros((0, 4), np.uint8), 0, "grey uint8"),
            (np.zeros((4, 4), np.uint8), 1, "first_octave"),
        ],
    )
    def test_refuses_what_it_cannot_read(self, pixels: np.ndarray, first_octave: int, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            detect(pixels, first_octave, CONTRAST, EDGE)
