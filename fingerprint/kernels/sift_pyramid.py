"""Kernels of SIFT up to the extrema: the Gaussian pyramid, its differences, and where they are extreme.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import longer
from fingerprint.kernels.compiled import njit
from fingerprint.types import F32

LAYERS = 3
BASE_SIGMA = 1.6
CAMERA_SIGMA = 0.5
LEVELS = LAYERS + 3
BORDER = 5  # pixels; extrema closer to the edge of their octave are ignored
_REACH = 3.0  # blur kernels end at so many sigma
_STEPS = 5  # most moves of an extremum to a neighbouring pixel before it is dropped
_ONE = np.float32(1)
_HALF = np.float32(0.5)


def _blur_taps(sigma: float) -> F32:
    """Return the middle and one half of a Gaussian kernel whose variance is exactly ``sigma**2``.

    Cutting a kernel off narrows it, so it is made from a slightly wider one.
    """
    reach = int(np.ceil(_REACH * sigma))
    k = np.arange(max(reach + (reach % 3 == 1), 3) + 1)  # lengths that `_blur_line` supports: 3, 5, 6, 8, 9, 11...
    low, high = sigma * 0.9, sigma * 1.2
    for _ in range(40):
        wider = (low + high) / 2
        taps = np.exp(-(k**2) / (2 * wider**2))
        taps /= taps[0] + 2 * taps[1:].sum()
        low, high = (wider, high) if 2 * (taps * k**2).sum() < sigma**2 else (low, wider)
    return taps.astype(np.float32)


_SIGMAS = BASE_SIGMA * 2 ** (np.arange(LEVELS) / LAYERS)
RISE = tuple(_blur_taps(float(s)) for s in np.sqrt(_SIGMAS[1:] ** 2 - _SIGMAS[:-1] ** 2))
#: Blur from the picture to the base: of the picture as it is, or doubled, which doubles its own blur. Doubling by
#: linear interpolation blurs a little more, which is not counted. The picture as it is gets the same additional blur,
#: so that sizes agree both ways.
_DOUBLING_VARIANCE = 0.125
FIRST = {
    0: _blur_taps((BASE_SIGMA**2 - CAMERA_SIGMA**2 + _DOUBLING_VARIANCE) ** 0.5),
    -1: _blur_taps((BASE_SIGMA**2 - 4 * CAMERA_SIGMA**2) ** 0.5),
}


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
def _blur(source, out, taps):  # type: ignore[no-untyped-def]
    """Blur float32 (h, w) down the columns, then along each row while it is in the cache."""
    height, width = source.shape
    reach = len(taps) - 1
    flat = source.reshape(height * width)
    padded = np.empty(width + 2 * reach, np.float32)
    line = padded[reach : reach + width]
    at, beside = np.empty(2 * reach + 1, np.int64), np.arange(2 * reach + 1)
    for y in range(height):
        for i in range(2 * reach + 1):
            at[i] = _reflect(y + i - reach, height) * width
        _blur_line(flat, at, reach, taps, line)
        for i in range(1, reach + 1):
            padded[reach - i] = line[_reflect(-i, width)]
            padded[reach + width - 1 + i] = line[_reflect(width - 1 + i, width)]
        _blur_line(padded, beside, reach, taps, out[y])


@njit(cache=True, nogil=True)
def copy(source, out):  # type: ignore[no-untyped-def]
    """Copy a line; assigning whole arrays takes seconds to compile."""
    for x in range(len(out)):
        out[x] = source[x]


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
    begin, height, width = layout[o]
    return levels[begin : begin + LEVELS * height * width].reshape((LEVELS, height, width))


@njit(cache=True, nogil=True)
def build(grey, levels, layout, first, rise):  # type: ignore[no-untyped-def]
    """Fill the pyramid; grey is uint8 of the first octave's size, or of half of it, which is then doubled."""
    for o in range(len(layout)):
        here = octave(levels, layout, o)
        if o == 0:
            base = np.empty(here.shape[1:], np.float32)
            if len(grey) == len(base):
                for y in range(len(base)):
                    copy(grey[y], base[y])
            else:
                _double(grey, base)
            _blur(base, here[0], first)
        else:
            _halve(octave(levels, layout, o - 1)[LAYERS], here[0])
        for i in range(1, LEVELS):
            _blur(here[i - 1], here[i], rise[i - 1])


@njit(cache=True, nogil=True)
def _column_bounds(a, b, c, high, low):  # type: ignore[no-untyped-def]
    for x in range(len(high)):
        m = a[x] if a[x] > b[x] else b[x]
        high[x] = m if m > c[x] else c[x]
        m = a[x] if a[x] < b[x] else b[x]
        low[x] = m if m < c[x] else c[x]


