"""Trained arrays and where they come from: loading, saving and checking them. No pickle, ids are content digests."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import MAX_DESCRIPTOR_DIMENSION
from fingerprint.errors import ModelError
from fingerprint.types import F32, F64

FORMAT_VERSION = 1
ARRAYS_NAME = "models.npz"
MANIFEST_NAME = "MODELS.json"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same arrays must give the same bytes
_UNREADABLE = (  # what JSON, zip and npy raise at damaged bytes
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True, slots=True)
class DescriptorModel:
    """What turns local descriptors into signatures and into the compact descriptor.

    Attributes
    ----------
    signature_rotation : float32 array, shape (128, 128)
        Orthogonal; a direction a column.
    signature_thresholds : float32 array, shape (128,)
        Median of each direction over the training set.
    local_mean, local_basis : float32 arrays, shapes (128,) and (128, p)
        Principal components of the training set's local descriptors.
    codebook : float32 array, shape (k, p)
        Codewords in the reduced space.
    projection_mean, projection : float32 arrays, shapes (k p,) and (k p, d), d <= 256
        Centre and whitened principal directions of VLAD vectors.
    background : float32 array, shape (b, d)
        Unit descriptors of training images, for background normalisation.
    """

    signature_rotation: F32
    signature_thresholds: F32
    local_mean: F32
    local_basis: F32
    codebook: F32
    projection_mean: F32
    projection: F32
    background: F32

    @property
    def dimension(self) -> int:
        """Number of dimensions of the compact descriptor."""
        return int(self.projection.shape[1])


@dataclass(frozen=True, slots=True)
class CalibrationModel:
    """Logistic model from evidence to log-odds: ``bias + (evidence - centre) / spread @ weights``.

    Attributes
    ----------
    weights, centre, spread : float64 arrays, shape (n_evidence,)
        `n_evidence` and the order are those of `fingerprint.score.EVIDENCE_NAMES`.
    bias : float64 array, shape (1,)
        Log-odds at the centre.
    """

    weights: F64
    centre: F64
    spread: F64
    bias: F64


@dataclass(frozen=True, slots=True)
class Models:
    """All trained parts with their ids.

    Attributes
    ----------
    descriptor : DescriptorModel
        Its digest, `model_id`, is bound to everything that a collection stores.
    calibration : CalibrationModel
        May be exchanged without touching a collection; `calibration_id` is its digest.
    model_id, calibration_id : str
        Content digests.
    facts : mapping
        How it was trained: number of images, settings, version; told to people, never used.
    """

    descriptor: DescriptorModel
    calibration: CalibrationModel
    model_id: str
    calibration_id: str
    facts: Mapping[str, Any]


def make_models(descriptor: DescriptorModel, calibration: CalibrationModel, facts: Mapping[str, Any]) -> Models:
    """Bind trained parts together and give them their ids."""
    return Models(
        descriptor=descriptor,
        calibration=calibration,
        model_id=f"vlad{descriptor.codebook.shape[0]}-{descriptor.dimension}-{_digest(descriptor)}",
        calibration_id=f"logistic-{_digest(calibration)}",
        facts=dict(facts),
    )


def _arrays(part: DescriptorModel | CalibrationModel) -> dict[str, NDArray[Any]]:
    return {f.name: getattr(part, f.name) for f in fields(part)}


def _digest(part: DescriptorModel | CalibrationModel) -> str:
    h = hashlib.sha256()
    for name, array in _arrays(part).items():
        h.update(f"{name} {array.dtype.str} {array.shape}".encode())
        h.update(np.ascontiguousarray(array).tobytes())
    return h.hexdigest()[:12]


def save_models(models: Models, folder: Path) -> None:
    """Write ``models.npz`` and ``MODELS.json`` into `folder`, the same bytes for the same models."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / ARRAYS_NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for prefix, part in (("descriptor", models.descriptor), ("calibration", models.calibration)):
            for name, array in _arrays(part).items():
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
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_models(folder: Path | None = None) -> Models:
    """Load trained models and check that their contents are what their ids say.

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
            f"{folder}: cannot read the models ({error}); train them anew with 'fingerprint train IMAGES --out DIR'"
        ) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("facts", {}), dict):
        raise ModelError(f"{manifest_path}: not a manifest of models; restore the file or train the models anew")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{manifest_path}: format version {version}, this version of copyprint reads {FORMAT_VERSION}; "
            "train the models anew or install the version that made them"
        )
    try:
        descriptor = DescriptorModel(**_pick(arrays, DescriptorModel, "descriptor"))
        calibration = CalibrationModel(**_pick(arrays, CalibrationModel, "calibration"))
    except KeyError as error:
        raise ModelError(f"{arrays_path}: the array {error} is missing; train the models anew") from error
    _check_shapes(descriptor, calibration, arrays_path)
    models = make_models(descriptor, calibration, manifest.get("facts", {}))
    for key, found in (("model_id", models.model_id), ("calibration_id", models.calibration_id)):
        if manifest.get(key) != found:
            raise ModelError(
                f"{folder}: {MANIFEST_NAME} says {key} {manifest.get(key)}, the arrays are {found}; "
                "one of the two files was changed or damaged: restore both or train anew"
            )
    return models


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an npz file; unlike `numpy.load`, it takes nothing else and leaves no file open if it is damaged."""
    with zipfile.ZipFile(path) as archive:
        return {
            entry.filename.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(archive.read(entry)), allow_pickle=False
            )
            for entry in archive.infolist()
        }


def _pick(arrays: Mapping[str, NDArray[Any]], kind: type, prefix: str) -> dict[str, NDArray[Any]]:
    return {f.name: arrays[f"{prefix}.{f.name}"] for f in fields(kind)}


def _check_shapes(d: DescriptorModel, c: CalibrationModel, path: Path) -> None:
    k, p = d.codebook.shape if d.codebook.ndim == 2 else (0, 0)
    dimension = d.projection.shape[1] if d.projection.ndim == 2 else 0
    expected = {
        "codebook": (d.codebook, (k, p)),
        "signature_rotation": (d.signature_rotation, (128, 128)),
        "signature_thresholds": (d.signature_thresholds, (128,)),
        "local_mean": (d.local_mean, (128,)),
        "local_basis": (d.local_basis, (128, p)),
        "projection_mean": (d.projection_mean, (k * p,)),
        "projection": (d.projection, (k * p, dimension)),
        "background": (d.background, (*d.background.shape[:1], dimension)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape or array.dtype != np.float32:
            raise ModelError(f"{path}: {name} is {array.dtype} {array.shape}, expected float32 {shape}")
    if not 1 <= dimension <= MAX_DESCRIPTOR_DIMENSION:
        raise ModelError(f"{path}: descriptors of {dimension} dimensions; the challenge allows 1 to 256")
    if not (c.weights.shape == c.centre.shape == c.spread.shape and c.bias.shape == (1,)):
        raise ModelError(f"{path}: the calibration's arrays do not fit each other")
