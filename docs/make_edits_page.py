"""Write the table of ``docs/reference/edits.md`` from the edits' docstrings, and draw its contact sheet.

With ``--check``, change nothing, and say whether the table differs. The photographs are those of scikit-image's wheel.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont

from fingerprint.edits import EDITS, HELD_OUT_EDITS, WIDE_EDITS, apply_edits
from fingerprint.images.decode import read_rgb
from fingerprint.types import U8

PAGE = Path(__file__).parent / "reference" / "edits.md"
SHEET = Path(__file__).parent / "reference" / "edits.jpg"
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png")
OTHERS = ("motorcycle_left.png", "ihc.png")
MARK = re.compile(r"<!-- edits: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
GROUPS = {
    "usual": [name for name in EDITS if name not in WIDE_EDITS],
    "wide": [name for name in WIDE_EDITS if name not in HELD_OUT_EDITS],
    "held": list(HELD_OUT_EDITS),
}
_SIDE, _LABEL, _GAP = 104, 18, 6  # pixels
_QUALITY = 72


def main(argv: Sequence[str] | None = None) -> int:
    """Bring page and sheet up to date; with ``--check`` return 1 if the page is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is out of date")
    check = parser.parse_args(argv).check
    text = PAGE.read_text(encoding="utf-8")
    filled = MARK.sub(lambda mark: f"<!-- edits: {mark[1]} -->\n{table(GROUPS[mark[1]])}<!-- end -->", text)
    if check:
        if filled != text:
            sys.stderr.write(f"{PAGE.name}: differs from the edits; run python docs/make_edits_page.py\n")
        return int(filled != text)
    PAGE.write_text(filled, encoding="utf-8")
    draw_sheet().save(SHEET, quality=_QUALITY)
    return 0


def table(names: Iterable[str]) -> str:
    """Return the edits with what their docstrings say."""
    rows = [f"| `{name}` | {' '.join((EDITS[name].__doc__ or '').split())} |" for name in names]
    return "\n".join(["", "| edit | what it does |", "|---|---|", *rows, "", ""])


def draw_sheet() -> Image.Image:
    """Draw each edit of each photograph, with its name below."""
    folder = Path(skimage.__file__).parent / "data"
    photographs, others = ([read_rgb(folder / name).pixels for name in names] for names in (PHOTOGRAPHS, OTHERS))
    blocks = [draw_block(name, number, photographs, others) for number, name in enumerate(EDITS)]
    per_row = 4
    width = per_row * (blocks[0].width + 3 * _GAP)
    rows = -(-len(blocks) // per_row)
    sheet = Image.new("RGB", (width, rows * (blocks[0].height + _GAP)), (24, 26, 31))
    for number, block in enumerate(blocks):
        column, row = number // rows, number % rows
        sheet.paste(block, (column * (block.width + 3 * _GAP), row * (block.height + _GAP)))
    return sheet


def draw_block(name: str, number: int, photographs: Sequence[U8], others: Sequence[U8]) -> Image.Image:
    """Draw the photographs after one edit."""
    block = Image.new("RGB", (len(photographs) * (_SIDE + _GAP), _SIDE + _LABEL), (24, 26, 31))
    for k, photograph in enumerate(photographs):
        edited = apply_edits(photograph, [name], np.random.default_rng([number, k]), others).pixels
        factor = _SIDE / max(edited.shape[:2])
        size = [max(1, round(side * factor)) for side in edited.shape[1::-1]]
        small = cv2.resize(edited, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST)
        block.paste(Image.fromarray(small), (k * (_SIDE + _GAP), 0))
    ImageDraw.Draw(block).text((2, _SIDE + 2), name, (240, 242, 245), ImageFont.load_default(13))
    return block


if __name__ == "__main__":
    sys.exit(main())
