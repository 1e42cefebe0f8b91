"""Paragraphs that are full of figures: kept here whole, so that pages have no marks between the words."""

from __future__ import annotations

import textwrap

from _figures.results import Results
from _figures.singles import insert_figures

PARAGRAPHS = {
    "query-time": """
        A look at a query takes about {stages.query} ms of one core at this size, on a machine that takes
        {stages.yardstick} ms for OpenCV's SIFT at 512 pixels: {stages.keypoints} ms for its keypoints, {stages.beyond}
        ms to find and compare candidates. The profile `fast` is one look; where half of the queries have a source, the
        default takes {match.standard.times} times as long, `thorough` {match.thorough.times} times. A query of the
        Descriptor Track takes {descriptor.query} ms, a reference {descriptor.reference}.
    """,
    "card-quality": """
        **How good they are.** On {set.references} references and {set.queries} edited queries that had no part in the
        training, micro average precision is {match.standard.micro_ap} in the Matching Track
        ({match.thorough.micro_ap} with the profile `thorough`) and {describe.micro_ap} in the Descriptor Track.
        `benchmarks/README.md` has the other figures and the commands that made them.
    """,
    "calibration": """
        Expected calibration error: {calibration.all.error} over all rows, most of which are easy;
        {calibration.first.error} over the first row of each query (Brier score {calibration.first.brier}).
        So few first rows have an error even if every probability is exactly right: {calibration.first.chance} on
        average, and more than {calibration.first.worst} once in twenty cases.
    """,
    "million": """
        Among a million references ({set.references} real ones, the rest recombined from real features) a query takes
        {million.query} ms from its file at the median, {million.growth} times as long as among 100,000;
        the machine was busy with other work. {million.first} of {million.asked} sources come first; among the
        {set.references} alone {small.first} do. That collection takes {million.disk} GB of disk and opens in
        {million.open} s; adding 1,000 described pictures to it
        takes {million.add} s.
    """,
    "hash-times": """
        Perceptual hashes are equal to those of `imagehash` and PDQ's own tools where that is wanted. Otherwise pHash
        and dHash together take {hash.decode.least} to {hash.decode.most} times as long as to decode a JPEG's luma at an
        eighth of its size, which is {hash.imagehash.least} to {hash.imagehash.most} times as fast as `imagehash.phash`
        alone; PDQ is {hash.pdqhash.least} to {hash.pdqhash.most} times as fast as the package `pdqhash`.
    """,
    "hash-search": """
        Among a million hashes of 64 bits, all within 7 bits of a query are found at {hamming.radius} queries a second
        in a batch, {hamming.radius.times} times as fast as Faiss does, and the ten nearest at {hamming.nearest},
        {hamming.nearest.times} times as fast. One query at a time they are {hamming.radius.single.times} and
        {hamming.nearest.single.times} times as fast. One core each.
    """,
}


def paragraph(name: str, results: Results) -> list[str]:
    """Return a paragraph, line by line."""
    text = insert_figures(" ".join(PARAGRAPHS[name].split()), results)
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)
