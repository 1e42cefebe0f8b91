"""Verdicts on pairs of pictures: those that the search gave, and those that are asked for one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from fingerprint.collection.collection import Collection
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.models import Models
from fingerprint.results import Answer, Verification
from fingerprint.types import Progress, Skipped
from fingerprint.verify.changes import turned_round
from fingerprint.verify.compare import compare
from fingerprint.verify.verification import SAME_BYTES_LOG_ODDS
from fingerprint.workers import Workers

Item = TypeVar("Item")

_MOST_RESULTS = 64  # more than a search verifies, besides pictures with the same pixels


class Verdicts:
    """Verdicts on pairs of pictures, by their positions.

    Parameters
    ----------
    paths : sequence of Path
        The file of each picture.
    models : Models
    config : Config
    """

    def __init__(self, paths: Sequence[Path], models: Models, config: Config) -> None:
        self._paths, self._models, self._config = paths, models, config
        self._found: dict[tuple[int, int], Verification] = {}
        self._unrelated: set[tuple[int, int]] = set()
        self._near: dict[int, set[int]] = {}

    def note(self, query: int, reference: int, found: Verification) -> None:
        """Keep a verdict; of an unrelated pair only that it is one."""
        if found.relation == "unrelated":
            self._unrelated.add((query, reference))
            return
        self._found[query, reference] = found
        self._near.setdefault(query, set()).add(reference)
        self._near.setdefault(reference, set()).add(query)

    def near(self, picture: int) -> list[int]:
        """Return the pictures of which it is known that they share something with one, or are copies."""
        return sorted(self._near.get(picture, ()))

    def known(self, query: int, reference: int) -> Verification | None:
        """Return the verdict on a pair that is related: the surer one of both directions, as if `query` was asked."""
        forth, back = self._found.get((query, reference)), self._found.get((reference, query))
        if back is None or (forth is not None and _sureness(forth) >= _sureness(back)):
            return forth
        return turned_round(back)

    def copy(self, query: int, reference: int, min_probability: float, *, ask: bool) -> Verification | None:
        """Return the verdict that one picture is a copy of another; None if it is not one.

        With `ask`, what the search did not say is asked: first with `query` as the query, and if that finds no copy,
        the other way.
        """
        known = self.known(query, reference)
        for pair in ((query, reference), (reference, query)) if ask else ():
            if known is not None and known.probability >= min_probability:
                break
            if pair not in self._found and pair not in self._unrelated:
                self._ask(*pair)
                known = self.known(query, reference)
        return known if known is not None and known.probability >= min_probability else None

    def _ask(self, query: int, reference: int) -> None:
        pair = self._paths[query], self._paths[reference]
        try:
            found = compare(*pair, models=self._models, config=self._config)
        except ImageError:  # one of them is gone since the search, so nothing can be done with it
            self._unrelated.add((query, reference))
            return
        self.note(query, reference, found)


def answers(
    collection: Collection,
    pictures: Sequence[Item],
    paths: Sequence[Path],
    n_workers: Workers = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Item, Answer | Skipped]]:
    """Ask each picture once, from its file, which of the collection's references are related to it.

    A picture that is a reference itself, or has the same pixels as one, is looked at as closely as any other.
    """
    found = collection.answer_many(paths, n_results=_MOST_RESULTS, past_identical=True, n_workers=n_workers)
    for done, (picture, answer) in enumerate(zip(pictures, found, strict=True), start=1):
        yield picture, answer
        if progress is not None:
            progress(done, len(pictures))


def _sureness(found: Verification) -> tuple[float, float]:
    """Return how sure a verdict is, of a copy or of something shared; of two sure copies the log-odds decide."""
    return max(found.probability, found.shared_probability), found.log_odds


def same_picture(width: int, height: int) -> Verification:
    """Return the verdict on two files with the same bytes, as a search gives it, of a picture of this size."""
    right, bottom = width - 0.5, height - 0.5
    whole = ((-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom))
    return Verification(
        probability=1.0,
        shared_probability=0.0,
        log_odds=SAME_BYTES_LOG_ODDS,
        n_inliers=0,
        transform=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        mirrored=False,
        inverted=False,
        reference_region=whole,
        query_region=whole,
        identical=True,
        query_size=(width, height),
        reference_size=(width, height),
    )
