"""Why two pictures are said to be a copy, or not: what speaks for it, what against it, and how much.

The verdict comes from some hundred numbers by boosted trees. They are gathered into groups that a person can check with
the eye. What a group adds to the log-odds of a copy is its Shapley value: the mean, over every order in which the
groups can become known, of what the log-odds gain when it becomes known. What is not known yet is taken from a typical
pair. What speaks for a copy is what lifts the pair above two unrelated photographs; what speaks against it is what
keeps it below a typical copy. A group that does both is said to do what it does more.

References
----------
Lundberg and Lee, *A unified approach to interpreting model predictions*, NeurIPS 2017.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources

import numpy as np

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.kernels.axial import AXIAL_MEASURES
from fingerprint.kernels.colours import COLOUR_MEASURES
from fingerprint.kernels.layers import LAYER_MEASURES
from fingerprint.kernels.piece import PIECE_MEASURES, SLOT_MEASURES
from fingerprint.models import Models, load_models
from fingerprint.results import Verification
from fingerprint.types import F64, ImageSource
from fingerprint.verify.bend import BEND_NAMES
from fingerprint.verify.changes import Changes, changes_of
from fingerprint.verify.compare import examine_sources
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, first_look, tree_log_odds
from fingerprint.verify.verification import Examined

#: Least change of the log-odds that is a reason.
LEAST_WEIGHT = 0.5
_NAMES = (*EVIDENCE_NAMES, *OVERLAP_NAMES)
_LEAST_COVER = 0.05  # share of the reference from which it is said how much of it the keypoints span
_NEARLY_ALL = 0.9  # share of the texture that agrees
_MANY = 12  # keypoints; fewer are few
_TURNED, _STRETCHED = 0.15, 0.3  # spread of the keypoints' angles, in radians, and scales, from which a picture is bent
_LAYER_AGREES = 0.5  # correlation
_COLOURED = math.log1p(8.0)  # mean chroma of a picture from which on it has colours worth a word
#: Shares of what both show whose colours changed otherwise than by a filter: up to the first, colours are said to have
#: changed alike; from the second on, to differ.
_SAME_COLOURS, _OTHER_COLOURS = 0.1, 0.3


@dataclass(frozen=True, slots=True)
class Reason:
    """What one group of evidence says.

    Attributes
    ----------
    name : str
        That of one of `GROUPS`.
    log_odds : float
        What it adds to the log-odds of a copy; negative if it speaks against one.
    words : str
        What was seen.
    """

    name: str
    log_odds: float
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict on two pictures, what was done to one of them, and what speaks for and against a copy.

    Attributes
    ----------
    verification : Verification
    changes : Changes
        How the query shows the reference.
    reasons : tuple of Reason
        Those that weigh most first; none for two pictures with the same bytes or pixels.
    """

    verification: Verification
    changes: Changes
    reasons: tuple[Reason, ...]


def explain(
    query: ImageSource, reference: ImageSource, *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Explanation:
    """Compare two pictures as `fingerprint.compare` does, and say what the verdict comes from.

    Parameters
    ----------
    query, reference : path, bytes of an image file, binary file, uint8 array of pixels, or Pillow image
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional

    Raises
    ------
    ImageError
        If one of them cannot be read; the message names it.

    Examples
    --------
    >>> import fingerprint, skimage.data
    >>> cat = skimage.data.chelsea()
    >>> found = fingerprint.explain(cat[:, ::-1], cat)
    >>> found.changes.words, "keypoints" in [reason.name for reason in found.reasons]
    ('mirrored', True)
    """
    models = models or load_models()
    examined = examine_sources(query, reference, models, config)
    found = examined.verification
    reasons = () if found.identical else reasons_of(examined, models)
    return Explanation(found, changes_of(found), reasons)


def reasons_of(examined: Examined, models: Models) -> tuple[Reason, ...]:
    """Return what speaks for and against a copy, what weighs most first."""
    if examined.overlap is None:
        values = examined.evidence
        groups = [group for group in GROUPS if group.names[0] in EVIDENCE_NAMES]
        log_odds = partial(first_look, model=models.calibration)
    else:
        values = np.concatenate([examined.evidence, examined.overlap])
        groups = list(GROUPS)
        log_odds = partial(tree_log_odds, model=models.copies)
    names = _NAMES[: len(values)]
    known = dict(zip(names, values.tolist(), strict=True))
    members = [[names.index(name) for name in group.names if name in names] for group in groups]
    lifts, holds_back = (_shapley(values, typical[: len(values)], members, log_odds) for typical in typical_pairs())
    reasons = []
    for group, lift, loss in zip(groups, lifts, holds_back, strict=True):
        weight = max(lift, 0.0) if lift >= -loss else min(loss, 0.0)
        if abs(weight) >= LEAST_WEIGHT:
            reasons.append(Reason(group.name, weight, group.words(known, weight > 0)))
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.log_odds)))


