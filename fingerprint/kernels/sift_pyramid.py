"""Kernels of SIFT up to the extrema: the Gaussian pyramid, its differences, and where they are extreme.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import copy, longer_table
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit
from fingerprint.types import F32

LAYERS = 3
BASE_SIGMA = 1.6
CAMERA_SIGMA = 0.5
LEVELS = LAYERS + 3
BORDER = 5  # pixels; extrema closer to the edge of their octave are ignored
_REACH = 3.0  # blur kernels end at so many sigma
#: Largest share of any wave that a blur kernel may get wrong because its samples lie several pixels apart.
_MOST_ALIASED = 1e-3
_MOVES = 5  # most moves of an extremum to a neighbouring pixel before it is dropped
_ROWS = 16  # of a level that are made at a time
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_NONE, _BIT = np.uint64(0), np.uint64(1)


def _blur_taps(sigma: float) -> F32:
    """Return the middle and one half of a Gaussian kernel whose variance is exactly ``sigma**2``.

    Cutting a kernel off narrows it, so it is made from a slightly wider one.
    """
    reach = round(_REACH * sigma)
    k = np.arange(max(reach + (reach % 3 == 1), 3) + 1)  # lengths that `_blur_line` supports: 3, 5, 6, 8, 9, 11...
    low, high = sigma * 0.9, sigma * 1.2
    for _ in range(40):
        wider = (low + high) / 2
        taps = np.exp(-(k**2) / (2 * wider**2))
        taps /= taps[0] + 2 * taps[1:].sum()
        low, high = (wider, high) if 2 * (taps * k**2).sum() < sigma**2 else (low, wider)
    return taps.astype(np.float32)


def _step(before: float, sigma: float) -> int:
    """Return how many pixels apart a blur kernel can be sampled on a level that is already blurred.

    A Gaussian that is sampled every n pixels passes on waves near 1/n cycles a pixel too. The level has hardly any of
    them left; the wave that suffers most is passed on with the share that is limited here.
    """
    joint = 1 / (1 / before**2 + 1 / sigma**2)
    n = 1
    while np.exp(-((2 * np.pi / (n + 1)) ** 2) * joint / 2) <= _MOST_ALIASED:
        n += 1
    return n


_SIGMAS = BASE_SIGMA * 2 ** (np.arange(LEVELS) / LAYERS)
_RISES = np.sqrt(_SIGMAS[1:] ** 2 - _SIGMAS[:-1] ** 2)
#: Pixels between the samples of the kernels that blur to each level; 1 for the first.
_STEPS = (1, *(_step(float(before), float(s)) for before, s in zip(_SIGMAS, _RISES, strict=False)))
_RISE = tuple(_blur_taps(float(s) / step) for s, step in zip(_RISES, _STEPS[1:], strict=True))
#: Blur from the picture to the base: of the picture as it is, or doubled, which doubles its own blur. Doubling by
#: linear interpolation blurs a little more, which is not counted. The picture as it is gets the same additional blur,
#: so that sizes agree both ways.
_DOUBLING_VARIANCE = 0.125
_FIRST = {
    0: _blur_taps((BASE_SIGMA**2 - CAMERA_SIGMA**2 + _DOUBLING_VARIANCE) ** 0.5),
    -1: _blur_taps((BASE_SIGMA**2 - 4 * CAMERA_SIGMA**2) ** 0.5),
}
#: Kernels that blur to each level, by the first octave.
BLURS = {first_octave: (taps, *_RISE) for first_octave, taps in _FIRST.items()}
_WIDEST = max(step * (len(taps) - 1) for step, taps in zip(_STEPS, (_FIRST[0], *_RISE), strict=True))


@njit(cache=True, nogil=True)
def _reflect(i, n):  # type: ignore[no-untyped-def]
    """Return where a line of n pixels, mirrored at its outermost ones, continues at i."""
    if n == 1:
        return 0
    i = abs(i) % (2 * n - 2)
    return i if i < n else 2 * n - 2 - i


@njit(cache=True, nogil=True)
def _start(out, z, a, b, c, d, e, f, j, k, m, n):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = j * z[x] + k * (a[x] + b[x]) + m * (c[x] + d[x]) + n * (e[x] + f[x])


@njit(cache=True, nogil=True)
def _add_three(out, a, b, c, d, e, f, k, m, n):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] += k * (a[x] + b[x]) + m * (c[x] + d[x]) + n * (e[x] + f[x])


@njit(cache=True, nogil=True)
def _add_two(out, a, b, c, d, k, m):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] += k * (a[x] + b[x]) + m * (c[x] + d[x])


@njit(cache=True, nogil=True)
def _blur_line(v, at, r, t, out):  # type: ignore[no-untyped-def]
    """Write the sum of t[i] times the lines i before and i after, which begin at at[r - i] and at[r + i] of v.

    Several pairs are added at once, as reading and writing the sum is much of the work. Both lines of a pair are added
    before they are multiplied, so that a mirrored picture gives the same sums.
    """
    a, b, c = v[at[r - 1] :], v[at[r - 2] :], v[at[r - 3] :]
    _start(out, v[at[r] :], a, v[at[r + 1] :], b, v[at[r + 2] :], c, v[at[r + 3] :], t[0], t[1], t[2], t[3])
    i = 4
    while i + 2 <= r:
        a, b, c = v[at[r - i] :], v[at[r - i - 1] :], v[at[r - i - 2] :]
        _add_three(out, a, v[at[r + i] :], b, v[at[r + i + 1] :], c, v[at[r + i + 2] :], t[i], t[i + 1], t[i + 2])
        i += 3
    if i < r:
        a, b = v[at[r - i] :], v[at[r - i - 1] :]
        _add_two(out, a, v[at[r + i] :], b, v[at[r + i + 1] :], t[i], t[i + 1])


@njit(cache=True, nogil=True)
def _blur_row(source, y, taps, step, at, padded, out):  # type: ignore[no-untyped-def]
    """Blur row y of float32 (h, w) down the columns, then along it while it is in the cache.

    The samples of the kernel lie `step` pixels apart. at : int64, padded : float32 (w + 2 * `_WIDEST`,), for results in
    between.
    """
    height, width = source.shape
    reach = len(taps) - 1
    margin = reach * step
    inside = margin <= y < height - margin  # without the division in `_reflect`
    for i in range(2 * reach + 1):
        row = y + (i - reach) * step
        at[i] = (row if inside else _reflect(row, height)) * width
    line = padded[margin : margin + width]
    _blur_line(source.reshape(height * width), at, reach, taps, line)
    for i in range(1, margin + 1):
        beyond = i if i < width else _reflect(i, width)
        padded[margin - i] = line[beyond]
        padded[margin + width - 1 + i] = line[width - 1 - beyond]
    for i in range(2 * reach + 1):
        at[i] = i * step
    _blur_line(padded, at, reach, taps, out)


@njit(cache=True, nogil=True)
def subtract(a, b, out):  # type: ignore[no-untyped-def]
    """Write the difference of two lines."""
    for x in range(len(out)):
        out[x] = a[x] - b[x]


@njit(cache=True, nogil=True)
def _middle(a, b, c, d):  # type: ignore[no-untyped-def]
    """Return the value midway between b and c of the cubic through four; unlike their mean it does not blur."""
    return np.float32(0.5625) * (b + c) - np.float32(0.0625) * (a + d)


@njit(cache=True, nogil=True)
def _middle_line(a, b, c, d, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = _middle(a[x], b[x], c[x], d[x])


@njit(cache=True, nogil=True)
def _halve(source, out):  # type: ignore[no-untyped-def]
    """Take every second pixel, or the middle of two if their number is even, so that mirroring changes nothing."""
    height, width = source.shape
    line = np.empty(width, np.float32)
    for y in range(len(out)):
        above, row = source[2 * y], out[y]
        if height % 2:
            copy(above, line)
        else:
            _middle_line(source[max(2 * y - 1, 0)], above, source[2 * y + 1], source[min(2 * y + 2, height - 1)], line)
        for x in range(len(row)):
            if width % 2:
                row[x] = line[2 * x]
            else:
                end = min(2 * x + 2, width - 1)
                row[x] = _middle(line[max(2 * x - 1, 0)], line[2 * x], line[2 * x + 1], line[end])


@njit(cache=True, nogil=True)
def _double(grey, out):  # type: ignore[no-untyped-def]
    """Double by linear interpolation, (h, w) to (2h - 1, 2w - 1): even pixels are those of the picture."""
    height, width = grey.shape
    for y in range(height):
        row = out[2 * y]
        for x in range(width - 1):
            row[2 * x] = grey[y, x]
            row[2 * x + 1] = _HALF * (np.float32(grey[y, x]) + np.float32(grey[y, x + 1]))
        row[2 * width - 2] = grey[y, width - 1]
    for y in range(1, 2 * height - 1, 2):
        row, a, b = out[y], out[y - 1], out[y + 1]
        for x in range(len(row)):
            row[x] = _HALF * (a[x] + b[x])


@njit(cache=True, nogil=True)
def octave(levels, layout, o):  # type: ignore[no-untyped-def]
    """Return the Gaussian levels of an octave, (levels, h, w)."""
    begin, height, width = layout[o, 0], layout[o, 1], layout[o, 2]
    return levels[begin : begin + LEVELS * height * width].reshape((LEVELS, height, width))


@njit(cache=True, nogil=True)
def _base(grey, height, width):  # type: ignore[no-untyped-def]
    """Return grey as float32 (height, width), doubled if it is smaller."""
    base = np.empty((height, width), np.float32)
    if len(grey) == height:
        for y in range(height):
            copy(grey[y], base[y])
    else:
        _double(grey, base)
    return base


@njit(cache=True, nogil=True)
def find(grey, levels, layout, blurs, least, edge):  # type: ignore[no-untyped-def]
    """Fill the pyramid and return its extrema, octave by octave, in each from top to bottom.

    grey : uint8 (h, w) of the first octave's size, or of half of it, which is then doubled; blurs : from `BLURS`;
    least : float32, least contrast * 255.
    Returned are `pixels` and `exact` of `Extrema`.
    """
    n, places, exact = np.int64(0), np.empty((1024, 4), np.int64), np.empty((1024, 4), np.float32)
    differences = np.empty((3, 3, 3), np.float64)
    for o in range(len(layout)):
        gauss = octave(levels, layout, o)
        height, width = gauss.shape[1], gauss.shape[2]
        if o == 0:
            base = _base(grey, height, width)
        else:
            base = gauss[0]
            _halve(octave(levels, layout, o - 1)[LAYERS], base)
        candidates = fill(gauss, base, blurs, min(o, 1), _HALF * least)
        seen = np.zeros((height, width), np.uint8)
        for k in range(len(candidates)):
            i, y, x = candidates[k, 0], candidates[k, 1], candidates[k, 2]
            if n == len(places):
                places, exact = longer_table(places, 2 * n), longer_table(exact, 2 * n)
            if _refine(gauss, i, y, x, least, edge, seen, differences, places[n], exact[n]):
                places[n, 0] = o
                n += 1
    return places[:n], exact[:n]


@njit(cache=True, nogil=True)
def fill(gauss, base, blurs, first, least):  # type: ignore[no-untyped-def]
    """Blur the levels of an octave from `first` on, and return where their differences are extreme: int64 (n, 3).

    A few rows at a time, so that the rows that others are made from are still in the cache: each level lags behind the
    one before by the reach of its kernel. base is what `first` is made from if it is level 0. Returned are level, row
    and column, from top to bottom.
    """
    height, width = gauss.shape[1], gauss.shape[2]
    lag = np.zeros(LEVELS, np.int64)
    for i in range(first + 1, LEVELS):
        lag[i] = lag[i - 1] + (len(blurs[i]) - 1) * _STEPS[i]
    padded, at = np.empty(width + 2 * _WIDEST, np.float32), np.empty(2 * _WIDEST + 1, np.int64)
    rows = np.empty((LAYERS + 2, 3, width), np.float32)  # three of each difference
    marks = np.zeros((width - 2 * BORDER + 7) // 8 * 8, np.uint8)
    n, found = np.int64(0), np.empty((1024, 3), np.int64)  # a constant 0 would be a type of its own
    for top in range(0, height + lag[LEVELS - 1], _ROWS):
        for i in range(first, LEVELS):
            for y in range(max(top - lag[i], 0), min(top - lag[i] + _ROWS, height)):
                _blur_row(base if i == 0 else gauss[i - 1], y, blurs[i], _STEPS[i], at, padded, gauss[i, y])
        begin = top - lag[LEVELS - 1]
        for y in range(max(begin, BORDER - 1), min(begin + _ROWS, height - BORDER + 1)):
            for i in range(LAYERS + 2):
                subtract(gauss[i + 1, y], gauss[i, y], rows[i, y % 3])
            if y > BORDER:
                n, found = _find_in_row(rows, y - 1, least, marks, n, found)
    return found[:n]


@njit(cache=True, nogil=True)
def _mark(middle, left, right, above, below, finer, coarser, least, bit, marks):  # type: ignore[no-untyped-def]
    """Set a bit where the contrast suffices and none of the 6 adjacent values is larger, or none is smaller."""
    for x in range(len(marks)):
        d = middle[x]
        high = left[x] if left[x] > right[x] else right[x]
        high = above[x] if above[x] > high else high
        high = below[x] if below[x] > high else high
        high = finer[x] if finer[x] > high else high
        high = coarser[x] if coarser[x] > high else high
        low = left[x] if left[x] < right[x] else right[x]
        low = above[x] if above[x] < low else low
        low = below[x] if below[x] < low else low
        low = finer[x] if finer[x] < low else low
        low = coarser[x] if coarser[x] < low else low
        marks[x] |= np.uint8(((d > least) & (d >= high)) | ((d < -least) & (d <= low))) * bit


@njit(cache=True, nogil=True)
def _extreme(rows, i, here, x):  # type: ignore[no-untyped-def]
    """Return whether none of the 26 values around is larger, or none is smaller; the row is at `here` in rows."""
    d = rows[i, here, x]
    sign = _ONE if d > 0 else -_ONE
    for a in range(i - 1, i + 2):
        for b in range(3):
            for c in range(x - 1, x + 2):
                if sign * rows[a, b, c] > sign * d:
                    return False
    return True


@njit(cache=True, nogil=True)
def _find_in_row(rows, y, least, marks, n, found):  # type: ignore[no-untyped-def]
    """Add level, row and column of the extrema of row y; return the new n and found, which may have grown.

    rows : float32 (differences, 3, w), rows y - 1 to y + 1, each at its number % 3; marks : uint8, for the work.
    """
    inner = rows.shape[2] - 2 * BORDER
    before, here, after = (y - 1) % 3, y % 3, (y + 1) % 3
    marks[:] = 0
    for i in range(1, LAYERS + 1):
        line = rows[i, here]
        _mark(
            line[BORDER:],
            line[BORDER - 1 :],
            line[BORDER + 1 :],
            rows[i, before, BORDER:],
            rows[i, after, BORDER:],
            rows[i - 1, here, BORDER:],
            rows[i + 1, here, BORDER:],
            least,
            np.uint8(1 << i),
            marks[:inner],
        )
    words = marks.view(np.uint64)
    for word in range(len(words)):
        left = words[word]
        while left != _NONE:
            bit = np.int64(popcount((left & (~left + _BIT)) - _BIT))  # the lowest that is set
            left &= left - _BIT
            level, x = bit % 8, 8 * word + bit // 8 + BORDER
            if _extreme(rows, level, here, x):
                if n == len(found):
                    found = longer_table(found, 2 * n)
                found[n, 0], found[n, 1], found[n, 2] = level, y, x
                n += 1
    return n, found


@njit(cache=True, nogil=True)
def _refine(gauss, i, y, x, least, edge, seen, d, place, exact):  # type: ignore[no-untyped-def]
    """Fit a parabola to the 27 differences; return whether it is a new extremum, with contrast, off any edge.

    d : float64 (3, 3, 3), for results in between.
    """
    height, width = gauss.shape[1], gauss.shape[2]
    for step in range(_MOVES):
        for a in range(3):
            for b in range(3):
                for c in range(3):
                    at = gauss[i + a, y + b - 1, x + c - 1] - gauss[i + a - 1, y + b - 1, x + c - 1]
                    d[a, b, c] = at
        middle = d[1, 1, 1]
        gx, gy, gs = (d[1, 1, 2] - d[1, 1, 0]) / 2, (d[1, 2, 1] - d[1, 0, 1]) / 2, (d[2, 1, 1] - d[0, 1, 1]) / 2
        xx = d[1, 1, 2] + d[1, 1, 0] - 2 * middle
        yy = d[1, 2, 1] + d[1, 0, 1] - 2 * middle
        ss = d[2, 1, 1] + d[0, 1, 1] - 2 * middle
        xy = (d[1, 2, 2] - d[1, 2, 0] - d[1, 0, 2] + d[1, 0, 0]) / 4
        xs = (d[2, 1, 2] - d[2, 1, 0] - d[0, 1, 2] + d[0, 1, 0]) / 4
        ys = (d[2, 2, 1] - d[2, 0, 1] - d[0, 2, 1] + d[0, 0, 1]) / 4
        # Cramer's rule by cofactors of the symmetric matrix.
        cxx, cyy, css = yy * ss - ys * ys, xx * ss - xs * xs, xx * yy - xy * xy
        cxy, cxs, cys = xs * ys - xy * ss, xy * ys - yy * xs, xy * xs - xx * ys
        det = xx * cxx + xy * cxy + xs * cxs
        if abs(det) < 1e-20:
            return False
        dx = -(cxx * gx + cxy * gy + cxs * gs) / det
        dy = -(cxy * gx + cyy * gy + cys * gs) / det
        ds = -(cxs * gx + cys * gy + css * gs) / det
        if max(abs(dx), abs(dy), abs(ds)) <= 0.5:
            break
        if step == _MOVES - 1 or max(abs(dx), abs(dy), abs(ds)) > 1e6:
            return False
        x, y, i = x + round(dx), y + round(dy), i + round(ds)
        if not (1 <= i <= LAYERS and BORDER <= y < height - BORDER and BORDER <= x < width - BORDER):
            return False
    contrast = abs(middle + (gx * dx + gy * dy + gs * ds) / 2)
    trace = xx + yy
    if contrast < least or css <= 0 or trace * trace * edge >= (edge + 1) ** 2 * css or seen[y, x] >> i & 1:
        return False
    seen[y, x] |= 1 << i
    place[1], place[2], place[3] = i, y, x
    exact[0], exact[1], exact[2] = x + dx, y + dy, BASE_SIGMA * 2 ** ((i + ds) / LAYERS)
    exact[3] = contrast
    return True
