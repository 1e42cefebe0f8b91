"""Making a set from any photographs: what is alike is set apart, the rest divided, queries edited, all by a seed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from fingerprint.bench.augly_edits import check_augly
from fingerprint.bench.profiles import PROFILES, Profile, apply_chain, draw_chain
from fingerprint.bench.sets import EDITS_NAME, TRUTH_NAME
from fingerprint.bench.sheet import Pair, contact_sheet
from fingerprint.bench.turns import check_empty, new_set
from fingerprint.challenge.edits import EDITS_HEADER
from fingerprint.collection.collection import create_collection
from fingerprint.config import COPY_PROBABILITY, config_for
from fingerprint.edits.canvas import as_jpeg, resize
from fingerprint.errors import ConfigError
from fingerprint.files import atomic
from fingerprint.files.names import written_name
from fingerprint.hamming import HammingIndex
from fingerprint.hashes import perceptual_hash
from fingerprint.images.decode import read_rgb
from fingerprint.models import Models
from fingerprint.types import U8, Skipped, StageProgress
from fingerprint.version import __version__
from fingerprint.workers import map_images

MAKE_NAME, SOURCES_NAME, LOOK_ALIKES_NAME, SHEET_NAME = (
    "make.json",
    "sources.tsv",
    "look_alikes.tsv",
    "contact-sheet.jpg",
)
_FOLDERS = ("train", "references", "queries")
_LEAST_IMAGES = 12
_MOST_EDITS = 5  # of a query; profiles say how often each number is drawn
_NEAR_BITS = 6  # of pHash: pictures so near are copies of each other for anybody
_EDITED_SIDE = 1024
_QUALITIES = (60, 96)  # of the JPEG files of queries
_SHOWN = 30  # pairs on the contact sheet


@dataclass(frozen=True, slots=True)
class MakeOptions:
    """How a set is made.

    Attributes
    ----------
    profile : str
        A key of `fingerprint.bench.profiles.PROFILES`.
    seed : int
    n_edits : tuple of int
        Fewest and most edits of a chain.
    train, strangers : float
        Shares of the photographs that become training images, and sources of queries that match nothing.
    copied : float
        Share of the references that a query is made from.
    side : int
        Longer side of training images and references in pixels; none is enlarged.
    look_alikes : bool
        Whether other shots of one scene are searched for, and become queries that match nothing.
    """

    profile: str = "challenge"
    seed: int = 0
    n_edits: tuple[int, int] = (1, 5)
    train: float = 0.25
    strangers: float = 0.25
    copied: float = 0.5
    side: int = 512
    look_alikes: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.profile not in PROFILES:
            raise ConfigError(f"no profile is called {self.profile!r}: choose from {', '.join(PROFILES)}")
        if not (self.train >= 0 and self.strangers >= 0 and self.train + self.strangers <= 0.9):
            raise ConfigError(
                f"shares {self.train} and {self.strangers}: together at most 0.9, as references are needed"
            )
        low, high = self.n_edits
        if not 1 <= low <= high <= _MOST_EDITS:
            raise ConfigError(
                f"chains of {low} to {high} edits: give the fewest first, then the most, both within 1 to {_MOST_EDITS}"
            )
        if not 0 < self.copied <= 1:
            raise ConfigError(f"copied is {self.copied}: give a share of the references, above 0, at most 1")
        if self.side < 64:
            raise ConfigError(f"a side of {self.side} pixels: give at least 64")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made.

    Attributes
    ----------
    train, references, copies, strangers, look_alikes : int
        Pictures, and queries; look-alikes are among the strangers.
    left_out : int
        Photographs that are copies of others among them.
    skipped : tuple of Skipped
    """

    train: int
    references: int
    copies: int
    strangers: int
    look_alikes: int
    left_out: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Division:
    """Which photographs go where; a look-alike is (source of the reference, source of the query)."""

    train: list[Path]
    references: list[Path]
    strangers: list[Path]
    backgrounds: list[Path]
    look_alikes: list[tuple[Path, Path]] = field(default_factory=list)


