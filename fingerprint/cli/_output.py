"""Output that commands share: JSON, names, verifications, and the list of skipped files."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fingerprint.files.names import escaped, written_name

if TYPE_CHECKING:
    from fingerprint.results import Verification
    from fingerprint.types import Skipped

EXIT_SKIPPED = 1
EXIT_FAILED = 2
#: Key in a context's meta: whether ``--strict`` is given.
STRICT = f"{__name__}.strict"
_MOST_LINES = 20


def shown(message: object) -> str:
    """Return a message as one line for a terminal: control characters and broken bytes are escaped."""
    return escaped(str(message))


def shown_name(name: object) -> str:
    """Return a path or id as one line for a terminal: as it is, or as a JSON string where that would not be safe."""
    return written_name(str(name))


def print_json(value: Any) -> None:
    """Print one line of strictly valid JSON, in ASCII; a number that JSON does not have becomes null."""
    click.echo(json.dumps(_plain(value), allow_nan=False))


def print_line(line: str) -> None:
    """Print one line in UTF-8, for any encoding of the terminal; if stdout is no terminal, lines are buffered."""
    sys.stdout.buffer.write(line.encode() + b"\n")
    if sys.stdout.isatty():
        sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def skipped_json(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return skipped files as JSON objects."""
    return [{"path": item.path, "reason": item.reason} for item in skipped]


def verification_json(verification: Verification) -> dict[str, Any]:
    """Return a verification as a JSON object."""
    return {
        "relation": verification.relation,
        "probability": verification.probability,
        "shared_probability": verification.shared_probability,
        "log_odds": verification.log_odds,
        "identical": verification.identical,
        "inliers": verification.n_inliers,
        "mirrored": verification.mirrored,
        "inverted": verification.inverted,
        "rotation": verification.rotation,
        "transform": verification.transform,
        "reference_region": verification.reference_region,
        "query_region": verification.query_region,
        "query_size": verification.query_size,
        "reference_size": verification.reference_size,
    }


def region_words(verification: Verification) -> str:
    """Return in words which part of the reference is where in the query: boxes, from the first to the last pixel."""
    if verification.reference_region is None or verification.query_region is None:
        return "not known"
    return f"{_box(verification.reference_region)} of the reference at {_box(verification.query_region)} of the query"


def _box(region: Sequence[tuple[float, float]]) -> str:
    points = [point for point in region if all(map(math.isfinite, point))]
    if not points:
        return "an unbounded part"
    spans = [(math.ceil(min(values)), math.floor(max(values))) for values in zip(*points, strict=True)]
    return " ".join(f"{axis} {first}..{last}" for axis, (first, last) in zip("xy", spans, strict=True))


def finish(skipped: Sequence[Skipped]) -> None:
    """End a command: list on stderr what was skipped, and exit with code 1 if any was, or 2 with ``--strict``."""
    if skipped:
        strict = bool(click.get_current_context().meta.get(STRICT, False))
        list_on_stderr(
            f"{'error: ' if strict else ''}skipped {count(len(skipped), 'file')}",
            [f"{shown_name(item.path)}: {shown(item.reason)}" for item in skipped],
        )
        leave(EXIT_FAILED if strict else EXIT_SKIPPED)


def list_on_stderr(heading: str, lines: Sequence[str]) -> None:
    """Print a heading and the first of some lines on stderr, and how many more there are."""
    click.echo(f"fingerprint: {heading}:", err=True)
    for line in lines[:_MOST_LINES]:
        click.echo(f"  {line}", err=True)
    if len(lines) > _MOST_LINES:
        click.echo(f"  and {len(lines) - _MOST_LINES:,} more", err=True)


def leave_after_skips(number: int) -> None:
    """Exit with code 1 if anything was skipped; the caller has listed it."""
    if number:
        leave(EXIT_SKIPPED)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise click.exceptions.Exit(code)
