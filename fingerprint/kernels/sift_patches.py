"""Kernels of SIFT from the extrema on: their orientations and their descriptors."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sift_pyramid import octave, subtract
from fingerprint.types import F32

_BINS = 36
_WIDEST = 17  # radius of the window for directions: 4.5 times the largest sigma, 1.6 * 2 ** (3.5 / 3)
MOST_PEAKS = 8  # directions that one extremum may have
_CELL = 4  # samples of the descriptor's grid along a cell of 3 sigma
_GRID = 5 * _CELL  # the outer half cells reach into the outermost of the 4 cells
_HALF_PI = np.float32(np.pi / 2)
_PI = np.float32(np.pi)
_TINY = np.float32(1e-30)
_ZERO = np.float32(0)
_HALF = np.float32(0.5)
_ATAN = tuple(np.float32(c) for c in (0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351))
_TURN_TO_BINS = np.float32(_BINS / (2 * np.pi))
_TURN_TO_EIGHTHS = np.float32(8 / (2 * np.pi))


def _grid() -> tuple[F32, F32, F32, F32]:
    """Return x and y of the descriptor's samples, their window, and the share of each column in each column of cells.

    There is one more sample on each side, for the differences; those on the left and right have weight 0.
    """
    unit = np.arange(_GRID + 2) - (_GRID + 1) / 2
    y, x = np.meshgrid(unit, unit, indexing="ij")
    window = np.exp(-(x**2 + y**2) / (8 * _CELL**2)) * (np.abs(x) < _GRID / 2)
    shares = np.maximum(0, 1 - np.abs(unit / _CELL - (np.arange(4)[:, None] - 1.5)))
    return (
        x.ravel().astype(np.float32),
        y.ravel().astype(np.float32),
        window[1:-1].ravel().astype(np.float32),
        shares.astype(np.float32),
    )


_GRID_X, _GRID_Y, _WINDOW, _SHARES = _grid()


@njit(cache=True, nogil=True, error_model="numpy")
def _polar(dx, dy, weight, length, turn):  # type: ignore[no-untyped-def]
    """Write weighted lengths, and directions in [0, 2 pi) to 1e-5; without branches, so that it is vectorised."""
    for k in range(len(length)):
        x, y = dx[k], dy[k]
        a, b = abs(x), abs(y)
        small = b if b < a else a
        large = a if b < a else b
        t = small / (large + _TINY)
        s = t * t
        angle = t * (_ATAN[0] + s * (_ATAN[1] + s * (_ATAN[2] + s * (_ATAN[3] + s * _ATAN[4]))))
        angle = _HALF_PI - angle if b > a else angle
        angle = _PI - angle if x < 0 else angle
        turn[k] = _PI + _PI - angle if y < 0 else angle
        length[k] = weight[k] * np.sqrt(x * x + y * y)


@njit(cache=True, nogil=True, error_model="numpy")
def find_orientations(levels, layout, places, exact, angles, counts):  # type: ignore[no-untyped-def]
    """Write up to `MOST_PEAKS` angles in degrees of each extremum, and how many there are."""
    histograms, smooth = np.empty((2, _BINS), np.float32), np.empty(_BINS + 2, np.float32)
    around = np.empty(_BINS + 4, np.float32)  # with two bins repeated at both ends
    weight = np.empty(2 * _WIDEST + 1, np.float32)
    n = len(weight) * len(weight)
    dx, dy, window = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    length, turn = np.empty(n, np.float32), np.empty(n, np.float32)
    for k in range(len(places)):
        o, i, y, x = places[k, 0], places[k, 1], places[k, 2], places[k, 3]
        gauss = octave(levels, layout, o)[i]
        height, width = gauss.shape
        sigma = 1.5 * exact[k, 2]
        radius = min(round(3 * sigma), _WIDEST)
        for b in range(radius + 1):
            weight[radius + b] = weight[radius - b] = np.exp(-b * b / (2 * sigma * sigma))
        first, last = max(x - radius, 1), min(x + radius, width - 2) + 1
        n = 0
        for row in range(max(y - radius, 1), min(y + radius, height - 2) + 1):
            end = n + last - first
            subtract(gauss[row][first + 1 :], gauss[row][first - 1 :], dx[n:end])
            subtract(gauss[row + 1][first:], gauss[row - 1][first:], dy[n:end])
            down, across, line = weight[row - y + radius], weight[first - x + radius :], window[n:end]
            for c in range(len(line)):
                line[c] = down * across[c]
            n = end
        _polar(dx[:n], dy[:n], window, length[:n], turn)
        histograms[:] = 0
        for c in range(n):
            nearest = np.uint32(turn[c] * _TURN_TO_BINS + _HALF)
            # Two histograms in turn: neighbours often point the same way, and would wait for each other.
            histograms[c & 1, nearest if nearest < _BINS else 0] += length[c]
        for b in range(_BINS):
            around[b + 2] = histograms[0, b] + histograms[1, b]
        for b in range(2):
            around[b], around[_BINS + 2 + b] = around[_BINS + b], around[2 + b]
        for b in range(_BINS):
            near, far = around[b + 1] + around[b + 3], around[b] + around[b + 4]
            smooth[b + 1] = np.float32(0.375) * around[b + 2] + np.float32(0.25) * near + np.float32(0.0625) * far
        smooth[0], smooth[_BINS + 1] = smooth[_BINS], smooth[1]
        least = _ZERO
        for b in range(_BINS):
            least = max(least, np.float32(0.8) * smooth[b + 1])
        for b in range(_BINS):
            left, here, right = smooth[b], smooth[b + 1], smooth[b + 2]
            if here >= least and here > left and here > right and counts[k] < MOST_PEAKS:
                peak = b + 0.5 * (left - right) / (left - 2 * here + right)
                angle = np.float32((peak % _BINS) * (360 / _BINS))
                angles[k, counts[k]] = angle if angle < 360 else _ZERO
                counts[k] += 1


@njit(cache=True, nogil=True)
def _turn_grid(x, y, along_x, along_y, to_x, to_y):  # type: ignore[no-untyped-def]
    """Write where the samples of the descriptor's grid lie around (x, y)."""
    for k in range(len(_GRID_X)):
        to_x[k] = x + (_GRID_X[k] * along_x - _GRID_Y[k] * along_y)
        to_y[k] = y + (_GRID_X[k] * along_y + _GRID_Y[k] * along_x)


