"""The second look at a pair: where the overlap of two pictures agrees, where it contradicts, and where it is silent.

Two pictures of one template, or two photographs of one scene, have much in common and are no copies. What decides is
what differs: a copy with something laid over it contradicts in a compact part and agrees elsewhere; a filled-in form
contradicts wherever its content is, in the tones and with the texture of what it replaces; a second photograph agrees
roughly, but its parts have moved against each other.

The query is warped onto the reference's thumbnail at two sizes, and compared cell by cell; see
`fingerprint.kernels.cells` for how, and `fingerprint.kernels.overlap` for what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.axial import AXIAL_MEASURES, measure_axial
from fingerprint.kernels.cells import BEST, CELL, UNMOVED, compare_cells
from fingerprint.kernels.colours import COLOUR_MEASURES, measure_colours
from fingerprint.kernels.drawn import measure_drawn
from fingerprint.kernels.layers import LAYER_MEASURES, measure_layers
from fingerprint.kernels.overlap import MEASURES, fit_moves, likeness_of, summarise_cells
from fingerprint.kernels.piece import PIECE_MEASURES, SLOT_MEASURES, measure_piece_and_slot
from fingerprint.types import F64, I8, U8, Bool
from fingerprint.verify.bend import BEND_NAMES, Chain
from fingerprint.verify.warp import COARSE_SIDE, UNCHANGED, Warper, resize_map

#: What `Overlap.measures` has, in order.
OVERLAP_NAMES = (
    *(f"coarse_{name}" for name in MEASURES),
    *(f"fine_{name}" for name in MEASURES),
    "realigned",  # how far the coarse comparison corrected the keypoints' transform, in pixels of its grid
    "whole",  # 1 if the pictures agree best when the whole of one is laid onto the whole of the other
    "ground",  # share of the reference within two grey values of its most common one: drawings have a ground
    "flat",  # share of the reference without gradients: photographs have noise
    "log_gradient",  # logarithm of the reference's median gradient, in grey values per pixel
    *PIECE_MEASURES,
    *SLOT_MEASURES,
    *AXIAL_MEASURES,
    *LAYER_MEASURES,
    *BEND_NAMES,
    *COLOUR_MEASURES,
)
_FEW_INLIERS = 12  # with fewer, the keypoints' transform may be wrong
_TRUST = 1.15  # how much better whole pictures must agree than the keypoints' transform
_LIKE = 0.3  # correlations below this are as usual for unrelated pictures
_BETTER = 1.003  # how much better a realigned picture must agree
_REALIGNMENTS = 2
_FAR = 1.0  # pixels of the coarse grid, of a correction from which on the keypoints' transform is not good enough
_THREE_QUARTERS = MEASURES.index("three_quarters")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The whole picture that a query was cut out of.

    A part may agree with a reference where the whole contradicts it: the same carpet under another shirt. So what the
    part does not cover is compared with the whole.

    Attributes
    ----------
    pixels : sequence of uint8 arrays
        From `fingerprint.features.thumbnail.make_pyramid`.
    size : (width, height)
        Of the original picture, in pixels.
    place : float64 array, shape (3, 3)
        From its pixels to pixels of the query.
    """

    pixels: Sequence[U8]
    size: tuple[int, int]
    place: F64

    def fill(
        self, grid: U8, covered: Bool, transform: F64, reference_size: tuple[int, int], move: F64
    ) -> tuple[U8, Bool]:
        """Return a warped query and what it covers, with the rest of the grid filled from the surroundings."""
        warper = Warper.of(transform @ self.place, self.size, reference_size, len(grid), move)
        if warper is None:
            return grid, covered
        around, around_covered = warper.warp(self.pixels)
        return np.where(covered, grid, around), covered | around_covered


