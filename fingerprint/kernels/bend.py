"""Following a picture that was bent: matches that agree with their neighbours, and a map that goes through them.

A wave, a swirl or a liquified face has no one transform. But beside every match its neighbours lie where its own scale
and angle say, and so do theirs. Such chains are followed over the picture.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.agreement import N_TERMS, match_terms
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.overlap import solve_moves
from fingerprint.types import F32, F64, I64, U8

_REACH = 0.2  # longer sides of the query, up to which two matches are neighbours
_APART = 0.01  # the same, below which they are one place, and no evidence for each other
_SLACK, _FLOOR = 0.3, 0.006  # part of their distance, and longer sides, by which a neighbour may miss its place
_LOG_SCALE, _MIN_COS = 0.6, np.cos(np.radians(30.0))  # largest differences of neighbours
_LEAST_NEIGHBOURS = 2
_NODES = 9  # of the map, each way
_NEAR = 0.08  # longer sides of the reference: how wide matches weigh
_FAR = 4 * _NEAR  # the same of those that fill gaps
_FAR_WEIGHT = 1e-3
_STIFF = 0.1  # ridge of the slopes beside a node


@njit(cache=True, nogil=True)
def chain_matches(q_frame, r_frame, q_rows, r_rows):  # type: ignore[no-untyped-def]
    """Return the largest set of matches that hang together by neighbours that agree.

    Parameters
    ----------
    q_frame, r_frame : float32 arrays, shapes (nq, 5) and (nr, 5)
        All keypoints of the query and of the reference, as in `fingerprint.kernels.agreement`.
    q_rows, r_rows : int64 arrays, shape (m,)
        The rows of the matches.

    Returns
    -------
    chained : int64 array, shape (k,)
        Positions of the matches of the set, ascending; those with fewer than two neighbours are in none.
    turn : float, >= 0
        Circular standard deviation of the angles by which they are turned, in radians.
    stretch : float, >= 0
        Standard deviation of the logarithms of their scales.
    """
    m = len(q_rows)
    terms = np.empty((N_TERMS, m), np.float32)
    match_terms(q_frame[q_rows], r_frame[r_rows], m, terms)
    roots = _hang_together(terms)
    sizes, largest = np.zeros(m + 1, np.int64), 0  # one more for those that are in no set
    for i in range(m):
        sizes[roots[i]] += 1
    for i in range(m):
        largest = i if sizes[i] > sizes[largest] else largest
    chained, k = np.empty(m, np.int64), 0
    cosine = sine = total = squares = 0.0
    for i in range(m):
        if roots[i] == largest:
            chained[k] = i
            k += 1
            cosine += terms[5, i]
            sine += terms[6, i]
            total += terms[4, i]
            squares += terms[4, i] * terms[4, i]
    if not k:
        return chained[:0], 0.0, 0.0
    length = min(max(np.sqrt(cosine * cosine + sine * sine) / k, 1e-6), 1.0)
    return chained[:k], np.sqrt(-2 * np.log(length)), np.sqrt(max(squares / k - (total / k) ** 2, 0.0))


@njit(cache=True, nogil=True)
def _hang_together(terms: F32) -> I64:
    """Return the first match of the set that each match is in, for those in none the number of matches."""
    m = terms.shape[1]
    n_neighbours, pairs, n_pairs = np.zeros(m, np.int64), np.empty((m * (m - 1) // 2, 2), np.int64), 0
    near = np.empty(m, np.bool_)
    for i in range(m):
        _mark_near(terms, i, near)
        for j in range(i + 1, m):
            if near[j] and _agree(terms, i, j):
                n_neighbours[i] += 1
                n_neighbours[j] += 1
                pairs[n_pairs, 0], pairs[n_pairs, 1] = i, j
                n_pairs += 1
    root = np.arange(m)
    for k in range(n_pairs):
        i, j = pairs[k, 0], pairs[k, 1]
        if min(n_neighbours[i], n_neighbours[j]) >= _LEAST_NEIGHBOURS:
            i, j = _root(root, i), _root(root, j)
            root[max(i, j)] = min(i, j)
    out = np.full(m, m)
    for i in range(m):
        if n_neighbours[i] >= _LEAST_NEIGHBOURS:
            out[i] = _root(root, i)
    return out


@njit(cache=True, nogil=True)
def _mark_near(terms, i, near):  # type: ignore[no-untyped-def]
    """Mark which matches after match `i` may agree with it, few of them, with bounds that are a little wide."""
    q_x, q_y, log_scales, cosines, sines = terms[0], terms[1], terms[4], terms[5], terms[6]
    x, y, log_scale, cosine, sine = q_x[i], q_y[i], log_scales[i], cosines[i], sines[i]
    reach, most, least = np.float32(1.001 * _REACH**2), np.float32(1.001 * _LOG_SCALE), np.float32(0.999 * _MIN_COS)
    for j in range(i + 1, len(near)):
        dx, dy = q_x[j] - x, q_y[j] - y
        alike = (abs(log_scales[j] - log_scale) < most) & (cosines[j] * cosine + sines[j] * sine > least)
        near[j] = alike & (dx * dx + dy * dy < reach)


@njit(cache=True, nogil=True)
def _root(root, i):  # type: ignore[no-untyped-def]
    """Return the first of the matches that hang together with match `i`."""
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(cache=True, nogil=True)
def _agree(terms, i, j):  # type: ignore[no-untyped-def]
    """Return whether two matches are neighbours, and each lies where the other's scale and angle say."""
    dx, dy = terms[0, j] - terms[0, i], terms[1, j] - terms[1, i]
    distance = np.sqrt(dx * dx + dy * dy)
    cosine = terms[5, i] * terms[5, j] + terms[6, i] * terms[6, j]
    if not (_APART < distance < _REACH) or abs(terms[4, i] - terms[4, j]) > _LOG_SCALE or cosine < _MIN_COS:
        return False
    c, d = terms[5, i] + terms[5, j], terms[6, i] + terms[6, j]  # the mean of both angles, not of unit length
    scale = np.exp((terms[4, i] + terms[4, j]) / 2)
    unit = scale / np.sqrt(c * c + d * d)
    ex = terms[2, j] - terms[2, i] - unit * (c * dx - d * dy)
    ey = terms[3, j] - terms[3, i] - unit * (d * dx + c * dy)
    limit = _SLACK * scale * distance + _FLOOR
    return ex * ex + ey * ey < limit * limit


