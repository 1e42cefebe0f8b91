"""Keypoint matching by 128-bit signatures, and counting the matches that agree on one similarity transform.

Everything here lives in one file because the kernels call each other and numba's cache does not see a change in
another file. A *frame* is a float32 array (n, 5): x, y (in longer sides of the picture), log of the size (in longer
sides), cosine and sine of the angle.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H01 = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _SHIFT = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_HIGH = np.uint64(32)
_LOW_MASK = np.uint64(0xFFFFFFFF)
_NO_MATCH = np.uint64(1 << 40)


@njit(cache=True, nogil=True, inline="always")
def _popcount(x):  # type: ignore[no-untyped-def]  # LLVM turns this into the machine's own instruction
    x = x - ((x >> _ONE) & _M1)
    x = (x & _M2) + ((x >> _TWO) & _M2)
    x = (x + (x >> _FOUR)) & _M4
    return (x * _H01) >> _SHIFT


@njit(cache=True, nogil=True)
def pack_signatures(descriptors, rotation, thresholds, out):  # type: ignore[no-untyped-def]
    """Write the 128-bit signature of each local descriptor.

    descriptors : uint8 (n, 128); rotation : float32 (128, 128), a direction a column; thresholds : float32 (128,);
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
def _count_agreeing(h, q_frame, r_frame, mi, mj, m, tolerance, log_scale, min_cos, inlier):  # type: ignore[no-untyped-def]
    """Count the matches that agree with the similarity transform of match h, marking them."""
    hq, hr = mi[h], mj[h]
    log_s = r_frame[hr, 2] - q_frame[hq, 2]
    s = np.exp(log_s)
    cos_a = r_frame[hr, 3] * q_frame[hq, 3] + r_frame[hr, 4] * q_frame[hq, 4]
    sin_a = r_frame[hr, 4] * q_frame[hq, 3] - r_frame[hr, 3] * q_frame[hq, 4]
    c, d = s * cos_a, s * sin_a
    limit = tolerance * max(np.float32(1.0), s)  # an inset seen large magnifies its own errors of place
    limit *= limit
    count = 0
    for t in range(m):
        q, r = mi[t], mj[t]
        dx = q_frame[q, 0] - q_frame[hq, 0]
        dy = q_frame[q, 1] - q_frame[hq, 1]
        ex = c * dx - d * dy + r_frame[hr, 0] - r_frame[r, 0]
        ey = d * dx + c * dy + r_frame[hr, 1] - r_frame[r, 1]
        good = False
        if ex * ex + ey * ey < limit and abs(r_frame[r, 2] - q_frame[q, 2] - log_s) < log_scale:
            ca = r_frame[r, 3] * q_frame[q, 3] + r_frame[r, 4] * q_frame[q, 4]
            sa = r_frame[r, 4] * q_frame[q, 3] - r_frame[r, 3] * q_frame[q, 4]
            good = ca * cos_a + sa * sin_a > min_cos
        inlier[t] = good
        if good:
            count += 1
    return count


@njit(cache=True, nogil=True)
def best_similarity(q_frame, r_frame, mi, mj, tolerance, log_scale, min_cos):  # type: ignore[no-untyped-def]
    """Take every match as a hypothesis and return (matches that agree with the best one, mask of them).

    q_frame, r_frame : float32 (n, 5), see the module; mi, mj : int64 (m,), rows of them; tolerance : longer sides;
    log_scale : natural logarithm; min_cos : cosine of the largest difference of angle. Ties go to the first match.
    """
    m = len(mi)
    inlier = np.zeros(m, np.bool_)
    best_mask = np.zeros(m, np.bool_)
    best = 0
    for h in range(m):
        count = _count_agreeing(h, q_frame, r_frame, mi, mj, m, tolerance, log_scale, min_cos, inlier)
        if count > best:
            best = count
            best_mask[:] = inlier
    return best, best_mask


