"""Correlating the gradients of two aligned pictures."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import U8, Bool

#: The pictures are divided into this many blocks each way.
N_BLOCKS = 8

_SOFT = np.float32(1.0)  # grey values per pixel; weaker gradients count less, as they may be rounding errors
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
    seen = _with_neighbours(inside)
    qx, qy, q_shares, _ = _soft_gradients(query, seen)
    rx, ry, r_shares, squares = _soft_gradients(reference, seen)
    for block in range(N_BLOCKS * n):  # one block's pixels of one row
        row, column = block // N_BLOCKS // side, block % N_BLOCKS
        pixels = power_here = 0.0
        for i in range(block * side, (block + 1) * side):
            product += np.float64(qx[i] * rx[i] + qy[i] * ry[i])
            q_share, r_share = np.float64(q_shares[i]), np.float64(r_shares[i])
            shares += q_share * r_share
            q_sum += q_share
            r_sum += r_share
            q_energy += q_share * q_share
            r_energy += r_share * r_share
            pixels += np.float64(seen[i])
            power_here += np.float64(squares[i])
        total += pixels
        area[row, column] += pixels
        power[row, column] += power_here
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
def _with_neighbours(inside):  # type: ignore[no-untyped-def]
    """Return 1 where a pixel and its eight neighbours are inside, and 0 elsewhere: float32 (n * n,), by rows."""
    n, size = inside.shape[0], inside.size
    flat, columns, out = inside.reshape(-1), np.zeros(size, np.bool_), np.zeros(size, np.float32)
    above, here, below = flat[: size - 2 * n], flat[n : size - n], flat[2 * n :]
    middle = columns[n : size - n]
    for i in range(len(middle)):
        middle[i] = above[i] & here[i] & below[i]
    before, after, own = columns[: size - 2], columns[2:], out[1:]
    for i in range(size - 2):
        own[i] = np.float32(before[i] & columns[i + 1] & after[i])
    for y in range(n):
        out[y * n] = out[y * n + n - 1] = 0
    return out


@njit(cache=True, nogil=True)
def _soft_gradients(grey, seen):  # type: ignore[no-untyped-def]
    """Return Scharr gradients of the pixels that are seen, 0 elsewhere: float32 arrays, shape (n * n,), by rows.

    Returns
    -------
    along, down : of a length that tends to 1 as gradients grow
    shares : that length
    squares : the squared length of the gradients themselves, in grey values per pixel
    """
    n, flat = grey.shape[0], grey.reshape(-1)
    size = len(flat)
    tones, middle, across = np.empty(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.float32)
    along, down = np.zeros(size, np.float32), np.zeros(size, np.float32)
    shares, squares = np.empty(size, np.float32), np.empty(size, np.float32)
    three, ten, share = np.float32(3), np.float32(10), np.float32(1 / 32)
    for i in range(size):
        tones[i] = np.float32(flat[i])
    upper, here, lower = tones[: size - 2 * n], tones[n : size - n], tones[2 * n :]
    inner_middle, inner_across = middle[n : size - n], across[n : size - n]
    for i in range(size - 2 * n):
        inner_middle[i] = three * (upper[i] + lower[i]) + ten * here[i]
    for i in range(size - 2 * n):
        inner_across[i] = lower[i] - upper[i]
    right, down_left, down_here, down_right = middle[2:], across[: size - 2], across[1 : size - 1], across[2:]
    own_along, own_down, own_seen = along[1:], down[1:], seen[1:]
    for i in range(size - 2):  # at the ends of rows this is wrong, and not seen
        own_along[i] = (right[i] - middle[i]) * share * own_seen[i]
    for i in range(size - 2):
        own_down[i] = (three * (down_left[i] + down_right[i]) + ten * down_here[i]) * share * own_seen[i]
    for i in range(size):
        squares[i] = along[i] * along[i] + down[i] * down[i]
    for i in range(size):
        length = np.sqrt(squares[i])
        shares[i] = length / (length + _SOFT)
    for i in range(size):
        soft = np.float32(1) / (np.sqrt(squares[i]) + _SOFT)
        along[i] *= soft
        down[i] *= soft
    return along, down, shares, squares


@njit(cache=True, nogil=True)
def _ratio(product, one, other):  # type: ignore[no-untyped-def]
    """Return a correlation from sums of products, 0 where one side is flat."""
    bound = np.sqrt(max(one, 0.0) * max(other, 0.0))
    return min(1.0, max(-1.0, product / bound)) if bound > 1e-6 else 0.0
