"""``fingerprint compare``: whether one of two images was made from the other."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE_OR_URL,
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
from fingerprint.cli._report import keeping_inliers, report_option, write_report
from fingerprint.config import config_for
from fingerprint.locations import Location

if TYPE_CHECKING:
    from fingerprint.config import ReadLimits
    from fingerprint.results import Verification
    from fingerprint.types import Picture
    from fingerprint.verify.explain import Explanation

_MOST_REASONS = 4  # for a copy, and against it
_SOME, _MUCH = math.log(5), math.log(20)
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
@click.argument("query", metavar="A", type=EXISTING_FILE_OR_URL)
@click.argument("reference", metavar="B", type=EXISTING_FILE_OR_URL)
@click.option("--picture", metavar="OUT.png", type=_PictureFile(), help="Draw both images with the part they share.")
@report_option
@profile_option
@limit_options
@json_option("one JSON object")
@models_option
@verbose_option
def compare_command(
    query: Location,
    reference: Location,
    picture: Path | None,
    report_file: Path | None,
    profile: str,
    as_json: bool,
    models_folder: Path | None,
) -> None:
    """Check whether one of two images was made from the other, and which part of B is seen where in A.

    A is compared as a query, in more detail than B. Which of the two came first is not known. Images that show the same
    template or the same scene, and neither of which was made from the other, get a verdict of their own.

    What speaks for and against a copy is listed, what weighs most first: a +, ++ or +++ multiplies the odds by up to
    5, by up to 20, or by more; a - divides them.
    """
    from fingerprint.verify.explain import explain

    if picture is not None:
        refuse_input(picture, "--picture", files=(query, reference), folders=(models_folder,))
    config = replace(config_for(profile), limits=chosen_limits())
    if report_file is not None:
        refuse_input(report_file, "--report", files=(query, reference), folders=(models_folder,))
        config = keeping_inliers(config)
    found = explain(query, reference, models=chosen_models(models_folder), config=config)
    if picture is not None:
        _draw(query, reference, found.verification, picture, config.limits)
    if report_file is not None:
        _write_page(query, reference, found, report_file)
    if as_json:
        names = {"query": str(query), "reference": str(reference)}
        print_json({**names, **verification_json(found.verification), **_explanation_json(found)})
        return
    for name, value in _lines(found, query, reference, picture):
        click.echo(f"{name:<12} {value}")


def _write_page(query: Location, reference: Location, found: Explanation, out: Path) -> None:
    """Write a page of the one pair."""
    from fingerprint.report.draft import Draft
    from fingerprint.report.values import PagePair

    draft = Draft()
    reasons = tuple(f"{_strength(reason.log_odds)} {reason.words}" for reason in found.reasons)
    draft.pairs.append(PagePair(draft.file(query), draft.file(reference), found.verification, reasons=reasons))
    write_report(out, draft.page("compare", "Two images compared"), quiet=False)


def _explanation_json(found: Explanation) -> dict[str, Any]:
    related = found.verification.relation != "unrelated"
    reasons = [{"name": reason.name, "log_odds": reason.log_odds, "words": reason.words} for reason in found.reasons]
    return {"what": found.changes.words if related else None, "reasons": reasons}


def _lines(found: Explanation, query: Location, reference: Location, picture: Path | None) -> Iterator[tuple[str, str]]:
    """Yield what is printed: the head of each line, or nothing where the one above goes on, and its text."""
    from fingerprint.report import IDENTICAL_VERDICT, RELATION_VERDICTS, probability_text

    verification = found.verification
    yield "query", shown_name(query)
    yield "reference", shown_name(reference)
    yield "verdict", IDENTICAL_VERDICT if verification.identical else RELATION_VERDICTS[verification.relation]
    yield "copy", f"{probability_text(verification.probability)} (log-odds {verification.log_odds:.2f})"
    yield "shared", probability_text(verification.shared_probability)
    yield "unrelated", probability_text(verification.unrelated_probability)
    if verification.relation != "unrelated":  # where nothing is shared, no part is seen anywhere
        yield "seen", found.changes.words
        yield "where", region_words(verification)
    for head, sign in (("for a copy", 1), ("against it", -1)):
        reasons = [reason for reason in found.reasons if sign * reason.log_odds > 0]
        for number, reason in enumerate(reasons[:_MOST_REASONS]):
            yield head if number == 0 else "", f"{_strength(reason.log_odds)} {reason.words}"
    if picture is not None:
        yield "picture", shown_name(picture)


def _strength(log_odds: float) -> str:
    """Return one to three signs, for a factor of the odds of up to 5, of up to 20, and of more."""
    size = abs(log_odds)
    n = 1 if size < _SOME else 2 if size < _MUCH else 3
    return f"{('+' if log_odds > 0 else '-') * n:<3}"


def _as_decoded(region: _Region | None, picture: Picture) -> _Region | None:
    """Return a region in the pixels of a picture that was reduced while it was read, as very large ones are."""
    height, width = picture.pixels.shape[:2]
    if region is None or (width, height) == (picture.width, picture.height):
        return region
    x, y = width / picture.width, height / picture.height
    return tuple(((px + 0.5) * x - 0.5, (py + 0.5) * y - 0.5) for px, py in region)


def _draw(query: Location, reference: Location, verification: Verification, out: Path, limits: ReadLimits) -> None:
    """Draw a comparison and write it to a file. Images are read at full size, as regions are in its pixels.

    Very large images are reduced when they are read, and their regions with them.
    """
    from PIL import Image

    from fingerprint.files.atomic import replace_bytes
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
