"""Trained arrays on disk: what is saved comes back, the same bytes each time, and nothing damaged gets in."""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerprint.errors import ModelError
from fingerprint.models import (
    ARRAYS_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    WORD_DIMENSION,
    CalibrationModel,
    CohortModel,
    DescriptorModel,
    InsetModel,
    Models,
    TreesModel,
    VocabularyModel,
    load_models,
    make_models,
    postings_fault,
    save_models,
)
from fingerprint.models.parts import PARTS
from fingerprint.types import Postings
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, tree_log_odds

BOOKS, WORDS, REDUCED, BACKGROUND = 2, 3, 4, 6
#: Dimensions of the parts of a descriptor: VLAD, GIST and colours.
CUES = (3, 2, 1)
DIMENSION = sum(CUES)
GIST, COLOURS, MEASURES, BINS = 480, 2304, 32, 64
CELLS, FINE, POSTINGS, IMAGES = 3, 4, 9, 5
TREES, DEPTH = 6, 2
#: Numbers that trees may ask about.
N_MEASURED = len(EVIDENCE_NAMES) + len(OVERLAP_NAMES)
#: What the arrays of a part are called in the file, where it is not by its name.
PREFIXES = {"cohort": "background"}
#: What `model_id` is the digest of, and what `calibration_id`.
BOUND, FREE = (
    ("descriptor", "vocabulary", "insets"),
    ("cohort", "calibration", "ruled_out", "promising", "copies", "shared"),
)
#: Bytes at the end of the file that hold the archive's directory.
DIRECTORY = 3_300
#: Every array: part and name.
ARRAYS = [(part, field.name) for part, kind in PARTS.items() for field in dataclasses.fields(kind)]


#: Part, name and a shape that does not fit the other arrays.
MISSHAPEN = [
    ("descriptor", "signature_rotation", (128, 127)),
    ("descriptor", "signature_thresholds", (64,)),
    ("descriptor", "local_mean", (127,)),
    ("descriptor", "local_basis", (128, REDUCED + 1)),
    ("descriptor", "codebooks", (WORDS, REDUCED)),
    ("descriptor", "codebooks", (BOOKS, WORDS + 1, REDUCED)),
    ("descriptor", "vlad_mean", (BOOKS * WORDS * REDUCED + 1,)),
    ("descriptor", "vlad_projection", (BOOKS * WORDS * REDUCED + 1, CUES[0])),
    ("descriptor", "vlad_projection", (BOOKS * WORDS * REDUCED, CUES[0] + 1)),
    ("descriptor", "gist_mean", (GIST - 1,)),
    ("descriptor", "gist_projection", (GIST + 1, CUES[1])),
    ("descriptor", "gist_projection", (CUES[1], GIST)),
    ("descriptor", "colour_mean", (COLOURS, 1)),
    ("descriptor", "colour_projection", (COLOURS - 1, CUES[2])),
    ("descriptor", "cue_weights", (2,)),
    ("descriptor", "background", (BACKGROUND, DIMENSION + 1)),
    ("descriptor", "background", (DIMENSION,)),
    ("vocabulary", "mean", (64,)),
    ("vocabulary", "basis", (128, WORD_DIMENSION - 1)),
    ("vocabulary", "basis", (WORD_DIMENSION, 128)),
    ("vocabulary", "signs", (3, WORD_DIMENSION)),
    ("vocabulary", "coarse", (CELLS, WORD_DIMENSION + 1)),
    ("vocabulary", "coarse", (CELLS,)),
    ("vocabulary", "centres", (CELLS * FINE, WORD_DIMENSION - 1)),
    ("vocabulary", "centres", (CELLS, FINE, WORD_DIMENSION)),
    ("vocabulary", "step", (2,)),
    ("vocabulary", "rarity", (CELLS * FINE - 1,)),
    ("insets", "evidence", (BINS - 1,)),
    ("insets", "centre", (MEASURES + 1,)),
    ("insets", "spread", (MEASURES, 1)),
    ("insets", "weights", (MEASURES,)),
    ("insets", "bias", (0,)),
    ("cohort", "words", (4,)),
    ("cohort", "words", (3, 1)),
    ("cohort", "starts", (3,)),
    ("cohort", "signatures", (POSTINGS - 1,)),
    ("cohort", "references", (POSTINGS + 1,)),
    ("cohort", "geometry", (POSTINGS, 1)),
    ("cohort", "n_images", (0,)),
    ("calibration", "weights", (3,)),
    ("calibration", "centre", (3,)),
    ("calibration", "spread", (len(EVIDENCE_NAMES), 1)),
    ("calibration", "bias", (2,)),
    ("ruled_out", "weights", (3,)),
    ("ruled_out", "bias", (0,)),
    *[
        (part, "features", shape)
        for part in ("promising", "copies", "shared")
        for shape in ((TREES, DEPTH + 1), (TREES * DEPTH,))
    ],
    ("copies", "features", (TREES - 1, DEPTH)),
    ("copies", "thresholds", (TREES, DEPTH, 1)),
    ("copies", "thresholds", (TREES + 1, DEPTH)),
    ("shared", "values", (TREES, 2**DEPTH - 1)),
    ("shared", "values", (TREES,)),
    ("copies", "values", (TREES + 1, 2**DEPTH)),
    ("copies", "weights", (N_MEASURED, 1)),
    ("shared", "weights", (1, N_MEASURED)),
    ("shared", "bias", (2,)),
]


