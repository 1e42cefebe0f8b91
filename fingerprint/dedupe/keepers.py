"""Which pictures are kept: the best first, and before it the source that its copies have in common with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from fingerprint.dedupe.values import Picture, Rules
from fingerprint.dedupe.verdicts import Verdicts
from fingerprint.dedupe.worth import Preference, Worth
from fingerprint.results import Verification
from fingerprint.types import Progress
from fingerprint.verify.changes import changes_of

_MOSTLY = 0.5  # share of a picture; what shows more of it is no part of a collage, and no sticker on it
_AS_FINE = 1.1  # pixels of a copy for one of its source, along a line, up to which little is lost without the copy


@dataclass(frozen=True, slots=True)
class Chosen:
    """Keepers, and what is a copy of them.

    Attributes
    ----------
    keepers : list of int
        In the order in which they were chosen.
    offers : dict of int to list of (int, Verification)
        For each copy the keepers that it may join, with its verdicts against them.
    sources : list of int
        Keepers that another picture gave way to.
    """

    keepers: list[int]
    offers: dict[int, list[tuple[int, Verification]]]
    sources: list[int]


class KeeperChoice:
    """Chooses keepers among pictures, which are named by position.

    Parameters
    ----------
    pictures : sequence of Picture
    near : mapping of int to sequence of int
        The copies of each picture, by what the search said.
    verdicts : Verdicts
    rules : Rules
    worth : mapping of int to sequence of Worth
        What is known of the files of each picture that is related to another one, the one to keep first.
    composed : set of int
        Pictures that another one was put into.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        near: Mapping[int, Sequence[int]],
        verdicts: Verdicts,
        rules: Rules,
        worth: Mapping[int, Sequence[Worth]],
        composed: Set[int],
    ) -> None:
        self._near, self._verdicts, self._rules = near, verdicts, rules
        self._worth, self._composed, self._preference = worth, composed, Preference(rules)
        self._references = {k for k in worth if pictures[k].is_reference}

    def in_order(self, order: Sequence[int], progress: Progress | None = None) -> Chosen:
        """Let each picture in turn become a keeper that is no copy of a keeper before it.

        Parameters
        ----------
        order : sequence of int
            The best first.
        progress : callable, optional
            Called as ``progress(done, total)``, in pictures.
        """
        chosen = Chosen([], {}, [])
        for done, first in enumerate(order, start=1):
            if first not in chosen.offers and first not in chosen.keepers:
                keeper, copies = self._source_or_first(first, chosen)
                if keeper != first:
                    chosen.sources.append(keeper)
                chosen.keepers.append(keeper)
                for k, found in copies:
                    chosen.offers.setdefault(k, []).append((keeper, found))
            if progress is not None:
                progress(done, len(order))
        return chosen

    def _source_or_first(self, first: int, chosen: Chosen) -> tuple[int, list[tuple[int, Verification]]]:
        """Return the best picture that is left, or the one that it gives way to, with all its copies.

        Two edited copies of a photograph may have too little in common, while each is surely a copy of the photograph.
        If one of them has more pixels, it would be kept, and the other left alone. So one gives way to a picture of
        which it is a copy with all its copies, and others are, too: that is most likely the source of them all. A
        picture with others put into it is a copy of all of these, too, so what may be such a part does not count.
        """
        copies = self._copies_of(first, chosen)
        joined = {first, *(k for k, _ in copies)}
        missing = joined - chosen.offers.keys()
        for k, _ in copies:
            if joined.issuperset(self._near[k]) or k in chosen.offers or not self._gives_way(first, k):
                continue
            more = self._copies_of(k, chosen)
            others = [found for other, found in more if other not in joined and other not in chosen.offers]
            if missing <= {k, *(other for other, _ in more)} and not all(map(_may_be_put_in, others)):
                return k, more
        return first, copies

    def _gives_way(self, first: int, other: int) -> bool:
        """Return whether a picture may be left for one that it shows most of, in no more pixels."""
        known = self._verdicts.known(first, other)
        if known is None or other in self._composed:
            return False
        changes = changes_of(known)
        is_likely = changes.shown > _MOSTLY and changes.scale < _AS_FINE
        return is_likely and self._preference.gives_way(self._worth[first][0], self._worth[other][0])

    def _copies_of(self, keeper: int, chosen: Chosen) -> list[tuple[int, Verification]]:
        """Return the copies of a keeper: those near it, near these, and so on, each with a verdict against the keeper.

        What is near a picture that is no copy of the keeper is not looked at for that reason. Other keepers and
        references are left out; of those that another keeper has taken, only what the search said is looked at.
        """
        found: list[tuple[int, Verification]] = []
        seen = {keeper, *self._references, *chosen.keepers}
        waiting = list(self._near[keeper])
        while waiting:
            k = waiting.pop(0)
            if k in seen:
                continue
            seen.add(k)
            verdict = self._verdicts.copy(k, keeper, self._rules.min_probability, ask=k not in chosen.offers)
            if verdict is not None:
                found.append((k, verdict))
                waiting += self._near[k]
        return found


def _may_be_put_in(found: Verification) -> bool:
    """Return whether a query may be what was put into the reference: seen whole, in a small part of it."""
    changes = changes_of(found)
    return changes.is_part and changes.shown <= _MOSTLY
