"""``fingerprint compare``: whether one image was made from another."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import (
    EXISTING_FILE,
    NewFile,
    chosen_models,
    json_option,
    models_option,
    profile_option,
    verbose_option,
)
from fingerprint.cli._output import print_json, region_words, shown, shown_name, verification_json
from fingerprint.config import config_for

if TYPE_CHECKING:
    from fingerprint.types import Verification

_PICTURE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


class _PictureFile(NewFile):
    """An image file to write."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check that the extension names a format that can be written."""
        path = Path(super().convert(value, param, ctx))
        if path.suffix.lower() not in _PICTURE_FORMATS:
            self.fail(f"the name must end in {', '.join(_PICTURE_FORMATS)}, not {shown(path.suffix)!r}", param, ctx)
        return path


@click.command(
    "compare",
    short_help="Check whether one image was made from another.",
    cls=ExampleCommand,
    examples=("fingerprint compare suspicious.jpg original.jpg --picture shared.png",),
)
@click.argument("query", metavar="A", type=EXISTING_FILE)
@click.argument("reference", metavar="B", type=EXISTING_FILE)
@click.option("--picture", metavar="OUT.png", type=_PictureFile(), help="Draw both images with the part they share.")
@profile_option
@json_option("one JSON object")
@models_option
@verbose_option
def compare_command(
    query: Path, reference: Path, picture: Path | None, profile: str, as_json: bool, models_folder: Path | None
) -> None:
    """Check whether image A was made from image B, how sure that is, and which part of B is seen where in A.

    Images that show the same template or the same scene, and neither of which was made from the other, get a verdict of
    their own.
    """
    from fingerprint.report import IDENTICAL_VERDICT, RELATION_VERDICTS, probability_text, variant_text
    from fingerprint.verify.compare import compare

    verification = compare(query, reference, models=chosen_models(models_folder), config=config_for(profile))
    if picture is not None:
        _draw(query, reference, verification, picture)
    if as_json:
        print_json({"query": str(query), "reference": str(reference), **verification_json(verification)})
        return
    related = verification.relation != "unrelated"  # where nothing is shared, no part is seen anywhere
    for name, value in (
        ("query", shown_name(query)),
        ("reference", shown_name(reference)),
        ("verdict", IDENTICAL_VERDICT if verification.identical else RELATION_VERDICTS[verification.relation]),
        ("probability", f"{probability_text(verification.probability)} (log-odds {verification.log_odds:.2f})"),
        ("shared", probability_text(verification.shared_probability)),
        ("unrelated", probability_text(verification.unrelated_probability)),
        ("inliers", str(verification.n_inliers)),
        *((("shown", variant_text(verification)), ("seen", region_words(verification))) if related else ()),
        *((("picture", shown_name(picture)),) if picture is not None else ()),
    ):
        click.echo(f"{name:<12} {value}")


def _draw(query: Path, reference: Path, verification: Verification, out: Path) -> None:
    """Draw a comparison and write it to a file. Images are read at full size, as regions are in its pixels."""
    from PIL import Image

    from fingerprint.atomic import replace_bytes
    from fingerprint.images.decode import read_rgb
    from fingerprint.report import comparison_picture

    pixels = comparison_picture(read_rgb(query).pixels, read_rgb(reference).pixels, verification)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, _PICTURE_FORMATS[out.suffix.lower()])
    replace_bytes(out, encoded.getvalue())
