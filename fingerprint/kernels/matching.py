"""Keypoint matching by 128-bit signatures, and counting the matches that agree on one similarity transform.

A *frame* is that of `fingerprint.kernels.agreement`.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.agreement import mark_agreeing, nearest_matches
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit

_ONE = np.uint64(1)
_HIGH = np.uint64(32)
_LOW_MASK = np.uint64(0xFFFFFFFF)
_NO_MATCH = np.uint64(1 << 40)


@njit(cache=True, nogil=True)
def pack_signatures(descriptors, rotation, thresholds, out):  # type: ignore[no-untyped-def]
    """Write the 128-bit signature of each local descriptor.

    descriptors : uint8 (n, 128); rotation : float32 (128, 128), each column a direction; thresholds : float32 (128,);
    out : uint64 (n, 2), bit b of the signature is bit b % 64 of word b // 64.
    """
    n, width = descriptors.shape
    projected = np.empty(128, np.float32)
    for i in range(n):
        projected[:] = 0
        for k in range(width):  # by input, so that the inner loop runs over independent sums
            x = np.float32(descriptors[i, k])
            for b in range(128):
                projected[b] += x * rotation[k, b]
        for word in range(2):
            bits = np.uint64(0)
            for b in range(64):
                if projected[word * 64 + b] > thresholds[word * 64 + b]:
                    bits |= _ONE << np.uint64(b)
            out[i, word] = bits


@njit(cache=True, nogil=True)
def best_similarity(q_frame, r_frame, mi, mj, tolerance, log_scale, min_cos):  # type: ignore[no-untyped-def]
    """Take every match as a hypothesis and return the mask of the matches that agree with the best one: bool (m,).

    q_frame, r_frame : float32 (n, 5), as in `agreement`; mi, mj : int64 (m,), rows of them; tolerance : longer sides;
    log_scale : natural logarithm; min_cos : cosine of the largest difference of angle. Ties go to the first match.
    """
    m = len(mi)
    inlier = np.zeros(m, np.bool_)
    best_mask = np.zeros(m, np.bool_)
    q_frames, r_frames = q_frame[mi], r_frame[mj]
    best = 0
    for h in range(m):
        count = mark_agreeing(h, q_frames, r_frames, m, tolerance, log_scale, min_cos, inlier)
        if count > best:
            best = count
            best_mask[:] = inlier
    return best_mask


@njit(cache=True, nogil=True)
def match_signatures(q_sig, r_sig, max_bits):  # type: ignore[no-untyped-def]
    """Match each query keypoint with the reference keypoint of the nearest signature, if that is near enough.

    q_sig, r_sig : uint64 (n, 2); max_bits : largest Hamming distance. Returns (mi, mj, bits): int64 (m,) each, rows of
    the query, rows of the reference and distances, by query row; at equal distance the lower row of the reference.
    """
    n_query, n_reference = len(q_sig), len(r_sig)
    word0, word1 = r_sig[:, 0].copy(), r_sig[:, 1].copy()  # contiguous, so that the loop is vectorised
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
    return mi[:m].copy(), mj[:m].copy(), bits[:m].copy()


@njit(cache=True, nogil=True)
def vote_pair(  # type: ignore[no-untyped-def]
    q_sig, q_frame, r_sig, r_frame, max_bits, max_matches, tolerance, log_scale, min_cos
):
    """Return the most matches that agree on one similarity transform, plus a fraction for how near the signatures are.

    Each match is a hypothesis. q_sig : uint64 (nq, 2); q_frame : float32 (nq, 5); r_sig : uint64 (nr, 2); r_frame :
    float32 (nr, 5); max_bits : largest Hamming distance of a match; max_matches : cap on the hypotheses; the nearest
    are kept.
    """
    mi, mj, bits = match_signatures(q_sig, r_sig, max_bits)
    nearness = (max_bits + 1) * len(bits) - bits.sum()
    kept = nearest_matches(bits, max_matches)
    q_frames, r_frames = q_frame[mi[kept]], r_frame[mj[kept]]
    inlier = np.empty(len(kept), np.bool_)
    count = 0
    for h in range(len(kept)):
        count = max(count, mark_agreeing(h, q_frames, r_frames, len(kept), tolerance, log_scale, min_cos, inlier))
    return np.float32(count) + np.float32(nearness) / (np.float32(nearness) + np.float32(1000.0))