@lru_cache(maxsize=1)
def typical_pairs() -> tuple[F64, F64]:
    """Return what is measured on two unrelated photographs, and on a copy and its source: medians over many pairs.

    Returns
    -------
    unrelated, copy : float64 arrays, shape (len(EVIDENCE_NAMES) + len(OVERLAP_NAMES),)
        From ``benchmarks/typical_pairs.py``.
    """
    text = (resources.files("fingerprint.verify") / "typical_pairs.json").read_text(encoding="utf-8")
    medians = json.loads(text)["medians"]
    unrelated, copy = (np.array([medians[name][kind] for name in _NAMES]) for kind in ("unrelated", "copy"))
    return unrelated, copy


def _shapley(values: F64, typical: F64, groups: list[list[int]], log_odds: Callable[[F64], float]) -> list[float]:
    """Return the Shapley value of each group: every subset of the groups is tried, 2**n of them."""
    n = len(groups)
    subsets, owner = np.arange(1 << n), np.full(len(values), n)
    for k, members in enumerate(groups):
        owner[members] = k
    known = (subsets[:, np.newaxis] >> owner & 1).astype(bool)  # what is in no group stays typical
    gained = np.array([log_odds(mixed) for mixed in np.where(known, values, typical)])
    sizes = np.bitwise_count(subsets)
    weights = np.array([math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)])
    shares = []
    for k in range(n):
        without = subsets[subsets >> k & 1 == 0]
        shares.append(float((weights[sizes[without]] * (gained[without | 1 << k] - gained[without])).sum()))
    return shares


@dataclass(frozen=True, slots=True)
class _Group:
    """Evidence that is explained as one, and its words: from the values, and whether it speaks for a copy."""

    name: str
    names: tuple[str, ...]
    words: Callable[[Mapping[str, float], bool], str]


def _keypoints(known: Mapping[str, float], speaks_for: bool) -> str:
    n, cover = round(math.expm1(known["log_inliers"])), known["reference_cover"] ** 2
    if not n:
        return "no keypoints agree on one place, size and rotation"
    agree = f"{n} keypoint{'' if n == 1 else 's'} agree{'s' if n == 1 else ''} on one place, size and rotation"
    span = f", over {_percent(cover)} of the reference" if cover >= _LEAST_COVER else ""
    if speaks_for:
        return agree + span
    return f"only {agree}" if n < _MANY else f"{agree}, but not as those of copies do"


def _others(known: Mapping[str, float], speaks_for: bool) -> str:
    del known
    if speaks_for:
        return "unrelated pictures agree with the query far less"
    return "unrelated pictures agree with the query nearly as well"


def _likeness(known: Mapping[str, float], speaks_for: bool) -> str:
    if "coarse_agreeing" not in known:  # nothing could be laid onto each other
        return f"as wholes the two {'look alike' if speaks_for else 'do not look alike'}"
    agreeing = known["coarse_agreeing"]
    if speaks_for or agreeing < _NEARLY_ALL:
        return f"laid onto each other, {'' if speaks_for else 'only '}{_percent(agreeing)} of the texture agrees"
    return "laid onto each other, the two agree, but not as closely as copies do"


def _differences(known: Mapping[str, float], speaks_for: bool) -> str:
    share = known["coarse_contradicting"]
    if speaks_for and share < _LEAST_COVER:
        return "hardly anything differs"
    if speaks_for:
        return f"{_percent(share)} of the texture differs, as where something was laid over it"
    return f"{_percent(share)} of the texture shows something else" if share >= 0.005 else "small parts differ"


