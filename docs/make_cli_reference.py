"""Write the generated parts of ``docs/reference/cli.md`` from the commands; with ``--check``, say whether they differ.

The page has a mark ``<!-- cli: fingerprint COMMAND -->`` for each command. What stands between it and ``<!-- end -->``
is usage, help, options and examples of the command, taken from `fingerprint.cli`. Between these parts the page is
written by hand: outputs, JSON keys, notes. The mark ``commands`` has the list of all commands. The mark ``shared`` has
the options that several commands have with the same meaning; the commands only name those.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click

from fingerprint.cli import main as root

PAGE = Path(__file__).parent / "reference" / "cli.md"
MARK = re.compile(r"<!-- cli: ([\w -]+) -->\n(.*?)<!-- end -->", re.DOTALL)
SHARED_BY = 3  # commands
_DEFAULT = re.compile(r"\s*\[default: (.*?)\]\.?$")
_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z-]+)(?![\w`])")


def main(argv: Sequence[str] | None = None, page: Path = PAGE) -> int:
    """Bring the page up to date; return 1 if something is to be done by hand, or with ``--check`` at all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is out of date")
    arguments = parser.parse_args(argv)
    text = page.read_text(encoding="utf-8")
    said = problems(text)
    filled = fill(text)
    if filled != text and arguments.check:
        said.append("differs from the commands; run python docs/make_cli_reference.py")
    elif filled != text:
        page.write_text(filled, encoding="utf-8")
    for line in said:
        sys.stderr.write(f"{page.name}: {line}\n")
    return 1 if said else 0


def commands() -> dict[str, click.Command]:
    """Return all commands but the groups, by what one types."""

    def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for part, below in command.commands.items():
                yield from walk(below, f"{name} {part}")
        else:
            yield name, command

    return dict(walk(root, "fingerprint"))


def problems(text: str) -> list[str]:
    """Return what a hand must do: marks that name no command, and commands that have no mark or no heading."""
    marked = [found[1] for found in MARK.finditer(text)]
    known = {"commands", "shared", "fingerprint", *commands()}
    said = [f"no command is called {name}" for name in marked if name not in known]
    said += [f"{name} has no mark" for name in sorted(known - set(marked))]
    headings = set(re.findall(r"^## (.*)$", text, re.MULTILINE))
    return said + [f"{name} has no heading" for name in commands() if name not in headings]


def fill(text: str) -> str:
    """Return the page with all generated parts as the commands have them."""

    def generated(found: re.Match[str]) -> str:
        name = found[1]
        if name == "commands":
            lines = command_list([other[1] for other in MARK.finditer(text) if other[1] in commands()])
        elif name == "shared":
            lines = option_table(list(shared().values()))
        elif name == "fingerprint":
            lines = described(name, root)
        elif name in commands():
            lines = described(name, commands()[name])
        else:
            return found[0]
        return f"<!-- cli: {name} -->\n{chr(10).join(lines)}\n<!-- end -->"

    return MARK.sub(generated, text)


def command_list(names: Sequence[str]) -> list[str]:
    """Return commands with what they are for, linked to their sections."""
    rows = [
        f"| [`{name.removeprefix('fingerprint ')}`](#{name.replace(' ', '-')}) | {prose(summary(commands()[name]))} |"
        for name in names
    ]
    return ["| command | what for |", "|---|---|", *rows]


def summary(command: click.Command) -> str:
    """Return what the list of commands says of one."""
    return command.short_help or paragraphs(command)[0]


def described(name: str, command: click.Command) -> list[str]:
    """Return usage, help, options and examples of a command."""
    # the names of the help option are remembered by a command from its first context on
    context = click.Context(command, info_name=name, **root.context_settings)
    lines = ["```text", " ".join([name, *command.collect_usage_pieces(context)]), "```", ""]
    for paragraph in paragraphs(command):
        lines += [prose(paragraph), ""]
    if arguments := [argument for argument in command.params if isinstance(argument, click.Argument)]:
        rows = [f"| `{argument.make_metavar(context)}` | {what(argument)} |" for argument in arguments]
        lines += ["| argument | what |", "|---|---|", *rows, ""]
    options = [option for option in command.params if isinstance(option, click.Option)]
    own = [option for option in options if option.opts[-1] not in shared() and option.opts[-1] != "--help"]
    if own:
        lines += [*option_table(own), ""]
    if names := [spelled(option, "/") for option in options if option.opts[-1] in shared()]:
        lines += [f"And [shared options](#shared-options): {', '.join(names)}.", ""]
    examples = getattr(command, "examples", ())
    if examples:
        lines += ["```console", *(f"$ {example}" for example in examples), "```", ""]
    return lines[:-1]


@cache
def shared() -> dict[str, click.Option]:
    """Return the options that several commands have, with the same help in all that have one of that name."""
    seen: dict[str, list[click.Option]] = {}
    for command in commands().values():
        for option in command.params:
            if isinstance(option, click.Option):
                seen.setdefault(option.opts[-1], []).append(option)
    return {
        name: options[0]
        for name, options in sorted(seen.items())
        if len(options) >= SHARED_BY and len({(option.help, spelled(option)) for option in options}) == 1
    }


def option_table(options: Sequence[click.Option]) -> list[str]:
    """Return a table of options: how they are written, what they mean, which values they take."""
    rows = []
    for option in options:
        meaning = _DEFAULT.sub("", option.help or "")
        rows.append(f"| {spelled(option)} | {prose(meaning)} | {values(option)} |".replace("|  |", "| |"))
    return ["| option | meaning | values |", "|---|---|---|", *rows]


def spelled(option: click.Option, between: str = ", ") -> str:
    """Return how an option is written: all its names, with the value."""
    metavar = f" {option.metavar}" if option.metavar else ""
    return between.join(f"`{name}{metavar}`" for name in option.opts)


def what(argument: click.Argument) -> str:
    """Return what an argument names, and how often it may be given."""
    kind, path = "text", argument.type
    if isinstance(path, click.Path):
        kind = "a file or folder" if path.file_okay and path.dir_okay else "a file" if path.file_okay else "a folder"
        kind += " that exists" if path.exists else ""
        kind += ", or `-` for standard input" if path.allow_dash else ""
    often = "" if argument.nargs == 1 else "; one or more" if argument.required else "; any number"
    return kind + often


def values(option: click.Option) -> str:
    """Return which values an option takes, and which without it."""
    found = []
    if isinstance(option.type, click.Choice):
        found.append(" or ".join(f"`{choice}`" for choice in option.type.choices))
    elif isinstance(option.type, click.IntRange | click.FloatRange) and not option.count:
        found.append(bounds(option.type))
    if option.required:
        found.append("required")
    if option.multiple:
        found.append("may be given several times")
    if written := _DEFAULT.search(option.help or ""):
        found.append(f"default: {prose(written[1])}")
    elif option.show_default:
        default = option.get_default(click.Context(root))
        found.append(f"default: `{default}`")
    return "; ".join(found)


def bounds(numbers: click.IntRange | click.FloatRange) -> str:
    """Return the least and the largest number that are taken."""
    if numbers.max is None:
        return f"more than {numbers.min}" if numbers.min_open else f"{numbers.min} or more"
    return f"{numbers.min} to {numbers.max}"


def paragraphs(command: click.Command) -> list[str]:
    """Return the help text of a command, paragraph by paragraph."""
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n")]


def prose(text: str) -> str:
    """Return a help text as Markdown: what is quoted, and options, as code."""
    return _OPTION.sub(r"`\1`", _QUOTED.sub(r"`\1`", text)).replace("|", r"\|")


if __name__ == "__main__":
    raise SystemExit(main())
