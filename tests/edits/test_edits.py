"""Edited copies: what each edit does, that the map is true, and that nothing depends on more than the seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from fingerprint.edits import (
    COUNT_WEIGHTS,
    EDIT_WEIGHTS,
    EDITS,
    HELD_OUT_EDITS,
    MAX_SIDE,
    MIN_SIDE,
    TRAINED_WIDE_EDITS,
    WIDE_EDITS,
    EditContext,
    Edited,
    apply_edits,
    random_chain,
)
from fingerprint.edits.canvas import as_rgb, bounded_size, other_photo, paste, resize, seen_points
from fingerprint.edits.signs import sign_sprite
from fingerprint.edits.sprites import stamp, text_sprite
from fingerprint.errors import ConfigError, ImageError
from fingerprint.types import U8

# The edits under which most of the picture can still be compared pixel by pixel with the source.
MOVING = (
    *("crop", "hflip", "vflip", "rotate", "aspect", "scale", "pad", "pad_square", "perspective", "skew", "meme"),
    *("keep_tenth", "thumbnail"),
)
INSET = ("screenshot", "overlay_onto_background", "paste_piece", "collage", "inset_fifth", "cut_out")
STAYING = tuple(name for name in EDITS if name not in (*MOVING, *INSET, "screen_photo"))


@pytest.fixture(scope="module")
def pictures(photos: dict[str, U8]) -> dict[str, U8]:
    """The photographs at 360 pixels, read-only: an edit that writes into its input fails."""
    out = {}
    for name, photo in photos.items():
        rgb = as_rgb(photo)
        factor = 360 / max(rgb.shape[:2])
        out[name], _ = resize(rgb, round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
        out[name].flags.writeable = False
    return out


@pytest.fixture(scope="module")
def cat(pictures: dict[str, U8]) -> U8:
    return pictures["chelsea"]


@pytest.fixture(scope="module")
def others(pictures: dict[str, U8]) -> list[U8]:
    return [pictures[name] for name in ("astronaut", "coffee")]


def run(source: U8, names: str | Sequence[str], seed: int, others: Sequence[U8] = ()) -> Edited:
    return apply_edits(
        source, names.split("+") if isinstance(names, str) else names, np.random.default_rng(seed), others
    )


def correlation(a: np.ndarray, b: np.ndarray, seen: np.ndarray) -> float:
    return float(np.corrcoef(a[seen].astype(float), b[seen].astype(float))[0, 1])


def likeness(source: U8, names: str, seed: int, others: Sequence[U8] = ()) -> float:
    """Correlation of the source with the edited picture led back to it, where it is seen; both a little blurred.

    What is seen is what differs between the same edits of a white and of a black picture.
    """
    height, width = source.shape[:2]
    edited, white, black = (
        run(x, names, seed, others) for x in (source, np.full_like(source, 255), np.zeros_like(source))
    )
    assert (white.transform == edited.transform).all()  # chance must not hang on what is in the picture
    shown = (cv2.absdiff(white.pixels, black.pixels).min(axis=2) > 100).astype(np.uint8)
    shown = cv2.morphologyEx(shown, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))  # grains of noise are no holes
    size, flags = (width, height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    led_back = cv2.warpPerspective(edited.pixels, edited.transform, size, flags=flags)
    seen = cv2.warpPerspective(shown, edited.transform, size, flags=flags)
    seen = cv2.erode(seen, np.ones((9, 9), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    assert seen.sum() > 200
    a, b = (cv2.GaussianBlur(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), (0, 0), 2.5) for x in (source, led_back))
    return correlation(a, b, seen > 0)


def best_shift(source: U8, edited: Edited) -> tuple[float, float]:
    """The shift of the map, among nine of at most a pixel, that explains the edited picture best."""
    height, width = edited.pixels.shape[:2]
    sigma = max(0.5, 0.5 / np.sqrt(abs(np.linalg.det(edited.transform))))
    grey = cv2.cvtColor(edited.pixels, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(cv2.cvtColor(source, cv2.COLOR_RGB2GRAY), (0, 0), sigma)
    scores = {}
    for dx in (-1.0, 0.0, 1.0):
        for dy in (-1.0, 0.0, 1.0):
            step = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]]) @ edited.transform
            drawn = cv2.warpPerspective(soft, step, (width, height))
            seen = cv2.warpPerspective(np.ones_like(soft), step, (width, height))
            seen = cv2.erode(seen, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
            scores[dx, dy] = correlation(drawn, grey, seen > 0)
    return max(scores, key=scores.__getitem__)


class TestRegistry:
    def test_holds_the_edits_of_the_challenge_and_a_few_more(self) -> None:
        assert set(MOVING + INSET) < set(EDITS)
        assert {"color_jitter", "jpeg", "overlay_text", "overlay_emoji", "shuffle_pixels"} < set(EDITS)
        assert len(EDITS) == 31 + len(WIDE_EDITS)

    def test_the_wider_edits_are_made_only_if_asked_for(self) -> None:
        assert set(EDIT_WEIGHTS) == set(EDITS) - set(WIDE_EDITS)

    def test_a_quarter_of_the_wider_kinds_is_held_out(self) -> None:
        assert set(HELD_OUT_EDITS) | set(TRAINED_WIDE_EDITS) == set(WIDE_EDITS)
        assert not set(HELD_OUT_EDITS) & set(TRAINED_WIDE_EDITS)
        assert len(HELD_OUT_EDITS) == pytest.approx(len(WIDE_EDITS) / 4, abs=0.5)

    def test_all_edits_but_one_are_drawn(self) -> None:
        assert {name for name, weight in EDIT_WEIGHTS.items() if not weight > 0} == {"paste_piece"}

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(TypeError):
            EDITS["crop"] = EDITS["pad"]  # type: ignore[index]


class TestEveryEdit:
    def test_same_seed_same_bytes_and_another_seed_another_picture(self, cat: U8, others: list[U8]) -> None:
        for name in EDITS:
            first, again = run(cat, name, 3, others), run(cat, name, 3, others)
            assert first.pixels.tobytes() == again.pixels.tobytes(), name
            assert first.transform.tobytes() == again.transform.tobytes(), name
            assert first.names == (name,), name
            if name not in ("hflip", "vflip", "negative"):  # pad_square and the like still draw a colour
                assert len({run(cat, name, seed, others).pixels.tobytes() for seed in range(6)}) > 1, name

    def test_changes_the_picture_and_not_its_input(self, cat: U8, others: list[U8]) -> None:
        for name in EDITS:
            before = [cat.copy(), *(other.copy() for other in others)]
            edited = run(cat, name, 1, others)
            assert edited.pixels.shape != cat.shape or (edited.pixels != cat).any(), name
            assert all((a == b).all() for a, b in zip(before, [cat, *others], strict=True)), name
            assert not np.may_share_memory(edited.pixels, cat), name

    @pytest.mark.parametrize("shape", [(16, 16), (1, 1), (17, 31), (1, 300), (700, 16)], ids=str)
    def test_runs_on_pictures_of_any_shape(self, shape: tuple[int, int], others: list[U8]) -> None:
        for name in EDITS:
            rng = np.random.default_rng(0)
            grey_ish = np.repeat(rng.integers(90, 100, (*shape, 1), dtype=np.uint8), 3, axis=2)
            flat_grey = np.full(shape, 127, dtype=np.uint8)
            for source, photos in ((grey_ish, others), (flat_grey, [flat_grey]), (grey_ish, [])):
                edited = run(source, name, 5, photos)
                assert edited.pixels.dtype == np.uint8, name
                assert edited.pixels.shape[2:] == (3,), name
                assert edited.pixels.flags.c_contiguous, name
                assert MIN_SIDE <= min(edited.pixels.shape[:2]) <= max(edited.pixels.shape[:2]) <= MAX_SIDE, name
                assert np.isfinite(edited.transform).all(), name
                assert np.linalg.matrix_rank(edited.transform) == 3, name

    @pytest.mark.parametrize("name", ["crop", "screenshot", "pad", "rotate", "halftone", "overlay_text"])
    def test_large_pictures_are_bounded(self, name: str) -> None:
        ramp = np.broadcast_to(np.arange(2000, dtype=np.uint8)[:, None, None], (2000, 3000, 3))
        assert max(run(ramp, name, 0).pixels.shape) <= MAX_SIDE


class TestTransform:
    @pytest.mark.parametrize("name", MOVING + INSET)
    def test_leads_the_source_onto_the_edited_picture(self, name: str, pictures: dict[str, U8]) -> None:
        for photo in ["astronaut", "chelsea", "coffee"]:
            source = pictures[photo]
            for seed in range(5):
                # a background may shine through, and a small picture has few pixels
                floor = {"overlay_onto_background": 0.85, "thumbnail": 0.95, "inset_fifth": 0.95}.get(name, 0.98)
                assert likeness(source, name, seed, [pictures["rocket"]]) > floor, (photo, seed)

    @pytest.mark.parametrize("name", MOVING + INSET)
    def test_is_right_to_a_fraction_of_a_pixel(self, name: str, pictures: dict[str, U8]) -> None:
        source = pictures["astronaut"]
        for seed in range(4):
            assert best_shift(source, run(source, name, seed, [pictures["coffee"]])) == (0, 0), seed

    @pytest.mark.parametrize(
        "names",
        [
            "hflip+rotate+crop",
            "perspective+overlay_onto_background+skew",
            "pad_square+screenshot+rotate",
            "meme+aspect+vflip+pad",
            "skew+perspective+crop+screenshot+hflip",
            "rotate+blur+jpeg+aspect",
            "overlay_text+crop+rotate+noise",
            "crop+overlay_image+hflip+overlay_emoji+perspective",
            "shuffle_pixels+skew+scale",
        ],
    )
    def test_follows_chains(self, names: str, pictures: dict[str, U8]) -> None:
        source = pictures["astronaut"]
        for seed in range(4):
            assert likeness(source, names, seed, [pictures["coffee"]]) > 0.9, seed

    def test_follows_the_bounds(self, photos: dict[str, U8]) -> None:
        large, _ = resize(as_rgb(photos["astronaut"]), 1500, 2100)
        assert likeness(large, "aspect+hflip", 0) > 0.99
        tiny, _ = resize(large, 24, 20)
        assert best_shift(tiny, apply_edits(tiny, [], np.random.default_rng(0))) == (0, 0)

    def test_is_the_identity_where_nothing_moves(self, cat: U8, others: list[U8]) -> None:
        for name in STAYING:
            edited = run(cat, name, 2, others)
            assert (edited.transform == np.eye(3)).all(), name
            assert edited.pixels.shape == cat.shape, name

    @pytest.mark.parametrize("name", ["hflip", "vflip"])
    def test_mirroring_twice_gives_the_picture_back(self, name: str, cat: U8) -> None:
        edited = run(cat, [name, name], 0)
        assert (edited.pixels == cat).all()
        assert np.allclose(edited.transform, np.eye(3))

    def test_mirrors_are_told_by_the_determinant(self, cat: U8) -> None:
        assert np.linalg.det(run(cat, "hflip", 0).transform) < 0 < np.linalg.det(run(cat, "hflip+vflip", 0).transform)


class TestGeometry:
    def test_crop_cuts_a_part_out_unchanged(self, cat: U8) -> None:
        for seed in range(5):
            edited = run(cat, "crop", seed)
            x, y = (-edited.transform[:2, 2]).astype(int)
            h, w = edited.pixels.shape[:2]
            assert (edited.pixels == cat[y : y + h, x : x + w]).all()
            assert h * w < cat.shape[0] * cat.shape[1]

    @pytest.mark.parametrize("inset", INSET)
    def test_crop_and_overlay_leave_some_of_an_inset(self, inset: str, cat: U8, others: list[U8]) -> None:
        context = EditContext(cat.shape[1], cat.shape[0])
        for seed in range(15):
            assert len(seen_points(run(cat, [inset, "crop", "overlay_image"], seed, others), context)) >= 12

    def test_rotate_has_right_angles_and_others(self, cat: U8) -> None:
        turns = [run(cat, "rotate", seed).transform[:2, :2] for seed in range(40)]
        right = [bool((np.abs(np.abs(turn) - 0.5) == 0.5).all()) for turn in turns]
        assert 3 < sum(right) < 30
        assert all(np.linalg.det(turn) == pytest.approx(1) for turn in turns)

    def test_scale_shrinks_and_sometimes_enlarges_back(self, cat: U8) -> None:
        widths = [run(cat, "scale", seed).pixels.shape[1] / cat.shape[1] for seed in range(30)]
        assert 5 < widths.count(1.0) < 25
        assert all(0.14 < width <= 0.61 for width in widths if width != 1)

    def test_pad_square_is_square_and_holds_the_picture(self, cat: U8) -> None:
        edited = run(cat, "pad_square", 0)
        assert edited.pixels.shape[0] == edited.pixels.shape[1] == max(cat.shape)
        top = int(edited.transform[1, 2])
        assert (edited.pixels[top : top + cat.shape[0]] == cat).all()

    def test_aspect_changes_the_shape(self, cat: U8) -> None:
        for seed in range(5):
            linear = run(cat, "aspect", seed).transform
            assert 1.15 < max(linear[0, 0] / linear[1, 1], linear[1, 1] / linear[0, 0]) < 2.3


class TestWide:
    def test_one_of_the_asked_for_edits_is_in_each_chain_at_any_place(self, cat: U8) -> None:
        chains = [
            random_chain(cat, np.random.default_rng(seed), (), (1, 3), ["duotone", "wave"]).names for seed in range(40)
        ]
        assert {len(chain) for chain in chains} == {1, 2, 3}
        assert all(len({"duotone", "wave"} & set(chain)) == 1 for chain in chains)
        assert {chain.index(name) for chain in chains for name in chain if name in ("duotone", "wave")} == {0, 1, 2}
        assert all(len(set(chain)) == len(chain) for chain in chains)

    def test_collage_has_the_whole_picture_in_one_of_its_cells(self, cat: U8, others: list[U8]) -> None:
        for seed in range(10):
            edited = run(cat, "collage", seed, others)
            shares = np.array(cat.shape[1::-1]) * edited.transform[[0, 1], [0, 1]] / edited.pixels.shape[1::-1]
            assert all(min(abs(share - 1 / n) for n in (1, 2, 3)) < 0.06 for share in shares)

    def test_inset_fifth_and_keep_tenth_are_what_they_are_called(self, cat: U8, others: list[U8]) -> None:
        for seed in range(10):
            inset = run(cat, "inset_fifth", seed, others)
            size = np.array(cat.shape[1::-1]) * inset.transform[[0, 1], [0, 1]]
            assert 0.16 < max(size) / max(inset.pixels.shape) < 0.24
            kept = run(cat, "keep_tenth", seed).pixels
            assert 0.07 < kept.shape[0] * kept.shape[1] / (cat.shape[0] * cat.shape[1]) < 0.14

    def test_cut_out_shows_a_part_within_an_outline(self, cat: U8, others: list[U8]) -> None:
        white, black = np.full_like(cat, 255), np.zeros_like(cat)
        for seed in range(10):
            one, other = (run(source, "cut_out", seed, others) for source in (white, black))
            seen = (cv2.absdiff(one.pixels, other.pixels).min(axis=2) > 128).sum() / np.linalg.det(one.transform)
            assert 0.15 < seen / (cat.shape[0] * cat.shape[1]) < 0.6

    def test_duotone_has_colours_on_one_line(self, cat: U8) -> None:
        for seed in range(5):
            colours = run(cat, "duotone", seed).pixels.reshape(-1, 3).astype(float)
            assert np.linalg.svd(colours - colours.mean(axis=0), compute_uv=False)[1] / len(colours) ** 0.5 < 1

    def test_solarize_reverses_what_is_bright(self, cat: U8) -> None:
        found = run(cat, "solarize", 0).pixels
        changed = found != cat
        assert changed.any()
        assert (found[changed] == 255 - cat[changed]).all()
        assert cat[changed].min() >= 90

    def test_equalize_uses_more_levels(self, cat: U8) -> None:
        flat = cat // 4 + 90
        for seed in range(5):
            assert np.ptp(run(flat, "equalize", seed).pixels.astype(int)) > np.ptp(flat.astype(int))

    def test_mirrored_halves_are_mirror_images(self, cat: U8) -> None:
        for seed in range(8):
            found = run(cat, "mirrored_halves", seed).pixels
            beside, above = (found == found[:, ::-1]).all(), (found == found[::-1]).all()
            assert beside or above
            kept = (found == cat).all(axis=2).mean()
            assert kept >= (0.24 if beside and above else 0.49)

    def test_glitch_moves_bands_sideways_and_keeps_most(self, cat: U8) -> None:
        for seed in range(5):
            rows = (run(cat, "glitch", seed).pixels[:, :, 1] == cat[:, :, 1]).all(axis=1)
            assert 0.3 < rows.mean() < 1

    @pytest.mark.parametrize("name", ["wave", "liquify", "swirl"])
    def test_bends_move_parts_and_keep_the_colours(self, name: str, cat: U8) -> None:
        for seed in range(5):
            found = run(cat, name, seed).pixels
            assert np.abs(found.astype(int) - cat).mean() > 1
            assert np.abs(np.sort(found.ravel()).astype(int) - np.sort(cat.ravel())).mean() < 12

    @pytest.mark.parametrize(
        ("name", "least", "most"), [("paragraphs", 0.02, 0.95), ("stickers", 0.05, 0.7), ("scribble", 0.01, 0.4)]
    )
    def test_covers_lie_over_a_part(self, name: str, least: float, most: float, cat: U8) -> None:
        shares = [(run(cat, name, seed).pixels != cat).any(axis=2).mean() for seed in range(10)]
        assert least < min(shares)
        assert max(shares) < most

    def test_thumbnail_is_small(self, cat: U8) -> None:
        sides = [max(run(cat, "thumbnail", seed).pixels.shape) for seed in range(10)]
        assert min(sides) >= 50
        assert max(sides) <= 110

    def test_blown_up_has_lost_what_is_fine(self, cat: U8) -> None:
        for seed in range(5):
            found = run(cat, "blown_up", seed).pixels
            small, _ = resize(found, cat.shape[1] // 4, cat.shape[0] // 4)
            again, _ = resize(small, cat.shape[1], cat.shape[0])
            assert found.shape == cat.shape
            assert np.abs(again.astype(int) - found).mean() < 4

    def test_screen_photo_shows_all_of_the_picture(self, cat: U8) -> None:
        for seed in range(6):
            edited = run(cat, "screen_photo", seed)
            points = seen_points(edited, EditContext(cat.shape[1], cat.shape[0]))
            assert len(points) == 81
            assert likeness(cat, "screen_photo", seed) > 0.8

    def test_reliefs_and_gradients_are_grey(self, cat: U8) -> None:
        for seed in range(5):
            found = run(cat, "emboss", seed).pixels
            assert (found == found[:, :, :1]).all()
            assert abs(np.median(found.astype(int)) - 128) < 12 or np.median(found) < 70 or np.median(found) > 185


class TestPhotometric:
    def test_grayscale_has_one_tint(self, cat: U8) -> None:
        greys = [run(cat, "grayscale", seed).pixels for seed in range(10)]
        assert any((grey == grey[:, :, :1]).all() for grey in greys)

    def test_shuffle_exchanges_pixels_and_loses_none(self, cat: U8) -> None:
        edited = run(cat, "shuffle_pixels", 0).pixels
        moved = (edited != cat).any(axis=2).mean()
        assert 0.08 < moved < 0.3
        assert (
            np.sort(edited.reshape(-1, 3).view("u1,u1,u1"), axis=0)
            == np.sort(cat.reshape(-1, 3).view("u1,u1,u1"), axis=0)
        ).all()

    def test_posterize_leaves_few_levels(self, cat: U8) -> None:
        assert all(2 <= len(np.unique(run(cat, "posterize", seed).pixels)) <= 6 for seed in range(8))

    def test_pixelization_makes_blocks(self, cat: U8) -> None:
        same = (np.diff(run(cat, "pixelization", 0).pixels.astype(int), axis=1) == 0).all(axis=2).mean()
        assert same > (np.diff(cat.astype(int), axis=1) == 0).all(axis=2).mean() + 0.1

    def test_blur_smooths_and_sharpen_roughens(self, cat: U8) -> None:
        def roughness(pixels: U8) -> float:
            return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())

        for seed in range(4):
            assert (
                roughness(run(cat, "blur", seed).pixels) < roughness(cat) < roughness(run(cat, "sharpen", seed).pixels)
            )

    def test_opacity_takes_the_contrast_away(self, cat: U8) -> None:
        ratios = [run(cat, "opacity", seed).pixels.std() / cat.std() for seed in range(8)]
        assert 0.15 < min(ratios) < max(ratios) < 0.85

    def test_negative_is_its_own_inverse(self, cat: U8) -> None:
        assert (run(cat, "negative+negative", 0).pixels == cat).all()

    def test_color_jitter_leaves_a_grey_picture_grey(self) -> None:
        ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8)[:, None], (1, 64))
        for seed in range(8):
            spread = np.ptp(run(ramp, "color_jitter", seed).pixels.astype(int), axis=2)
            assert spread.max() <= 1


class TestOverlays:
    def test_overlay_image_covers_a_part(self, cat: U8, others: list[U8]) -> None:
        for seed in range(6):
            assert 0.005 < (run(cat, "overlay_image", seed, others).pixels != cat).any(axis=2).mean() < 0.55

    @pytest.mark.parametrize("name", ["overlay_text", "overlay_emoji"])
    def test_text_and_signs_are_seen_and_leave_most_of_the_picture(self, name: str, cat: U8) -> None:
        shares = [(run(cat, name, seed).pixels != cat).any(axis=2).mean() for seed in range(12)]
        assert min(shares) > 0.0005
        assert max(shares) < 0.6

    def test_meme_keeps_the_picture_under_its_bar(self, cat: U8) -> None:
        for seed in range(6):
            edited = run(cat, "meme", seed)
            top = int(edited.transform[1, 2])
            assert (edited.pixels[top : top + cat.shape[0]] == cat).all()
            assert edited.pixels.shape[0] > cat.shape[0]

    def test_background_shows_the_picture_at_30_to_80_percent(self, cat: U8, others: list[U8]) -> None:
        for seed in range(10):
            edited = run(cat, "overlay_onto_background", seed, others)
            size = np.array(cat.shape[1::-1]) * edited.transform[[0, 1], [0, 1]]
            assert 0.29 < (size / edited.pixels.shape[1::-1]).max() < 0.81

    def test_screenshot_shows_the_whole_picture_inside_its_frame(self, pictures: dict[str, U8]) -> None:
        for seed in range(16):
            source = pictures[("astronaut", "coffee")[seed % 2]]
            edited = run(source, "screenshot", seed, [pictures["rocket"]])
            corners = (
                np.array([[-0.5, -0.5, 1], [source.shape[1] - 0.5, source.shape[0] - 0.5, 1]]) @ edited.transform.T
            )
            height, width = edited.pixels.shape[:2]
            assert (corners[:, :2] >= -0.5).all()
            assert (corners[:, :2] <= [width, height]).all()
            assert 0.1 < (corners[1, 0] - corners[0, 0]) / width < 0.82
            assert edited.transform[0, 0] == pytest.approx(edited.transform[1, 1], rel=0.03)

    def test_paste_cuts_off_what_sticks_out(self) -> None:
        canvas, patch = np.zeros((4, 4, 3), np.uint8), np.full((3, 3, 3), 9, np.uint8)
        assert paste(canvas, patch, -2, 3)[:, :, 0].tolist() == [[0] * 4] * 3 + [[9, 0, 0, 0]]
        assert not paste(canvas, patch, 4, 0).any()
        assert not canvas.any()

    def test_text_fits_its_space(self) -> None:
        for lines in (["W"], ["a long line of text", "and another"], ["...."]):
            sprite = text_sprite(lines, 150, 40, (255, 0, 0), (0, 0, 255), 0.05)
            assert sprite.shape[0] <= 46
            assert sprite.shape[1] <= 165
            assert sprite[:, :, 3].max() == 255

    def test_signs_have_no_colour_where_they_do_not_cover(self) -> None:
        sprites = [sign_sprite(40, np.random.default_rng(seed)) for seed in range(30)]
        assert all((sprite[:, :, :3].max(axis=2) <= sprite[:, :, 3]).all() for sprite in sprites)
        assert len({sprite.tobytes() for sprite in sprites}) > 20

    def test_stamp_far_outside_changes_nothing(self, cat: U8) -> None:
        sprite = np.full((5, 5, 4), 255, np.uint8)
        far = np.array([[1.0, 0, 5000], [0, 1, -300], [0, 0, 1]])
        assert (stamp(cat, sprite, far) == cat).all()
        assert (stamp(cat, sprite, np.eye(3))[:5, :5] == 255).all()


class TestChains:
    def test_takes_different_edits_as_often_as_told(self, cat: U8) -> None:
        small, _ = resize(cat, 64, 48)
        rng = np.random.default_rng(0)
        chains = [random_chain(small, rng).names for _ in range(400)]
        assert all(len(set(names)) == len(names) for names in chains)
        counts = Counter(len(names) for names in chains)
        for n, weight in enumerate(COUNT_WEIGHTS, start=1):
            assert counts[n] / 400 == pytest.approx(weight, abs=0.08)
        edits = Counter(name for names in chains for name in names)
        assert len(edits) >= 28
        assert edits["crop"] > edits["hflip"] > edits["opacity"]

    def test_of_a_whole_run_stay_in_bounds_and_in_sight(self, pictures: dict[str, U8], others: list[U8]) -> None:
        rng = np.random.default_rng(1)
        for source in [pictures[name] for name in ("chelsea", "rocket")] * 30:
            edited = random_chain(source, rng, others)
            assert MIN_SIDE <= min(edited.pixels.shape[:2]) <= max(edited.pixels.shape[:2]) <= MAX_SIDE
            assert len(seen_points(edited, EditContext(source.shape[1], source.shape[0]))) > 0

    def test_replay_from_the_seed(self, cat: U8, others: list[U8]) -> None:
        for seed in range(6):
            a, b = (random_chain(cat, np.random.default_rng(seed), others) for _ in range(2))
            assert (a.names, a.pixels.tobytes()) == (b.names, b.pixels.tobytes())
            assert (a.transform == b.transform).all()

    def test_length_can_be_chosen(self, cat: U8) -> None:
        assert {len(random_chain(cat, np.random.default_rng(seed), n_edits=(2, 3)).names) for seed in range(20)} == {
            2,
            3,
        }

    def test_no_edits_give_a_copy(self, cat: U8) -> None:
        edited = apply_edits(cat, [], np.random.default_rng(0))
        assert (edited.pixels == cat).all()
        assert not np.may_share_memory(edited.pixels, cat)
        assert edited.names == ()

    @pytest.mark.parametrize("n_edits", [(0, 2), (3, 2), (1, 6)])
    def test_refuses_impossible_lengths(self, n_edits: tuple[int, int], cat: U8) -> None:
        with pytest.raises(ConfigError, match="within 1 to 5"):
            random_chain(cat, np.random.default_rng(0), n_edits=n_edits)

    def test_refuses_unknown_edits(self, cat: U8) -> None:
        with pytest.raises(ConfigError, match=r"'crpo'.*choose from crop"):
            run(cat, "hflip+crpo", 0)

    @pytest.mark.parametrize("source", [np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5)), np.zeros((0, 5, 3), np.uint8)])
    def test_refuses_what_is_no_picture(self, source: np.ndarray) -> None:
        with pytest.raises(ImageError, match="expected uint8"):
            apply_edits(source, ["crop"], np.random.default_rng(0))


class TestBounds:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            ((400, 300), (400, 300)),
            ((4000, 3000), (1024, 768)),
            ((16, 16), (32, 32)),
            ((20, 10), (64, 32)),
            ((4000, 16), (1024, 32)),
            ((1, 1), (32, 32)),
        ],
    )
    def test_keep_the_shape_where_they_can(self, size: tuple[int, int], expected: tuple[int, int]) -> None:
        assert bounded_size(*size) == expected
        assert bounded_size(*expected) == expected

    def test_other_photos_come_at_the_size_asked_for(self, others: list[U8]) -> None:
        rng = np.random.default_rng(0)
        for context in (EditContext(9, 9, tuple(others)), EditContext(9, 9)):
            assert max(other_photo(context, rng, 200).shape) == 200
