"""Bands of advertisement and watermarks: the same additions over other photographs."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import any_photo, brand, broad_photo, photo_of, scaled, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, ink_on, mixed, random_style, side, vivid
from fingerprint.edits.graphics.wording import amount, domain, phone, pick, slogan, title, word, words
from fingerprint.types import U8


def _band_below(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Put a band of advertisement under a photograph: mark, name, address, button."""
    w, style, seed = side(shared), random_style(shared, 0.4), int(shared.integers(10**6))
    name, line, site = title(shared, 1, 2), words(shared, 3, 6), domain(shared)
    ground = style.accent if shared.random() < 0.6 else style.ground
    band, call = w * shared.uniform(0.16, 0.26), pick(shared, ["Call now", "Order", "Shop", "Join", "Book today"])
    sheet = Sheet(w, (photo := broad_photo(photos, own, w)).shape[0] + round(band), ground)
    sheet.paste(photo, 0, 0)
    top = photo.shape[0]
    brand(sheet, 0.6 * band, top + band / 2, 0.75 * band, seed, style.second, ink_on(ground))
    sheet.text(1.2 * band, top + 0.25 * band, name, style.head, 0.32 * band, ink_on(ground), fit=0.5 * w)
    sheet.text(1.2 * band, top + 0.53 * band, line, style.body, 0.18 * band, ink_on(ground), fit=0.48 * w)
    sheet.text(1.2 * band, top + 0.78 * band, site, style.body, 0.18 * band, style.second, fit=0.48 * w)
    sheet.box(0.76 * w, top + 0.28 * band, 0.21 * w, 0.44 * band, style.second, 0.1 * band)
    sheet.text(0.865 * w, top + band / 2, call, style.head, 0.22 * band, ink_on(style.second), "m", fit=0.18 * w)
    return sheet.pixels


