"""Traces of instruments: one grid and display with other signals."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, mixed, palette, random_style
from fingerprint.edits.graphics.wording import clock, date, digits, person, title
from fingerprint.types import F64, U8


def _signal(rng: Rng, n: int, kind: int) -> F64:
    """Return a trace of about -1 to 1: beats, an earthquake, or a sum of waves."""
    t = np.arange(n) / n
    if kind == 0:
        found, period, at = 0.03 * rng.normal(size=n), rng.uniform(0.08, 0.2), rng.uniform(0, 0.1)
        while at < 1:
            for shift, width, tall in ((-0.03, 0.01, 0.15), (0, 0.004, 1.0), (0.008, 0.004, -0.4), (0.05, 0.015, 0.25)):
                found += tall * np.exp(-(((t - at - shift * period / 0.15) / width) ** 2))
            at += period * rng.uniform(0.85, 1.15)
        return found
    if kind == 1:
        start, fall = rng.uniform(0.1, 0.6), rng.uniform(4, 14)
        envelope = 0.03 + np.where(t > start, np.exp(-fall * (t - start)), 0)
        return np.asarray(envelope * rng.normal(0, 0.5, n))
    waves = [rng.uniform(0.2, 1) * np.sin(2 * np.pi * (rng.uniform(1, 25) * t + rng.random())) for _ in range(4)]
    return np.asarray(np.sum(waves, axis=0) / 2.5)


def _monitor(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw lines of a monitor or a recorder on squared paper, with numbers beside them."""
    w, h = extent(shared, (1.1, 2.4), (500, 1200))
    n, kind, dark = int(shared.integers(1, 7)), int(shared.integers(3)), shared.random() < 0.5
    style, inks, step = random_style(shared, float(dark)), palette(shared, n), shared.uniform(0.012, 0.03) * w
    labels, head, who = [title(shared, 1, 1)[:6] for _ in range(n)], title(shared, 1, 3), person(own)
    tint = mixed(style.ground, style.second, 0.25)
    sheet = Sheet(w, h, style.ground)
    for k in range(int(w / step) + 1):
        sheet.box(k * step, 0, 2 if k % 5 == 0 else 1, h, tint)
    for k in range(int(h / step) + 1):
        sheet.box(0, k * step, w, 2 if k % 5 == 0 else 1, tint)
    sheet.text(
        0.02 * w, 0.05 * h, f"{head}   {who}   {date(own)} {clock(own)}", style.body, 0.04 * h, style.ink, fit=0.95 * w
    )
    room = 0.88 * h / n
    for i in range(n):
        y, ink = 0.1 * h + (i + 0.5) * room, inks[i] if dark else style.ink
        trace = _signal(own, round(0.8 * w), kind)
        points = np.column_stack([0.02 * w + np.arange(len(trace)), y - 0.45 * room * np.clip(trace, -1, 1)])
        sheet.line(points, ink, max(1, h / 350))
        sheet.text(0.03 * w, y - 0.4 * room, labels[i], style.body, 0.13 * room, ink)
        sheet.text(0.91 * w, y, digits(own, int(own.integers(2, 4))), style.head, 0.3 * room, ink, "m", fit=0.15 * w)
    return sheet.pixels


