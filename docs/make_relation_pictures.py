"""Make the pictures of ``docs/explanation/copy-or-shared.md``, and check that the engine says what the page says.

Everything comes from packages: drawn graphics, edited copies, and the photographs in scikit-image's wheel. All chance
comes from fixed seeds. Run it again when the models or the graphics change. It exits with 1 if a relation differs from
that on the page.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import fingerprint
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import apply_edits
from fingerprint.edits.graphics import draw_member
from fingerprint.edits.second_shots import second_shots
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.features.thumbnail import open_thumbnail
from fingerprint.images.decode import read_rgb
from fingerprint.kernels.cells import AREA, BEST, CELL, LEAST_PART, QUERY_ENERGY, REFERENCE_ENERGY
from fingerprint.kernels.overlap import _AGREES, _CONTRADICTS, _TEXTURE, MEASURES, fit_moves, summarise_cells
from fingerprint.models import load_models
from fingerprint.report import RELATION_NAMES, comparison_picture
from fingerprint.results import Relation
from fingerprint.types import F64, U8
from fingerprint.verify.verification import find_agreement

OUT = Path(__file__).parent / "explanation" / "pictures"
MOST_BYTES = 120_000
#: Pairs whose cells are drawn.
WITH_CELLS = ("meme-copy", "meme-shared", "scene-shared", "face-shared")
_LONGER = 400  # pixels, of each picture in a comparison
_QUALITY = 78
_GROUND, _BRIGHT, _SOFT = (24, 26, 31), (240, 242, 245), (166, 173, 184)

ELSEWHERE, SILENT, BETWEEN, AGREES, CONTRADICTS = range(5)
#: Colours after Okabe and Ito (2008), and how the cells are called; each kind has a sign of its own, too.
COLOURS = {AGREES: (0, 130, 95), CONTRADICTS: (213, 94, 0), BETWEEN: (110, 112, 120), SILENT: (225, 227, 230)}
CALLED = {AGREES: "agrees", CONTRADICTS: "contradicts", BETWEEN: "in between", SILENT: "silent: flat in both"}
_MAP_WIDTH, _GAP, _HEAD, _LEGEND = 408, 16, 34, 44


@dataclass(frozen=True, slots=True)
class Example:
    """A pair that the page shows, and the relation that the page says it has."""

    name: str
    query: U8
    reference: U8
    relation: Relation


def main() -> int:
    """Write all pictures; return 1 if a relation is not the one of the page, or a picture is too large."""
    OUT.mkdir(exist_ok=True)
    examples = make_examples()
    wrong = []
    for example in examples.values():
        verdict = fingerprint.compare(example.query, example.reference)
        sure = f"copy {verdict.probability:.3f}, shared {verdict.shared_probability:.3f}"
        sys.stdout.write(f"{example.name:<20} {verdict.relation:<10} {sure}\n")
        if verdict.relation != example.relation:
            wrong.append(f"{example.name}: the page says {example.relation}, the engine {verdict.relation}")
        save(example.name, comparison_picture(example.query, example.reference, verdict))
    for name in WITH_CELLS:
        save(f"{name}-cells", draw_map(examples[name]))
    wrong += [f"{path}: too large" for path in sorted(OUT.glob("*.jpg")) if path.stat().st_size > MOST_BYTES]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def make_examples() -> dict[str, Example]:
    """Return the pairs by name."""
    cat, coffee, left, right = map(photograph, ("chelsea", "coffee", "motorcycle_left", "motorcycle_right"))
    meme, other_meme = (reduced(draw_member("memes", 1, i, [p], "judging")) for i, p in enumerate((coffee, cat)))
    form, other_form = (reduced(draw_member("forms", 10, i, [p], "judging")) for i, p in enumerate((coffee, cat)))
    logo, other_logo = (reduced(draw_member("logos", 4, i, (), "judging")) for i in range(2))
    face, other_face = (reduced(draw_member("drawn_faces", 6, i, (), "judging")) for i in range(2))
    shots = second_shots(coffee, np.random.default_rng([3, 2]), 0.2)
    edited = apply_edits(meme, ("hflip", "overlay_emoji"), np.random.default_rng([1, 8])).pixels
    found = (
        Example("pasted-copy", pasted(photograph("astronaut"), coffee), photograph("astronaut"), "copy"),
        Example("meme-copy", reduced(edited), meme, "copy"),
        Example("meme-shared", other_meme, meme, "shared"),
        Example("form-shared", other_form, form, "shared"),
        Example("scene-shared", reduced(right), reduced(left), "shared"),
        Example("made-shared", reduced(shots.second), reduced(shots.first), "shared"),
        Example("logo-copy", other_colours(logo), logo, "copy"),
        Example("logo-shared", other_logo, logo, "shared"),
        Example("face-shared", other_face, face, "shared"),
        Example("unrelated", reduced(cat), reduced(coffee), "unrelated"),
    )
    return {example.name: example for example in found}


def pasted(pixels: U8, scene: U8) -> U8:
    """Return a scene with a part of a picture pasted in: mirrored, smaller, turned, paler, with a word over it."""
    part = Image.fromarray(pixels[40:440, 110:470][:, ::-1].copy()).resize((252, 280), Image.Resampling.LANCZOS)
    part = Image.blend(part, Image.new("RGB", part.size, (235, 200, 120)), 0.25)
    draw = ImageDraw.Draw(part)
    draw.rectangle((0, 236, 252, 270), fill=(24, 26, 31))
    draw.text((126, 262), "for sale", fill=(240, 242, 245), font=ImageFont.load_default(26), anchor="ms")
    turned = part.convert("RGBA").rotate(9, Image.Resampling.BICUBIC, expand=True)
    whole = Image.fromarray(scene)
    whole.paste(turned, (290, 40), turned)
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=60)
    return read_rgb(file.getvalue()).pixels


def photograph(name: str) -> U8:
    """Return a photograph of scikit-image's wheel, without importing it."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the photographs are in scikit-image's wheel: pip install 'copyprint[demo]'")
    return read_rgb(Path(spec.origin).parent / "data" / f"{name}.png").pixels


