"""Looking at pairs of a page once more, for the matched keypoints that saved results do not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fingerprint.config import Config
from fingerprint.locations import Location
from fingerprint.models import Models
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.results import Verification
from fingerprint.types import F32, Progress, Skipped
from fingerprint.verify.compare import compare
from fingerprint.verify.geometry import apply_transform
from fingerprint.workers import map_images

_NEAR = 0.05  # of the reference's longer side: within this a match agrees with the transform, as in verification
_FEWEST = 3  # matches; fewer agree by chance


def look_again(
    page: Page,
    models: Models,
    config: Config,
    most: int,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> Page:
    """Compare the first pairs of a page again, and return the page with their matched keypoints.

    A verdict that is known stays: only matches that agree with its transform are added. A pair without one gets the new
    one. Pairs of which a file is gone stay as they are.

    Parameters
    ----------
    page : Page
    models : Models
    config : Config
        With ``match.keep_inliers``.
    most : int
        Largest number of pairs that are compared; each takes a second of one core or less.
    n_workers : int, optional
    progress : callable, optional
        Called as ``progress(done, total)``.
    """
    pictures = page.pictures
    wanted = [k for k, pair in enumerate(page.pairs) if _wants(pair, pictures)][:most]

    def compared(k: int) -> Verification:
        query, reference = _files(page.pairs[k], pictures)
        return compare(query, reference, models=models, config=config)

    pairs = list(page.pairs)
    for done, (k, found) in enumerate(zip(wanted, map_images(compared, wanted, n_workers), strict=True), start=1):
        if not isinstance(found, Skipped):
            pairs[k] = _completed(pairs[k], found)
        if progress is not None:
            progress(done, len(wanted))
    return replace(page, pairs=tuple(pairs))


def _files(pair: PagePair, pictures: Sequence[PagePicture]) -> list[Location]:
    numbers = [pair.query] if pair.reference is None else [pair.query, pair.reference]
    return [file for file in (pictures[k].file for k in numbers) if file is not None]


def _wants(pair: PagePair, pictures: Sequence[PagePicture]) -> bool:
    """Return whether there is something to learn about a pair, and both files are there."""
    found = pair.found
    open_ = found is None or (found.inliers is None and not found.identical and found.relation != "unrelated")
    return open_ and len(_files(pair, pictures)) == 2


def _completed(pair: PagePair, again: Verification) -> PagePair:
    if pair.found is None:
        return replace(pair, found=again, words=pair.words)
    inliers = _agreeing(pair.found, again.inliers)
    return pair if inliers is None else replace(pair, found=replace(pair.found, inliers=inliers))


def _agreeing(found: Verification, inliers: F32 | None) -> F32 | None:
    """Return the matches that agree with the transform of a verdict; None if there are hardly any."""
    if inliers is None or found.transform is None:
        return None
    points = inliers.astype(np.float64)
    mapped = apply_transform(np.reshape(found.transform, (3, 3)), points[:, :2])
    extent = np.ptp(np.array(found.reference_region or ((0.0, 0.0),), np.float64), axis=0).max()
    near = np.hypot(*(mapped - points[:, 2:]).T) <= _NEAR * max(float(extent), 1.0)
    return inliers[near] if near.sum() >= _FEWEST else None
