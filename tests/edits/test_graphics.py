"""Graphics of one template: members, templates, seeds, splits; the parts that they are drawn with."""

from __future__ import annotations

import inspect
from functools import cache

import numpy as np
import pytest

from fingerprint.edits.graphics import (
    FAMILIES,
    JUDGING_FAMILIES,
    SPLITS,
    TRAINING_FAMILIES,
    Layout,
    draw_member,
    families_of,
    layout_of,
)
from fingerprint.edits.graphics.faces import Face, random_face
from fingerprint.edits.graphics.pictures import N_ICONS, fitted, icon, made_scene
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import extent, is_light, mixed
from fingerprint.edits.graphics.wording import filled, wrapped
from fingerprint.errors import ConfigError
from fingerprint.types import U8

LAYOUTS = {layout.name: layout for family in FAMILIES.values() for layout in family.layouts}


@cache
def photos() -> tuple[U8, ...]:
    """Four scenes in several shapes."""
    rng = np.random.default_rng(3)
    return tuple(made_scene(rng, width, height) for width, height in ((160, 120), (90, 140), (120, 120), (200, 90)))


def drawn(layout: Layout, template: int, content: int) -> tuple[U8, dict[str, object]]:
    """Draw a member; return it with the state that the template's generator is left in."""
    shared = np.random.default_rng([1, template])
    pixels = layout.draw(shared, np.random.default_rng([2, content]), photos())
    return pixels, dict(shared.bit_generator.state)


class TestLayouts:
    @pytest.mark.parametrize("name", LAYOUTS)
    def test_members_share_the_template_and_nothing_else(self, name: str) -> None:
        first, state = drawn(LAYOUTS[name], 0, 0)
        second, same_state = drawn(LAYOUTS[name], 0, 1)
        assert state == same_state, "the content changed what is drawn for the template"
        for pixels in (first, second):
            assert pixels.dtype == np.uint8
            assert pixels.shape[2:] == (3,)
            assert pixels.flags.c_contiguous
            assert 250 <= max(pixels.shape[:2]) <= 2000
            assert pixels.std() > 4, "an empty picture"
        assert not np.array_equal(first, second)

    def test_are_unique_and_belong_to_one_split(self) -> None:
        names = [layout.name for family in FAMILIES.values() for layout in family.layouts]
        functions = [layout.draw for layout in LAYOUTS.values()]
        assert len(set(names)) == len(names) >= 80
        assert len(set(functions)) == len(functions)
        assert {layout.split for layout in LAYOUTS.values()} == set(SPLITS)

    def test_are_documented(self) -> None:
        assert [name for name, layout in LAYOUTS.items() if not inspect.getdoc(layout.draw)] == []


class TestSplits:
    def test_share_no_layout(self) -> None:
        training, judging = (
            {layout.draw for family in families.values() for layout in family.layouts}
            for families in (TRAINING_FAMILIES, JUDGING_FAMILIES)
        )
        assert training
        assert not training & judging
        assert training | judging == {layout.draw for layout in LAYOUTS.values()}

    def test_most_families_are_trained_and_judged_and_some_are_only_one_of_both(self) -> None:
        assert set(TRAINING_FAMILIES) | set(JUDGING_FAMILIES) == set(FAMILIES)
        assert len(set(TRAINING_FAMILIES) & set(JUDGING_FAMILIES)) >= 20
        assert set(TRAINING_FAMILIES) - set(JUDGING_FAMILIES) == {
            *("panels", "labels", "medleys", "pinboards", "overlays"),
            *("comics", "diagrams", "drawings", "devices", "symbols", "offers", "tickets", "games", "sprites"),
            *("traces", "keepsakes", "posters", "notes", "lists", "timetables"),
            *("answers", "seats", "chords", "bingo", "regions", "plants", "rooms", "leagues"),
        }
        assert set(JUDGING_FAMILIES) - set(TRAINING_FAMILIES) == {"plans", "boards", "badges", "stamps"}
        assert len(FAMILIES) >= 25
        assert len(set(JUDGING_FAMILIES) - set(TRAINING_FAMILIES)) >= 3

    def test_unknown_ones_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"'test'.*training, judging"):
            families_of("test")  # type: ignore[arg-type]


