"""Memes and slogans: the same words and borders around other photographs."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, broad_photo, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, random_style, side, vivid
from fingerprint.edits.graphics.wording import slogan, title, words, wrapped
from fingerprint.types import U8


def _bands(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a caption on a plain band above a photograph, below it, or both."""
    w = side(shared)
    ground = WHITE if shared.random() < 0.6 else BLACK if shared.random() < 0.6 else vivid(shared)
    face, sides = random_face(shared), int(shared.integers(1, 4))
    captions = [wrapped(words(shared, 4, 11), int(shared.integers(1, 4))) if sides & side else [] for side in (1, 2)]
    size, left = w * shared.uniform(0.05, 0.085), shared.random() < 0.4
    photo = broad_photo(photos, own, w)
    heights = [round((1.35 * len(lines) + 0.9) * size) if lines else 0 for lines in captions]
    sheet = Sheet(w, heights[0] + photo.shape[0] + heights[1], ground)
    sheet.paste(photo, 0, heights[0])
    for lines, top in zip(captions, (0, heights[0] + photo.shape[0]), strict=True):
        for i, line in enumerate(lines):
            y = top + (1.35 * i + 1.1) * size
            x, align = (0.04 * w, "l") if left else (w / 2, "m")
            sheet.text(x, y, line, face, size, ink_on(ground), align, fit=0.92 * w)
    return sheet.pixels


