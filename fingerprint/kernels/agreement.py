"""Shared by matching a pair and voting in an inverted file: the transform of one match, and the nearest matches.

A *frame* is a row of float32 (n, 5): x, y (in longer sides of the picture), log of the size (in longer sides), cosine
and sine of the angle. One match of two frames gives a similarity transform: a hypothesis that others may agree with.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit

#: Rows of what `match_terms` writes.
N_TERMS = 7


@njit(cache=True, nogil=True)
def match_terms(q_frames, r_frames, m, terms):  # type: ignore[no-untyped-def]
    """Write what `mark_agreeing` needs of the first `m` matches into `terms`: float32 (N_TERMS, at least m).

    q_frames, r_frames : float32 (at least m, 5), the two frames of each match. The rows are x and y in the query and in
    the reference, the logarithm of the scale, and cosine and sine of the angle of turning.
    """
    for t in range(m):
        q, r = q_frames[t], r_frames[t]
        terms[0, t], terms[1, t], terms[2, t], terms[3, t] = q[0], q[1], r[0], r[1]
        terms[4, t] = r[2] - q[2]
        terms[5, t] = r[3] * q[3] + r[4] * q[4]
        terms[6, t] = r[4] * q[3] - r[3] * q[4]


@njit(cache=True, nogil=True)
def mark_agreeing(h, terms, m, tolerance, log_scale, min_cos, agreeing):  # type: ignore[no-untyped-def]
    """Mark which of `m` matches agree with the similarity transform of match `h`, and return their number.

    terms : float32 (N_TERMS, at least m), from `match_terms`; tolerance : largest distance, longer sides; log_scale :
    largest difference of the natural logarithms of the scales; min_cos : cosine of the largest difference of the
    angles; agreeing : bool (at least m,), written.
    """
    q_x, q_y, r_x, r_y = terms[0], terms[1], terms[2], terms[3]
    log_scales, cosines, sines = terms[4], terms[5], terms[6]
    q_x_h, q_y_h, r_x_h, r_y_h = q_x[h], q_y[h], r_x[h], r_y[h]
    log_s, cos_a, sin_a = log_scales[h], cosines[h], sines[h]
    s = np.exp(log_s)
    c, d = s * cos_a, s * sin_a
    limit = tolerance * max(np.float32(1.0), s)  # an inset that is shown larger has larger errors of position
    limit *= limit
    for t in range(m):  # without branches and without counting, so that it is vectorised
        dx, dy = q_x[t] - q_x_h, q_y[t] - q_y_h
        ex, ey = c * dx - d * dy + r_x_h - r_x[t], d * dx + c * dy + r_y_h - r_y[t]
        near, same_size = ex * ex + ey * ey < limit, abs(log_scales[t] - log_s) < log_scale
        agreeing[t] = near & same_size & (cosines[t] * cos_a + sines[t] * sin_a > min_cos)
    count = 0
    for t in range(m):
        count += agreeing[t]
    return count


@njit(cache=True, nogil=True)
def nearest_matches(bits, cap):  # type: ignore[no-untyped-def]
    """Return the positions, ascending, of the `cap` matches of least distance; at equal distance the first ones.

    bits : int64 (m,), Hamming distances.
    """
    if len(bits) <= cap:
        every = np.empty(len(bits), np.int64)
        for t in range(len(bits)):
            every[t] = t
        return every
    most = np.int64(0)
    for distance in bits:
        most = max(most, distance)
    histogram = np.zeros(most + 2, np.int64)
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