@dataclass(frozen=True, slots=True)
class Sides:
    """Both pictures of a pair, as the second look takes them.

    Attributes
    ----------
    query : sequence of uint8 arrays
        From `fingerprint.features.thumbnail.make_pyramid`.
    query_size : (width, height)
        Of the original query, in pixels.
    thumbnail : uint8 array, shape (s, s)
        From `fingerprint.features.thumbnail.open_thumbnail`.
    reference_size : (width, height)
        Of the original reference, in pixels.
    inverted : bool
        Whether the query is compared as a negative.
    chain : Chain
        The matches of the pair, to follow a picture that was bent.
    colours : tuple of two int8 arrays, shapes (m, m, 2) and (n, n, 2)
        The colours of the query and of the reference, as in `fingerprint.types`.
    around : Surroundings, optional
        What the query was cut out of, if it is a part of a picture.
    """

    query: Sequence[U8]
    query_size: tuple[int, int]
    thumbnail: U8
    reference_size: tuple[int, int]
    inverted: bool
    chain: Chain
    colours: tuple[I8, I8]
    around: Surroundings | None = None

    def lay(self, reference: U8, transform: F64, move: F64 = UNCHANGED) -> Laid | None:
        """Lay the query onto the reference's grid and compare, or return None if the transform cannot be used."""
        warper = Warper.of(transform, self.query_size, self.reference_size, len(reference), move)
        if warper is None:
            return None
        warped, shared = warper.warp(self.query)
        if self.around is not None:
            warped, shared = self.around.fill(warped, shared, transform, self.reference_size, move)
        query = 255 - warped if self.inverted else warped
        return Laid(query, reference, shared, compare_cells(query, reference, shared))


