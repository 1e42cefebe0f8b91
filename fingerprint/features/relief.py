"""Reliefs and drawings of edges: what an emboss or edge filter leaves of a picture, turned back into a picture.

Such a filter keeps a derivative of the grey values, so nothing looks as it did: hardly a keypoint is found where it
was. A derivative can be integrated. Of a relief, which is the derivative along one direction, nearly all keypoints come
back; of edges drawn dark on light, or light on dark, enough of them.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from fingerprint.types import F32, Bool, Picture

_SIDE = 512  # pixels of the longer side
_COLOUR = 10  # distance of a chroma from neutral: what is laid over a relief is mostly coloured
_LEAST_GREY = 0.3  # share of the pixels without colour
_NEAR = 12  # grey values around the most common one
_MIDDLE = 40  # largest distance of a relief's ground from the middle of the scale
_BUSY_MIDDLE, _BUSY_ROUGH = 8, 2.1  # the same, and the most roughness, of a relief with little ground
_END = 24  # the same of the ground of drawn edges from an end of the scale
_LEAST_RELIEF, _LEAST_DRAWN = 0.55, 0.5  # share of grey pixels near the ground
_ROUGH = 2.5  # most growth of the mean squared difference from 2 to 12 pixels apart; in photographs it grows more
_N_DIRECTIONS = 32
_LEAST_MISSING = 1.3  # logarithm of the power that a relief's spectrum lacks in one direction
_DAMPING = 0.05  # along lines, of which a relief says nothing
_DRAWN_DAMPING = 1.0
_LONGEST = 1e-3  # squared frequency, below which nothing is restored
_SPREAD = 1.0, 99.0  # percentiles that become black and white


def restore(planes: Picture) -> Picture | None:
    """Return the picture that a relief or a drawing of edges was made from, or None if it is neither.

    Parameters
    ----------
    planes : Picture
        In luma and chroma, uint8 (h, w, 3).

    Returns
    -------
    Picture or None
        Without colour, its longer side at most 512 pixels, possibly as a negative: a relief does not say from which
        side its light comes.
    """
    flat, ground, near = _on_ground(planes)
    if _has_ground_of_relief(ground, near) or _is_busy(flat, ground):  # perhaps a blurred one: to look costs little
        return _as_picture(_integrated(flat)[0], planes)
    if min(ground, 255 - ground) <= _END and near >= _LEAST_DRAWN and _roughness(flat) < _ROUGH:
        return _as_picture(_filled(flat), planes)
    return None


def undo_relief(planes: Picture) -> Picture | None:
    """Return the picture that a relief was made from, or None if it is not surely one; otherwise as `restore`."""
    flat, ground, near = _on_ground(planes)
    if not ((_has_ground_of_relief(ground, near) and _roughness(flat) < _ROUGH) or _is_busy(flat, ground)):
        return None
    restored, missing = _integrated(flat)
    return _as_picture(restored, planes) if missing >= _LEAST_MISSING else None


def _has_ground_of_relief(ground: int, near: float) -> bool:
    return abs(ground - 128) <= _MIDDLE and near >= _LEAST_RELIEF


def _is_busy(flat: F32, ground: int) -> bool:
    """Return whether it may be a relief with little ground."""
    return abs(ground - 128) <= _BUSY_MIDDLE and _roughness(flat) < _BUSY_ROUGH


def _as_picture(restored: F32, planes: Picture) -> Picture | None:
    """Return grey values of any range as a picture; None if they are all the same."""
    low, high = np.percentile(restored, _SPREAD)
    if high <= low:
        return None
    pixels = np.full((*restored.shape, 3), 128, np.uint8)
    pixels[:, :, 0] = np.rint(np.clip((restored - low) * (255 / (high - low)), 0, 255))
    return replace(planes, pixels=pixels)


def _on_ground(planes: Picture) -> tuple[F32, int, float]:
    """Return grey values less the most common one, 0 where there is colour; that value; and how common it is."""
    luma, has_colour = _read(planes)
    ground, near = _ground(luma, ~has_colour)
    return np.where(has_colour, np.float32(0), luma - np.float32(ground)), ground, near


def _read(planes: Picture) -> tuple[F32, Bool]:
    """Return the luma at the size that is worked on, and where there is colour."""
    pixels, longer = planes.pixels, max(planes.pixels.shape[:2])
    if longer > _SIDE:
        height, width = (max(1, round(side * _SIDE / longer)) for side in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    chroma = np.abs(pixels[:, :, 1:].astype(np.int16) - 128).max(2)
    return pixels[:, :, 0].astype(np.float32), chroma > _COLOUR


def _ground(luma: F32, grey: Bool) -> tuple[int, float]:
    """Return the most common grey value, and the share of pixels without colour that are near it."""
    if grey.mean() < _LEAST_GREY:
        return 0, 0.0
    counts = np.bincount(luma[grey].astype(np.intp), minlength=256)
    near = np.convolve(counts, np.ones(2 * _NEAR + 1), "same")
    at = int(near.argmax())
    window = slice(max(0, at - _NEAR), at + _NEAR + 1)
    ground = np.average(np.arange(256)[window], weights=counts[window])  # the window may lie off its middle
    return round(float(ground)), float(near[at] / counts.sum())


def _roughness(flat: F32) -> float:
    """Return how much more pixels differ that are 12 pixels apart than those that are 2 apart."""
    soft = cv2.blur(flat, (2, 2))
    far, close = (
        np.square(soft[step:] - soft[:-step]).mean() + np.square(soft[:, step:] - soft[:, :-step]).mean()
        if min(soft.shape) > step
        else 0.0
        for step in (12, 2)
    )
    return float(far / close) if close > 0 else np.inf


def _spectrum(flat: F32) -> tuple[np.ndarray, F32, F32]:
    """Return the spectrum of a picture with a margin, and its frequencies down and across, in radians per pixel."""
    height, width = (cv2.getOptimalDFTSize(side + 64) for side in flat.shape)
    across = (2 * np.pi * np.fft.rfftfreq(width)).astype(np.float32)[None]
    down = (2 * np.pi * np.fft.fftfreq(height)).astype(np.float32)[:, None]
    return np.fft.rfft2(flat, (height, width)), down, across


def _integrated(flat: F32) -> tuple[F32, float]:
    """Return the picture whose derivative along some direction this is, by Wiener's filter.

    The second value is that of `_direction`: how surely this is a derivative.
    """
    spectrum, down, across = _spectrum(flat)
    angle, missing = _direction(spectrum, down, across)
    along = np.sin(across) * np.float32(np.cos(angle)) + np.sin(down) * np.float32(np.sin(angle))
    power = np.sin(across) ** 2 + np.sin(down) ** 2
    restored = spectrum * (-1j * along / (along**2 + _DAMPING * power + _LONGEST)).astype(np.complex64)
    return _back(restored, flat.shape, down, across), missing


def _filled(flat: F32) -> F32:
    """Return a picture with edges where some are drawn, as if they were its Laplacian."""
    spectrum, down, across = _spectrum(flat)
    power = across**2 + down**2
    return _back(spectrum * (power / (power**2 + _DRAWN_DAMPING * power + _LONGEST)), flat.shape, down, across)


def _back(spectrum: np.ndarray, shape: tuple[int, ...], down: F32, across: F32) -> F32:
    size = len(down), 2 * (across.shape[1] - 1)
    return np.asarray(np.fft.irfft2(spectrum, size)[: shape[0], : shape[1]], np.float32)


def _direction(spectrum: np.ndarray, down: F32, across: F32) -> tuple[float, float]:
    """Return the direction of the derivative, in radians: across it, the spectrum has least power.

    The second value is how much less than in most directions, as a difference of natural logarithms.
    """
    power = np.log(np.square(np.abs(spectrum)) + 1e-9)
    radius = np.hypot(down, across)
    used = (radius > 0.12) & (radius < 1.6)
    turned = np.arctan2(down, across) % np.pi  # half of the spectrum has all directions
    bins = np.rint(turned[used] * (_N_DIRECTIONS / np.pi)).astype(np.intp) % _N_DIRECTIONS
    mean = np.bincount(bins, power[used], _N_DIRECTIONS) / np.maximum(np.bincount(bins, minlength=_N_DIRECTIONS), 1)
    smooth = mean + (np.roll(mean, 1) + np.roll(mean, -1)) / 2
    angle = smooth.argmin() * np.pi / _N_DIRECTIONS + np.pi / 2
    return float(angle), float(np.median(mean) - mean.min())
