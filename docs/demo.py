"""The engine at work on real photographs: `make demo` runs this.

It takes the photographs that ship in the wheel of scikit-image, builds a collection of most of them, makes edited
copies of some, adds photographs that are not in the collection, and asks for each of these pictures which one it was
made from. It prints a table and writes a page with a picture of every answer. All chance comes from one seed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image

from fingerprint import Collection, FingerprintError, Match, Skipped, create_collection
from fingerprint.config import COPY_PROBABILITY, config_for
from fingerprint.edits import apply_edits
from fingerprint.images.decode import read_rgb
from fingerprint.report import probability_text
from fingerprint.report.draft import Draft, References
from fingerprint.report.page import write_page
from fingerprint.report.values import PagePair
from fingerprint.results import Verification
from fingerprint.types import U8

SEED = 2021
MARKER = ".copyprint-demo"
OWN_NAMES = ("photos", "queries", "collection", "index.html")

#: Photographs that go into the collection, and others that do not; test patterns and near duplicates are left out.
REFERENCES = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
    *("hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "page.png", "rocket.jpg"),
)
STRANGERS = ("gravel.png", "ihc.png", "retina.jpg", "text.png")

#: What is done to the copies: name of the photograph, what to call the copy, edits.
COPIES = (
    ("astronaut", "cropped", ("crop",)),
    ("moon", "cropped", ("crop",)),
    ("chelsea", "mirrored", ("hflip",)),
    ("grass", "mirrored", ("hflip",)),
    ("coffee", "rotated", ("rotate",)),
    ("page", "rotated", ("rotate",)),
    ("motorcycle_left", "inset", ("overlay_onto_background",)),
    ("hubble_deep_field", "inset", ("overlay_onto_background",)),
    ("rocket", "text", ("overlay_text",)),
    ("coins", "text", ("overlay_text",)),
    ("camera", "blurred", ("blur",)),
    ("coffee", "blurred", ("blur",)),
    ("brick", "jpeg", ("jpeg",)),
    ("astronaut", "jpeg", ("jpeg",)),
    ("chelsea", "chain", ("crop", "hflip", "color_jitter", "overlay_text")),
    ("motorcycle_left", "chain", ("overlay_onto_background", "rotate", "jpeg")),
)
STRANGER_EDITS = (
    ("gravel", "mirrored", ("hflip",)),
    ("ihc", "rotated", ("rotate",)),
    ("retina", "cropped", ("crop",)),
    ("text", "blurred", ("blur",)),
)

WORDS = {
    "crop": "cropped",
    "hflip": "mirrored",
    "rotate": "rotated",
    "overlay_onto_background": "pasted into another photograph",
    "overlay_text": "text laid over it",
    "blur": "blurred",
    "jpeg": "saved as a poor JPEG",
    "color_jitter": "colours changed",
}


class DemoError(Exception):
    """The demo cannot run; the text says why and what to do."""


#: The demo has small insets and time enough.
PROFILE = "thorough"


@dataclass(frozen=True, slots=True)
class Task:
    """One query and the truth about it: `source` is its reference, or None if that is not in the collection."""

    path: Path
    source: str | None
    done: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the search said of a query: the surest match, all that count as found, and all that were compared."""

    task: Task
    best: Match | None
    found: tuple[str, ...]
    matches: tuple[Match, ...] = ()

    @property
    def right(self) -> bool:
        """Whether what was found is the source and nothing else."""
        return self.found == (() if self.task.source is None else (self.task.source,))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code: 0 if it ran, whatever was found, and 2 if it could not."""
    parser = argparse.ArgumentParser(description="Find the sources of edited copies among real photographs.")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder for all that is made [%(default)s]")
    out: Path = parser.parse_args(arguments).out
    try:
        run(out)
    except (DemoError, FingerprintError, OSError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 2
    return 0


def run(out: Path) -> None:
    """Do all of it in the folder `out`."""
    folder = photograph_folder()
    prepare(out)
    references = write_photographs(folder, REFERENCES, out / "photos" / "in-collection")
    strangers = write_photographs(folder, STRANGERS, out / "photos" / "not-in-collection")
    say(f"{len(references)} photographs for the collection and {len(strangers)} others, from scikit-image's wheel.")

    tasks = make_queries(references, strangers, out / "queries")
    n_copies = sum(task.source is not None for task in tasks)
    say(f"{len(tasks)} queries: {n_copies} edited copies and {len(tasks) - n_copies} pictures from elsewhere.")
    say(
        f"Searching with the profile {PROFILE} ... (on its first run the engine compiles its kernels: a minute or two)",
        sys.stderr,
    )
    config = config_for(PROFILE)
    config = replace(config, match=replace(config.match, keep_inliers=True))  # the page shows them
    with create_collection(out / "collection", config=config) as collection:
        report = collection.add_files([out / "photos" / "in-collection"])
        if report.added != len(references):
            raise DemoError(f"only {report.added} of {len(references)} photographs were added: {report.skipped}")
        answers = list(search_all(collection, tasks))
        draft = drafted(answers, References(collection))

    say("")
    print_table(answers)
    say("")
    summary = summarise(answers)
    for line in summary:
        say(line)
    write_page(out / "index.html", draft.page("search", "Edited copies and their sources", summary))
    print_places(out, answers)


def photograph_folder() -> Path:
    """Return the folder with scikit-image's pictures, without importing it."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise DemoError("scikit-image is not installed; its wheel holds the photographs: pip install 'copyprint[demo]'")
    return Path(spec.origin).parent / "data"


