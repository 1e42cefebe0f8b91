"""Pages of sites: one design with other text and photographs."""

from __future__ import annotations

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icons, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import Style, extent, hsv, ink_on, random_style
from fingerprint.edits.graphics.wording import amount, digits, domain, filled, pick, title, words, wrapped
from fingerprint.types import U8


def _lines(sheet: Sheet, x: float, y: float, width: float, n: int, size: float, style: Style, own: Rng) -> None:
    """Write running text."""
    for i, line in enumerate(filled(own, style.body, size, width, n, ragged=0.1)):
        sheet.text(x, y + 1.5 * size * i, line, style.body, size, style.ink)


def _head(sheet: Sheet, shared: Rng, style: Style, tall: float) -> None:
    """Draw the head of a site: mark, name, menu, search, all of the template."""
    u, coloured = sheet.width / 100, shared.random() < 0.5
    ground = style.accent if coloured else style.panel
    seed, name, kinds = int(shared.integers(10**6)), title(shared, 1, 2), shared.integers(0, N_ICONS, 3)
    menu = [title(shared, 1, 1) for _ in range(6)]
    sheet.box(0, 0, sheet.width, tall, ground)
    brand(sheet, 4 * u, tall / 2, 0.6 * tall, seed, style.second, ink_on(ground))
    sheet.text(8 * u, tall / 2, name, style.head, 0.4 * tall, ink_on(ground), fit=20 * u)
    for i, entry in enumerate(menu):
        sheet.text((31 + 9 * i) * u, tall / 2, entry, style.body, 0.25 * tall, ink_on(ground), fit=8 * u)
    icons(sheet, 87 * u, tall / 2, 12 * u, 0.14 * tall, kinds, ink_on(ground))


