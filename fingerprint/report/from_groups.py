"""Pages of groups of copies: each copy with the keeper of its group."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint.dedupe import Group, Member
from fingerprint.dedupe.values import PictureFile
from fingerprint.report.draft import Draft
from fingerprint.report.values import PagePair, PagePicture


def add_groups(draft: Draft, groups: Sequence[Group]) -> None:
    """Add groups, numbered from 1 on: their copies, and then what only shares something with the keeper.

    Files have their absolute paths, sizes and digests, so that decisions say which bytes they are about.
    """
    for number, group in enumerate(groups, start=1):
        keeper = _position(draft, group.keeper, group.size)
        why = "; ".join(group.reasons)
        for member in group.members:
            draft.pairs.append(_pair(draft, member, keeper, number, why, member.words))
        for member in group.shared:
            draft.pairs.append(_pair(draft, member, keeper, number, "", None))


def _pair(draft: Draft, member: Member, keeper: int, number: int, why: str, words: str | None) -> PagePair:
    return PagePair(
        query=_position(draft, member.file, member.size),
        reference=keeper,
        found=member.verification,
        words=words,
        group=number,
        why=why,
        frees=member.frees,
        goes=words is not None and not member.has_unseen_frames,
    )


def _position(draft: Draft, file: PictureFile, size: tuple[int, int]) -> int:
    def make() -> PagePicture:
        return PagePicture(
            str(file.path), file.path, path=file.id, size=size, content=file.content, n_bytes=file.n_bytes
        )

    return draft.picture(file.id, make)
