"""Shared by matching a pair and voting in an inverted file: the transform of one match, and the nearest matches.

A *frame* is a row of float32 (n, 5): x, y (in longer sides of the picture), log of the size (in longer sides), cosine
and sine of the angle. One match of two frames gives a similarity transform: a hypothesis that others may agree with.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit


@njit(cache=True, nogil=True)
def mark_agreeing(h, q_frames, r_frames, m, tolerance, log_scale, min_cos, agreeing):  # type: ignore[no-untyped-def]
    """Mark which of `m` matches agree with the similarity transform of match `h`, and return their number.

    q_frames, r_frames : float32 (at least m, 5), the two frames of each match; tolerance : largest distance, in longer
    sides; log_scale : largest difference of the natural logarithms of the scales; min_cos : cosine of the largest
    difference of the angles; agreeing : bool (at least m,), written.
    """
    log_s = r_frames[h, 2] - q_frames[h, 2]
    s = np.exp(log_s)
    cos_a = r_frames[h, 3] * q_frames[h, 3] + r_frames[h, 4] * q_frames[h, 4]
    sin_a = r_frames[h, 4] * q_frames[h, 3] - r_frames[h, 3] * q_frames[h, 4]
    c, d = s * cos_a, s * sin_a
    limit = tolerance * max(np.float32(1.0), s)  # an inset that is shown larger has larger errors of position
    limit *= limit
    count = 0
    for t in range(m):
        dx = q_frames[t, 0] - q_frames[h, 0]
        dy = q_frames[t, 1] - q_frames[h, 1]
        ex = c * dx - d * dy + r_frames[h, 0] - r_frames[t, 0]
        ey = d * dx + c * dy + r_frames[h, 1] - r_frames[t, 1]
        good = False
        if ex * ex + ey * ey < limit and abs(r_frames[t, 2] - q_frames[t, 2] - log_s) < log_scale:
            ca = r_frames[t, 3] * q_frames[t, 3] + r_frames[t, 4] * q_frames[t, 4]
            sa = r_frames[t, 4] * q_frames[t, 3] - r_frames[t, 3] * q_frames[t, 4]
            good = ca * cos_a + sa * sin_a > min_cos
        agreeing[t] = good
        if good:
            count += 1
    return count


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