@njit(cache=True, nogil=True)
def _split(places, end, whole):  # type: ignore[no-untyped-def]
    """Clamp positions to [0, end] and split them into the pixel before, which is never the last, and a fraction."""
    last = np.int32(end - 1)
    for k in range(len(places)):
        place = max(min(places[k], end), _ZERO)
        i = np.int32(place)
        whole[k] = i if i < last else last
        places[k] = place - np.float32(whole[k])


@njit(cache=True, nogil=True)
def _look_up(flat, width, ix, iy, fx, fy, out):  # type: ignore[no-untyped-def]
    """Interpolate linearly in a flat picture."""
    for k in range(len(out)):
        i = np.uint32(iy[k] * width + ix[k])
        j = np.uint32(i + width)
        above = flat[i] + fx[k] * (flat[i + np.uint32(1)] - flat[i])
        below = flat[j] + fx[k] * (flat[j + np.uint32(1)] - flat[j])
        out[k] = above + fy[k] * (below - above)


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(length, turn, out):  # type: ignore[no-untyped-def]
    """Share each sample among the two nearest of 8 directions; out is float32 (8 * samples,)."""
    out[:] = 0
    one, seven = np.uint32(1), np.uint32(7)
    for j in range(len(length)):
        place = turn[j] * _TURN_TO_EIGHTHS
        direction = np.uint32(place)
        part = (place - np.float32(direction)) * length[j]
        first = np.uint32(8 * j)
        out[first + (direction & seven)] = length[j] - part
        out[first + ((direction + one) & seven)] = part


