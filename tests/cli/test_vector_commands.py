"""Vectors of other models in a collection: taken in, written out, searched; pictures know nothing of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from scipy.spatial.distance import cdist

from fingerprint import Collection, create_collection, open_collection
from fingerprint.challenge import read_descriptors
from fingerprint.cli import main
from fingerprint.config import Config, StorageConfig
from fingerprint.errors import ChallengeFileError, CollectionBusyError, ConfigError, ModelMismatchError, UnknownIdError
from fingerprint.exact_search import global_nearest, nearest
from fingerprint.index import Neighbour, check_store
from fingerprint.models import Models
from fingerprint.types import F32, U8
from fingerprint.vectorfiles import ENDINGS, VectorSet, read_vectors, write_vectors

GOOD = ("astronaut", "chelsea", "coffee", "rocket")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")


def done(*arguments: object, code: int = 0) -> Result:
    result = run(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def unit(n: int, d: int, seed: int) -> F32:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def learned(n: int = 60, d: int = 512, seed: int = 1, model_id: str | None = "net") -> VectorSet:
    """Vectors as of a learned model: some ids are those of pictures, most are not."""
    names = [*(f"{name}.jpg" for name in GOOD), *(f'elsewhere/{i}, "{i}"' for i in range(n - len(GOOD)))]
    return VectorSet(tuple(names[:n]), unit(n, d, seed), model_id)


def brute_force(queries: F32, references: VectorSet, k: int) -> list[list[tuple[str, float]]]:
    apart = cdist(queries.astype(np.float64), references.vectors.astype(np.float64))
    return [
        sorted(zip(row.tolist(), references.ids, strict=True))[:k]  # type: ignore[misc]
        for row in apart
    ]


def assert_found(found: list[list[Neighbour]], queries: F32, references: VectorSet, k: int) -> None:
    expected = brute_force(queries, references, k)
    assert [[m.reference_id for m in own] for own in found] == [[name for _, name in own] for own in expected]
    ours = [m.distance for own in found for m in own]
    assert ours == pytest.approx([distance for own in expected for distance, _ in own], rel=1e-9, abs=1e-12)


def stored(folder: Path, model_id: str | None = None) -> dict[str, bytes]:
    with open_collection(folder) as collection:
        names, vectors = collection._reader.vectors(model_id)
    return {name: vector.tobytes() for name, vector in zip(names, vectors, strict=True)}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "segments").rglob("*.npy")}


@pytest.fixture(scope="module")
def pictures(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors") / "pictures"
    folder.mkdir()
    for name in GOOD:
        image = Image.fromarray(photos[name])
        image.thumbnail((320, 320))
        image.save(folder / f"{name}.jpg", quality=92)
    return folder


@pytest.fixture(scope="module")
def made(pictures: Path) -> Path:
    with create_collection(pictures.parent / "made") as collection:
        collection.add_files([pictures])
    return pictures.parent / "made"


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Path:
    """Return a copy of a collection of pictures."""
    shutil.copytree(made, tmp_path / "own.fp")
    return tmp_path / "own.fp"


class TestLibrary:
    @pytest.mark.parametrize("n_queries", [1, 3, 40])
    @pytest.mark.parametrize("exact", [False, True])
    def test_the_nearest_are_those_of_brute_force(self, own: Path, n_queries: int, exact: bool) -> None:
        references, queries = learned(), unit(n_queries, 512, 7)
        with open_collection(own) as collection:
            assert collection.import_vectors(references).added == 60
            assert_found(collection.nearest(queries, "net", n_results=5, exact=exact), queries, references, 5)
            asked = VectorSet(tuple(map(str, range(n_queries))), queries, "net")
            assert_found(collection.nearest(asked), queries, references, 10)
            assert_found(collection.nearest(queries, "net", n_results=99), queries, references, 60)
        assert check_store(own) == []

    def test_trees_in_large_segments_give_the_same_distances(self, tmp_path: Path, models: Models) -> None:
        config = Config()
        config = replace(config, candidates=replace(config.candidates, annoy_from=50))
        references, queries = learned(), unit(3, 512, 7)
        with create_collection(tmp_path / "c", models=models, config=config) as collection:
            collection.import_vectors(references)
            assert list((tmp_path / "c").rglob("*.ann"))
            assert_found(collection.nearest(queries, "net", n_results=5), queries, references, 5)
        assert check_store(tmp_path / "c") == []

    def test_lengths_count_and_ties_are_broken_by_id(self, own: Path) -> None:
        vectors = np.array([[3, 0], [1, 0], [1, 0], [0, 0]], np.float32)
        with open_collection(own) as collection:
            collection.import_vectors(VectorSet(("far", "b", "a", "zero"), vectors), "m")
            (found,) = collection.nearest(np.array([[1, 0]], np.float32), "m")
        assert found == [Neighbour("a", 0.0), Neighbour("b", 0.0), Neighbour("zero", 1.0), Neighbour("far", 2.0)]

    def test_what_is_there_costs_nothing(self, own: Path, tmp_path: Path) -> None:
        references = learned()
        with open_collection(own) as collection:
            collection.import_vectors(references)
            before, listed = content(own), collection.info()
            again = collection.import_vectors(references)
            assert (again.added, again.unchanged, again.replaced) == (0, 60, 0)
            assert content(own) == before
            assert collection.info().imported == listed.imported

    def test_rows_that_changed_take_the_place_of_the_old(self, own: Path) -> None:
        first = learned()
        vectors = first.vectors.copy()
        vectors[7] = -vectors[7]
        vectors[9, 0] = np.nextafter(vectors[9, 0], np.float32(9))
        second = VectorSet((*first.ids, "new"), np.vstack([vectors, unit(1, 512, 5)]), "net")
        with open_collection(own) as collection:
            collection.import_vectors(first)
            report = collection.import_vectors(second)
            assert (report.model_id, report.added, report.unchanged, report.replaced) == ("net", 1, 58, 2)
            queries = unit(20, 512, 8)
            assert_found(collection.nearest(queries, "net"), queries, second, 10)
        assert stored(own, "net") == {n: v.tobytes() for n, v in zip(second.ids, second.vectors, strict=True)}
        assert check_store(own) == []

    def test_zero_and_minus_zero_differ(self, own: Path) -> None:
        with open_collection(own) as collection:
            collection.import_vectors(VectorSet.of(["a"], [[0.0]], "m"))
            assert collection.import_vectors(VectorSet.of(["a"], [[-0.0]], "m")).replaced == 1
        assert stored(own, "m") == {"a": np.float32(-0.0).tobytes()}

    def test_blocks_are_published_one_by_one(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fingerprint.collection.vectors._ROWS_AT_ONCE", 7)
        references, told = learned(), list[tuple[int, int]]()
        with open_collection(own) as collection:
            assert collection.import_vectors(references, progress=lambda *a: told.append(a)).added == 60
            assert told == [(done_, 60) for done_ in (*range(7, 60, 7), 60)]
            assert collection.import_vectors(references).unchanged == 60
            queries = unit(20, 512, 8)
            assert_found(collection.nearest(queries, "net"), queries, references, 10)
        assert check_store(own) == []

    def test_an_interrupted_import_goes_on(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fingerprint.collection.vectors._ROWS_AT_ONCE", 20)

        def stop(done_: int, _: int) -> None:
            if done_ == 40:
                raise KeyboardInterrupt

        with open_collection(own) as collection:
            with pytest.raises(KeyboardInterrupt):
                collection.import_vectors(learned(), progress=stop)
            report = collection.import_vectors(learned())
            assert (report.added, report.unchanged, report.replaced) == (20, 40, 0)

    def test_compaction_keeps_them(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fingerprint.collection.vectors._ROWS_AT_ONCE", 10)
        references, queries = learned(), unit(20, 512, 8)
        with open_collection(own) as collection:
            collection.import_vectors(references)
            collection.remove([references.ids[3], references.ids[50]], "net")
            left = [i for i in range(60) if i not in (3, 50)]
            rest = VectorSet(tuple(references.ids[i] for i in left), references.vectors[left])
            before = collection.nearest(queries, "net")
            assert collection.compact() > 0
            assert collection.nearest(queries, "net") == before
            assert_found(before, queries, rest, 10)
            assert collection.info().imported[0].segments == 1
            assert collection.import_vectors(references).added == 2
        assert check_store(own) == []

    def test_two_models_know_nothing_of_each_other(self, own: Path) -> None:
        one, two = learned(), learned(n=30, d=64, seed=2, model_id="other")
        with open_collection(own) as collection:
            for offered in (one, two):
                collection.import_vectors(offered)
            for offered in (one, two):
                queries = unit(5, offered.vectors.shape[1], 9)
                assert_found(collection.nearest(queries, offered.model_id), queries, offered, 10)
            info = collection.info()
            assert [(i.model_id, i.vectors, i.dimension) for i in info.imported] == [
                ("net", 60, 512),
                ("other", 30, 64),
            ]
            assert (len(collection), info.references) == (4, 4)
        assert check_store(own) == []

    def test_removal_of_one_model_and_of_all(self, own: Path) -> None:
        with open_collection(own) as collection:
            collection.import_vectors(learned())
            collection.import_vectors(learned(n=4, d=8), "other")
            collection.remove(["coffee.jpg"], "net")
            assert "coffee.jpg" in collection
            collection.remove(["chelsea.jpg"])
            assert "chelsea.jpg" not in collection
            with pytest.raises(UnknownIdError):
                collection.remove(["coffee.jpg"], "net")
            with pytest.raises(ModelMismatchError, match="no vectors of nett; there are net, other"):
                collection.remove(["coffee.jpg"], "nett")
        assert len(stored(own, "net")) == 58
        assert set(stored(own, "other")) == {"astronaut.jpg", "coffee.jpg", "rocket.jpg"}

    def test_searches_of_pictures_do_not_change(self, own: Path, pictures: Path) -> None:
        def search(collection: Collection) -> list[Any]:
            found = [collection.search(pictures / f"{name}.jpg", min_probability=0.0) for name in GOOD]
            return [[(m.reference_id, m.verification.log_odds) for m in own_] for own_ in found]

        with open_collection(own) as collection:
            before, ids, descriptors = search(collection), collection.ids, collection.descriptors()
            collection.import_vectors(learned())
            collection.import_vectors(learned(d=256), "same-size")
            assert search(collection) == before
            collection.compact()
            assert search(collection) == before
            assert collection.ids == ids
            assert collection.descriptors().tobytes() == descriptors.tobytes()

    def test_a_file_that_was_skipped_stays_noted(self, own: Path, tmp_path: Path) -> None:
        torn = tmp_path / "torn.jpg"
        torn.write_bytes(b"")
        with open_collection(own) as collection:
            collection.add_files([torn])
            collection.import_vectors(VectorSet.of([str(torn)], [[1.0]], "m"))
            assert [item.path for item in collection.info().skipped] == [str(torn)]

    def test_queries_in_any_order_of_memory_and_of_any_size(self, own: Path) -> None:
        chance = np.random.default_rng(3)
        with open_collection(own) as collection:
            for scale in (3e38, 1e18, 1e-30, 1e-42):
                vectors = (chance.uniform(-1, 1, (40, 8)) * scale).astype(np.float32)
                references = VectorSet(tuple(f"{i:02d}" for i in range(40)), vectors, f"of {scale}")
                collection.import_vectors(references)
                for n_queries in (3, 20):
                    queries = (chance.uniform(-1, 1, (n_queries, 8)) * scale).astype(np.float32)
                    found = collection.nearest(np.asfortranarray(queries), references.model_id, n_results=5)
                    wanted = brute_force(queries, references, 5)
                    assert [[m.reference_id for m in o] for o in found] == [[name for _, name in o] for o in wanted]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_out_and_in_again_bit_for_bit(self, ending: str, own: Path, tmp_path: Path, models: Models) -> None:
        with open_collection(own) as collection:
            collection.import_vectors(learned())
            assert collection.export_vectors(tmp_path / f"net{ending}", "net") == 60
            assert collection.export_vectors(tmp_path / f"own{ending}") == 4
        with create_collection(tmp_path / "second", models=models) as second:
            assert second.import_vectors(tmp_path / f"net{ending}", "net").added == 60
            with pytest.raises(ModelMismatchError, match=r"is its own model.*add the images instead"):
                second.import_vectors(tmp_path / f"own{ending}", models.model_id)
        assert stored(tmp_path / "second", "net") == stored(own, "net")
        exported = read_vectors(tmp_path / f"own{ending}")
        assert {n: v.tobytes() for n, v in zip(exported.ids, exported.vectors, strict=True)} == stored(own)
        assert exported.model_id == (None if ending == ".csv" else models.model_id)

    def test_an_export_has_what_is_not_removed_across_segments(self, own: Path, tmp_path: Path) -> None:
        config = Config(storage=StorageConfig(merge_factor=100))
        references = learned()
        with open_collection(own, config=config) as collection:
            for start in range(0, 60, 9):
                part = slice(start, start + 9)
                collection.import_vectors(VectorSet(references.ids[part], references.vectors[part], "net"))
            gone = references.ids[1::3]
            collection.remove(gone, "net")
            for ending in ENDINGS:
                collection.export_vectors(tmp_path / f"x{ending}", "net")
                assert len(read_vectors(tmp_path / f"x{ending}")) == 40
        expected = {n: v.tobytes() for n, v in zip(references.ids, references.vectors, strict=True) if n not in gone}
        for ending in ENDINGS:
            found = read_vectors(tmp_path / f"x{ending}")
            assert {n: v.tobytes() for n, v in zip(found.ids, found.vectors, strict=True)} == expected

    def test_what_is_refused(self, own: Path, tmp_path: Path, models: Models) -> None:
        with open_collection(own) as collection:
            with pytest.raises(ConfigError, match="the model that made the vectors is not named"):
                collection.import_vectors(learned(model_id=None))
            with pytest.raises(ConfigError, match="the model id '' is empty"):
                collection.import_vectors(learned(), "")
            with pytest.raises(ModelMismatchError, match="its own model"):
                collection.import_vectors(learned(d=256), models.model_id)
            collection.import_vectors(learned())
            with pytest.raises(ModelMismatchError, match="512 dimensions, the new ones 8; import them under"):
                collection.import_vectors(learned(d=8))
            with pytest.raises(ModelMismatchError, match="512 dimensions, the queries 8"):
                collection.nearest(unit(1, 8, 1), "net")
            with pytest.raises(ModelMismatchError, match=r"no vectors of nett; there are net, vlad"):
                collection.nearest(unit(1, 512, 1), "nett")
            with pytest.raises(ModelMismatchError, match="no vectors of nett; there are"):
                collection.export_vectors(tmp_path / "x.npz", "nett")
            with pytest.raises(ConfigError, match="n_results is -1"):
                collection.nearest(unit(1, 512, 1), "net", n_results=-1)
            for wrong in (np.ones(512, np.float32), np.ones((1, 512)), np.full((1, 512), np.nan, np.float32)):
                with pytest.raises(ConfigError):
                    collection.nearest(wrong, "net")  # type: ignore[arg-type]
            assert collection.nearest(unit(2, 512, 1), "net", n_results=0) == [[], []]
            assert collection.nearest(np.empty((0, 512), np.float32), "net") == []
            with open_collection(own) as other, other._writer.writing(), pytest.raises(CollectionBusyError):
                collection.import_vectors(learned())
            collection.remove(learned().ids, "net")
            with pytest.raises(ConfigError, match="no vectors of net to write"):
                collection.export_vectors(tmp_path / "x.npz", "net")
            assert collection.nearest(unit(2, 512, 1), "net") == [[], []]
        assert check_store(own) == []

    def test_an_empty_collection_has_nothing_to_write_or_find(self, tmp_path: Path, models: Models) -> None:
        with create_collection(tmp_path / "c", models=models) as collection:
            with pytest.raises(ConfigError, match="to write; add some first"):
                collection.export_vectors(tmp_path / "x.npz")
            collection.import_vectors(learned())
            assert len(collection) == 0


class TestCommands:
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_import_search_and_export(self, ending: str, own: Path, tmp_path: Path) -> None:
        references, queries = learned(), unit(3, 512, 7)
        write_vectors(tmp_path / f"r{ending}", references.ids, references.vectors)
        write_vectors(tmp_path / f"q{ending}", ["q,0", "q1", "q2"], queries)
        (report,) = lines(done("index", "import", own, tmp_path / f"r{ending}", "--model-id", "net", "--json"))
        assert report == {
            "collection": str(own),
            "model_id": "net",
            "added": 60,
            "unchanged": 0,
            "replaced": 0,
            "vectors": 60,
            "dimension": 512,
        }
        asked = ("search", own, tmp_path / f"q{ending}", "--model-id", "net")
        found = lines(done(*asked, "-k", 3, "--json"))
        assert [(item["query"], item["model_id"]) for item in found] == [(q, "net") for q in ("q,0", "q1", "q2")]
        expected = brute_force(queries, references, 3)
        for item, wanted in zip(found, expected, strict=True):
            assert [m["reference"] for m in item["matches"]] == [name for _, name in wanted]
            assert [m["distance"] for m in item["matches"]] == pytest.approx([distance for distance, _ in wanted])
        assert lines(done(*asked, "-k", 3, "--json", "--exact")) == found
        (told,) = lines(done("index", "export", own, tmp_path / f"e{ending}", "--model-id", "net", "--json"))
        out = str(tmp_path / f"e{ending}")
        assert told == {"collection": str(own), "out": out, "model_id": "net", "vectors": 60}
        exported = read_vectors(out)
        assert {n: v.tobytes() for n, v in zip(exported.ids, exported.vectors, strict=True)} == stored(own, "net")
        assert done("index", "check", own).stdout == f"{own}: sound\n"

    def test_what_they_say_in_text(self, own: Path, tmp_path: Path) -> None:
        references = learned()
        write_vectors(tmp_path / "r.npz", references.ids, references.vectors, "net")
        said = done("index", "import", own, tmp_path / "r.npz").stdout
        assert said == f"{own}: 60 added, 0 unchanged, 0 replaced; net: 60 vectors of 512 dimensions\n"
        said = done("index", "export", own, tmp_path / "e.csv", "--model-id", "net").stdout
        assert said == f"{tmp_path / 'e.csv'}: 60 vectors of net\n"
        np.savez(tmp_path / "q.npz", ids=["q0"], descriptors=references.vectors[1:2])
        said = done("search", own, tmp_path / "q.npz", "--model-id", "net", "-k", 1).stdout
        assert said == "query  reference      distance\nq0     chelsea.jpg    0.000000\n"
        info = done("index", "info", own).stdout
        assert (
            "imported             1\n  net: 60 vectors of 512 dimensions in 1 segment\nskipped              0\n" in info
        )
        (facts,) = lines(done("index", "info", own, "--json"))
        assert facts["imported"] == [{"model_id": "net", "vectors": 60, "dimension": 512, "segments": 1}]

    def test_a_collection_without_imported_vectors(self, own: Path) -> None:
        assert "imported             0\n" in done("index", "info", own).stdout
        assert lines(done("index", "info", own, "--json"))[0]["imported"] == []

    def test_the_collections_own_vectors_are_searched_by_another_one_s(
        self, own: Path, pictures: Path, tmp_path: Path, models: Models
    ) -> None:
        done("index", "create", tmp_path / "queries.fp", pictures / "coffee.jpg", pictures / "rocket.jpg")
        for ending in (".npz", ".h5"):
            done("index", "export", tmp_path / "queries.fp", tmp_path / f"q{ending}")
            found = lines(done("search", own, tmp_path / f"q{ending}", "-k", 1, "--json"))
            assert [(f["query"], f["model_id"], f["matches"]) for f in found] == [
                (name, models.model_id, [{"reference": name, "distance": 0.0}]) for name in ("coffee.jpg", "rocket.jpg")
            ]

    def test_max_distance(self, own: Path, tmp_path: Path) -> None:
        np.savez(tmp_path / "r.npz", ids=["a", "b", "c"], descriptors=[[0.0], [3.0], [5.0]], model_id="m")
        np.savez(tmp_path / "q.npz", ids=["near", "far"], descriptors=[[0.0], [99.0]], model_id="m")
        done("index", "import", own, tmp_path / "r.npz")
        near, far = lines(done("search", own, tmp_path / "q.npz", "--max-distance", 3, "--json"))
        assert [m["reference"] for m in near["matches"]] == ["a", "b"]
        assert far["matches"] == []
        text = done("search", own, tmp_path / "q.npz", "--max-distance", 3).stdout.splitlines()
        assert text[-1] == "far    nothing found"
        for wrong in ("nan", "-1"):
            assert "--max-distance" in done("search", own, tmp_path / "q.npz", "--max-distance", wrong, code=2).stderr

    def test_many_queries_go_in_parts(self, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fingerprint.cli.vectors._QUERIES_AT_ONCE", 7)
        references, queries = learned(), unit(20, 512, 3)
        write_vectors(tmp_path / "r.npz", references.ids, references.vectors, "net")
        write_vectors(tmp_path / "q.npz", [f"q{i}" for i in range(20)], queries, "net")
        done("index", "import", own, tmp_path / "r.npz")
        found = lines(done("search", own, tmp_path / "q.npz", "-k", 2, "--json"))
        assert [item["query"] for item in found] == [f"q{i}" for i in range(20)]
        wanted = [[name for _, name in each] for each in brute_force(queries, references, 2)]
        assert [[m["reference"] for m in item["matches"]] for item in found] == wanted

    def test_several_files_of_queries(self, own: Path, tmp_path: Path) -> None:
        write_vectors(tmp_path / "r.npz", ["a", "b"], np.eye(2, dtype=np.float32), "m")
        write_vectors(tmp_path / "q.npz", ["q0"], np.eye(2, dtype=np.float32)[:1], "m")
        write_vectors(tmp_path / "q.h5", ["q1"], np.eye(2, dtype=np.float32)[1:], "m")
        done("index", "import", own, tmp_path / "r.npz")
        found = lines(done("search", own, tmp_path / "q.npz", tmp_path / "q.h5", "-k", 1, "--json"))
        assert [(item["query"], item["matches"][0]["reference"]) for item in found] == [("q0", "a"), ("q1", "b")]

    def test_images_and_vectors_are_not_mixed(self, own: Path, pictures: Path, tmp_path: Path) -> None:
        write_vectors(tmp_path / "q.npz", ["q"], np.ones((1, 2), np.float32), "m")
        told = done("search", own, tmp_path / "q.npz", pictures, code=2).stderr
        assert "q.npz has vectors" in told
        assert "images: search for them in two commands" in told

    @pytest.mark.parametrize("option", [("--min-score", "0.9"), ("--profile", "thorough"), ("--show-shared",)])
    def test_options_for_images_are_refused_with_vectors(
        self, option: tuple[str, ...], own: Path, tmp_path: Path
    ) -> None:
        write_vectors(tmp_path / "q.npz", ["q"], np.ones((1, 2), np.float32), "m")
        told = done("search", own, tmp_path / "q.npz", *option, code=2).stderr
        assert f"{option[0]} is for images: leave it out if queries are vectors" in told

    @pytest.mark.parametrize("option", [("--max-distance", "1"), ("--model-id", "m")])
    def test_options_for_vectors_are_refused_with_images(
        self, option: tuple[str, str], own: Path, pictures: Path
    ) -> None:
        told = done("search", own, pictures, *option, code=2).stderr
        assert f"{option[0]} is for files of vectors: leave it out for images" in told

    def test_an_image_with_the_name_of_a_folder_of_vectors(self, own: Path, pictures: Path, tmp_path: Path) -> None:
        shutil.copytree(pictures, tmp_path / "photos.npz")
        found = lines(done("search", own, tmp_path / "photos.npz", "--json"))
        assert len(found) == 4

    def test_remove_by_model(self, own: Path, tmp_path: Path) -> None:
        write_vectors(tmp_path / "r.npz", learned().ids, learned().vectors, "net")
        done("index", "import", own, tmp_path / "r.npz")
        (told,) = lines(done("index", "remove", own, "coffee.jpg", "--model-id", "net", "--json"))
        assert told == {"collection": str(own), "removed": ["coffee.jpg"], "references": 4, "model_id": "net"}
        said = done("index", "remove", own, "coffee.jpg", "--model-id", "net", code=2).stderr
        assert "coffee.jpg: no such id" in said
        assert done("index", "remove", own, "rocket.jpg").stdout == f"{own}: 1 removed; 3 references left\n"
        assert "rocket.jpg" not in stored(own, "net")
        assert len(stored(own, "net")) == 58

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                ("index", "import", "{own}", "{dir}/plain.npz"),
                "plain.npz: the model that made the vectors is not named",
            ),
            (("index", "import", "{own}", "{dir}/torn.npz"), "torn.npz: not a sound NPZ archive"),
            (
                ("index", "import", "{own}", "{dir}/x.txt", "--model-id", "m"),
                "x.txt: not a file of vectors by its name",
            ),
            (("index", "import", "{own}", "{dir}/no.npz", "--model-id", "m"), "does not exist"),
            (("index", "export", "{own}", "{dir}/x.txt"), "x.txt: not a file of vectors by its name"),
            (("index", "export", "{own}", "{dir}/none/x.npz"), "does not exist; make it first"),
            (("index", "export", "{own}", "{dir}/x.npz", "--model-id", "m"), "no vectors of m; there are vlad"),
            (("index", "export", "{own}", "{dir}/x.npz", "--queries", "{dir}/plain.npz"), "challenge's HDF5 file"),
            (("search", "{own}", "{dir}/plain.npz"), "plain.npz: the model that made the vectors is not named"),
            (("search", "{own}", "{dir}/plain.npz", "--model-id", "m"), "no vectors of m; there are vlad"),
            (("search", "{own}", "{dir}/torn.npz"), "torn.npz: not a sound NPZ archive"),
        ],
    )
    def test_what_cannot_be_done_is_said_in_a_line(
        self, arguments: tuple[str, ...], said: str, own: Path, tmp_path: Path
    ) -> None:
        np.savez(tmp_path / "plain.npz", ids=["a"], descriptors=np.ones((1, 2), np.float32))
        (tmp_path / "torn.npz").write_bytes((tmp_path / "plain.npz").read_bytes()[:100])
        (tmp_path / "x.txt").write_text("a letter")
        result = done(*(a.format(own=own, dir=tmp_path) for a in arguments), code=2)
        assert said in result.stderr
        assert result.stdout == ""
        assert check_store(own) == []


class TestChallenge:
    def test_a_descriptor_track_file_goes_in_and_is_searched_as_the_judge_would(
        self, pictures: Path, own: Path, tmp_path: Path
    ) -> None:
        track = tmp_path / "track.h5"
        done("challenge", "describe", "--queries", pictures, "--references", pictures, "--out", track)
        done("index", "import", own, track, "--model-id", "track")
        found = lines(done("search", own, track, "--model-id", "track", "-k", 4, "--json"))
        both = read_descriptors(track)
        rows, squared = nearest(both.query, both.reference, 4)
        assert [item["query"] for item in found] == list(both.query_ids)
        for item, row, apart in zip(found, rows, squared, strict=True):
            assert [m["reference"] for m in item["matches"]] == [both.reference_ids[i] for i in row]
            assert [m["distance"] ** 2 for m in item["matches"]] == pytest.approx(apart.tolist(), abs=1e-12)
        q, r, pairs = global_nearest(both.query, both.reference, 8)
        ours = sorted((m["distance"], item["query"], m["reference"]) for item in found for m in item["matches"])[:8]
        judged = zip(q.tolist(), r.tolist(), strict=True)
        assert {(a, b) for _, a, b in ours} == {(both.query_ids[a], both.reference_ids[b]) for a, b in judged}
        assert [distance**2 for distance, _, _ in ours] == pytest.approx(pairs.tolist(), abs=1e-12)

    def test_a_whole_file_is_written_with_the_queries(self, own: Path, tmp_path: Path) -> None:
        references = VectorSet(("R1", "R0"), unit(2, 8, 1), "net")
        with open_collection(own) as collection:
            collection.import_vectors(references)
        queries = unit(3, 8, 2)
        write_vectors(tmp_path / "q.npz", ["Q2", "Q0", "Q1"], queries, "net")
        asked = ("--model-id", "net", "--queries", tmp_path / "q.npz")
        done("index", "export", own, tmp_path / "whole.h5", *asked)
        whole = read_descriptors(tmp_path / "whole.h5")
        assert whole.reference_ids == ("R0", "R1")
        assert whole.reference.tobytes() == references.vectors[[1, 0]].tobytes()
        assert whole.query_ids == ("Q0", "Q1", "Q2")
        assert whole.query.tobytes() == queries[[1, 2, 0]].tobytes()
        (tmp_path / "truth.csv").write_text("query_id,reference_id\nQ0,R0\n")
        judged = ("challenge", "evaluate", "--ground-truth", tmp_path / "truth.csv")
        done(*judged, "--descriptors", tmp_path / "whole.h5")

    def test_a_whole_file_follows_the_challenges_rules(self, own: Path, tmp_path: Path) -> None:
        with open_collection(own) as collection:
            collection.import_vectors(learned())
            wide = VectorSet(("Q",), unit(1, 512, 1))
            with pytest.raises(ChallengeFileError, match=r"x\.h5: not written: .*512 dimensions, 256 are allowed"):
                collection.export_vectors(tmp_path / "x.h5", "net", queries=wide)
            with pytest.raises(ModelMismatchError, match="the queries are of other, the references of net"):
                collection.export_vectors(tmp_path / "x.h5", "net", queries=VectorSet(("Q",), wide.vectors, "other"))
        assert not (tmp_path / "x.h5").exists()
