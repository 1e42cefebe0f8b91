"""Groups round keepers, with verdicts that are made up: no pictures are needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.dedupe import KEEPS, Member, Rules
from fingerprint.dedupe.derived import derived_pictures
from fingerprint.dedupe.detail import Box
from fingerprint.dedupe.grouping import Gathered, gather
from fingerprint.dedupe.looks import Looks
from fingerprint.dedupe.values import Keep, Picture, PictureFile, allowed
from fingerprint.dedupe.verdicts import Verdicts, same_picture
from fingerprint.dedupe.worth import Preference, Worth
from fingerprint.errors import ConfigError
from fingerprint.images.origin import Origin
from fingerprint.results import Verification
from fingerprint.verify.changes import changes_of

SIZE = (100, 80)


def file_of(
    name: str, order: int = 0, *, n_bytes: int = 1000, seconds: int = 10**9, reference: bool = False
) -> PictureFile:
    return PictureFile(Path("/photos") / name, order, reference, False, 1, order, 1, n_bytes, seconds * 10**9, name)


def pictures_of(*sizes: tuple[int, int], references: Sequence[int] = ()) -> list[Picture]:
    files = [file_of(f"{k}.jpg", k, reference=k in references) for k in range(len(sizes))]
    return [Picture(file.id, (file,), (), *size) for file, size in zip(files, sizes, strict=True)]


def copy(probability: float = 0.99, reference_size: tuple[int, int] = SIZE) -> Verification:
    """Return the verdict of a copy that shows as much of a reference as lies within `SIZE`."""
    return replace(
        same_picture(*SIZE),
        probability=probability,
        log_odds=math.log(probability / (1 - probability)),
        identical=False,
        reference_size=reference_size,
    )


def smaller(times: float = 2.0, probability: float = 0.99) -> Verification:
    """Return the verdict of a whole copy of a reference that has so many times its pixels along a line."""
    width, height = (round(times * side) for side in SIZE)
    corners = ((-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5))
    shift = (times - 1) / 2
    transform = (times, 0.0, shift, 0.0, times, shift, 0.0, 0.0, 1.0)
    return replace(copy(probability, (width, height)), reference_region=corners, transform=transform)


def scene(shared: float = 0.9) -> Verification:
    return replace(copy(0.05), shared_probability=shared)


class MadeUp(Verdicts):
    """Verdicts that are given, and those that would be found if they were asked for."""

    def __init__(
        self, found: dict[tuple[int, int], Verification], hidden: dict[tuple[int, int], Verification] | None = None
    ) -> None:
        super().__init__([], None, DEFAULT_CONFIG)  # type: ignore[arg-type] # nothing is compared
        self.hidden, self.asked = hidden or {}, list[tuple[int, int]]()
        for pair, verdict in found.items():
            self.note(*pair, verdict)

    def _ask(self, query: int, reference: int) -> None:
        self.asked.append((query, reference))
        self.note(query, reference, self.hidden.get((query, reference), replace(copy(0.01), shared_probability=0.0)))


class Seen(Looks):
    """What looks at pixels would see."""

    def __init__(self, plain: float = 0.0, detail: float = 1.0, enlarged: Sequence[tuple[int, int]] = ()) -> None:
        super().__init__([], DEFAULT_CONFIG.limits)
        self.plain, self.detail, self.enlarged = plain, detail, enlarged
        self.asked: list[tuple[int, Box]] = []

    def plain_around(self, position: int, boxes: Sequence[Box]) -> float:
        return self.plain

    def detail_within(self, position: int, box: Box) -> float:
        self.asked.append((position, box))
        return self.detail

    def was_enlarged(self, large: int, small: int) -> bool:
        return (large, small) in self.enlarged


def gathered(
    pictures: Sequence[Picture],
    verdicts: Verdicts,
    rules: Rules | None = None,
    plain: float = 0.0,
    cameras: Sequence[int] = (),
) -> Gathered:
    def look_at(related: Sequence[int]) -> dict[int, list[Worth]]:
        origins = {k: Origin("JPEG", 90, "Canon" if k in cameras else None, None) for k in related}
        return {k: [Worth(file, pictures[k].size, 1.0, origins[k]) for file in pictures[k].files] for k in related}

    return gather(pictures, verdicts, rules or Rules(), look_at, Seen(plain))


def groups(found: Gathered) -> dict[int, list[int]]:
    return {keeper: [k for k, _ in members] for keeper, members in found.members.items() if members}


def test_nearness_is_not_transitive() -> None:
    """0 is near 1, 1 near 2, and 2 is no copy of 0, which is kept: 2 is left alone."""
    found = gathered(pictures_of((200, 160), SIZE, SIZE), MadeUp({(1, 0): smaller(), (2, 1): copy()}))
    assert groups(found) == {0: [1]}


#: 0 and 2 are copies of 1, and not of each other; 0 has more pixels, but none more of what is in 1.
STAR = {(0, 1): copy(0.9), (2, 1): copy(0.8)}
STAR_SIZES = ((200, 160), SIZE, SIZE)


def test_an_edited_copy_gives_way_to_the_source_that_another_has_in_common_with_it() -> None:
    verdicts = MadeUp(STAR)
    found = gathered(pictures_of(*STAR_SIZES), verdicts)
    assert groups(found) == {1: [0, 2]}
    assert set(verdicts.asked) == {(0, 2), (2, 0)}
    assert "more are copies of it" in Preference(Rules()).reasons(found.worth[1][0], [found.worth[0][0]])[0]


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({}, {"rules": Rules(keep="path-order")}),
        ({}, {"cameras": [0]}),
        ({(1, 0): smaller()}, {}),  # 0 shows it in more pixels
        (
            {(0, 1): replace(copy(0.9, (200, 100)), query_size=(200, 100))},
            {},
        ),  # 0 shows less than half of 1, which may be a collage
        ({(2, 1): copy(0.8, (200, 100))}, {}),  # 2 may be a sticker on 1
        ({(2, 0): copy(0.7)}, {}),  # all are copies of 0, too
    ],
)
def test_what_speaks_for_the_better_picture_keeps_it(
    changed: dict[tuple[int, int], Verification], facts: dict[str, object]
) -> None:
    pairs = {pair: found for pair, found in STAR.items() if pair[::-1] not in changed}
    found = gathered(pictures_of(*STAR_SIZES), MadeUp(pairs | changed), **facts)  # type: ignore[arg-type]
    assert 0 in groups(found)


def test_a_picture_whose_copy_belongs_to_another_is_asked_against_the_source_of_both() -> None:
    """3 has the most pixels and a verdict that places 1 wrongly; 0 is surer of 1, and would leave 3 alone."""
    wrong = replace(copy(0.7), query_region=box(0, 0, 20, 20), reference_region=box(50, 50, 60, 60))
    found = gathered(pictures_of(*STAR_SIZES, (300, 240)), MadeUp({(0, 1): copy(0.9), (3, 1): wrong}))
    assert groups(found) == {1: [0, 3]}


def test_a_member_that_the_search_did_not_pair_with_the_keeper_is_asked() -> None:
    verdicts = MadeUp({(1, 0): copy(), (2, 1): copy()}, hidden={(2, 0): copy(0.8)})
    found = gathered(pictures_of((200, 160), SIZE, SIZE), verdicts)
    assert groups(found) == {0: [1, 2]}
    assert verdicts.asked == [(2, 0)]
    assert found.members[0][1][1].probability == pytest.approx(0.8)


def test_the_other_direction_is_asked_if_the_first_finds_nothing() -> None:
    verdicts = MadeUp({(1, 0): copy(), (2, 1): copy()}, hidden={(0, 2): copy(0.9)})
    assert groups(gathered(pictures_of((200, 160), SIZE, SIZE), verdicts)) == {0: [1, 2]}
    assert verdicts.asked == [(2, 0), (0, 2)]


def test_what_is_near_a_stranger_is_not_asked() -> None:
    """A chain of 40 pictures, each near the next only, takes few comparisons, not those of all pairs."""
    n = 40
    verdicts = MadeUp({(k + 1, k): copy() for k in range(n - 1)})
    gathered(pictures_of(*[SIZE] * n), verdicts)
    assert len(verdicts.asked) <= 4 * n


def test_a_picture_belongs_to_the_keeper_that_it_is_most_surely_a_copy_of() -> None:
    verdicts = MadeUp({(2, 0): smaller(3, 0.7), (2, 1): smaller(2, 0.99)})
    found = gathered(pictures_of((300, 240), (200, 160), SIZE), verdicts)
    assert groups(found) == {1: [2]}


def test_who_only_shares_a_scene_with_a_surer_member_does_not_join() -> None:
    """0 is the better keeper, though a poor copy of 1; 2 is a second shot of 1."""
    near = {(1, 0): copy(0.99), (2, 0): copy(0.6)}
    pictures = pictures_of((200, 160), SIZE, SIZE)
    assert groups(gathered(pictures, MadeUp(near | {(2, 1): scene(0.95)}))) == {0: [1]}
    assert groups(gathered(pictures, MadeUp(near | {(2, 1): scene(0.55)}))) == {0: [1, 2]}


def test_of_both_directions_the_surer_counts() -> None:
    found = gathered(pictures_of((200, 160), SIZE), MadeUp({(1, 0): copy(0.6), (0, 1): copy(0.95)}))
    assert found.members[0][0][1].probability == pytest.approx(0.95)


def test_what_is_not_sure_enough_does_not_join() -> None:
    verdicts = MadeUp({(1, 0): copy(0.7)})
    assert groups(gathered(pictures_of(SIZE, SIZE), verdicts)) == {0: [1]}
    assert groups(gathered(pictures_of(SIZE, SIZE), verdicts, Rules(min_probability=0.9))) == {}


def test_a_shared_scene_is_listed_and_never_joins() -> None:
    found = gathered(pictures_of(SIZE, SIZE, SIZE), MadeUp({(1, 0): copy(), (2, 0): scene()}))
    assert groups(found) == {0: [1]}
    assert [k for k, _ in found.shared[0]] == [2]


def test_each_shared_pair_is_listed_once() -> None:
    found = gathered(pictures_of(SIZE, SIZE), MadeUp({(1, 0): scene(), (0, 1): scene()}))
    assert {keeper: [k for k, _ in others] for keeper, others in found.shared.items()} == {0: [1]}


def test_references_are_keepers_and_never_members() -> None:
    pictures = pictures_of((400, 320), SIZE, SIZE, references=(1, 2))
    found = gathered(pictures, MadeUp({(0, 1): copy(), (2, 1): copy(), (2, 0): copy(0.999)}))
    assert groups(found) == {2: [0]}


#: Picture 1 shows a part of picture 0.
CROP = {(1, 0): copy(reference_size=(200, 160))}


def test_a_crop_is_not_kept_before_the_whole() -> None:
    pictures = pictures_of((200, 160), SIZE)
    assert groups(gathered(pictures, MadeUp(CROP))) == {0: [1]}


def test_a_picture_in_a_plain_page_is_kept_before_the_page() -> None:
    pictures = pictures_of((200, 160), SIZE)
    assert groups(gathered(pictures, MadeUp(CROP), plain=0.9)) == {1: [0]}


def box(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@pytest.mark.parametrize(
    ("cameras", "derived"), [(("Canon", None), {1}), ((None, "Canon"), {0}), ((None, None), set())]
)
def test_what_shows_a_part_of_a_photograph_and_more_was_made_with_it(
    cameras: tuple[str | None, str | None], derived: set[int]
) -> None:
    """A screenshot that cuts the photograph off at the bottom: neither picture contains the other."""
    pictures = pictures_of((400, 300), (720, 1480))
    verdict = replace(
        copy(reference_size=(720, 1480)),
        query_size=(400, 300),
        query_region=box(-0.5, -0.5, 399.5, 219.5),
        reference_region=box(-0.5, 299.5, 719.5, 695.5),
        transform=(1.8, 0.0, 0.0, 0.0, 1.8, 300.0, 0.0, 0.0, 1.0),
    )
    known = {k: [worth(size=pictures[k].size, camera=camera)] for k, camera in enumerate(cameras)}
    found = derived_pictures(pictures, {0: [1], 1: [0]}, MadeUp({(0, 1): verdict}), known, Seen())
    assert set.union(*found) == derived


def worth(name: str = "x.jpg", size: tuple[int, int] = SIZE, **facts: object) -> Worth:
    known = {"form": "JPEG", "quality": 85, "camera": None, "taken": None}
    of_file = {key: facts.pop(key) for key in ("order", "n_bytes", "seconds", "reference") if key in facts}
    detail, derived = facts.pop("detail", 1.0), facts.pop("is_derived", False)
    colours, drops, pixels = facts.pop("has_colours", True), facts.pop("drops", ()), facts.pop("pixel_quality", None)
    file = file_of(name, **of_file)  # type: ignore[arg-type]
    origin = Origin(**{**known, **facts})  # type: ignore[arg-type]
    return Worth(file, size, detail, origin, derived, drops=drops, has_colours=colours, pixel_quality=pixels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        ({"reference": True}, {"size": (999, 999)}, "in a reference folder"),
        ({}, {"is_derived": True, "size": (999, 999)}, "crops"),
        ({"form": "camera RAW"}, {"size": (999, 999)}, "camera RAW, which the others were made from"),
        ({"size": (200, 160)}, {"quality": 99}, "most pixels that are really shown (200 x 160)"),
        ({}, {"size": (300, 240), "detail": 0.3, "quality": 75}, "most pixels"),
        ({"quality": 88}, {"quality": 60, "camera": "Canon"}, "least compressed (JPEG quality about 88)"),
        ({}, {"has_colours": False, "quality": 95}, "has colours"),
        ({"form": "HEIC", "quality": None}, {"quality": 84}, "least compressed (HEIC)"),
        ({"quality": 70}, {"form": "WebP", "quality": None}, "least compressed (JPEG quality about 70)"),
        ({"quality": 70}, {"form": "AVIF", "quality": None}, "least compressed (JPEG quality about 70)"),
        ({"quality": 72}, {"form": "GIF", "quality": None}, "least compressed (JPEG quality about 72)"),
        ({"camera": "Canon"}, {"seconds": 1}, "has its camera in the file (Canon)"),
        ({"taken": "2020-01-01 00:00:00"}, {"seconds": 1}, "has its date in the file"),
        ({"quality": 78}, {"quality": 90, "pixel_quality": 66}, "least compressed (JPEG quality about 78)"),
        ({"quality": 78}, {"quality": 90, "pixel_quality": 78, "n_bytes": 9000}, "made from a JPEG and saved again"),
        ({"name": "img.jpg"}, {"name": "img (1).jpg", "seconds": 1}, "named like copies"),
        ({"name": "img.jpg"}, {"name": "img-edited.jpg", "seconds": 1}, "named like what is made"),
        ({"quality": 78}, {"name": "IMG-20240102-WA0007.jpg", "quality": 85}, "named like what is made"),
        ({"quality": 78, "camera": "Canon"}, {"quality": 88}, "its camera"),
        ({"name": "img.jpg"}, {"name": "img copy.jpg", "seconds": 1}, "named like copies"),
        ({"seconds": 1}, {"seconds": 10**9}, "oldest (1970-01-01 00:00:01)"),
        ({"n_bytes": 2000}, {"n_bytes": 1000}, "most bytes"),
        ({"order": 0}, {"order": 1}, "first of equals"),
    ],
)
def test_the_better_is_kept_and_it_is_said_why(
    better: dict[str, object], worse: dict[str, object], reason: str
) -> None:
    first, second = worth(**better), worth(**worse)  # type: ignore[arg-type]
    preference = Preference(Rules())
    assert preference.key(first) < preference.key(second)
    (said,) = preference.reasons(first, [second])
    assert reason in said


@pytest.mark.parametrize(
    ("shift", "n_inliers", "scale", "derived"),
    [(0.0, 60, 1.0, {0}), (12.0, 60, 1.0, {1}), (12.0, 20, 1.0, {0}), (12.0, 60, 0.3, {0})],
    ids=["a crop", "a print", "few keypoints", "a small one"],
)
def test_a_photograph_of_a_print_was_made_with_it(
    shift: float, n_inliers: int, scale: float, derived: set[int]
) -> None:
    """0 is seen in 1, at most of its pixels and in perspective."""
    width, height = (round(scale * side) for side in SIZE)
    pictures = pictures_of((width, height), (200, 160))
    verdict = replace(
        copy(reference_size=(200, 160)),
        n_inliers=n_inliers,
        query_size=(width, height),
        query_region=box(-0.5, -0.5, width - 0.5, height - 0.5),
        reference_region=((40.0, 40.0), (140.0, 40.0 + shift), (140.0, 120.0), (40.0, 120.0)),
        transform=(1 / scale, 0.0, 40.0, 0.0, 1 / scale, 40.0, 0.0, 0.0, 1.0),
    )
    known = {k: [worth(f"{k}.jpg", picture.size)] for k, picture in enumerate(pictures)}
    found = derived_pictures(pictures, {0: [1], 1: [0]}, MadeUp({(0, 1): verdict}), known, Seen())
    assert set.union(*found) == derived


@pytest.mark.parametrize(("within", "derived"), [(1.0, {0}), (0.5, {1})])
def test_a_photograph_may_be_sharp_in_one_place(within: float, derived: set[int]) -> None:
    """0 is sharper than 1 as a whole: it is a crop if 1 is as sharp there, else 0 was put into 1."""
    pictures = pictures_of(SIZE, (200, 160))
    verdict = copy(reference_size=(200, 160))
    known = {0: [worth("0.jpg")], 1: [worth("1.jpg", (200, 160), detail=0.5)]}
    looks = Seen(detail=within)
    found = derived_pictures(pictures, {0: [1], 1: [0]}, MadeUp({(0, 1): verdict}), known, looks)
    assert set.union(*found) == derived
    assert looks.asked == [(1, (-0.5, -0.5, 99.5, 79.5))]


@pytest.mark.parametrize(
    ("names", "derived"),
    [
        (("IMG_1.jpg", "Screenshot_20240102-101112.png"), {1}),
        (("IMG_1.jpg", "Bildschirmfoto 2024-01-02.png"), {1}),
        (("Screenshot_2.png", "Screenshot_1.png"), {0}),
        (("IMG_1.jpg", "IMG_2.jpg"), {0}),
    ],
)
def test_a_screenshot_by_its_name_was_made_with_what_it_shows(names: tuple[str, str], derived: set[int]) -> None:
    pictures = pictures_of(SIZE, (200, 160))
    known = {0: [worth(names[0])], 1: [worth(names[1], (200, 160))]}
    verdicts = MadeUp({(0, 1): copy(reference_size=(200, 160))})
    found = derived_pictures(pictures, {0: [1], 1: [0]}, verdicts, known, Seen())
    assert set.union(*found) == derived


@pytest.mark.parametrize(("drop", "kept"), [(0.25, 0), (0.6, 1)])
def test_a_soft_photograph_is_not_taken_for_enlarged_because_its_copy_has_artefacts(drop: float, kept: int) -> None:
    """0 has a drop of 0.13, which is that of an enlarged picture, if 1, of the same size, clearly has none."""
    pictures = pictures_of(SIZE, SIZE)
    known = {
        0: [worth("0.jpg", quality=90, detail=2 / 3, drops=(1.0, 1.0, 0.13))],
        1: [worth("1.jpg", quality=60, drops=(1.0, 1.0, drop))],
    }
    found = gather(pictures, MadeUp({(1, 0): copy()}), Rules(), lambda _: known, Seen())
    assert groups(found) == {kept: [1 - kept]}


@pytest.mark.parametrize(
    ("enlarged", "cameras", "kept"),
    [(True, (None, None), 1), (False, (None, None), 0), (True, ("Canon", None), 0), (True, ("Canon", "Canon"), 1)],
)
def test_an_enlarged_copy_goes_and_a_soft_photograph_stays(
    enlarged: bool, cameras: tuple[str | None, str | None], kept: int
) -> None:
    """0 has twice the pixels of 1 along a line, and seems to need half of them."""
    pictures = pictures_of((200, 160), SIZE)
    known = {
        0: [worth("0.jpg", (200, 160), quality=95, detail=0.45, camera=cameras[0])],
        1: [worth("1.jpg", quality=60, camera=cameras[1])],
    }
    looks = Seen(enlarged=[(0, 1)] if enlarged else [])
    found = gather(pictures, MadeUp({(1, 0): smaller()}), Rules(), lambda _: known, looks)
    assert groups(found) == {kept: [1 - kept]}


@pytest.mark.parametrize(("plain", "kept"), [(0.9, 0), (0.1, 1)])
def test_a_part_of_a_photograph_on_a_plain_page_was_made_with_it(plain: float, kept: int) -> None:
    """1 is the larger file, and shows a part of 0 with more around it."""
    pictures = pictures_of((400, 300), (720, 1480))
    verdict = replace(
        copy(reference_size=(720, 1480)),
        query_size=(400, 300),
        query_region=box(49.5, -0.5, 349.5, 299.5),
        reference_region=box(-0.5, 299.5, 719.5, 1019.5),
        transform=(2.4, 0.0, -120.0, 0.0, 2.4, 300.0, 0.0, 0.0, 1.0),
    )
    known = {k: [worth(f"{k}.jpg", size=picture.size)] for k, picture in enumerate(pictures)}

    class Page(Seen):
        def plain_around(self, position: int, boxes: Sequence[Box]) -> float:
            return self.plain if position == 1 else 0.0

    found = gather(pictures, MadeUp({(0, 1): verdict}), Rules(), lambda _: known, Page(plain))
    assert groups(found) == {kept: [1 - kept]}


def test_little_more_pixels_are_no_reason() -> None:
    preference = Preference(Rules())
    assert preference.key(worth(camera="Canon")) < preference.key(worth(size=(102, 82)))


@pytest.mark.parametrize(
    ("keep", "kept"), [("largest", "large"), ("oldest", "old"), ("newest", "new"), ("path-order", "first")]
)
def test_one_thing_may_be_put_first(keep: Keep, kept: str) -> None:
    files = {
        "large": worth(size=(300, 240), detail=0.3, order=3),
        "old": worth(taken="1999-01-01 00:00:00", order=4),
        "new": worth(taken="2024-01-01 00:00:00", order=2),
        "first": worth(order=1, seconds=1_500_000_000),
    }
    preference = Preference(Rules(keep=keep))
    assert min(files, key=lambda name: preference.key(files[name])) == kept
    assert len(KEEPS) == 5


def test_the_newest_is_not_called_the_oldest_of_those_that_are_as_new() -> None:
    files = [worth(taken="2024-01-01 00:00:00", seconds=seconds, order=k) for k, seconds in enumerate((5, 9, 1))]
    files.append(worth(taken="2020-01-01 00:00:00", order=3))
    preference = Preference(Rules(keep="newest"))
    keeper = min(files, key=preference.key)
    assert preference.reasons(keeper, files) == ("newest (2024-01-01 00:00:00)", "first of equals")


def test_preferred_folders_come_first_in_their_order() -> None:
    preference = Preference(Rules(prefer=(Path("/photos/b"), Path("/photos/a"))))
    files = [worth("a/x.jpg", (300, 240)), worth("b/x.jpg"), worth("bb/x.jpg", (900, 720))]
    assert [w.file.path.parent.name for w in sorted(files, key=preference.key)] == ["b", "a", "bb"]


def test_copies_in_the_folder_of_the_keeper_may_be_left_out() -> None:
    verdict = copy()
    members = [
        Member(file_of(name, k), SIZE, verdict, changes_of(verdict))
        for k, name in enumerate(("a/2.jpg", "b/3.jpg"), start=1)
    ]
    keeper = file_of("a/1.jpg")
    assert len(allowed(members, keeper, Rules())) == 2
    assert [m.file.path.name for m in allowed(members, keeper, Rules(ignore_same_folder=True))] == ["3.jpg"]


def test_crops_and_collages_can_be_left_out() -> None:
    whole, part, more = copy(), copy(reference_size=(200, 160)), replace(copy(), query_size=(200, 160))
    members = [
        Member(file_of(f"{k}.jpg", k), SIZE, found, changes_of(found))
        for k, found in enumerate((whole, part, more, same_picture(*SIZE)))
    ]
    kept = allowed(members, file_of("keeper.jpg", 9), Rules(whole_only=True))
    assert [member.file.path.name for member in kept] == ["0.jpg", "3.jpg"]
    assert len(allowed(members, file_of("keeper.jpg", 9), Rules())) == 4


@pytest.mark.parametrize("wrong", [{"keep": "prettiest"}, {"min_probability": 0.4}, {"min_probability": math.nan}])
def test_rules_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Rules(**wrong)  # type: ignore[arg-type]
