"""The command line: ``fingerprint``, one module for a command or a group of commands.

Only this package uses click. A command imports what it needs of the engine when it runs, so that ``--help`` is fast.
"""

from __future__ import annotations

import click

from fingerprint.cli._boundary import BoundaryGroup
from fingerprint.cli._compiling import compiling_noted
from fingerprint.cli._version import print_version
from fingerprint.cli.bench import bench_group
from fingerprint.cli.challenge import challenge_group
from fingerprint.cli.compare import compare_command
from fingerprint.cli.dedupe import dedupe_group
from fingerprint.cli.doctor import doctor_command
from fingerprint.cli.hash import hash_command
from fingerprint.cli.hash_list import hash_list_group
from fingerprint.cli.index import index_group
from fingerprint.cli.report import report_command
from fingerprint.cli.search import search_command
from fingerprint.cli.train import train_command

__all__ = ["main"]


@click.group(
    cls=BoundaryGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "fingerprint index create photos.fp photos/",
        "fingerprint search photos.fp suspicious.jpg",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version, the models and the parts, and exit.",
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Find which picture an image was made from, how sure that is, and which part of it is seen.

    Results go to stdout, progress and messages to stderr. Exit codes: 0 done; 1 done, but files were skipped or a
    collection is damaged; 2 failed; 70 an internal error, which is a bug.
    """
    ctx.with_resource(compiling_noted(ctx))


for _command in (
    hash_command,
    hash_list_group,
    compare_command,
    index_group,
    search_command,
    dedupe_group,
    challenge_group,
    bench_group,
    report_command,
    train_command,
    doctor_command,
):
    main.add_command(_command)