def prepare(out: Path) -> None:
    """Make an empty folder, or clear away what an earlier run left in it and nothing else."""
    marker = out / MARKER
    if out.is_dir():
        if any(out.iterdir()) and not marker.is_file():
            raise DemoError(f"{out}: there are files in it that no demo made; name another folder with --out")
    elif os.path.lexists(out):
        raise DemoError(f"{out}: not a folder; name another with --out")
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text("made by copyprint's demo, which may replace what is in here\n", encoding="utf-8")
    for path in (out / name for name in OWN_NAMES):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_photographs(folder: Path, names: Sequence[str], out: Path) -> dict[str, U8]:
    """Write those photographs that this version of scikit-image holds as JPEG, and return their pixels by name."""
    out.mkdir(parents=True)
    photographs: dict[str, U8] = {}
    for path in (folder / name for name in names):
        if path.is_file():
            photographs[path.stem] = read_rgb(path).pixels
            save(out / f"{path.stem}.jpg", photographs[path.stem])
    if not photographs:
        raise DemoError(f"{folder}: none of {', '.join(names)} is here; install scikit-image 0.25 or newer")
    return photographs


def make_queries(references: dict[str, U8], strangers: dict[str, U8], out: Path) -> list[Task]:
    """Make and write the queries: edited copies, then photographs that are not in the collection, plain and edited."""
    out.mkdir(parents=True)
    plain = tuple((name, "as-it-is", ()) for name, _, _ in STRANGER_EDITS)
    backgrounds = list(strangers.values())
    tasks = []
    for i, (name, word, edits) in enumerate((*COPIES, *plain, *STRANGER_EDITS)):
        photograph = references.get(name, strangers.get(name))
        if photograph is not None:
            edited = apply_edits(photograph, edits, np.random.default_rng([SEED, i]), backgrounds)
            path = out / f"{name}-{word}.jpg"
            save(path, edited.pixels)
            done = ", ".join(WORDS[edit] for edit in edits) or "nothing"
            if name in references:
                tasks.append(Task(path, f"{name}.jpg", done))
            else:
                tasks.append(Task(path, None, f"{done}; its source is not in the collection"))
    return tasks


def save(path: Path, pixels: U8) -> None:
    """Write a picture as a good JPEG."""
    Image.fromarray(pixels).save(path, "JPEG", quality=92)


