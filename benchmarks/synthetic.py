"""Any number of distinct references, recombined from the fingerprints of real pictures.

A synthetic reference has pieces of 3 or 4 pool pictures, each a run of neighbouring keypoints along one of four
directions (a strip across the picture), moved by a similarity transform of its own: scale 0.6 to 1.6, any angle for
half of the pieces and upright for the others, anywhere in the new picture. What falls outside is lost; about as many
keypoints stay as pool pictures have. Every keypoint is jittered: noise on its local descriptor, from which the
signatures are made again, and on its position, size and angle. The compact descriptor is the mean of those of the
pictures plus noise, hashes are those of one of them with bits flipped, size and thumbnail are those of the same one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerprint.features.signatures import compute_signatures
from fingerprint.models import DescriptorModel
from fingerprint.types import F32, I8, I32, I64, ROOTSIFT_SCALE, U8, U64, Fingerprint, Keypoints

HOW = (
    "each synthetic reference is 3 or 4 strips of neighbouring keypoints from pool pictures (training images and those "
    "references that no query was made from), each moved by a random similarity transform (scale 0.6 to 1.6, any angle "
    "for half of them), with noise on local descriptors, positions, sizes and angles; signatures and words are "
    "computed from these"
)
_N_PIECES = (3, 4)
_SCALES = (0.6, 1.6)
_OVERSIZE = 1.55  # keypoints taken for one that is wanted, as pieces reach beyond the picture
_DIRECTIONS = np.deg2rad([0.0, 45.0, 90.0, 135.0])
_DESCRIPTOR_NOISE = 26.0  # in steps of a RootSIFT descriptor, whose length is 512
_POSITION_NOISE = 0.004  # longer sides
_SIZE_NOISE = 0.05  # natural logarithm
_ANGLE_NOISE = np.deg2rad(3.0)
_COMPACT_NOISE = 0.5  # length of the noise on a compact descriptor of length 1
_FLIPPED = 20 / 64  # part of a hash's bits
_LEAST_KEYPOINTS = 30  # of a picture of the pool
_BATCH = 500  # references that are made together


@dataclass(frozen=True, slots=True)
class Pool:
    """Fingerprints that references are made from, end to end.

    Attributes
    ----------
    local, frames : arrays, shapes (k, 128) and (k, 5)
        As in `fingerprint.types.Keypoints`, picture by picture.
    orders : int64 array, shape (4, k)
        Rows of the keypoints of each picture, sorted along each of four directions.
    offsets : int64 array, shape (n + 1,)
        First keypoint of each picture.
    sizes : int32 array, shape (n, 2)
        Width and height.
    hashes, descriptors : arrays, shapes (n, 3) and (n, d)
    thumbnails : uint8 array, shape (b,)
        As they are stored, end to end.
    thumbnail_offsets : int64 array, shape (n + 1,)
        First byte of each picture's.
    colours : int8 array, shape (n, 8, 8, 2)
    """

    local: U8
    frames: F32
    orders: I64
    offsets: I64
    sizes: I32
    hashes: U64
    descriptors: F32
    thumbnails: U8
    thumbnail_offsets: I64
    colours: I8

    def __len__(self) -> int:
        return len(self.sizes)

    def thumbnail(self, row: int) -> U8:
        """Return the stored thumbnail of a picture."""
        return self.thumbnails[self.thumbnail_offsets[row] : self.thumbnail_offsets[row + 1]]


def make_pool(fingerprints: Sequence[Fingerprint]) -> Pool:
    """Lay fingerprints end to end, but for those with few keypoints."""
    kept = [f for f in fingerprints if len(f.keypoints) >= _LEAST_KEYPOINTS]
    offsets = np.cumsum([0] + [len(f.keypoints) for f in kept], dtype=np.int64)
    frames = np.concatenate([f.keypoints.frame for f in kept])
    owner = np.repeat(np.arange(len(kept)), np.diff(offsets))
    along = [frames[:, 0] * np.cos(a) + frames[:, 1] * np.sin(a) for a in _DIRECTIONS]
    return Pool(
        local=np.concatenate([f.keypoints.descriptors for f in kept]),
        frames=frames,
        orders=np.stack([np.lexsort((positions, owner)) for positions in along]).astype(np.int64),
        offsets=offsets,
        sizes=np.array([(f.width, f.height) for f in kept], np.int32),
        hashes=np.stack([f.hashes for f in kept]),
        descriptors=np.stack([f.descriptor for f in kept]),
        thumbnails=np.concatenate([f.thumbnail for f in kept]),
        thumbnail_offsets=np.cumsum([0] + [len(f.thumbnail) for f in kept], dtype=np.int64),
        colours=np.stack([f.colours for f in kept]),
    )


def save_pool(pool: Pool, folder: Path) -> None:
    """Write the pool's arrays, for other processes."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in dataclasses.fields(pool):
        np.save(folder / f"{field.name}.npy", getattr(pool, field.name), allow_pickle=False)


