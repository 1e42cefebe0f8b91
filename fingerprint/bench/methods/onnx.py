"""Networks in ONNX files, by onnxruntime (the extra ``onnx``). A TOML file says how their input is made.

::

    title = "SSCD"                  # for tables
    model = "sscd.onnx"             # beside the TOML file

    [input]
    size = [320, 320]               # height, width
    resize = "squash"               # or "crop": the middle of the shorter side at that size; "pad": the whole, on black
    filter = "bilinear"             # or "nearest", "box", "bicubic", "lanczos"; of Pillow, so areas are averaged
    layout = "nhwc"                 # or "nchw"
    dtype = "uint8"                 # or "float32", "float16"
    colours = "rgb"                 # or "bgr", "grey"
    scale = 1.0                     # what pixels from 0 to 255 are multiplied by, first
    mean = [0, 0, 0]                # is subtracted then, by channel
    std = [1, 1, 1]                 # what that is divided by

    [output]
    name = "embedding"              # the only output by default
    normalise = true                # to unit length

All but ``model`` and ``size`` may be left out; the values above are the defaults, but for ``dtype``, which is float32.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fingerprint.bench.base import DescribingMethod, Learned, Role, unit
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import read_small
from fingerprint.images.decode import read_rgb
from fingerprint.types import F32, U8

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_CHOICES = {
    "resize": ("squash", "crop", "pad"),
    "filter": tuple(_FILTERS),
    "layout": ("nhwc", "nchw"),
    "dtype": ("uint8", "float32", "float16"),
    "colours": ("rgb", "bgr", "grey"),
}
_MOST_SIDE = 8192


@dataclass(frozen=True, slots=True)
class InputForm:
    """How a picture becomes the input of a network; the keys of the TOML file's table ``input``.

    Attributes
    ----------
    size : tuple of int
        Height and width.
    resize, filter, layout, dtype, colours : str
    scale : float
    mean, std : tuple of float
        One number, or one for each channel.
    """

    size: tuple[int, int]
    resize: str = "squash"
    filter: str = "bilinear"
    layout: str = "nhwc"
    dtype: str = "float32"
    colours: str = "rgb"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def make(self, pixels: U8) -> NDArray[Any]:
        """Return the input for one picture: an array of shape (1, h, w, c) or (1, c, h, w).

        Parameters
        ----------
        pixels : uint8 array, shape (h, w, 3) RGB
        """
        values = np.asarray(self._resized(Image.fromarray(pixels)), np.uint8)
        if self.colours == "grey":
            values = np.asarray(Image.fromarray(values).convert("L"), np.uint8)[:, :, np.newaxis]
        elif self.colours == "bgr":
            values = values[:, :, ::-1]
        if self.dtype == "uint8":
            out: NDArray[Any] = values
        else:
            scaled = values.astype(np.float32) * np.float32(self.scale)
            out = ((scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)).astype(self.dtype)
        return np.ascontiguousarray(out.transpose(2, 0, 1) if self.layout == "nchw" else out)[np.newaxis]

    def _resized(self, picture: Image.Image) -> Image.Image:
        height, width = self.size
        chosen = _FILTERS[self.filter]
        if self.resize == "squash":
            return picture.resize((width, height), chosen)
        ratios = (width / picture.width, height / picture.height)
        factor = max(ratios) if self.resize == "crop" else min(ratios)
        inner = picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))), chosen)
        left, top = (inner.width - width) // 2, (inner.height - height) // 2
        return inner.crop((left, top, left + width, top + height))  # what lies outside is black


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """What a TOML file says of a network."""

    title: str
    model: Path
    input: InputForm
    output: str | None
    normalise: bool


def read_card(path: Path) -> NetworkCard:
    """Read the TOML file of a network.

    Raises
    ------
    ConfigError
        If it cannot be read or is the network itself, or a key is unknown, missing or out of its range.
    """
    if path.suffix.lower() == ".onnx":
        raise ConfigError(
            f"{path}: this is the network itself: write a TOML file that names it and says its input, and give that"
        )
    try:
        content = tomllib.loads(read_small(path).decode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: no TOML file that can be read: {reason}") from error
    _check_keys(path, content, {"title", "model", "input", "output"}, {"model", "input"})
    outputs = _table(path, content.get("output", {}), "output")
    _check_keys(path, outputs, {"name", "normalise"}, set(), "output.")
    model = path.parent / _of_type(path, "model", content["model"], str)
    if not model.is_file():
        raise ConfigError(f"{path}: model: no such file as {model}")
    name = outputs.get("name")
    return NetworkCard(
        title=_of_type(path, "title", content.get("title", path.stem), str),
        model=model,
        input=_input_form(path, _table(path, content["input"], "input")),
        output=None if name is None else _of_type(path, "output.name", name, str),
        normalise=_of_type(path, "output.normalise", outputs.get("normalise", True), bool),
    )


def _input_form(path: Path, table: Mapping[str, Any]) -> InputForm:
    _check_keys(path, table, {field.name for field in fields(InputForm)}, {"size"}, "input.")
    size = table["size"]
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int and 0 < n <= _MOST_SIDE for n in size)):
        raise ConfigError(f"{path}: input.size is {size!r}: write [height, width] in pixels, at most {_MOST_SIDE}")
    for key, allowed in _CHOICES.items():
        if key in table and table[key] not in allowed:
            raise ConfigError(f"{path}: input.{key} is {table[key]!r}: write one of {', '.join(allowed)}")
    given = dict(table) | {"size": (size[0], size[1])}
    n_channels = 1 if table.get("colours") == "grey" else 3
    for key in ("mean", "std"):
        if key in table:
            given[key] = _numbers(path, f"input.{key}", table[key], n_channels)
    if "scale" in table:
        (given["scale"],) = _numbers(path, "input.scale", table["scale"], 1)
    if 0 in given.get("std", ()):
        raise ConfigError(f"{path}: input.std has a 0, which cannot be divided by")
    if table.get("dtype") == "uint8" and {"scale", "mean", "std"} & table.keys():
        raise ConfigError(f"{path}: input.dtype is uint8, so pixels go in as they are: omit scale, mean and std")
    return InputForm(**given)


def _numbers(path: Path, key: str, value: Any, n_channels: int) -> tuple[float, ...]:
    values: list[Any] = value if isinstance(value, list) else [value]
    if len(values) not in (1, n_channels) or not all(type(v) in (int, float) and np.isfinite(v) for v in values):
        raise ConfigError(f"{path}: {key} is {value!r}: write one number, or one for each of {n_channels} channels")
    return tuple(float(v) for v in values)


def _table(path: Path, value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {name} is no table: write [{name}]")
    return value


def _of_type(path: Path, key: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ConfigError(f"{path}: {key} is {value!r}: write a {'text' if kind is str else 'true or false'}")
    return value


def _check_keys(path: Path, table: Mapping[str, Any], known: set[str], needed: set[str], within: str = "") -> None:
    if unknown := sorted(table.keys() - known):
        names = ", ".join(f"{within}{name}" for name in sorted(known))
        raise ConfigError(f"{path}: unknown key '{within}{unknown[0]}': known here are {names}")
    if missing := sorted(needed - table.keys()):
        raise ConfigError(f"{path}: no '{within}{missing[0]}': write it")


class OnnxMethod(DescribingMethod):
    """A network in an ONNX file, run on one core for each picture.

    Parameters
    ----------
    path : Path
        The TOML file.

    Raises
    ------
    ConfigError
        If the file is not right, onnxruntime is not installed, or it cannot load the network.
    """

    def __init__(self, path: Path) -> None:
        self._card = read_card(path)
        self._path = path
        self.title = self._card.title
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError(f"{path}: needs onnxruntime: pip install 'copyprint[onnx]'") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # pictures are shared out among threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._card.model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has its own exceptions, without a common base
            raise ConfigError(f"{self._card.model}: onnxruntime cannot load it: {error}") from error
        self._input = self._session.get_inputs()[0].name
        names = [output.name for output in self._session.get_outputs()]
        if self._card.output is None and len(names) != 1:
            raise ConfigError(f"{path}: the network has the outputs {', '.join(names)}: name one in [output]")
        if self._card.output is not None and self._card.output not in names:
            raise ConfigError(f"{path}: the network has no output {self._card.output!r}, but {', '.join(names)}")
        self._output = self._card.output or names[0]

    @property
    def identity(self) -> str:
        """The digest of both files."""
        digest = hashlib.sha256(self._path.read_bytes())
        digest.update(self._card.model.read_bytes())
        return digest.hexdigest()

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        """Return the network's vector; see `DescribingMethod`."""
        del role, learned
        given = self._card.input.make(read_rgb(picture).pixels)
        try:
            (found,) = self._session.run([self._output], {self._input: given})
        except Exception as error:
            raise ConfigError(f"{self._path}: the network does not take its input: {error}") from error
        vector = np.asarray(found, np.float32).ravel()
        return unit(vector) if self._card.normalise else vector