@njit(cache=True, nogil=True)
def scan_references(  # type: ignore[no-untyped-def]
    q_sig, q_frame, planes, r_frame, offsets, max_bits, max_matches, tolerance, log_scale, min_cos, votes
):
    """Score every reference against one query: agreeing matches, and a small part for how near the signatures are.

    q_sig : uint64 (nq, 2); q_frame : float32 (nq, 5); planes : uint64 (2, N), signatures of all references' keypoints
    by word; r_frame : float32 (N, 5); offsets : int64 (R + 1,); max_matches : cap on the matches of one reference that
    are used as hypotheses (the nearest by signature are kept); votes : float32 (R,), written.
    """
    n_query = len(q_sig)
    mi = np.empty(n_query, np.int64)
    mj = np.empty(n_query, np.int64)
    bits = np.empty(n_query, np.int64)
    histogram = np.empty(max_bits + 2, np.int64)
    inlier = np.empty(n_query, np.bool_)
    for f in range(len(offsets) - 1):
        start, stop = offsets[f], offsets[f + 1]
        word0, word1 = planes[0, start:stop], planes[1, start:stop]
        m = 0
        nearness = 0
        histogram[:] = 0
        for i in range(n_query):
            q0, q1 = q_sig[i, 0], q_sig[i, 1]
            best = _NO_MATCH
            for j in range(stop - start):
                distance = _popcount(q0 ^ word0[j]) + _popcount(q1 ^ word1[j])
                best = min(best, (distance << _HIGH) | np.uint64(j))
            distance_best = np.int64(best >> _HIGH)
            if distance_best <= max_bits:
                mi[m] = i
                mj[m] = start + np.int64(best & _LOW_MASK)
                bits[m] = distance_best
                histogram[distance_best] += 1
                nearness += max_bits + 1 - distance_best
                m += 1
        if m > max_matches:
            limit = -1  # all matches up to this distance fit; of the next distance, the first ones
            room = max_matches
            while histogram[limit + 1] <= room:
                limit += 1
                room -= histogram[limit]
            kept = 0
            for t in range(m):
                take = bits[t] <= limit
                if bits[t] == limit + 1 and room > 0:
                    take = True
                    room -= 1
                if take:
                    mi[kept], mj[kept] = mi[t], mj[t]
                    kept += 1
            m = kept
        count = 0
        for h in range(m):
            agree = _count_agreeing(h, q_frame, r_frame, mi, mj, m, tolerance, log_scale, min_cos, inlier)
            count = max(count, agree)
        votes[f] = np.float32(count) + np.float32(nearness) / (np.float32(nearness) + np.float32(1000.0))


@njit(cache=True, nogil=True)
def match_pair(q_sig, q_desc, r_sig, r_desc, max_bits, min_dot):  # type: ignore[no-untyped-def]
    """Match each query keypoint with its most similar reference keypoint, exactly, among those with near signatures.

    q_sig, r_sig : uint64 (n, 2); q_desc, r_desc : uint8 (n, 128); max_bits : largest Hamming distance;
    min_dot : least integer product of descriptors. Returns (mi, mj, dot): int64 (m,) each, by query keypoint.
    """
    n_query, n_reference = len(q_sig), len(r_sig)
    mi = np.empty(n_query, np.int64)
    mj = np.empty(n_query, np.int64)
    dots = np.empty(n_query, np.int64)
    limit = np.uint64(max_bits)
    near = np.empty(n_reference, np.uint8)
    m = 0
    for i in range(n_query):
        q0, q1 = q_sig[i, 0], q_sig[i, 1]
        any_near = False
        for j in range(n_reference):
            close = _popcount(q0 ^ r_sig[j, 0]) + _popcount(q1 ^ r_sig[j, 1]) <= limit
            near[j] = close
            any_near |= close
        if not any_near:
            continue
        best, best_j = np.int32(min_dot - 1), -1
        for j in range(n_reference):
            if near[j]:
                dot = np.int32(0)
                for k in range(q_desc.shape[1]):
                    dot += np.int32(q_desc[i, k]) * np.int32(r_desc[j, k])
                if dot > best:
                    best, best_j = dot, j
        if best_j >= 0:
            mi[m], mj[m], dots[m] = i, best_j, best
            m += 1
    return mi[:m].copy(), mj[:m].copy(), dots[:m].copy()