def load_pool(folder: Path) -> Pool:
    """Map the pool's arrays."""
    names = [field.name for field in dataclasses.fields(Pool)]
    return Pool(**{name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names})


def make_references(
    pool: Pool, count: int, seed: Sequence[int], model: DescriptorModel, model_id: str
) -> Iterator[Fingerprint]:
    """Yield synthetic references; the same for the same seed."""
    rng = np.random.default_rng(list(seed))
    for start in range(0, count, _BATCH):
        yield from _make_batch(pool, min(_BATCH, count - start), rng, model, model_id)


def _make_batch(
    pool: Pool, n: int, rng: np.random.Generator, model: DescriptorModel, model_id: str
) -> Iterator[Fingerprint]:
    counts = np.diff(pool.offsets)
    wanted = rng.choice(counts, n)
    n_pieces = rng.integers(_N_PIECES[0], _N_PIECES[-1] + 1, n)
    first_piece = np.cumsum(n_pieces) - n_pieces
    owner = np.repeat(np.arange(n), n_pieces)  # of a piece
    picture = rng.integers(0, len(pool), len(owner))
    lead = picture[first_piece]
    extent = pool.sizes[lead] / pool.sizes[lead].max(axis=1, keepdims=True)
    rows, piece = _choose_keypoints(pool, picture, np.ceil(wanted[owner] / n_pieces[owner] * _OVERSIZE), rng)
    frames = _move(pool.frames[rows], piece, extent[owner], rng)
    inside = ((frames[:, :2] >= 0) & (frames[:, :2] < extent[owner[piece]])).all(axis=1)
    kept = _at_most(owner[piece], inside, wanted, rng)
    frames, belongs = frames[kept], owner[piece[kept]]
    descriptors = jitter_descriptors(pool.local[rows[kept]], rng)
    signatures = compute_signatures(descriptors, model)
    compact = np.add.reduceat(pool.descriptors[picture], first_piece, axis=0)
    compact /= np.linalg.norm(compact, axis=1, keepdims=True)
    compact += rng.normal(0.0, _COMPACT_NOISE / np.sqrt(compact.shape[1]), compact.shape)
    compact /= np.linalg.norm(compact, axis=1, keepdims=True)
    flips = np.packbits(rng.random((n, 3, 64)) < _FLIPPED, axis=2).view(np.uint64)[:, :, 0]
    hashes = pool.hashes[lead] ^ flips
    bounds = np.searchsorted(belongs, np.arange(n + 1))
    for i in range(n):
        own = slice(bounds[i], bounds[i + 1])
        width, height = pool.sizes[lead[i]].tolist()
        keypoints = Keypoints(descriptors[own], signatures[own], frames[own], width, height)
        shown = int(lead[i])
        thumbnail, colours = pool.thumbnail(shown), pool.colours[shown]
        yield Fingerprint(hashes[i], keypoints, compact[i].astype(np.float32), thumbnail, colours, model_id)


