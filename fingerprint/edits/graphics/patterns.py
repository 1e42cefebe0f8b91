"""Patterns: the same tiles and motifs in another arrangement."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, mixed, palette, vivid
from fingerprint.types import U8


def _arcs(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Lay tiles with two quarter circles or a slash, each turned at random."""
    w, h = extent(shared, (0.7, 1.4), (400, 900))
    n, kind, pen = int(shared.integers(6, 14)), int(shared.integers(3)), shared.uniform(0.12, 0.35)
    ground, ink, second = vivid(shared), vivid(shared), mixed(vivid(shared), WHITE, 0.6)
    if shared.random() < 0.5:
        ground, ink = mixed(ground, WHITE, 0.75), mixed(ink, BLACK, 0.4)
    step = w / n
    sheet = Sheet(w, h, ground)
    for i in range(int(h / step) + 1):
        for j in range(n):
            x, y, turned = j * step, i * step, own.random() < 0.5
            corners = ((x, y), (x + step, y + step)) if turned else ((x + step, y), (x, y + step))
            if kind == 0:
                for k, (cx, cy) in enumerate(corners):
                    start = (0 if turned else np.pi / 2) + k * np.pi
                    sheet.line(arc(cx, cy, step / 2, start, start + np.pi / 2), ink, pen * step)
            elif kind == 1:
                sheet.line(corners, ink, pen * step)
            else:
                spare = (x + step, y) if turned else (x, y)
                sheet.polygon([*corners, spare], ink)
                sheet.disc(x + step / 2, y + step / 2, 0.12 * step, second)
    return sheet.pixels


def _motifs(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Scatter the same few motifs on a ground without overlaps."""
    w, h = extent(shared, (0.7, 1.4), (400, 900))
    seeds, colours = shared.integers(0, 10**6, 4), palette(shared, 4)
    ground, size, turned_dots = (
        mixed(vivid(shared), WHITE, shared.uniform(0.3, 0.95)),
        shared.uniform(0.08, 0.16),
        shared.random() < 0.6,
    )
    sheet = Sheet(w, h, ground)
    spots: list[tuple[float, float, float]] = []
    for _ in range(260):
        r = size * w / 2 * own.uniform(0.6, 1.3)
        x, y = own.uniform(-0.02, 1.02) * w, own.uniform(-0.02, 1.02) * h
        if all(np.hypot(x - a, y - b) > r + c + 4 for a, b, c in spots):
            spots.append((x, y, r))
            k = int(own.integers(4))
            brand(sheet, x, y, 1.5 * r, int(seeds[k]), colours[k], colours[(k + 1) % 4])
    for _ in range(80 if turned_dots else 0):
        sheet.disc(own.uniform(0, w), own.uniform(0, h), 0.008 * w, colours[int(own.integers(4))])
    return sheet.pixels


def _lattice(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Lay six-sided tiles, each in one of a few colours and some with a mark."""
    w, h = extent(shared, (0.7, 1.4), (400, 900))
    colours, n, seam, marks = (
        palette(shared, 5),
        int(shared.integers(6, 13)),
        shared.uniform(0.02, 0.12),
        shared.integers(0, 10**6, 3),
    )
    pale, shares = shared.uniform(0, 0.6), shared.dirichlet(np.full(5, 1.5))
    marked = shared.uniform(0, 0.5)
    shades = [mixed(colour, WHITE, pale) for colour in colours]
    r = w / n / np.sqrt(3)
    sheet = Sheet(w, h, mixed(shades[0], BLACK, 0.6))
    angles = np.arange(6) * np.pi / 3 + np.pi / 6
    corners = r * (1 - seam) * np.column_stack([np.cos(angles), np.sin(angles)])
    for i in range(int(h / (1.5 * r)) + 2):
        for j in range(n + 1):
            middle = np.array([(j + 0.5 * (i % 2)) * np.sqrt(3) * r, i * 1.5 * r])
            k = int(own.choice(5, p=shares))
            sheet.polygon(middle + corners, shades[k])
            if own.random() < marked:
                x, y = middle
                brand(sheet, x, y, r, int(marks[int(own.integers(3))]), colours[(k + 1) % 5], colours[(k + 2) % 5])
    return sheet.pixels


def _patchwork(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Sew a quilt of squares, each with one of a few blocks and two of a few colours."""
    w, h = extent(shared, (0.7, 1.4), (400, 900))
    colours, n, seam = palette(shared, 6), int(shared.integers(4, 9)), shared.uniform(0, 0.05)
    blocks, tips = shared.permutation(6)[:4], int(shared.integers(4, 9))
    step = w / n
    sheet = Sheet(w, h, mixed(colours[0], BLACK, 0.5))
    for i in range(int(h / step) + 1):
        for j in range(n):
            a, b = (colours[int(k)] for k in own.permutation(6)[:2])
            block, s = int(blocks[int(own.integers(4))]), step * (1 - seam)
            x, y = j * step, i * step
            sheet.box(x, y, round(x + s) - round(x), round(y + s) - round(y), a)
            if block == 0:
                sheet.polygon([(x, y), (x + s, y + s), (x, y + s)], b)
            elif block == 1:
                sheet.polygon([(x + s / 2, y), (x + s, y + s / 2), (x + s / 2, y + s), (x, y + s / 2)], b)
            elif block == 2:
                sheet.disc(x + s / 2, y + s / 2, 0.4 * s, b)
            elif block == 3:
                for k in range(4):
                    sheet.box(x + s * (k % 2) / 2, y + s * (k // 2) / 2, s / 2, s / 2, (a, b, b, a)[k])
            elif block == 4:
                sheet.polygon(star_points(x + s / 2, y + s / 2, 0.47 * s, tips, 0.5), b)
            else:
                for k in range(3):
                    sheet.box(x + s * k / 3, y, s / 6, s, b)
    return sheet.pixels


def _weave(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Weave a plaid: the same threads in another order of stripes."""
    w, h = extent(shared, (0.7, 1.4), (400, 900))
    colours, twill, period = palette(shared, 5), int(shared.integers(2, 6)), int(shared.integers(90, 240))
    dulled = [mixed(colour, hsv(shared.random(), 0.3, 0.3), 0.3) for colour in colours]
    n_stripes = int(own.integers(5, 12))
    edges = np.sort(own.integers(0, period, n_stripes))
    order = own.integers(0, 5, n_stripes + 1)
    thread = np.array(dulled)[order[np.searchsorted(edges, np.arange(period))]]
    across, down = thread[np.arange(w) % period], thread[np.arange(h) % period]
    over = (np.arange(h)[:, None] + np.arange(w)) // twill % 2 == 0
    return np.where(over[:, :, None], across[None], down[:, None]).astype(np.uint8)


PATTERNS = family("patterns", (_arcs, _motifs, _lattice), (_patchwork, _weave))