def reduced(pixels: U8) -> U8:
    """Return a picture with a longer side of at most `_LONGER` pixels."""
    factor = min(1.0, _LONGER / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def other_colours(pixels: U8) -> U8:
    """Exchange the red and the blue of a picture; light stays light and dark stays dark."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    return np.asarray(cv2.cvtColor(luma[:, :, [0, 2, 1]].copy(), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def save(name: str, pixels: U8) -> None:
    """Write a picture as JPEG."""
    Image.fromarray(pixels).save(OUT / f"{name}.jpg", quality=_QUALITY, optimize=True)


def cells_of(example: Example) -> U8:
    """Return what each cell of the fine grid of the second look says: uint8 array, shape (side, side)."""
    models = load_models()
    query = describe_query(encoded(example.query), models, DEFAULT_CONFIG)
    reference = describe_reference(encoded(example.reference), models, DEFAULT_CONFIG)
    agreement = find_agreement(query, reference, DEFAULT_CONFIG.match)
    grid = open_thumbnail(reference.thumbnail)
    if agreement.transform is None or len(grid) % CELL:
        raise ValueError(f"{example.name}: keypoints give no transform, or the thumbnail is not whole cells")
    laid = agreement.sides.lay(grid, agreement.transform)
    moved = None if laid is None else agreement.sides.lay(grid, agreement.transform, fit_moves(laid.table)[1])
    if moved is None:
        raise ValueError(f"{example.name}: the transform cannot be used")
    return named_cells(moved.table)


def named_cells(table: F64) -> U8:
    """Name the cells of a table as `summarise_cells` counts them."""
    most_agree = summarise_cells(table)[MEASURES.index("three_quarters")]
    energies = table[:, :, [REFERENCE_ENERGY, QUERY_ENERGY]] / np.maximum(table[:, :, [AREA]], 1)
    textured = energies.max(axis=2) > 2 * _TEXTURE
    agreement = np.where(energies.min(axis=2) > _TEXTURE, table[:, :, BEST], 0.0)
    named = np.full(table.shape[:2], SILENT, dtype=np.uint8)
    named[textured] = BETWEEN
    named[textured & (agreement > _AGREES)] = AGREES
    named[textured & (agreement < min(_CONTRADICTS, 0.6 * most_agree))] = CONTRADICTS
    named[table[:, :, AREA] < LEAST_PART * CELL * CELL] = ELSEWHERE
    return named


def encoded(pixels: U8) -> bytes:
    """Return a picture as the bytes of a PNG."""
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


def draw_map(example: Example) -> U8:
    """Draw the query, and beside it the reference with the signs of its cells."""
    query, cells = to_width(example.query), draw_cells(cells_of(example), to_width(example.reference))
    height, width = _HEAD + max(len(query), len(cells)) + _LEGEND, 3 * _GAP + 2 * _MAP_WIDTH
    canvas = np.full((height, width, 3), _GROUND, dtype=np.uint8)
    right = 2 * _GAP + _MAP_WIDTH
    canvas[_HEAD : _HEAD + len(query), _GAP : _GAP + _MAP_WIDTH] = query
    canvas[_HEAD : _HEAD + len(cells), right : right + _MAP_WIDTH] = cells
    image = Image.fromarray(canvas)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    draw.text((_GAP, _HEAD - 10), f"Query: {RELATION_NAMES[example.relation]}", fill=_BRIGHT, font=font, anchor="ls")
    draw.text((right, _HEAD - 10), "Cells of the reference", fill=_BRIGHT, font=font, anchor="ls")
    x = _GAP
    for kind, words in CALLED.items():
        draw.rectangle((x, height - 30, x + 16, height - 14), fill=COLOURS[SILENT])
        sign(draw, kind, (x, height - 30, x + 16, height - 14))
        draw.text((x + 24, height - 16), words, fill=_SOFT, font=font, anchor="ls")
        x += 60 + round(font.getlength(words))
    return np.array(image)


def to_width(pixels: U8) -> U8:
    """Resize a picture to the width of a map."""
    size = (_MAP_WIDTH, round(pixels.shape[0] * _MAP_WIDTH / pixels.shape[1]))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def draw_cells(named: U8, reference: U8) -> U8:
    """Draw the signs of all cells over the reference in pale grey."""
    grey = cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY)
    pale = np.repeat((200 + 0.2 * grey)[:, :, None], 3, axis=2).astype(np.uint8)
    image = Image.fromarray(pale)
    draw = ImageDraw.Draw(image)
    height, width = pale.shape[:2]
    for (row, column), kind in np.ndenumerate(named):
        top, bottom = (round(height * i / named.shape[0]) for i in (row, row + 1))
        left, right = (round(width * i / named.shape[1]) for i in (column, column + 1))
        if kind == ELSEWHERE:
            draw.rectangle((left, top, right - 1, bottom - 1), fill=_GROUND)
        else:
            sign(draw, int(kind), (left, top, right - 2, bottom - 2))
    return np.array(image)


def sign(draw: ImageDraw.ImageDraw, kind: int, box: tuple[int, int, int, int]) -> None:
    """Draw a cell: a ring where it agrees, a cross where it contradicts, a dash in between, nothing if silent."""
    left, top, right, bottom = box[0] + 3, box[1] + 2, box[2] - 3, box[3] - 2
    if kind == AGREES:
        draw.ellipse((left, top, right, bottom), outline=COLOURS[kind], width=2)
    elif kind == CONTRADICTS:
        draw.rectangle(box, fill=COLOURS[kind])
        draw.line((left, top, right, bottom), fill=(255, 255, 255), width=2)
        draw.line((left, bottom, right, top), fill=(255, 255, 255), width=2)
    elif kind == BETWEEN:
        middle = (top + bottom) // 2
        draw.line((left, middle, right, middle), fill=COLOURS[kind], width=1)


if __name__ == "__main__":
    sys.exit(main())
