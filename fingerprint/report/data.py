"""What a page holds of its pictures and pairs, as JSON that can stand in a script element."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from fingerprint.files.names import escaped
from fingerprint.report.embedded import Embedded
from fingerprint.report.outline import outlines
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.report.words import (
    IDENTICAL_VERDICT,
    RELATION_NAMES,
    RELATION_VERDICTS,
    kinds_of,
    variant_text,
)
from fingerprint.results import Verification
from fingerprint.types import F64, Skipped
from fingerprint.verify.changes import changes_of

_MOST_POINTS = 120  # matched keypoints of a pair; more are one carpet, and make the page large
_TYPES: Mapping[str, str] = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "jpe": "JPEG",
    "tif": "TIFF",
    "webp": "WebP",
    "heif": "HEIC",
}
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "dedupe": ("by group", "surest first", "least sure first", "most to free first", "by name"),
    "search": ("surest first", "least sure first", "as found", "by name"),
    "challenge": ("surest first", "least sure first", "by name"),
    "compare": ("as found",),
}


def page_data(page: Page, embedded: Sequence[Embedded], unread: Sequence[Skipped]) -> str:
    """Return all that the page's script needs but the pixels, as JSON without any sign that means something in HTML.

    Parameters
    ----------
    page : Page
    embedded : sequence of Embedded
        Its pictures, in their order.
    unread : sequence of Skipped
        Pictures of the page that could not be read.
    """
    sizes = [shown.size or picture.size for picture, shown in zip(page.pictures, embedded, strict=True)]
    pairs = [_pair(page, pair, sizes) for pair in page.pairs]
    facts: dict[str, Any] = {
        "kind": page.kind,
        "axis": page.axis,
        "threshold": page.threshold,
        "least": page.span[0],
        "most": page.span[1],
        "orders": _ORDERS[page.kind],
        "n_notes": len(page.notes),
        "pictures": [_picture(page, *row) for row in zip(page.pictures, embedded, sizes, strict=True)],
        "pairs": pairs,
        "skipped": [{"path": escaped(item.path), "reason": escaped(item.reason)} for item in (*page.skipped, *unread)],
    }
    # decisions that the browser keeps belong to the same pairs, with the same outcome, in the same order
    outcomes = [[pair[key] for key in ("query", "reference", "value", "words")] for pair in pairs]
    facts["id"] = hashlib.sha256(json.dumps([page.kind, facts["pictures"], outcomes]).encode()).hexdigest()[:32]
    text = json.dumps(facts, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _picture(page: Page, picture: PagePicture, embedded: Embedded, size: tuple[int, int] | None) -> dict[str, Any]:
    width, height = size or (0, 0)
    ending = PurePath(str(picture.file or picture.name)).suffix.lower().removeprefix(".")
    shown, named = escaped(picture.name), picture.path or picture.name
    facts: dict[str, Any] = {
        "name": shown,
        "width": width,
        "height": height,
        "type": _TYPES.get(ending, escaped(ending).upper() or "no ending"),
        "bytes": picture.n_bytes,
    }
    if named != shown:
        facts["path"] = named
    if page.kind == "dedupe":  # decisions say which bytes they are about
        facts["content"] = picture.content
    if embedded.problem:
        facts |= {"problem": escaped(embedded.problem), "stored": embedded.stored}
    return facts


def _pair(page: Page, pair: PagePair, sizes: Sequence[tuple[int, int] | None]) -> dict[str, Any]:
    found = pair.found
    words = escaped(pair.words or _done(pair, sizes))
    facts: dict[str, Any] = {
        "query": pair.query,
        "reference": pair.reference,
        "group": pair.group,
        "relation": None if found is None else found.relation,
        "value": pair.score if page.axis == "score" else None if found is None else found.probability,
        "probability": None if found is None else found.probability,
        "shared_probability": None if found is None else found.shared_probability,
        "n_inliers": None if found is None else found.n_inliers,
        "words": words,
        "headline": _headline(pair, words),
        "kinds": kinds_of(words) if found is not None and found.relation == "copy" else [],
        "frees": pair.frees,
        "goes": pair.goes,
        "why": escaped(pair.why),
        "reasons": [escaped(reason) for reason in pair.reasons],
        "true": pair.is_true,
        "edits": [escaped(edit) for edit in pair.edits],
        "transform": None,
        "query_region": None,
        "reference_region": None,
        "points": None,
        "points_known": False,
    }
    return facts if found is None else facts | _geometry(found)


def _geometry(found: Verification) -> dict[str, Any]:
    regions = [None if region is None else _rounded(region, 1) for region in outlines(found)]
    transform = found.transform
    usable = transform is not None and all(map(math.isfinite, transform))
    points = None
    if found.inliers is not None and found.relation != "unrelated":
        finite = found.inliers[np.isfinite(found.inliers).all(axis=1)].astype(np.float64)
        distinct = np.unique(np.rint(finite), axis=0)
        points = _rounded(distinct[:: max(1, math.ceil(len(distinct) / _MOST_POINTS))], 0)
    return {
        "inverted": found.inverted,
        "transform": [float(f"{value:.9g}") for value in transform] if usable and transform is not None else None,
        "query_region": regions[0],
        "reference_region": regions[1],
        "points": points,
        "points_known": found.inliers is not None or found.identical,
    }


def _rounded(rows: F64, digits: int) -> list[list[float]]:
    """Return points as short as they can be written: whole numbers without a fraction."""
    rounded = np.round(rows, digits).tolist()
    return [[int(value) if value == int(value) else value for value in row] for row in rounded]


def _done(pair: PagePair, sizes: Sequence[tuple[int, int] | None]) -> str:
    """Say in a few words what the verdict on a pair is."""
    found = pair.found
    if pair.reference is None:
        return "nothing found"
    if found is None:
        return "not compared here"
    if found.relation != "copy":
        return "same scene or template" if found.relation == "shared" else "unrelated"
    of_query, of_reference = sizes[pair.query], sizes[pair.reference]
    if of_query is None or of_reference is None:
        return variant_text(found)
    return changes_of(replace(found, query_size=of_query, reference_size=of_reference)).words


def _headline(pair: PagePair, words: str) -> str:
    """Return the verdict as a sentence."""
    found = pair.found
    if found is None:
        return words.capitalize()
    if found.relation != "copy":
        return RELATION_VERDICTS[found.relation].capitalize()
    if found.identical:
        same = IDENTICAL_VERDICT.capitalize()
        return same if words in ("same pixels", "identical") else f"{same}: {words}"
    return f"{RELATION_NAMES['copy'].capitalize()}: {words}"
