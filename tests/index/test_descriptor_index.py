"""The setting `descriptor_index`: kept by the collection, followed by what is added, merged and repaired later."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from fingerprint.collection.collection import create_collection, open_collection
from fingerprint.collection.repair import repair_collection
from fingerprint.config import DEFAULT_CONFIG, DESCRIPTOR_INDICES, CandidateConfig, Config, DescriptorIndex
from fingerprint.errors import CollectionCorruptError, ConfigError
from fingerprint.index import check_store
from fingerprint.models import Models
from fingerprint.types import U8
from fingerprint.vectorfiles import VectorSet


def config_with(kind: DescriptorIndex) -> Config:
    """Settings in which two references are many."""
    caps = dataclasses.replace(DEFAULT_CONFIG.candidates, descriptor_index=kind, annoy_from=2)
    return dataclasses.replace(DEFAULT_CONFIG, candidates=caps)


def trees_of(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.rglob("descriptors.ann"))


def vectors(n: int, seed: int) -> VectorSet:
    found = np.random.default_rng(seed).normal(size=(n, 32))
    return VectorSet.of([f"{seed}-{i}" for i in range(n)], found, "net")


@pytest.fixture
def two(photos: dict[str, U8]) -> list[tuple[str, U8]]:
    return [("coffee", photos["coffee"]), ("rocket", photos["rocket"])]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("auto", ["000001"]), ("annoy", ["000001", "000002"]), ("exact", [])],
)
def test_it_says_which_segments_get_trees(
    kind: DescriptorIndex, expected: list[str], tmp_path: Path, two: list[tuple[str, U8]], photos: dict[str, U8]
) -> None:
    folder = tmp_path / "c"
    with create_collection(folder, config=config_with(kind)) as collection:
        collection.add_many(two)
        collection.add("chelsea", photos["chelsea"])
        info = collection.info()
        assert (info.descriptor_index, info.segments_with_trees) == (kind, len(expected))
        assert collection.search(photos["coffee"])[0].reference_id == "coffee"
    assert trees_of(folder) == expected
    assert check_store(folder) == []


@pytest.mark.parametrize("kind", DESCRIPTOR_INDICES)
def test_a_collection_keeps_the_setting_it_was_made_with(
    kind: DescriptorIndex, tmp_path: Path, two: list[tuple[str, U8]]
) -> None:
    folder = tmp_path / "c"
    create_collection(folder, config=config_with(kind)).close()
    other = config_with("exact" if kind == "annoy" else "annoy")
    with open_collection(folder, config=other) as collection:
        for name, pixels in two:
            collection.add(name, pixels)
        assert len(trees_of(folder)) == (2 if kind == "annoy" else 0)
        collection.compact()
        assert len(trees_of(folder)) == (0 if kind == "exact" else 1)
        assert collection.info().descriptor_index == kind
    for trees in trees_of(folder):
        (folder / "segments" / trees / "hashes.npy").unlink()
        report = repair_collection(folder, config=other)  # cannot describe arrays again: everything is lost
        assert (len(report.lost), report.problems) == (2, ())


@pytest.mark.parametrize(("kind", "n_trees"), [("auto", 1), ("annoy", 2), ("exact", 0)])
def test_imported_vectors_follow_it_too(kind: DescriptorIndex, n_trees: int, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    one, more = vectors(1, 1), vectors(9, 2)
    with create_collection(folder, config=config_with(kind)) as collection:
        collection.import_vectors(one)
        collection.import_vectors(more)
        assert len(trees_of(folder)) == n_trees
        (found,) = collection.nearest(more.vectors[3:4], "net", n_results=2)
        assert (found[0].reference_id, found[0].distance) == ("2-3", 0.0)


def test_a_collection_from_before_is_one_with_auto(tmp_path: Path, models: Models) -> None:
    """Formats 3 and 4 were written without the setting; its manifest has to stay as it is."""
    folder = tmp_path / "c"
    create_collection(folder).close()
    with_setting = (folder / "collection.json").read_text()
    assert json.loads(with_setting)["descriptor_index"] == "auto"
    golden = tmp_path / "unsaid"
    create_collection(golden, config=config_with("exact")).close()
    strip_setting(golden)
    with open_collection(golden, models=models) as collection:
        assert collection.info().descriptor_index == "auto"
    assert "descriptor_index" not in json.loads((golden / "collection.json").read_text())


def strip_setting(folder: Path, **instead: str) -> None:
    """Write the manifest of a collection without the setting, or with another one, and note it in the catalogue."""
    from fingerprint.index.atomic_folder import json_bytes
    from fingerprint.index.catalogue import Catalogue
    from fingerprint.index.layout import MANIFEST_FACT

    path = folder / "collection.json"
    entries = {k: v for k, v in json.loads(path.read_text()).items() if k != "descriptor_index"}
    data = json_bytes({**entries, **instead})
    path.write_bytes(data)
    catalogue = Catalogue(folder / "catalogue.sqlite")
    with catalogue.change():
        catalogue.set_fact(MANIFEST_FACT, data.decode())
    catalogue.close()


def test_what_is_no_kind_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"descriptor_index 'faiss' is none of 'auto', 'annoy', 'exact'"):
        CandidateConfig(descriptor_index="faiss")  # type: ignore[arg-type]
    folder = tmp_path / "c"
    create_collection(folder).close()
    strip_setting(folder, descriptor_index="faiss")
    with pytest.raises(CollectionCorruptError, match=r"collection\.json: descriptor_index is 'faiss'"):
        open_collection(folder)
