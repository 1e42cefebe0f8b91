"""Make a judging set of look-alikes, search it through the command line, and write down what was taken for a copy.

Graphics of one template look alike and are no copies: the same caption over other photographs, one form filled in
twice, charts of one style. The same holds for two photographs of one scene. The set has:

- references: members of templates from the judging layouts of ``fingerprint.edits.graphics``, first shots of scenes,
  and photographs of ``DATA/references`` as filler;
- strangers, queries without a source: other members of the same templates, and second shots of the scenes;
- copies, queries with a source: references of templates, and first shots, after 1 to 3 edits.

A photograph in a query is in no reference, and no photograph comes from ``DATA/queries``. The pictures stay in FOLDER,
and are made again only for other settings.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import cv2
import numpy as np
import PIL
from _records import RESULTS, ROOT, SEED, header, write
from PIL import Image
from reliability import calibration

from fingerprint.challenge import GroundTruth, Matches, evaluate_matches
from fingerprint.config import DEFAULT_PROFILE, PROFILES
from fingerprint.edits import random_chain
from fingerprint.edits.graphics import JUDGING_FAMILIES, draw_member, layout_of
from fingerprint.edits.second_shots import second_shots
from fingerprint.models import load_models
from fingerprint.types import U8

SCENES = "second_shots"
N_REFERENCES, N_STRANGERS = 2, 2  # members of a template; each reference has one copy
SCENES_PER_FAMILY = 4  # scenes for each template of a family
STRENGTHS = (0.2, 1.0)  # of second shots
QUALITY = (75, 96)  # of the JPEG files
LEVELS = {"at_half": 0.5, "at_nine_tenths": 0.9}


#: By query: reference, probability and log-odds of a copy, and relation of each match.
Answers = dict[str, list[tuple[str, float, float, str]]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the reference that it is a copy of; "" for none."""

    name: str
    family: str
    layout: str
    template: str
    source: str
    edits: str


