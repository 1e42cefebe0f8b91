"""Lists on screens: rows of one app, and boards of departures, with other entries."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, avatar, icon, icons, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import amount, clock, date, digits, made_word, person, title, words
from fingerprint.types import U8


def _rows(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the list of an app: mails, songs or payments with a picture, two lines and a mark each."""
    w, h = extent(shared, (0.48, 0.75), (600, 1200))
    style, name, kinds = random_style(shared, 0.4), title(shared, 1, 1), shared.integers(0, N_ICONS, 8)
    kind, n, radius = int(shared.integers(3)), int(shared.integers(6, 13)), shared.uniform(0, 0.5)
    lined, search = shared.random() < 0.6, title(shared, 1, 1)
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 15 * u, style.accent)
    sheet.text(6 * u, 8 * u, name, style.head, 6 * u, ink_on(style.accent))
    icons(sheet, 70 * u, 8 * u, 28 * u, 2.6 * u, kinds[:2], ink_on(style.accent))
    sheet.box(4 * u, 18 * u, 92 * u, 9 * u, style.panel, 4 * u)
    icon(sheet, 9 * u, 22.5 * u, 2 * u, 0, style.ink)
    sheet.text(14 * u, 22.5 * u, search, style.body, 3.6 * u, style.faint)
    room = (h - 44 * u) / n
    for i in range(n):
        y = 30 * u + i * room
        if lined:
            sheet.box(4 * u, y + room - 1, 92 * u, 1, style.faint)
        if kind == 0:
            avatar(sheet, 11 * u, y + room / 2, 0.36 * room, own)
        elif kind == 1:
            sheet.paste(photo_of(photos, own, 0.78 * room, 0.78 * room), 4 * u, y + 0.1 * room, radius * room)
        else:
            colour = hsv(own.random(), 0.6, 0.8)
            sheet.disc(11 * u, y + room / 2, 0.34 * room, colour)
            icon(sheet, 11 * u, y + room / 2, 0.16 * room, int(own.integers(N_ICONS)), ink_on(colour))
        x = 8 * u + 0.95 * room
        sheet.text(
            x,
            y + 0.3 * room,
            person(own) if kind == 0 else title(own, 1, 3),
            style.head,
            0.22 * room,
            style.ink,
            fit=0.5 * w,
        )
        sheet.text(
            x,
            y + 0.66 * room,
            words(own, 3, 7),
            style.body,
            0.17 * room,
            mixed(style.ink, style.ground, 0.4),
            fit=0.6 * w,
        )
        last = (clock(own), f"{int(own.integers(1, 9))}:{digits(own, 2)}", amount(own, 90))[kind]
        sheet.text(96 * u, y + 0.3 * room, last, style.body, 0.17 * room, style.second, "r")
    sheet.box(0, h - 13 * u, w, 13 * u, style.panel)
    icons(sheet, 0, h - 6.5 * u, w, 2.8 * u, kinds[2:7], style.ink)
    return sheet.pixels