def _piece(known: Mapping[str, float], speaks_for: bool) -> str:
    share = _percent(known["piece"])
    if speaks_for and known["piece_sides"]:
        return f"what agrees is one piece, {share} of the overlap, with a border of its own, as of something pasted"
    if speaks_for:
        return "what agrees lies together"
    return f"what agrees is {share} of the overlap, without a border of its own"


def _slot(known: Mapping[str, float], speaks_for: bool) -> str:
    if not known["slot"]:
        return "nothing differs as a whole"
    share = _percent(known["slot"])
    if speaks_for:
        return f"what differs most, {share} of the overlap, looks as if it was laid over a copy"
    return f"what differs most, {share} of the overlap, looks like another content in the same place"


def _movement(known: Mapping[str, float], speaks_for: bool) -> str:
    if known["turn"] > _TURNED or known["stretch"] > _STRETCHED:
        agreeing = _percent(known["bent_agreeing"])
        how = "followed from keypoint to keypoint, as a picture that was bent"
        return f"{how}, {agreeing} of the texture agrees" if speaks_for else f"even {how}, only {agreeing} agrees"
    if known["fine_flow"] < 0:
        return "too little agrees to see whether parts have moved against each other"
    if speaks_for:
        return "no part has moved against the others"
    return "parts have moved against each other, as between two shots of a scene"


def _tones(known: Mapping[str, float], speaks_for: bool) -> str:
    has_colours = max(known["colour_of_query"], known["colour_of_reference"]) >= _COLOURED
    if speaks_for:
        colours_too = has_colours and known["colour_changed"] <= _SAME_COLOURS
        what = "light, contrast and colours" if colours_too else "light and contrast"
        return f"{what} changed alike everywhere"
    if has_colours and known["colour_changed"] >= _OTHER_COLOURS:
        return f"colours differ in {_percent(known['colour_changed'])} of what both show, and not as a filter does it"
    layer = "dark" if known["dark"] <= known["light"] else "light"
    if known[layer] < _LAYER_AGREES:
        return f"what is {layer} differs from part to part, whatever else agrees"
    return "light and contrast differ from part to part"


def _kind(known: Mapping[str, float], speaks_for: bool) -> str:
    del known
    if speaks_for:
        return "pictures like this reference seldom have so much in common by chance"
    return "pictures like this reference often have much in common, as drawings and plain scenes do"


def _negative(known: Mapping[str, float], speaks_for: bool) -> str:
    del speaks_for
    return "it agrees as a negative" if known["inverted"] else "it does not agree as a negative"


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _overlap(*names: str) -> tuple[str, ...]:
    return tuple(f"{grid}_{name}" for grid in ("coarse", "fine") for name in names)


#: The groups of evidence.
GROUPS: tuple[_Group, ...] = (
    _Group("keypoints", EVIDENCE_NAMES[: EVIDENCE_NAMES.index("descriptor_similarity")], _keypoints),
    _Group("others", ("cohort_score", "cohort_excess"), _others),
    _Group("negative", ("inverted",), _negative),
    _Group(
        "likeness",
        (
            *("descriptor_similarity", "descriptor_likeness", "hash_likeness", "hash_identity"),
            *("pixel_correlation", "pixel_edges"),
            *_overlap("log_textured", "correlation", "gain", "tenth", "quarter", "half", "three_quarters"),
            *_overlap("nine_tenths", "quarter_by_three", "tenth_by_three", "agreeing"),
            "whole",
            *AXIAL_MEASURES,
        ),
        _likeness,
    ),
    _Group(
        "differences",
        _overlap(
            *("contradicting", "largest_contradiction", "log_contradictions", "log_largest", "contradicting_alike"),
            *("contradicting_reference", "contradicting_query", "same_tone", "log_same_tone", "other_tone"),
            "same_tone_part",
        ),
        _differences,
    ),
    _Group("piece", PIECE_MEASURES, _piece),
    _Group("slot", SLOT_MEASURES, _slot),
    _Group("movement", (*_overlap("flow", "flow_most"), "realigned", *BEND_NAMES), _movement),
    _Group(
        "tones",
        (
            *_overlap("tone_noise", "tone_difference", "contrast_difference", "tone_broken", "log_tone_slope"),
            *LAYER_MEASURES,
            *COLOUR_MEASURES,
        ),
        _tones,
    ),
    _Group("kind", ("ground", "flat", "log_gradient"), _kind),
)