class Unused(Sequence[U8]):
    """Photographs, each given once: any index gives the next one. After the last they start again; `given` counts."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.given = 0

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> U8: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[U8]: ...
    def __getitem__(self, index: int | slice) -> U8 | Sequence[U8]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        self.given += 1
        return opened(self.paths[(self.given - 1) % len(self.paths)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with references/")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, collection and answers")
    parser.add_argument("--per-family", type=int, default=10, help="templates of each family")
    parser.add_argument("--families", default=",".join([*JUDGING_FAMILIES, SCENES]), help="names, joined by commas")
    parser.add_argument("--fillers", type=int, default=600, help="photographs among the references")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--profile", choices=tuple(PROFILES), default=DEFAULT_PROFILE)
    parser.add_argument("--result", type=Path, default=RESULTS / "look_alikes.json")
    arguments = parser.parse_args()
    families = arguments.families.split(",")
    if unknown := set(families) - {*JUDGING_FAMILIES, SCENES}:
        parser.error(f"unknown families {', '.join(sorted(unknown))}")
    settings = {name: getattr(arguments, name) for name in ("per_family", "families", "fillers", "seed")}
    start = time.perf_counter()
    queries = read_or_make(arguments.data, arguments.out, families, settings)
    seconds = {"making the set": round(time.perf_counter() - start, 1)}
    answers = search(arguments.out, arguments.profile, seconds)
    models = load_models()
    result = {
        **header(arguments.data),
        "seed": arguments.seed,
        "settings": settings,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "profile": arguments.profile,
        "references": len(list((arguments.out / "references").iterdir())),
        "queries": len(queries),
        "seconds": seconds,
        "metrics": {
            "all": metrics(queries, answers),
            "without_second_shots": metrics([query for query in queries if query.family != SCENES], answers),
        },
        "all": judged(queries, answers),
        "calibration": {
            "all": first_rows(queries, answers),
            "without_second_shots": first_rows([query for query in queries if query.family != SCENES], answers),
        },
        "families": grouped(queries, answers, "family"),
        "layouts": grouped(queries, answers, "layout"),
    }
    result["command"] = re.sub(
        r"--result \S+", "--result FILE", result["command"].replace("--out FILE", "--out FOLDER")
    )
    write(arguments.result, result, show=False)
    print_table(result)


def read_or_make(data: Path, out: Path, families: Sequence[str], settings: dict[str, Any]) -> list[Query]:
    """Return the queries of the set in a folder; make it if it is not there or has other settings."""
    record = out / "set.json"
    if record.exists():
        found = json.loads(record.read_text(encoding="utf-8"))
        if found["settings"] == settings:
            return [Query(**query) for query in found["queries"]]
    for name in ("references", "queries"):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
    record.unlink(missing_ok=True)
    queries = list(make_set(data, out, families, settings))
    record.write_text(
        json.dumps({"settings": settings, "queries": [asdict(query) for query in queries]}, indent=1) + "\n",
        encoding="utf-8",
    )
    return queries


def make_set(data: Path, out: Path, families: Sequence[str], settings: dict[str, Any]) -> Iterator[Query]:
    """Write references and queries; yield the queries."""
    rng = np.random.default_rng(settings["seed"])
    paths = sorted((data / "references").iterdir())
    paths = [paths[i] for i in rng.permutation(len(paths))]
    quarter = len(paths) // 4
    fillers, rest = paths[: min(settings["fillers"], quarter)], paths[quarter:]
    inside, outside, overlays, scenes = (Unused(rest[i::4]) for i in range(4))
    for path in fillers:
        shutil.copyfile(path, out / "references" / f"photograph-{path.stem}{path.suffix}")
    for family in families:
        for template in range(settings["per_family"]):
            if family == SCENES:
                for scene in range(SCENES_PER_FAMILY):
                    yield from make_scene(out, template * SCENES_PER_FAMILY + scene, scenes, overlays, settings["seed"])
            else:
                yield from make_template(out, family, template, (inside, outside, overlays), settings["seed"])
        print(f"{family}: drawn", file=sys.stderr, flush=True)
    if any(pool.given > len(pool) for pool in (inside, outside, scenes)):
        print("note: there were too few photographs, some are in several pictures", file=sys.stderr)


def make_template(
    out: Path, family: str, template: int, photos: tuple[Unused, Unused, Unused], seed: int
) -> Iterator[Query]:
    """Write the members of a template: references, a copy of each, strangers."""
    inside, outside, overlays = photos
    rng = np.random.default_rng([seed, template, *family.encode()])
    template_seed = seed * 10_000 + template
    layout, group = layout_of(family, template_seed, "judging"), f"{family}-{template:03d}"
    known: list[U8] = []
    for number in range(N_REFERENCES):
        pixels = draw_member(family, template_seed, number, inside, "judging")
        known.append(pixels)
        source = f"{group}-r{number}"
        save(out / "references" / source, pixels, rng)
        yield copied(out, pixels, Query(f"{group}-c{number}", family, layout, group, source, ""), overlays, rng)
    content = N_REFERENCES
    for number in range(N_STRANGERS):
        pixels = draw_member(family, template_seed, content, outside, "judging")
        while any(np.array_equal(pixels, other) for other in known):  # few things can be drawn in some templates
            content += 1
            pixels = draw_member(family, template_seed, content, outside, "judging")
        content += 1
        name = f"{group}-s{number}"
        save(out / "queries" / name, pixels, rng)
        yield Query(name, family, layout, group, "", "")


def make_scene(out: Path, number: int, scenes: Unused, overlays: Unused, seed: int) -> Iterator[Query]:
    """Write the first shot of a scene as a reference, its second shot as a stranger, and a copy of the first."""
    rng = np.random.default_rng([seed, number])
    shots = second_shots(scenes[0], rng, float(rng.uniform(*STRENGTHS)))
    group = f"{SCENES}-{number:03d}"
    save(out / "references" / f"{group}-r0", shots.first, rng)
    save(out / "queries" / f"{group}-s0", shots.second, rng)
    yield Query(f"{group}-s0", SCENES, SCENES, group, "", "")
    yield copied(out, shots.first, Query(f"{group}-c0", SCENES, SCENES, group, f"{group}-r0", ""), overlays, rng)


def copied(out: Path, pixels: U8, query: Query, overlays: Unused, rng: np.random.Generator) -> Query:
    """Write an edited copy; return the query with its edits."""
    edited = random_chain(pixels, rng, [overlays[0] for _ in range(2)], n_edits=(1, 3))
    save(out / "queries" / query.name, edited.pixels, rng)
    return Query(**{**asdict(query), "edits": "+".join(edited.names)})


def opened(path: Path) -> U8:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def save(path: Path, pixels: U8, rng: np.random.Generator) -> None:
    Image.fromarray(pixels).save(path.with_name(f"{path.name}.jpg"), quality=int(rng.integers(*QUALITY)))


def search(out: Path, profile: str, seconds: dict[str, float]) -> Answers:
    """Index the references, search the queries; return what was found for each."""
    collection = out / "collection"
    shutil.rmtree(collection, ignore_errors=True)
    start = time.perf_counter()
    fingerprint("index", "create", str(collection), str(out / "references"), "--quiet")
    middle = time.perf_counter()
    options = ("--json", "--min-score", "0", "--profile", profile, "--quiet")
    lines = fingerprint("search", str(collection), str(out / "queries"), *options)
    seconds["index create"], seconds["search"] = round(middle - start, 1), round(time.perf_counter() - middle, 1)
    answers = {}
    with (out / "matches.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["query", "reference", "probability", "log_odds", "relation"])
        for line in lines.splitlines():
            answer = json.loads(line)
            query = Path(answer["query"]).stem
            found = [
                (Path(m["reference"]).stem, m["probability"], m["log_odds"], m["relation"]) for m in answer["matches"]
            ]
            answers[query] = found
            table.writerows([query, *match] for match in found)
    return answers


def fingerprint(*arguments: str) -> str:
    command = [sys.executable, "-m", "fingerprint", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def metrics(queries: Sequence[Query], answers: Answers) -> dict[str, Any]:
    """Return the challenge's metrics of copies among strangers."""
    pairs = tuple((query.name, query.source) for query in queries if query.source)
    if not pairs:
        return {}
    truth = GroundTruth(pairs, tuple(query.name for query in queries if not query.source))
    rows = [(query.name, match[0], match[2]) for query in queries for match in answers[query.name]]
    scores = np.array([row[2] for row in rows], np.float64)
    return asdict(evaluate_matches(Matches(tuple(r[0] for r in rows), tuple(r[1] for r in rows), scores), truth))


