"""A page while its pictures and pairs are gathered, and where the pictures of references are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fingerprint.collection.collection import Collection
from fingerprint.locations import Location, Url, location
from fingerprint.report.values import Axis, Kind, Page, PagePair, PagePicture
from fingerprint.types import Skipped


class Draft:
    """Gathers the pictures and pairs of a page; a picture that comes again is taken once.

    Attributes
    ----------
    pairs : list of PagePair
    skipped : list of Skipped
    """

    def __init__(self) -> None:
        self.pairs: list[PagePair] = []
        self.skipped: list[Skipped] = []
        self._pictures: list[PagePicture] = []
        self._positions: dict[object, int] = {}

    def picture(self, key: object, make: Callable[[], PagePicture]) -> int:
        """Return the position of a picture, which is made if its key is new."""
        if key not in self._positions:
            self._positions[key] = len(self._pictures)
            self._pictures.append(make())
        return self._positions[key]

    def file(self, path: Location) -> int:
        """Return the position of the picture in a file that is called as it was named."""
        return self.picture(("file", str(path)), lambda: PagePicture(str(path), path))

    @property
    def pictures(self) -> Sequence[PagePicture]:
        """The pictures, in the order in which they came."""
        return self._pictures

    def page(
        self,
        kind: Kind,
        title: str,
        notes: Iterable[str] = (),
        *,
        axis: Axis = "probability",
        threshold: float = 0.5,
        span: tuple[float, float] = (0.0, 1.0),
    ) -> Page:
        """Return the page; parameters as in `Page`."""
        return Page(
            *(kind, title, tuple(self._pictures), tuple(self.pairs), tuple(notes), tuple(self.skipped)),
            axis=axis,
            threshold=threshold,
            span=span,
        )


class References:
    """Finds the pictures of references: their files, and what a collection keeps of those that are gone.

    Parameters
    ----------
    collection : Collection, optional
        Knows the path, the size and the bytes of each file.
    folders : sequence of Path
        Folders in which a reference lies under its id, if its file is not where it was. They are looked at first.
    files : mapping of str to Path or Url, optional
        Files by id, where they are known otherwise.
    """

    def __init__(
        self,
        collection: Collection | None = None,
        folders: Sequence[Path] = (),
        files: Mapping[str, Location] | None = None,
    ) -> None:
        self._collection, self._folders, self._files = collection, folders, files or {}

    def also_at(self, files: Mapping[str, Location]) -> References:
        """Return one that knows more files."""
        return References(self._collection, self._folders, {**self._files, **files})

    def picture(self, reference_id: str) -> PagePicture:
        """Return the picture of a reference, read or not."""
        known = self._collection
        if known is None or reference_id not in known:
            return PagePicture(reference_id, self._file(reference_id, None))
        record = known.record(reference_id)
        return PagePicture(
            reference_id,
            self._file(reference_id, record.path),
            size=(record.width, record.height),
            thumbnail=known.fingerprint(reference_id).thumbnail.copy(),
            content=record.content or "",
            n_bytes=record.n_bytes,
        )

    def _file(self, reference_id: str, path: str | None) -> Location | None:
        if "\0" in reference_id:
            return None
        places: list[Location] = [folder / reference_id for folder in self._folders]
        places += [self._files[reference_id]] if reference_id in self._files else []
        places += [location(path)] if path else []
        return next((place for place in places if isinstance(place, Url) or place.is_file()), None)
