"""Voting with the postings of an inverted file: which references agree with a query on one similarity transform.

The *geometry* of a posting is a uint32: x, y (256ths of the longer side), log of the size (32nds, from -7) and angle
(256ths of a turn), 8 bits each from the lowest.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.agreement import N_TERMS, mark_agreeing, match_terms, nearest_matches
from fingerprint.kernels.arrays import copy, longer
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import stable_order

_BYTE = np.uint32(255)
_SHORT = 24  # postings of a list; of shorter ones, comparing one by one is quicker
_FEW = 4  # groups for each hit; with fewer, counting is quicker than sorting
_ONE, _THREE = np.uint64(1), np.uint64(3)
_EACH_BYTE, _HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_NO_LIMIT = 1 << 62
_MOST_HITS = 1 << 22  # that are held at once: 30 bytes each; one reference has fewer, whatever its pattern
_LOG_STEPS, _LOG_LEAST = 32.0, -7.0
_TURN = 2 * math.pi
_ANGLES = np.arange(256, dtype=np.float32) * np.float32(_TURN / 256)
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_MOST_PARTS = 66  # of the references at a time: each is half of the one before, and their number fits 64 bits


@njit(cache=True, nogil=True)
def pack_geometry(frame, out):  # type: ignore[no-untyped-def]
    """Write the geometry of keypoints: frame : float32 (n, 5), see `agreement`; out : uint32 (n,)."""
    for i in range(len(frame)):
        x = _as_byte(frame[i, 0] * 256)
        y = _as_byte(frame[i, 1] * 256)
        size = _as_byte((frame[i, 2] - _LOG_LEAST) * _LOG_STEPS)
        angle = np.uint32(np.int64(np.round(math.atan2(frame[i, 4], frame[i, 3]) / _TURN * 256)) & 255)
        out[i] = x | (y << np.uint32(8)) | (size << np.uint32(16)) | (angle << np.uint32(24))


@njit(cache=True, nogil=True, inline="always")
def _as_byte(value):  # type: ignore[no-untyped-def]
    return np.uint32(min(max(value, 0.0), 255.0))


@njit(cache=True, nogil=True)
def _find(words, word, at):  # type: ignore[no-untyped-def]
    """Return the first position from `at` whose word is not below `word`: by doubling steps, then by halving."""
    step, low, high = 1, at, at
    while high < len(words) and words[high] < word:
        low = high + 1
        high += step
        step *= 2
    high = min(high, len(words))
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _first_of(references, start, stop, wanted):  # type: ignore[no-untyped-def]
    """Return the first posting of a list, which is by reference, whose reference is not below `wanted`."""
    while start < stop:
        middle = (start + stop) >> 1
        if references[middle] < wanted:
            start = middle + 1
        else:
            stop = middle
    return start


@njit(cache=True, nogil=True)
def _bounds(starts, at, references, first, last):  # type: ignore[no-untyped-def]
    """Return the bounds of a list, or of its part from reference `first` to before `last`, if that is not negative."""
    start, stop = np.int64(starts[at]), np.int64(starts[at + 1])  # signed, so that they can be subtracted
    if last < 0:
        return start, stop
    start = _first_of(references, start, stop, first)
    return start, _first_of(references, start, stop, last)


@njit(cache=True, nogil=True)
def _compare(signatures, sought, distances):  # type: ignore[no-untyped-def]
    """Write the distances of a list from a signature, and 64 up to the next multiple of 8."""
    for t in range(len(signatures)):  # all of them first, as this loop has no branch
        distances[t] = popcount(signatures[t] ^ sought)
    for t in range(len(signatures), _whole(len(signatures))):
        distances[t] = 64


@njit(cache=True, nogil=True)
def _whole(n):  # type: ignore[no-untyped-def]
    """Return the next multiple of 8."""
    return (n + 7) // 8 * 8


@njit(cache=True, nogil=True)
def _take_hits(distances, max_bits, start, posting, bits, n):  # type: ignore[no-untyped-def]
    """Add the hits of a list, whose postings begin at `start`, to the first `n`, and return how many there are then.

    Eight distances at a time: hits are rare. In a byte, a distance plus `127 - max_bits` has the highest bit if it is
    no hit, and never reaches the next byte.
    """
    more = _EACH_BYTE * np.uint64(127 - max_bits)
    eights = distances.view(np.uint64)
    for k in range(len(eights)):
        near = ~(eights[k] + more) & _HIGHEST
        while near:
            t = 8 * k + np.int64(popcount((near & (~near + _ONE)) - _ONE) >> _THREE)  # the byte of the lowest bit
            posting[n], bits[n] = start + t, distances[t]
            n += 1
            near &= near - _ONE
    return n


@njit(cache=True, nogil=True)
def _collect(  # type: ignore[no-untyped-def]
    q_words, q_signatures, words, starts, signatures, references, max_bits, first, last, most_hits
):
    """Return (word assignment, posting, distance) of hits, by word assignment, and the number of postings compared.

    first, last : only the references from `first` to before `last`; 0 and -1 for all. most_hits : with more hits than
    these it stops, and the number is -1.
    """
    size = np.int64(1 << 12)
    hit_of, posting, bits = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.uint8)
    longest = np.int64(0)
    for k in range(len(words)):
        longest = max(longest, np.int64(starts[k + 1]) - np.int64(starts[k]))
    distances = np.empty(_whole(longest), np.uint8)
    n = at = n_visited = np.int64(0)  # not of the type of the constant 0, for which callees would be compiled too
    for v in range(len(q_words)):
        at = _find(words, q_words[v], at)
        if at == len(words) or words[at] != q_words[v]:
            continue
        start, stop = _bounds(starts, at, references, first, last)
        n_visited += stop - start
        while n + stop - start > size:
            size *= 2
            hit_of, posting, bits = longer(hit_of, size), longer(posting, size), longer(bits, size)
        before = n
        if stop - start < _SHORT:
            sought = q_signatures[v]
            for t in range(start, stop):
                distance = np.int64(popcount(signatures[t] ^ sought))
                if distance <= max_bits:
                    posting[n], bits[n] = t, distance
                    n += 1
        else:
            _compare(signatures[start:stop], q_signatures[v], distances)
            n = _take_hits(distances[: _whole(stop - start)], max_bits, start, posting, bits, n)
        if n > most_hits:
            return hit_of[:0], posting[:0], bits[:0], -1
        for t in range(before, n):
            hit_of[t] = v
    return hit_of[:n], posting[:n], bits[:n], n_visited


@njit(cache=True, nogil=True)
def _owners(hit_of, posting, references, q_rows, q_variants, n_variants, n_groups):  # type: ignore[no-untyped-def]
    """Return the group of each hit, which is a reference and a variant of the query: int64 (n,)."""
    out = np.empty(len(hit_of), np.int64)
    for t in range(len(hit_of)):
        owner = np.int64(references[posting[t]]) * n_variants + q_variants[q_rows[hit_of[t]]]
        out[t] = min(owner, n_groups)
    return out


@njit(cache=True, nogil=True)
def _by_counting(owners, n_groups):  # type: ignore[no-untyped-def]
    """Return all hits by group, int64 (n,); hits of one group keep their order."""
    fill = np.zeros(n_groups + 2, np.int64)  # one more group, for pictures beyond the last that a damaged file may name
    for owner in owners:
        fill[owner + 1] += 1
    for g in range(n_groups + 1):
        fill[g + 1] += fill[g]
    order = np.empty(len(owners), np.int64)
    for t in range(len(owners)):
        order[fill[owners[t]]] = t
        fill[owners[t]] += 1
    return order


@njit(cache=True, nogil=True)
def _group(owners, n_groups):  # type: ignore[no-untyped-def]
    """Return hits by group, int64 (n,), those of one group in their order; hits that are alone may be left out.

    Where groups are many, most hits are alone. They prove nothing, and sorting the few that are left takes little time.
    """
    if len(owners) * _FEW >= n_groups:
        return _by_counting(owners, n_groups)
    seen = np.zeros(n_groups + 1, np.uint8)  # one more group, for pictures beyond the last that a damaged file may name
    n = 0
    for t in range(len(owners)):
        owner = owners[t]
        n += seen[owner] > 0
        seen[owner] = min(seen[owner] + 1, 2)
    hits, keys, n = np.empty(2 * n, np.int64), np.empty(2 * n), 0
    for t in range(len(owners)):
        if seen[owners[t]] > 1:
            hits[n], keys[n] = t, owners[t]
            n += 1
    order = stable_order(keys[:n])
    for t in range(n):
        order[t] = hits[order[t]]
    return order


@njit(cache=True, nogil=True)
def unpack_geometry(geometry, out):  # type: ignore[no-untyped-def]
    """Write the frame of a packed geometry: out : float32 (5,)."""
    half, step = np.float32(0.5), np.float32(256)
    out[0] = (np.float32(geometry & _BYTE) + half) / step
    out[1] = (np.float32((geometry >> np.uint32(8)) & _BYTE) + half) / step
    size = np.float32((geometry >> np.uint32(16)) & _BYTE) + half
    out[2] = size / np.float32(_LOG_STEPS) + np.float32(_LOG_LEAST)
    direction = _DIRECTIONS[geometry >> np.uint32(24)]
    out[3], out[4] = direction[0], direction[1]


@njit(cache=True, nogil=True)
def _by_row(hits, hit_of, q_rows):  # type: ignore[no-untyped-def]
    """Order the few hits of a group by the query's keypoint, in place; hits of one keypoint keep their order."""
    for t in range(1, len(hits)):
        hit = hits[t]
        at = t
        while at > 0 and q_rows[hit_of[hits[at - 1]]] > q_rows[hit_of[hit]]:
            hits[at] = hits[at - 1]
            at -= 1
        hits[at] = hit


