"""``fingerprint compare``: whether one of two images was made from the other."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    NewFile,
    chosen_limits,
    chosen_models,
    json_option,
    limit_options,
    models_option,
    profile_option,
    verbose_option,
)
from fingerprint.cli._output import print_json, region_words, shown, shown_name, verification_json
from fingerprint.config import config_for

if TYPE_CHECKING:
    from fingerprint.config import ReadLimits
    from fingerprint.results import Verification
    from fingerprint.types import Picture

_Region: TypeAlias = "tuple[tuple[float, float], ...]"
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
    short_help="Check whether one of two images was made from the other.",
    cls=ExampleCommand,
    examples=("fingerprint compare suspicious.jpg original.jpg --picture shared.png",),
)
@click.argument("query", metavar="A", type=EXISTING_FILE)
@click.argument("reference", metavar="B", type=EXISTING_FILE)
@click.option("--picture", metavar="OUT.png", type=_PictureFile(), help="Draw both images with the part they share.")
@profile_option
@limit_options
@json_option("one JSON object")
@models_option
@verbose_option
def compare_command(
    query: Path, reference: Path, picture: Path | None, profile: str, as_json: bool, models_folder: Path | None
) -> None:
    """Check whether one of two images was made from the other, and which part of B is seen where in A.

    A is compared as a query, in more detail than B. Which of the two came first is not known. Images that show the same
    template or the same scene, and neither of which was made from the other, get a verdict of their own.
    """
    from fingerprint.report import IDENTICAL_VERDICT, RELATION_VERDICTS, probability_text, variant_text
    from fingerprint.verify.compare import compare

    if picture is not None:
        refuse_input(picture, "--picture", files=(query, reference), folders=(models_folder,))
    config = replace(config_for(profile), limits=chosen_limits())
    verification = compare(query, reference, models=chosen_models(models_folder), config=config)
    if picture is not None:
        _draw(query, reference, verification, picture, config.limits)
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


def _as_decoded(region: _Region | None, picture: Picture) -> _Region | None:
    """Return a region in the pixels of a picture that was reduced while it was read, as very large ones are."""
    height, width = picture.pixels.shape[:2]
    if region is None or (width, height) == (picture.width, picture.height):
        return region
    x, y = width / picture.width, height / picture.height
    return tuple(((px + 0.5) * x - 0.5, (py + 0.5) * y - 0.5) for px, py in region)


def _draw(query: Path, reference: Path, verification: Verification, out: Path, limits: ReadLimits) -> None:
    """Draw a comparison and write it to a file. Images are read at full size, as regions are in its pixels.

    Very large images are reduced when they are read, and their regions with them.
    """
    from PIL import Image

    from fingerprint.atomic import replace_bytes
    from fingerprint.images.decode import read_rgb
    from fingerprint.report import comparison_picture

    of_query, of_reference = read_rgb(query, limits=limits), read_rgb(reference, limits=limits)
    verification = replace(
        verification,
        query_region=_as_decoded(verification.query_region, of_query),
        reference_region=_as_decoded(verification.reference_region, of_reference),
    )
    pixels = comparison_picture(of_query.pixels, of_reference.pixels, verification)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, _PICTURE_FORMATS[out.suffix.lower()])
    replace_bytes(out, encoded.getvalue())
