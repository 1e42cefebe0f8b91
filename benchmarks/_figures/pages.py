"""Marks in pages, what stands between them, and measured numbers that stand outside of them.

A block, ``<!-- figure: NAME -->`` to ``<!-- end -->``, has a table or a paragraph. A single figure within prose is
``<!--f:NAME-->0.959<!--/f-->``. Both are comments, so a reader does not see the marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from _figures import bench_tables, hash_tables, look_alikes, scale_tables, scaleout_tables, second_shots, tables
from _figures.paragraphs import PARAGRAPHS, paragraph
from _figures.results import Results
from _figures.singles import FIGURES

BLOCKS: dict[str, Callable[[Results], list[str]]] = {
    "quality": tables.quality,
    "tracks": tables.tracks,
    "edits": tables.edits,
    "reliability": tables.reliability,
    "thresholds": tables.thresholds,
    "pieces": tables.pieces,
    "wide-edits": tables.wide_edits,
    "wide-splits": tables.wide_splits,
    "dedupe": tables.deduped,
    "dedupe-scale": scale_tables.dedupe_scale,
    "stages": tables.stages,
    "query-stages": tables.query_stages,
    "descriptor-ms": tables.descriptor_ms,
    "descriptor-forms": tables.descriptor_forms,
    "exact": tables.exact,
    "annoy": tables.annoy,
    "annoy-bytes": tables.annoy_bytes,
    "closer": tables.closer,
    "verified": tables.verified,
    "ended-early": tables.ended_early,
    "large-vote": tables.large_vote,
    "descriptor-source": tables.descriptor_source,
    "scale": scale_tables.scale,
    "scale-stages": scale_tables.scale_stages,
    "scale-bytes": scale_tables.scale_bytes,
    "scale-segments": scale_tables.scale_segments,
    "scale-targets": scale_tables.scale_targets,
    "scaleout": scaleout_tables.ways,
    "scaleout-costs": scaleout_tables.costs,
    "scaleout-sizes": scaleout_tables.sizes,
    "scaleout-latency": scaleout_tables.latency,
    "storage": tables.storage,
    "hostile": tables.hostile,
    "hash-speed": hash_tables.speed,
    "hash-workers": hash_tables.workers,
    "hash-agreement": hash_tables.agreement,
    "hash-pdq": hash_tables.pdq_files,
    "hash-pairs": hash_tables.pairs,
    "hash-quality": hash_tables.quality,
    "hash-information": hash_tables.information,
    "hash-tiny": hash_tables.tiny,
    "hamming": hash_tables.hamming,
    "bench": bench_tables.bench,
    "bench-edits": bench_tables.bench_edits,
    "bench-runs": bench_tables.bench_runs,
    "recipes": tables.recipes,
    "look-alikes": look_alikes.families,
    "look-alikes-judged": look_alikes.judged,
    "second-look": look_alikes.second_look,
    "second-shots": second_shots.parts,
    **{name: partial(paragraph, name) for name in PARAGRAPHS},
}

_BLOCK = re.compile(r"<!-- figure: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
_OF_EDITS = re.compile(r"<!-- edits: \w+ -->\n.*?<!-- end -->", re.DOTALL)  # strengths, from docstrings
_SINGLE = re.compile(r"<!--f:([\w.]+)-->(.*?)<!--/f-->", re.DOTALL)
_ANY_MARK = re.compile(r"<!-- figure:|<!--f:|<!--/f-->")
_AT_LINE_START = re.compile(r"^[ \t>*+-]*<!--f:", re.MULTILINE)

_OUTSIDE = (
    re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE),  # code
    re.compile(r"^(?: {4}|\t).*$", re.MULTILINE),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"\]\([^)\n]*\)"),  # the targets of links
    re.compile(r"<!--.*?-->", re.DOTALL),
)
_UNITS = (
    r"ms|s|us|µs|kB|KB|MB|GB|KiB|MiB|GiB|bytes|%|times|seconds|minutes|hours|core hours|queries a second|million|of \d+"
)
_NUMBER = r"(?<![\w.,])(?<!\w-)\d[\d,]*"  # not the version in Apache-2.0
_MEASURED = re.compile(rf"{_NUMBER}(?:\.\d+)?(?:\s(?:{_UNITS})(?!\w)|%)|{_NUMBER}\.\d+(?!\.?\d)")


class MarkError(Exception):
    """A page has a mark that cannot be filled."""


def pages(root: Path) -> list[Path]:
    """Return the pages that may have figures: all but decisions, which are history."""
    names = ("README.md", "CHANGELOG.md", "benchmarks/README.md", "fingerprint/models/MODEL_CARD.md")
    found = [root / name for name in names]
    docs = (path for path in (root / "docs").rglob("*.md") if not {"_build", "decisions"} & set(path.parts))
    return [*found, *sorted(docs)]


def fill(text: str, results: Results) -> str:
    """Return a page's text with all figures as the results have them.

    Raises
    ------
    MarkError
        A mark names no figure, is not closed, or begins a line, where Markdown takes it for a block of HTML.
    """

    def block(found: re.Match[str]) -> str:
        name, body = found.groups()
        if name not in BLOCKS:
            raise MarkError(f"no block of figures is called {name}")
        if _ANY_MARK.search(body):
            raise MarkError(f"the block {name} is not closed by <!-- end -->")
        lines = "\n".join(BLOCKS[name](results))
        return f"<!-- figure: {name} -->\n{lines}\n<!-- end -->"

    def single(found: re.Match[str]) -> str:
        if found[1] not in FIGURES:
            raise MarkError(f"no figure is called {found[1]}")
        return f"<!--f:{found[1]}-->{FIGURES[found[1]].text(results)}<!--/f-->"

    text = _BLOCK.sub(block, text)
    text = _SINGLE.sub(single, text)
    if broken := _ANY_MARK.search(_SINGLE.sub("", _BLOCK.sub("", text))):
        raise MarkError(f"a mark is not closed: {text[broken.start() : broken.start() + 60]!r}")
    if first := _AT_LINE_START.search(text):
        raise MarkError(f"a figure begins a line: {text[first.start() : first.end() + 40]!r}")
    return text


def unmarked(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and words of each number that looks measured and is in no mark.

    Those are decimal fractions, and numbers with one of a few units or followed by "of" and a number; code, inline code
    and the targets of links are left out.
    """
    for pattern in (_BLOCK, _OF_EDITS, _SINGLE, *_OUTSIDE):
        text = pattern.sub(lambda found: "\n" * found[0].count("\n"), text)
    for found in _MEASURED.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found[0].split())