@njit(cache=True, nogil=True)
def vote_postings(  # type: ignore[no-untyped-def]
    q_words, q_signatures, q_rows, q_frames, q_variants, n_variants,
    words, starts, signatures, references, geometry, n_references,
    weights, rarity, max_hits, tolerance, log_scale, min_cos, most_hits=_MOST_HITS,
):  # fmt: skip
    """Score references by the weighted hits that agree on one similarity transform; each hit is a hypothesis.

    q_words : uint32 (v,), ascending; q_signatures : uint64 (v,); q_rows : int32 (v,), rows of the keypoints that
    look up these words; q_frames : float32 (n, 5) and q_variants : uint8 (n,), of the query's keypoints in all
    variants; words : uint32 (u,), those that have postings, ascending; starts : uint32 (u + 1,); signatures : uint64
    (N,); references : uint32 (N,); geometry : uint32 (N,); weights : float32 (66,), by Hamming distance, zero from the
    first distance that is no hit; rarity : float32 (W // 4,), how much a hit in a word
    or one of its reflections weighs; max_hits : cap on the hits of one variant on one reference; the nearest are kept;
    most_hits : cap on the hits that are held at once. With more of them, a query and references of one pattern, the
    references are taken in several parts; the result is the same.
    Returns (rows, variants, scores, n_visited, n_hits): int64 (k,), int64 (k,), float32 (k,), references on which at
    least two keypoints of a variant agree, ascending; the number of postings that were compared, and of hits among
    them. A query keypoint counts once, with its best hit.
    """
    max_bits = 0
    while weights[max_bits + 1] > 0:
        max_bits += 1
    n_groups = n_references * n_variants
    q_of, weight = np.empty(max_hits, np.int64), np.empty(max_hits, np.float32)
    q_part, r_part = np.empty((max_hits, 5), np.float32), np.empty((max_hits, 5), np.float32)
    terms = np.empty((N_TERMS, max_hits), np.float32)
    agreeing = np.empty(max_hits, np.bool_)
    found_groups, scores, found = np.empty(64, np.int64), np.empty(64, np.float32), 0
    n_visited = n_hits = np.int64(0)
    parts, n_parts = np.empty((_MOST_PARTS, 2), np.int64), 1  # ranges of references, the next one last
    parts[0, 0], parts[0, 1] = 0, -1
    while n_parts > 0:
        n_parts -= 1
        first, last = parts[n_parts, 0], parts[n_parts, 1]
        end = n_references if last < 0 else last
        most = most_hits if end - first > 1 else _NO_LIMIT
        hit_of, posting, bits, n_compared = _collect(
            q_words, q_signatures, words, starts, signatures, references, max_bits, first, last, most
        )
        if n_compared < 0:
            middle = (first + end) >> 1
            parts[n_parts, 0], parts[n_parts, 1] = middle, end
            parts[n_parts + 1, 0], parts[n_parts + 1, 1] = first, middle
            n_parts += 2
            continue
        n_visited += n_compared
        n_hits += len(hit_of)
        owners = _owners(hit_of, posting, references, q_rows, q_variants, n_variants, n_groups)
        order = _group(owners, n_groups)
        stop = 0
        while stop < len(order):
            start, g = stop, owners[order[stop]]
            while stop < len(order) and owners[order[stop]] == g:
                stop += 1
            if stop - start < 2 or g == n_groups:
                continue
            hits = order[start:stop]
            if len(hits) > max_hits:
                hits = _nearest_hits(hits, bits, max_hits)
            _by_row(hits, hit_of, q_rows)
            for m in range(len(hits)):
                at = hit_of[hits[m]]
                q_of[m] = q_rows[at]
                copy(q_frames[q_rows[at]], q_part[m])
                unpack_geometry(geometry[posting[hits[m]]], r_part[m])
                weight[m] = weights[bits[hits[m]]] * rarity[q_words[at] >> 2]
            best = _best_score(len(hits), q_of, q_part, r_part, terms, weight, tolerance, log_scale, min_cos, agreeing)
            if best > 0:
                if found == len(scores):
                    found_groups, scores = longer(found_groups, 2 * found), longer(scores, 2 * found)
                found_groups[found], scores[found] = g, best
                found += 1
    rows, variants = np.empty(found, np.int64), np.empty(found, np.int64)
    for k in range(found):
        rows[k], variants[k] = found_groups[k] // n_variants, found_groups[k] % n_variants
    return rows, variants, scores[:found], n_visited, n_hits


