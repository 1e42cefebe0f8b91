"""What a search promises, on photographs: the same verdicts in any company, and sources of much-changed copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerprint.collection.collection import Collection
from fingerprint.config import DEFAULT_CONFIG, Config, StorageConfig, config_for
from fingerprint.edits import apply_edits
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.index import ImageRecord, Writer
from fingerprint.models import Models
from fingerprint.results import Match
from fingerprint.types import U8, Fingerprint, Query

UNMERGED = dataclasses.replace(DEFAULT_CONFIG, storage=StorageConfig(merge_factor=100))
COLOURED = ("astronaut", "chelsea", "coffee", "rocket")
Box = tuple[int, int, int, int]  # x, y, width, height


@contextmanager
def collection_of(
    folder: Path, parts: list[dict[str, Fingerprint]], models: Models, config: Config = DEFAULT_CONFIG
) -> Iterator[Collection]:
    """A collection of pictures that were described before, each part added in one go."""
    with Writer.create(folder, models, config) as store:
        for part in parts:
            add(store, part)
        yield Collection(store, models, config)


def add(store: Writer, part: dict[str, Fingerprint]) -> None:
    store.add(list(part.values()), [ImageRecord(i, None, None, None, f.width, f.height) for i, f in part.items()])


@pytest.fixture(scope="module")
def collection(
    described: dict[str, Fingerprint], models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collection]:
    """All photographs."""
    with collection_of(tmp_path_factory.mktemp("search") / "all", [described], models) as made:
        yield made


@pytest.fixture(scope="module")
def thorough(
    described: dict[str, Fingerprint], models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collection]:
    """All photographs, for queries that are looked at more closely."""
    config = config_for("thorough")
    with Writer.create(tmp_path_factory.mktemp("thorough") / "all", models, config) as store:
        add(store, described)
        yield Collection(store, models, config)


def resized(pixels: U8, width: int, height: int) -> U8:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def to_side(pixels: U8, side: int) -> U8:
    factor = side / max(pixels.shape[:2])
    return resized(pixels, *(max(1, round(length * factor)) for length in pixels.shape[1::-1]))


def edited(pixels: U8, *names: str, seed: int) -> U8:
    return apply_edits(pixels, names, np.random.default_rng(seed)).pixels


def negative(pixels: U8, *, mirrored: bool = False) -> U8:
    return np.ascontiguousarray(255 - (pixels[:, ::-1] if mirrored else pixels))


def box_corners(box: Box) -> np.ndarray:
    x, y, width, height = box
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]) - 0.5


def overlap(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Intersection over union of two polygons, counted in quarters of a pixel of a picture of `shape`."""
    masks = []
    for polygon in (one, other):
        mask = np.zeros((2 * shape[0] + 400, 2 * shape[1] + 400), np.uint8)
        cv2.fillPoly(mask, [np.rint(np.asarray(polygon) * 2 + 200).astype(np.int32)], 1)
        masks.append(mask.astype(bool))
    return float((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())


@pytest.fixture(scope="module")
def queries(photos: dict[str, U8], models: Models) -> list[Query]:
    pasted = page(photos, {"chelsea": (40, 90, 240, 160), "coffee": (330, 200, 240, 160)}, (640, 480))
    pictures = [
        edited(photos["chelsea"], "crop", "jpeg", seed=1),
        edited(photos["coffee"], "rotate", seed=2),
        edited(photos["rocket"], "overlay_text", "scale", seed=3),
        negative(photos["astronaut"], mirrored=True),
        photos["gravel"][:200, :200],
        pasted,
    ]
    return [describe_query(np.ascontiguousarray(picture), models) for picture in pictures]


class TestIndependence:
    def answers(self, searched: Collection, queries: list[Query]) -> list[list[Match]]:
        return [searched.search_described(query) for query in queries]

    @pytest.mark.parametrize("n_parts", [1, 3, 100])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_order_and_number_of_additions_do_not_change_a_bit(
        self,
        seed: int,
        n_parts: int,
        collection: Collection,
        queries: list[Query],
        described: dict[str, Fingerprint],
        models: Models,
        tmp_path: Path,
    ) -> None:
        names = [str(name) for name in np.random.default_rng(seed).permutation(list(described))]
        parts = [{name: described[name] for name in part} for part in np.array_split(names, n_parts) if len(part)]
        with collection_of(tmp_path / "other", parts, models, UNMERGED) as other:
            assert other.info().segments == min(n_parts, len(names))
            assert self.answers(other, queries) == self.answers(collection, queries)
            other.compact(5)
            assert all(len(segment) <= 5 for segment in other._reader._snapshot.segments)
            assert self.answers(other, queries) == self.answers(collection, queries)

    def test_references_added_and_removed_do_not_change_a_verdict(
        self,
        collection: Collection,
        queries: list[Query],
        described: dict[str, Fingerprint],
        models: Models,
        tmp_path: Path,
    ) -> None:
        whole = [{m.reference_id: m.verification for m in found} for found in self.answers(collection, queries)]
        names = list(described)
        few, more = names[:6], names[6:]
        shared = 0

        def check(made: Collection) -> None:
            nonlocal shared
            for before, found in zip(whole, self.answers(made, queries), strict=True):
                for match in found:
                    if match.reference_id in before:
                        shared += 1
                        assert match.verification == before[match.reference_id]

        with collection_of(tmp_path / "few", [{name: described[name] for name in few}], models) as made:
            alone = self.answers(made, queries)
            check(made)
            made._writer.add(  # in the place of describing the pictures once more
                [described[name] for name in more],
                [ImageRecord(n, None, None, None, described[n].width, described[n].height) for n in more],
            )
            assert self.answers(made, queries) == self.answers(collection, queries)
            made.remove(more[::2])
            check(made)
            made.remove(more[1::2])
            assert self.answers(made, queries) == alone
        assert shared > 30

    def test_a_search_does_not_change_the_next(self, collection: Collection, queries: list[Query]) -> None:
        there = [collection.search_described(query) for query in queries]
        back = [collection.search_described(query) for query in reversed(queries)]
        assert there == back[::-1]


class TestNegatives:
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_are_found_and_told(self, collection: Collection, photos: dict[str, U8], *, mirrored: bool) -> None:
        for name in [*COLOURED, "coins", "motorcycle_left"]:
            first = collection.search(negative(photos[name], mirrored=mirrored))[0]
            assert first.reference_id == name, name
            assert first.probability >= 0.5, name
            assert (first.verification.mirrored, first.verification.inverted) == (mirrored, True), name

    def test_so_are_parts_of_them(self, collection: Collection, photos: dict[str, U8]) -> None:
        for name in COLOURED:
            first = collection.search(negative(edited(photos[name], "crop", "jpeg", seed=11)))[0]
            assert (first.reference_id, first.verification.inverted) == (name, True), name
            assert first.probability >= 0.5, name

    @pytest.mark.parametrize("edit", ["crop", "jpeg", "hflip", "rotate"])
    def test_plain_copies_are_none(self, edit: str, collection: Collection, photos: dict[str, U8]) -> None:
        for name in COLOURED:
            first = collection.search(edited(photos[name], edit, seed=12))[0]
            assert first.reference_id == name, name
            assert first.verification.inverted is False, name
            assert first.verification.mirrored is (edit == "hflip"), name


def page(photos: dict[str, U8], boxes: dict[str, Box], size: tuple[int, int], *, lines: bool = True) -> U8:
    """A white page with lines of text and photographs in boxes."""
    width, height = size
    canvas = np.full((height, width, 3), 250, np.uint8)
    if lines:
        cv2.rectangle(canvas, (0, 0), (width, 36), (40, 80, 160), -1)
        words = "the quick brown fox jumps over a lazy dog and runs home again"
        for row, y in enumerate(range(60, height, 22)):
            cv2.putText(canvas, words[row % 9 :], (16, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
    for name, (x, y, w, h) in boxes.items():
        canvas[y : y + h, x : x + w] = resized(photos[name], w, h)
    return canvas


#: Pictures made of several photographs: size of the picture, boxes of the photographs, whether there is text.
COMPOSED: dict[str, tuple[tuple[int, int], dict[str, Box], bool]] = {
    "two side by side": ((640, 300), {"chelsea": (0, 0, 320, 300), "coffee": (320, 0, 320, 300)}, False),
    "three in a column": (
        (330, 660),
        {"rocket": (0, 0, 330, 220), "coffee": (0, 220, 330, 220), "chelsea": (0, 440, 330, 220)},
        False,
    ),
    "four in a square": (
        (640, 480),
        {
            "astronaut": (0, 0, 320, 240),
            "chelsea": (320, 0, 320, 240),
            "coffee": (0, 240, 320, 240),
            "rocket": (320, 240, 320, 240),
        },
        False,
    ),
    "a page": ((640, 800), {"chelsea": (40, 120, 360, 240), "coffee": (220, 460, 360, 240)}, True),
    "a telephone's screen": ((360, 720), {"astronaut": (20, 90, 320, 250), "rocket": (20, 420, 320, 214)}, True),
}


class TestSeveralSources:
    @pytest.mark.parametrize("kind", COMPOSED)
    def test_each_is_found_at_its_place(self, kind: str, collection: Collection, photos: dict[str, U8]) -> None:
        size, boxes, lines = COMPOSED[kind]
        picture = page(photos, boxes, size, lines=lines)
        found = {match.reference_id: match.verification for match in collection.search(picture)}
        for name, box in boxes.items():
            assert found[name].probability >= 0.5, name
            assert found[name].query_region is not None
            assert overlap(np.array(found[name].query_region), box_corners(box), picture.shape) >= 0.5, name
            assert found[name].reference_region is not None
            height, width = photos[name].shape[:2]
            seen = np.array(found[name].reference_region)
            assert overlap(seen, box_corners((0, 0, width, height)), (height, width)) >= 0.5, name
        assert {name for name, told in found.items() if told.probability >= 0.5} == set(boxes)


class TestTinyQueries:
    @pytest.mark.parametrize("side", [64, 80, 100])
    def test_the_source_comes_first(self, side: int, collection: Collection, photos: dict[str, U8]) -> None:
        for name in COLOURED:
            assert collection.search(to_side(photos[name], side))[0].reference_id == name, name

    def test_so_it_does_for_most_photographs(self, collection: Collection, photos: dict[str, U8]) -> None:
        firsts = {name: collection.search(to_side(pixels, 100))[0].reference_id for name, pixels in photos.items()}
        assert sum(name == first for name, first in firsts.items()) >= 0.9 * len(firsts), firsts

    def test_no_other_is_taken_for_the_source(self, collection: Collection, photos: dict[str, U8]) -> None:
        for name in [*COLOURED, "clock_motion"]:
            found = collection.search(to_side(photos[name], 100), min_probability=0.5)
            assert {match.reference_id for match in found} <= {name}, name


def flat_pictures() -> dict[str, U8]:
    """Pictures on which there is nothing, or next to nothing, to be seen."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:180, :240].astype(np.float64)
    dot = np.full((180, 240), 120, np.uint8)
    dot[90, 120] = 123
    level = np.full((180, 240, 3), 90, np.uint8)
    _, encoded = cv2.imencode(".jpg", (level + rng.integers(0, 3, level.shape)).astype(np.uint8))
    grey = {
        **{f"grey {v}": np.full((180, 240), v, np.uint8) for v in (0, 1, 127, 254, 255)},
        "another size": np.full((300, 200), 127, np.uint8),
        "red": np.full((180, 240, 3), (200, 20, 30), np.uint8),
        "noise of one": (127 + rng.integers(0, 2, (180, 240))).astype(np.uint8),
        "noise of three": (127 + rng.integers(-1, 2, (180, 240, 3))).astype(np.uint8),
        "a faint dot": dot,
        "saved as JPEG": cv2.imdecode(encoded, cv2.IMREAD_COLOR),
        "faint gradient": (120 + x / 60).astype(np.uint8),
    }
    gradients = {
        "gradient across": x / 239 * 255,
        "gradient down": y / 179 * 255,
        "gradient aslant": (x + y) / 418 * 255,
        "gradient from the middle": np.hypot(x - 120, y - 90) / 150 * 255,
    }
    return grey | {name: np.clip(values, 0, 255).astype(np.uint8) for name, values in gradients.items()}


@pytest.fixture(scope="module")
def flats() -> dict[str, U8]:
    return flat_pictures()


@pytest.fixture(scope="module")
def with_flats(
    flats: dict[str, U8],
    described: dict[str, Fingerprint],
    models: Models,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Collection]:
    blank = {name: describe_reference(pixels, models) for name, pixels in flats.items()}
    with collection_of(tmp_path_factory.mktemp("flat") / "all", [blank, described], models) as made:
        yield made


class TestFlatPictures:
    def test_match_nothing(self, with_flats: Collection, flats: dict[str, U8]) -> None:
        for name in flat_pictures():
            found = with_flats.search(flats[name], min_probability=0.5)
            assert [
                (m.reference_id, round(m.probability, 3)) for m in found if "gradient " not in m.reference_id
            ] == [], name

    def test_match_no_gradient_either(self, with_flats: Collection, flats: dict[str, U8]) -> None:
        for name in [name for name in flat_pictures() if "gradient " not in name]:
            assert [m.reference_id for m in with_flats.search(flats[name], min_probability=0.5)] == [], name

    def test_are_not_taken_for_sources(self, with_flats: Collection, photos: dict[str, U8]) -> None:
        for name in COLOURED:
            found = with_flats.search(edited(photos[name], "crop", "jpeg", seed=13), min_probability=0.5)
            assert [match.reference_id for match in found] == [name], name


def stretched(pixels: U8, *, wide: bool) -> U8:
    """Twice as long in one direction as in the other, at about the same area."""
    height, width = pixels.shape[:2]
    return resized(pixels, round(width * (1.41 if wide else 0.71)), round(height * (0.71 if wide else 1.41)))


def poor_jpeg(pixels: U8, quality: int) -> U8:
    _, encoded = cv2.imencode(".jpg", to_side(pixels, 400), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def by_name(edit: str, pixels: U8, seed: int) -> U8:
    return edited(pixels, edit, seed=seed)


STRONG: dict[str, Callable[[U8, int], U8]] = {
    "twice as wide": lambda pixels, _seed: stretched(pixels, wide=True),
    "twice as high": lambda pixels, _seed: stretched(pixels, wide=False),
    "JPEG of quality 5": lambda pixels, _seed: poor_jpeg(pixels, 5),
    "text twice": lambda pixels, seed: edited(pixels, "overlay_text", "overlay_text", seed=seed),
    **{
        edit: partial(by_name, edit)
        for edit in ("perspective", "halftone", "posterize", "jpeg", "overlay_text", "meme", "overlay_stripes")
    },
}


class TestStrongEdits:
    @pytest.mark.parametrize("edit", STRONG)
    def test_the_source_comes_first(self, edit: str, collection: Collection, photos: dict[str, U8]) -> None:
        for name in COLOURED:
            for seed in (21, 22):
                first = collection.search(STRONG[edit](photos[name], seed))[0]
                assert (first.reference_id, first.probability >= 0.5) == (name, True), (name, seed, first.probability)

    @pytest.mark.parametrize("edit", ["twice as wide", "twice as high"])
    def test_stretched_textures_and_pages_come_first(
        self, edit: str, collection: Collection, photos: dict[str, U8]
    ) -> None:
        """Stretching is the hardest on keypoints: of a texture few are left, and the probability may be low."""
        for name in ["brick", "camera", "coins", "gravel", "motorcycle_left", "page"]:
            assert collection.search(STRONG[edit](photos[name], 0))[0].reference_id == name, name

    @pytest.mark.parametrize(
        ("name", "edit"),
        [
            *((name, edit) for name in ("camera", "motorcycle_left") for edit in ("twice as wide", "twice as high")),
            *((name, edit) for name in ("coins", "gravel") for edit in ("twice as wide", "twice as high")),
        ],
    )
    def test_stretched_photographs_are_found_with_certainty(
        self, name: str, edit: str, collection: Collection, photos: dict[str, U8]
    ) -> None:
        first = collection.search(STRONG[edit](photos[name], 0))[0]
        assert (first.reference_id, first.probability >= 0.5) == (name, True), first.probability

    @pytest.mark.parametrize("edit", ["twice as wide", "twice as high"])
    def test_a_thorough_look_is_sure_of_them(self, edit: str, thorough: Collection, photos: dict[str, U8]) -> None:
        for name in ["camera", "coins", "gravel", "motorcycle_left"]:
            first = thorough.search(STRONG[edit](photos[name], 0))[0]
            assert (first.reference_id, first.probability >= 0.5) == (name, True), (name, first.probability)


def test_threads_that_vote_change_nothing(
    tmp_path: Path,
    models: Models,
    described: dict[str, Fingerprint],
    queries: list[Query],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For one query in a large collection, several threads vote, each on its segments."""
    names = sorted(described)
    with collection_of(tmp_path / "some", [{name: described[name]} for name in names], models) as made:
        reader = made._reader.pinned()
        assert made.info().segments > 1
        alone = [reader.select_candidates(query) for query in queries]
        monkeypatch.setattr("fingerprint.index.part._THREADS_FROM", 1)
        for (expected, work), query in zip(alone, queries, strict=True):
            found, again = reader.select_candidates(query, n_threads=3)
            assert [(c.reference_id, c.variants, c.always_verified) for c in found] == [
                (c.reference_id, c.variants, c.always_verified) for c in expected
            ]
            assert again.counters == work.counters
