"""Games and pixel art: the same tiles, colours and displays in another arrangement."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import icon
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, mixed, palette, random_style, vivid
from fingerprint.edits.graphics.wording import digits, made_word, title
from fingerprint.types import U8


def _tile(rng: Rng, n: int = 8) -> U8:
    """Draw a small tile of pixels in one colour's shades."""
    base = np.array(hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9)), np.float64)
    shade = rng.choice([0.75, 1.0, 1.15], (n, n), p=[0.25, 0.5, 0.25])
    if rng.random() < 0.5:
        shade[-1], shade[:, -1] = 0.6, 0.6
    tile: U8 = np.clip(np.rint(base * shade[:, :, None]), 0, 255).astype(np.uint8)
    return tile


def _sprite(rng: Rng, n: int, colours: int = 3) -> tuple[U8, U8]:
    """Draw a figure of pixels, the same on its left and right; return colours (n, n, 3) and where it is (n, n)."""
    half = rng.integers(0, colours + 1, (n, (n + 1) // 2))
    half[0] = half[-1] = 0
    half[n // 3 : n - n // 4, -2:] = np.maximum(half[n // 3 : n - n // 4, -2:], 1)
    whole = np.hstack([half, half[:, ::-1][:, n % 2 :]])
    shades = np.array([(0, 0, 0), *palette(rng, colours)], np.uint8)
    return shades[whole], (whole > 0).astype(np.uint8)


def _enlarged(pixels: U8, times: int) -> U8:
    return np.ascontiguousarray(np.repeat(np.repeat(pixels, times, axis=0), times, axis=1))


def _put(ground: U8, sprite: tuple[U8, U8], x: int, y: int) -> None:
    """Lay a figure on a picture of pixels; it must fit."""
    colours, there = sprite
    n, m = there.shape
    part = ground[y : y + n, x : x + m]
    part[there > 0] = colours[there > 0]


def _platforms(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a game seen from the side: sky, platforms of tiles, figures, lives and score."""
    columns, rows, times = int(shared.integers(16, 26)), int(shared.integers(10, 15)), int(shared.integers(4, 7))
    tiles, player, foe = [_tile(shared) for _ in range(3)], _sprite(shared, 8), _sprite(shared, 8)
    sky, coin, face = (
        hsv(shared.random(), 0.5, shared.uniform(0.3, 0.95)),
        hsv(0.13, 0.9, 0.95),
        random_face(shared, "bitmap"),
    )
    name, hearts = title(shared, 1, 1).upper(), shared.random() < 0.6
    ground = np.empty((rows * 8, columns * 8, 3), np.uint8)
    ground[:] = sky
    for _ in range(int(own.integers(2, 6))):  # hills
        x, y, r = own.integers(0, columns * 8), rows * 8 - 8, int(own.integers(8, 30))
        cv2.circle(ground, (int(x), int(y)), r, mixed(sky, BLACK, 0.2), -1)
    height = int(own.integers(1, 3))
    for j in range(columns):
        height = int(np.clip(height + own.integers(-1, 2), 0, 4))
        for i in range(height):
            kind = 0 if i == height - 1 else 1
            ground[(rows - 1 - i) * 8 : (rows - i) * 8, j * 8 : j * 8 + 8] = tiles[kind]
    for _ in range(int(own.integers(3, 8))):
        i, j, n = int(own.integers(2, rows - 4)), int(own.integers(0, columns - 4)), int(own.integers(2, 5))
        for k in range(n):
            ground[i * 8 : i * 8 + 8, (j + k) * 8 : (j + k + 1) * 8] = tiles[2]
        cv2.circle(ground, (j * 8 + 4, i * 8 - 6), 3, coin, -1)
        if own.random() < 0.5:
            _put(ground, foe, j * 8 + 8, i * 8 - 8)
    _put(ground, player, int(own.integers(0, columns - 1)) * 8, int(own.integers(2, rows - 2)) * 8)
    sheet = Sheet(columns * 8 * times, rows * 8 * times, BLACK)
    sheet.pixels[:] = _enlarged(ground, times)
    size = 5 * times
    sheet.text(2 * times, 5 * times, f"{name} {digits(own, 6)}", face, 2 * size, WHITE)
    for k in range(int(own.integers(1, 6)) if hearts else 0):
        icon(sheet, sheet.width - (6 + 9 * k) * times, 5 * times, 3 * times, 5, (230, 40, 60))
    return sheet.pixels


def _world(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a game seen from above: ground, water, woods, houses, a bar with things and a small map."""
    columns, rows, times = int(shared.integers(14, 24)), int(shared.integers(10, 16)), int(shared.integers(4, 7))
    tiles, things = [_tile(shared) for _ in range(5)], [_sprite(shared, 7) for _ in range(6)]
    style, slots, corner = random_style(shared, 0.7), int(shared.integers(5, 10)), int(shared.integers(4))
    soft = cv2.resize(own.random((4, 5)), (columns, rows), interpolation=cv2.INTER_CUBIC)
    kinds = np.clip((soft * 5).astype(int), 0, 4)
    ground = np.empty((rows * 8, columns * 8, 3), np.uint8)
    for i in range(rows):
        for j in range(columns):
            ground[i * 8 : i * 8 + 8, j * 8 : j * 8 + 8] = tiles[kinds[i, j]]
            if own.random() < 0.12:
                _put(ground, things[int(own.integers(3))], j * 8, i * 8)
    sheet = Sheet(columns * 8 * times, rows * 8 * times, BLACK)
    sheet.pixels[:] = _enlarged(ground, times)
    w, h, step = sheet.width, sheet.height, 10 * times
    left = (w - slots * step) / 2
    for k in range(slots):
        sheet.box(left + k * step, h - 1.2 * step, step, step, style.ground, opacity=0.8)
        sheet.outline(left + k * step, h - 1.2 * step, step, step, style.accent, times)
        if own.random() < 0.6:
            colours, there = things[3 + int(own.integers(3))]
            spot = sheet.pixels[round(h - 1.05 * step) :, round(left + (k + 0.15) * step) :]
            mask = _enlarged(there, times) > 0
            spot[: len(mask), : mask.shape[1]][mask] = _enlarged(colours, times)[mask]
    small = cv2.resize(
        np.array([t.mean((0, 1)) for t in tiles], np.uint8)[kinds],
        (5 * step // 2, 2 * step),
        interpolation=cv2.INTER_NEAREST,
    )
    x, y = (times, w - small.shape[1] - times)[corner % 2], (times, h - 4 * step)[corner // 2]
    sheet.paste(small, x, y)
    sheet.outline(x, y, small.shape[1], small.shape[0], style.accent, times)
    sheet.text(
        w / 2,
        0.6 * step,
        f"{made_word(own, 2).title()}  {digits(own, 3)}",
        style.head,
        0.6 * step,
        WHITE,
        "m",
        rim=BLACK,
    )
    return sheet.pixels


def _pixel_face(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a head of large pixels: outline and skin stay, hair, eyes and what it wears differ."""
    n, times = int(shared.integers(20, 28)), int(shared.integers(14, 30))
    ground, skin = vivid(shared), hsv(0.07, shared.uniform(0.2, 0.6), shared.uniform(0.35, 0.95))
    left, right, top, foot = n // 4, n - n // 4, n // 4, n - n // 5
    picture = np.empty((n, n, 3), np.uint8)
    picture[:] = ground if shared.random() < 0.6 else mixed(ground, WHITE, 0.5)
    picture[top - 1 : foot, left - 1 : right + 1] = BLACK
    picture[foot:, left + 2 : right - 2] = BLACK
    picture[top:foot, left:right] = skin
    picture[foot - 1 :, left + 3 : right - 3] = skin
    middle = n // 2
    hair, tall = vivid(own), int(own.integers(1, 6))
    kind = int(own.integers(4))
    picture[max(0, top - tall) : top + 1, left - 1 : right + 1] = hair
    if kind == 1:
        picture[top : foot - 2, left - 2 : left] = hair
        picture[top : foot - 2, right : right + 2] = hair
    elif kind == 2:
        picture[max(0, top - tall - 2) : top, middle - 1 : middle + 2] = hair
    elif kind == 3:
        picture[top - 1 : top + 1, left - 3 : right + 3] = vivid(own)
    eyes = top + 3
    for x in (middle - 4, middle + 2):
        picture[eyes : eyes + 2, x : x + 2] = (WHITE, vivid(own), BLACK)[int(own.integers(3))]
        picture[eyes + int(own.integers(2)), x + int(own.integers(2))] = BLACK
    if own.random() < 0.4:
        picture[eyes - 1 : eyes + 3, middle - 5 : middle + 5][:: int(own.integers(1, 4))] = vivid(own)
    picture[foot - 3, middle - 2 : middle + int(own.integers(1, 4))] = (120, 30, 30)
    if own.random() < 0.4:
        picture[foot - 4 : foot, left:right][:: int(own.integers(1, 3))] = mixed(hair, BLACK, 0.3)
        picture[foot - 3, middle - 1 : middle + 2] = skin
    return _enlarged(picture, times)


def _mosaic(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a grid of figures of pixels in the same few colours."""
    w, _ = extent(shared, (1.0, 1.0), (400, 900))
    n, columns, rows = int(shared.integers(7, 12)), int(shared.integers(2, 6)), int(shared.integers(2, 6))
    shades, gap, ground = (
        np.array([vivid(shared) for _ in range(4)], np.uint8),
        int(shared.integers(1, 4)),
        vivid(shared),
    )
    picture = np.empty((rows * (n + gap) + gap, columns * (n + gap) + gap, 3), np.uint8)
    picture[:] = mixed(ground, WHITE, 0.7)
    for i in range(rows):
        for j in range(columns):
            _, there = _sprite(own, n)
            colour = np.broadcast_to(shades[int(own.integers(4))], (n, n, 3))
            _put(picture, (np.ascontiguousarray(colour), there), gap + j * (n + gap), gap + i * (n + gap))
    return _enlarged(picture, max(3, w // picture.shape[1]))


GAMES = family("games", (_platforms, _world))
SPRITES = family("sprites", (_pixel_face, _mosaic))
