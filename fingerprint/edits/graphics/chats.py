"""Conversations: the screens of one app with other messages."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, avatar, brand, icon, icons, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, extent, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import (
    clock,
    filled,
    handle,
    made_word,
    person,
    title,
    words,
)
from fingerprint.types import U8


def _phone_chat(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a conversation on a phone: bubbles on both sides, some with a photograph."""
    w, h = extent(shared, (0.48, 0.6), (600, 1100))
    style, radius, tail = random_style(shared, 0.35), shared.uniform(1, 5), shared.random() < 0.5
    kinds, prompt, wallpaper = shared.integers(0, N_ICONS, 6), words(shared, 2, 3), shared.random() < 0.5
    dots = shared.random((60, 2))
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    for i, (x, y) in enumerate(dots if wallpaper else ()):
        icon(sheet, x * w, y * h, 3 * u, i % N_ICONS, style.panel, 0.5 * u)
    y = 21 * u
    while y < h - 24 * u:
        mine, size = own.random() < 0.5, 4.2 * u
        width = float(own.uniform(25, 68)) * u
        lines = filled(own, style.body, size, width - 7 * u, int(own.integers(1, 5)))
        photo = own.random() < 0.2
        tall = 0.7 * width if photo else len(lines) * 1.45 * size + 4 * u
        x = w - width - 4 * u if mine else 4 * u
        fill = style.accent if mine else style.panel
        sheet.box(x, y, width, tall, fill, radius * u)
        if tail:
            edge = w - 4 * u if mine else 4 * u
            sheet.polygon([(edge, y), (edge + (2.5 * u if mine else -2.5 * u), y), (edge, y + 4 * u)], fill)
        if photo:
            sheet.paste(photo_of(photos, own, width - 2 * u, tall - 2 * u), x + u, y + u, radius * u)
        for i, line in enumerate(() if photo else lines):
            sheet.text(x + 3.5 * u, y + (4.2 * u) + i * 1.45 * size, line, style.body, size, ink_on(fill))
        sheet.text(x + width - 2 * u, y + tall + 2 * u, clock(own), style.body, 2.6 * u, style.faint, "r")
        y += tall + float(own.choice([4.5, 6, 9])) * u
    sheet.box(0, 0, w, 17 * u, style.panel)
    icon(sheet, 6 * u, 9 * u, 2.5 * u, int(kinds[0]), style.ink)
    avatar(sheet, 18 * u, 9 * u, 5.5 * u, own)
    sheet.text(27 * u, 7 * u, person(own), style.head, 4.8 * u, style.ink, fit=40 * u)
    sheet.text(27 * u, 12 * u, "online", style.body, 3.2 * u, style.accent)
    icons(sheet, 74 * u, 9 * u, 24 * u, 2.8 * u, kinds[1:3], style.ink)
    sheet.box(0, h - 15 * u, w, 15 * u, style.panel)
    sheet.box(12 * u, h - 12 * u, 62 * u, 9 * u, style.ground, 4.5 * u)
    sheet.text(17 * u, h - 7.5 * u, prompt, style.body, 4 * u, style.faint)
    icon(sheet, 6 * u, h - 7.5 * u, 2.8 * u, int(kinds[3]), style.ink)
    icons(sheet, 76 * u, h - 7.5 * u, 23 * u, 2.8 * u, kinds[4:6], style.accent)
    return sheet.pixels


