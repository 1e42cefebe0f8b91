"""Merging segments: one new segment from several, without what was removed from them, in parts of some megabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import Config
from fingerprint.features.colour_grid import REFERENCE_SIDE, unknown_colours
from fingerprint.features.descriptor import pack_descriptors
from fingerprint.features.packed_frames import pack_frames
from fingerprint.index.atomic_folder import NewFolder
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.ids import SegmentIds
from fingerprint.index.layout import open_listed, segment_folder
from fingerprint.index.manifests import PICTURES, UNPACKED
from fingerprint.index.own_files import discard
from fingerprint.index.packed_vectors import as_vectors, code_words, sign_codes
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import PictureSegment, Segment, row_type
from fingerprint.index.segment_writer import add_ids, finish, shortened
from fingerprint.types import I8, I64, U8, Bool

_BYTES_AT_ONCE = 1 << 25
_POSTINGS_AT_ONCE = 1 << 21
_UNKNOWN_AT_ONCE = 1 << 16
_PICTURE_ROWS = ("hashes", "sizes")


@dataclass(frozen=True, slots=True)
class Source:
    """A segment to merge, and which of its pictures the new segment gets: bool array, shape (n,)."""

    segment: Segment
    kept: Bool


def merge_segments(folder: Path, sources: Sequence[Source], config: Config) -> str:
    """Merge several segments into one, without removed pictures.

    The files are the same as if all pictures had been written at once. They are copied in parts of some megabytes, so
    that memory does not grow with the segments.

    Parameters
    ----------
    folder : Path
        As in `write_pictures`.
    sources : sequence of Source
        Of one kind and one model, with at least one picture kept; all with local descriptors or all without.
    config : Config

    Returns
    -------
    str
        The text of the manifest, for the catalogue.
    """
    first = sources[0].segment.manifest
    n = sum(int(source.kept.sum()) for source in sources)
    with NewFolder(folder) as new:
        id_bytes = _merge_ids(new, sources)
        dtype = np.int8 if first["kind"] == PICTURES else np.float32
        with new.array("descriptors", (n, first["dimension"]), dtype) as writer:
            for part in _rows(sources, "descriptors"):
                writer.write(part if part.dtype == dtype else pack_descriptors(part))
        counts = _merge_pictures(new, sources, n) if first["kind"] == PICTURES else {}
        descriptors = np.load(new.path / "descriptors.npy", mmap_mode="r", allow_pickle=False)
        return finish(new, first["kind"], first["model_id"], as_vectors(descriptors), id_bytes, config, counts)


def rewrite_segment(folder: Path, catalogue: Catalogue, listed: SegmentRecord, config: Config) -> None:
    """Replace a segment of a collection by one of the current format, without what was removed from it.

    Hold the writer's lock. What an earlier attempt that was interrupted has left is replaced.
    """
    records = list(catalogue.records(listed.number))
    kept = np.array([not removed for _, removed in records], np.bool_)
    number = catalogue.next_number()
    if kept.any():
        discard(segment_folder(folder, number))
        segment = open_listed(folder, listed)
        text = merge_segments(segment_folder(folder, number), [Source(segment, kept)], config)
        segment.close()
    with catalogue.change():
        catalogue.drop_segment(listed.number)
        if kept.any():
            live = [record for record, removed in records if not removed]
            catalogue.add_segment(number, listed.model_id, live, text, listed.rank)
    discard(segment_folder(folder, listed.number))


def _merge_pictures(new: NewFolder, sources: Sequence[Source], n: int) -> dict[str, int]:
    """Write the arrays that only segments of pictures have, and return the counts for the manifest."""
    dimension = sources[0].segment.manifest["dimension"]
    with new.array("codes", (n, code_words(dimension)), np.uint64) as writer:
        for part in _rows(sources, "descriptors"):
            writer.write(sign_codes(part if part.dtype == np.int8 else pack_descriptors(part)))
    segments = [source.segment for source in sources]
    pictures = [segment for segment in segments if isinstance(segment, PictureSegment)]
    for name in _PICTURE_ROWS:
        example = getattr(pictures[0], name)
        with new.array(name, (n, *example.shape[1:]), example.dtype) as writer:
            for part in _rows(sources, name):
                writer.write(part)
    with new.array("colours", (n, REFERENCE_SIDE, REFERENCE_SIDE, 2), np.int8) as writer:
        for source, segment in zip(sources, pictures, strict=True):
            for part in _unknown_rows(source) if segment.colours is None else _rows([source], "colours"):
                writer.write(part)
    n_thumbnail_bytes = _merge_thumbnails(new, pictures, [source.kept for source in sources])
    sizes = [np.diff(s.offsets)[source.kept] for s, source in zip(pictures, sources, strict=True)]
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    new.add_array("offsets", offsets)
    total = int(offsets[-1])
    n_local = total if all(len(s.local) == len(s.signatures) for s in pictures) else 0
    forms = {"signatures": ((total, 2), "uint64"), "frames": ((total, 4), "uint16"), "local": ((n_local, 128), "uint8")}
    for name, (shape, dtype) in forms.items():
        with new.array(name, shape, dtype) as writer:
            for segment, source in zip(pictures, sources, strict=True) if shape[0] else ():
                for part in _runs(segment, name, segment.offsets, source.kept):
                    writer.write(part if part.dtype == dtype else pack_frames(part))
    n_words = _merge_postings(new, pictures, [source.kept for source in sources], total)
    return {
        "n_keypoints": total,
        "n_words": n_words,
        "n_local": n_local,
        "n_thumbnail_bytes": n_thumbnail_bytes,
    }


def _merge_thumbnails(new: NewFolder, segments: Sequence[PictureSegment], kept: Sequence[Bool]) -> int:
    """Write the thumbnails of the kept pictures as `shorten` returns them, and return their number of bytes."""
    lengths = [_thumbnail_lengths(segment, chosen) for segment, chosen in zip(segments, kept, strict=True)]
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    new.add_array("thumbnail_offsets", offsets)
    with new.array("thumbnails", (int(offsets[-1]),), np.uint8) as writer:
        for segment, chosen in zip(segments, kept, strict=True):
            if segment.thumbnail_offsets is None or segment.manifest["format_version"] == UNPACKED:
                parts = _shortened_rows(segment, chosen)
            else:
                parts = _runs(segment, "thumbnails", segment.thumbnail_offsets, chosen)
            for part in parts:
                writer.write(part)
    return int(offsets[-1])


def _thumbnail_lengths(segment: PictureSegment, kept: Bool) -> I64:
    """Return the bytes of each kept picture's thumbnail in a new segment.

    Those of older formats are shortened for this and again when they are written, so that not all are in memory.
    """
    if segment.thumbnail_offsets is None or segment.manifest["format_version"] == UNPACKED:
        return np.array([len(stored) for stored in _shortened_rows(segment, kept)], dtype=np.int64)
    return np.diff(segment.thumbnail_offsets)[kept]


def _shortened_rows(segment: PictureSegment, kept: Bool) -> Iterator[U8]:
    """Yield the thumbnails of the kept pictures, of a segment of an older format, as `shorten` returns them."""
    array, offsets = _sequential(segment.folder, "thumbnails"), segment.thumbnail_offsets
    for row in np.flatnonzero(kept).tolist():
        yield shortened(array[row] if offsets is None else array[int(offsets[row]) : int(offsets[row + 1])])


def _rows(sources: Sequence[Source], name: str) -> Iterator[NDArray[Any]]:
    """Yield the rows of the kept pictures, some megabytes at a time, read sequentially."""
    for source in sources:
        array = _sequential(source.segment.folder, name)
        step = max(1, _BYTES_AT_ONCE // max(1, array[:1].nbytes))
        for start in range(0, len(array), step):
            kept = source.kept[start : start + step]
            if kept.any():
                part = array[start : start + step]
                yield part if kept.all() else part[kept]


def _unknown_rows(source: Source) -> Iterator[I8]:
    """Yield the colours of the kept pictures of a segment that has none, some at a time."""
    n = int(source.kept.sum())
    for start in range(0, n, _UNKNOWN_AT_ONCE):
        yield unknown_colours(min(_UNKNOWN_AT_ONCE, n - start))


def _runs(segment: PictureSegment, name: str, offsets: I64, kept: Bool) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array that has a run of them for each picture, of kept pictures, some megabytes at a time.

    `offsets` : int64 array, shape (n + 1,), first row of each run.
    """
    array, offsets = _sequential(segment.folder, name), np.asarray(offsets)
    step = max(1, _BYTES_AT_ONCE // max(1, array[:1].nbytes))
    start = 0
    while start < len(segment):
        stop = max(start + 1, int(np.searchsorted(offsets, offsets[start] + step, side="right")) - 1)
        chosen = kept[start:stop]
        if chosen.any():
            part = array[offsets[start] : offsets[stop]]
            yield part if chosen.all() else part[np.repeat(chosen, np.diff(offsets[start : stop + 1]))]
        start = stop


def _sequential(folder: Path, name: str) -> NDArray[Any]:
    """Map an array once more, for sequential reading: the mapping for searches does not read ahead."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def _merge_ids(new: NewFolder, sources: Sequence[Source]) -> int:
    texts, lengths = [], []
    for source in sources:
        ids, kept = source.segment.ids, source.kept
        n_bytes = np.diff(ids.offsets)
        texts.append(np.asarray(ids.text)[np.repeat(kept, n_bytes)])
        lengths.append(n_bytes[kept])
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    add_ids(new, SegmentIds.of_encoded(np.concatenate(texts), offsets))
    return int(offsets[-1])


def _merge_postings(new: NewFolder, segments: Sequence[PictureSegment], kept: Sequence[Bool], total: int) -> int:
    """Write the merged inverted file, and return its number of words."""
    rows, short = _new_rows(kept), row_type(sum(int(chosen.sum()) for chosen in kept))
    live = [_live_counts(segment, chosen) for segment, chosen in zip(segments, kept, strict=True)]
    words = np.unique(np.concatenate([s.postings.words[n > 0] for s, n in zip(segments, live, strict=True)]))
    counts = np.zeros(len(words), np.int64)
    for segment, number in zip(segments, live, strict=True):
        used = number > 0
        counts[np.searchsorted(words, segment.postings.words[used])] += number[used]
    starts = np.concatenate([[0], np.cumsum(counts)])
    new.add_array("posting_words", words.astype(np.uint32))
    new.add_array("posting_starts", starts.astype(np.uint32))
    with (
        new.array("posting_signatures", (total,), np.uint64) as signatures,
        new.array("posting_references", (total,), short) as references,
        new.array("posting_geometry", (total,), np.uint32) as geometry,
    ):
        for first, last in _blocks(starts):
            block = _posting_block(segments, kept, rows, words[first:last])
            signatures.write(block[0])
            references.write(block[1].astype(short))
            geometry.write(block[2])
    return len(words)


def _posting_block(
    segments: Sequence[PictureSegment], kept: Sequence[Bool], rows: Sequence[I64], words: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the postings of a run of words: by word, then by segment, then in their old order."""
    parts: list[tuple[NDArray[Any], ...]] = []
    small = np.uint16 if len(words) <= 1 << 16 else np.uint32  # NumPy sorts 16-bit numbers faster
    for segment, chosen, row in zip(segments, kept, rows, strict=True):
        postings = segment.postings
        first, last = np.searchsorted(postings.words, [words[0], words[-1] + 1])
        if first == last:
            continue
        bounds = np.asarray(postings.starts[first : last + 1]).astype(np.int64)
        span = slice(bounds[0], bounds[-1])
        # a word without kept pictures is not in `words`: its owner is wrong here, but `chosen` drops all its postings
        owner = np.repeat(np.searchsorted(words, postings.words[first:last]).astype(small), np.diff(bounds))
        reference = np.asarray(postings.references[span])
        part = (owner, postings.signatures[span], row[reference].astype(np.uint32), postings.geometry[span])
        parts.append(part if chosen.all() else tuple(values[chosen[reference]] for values in part))
    owners, signatures, references, geometry = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(owners, kind="stable")
    return signatures[order], references[order], geometry[order]


def _new_rows(kept: Sequence[Bool]) -> list[I64]:
    """Return for each segment the rows of its pictures in the new segment."""
    rows, start = [], 0
    for chosen in kept:
        rows.append(start + np.cumsum(chosen, dtype=np.int64) - 1)
        start += int(chosen.sum())
    return rows


def _live_counts(segment: PictureSegment, kept: Bool) -> I64:
    """Return for each word of a segment how many of its postings are of kept pictures."""
    starts = segment.postings.starts.astype(np.int64)
    if kept.all():
        return np.diff(starts)
    before = np.zeros(len(segment.postings.references) + 1, np.int64)
    for start in range(0, len(before) - 1, _POSTINGS_AT_ONCE):
        part = kept[segment.postings.references[start : start + _POSTINGS_AT_ONCE]]
        before[start + 1 : start + 1 + len(part)] = before[start] + np.cumsum(part)
    return np.diff(before[starts])


def _blocks(starts: I64) -> list[tuple[int, int]]:
    """Divide words into runs of at most `_POSTINGS_AT_ONCE` postings; a word with more is a run by itself."""
    blocks, first, n_words = [], 0, len(starts) - 1
    while first < n_words:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + _POSTINGS_AT_ONCE, side="right")) - 1)
        blocks.append((first, min(last, n_words)))
        first = last
    return blocks
