"""``fingerprint --version``: the version, and those of the parts that decide what comes out."""

from __future__ import annotations

import json
import platform
from importlib import metadata, resources

import click

from fingerprint.version import __version__

_PARTS = ("numpy", "numba", "opencv-contrib-python", "opencv-contrib-python-headless", "pillow", "annoy")


def print_version(ctx: click.Context, _option: click.Parameter, given: bool) -> None:
    """Print the versions and leave. Nothing of the engine is loaded for it."""
    if not given or ctx.resilient_parsing:
        return
    click.echo(f"fingerprint, version {__version__}")
    click.echo(f"models: {_models()}")
    click.echo(f"parts: python {platform.python_version()}, {', '.join(_parts())}")
    ctx.exit()


def _models() -> str:
    """Return the ids that the manifest of the shipped models names; 'fingerprint doctor' checks them."""
    try:
        manifest = json.loads((resources.files("fingerprint.models") / "MODELS.json").read_text(encoding="utf-8"))
        return f"{manifest['model_id']}, {manifest['calibration_id']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "cannot be read; see 'fingerprint doctor'"


def _parts() -> list[str]:
    found = []
    for name in _PARTS:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # one of two names of OpenCV
            continue
    return found