def _settings(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a screen of settings: the entries stay, switches, sliders and values differ."""
    w, h = extent(shared, (0.5, 1.2), (500, 1100))
    style, n, head = random_style(shared, 0.4), int(shared.integers(6, 13)), title(shared, 1, 2)
    entries = [(title(shared, 1, 3), int(shared.integers(3)), int(shared.integers(N_ICONS))) for _ in range(n)]
    carded, u = shared.random() < 0.5, w / 100
    sheet = Sheet(w, h, style.ground)
    sheet.text(5 * u, 0.06 * h, head, style.head, 0.05 * h, style.ink)
    room = 0.86 * h / n
    for i, (label, kind, sign) in enumerate(entries):
        y = 0.12 * h + i * room
        if carded:
            sheet.box(3 * u, y + 2, 94 * u, room - 4, style.panel, 0.2 * room)
        icon(sheet, 9 * u, y + room / 2, 0.18 * room, sign, style.accent)
        sheet.text(15 * u, y + room / 2, label, style.body, 0.28 * room, style.ink, fit=45 * u)
        tall = 0.36 * room
        if kind == 0:
            on = own.random() < 0.5
            sheet.box(82 * u, y + room / 2 - tall / 2, 1.9 * tall, tall, style.accent if on else style.faint, tall / 2)
            sheet.disc(82 * u + (1.4 if on else 0.5) * tall, y + room / 2, 0.4 * tall, WHITE)
        elif kind == 1:
            share = float(own.uniform(0, 1))
            sheet.box(62 * u, y + room / 2 - 2, 30 * u, 4, style.faint)
            sheet.box(62 * u, y + room / 2 - 2, 30 * u * share, 4, style.accent)
            sheet.disc((62 + 30 * share) * u, y + room / 2, 0.3 * tall + 2, style.accent)
        else:
            value = made_word(own, 2).title() if own.random() < 0.6 else f"{digits(own, 2)} %"
            sheet.text(94 * u, y + room / 2, value, style.body, 0.26 * room, style.second, "r", fit=28 * u)
    return sheet.pixels


def _departures(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a board of departures: times, places, numbers, remarks, on flaps or lamps."""
    w, h = extent(shared, (1.1, 2.2), (500, 1200))
    face, ink = (
        random_face(shared, "fixed bitmap sans fixed"),
        hsv(shared.uniform(0.08, 0.2), shared.uniform(0, 1), 0.95),
    )
    ground, n, flaps = (
        hsv(0.62, shared.uniform(0, 0.7), shared.uniform(0.04, 0.2)),
        int(shared.integers(5, 13)),
        shared.random() < 0.5,
    )
    heads, name, remarks = (
        [title(shared, 1, 1).upper() for _ in range(4)],
        title(shared, 1, 2),
        [title(shared, 1, 2) for _ in range(3)],
    )
    sheet = Sheet(w, h, ground)
    sheet.box(0, 0, w, 0.14 * h, mixed(ground, WHITE, 0.12))
    icon(sheet, 0.04 * w, 0.07 * h, 0.04 * h, 6, ink)
    sheet.text(0.08 * w, 0.07 * h, name, face, 0.07 * h, WHITE)
    sheet.text(0.97 * w, 0.07 * h, clock(own), face, 0.07 * h, ink, "r")
    room, places = 0.78 * h / n, (0.03, 0.16, 0.6, 0.74)
    for x, label in zip(places, heads, strict=True):
        sheet.text(x * w, 0.175 * h, label, face, 0.03 * h, mixed(ground, WHITE, 0.6), fit=0.12 * w)
    times = sorted(clock(own) for _ in range(n))
    for i in range(n):
        y = 0.21 * h + (i + 0.5) * room
        remark = remarks[int(own.integers(3))] if own.random() < 0.4 else ""
        texts = (times[i], made_word(own, int(own.integers(2, 5))).upper(), digits(own, 3), remark)
        for x, text, wide in zip(places, texts, (0.11, 0.42, 0.12, 0.24), strict=True):
            if flaps:
                sheet.box(x * w - 3, y - 0.42 * room, wide * w, 0.84 * room, mixed(ground, BLACK, 0.4))
                sheet.box(x * w - 3, y, wide * w, 1, mixed(ground, WHITE, 0.15))
            sheet.text(x * w, y, text, face, 0.6 * room, ink, fit=wide * w - 8)
    return sheet.pixels


def _timetable(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the timetable of a line: stops along a stroke, minutes for each hour."""
    w, h = extent(shared, (0.7, 1.4), (500, 1100))
    style, n_stops, hours = random_style(shared, 0.1), int(shared.integers(8, 16)), int(shared.integers(10, 19))
    line, days, size = digits(shared, 2), [title(shared, 1, 1) for _ in range(2)], 0.6 * h / (hours + 4) / 1.2
    sheet = Sheet(w, h, style.ground)
    sheet.box(0.03 * w, 0.03 * h, 0.12 * w, 0.09 * h, style.accent)
    sheet.text(0.09 * w, 0.075 * h, line, style.head, 0.06 * h, ink_on(style.accent), "m")
    sheet.text(0.18 * w, 0.075 * h, title(own, 2, 3), style.head, 0.05 * h, style.ink, fit=0.78 * w)
    top, room = 0.17 * h, 0.8 * h / n_stops
    sheet.box(0.06 * w, top, 0.01 * w, room * (n_stops - 1), style.accent)
    here = int(own.integers(n_stops))
    for i in range(n_stops):
        y = top + i * room
        sheet.disc(0.065 * w, y, 0.016 * w, style.accent)
        sheet.disc(0.065 * w, y, 0.009 * w, style.second if i == here else style.ground)
        face = style.head if i == here else style.body
        sheet.text(0.1 * w, y, title(own, 1, 2), face, 0.45 * room, style.ink, fit=0.24 * w)
    for column, day in enumerate(days):
        x = (0.4 + 0.3 * column) * w
        sheet.box(x, 0.15 * h, 0.28 * w, 0.05 * h, style.panel)
        sheet.text(x + 0.01 * w, 0.175 * h, day, style.head, 0.03 * h, style.ink)
        for i in range(hours):
            y = 0.22 * h + (i + 0.5) * 0.74 * h / hours
            if i % 2:
                sheet.box(x, y - 0.37 * h / hours, 0.28 * w, 0.74 * h / hours, style.panel)
            sheet.text(x + 0.01 * w, y, f"{5 + i:02d}", style.head, size, style.accent)
            minutes = np.sort(own.integers(0, 60, int(own.integers(1, 6))))
            sheet.text(
                x + 0.06 * w, y, "  ".join(f"{m:02d}" for m in minutes), style.body, size, style.ink, fit=0.21 * w
            )
    sheet.text(0.03 * w, 0.98 * h, date(own), style.body, 0.02 * h, style.ink)
    return sheet.pixels


LISTS = family("lists", (_rows, _settings))
TIMETABLES = family("timetables", (_departures, _timetable))
