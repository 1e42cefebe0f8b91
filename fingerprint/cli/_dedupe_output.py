"""What ``fingerprint dedupe`` prints: groups as text, as JSON and as a CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._output import count, print_json, print_line, shown, shown_name, verification_json
from fingerprint.cli._table import longest

if TYPE_CHECKING:
    from fingerprint.dedupe import Decided, Group, Groups, Member, Outcome, Undone
    from fingerprint.types import Skipped

_COLUMNS = (
    *("group", "role", "path", "what", "relation", "probability", "identical", "width", "height", "bytes", "frees"),
    *("outcome", "to", "reason"),
)
_SHARED = "same scene or template, not a copy"
_WIDEST = 60  # characters; a longer name makes only its own line longer


def print_groups(
    found: Groups, outcomes: Mapping[Path, Outcome], skipped: Sequence[Skipped], form: str, *, acts: bool
) -> None:
    """Print groups, what was done with their members, and the totals.

    Parameters
    ----------
    found : Groups
    outcomes : mapping of Path to Outcome
        What was done with members; empty if nothing was to be done.
    skipped : sequence of Skipped
    form : str
        ``"text"``, ``"json"`` or ``"csv"``.
    acts : bool
        Whether something was to be done.
    """
    if form == "json":
        for number, group in enumerate(found.groups, start=1):
            print_json(_group_json(number, group, outcomes))
        for item in skipped:
            print_json({"path": item.path, "skipped": item.reason})
        print_json(_totals_json(found, outcomes, skipped))
    elif form == "csv":
        _print_csv(found, outcomes)
    else:
        for group in found.groups:
            _print_group(group, outcomes)
        click.echo(_totals_text(found, outcomes, acts=acts))


def print_decided(
    decided: Sequence[Decided], outcomes: Mapping[Path, Outcome], left: Sequence[Skipped], *, as_json: bool
) -> None:
    """Print what comes of each file that goes by a decision, and the totals; what was left alone is listed later."""
    pairs = [(group.keeper, member) for group in decided for member in group.members]
    for keeper, member in pairs:
        outcome = outcomes.get(member.file.path)
        if as_json:
            facts = {"path": str(member.file.path), "keeper": str(keeper.path)}
            print_json(facts | ({} if outcome is None else _outcome_json(outcome)))
        else:
            said = "would go" if outcome is None else _outcome_text(outcome)
            click.echo(f"{said}: {shown_name(member.file.path)}  (kept: {shown_name(keeper.path)})")
    if as_json:
        for item in left:
            print_json({"path": item.path, "outcome": "left alone", "reason": item.reason})
        return
    done = sum(not outcome.reason for outcome in outcomes.values())
    n_left = len(left) + len(outcomes) - done
    hint = "" if outcomes or not pairs else ". Nothing was changed: give --move-to DIR, --hardlink or --symlink"
    click.echo(f"{count(len(pairs), 'file')} to go by decision, {done:,} done, {n_left:,} left alone{hint}")


def print_undone(undone: Sequence[Undone], *, as_json: bool) -> None:
    """Print what has come of each file that a log names, and how many are back."""
    for item in undone:
        if as_json:
            print_json(
                {"path": str(item.path), "outcome": item.done, **({"reason": item.reason} if item.reason else {})}
            )
        elif not item.reason:
            click.echo(f"{item.done}: {shown_name(item.path)}")
    if not as_json:
        back = sum(item.done == "back" for item in undone)
        failed = sum(bool(item.reason) for item in undone)
        click.echo(f"{count(back, 'file')} back, {len(undone) - back - failed:,} there already, {failed:,} not undone")


def _print_group(group: Group, outcomes: Mapping[Path, Outcome]) -> None:
    from fingerprint.report import probability_text

    keeper = f"{shown_name(group.keeper.path)}  {_size_text(group.size)}, {_bytes_text(group.keeper.n_bytes)}"
    click.echo(f"keep  {keeper}" + (f"  ({shown('; '.join(group.reasons))})" if group.reasons else ""))
    listed = [(member, shown(member.words), member.verification.probability) for member in group.members]
    listed += [(member, _SHARED, member.verification.shared_probability) for member in group.shared]
    width = min(_WIDEST, longest(member.file.path for member, _, _ in listed))
    widest = min(_WIDEST, max(len(words) for _, words, _ in listed))
    for member, words, probability in listed:
        columns = [
            f"{shown_name(member.file.path):<{width}}",
            f"{words:<{widest}}",
            f"{probability_text(probability):>7}",
            f"{_size_text(member.size):>11}",
            f"{_bytes_text(member.file.n_bytes):>9}",
        ]
        outcome = outcomes.get(member.file.path)
        click.echo("  ".join(["    ", *columns, *([_outcome_text(outcome)] if outcome is not None else [])]))
    click.echo()


def _outcome_text(outcome: Outcome) -> str:
    place = f" to {shown_name(outcome.to)}" if outcome.to is not None else ""
    return f"{outcome.done}{place}" + (f": {shown(outcome.reason)}" if outcome.reason else "")


def copies_text(found: Groups) -> str:
    """Return how many copies there are, and links that are listed with them, among how many files."""
    links = f" and {count(found.n_links, 'link')}" if found.n_links else ""
    return f"{count(found.n_copies, 'copy', 'copies')}{links} among {count(found.n_files, 'file')}"


def _totals_text(found: Groups, outcomes: Mapping[Path, Outcome], *, acts: bool) -> str:
    n_groups = sum(bool(group.members) for group in found.groups)
    counts = f"{count(n_groups, 'group')}, {copies_text(found)}"
    if not n_groups:
        return f"no copies among {count(found.n_files, 'file')}"
    if acts:
        done = [outcome for outcome in outcomes.values() if not outcome.reason]
        freed = _bytes_text(sum(outcome.n_bytes for outcome in done))
        stay = len(outcomes) - len(done)
        alone = f"; {stay:,} left alone, for the reasons above" if stay else ""
        return f"{counts}; {count(len(done), 'file')} {done[0].done if done else 'changed'}, {freed} less there{alone}"
    return (
        f"{counts}; {_bytes_text(found.frees)} could be freed. Nothing was changed: --move-to DIR moves the copies, "
        "--hardlink or --symlink replaces those with the same bytes"
    )


def _group_json(number: int, group: Group, outcomes: Mapping[Path, Outcome]) -> dict[str, Any]:
    keeper = {
        "path": str(group.keeper.path),
        "width": group.size[0],
        "height": group.size[1],
        "bytes": group.keeper.n_bytes,
        "sha256": group.keeper.content,
        "reasons": list(group.reasons),
    }
    members = [_member_json(member, outcomes.get(member.file.path)) for member in group.members]
    answer: dict[str, Any] = {"group": number, "keeper": keeper, "members": members}
    if group.shared:
        answer["shared"] = [_member_json(member, None) for member in group.shared]
    return answer


def _member_json(member: Member, outcome: Outcome | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "path": str(member.file.path),
        "what": member.words,
        "width": member.size[0],
        "height": member.size[1],
        "bytes": member.file.n_bytes,
        "sha256": member.file.content,
        "frees": member.frees,
        "frames": member.n_frames,
        "shown": member.changes.shown,
        "taken": member.changes.taken,
        "scale": member.changes.scale,
        **verification_json(member.verification),
    }
    if member.same_as is not None:
        facts["same_as"] = str(member.same_as.path)
    return facts if outcome is None else facts | _outcome_json(outcome)


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    to = {"to": str(outcome.to)} if outcome.to is not None else {}
    return {"outcome": outcome.done, **to, **({"reason": outcome.reason} if outcome.reason else {})}


def _totals_json(found: Groups, outcomes: Mapping[Path, Outcome], skipped: Sequence[Skipped]) -> dict[str, Any]:
    return {
        "files": found.n_files,
        "pictures": found.n_pictures,
        "groups": sum(bool(group.members) for group in found.groups),
        "groups_only_shared": sum(not group.members for group in found.groups),
        "copies": found.n_copies,
        "links": found.n_links,
        "frees": found.frees,
        "acted_on": sum(not outcome.reason for outcome in outcomes.values()),
        "skipped": len(skipped),
    }


def _print_csv(found: Groups, outcomes: Mapping[Path, Outcome]) -> None:
    print_line(",".join(_COLUMNS))
    for number, group in enumerate(found.groups, start=1):
        reasons = "; ".join(group.reasons)
        keeper = group.keeper
        _print_row(
            number, "keeper", shown_name(keeper.path), reasons, "", "", "", *group.size, keeper.n_bytes, 0, "", "", ""
        )
        for role, members in (("copy", group.members), ("shared", group.shared)):
            for member in members:
                _print_row(number, role, *_cells(member, outcomes.get(member.file.path) if role == "copy" else None))


def _cells(member: Member, outcome: Outcome | None) -> tuple[object, ...]:
    found = member.verification
    to = "" if outcome is None or outcome.to is None else shown_name(outcome.to)
    done, reason = ("", "") if outcome is None else (outcome.done, outcome.reason)
    facts = (member.words, found.relation, found.probability, str(found.identical).lower())
    return shown_name(member.file.path), *facts, *member.size, member.file.n_bytes, member.frees, done, to, reason


def _print_row(*cells: object) -> None:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow([shown(cell) for cell in cells])
    print_line(line.getvalue())


def _size_text(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _bytes_text(n_bytes: int) -> str:
    """Return a number of bytes as people say it, in units of a thousand."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    number, unit = n_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if number < 100 else f"{number:.0f} {unit}"
