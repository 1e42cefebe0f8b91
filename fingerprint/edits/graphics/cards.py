"""Playing cards, icons and signs: the same border around other marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, hsv, ink_on, mixed, palette, random_style, side, vivid
from fingerprint.edits.graphics.wording import digits, made_word, slogan, title
from fingerprint.types import U8


def _pip(sheet: Sheet, x: float, y: float, r: float, suit: int, colour: Colour) -> None:
    """Draw a suit of cards: diamond, heart, spade or club."""
    if suit == 0:
        sheet.polygon([(x, y - r), (x + 0.7 * r, y), (x, y + r), (x - 0.7 * r, y)], colour)
        return
    if suit == 3:
        for dx, dy in ((0, -0.45), (-0.5, 0.2), (0.5, 0.2)):
            sheet.disc(x + dx * r, y + dy * r, 0.45 * r, colour)
    else:
        sign = 1 if suit == 1 else -1
        for dx in (-0.42, 0.42):
            sheet.disc(x + dx * r, y - 0.3 * sign * r, 0.5 * r, colour)
        sheet.polygon(
            [(x - 0.88 * r, y - 0.1 * sign * r), (x + 0.88 * r, y - 0.1 * sign * r), (x, y + sign * r)], colour
        )
    if suit > 1:
        sheet.polygon([(x, y), (x + 0.3 * r, y + r), (x - 0.3 * r, y + r)], colour)


def _hand_of_cards(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a few playing cards of one pack on a table."""
    w, n_cards = side(shared, 450, 1000), int(shared.integers(2, 6))
    style, table, radius, back = (
        random_style(shared, 0),
        hsv(shared.uniform(0.25, 0.7), 0.6, 0.4),
        shared.uniform(0.04, 0.1),
        vivid(shared),
    )
    h = round(0.6 * w)
    chosen = own.permutation(52)[:n_cards]
    sheet = Sheet(w, h, table)
    sheet.ring(w / 2, h / 2, 0.47 * w, mixed(table, WHITE, 0.2), 3, 0.44 * h)
    width = min(0.85 * w / n_cards, 0.5 * h)
    tall = 1.45 * width
    for i, card in enumerate(chosen):
        suit, rank = int(card) % 4, int(card) // 4
        colour = (200, 30, 40) if suit < 2 else (25, 25, 30)
        x, y = w / 2 + (i - n_cards / 2) * width * 1.05, (h - tall) / 2
        sheet.box(x, y, width, tall, mixed(WHITE, back, 0.03), radius * width)
        sheet.outline(x, y, width, tall, mixed(table, BLACK, 0.5), 1, radius * width)
        name = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")[rank]
        for side_x, side_y in ((0.13, 0.1), (0.87, 0.9)):
            sheet.text(x + side_x * width, y + side_y * tall, name, style.head, 0.17 * width, colour, "m")
            _pip(
                sheet,
                x + side_x * width,
                y + (side_y + (0.11 if side_y < 0.5 else -0.11)) * tall,
                0.07 * width,
                suit,
                colour,
            )
        if rank == 0 or rank > 9:
            sheet.outline(x + 0.24 * width, y + 0.18 * tall, 0.52 * width, 0.64 * tall, back, 2)
            _pip(sheet, x + width / 2, y + tall / 2, 0.22 * width, suit, colour)
        else:
            for k in range(rank + 1):
                column, line = k % 2, k // 2
                px = 0.5 if k == rank and rank % 2 == 0 else 0.35 + 0.3 * column
                _pip(
                    sheet,
                    x + px * width,
                    y + (0.22 + 0.56 * line / max(1, (rank + 1) // 2)) * tall,
                    0.08 * width,
                    suit,
                    colour,
                )
    return sheet.pixels


def _icon_grid(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a screen of icons in rounded squares with names, a wallpaper, a dock."""
    w = side(shared, 400, 700)
    columns, rows, style = int(shared.integers(3, 6)), int(shared.integers(4, 8)), random_style(shared, 0.5)
    radius, dock, kinds, colours = (
        shared.uniform(0.1, 0.5),
        shared.integers(0, N_ICONS, 6),
        shared.integers(0, 10**6, columns),
        palette(shared, 6),
    )
    cell = w / columns
    sheet = Sheet(w, round(cell * (rows + 1.4)), BLACK)
    sheet.fade(0, 0, w, sheet.height, style.accent, style.second)
    for i in range(columns * rows):
        x, y = (i % columns + 0.5) * cell, (i // columns + 0.55) * cell
        colour = vivid(own)
        sheet.box(x - 0.3 * cell, y - 0.3 * cell, 0.6 * cell, 0.6 * cell, colour, radius * 0.6 * cell)
        icon(sheet, x, y, 0.16 * cell, int(own.integers(N_ICONS)), ink_on(colour))
        sheet.text(x, y + 0.4 * cell, made_word(own, 2).title(), style.body, 0.1 * cell, WHITE, "m", fit=0.9 * cell)
    y = cell * (rows + 0.2)
    sheet.box(0.05 * w, y, 0.9 * w, 1.05 * cell, WHITE, 0.2 * cell, opacity=0.35)
    for i in range(columns):
        brand(
            sheet,
            (i + 0.5) * cell,
            y + 0.52 * cell,
            0.6 * cell,
            int(kinds[i]),
            colours[i % 6],
            colours[int(dock[i]) % 6],
        )
    return sheet.pixels


def _game_card(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a card of a game of collecting: border, title, drawn monster, lines of text, numbers in discs."""
    w = side(shared, 350, 700)
    style, kind_line, corner = random_style(shared, 0), title(shared, 1, 2), shared.uniform(0.03, 0.09)
    stripe, edition = shared.uniform(0.01, 0.04), f"{made_word(shared, 1).upper()} {digits(shared, 2)}"
    h = round(1.4 * w)
    colour = vivid(own)
    sheet = Sheet(w, h, BLACK)
    sheet.box(0.03 * w, 0.03 * w, 0.94 * w, h - 0.06 * w, style.accent, corner * w)
    sheet.box(
        (0.03 + stripe) * w,
        (0.03 + stripe) * w,
        (0.94 - 2 * stripe) * w,
        h - (0.06 + 2 * stripe) * w,
        style.panel,
        corner * w,
    )
    sheet.box(0.09 * w, 0.08 * w, 0.82 * w, 0.11 * w, style.ground, 0.03 * w)
    sheet.text(0.12 * w, 0.135 * w, title(own, 1, 2), style.head, 0.075 * w, style.ink, fit=0.6 * w)
    sheet.disc(0.86 * w, 0.135 * w, 0.045 * w, style.second)
    sheet.text(0.86 * w, 0.135 * w, digits(own, 1), style.head, 0.06 * w, ink_on(style.second), "m")
    sheet.fade(0.09 * w, 0.21 * w, 0.82 * w, 0.56 * w, mixed(colour, WHITE, 0.7), mixed(colour, BLACK, 0.4))
    x, y, r = 0.5 * w, 0.5 * w, own.uniform(0.14, 0.2) * w
    sheet.polygon(
        star_points(x, y, 1.3 * r, int(own.integers(5, 16)), own.uniform(0.5, 0.9), own.uniform(0, 1)), colour
    )
    for dx in (-0.4, 0.4):
        sheet.disc(x + dx * r, y - 0.15 * r, own.uniform(0.15, 0.3) * r, WHITE)
        sheet.disc(x + dx * r, y - 0.1 * r, 0.1 * r, BLACK)
    sheet.line(arc(x, y + own.uniform(0.1, 0.4) * r, 0.5 * r, 0.3, 2.8, own.uniform(0.1, 0.4) * r), BLACK, 0.08 * r)
    sheet.box(0.09 * w, 0.79 * w, 0.82 * w, 0.08 * w, style.ground, 0.02 * w)
    sheet.text(0.12 * w, 0.83 * w, kind_line, style.body, 0.05 * w, style.ink)
    sheet.box(0.09 * w, 0.89 * w, 0.82 * w, 0.38 * w, style.ground)
    for i in range(5):
        sheet.text(
            0.12 * w, (0.94 + 0.065 * i) * w, title(own, 3, 5).lower(), style.body, 0.045 * w, style.ink, fit=0.76 * w
        )
    sheet.box(0.7 * w, 1.24 * w, 0.22 * w, 0.09 * w, style.second, 0.03 * w)
    sheet.text(
        0.81 * w, 1.285 * w, f"{digits(own, 1)}/{digits(own, 1)}", style.head, 0.07 * w, ink_on(style.second), "m"
    )
    sheet.text(0.09 * w, 1.32 * w, edition, style.body, 0.03 * w, style.ink)
    return sheet.pixels


def _buttons(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw one sign for a door or a road on the same plate."""
    w, shape, style = side(shared, 300, 600), int(shared.integers(4)), random_style(shared)
    plate, rim, line, holes = vivid(shared), shared.uniform(0.03, 0.08), slogan(shared, 1, 2), shared.random() < 0.5
    sheet = Sheet(w, w, style.panel)
    drawn: Sequence[Callable[[float, Colour], None]] = (
        lambda k, colour: sheet.disc(w / 2, w / 2, 0.46 * w * k, colour),
        lambda k, colour: sheet.box(
            w / 2 - 0.45 * w * k, w / 2 - 0.45 * w * k, 0.9 * w * k, 0.9 * w * k, colour, 0.1 * w
        ),
        lambda k, colour: sheet.polygon(star_points(w / 2, w / 2, 0.48 * w * k, 4, 0.7071, np.pi / 4), colour),
        lambda k, colour: sheet.polygon(star_points(w / 2, w / 2, 0.49 * w * k, 4, 0.93, np.pi / 8), colour),
    )
    for k, colour in ((1.0, ink_on(plate)), (1 - rim, plate), (1 - 2 * rim, ink_on(plate)), (1 - 2.6 * rim, plate)):
        drawn[shape](k, colour)
    icon(
        sheet,
        w / 2,
        0.43 * w,
        own.uniform(0.13, 0.19) * w,
        int(own.integers(N_ICONS)),
        ink_on(plate),
        own.uniform(0.025, 0.05) * w,
    )
    sheet.text(w / 2, 0.71 * w, f"{line} {digits(own, 2)}", style.head, 0.09 * w, ink_on(plate), "m", fit=0.5 * w)
    for x in (0.14, 0.86) if holes else ():
        sheet.disc(x * w, w / 2, 0.015 * w, style.ink)
    return sheet.pixels


CARDS = family("cards", (_hand_of_cards, _icon_grid), (_game_card, _buttons))