def _spectrogram(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a spectrogram between axes: bands and calls in a map of colours."""
    w, h = extent(shared, (1.1, 2.2), (500, 1100))
    style, hue, colourful = random_style(shared, 0.3), shared.random(), shared.random() < 0.6
    names, bar, n_marks = [title(shared, 1, 1) for _ in range(3)], shared.random() < 0.6, int(shared.integers(4, 9))
    rows, columns = 128, 256
    power = own.gamma(1.2, 0.06, (rows, columns))
    t = np.arange(columns) / columns
    for _ in range(int(own.integers(3, 12))):
        start, long, pitch = own.uniform(0, 0.9), own.uniform(0.04, 0.4), own.uniform(0.05, 0.9)
        during = (t > start) & (t < start + long)
        path = pitch + 0.08 * np.sin(2 * np.pi * own.uniform(1, 12) * t) * own.uniform(0, 1)
        for harmonic in range(1, int(own.integers(2, 5))):
            at = (1 - np.clip(path * harmonic, 0, 1)) * (rows - 1)
            power += during * np.exp(-(((np.arange(rows)[:, None] - at) / 2.0) ** 2)) * own.uniform(0.4, 0.9) / harmonic
    level = np.clip(power, 0, 1) ** 0.7
    table = np.array([hsv(hue + 0.55 * k / 255 * colourful, 1 - 0.6 * k / 255, k / 255) for k in range(256)], np.uint8)
    picture = cv2.resize(table[(level * 255).astype(np.uint8)], (round(0.78 * w), round(0.74 * h)))
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.11 * w, 0.06 * h, f"{names[0]} {digits(own, 4)}", style.head, 0.06 * h, style.ink, fit=0.7 * w)
    sheet.paste(np.asarray(picture, dtype=np.uint8), 0.11 * w, 0.12 * h)
    sheet.outline(0.11 * w, 0.12 * h, 0.78 * w, 0.74 * h, style.ink, 2)
    for k in range(n_marks):
        x, y = (0.11 + 0.78 * k / n_marks) * w, (0.86 - 0.74 * k / n_marks) * h
        sheet.lines([[(x, 0.86 * h), (x, 0.88 * h)], [(0.1 * w, y), (0.11 * w, y)]], style.ink, 1)
        sheet.text(x, 0.91 * h, f"{k * 0.5:.1f}", style.body, 0.035 * h, style.ink, "m")
        sheet.text(0.095 * w, y, f"{2 * k}", style.body, 0.035 * h, style.ink, "r")
    sheet.text(0.5 * w, 0.96 * h, names[1], style.body, 0.04 * h, style.ink, "m")
    for k in range(100 if bar else 0):
        colour = tuple(int(c) for c in table[255 - round(2.55 * k)])
        sheet.box(0.92 * w, (0.12 + 0.0074 * k) * h, 0.03 * w, 0.0074 * h + 1, (colour[0], colour[1], colour[2]))
    return sheet.pixels


def _lanes(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw lanes with soft bands, as of a gel, under letters."""
    w, h = extent(shared, (0.7, 1.5), (350, 900))
    n, light = int(shared.integers(5, 14)), shared.random() < 0.5
    style, ladder = random_style(shared, 0), np.sort(shared.uniform(0.1, 0.9, int(shared.integers(5, 10))))
    rows, columns = 300, 40 * n
    shade = np.full((rows, columns), 0.08) + own.normal(0, 0.015, (rows, columns))
    y = np.arange(rows) / rows
    for lane in range(n):
        bands = ladder if lane == 0 else own.uniform(0.08, 0.95, int(own.integers(1, 7)))
        for place in bands:
            across = np.clip(1 - np.abs(np.arange(40) - 19.5) / 16, 0, 0.5) * 2
            band = own.uniform(0.3, 0.9) * np.exp(-(((y - place) / own.uniform(0.006, 0.014)) ** 2))
            shade[:, lane * 40 : lane * 40 + 40] += band[:, None] * across
    grey = np.clip(shade if not light else 1 - shade, 0, 1)
    picture = cv2.resize(
        (grey * 255).astype(np.uint8), (round(0.84 * w), round(0.82 * h)), interpolation=cv2.INTER_AREA
    )
    sheet = Sheet(w, h, WHITE if light else style.ground)
    sheet.paste(np.repeat(picture[:, :, None], 3, axis=2), 0.13 * w, 0.14 * h)
    for lane in range(n):
        sheet.text(
            (0.13 + 0.84 * (lane + 0.5) / n) * w,
            0.1 * h,
            "M" if lane == 0 else str(lane),
            style.body,
            0.035 * h,
            BLACK,
            "m",
        )
    for k, place in enumerate(ladder):
        sheet.text(0.12 * w, (0.14 + 0.82 * place) * h, f"{(len(ladder) - k) * 100}", style.body, 0.025 * h, BLACK, "r")
    return sheet.pixels


TRACES = family("traces", (_monitor, _spectrogram, _lanes))