def _choose_keypoints(pool: Pool, picture: I64, length: I64, rng: np.random.Generator) -> tuple[I64, I64]:
    """Return rows of the pool, a run of each picture along a random direction, and the piece that each belongs to."""
    available = np.diff(pool.offsets)[picture]
    length = np.minimum(length, available).astype(np.int64)
    start = pool.offsets[picture] + np.floor(rng.random(len(picture)) * (available - length + 1)).astype(np.int64)
    direction = rng.integers(0, len(_DIRECTIONS), len(picture))
    piece = np.repeat(np.arange(len(picture)), length)
    within = np.arange(len(piece)) - np.repeat(np.cumsum(length) - length, length)
    return pool.orders[direction[piece], start[piece] + within], piece


def _move(frames: F32, piece: I64, extent: F32, rng: np.random.Generator) -> F32:
    """Move each piece by a similarity transform about its centre, to anywhere in the picture, and jitter it."""
    n, k = len(extent), len(piece)
    scale = np.exp(rng.uniform(np.log(_SCALES[0]), np.log(_SCALES[1]), n))
    angle = np.where(rng.random(n) < 0.5, rng.uniform(0, 2 * np.pi, n), 0.0)
    c, s = (scale * np.cos(angle))[piece], (scale * np.sin(angle))[piece]
    first = np.searchsorted(piece, np.arange(n))
    size = np.bincount(piece, minlength=n)
    centre = np.add.reduceat(frames[:, :2].astype(np.float64), first, axis=0) / size[:, None]
    target = rng.random((n, 2)) * extent
    x, y = (frames[:, :2] - centre[piece]).T
    position = np.stack([c * x - s * y, s * x + c * y], axis=1) + target[piece] + rng.normal(0, _POSITION_NOISE, (k, 2))
    log_size = frames[:, 2] + np.log(scale)[piece] + rng.normal(0, _SIZE_NOISE, k)
    turned = np.arctan2(frames[:, 4], frames[:, 3]) + angle[piece] + rng.normal(0, _ANGLE_NOISE, k)
    return np.column_stack([position, log_size, np.cos(turned), np.sin(turned)]).astype(np.float32)


def _at_most(owner: I64, inside: np.ndarray, wanted: I64, rng: np.random.Generator) -> I64:
    """Return the keypoints inside their picture, by picture, at random no more than are wanted."""
    rows = np.flatnonzero(inside)
    rows = rows[np.lexsort((rng.random(len(rows)), owner[rows]))]
    sorted_owner = owner[rows]
    rank = np.arange(len(rows)) - np.searchsorted(sorted_owner, sorted_owner)
    kept: I64 = rows[rank < wanted[sorted_owner]]
    return kept


def jitter_descriptors(descriptors: U8, rng: np.random.Generator) -> U8:
    """Return local descriptors with noise, none of it negative, at their old length, in steps of uint8."""
    noisy = rng.standard_normal(descriptors.shape, np.float32)
    noisy *= np.float32(_DESCRIPTOR_NOISE)
    noisy += descriptors
    np.maximum(noisy, 0, out=noisy)
    noisy *= np.float32(ROOTSIFT_SCALE) / np.maximum(np.linalg.norm(noisy, axis=1, keepdims=True), 1)
    return np.minimum(np.rint(noisy), 255).astype(np.uint8)


def jitter_cosines(pool: Pool, seed: int) -> F32:
    """Return the cosines of 5,000 local descriptors with their jittered selves."""
    rng = np.random.default_rng([seed, 0])
    before = pool.local[np.sort(rng.choice(len(pool.local), min(5_000, len(pool.local)), replace=False))]
    after = jitter_descriptors(before, rng).astype(np.float32)
    one = before.astype(np.float32)
    cosines: F32 = (one * after).sum(axis=1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(after, axis=1))
    return cosines