@njit(cache=True, nogil=True)
def _mark(middle, high, low, high1, low1, high2, low2, least, bit, marks):  # type: ignore[no-untyped-def]
    """Set a bit where the contrast suffices and none of 15 values around is larger, or none is smaller.

    The bounds are of three rows: of the same difference, beginning one pixel earlier, and of the two adjacent ones.
    """
    left, right = high[1:], high[2:]
    left_low, right_low = low[1:], low[2:]
    for x in range(len(marks)):
        d = middle[x]
        top = (d > least) & (d >= high[x]) & (d >= left[x]) & (d >= right[x]) & (d >= high1[x]) & (d >= high2[x])
        low_side = (d <= low[x]) & (d <= left_low[x]) & (d <= right_low[x]) & (d <= low1[x]) & (d <= low2[x])
        marks[x] |= np.uint8(top | ((d < -least) & low_side)) * bit


@njit(cache=True, nogil=True)
def _extreme(gauss, i, y, x):  # type: ignore[no-untyped-def]
    """Return whether an extremum among its 9 of one difference is one against the 18 of the two adjacent ones too."""
    d = gauss[i + 1, y, x] - gauss[i, y, x]
    sign = _ONE if d > 0 else -_ONE
    for a in (i + 1, i - 1):
        for b in range(y - 1, y + 2):
            for c in range(x - 1, x + 2):
                if sign * (gauss[a + 1, b, c] - gauss[a, b, c]) > sign * d:
                    return False
    return True


@njit(cache=True, nogil=True)
def _mark_row(rows, high, low, y, least, marks):  # type: ignore[no-untyped-def]
    """Write into marks, bit by level, where row y may hold extrema; rows holds three rows of each difference."""
    for i in range(LAYERS + 2):
        _column_bounds(rows[i, 0], rows[i, 1], rows[i, 2], high[i], low[i])
    marks[:] = 0
    for i in range(1, LAYERS + 1):
        middle = rows[i, y % 3][BORDER:]
        h, h1, h2 = high[i][BORDER - 1 :], high[i - 1][BORDER:], high[i + 1][BORDER:]
        m, m1, m2 = low[i][BORDER - 1 :], low[i - 1][BORDER:], low[i + 1][BORDER:]
        _mark(middle, h, m, h1, m1, h2, m2, least, np.uint8(1 << i), marks)


@njit(cache=True, nogil=True)
def find(gauss, o, least, edge, places, found, n):  # type: ignore[no-untyped-def]
    """Add the extrema of an octave from row n on; return the arrays, which may have grown, and the new n.

    places : int64 (rows, 4), as in `Extrema`; found : float32 (rows, 4), x, y and sigma in the octave, contrast * 255.
    """
    height, width = gauss.shape[1:]
    seen = np.zeros((height, width), np.uint8)
    rows = np.empty((LAYERS + 2, 3, width), np.float32)
    high, low = np.empty((LAYERS + 2, width), np.float32), np.empty((LAYERS + 2, width), np.float32)
    inner = width - 2 * BORDER
    marks = np.zeros((inner + 7) // 8 * 8, np.uint8)
    words = marks.view(np.uint64)
    for y in range(BORDER - 1, height - BORDER + 1):
        for i in range(LAYERS + 2):
            subtract(gauss[i + 1, y], gauss[i, y], rows[i, y % 3])
        if y > BORDER:
            _mark_row(rows, high, low, y - 1, _HALF * least, marks[:inner])
        for word in range(len(words)):
            if words[word] == 0:
                continue
            for k in range(8 * LAYERS):
                i, x = 1 + k % LAYERS, 8 * word + k // LAYERS
                if marks[x] >> i & 1 and _extreme(gauss, i, y - 1, x + BORDER):
                    if n == len(places):
                        places, found = longer(places, 2 * n), longer(found, 2 * n)
                    if _refine(gauss, i, y - 1, x + BORDER, least, edge, seen, places[n], found[n]):
                        places[n, 0] = o
                        n += 1
    return places, found, n


@njit(cache=True, nogil=True)
def _refine(gauss, i, y, x, least, edge, seen, place, exact):  # type: ignore[no-untyped-def]
    """Fit a parabola to the 27 differences; return whether it is a new extremum, with contrast, off any edge."""
    height, width = gauss.shape[1:]
    d = np.empty((3, 3, 3), np.float64)
    for step in range(_STEPS):
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
        if step == _STEPS - 1 or max(abs(dx), abs(dy), abs(ds)) > 1e6:
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
