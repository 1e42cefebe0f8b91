"""Whole-image cues: GIST and colours against plain NumPy, the same in the mirror and at any size, near under edits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.features.global_cues import (
    CUE_SIDE,
    compute_colours,
    compute_gist,
    make_cue_thumbnail,
    unit,
)
from fingerprint.images.decode import read_planes
from fingerprint.kernels.cues import count_colours, pool_magnitudes
from fingerprint.types import COLOUR_DIMENSION, F32, GIST_DIMENSION, U8

NAMES = ("astronaut", "chelsea", "coffee", "rocket")
CUES = pytest.mark.parametrize("compute", [compute_gist, compute_colours])
Compute = Callable[[U8], F32]


def thumbnail_of(rgb: U8) -> U8:
    return make_cue_thumbnail(read_planes(rgb).pixels)


def resized(rgb: U8, width: int, height: int) -> U8:
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def thumbnails(photos: dict[str, U8]) -> dict[str, U8]:
    return {name: thumbnail_of(pixels) for name, pixels in photos.items()}


def gist_by_numpy(thumbnail: U8) -> np.ndarray:
    """The same in double precision: filters by their formula, complex transforms, cells by a matrix product."""
    middle = thumbnail[16:-16, 16:-16, 0]
    # halving 96 pixels to 64: each new pixel is 1.5 old ones wide
    spread = np.zeros((64, 96))
    for i in range(64):
        for k in range(96):
            spread[i, k] = max(0.0, min((i + 1) * 1.5, k + 1) - max(i * 1.5, k)) / 1.5
    grey = np.log1p(np.rint(spread @ middle.astype(float) @ spread.T))

    def smooth(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), 6.0)

    detail = grey - smooth(grey)
    even = detail / (0.1 + np.sqrt(np.maximum(smooth(detail**2), 0)))
    y, x = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64), indexing="ij")
    centres = (np.arange(4) + 0.5) * 16 - 0.5
    cells = np.zeros((4, 64))
    for place in range(64):
        at = min(max(place, centres[0]), centres[3])
        cells[:, place] = np.maximum(0, 1 - np.abs(at - centres) / 16)
    spectrum = np.fft.fft2(even)
    energies = []
    for centre, n in ((0.3, 8), (0.15, 8), (0.075, 8), (0.0375, 6)):
        for k in range(n):
            radial = np.log(np.maximum(np.hypot(x, y), 1e-6) / centre) / 0.55
            off = np.arctan2(y, x) - np.pi * k / n
            turned = np.arctan(np.tan(off)) / (np.pi / n * 0.7)  # lines have no direction
            response = np.fft.ifft2(spectrum * np.exp(-(radial**2 + turned**2) / 2)).real
            energies.append(cells @ np.abs(response) @ cells.T)
    stacked = np.stack(energies, axis=-1)
    mirrored, first = [], 0
    for n in (8, 8, 8, 6):
        mirrored += [first + (n - k) % n for k in range(n)]
        first += n

    def rooted(values: np.ndarray) -> np.ndarray:
        roots = np.sqrt(values.ravel())
        return roots / np.linalg.norm(roots)

    total = rooted(stacked) + rooted(stacked[:, ::-1][:, :, mirrored])
    return total / np.linalg.norm(total)


def colours_by_numpy(thumbnail: U8) -> np.ndarray:
    """Histograms of each cell by `numpy.histogramdd`, from OpenCV's conversion of the stored planes."""
    rgb = cv2.cvtColor(np.ascontiguousarray(thumbnail[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB)
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(float)
    lab[..., 1:] = np.clip(lab[..., 1:], 64, 191)

    def histograms(n_cells: int, chroma: int) -> np.ndarray:
        side, edges = 128 // n_cells, np.linspace(64, 192, chroma + 1)
        found = []
        for a in range(n_cells):
            for b in range(n_cells):
                pixels = lab[a * side : (a + 1) * side, b * side : (b + 1) * side].reshape(-1, 3)
                found.append(np.histogramdd(pixels, [np.linspace(0, 256, 5), edges, edges])[0] / len(pixels))
        return np.sqrt(np.array(found)).reshape(n_cells, n_cells, -1)

    parts = [share + share[:, ::-1] for share in (histograms(1, 8), histograms(2, 8), histograms(4, 4))]
    roots = np.sqrt(np.concatenate([part.ravel() for part in parts]))
    return roots / np.linalg.norm(roots)


class TestThumbnail:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3, 5), (128, 128), (300, 451)])
    def test_is_a_square_of_the_same_planes(self, shape: tuple[int, int]) -> None:
        planes = np.full((*shape, 3), (200, 90, 140), np.uint8)
        thumbnail = make_cue_thumbnail(planes)
        assert thumbnail.shape == (CUE_SIDE, CUE_SIDE, 3)
        assert thumbnail.dtype == np.uint8
        assert (thumbnail == (200, 90, 140)).all()

    def test_of_a_view_is_that_of_a_copy(self, photos: dict[str, U8]) -> None:
        planes = read_planes(photos["coffee"]).pixels
        view = planes[20:300:1, 40:200]
        before = planes.copy()
        np.testing.assert_array_equal(make_cue_thumbnail(view), make_cue_thumbnail(view.copy()))
        np.testing.assert_array_equal(planes, before)

    def test_pixels_are_means(self) -> None:
        planes = np.random.default_rng(0).integers(0, 256, (512, 256, 3)).astype(np.uint8)
        means = planes.reshape(128, 4, 128, 2, 3).mean(axis=(1, 3))
        assert np.abs(make_cue_thumbnail(planes) - means).max() <= 0.501


