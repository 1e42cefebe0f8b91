"""``fingerprint hash-list``: images compared with lists of known hashes."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import listed_images, note_ignored
from fingerprint.cli._options import (
    IMAGES,
    AlgorithmName,
    Count,
    chosen_limits,
    json_option,
    message_options,
    reading_options,
    workers_option,
)
from fingerprint.cli._output import (
    count,
    finish,
    leave_after_skips,
    list_on_stderr,
    print_json,
    print_line,
    shown,
    shown_name,
)
from fingerprint.cli._progress import progress
from fingerprint.locations import Location, location

if TYPE_CHECKING:
    from fingerprint.hashlists import HashList, ListedPicture

_PARCEL = 16  # images that a worker takes at a time, since one takes only half a millisecond


@click.group("hash-list", short_help="Compare images with lists of known hashes.")
def hash_list_group() -> None:
    """Compare images with lists of known hashes, such as platforms exchange."""


@hash_list_group.command(
    "match",
    short_help="Find the hashes of a list that images match.",
    cls=ExampleCommand,
    examples=(
        "fingerprint hash-list match known.txt uploads/",
        "fingerprint hash-list match --algorithm dhash --max-distance 4 known.csv cat.jpg",
    ),
)
@click.argument("hashes", metavar="LIST", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True, type=IMAGES)
@click.option(
    "--algorithm",
    metavar="NAME",
    type=AlgorithmName(),
    help="Algorithm of the hashes, if the list does not name it.  [default: pdq for 64 digits, phash for 16]",
)
@click.option(
    "--max-distance",
    metavar="BITS",
    type=Count(min=0),
    help="Number of bits that may differ.  [default: 31 for pdq, 8 for phash, fewer for the others]",
)
@click.option("--upright", is_flag=True, help="Do not find images that were turned or mirrored.")
@click.option("--exact", is_flag=True, help="Hash images to exactly the bits of imagehash and PDQ's own tools.")
@json_option("one JSON object a line, the last about the list")
@workers_option
@reading_options
@message_options
def match_command(
    hashes: str,
    images: tuple[Location, ...],
    algorithm: str | None,
    max_distance: int | None,
    upright: bool,
    exact: bool,
    as_json: bool,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Find the hashes of a list that images match, with the number of bits that differ and the image's orientation.

    LIST has one hash a line, in hexadecimal digits (64 for PDQ, 16 for a hash of 64 bits), with or without id and
    quality. CSV with a header and the output of 'fingerprint hash' are read too; '-' is standard input. Lines that
    cannot be read are reported by number. Flat, blank and tiny images match nothing.
    """
    from fingerprint.hashes import MIN_QUALITY
    from fingerprint.hashlists import ListMatcher, read_hash_list
    from fingerprint.types import Skipped
    from fingerprint.workers import map_images

    source = sys.stdin.buffer if hashes == "-" else hashes
    known = read_hash_list(source, algorithm)
    matcher = ListMatcher(
        known, max_distance=max_distance, orientations=not upright, exact=exact, limits=chosen_limits()
    )
    paths, unread, ignored = listed_images(images)
    skipped: list[Skipped] = []
    n_matched = n_faint = 0
    with progress(quiet=quiet, streams=True) as report:
        results = map_images(matcher.match, paths, n_workers, parcel=_PARCEL)
        for done, (path, result) in enumerate(zip(paths, results, strict=True), start=1):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                n_matched += bool(result.matches)
                n_faint += result.quality < MIN_QUALITY
            _print_result(path, result, as_json=as_json)
            report("images", done, len(paths))
    for item in unread:
        _print_result(location(item.path), item, as_json=as_json)
    if as_json:
        print_json(_about(known, matcher.n_left_out, n_matched))
    note_ignored(ignored, quiet=quiet)
    _list_malformed(known)
    if not quiet:
        _note(known, len(paths) - len(skipped), n_matched, n_faint, matcher.n_left_out)
    finish((*skipped, *unread))
    leave_after_skips(len(known.malformed))


def _print_result(path: Location, result: Any, *, as_json: bool) -> None:
    from fingerprint.types import Skipped

    if isinstance(result, Skipped):
        if as_json:
            print_json({"path": str(path), "skipped": result.reason})
        return
    found: ListedPicture = result
    if as_json:
        print_json({"path": str(path), "quality": found.quality, "matches": [asdict(match) for match in found.matches]})
        return
    for match in found.matches:
        name = shown_name(match.id) or match.hash
        print_line(f"{shown_name(path)}\t{match.distance}\t{match.orientation}\t{match.algorithm}\t{name}")


def _about(known: HashList, n_left_out: int, n_matched: int) -> dict[str, Any]:
    malformed = [{"line": line.number, "reason": line.reason} for line in known.malformed]
    return {
        "list": known.name,
        "hashes": len(known),
        "left_out": n_left_out,
        "matched": n_matched,
        "malformed": malformed,
    }


def _list_malformed(known: HashList) -> None:
    """List on stderr which lines of the list could not be used."""
    if known.malformed:
        list_on_stderr(
            f"{shown_name(known.name)}: {count(len(known.malformed), 'line')} could not be used",
            [f"line {line.number}: {shown(line.reason)}" for line in known.malformed],
        )


def _note(known: HashList, n_images: int, n_matched: int, n_faint: int, n_left_out: int) -> None:
    parts = [f"images with a match: {n_matched:,} of {n_images:,}, among {count(len(known), 'hash', 'hashes')}"]
    if n_faint:
        parts.append(f"{count(n_faint, 'image')} too flat or too small to be compared")
    if n_left_out:
        parts.append(f"{count(n_left_out, 'hash', 'hashes')} of the list left out for low quality")
    click.echo(f"fingerprint: {'; '.join(parts)}", err=True)
