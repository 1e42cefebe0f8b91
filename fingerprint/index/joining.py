"""Making a sharded collection of several collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fingerprint.config import Config
from fingerprint.errors import CollectionError, ConfigError
from fingerprint.index.own_files import check_folder
from fingerprint.index.sharded import ShardedWriter, check_alike, open_all, settings_of
from fingerprint.index.shards import is_sharded, shard_folders, write_shards
from fingerprint.index.writer import Writer
from fingerprint.models import Models

_AT_ONCE = 10_000  # ids that are looked up together


def make_sharded(folder: Path, shards: Sequence[Path], models: Models, config: Config) -> ShardedWriter:
    """Make a sharded collection, or give an existing one more shards.

    Parameters
    ----------
    folder : Path
        New or empty, or a sharded collection.
    shards : sequence of Path
        Folders of the shards to add: collections, which are taken as they are, or new or empty folders, in which new
        ones are made. At least one.
    models : Models
    config : Config
        Of new shards.

    Raises
    ------
    ConfigError
        If a shard is named twice or is a sharded collection, an id is in two of them, or their settings differ.
    CollectionError
        As in `Writer.create` and `Reader.open`, or if there is something else in `folder`.
    """
    known = shard_folders(folder)
    check_folder(folder)
    if not known and folder.exists() and any(folder.iterdir()):
        raise CollectionError(f"{folder}: a folder of other files; name a new one for the sharded collection")
    places = [shard.absolute() for shard in (*known, *shards)]
    twice = next((place for place, n in Counter(place.resolve() for place in places).items() if n > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice}: named twice as a shard of {folder}")
    if not shards:
        raise ConfigError(f"{folder}: name at least one shard")
    if nested := next((place for place in places if is_sharded(place)), None):
        raise ConfigError(f"{nested}: a sharded collection, which cannot be a shard; name its shards instead")
    new = [place for place in places if not place.exists() or not any(place.iterdir())]
    there = open_all(folder, [place for place in places if place not in new], models, config)
    try:  # before a new one is made, which would stay
        wanted = config.storage.keep_local_descriptors, config.candidates.descriptor_index
        check_alike(folder, [*map(settings_of, there), *([wanted] if new else [])])
    finally:
        for writer in there:
            writer.close()
    folder.mkdir(parents=True, exist_ok=True)
    for place in new:
        Writer.create(place, models, config).close()
    made = ShardedWriter(folder, open_all(folder, places, models, config))
    try:
        _check_disjoint(made, len(known))
        write_shards(folder, places)
    except BaseException:
        made.close()
        raise
    return made


def _check_disjoint(made: ShardedWriter, n_known: int) -> None:
    """Check that no id of the shards from `n_known` on is in another one."""
    for number, shard in enumerate(made.shards[n_known:], start=n_known):
        ids = shard.reader.ids
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            for other in made.shards[:number]:
                if clash := other.live(some, made.reader.model_id):
                    raise ConfigError(
                        f"{clash[0]!r} is in {other.reader.folder} and in {shard.reader.folder}: the ids of a sharded "
                        "collection are unique; remove it from one of them"
                    )
