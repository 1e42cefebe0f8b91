"""Keypoint matching by 128-bit signatures, and counting the matches that agree on one similarity transform.

A *frame* is that of `fingerprint.kernels.agreement`.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.agreement import N_TERMS, mark_agreeing, match_terms, nearest_matches
from fingerprint.kernels.arrays import copy, count_marked
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.products import TOGETHER, add_products
from fingerprint.kernels.sorting import in_order
from fingerprint.types import F32, F64

_HIGH = np.uint64(32)
_LOW_MASK = np.uint64(0xFFFFFFFF)
_NO_MATCH = np.uint64(1 << 40)


@njit(cache=True, nogil=True)
def pack_signatures(descriptors, orbits, kinds, directions, thresholds, out):  # type: ignore[no-untyped-def]
    """Write the 128-bit signatures of local descriptors and, for a quarter of the arithmetic, of their reflections.

    A descriptor is divided into its parts of each kind. Each part is projected once; a reflection adds or subtracts it.

    descriptors : uint8 (n, 128); orbits : int64 (32, 4) and kinds : int8 (4, 4), from `fingerprint.models.reflections`;
    directions : float32 (4, 32, 128), by kind, orbit and bit: what one of an orbit's sums adds to a projection;
    thresholds : float32 (128,); out : uint64 (v, n, 2), of the first v variants, bit b of a signature is bit b % 64 of
    word b // 64.
    """
    n_variants, n = len(out), len(descriptors)
    sums, parts = np.empty((TOGETHER, len(orbits)), np.float32), np.empty((4, TOGETHER, 128), np.float32)
    projected = np.empty(128, np.float32)
    for start in range(0, n, TOGETHER):
        stop = min(start + TOGETHER, n)
        parts[:] = 0
        for kind in range(4):
            sign = kinds[kind]
            for i in range(start, stop):
                own, line = descriptors[i], sums[i - start]
                for g in range(len(orbits)):
                    line[g] = np.float32(0)
                    for v in range(4):
                        line[g] += np.float32(sign[v]) * np.float32(own[orbits[g, v]])
            add_products(sums[: stop - start], directions[kind], parts[kind])
        for i in range(start, stop):
            for variant in range(n_variants):
                copy(parts[0, i - start], projected)
                for kind in range(1, 4):
                    sign, part = np.float32(kinds[kind, variant]), parts[kind, i - start]
                    for b in range(128):
                        projected[b] += sign * part[b]
                for word in range(2):
                    out[variant, i, word] = _bits_above(projected[word * 64 :], thresholds[word * 64 :])


@njit(cache=True, nogil=True)
def _bits_above(values, thresholds):  # type: ignore[no-untyped-def]
    """Return which of 64 values are above their thresholds, in a loop without branches, so that it is vectorised."""
    bits = np.uint64(0)
    for b in range(64):
        bits |= np.uint64(values[b] > thresholds[b]) << np.uint64(b)
    return bits


@njit(cache=True, nogil=True)
def best_similarity(q_frame, r_frame, mi, mj, tolerance, log_scale, min_cos):  # type: ignore[no-untyped-def]
    """Take every match as a hypothesis and return the mask of the matches that agree with the best one: bool (m,).

    q_frame, r_frame : float32 (n, 5), as in `agreement`; mi, mj : int64 (m,), rows of them; tolerance : longer sides;
    log_scale : natural logarithm; min_cos : cosine of the largest difference of angle. Ties go to the first match.
    """
    m = len(mi)
    inlier = np.zeros(m, np.bool_)
    best_mask = np.zeros(m, np.bool_)
    terms = np.empty((N_TERMS, m), np.float32)
    match_terms(_frames_of(q_frame, mi), _frames_of(r_frame, mj), m, terms)
    best = 0
    for h in range(m):
        count = mark_agreeing(h, terms, m, tolerance, log_scale, min_cos, inlier)
        if count > best:
            best = count
            best_mask, inlier = inlier, best_mask  # the next hypothesis writes over all of the other
    return best_mask


@njit(cache=True, nogil=True)
def _frames_of(frame, rows):  # type: ignore[no-untyped-def]
    """Return some rows of a frame: float32 (n, 5), int64 (m,), float32 (m, 5)."""
    out = np.empty((len(rows), 5), np.float32)
    for i in range(len(rows)):
        for k in range(5):
            out[i, k] = frame[rows[i], k]
    return out


@njit(cache=True, nogil=True)
def residuals_under(
    transform: F64, q_frames: F32, r_frames: F32, tolerance: float, log_scale: float, min_cos: float
) -> F64:
    """Return how far each match is from a projective transform, in tolerances: float64 (m,).

    Infinite where a match's size or angle contradicts the transform, or its position lies beyond the horizon. Each
    match is judged by what the transform does at its own position: a tilted picture is larger at the near end.

    transform : float64 (3, 3), from positions in the query to positions in the reference; q_frames, r_frames : float32
    (m, 5), the two frames of each match; tolerance : distance allowed, in longer sides, where the transform does not
    magnify, and as much more where it does; log_scale : largest difference of the natural logarithms of the scales;
    min_cos : cosine of the largest difference of angle.
    """
    out = np.empty(len(q_frames))
    for t in range(len(q_frames)):
        out[t] = np.inf
        x, y = np.float64(q_frames[t, 0]), np.float64(q_frames[t, 1])
        w = transform[2, 0] * x + transform[2, 1] * y + transform[2, 2]
        if w <= 1e-9:
            continue
        u = (transform[0, 0] * x + transform[0, 1] * y + transform[0, 2]) / w
        v = (transform[1, 0] * x + transform[1, 1] * y + transform[1, 2]) / w
        # the transform's derivative here
        a, b = (transform[0, 0] - u * transform[2, 0]) / w, (transform[0, 1] - u * transform[2, 1]) / w
        c, d = (transform[1, 0] - v * transform[2, 0]) / w, (transform[1, 1] - v * transform[2, 1]) / w
        scale = np.sqrt(abs(a * d - b * c))
        if abs(r_frames[t, 2] - q_frames[t, 2] - np.log(max(scale, 1e-12))) >= log_scale:
            continue
        along, down = a * q_frames[t, 3] + b * q_frames[t, 4], c * q_frames[t, 3] + d * q_frames[t, 4]
        length = max(np.sqrt(along * along + down * down), 1e-12)
        if (along * r_frames[t, 3] + down * r_frames[t, 4]) / length <= min_cos:
            continue
        distance = np.sqrt((u - r_frames[t, 0]) ** 2 + (v - r_frames[t, 1]) ** 2)
        out[t] = distance / (tolerance * max(1.0, scale))
    return out


@njit(cache=True, nogil=True)
def filled_cells(points: F64, cells: int) -> int:
    """Count the cells of a grid that points fall into.

    points : float64 (n, 2), in longer sides; cells : of the grid, along the longer side.
    """
    if len(points) == 0:
        return 0
    keys = np.empty(len(points))
    for i in range(len(points)):  # whole numbers, which float64 holds exactly
        keys[i] = np.floor(points[i, 0] * cells) * 1_000_003.0 + np.floor(points[i, 1] * cells)
    keys = in_order(keys)
    filled = 1
    for i in range(1, len(keys)):
        filled += keys[i] != keys[i - 1]
    return filled


@njit(cache=True, nogil=True)
def match_signatures(q_sig, r_sig, max_bits):  # type: ignore[no-untyped-def]
    """Match each query keypoint with the reference keypoint of the nearest signature, if that is near enough.

    q_sig, r_sig : uint64 (n, 2); max_bits : largest Hamming distance. Returns (mi, mj, bits): int64 (m,) each, rows of
    the query, rows of the reference and distances, by query row; at equal distance the lower row of the reference.
    """
    n_query, n_reference = len(q_sig), len(r_sig)
    word0, word1 = np.empty(n_reference, np.uint64), np.empty(n_reference, np.uint64)
    for j in range(n_reference):  # contiguous, so that the loop below is vectorised
        word0[j], word1[j] = r_sig[j, 0], r_sig[j, 1]
    mi, mj, bits = np.empty(n_query, np.int64), np.empty(n_query, np.int64), np.empty(n_query, np.int64)
    m = 0
    for i in range(n_query):
        q0, q1 = q_sig[i, 0], q_sig[i, 1]
        best = _NO_MATCH
        for j in range(n_reference):
            distance = popcount(q0 ^ word0[j]) + popcount(q1 ^ word1[j])
            best = min(best, (distance << _HIGH) | np.uint64(j))
        distance_best = np.int64(best >> _HIGH)
        if distance_best <= max_bits:
            mi[m], mj[m], bits[m] = i, np.int64(best & _LOW_MASK), distance_best
            m += 1
    return mi[:m], mj[:m], bits[:m]


@njit(cache=True, nogil=True)
def vote_variants(  # type: ignore[no-untyped-def]
    chosen, q_sigs, q_frames, r_sig, r_frame, max_bits, max_matches, tolerance, log_scale, min_cos
):
    """Return for some variants of a query the most matches that agree on one similarity transform: float32 (k,).

    A fraction below 1 is added for how near the signatures are. chosen : int64 (k,), the variants; q_sigs : uint64
    (v, nq, 2); q_frames : float32 (v, nq, 5); r_sig : uint64 (nr, 2); r_frame : float32 (nr, 5); max_bits : largest
    Hamming distance of a match; max_matches : cap on the hypotheses, the nearest are kept; the rest as in
    `best_similarity`.
    """
    votes = np.empty(len(chosen), np.float32)
    for i in range(len(chosen)):
        sig, frame = q_sigs[chosen[i]], q_frames[chosen[i]]
        votes[i] = _vote_pair(sig, frame, r_sig, r_frame, max_bits, max_matches, tolerance, log_scale, min_cos)
    return votes


@njit(cache=True, nogil=True)
def _vote_pair(  # type: ignore[no-untyped-def]
    q_sig, q_frame, r_sig, r_frame, max_bits, max_matches, tolerance, log_scale, min_cos
):
    """Return the vote of one variant. Each match is a hypothesis."""
    mi, mj, bits = match_signatures(q_sig, r_sig, max_bits)
    nearness = np.int64(0)
    for t in range(len(bits)):
        nearness += max_bits + 1 - bits[t]
    kept = nearest_matches(bits, max_matches)
    for t in range(len(kept)):  # in place, as these ascend
        mi[t], mj[t] = mi[kept[t]], mj[kept[t]]
    agreeing = best_similarity(q_frame, r_frame, mi[: len(kept)], mj[: len(kept)], tolerance, log_scale, min_cos)
    count = count_marked(agreeing)
    return np.float32(count) + np.float32(nearness) / (np.float32(nearness) + np.float32(1000.0))
