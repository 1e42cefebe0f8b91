"""What searches, comparisons and additions return."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fingerprint.config import COPY_PROBABILITY
from fingerprint.htmltables import facts_table, rows_table
from fingerprint.types import F32, Skipped

#: How a query is related to a reference: made from it (``copy``); neither was made from the other, and both show the
#: same template or the same scene (``shared``); they have nothing to do with each other (``unrelated``).
Relation: TypeAlias = Literal["copy", "shared", "unrelated"]

_SHOWN = 20  # matches in a table
_LEAST_TURN = 2.0  # degrees that are worth a word


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of comparing a query with one reference.

    Attributes
    ----------
    probability : float
        Calibrated probability, [0, 1], of a copy: that the query was made from the reference.
    shared_probability : float
        Calibrated probability, [0, 1], that neither was made from the other, and both show the same template or the
        same scene. The two probabilities and `unrelated_probability` add up to 1.
    log_odds : float
        `probability` on the logit scale. It is unbounded, so scores do not tie at the top.
    n_inliers : int
        Distinct query keypoints that agree on one transform.
    transform : tuple of 9 float, or None
        Row-major 3 x 3 homography from pixels of the original query to pixels of the original reference;
        None where no geometry was found.
    mirrored : bool
        Whether the query shows the reference mirrored.
    inverted : bool
        Whether the query shows the reference as a photographic negative.
    reference_region, query_region : tuple of (x, y), or None
        Corners of the part of the reference that the query shows, in pixels of the original reference, clockwise; and
        the same corners, in the same order, in pixels of the original query.
    identical : bool
        Whether the two have the same bytes or the same pixels. Such a query is a copy, whatever there is to see in it.
    query_size, reference_size : (int, int)
        Width and height of the two originals in pixels, upright; (0, 0) if they are not known.
    inliers : float32 array, shape (k, 4), or None
        Where the keypoints lie that agree on the transform: ``(x, y)`` in pixels of the original query, and in those of
        the original reference. Kept only if ``config.match.keep_inliers`` asks for it.
    """

    probability: float
    shared_probability: float
    log_odds: float
    n_inliers: int
    transform: tuple[float, ...] | None
    mirrored: bool
    inverted: bool
    reference_region: tuple[tuple[float, float], ...] | None
    query_region: tuple[tuple[float, float], ...] | None
    identical: bool = False
    query_size: tuple[int, int] = (0, 0)
    reference_size: tuple[int, int] = (0, 0)
    inliers: F32 | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        """Return the verdict in one line, without the coordinates."""
        return f"Verification({self.relation} {self.probability:.3f}, {self.n_inliers} inliers{self._variant})"

    def _repr_html_(self) -> str:
        """Return the verdict as a table, for notebooks."""
        return facts_table(self.relation, self._facts())

    def _facts(self) -> dict[str, object]:
        corners = self.reference_region or ()
        return {
            "probability of a copy": f"{self.probability:.3f}",
            "of something shared": f"{self.shared_probability:.3f}",
            "shown": self._variant.removeprefix(", ") or "as it is",
            "keypoints that agree": self.n_inliers,
            "region of the reference": " ".join(f"({x:.0f}, {y:.0f})" for x, y in corners) or "-",
        }

    @property
    def _variant(self) -> str:
        turned = self.rotation
        words = [
            *(["identical"] if self.identical else []),
            *(["mirrored"] if self.mirrored else []),
            *([f"rotated {turned:.0f}°"] if turned is not None and _LEAST_TURN <= turned <= 360 - _LEAST_TURN else []),
            *(["negative"] if self.inverted else []),
        ]
        return "".join(f", {word}" for word in words)

    @property
    def unrelated_probability(self) -> float:
        """Calibrated probability, [0, 1], that the two have nothing to do with each other."""
        return max(0.0, 1.0 - self.probability - self.shared_probability)

    @property
    def rotation(self) -> float | None:
        """Degrees clockwise, [0, 360), by which the reference was turned to give the query; None without a transform.

        A mirrored query was mirrored left to right first, then turned. Of a perspective transform it is the rotation in
        the middle of what the query shows; of a shear, that of the nearest similarity.
        """
        return None if self.transform is None else _rotation(self.transform, self.query_region or ((0.0, 0.0),))

    @property
    def relation(self) -> Relation:
        """``"copy"`` from a probability of 0.5 on, otherwise the more probable of ``"shared"`` and ``"unrelated"``."""
        if self.probability >= COPY_PROBABILITY:
            return "copy"
        return "shared" if self.shared_probability > self.unrelated_probability else "unrelated"


@dataclass(frozen=True, slots=True)
class Match:
    """One reference found for a query, with its verification."""

    query: str
    reference_id: str
    verification: Verification

    def __repr__(self) -> str:
        """Return the two names and the verdict in one line."""
        return f"Match({self.query!r}, {self.reference_id!r}: {self.relation} {self.probability:.3f})"

    def _repr_html_(self) -> str:
        """Return the match as a table, for notebooks."""
        verdict = self.verification
        return facts_table(f"{self.query}: {self.relation} of {self.reference_id}", verdict._facts())  # noqa: SLF001

    @property
    def relation(self) -> Relation:
        """``"copy"``, ``"shared"`` or ``"unrelated"``, as `Verification.relation`."""
        return self.verification.relation

    @property
    def probability(self) -> float:
        """Calibrated probability, [0, 1], of a copy."""
        return self.verification.probability

    @property
    def shared_probability(self) -> float:
        """Calibrated probability, [0, 1], of a shared template or scene."""
        return self.verification.shared_probability

    @property
    def score(self) -> float:
        """Log-odds of a copy; the score in the challenge's file."""
        return self.verification.log_odds


