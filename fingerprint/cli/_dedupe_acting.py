"""Acting on groups of copies: what was found, or what a person decided on a page."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._dedupe_output import print_decided
from fingerprint.cli._output import finish, shown_name
from fingerprint.cli._progress import progress

if TYPE_CHECKING:
    from fingerprint.dedupe import Action, Outcome
    from fingerprint.dedupe.values import Kept
    from fingerprint.types import Skipped


def check_target(move_to: Path, paths: Sequence[Path]) -> None:
    """Refuse to move files into a folder in which they are looked for, or lie: they would be found again."""
    target = Path(os.path.realpath(move_to))
    for path in paths:
        if not path.is_dir() and target == Path(os.path.realpath(path.parent)):
            raise click.UsageError(
                f"--move-to: {shown_name(path)} lies in {shown_name(move_to)} already; choose another folder"
            )
        if path.is_dir() and target.is_relative_to(os.path.realpath(path)):
            raise click.UsageError(
                f"--move-to: {shown_name(move_to)} lies in {shown_name(path)}, so that what is moved there would be "
                "found again; choose a folder outside"
            )


def check_log() -> None:
    """Refuse to begin where the log that nobody named cannot be made: looking for copies may take hours."""
    if not os.access(".", os.W_OK | os.X_OK):
        raise click.UsageError(
            "what is done is written to a log in the current folder, where nothing can be written; give --log FILE"
        )


def act_on(
    groups: Sequence[Kept], action: Action, move_to: Path | None, log: Path | None, *, quiet: bool
) -> dict[Path, Outcome]:
    """Act on the copies, and say where the log is before the first of them is touched."""
    from fingerprint.dedupe import Log, act

    outcomes = {}
    log = log or _default_log()
    with Log(log) as written, progress(quiet=quiet) as report:
        if not quiet:
            click.echo(f"fingerprint: note: 'fingerprint dedupe undo {shown_name(log)}' takes this back", err=True)
        for done, outcome in enumerate(act(groups, action, written, move_to), start=1):
            outcomes[outcome.path] = outcome
            report("files", done, sum(len(group.members) for group in groups))
    return outcomes


def apply_decisions(
    decisions_file: Path,
    images: Sequence[Path],
    references: Sequence[Path],
    action: Action | None,
    move_to: Path | None,
    log: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Act on what a person decided."""
    from fingerprint.dedupe import decided_groups, read_decisions

    decided, left = decided_groups(read_decisions(decisions_file), images, references)
    outcomes: Mapping[Path, Outcome] = {}
    if action is not None and decided:
        outcomes = act_on(decided, action, move_to, log, quiet=quiet)
    print_decided(decided, outcomes, left, as_json=as_json)
    finish((*left, *failures(outcomes)))


def failures(outcomes: Mapping[Path, Outcome]) -> list[Skipped]:
    """Return the files that could not be acted on, with the reason."""
    from fingerprint.types import Skipped

    return [Skipped(str(item.path), item.reason) for item in outcomes.values() if item.done == "failed"]


def _default_log() -> Path:
    return Path(f"dedupe-{datetime.datetime.now(tz=datetime.UTC):%Y%m%d-%H%M%S-%f}.jsonl")
