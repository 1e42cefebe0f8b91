"""Keepsakes: photographs in one printed frame, posters of one series, and notes by one hand."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import any_photo, brand, fitted, icon, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style, vivid
from fingerprint.edits.graphics.wording import date, digits, slogan, title, word, words
from fingerprint.types import U8


def _instant(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw instant pictures with white rims and written words on a table."""
    w, h = extent(shared, (0.8, 1.4), (450, 1000))
    ground, n = vivid(shared), int(shared.integers(1, 4))
    face, ink, rim = random_face(shared, "hand"), hsv(shared.random(), 0.7, 0.35), shared.uniform(0.04, 0.09)
    tape, motto = mixed(vivid(shared), WHITE, 0.4), slogan(shared, 1, 3)
    grain = shared.normal(0, 6, (h, w, 1))
    sheet = Sheet(w, h, mixed(ground, BLACK, 0.3))
    sheet.pixels[:] = np.clip(np.rint(sheet.pixels + grain), 0, 255)
    room = w / n
    side = min(0.84 * room, 0.72 * h)
    for i in range(n):
        x, y = i * room + (room - side) / 2, (h - 1.2 * side) / 2
        sheet.box(x + 4, y + 6, side, 1.2 * side, BLACK, opacity=0.4)
        sheet.box(x, y, side, 1.2 * side, (250, 249, 244))
        inner = (1 - 2 * rim) * side
        sheet.paste(photo_of(photos, own, inner, inner), x + rim * side, y + rim * side)
        sheet.text(x + side / 2, y + 1.09 * side, words(own, 1, 3), face, 0.1 * side, ink, "m", fit=0.9 * side, rng=own)
        sheet.box(x + 0.35 * side, y - 0.04 * side, 0.3 * side, 0.09 * side, tape, opacity=0.75)
    sheet.text(w / 2, 0.96 * h, motto, face, 0.05 * h, WHITE, "m", fit=0.9 * w)
    return sheet.pixels


