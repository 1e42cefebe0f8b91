"""Saving and loading trained models. No pickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import ModelError
from fingerprint.files.atomic import replace_bytes, replacing
from fingerprint.files.datafiles import open_archive, parse_json, read_small
from fingerprint.models.checks import check_parts
from fingerprint.models.parts import (
    PARTS,
    CalibrationModel,
    CohortModel,
    DescriptorModel,
    InsetModel,
    Models,
    TreesModel,
    VocabularyModel,
    arrays_of,
    make_models,
)

FORMAT_VERSION = 7
ARRAYS_NAME = "models.npz"
MANIFEST_NAME = "MODELS.json"
_NEW_MANIFEST = f"{MANIFEST_NAME}.new"  # of arrays that are about to replace those of `MANIFEST_NAME`
_PREFIXES = {"cohort": "background"}  # names of parts in the file, where they differ
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same arrays must give the same bytes


def save_models(models: Models, folder: Path) -> None:
    """Write ``models.npz`` and ``MODELS.json`` into `folder`, the same bytes for the same models.

    Two files cannot be replaced in one step. The new manifest is first written under a second name, which `load_models`
    reads if the first does not fit the arrays: an interruption at any moment leaves the old models or the new ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format_version": FORMAT_VERSION,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "facts": dict(models.facts),
    }
    text = (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()
    replace_bytes(folder / _NEW_MANIFEST, text)
    with (
        replacing(folder / ARRAYS_NAME) as temporary,
        zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as archive,
    ):
        for part in PARTS:
            prefix = _PREFIXES.get(part, part)
            for name, array in arrays_of(getattr(models, part)).items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
                entry = zipfile.ZipInfo(f"{prefix}.{name}.npy", _FIXED_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, buffer.getvalue())
    replace_bytes(folder / MANIFEST_NAME, text)
    (folder / _NEW_MANIFEST).unlink()


def load_models(folder: Path | None = None) -> Models:
    """Load trained models and check that their contents match their ids.

    Parameters
    ----------
    folder : Path or None
        Where ``fingerprint train`` wrote them; None for those that ship with the package.

    Raises
    ------
    ModelError
        If a file is missing or damaged, of another format version, or does not agree with its ids.
    """
    if folder is None:
        return _shipped()
    return _load(folder)


@lru_cache(maxsize=1)
def _shipped() -> Models:
    with resources.as_file(resources.files("fingerprint.models")) as folder:
        return _load(Path(folder))


def _load(folder: Path) -> Models:
    arrays_path = folder / ARRAYS_NAME
    try:
        arrays = _read_arrays(arrays_path)
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    try:
        return _models(arrays, arrays_path, folder / MANIFEST_NAME)
    except ModelError:
        if (folder / _NEW_MANIFEST).is_file():
            with suppress(ModelError):
                return _models(arrays, arrays_path, folder / _NEW_MANIFEST)
        raise


def _models(arrays: Mapping[str, NDArray[Any]], arrays_path: Path, manifest_path: Path) -> Models:
    """Return the models that a file of arrays holds, if its manifest is this one."""
    folder = manifest_path.parent
    try:
        manifest = parse_json(read_small(manifest_path))
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("facts", {}), dict):
        raise ModelError(f"{manifest_path}: not a manifest of models; restore the file or train the models again")
    version = manifest.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise ModelError(
            f"{manifest_path}: format version {version!r}, this version of copyprint reads {FORMAT_VERSION}; "
            "train the models again or install the version that made them"
        )
    try:
        descriptor = DescriptorModel(**_pick(arrays, DescriptorModel, "descriptor"))
        vocabulary = VocabularyModel(**_pick(arrays, VocabularyModel, "vocabulary"))
        insets = InsetModel(**_pick(arrays, InsetModel, "insets"))
        cohort = CohortModel(**_pick(arrays, CohortModel, _PREFIXES["cohort"]))
        calibration = CalibrationModel(**_pick(arrays, CalibrationModel, "calibration"))
        ruled_out = CalibrationModel(**_pick(arrays, CalibrationModel, "ruled_out"))
        promising, copies, shared = (
            TreesModel(**_pick(arrays, TreesModel, name)) for name in ("promising", "copies", "shared")
        )
    except KeyError as error:
        raise ModelError(f"{arrays_path}: the array {error} is missing; train the models again") from error
    trees = (promising, copies, shared)
    check_parts(descriptor, vocabulary, insets, cohort, (calibration, ruled_out), trees, arrays_path)
    parts = (descriptor, vocabulary, insets, cohort, calibration, ruled_out, promising, copies, shared)
    models = make_models(*parts, manifest.get("facts", {}))
    for key, found in (("model_id", models.model_id), ("calibration_id", models.calibration_id)):
        if manifest.get(key) != found:
            raise ModelError(
                f"{folder}: {MANIFEST_NAME} says {key} {manifest.get(key)!r}, the arrays are {found}; "
                "one of the two files was changed or damaged: restore both or train the models again"
            )
    return models


def _unreadable(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{folder}: cannot read the models ({error}); train them again with 'fingerprint train IMAGES --out DIR'"
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with open_archive(path) as archive:
        return {name: archive.array(name) for name in archive.names}


def _pick(arrays: Mapping[str, NDArray[Any]], kind: type, prefix: str) -> dict[str, NDArray[Any]]:
    return {f.name: arrays[f"{prefix}.{f.name}"] for f in fields(kind)}