@dataclass(frozen=True, slots=True)
class Work:
    """Time that stages of a search took, and how much they did.

    Attributes
    ----------
    milliseconds : mapping of str to float
        Wall clock by stage.
    counters : mapping of str to int
        Counts by name.
    """

    milliseconds: Mapping[str, float]
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Matches of one query, the time that each stage of the search took, and how much it did.

    Attributes
    ----------
    query : str
        Name of the query.
    matches : tuple of Match
        References with at least the probability of a copy that was asked for, highest score first.
    shared : tuple of Match
        References with the relation ``shared`` that are not in `matches`, highest shared probability first. There are
        at most as many as matches were asked for. If any probability of a copy was enough, `matches` has them first.
    milliseconds : mapping of str to float
        Wall clock by stage, in their order: ``describe``; ``descriptors``, ``hashes`` and ``vote``, which name
        candidates; ``shortlist``; ``verify``. If descriptors of several queries were compared together, each query
        gets an equal share of that time. If the query was looked at more than once, each has the time of all looks.
    counters : mapping of str to int
        ``looks`` at the query; and of all these, ``postings_visited`` and ``hits`` of the vote, ``references_scored``
        by it (once for each variant of the query), ``bytes_compared`` of signatures and hashes, ``candidates`` that the
        shortlist was chosen from, ``pairs_aligned`` by verification.
    damaged : tuple of Skipped
        Ids of references that were left out as what is stored of them is damaged, and the reason. Only those that the
        query would have been compared with are named.
    plain : bool
        Whether the query is so flat, or so bare of keypoints, that only the same file, or one with the same pixels, is
        sure to be found for it.
    """

    query: str
    matches: tuple[Match, ...]
    shared: tuple[Match, ...]
    milliseconds: Mapping[str, float]
    counters: Mapping[str, int]
    damaged: tuple[Skipped, ...] = ()
    plain: bool = False

    def __repr__(self) -> str:
        """Return the best match, how many more there are, and how many references share something."""
        shared = f"; shared: {len(self.shared)}" if self.shared else ""
        if not self.matches:
            return f"Answer({self.query!r}: nothing found{shared})"
        best = self.matches[0]
        more = f" and {len(self.matches) - 1} more" if len(self.matches) > 1 else ""
        return f"Answer({self.query!r}: {best.reference_id!r} {best.probability:.3f}{more}{shared})"

    def _repr_html_(self) -> str:
        """Return the first matches, and what only shares something, as a table, for notebooks."""
        listed = (*self.matches, *self.shared)
        more = f", the first {_SHOWN} of {len(listed)}" if len(listed) > _SHOWN else ""
        rows = [
            (m.reference_id, m.relation, f"{m.probability:.3f}", f"{m.shared_probability:.3f}") for m in listed[:_SHOWN]
        ]
        head = ("reference", "relation", "copy", "shared")
        return rows_table(f"{self.query}{more}", head, rows or [("nothing found", "", "", "")])


@dataclass(frozen=True, slots=True)
class AddReport:
    """Outcome of adding files to a collection.

    Attributes
    ----------
    added, unchanged, replaced : int
        Pictures with new ids, pictures that the collection has with the same bytes, pictures that replaced others.
    skipped : tuple of Skipped
        Files that could not be added, with the reason.
    ignored : tuple of str
        Files whose names are not those of images.
    plain : tuple of str
        Ids of the pictures that were added and are so plain or regular that only the same file, or one with the same
        pixels, is sure to be found as a copy of them.
    again : tuple of str
        Ids of the pictures that were added although the collection has the same file under another id, as happens if
        files are added once with and once without a root.
    """

    added: int
    unchanged: int
    replaced: int
    skipped: tuple[Skipped, ...]
    ignored: tuple[str, ...]
    plain: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the counts, and the first file that was skipped; there may be thousands."""
        counts = f"added={self.added}, unchanged={self.unchanged}, replaced={self.replaced}"
        first = f" ({self.skipped[0].path!r}, ...)" if self.skipped else ""
        lists = f"skipped: {len(self.skipped)}{first}, ignored: {len(self.ignored)}, plain: {len(self.plain)}"
        return f"AddReport({counts}, {lists})"


def _rotation(transform: tuple[float, ...], region: tuple[tuple[float, float], ...]) -> float | None:
    points = [point for point in region if all(map(math.isfinite, point))] or [(0.0, 0.0)]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    along_x, along_y, depth = (
        row[0] * x + row[1] * y + row[2] for row in (transform[:3], transform[3:6], transform[6:])
    )
    g, h = transform[6:8]
    # the derivative of the transform there, up to a factor of the sign that `depth` has
    a, b = transform[0] * depth - along_x * g, transform[1] * depth - along_x * h
    c, d = transform[3] * depth - along_y * g, transform[4] * depth - along_y * h
    sine, cosine = (b - c, a + d) if a * d - b * c > 0 else (-b - c, d - a)
    return math.degrees(math.atan2(sine, cosine)) % 360 if sine or cosine else None