@dataclass(frozen=True, slots=True)
class Laid:
    """A query laid onto a reference.

    Attributes
    ----------
    query, reference : uint8 arrays, shape (side, side)
    shared : bool array, shape (side, side)
        Which pixels both have.
    table : float64 array
        From `fingerprint.kernels.cells.compare_cells`.
    """

    query: U8
    reference: U8
    shared: Bool
    table: F64

    def measure_piece_and_slot(self, measures: F64) -> tuple[F64, F64]:
        """Return the box of the piece that agrees, and the measures of it and of the slot that contradicts."""
        most_agree = float(measures[_THREE_QUARTERS])
        box, found = measure_piece_and_slot(self.table, self.query, self.reference, self.shared, most_agree)
        return box, found


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the second look sees.

    Attributes
    ----------
    measures : float64 array, shape (len(OVERLAP_NAMES),)
    piece : float64 array, shape (4,)
        Left, top, right and bottom of the part of the reference that agrees most, in shares of its sides.
    transform : float64 array, shape (3, 3), or None
        From pixels of the original query to pixels of the original reference, if the pixels agree clearly better on it
        than on that of the keypoints; None if they do not.
    """

    measures: F64
    piece: F64
    transform: F64 | None = None


@dataclass(frozen=True, slots=True)
class Coarse:
    """A pair compared coarsely, laid onto each other as it agrees best.

    Attributes
    ----------
    measures : float64 array, shape (len(MEASURES),)
        From `fingerprint.kernels.overlap.summarise_cells`.
    sides : Sides
    transform : float64 array, shape (3, 3)
        The one on which the pair agrees best.
    move : float64 array, shape (3, 3)
        Its correction; see `Warper.of`.
    laid : Laid
    whole : bool
        Whether the whole of one is laid onto the whole of the other.
    """

    measures: F64
    sides: Sides
    transform: F64
    move: F64
    laid: Laid
    whole: bool

    def compare_finely(self) -> Overlap:
        """Compare once more on the grid of the thumbnail, and return all that the second look measures."""
        thumbnail = self.sides.thumbnail
        fine_side = len(thumbnail) // CELL * CELL
        finer = resize_map((COARSE_SIDE, COARSE_SIDE), (fine_side, fine_side))
        reference = shrink(np.ascontiguousarray(thumbnail), fine_side, fine_side)
        fine = self.sides.lay(reference, self.transform, finer @ self.move @ np.linalg.inv(finer)) or self.laid
        finely = self.measures if fine is self.laid else summarise_cells(fine.table)
        ground, flat, gradient = measure_drawn(reference)
        moved = np.abs(self.move - np.eye(3))[:2].max()
        piece, rectangles = fine.measure_piece_and_slot(finely)
        parts = (
            self.measures,
            finely,
            (moved, self.whole, ground, flat, np.log1p(gradient)),
            rectangles,
            measure_axial(self.laid.query, self.laid.reference, self.laid.shared),
            measure_layers(fine.query, fine.reference, fine.shared),
            self.sides.chain.measure(self.sides.query, self.laid.reference, self.measures),
            self._compare_colours(),
        )
        better = self.whole or moved > _FAR
        return Overlap(np.concatenate(parts), piece, self._corrected() if better else None)

    def _corrected(self) -> F64:
        """Return the transform on which the pair agrees best, with its correction."""
        to_grid = resize_map(self.sides.reference_size, (COARSE_SIDE, COARSE_SIDE))
        return np.asarray(np.linalg.inv(self.move @ to_grid) @ to_grid @ self.transform)

    def _compare_colours(self) -> F64:
        """Return how the colours agree where the pictures lie on each other."""
        sides, (query, reference) = self.sides, self.sides.colours
        warper = Warper.of(self.transform, sides.query_size, sides.reference_size, COARSE_SIDE, self.move)
        if warper is None:
            raise AssertionError("the transform on which the pair was compared cannot be used")
        return measure_colours(query, reference, warper.between_squares(), sides.inverted)


def measure_overlap(sides: Sides, transform: F64 | None, n_inliers: int) -> Overlap | None:
    """Return all that the second look measures; parameters as in `compare_coarsely`, which may return None as well."""
    coarse = compare_coarsely(sides, transform, n_inliers)
    return None if coarse is None else coarse.compare_finely()


def compare_coarsely(
    sides: Sides, transform: F64 | None, n_inliers: int, *, alike_as_wholes: bool = False
) -> Coarse | None:
    """Measure how a pair agrees over the whole overlap, on a coarse grid.

    Parameters
    ----------
    sides : Sides
    transform : float64 array, shape (3, 3), or None
        From pixels of the original query to pixels of the original reference, any mirroring included; None if
        keypoints gave none.
    n_inliers : int
        Keypoints that agree on it. If they are few, the whole of one picture is also laid onto the whole of the other.
    alike_as_wholes : bool
        Whether the perceptual hashes are nearly equal: then wholes are laid onto each other however many keypoints
        agree, as in a heavily compressed picture they may be corners of its blocks.

    Returns
    -------
    Coarse or None
        None if there is no usable transform, or the thumbnail is smaller than a cell.
    """
    if len(sides.thumbnail) < CELL:
        return None
    coarse = shrink(np.ascontiguousarray(sides.thumbnail), COARSE_SIDE, COARSE_SIDE)
    best: tuple[float, F64, Laid, bool] | None = None
    wholes_too = alike_as_wholes or n_inliers < _FEW_INLIERS
    for number, (trust, candidate) in enumerate(_transforms(sides, transform, wholes_too)):
        laid = sides.lay(coarse, candidate)
        if laid is not None:
            likeness = trust * likeness_of(laid.table, BEST, _LIKE)
            if best is None or likeness > best[0]:
                best = likeness, candidate, laid, number > 0 or transform is None
    if best is None:
        return None
    _, chosen, laid, whole = best
    move, laid = _realign(sides, coarse, chosen, laid)
    return Coarse(summarise_cells(laid.table), sides, chosen, move, laid, whole)


def _transforms(sides: Sides, transform: F64 | None, wholes_too: bool) -> Iterator[tuple[float, F64]]:
    """Yield the transforms that are tried, and how much each is trusted."""
    if transform is not None:
        yield _TRUST, transform
    if transform is None or wholes_too:
        whole = resize_map(sides.query_size, sides.reference_size)
        mirror = np.eye(3)
        mirror[0, 0], mirror[0, 2] = -1.0, sides.query_size[0] - 1.0
        yield 1.0, whole
        yield 1.0, whole @ mirror


def _realign(sides: Sides, coarse: U8, transform: F64, laid: Laid) -> tuple[F64, Laid]:
    """Correct a transform by the cells' moves while the pictures agree better; return the correction and the cells."""
    move = np.eye(3)
    for _ in range(_REALIGNMENTS):
        found, step, _ = fit_moves(laid.table)
        if not found:
            break
        moved = sides.lay(coarse, transform, move @ step)
        if moved is None or likeness_of(moved.table, UNMOVED, 0.0) <= _BETTER * likeness_of(laid.table, UNMOVED, 0.0):
            break
        move, laid = move @ step, moved
    return move, laid
