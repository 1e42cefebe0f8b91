"""What looks at a query find, and how they become its answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fingerprint.errors import ConfigError
from fingerprint.features.views import Likeliest
from fingerprint.results import Answer, Match, Verification
from fingerprint.types import Skipped
from fingerprint.verify import surer

_log = logging.getLogger(__name__)
_MOST_RESULTS = (1 << 63) - 1  # as the catalogue counts
#: Queries whose descriptors are compared together.
BATCH = 64
#: References; batches are used from here on, below they save less than 1 % of a search.
BATCH_FROM = 50_000


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Search options.

    Attributes
    ----------
    n_results : int, >= 0
        Largest number of matches of a query, and of references that share something with it.
    min_probability : float, [0, 1]
        Least probability of a match. It is about copies.
    exact : bool
        Compare with every descriptor, rather than use codes or Annoy in large segments.
    past_identical : bool
        Whether a query is looked at more closely also if a reference has the same bytes or pixels: what else it was
        made from, or was made from it, is wanted, too.

    Raises
    ------
    ConfigError
        If `n_results` is negative or more than a collection can hold, or `min_probability` is no number from 0 to 1.
    """

    n_results: int
    min_probability: float = 0.0
    exact: bool = False
    past_identical: bool = False

    def __post_init__(self) -> None:
        if self.n_results < 0:
            raise ConfigError(f"n_results is {self.n_results}, must not be negative")
        if self.n_results > _MOST_RESULTS:
            raise ConfigError(f"n_results is {self.n_results}, must be at most {_MOST_RESULTS:,}")
        if not 0 <= self.min_probability <= 1:
            raise ConfigError(f"min_probability is {self.min_probability}, must be a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class Look:
    """What one or several looks at a query found: verifications and faults by reference, times and counters."""

    verified: dict[str, Verification]
    faults: dict[str, str]
    milliseconds: dict[str, float]
    counters: dict[str, int]

    def likeliest(self, *, past_identical: bool = False) -> Likeliest:
        """Return the likeliest of what was found; with `past_identical` of what has not the same bytes or pixels."""
        return Likeliest.of(found for found in self.verified.values() if not (past_identical and found.identical))

    def add(self, other: Look) -> None:
        """Add a look at a view of the query; of two verifications of a reference, the surer one is kept."""
        for name, seen in other.verified.items():
            known = self.verified.get(name)
            self.verified[name] = seen if known is None else surer(known, seen)
        self.faults.update(other.faults)
        for stage, spent in other.milliseconds.items():
            self.milliseconds[stage] += spent
        for name, n in other.counters.items():
            self.counters[name] += n


class Answers:
    """Makes answers of looks; each damaged reference is logged once.

    Parameters
    ----------
    folder : Path
        Of the collection.
    options : SearchOptions
    """

    def __init__(self, folder: Path, options: SearchOptions) -> None:
        self._folder, self._options = folder, options
        self._reported: dict[str, object] = {}

    def answer(self, name: str, plain: bool, look: Look) -> Answer:
        """Return the answer to a query; `plain` is whether only its bytes are sure to be found."""
        matches, shared = self._divide([Match(name, reference, found) for reference, found in look.verified.items()])
        return Answer(name, matches, shared, look.milliseconds, look.counters, self._report(look.faults), plain)

    def _report(self, faults: Mapping[str, str]) -> tuple[Skipped, ...]:
        """Log each damaged reference once, and return all of them."""
        mine = object()  # of several threads, the one whose mark is kept logs
        for name in [name for name in faults if self._reported.setdefault(name, mine) is mine]:
            _log.warning(
                "%s: reference %s is left out of searches, as it is damaged: %s; 'fingerprint index check --repair' "
                "restores what it can",
                *(self._folder, name, faults[name]),
            )
        return tuple(Skipped(name, fault) for name, fault in faults.items())

    def _divide(self, verified: Sequence[Match]) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
        """Return the matches, and the other references that share something with the query."""
        limit = self._options.n_results
        by_score = sorted(verified, key=lambda match: (-match.score, match.reference_id))
        kept = [match for match in by_score if match.probability >= self._options.min_probability][:limit]
        known = {match.reference_id for match in kept}
        shared = [match for match in verified if match.relation == "shared" and match.reference_id not in known]
        shared.sort(key=lambda match: (-match.shared_probability, match.reference_id))
        return tuple(kept), tuple(shared[:limit])