def _greeting(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a card of greetings: an ornate border with flowers, a photograph in an oval or a box, words."""
    w, h = extent(shared, (0.7, 1.5), (450, 1100))
    style, colours, seeds = random_style(shared, 0.15), palette(shared, 4), shared.uniform(0, 1, (60, 4))
    words_of, oval, dense = slogan(shared, 2, 4), shared.random() < 0.5, int(shared.integers(15, 60))
    sheet = Sheet(w, h, style.ground)
    pw, ph = 0.62 * w, 0.56 * h
    if oval:
        photo = photo_of(photos, own, pw, ph)
        y, x = np.mgrid[: photo.shape[0], : photo.shape[1]]
        inside = ((x / photo.shape[1] - 0.5) ** 2 + (y / photo.shape[0] - 0.5) ** 2) < 0.25
        spot = sheet.pixels[round(0.16 * h) :, round(0.19 * w) :][: photo.shape[0], : photo.shape[1]]
        spot[inside] = photo[inside]
        sheet.ring(0.5 * w, 0.16 * h + ph / 2, pw / 2, style.accent, 0.012 * w, ph / 2)
    else:
        sheet.paste(photo_of(photos, own, pw, ph), 0.19 * w, 0.16 * h)
        sheet.outline(0.19 * w - 6, 0.16 * h - 6, pw + 12, ph + 12, style.accent, 4)
    for k in range(dense):  # flowers along the rim
        along, depth, size, turn = seeds[k]
        edge, place = int(along * 4), along * 4 % 1
        x, y = ((place, 0.07 * depth), (1 - 0.07 * depth, place), (place, 1 - 0.07 * depth), (0.07 * depth, place))[
            edge
        ]
        r = (0.02 + 0.03 * size) * w
        sheet.polygon(star_points(x * w, y * h, r, 5 + int(3 * turn), 0.55, turn), colours[k % 4])
        sheet.disc(x * w, y * h, 0.3 * r, colours[(k + 1) % 4])
    sheet.text(w / 2, 0.8 * h, words_of, style.head, 0.07 * h, style.accent, "m", fit=0.78 * w)
    sheet.text(w / 2, 0.88 * h, f"{title(own, 2, 4)}, {date(own)}", style.body, 0.04 * h, style.ink, "m", fit=0.74 * w)
    return sheet.pixels


def _film(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a strip of film or a sheet of contacts: frames with holes and numbers."""
    w, h = extent(shared, (0.9, 2.6), (500, 1200))
    rows, columns = int(shared.integers(1, 4)), int(shared.integers(2, 5))
    base, ink, code = (
        hsv(0.08, shared.uniform(0, 0.6), 0.12),
        hsv(shared.uniform(0.05, 0.15), 0.8, 0.9),
        title(shared, 1, 2),
    )
    face = random_face(shared)
    sheet = Sheet(w, h, BLACK)
    tall = h / rows
    for i in range(rows):
        y = i * tall
        sheet.box(0, y + 2, w, tall - 4, base)
        for k in range(int(w / (0.12 * tall)) + 1):
            for at in (0.05, 0.89):
                sheet.box(k * 0.12 * tall + 3, y + at * tall, 0.06 * tall, 0.06 * tall, (235, 235, 230), 0.015 * tall)
        cell = w / columns
        for j in range(columns):
            sheet.paste(photo_of(photos, own, 0.92 * cell, 0.66 * tall), (j + 0.04) * cell, y + 0.17 * tall)
            sheet.text((j + 0.1) * cell, y + 0.14 * tall, f"{i * columns + j + 1}A", face, 0.05 * tall, ink)
        sheet.text(0.5 * w, y + 0.86 * tall, f"{code} {digits(own, 3)}", face, 0.05 * tall, ink)
    return sheet.pixels


def _travel_poster(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a poster of flat colours: layers of hills, a sun, a name; the land differs."""
    w, h = extent(shared, (0.6, 0.8), (500, 1100))
    hues, n, sun = shared.uniform(0, 1, 2), int(shared.integers(3, 7)), shared.uniform(0.08, 0.2) * w
    style, firm, rim = random_style(shared, 0), title(shared, 1, 2), shared.uniform(0.03, 0.07) * w
    sheet = Sheet(w, h, WHITE)
    sheet.fade(0, 0, w, 0.8 * h, hsv(hues[0], 0.6, 0.9), hsv(hues[1], 0.4, 0.98))
    sheet.disc(own.uniform(0.2, 0.8) * w, own.uniform(0.2, 0.45) * h, sun, hsv(0.12, 0.5, 1.0))
    along = np.linspace(0, w, 60)
    for i in range(n):
        level, rough = (0.4 + 0.42 * i / n) * h, own.uniform(0.02, 0.09) * h
        walk = np.cumsum(own.normal(0, 1, 60)) if own.random() < 0.5 else 4 * np.sin(along / w * own.uniform(3, 12))
        line = level + rough * (walk - walk.mean()) / max(float(np.ptp(walk)), 1e-6) * 2
        shade = mixed(hsv(hues[0], 0.5, 0.8), hsv(hues[1], 0.7, 0.25), i / n)
        sheet.polygon(np.vstack([np.column_stack([along, line]), [[w, h], [0, h]]]), shade)
        for _ in range(int(own.integers(0, 6)) if i > n // 2 else 0):
            x, tall = own.uniform(0, w), own.uniform(0.03, 0.09) * h
            y = float(np.interp(x, along, line))
            sheet.polygon([(x, y - tall), (x - 0.3 * tall, y), (x + 0.3 * tall, y)], mixed(shade, BLACK, 0.35))
    sheet.box(0, 0.82 * h, w, 0.18 * h, style.ground)
    sheet.text(w / 2, 0.89 * h, word(own).upper(), style.head, 0.08 * h, style.accent, "m", fit=0.85 * w)
    sheet.text(w / 2, 0.96 * h, firm, style.body, 0.03 * h, style.ink, "m")
    sheet.outline(0, 0, w, h, style.ground, rim)
    return sheet.pixels


def _stage_poster(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a poster of a series of concerts: shapes in two colours, a cut photograph, names, a date."""
    w, h = extent(shared, (0.6, 0.85), (500, 1100))
    style, seed, series = random_style(shared, 0.4), int(shared.integers(2**31)), slogan(shared, 1, 3)
    n, turn, kinds = int(shared.integers(3, 9)), shared.uniform(0, 3), shared.integers(0, 13, 3)
    sheet = Sheet(w, h, style.ground)
    for k in range(n):
        a = turn + 2 * np.pi * k / n
        sheet.polygon(
            np.vstack([[[0.5 * w, 0.42 * h]], arc(0.5 * w, 0.42 * h, 0.9 * h, a, a + np.pi / n)]), style.accent
        )
    photo = fitted(any_photo(photos, own), own, 0.6 * w, 0.44 * h)
    sheet.paste(photo, 0.2 * w, 0.2 * h, 0.1 * w)
    sheet.text(w / 2, 0.09 * h, series, style.head, 0.09 * h, style.ink, "m", fit=0.9 * w)
    for i in range(3):
        sheet.text(
            w / 2,
            (0.7 + 0.055 * i) * h,
            title(own, 1, 3),
            style.head,
            0.045 * h,
            style.second,
            "m",
            fit=0.9 * w,
            rim=style.ground,
        )
    sheet.box(0, 0.87 * h, w, 0.13 * h, style.second)
    sheet.text(0.05 * w, 0.935 * h, date(own), style.head, 0.05 * h, ink_on(style.second))
    brand(sheet, 0.9 * w, 0.935 * h, 0.1 * h, seed, style.accent, WHITE)
    for i, kind in enumerate(kinds):
        icon(sheet, (0.55 + 0.09 * i) * w, 0.935 * h, 0.02 * h, int(kind), ink_on(style.second))
    return sheet.pixels


def _notes(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a page of notes by one hand, on lined or squared paper or a white board, with marks and sketches."""
    w, h = extent(shared, (0.65, 1.5), (500, 1200))
    face, ink, second = random_face(shared, "hand"), hsv(shared.uniform(0.55, 0.7), 0.8, 0.4), vivid(shared)
    paper, kind, step = mixed(vivid(shared), WHITE, 0.9), int(shared.integers(3)), shared.uniform(0.025, 0.04) * h
    head, margin = title(shared, 1, 2), shared.uniform(0.06, 0.14) * w
    sheet = Sheet(w, h, paper if kind < 2 else (246, 247, 248))
    faint = mixed(paper, (90, 120, 180), 0.3)
    if kind < 2:
        for k in range(int(h / step) + 1):
            sheet.box(0, k * step, w, 1, faint)
    if kind == 1:
        for k in range(int(w / step) + 1):
            sheet.box(k * step, 0, 1, h, faint)
    elif kind == 0:
        sheet.box(margin, 0, 2, h, (220, 120, 120))
    sheet.text(margin + 8, 1.5 * step, head, face, 1.4 * step, second, rng=own)
    y = 3.5 * step
    while y < h - step:
        x = margin + 8 + int(own.integers(0, 3)) * step
        if own.random() < 0.15 and y < h - 6 * step:
            place = x + own.uniform(0.1, 0.4) * w
            for _ in range(int(own.integers(2, 5))):
                sheet.ring(
                    place + own.normal(0, 2 * step),
                    y + 2 * step + own.normal(0, step),
                    own.uniform(0.5, 1.6) * step,
                    ink,
                    2,
                )
            sheet.line([(place, y), (place + own.normal(0, 4 * step), y + 4 * step)], second, 2)
            y += 5 * step
            continue
        sheet.text(x, y, words(own, 2, 7), face, step, ink if own.random() < 0.85 else second, fit=w - x - 8, rng=own)
        if own.random() < 0.12:
            sheet.line([(x, y + 0.5 * step), (x + 0.3 * w, y + 0.5 * step)], second, 2)
        y += step
    return sheet.pixels


KEEPSAKES = family("keepsakes", (_instant, _greeting, _film))
POSTERS = family("posters", (_travel_poster, _stage_poster))
NOTES = family("notes", (_notes,))