@njit(cache=True, nogil=True)
def _nearest_hits(hits, bits, most):  # type: ignore[no-untyped-def]
    """Return the hits of least distance, at equal distance the first ones: int64 (most,), in the same order."""
    distances, out = np.empty(len(hits), np.int64), np.empty(most, np.int64)
    for t in range(len(hits)):
        distances[t] = bits[hits[t]]
    kept = nearest_matches(distances, most)
    for t in range(most):
        out[t] = hits[kept[t]]
    return out


@njit(cache=True, nogil=True)
def _best_score(m, q_of, q_part, r_part, terms, weight, tolerance, log_scale, min_cos, agreeing):  # type: ignore[no-untyped-def]
    """Return the largest weight of hits that agree with one of them, 0 if no two query keypoints do."""
    match_terms(q_part, r_part, m, terms)
    best = np.float32(0)
    for h in range(m):
        if mark_agreeing(h, terms, m, tolerance, log_scale, min_cos, agreeing) >= 2:
            score, count = _weigh(agreeing, m, q_of, weight)
            if count >= 2 and score > best:
                best = score
    return best


@njit(cache=True, nogil=True)
def _weigh(agreeing, m, q_of, weight):  # type: ignore[no-untyped-def]
    """Return the weight and the number of query keypoints whose hits agree; each counts once, with its best hit."""
    total, count = np.float32(0), 0
    last, last_weight = np.int64(-1), np.float32(0)
    for t in range(m):
        if agreeing[t]:
            if q_of[t] != last:
                last, last_weight = q_of[t], np.float32(0)
                count += 1
            if weight[t] > last_weight:
                total += weight[t] - last_weight
                last_weight = weight[t]
    return total, count