def _burst(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Put a column with offers beside a photograph, and a burst with a price over its corner."""
    w, h = extent(shared, (1.1, 1.9), (500, 1000))
    style, name, offers = random_style(shared), slogan(shared, 1, 2), [title(shared, 1, 3) for _ in range(4)]
    prices, tips, share = (
        [amount(shared, 90) for _ in range(5)],
        int(shared.integers(9, 20)),
        shared.uniform(0.28, 0.38),
    )
    ground, site, deep = style.accent, domain(shared), shared.uniform(0.7, 0.88)
    column = share * w
    sheet = Sheet(w, h, ground)
    sheet.paste(photo_of(photos, own, w - column, h), 0, 0)
    middle = w - column / 2
    sheet.text(middle, 0.1 * h, name, style.head, 0.09 * h, ink_on(ground), "m", fit=0.9 * column)
    for i, offer in enumerate(offers):
        y = h * (0.25 + 0.14 * i)
        sheet.text(w - 0.94 * column, y, offer, style.body, 0.042 * h, ink_on(ground), fit=0.55 * column)
        sheet.text(w - 0.06 * column, y, prices[i], style.head, 0.05 * h, style.second, "r", fit=0.33 * column)
        sheet.box(w - 0.94 * column, y + 0.06 * h, 0.88 * column, 1, ink_on(ground))
    sheet.text(middle, 0.92 * h, site, style.body, 0.04 * h, ink_on(ground), "m", fit=0.9 * column)
    x, y, r = w - column, 0.78 * h, 0.18 * h
    sheet.polygon(star_points(x, y, r, tips, deep), style.second)
    sheet.text(x, y, prices[4], style.head, 0.1 * h, ink_on(style.second), "m", fit=1.4 * r, angle=-0.2)
    return sheet.pixels


def _ribbon(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Put a slanted ribbon over a corner of a photograph and a strip with an address at its foot."""
    w, style, seed = side(shared), random_style(shared, 0.6), int(shared.integers(10**6))
    text, line, call = slogan(shared, 1, 2), f"{title(shared, 2, 3)} - {words(shared, 2, 4)}", phone(shared)
    off, strip = f"-{int(shared.integers(1, 10)) * 10}%", w * shared.uniform(0.09, 0.14)
    sheet = Sheet(w, (photo := broad_photo(photos, own, w)).shape[0], BLACK)
    sheet.paste(photo, 0, 0)
    a, b = 0.22 * w, 0.4 * w
    sheet.polygon([(a, 0), (b, 0), (0, b), (0, a)], style.accent)
    sheet.text(
        (a + b) / 4, (a + b) / 4, text, style.head, 0.055 * w, ink_on(style.accent), "m", fit=0.38 * w, angle=-np.pi / 4
    )
    y = sheet.height - strip
    sheet.box(0, y, w, strip, style.ground, opacity=0.88)
    sheet.box(0, y, w, 0.06 * strip, style.accent)
    brand(sheet, 0.6 * strip, y + strip / 2, 0.7 * strip, seed, style.accent, style.second)
    sheet.text(1.2 * strip, y + 0.34 * strip, line, style.head, 0.28 * strip, style.ink, fit=0.6 * w)
    sheet.text(1.2 * strip, y + 0.72 * strip, call, style.body, 0.26 * strip, style.accent, fit=0.6 * w)
    sheet.disc(w - strip, y, 0.75 * strip, style.second)
    sheet.text(w - strip, y, off, style.head, 0.5 * strip, ink_on(style.second), "m", fit=1.2 * strip)
    return sheet.pixels


def _tiled_mark(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Repeat a slanted text all over a photograph."""
    longer, face, text = side(shared, 400, 900), random_face(shared), title(shared, 1, 2)
    angle, size, gap = -shared.uniform(11, 46), shared.uniform(0.035, 0.07), shared.uniform(0.5, 3)
    opacity, colour = shared.uniform(0.3, 0.6), WHITE if shared.random() < 0.8 else BLACK
    photo = scaled(any_photo(photos, own), longer)
    h, w = photo.shape[:2]
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo, 0, 0)
    tile = np.pad(face.mask(text, size * longer)[0], (0, round(gap * size * longer)))
    rows = np.vstack([tile, np.roll(tile, tile.shape[1] // 2, axis=1)])
    reach = round(1.5 * longer)
    mask = np.tile(rows, (reach // rows.shape[0] + 1, reach // rows.shape[1] + 1))
    step = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), -angle, 1)
    step[:, 2] += [(w - mask.shape[1]) / 2, (h - mask.shape[0]) / 2]
    sheet.cover(np.asarray(cv2.warpAffine(mask, step, (w, h)), dtype=np.uint8), 0, 0, colour, opacity)
    return sheet.pixels


def _crossed(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the cross of a stock archive over a photograph, its name in the middle and a number on a bar below."""
    longer, face, seed = side(shared, 400, 900), random_face(shared, "sans pen"), int(shared.integers(10**6))
    name, site, opacity = word(shared), domain(shared), shared.uniform(0.35, 0.7)
    number = str(int(own.integers(10**6, 10**8)))
    photo = scaled(any_photo(photos, own), longer)
    h, w = photo.shape[:2]
    bar = round(0.05 * longer)
    sheet = Sheet(w, h + bar, BLACK)
    sheet.paste(photo, 0, 0)
    clean = sheet.pixels.copy()
    sheet.lines([[(0, 0), (w, h)], [(w, 0), (0, h)]], WHITE, max(1, 0.004 * longer))
    sheet.ring(w / 2, h / 2, 0.2 * min(w, h), WHITE, 0.008 * longer)
    brand(sheet, w / 2, h / 2 - 0.07 * longer, 0.09 * longer, seed, WHITE, (200, 200, 200))
    sheet.text(w / 2, h / 2 + 0.04 * longer, name, face, 0.12 * longer, WHITE, "m", fit=0.8 * w)
    sheet.pixels[:] = np.rint(clean * (1 - opacity) + sheet.pixels * opacity)
    sheet.box(0, h, w, bar, BLACK)
    sheet.text(0.02 * w, h + bar / 2, name, face, 0.6 * bar, WHITE, fit=0.4 * w)
    sheet.text(0.98 * w, h + bar / 2, f"{number}  {site}", face, 0.4 * bar, WHITE, "r", fit=0.5 * w)
    return sheet.pixels


def _mark_grid(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Repeat a small mark on a grid over a photograph, with lines between."""
    longer, seed, pitch = side(shared, 400, 900), int(shared.integers(10**6)), shared.uniform(0.12, 0.24)
    opacity, colour, lined = (
        shared.uniform(0.25, 0.5),
        WHITE if shared.random() < 0.7 else vivid(shared),
        shared.random() < 0.5,
    )
    photo = scaled(any_photo(photos, own), longer)
    sheet = Sheet(photo.shape[1], photo.shape[0], BLACK)
    sheet.paste(photo, 0, 0)
    step = pitch * longer
    for i in range(int(sheet.height / step) + 2):
        for j in range(int(sheet.width / step) + 2):
            x, y = (j + 0.5 * (i % 2)) * step, i * step
            brand(sheet, x, y, 0.5 * step, seed, colour, mixed(colour, BLACK, 0.3))
            if lined:
                sheet.lines([[(x + 0.3 * step, y), (x + 0.7 * step, y)]], colour, 2)
    sheet.pixels[:] = np.rint(photo * (1 - opacity) + sheet.pixels * opacity)
    return sheet.pixels


def _seal(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a see-through seal and a strip across the middle of a photograph."""
    longer, face, text = side(shared, 400, 900), random_face(shared), slogan(shared, 2, 3)
    opacity, colour, rays = (
        shared.uniform(0.35, 0.6),
        WHITE if shared.random() < 0.6 else vivid(shared),
        int(shared.integers(12, 40)),
    )
    photo = scaled(any_photo(photos, own), longer)
    h, w = photo.shape[:2]
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo, 0, 0)
    x, y, r = w / 2, h / 2, 0.3 * min(w, h)
    sheet.ring(x, y, r, colour, 0.03 * r)
    sheet.ring(x, y, 0.75 * r, colour, 0.02 * r)
    for angle in np.arange(rays) * 2 * np.pi / rays:
        ends = [(x + r * k * np.cos(angle), y + r * k * np.sin(angle)) for k in (0.8, 0.95)]
        sheet.line(ends, colour, 0.03 * r)
    sheet.line(arc(x, y, 0.6 * r, 0.4, 2.7), colour, 0.04 * r)
    sheet.box(0, y - 0.22 * r, w, 0.44 * r, colour)
    sheet.text(x, y, text, face, 0.4 * r, BLACK if colour == WHITE else WHITE, "m", fit=0.9 * w)
    sheet.pixels[:] = np.rint(photo * (1 - opacity) + sheet.pixels * opacity)
    return sheet.pixels


ADVERTISEMENTS = family("advertisements", (_band_below, _burst), (_ribbon,))
WATERMARKS = family("watermarks", (_tiled_mark, _crossed), (_mark_grid, _seal))
