"""Aggregation of local descriptors into one vector, and its projection; a fixed order of sums gives the same bytes."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.products import TOGETHER, add_products, project_rows


@njit(cache=True, nogil=True)
def reduce_descriptors(descriptors, mean, basis, out):  # type: ignore[no-untyped-def]
    """Project local descriptors: out[i] = (descriptors[i] - mean) @ basis, then L2-normalised.

    descriptors : uint8 (n, 128); mean : float32 (128,); basis : float32 (128, p); out : float32 (n, p).
    """
    project_rows(descriptors, mean, basis, out)
    p = basis.shape[1]
    for i in range(len(out)):
        row, norm = out[i], np.float32(0)
        for c in range(p):
            norm += row[c] * row[c]
        if norm > 0:
            scale = np.float32(1.0) / np.sqrt(norm)
            for c in range(p):
                row[c] *= scale


@njit(cache=True, nogil=True)
def assign(points, codebook_t, half_norms, words):  # type: ignore[no-untyped-def]
    """Write the nearest codeword of each point; ties go to the lower codeword.

    points : float32 (n, p); codebook_t : float32 (p, k), each column a codeword; half_norms : float32 (k,), half of
    their squared norms; words : int64 (n,).
    """
    n, n_words = len(points), codebook_t.shape[1]
    dots = np.empty((TOGETHER, n_words), np.float32)
    for start in range(0, n, TOGETHER):
        stop = min(start + TOGETHER, n)
        dots[:] = 0
        add_products(points[start:stop], codebook_t, dots)
        for i in range(start, stop):
            costs, least, word = dots[i - start], np.float32(np.inf), 0
            for w in range(n_words):
                costs[w] = half_norms[w] - costs[w]
            for w in range(n_words):
                least = min(least, costs[w])
            while costs[word] > least:  # the first of equal ones
                word += 1
            words[i] = word


@njit(cache=True, nogil=True)
def aggregate_residuals(points, words, weights, codebook, out):  # type: ignore[no-untyped-def]
    """Add each point's L2-normalised residual to its codeword's sum: out[word] += weight (x - c) / |x - c|.

    points : float32 (n, p); words : int64 (n,); weights : float32 (n,); codebook : float32 (k, p); out : float32
    (k, p), added to.
    """
    n, p = points.shape
    for i in range(n):
        w = words[i]
        norm = np.float32(0)
        for c in range(p):
            difference = points[i, c] - codebook[w, c]
            norm += difference * difference
        if norm > 0:
            scale = weights[i] / np.sqrt(norm)
            for c in range(p):
                out[w, c] += (points[i, c] - codebook[w, c]) * scale


@njit(cache=True, nogil=True)
def project(vector, mean, basis, out):  # type: ignore[no-untyped-def]
    """Write out = (vector - mean) @ basis, adding in the order of the input dimensions.

    vector, mean : float32 (D,); basis : float32 (D, d); out : float32 (d,).
    """
    out[:] = 0
    for k in range(len(vector)):
        x = vector[k] - mean[k]
        if x != 0:
            for c in range(basis.shape[1]):
                out[c] += x * basis[k, c]
