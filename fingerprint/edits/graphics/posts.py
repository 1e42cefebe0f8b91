"""Posts in social networks: the screens of one app with other content."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, any_photo, avatar, brand, fitted, icon, icons, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, ink_on, mixed, random_style, side
from fingerprint.edits.graphics.wording import (
    clock,
    handle,
    made_word,
    person,
    pick,
    slogan,
    title,
    words,
    wrapped,
)
from fingerprint.types import U8


def _story(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a story on a phone: bars of progress, the account, a photograph, a line to answer in."""
    w, h = extent(shared, (0.5, 0.6), (600, 1100))
    style, seed, account = random_style(shared, 0.7), int(shared.integers(2**31)), handle(shared)
    n_bars, kinds, prompt = int(shared.integers(2, 7)), shared.integers(0, N_ICONS, 3), words(shared, 2, 3)
    full, sticker, where = shared.random() < 0.5, slogan(shared, 1, 3), shared.uniform(0.2, 0.7)
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    if full:
        sheet.paste(photo_of(photos, own, w, h), 0, 0)
        sheet.box(0, 0, w, 22 * u, BLACK, opacity=0.35)
        sheet.box(0, h - 20 * u, w, 20 * u, BLACK, opacity=0.4)
    else:
        sheet.fade(0, 0, w, h, style.accent, mixed(style.accent, style.second, 0.7))
        sheet.paste(photo_of(photos, own, 84 * u, 0.62 * h), 8 * u, 0.18 * h, 4 * u)
    done = int(own.integers(n_bars)) + 1
    for i in range(n_bars):
        width = 94 * u / n_bars
        sheet.box(3 * u + i * width, 3 * u, width - 1.5 * u, u, WHITE, 0.5 * u, opacity=1 if i < done else 0.4)
    avatar(sheet, 10 * u, 12 * u, 5.5 * u, np.random.default_rng(seed))
    sheet.text(18 * u, 12 * u, account, style.head, 4.5 * u, WHITE, fit=45 * u)
    sheet.text(97 * u, 12 * u, f"{int(own.integers(1, 24))} h", style.body, 4 * u, WHITE, "r")
    sheet.box(20 * u, where * h, 60 * u, 11 * u, WHITE, 3 * u)
    sheet.text(50 * u, where * h + 5.5 * u, sticker, style.head, 6 * u, style.accent, "m", fit=56 * u)
    sheet.outline(4 * u, h - 15 * u, 64 * u, 11 * u, WHITE, 0.6 * u, 5.5 * u)
    sheet.text(9 * u, h - 9.5 * u, prompt, style.body, 4 * u, WHITE)
    icons(sheet, 70 * u, h - 9.5 * u, 28 * u, 3 * u, kinds, WHITE)
    return sheet.pixels