def _overlaid(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Write outlined capitals over the top and the bottom of a photograph."""
    w, face = side(shared), random_face(shared, "sans sans pen")
    top, bottom = (wrapped(slogan(shared, 2, 7), int(shared.integers(1, 3))) for _ in range(2))
    size, colour = w * shared.uniform(0.08, 0.13), WHITE if shared.random() < 0.7 else hsv(0.16, 0.8, 1)
    sheet = Sheet(w, (photo := broad_photo(photos, own, w)).shape[0], BLACK)
    sheet.paste(photo, 0, 0)
    for i, line in enumerate(top):
        sheet.text(w / 2, (1.1 * i + 0.8) * size, line, face, size, colour, "m", fit=0.94 * w, rim=BLACK)
    for i, line in enumerate(bottom[::-1]):
        y = sheet.height - (1.1 * i + 0.8) * size
        sheet.text(w / 2, y, line, face, size, colour, "m", fit=0.94 * w, rim=BLACK)
    return sheet.pixels


def _reactions(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw rows of a photograph with a text beside it."""
    w, n_rows = side(shared, 450, 900), int(shared.integers(2, 4))
    face, share, on_left = random_face(shared), shared.uniform(0.42, 0.58), shared.random() < 0.7
    texts = [wrapped(words(shared, 3, 8), 3) for _ in range(n_rows)]
    row, ground = w * shared.uniform(0.36, 0.5), WHITE if shared.random() < 0.8 else hsv(shared.random(), 0.2, 1)
    sheet = Sheet(w, round(row * n_rows), ground)
    for i, lines in enumerate(texts):
        x = 0 if on_left else w * (1 - share)
        sheet.paste(photo_of(photos, own, w * share, row), x, i * row)
        middle = w * (share + (1 - share) / 2) if on_left else w * (1 - share) / 2
        for j, line in enumerate(lines):
            y = (i + 0.5) * row + (j - (len(lines) - 1) / 2) * 0.075 * w
            sheet.text(middle, y, line, face, 0.055 * w, BLACK, "m", fit=0.9 * w * (1 - share))
        sheet.box(0, (i + 1) * row - 2, w, 3, BLACK)
    return sheet.pixels


def _quote(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Write a quotation over a darkened photograph."""
    w, h = extent(shared, (0.8, 1.6), (450, 900))
    face, lines = random_face(shared), wrapped(words(shared, 10, 22), int(shared.integers(4, 7)))
    dim, colour, centred = shared.uniform(0.35, 0.65), hsv(shared.random(), 0.15, 1), shared.random() < 0.5
    author, accent = f"- {title(shared, 2, 2)}", vivid(shared)
    sheet = Sheet(w, h, BLACK)
    sheet.paste(np.rint(photo_of(photos, own, w, h) * dim).astype(np.uint8), 0, 0)
    size = 0.55 * h / (len(lines) + 2)
    x, align = (w / 2, "m") if centred else (0.1 * w, "l")
    sheet.text(x, 0.16 * h, '"', face, 2.4 * size, accent, align)
    for i, line in enumerate([*lines, author]):
        ink = accent if i == len(lines) else colour
        sheet.text(x, 0.28 * h + i * 1.35 * size, line, face, size, ink, align, fit=0.82 * w)
    sheet.outline(0.04 * w, 0.04 * h, 0.92 * w, 0.92 * h, colour, 0.005 * w)
    return sheet.pixels


def _four(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw four photographs under the same labels and one title."""
    w, face = side(shared, 500, 900), random_face(shared)
    labels, head = [title(shared, 1, 3) for _ in range(4)], slogan(shared, 2, 5)
    ground, gap = WHITE if shared.random() < 0.6 else vivid(shared), round(w * shared.uniform(0.01, 0.03))
    cell = (w - 3 * gap) / 2
    top, tall = 0.12 * w, cell * shared.uniform(0.7, 1)
    sheet = Sheet(w, round(top + 2 * (tall + 0.09 * w) + gap), ground)
    sheet.text(w / 2, 0.06 * w, head, face, 0.07 * w, ink_on(ground), "m", fit=0.94 * w)
    for i, label in enumerate(labels):
        x, y = gap + (i % 2) * (cell + gap), top + (i // 2) * (tall + 0.09 * w)
        sheet.paste(photo_of(photos, own, cell, tall), x, y)
        sheet.text(x + cell / 2, y + tall + 0.045 * w, label, face, 0.05 * w, ink_on(ground), "m", fit=cell)
    return sheet.pixels


def _black_border(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Put a photograph on black with a thin line around it, a large word and a sentence below."""
    w, h = extent(shared, (0.75, 1.4), (450, 1000))
    style, second = random_style(shared, kinds="serif serif pen sans"), hsv(shared.random(), 0.25, 0.9)
    head, line = slogan(shared, 1, 2), words(shared, 5, 11)
    rim, share = shared.uniform(0.06, 0.13) * w, shared.uniform(0.66, 0.74)
    sheet = Sheet(w, h, BLACK)
    photo_h = h * share - rim
    sheet.outline(rim - 5, rim - 5, w - 2 * rim + 10, photo_h + 10, WHITE, 2)
    sheet.paste(photo_of(photos, own, w - 2 * rim, photo_h), rim, rim)
    sheet.text(w / 2, h * (share + 0.12), head, style.head, 0.14 * h * 0.8, WHITE, "m", fit=0.85 * w)
    sheet.text(w / 2, h * (share + 0.22), line, style.body, 0.035 * h, second, "m", fit=0.85 * w)
    return sheet.pixels


def _poster(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a poster: a coloured ground, a slogan above the photograph, small print below."""
    w, h = extent(shared, (0.6, 0.85), (600, 1100))
    style, head, foot = random_style(shared), wrapped(slogan(shared, 3, 6), 2), [words(shared, 5, 9) for _ in range(2)]
    ground, seed = vivid(shared), int(shared.integers(10**6))
    rim, radius = 0.06 * w, float(shared.choice([0, 0.03])) * w
    sheet = Sheet(w, h, ground)
    for i, line in enumerate(head):
        sheet.text(rim, h * (0.07 + 0.085 * i), line, style.head, 0.1 * w, ink_on(ground), fit=w - 2 * rim)
    sheet.paste(photo_of(photos, own, w - 2 * rim, 0.56 * h), rim, 0.22 * h, radius)
    for i, line in enumerate(foot):
        sheet.text(rim, h * (0.84 + 0.04 * i), line, style.body, 0.035 * w, ink_on(ground), fit=0.7 * w)
    brand(sheet, w - rim - 0.08 * w, 0.89 * h, 0.14 * w, seed, style.accent, style.second)
    sheet.box(rim, 0.945 * h, 0.6 * w, 2, ink_on(ground))
    return sheet.pixels


def _instant(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw an instant photograph on a patterned ground, with the same words by hand below."""
    w, h = extent(shared, (0.8, 1.0), (450, 900))
    face, line, ground = random_face(shared, "hand"), words(shared, 2, 5), vivid(shared)
    seed, ink, pitch = int(shared.integers(2**31)), hsv(shared.random(), 0.6, 0.35), shared.uniform(0.03, 0.08) * w
    sheet = Sheet(w, h, ground)
    for x in np.arange(-h, w, 2 * pitch):
        sheet.line([(x, 0), (x + h, h)], mixed(ground, WHITE, 0.2), pitch / 2)
    sheet.box(0.09 * w, 0.08 * h, 0.84 * w, 0.87 * h, mixed(ground, BLACK, 0.4), opacity=0.5)
    sheet.box(0.08 * w, 0.06 * h, 0.84 * w, 0.87 * h, (250, 249, 244))
    sheet.paste(photo_of(photos, own, 0.74 * w, 0.66 * h), 0.13 * w, 0.1 * h)
    hand = np.random.default_rng(seed)
    sheet.text(w / 2, 0.845 * h, line, face, 0.075 * w, ink, "m", fit=0.7 * w, rng=hand)
    return sheet.pixels


def _mat(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a wooden border with a mat, ornaments at its corners, and a plate with a title."""
    w, h = extent(shared, (0.8, 1.3), (450, 1000))
    face, wood, plate = (
        random_face(shared, "serif serif pen"),
        hsv(0.08, 0.6, shared.uniform(0.2, 0.6)),
        title(shared, 2, 4),
    )
    gold, petals, beads = hsv(0.12, 0.6, 0.8), int(shared.integers(4, 9)), int(shared.integers(20, 50))
    rim = round(0.07 * w)
    sheet = Sheet(w, h, wood)
    for i, share in enumerate((0.0, 0.25, 0.55, 0.8)):
        inset = rim * share
        sheet.outline(
            inset, inset, w - 2 * inset, h - 2 * inset, mixed(wood, WHITE if i % 2 else BLACK, 0.25), rim * 0.2
        )
    sheet.box(rim, rim, w - 2 * rim, h - 2 * rim, (238, 234, 224))
    for i in range(beads):
        for y in (rim * 0.5, h - rim * 0.5):
            sheet.disc(w * (i + 0.5) / beads, y, rim * 0.12, gold)
    for x in (rim, w - rim):
        for y in (rim, h - rim):
            sheet.polygon(star_points(x, y, rim * 0.8, petals, 0.5), gold)
            sheet.disc(x, y, rim * 0.25, wood)
    sheet.paste(photo_of(photos, own, w - 4.4 * rim, h - 5.4 * rim), 2.2 * rim, 2.2 * rim)
    sheet.box(0.3 * w, h - 2.6 * rim, 0.4 * w, 1.0 * rim, gold, 0.1 * rim)
    sheet.text(w / 2, h - 2.1 * rim, plate, face, 0.6 * rim, BLACK, "m", fit=0.37 * w)
    return sheet.pixels


MEMES = family("memes", (_bands, _overlaid, _reactions), (_quote, _four))
SLOGANS = family("slogans", (_black_border, _poster), (_instant, _mat))
