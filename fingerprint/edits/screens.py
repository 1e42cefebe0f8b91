"""The `screenshot` edit: a drawn screen of a phone, a web page or a chat with the picture in the middle of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerprint.edits.canvas import Colour, EditContext, Edited, moved, paste, resize, translation
from fingerprint.edits.widgets import LINES, NAMES, TITLES, Screen


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where the picture goes, in pixels of the screen."""

    x: int
    y: int
    width: int
    height: int


def screenshot(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Show it on a drawn screen of a phone, a web page, a chat or a viewer, at 25 to 80 % of the screen's width."""
    height, width = edited.pixels.shape[:2]
    layout = (_phone, _phone, _web, _web, _chat, _viewer)[int(rng.integers(6))]
    screen, slot = layout(width / height, rng, context)
    canvas = np.array(screen.image)
    factor = min(slot.width / width, slot.height / height)
    patch, step = resize(edited.pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    letterbox: Colour = (0, 0, 0) if rng.random() < 0.6 else (255, 255, 255) if rng.random() < 0.6 else screen.panel
    canvas[slot.y : slot.y + slot.height, slot.x : slot.x + slot.width] = letterbox
    x, y = slot.x + (slot.width - patch.shape[1]) // 2, slot.y + (slot.height - patch.shape[0]) // 2
    return moved(edited, (paste(canvas, patch, x, y), translation(x, y) @ step))


def _slot_height(width: float, shape: float, limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Return the slot's height, within limits: of a fixed shape, which leaves bars, or of the picture's own."""
    height = width / shape if rng.random() < 0.4 else width * float(rng.choice([0.56, 0.75, 1.0, 1.25]))
    return float(np.clip(height, *limits))


def _phone(shape: float, rng: np.random.Generator, context: EditContext) -> tuple[Screen, _Slot]:
    """Draw a post in an app: status, header, stories, author, the picture, buttons, comments, tabs."""
    s = Screen(w := rng.uniform(360, 480), w * rng.uniform(1.6, 2.1), rng, context)
    u, w, h = s.width / 100, s.width, s.height
    s.text(4 * u, 3.5 * u, 3.5 * u, ("9:41", "12:30", "17:05", "08:12"))
    s.icons(80 * u, 3.5 * u, 18 * u, 1.3 * u, 3)
    s.text(5 * u, 12 * u, 6.5 * u, TITLES, s.accent)
    s.icons(74 * u, 12 * u, 24 * u, 2.2 * u, 2)
    y = 20 * u
    if rng.random() < 0.6:
        for i in range(6):
            s.avatar((11 + 19 * i) * u, y + 8 * u, 7.5 * u)
        y += 21 * u
    s.box(0, y, w, 0.5 * u, s.faint)
    s.avatar(9 * u, y + 8 * u, 5 * u)
    s.text(17 * u, y + 6 * u, 4 * u, NAMES)
    s.text(17 * u, y + 10.5 * u, 3 * u, LINES, s.faint)
    y += 16 * u
    slot_width = rng.uniform(0.55, 0.8) * w
    slot_height = _slot_height(slot_width, shape, (20 * u, max(21 * u, h - y - 26 * u)), rng)
    slot = _Slot(round((w - slot_width) / 2), round(y), round(slot_width), round(slot_height))
    s.box(0, y, w, slot_height, s.panel if rng.random() < 0.5 else s.ground)
    y += slot_height + 5 * u
    s.icons(2 * u, y, 34 * u, 2.2 * u, 3)
    if rng.random() < 0.5:
        s.lines(5 * u, y + 6 * u, 80 * u, 5 * u, 30)
    else:
        s.lines(5 * u, y + 6 * u, 80 * u, 5 * u, 2)
        s.avatar(9 * u, y + 25 * u, 5 * u)
        s.text(17 * u, y + 25 * u, 4 * u, NAMES)
        s.thumbnail(0, y + 33 * u, w, 60 * u)
    s.box(0, h - 12 * u, w, 12 * u, s.ground)
    s.icons(0, h - 6 * u, w, 2.4 * u, 5)
    return s, slot


def _web(shape: float, rng: np.random.Generator, context: EditContext) -> tuple[Screen, _Slot]:
    """Draw a page in three columns under a bar; the picture in the middle one, possibly cut off at the bottom."""
    s = Screen(w := rng.uniform(720, 1000), w * rng.uniform(0.56, 0.75), rng, context)
    u, w, h = s.width / 100, s.width, s.height
    s.box(0, 0, w, 5 * u, s.accent if rng.random() < 0.4 else s.panel)
    s.draw.ellipse((1.2 * u, 1.2 * u, 3.8 * u, 3.8 * u), fill=s.ink)
    s.box(30 * u, 1.3 * u, 38 * u, 2.4 * u, s.ground, 2 * u)
    s.text(31.5 * u, 2.5 * u, 1.5 * u, LINES, s.faint)
    s.icons(84 * u, 2.5 * u, 14 * u, 0.9 * u, 3)
    left, right = 24 * u, 76 * u
    for i in range(8):
        s.icon(4 * u, (9 + 4.5 * i) * u, 0.9 * u)
        s.text(7 * u, (9 + 4.5 * i) * u, 1.6 * u, TITLES)
    s.thumbnail(right + 3 * u, 8 * u, 18 * u, 12 * u)
    s.lines(right + 3 * u, 22 * u, 17 * u, 2 * u, 3)
    for i in range(6):
        s.avatar(right + 5 * u, (32 + 5 * i) * u, 1.8 * u)
        s.text(right + 8.5 * u, (32 + 5 * i) * u, 1.5 * u, NAMES)
    y = 7 * u
    if rng.random() < 0.5:
        for i in range(8):
            s.avatar(left + (5 + 6 * i) * u, y + 3.5 * u, 2.3 * u)
        y += 8 * u
    s.avatar(left + 4 * u, y + 3 * u, 2 * u)
    s.text(left + 8 * u, y + 2 * u, 1.8 * u, NAMES)
    s.text(left + 8 * u, y + 4.2 * u, 1.3 * u, LINES, s.faint)
    y += 7 * u
    slot_width = rng.uniform(0.25, 0.5) * w
    slot_height = _slot_height(slot_width, shape, (12 * u, max(13 * u, h - y - 3 * u)), rng)
    slot = _Slot(round((left + right - slot_width) / 2), round(y), round(slot_width), round(slot_height))
    s.icons(left, y + slot_height + 2 * u, 15 * u, 0.9 * u, 3)
    s.lines(left + 2 * u, y + slot_height + 4.5 * u, 40 * u, 2 * u, 12)
    return s, slot


def _chat(shape: float, rng: np.random.Generator, context: EditContext) -> tuple[Screen, _Slot]:
    """Draw a conversation on a phone: bubbles on both sides, one of which holds the picture."""
    s = Screen(w := rng.uniform(360, 480), w * rng.uniform(1.5, 2), rng, context)
    u, w, h = s.width / 100, s.width, s.height
    s.box(0, 0, w, 15 * u, s.accent if rng.random() < 0.5 else s.panel)
    s.avatar(10 * u, 7.5 * u, 5 * u)
    s.text(18 * u, 7.5 * u, 5 * u, NAMES)
    y = 19 * u
    for _ in range(int(rng.integers(1, 4))):
        mine, width = rng.random() < 0.5, rng.uniform(25, 60) * u
        x = w - width - 4 * u if mine else 4 * u
        s.box(x, y, width, 9 * u, s.accent if mine else s.panel, 4 * u)
        s.box(x + 4 * u, y + 3.5 * u, width - 8 * u, 2 * u, s.ground if mine else s.faint, u)
        y += 12 * u
    slot_width = rng.uniform(0.45, 0.75) * w
    slot_height = _slot_height(slot_width, shape, (20 * u, max(21 * u, h - y - 20 * u)), rng)
    x = w - slot_width - 6 * u if rng.random() < 0.5 else 6 * u
    s.box(x - 2 * u, y, slot_width + 4 * u, slot_height + 9 * u, s.panel, 3 * u)
    slot = _Slot(round(x), round(y + 2 * u), round(slot_width), round(slot_height))
    s.text(x + u, y + slot_height + 5.5 * u, 3 * u, LINES, s.faint)
    s.box(4 * u, h - 12 * u, 78 * u, 9 * u, s.panel, 5 * u)
    s.icon(91 * u, h - 7.5 * u, 3 * u)
    return s, slot


def _viewer(shape: float, rng: np.random.Generator, context: EditContext) -> tuple[Screen, _Slot]:
    """Draw a gallery on a wide or tall screen: a title, the picture, a strip of others below."""
    s = Screen(w := rng.uniform(420, 900), w * rng.uniform(0.65, 1.1), rng, context)
    u, w, h = s.width / 100, s.width, s.height
    s.box(0, 0, w, 6 * u, s.panel)
    s.text(3 * u, 3 * u, 2.5 * u, TITLES)
    s.icons(82 * u, 3 * u, 16 * u, 1.2 * u, 3)
    slot_width = rng.uniform(0.4, 0.8) * w
    slot_height = _slot_height(slot_width, shape, (12 * u, max(13 * u, h - 22 * u)), rng)
    slot = _Slot(
        round((w - slot_width) / 2),
        round(8 * u + max(0, h - 22 * u - slot_height) / 2),
        round(slot_width),
        round(slot_height),
    )
    for i in range(7):
        s.thumbnail((9 + 12 * i) * u, h - 12 * u, 10 * u, 10 * u)
    return s, slot
