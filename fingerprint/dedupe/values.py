"""What de-duplicating passes on: files, the pictures they hold, what a user asks for, and groups of copies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args

from fingerprint.config import COPY_PROBABILITY
from fingerprint.errors import ConfigError
from fingerprint.results import Verification
from fingerprint.types import Skipped
from fingerprint.verify.changes import Changes

#: How a keeper is chosen.
Keep: TypeAlias = Literal["best", "largest", "oldest", "newest", "path-order"]
KEEPS: tuple[Keep, ...] = get_args(Keep)
#: What is done with the members of groups.
Action: TypeAlias = Literal["move", "hardlink", "symlink"]


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file as it was found, before anything was done.

    Attributes
    ----------
    path : Path
        As it was named, or found in a folder that was named.
    order : int
        Position among all files.
    is_reference : bool
        Whether it lies in a folder that is only compared with: it is never acted on.
    is_link : bool
        Whether the path is a symbolic link.
    device, inode : int
        Together they say which file it is, by whatever path.
    n_links : int
        Names that the file has in the file system.
    n_bytes, mtime_ns : int
        Size, and time of the last change in nanoseconds.
    content : str
        SHA-256 of its bytes in hex; empty if it is not known yet.
    """

    path: Path
    order: int
    is_reference: bool
    is_link: bool
    device: int
    inode: int
    n_links: int
    n_bytes: int
    mtime_ns: int
    content: str = ""

    @property
    def id(self) -> str:
        """Its absolute path, links not followed: the id in the collection."""
        return os.path.abspath(self.path)  # noqa: PTH100 - does not follow links

    @property
    def frees(self) -> int:
        """Bytes that are free without it: none of a link, or of a file that has another name, too."""
        return 0 if self.is_link or self.n_links > 1 else self.n_bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """Files with the same bytes, and the further paths that lead to one of them.

    Attributes
    ----------
    image_id : str
        Id in the collection: the absolute path of one of the files.
    files : tuple of PictureFile
        Different files, at least one, in their order.
    others : tuple of (PictureFile, PictureFile)
        Another path, and the one of `files` that it leads to: a hard link, a symbolic link, or the same path by way of
        a link.
    width, height : int
        In pixels, upright.
    """

    image_id: str
    files: tuple[PictureFile, ...]
    others: tuple[tuple[PictureFile, PictureFile], ...]
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def is_reference(self) -> bool:
        """Whether one of its files is only compared with."""
        return any(file.is_reference for file in self.files)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a user asks for.

    Attributes
    ----------
    keep : Keep
        How a keeper is chosen: the best by all that is known, or by one thing, and then the best.
    prefer : tuple of Path
        Folders whose files are kept before all others, the first before the next.
    min_probability : float, [0.5, 1]
        Least probability of a copy of the keeper with which a picture joins a group.
    ignore_same_folder : bool
        Whether files in the folder of the keeper are left out.
    whole_only : bool
        Whether crops, insets and collages are left out: copies that show less than their keeper, or more than it.

    Raises
    ------
    ConfigError
        If a value is not one of these.
    """

    keep: Keep = "best"
    prefer: tuple[Path, ...] = ()
    min_probability: float = COPY_PROBABILITY
    ignore_same_folder: bool = False
    whole_only: bool = False

    def __post_init__(self) -> None:
        if self.keep not in KEEPS:
            raise ConfigError(f"keep is {self.keep!r}, must be one of {', '.join(KEEPS)}")
        if not COPY_PROBABILITY <= self.min_probability <= 1:
            raise ConfigError(f"min_probability is {self.min_probability}, must be from {COPY_PROBABILITY} to 1")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a group, with its verdict against the keeper.

    Attributes
    ----------
    file : PictureFile
    size : (int, int)
        Width and height in pixels, upright.
    verification : Verification
        With this file as the query and the keeper as the reference.
    changes : Changes
        How it shows the keeper.
    same_as : PictureFile or None
        The file that this is another path to, if it is one: nothing is freed by it, and it is left alone.
    n_frames : int
        Frames or pages of the file, of which only the first was compared. With more than one it is left alone, unless
        the keeper has the same bytes.
    """

    file: PictureFile
    size: tuple[int, int]
    verification: Verification
    changes: Changes
    same_as: PictureFile | None = None
    n_frames: int = 1

    @property
    def has_unseen_frames(self) -> bool:
        """Whether it shows more than what was compared."""
        return self.n_frames > 1 and not self.changes.same_file

    @property
    def words(self) -> str:
        """What was done to get this file from the keeper."""
        if self.same_as is None:
            first = f", only the first of {self.n_frames:,} frames" if self.has_unseen_frames else ""
            return f"{self.changes.words}{first}"
        if self.file.is_link:
            return f"symbolic link to {self.same_as.path}"
        if self.file.n_links > 1:
            return f"hard link of {self.same_as.path}"
        return f"another path to {self.same_as.path}"

    @property
    def frees(self) -> int:
        """Bytes that are free without it."""
        return 0 if self.same_as is not None or self.has_unseen_frames else self.file.frees


