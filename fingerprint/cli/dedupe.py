"""``fingerprint dedupe``: groups of copies among images, acting on them, and taking that back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from fingerprint.cli._dedupe_acting import act_on, apply_decisions, check_log, check_target, failures
from fingerprint.cli._dedupe_output import copies_text, print_groups, print_undone
from fingerprint.cli._default_group import DefaultGroup
from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import listed_files, note_ignored
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    FOLDER,
    LOCAL_IMAGES,
    NewFile,
    chosen_limits,
    chosen_models,
    engine_options,
    json_option,
    message_options,
    not_nan,
    profile_option,
)
from fingerprint.cli._output import count, finish, list_on_stderr, shown_name
from fingerprint.cli._progress import progress
from fingerprint.cli._report import keeping_inliers, report_option, write_report
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.config import COPY_PROBABILITY, DEFAULT_CONFIG, config_for

if TYPE_CHECKING:
    from fingerprint.config import Config
    from fingerprint.dedupe import Action, Groups, Keep, Outcome, Rules
    from fingerprint.models import Models
    from fingerprint.types import Skipped

_KEEPS = ("best", "largest", "oldest", "newest", "path-order")  # as in fingerprint.dedupe, which --help does not load
_PLAIN = "so plain or regular that only the same bytes or pixels are sure to be found as copies"


@click.group(
    "dedupe",
    cls=DefaultGroup,
    default="find",
    short_help="Find groups of copies, and move or link them.",
    examples=(
        "fingerprint dedupe photos/",
        "fingerprint dedupe photos/ --move-to copies/",
        "fingerprint dedupe undo dedupe.jsonl",
    ),
)
def dedupe_group() -> None:
    """Find groups of copies among images, propose which to keep, and move the others away or link them.

    'find' may be left out: 'fingerprint dedupe photos/' is 'fingerprint dedupe find photos/'. A folder that is called
    'find' or 'undo' is written with its path, as './undo'.
    """


@dedupe_group.command(
    "find",
    short_help="Find groups of copies among images, and move the copies away or link them.",
    cls=ExampleCommand,
    examples=(
        "fingerprint dedupe find photos/ --show-shared",
        "fingerprint dedupe find photos/ phone/ --prefer photos/ --move-to copies/",
        "fingerprint dedupe find uploads/ --against photos.fp --json",
        "fingerprint dedupe find photos/ --report page.html",
        "fingerprint dedupe find photos/ --apply decisions.json --move-to copies/",
    ),
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=LOCAL_IMAGES)
@click.option(
    "--keep",
    type=click.Choice(_KEEPS),
    default=_KEEPS[0],
    show_default=True,
    help="Which file of a group is kept: the best by all that is known, or by one thing first.",
)
@click.option(
    "--prefer",
    metavar="DIR",
    multiple=True,
    type=EXISTING_FOLDER,
    help="Keep files in this folder before others; of several folders those in the first.",
)
@click.option(
    "--reference",
    "references",
    metavar="DIR",
    multiple=True,
    type=EXISTING_FOLDER,
    help="Also compare with the images in this folder, which are kept and never touched.",
)
@click.option(
    "--against",
    metavar="COLLECTION",
    type=EXISTING_FOLDER,
    help="Find copies of the references of this collection only; it is not changed.",
)
@click.option(
    "--collection",
    "kept",
    metavar="DIR",
    type=FOLDER,
    help="Keep what is computed of the images here, and describe only new and changed ones the next time.",
)
@click.option(
    "--whole-only",
    is_flag=True,
    help="Leave out crops, insets and collages: copies that show less than their keeper, or more than it.",
)
@click.option("--ignore-same-folder", is_flag=True, help="Leave out copies that lie in the folder of their keeper.")
@click.option(
    "--min-score",
    metavar="P",
    type=click.FloatRange(COPY_PROBABILITY, 1),
    callback=not_nan("a probability is a number from 0.5 to 1"),
    default=DEFAULT_CONFIG.probability_threshold,
    show_default=True,
    help="Least probability that an image is a copy of its keeper.",
)
@click.option(
    "--show-shared",
    is_flag=True,
    help="Also list images that only share a template or a scene with a keeper; they are never touched.",
)
@click.option(
    "--move-to", metavar="DIR", type=FOLDER, help="Move the copies into this folder, as they lie to each other."
)
@click.option(
    "--hardlink",
    "link",
    flag_value="hardlink",
    default=None,
    help="Replace copies that have the same bytes as their keeper by hard links to it.",
)
@click.option("--symlink", "link", flag_value="symlink", help="Replace them by symbolic links.")
@click.option(
    "--log",
    metavar="FILE",
    type=NewFile(),
    help="Write what is done to this new file, for 'fingerprint dedupe undo'.  [default: dedupe-DATE-TIME.jsonl]",
)
@report_option
@click.option(
    "--apply",
    "decisions_file",
    metavar="DECISIONS",
    type=EXISTING_FILE,
    help="Act on what was decided on such a page, as it saved it (JSON or CSV), instead of looking for copies.",
)
@profile_option
@json_option("a JSON object for each group and each skipped file, and one with the totals, one a line,")
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table, one line for each file, instead of text.")
@scheduler_options
@engine_options
def find_command(
    paths: tuple[Path, ...],
    keep: Keep,
    prefer: tuple[Path, ...],
    references: tuple[Path, ...],
    against: Path | None,
    kept: Path | None,
    whole_only: bool,
    ignore_same_folder: bool,
    min_score: float,
    show_shared: bool,
    move_to: Path | None,
    link: Action | None,
    log: Path | None,
    report_file: Path | None,
    decisions_file: Path | None,
    profile: str,
    as_json: bool,
    as_csv: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Find groups of copies among images: the same files, and what was made from a picture by any chain of edits.

    PATH is an image file or a folder of images. A group has a keeper; all others are copies of it, each with its own
    verdict and with what was done to it. Nothing is changed without '--move-to', '--hardlink' or '--symlink', and
    nothing is deleted.

    With '--apply', what a person decided on a page replaces the proposals: only what was decided is acted on, and only
    with files among PATH that have the bytes they had. All others are left alone and listed.
    """
    from fingerprint.dedupe import Rules

    action: Action | None = "move" if move_to is not None else link
    _check_options(move_to, link, log, report_file, decisions_file, as_json=as_json, as_csv=as_csv)
    if against is not None and (references or kept is not None):
        raise click.UsageError("'--against' has the keepers: it excludes '--reference' and '--collection'")
    if report_file is not None:
        refuse_input(report_file, "--report", pictures=(*paths, *references), folders=(against, kept, models_folder))
    images, unread, ignored = listed_files(paths)
    compared, unread_too, ignored_too = listed_files(references) if references else ([], (), [])
    if action is not None and log is None:
        check_log()
    if move_to is not None:
        check_target(move_to, (*paths, *references))
    if decisions_file is not None:
        apply_decisions(decisions_file, images, compared, action, move_to, log, as_json=as_json, quiet=quiet)
        return
    rules = Rules(keep, prefer, min_score, ignore_same_folder, whole_only)
    config = replace(config_for(profile), limits=chosen_limits())
    config = config if report_file is None else keeping_inliers(config)
    found = _found(images, compared, rules, against, kept, chosen_models(models_folder), config, n_workers, quiet=quiet)
    skipped = (*found.skipped, *unread, *unread_too)
    if report_file is not None:  # before files are moved
        _write_page(report_file, found, skipped, min_score, n_workers, quiet=quiet)
    if not show_shared:
        groups = (replace(group, shared=()) for group in found.groups if group.members)
        found = replace(found, groups=tuple(groups))
    outcomes: Mapping[Path, Outcome] = {}
    if action is not None and found.n_copies:
        outcomes = act_on(found.groups, action, move_to, log, quiet=quiet)
    form = "json" if as_json else "csv" if as_csv else "text"
    print_groups(found, outcomes, skipped, form, acts=action is not None)
    if action is None and against is None and kept is None and found.n_copies and not quiet:
        click.echo("With --collection DIR the next run describes only new and changed pictures.", err=True)
    if found.plain and not quiet:
        list_on_stderr(f"{count(len(found.plain), 'picture')} {_PLAIN}", [shown_name(path) for path in found.plain])
    note_ignored([*ignored, *ignored_too], quiet=quiet)
    finish((*skipped, *failures(outcomes)))


