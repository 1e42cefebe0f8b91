"""Outcomes in words, the same in all reports and commands."""

from __future__ import annotations

from fingerprint.results import Relation, Verification

#: A relation in a few words.
RELATION_NAMES: dict[Relation, str] = {"copy": "a copy", "shared": "something shared", "unrelated": "unrelated"}
#: A relation as a verdict on two pictures. Which of them was made first is not in the pixels.
RELATION_VERDICTS: dict[Relation, str] = {
    "copy": "a copy: one was made from the other, or both from a third",
    "shared": "the same template or scene; neither was made from the other",
    "unrelated": "unrelated",
}
#: The verdict on two pictures with the same bytes or pixels.
IDENTICAL_VERDICT = "the same picture"

#: How the words on what was done begin, and what such copies are called in a list to choose from.
_KINDS = {
    "same file": "same file",
    "same pixels": "same pixels",
    "re-encoded": "re-encoded or retouched",
    "mirrored": "mirrored",
    "rotated": "rotated",
    "negative": "negative",
    "crop": "crop",
    "inset": "inset in another picture",
    "larger picture": "border or more around it",
    "with something around": "border or more around it",
    "stretched": "stretched",
    "smaller": "smaller",
    "enlarged": "enlarged",
    "hard link": "another path to the file",
    "symbolic link": "another path to the file",
    "another path": "another path to the file",
}
_LEAST_TURN = 2  # degrees; less may be an error of the transform


def variant_text(verification: Verification) -> str:
    """Say in which variant the query shows the reference.

    Returns
    -------
    str
        ``"mirrored"``, ``"rotated 90°"`` (clockwise, in whole degrees) and ``"negative"``, as far as they are true, in
        this order; ``"as it is"`` if none is; ``"identical"`` for two pictures with the same bytes or pixels.
    """
    if verification.identical:
        return "identical"
    degrees = round(verification.rotation or 0.0)
    turned = _LEAST_TURN <= degrees <= 360 - _LEAST_TURN
    words = (("mirrored", verification.mirrored), (f"rotated {degrees}°", turned), ("negative", verification.inverted))
    return " ".join(word for word, seen in words if seen) or "as it is"


def probability_text(probability: float) -> str:
    """Return a probability in percent with one decimal, but never round it to 0 or 100.

    Parameters
    ----------
    probability : float, [0, 1]

    Returns
    -------
    str

    Examples
    --------
    >>> probability_text(0.8564), probability_text(0.99997), probability_text(1e-9)
    ('85.6 %', '> 99.9 %', '< 0.1 %')
    """
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %" if 0 < probability < 1 else f"{probability:.0%}".replace("%", " %")


def kinds_of(words: str) -> list[str]:
    """Return what was done to a copy, by kind, from the words of `fingerprint.verify.changes.Changes`.

    Examples
    --------
    >>> kinds_of("mirrored, crop, 40 % shown")
    ['mirrored', 'crop']
    """
    parts = words.split(", ")
    found = [kind for part in parts for start, kind in _KINDS.items() if part.startswith(start)]
    return list(dict.fromkeys(found))
