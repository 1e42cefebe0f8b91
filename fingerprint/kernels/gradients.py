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


@njit(cache=True, nogil=True)
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
    for y in range(1, n - 1):
        for x in range(1, n - 1):
            row = inside[y - 1, x - 1] & inside[y - 1, x] & inside[y - 1, x + 1] & inside[y, x - 1] & inside[y, x]
            if not (row & inside[y, x + 1] & inside[y + 1, x - 1] & inside[y + 1, x] & inside[y + 1, x + 1]):
                continue
            qx, qy, q_length = _scharr(query, y, x)
            rx, ry, r_length = _scharr(reference, y, x)
            q, r = 1 / (q_length + _SOFT), 1 / (r_length + _SOFT)
            product += (qx * rx + qy * ry) * (q * r)
            q_share, r_share = q_length * q, r_length * r
            shares += q_share * r_share
            q_sum += q_share
            r_sum += r_share
            q_energy += q_share * q_share
            r_energy += r_share * r_share
            total += 1
            area[y // side, x // side] += 1
            power[y // side, x // side] += r_length * r_length
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


@njit(cache=True, nogil=True)
def _scharr(grey, y, x):  # type: ignore[no-untyped-def]
    """Return the gradient at a pixel and its length, in grey values per pixel."""
    a, b, c = np.int32(grey[y - 1, x - 1]), np.int32(grey[y - 1, x]), np.int32(grey[y - 1, x + 1])
    d, e = np.int32(grey[y, x - 1]), np.int32(grey[y, x + 1])
    f, g, h = np.int32(grey[y + 1, x - 1]), np.int32(grey[y + 1, x]), np.int32(grey[y + 1, x + 1])
    along, down = (3 * (c + h - a - f) + 10 * (e - d)) / 32, (3 * (f + h - a - c) + 10 * (g - b)) / 32
    return along, down, np.sqrt(along * along + down * down)


@njit(cache=True, nogil=True)
def _ratio(product, one, other):  # type: ignore[no-untyped-def]
    """Return a correlation from sums of products, 0 where one side is flat."""
    bound = np.sqrt(max(one, 0.0) * max(other, 0.0))
    return min(1.0, max(-1.0, product / bound)) if bound > 1e-6 else 0.0
