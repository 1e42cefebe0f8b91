"""Correlating the gradients of two aligned pictures."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import U8, Bool

#: The pictures are divided into this many blocks each way.
N_BLOCKS = 8

_SOFT = 1.0  # grey values per pixel; weaker gradients count less, as they may be rounding errors
_TEXTURE = 1.5  # grey values per pixel; root mean square gradient of the reference that makes a block textured
_LEAST_PART = 0.25  # of a block's area; smaller parts inside the query do not count
_LEAST_VARIANCE = 1e-5  # of gradient lengths scaled to [0, 1]; anything below is rounding errors


@njit(cache=True, nogil=True, error_model="numpy")
def correlate_gradients(query: U8, reference: U8, inside: Bool):  # type: ignore[no-untyped-def]
    """Correlate the gradients of two pictures where both are seen.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (n, n)
        n is a multiple of `N_BLOCKS`.
    inside : bool array, shape (n, n)
        Which pixels the query covers. A gradient needs neighbours on both sides, in both pictures.

    Returns
    -------
    correlation : float, [-1, 1]
        Of the gradients, strong ones hardly weighing more than weak ones; 0 if one side is flat.
    edges : float, [-1, 1]
        The same of their strength, regardless of direction.
    textured : float, [0, 64]
        Area of the blocks that have texture and at least a quarter of their area inside the query, in blocks.
    """
    n = query.shape[0]
    side = n // N_BLOCKS
    area, power = np.zeros((N_BLOCKS, N_BLOCKS)), np.zeros((N_BLOCKS, N_BLOCKS))
    product = shares = q_sum = r_sum = q_energy = r_energy = total = 0.0
    columns = np.empty(n, np.bool_)  # whether three pixels below each other are inside
    qx, qy, q_length, q_soft = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    rx, ry, r_length, r_soft = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for y in range(1, n - 1):
        above, here, below = inside[y - 1], inside[y], inside[y + 1]
        for x in range(n):
            columns[x] = above[x] & here[x] & below[x]
        if not columns.any():
            continue
        _scharr(query, y, qx, qy, q_length, q_soft)
        _scharr(reference, y, rx, ry, r_length, r_soft)
        for j in range(N_BLOCKS):
            block_area = block_power = 0.0
            for x in range(max(j * side, 1), min((j + 1) * side, n - 1)):
                if not columns[x - 1] & columns[x] & columns[x + 1]:
                    continue
                product += (qx[x] * rx[x] + qy[x] * ry[x]) * (q_soft[x] * r_soft[x])
                q_share, r_share = q_length[x] * q_soft[x], r_length[x] * r_soft[x]
                shares += q_share * r_share
                q_sum += q_share
                r_sum += r_share
                q_energy += q_share * q_share
                r_energy += r_share * r_share
                block_area += 1
                block_power += r_length[x] * r_length[x]
            area[y // side, j] += block_area
            power[y // side, j] += block_power
            total += block_area
    textured = 0.0
    for i in range(N_BLOCKS):
        for j in range(N_BLOCKS):
            part = area[i, j] / (side * side)
            if part >= _LEAST_PART and power[i, j] > _TEXTURE**2 * area[i, j]:
                textured += part
    if total == 0:
        return 0.0, 0.0, 0.0
    edges = 0.0
    q_variance = q_energy / total - (q_sum / total) ** 2
    r_variance = r_energy / total - (r_sum / total) ** 2
    if min(q_variance, r_variance) >= _LEAST_VARIANCE:
        edges = _ratio(shares / total - q_sum * r_sum / total**2, q_variance, r_variance)
    return _ratio(product, q_energy, r_energy), edges, textured


@njit(cache=True, nogil=True, error_model="numpy")
def _scharr(grey, y, along, down, length, soft):  # type: ignore[no-untyped-def]
    """Write the gradients of a row, their lengths in grey values per pixel, and the inverse of the softened lengths."""
    n = grey.shape[1]
    above, here, below = grey[y - 1].astype(np.int32), grey[y].astype(np.int32), grey[y + 1].astype(np.int32)
    to_right, to_below, lengths, inverses = along[1:], down[1:], length[1:], soft[1:]
    for x in range(n - 2):
        right, left = above[x + 2] + below[x + 2], above[x] + below[x]
        to_right[x] = np.int32(3 * (right - left) + 10 * (here[x + 2] - here[x])) / 32
    for x in range(n - 2):
        lower, upper = below[x] + below[x + 2], above[x] + above[x + 2]
        to_below[x] = np.int32(3 * (lower - upper) + 10 * (below[x + 1] - above[x + 1])) / 32
    for x in range(n - 2):
        lengths[x] = np.sqrt(to_right[x] * to_right[x] + to_below[x] * to_below[x])
    for x in range(n - 2):
        inverses[x] = 1 / (lengths[x] + _SOFT)


@njit(cache=True, nogil=True)
def _ratio(product, one, other):  # type: ignore[no-untyped-def]
    """Return a correlation from sums of products, 0 where one side is flat."""
    bound = np.sqrt(max(one, 0.0) * max(other, 0.0))
    return min(1.0, max(-1.0, product / bound)) if bound > 1e-6 else 0.0
