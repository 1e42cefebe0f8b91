"""Straight boundaries in a grey picture, and the rectangles that they form."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import BOUNDARY_BINS

_NEAR, _FAR = 3, 6  # lines beside a boundary that it is compared with; nearer ones share its blur
_OVERLAP = 0.75  # rectangles that overlap more are one
_SAME_SIDE = -0.3  # a rectangle whose left side has less mean evidence is skipped


@njit(cache=True, nogil=True)
def boundary_bins(grey, out):  # type: ignore[no-untyped-def]
    """Write the bin of each position between two rows as part of a straight boundary: step times 8 plus ratio.

    grey : uint8 (h, w); out : uint8 (h + 1, w), row y is the boundary between the rows y - 1 and y; the first and the
    last are the picture's border and get 0. Steps are averages over three pixels along the boundary, in grey values,
    binned at 1, 2, 4 ... 64; the ratio is the step divided by the mean step 3 to 6 rows away plus 1, binned at 0.5, 1,
    1.5, 2, 3, 5 and 8.
    """
    h, w = grey.shape
    steps = np.zeros((h + 1, w), np.int32)  # three times the step
    for y in range(1, h):
        for x in range(w):
            left, right = max(x - 1, 0), min(x + 1, w - 1)
            below = np.int32(grey[y, left]) + np.int32(grey[y, x]) + np.int32(grey[y, right])
            above = np.int32(grey[y - 1, left]) + np.int32(grey[y - 1, x]) + np.int32(grey[y - 1, right])
            steps[y, x] = abs(below - above)
    sums = np.zeros((h + 2, w), np.int32)
    for y in range(h + 1):
        for x in range(w):
            sums[y + 1, x] = sums[y, x] + steps[y, x]
    half_ratios = np.array([1, 2, 3, 4, 6, 10, 16], np.int32)
    out[:] = 0
    for y in range(1, h):
        top, end = max(1, y - _FAR), max(1, y - _NEAR + 1)
        bottom, last = min(h, y + _NEAR), min(h, y + _FAR + 1)
        n = max(1, (end - top) + (last - bottom))
        here, from_top, to_top, from_bottom, to_bottom = steps[y], sums[top], sums[end], sums[bottom], sums[last]
        row, margin, twice = out[y], np.int32(3 * n), np.int32(2 * n)
        for x in range(w):  # bins are counted by comparisons that do not depend on each other: many pixels at a time
            step = here[x]
            beside = to_top[x] - from_top[x] + to_bottom[x] - from_bottom[x] + margin
            size = np.int32(0)
            ratio = np.int32(0)
            for k in range(BOUNDARY_BINS - 1):
                size += np.int32(step >= 3 << k)
                ratio += np.int32(twice * step >= half_ratios[k] * beside)
            row[x] = np.uint8(BOUNDARY_BINS * size + ratio)


@njit(cache=True, nogil=True)
def best_segments(evidence, out):  # type: ignore[no-untyped-def]
    """Write the largest sum of neighbouring entries of each row, at least 0.

    evidence : float32 (n, length); out : float32 (n,).
    """
    for y in range(evidence.shape[0]):
        best = np.float32(0)
        current = np.float32(0)
        for x in range(evidence.shape[1]):
            current = max(current + evidence[y, x], np.float32(0))
            best = max(best, current)
        out[y] = best


@njit(cache=True, nogil=True)
def best_rectangles(along_x, along_y, rows, columns, least_height, least_width, out):  # type: ignore[no-untyped-def]
    """Write the rectangles with most evidence along their sides, most first, and return how many there are.

    along_x : float32 (h + 1, w + 1), running sums from the left of the evidence of horizontal boundaries; along_y :
    float32 (w + 1, h + 1), the same of vertical ones from the top; rows, columns : int64, ascending, the boundaries to
    choose from; out : float32 (n, 5): evidence, left, top, right, bottom. A side on the picture's border has no
    evidence.
    """
    h, w = along_x.shape[0] - 1, along_y.shape[0] - 1
    n = out.shape[0]
    found = np.int64(0)  # a constant would be a type of its own, for which `_keep` is compiled too
    for a in range(len(rows)):
        for b in range(a + 1, len(rows)):
            y0, y1 = rows[a], rows[b]
            if y1 - y0 < least_height:
                continue
            for c in range(len(columns)):
                x0 = columns[c]
                left = along_y[x0, y1] - along_y[x0, y0] if x0 > 0 else np.float32(0)
                if left < _SAME_SIDE * (y1 - y0):
                    continue
                for d in range(c + 1, len(columns)):
                    x1 = columns[d]
                    if x1 - x0 < least_width or (y0 == 0 and y1 == h and x0 == 0 and x1 == w):
                        continue
                    total = left
                    if x1 < w:
                        total += along_y[x1, y1] - along_y[x1, y0]
                    if y0 > 0:
                        total += along_x[y0, x1] - along_x[y0, x0]
                    if y1 < h:
                        total += along_x[y1, x1] - along_x[y1, x0]
                    if total > 0 and (found < n or total > out[n - 1, 0]):
                        found = _keep(out, found, total, x0, y0, x1, y1)
    return found


@njit(cache=True, nogil=True)
def _keep(out, found, total, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """Insert a rectangle by its evidence and drop those nearly the same, unless one of these has more evidence.

    Returns how many rectangles there are.
    """
    n = out.shape[0]
    same = np.zeros(n, np.bool_)
    for k in range(found):
        wide = min(x1, out[k, 3]) - max(x0, out[k, 1])
        high = min(y1, out[k, 4]) - max(y0, out[k, 2])
        if wide > 0 and high > 0:
            union = (x1 - x0) * (y1 - y0) + (out[k, 3] - out[k, 1]) * (out[k, 4] - out[k, 2])
            same[k] = wide * high > _OVERLAP * (union - wide * high)
            if same[k] and total <= out[k, 0]:
                return found
    left = np.int64(0)
    for k in range(found):
        if not same[k]:
            _copy_row(out, k, left)
            left += 1
    place = min(left, n - 1)
    found = min(left + 1, n)
    while place > 0 and out[place - 1, 0] < total:
        _copy_row(out, place - 1, place)
        place -= 1
    out[place, 0], out[place, 1], out[place, 2], out[place, 3], out[place, 4] = total, x0, y0, x1, y1
    return found


@njit(cache=True, nogil=True)
def _copy_row(table, row, to):  # type: ignore[no-untyped-def]
    """Write one row of a table over another; assigning whole rows takes seconds to compile."""
    for i in range(table.shape[1]):
        table[to, i] = table[row, i]


@njit(cache=True, nogil=True)
def _least_most_mean(values, n):  # type: ignore[no-untyped-def]
    """Return the least, the most and the mean of the first `n` values; -1 if there are none."""
    if n == 0:
        return -1.0, -1.0, -1.0
    least, most, total = values[0], values[0], 0.0
    for k in range(n):
        least, most = min(least, values[k]), max(most, values[k])
        total += values[k]
    return least, most, total / n


@njit(cache=True, nogil=True)
def _share_above(values, n, limit):  # type: ignore[no-untyped-def]
    """Return the share of the first `n` values, at least one, that exceed a limit."""
    above = 0
    for k in range(n):
        above += values[k] > limit
    return above / n


@njit(cache=True, nogil=True)
def _mean_evidence(sums, line, start, stop):  # type: ignore[no-untyped-def]
    """Return the mean evidence of a part of a line, or of a line beside it if larger; -1 if the part is too short."""
    start, stop = max(start, 0), min(stop, sums.shape[1] - 1)
    if stop - start < 2:
        return -1.0
    best = -np.inf
    for y in range(max(0, line - 1), min(sums.shape[0], line + 2)):
        best = max(best, (sums[y, stop] - sums[y, start]) / (stop - start))
    return best


@njit(cache=True, nogil=True)
def _area(sums, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    return sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]


@njit(cache=True, nogil=True)
def measure_rectangles(grey, along_x, along_y, rectangles, out):  # type: ignore[no-untyped-def]
    """Write the measures that distinguish insets from other rectangles.

    grey : uint8 (h, w); along_x, along_y, rectangles : as in `best_rectangles`; out : float64 (n, RECTANGLE_MEASURES):

    0-5 evidence: logarithm, relative to the best rectangle's, per pixel; of the worst and the best side, and the mean.
    6-10 how many sides lie on the picture's border (0, 1, 2, 3), and whether those are opposite ones.
    11-13 part of the area, its logarithm, logarithm of the ratio of the sides.
    14-17 mean gradient inside and outside, part of flat pixels inside and outside.
    18-21 strips along the outside of the sides: mean, most and least flat, mean gradient.
    22-23 distance of the centre from the picture's.
    24-27 whether it is the best one, rank, length of the boundary, logarithm of the size in pixels.
    28-29 weakest third of a side, part of the thirds that have evidence.
    30-31 evidence where sides are prolonged beyond the corners, most and mean: lines of a scene go on, those of an
    inset end.
    """
    h, w = grey.shape
    texture = np.zeros((h + 1, w + 1), np.int64)
    flat = np.zeros((h + 1, w + 1), np.int64)
    for y in range(h):
        texture_row, flat_row = np.int64(0), np.int64(0)
        for x in range(w):
            value = np.int64(grey[y, x])
            gradient = abs(value - grey[y, min(x + 1, w - 1)]) + abs(value - grey[min(y + 1, h - 1), x])
            texture_row += min(gradient, 60)
            flat_row += gradient < 2
            texture[y + 1, x + 1] = texture[y, x + 1] + texture_row
            flat[y + 1, x + 1] = flat[y, x + 1] + flat_row
    out[:] = 0
    sides = np.empty(4, np.float64)
    thirds = np.empty(12, np.float64)
    beyond = np.empty(8, np.float64)
    strip = max(4, min(h, w) // 20)
    for k in range(len(rectangles)):
        x0, y0, x1, y1 = (
            int(rectangles[k, 1]),
            int(rectangles[k, 2]),
            int(rectangles[k, 3]),
            int(rectangles[k, 4]),
        )
        width, height = x1 - x0, y1 - y0
        inside = float(width * height)
        outside = float(h * w) - inside
        reach = max(6, min(width, height) // 6)
        n_sides = n_thirds = n_beyond = boundary = np.int64(0)
        n_strips, strip_flat, strip_texture, most_flat, least_flat = 0, 0.0, 0.0, 0.0, 1.0
        for side in range(4):
            vertical = side < 2
            sums = along_y if vertical else along_x
            line = (x0, x1, y0, y1)[side]
            start, stop = (y0, y1) if vertical else (x0, x1)
            length = h if vertical else w
            if line == 0 or line == (w if vertical else h):
                continue
            sides[n_sides] = (sums[line, stop] - sums[line, start]) / (stop - start)
            n_sides += 1
            boundary += stop - start
            for third in range(3):
                a, b = start + third * (stop - start) // 3, start + (third + 1) * (stop - start) // 3
                thirds[n_thirds] = _mean_evidence(sums, line, a, b)
                n_thirds += 1
            if start >= 6:
                beyond[n_beyond] = _mean_evidence(sums, line, start - 1 - reach, start - 1)
                n_beyond += 1
            if stop <= length - 6:
                beyond[n_beyond] = _mean_evidence(sums, line, stop + 1, stop + 1 + reach)
                n_beyond += 1
            u0, v0, u1, v1 = x0, y0, x1, y1
            if side == 0:
                u0, u1 = max(0, x0 - strip), x0
            elif side == 1:
                u0, u1 = x1, min(w, x1 + strip)
            elif side == 2:
                v0, v1 = max(0, y0 - strip), y0
            else:
                v0, v1 = y1, min(h, y1 + strip)
            size = float((u1 - u0) * (v1 - v0))
            flatness = _area(flat, u0, v0, u1, v1) / size
            strip_flat += flatness
            strip_texture += _area(texture, u0, v0, u1, v1) / size
            most_flat, least_flat = max(most_flat, flatness), min(least_flat, flatness)
            n_strips += 1
        row = out[k]
        row[0] = np.log(rectangles[k, 0])
        row[1] = rectangles[k, 0] / rectangles[0, 0]
        row[2] = rectangles[k, 0] / boundary
        row[3], row[4], row[5] = _least_most_mean(sides, n_sides)
        row[6 + 4 - n_sides] = 1.0
        row[10] = (x0 == 0) == (x1 == w) and (y0 == 0) == (y1 == h)
        row[11] = inside / (h * w)
        row[12] = np.log(row[11])
        row[13] = abs(np.log(width / height))
        row[14] = _area(texture, x0, y0, x1, y1) / inside
        row[15] = (texture[h, w] - _area(texture, x0, y0, x1, y1)) / max(outside, 1.0)
        row[16] = _area(flat, x0, y0, x1, y1) / inside
        row[17] = (flat[h, w] - _area(flat, x0, y0, x1, y1)) / max(outside, 1.0)
        row[18] = strip_flat / n_strips
        row[19] = most_flat
        row[20] = least_flat
        row[21] = strip_texture / n_strips
        row[22] = abs((x0 + x1) / 2 / w - 0.5)
        row[23] = abs((y0 + y1) / 2 / h - 0.5)
        row[24] = k == 0
        row[25] = k
        row[26] = boundary / (2.0 * (h + w))
        row[27] = np.log(width + height)
        row[28], _, _ = _least_most_mean(thirds, n_thirds)
        row[29] = _share_above(thirds, n_thirds, 0.3)
        _, row[30], row[31] = _least_most_mean(beyond, n_beyond)