#: Options that say how copies are looked for, which decisions replace.
_FINDING = (
    "against",
    "kept",
    "keep",
    "prefer",
    "whole_only",
    "ignore_same_folder",
    "min_score",
    "show_shared",
    "report_file",
)


def _check_options(
    move_to: Path | None,
    link: Action | None,
    log: Path | None,
    report_file: Path | None,
    decisions_file: Path | None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Refuse options that exclude each other, before any work."""
    if move_to is not None and link is not None:
        raise click.UsageError(f"'--move-to' and '--{link}' exclude each other; give one")
    if as_json and as_csv:
        raise click.UsageError("'--json' and '--csv' exclude each other; give one")
    if log is not None and move_to is None and link is None:
        raise click.UsageError(
            "'--log' says where to write what is done: give '--move-to', '--hardlink' or '--symlink'"
        )
    if log is not None and os.path.lexists(log):
        raise click.UsageError(f"--log: {shown_name(log)} is there already; choose a new file")
    if log is not None and report_file is not None and log.absolute() == report_file.absolute():
        raise click.UsageError(f"--log and --report are the same file, {shown_name(log)}; choose two")
    if decisions_file is not None:
        context = click.get_current_context()
        given = [name for name in _FINDING if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if given:
            option = next(param.opts[-1] for param in context.command.params if param.name == given[0])
            raise click.UsageError(f"'--apply' acts on what was decided: it excludes '{option}'")
        if as_csv:
            raise click.UsageError("'--apply' prints text, or JSON with '--json': it excludes '--csv'")


def _write_page(
    path: Path, found: Groups, skipped: Sequence[Skipped], threshold: float, n_workers: int | None, *, quiet: bool
) -> None:
    """Write the page of all groups, also of what is only shared."""
    from fingerprint.report.draft import Draft
    from fingerprint.report.from_groups import add_groups

    draft = Draft()
    draft.skipped += skipped
    add_groups(draft, found.groups)
    page = draft.page("dedupe", copies_text(found), threshold=threshold)
    write_report(path, page, n_workers=n_workers, quiet=quiet)


def _found(
    images: Sequence[Path],
    references: Sequence[Path],
    rules: Rules,
    against: Path | None,
    kept: Path | None,
    models: Models,
    config: Config,
    n_workers: int | None,
    *,
    quiet: bool,
) -> Groups:
    """Find the groups, in a collection of their own or round the references of another one."""
    from fingerprint.collection.collection import open_collection
    from fingerprint.dedupe import find_copies_of_references, find_groups, working_collection

    with chosen_workers(n_workers) as workers, progress(quiet=quiet) as report:
        if against is not None:
            with open_collection(against, models=models, config=config) as collection:
                return find_copies_of_references(
                    images, collection, rules, config=config, n_workers=workers, progress=report
                )
        with working_collection(kept, models, config, workers) as collection:
            return find_groups(
                *(images, collection, rules),
                references=references,
                models=models,
                config=config,
                n_workers=workers,
                progress=report,
            )


@dedupe_group.command(
    "undo",
    short_help="Take back what 'fingerprint dedupe' did, by its log.",
    cls=ExampleCommand,
    examples=("fingerprint dedupe undo dedupe.jsonl",),
)
@click.argument("log", metavar="LOG", type=EXISTING_FILE)
@json_option("a JSON object for each file, one a line,")
@message_options
def undo_command(log: Path, as_json: bool, quiet: bool) -> None:
    """Take back what was done: files are moved back, and links become files again, also after an interruption.

    Nothing is overwritten. A file that has changed since, or whose place is taken, is left alone and listed; what is
    back already is left as it is, so that undoing twice does no harm.
    """
    from fingerprint.dedupe import Reopened, read_log, undo
    from fingerprint.types import Skipped

    entries = read_log(log)
    undone = []
    with ExitStack() as stack:
        noted = None
        with suppress(OSError):  # a log that can only be read is enough
            noted = stack.enter_context(Reopened(log))
        report = stack.enter_context(progress(quiet=quiet))
        for done, item in enumerate(undo(entries, noted), start=1):
            undone.append(item)
            report("files", done, len(entries))
    print_undone(undone, as_json=as_json)
    finish([Skipped(str(item.path), item.reason) for item in undone if item.reason])