def _desk_chat(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a conversation on a desk: a list of people at the left, bubbles at the right."""
    w, h = extent(shared, (1.2, 1.7), (700, 1200))
    style, name, n_people = random_style(shared, 0.35), title(shared, 1, 1), int(shared.integers(6, 10))
    kinds, column, prompt = shared.integers(0, N_ICONS, 4), shared.uniform(24, 34), words(shared, 2, 4)
    u = w / 100
    x, row, chosen = column * u, h / (n_people + 1.5), int(own.integers(n_people))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, x, h, style.panel)
    sheet.text(2 * u, 0.5 * row, name, style.head, 2.6 * u, style.accent)
    icon(sheet, x - 3 * u, 0.5 * row, 1.1 * u, int(kinds[0]), style.ink)
    for i in range(n_people):
        y = (i + 1) * row
        if i == chosen:
            sheet.box(0, y, x, row, style.faint)
        avatar(sheet, 3.5 * u, y + row / 2, 0.36 * row, own)
        sheet.text(7.5 * u, y + 0.34 * row, person(own), style.head, 1.8 * u, style.ink, fit=x - 14 * u)
        sheet.text(7.5 * u, y + 0.68 * row, words(own, 3, 6), style.body, 1.4 * u, style.ink, fit=x - 9 * u)
        sheet.text(x - u, y + 0.34 * row, clock(own), style.body, 1.3 * u, style.ink, "r")
    sheet.text(x + 3 * u, 0.5 * row, person(own), style.head, 2.2 * u, style.ink)
    icons(sheet, w - 16 * u, 0.5 * row, 15 * u, 1.2 * u, kinds[:3], style.ink)
    sheet.box(x, row, w - x, 1, style.faint)
    y = row + 2 * u
    while y < h - 11 * u:
        mine, width = own.random() < 0.5, float(own.uniform(0.25, 0.6)) * (w - x)
        lines = filled(own, style.body, 1.7 * u, width - 3 * u, int(own.integers(1, 4)))
        fill = style.accent if mine else style.panel
        left = w - width - 2 * u if mine else x + 2 * u
        sheet.box(left, y, width, (2.6 * len(lines) + 1.6) * u, fill, u)
        for i, line in enumerate(lines):
            sheet.text(left + 1.5 * u, y + (2.1 + 2.6 * i) * u, line, style.body, 1.7 * u, ink_on(fill))
        y += (2.6 * len(lines) + 3) * u
    sheet.box(x, h - 6 * u, w - x, 6 * u, style.panel)
    sheet.text(x + 3 * u, h - 3 * u, prompt, style.body, 1.8 * u, style.faint)
    icon(sheet, w - 4 * u, h - 3 * u, 1.3 * u, 6, style.accent)
    return sheet.pixels


def _channels(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a room of a group: servers and channels at the left, messages with faces, some with a photograph."""
    w, h = extent(shared, (1.1, 1.6), (700, 1200))
    style, channels = random_style(shared, 0.7), [made_word(shared, 2) for _ in range(14)]
    servers, crew, group = shared.integers(0, 2**31, 7), shared.integers(0, 2**31, 6), title(shared, 1, 2)
    people = [handle(shared)[1:] for _ in range(6)]
    u = w / 100
    here = int(own.integers(10))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, 7 * u, h, mixed(style.ground, BLACK, 0.35))
    sheet.box(7 * u, 0, 22 * u, h, style.panel)
    for i, server in enumerate(servers):
        brand(sheet, 3.5 * u, (4 + 7 * i) * u, 4.6 * u, int(server), style.accent, style.second)
    sheet.text(9 * u, 3 * u, group, style.head, 2.1 * u, style.ink, fit=18 * u)
    for i, channel in enumerate(channels):
        if i == here:
            sheet.box(8 * u, (6 + 3.6 * i) * u, 20 * u, 3.2 * u, style.faint, 0.6 * u)
        sheet.text(9.5 * u, (7.6 + 3.6 * i) * u, f"# {channel}", style.body, 1.8 * u, style.ink)
    sheet.text(31 * u, 3 * u, f"# {channels[here]}", style.head, 2.1 * u, style.ink)
    sheet.box(29 * u, 6 * u, 71 * u, 1, style.faint)
    y = 8 * u
    while y < h - 12 * u:
        who = int(own.integers(6))
        avatar(sheet, 33 * u, y + 2 * u, 2.1 * u, np.random.default_rng(int(crew[who])))
        left = 37 * u + sheet.text(37 * u, y + u, people[who], style.head, 1.8 * u, style.accent)
        sheet.text(left + 1.5 * u, y + u, clock(own), style.body, 1.3 * u, style.ink)
        lines = filled(own, style.body, 1.7 * u, float(own.uniform(25, 58)) * u, int(own.integers(1, 4)))
        for i, line in enumerate(lines):
            sheet.text(37 * u, y + (3.6 + 2.5 * i) * u, line, style.body, 1.7 * u, style.ink)
        y += (4.6 + 2.5 * len(lines)) * u
        if own.random() < 0.2 and y < h - 24 * u:
            sheet.paste(photo_of(photos, own, 22 * u, 14 * u), 37 * u, y - u, 0.6 * u)
            y += 15 * u
    sheet.box(29 * u, h - 8 * u, 71 * u, 8 * u, style.ground)
    sheet.box(31 * u, h - 6.5 * u, 67 * u, 5 * u, style.panel, u)
    sheet.text(33 * u, h - 4 * u, f"Message # {channels[here]}", style.body, 1.7 * u, style.faint)
    return sheet.pixels


CHATS = family("chats", (_phone_chat, _desk_chat), (_channels,))
