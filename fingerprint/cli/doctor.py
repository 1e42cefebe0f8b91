"""``fingerprint doctor``: what this installation is made of, and whether anything is in its way."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import json_option, models_option, verbose_option
from fingerprint.cli._output import EXIT_SKIPPED, print_json, shown
from fingerprint.errors import FingerprintError
from fingerprint.version import __version__

_PACKAGES = (
    *("numpy", "scipy", "numba", "llvmlite", "opencv-contrib-python", "opencv-contrib-python-headless", "pillow"),
    *("simplejpeg", "imagehash", "annoy", "click", "h5py"),
)
_FEATURES = ("sse4.2", "popcnt", "avx", "avx2", "fma", "avx512f", "avx512vpopcntdq", "neon", "sve")
_LEAST_FREE = 1 << 30  # bytes; a collection of 50,000 pictures is as large
_FTYP_AVIF = b"\0\0\0\x1cftypavif"
_BLOCK = 14  # pixels, of the blocks that the pictures are made of which warm the kernels
_BATCH = 40  # queries that are compared together


@click.command(
    "doctor",
    short_help="Say what is installed, and whether it works.",
    cls=ExampleCommand,
    examples=("fingerprint doctor", "fingerprint doctor --warm"),
)
@click.option(
    "--warm",
    is_flag=True,
    help="Compile the kernels now, for installers and containers: later commands then start at once.",
)
@models_option
@json_option("one JSON object")
@verbose_option
@click.pass_context
def doctor_command(ctx: click.Context, warm: bool, models_folder: Path | None, as_json: bool) -> None:
    """Print versions, the processor, where compiled kernels are kept, the models, and free disk: for bug reports.

    What is in the way of using copyprint is listed at the end; the exit code is then 1.
    """
    problems: list[str] = []
    warmed = _checked(lambda _: _warm(models_folder), problems) if warm else {}  # before what is compiled is counted
    facts: dict[str, dict[str, Any]] = {
        "copyprint": {"version": __version__, "python": platform.python_version(), "program": sys.executable},
        "machine": _machine(),
        "packages": _packages(),
        "formats": _formats(problems),
        "kernels": _checked(_kernels, problems),
        "models": _checked(lambda found: _models(models_folder, found), problems),
        "disk": _checked(_disk, problems),
    }
    if warm:
        facts["warm"] = warmed
    if as_json:
        print_json({**facts, "problems": problems})
    else:
        for section, values in facts.items():
            click.echo(section)
            for name, value in values.items():
                click.echo(f"  {name:<14} {shown(_text(value))}")
        click.echo("\n".join(f"problem: {shown(problem)}" for problem in problems) or "no problems found")
    if problems:
        ctx.exit(EXIT_SKIPPED)


def _checked(section: Callable[[list[str]], dict[str, Any]], problems: list[str]) -> dict[str, Any]:
    """Return a section, or nothing where it cannot be made, which is then a problem."""
    try:
        return section(problems)
    except (FingerprintError, OSError) as error:
        problems.append(str(error))
        return {}


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _machine() -> dict[str, Any]:
    import cv2
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "system": platform.platform(),
        "processor": f"{platform.machine()}, {binding.get_host_cpu_name()}",
        "features": [name for name in _FEATURES if features.get(name)],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "opencv": f"{cv2.__version__}, {', '.join(cv2.getCPUFeaturesLine().split())}",
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _formats(problems: list[str]) -> dict[str, Any]:
    """Return which formats of pictures are read, and by what."""
    from importlib import import_module

    from PIL import Image

    from fingerprint.images.formats import EXTRA_FORMATS, READERS

    def is_read(form: str) -> bool:  # a build of Pillow that lacks a codec answers with a text
        accept = Image.OPEN[form][1]
        return accept is None or not isinstance(accept(b"RIFF\0\0\0\0WEBP" if form == "WEBP" else _FTYP_AVIF), str)

    found: dict[str, Any] = {"Pillow": [form for form in READERS if form not in EXTRA_FORMATS and is_read(form)]}
    for form, extra in EXTRA_FORMATS.items():
        if not extra.installed:
            found[form] = f"not read; {extra.advice}"
            continue
        found[form] = f"{extra.package} {metadata.version(extra.package)}"
        try:
            import_module(extra.module)
        except Exception as error:  # noqa: BLE001 - a package for another machine may raise anything
            problems.append(f"{extra.package} is installed, but cannot be loaded: {error}")
    return found


def _kernels(problems: list[str]) -> dict[str, Any]:
    """Return where compiled kernels are kept, and how many there are."""
    from fingerprint.kernels import rectangles  # noqa: F401 - some kernels, all are kept in one place
    from fingerprint.kernels.compiled import kept_in

    folder = kept_in()
    if folder is None:
        problems.append(
            "compiled kernels cannot be kept, so every run compiles them again; set NUMBA_CACHE_DIR to a folder that "
            "can be written to"
        )
        return {"kept in": "nowhere"}
    compiled = [path.stat().st_size for path in folder.glob("*.nbc")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            writable = True
    except OSError:
        writable = False
        problems.append(f"{folder}: kernels are kept here, but it cannot be written to; set NUMBA_CACHE_DIR")
    return {
        "kept in": str(folder),
        "writable": "yes" if writable else "no",
        "compiled": f"{len(compiled)} files, {sum(compiled) / 1e6:.1f} MB",
    }


def _models(folder: Path | None, _problems: list[str]) -> dict[str, Any]:
    """Return the ids and digests of the models; reading them checks that they are whole."""
    from importlib import resources

    from fingerprint.models import load_models

    models = load_models(folder)
    place = folder if folder is not None else Path(str(resources.files("fingerprint.models")))
    return {
        "folder": str(place),
        "model": models.model_id,
        "calibration": models.calibration_id,
        **{
            f"SHA-256 {name}": hashlib.sha256((place / name).read_bytes()).hexdigest()
            for name in ("models.npz", "MODELS.json")
        },
    }


def _disk(problems: list[str]) -> dict[str, Any]:
    found = {}
    for name, place in (("here", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(place).free
        found[name] = f"{free / 1e9:.1f} GB free in {place}"
        if free < _LEAST_FREE:
            problems.append(f"{place}: only {free / 1e6:.0f} MB are free")
    return found


def _warm(models_folder: Path | None) -> dict[str, Any]:
    """Do once what commands do, with drawn pictures, so that kernels are compiled; return how long it took."""
    import io

    import numpy as np
    from PIL import Image

    from fingerprint.collection import create_collection
    from fingerprint.config import config_for
    from fingerprint.exact_search import nearest_to_one
    from fingerprint.hamming import HammingIndex
    from fingerprint.hamming.tables import TAIL_ROWS
    from fingerprint.hashes import ALGORITHMS, dihedral_hashes, perceptual_hashes
    from fingerprint.models import load_models

    start = perf_counter()
    models = load_models(models_folder)
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (3, 24, 32, 3), dtype=np.uint8)
    pictures = [np.kron(picture, np.ones((_BLOCK, _BLOCK, 1), np.uint8)) for picture in blocks]
    query = pictures[0].copy()
    query[60:220, 80:280] = pictures[1][:160, :200]
    encoded = io.BytesIO()
    Image.fromarray(query).save(encoded, "JPEG")
    jpeg = encoded.getvalue()
    with (
        tempfile.TemporaryDirectory() as folder,
        create_collection(Path(folder) / "warm", models=models, config=config_for("thorough")) as collection,
    ):
        collection.add_images([(str(number), pixels) for number, pixels in enumerate(pictures)])
        for source in (jpeg, pictures[2][:, ::-1].copy()):
            collection.answer(source)
        vectors = collection.descriptors()
        for n in (1, _BATCH):
            collection.nearest(np.repeat(vectors[:1], n, axis=0))
        nearest_to_one(vectors[0], vectors, 2)
    for exact in (False, True):
        perceptual_hashes(jpeg, tuple(ALGORITHMS), exact=exact)
        dihedral_hashes(jpeg, "pdq", exact=exact)
    for n_bits in (64, 256):
        index = HammingIndex(n_bits)
        codes = rng.integers(0, 1 << 62, (TAIL_ROWS + 1, n_bits // 64), dtype=np.uint64)  # enough to need tables
        index.add(codes)
        for method in ("scan", "tables"):
            index.within(codes[:2], 7, method=method)
            index.nearest(codes[:2], 2, method=method)
    return {"seconds": round(perf_counter() - start, 1)}