class TestBoth:
    @CUES
    def test_are_unit_vectors(self, compute: Compute, thumbnails: dict[str, U8]) -> None:
        wanted = GIST_DIMENSION if compute is compute_gist else COLOUR_DIMENSION
        for thumbnail in thumbnails.values():
            vector = compute(thumbnail)
            assert (vector.dtype, vector.shape) == (np.float32, (wanted,))
            assert np.linalg.norm(vector.astype(float)) == pytest.approx(1, abs=1e-6)
            assert (vector >= 0).all()

    def test_are_as_many_numbers_as_the_models_are_checked_for(self) -> None:
        assert (GIST_DIMENSION, COLOUR_DIMENSION) == (480, 2304)

    def test_colours_are_the_same_in_the_mirror(self, thumbnails: dict[str, U8]) -> None:
        for thumbnail in thumbnails.values():
            mirrored = compute_colours(np.ascontiguousarray(thumbnail[:, ::-1]))
            np.testing.assert_allclose(compute_colours(thumbnail), mirrored, atol=1e-6)

    def test_gist_is_nearly_the_same_in_the_mirror(self, thumbnails: dict[str, U8]) -> None:
        for thumbnail in thumbnails.values():
            mirrored = compute_gist(np.ascontiguousarray(thumbnail[:, ::-1]))
            np.testing.assert_allclose(compute_gist(thumbnail), mirrored, atol=1e-3)

    def test_gist_is_the_same_in_the_mirror(self, thumbnails: dict[str, U8]) -> None:
        for thumbnail in thumbnails.values():
            mirrored = compute_gist(np.ascontiguousarray(thumbnail[:, ::-1]))
            np.testing.assert_allclose(compute_gist(thumbnail), mirrored, atol=1e-6)

    @CUES
    @pytest.mark.parametrize("name", NAMES)
    def test_hardly_depend_on_size_and_shape(self, compute: Compute, name: str, photos: dict[str, U8]) -> None:
        whole = compute(thumbnail_of(photos[name]))
        for width, height in ((700, 700), (256, 200), (150, 300)):
            assert compute(thumbnail_of(resized(photos[name], width, height))) @ whole > 0.97

    @CUES
    def test_upside_down_is_another_picture(self, compute: Compute, thumbnails: dict[str, U8]) -> None:
        for name in NAMES:
            turned = np.ascontiguousarray(thumbnails[name][::-1])
            assert compute(turned) @ compute(thumbnails[name]) < 0.99

    @CUES
    @pytest.mark.parametrize("colour", [(0, 128, 128), (255, 128, 128), (90, 60, 200)], ids=["black", "white", "red"])
    def test_of_an_even_picture_are_finite(self, compute: Compute, colour: tuple[int, int, int]) -> None:
        vector = compute(np.full((128, 128, 3), colour, np.uint8))
        assert np.isfinite(vector).all()
        if compute is compute_gist:
            assert not vector.any()
        else:
            assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
            assert np.count_nonzero(vector) == 1 + 4 + 16  # one colour in each cell of each size

    @CUES
    def test_same_bytes_in_threads_and_inputs_unchanged(self, compute: Compute, thumbnails: dict[str, U8]) -> None:
        thumbnail = thumbnails["coffee"].copy()
        alone = compute(thumbnail).tobytes()
        with ThreadPoolExecutor(4) as pool:
            assert {vector.tobytes() for vector in pool.map(compute, [thumbnail] * 12)} == {alone}
        np.testing.assert_array_equal(thumbnail, thumbnails["coffee"])
        thumbnail.setflags(write=False)
        assert compute(thumbnail).tobytes() == alone

    @CUES
    @pytest.mark.parametrize("edit", ["blurred", "tiny"])
    def test_what_keypoints_do_not_survive_is_nearest_to_its_source(
        self, compute: Compute, edit: str, photos: dict[str, U8], thumbnails: dict[str, U8]
    ) -> None:
        matrix = np.stack([compute(thumbnail) for thumbnail in thumbnails.values()])
        found = []
        for row, pixels in enumerate(photos.values()):
            blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 4), np.uint8)
            copy = blurred if edit == "blurred" else resized(pixels, 40, 30)
            found.append(int((matrix @ compute(thumbnail_of(copy))).argmax()) == row)
        assert sum(found) >= len(found) - 3  # 15 of 17: textures are much alike


