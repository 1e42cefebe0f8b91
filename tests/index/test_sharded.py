"""A sharded collection answers as a single one would, and is changed as one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.collection.repair import repair_collection
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.errors import (
    CollectionBusyError,
    CollectionCorruptError,
    CollectionError,
    CollectionNotFoundError,
    ConfigError,
    ModelMismatchError,
    UnknownIdError,
)
from fingerprint.images.frame_paths import frame_id
from fingerprint.index import check_store, make_sharded, shard_folders, upgrade_store
from fingerprint.index.manifests import FORMAT_VERSION
from fingerprint.index.shards import shard_of
from fingerprint.models import Models
from fingerprint.results import Answer
from fingerprint.types import U8, Skipped
from fingerprint.vectorfiles import VectorSet
from tests.cluster.pretended import PretendedCluster

SMALL = replace(DEFAULT_CONFIG, storage=replace(DEFAULT_CONFIG.storage, batch=2, merge_at_end=False))


@pytest.fixture(scope="module")
def files(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharded") / "pictures"
    folder.mkdir()
    for name, pixels in photos.items():
        Image.fromarray(pixels[::2, ::2]).save(folder / f"{name}.png")
    shutil.copy(folder / "chelsea.png", folder / "twin.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def sharded(folder: Path, models: Models, n: int = 3) -> Collection:
    make_sharded(folder, [folder / f"shard-{k}" for k in range(n)], models, SMALL).close()
    return open_collection(folder, models=models, config=SMALL)


@pytest.fixture(scope="module")
def single(files: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with create_collection(tmp_path_factory.mktemp("one") / "c", models=models, config=SMALL) as made:
        made.add_files([files])
        made.remove(["coins.png"])
        yield made


@pytest.fixture(scope="module")
def several(files: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with sharded(tmp_path_factory.mktemp("several") / "c", models) as made:
        made.add_files([files])
        made.remove(["coins.png"])
        yield made


def searched(collection: Collection, queries: list[Path], n_workers: object = 1) -> list[object]:
    found = collection.answer_many(queries, n_workers=n_workers)  # type: ignore[arg-type]
    return [a if isinstance(a, Skipped) else replace(a, milliseconds={}, counters={}) for a in found]


class TestReading:
    def test_it_holds_what_a_single_one_holds(self, single: Collection, several: Collection) -> None:
        assert sorted(several.ids) == sorted(single.ids)
        assert len(several) == len(single)
        assert several.info().shards == 3
        assert single.info().shards == 0
        assert min(info.references for info in (r.info() for r in several._reader.shards)) > 1  # type: ignore[attr-defined]
        for image_id in single.ids:
            assert several.record(image_id) == single.record(image_id)
            assert np.array_equal(several.fingerprint(image_id).hashes, single.fingerprint(image_id).hashes)
        assert [s.path for s in several.info().skipped] == [s.path for s in single.info().skipped]
        assert "coins.png" not in several
        with pytest.raises(UnknownIdError):
            several.record("coins.png")

    @pytest.mark.parametrize("part_bytes", [1, 1 << 32])
    def test_it_answers_as_a_single_one(
        self,
        single: Collection,
        several: Collection,
        files: Path,
        photos: dict[str, U8],
        tmp_path: Path,
        part_bytes: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("fingerprint.collection.cluster_search._PART_BYTES", part_bytes)
        Image.fromarray(photos["rocket"][20:200, 30:300, ::-1]).save(tmp_path / "part.jpg", quality=50)
        queries = [*sorted(files.iterdir())[:8], tmp_path / "part.jpg", files / "twin.png"]
        expected = searched(single, queries)
        assert searched(several, queries) == expected
        assert searched(several, queries, PretendedCluster()) == expected
        twins = expected[-1]
        assert isinstance(twins, Answer)
        assert [m.reference_id for m in twins.matches[:2]] == ["chelsea.png", "twin.png"]

    def test_its_vectors_are_those_of_its_shards(self, single: Collection, several: Collection) -> None:
        by_id = dict(zip(single.ids, single.descriptors(), strict=True))
        assert all(
            np.array_equal(by_id[name], row) for name, row in zip(several.ids, several.descriptors(), strict=True)
        )
        query = single.descriptors()[:3]
        assert several.nearest(query, n_results=4) == single.nearest(query, n_results=4)

    def test_its_ids_are_listed_in_one_order(self, single: Collection, several: Collection) -> None:
        assert list(several.listed_ids()) == sorted(single.ids)
        assert sorted(several.ids) == list(several.listed_ids()) != several.ids
        assert list(single.listed_ids()) == single.ids

    def test_a_pinned_search_sees_what_was_there(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models) as collection:
            collection.add_files([files / "rocket.png"])
            answers = collection.answer_many(iter([files / "rocket.png"] * 2), n_workers=1)
            first = next(answers)
            collection.remove(["rocket.png"])
            assert searched(collection, [files / "rocket.png"])[0] != first
            second = next(answers)
        for answer in (first, second):
            assert isinstance(answer, Answer)
            assert [match.reference_id for match in answer.matches] == ["rocket.png"]


class TestChanging:
    def test_new_pictures_go_where_the_hash_of_the_id_says(self, several: Collection) -> None:
        shards = several._reader.shards  # type: ignore[attr-defined]
        for number, shard in enumerate(shards):
            assert all(shard_of(image_id, len(shards)) == number for image_id in shard.ids)

    def test_the_hash_spreads_ids_evenly_and_stays(self) -> None:
        counts = np.bincount([shard_of(f"pictures/{n}.jpg", 5) for n in range(5_000)])
        assert counts.min() > 900
        assert [shard_of(name, 7) for name in ("a", "b.jpg", "\u00e9")] == [2, 1, 2]  # as long as there are collections

    @pytest.mark.parametrize("cluster", [False, True])
    def test_adding_again_replaces_and_moves(
        self, files: Path, photos: dict[str, U8], models: Models, tmp_path: Path, cluster: bool
    ) -> None:
        workers = PretendedCluster() if cluster else 1
        place = Path(shutil.copytree(files, tmp_path / "pictures"))
        with sharded(tmp_path / "c", models) as collection:
            first = collection.add_files([place], n_workers=workers)
            assert (first.added, len(first.skipped)) == (len(photos) + 1, 1)
            assert collection.add_files([place], n_workers=workers).unchanged == first.added
            Image.fromarray(photos["moon"][::3, ::3]).save(place / "camera.png")
            again = collection.add_files([place], n_workers=workers)
            assert (again.added, again.replaced, again.unchanged) == (0, 1, first.added - 1)
            assert collection.search(place / "camera.png", n_results=1)[0].reference_id == "camera.png"
            moved = place.rename(tmp_path / "moved")
            collection.add_files([moved], n_workers=workers)
            assert collection.record("camera.png").path == str(moved / "camera.png")
            (moved / "broken.jpg").unlink()
            assert not list((tmp_path / "c").glob("*/incoming"))
        assert check_store(tmp_path / "c") == []

    def test_many_at_once_or_none(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models) as collection:
            collection.add_many([(name, files / f"{name}.png") for name in ("rocket", "moon", "page")])
            with pytest.raises(UnknownIdError, match="nobody"):
                collection.remove(["moon", "nobody", "page"])
            with pytest.raises(UnknownIdError, match="moon"):
                collection.remove(["moon", "moon"])
            assert sorted(collection.ids) == ["moon", "page", "rocket"]
            assert collection.remove(["moon", "page"]) == ["moon", "page"]
            assert collection.ids == ["rocket"]
            assert collection.compact() <= 2

    def test_frames_go_with_their_file(self, photos: dict[str, U8], models: Models, tmp_path: Path) -> None:
        frames = [Image.fromarray(photos[name][:200, :200]) for name in ("rocket", "coffee", "chelsea", "astronaut")]
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
        with sharded(tmp_path / "c", models, 4) as collection:
            assert collection.add_files([tmp_path / "a.gif"], frames=4).added == 4
            assert frame_id("a.gif", 1) in collection
            homes = {shard.folder for shard in collection._reader.shards if len(shard)}  # type: ignore[attr-defined]
            assert len(homes) > 1
            assert len(collection.remove(["a.gif"])) == 4
            assert len(collection) == 0

    def test_vectors_of_other_models(self, files: Path, models: Models, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        ids, vectors = tuple(f"v{n}" for n in range(40)), rng.normal(size=(40, 8)).astype(np.float32)
        with sharded(tmp_path / "c", models) as collection, create_collection(tmp_path / "d", models=models) as single:
            for made in (collection, single):
                assert made.import_vectors(VectorSet(ids, vectors), "net").added == 40
                assert made.import_vectors(VectorSet(ids, vectors), "net").unchanged == 40
                changed = vectors.copy()
                changed[3] += 1
                assert made.import_vectors(VectorSet(ids, changed), "net").replaced == 1
            assert collection.nearest(vectors[:5], "net") == single.nearest(vectors[:5], "net")
            with pytest.raises(ModelMismatchError, match="dimensions"):
                collection.import_vectors(VectorSet(("w",), np.ones((1, 9), np.float32)), "net")
            collection.remove(["v3"], "net")
            assert collection.export_vectors(tmp_path / "v.npz", "net") == 39
            assert collection.info().imported[0].vectors == 39

    def test_each_shard_has_its_own_lock(self, files: Path, models: Models, tmp_path: Path) -> None:
        with (
            sharded(tmp_path / "c", models) as collection,
            open_collection(tmp_path / "c" / "shard-1", models=models) as one,
        ):
            with (
                one._writer.writing(),
                open_collection(tmp_path / "c" / "shard-2", models=models) as other,
            ):
                other.add_files([files / "rocket.png"])
                with pytest.raises(CollectionBusyError, match="shard-1"):
                    collection.add_files([files / "moon.png"])
            collection.add_files([files / "moon.png", files / "rocket.png"])
            assert sorted(collection.ids) == ["moon.png", "rocket.png"]
            assert "rocket.png" in collection._reader.shards[2]  # type: ignore[attr-defined]

    def test_a_shard_that_is_written_to_is_not_compacted(self, files: Path, models: Models, tmp_path: Path) -> None:
        collection = sharded(tmp_path / "c", models)
        with collection:
            for path in sorted(files.glob("*.png")):
                collection.add_files([path])
            ids, before = sorted(collection.ids), [shard.info().segments for shard in collection._reader.shards]  # type: ignore[attr-defined]
        assert min(before) > 1
        with (
            open_collection(tmp_path / "c" / "shard-1", models=models) as other,
            other._writer.writing(),
        ):
            result = CliRunner().invoke(main, ["index", "compact", str(tmp_path / "c")])
        assert result.exit_code == 2
        assert "2 of 3 shards were compacted, but not" in result.stderr
        assert str(tmp_path / "c" / "shard-1") in result.stderr
        assert "shard-0" not in result.stderr
        with open_collection(tmp_path / "c", models=models) as again:
            after = [shard.info().segments for shard in again._reader.shards]  # type: ignore[attr-defined]
            assert after == [1, before[1], 1]
            assert again.compact() == before[1] - 1
            assert sorted(again.ids) == ids

    def test_a_picture_of_another_model_changes_no_shard(self, files: Path, models: Models, tmp_path: Path) -> None:
        keeping = replace(SMALL, storage=replace(SMALL.storage, keep_local_descriptors=True))
        make_sharded(tmp_path / "c", [tmp_path / "c" / f"shard-{k}" for k in range(2)], models, keeping).close()
        with open_collection(tmp_path / "c", models=models) as collection:
            collection.add_files(sorted(files.glob("*.png"))[:4])
            made = [collection.fingerprint(image_id) for image_id in collection.ids]
            records = [replace(collection.record(image_id), image_id=f"new-{image_id}") for image_id in collection.ids]
            before = collection.info()
            homes = [shard_of(record.image_id, 2) for record in records]
            assert set(homes) == {0, 1}
            odd = homes.index(1)  # the other shard would be changed first
            made[odd] = replace(made[odd], model_id="other")
            with pytest.raises(ModelMismatchError, match="described by model other, the collection"):
                collection._writer.add(made, records)
            assert collection.info() == before
            with pytest.raises(ModelMismatchError, match="is its own model"):
                collection._writer.add_vectors(models.model_id, ["a"], np.zeros((1, 4), np.float32))


class TestMaking:
    def test_collections_are_joined(self, files: Path, models: Models, tmp_path: Path) -> None:
        for name, picture in (("a", "rocket.png"), ("b", "moon.png")):
            with create_collection(tmp_path / name, models=models) as collection:
                collection.add_files([files / picture])
        make_sharded(tmp_path / "all", [tmp_path / "a", tmp_path / "b"], models, DEFAULT_CONFIG).close()
        make_sharded(tmp_path / "all", [tmp_path / "all" / "new"], models, DEFAULT_CONFIG).close()
        assert shard_folders(tmp_path / "all") == [tmp_path / "a", tmp_path / "b", tmp_path / "all" / "new"]
        with open_collection(tmp_path / "all", models=models) as collection:
            assert sorted(collection.ids) == ["moon.png", "rocket.png"]
            assert collection.add_files([files / "rocket.png", files / "page.png"]).unchanged == 1

    def test_a_folder_that_is_moved_takes_its_shards_along(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models) as collection:
            collection.add_files([files / "rocket.png"])
        (tmp_path / "c").rename(tmp_path / "d")
        with open_collection(tmp_path / "d", models=models) as collection:
            assert collection.ids == ["rocket.png"]

    def test_what_cannot_be_joined_is_told(self, files: Path, models: Models, tmp_path: Path) -> None:
        for name in ("a", "b"):
            with create_collection(tmp_path / name, models=models) as collection:
                collection.add_files([files / "rocket.png"])
        with pytest.raises(ConfigError, match=r"'rocket\.png' is in .*a and in .*b"):
            make_sharded(tmp_path / "all", [tmp_path / "a", tmp_path / "b"], models, DEFAULT_CONFIG)
        with pytest.raises(ConfigError, match="named twice"):
            make_sharded(tmp_path / "all", [tmp_path / "a", tmp_path / "a"], models, DEFAULT_CONFIG)
        with pytest.raises(ConfigError, match="at least one"):
            make_sharded(tmp_path / "all", [], models, DEFAULT_CONFIG)
        assert not shard_folders(tmp_path / "all")
        kept = replace(DEFAULT_CONFIG, storage=replace(DEFAULT_CONFIG.storage, keep_local_descriptors=True))
        with pytest.raises(ConfigError, match="keep-local"):
            make_sharded(tmp_path / "mixed", [tmp_path / "a", tmp_path / "mixed" / "new"], models, kept)
        with pytest.raises(CollectionError, match="other files"):
            make_sharded(files, [tmp_path / "a"], models, DEFAULT_CONFIG)
        with pytest.raises(CollectionError):
            make_sharded(tmp_path / "x", [files], models, DEFAULT_CONFIG)
        make_sharded(tmp_path / "s", [tmp_path / "a"], models, DEFAULT_CONFIG).close()
        with pytest.raises(ConfigError, match="cannot be a shard; name its shards instead"):
            make_sharded(tmp_path / "x", [tmp_path / "s"], models, DEFAULT_CONFIG)
        assert not (tmp_path / "x").exists()

    def test_a_shard_that_cannot_join_is_not_made(self, models: Models, tmp_path: Path) -> None:
        kept = replace(SMALL, storage=replace(SMALL.storage, keep_local_descriptors=True))
        make_sharded(tmp_path / "c", [tmp_path / "a"], models, SMALL).close()
        with pytest.raises(ConfigError, match="keep-local"):
            make_sharded(tmp_path / "c", [tmp_path / "b"], models, kept)
        assert not (tmp_path / "b").exists()
        make_sharded(tmp_path / "c", [tmp_path / "b"], models, SMALL).close()

    def test_an_id_that_came_into_two_shards_is_told(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models) as collection:
            collection.add_files([files / "rocket.png", files / "moon.png"])
        assert check_store(tmp_path / "c") == []
        own = tmp_path / "c" / f"shard-{(shard_of('rocket.png', 3) + 1) % 3}"
        with open_collection(own, models=models) as collection:
            collection.add_files([files / "rocket.png"])
        for problems in (check_store(tmp_path / "c"), repair_collection(tmp_path / "c", models=models).problems):
            (problem,) = problems
            assert "'rocket.png' is in" in problem
            assert f"{own}" in problem
        with open_collection(own, models=models) as collection:
            collection.remove(["rocket.png"])
        assert check_store(tmp_path / "c") == []

    def test_an_id_that_came_into_two_shards_is_removed_from_both_and_counted_twice(
        self, files: Path, models: Models, tmp_path: Path
    ) -> None:
        with sharded(tmp_path / "c", models, 2) as collection:
            collection.add_files([files])
            n, other = len(collection), shard_of("chelsea.png", 2) ^ 1
        with open_collection(tmp_path / "c" / f"shard-{other}", models=models, config=SMALL) as shard:
            shard.add_files([files / "chelsea.png"])
        with open_collection(tmp_path / "c", models=models, config=SMALL) as collection:
            assert len(collection) == n + 1
            assert collection.remove(["coffee.png", "chelsea.png"]) == ["coffee.png", "chelsea.png", "chelsea.png"]
            assert len(collection) == n - 2
            assert not {"coffee.png", "chelsea.png"} & set(collection.ids)
        assert check_store(tmp_path / "c") == []

    def test_the_command_says_so(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models, 2) as collection:
            collection.add_files([files / "chelsea.png", files / "coffee.png"])
        other = tmp_path / "c" / f"shard-{shard_of('chelsea.png', 2) ^ 1}"
        with open_collection(other, models=models, config=SMALL) as shard:
            shard.add_files([files / "chelsea.png"])
        ended = CliRunner().invoke(main, ["index", "remove", str(tmp_path / "c"), "chelsea.png"])
        assert ended.exit_code == 0
        assert "2 removed; 1 reference left" in ended.output
        assert "chelsea.png: 2 shards had it, and it is removed from all" in ended.output

    def test_a_manifest_of_shards_that_cannot_be(self, models: Models, tmp_path: Path) -> None:
        sharded(tmp_path / "c", models).close()
        (tmp_path / "link").symlink_to(tmp_path / "c" / "shard-1")
        for names, said in (
            (["shard-0", "shard-1", "shard-1"], "twice"),
            (["shard-0", "shard-1", "../link"], "twice"),
            (["shard-0", "."], "is a sharded collection"),
            (["\0"], "names no shards"),
        ):
            (tmp_path / "c" / "shards.json").write_text(json.dumps({"format_version": 1, "shards": names}))
            for use in (check_store, open_collection):
                with pytest.raises(CollectionCorruptError, match=said):
                    use(tmp_path / "c")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "cannot be read"),
            ("[1]", "names no shards"),
            ('{"format_version": 1, "shards": []}', "names no shards"),
            ('{"format_version": 9, "shards": ["a"]}', "format version 9"),
        ],
    )
    def test_a_damaged_manifest_is_told(self, models: Models, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / "shards.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=said):
            open_collection(tmp_path, models=models)

    def test_a_shard_that_is_gone_is_told(self, models: Models, tmp_path: Path) -> None:
        sharded(tmp_path / "c", models).close()
        shutil.rmtree(tmp_path / "c" / "shard-1")
        for use in (check_store, upgrade_store):
            with pytest.raises(CollectionNotFoundError, match=r"shard-1: a shard of .* that is not there"):
                use(tmp_path / "c")
        with pytest.raises(CollectionNotFoundError, match="shard-1"):
            open_collection(tmp_path / "c", models=models)


class TestMaintaining:
    def test_checks_and_repairs_go_through_all_shards(self, files: Path, models: Models, tmp_path: Path) -> None:
        with sharded(tmp_path / "c", models, 2) as collection:
            collection.add_files([files])
            n = len(collection)
        assert upgrade_store(tmp_path / "c") == FORMAT_VERSION
        assert check_store(tmp_path / "c") == []
        for array in sorted((tmp_path / "c").glob("shard-*/segments/*/hashes.npy"))[::2]:
            array.write_bytes(array.read_bytes()[:-8] + b"\0" * 8)
        assert len(check_store(tmp_path / "c")) > 1
        report = repair_collection(tmp_path / "c", models=models)
        assert report.described
        assert not report.lost
        assert check_store(tmp_path / "c") == list(report.problems) == []
        with open_collection(tmp_path / "c", models=models) as collection:
            assert len(collection) == n

    def test_commands(self, files: Path, tmp_path: Path) -> None:
        def run(*arguments: object, code: int = 0) -> str:
            result = CliRunner().invoke(main, list(map(str, arguments)))
            assert result.exit_code == code, result.output
            return result.stdout

        folder = tmp_path / "c"
        run("index", "shard", folder, code=2)
        assert "2 shards, 0 references" in run("index", "shard", folder, "--new", "2")
        made = json.loads(run("index", "shard", folder, tmp_path / "far", "--json"))
        assert made["shards"][-1] == str(tmp_path / "far")
        run("index", "add", folder, files, "-q", code=1)
        assert f"{'shards':<20} 3" in run("index", "info", folder)
        assert json.loads(run("index", "info", folder, "--json"))["shards"] == 3
        listed = run("index", "list", folder).splitlines()
        assert listed == sorted(listed)
        assert len(listed) == len(list(files.iterdir())) - 1
        assert [json.loads(line)["id"] for line in run("index", "list", folder, "--json").splitlines()] == listed
        assert "rocket.png" in run("search", folder, files / "rocket.png")
        matches = tmp_path / "m.csv"
        run("challenge", "match", "--queries", files, "--references", folder, "--out", matches, "-q", code=1)
        assert matches.read_text().count("\n") > 10
        assert "2 removed" in run("index", "remove", folder, "rocket.png", "moon.png")
        run("index", "compact", folder)
        assert "sound" in run("index", "check", folder)