def _post(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a post in an app: bar, account, photograph, buttons, likes, comments, tabs."""
    w = side(shared, 380, 640)
    style, app, seed = random_style(shared), made_word(shared, 2), int(shared.integers(2**31))
    account, same, tabs, kinds = (
        handle(shared),
        shared.random() < 0.6,
        shared.integers(0, N_ICONS, 5),
        shared.integers(0, N_ICONS, 4),
    )
    ratio = float(shared.choice([0.75, 1.0, 1.25]))
    u = w / 100
    sheet = Sheet(w, round((20 + 16 + 100 * ratio + 48) * u), style.ground)
    sheet.box(0, 0, w, 15 * u, style.panel)
    sheet.text(5 * u, 7.5 * u, app.title(), style.head, 8 * u, style.accent)
    icons(sheet, 72 * u, 7.5 * u, 27 * u, 2.8 * u, kinds[:2], style.ink)
    who = np.random.default_rng(seed if same else int(own.integers(2**31)))
    avatar(sheet, 9 * u, 24 * u, 6 * u, who)
    sheet.text(18 * u, 22 * u, account if same else handle(own), style.head, 4.5 * u, style.ink)
    sheet.text(18 * u, 27 * u, title(own, 1, 2), style.body, 3.3 * u, mixed(style.ink, style.ground, 0.4))
    sheet.lines([[(92 * u, 24 * u), (96 * u, 24 * u)]], style.ink, u)
    sheet.paste(photo_of(photos, own, w, 100 * u * ratio), 0, 33 * u)
    y = (38 + 100 * ratio) * u
    icons(sheet, 2 * u, y, 34 * u, 3 * u, kinds[:3], style.ink)
    icon(sheet, 94 * u, y, 3 * u, int(kinds[3]), style.ink)
    sheet.text(4 * u, y + 8 * u, f"{int(own.integers(10, 9000)):,} likes", style.head, 4 * u, style.ink)
    for i in range(2):
        sheet.text(4 * u, y + (14 + 6 * i) * u, words(own, 4, 7), style.body, 3.8 * u, style.ink, fit=92 * u)
    sheet.box(0, sheet.height - 14 * u, w, 14 * u, style.panel)
    icons(sheet, 0, sheet.height - 7 * u, w, 3.2 * u, tabs, style.ink)
    return sheet.pixels


def _listing(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw an offer in an app: photograph with dots below, price, title, facts with icons, a seller, a button."""
    w = side(shared, 380, 620)
    style, kinds, call, ratio = (
        random_style(shared, 0.2),
        shared.integers(0, N_ICONS, 6),
        title(shared, 1, 2),
        shared.uniform(0.7, 1.1),
    )
    labels, dots, radius, currency = (
        [title(shared, 1, 1) for _ in range(3)],
        int(shared.integers(3, 8)),
        shared.uniform(0, 4),
        pick(shared, "$ EUR kr Fr"),
    )
    u = w / 100
    sheet = Sheet(w, round((100 * ratio + 82) * u), style.ground)
    sheet.paste(photo_of(photos, own, w, 100 * u * ratio), 0, 0)
    for x, kind in ((8, 11), (80, kinds[0]), (92, kinds[1])):
        sheet.disc(x * u, 9 * u, 5 * u, WHITE, opacity=0.85)
        icon(sheet, x * u, 9 * u, 2.2 * u, int(kind), BLACK)
    shown = int(own.integers(dots))
    for i in range(dots):
        fill = style.accent if i == shown else style.faint
        sheet.disc(50 * u + (i - dots / 2 + 0.5) * 4 * u, (100 * ratio + 4) * u, u, fill)
    y = (100 * ratio + 12) * u
    sheet.text(5 * u, y, f"{currency} {int(own.integers(5, 2000))}", style.head, 8 * u, style.accent)
    sheet.text(5 * u, y + 10 * u, title(own, 2, 5), style.head, 5.5 * u, style.ink, fit=90 * u)
    for i, label in enumerate(labels):
        icon(sheet, (9 + 31 * i) * u, y + 20 * u, 2.5 * u, int(kinds[2 + i]), style.second)
        sheet.text((14 + 31 * i) * u, y + 18.5 * u, label, style.body, 3 * u, style.ink, fit=20 * u)
        sheet.text((14 + 31 * i) * u, y + 22.5 * u, title(own, 1, 1), style.body, 3.4 * u, style.ink, fit=20 * u)
    sheet.box(5 * u, y + 28 * u, 90 * u, 16 * u, style.panel, radius * u)
    avatar(sheet, 14 * u, y + 36 * u, 5.5 * u, own)
    sheet.text(22 * u, y + 34 * u, person(own), style.head, 4.2 * u, style.ink, fit=50 * u)
    sheet.text(22 * u, y + 39.5 * u, f"{int(own.integers(1, 300))} {labels[0].lower()}", style.body, 3.3 * u, style.ink)
    sheet.box(5 * u, y + 50 * u, 90 * u, 13 * u, style.accent, radius * u)
    sheet.text(50 * u, y + 56.5 * u, call, style.head, 5 * u, ink_on(style.accent), "m", fit=80 * u)
    return sheet.pixels


def _short_message(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a short message with a photograph in round corners, and its counts."""
    w = side(shared, 450, 800)
    style, seed, name, account = random_style(shared, 0.4), int(shared.integers(2**31)), person(shared), handle(shared)
    same, kinds, button = (
        shared.random() < 0.6,
        shared.integers(0, N_ICONS, 4),
        pick(shared, ["Follow", "Subscribe", "Join"]),
    )
    ratio, radius = shared.uniform(0.5, 0.8), shared.uniform(1, 4)
    text = words(own, 8, 22)
    u = w / 100
    lines = wrapped(text, 1 + len(text) // 45)
    sheet = Sheet(w, round((26 + 6 * len(lines) + 88 * ratio + 26) * u), style.ground)
    avatar(sheet, 11 * u, 12 * u, 6 * u, np.random.default_rng(seed if same else int(own.integers(2**31))))
    sheet.text(20 * u, 9.5 * u, name if same else person(own), style.head, 4.6 * u, style.ink, fit=45 * u)
    sheet.text(
        20 * u, 15 * u, account if same else handle(own), style.body, 3.8 * u, mixed(style.ink, style.ground, 0.45)
    )
    sheet.box(74 * u, 7.5 * u, 21 * u, 8.5 * u, style.accent, 4.2 * u)
    sheet.text(84.5 * u, 11.7 * u, button, style.head, 3.8 * u, ink_on(style.accent), "m", fit=18 * u)
    for i, line in enumerate(lines):
        sheet.text(6 * u, (25 + 6 * i) * u, line, style.body, 4.3 * u, style.ink, fit=88 * u)
    y = (25 + 6 * len(lines)) * u
    sheet.paste(photo_of(photos, own, 88 * u, 88 * u * ratio), 6 * u, y, radius * u)
    y += 88 * u * ratio + 6 * u
    sheet.text(
        6 * u,
        y,
        f"{clock(own)} - {int(own.integers(1, 29))}.{int(own.integers(1, 13))}.",
        style.body,
        3.5 * u,
        mixed(style.ink, style.ground, 0.45),
    )
    sheet.box(6 * u, y + 5 * u, 88 * u, 1, style.faint)
    for i in range(4):
        icon(sheet, (10 + 23 * i) * u, y + 12 * u, 2.6 * u, int(kinds[i]), mixed(style.ink, style.ground, 0.3))
        sheet.text((15 + 23 * i) * u, y + 12 * u, str(int(own.integers(1, 3000))), style.body, 3.5 * u, style.ink)
    return sheet.pixels


def _player(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the player of a site for videos: picture, controls, title, channel, what comes next."""
    w, h = extent(shared, (1.3, 1.6), (700, 1200))
    style, site, seed = random_style(shared, 0.5), made_word(shared, 2).title(), int(shared.integers(2**31))
    kinds, labels = shared.integers(0, N_ICONS, 5), [title(shared, 1, 1) for _ in range(3)]
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    brand(sheet, 4 * u, 3 * u, 3.4 * u, seed, style.accent, style.second)
    sheet.text(7 * u, 3 * u, site, style.head, 2.8 * u, style.ink)
    sheet.outline(32 * u, 1.2 * u, 36 * u, 3.6 * u, style.faint, 1, 1.8 * u)
    icon(sheet, 65.5 * u, 3 * u, u, 0, style.ink)
    sheet.paste(photo_of(photos, own, 65 * u, 37 * u), 2 * u, 7 * u)
    sheet.fade(2 * u, 40 * u, 65 * u, 4 * u, (60, 60, 60), BLACK)
    share = float(own.uniform(0.05, 0.95))
    sheet.box(3 * u, 40.3 * u, 63 * u, 0.5 * u, (150, 150, 150))
    sheet.box(3 * u, 40.3 * u, 63 * share * u, 0.5 * u, style.accent)
    sheet.disc((3 + 63 * share) * u, 40.5 * u, 0.8 * u, style.accent)
    icon(sheet, 5 * u, 42.4 * u, 1.0 * u, 8, WHITE)
    icons(sheet, 52 * u, 42.4 * u, 14 * u, 0.9 * u, kinds[:4], WHITE)
    sheet.text(2 * u, 47 * u, title(own, 4, 8), style.head, 2.6 * u, style.ink, fit=64 * u)
    avatar(sheet, 4.5 * u, 52.5 * u, 2.3 * u, own)
    sheet.text(8 * u, 52.5 * u, person(own), style.body, 1.9 * u, style.ink)
    for i, label in enumerate(labels):
        sheet.box((42 + 8.5 * i) * u, 50.8 * u, 8 * u, 3.4 * u, style.panel, 1.7 * u)
        sheet.text((46 + 8.5 * i) * u, 52.5 * u, label, style.body, 1.6 * u, style.ink, "m", fit=7 * u)
    for i in range(int((h / u - 8) / 11)):
        sheet.paste(fitted(any_photo(photos, own), own, 14 * u, 9 * u), 70 * u, (7 + 11 * i) * u)
        for j in range(2):
            sheet.text(85 * u, (9 + 3 * j + 11 * i) * u, title(own, 2, 3), style.body, 1.5 * u, style.ink, fit=14 * u)
    return sheet.pixels


POSTS = family("posts", (_story, _post, _listing), (_short_message, _player))
