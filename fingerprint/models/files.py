"""Saving and loading trained models. No pickle."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.atomic import replace_bytes, replacing
from fingerprint.errors import ModelError
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

FORMAT_VERSION = 4
ARRAYS_NAME = "models.npz"
MANIFEST_NAME = "MODELS.json"
_PREFIXES = {"cohort": "background"}  # names of parts in the file, where they differ
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same arrays must give the same bytes
_UNREADABLE = (  # the errors of JSON, zip and npy for damaged bytes
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


def save_models(models: Models, folder: Path) -> None:
    """Write ``models.npz`` and ``MODELS.json`` into `folder`, the same bytes for the same models."""
    folder.mkdir(parents=True, exist_ok=True)
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
    manifest = {
        "format_version": FORMAT_VERSION,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "facts": dict(models.facts),
    }
    replace_bytes(folder / MANIFEST_NAME, (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode())


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
    manifest_path, arrays_path = folder / MANIFEST_NAME, folder / ARRAYS_NAME
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        arrays = _read_arrays(arrays_path)
    except _UNREADABLE as error:
        raise ModelError(
            f"{folder}: cannot read the models ({error}); train them again with 'fingerprint train IMAGES --out DIR'"
        ) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("facts", {}), dict):
        raise ModelError(f"{manifest_path}: not a manifest of models; restore the file or train the models again")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{manifest_path}: format version {version}, this version of copyprint reads {FORMAT_VERSION}; "
            "train the models again or install the version that made them"
        )
    try:
        descriptor = DescriptorModel(**_pick(arrays, DescriptorModel, "descriptor"))
        vocabulary = VocabularyModel(**_pick(arrays, VocabularyModel, "vocabulary"))
        insets = InsetModel(**_pick(arrays, InsetModel, "insets"))
        cohort = CohortModel(**_pick(arrays, CohortModel, _PREFIXES["cohort"]))
        calibration = CalibrationModel(**_pick(arrays, CalibrationModel, "calibration"))
        ruled_out = CalibrationModel(**_pick(arrays, CalibrationModel, "ruled_out"))
        copies, shared = (TreesModel(**_pick(arrays, TreesModel, name)) for name in ("copies", "shared"))
    except KeyError as error:
        raise ModelError(f"{arrays_path}: the array {error} is missing; train the models again") from error
    check_parts(descriptor, vocabulary, insets, cohort, (calibration, ruled_out), (copies, shared), arrays_path)
    parts = (descriptor, vocabulary, insets, cohort, calibration, ruled_out, copies, shared)
    models = make_models(*parts, manifest.get("facts", {}))
    for key, found in (("model_id", models.model_id), ("calibration_id", models.calibration_id)):
        if manifest.get(key) != found:
            raise ModelError(
                f"{folder}: {MANIFEST_NAME} says {key} {manifest.get(key)}, the arrays are {found}; "
                "one of the two files was changed or damaged: restore both or train the models again"
            )
    return models


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an npz file; unlike `numpy.load`, accept no other format and leave no damaged file open."""
    with zipfile.ZipFile(path) as archive:
        return {
            entry.filename.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(archive.read(entry)), allow_pickle=False
            )
            for entry in archive.infolist()
        }


def _pick(arrays: Mapping[str, NDArray[Any]], kind: type, prefix: str) -> dict[str, NDArray[Any]]:
    return {f.name: arrays[f"{prefix}.{f.name}"] for f in fields(kind)}
