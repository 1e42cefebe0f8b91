"""Trained arrays on disk: what is saved comes back, the same bytes each time, and nothing damaged gets in."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fingerprint.errors import ModelError
from fingerprint.models import (
    ARRAYS_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    CalibrationModel,
    DescriptorModel,
    Models,
    load_models,
    make_models,
    save_models,
)
from fingerprint.score import EVIDENCE_NAMES

WORDS, REDUCED, DIMENSION, BACKGROUND = 3, 4, 5, 6


def small_models(seed: int = 0, **changes: np.ndarray) -> Models:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    descriptor = DescriptorModel(
        signature_rotation=draw(128, 128),
        signature_thresholds=draw(128),
        local_mean=draw(128),
        local_basis=draw(128, REDUCED),
        codebook=draw(WORDS, REDUCED),
        projection_mean=draw(WORDS * REDUCED),
        projection=draw(WORDS * REDUCED, DIMENSION),
        background=draw(BACKGROUND, DIMENSION),
    )
    n = len(EVIDENCE_NAMES)
    calibration = CalibrationModel(rng.random(n), rng.random(n), rng.random(n) + 1, rng.random(1))
    in_descriptor = {name: array for name, array in changes.items() if hasattr(descriptor, name)}
    in_calibration = {name: array for name, array in changes.items() if hasattr(calibration, name)}
    return make_models(
        dataclasses.replace(descriptor, **in_descriptor),
        dataclasses.replace(calibration, **in_calibration),
        {"seed": seed, "note": "grün"},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_models(small_models(), tmp_path)
    return tmp_path


def change_manifest(folder: Path, **entries: object) -> None:
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | entries), encoding="utf-8")


def assert_same_models(a: Models, b: Models) -> None:
    assert (a.model_id, a.calibration_id, a.facts) == (b.model_id, b.calibration_id, b.facts)
    for part_a, part_b in ((a.descriptor, b.descriptor), (a.calibration, b.calibration)):
        for field in dataclasses.fields(part_a):
            one, other = getattr(part_a, field.name), getattr(part_b, field.name)
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


class TestRoundTrip:
    def test_what_is_saved_comes_back(self, saved: Path) -> None:
        assert_same_models(load_models(saved), small_models())

    def test_same_models_same_bytes(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            save_models(small_models(), tmp_path / name)
        for file in (ARRAYS_NAME, MANIFEST_NAME):
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()

    def test_saving_what_was_loaded_gives_the_same_bytes(self, saved: Path, tmp_path_factory) -> None:
        again = tmp_path_factory.mktemp("again")
        save_models(load_models(saved), again)
        for file in (ARRAYS_NAME, MANIFEST_NAME):
            assert (saved / file).read_bytes() == (again / file).read_bytes()

    def test_saving_over_others_leaves_the_new_ones(self, saved: Path) -> None:
        save_models(small_models(1), saved)
        assert_same_models(load_models(saved), small_models(1))

    def test_no_pickle(self, saved: Path) -> None:
        with zipfile.ZipFile(saved / ARRAYS_NAME) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    assert not np.lib.format.read_array(file, allow_pickle=False).dtype.hasobject

    def test_object_arrays_are_refused(self, tmp_path: Path) -> None:
        bad = small_models(background=np.array([[None] * DIMENSION], dtype=object))
        with pytest.raises(ValueError, match="allow_pickle"):
            save_models(bad, tmp_path)


class TestIds:
    def test_say_what_they_are_of(self) -> None:
        models = small_models()
        assert models.model_id.startswith(f"vlad{WORDS}-{DIMENSION}-")
        assert models.calibration_id.startswith("logistic-")

    @pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(DescriptorModel)])
    def test_one_changed_value_changes_the_models_id_only(self, name: str) -> None:
        before = small_models()
        array = getattr(before.descriptor, name).copy()
        array.flat[-1] += 1
        after = small_models(**{name: array})
        assert after.model_id != before.model_id
        assert after.calibration_id == before.calibration_id

    @pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(CalibrationModel)])
    def test_the_calibration_has_its_own(self, name: str) -> None:
        before = small_models()
        array = getattr(before.calibration, name).copy()
        array.flat[0] += 1
        after = small_models(**{name: array})
        assert after.model_id == before.model_id
        assert after.calibration_id != before.calibration_id

    def test_facts_and_memory_layout_do_not_count(self) -> None:
        models = small_models()
        turned = {
            f.name: np.asfortranarray(getattr(models.descriptor, f.name)) for f in dataclasses.fields(DescriptorModel)
        }
        again = make_models(DescriptorModel(**turned), models.calibration, {"other": "facts"})
        assert (again.model_id, again.calibration_id) == (models.model_id, models.calibration_id)

    def test_facts_are_a_copy(self) -> None:
        facts = {"seed": 1}
        models = make_models(small_models().descriptor, small_models().calibration, facts)
        facts["seed"] = 2
        assert models.facts["seed"] == 1


class TestDamage:
    @pytest.mark.parametrize("file", [ARRAYS_NAME, MANIFEST_NAME])
    def test_a_missing_file_is_named(self, file: str, saved: Path) -> None:
        (saved / file).unlink()
        with pytest.raises(ModelError, match=file):
            load_models(saved)

    @pytest.mark.parametrize("file", [ARRAYS_NAME, MANIFEST_NAME])
    @pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
    def test_a_file_cut_short(self, keep: float, file: str, saved: Path) -> None:
        data = (saved / file).read_bytes()
        (saved / file).write_bytes(data[: int(keep * len(data))])
        with pytest.raises(ModelError, match=str(saved)):
            load_models(saved)

    @pytest.mark.parametrize("part", ["head of the archive", "arrays", "directory of the archive", "manifest"])
    def test_a_flipped_bit_is_an_error_or_changes_nothing(self, part: str, saved: Path) -> None:
        file = saved / (MANIFEST_NAME if part == "manifest" else ARRAYS_NAME)
        whole = load_models(saved)
        data = file.read_bytes()
        rng = np.random.default_rng(0)
        places = {
            "head of the archive": lambda: np.arange(230),
            "arrays": lambda: rng.integers(230, len(data) - 1300, 150),
            "directory of the archive": lambda: np.arange(len(data) - 1300, len(data), 7),
            "manifest": lambda: np.arange(len(data)),
        }[part]
        for place in places():
            damaged = bytearray(data)
            damaged[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(damaged)
            try:
                loaded = load_models(saved)
            except ModelError:
                continue
            assert (loaded.model_id, loaded.calibration_id) == (whole.model_id, whole.calibration_id), place
            if part != "manifest":  # the facts may have changed, nothing else
                assert_same_models(loaded, whole)

    @pytest.mark.parametrize(("kind", "name"), [("model_id", "codebook"), ("calibration_id", "weights")])
    def test_other_arrays_than_the_manifest_says_are_refused_with_both_ids(
        self, kind: str, name: str, saved: Path, tmp_path_factory
    ) -> None:
        part = small_models().descriptor if kind == "model_id" else small_models().calibration
        changed = getattr(part, name).copy()
        changed.flat[0] += 1
        other = small_models(**{name: changed})
        elsewhere = tmp_path_factory.mktemp("other")
        save_models(other, elsewhere)
        (saved / ARRAYS_NAME).write_bytes((elsewhere / ARRAYS_NAME).read_bytes())
        with pytest.raises(ModelError) as caught:
            load_models(saved)
        assert getattr(other, kind) in str(caught.value)
        assert getattr(small_models(), kind) in str(caught.value)

    def test_another_format_version_is_refused_with_both(self, saved: Path) -> None:
        change_manifest(saved, format_version=FORMAT_VERSION + 41)
        with pytest.raises(ModelError, match=rf"version {FORMAT_VERSION + 41}.* reads {FORMAT_VERSION}"):
            load_models(saved)

    @pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', '{"format_version": 1, "facts": 3}'])
    def test_a_manifest_that_is_json_but_no_manifest(self, text: str, saved: Path) -> None:
        (saved / MANIFEST_NAME).write_text(text)
        with pytest.raises(ModelError):
            load_models(saved)

    def test_a_missing_array_is_named(self, saved: Path) -> None:
        with np.load(saved / ARRAYS_NAME) as archive:
            arrays = {name: archive[name] for name in archive.files if name != "descriptor.codebook"}
        np.savez(saved / ARRAYS_NAME, **arrays)
        with pytest.raises(ModelError, match=r"descriptor\.codebook"):
            load_models(saved)

    def test_one_array_in_place_of_the_archive(self, saved: Path) -> None:
        with (saved / ARRAYS_NAME).open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(ModelError):
            load_models(saved)

    def test_a_pickle_in_place_of_an_array_is_not_read(self, saved: Path) -> None:
        with np.load(saved / ARRAYS_NAME) as archive:
            arrays = {name: archive[name] for name in archive.files}
        arrays["descriptor.codebook"] = np.array([[1]], dtype=object)
        np.savez(saved / ARRAYS_NAME, **arrays)
        with pytest.raises(ModelError):
            load_models(saved)

    def test_no_folder_at_all_says_how_to_train(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="fingerprint train"):
            load_models(tmp_path / "nowhere")


class TestShapes:
    @pytest.mark.parametrize(
        ("name", "shape"),
        [
            ("signature_rotation", (128, 127)),
            ("signature_thresholds", (64,)),
            ("local_mean", (127,)),
            ("local_basis", (128, REDUCED + 1)),
            ("codebook", (WORDS, REDUCED, 1)),
            ("codebook", (WORDS + 1, REDUCED)),
            ("projection_mean", (WORDS * REDUCED + 1,)),
            ("projection", (WORDS * REDUCED + 1, DIMENSION)),
            ("background", (BACKGROUND, DIMENSION + 1)),
            ("background", (DIMENSION,)),
        ],
    )
    def test_arrays_that_do_not_fit_are_named(self, name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
        save_models(small_models(**{name: np.zeros(shape, np.float32)}), tmp_path)
        with pytest.raises(ModelError, match="expected float32"):
            load_models(tmp_path)

    @pytest.mark.parametrize("name", ["codebook", "projection", "background", "signature_rotation"])
    def test_single_precision_only(self, name: str, tmp_path: Path) -> None:
        array = getattr(small_models().descriptor, name).astype(np.float64)
        save_models(small_models(**{name: array}), tmp_path)
        with pytest.raises(ModelError, match=f"{name} is float64"):
            load_models(tmp_path)

    def test_more_dimensions_than_the_challenge_allows(self, tmp_path: Path) -> None:
        projection = np.zeros((WORDS * REDUCED, 257), np.float32)
        save_models(small_models(projection=projection, background=np.zeros((2, 257), np.float32)), tmp_path)
        with pytest.raises(ModelError, match="257"):
            load_models(tmp_path)

    def test_a_calibration_whose_arrays_differ_in_length(self, tmp_path: Path) -> None:
        save_models(small_models(centre=np.zeros(3)), tmp_path)
        with pytest.raises(ModelError, match="do not fit each other"):
            load_models(tmp_path)

    def test_no_background_is_allowed(self, tmp_path: Path) -> None:
        save_models(small_models(background=np.zeros((0, DIMENSION), np.float32)), tmp_path)
        assert load_models(tmp_path).descriptor.background.shape == (0, DIMENSION)


class TestShipped:
    def test_load_and_fit_this_version(self, models: Models) -> None:
        assert models.calibration.weights.shape == (len(EVIDENCE_NAMES),)
        assert models.descriptor.dimension <= 256
        assert (models.calibration.spread > 0).all()
        for part in (models.descriptor, models.calibration):
            for field in dataclasses.fields(part):
                assert np.isfinite(getattr(part, field.name)).all(), field.name

    def test_are_loaded_once(self, models: Models) -> None:
        assert load_models() is models

    def test_say_how_they_were_trained(self, models: Models) -> None:
        assert {"seed", "n_images"} <= models.facts.keys()

    def test_the_rotation_is_orthogonal(self, models: Models) -> None:
        rotation = models.descriptor.signature_rotation.astype(np.float64)
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(128), atol=1e-4)

    def test_the_background_is_of_unit_length(self, models: Models) -> None:
        np.testing.assert_allclose(np.linalg.norm(models.descriptor.background, axis=1), 1, atol=1e-4)