@dataclass(frozen=True, slots=True)
class Group:
    """A keeper, and what is a copy of it.

    Attributes
    ----------
    keeper : PictureFile
    size : (int, int)
        Width and height of the keeper in pixels, upright.
    reasons : tuple of str
        Why it was chosen.
    members : tuple of Member
        Copies of the keeper, the surest first.
    shared : tuple of Member
        Pictures that only share a template or a scene with the keeper; nothing is ever done with them.
    """

    keeper: PictureFile
    size: tuple[int, int]
    reasons: tuple[str, ...]
    members: tuple[Member, ...]
    shared: tuple[Member, ...] = ()


class Copy(Protocol):
    """A file that goes, as it was proposed or decided."""

    @property
    def file(self) -> PictureFile:
        """The file."""

    @property
    def same_as(self) -> PictureFile | None:
        """The file that this is another path to, if it is one."""

    @property
    def has_unseen_frames(self) -> bool:
        """Whether it shows more than what was compared."""

    @property
    def words(self) -> str:
        """What it is."""

    @property
    def frees(self) -> int:
        """Bytes that are free without it."""


class Kept(Protocol):
    """A file that stays, and its copies: a `Group`, or what was decided about one."""

    @property
    def keeper(self) -> PictureFile:
        """The file that stays."""

    @property
    def members(self) -> Sequence[Copy]:
        """The files that go."""


@dataclass(frozen=True, slots=True)
class Groups:
    """All groups of copies among some files.

    Attributes
    ----------
    groups : tuple of Group
        In the order of their keepers' paths as they were found. Some have shared pictures only.
    n_files, n_pictures : int
        Files that were looked at, and different contents among them.
    skipped : tuple of Skipped
        Files that could not be read.
    plain : tuple of Path
        Files so plain or regular that only the same bytes or pixels are sure to be found as copies of them.
    """

    groups: tuple[Group, ...]
    n_files: int
    n_pictures: int
    skipped: tuple[Skipped, ...]
    plain: tuple[Path, ...] = ()

    @property
    def n_copies(self) -> int:
        """Files that are copies of a keeper; further paths to one file do not count."""
        return sum(member.same_as is None for group in self.groups for member in group.members)

    @property
    def n_links(self) -> int:
        """Further paths to files that are there already: links to them."""
        return sum(member.same_as is not None for group in self.groups for member in group.members)

    @property
    def frees(self) -> int:
        """Bytes that would be free without the copies."""
        return sum(member.frees for group in self.groups for member in group.members)


def allowed(members: Sequence[Member], keeper: PictureFile, rules: Rules) -> list[Member]:
    """Leave out references; what lies in the folder of the keeper, and what is not whole, if that is asked for."""
    folder = os.path.dirname(keeper.id)  # noqa: PTH120 - of an id
    return [
        member
        for member in members
        if not member.file.is_reference
        and not (rules.ignore_same_folder and os.path.dirname(member.file.id) == folder)  # noqa: PTH120
        and not (rules.whole_only and not member.changes.is_whole)
    ]