@njit(cache=True, nogil=True)
def fit_bend(source: F64, target: F64, width: float, height: float) -> F64:
    """Return where the nodes of a grid over the reference lie in the query, by the matches near each node.

    Parameters
    ----------
    source, target : float64 arrays, shape (m, 2), m >= 3
        Positions of matches in the reference and in the query, each in longer sides of its picture.
    width, height : float
        Of the reference, in its longer sides.

    Returns
    -------
    float64 array, shape (_NODES, _NODES, 2)
        By rows; in longer sides of the query.
    """
    m = len(source)
    positions, moved, weight = np.empty((m, 3)), np.empty((m, 2)), np.ones(m)
    whole, beside = np.zeros((3, 2)), np.zeros((3, 2))
    for i in range(m):
        positions[i, 0], positions[i, 1], positions[i, 2] = source[i, 0], source[i, 1], 1.0
        moved[i, 0], moved[i, 1] = target[i, 0], target[i, 1]
    solve_moves(positions, moved, weight, 1e-6, whole)  # one affine map, from which each node's own map departs
    for i in range(m):
        for axis in range(2):
            moved[i, axis] -= whole[0, axis] * source[i, 0] + whole[1, axis] * source[i, 1] + whole[2, axis]
    nodes = np.empty((_NODES, _NODES, 2))
    for row in range(_NODES):
        for column in range(_NODES):
            x, y = width * column / (_NODES - 1), height * row / (_NODES - 1)
            for i in range(m):
                dx, dy = source[i, 0] - x, source[i, 1] - y
                far = np.exp(-(dx * dx + dy * dy) / (2 * _FAR * _FAR))
                fourth = far * far * far * far
                near = fourth * fourth * fourth * fourth  # as wide as a quarter of the other
                weight[i] = near + _FAR_WEIGHT * far
                positions[i, 0], positions[i, 1] = dx / (2 * _NEAR), dy / (2 * _NEAR)
            solve_moves(positions, moved, weight, _STIFF, beside)
            for axis in range(2):
                flat = whole[0, axis] * x + whole[1, axis] * y + whole[2, axis]
                nodes[row, column, axis] = flat + beside[2, axis]
    return nodes


@njit(cache=True, nogil=True)
def warp_bent(picture: U8, nodes: F64, mirrored: bool, side: int):  # type: ignore[no-untyped-def]
    """Return a query, bent back onto a square grid over the reference, and which pixels of the grid it covers.

    Parameters
    ----------
    picture : uint8 array, shape (h, w)
        The query at a size at which one pixel is about one of the grid.
    nodes : float64 array, shape (_NODES, _NODES, 2)
        From `fit_bend`.
    mirrored : bool
        Whether the nodes are of the query's mirror image.
    side : int
        Pixels of the grid each way.

    Returns
    -------
    grid : uint8 array, shape (side, side)
        Bilinear; 0 where it is not covered.
    covered : bool array, shape (side, side)
    """
    height, width = picture.shape
    longer = max(height, width)
    grid, covered = np.zeros((side, side), np.uint8), np.zeros((side, side), np.bool_)
    for row in range(side):
        v = (row + 0.5) / side * (_NODES - 1)
        j = min(int(v), _NODES - 2)
        v -= j
        for column in range(side):
            u = (column + 0.5) / side * (_NODES - 1)
            i = min(int(u), _NODES - 2)
            u -= i
            x, y = _between(nodes, j, i, v, u, 0) * longer, _between(nodes, j, i, v, u, 1) * longer
            x = width - x if mirrored else x
            if not (0 <= x <= width and 0 <= y <= height):
                continue
            x, y = min(max(x - 0.5, 0.0), width - 1.0), min(max(y - 0.5, 0.0), height - 1.0)
            left, top = int(x), int(y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            x, y = x - left, y - top
            above = picture[top, left] + x * (np.float64(picture[top, right]) - picture[top, left])
            below = picture[bottom, left] + x * (np.float64(picture[bottom, right]) - picture[bottom, left])
            grid[row, column] = np.uint8(above + y * (below - above) + 0.5)
            covered[row, column] = True
    return grid, covered


@njit(cache=True, nogil=True)
def _between(nodes, row, column, down, right, axis):  # type: ignore[no-untyped-def]
    """Return one coordinate between four nodes, `down` and `right` of the first, in parts of their distance."""
    upper = nodes[row, column, axis] * (1 - right) + nodes[row, column + 1, axis] * right
    lower = nodes[row + 1, column, axis] * (1 - right) + nodes[row + 1, column + 1, axis] * right
    return upper * (1 - down) + lower * down