def make_set(
    images: Sequence[Path],
    out: Path,
    options: MakeOptions | None = None,
    *,
    models: Models | None = None,
    command: str | None = None,
    n_workers: int | None = None,
    progress: StageProgress | None = None,
) -> Made:
    """Make a set from photographs; the same photographs, options and versions give the same bytes.

    Parameters
    ----------
    images : sequence of Path
        At least 12 that are not alike. They are only read.
    out : Path
        A new or empty folder.
    options : MakeOptions, optional
    models : Models, optional
        For the search for look-alikes.
    command : str, optional
        Is named in ``make.json``.
    n_workers : int, optional
        Threads; the set does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    Made

    Raises
    ------
    ConfigError
        If the folder is not empty, or there are too few photographs.
    BenchBusyError
        If another process makes a set there.
    """
    options = options or MakeOptions()
    report = progress or (lambda _stage, _done, _total: None)
    if not images:
        raise ConfigError(f"no images to make a set from: give photographs, at least {_LEAST_IMAGES}, or their folder")
    check_empty(out)
    if options.profile == "augly":
        check_augly()
    kept, left_out, skipped = _distinct(sorted(set(images)), n_workers, report)
    pairs: list[tuple[Path, Path]] = []
    if options.look_alikes:
        kept, pairs, copies = _look_alikes(kept, models, n_workers, report)
        left_out += copies
    if not kept and skipped:
        raise ConfigError(f"none of {len(images)} files can be read, as {skipped[0].path}: {skipped[0].reason}")
    if len(kept) < _LEAST_IMAGES:
        unread = f"; {len(skipped)} cannot be read, as {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise ConfigError(
            f"{len(kept)} photographs that are not alike, too few for a set: give at least {_LEAST_IMAGES}{unread}"
        )
    rng = np.random.default_rng([options.seed, 0])
    division = _divided(kept, pairs, options, rng)
    facts = {
        "profile": options.profile,
        "seed": options.seed,
        "edits": list(options.n_edits),
        "side": options.side,
        "photographs": len(images) - len(skipped),
        "unreadable": len(skipped),
        "left_out": left_out,
        "copyprint": __version__,
        "command": command,
    }
    with new_set(out, (*_FOLDERS, TRUTH_NAME, EDITS_NAME, LOOK_ALIKES_NAME, SOURCES_NAME, SHEET_NAME, MAKE_NAME)):
        made = _write(out, division, options, rng, n_workers, report)
        atomic.replace_bytes(out / MAKE_NAME, (json.dumps(facts, indent=2) + "\n").encode())
    return Made(*made, left_out, (*skipped,))


def _distinct(
    images: Sequence[Path], n_workers: int | None, report: StageProgress
) -> tuple[list[Path], int, list[Skipped]]:
    """Return the photographs without those that are near copies of an earlier one by pHash, or cannot be read."""
    index = HammingIndex(64)
    kept, skipped, left_out = [], [], 0
    found = map_images(lambda path: perceptual_hash(path, "phash").value, images, n_workers)
    for done, (path, value) in enumerate(zip(images, found, strict=True), start=1):
        report("photographs", done, len(images))
        if isinstance(value, Skipped):
            skipped.append(value)
            continue
        code = np.array([value], np.uint64)
        if len(index) and len(index.within(code, _NEAR_BITS).rows):
            left_out += 1
            continue
        index.add(code)
        kept.append(path)
    return kept, left_out, skipped


def _look_alikes(
    images: Sequence[Path], models: Models | None, n_workers: int | None, report: StageProgress
) -> tuple[list[Path], list[tuple[Path, Path]], int]:
    """Find photographs that share a scene; return the others, the pairs, and how many were copies of others."""
    names = {str(row): path for row, path in enumerate(images)}
    with (
        tempfile.TemporaryDirectory(prefix="fingerprint-") as folder,
        create_collection(Path(folder) / "all", models=models, config=config_for("fast")) as collection,
    ):
        collection.add_images(names.items(), n_workers=n_workers)
        answers = collection.answer_many(
            images, min_probability=COPY_PROBABILITY, past_identical=True, n_workers=n_workers
        )
        taken: set[str] = set()
        copies: set[str] = set()
        pairs: list[tuple[str, str]] = []
        for row, answer in enumerate(answers):
            report("look-alikes", row + 1, len(images))
            if isinstance(answer, Skipped):
                continue
            own = str(row)
            copies |= {m.reference_id for m in answer.matches if int(m.reference_id) > row}
            near = [m.reference_id for m in answer.shared if m.reference_id != own]
            if near and own not in taken and not taken & set(near):
                pairs.append((own, near[0]))
                taken |= {own, *near}  # a third shot of the scene is left out: it would match neither, or both
    pairs = [(first, second) for first, second in pairs if not {first, second} & copies]
    others = [path for name, path in names.items() if name not in taken | copies]
    return others, [(names[first], names[second]) for first, second in pairs], len(copies)