def search_all(collection: Collection, tasks: Sequence[Task]) -> Iterator[Answer]:
    """Search for the source of every query."""
    for task, matches in zip(tasks, collection.search_many([task.path for task in tasks]), strict=True):
        if isinstance(matches, Skipped):
            raise DemoError(f"{matches.path}: {matches.reason}")
        found = [match for match in matches if match.relation == "copy"]
        names = tuple(match.reference_id for match in found)
        yield Answer(task, matches[0] if matches else None, names, tuple(matches))


def print_table(answers: Sequence[Answer]) -> None:
    """Print a line for each query."""
    rows = [("query", "reference", "relation", "probability", "right?", "what was done to it")]
    for answer in answers:
        best = answer.best
        reference = best.reference_id if best is not None and answer.found else "-"
        relation = best.relation if best is not None else "-"
        sure = probability_text(best.probability) if best is not None else "-"
        rows.append((answer.task.path.name, reference, relation, sure, verdict(answer), answer.task.done))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in (rows[0], tuple("-" * width for width in widths), *rows[1:]):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def verdict(answer: Answer) -> str:
    """Say whether the answer is right, and what is wrong with it if not."""
    if answer.right:
        return "yes"
    if answer.task.source is None:
        return "NO, found " + ", ".join(answer.found)
    if not answer.found:
        return "NO, missed"
    return "NO, it is " + answer.task.source + (" alone" if answer.task.source in answer.found else "")


def summarise(answers: Sequence[Answer]) -> list[str]:
    """Count what was found, missed and wrongly found."""
    copies = [answer for answer in answers if answer.task.source is not None]
    n_found = sum(answer.task.source in answer.found for answer in copies)
    n_wrong = sum(reference != answer.task.source for answer in answers for reference in answer.found)
    return [
        f"Found: {n_found} of {len(copies)} copies with the photograph that they were made from.",
        f"Wrongly found: {n_wrong}, with {len(answers) - len(copies)} pictures from elsewhere among the queries.",
        f"From a probability of {COPY_PROBABILITY} on, a query counts as a copy of the reference: as found.",
    ]


def drafted(answers: Sequence[Answer], references: References) -> Draft:
    """Gather the page's pairs: of each query what was found, or the closest, and a source that was missed."""
    draft = Draft()

    def pair(task: Task, query: int, reference_id: str, found: Verification | None) -> PagePair:
        reference = draft.picture(reference_id, lambda: references.picture(reference_id))
        return PagePair(query, reference, found, is_true=reference_id == task.source, edits=(task.done,))

    for answer in answers:
        task, query = answer.task, draft.file(answer.task.path)
        shown = {match.reference_id: match for match in answer.matches if match.reference_id in answer.found}
        if answer.best is not None:
            shown[answer.best.reference_id] = answer.best
        draft.pairs += [pair(task, query, name, match.verification) for name, match in shown.items()]
        if task.source is not None and task.source not in shown:
            draft.pairs.append(pair(task, query, task.source, None))
    return draft


def print_places(out: Path, answers: Sequence[Answer]) -> None:
    """Say where everything lies, and which commands do the same."""
    say("\nWhere everything lies:")
    places = {
        "index.html": "the page with a picture of every answer: open it in a browser",
        "photos": "the photographs, in the collection and not",
        "queries": "the pictures that were searched for",
        "collection": "the collection",
    }
    for name, what in places.items():
        say(f"  {shown(out / name).ljust(len(shown(out / 'index.html')))}  {what}")

    installed = Path(sys.executable).with_name("fingerprint")
    command = shown(installed) if installed.exists() else "fingerprint"
    query, source = next((answer.task.path, answer.task.source) for answer in answers if answer.task.source)
    reference = out / "photos" / "in-collection" / source
    say("\nThe same from the shell:")
    for words in (
        ("search", shown(out / "collection"), shown(out / "queries"), "--profile", PROFILE),
        ("compare", shown(query), shown(reference), "--picture", shown(out / "pair.png")),
        ("index", "info", shown(out / "collection")),
    ):
        say("  " + shlex.join((command, *words)))


def shown(path: Path) -> str:
    """Return a path as short as it can be typed from here."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line for the person who runs this."""
    print(text, file=stream or sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
