"""Adding many pictures to a collection: several workers describe them, and they are written in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial

from fingerprint.collection.adding import Adding, Batch, Publish
from fingerprint.collection.cluster_add import ClusterSegments
from fingerprint.collection.describing import Offered, describe_offered, path_of
from fingerprint.collection.given import checked_pairs
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.index import ImageRecord, Writer
from fingerprint.models import Models
from fingerprint.results import AddReport
from fingerprint.types import Fingerprint, ImageSource, Progress, Skipped, is_unicode
from fingerprint.workers import Cluster, Workers, far, map_images


def add_images(
    writer: Writer,
    images: Iterable[tuple[str, ImageSource]],
    models: Models,
    config: Config,
    *,
    replace_others: bool = True,
    n_workers: Workers = None,
    progress: Progress | None = None,
    total: int = 0,
) -> AddReport:
    """Add (id, picture) pairs to a collection, taken a few at a time, and publish them in batches.

    Parameters
    ----------
    writer : Writer
        Holds the lock during the whole call.
    images : iterable of (str, path, bytes or array)
        A picture that the collection has under its id with the same bytes is not described again; one with other bytes
        replaces the old.
    models : Models
    config : Config
        ``config.storage.batch`` pictures are held in memory.
    replace_others : bool
        Whether a file may replace another file that has its id; otherwise it is skipped. A file that has changed where
        it is always replaces what the collection has of it.
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster whose workers all reach the collection's folder and the
        files. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures.
    total : int
        Number of pictures, for `progress`; 0 if it is not known.

    Returns
    -------
    AddReport
        Pictures that cannot be read, and those whose id is that of another, are skipped.

    Raises
    ------
    ImageError
        If ``config.strict``, instead of skipping a picture; what was published before stays.
    CollectionBusyError
        If another process is writing.
    CollectionError
        If writing fails; what was published before stays.
    """
    under_way: deque[tuple[str | None, str]] = deque()

    def offered() -> Iterator[Offered]:  # runs in this thread, which alone uses the catalogue
        for image_id, source in checked_pairs(images):
            path = path_of(source)
            under_way.append((path, path or str(image_id)))
            is_text = isinstance(image_id, str) and is_unicode(image_id)
            offer = far(source) if isinstance(n_workers, Cluster) else source
            yield Offered(image_id, offer, writer.reader.published(image_id) if is_text else None)

    work = partial(describe_offered, models=models, config=config, replace_others=replace_others)
    with ExitStack() as stack:
        stack.enter_context(writer.writing())
        if isinstance(n_workers, Cluster):
            stack.enter_context(writer.adopting())
            segments = ClusterSegments(writer, n_workers)
            described = segments.describe(work, offered())
            adding = Adding(writer, config, segments.begin, ahead=2)
        else:
            described = map_images(work, offered(), n_workers, strict=config.strict)
            adding = Adding(writer, config, partial(_begin, writer, n_workers))
        adding.noted = writer.reader.skipped()
        for done, result in enumerate(described, start=1):
            adding.take(result, *under_way.popleft())
            if progress is not None:
                progress(done, total)
        adding.finish()
        report = adding.report()
        writer.merge_newest(report.added + report.replaced)
    return report


def _begin(writer: Writer, n_workers: int | None, batch: Batch) -> Publish:
    """Return what writes and publishes a batch."""
    fingerprints = [f for f in batch.fingerprints if isinstance(f, Fingerprint)]
    return lambda: writer.add(fingerprints, batch.records, replaced=None, n_workers=n_workers)


def describe_all(
    images: Iterable[tuple[str, ImageSource]], models: Models, config: Config, n_workers: int | None = None
) -> tuple[list[Fingerprint], list[ImageRecord]]:
    """Describe (id, picture) pairs; all must be readable.

    Raises
    ------
    ImageError
        At the first picture that cannot be read.
    """
    offered = [Offered(image_id, source, None) for image_id, source in checked_pairs(images)]
    fingerprints: list[Fingerprint] = []
    records: list[ImageRecord] = []
    for result in map_images(partial(describe_offered, models=models, config=config), offered, n_workers):
        if isinstance(result, Skipped):
            raise ImageError(result.path, result.reason)
        if isinstance(result.fingerprint, Fingerprint):
            fingerprints.append(result.fingerprint)
            records.append(result.record)
    return fingerprints, records