class TestGist:
    @pytest.mark.parametrize("name", [*NAMES, "page", "coins"])
    def test_against_plain_transforms_in_double_precision(self, name: str, thumbnails: dict[str, U8]) -> None:
        expected = gist_by_numpy(thumbnails[name])
        found = compute_gist(thumbnails[name])
        assert found @ expected > 0.99999
        np.testing.assert_allclose(found, expected, atol=1.5e-3)

    def test_what_is_at_the_borders_does_not_count(self, thumbnails: dict[str, U8]) -> None:
        framed = thumbnails["chelsea"].copy()
        framed[:16] = framed[-16:] = framed[:, :16] = framed[:, -16:] = (255, 10, 200)
        assert compute_gist(framed).tobytes() == compute_gist(thumbnails["chelsea"]).tobytes()

    def test_colours_do_not_count(self, thumbnails: dict[str, U8]) -> None:
        grey = thumbnails["rocket"].copy()
        grey[..., 1:] = 128
        assert compute_gist(grey).tobytes() == compute_gist(thumbnails["rocket"]).tobytes()

    @pytest.mark.parametrize(("gain", "offset"), [(0.5, 0), (0.6, 70), (1.0, -20)])
    def test_light_and_contrast_hardly_count(self, gain: float, offset: float, thumbnails: dict[str, U8]) -> None:
        for name in NAMES:
            changed = np.clip(thumbnails[name] * gain + offset, 0, 255).astype(np.uint8)
            assert compute_gist(changed) @ compute_gist(thumbnails[name]) > 0.95

    @pytest.mark.parametrize(("scale", "frequency"), [(0, 0.3), (1, 0.15), (2, 0.075), (3, 0.0375)])
    def test_stripes_answer_at_their_frequency(self, scale: int, frequency: float) -> None:
        """Across the middle's 96 pixels, frequencies are 2/3 of those at 64 pixels."""
        rows = np.arange(128)[:, None] * np.ones(128)
        grey = np.rint(128 + 60 * np.sin(2 * np.pi * frequency * 64 / 96 * rows)).astype(np.uint8)
        energies = compute_gist(np.dstack([grey, grey * 0 + 128, grey * 0 + 128])).reshape(16, 30).sum(axis=0)
        ends = np.cumsum([0, 8, 8, 8, 6])
        middle = (8 if scale < 3 else 6) // 2  # up and down is half of the half turn
        assert energies.argmax() == ends[scale] + middle

    def test_a_detail_answers_in_its_cell_and_in_the_mirrored_one(self) -> None:
        planes = np.full((128, 128, 3), 128, np.uint8)
        planes[20:36, 20:36, 0] = np.random.default_rng(0).integers(0, 255, (16, 16))
        cells = (compute_gist(planes).reshape(4, 4, 30) ** 2).sum(axis=2)
        assert cells[0, 0] == pytest.approx(cells[0, 3], rel=0.01)
        assert cells[0, 0] + cells[0, 3] > 0.5