def _divided(
    kept: Sequence[Path], pairs: Sequence[tuple[Path, Path]], options: MakeOptions, rng: np.random.Generator
) -> _Division:
    order = [kept[position] for position in rng.permutation(len(kept))]
    n_backgrounds = min(40, max(2, len(order) // 20))
    backgrounds, order = order[:n_backgrounds], order[n_backgrounds:]
    n_train, n_strangers = (round(share * len(order)) for share in (options.train, options.strangers))
    references = order[n_train + n_strangers :] + [first for first, _ in pairs]
    references = [references[position] for position in rng.permutation(len(references))]
    strangers = order[n_train : n_train + n_strangers]
    return _Division(order[:n_train], references, strangers, backgrounds, list(pairs))


def _write(
    out: Path,
    division: _Division,
    options: MakeOptions,
    rng: np.random.Generator,
    n_workers: int | None,
    report: StageProgress,
) -> tuple[int, int, int, int, int]:
    reference_id = {path: f"R{row:06}" for row, path in enumerate(division.references)}
    named = [(f"train/T{row:06}.jpg", path) for row, path in enumerate(division.train)]
    named += [(f"references/{name}.jpg", path) for path, name in reference_id.items()]
    for folder in _FOLDERS:
        (out / folder).mkdir()
    _save_all(named, out, options.side, n_workers, report)
    n_copies = max(1, round(options.copied * len(division.references)))
    copied = [division.references[row] for row in rng.permutation(len(division.references))[:n_copies]]
    sources = [(path, reference_id[path], "") for path in copied]
    sources += [(path, "", "") for path in division.strangers]
    sources += [(second, "", reference_id[first]) for first, second in division.look_alikes]
    sources = [sources[position] for position in rng.permutation(len(sources))]
    backgrounds = [_read(path, _EDITED_SIDE) for path in division.backgrounds]
    profile = PROFILES[options.profile]
    edit = partial(_edited, profile=profile, options=options, backgrounds=backgrounds)
    tables: dict[str, list[str]] = {
        TRUTH_NAME: ["query_id,reference_id"],
        EDITS_NAME: ["\t".join(EDITS_HEADER)],
        LOOK_ALIKES_NAME: ["query_id\treference_id"],
    }
    listed = ["id\tphotograph", *(f"{Path(name).stem}\t{written_name(str(path))}" for name, path in named)]
    shown: list[Pair] = []
    paths = [path for path, _, _ in sources]
    for row, made in enumerate(map_images(edit, list(enumerate(paths)), n_workers, strict=True)):
        if isinstance(made, Skipped):
            raise AssertionError(made.reason)  # strict: the first bad one has raised its error
        data, chain = made
        path, reference, like = sources[row]
        name = f"Q{row:05}"
        atomic.replace_bytes(out / "queries" / f"{name}.jpg", data)
        tables[TRUTH_NAME].append(f"{name},{reference}")
        tables[EDITS_NAME].append(f"{name}\t{reference}\t{'+'.join(chain)}")
        listed.append(f"{name}\t{written_name(str(path))}")
        if like:
            tables[LOOK_ALIKES_NAME].append(f"{name}\t{like}")
        if (reference or like) and len(shown) < _SHOWN:
            shown.append(Pair(name, reference or like, out, bool(like), "+".join(chain)))
        report("queries", row + 1, len(sources))
    if not options.look_alikes:
        del tables[LOOK_ALIKES_NAME]
    for file, lines in (*tables.items(), (SOURCES_NAME, listed)):
        atomic.replace_bytes(out / file, "".join(f"{line}\n" for line in lines).encode())
    atomic.replace_bytes(out / SHEET_NAME, as_jpeg(contact_sheet(shown), 88))
    n_strangers = len(sources) - len(copied)
    return len(division.train), len(division.references), len(copied), n_strangers, len(division.look_alikes)


def _save_all(
    named: Iterable[tuple[str, Path]], out: Path, side: int, n_workers: int | None, report: StageProgress
) -> None:
    items = list(named)

    def save(item: tuple[str, Path]) -> None:
        atomic.replace_bytes(out / item[0], as_jpeg(_read(item[1], side), 92))

    for done, _ in enumerate(map_images(save, items, n_workers, strict=True), start=1):
        report("pictures", done, len(items))


def _edited(
    item: tuple[int, Path], profile: Profile, options: MakeOptions, backgrounds: Sequence[U8]
) -> tuple[bytes, tuple[str, ...]]:
    """Return the JPEG file and the chain of a query; chance depends on the seed and its row only."""
    row, path = item
    rng = np.random.default_rng([options.seed, 1, row])
    chain = draw_chain(profile, rng, options.n_edits)
    chosen = rng.choice(len(backgrounds), min(2, len(backgrounds)), replace=False)
    edited = apply_chain(_read(path, _EDITED_SIDE), chain, rng, [backgrounds[i] for i in chosen])
    return as_jpeg(edited.pixels, int(rng.integers(*_QUALITIES))), chain


def _read(path: Path, side: int) -> U8:
    pixels = read_rgb(path, at_least=side).pixels
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    if factor == 1.0:
        return pixels
    return resize(pixels, max(1, round(width * factor)), max(1, round(height * factor)))[0]