class TestMembers:
    @pytest.mark.parametrize("split", SPLITS)
    @pytest.mark.parametrize("family", ["memes", "forms", "charts", "codes", "drawn_faces"])
    def test_come_back_from_their_seeds(self, family: str, split: str) -> None:
        once, again = (draw_member(family, 7, 3, photos(), split) for _ in range(2))  # type: ignore[arg-type]
        assert once.tobytes() == again.tobytes()
        assert once.shape == again.shape
        assert 300 <= max(once.shape[:2]) <= 1200

    def test_differ_by_each_seed(self) -> None:
        for family in ("logos", "covers", "slides"):
            members = {draw_member(family, t, c, photos()).tobytes() for t in range(3) for c in range(3)}
            assert len(members) == 9, family

    def test_use_all_layouts_of_their_split(self) -> None:
        for split in SPLITS:
            names = {layout_of("charts", seed, split) for seed in range(60)}
            assert names == {layout.name for layout in FAMILIES["charts"].of_split(split).layouts}

    def test_come_in_several_sizes(self) -> None:
        assert len({draw_member("logos", 3, content).shape for content in range(24)}) > 2

    def test_do_without_photographs(self) -> None:
        assert draw_member("stamps", 0, 0, (), "judging").std() > 4

    def test_take_grey_photographs_and_leave_them(self) -> None:
        grey = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (80, 1))
        before = grey.copy()
        assert draw_member("stamps", 0, 0, [grey], "judging").shape[2] == 3
        assert (grey == before).all()

    @pytest.mark.parametrize(
        ("family", "template", "content", "split"),
        [("meme", 0, 0, "training"), ("stamps", 0, 0, "training"), ("memes", 0, 0, "test")],
    )
    def test_of_unknown_families_and_splits_are_refused(
        self, family: str, template: int, content: int, split: str
    ) -> None:
        with pytest.raises(ConfigError, match=f"no family '{family}'"):
            draw_member(family, template, content, (), split)  # type: ignore[arg-type]

    @pytest.mark.parametrize(("template", "content"), [(-1, 0), (0, -1)])
    def test_of_negative_seeds_are_refused(self, template: int, content: int) -> None:
        with pytest.raises(ConfigError, match="seed -1 must be >= 0"):
            draw_member("memes", template, content)


class TestFaces:
    @pytest.mark.parametrize("kinds", ["sans", "bitmap", "pen", "serif", "fixed", "hand"])
    def test_write_what_they_measure(self, kinds: str) -> None:
        face = random_face(np.random.default_rng(4), kinds)
        mask, start, baseline = face.mask("Hamburg", 30)
        columns = np.flatnonzero(mask.max(axis=0) > 60)
        rows = np.flatnonzero(mask[:, : start + 12].max(axis=1) > 60)
        assert abs(columns[0] - start) < 8
        assert abs(columns[-1] - start - face.measure("Hamburg", 30)) < 10
        assert abs(rows[-1] - baseline) < 5
        assert abs(baseline - rows[0] - 21) < 6

    def test_know_all_of_ascii(self) -> None:
        face = Face("pen", weight=0.08)
        masks = {face.mask(chr(code), 40)[0].tobytes() for code in range(33, 127)}
        assert len(masks) == 94 - 1  # the grave accent is a box, as all unknown characters are
        assert face.mask("`", 40)[0].tobytes() == face.mask("\u20ac", 40)[0].tobytes()

    def test_fixed_ones_have_equal_letters(self) -> None:
        face = random_face(np.random.default_rng(1), "fixed")
        assert face.measure("iiii", 20) == pytest.approx(face.measure("MMMM", 20))

    def test_a_hand_needs_a_generator_to_wobble(self) -> None:
        face = random_face(np.random.default_rng(1), "hand")
        still = [face.mask("hand", 40)[0].tobytes() for _ in range(2)]
        assert still[0] == still[1] != face.mask("hand", 40, np.random.default_rng(0))[0].tobytes()

    def test_text_has_its_alignment_and_fits(self) -> None:
        for align, middle in (("l", 130), ("m", 100), ("r", 70)):
            sheet = Sheet(200, 60, (255, 255, 255))
            width = sheet.text(100, 30, "a long line", Face(), 40, (0, 0, 0), align, fit=60)
            columns = np.flatnonzero((sheet.pixels < 128).any(axis=(0, 2)))
            assert width == 60
            assert abs((columns[0] + columns[-1]) / 2 - middle) < 5


