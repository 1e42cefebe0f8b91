"""What matching a pair and voting in an inverted file share: transforms through one match, and the nearest matches.

A *frame* is a row of float32 (n, 5): x, y (in longer sides of the picture), log of the size (in longer sides), cosine
and sine of the angle. One match of two frames is a similarity transform by itself, the hypothesis of the others.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def similarity_of(q_frame, q, r_frame, r, tolerance):  # type: ignore[no-untyped-def]
    """Return the similarity transform of a match: rows q and r of float32 (n, 5).

    Returns (c, d, log_s, cos_a, sin_a, limit): the map is ``x' = c x - d y, y' = d x + c y`` from the keypoint on; the
    logarithm of its scale, cosine and sine of its angle, and the square of the distance within which a match agrees.
    """
    log_s = r_frame[r, 2] - q_frame[q, 2]
    s = np.exp(log_s)
    cos_a = r_frame[r, 3] * q_frame[q, 3] + r_frame[r, 4] * q_frame[q, 4]
    sin_a = r_frame[r, 4] * q_frame[q, 3] - r_frame[r, 3] * q_frame[q, 4]
    limit = tolerance * max(np.float32(1.0), s)  # an inset seen large magnifies its own errors of position
    return s * cos_a, s * sin_a, log_s, cos_a, sin_a, limit * limit


@njit(cache=True, nogil=True, inline="always")
def agrees(q_frame, q0, q, r_frame, r0, r, similarity, log_scale, min_cos):  # type: ignore[no-untyped-def]
    """Return whether the match of rows q and r agrees with the similarity transform of the match of rows q0 and r0.

    log_scale : largest difference of the natural logarithms of the scales; min_cos : cosine of the largest difference
    of the angles.
    """
    c, d, log_s, cos_a, sin_a, limit = similarity
    dx = q_frame[q, 0] - q_frame[q0, 0]
    dy = q_frame[q, 1] - q_frame[q0, 1]
    ex = c * dx - d * dy + r_frame[r0, 0] - r_frame[r, 0]
    ey = d * dx + c * dy + r_frame[r0, 1] - r_frame[r, 1]
    good = False
    if ex * ex + ey * ey < limit and abs(r_frame[r, 2] - q_frame[q, 2] - log_s) < log_scale:
        ca = r_frame[r, 3] * q_frame[q, 3] + r_frame[r, 4] * q_frame[q, 4]
        sa = r_frame[r, 4] * q_frame[q, 3] - r_frame[r, 3] * q_frame[q, 4]
        good = ca * cos_a + sa * sin_a > min_cos
    return good


@njit(cache=True, nogil=True)
def nearest_matches(bits, cap):  # type: ignore[no-untyped-def]
    """Return the positions, ascending, of the `cap` matches of least distance; at equal distance the first ones.

    bits : integers (m,), Hamming distances.
    """
    if len(bits) <= cap:
        return np.arange(len(bits))
    histogram = np.zeros(np.int64(bits.max()) + 2, np.int64)
    for distance in bits:
        histogram[distance] += 1
    limit, room = -1, cap  # all matches up to this distance fit; of the next distance, the first ones
    while histogram[limit + 1] <= room:
        limit += 1
        room -= histogram[limit]
    kept = np.empty(cap, np.int64)
    n = 0
    for t in range(len(bits)):
        take = bits[t] <= limit
        if bits[t] == limit + 1 and room > 0:
            take = True
            room -= 1
        if take:
            kept[n] = t
            n += 1
    return kept
