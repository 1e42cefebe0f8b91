"""Bring the figures of all pages up to date with ``results/``; with ``--check``, say which pages differ.

README, documentation and model card say what was measured in marked places only, see `_figures.pages`. A benchmark
writes its JSON; this reads it, so no page can say anything else than the last run that is kept. A result must name its
machine, versions, command and the digest of its pictures, see `_figures.origins`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from _figures.allowed import ALLOWED
from _figures.origins import unexpected
from _figures.pages import MarkError, fill, pages, unmarked
from _figures.results import Results

ROOT = Path(__file__).parent.parent


def main(argv: Sequence[str] | None = None, root: Path = ROOT, results: Results | None = None) -> int:
    """Fill all pages, or check them; return 1 if something is to be done by hand, or with ``--check`` at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a page is out of date")
    arguments = parser.parse_args(argv)
    results = results or Results()
    said = [*unexpected(results)]
    for page in pages(root):
        name, text = page.relative_to(root).as_posix(), page.read_text(encoding="utf-8")
        try:
            filled = fill(text, results)
        except MarkError as error:
            said.append(f"{name}: {error}")
            continue
        said += [f"{name}, line {line}: {words}: not in a mark" for line, words in stray(name, filled)]
        if filled != text and arguments.check:
            said.append(f"{name}: differs from the results; run python benchmarks/figures.py")
        elif filled != text:
            page.write_text(filled, encoding="utf-8")
            print(f"{name}: brought up to date")
    for line in said:
        print(line, file=sys.stderr)
    return 1 if said else 0


def stray(name: str, text: str) -> list[tuple[int, str]]:
    """Return the numbers of a page that look measured, are in no mark and are not allowed."""
    allowed = ALLOWED.get(name, {})
    return [(line, words) for line, words in unmarked(text) if words not in allowed]


if __name__ == "__main__":
    raise SystemExit(main())