class TestSheet:
    def test_shapes_cover_their_area(self) -> None:
        sheet = Sheet(100, 80, (255, 255, 255))
        sheet.box(10, 20, 30, 40, (0, 0, 0))
        assert (sheet.pixels == 0).all(axis=2).sum() == 30 * 40
        sheet.disc(70, 40, 15, (0, 0, 0))
        assert (sheet.pixels < 128).all(axis=2).sum() == pytest.approx(1200 + np.pi * 225, rel=0.05)

    def test_what_sticks_out_is_cut_off(self) -> None:
        sheet = Sheet(50, 40, (9, 9, 9))
        for x, y in ((-200, 5), (300, 5), (5, -200), (5, 300)):
            sheet.box(x, y, 60, 30, (255, 0, 0))
            sheet.box(x, y, 60, 30, (255, 0, 0), radius=5, opacity=0.5)
            sheet.disc(x, y, 20, (255, 0, 0))
            sheet.fade(x, y, 60, 30, (255, 0, 0), (255, 0, 0))
            sheet.paste(np.full((30, 60, 3), 200, np.uint8), x, y, 4)
            sheet.text(x, y, "text", Face(), 20, (255, 0, 0))
        assert (sheet.pixels == 9).all()
        sheet.box(-10, -10, 20, 20, (255, 0, 0))
        assert (sheet.pixels[:10, :10] == [255, 0, 0]).all()
        assert (sheet.pixels[10:, 10:] == 9).all()

    def test_see_through_boxes_mix(self) -> None:
        sheet = Sheet(10, 10, (0, 0, 0))
        sheet.box(0, 0, 10, 10, (100, 200, 50), opacity=0.5)
        assert (sheet.pixels == [50, 100, 25]).all()

    def test_icons_differ(self) -> None:
        seen = set()
        for kind in range(N_ICONS):
            sheet = Sheet(40, 40, (255, 255, 255))
            icon(sheet, 20, 20, 14, kind, (0, 0, 0))
            seen.add(sheet.pixels.tobytes())
        assert len(seen) == N_ICONS


class TestParts:
    def test_columns_of_text_are_full_and_fit(self) -> None:
        face = Face()
        lines = filled(np.random.default_rng(0), face, 12, 200, 20)
        widths = [face.measure(line, 12) for line in lines]
        assert len(lines) == 20
        assert max(widths) <= 200
        assert np.median(widths) > 160
        assert wrapped("a few words to wrap into lines", 3) == ["a few words to", "wrap into", "lines"]

    def test_photographs_fill_their_area_without_stretching(self) -> None:
        wheel = np.zeros((100, 200, 3), np.uint8)
        wheel[30:70, 80:120] = 255
        cut = fitted(wheel, np.random.default_rng(0), 80, 80)
        assert cut.shape == (80, 80, 3)
        inside = np.argwhere(cut[:, :, 0] > 127)
        assert np.ptp(inside[:, 0]) == pytest.approx(np.ptp(inside[:, 1]), abs=1)

    def test_scans_keep_the_shape_and_differ(self) -> None:
        page = np.full((60, 40, 3), 240, np.uint8)
        page[20:40, 10:30] = 0
        scanner = random_scanner(np.random.default_rng(0), chance=1)
        one, other = (scanned(page, scanner, np.random.default_rng(seed)) for seed in (0, 1))
        assert one.shape == other.shape == page.shape
        assert (one != other).any()
        assert scanned(page, random_scanner(np.random.default_rng(0), chance=0), np.random.default_rng(0)) is page

    def test_sizes_stay_within_their_bounds(self) -> None:
        for seed in range(50):
            w, h = extent(np.random.default_rng(seed), (0.5, 2), (400, 900))
            assert 399 <= max(w, h) <= 901
            assert 0.49 < w / h < 2.02

    def test_colours(self) -> None:
        assert mixed((0, 0, 0), (200, 100, 50), 0.5) == (100, 50, 25)
        assert is_light((250, 250, 200))
        assert not is_light((0, 0, 255))
