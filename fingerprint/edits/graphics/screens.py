"""Terminals, editors of code and pages of sites: the windows of one program with other text."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.faces import Face, random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, icon, icons
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import clock, date, digits, made_word, pick, word, words
from fingerprint.types import U8

_KEYWORDS = "if for while return def class import from else try let const function var new public static void int"
_COMMANDS = "ls cd cat grep git make ssh sudo vim ps top find tar curl echo cp mv rm chmod docker python"


def _titlebar(sheet: Sheet, tall: float, colour: Colour, kind: int, text: str, face: Face) -> None:
    """Draw the bar of a window with its buttons, of one of three systems."""
    sheet.box(0, 0, sheet.width, tall, colour)
    sheet.text(sheet.width / 2, tall / 2, text, face, 0.45 * tall, ink_on(colour), "m")
    for i in range(3):
        if kind == 0:
            fill = ((255, 95, 86), (255, 189, 46), (39, 201, 63))[i]
            sheet.disc((0.6 + 0.75 * i) * tall, tall / 2, 0.22 * tall, fill)
        elif kind == 1:
            icon(sheet, sheet.width - (0.6 + 1.1 * i) * tall, tall / 2, 0.2 * tall, (11, 4, 3)[i], ink_on(colour))
        else:
            sheet.disc(sheet.width - (0.6 + 0.9 * i) * tall, tall / 2, 0.3 * tall, mixed(colour, WHITE, 0.25))


def _code_line(rng: Rng) -> list[tuple[str, int]]:
    """Draw a line of code: words with the number of their colour."""
    kind = rng.random()
    if kind < 0.12:
        return [(f"# {words(rng, 3, 7)}", 3)]
    if kind < 0.45:
        return [
            (made_word(rng, 2), 0),
            (" = ", 0),
            (made_word(rng, 2), 1),
            (f"({made_word(rng, 1)}, ", 0),
            (digits(rng, 2), 4),
            (")", 0),
        ]
    if kind < 0.75:
        tail = f"({word(rng)}, {word(rng)}):" if rng.random() < 0.5 else f" {word(rng)} == "
        return [(pick(rng, _KEYWORDS), 2), (f" {made_word(rng, 2)}", 1), (tail, 0), (f'"{word(rng)}"', 4)]
    return [(f"{word(rng)}.{made_word(rng, 2)}(", 0), (f"'{words(rng, 1, 3)}'", 4), (")", 0)]


def _terminal(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a window of a terminal: prompts, commands and what they print."""
    w, h = extent(shared, (1.1, 1.8), (500, 1200))
    face, size = random_face(shared, "fixed fixed bitmap sans"), shared.uniform(11, 19)
    ground = hsv(shared.random(), 0.5, shared.uniform(0, 0.25)) if shared.random() < 0.85 else (250, 248, 240)
    ink, inks = mixed(ground, ink_on(ground), 0.85), palette(shared, 4)
    bar, kind, user = shared.uniform(20, 32), int(shared.integers(3)), f"{made_word(shared, 2)}@{made_word(shared, 2)}"
    sign = pick(shared, "$ > # %")
    sheet = Sheet(w, h, ground)
    _titlebar(sheet, bar, mixed(ground, (128, 128, 128), 0.4), kind, user, face)
    y = bar + size
    while y < h - size:
        x = 8 + sheet.text(8, y, user, face, size, inks[0])
        x += sheet.text(x, y, f":~/{made_word(own, 2)}{sign} ", face, size, inks[1])
        sheet.text(
            x,
            y,
            f"{pick(own, _COMMANDS)} -{made_word(own, 1)} {made_word(own, 2)}.{pick(own, 'txt py sh log')}",
            face,
            size,
            ink,
        )
        form = int(own.integers(3))
        for _ in range(int(own.integers(0, 9))):
            y += 1.45 * size
            if form == 0:
                text = f"-rw-r--r--  1 {digits(own, 5)}  {date(own)}  {made_word(own, 3)}.{pick(own, 'txt py sh log')}"
            elif form == 1:
                text = words(own, 4, 11)
            else:
                text = f"[{clock(own)}:{digits(own, 2)}] {pick(own, 'INFO WARN DEBUG')} {words(own, 3, 7)}"
            sheet.text(8, y, text, face, size, ink if own.random() < 0.85 else inks[2])
        y += 1.45 * size
    return sheet.pixels


