"""Groups of copies: keepers are chosen, and every other picture joins the keeper that it is most surely a copy of.

Being a copy is not transitive: two different crops of one photograph may share nothing, and a collage is a copy of all
its parts. So no picture joins a group because it is near a member. It has a verdict of its own against the keeper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fingerprint.dedupe.derived import derived_pictures
from fingerprint.dedupe.detail import shows_no_more
from fingerprint.dedupe.keepers import Chosen, KeeperChoice
from fingerprint.dedupe.looks import Looks
from fingerprint.dedupe.values import Picture, Rules
from fingerprint.dedupe.verdicts import Verdicts
from fingerprint.dedupe.worth import Preference, Worth
from fingerprint.results import Verification
from fingerprint.types import Progress
from fingerprint.verify.changes import changes_of

_SAME_SIZE = 0.03  # logarithm of the scale between pictures that have one size
_MOST_SMALLER = 4  # smaller copies that a picture which seems to be enlarged is compared with


@dataclass(frozen=True, slots=True)
class Gathered:
    """The keepers among some pictures, by position, and what belongs to each.

    Attributes
    ----------
    worth : dict of int to list of Worth
        Files of each picture that is related to another one, the one to keep first.
    members : dict of int to list of (int, Verification)
        For each keeper its copies with their verdicts against it, the surest first.
    shared : dict of int to list of (int, Verification)
        For each keeper the pictures that only share something with it.
    """

    worth: dict[int, list[Worth]]
    members: dict[int, list[tuple[int, Verification]]]
    shared: dict[int, list[tuple[int, Verification]]]


def gather(
    pictures: Sequence[Picture],
    verdicts: Verdicts,
    rules: Rules,
    look_at: Callable[[Sequence[int]], dict[int, list[Worth]]],
    looks: Looks,
    progress: Progress | None = None,
) -> Gathered:
    """Choose keepers and give each its members.

    Parameters
    ----------
    pictures : sequence of Picture
    verdicts : Verdicts
        What the search said. Pairs that it did not compare are asked for only within what is near a keeper's members.
    rules : Rules
    look_at : callable
        Returns what is known of the files of pictures, by their positions.
    looks : Looks
        Looks closer at some of them.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures that may be keepers.
    """
    near = {k: _copies_near(k, verdicts, rules) for k in range(len(pictures))}
    preference = Preference(rules)
    related = [k for k, picture in enumerate(pictures) if near[k] or len(picture.files) > 1 or picture.others]
    worth, enlarged = _compared(look_at(related), near, verdicts, looks)
    composed, parts = derived_pictures(pictures, near, verdicts, worth, looks)
    derived = composed | parts | enlarged
    worth = {k: sorted(_derived(files, k in derived), key=preference.key) for k, files in worth.items()}
    order = sorted(related, key=lambda k: preference.key(worth[k][0]))
    choice = KeeperChoice(pictures, near, verdicts, rules, worth, composed)
    chosen = choice.in_order(order, progress)
    members = _members(chosen, verdicts)
    alone = {k for k in chosen.keepers if near[k] and not members[k]}  # its copies are more surely copies of others
    if alone:
        chosen = choice.in_order(sorted(order, key=alone.__contains__))
        members = _members(chosen, verdicts)
    worth |= {k: [replace(file, is_source=True) for file in worth[k]] for k in chosen.sources}
    return Gathered(worth, members, _shared(pictures, verdicts, members))


def _members(chosen: Chosen, verdicts: Verdicts) -> dict[int, list[tuple[int, Verification]]]:
    """Let each picture join the keeper that it is most surely a copy of, the surest first.

    Who only shares something with a member that is surer than itself does not join, if that is the surer verdict: two
    shots of one scene, and a poor copy of one of them that is like both.
    """
    members: dict[int, list[tuple[int, Verification]]] = {keeper: [] for keeper in chosen.keepers}
    belongs: dict[int, int] = {}
    rank = {keeper: k for k, keeper in enumerate(chosen.keepers)}
    every = [(found.log_odds, keeper, k, found) for k, made in chosen.offers.items() for keeper, found in made]
    for _, keeper, k, found in sorted(every, key=lambda offer: (-offer[0], rank[offer[1]], offer[2])):
        if k in belongs or _contradicted(k, keeper, found, belongs, verdicts):
            continue
        belongs[k] = keeper
        members[keeper].append((k, found))
    return members


def _contradicted(k: int, keeper: int, found: Verification, belongs: dict[int, int], verdicts: Verdicts) -> bool:
    """Return whether a picture shares only a scene with a member, more surely than it is a copy of the keeper."""
    for member in verdicts.near(k):
        if belongs.get(member) == keeper:
            known = verdicts.known(k, member)
            if known is not None and known.relation == "shared" and known.shared_probability > found.probability:
                return True
    return False


def _copies_near(picture: int, verdicts: Verdicts, rules: Rules) -> list[int]:
    """Return the pictures that the search called copies of one, or the other way round."""
    found = ((k, verdicts.known(picture, k)) for k in verdicts.near(picture) if k != picture)
    return [k for k, known in found if known is not None and known.probability >= rules.min_probability]


def _compared(
    worth: dict[int, list[Worth]], near: dict[int, list[int]], verdicts: Verdicts, looks: Looks
) -> tuple[dict[int, list[Worth]], set[int]]:
    """Correct what is known of pictures that seem to be enlarged by comparing them with their whole copies.

    What names its camera was not made from a smaller one that does not.

    Returns
    -------
    worth : dict of int to list of Worth
        As given, but those that are not enlarged need all of their pixels.
    enlarged : set of int
        Pictures that were made by enlarging a copy of theirs.
    """
    corrected, enlarged = dict(worth), set[int]()
    for k, files in worth.items():
        if not files or files[0].detail == 1:
            continue
        same_size, smaller = _whole_copies(k, worth, near, verdicts)
        if any(looks.was_enlarged(k, j) for j in smaller if _has_camera(worth[j]) >= _has_camera(files)):
            enlarged.add(k)
        elif smaller or (same_size and all(shows_no_more(files[0].drops, worth[j][0].drops) for j in same_size)):
            corrected[k] = [replace(file, detail=1.0) for file in files]
    return corrected, enlarged


def _whole_copies(
    k: int, worth: dict[int, list[Worth]], near: dict[int, list[int]], verdicts: Verdicts
) -> tuple[list[int], list[int]]:
    """Return the copies that show the whole of a picture at its size, and some that show it smaller, the largest first.

    What was turned or mirrored besides cannot be laid beside it.
    """
    same_size, smaller = [], []
    for j in near[k]:
        known = verdicts.known(j, k)
        changes = None if known is None else changes_of(known)
        if not worth.get(j) or changes is None or not changes.is_whole:
            continue
        if abs(math.log(changes.scale)) < _SAME_SIZE:
            same_size += [j] if worth[j][0].drops else []
        elif changes.scale < 1 and changes.is_upright:
            smaller.append(j)
    smaller.sort(key=lambda j: (-worth[j][0].size[0] * worth[j][0].size[1], j))
    return same_size, smaller[:_MOST_SMALLER]


def _has_camera(files: Sequence[Worth]) -> bool:
    return any(file.origin.camera for file in files)


def _derived(files: Sequence[Worth], derived: bool) -> list[Worth]:
    return [replace(worth, is_derived=derived) for worth in files]


def _shared(
    pictures: Sequence[Picture], verdicts: Verdicts, members: dict[int, list[tuple[int, Verification]]]
) -> dict[int, list[tuple[int, Verification]]]:
    """Return for each picture that is no member the others that only share something with it; each pair once."""
    belongs = {k for joined in members.values() for k, _ in joined}
    shared: dict[int, list[tuple[int, Verification]]] = {}
    said: set[int] = set()
    order = [*(k for k in members if members[k]), *range(len(pictures))]
    for keeper in dict.fromkeys(order):
        if keeper in belongs or keeper in said:
            continue
        others = []
        for k in verdicts.near(keeper):
            known = verdicts.known(k, keeper)
            if k not in belongs and k != keeper and k not in said and known is not None and known.relation == "shared":
                others.append((k, known))
        if others:
            shared[keeper] = sorted(others, key=lambda other: (-other[1].shared_probability, other[0]))
            said.update(k for k, _ in others)
            said.add(keeper)
    return shared