@njit(cache=True, nogil=True)
def _pool(spread, rows, cells):  # type: ignore[no-untyped-def]
    """Share a grid's samples among 4 rows of cells, float32 (4, 8 * columns), and those among 4 by 4 cells."""
    rows[:] = 0
    for r in range(len(spread)):
        for cell in range(4):
            share = _SHARES[cell, r + 1]
            if share > 0:
                _add_scaled(rows[cell], spread[r], share)
    cells[:] = 0
    for r in range(4):
        line = rows[r]
        for c in range(_GRID + 2):
            for cell in range(4):
                share = _SHARES[cell, c]
                if share > 0:
                    for b in range(8):
                        cells[r, cell, b] += share * line[8 * c + b]


@njit(cache=True, nogil=True)
def _sum_of_eight(values):  # type: ignore[no-untyped-def]
    total = _ZERO
    for b in range(8):
        total += values[b]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _finish(bins, scale, out):  # type: ignore[no-untyped-def]
    """Limit each of 128 bins to 0.2 of their norm and write the square roots of their shares, uint8."""
    # Eight sums, or each addition would wait for the one before.
    sums = np.zeros(8, np.float32)
    for j in range(16):
        for b in range(8):
            sums[b] += bins[8 * j + b] * bins[8 * j + b]
    limit = np.float32(0.2) * np.sqrt(_sum_of_eight(sums))
    for b in range(8):
        sums[b] = 0
    for j in range(16):
        for b in range(8):
            bins[8 * j + b] = min(bins[8 * j + b], limit)
            sums[b] += bins[8 * j + b]
    share = scale * scale / (_sum_of_eight(sums) + _TINY)
    for j in range(128):
        out[j] = np.uint8(min(np.sqrt(bins[j] * share) + _HALF, np.float32(255)))


@njit(cache=True, nogil=True)
def _blank(x, y, right, bottom, window):  # type: ignore[no-untyped-def]
    """Give samples outside the picture weight 0; the window begins at the grid's second row."""
    for j in range(len(window)):
        px, py = x[j + _GRID + 2], y[j + _GRID + 2]
        if px < 0 or py < 0 or px > right or py > bottom:
            window[j] = 0


@njit(cache=True, nogil=True)
def describe_patches(levels, layout, places, exact, angles, scale, out):  # type: ignore[no-untyped-def]
    """Write the RootSIFT of each keypoint; exact has x, y and sigma in its octave, out is uint8 (n, 128)."""
    side = _GRID + 2
    n, n_samples = _GRID * side, side * side
    fx, fy, patch = np.empty(n_samples, np.float32), np.empty(n_samples, np.float32), np.empty(n_samples, np.float32)
    ix, iy = np.empty(n_samples, np.int32), np.empty(n_samples, np.int32)
    dx, dy, window = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    length, turn, spread = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(8 * n, np.float32)
    rows, cells = np.empty((4, 8 * side), np.float32), np.empty((4, 4, 8), np.float32)
    for k in range(len(places)):
        image = octave(levels, layout, places[k, 0])[places[k, 1]]
        height, width = image.shape
        right, bottom = np.float32(width - 1), np.float32(height - 1)
        x, y, step = exact[k, 0], exact[k, 1], np.float32(3 * exact[k, 2] / _CELL)
        radians = np.float32(np.deg2rad(angles[k]))
        _turn_grid(x, y, step * np.cos(radians), step * np.sin(radians), fx, fy)
        for j in range(n):
            window[j] = _WINDOW[j]
        reach = step * np.float32(side)
        if min(x, y) < reach or x + reach > right or y + reach > bottom:
            _blank(fx, fy, right, bottom, window)
        _split(fx, right, ix)
        _split(fy, bottom, iy)
        _look_up(image.reshape(height * width), np.int32(width), ix, iy, fx, fy, patch)
        subtract(patch[side + 1 :], patch[side - 1 :], dx)
        subtract(patch, patch[2 * side :], dy)
        _polar(dx, dy, window, length, turn)
        _spread(length, turn, spread)
        _pool(spread.reshape((_GRID, 8 * side)), rows, cells)
        _finish(cells.reshape(128), scale, out[k])


@njit(cache=True, nogil=True)
def _add_scaled(total, a, k):  # type: ignore[no-untyped-def]
    for x in range(len(total)):
        total[x] += k * a[x]