def small_models(seed: int = 0, part: str = "descriptor", **changes: Any) -> Models:
    """Models of all parts, with some arrays of one of them exchanged."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    def trees() -> TreesModel:
        return TreesModel(
            features=rng.integers(0, N_MEASURED, (TREES, DEPTH)).astype(np.int32),
            thresholds=rng.normal(size=(TREES, DEPTH)),
            values=rng.normal(size=(TREES, 2**DEPTH)),
            weights=rng.normal(size=N_MEASURED),
            bias=rng.random(1),
        )

    n = len(EVIDENCE_NAMES)
    parts: dict[str, Any] = {
        "descriptor": DescriptorModel(
            signature_rotation=draw(128, 128),
            signature_thresholds=draw(128),
            local_mean=draw(128),
            local_basis=draw(128, REDUCED),
            codebooks=draw(BOOKS, WORDS, REDUCED),
            vlad_mean=draw(BOOKS * WORDS * REDUCED),
            vlad_projection=draw(BOOKS * WORDS * REDUCED, CUES[0]),
            gist_mean=draw(GIST),
            gist_projection=draw(GIST, CUES[1]),
            colour_mean=draw(COLOURS),
            colour_projection=draw(COLOURS, CUES[2]),
            cue_weights=draw(3),
            background=draw(BACKGROUND, DIMENSION),
        ),
        "vocabulary": VocabularyModel(
            mean=draw(128),
            basis=draw(128, WORD_DIMENSION),
            signs=np.ones((4, WORD_DIMENSION), np.int8),
            coarse=draw(CELLS, WORD_DIMENSION),
            centres=rng.integers(-120, 120, (CELLS * FINE, WORD_DIMENSION)).astype(np.int8),
            step=draw(1),
            rarity=draw(CELLS * FINE),
        ),
        "insets": InsetModel(
            evidence=draw(BINS),
            centre=rng.random(MEASURES),
            spread=rng.random(MEASURES) + 1,
            weights=rng.random(MEASURES + MEASURES * (MEASURES + 1) // 2),
            bias=rng.random(1),
        ),
        "cohort": CohortModel(
            words=np.array([1, 4, 11], np.uint32),
            starts=np.array([0, 2, 6, POSTINGS], np.uint32),
            signatures=rng.integers(0, 2**63, POSTINGS).astype(np.uint64),
            references=np.array([0, 2, 1, 1, 3, 4, 0, 0, 4], np.uint32),
            geometry=rng.integers(0, 2**32, POSTINGS, dtype=np.uint32),
            n_images=np.array([IMAGES], np.uint32),
        ),
        **{
            part: CalibrationModel(rng.random(n), rng.random(n), rng.random(n) + 1, rng.random(1))
            for part in ("calibration", "ruled_out")
        },
        "promising": trees(),
        "copies": trees(),
        "shared": trees(),
    }
    parts[part] = dataclasses.replace(parts[part], **changes)
    return make_models(**parts, facts={"seed": seed, "note": "grün"})


def with_array(part: str, name: str, array: np.ndarray) -> Models:
    """The same with one array exchanged."""
    changes: dict[str, Any] = {name: array}
    return small_models(part=part, **changes)


def array_of(models: Models, part: str, name: str) -> np.ndarray:
    return getattr(getattr(models, part), name)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_models(small_models(), tmp_path)
    return tmp_path


def arrays_in(folder: Path) -> dict[str, Any]:
    """The arrays of saved models, by their names in the file."""
    with np.load(folder / ARRAYS_NAME) as archive:
        return {name: archive[name] for name in archive.files}


def refusal(folder: Path) -> str:
    """Why saved models are refused; empty if they are not."""
    try:
        load_models(folder)
    except ModelError as error:
        return str(error)
    return ""


def change_manifest(folder: Path, **entries: object) -> None:
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | entries), encoding="utf-8")


def assert_same_models(a: Models, b: Models) -> None:
    assert (a.model_id, a.calibration_id, a.facts) == (b.model_id, b.calibration_id, b.facts)
    for part, name in ARRAYS:
        one, other = array_of(a, part, name), array_of(b, part, name)
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

    def test_saving_what_was_loaded_gives_the_same_bytes(
        self, saved: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        again = tmp_path_factory.mktemp("again")
        save_models(load_models(saved), again)
        for file in (ARRAYS_NAME, MANIFEST_NAME):
            assert (saved / file).read_bytes() == (again / file).read_bytes()

    def test_saving_over_others_leaves_the_new_ones(self, saved: Path) -> None:
        save_models(small_models(1), saved)
        assert_same_models(load_models(saved), small_models(1))

    @pytest.mark.parametrize("killed_at", [ARRAYS_NAME, MANIFEST_NAME, f"{MANIFEST_NAME}.new"])
    def test_a_kill_while_saving_leaves_the_old_ones_or_the_new_ones(
        self, killed_at: str, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rename of each file in turn is the first step that is not done."""
        rename, unlink = Path.replace, Path.unlink

        def dies(path: Path, *arguments: Any, **settings: Any) -> Any:
            if Path(arguments[0] if arguments else path).name == killed_at:
                raise KeyboardInterrupt
            return (rename if arguments else unlink)(path, *arguments, **settings)

        with monkeypatch.context() as patches:
            patches.setattr(Path, "replace", dies)
            with pytest.raises(KeyboardInterrupt):
                save_models(small_models(1), saved)
        assert_same_models(load_models(saved), small_models(1 if killed_at == MANIFEST_NAME else 0))
        save_models(small_models(2), saved)
        assert_same_models(load_models(saved), small_models(2))
        assert {path.name for path in saved.iterdir()} == {ARRAYS_NAME, MANIFEST_NAME}

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
        assert models.model_id.startswith(f"vlad{BOOKS}x{WORDS}-{DIMENSION}-")
        assert models.calibration_id.startswith("trees-")

    def test_one_changed_value_changes_the_id_of_its_half_only(self) -> None:
        for part, name in ARRAYS:
            before = small_models()
            array = array_of(before, part, name).copy()
            array.flat[-1] += 1
            after = with_array(part, name, array)
            assert (after.model_id != before.model_id) == (part in BOUND), (part, name)
            assert (after.calibration_id != before.calibration_id) == (part in FREE), (part, name)

    def test_facts_and_memory_layout_do_not_count(self) -> None:
        models = small_models()
        turned: dict[str, Any] = {
            part: kind(**{f.name: np.asfortranarray(array_of(models, part, f.name)) for f in dataclasses.fields(kind)})
            for part, kind in PARTS.items()
        }
        again = make_models(**turned, facts={"other": "facts"})
        assert (again.model_id, again.calibration_id) == (models.model_id, models.calibration_id)

    def test_facts_are_a_copy(self) -> None:
        facts = {"seed": 1}
        whole = small_models()
        models = make_models(**{part: getattr(whole, part) for part in PARTS}, facts=facts)
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
            "arrays": lambda: rng.integers(230, len(data) - DIRECTORY, 150),
            "directory of the archive": lambda: np.arange(len(data) - DIRECTORY, len(data), 7),
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

    @pytest.mark.parametrize(
        ("kind", "part", "name"),
        [
            *[("model_id", "descriptor", "codebooks"), ("model_id", "vocabulary", "rarity")],
            ("model_id", "insets", "weights"),
            *[("calibration_id", "cohort", "geometry"), ("calibration_id", "calibration", "weights")],
            *[("calibration_id", "copies", "values"), ("calibration_id", "shared", "thresholds")],
        ],
    )
    def test_other_arrays_than_the_manifest_says_are_refused_with_both_ids(
        self, kind: str, part: str, name: str, saved: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        changed = array_of(small_models(), part, name).copy()
        changed.flat[0] += 1
        other = with_array(part, name, changed)
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

    @pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', f'{{"format_version": {FORMAT_VERSION}, "facts": 3}}'])
    def test_a_manifest_that_is_json_but_no_manifest(self, text: str, saved: Path) -> None:
        (saved / MANIFEST_NAME).write_text(text)
        with pytest.raises(ModelError):
            load_models(saved)

    @pytest.mark.parametrize("version", [1, 2, 3, 4])
    def test_the_formats_before_this_one_are_refused(self, version: int, saved: Path) -> None:
        change_manifest(saved, format_version=version)
        with pytest.raises(ModelError, match=rf"version {version},.* reads {FORMAT_VERSION}"):
            load_models(saved)

    def test_a_missing_array_is_named(self, saved: Path) -> None:
        whole = arrays_in(saved)
        said = {}
        for name in whole:
            np.savez(saved / ARRAYS_NAME, **{other: array for other, array in whole.items() if other != name})
            said[name] = refusal(saved)
        assert len(said) == len(ARRAYS)
        assert {name: text for name, text in said.items() if name not in text} == {}

    @pytest.mark.parametrize("part", ["copies", "shared"])
    def test_trees_from_before_they_had_weights_say_what_is_missing(self, part: str, saved: Path) -> None:
        arrays = arrays_in(saved)
        del arrays[f"{part}.weights"]
        np.savez(saved / ARRAYS_NAME, **arrays)
        with pytest.raises(ModelError, match=rf"{ARRAYS_NAME}: the array '{part}.weights' is missing; train"):
            load_models(saved)

    def test_one_array_in_place_of_the_archive(self, saved: Path) -> None:
        with (saved / ARRAYS_NAME).open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(ModelError):
            load_models(saved)

    def test_a_pickle_in_place_of_an_array_is_not_read(self, saved: Path) -> None:
        with np.load(saved / ARRAYS_NAME) as archive:
            arrays = {name: archive[name] for name in archive.files}
        arrays["descriptor.codebooks"] = np.array([[1]], dtype=object)
        np.savez(saved / ARRAYS_NAME, **arrays)
        with pytest.raises(ModelError):
            load_models(saved)

    @pytest.mark.parametrize(
        "text",
        ["[" * 100_000, '{"a":' * 100_000, f'{{"format_version": {FORMAT_VERSION}.0}}', '{"format_version": {}}'],
    )
    def test_a_manifest_that_is_odd_inside(self, text: str, saved: Path) -> None:
        (saved / MANIFEST_NAME).write_text(text)
        assert str(saved) in refusal(saved)

    def test_an_array_whose_header_does_not_close(self, saved: Path) -> None:
        with zipfile.ZipFile(saved / ARRAYS_NAME) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        for header in (b"{'descr': ", b"(" * 3000, b"-" * 9000 + b"1"):
            size = len(header).to_bytes(2, "little")
            with zipfile.ZipFile(saved / ARRAYS_NAME, "w") as archive:
                for name, data in (entries | {"copies.bias.npy": b"\x93NUMPY\x01\x00" + size + header}).items():
                    archive.writestr(name, data)
            assert "copies.bias" in refusal(saved)

    def test_no_folder_at_all_says_how_to_train(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="fingerprint train"):
            load_models(tmp_path / "nowhere")


class TestShapes:
    def refused(self, tmp_path: Path, said: str, part: str, **arrays: Any) -> None:
        save_models(small_models(part=part, **arrays), tmp_path)
        with pytest.raises(ModelError, match=said) as caught:
            load_models(tmp_path)
        assert ARRAYS_NAME in str(caught.value)

    def test_arrays_that_do_not_fit_are_refused(self, tmp_path: Path) -> None:
        said = {}
        for part, name, shape in MISSHAPEN:
            array = np.zeros(shape, array_of(small_models(), part, name).dtype)
            save_models(with_array(part, name, array), tmp_path)
            said[part, name, shape] = refusal(tmp_path)
        assert {key: text for key, text in said.items() if not re.search(rf"{ARRAYS_NAME}.*expected", text)} == {}

    def test_a_single_number_in_place_of_an_array_is_refused(self, saved: Path) -> None:
        whole = arrays_in(saved)
        said = {}
        for name, array in whole.items():
            np.savez(saved / ARRAYS_NAME, **whole | {name: array.flat[0]})
            said[name] = refusal(saved)
        assert {name: text for name, text in said.items() if not re.search(rf"{ARRAYS_NAME}: .* expected", text)} == {}

    def test_another_type_is_named_with_the_right_one(self, tmp_path: Path) -> None:
        said = {}
        for part, name in ARRAYS:
            array = array_of(small_models(), part, name)
            other = np.dtype(np.float32 if array.dtype == np.float64 else np.float64)
            save_models(with_array(part, name, array.astype(other)), tmp_path)
            said[part, name] = refusal(tmp_path), rf"{ARRAYS_NAME}.*{name} is {other} .*expected {array.dtype}"
        assert {key: text for key, (text, wanted) in said.items() if not re.search(wanted, text)} == {}

    def test_more_dimensions_than_the_challenge_allows(self, tmp_path: Path) -> None:
        projection = np.zeros((BOOKS * WORDS * REDUCED, 257 - CUES[1] - CUES[2]), np.float32)
        save_models(small_models(vlad_projection=projection, background=np.zeros((2, 257), np.float32)), tmp_path)
        with pytest.raises(ModelError, match="257"):
            load_models(tmp_path)

    def test_no_dimension_at_all(self, tmp_path: Path) -> None:
        nothing = {
            f"{name}_projection": np.zeros((size, 0), np.float32)
            for name, size in (("vlad", BOOKS * WORDS * REDUCED), ("gist", GIST), ("colour", COLOURS))
        }
        self.refused(tmp_path, "0 dimensions", "descriptor", **nothing, background=np.zeros((0, 0), np.float32))

    def test_a_cue_without_dimensions_is_allowed(self, tmp_path: Path) -> None:
        left = DIMENSION - CUES[2]
        none = np.zeros((COLOURS, 0), np.float32)
        save_models(small_models(colour_projection=none, background=np.zeros((1, left), np.float32)), tmp_path)
        assert load_models(tmp_path).descriptor.dimension == left

    def test_words_that_do_not_divide_among_the_cells(self, tmp_path: Path) -> None:
        for n_cells, n_words in ((CELLS, CELLS * FINE + 1), (0, 4), (CELLS, 0)):
            self.refused(
                tmp_path / f"{n_cells}-{n_words}",
                f"{n_words} words in {n_cells} cells",
                "vocabulary",
                coarse=np.zeros((n_cells, WORD_DIMENSION), np.float32),
                centres=np.zeros((n_words, WORD_DIMENSION), np.int8),
                rarity=np.ones(n_words, np.float32),
            )

    def test_no_background_is_allowed(self, tmp_path: Path) -> None:
        save_models(small_models(background=np.zeros((0, DIMENSION), np.float32)), tmp_path)
        assert load_models(tmp_path).descriptor.background.shape == (0, DIMENSION)

    @pytest.mark.parametrize("part", ["copies", "shared"])
    @pytest.mark.parametrize("feature", [-1, N_MEASURED, 2**31 - 1])
    def test_a_tree_that_asks_about_what_is_not_weighed_is_refused(
        self, feature: int, part: str, tmp_path: Path
    ) -> None:
        """The kernel would read memory outside its arrays."""
        features = array_of(small_models(), part, "features").copy()
        features[3, 1] = feature
        low, high = min(feature, features.min()), max(feature, features.max())
        self.refused(tmp_path, f"about evidence {low} to {high} of {N_MEASURED};", part, features=features)

    @pytest.mark.parametrize("part", ["copies", "shared"])
    def test_too_few_weights_for_what_the_trees_ask_about_are_refused(self, part: str, tmp_path: Path) -> None:
        last = int(array_of(small_models(), part, "features").max())
        for n in (0, 1, last):
            self.refused(tmp_path, f"to {last} of {n}; .*train", part, weights=np.zeros(n))
        save_models(small_models(part=part, weights=np.zeros(last + 1)), tmp_path)
        assert array_of(load_models(tmp_path), part, "weights").shape == (last + 1,)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("name", ["values", "weights", "bias", "thresholds"])
    def test_a_tree_with_a_number_that_is_not_finite_is_refused(self, name: str, value: float, tmp_path: Path) -> None:
        array = array_of(small_models(), "copies", name).copy()
        array.flat[-1] = value
        if name == "thresholds" and not np.isnan(value):  # all or nothing is larger than this
            save_models(with_array("copies", name, array), tmp_path)
            assert load_models(tmp_path).copies.thresholds.flat[-1] == value
        else:
            self.refused(tmp_path, "not finite", "copies", **{name: array})

    def test_no_trees_are_allowed(self, tmp_path: Path) -> None:
        nothing: dict[str, Any] = {
            "features": np.zeros((0, 0), np.int32),
            "thresholds": np.zeros((0, 0)),
            "values": np.zeros((0, 1)),
        }
        save_models(small_models(part="shared", **nothing), tmp_path)
        loaded = load_models(tmp_path)
        x = np.random.default_rng(1).normal(size=N_MEASURED)
        assert tree_log_odds(x, loaded.shared) == pytest.approx(loaded.shared.weights @ x + loaded.shared.bias[0])

    def test_a_question_that_divides_nothing_is_kept(self, tmp_path: Path) -> None:
        thresholds = np.full((TREES, DEPTH), np.inf)
        save_models(small_models(part="copies", thresholds=thresholds), tmp_path)
        loaded = load_models(tmp_path).copies
        expected = loaded.bias[0] + loaded.values[:, 0].sum() + 1e9 * loaded.weights.sum()
        assert tree_log_odds(np.full(N_MEASURED, 1e9), loaded) == pytest.approx(expected)

    def test_an_empty_inverted_file_is_allowed(self, tmp_path: Path) -> None:
        nothing = np.zeros(0, np.uint32)
        empty = dict.fromkeys(("words", "references", "geometry"), nothing)
        changes: dict[str, Any] = empty | {"signatures": np.zeros(0, np.uint64)}
        changes |= {name: np.zeros(1, np.uint32) for name in ("starts", "n_images")}
        save_models(small_models(part="cohort", **changes), tmp_path)
        assert load_models(tmp_path).cohort.postings.n_references == 0


N_WORDS = 4 * CELLS * FINE  # with their reflections
#: What may be wrong with an inverted file of nine postings in three lists, of five pictures, and what is said of it.
FAULTS = {
    "a word beyond the vocabulary": ("words", [1, 4, N_WORDS], "words"),
    "a word twice": ("words", [1, 4, 4], "words"),
    "words in falling order": ("words", [4, 1, 11], "words"),
    "a first list that begins late": ("starts", [1, 2, 6, POSTINGS], "lists"),
    "a list that runs backwards": ("starts", [0, 6, 2, POSTINGS], "lists"),
    "a list beyond the end": ("starts", [0, 2, 2**31, POSTINGS], "lists"),
    "lists that end early": ("starts", [0, 2, 6, POSTINGS - 1], "lists"),
    "lists that end late": ("starts", [0, 2, 6, POSTINGS + 1], "lists"),
    "a picture that is not there": ("references", [0, 2, 1, 1, 3, IMAGES, 0, 0, 4], "pictures"),
    "a picture far beyond": ("references", [0, 2, 1, 1, 3, 4, 0, 0, 2**32 - 1], "pictures"),
    "fewer pictures than there are": ("n_images", [IMAGES - 1], "pictures"),
}


class TestPostingsFault:
    def test_a_sound_one_has_none(self) -> None:
        assert postings_fault(small_models().cohort.postings, N_WORDS) is None

    @pytest.mark.parametrize(("name", "values", "said"), FAULTS.values(), ids=list(FAULTS))
    def test_is_told_and_refused(self, name: str, values: list[int], said: str, tmp_path: Path) -> None:
        models = with_array("cohort", name, np.array(values, np.uint32))
        fault = postings_fault(models.cohort.postings, N_WORDS)
        assert fault is not None
        assert fault.startswith(said) or said in fault
        save_models(models, tmp_path)
        with pytest.raises(ModelError, match="cohort") as caught:
            load_models(tmp_path)
        assert fault in str(caught.value)

    def test_empty_lists_are_sound(self) -> None:
        nothing = np.zeros(0, np.uint32)
        empty = Postings(nothing, np.zeros(1, np.uint32), nothing.astype(np.uint64), nothing, nothing, 0)
        assert postings_fault(empty, 1) is None

    def test_arrays_are_not_changed(self) -> None:
        postings = small_models().cohort.postings
        before = {name: getattr(postings, name).copy() for name in ("words", "starts", "references")}
        postings_fault(postings, CELLS * FINE)
        for name, array in before.items():
            np.testing.assert_array_equal(getattr(postings, name), array)


class TestShipped:
    def test_load_and_fit_this_version(self, models: Models) -> None:
        assert models.calibration.weights.shape == (len(EVIDENCE_NAMES),)
        assert models.descriptor.dimension <= 256
        assert (models.calibration.spread > 0).all()
        for part, name in ARRAYS:
            if name != "thresholds":  # these may be infinite
                assert np.isfinite(array_of(models, part, name)).all(), (part, name)
        for trees in (models.copies, models.shared):
            assert len(trees.features) > 0
            assert trees.weights.shape == (N_MEASURED,)
            assert 0 <= trees.features.min() <= trees.features.max() < len(trees.weights)
            assert not np.isnan(trees.thresholds).any()
        assert (models.ruled_out.spread > 0).all()

    def test_are_loaded_once(self, models: Models) -> None:
        assert load_models() is models

    def test_say_how_they_were_trained(self, models: Models) -> None:
        assert {"seed", "n_images"} <= models.facts.keys()

    def test_the_rotation_is_orthogonal(self, models: Models) -> None:
        rotation = models.descriptor.signature_rotation.astype(np.float64)
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(128), atol=1e-4)

    def test_the_background_is_of_unit_length(self, models: Models) -> None:
        np.testing.assert_allclose(np.linalg.norm(models.descriptor.background, axis=1), 1, atol=1e-4)

    def test_the_sides_of_insets_have_more_evidence_than_anything(self, models: Models) -> None:
        """A large step in quiet surroundings speaks for a border, no step at all against it."""
        evidence = models.insets.evidence.reshape(8, 8)  # step by ratio
        assert evidence[0].max() < 0 < evidence[5:, 6:].min()
        assert (models.insets.spread > 0).all()

    def test_words_are_weighed_within_bounds(self, models: Models) -> None:
        rarity = models.vocabulary.rarity
        assert ((rarity >= 0.25) & (rarity <= 2)).all()
        assert len(np.unique(rarity)) > 3

    def test_tables_hold_the_centres(self, models: Models) -> None:
        vocabulary = models.vocabulary
        tables = vocabulary.tables
        assert vocabulary.tables is tables
        centres = vocabulary.centres.astype(np.float32) * vocabulary.step[0]
        n_cells, n_fine = tables.fine_half.shape
        np.testing.assert_array_equal(tables.signs, vocabulary.signs)
        assert (n_cells, n_cells * n_fine) == (len(vocabulary.coarse), len(centres))
        np.testing.assert_array_equal(tables.coarse_t.T, vocabulary.coarse)
        np.testing.assert_array_equal(tables.fine_t.transpose(0, 2, 1).reshape(-1, WORD_DIMENSION), centres)
        np.testing.assert_allclose(
            tables.fine_half.ravel(), (centres.astype(np.float64) ** 2).sum(axis=1) / 2, rtol=1e-5
        )