class TestColours:
    @pytest.mark.parametrize("name", [*NAMES, "retina", "page"])
    def test_against_histograms(self, name: str, thumbnails: dict[str, U8]) -> None:
        np.testing.assert_allclose(compute_colours(thumbnails[name]), colours_by_numpy(thumbnails[name]), atol=1e-5)

    def test_where_colours_are_within_a_cell_does_not_count(self, thumbnails: dict[str, U8]) -> None:
        rng, before = np.random.default_rng(0), thumbnails["coffee"]
        shuffled = before.copy()
        for y in range(0, 128, 32):
            for x in range(0, 128, 32):
                cell = before[y : y + 32, x : x + 32].reshape(-1, 3)
                shuffled[y : y + 32, x : x + 32] = cell[rng.permutation(len(cell))].reshape(32, 32, 3)
        assert compute_colours(shuffled).tobytes() == compute_colours(before).tobytes()

    def test_grey_and_coloured_pictures_differ(self, thumbnails: dict[str, U8]) -> None:
        grey = thumbnails["astronaut"].copy()
        grey[..., 1:] = 128
        assert compute_colours(grey) @ compute_colours(thumbnails["astronaut"]) < 0.9


class TestKernels:
    def test_pooling_against_einsum(self) -> None:
        rng = np.random.default_rng(0)
        responses = rng.standard_normal((7, 20, 20), dtype=np.float32)
        weights = np.maximum(0, rng.standard_normal((3, 20), dtype=np.float32))
        out = np.full((3, 3, 7), np.nan, np.float32)
        pool_magnitudes(responses, weights, out)
        expected = np.einsum("ay,bx,fyx->abf", weights, weights, np.abs(responses), dtype=np.float64)
        np.testing.assert_allclose(out, expected, rtol=1e-4)

    @pytest.mark.parametrize("n", [4, 32, 128])
    def test_counting_against_add_at(self, n: int) -> None:
        lab = np.random.default_rng(n).integers(0, 256, (n, n, 3)).astype(np.uint8)
        expected = np.zeros((4, 4, 4, 8, 8), np.int64)
        y, x = np.mgrid[:n, :n] * 4 // n
        a, b = (np.clip((lab[..., i].astype(int) - 64) // 16, 0, 7) for i in (1, 2))
        np.add.at(expected, (y, x, lab[..., 0] // 64, a, b), 1)
        out = np.zeros_like(expected)
        count_colours(lab, out)
        np.testing.assert_array_equal(out, expected)
        count_colours(lab, out)
        np.testing.assert_array_equal(out, 2 * expected)


class TestUnit:
    @given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30))
    def test_has_length_one_and_the_same_direction(self, values: list[float]) -> None:
        vector = np.array(values, np.float32)
        if 0 < np.linalg.norm(vector.astype(float)) < 1e-15:  # squares that float32 does not hold
            return
        found = unit(vector)
        assert found.dtype == np.float32
        norm = float(np.linalg.norm(vector.astype(float)))
        expected = vector if norm == 0 else vector / norm
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_zeros_stay(self) -> None:
        assert unit(np.zeros(5, np.float32)).tolist() == [0.0] * 5
        assert unit(np.zeros(0, np.float32)).shape == (0,)