def judged(queries: Sequence[Query], answers: Answers) -> dict[str, Any]:
    """Count strangers that were taken for copies, and copies that were found."""
    strangers, copies = [q for q in queries if not q.source], [q for q in queries if q.source]
    best = {q.name: max((row[1] for row in answers[q.name]), default=0.0) for q in strangers}
    own = {
        q.name: max((row[1] for row in answers[q.name] if row[0].startswith(f"{q.template}-")), default=0.0)
        for q in strangers
    }
    sure = {q.name: max((row[1] for row in answers[q.name] if row[0] == q.source), default=0.0) for q in copies}
    named = sum(
        any(row[0].startswith(f"{q.template}-") and row[3] == "shared" for row in answers[q.name]) for q in strangers
    )
    first = sum(bool(answers[q.name]) and answers[q.name][0][0] == q.source for q in copies)
    return {
        "strangers": len(strangers),
        **{f"strangers_{name}": sum(p >= level for p in best.values()) for name, level in LEVELS.items()},
        "strangers_of_own_template_at_half": sum(p >= LEVELS["at_half"] for p in own.values()),
        "strangers_shared": named,
        "copies": len(copies),
        "source_first": first,
        "found_at_half": sum(p >= LEVELS["at_half"] for p in sure.values()),
    }


def first_rows(queries: Sequence[Query], answers: Answers) -> dict[str, Any]:
    """Return the calibration of the first match of each query."""
    rows = [(answers[q.name][0][1], answers[q.name][0][0] == q.source) for q in queries if answers[q.name]]
    return calibration(np.array([p for p, _ in rows], np.float64), np.array([found for _, found in rows], np.bool_))


def grouped(queries: Sequence[Query], answers: Answers, by: str) -> dict[str, dict[str, Any]]:
    """Judge the queries of each family or layout."""
    groups: dict[str, list[Query]] = defaultdict(list)
    for query in queries:
        groups[getattr(query, by)].append(query)
    return {name: judged(group, answers) for name, group in sorted(groups.items())}


def print_table(result: dict[str, Any]) -> None:
    print(f"{'':30s} {'strangers':>9s} {'>= 0.5':>7s} {'>= 0.9':>7s} {'copies':>7s} {'first':>6s} {'>= 0.5':>7s}")
    for name, row in [*result["families"].items(), ("all", result["all"])]:
        counts = (row["strangers_at_half"], row["strangers_at_nine_tenths"], row["copies"])
        found = f"{row['source_first']:6d} {row['found_at_half']:7d}"
        print(f"{name:30s} {row['strangers']:9d} {counts[0]:7d} {counts[1]:7d} {counts[2]:7d} {found}")
    print(json.dumps(result["metrics"], indent=2))


if __name__ == "__main__":
    main()