def _editor(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw an editor of code: line numbers, colours, a bar of tabs, a status line."""
    w, h = extent(shared, (0.9, 1.7), (500, 1200))
    style, face, size = (
        random_style(shared, 0.75),
        random_face(shared, "fixed fixed fixed bitmap"),
        shared.uniform(10, 18),
    )
    inks, status = [style.ink, *palette(shared, 4)], words(shared, 2, 4)
    bar, step, gutter = shared.uniform(22, 34), size * shared.uniform(1.35, 1.7), 4 * size
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, bar, style.panel)
    tab = int(own.integers(3))
    for i in range(3):
        sheet.box(8 + i * 0.2 * w, 3, 0.19 * w, bar - 3, style.ground if i == tab else style.faint, 4)
        sheet.text(16 + i * 0.2 * w, bar / 2, f"{made_word(own, 2)}.py", face, 0.8 * size, style.ink, fit=0.17 * w)
    sheet.box(0, bar, gutter, h, style.panel)
    first, indent, y, number = int(own.integers(1, 400)), 0, bar + step, 0
    while y < h - 1.5 * step:
        sheet.text(gutter - size, y, str(first + number), face, 0.9 * size, style.faint, "r")
        x = gutter + size + indent * 2 * size
        for part, colour in _code_line(own) if own.random() < 0.9 else ():
            x += sheet.text(x, y, part, face, size, inks[colour])
        indent = int(np.clip(indent + own.integers(-1, 2), 0, 4))
        y, number = y + step, number + 1
    sheet.box(0, h - 1.3 * step, w, 1.3 * step, style.accent)
    sheet.text(10, h - 0.65 * step, status, face, 0.8 * size, ink_on(style.accent))
    sheet.text(
        w - 10,
        h - 0.65 * step,
        f"Ln {first + number}, Col {int(own.integers(80))}",
        face,
        0.8 * size,
        ink_on(style.accent),
        "r",
    )
    return sheet.pixels


def _two_panes(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a file manager in text mode: two bordered panes, keys at the foot."""
    w, h = extent(shared, (1.2, 1.6), (600, 1200))
    face, hue = random_face(shared, "bitmap fixed fixed"), shared.random()
    ground, ink, bar = hsv(hue, 0.9, 0.5), hsv(hue + 0.5, 0.3, 0.95), hsv(hue + 0.1, 0.6, 0.7)
    size, keys = shared.uniform(11, 17), [made_word(shared, 2).title()[:6] for _ in range(10)]
    step = 1.5 * size
    sheet = Sheet(w, h, ground)
    sheet.box(0, 0, w, step, bar)
    for i, key in enumerate(keys[:5]):
        sheet.text((0.02 + 0.13 * i) * w, step / 2, key, face, size, ink_on(bar))
    for pane in range(2):
        x, y = pane * w / 2, step
        tall = h - 3 * step
        sheet.outline(x + 4, y + 6, w / 2 - 8, tall, ink, 2)
        sheet.outline(x + 7, y + 9, w / 2 - 14, tall - 6, ink, 1)
        sheet.text(x + w / 4, y + 8, f" /{made_word(own, 2)}/{made_word(own, 2)} ", face, size, ink, "m")
        n_rows = int((tall - 2 * step) / step)
        chosen = int(own.integers(n_rows))
        for i in range(n_rows):
            row = y + (i + 1.2) * step
            if i == chosen:
                sheet.box(x + 9, row - step / 2, w / 2 - 18, step, bar)
            sheet.text(
                x + 14, row, f"{made_word(own, 3)}.{pick(own, 'txt exe doc jpg dat')}", face, size, ink, fit=0.22 * w
            )
            sheet.text(x + 0.36 * w, row, digits(own, int(own.integers(3, 8))), face, size, ink, "r")
            sheet.text(x + w / 2 - 14, row, date(own), face, size, ink, "r", fit=0.12 * w)
            if i == 0:
                sheet.lines([[(x + k * w, y + 9), (x + k * w, y + tall)] for k in (0.24, 0.37)], ink, 1)
    for i, key in enumerate(keys):
        sheet.text(i * w / 10 + 4, h - step / 2, str(i + 1), face, size, ink)
        sheet.box(i * w / 10 + 1.8 * size, h - step, w / 10 - 2 * size, step, bar)
        sheet.text(i * w / 10 + 1.9 * size, h - step / 2, key, face, size, ink_on(bar), fit=w / 10 - 2.2 * size)
    return sheet.pixels


def _workbench(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a workbench for code: a tree of files, an editor, an output below, bars of icons."""
    w, h = extent(shared, (1.3, 1.8), (800, 1200))
    style, face = random_style(shared, 0.7), random_face(shared, "fixed sans fixed")
    inks, kinds = [style.ink, *palette(shared, 4)], shared.integers(0, N_ICONS, 16)
    tree = [(int(shared.integers(0, 3)), made_word(shared, 2)) for _ in range(40)]
    size, side, foot = shared.uniform(10, 15), shared.uniform(0.17, 0.26) * w, shared.uniform(0.65, 0.78) * h
    labels = [word(shared).title() for _ in range(7)]
    step, rail = 1.5 * size, 2.6 * size
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 2 * step, style.panel)
    for i, label in enumerate(labels):
        sheet.text(rail + i * 5 * size, 0.5 * step, label, style.body, size, style.ink)
    icons(sheet, rail, 1.5 * step, 0.5 * w, 0.42 * size, kinds, style.ink)
    sheet.box(0, 2 * step, rail, h, mixed(style.panel, BLACK, 0.2))
    for i in range(6):
        icon(sheet, rail / 2, 3.5 * step + i * 2 * step, 0.6 * size, int(kinds[i]), style.faint)
    sheet.box(rail, 2 * step, side - rail, h, style.panel)
    chosen = int(own.integers(18))
    for i, (depth, name) in enumerate(tree):
        y = (3 + i) * step
        if i == chosen:
            sheet.box(rail, y - step / 2, side - rail, step, style.accent, opacity=0.6)
        sheet.text(rail + (1 + depth) * size, y, f"{name}.c" if depth else name, style.body, size, style.ink)
    y = 3 * step
    while y < foot - step:
        x = side + (2 + 2 * int(own.integers(0, 4))) * size
        for part, colour in _code_line(own):
            x += sheet.text(x, y, part, face, size, inks[colour])
        y += step
    sheet.box(side, foot, w, h, style.panel)
    sheet.text(side + size, foot + 0.6 * step, labels[0].upper(), style.head, size, style.accent)
    y = foot + 1.8 * step
    while y < h - step:
        sheet.text(side + size, y, f"{made_word(own, 2)}.c:{digits(own, 3)}: {words(own, 4, 9)}", face, size, style.ink)
        y += step
    return sheet.pixels


TERMINALS = family("terminals", (_terminal, _editor), (_two_panes, _workbench))