def _magazine(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a page of news: a leading story, columns of smaller ones, a list at the side."""
    w, h = extent(shared, (0.8, 1.6), (700, 1200))
    style, columns, section = random_style(shared), int(shared.integers(2, 5)), title(shared, 1, 1)
    tall, lead = shared.uniform(6, 10) * w / 100, shared.uniform(0.4, 0.6)
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    _head(sheet, shared, style, tall)
    y, main = tall + 3 * u, 70.0
    sheet.paste(photo_of(photos, own, main * lead * u, 24 * u), 2 * u, y)
    left, width = (4 + main * lead) * u, main * (1 - lead) * u - 3 * u
    for i, line in enumerate(wrapped(title(own, 4, 7), 3)[:3]):
        sheet.text(left, y + (2 + 4 * i) * u, line, style.head, 3 * u, style.ink, fit=width)
    _lines(sheet, left, y + 14 * u, width, 4, 1.6 * u, style, own)
    sheet.box(2 * u, y + 26 * u, main * u, 0.3 * u, style.accent)
    step = main / columns
    top = y + 28 * u
    while top < h:
        for i in range(columns):
            x = (2 + step * i) * u
            sheet.paste(photo_of(photos, own, (step - 2) * u, (step - 2) * 0.6 * u), x, top)
            sheet.text(
                x, top + (step * 0.6 + 1.5) * u, title(own, 2, 4), style.head, 1.9 * u, style.ink, fit=(step - 2) * u
            )
            _lines(sheet, x, top + (step * 0.6 + 4.5) * u, (step - 2) * u, 3, 1.4 * u, style, own)
        top += (step * 0.6 + 12) * u
    sheet.box(75 * u, y, 23 * u, h, style.panel)
    sheet.text(76.5 * u, y + 2.5 * u, section, style.head, 2.4 * u, style.accent)
    for i in range(int((h - y) / (6 * u))):
        sheet.text(76.5 * u, y + (7 + 6 * i) * u, str(i + 1), style.head, 2.6 * u, style.second)
        for j in range(2):
            sheet.text(
                80 * u, y + (6.2 + 2 * j + 6 * i) * u, words(own, 2, 4), style.body, 1.4 * u, style.ink, fit=17 * u
            )
    return sheet.pixels


def _shop(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the page of a shop: filters at the side, a grid of things with prices and stars."""
    w, h = extent(shared, (0.8, 1.6), (700, 1200))
    style, columns, button = random_style(shared, 0.15), int(shared.integers(3, 5)), title(shared, 1, 2)
    filters, currency, tall = (
        [title(shared, 1, 2) for _ in range(12)],
        pick(shared, "$ EUR kr Fr"),
        shared.uniform(6, 9) * w / 100,
    )
    radius, boxed = shared.uniform(0, 1.2), shared.random() < 0.5
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    _head(sheet, shared, style, tall)
    for i, entry in enumerate(filters):
        y = tall + (4 + 4 * i) * u
        heading = i % 4 == 0
        if not heading:
            sheet.outline(2 * u, y - 0.8 * u, 1.6 * u, 1.6 * u, style.ink, 1)
        sheet.text(
            (2 if heading else 4.5) * u, y, entry, style.head if heading else style.body, 1.8 * u, style.ink, fit=14 * u
        )
    step = 80 / columns
    y = tall + 2 * u
    while y < h:
        for i in range(columns):
            x, width = (20 + step * i) * u, (step - 2) * u
            if boxed:
                sheet.box(x - 0.5 * u, y - 0.5 * u, width + u, width + 12 * u, style.panel, radius * u)
            sheet.paste(photo_of(photos, own, width, width), x, y, radius * u)
            sheet.text(x, y + width + 2 * u, title(own, 2, 3), style.body, 1.7 * u, style.ink, fit=width)
            stars = int(own.integers(1, 6))
            for j in range(5):
                colour = (240, 180, 30) if j < stars else style.faint
                sheet.polygon(star_points(x + (1 + 2 * j) * u, y + width + 4.5 * u, 0.9 * u, 5, 0.42), colour)
            price = f"{currency} {amount(own, 300)}"
            sheet.text(x, y + width + 7.5 * u, price, style.head, 2.2 * u, style.accent, fit=0.6 * width)
            sheet.box(x + 0.62 * width, y + width + 6 * u, 0.38 * width, 3 * u, style.accent, 0.6 * u)
            sheet.text(
                x + 0.81 * width,
                y + width + 7.5 * u,
                button,
                style.body,
                1.3 * u,
                ink_on(style.accent),
                "m",
                fit=0.34 * width,
            )
        y += width + 14 * u
    return sheet.pixels


def _encyclopedia(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw an article: a menu at the left, running text with headings, a box of facts at the right."""
    w, h = extent(shared, (0.8, 1.5), (700, 1200))
    style, seed, menu = (
        random_style(shared, 0.15),
        int(shared.integers(10**6)),
        [title(shared, 1, 2) for _ in range(16)],
    )
    tabs, facts, link = (
        [title(shared, 1, 1) for _ in range(4)],
        [title(shared, 1, 1) for _ in range(7)],
        hsv(0.6, 0.7, 0.7),
    )
    u = w / 100
    sheet = Sheet(w, h, style.panel)
    sheet.box(17 * u, 5 * u, 83 * u, h, style.ground)
    brand(sheet, 8 * u, 7 * u, 10 * u, seed, style.accent, style.second)
    for i, entry in enumerate(menu):
        sheet.text(2 * u, (16 + 2.8 * i + 2 * (i // 5)) * u, entry, style.body, 1.5 * u, link, fit=14 * u)
    for i, tab in enumerate(tabs):
        sheet.text((20 + 10 * i) * u, 3.6 * u, tab, style.body, 1.6 * u, link)
    sheet.text(20 * u, 9 * u, title(own, 1, 3), style.head, 3.6 * u, style.ink, fit=50 * u)
    sheet.box(20 * u, 12 * u, 77 * u, 1, style.faint)
    sheet.box(72 * u, 14 * u, 25 * u, 44 * u, style.panel)
    sheet.paste(photo_of(photos, own, 23 * u, 18 * u), 73 * u, 15 * u)
    for i, fact in enumerate(facts):
        sheet.text(73 * u, (36 + 3 * i) * u, fact, style.head, 1.5 * u, style.ink, fit=9 * u)
        sheet.text(83 * u, (36 + 3 * i) * u, words(own, 1, 3), style.body, 1.5 * u, link, fit=13 * u)
    y = 14.5 * u
    while y < h:
        n = int(own.integers(4, 9))
        _lines(sheet, 20 * u, y, (50 if y < 58 * u else 76) * u, n, 1.55 * u, style, own)
        y += (2.33 * n + 2.5) * u
        sheet.text(20 * u, y, title(own, 1, 3), style.head, 2.4 * u, style.ink)
        sheet.box(20 * u, y + 1.8 * u, (50 if y < 56 * u else 77) * u, 1, style.faint)
        y += 4.5 * u
    return sheet.pixels


def _results(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the results of a search engine: address, title, two lines each."""
    w, h = extent(shared, (0.8, 1.5), (600, 1200))
    style, name, tabs = random_style(shared, 0.3), title(shared, 1, 1), [title(shared, 1, 1) for _ in range(5)]
    link, kinds, rounded = hsv(0.62, 0.7, 0.75), shared.integers(0, N_ICONS, 3), shared.uniform(0, 2.4)
    indent, line = shared.uniform(4, 18), words(shared, 1, 2)
    u = w / 100
    sheet = Sheet(w, h, style.ground)
    sheet.text(3 * u, 6 * u, name, style.head, 4.5 * u, style.accent, fit=15 * u)
    sheet.outline(22 * u, 3.4 * u, 52 * u, 5 * u, style.faint, 0.2 * u, rounded * u)
    query = words(own, 2, 4)
    sheet.text(24 * u, 6 * u, query, style.body, 2.2 * u, style.ink)
    icons(sheet, 66 * u, 6 * u, 8 * u, 1.1 * u, [0, 11], style.accent)
    icons(sheet, 82 * u, 6 * u, 16 * u, 1.3 * u, kinds, style.ink)
    for i, tab in enumerate(tabs):
        sheet.text((indent + 10 * i) * u, 12 * u, tab, style.body, 1.8 * u, style.accent if i == 0 else style.ink)
    sheet.box(indent * u, 13.8 * u, 8 * u, 0.3 * u, style.accent)
    sheet.text(indent * u, 18 * u, f"{digits(own, 3)},000 {line}", style.body, 1.5 * u, style.faint)
    y = 22 * u
    while y < h:
        sheet.text(indent * u, y, f"{domain(own)}/{words(own, 1, 1)}", style.body, 1.5 * u, style.ink)
        sheet.text(
            indent * u, y + 3 * u, title(own, 3, 6), style.head, 2.3 * u, link if own.random() < 0.8 else (110, 60, 160)
        )
        _lines(sheet, indent * u, y + 6 * u, 58 * u, 2, 1.6 * u, style, own)
        y += 14 * u
    return sheet.pixels


SITES = family("sites", (_magazine, _shop), (_encyclopedia, _results))
