"""Sets are made from photographs: divided without overlap, the same bytes for a seed, look-alikes set apart."""

from __future__ import annotations

import csv
import errno
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerprint.bench import making
from fingerprint.bench.augly_edits import AUGLY
from fingerprint.bench.making import MakeOptions, make_set
from fingerprint.bench.profiles import ALL_EDITS, PROFILES, apply_chain, draw_chain
from fingerprint.bench.sets import open_set
from fingerprint.bench.turns import UNFINISHED_NAME
from fingerprint.edits import EDIT_WEIGHTS, TRAINED_WIDE_EDITS, WIDE_EDITS
from fingerprint.edits.canvas import MAX_SIDE, MIN_SIDE
from fingerprint.edits.second_shots import second_shots
from fingerprint.errors import BenchBusyError, ConfigError
from fingerprint.files.names import read_name
from fingerprint.types import U8


@pytest.fixture(scope="module")
def images(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Photographs, cut into halves where there are not enough of them, and one near copy."""
    folder = tmp_path_factory.mktemp("photographs")
    found = []
    for name, pixels in photos.items():
        for half, part in enumerate(np.array_split(pixels, 2, axis=1)):
            path = folder / f"{name}-{half}.jpg"
            picture = Image.fromarray(np.ascontiguousarray(part))
            picture.thumbnail((200, 200))
            picture.save(path, quality=95)
            found.append(path)
    with Image.open(found[0]) as image:
        image.save(folder / "zz-again.jpg", quality=50)
    return [*found, folder / "zz-again.jpg"]


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "make.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))


def test_a_set_that_is_not_whole_is_no_set(images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "set"

    def interrupted(*_: object) -> bytes:
        with pytest.raises(ConfigError, match=r"set: a set that .* has not made to the end: wait"):
            open_set(out)
        with pytest.raises(BenchBusyError, match=rf"a set is made in another process \(process {os.getpid()} on"):
            make_set(images, out, MakeOptions(side=128), n_workers=1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "contact_sheet", interrupted)
    with pytest.raises(OSError, match="No space"):
        make_set(images, out, MakeOptions(side=128), n_workers=1)
    assert not out.exists()
    out.mkdir()
    with pytest.raises(OSError, match="No space"):
        make_set(images, out, MakeOptions(side=128), n_workers=1)
    assert not list(out.iterdir())
    monkeypatch.undo()
    (out / UNFINISHED_NAME).touch()  # as a run leaves it that was killed
    with pytest.raises(ConfigError, match="has not made to the end: delete the folder"):
        make_set(images, out, MakeOptions(side=128), n_workers=1)
    (out / UNFINISHED_NAME).unlink()
    make_set(images, out, MakeOptions(side=128), n_workers=1)
    assert open_set(out).truth.pairs
    assert not (out / UNFINISHED_NAME).exists()
    with pytest.raises(ConfigError, match="not empty"):
        make_set(images, out, MakeOptions(side=128), n_workers=1)


def test_what_others_put_into_the_folder_stays(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddled(*_: object) -> bytes:
        (tmp_path / "set" / "notes.txt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "contact_sheet", meddled)
    with pytest.raises(KeyboardInterrupt):
        make_set(images, tmp_path / "set", MakeOptions(side=128), n_workers=1)
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["notes.txt"]


def test_a_seed_gives_the_same_bytes_and_another_one_another_set(images: list[Path], tmp_path: Path) -> None:
    first = make_set(images, tmp_path / "a", MakeOptions(seed=3, side=128), n_workers=1)
    second = make_set(list(reversed(images)), tmp_path / "b", MakeOptions(seed=3, side=128), n_workers=2)
    assert first == second
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    make_set(images, tmp_path / "c", MakeOptions(seed=4, side=128), n_workers=1)
    assert contents(tmp_path / "a") != contents(tmp_path / "c")
    assert first.left_out >= 1


def test_every_photograph_is_in_one_part_and_queries_match_their_reference(images: list[Path], tmp_path: Path) -> None:
    made = make_set(images, tmp_path / "set", MakeOptions(profile="mild", side=128), command="as typed", n_workers=1)
    found = open_set(tmp_path / "set")
    assert (len(found.train), len(found.references)) == (made.train, made.references)
    assert len(found.queries) == made.copies + made.strangers
    assert table(tmp_path / "set" / "edits.tsv")[0] == ["query_id", "reference_id", "edits"]
    assert found.edits.keys() == set(found.queries.ids)
    head, *listed = table(tmp_path / "set" / "sources.tsv")
    assert head == ["id", "photograph"]
    sources = dict(listed)
    assert all(sources[query] == sources[reference] for query, reference in found.truth.pairs)
    kept = [source for name, source in sources.items() if name[0] in "TR"]
    kept += [sources[name] for name in found.truth.unmatched_ids]
    assert len(kept) == len(set(kept))
    assert all(1 <= len(found.edits[name]) <= 2 for name in found.queries.ids)
    assert json.loads((tmp_path / "set" / "make.json").read_text())["command"] == "as typed"
    with Image.open(tmp_path / "set" / "contact-sheet.jpg") as sheet:
        assert sheet.width > 900
    with pytest.raises(ConfigError, match="not empty"):
        make_set(images, tmp_path / "set")


def test_other_shots_of_a_scene_become_queries_that_match_nothing(
    images: list[Path], photos: dict[str, U8], tmp_path: Path
) -> None:
    shots = second_shots(photos["coffee"], np.random.default_rng(2), 0.3)
    burst = [tmp_path / "burst-1.jpg", tmp_path / "burst-2.jpg"]
    for path, pixels in zip(burst, (shots.first, shots.second), strict=True):
        Image.fromarray(pixels).save(path, quality=95)
    others = [path for path in images if "coffee" not in path.name and path.name.endswith("-0.jpg")]
    made = make_set([*others, *burst], tmp_path / "set", MakeOptions(look_alikes=True), n_workers=1)
    assert made.look_alikes == 1
    head, (query, reference) = table(tmp_path / "set" / "look_alikes.tsv")
    assert head == ["query_id", "reference_id"]
    found = open_set(tmp_path / "set")
    assert query in found.truth.unmatched_ids
    assert reference in found.references.ids
    sources = dict(table(tmp_path / "set" / "sources.tsv"))
    assert {sources[query], sources[reference]} == {str(path) for path in burst}


@pytest.mark.parametrize("name", PROFILES)
def test_chains_are_as_the_profile_says(name: str) -> None:
    profile, rng = PROFILES[name], np.random.default_rng(0)
    chains = [draw_chain(profile, rng) for _ in range(300)]
    lengths = {length for length, share in enumerate(profile.counts, start=1) if share}
    assert {len(chain) for chain in chains} == lengths
    assert all(len(set(chain)) == len(chain) for chain in chains)
    assert {edit for chain in chains for edit in chain} <= profile.weights.keys()
    assert all(set(chain) & set(profile.own) for chain in chains if profile.own)
    assert {len(draw_chain(profile, rng, (4, 5))) for _ in range(60)} <= {4, 5}
    with pytest.raises(ConfigError, match="within 1 to 5"):
        draw_chain(profile, rng, (0, 3))


@pytest.mark.parametrize("name", WIDE_EDITS)
def test_wide_edits_change_a_picture_in_a_chain(name: str, photos: dict[str, U8]) -> None:
    source = np.ascontiguousarray(photos["chelsea"][::2, ::2])
    before = source.copy()
    made = [apply_chain(source, [name], np.random.default_rng(7), [photos["rocket"]]) for _ in range(2)]
    assert np.array_equal(made[0].pixels, made[1].pixels)
    assert np.array_equal(source, before)
    assert made[0].pixels.dtype == np.uint8
    assert all(MIN_SIDE <= side <= MAX_SIDE for side in made[0].pixels.shape[:2])
    assert made[0].pixels.shape != source.shape or np.abs(made[0].pixels.astype(int) - source).mean() > 0.5
    assert name in ALL_EDITS


def test_edits_of_the_profile_unseen_are_not_trained_on() -> None:
    assert not set(PROFILES["unseen"].own) & {*EDIT_WEIGHTS, *TRAINED_WIDE_EDITS}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profile": "soft"}, "no profile is called 'soft'"),
        ({"train": 0.6, "strangers": 0.6}, "together at most"),
        ({"copied": 0.0}, "share of the references"),
        ({"side": 8}, "at least 64"),
    ],
)
def test_options_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MakeOptions(**settings)  # type: ignore[arg-type]


def test_augly_is_asked_for_only_by_its_profile(images: list[Path], tmp_path: Path) -> None:
    if importlib.util.find_spec("augly") is None:
        with pytest.raises(ConfigError, match="pip install augly"):
            make_set(images, tmp_path / "set", MakeOptions(profile="augly"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", AUGLY)
def test_edits_of_augly_give_pictures(name: str, photos: dict[str, U8]) -> None:
    pytest.importorskip("augly.image")
    source = np.ascontiguousarray(photos["chelsea"][::3, ::3])
    made = [apply_chain(source, [name], np.random.default_rng(5), [photos["rocket"]]).pixels for _ in range(2)]
    assert np.array_equal(made[0], made[1])
    assert made[0].shape != source.shape or not np.array_equal(made[0], source)


def test_names_that_would_break_a_line_are_written_so_that_they_can_be_read(images: list[Path], tmp_path: Path) -> None:
    odd = [tmp_path / name for name in ("tab\there.jpg", "line\nend.jpg", "Größe 写真.jpg")]
    for path, source in zip(odd, images[:3], strict=True):
        path.write_bytes(source.read_bytes())
    make_set([*odd, *images[3:]], tmp_path / "set", MakeOptions(side=64), n_workers=1)
    sources = (tmp_path / "set" / "sources.tsv").read_text(encoding="utf-8").splitlines()
    names = {read_name(line.split("\t")[1]) for line in sources[1:]}
    assert {str(path) for path in odd} & names
    assert all(line.count("\t") == 1 for line in sources)
    assert names <= {str(path) for path in (*odd, *images)}


def test_too_few_photographs_are_refused(images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 12"):
        make_set(images[:5], tmp_path / "set")
