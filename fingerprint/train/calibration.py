"""Fitting the calibration on the evidence of edited training images, against their sources and unrelated images.

As in the challenge, only some of the queries have a source in the collection; the others are edited copies of images
that were left out of it. The pairs are those that a search would verify, so they include hard look-alikes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.config import Config
from fingerprint.edits import random_chain
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.features.inverted_file import measure_cohort_score
from fingerprint.images.decode import read_rgb
from fingerprint.index import ImageRecord, Reader, Writer, shortlist
from fingerprint.models import CalibrationModel, Models
from fingerprint.train.fitting import fit_logistic
from fingerprint.types import F64, I64, Fingerprint, Skipped, StageProgress
from fingerprint.verify.score import evidence_vector
from fingerprint.verify.verification import find_agreement
from fingerprint.workers import map_images

_SEED_STREAM = 2
_LEFT_OUT = 3  # every third image is not in the collection


def fit_calibration(
    paths: Sequence[Path],
    models: Models,
    config: Config,
    n_queries: int,
    cohort_rows: Mapping[int, int],
    n_workers: int | None,
    progress: StageProgress,
) -> tuple[CalibrationModel, dict[str, Any]]:
    """Fit the calibration and return it with facts for the model card.

    `cohort_rows` has, for each index in `paths` whose image is in the cohort, its row there: the images that a query
    was made from are left out of its cohort.
    """
    seed = int(models.facts["seed"])
    stored = [i for i in range(len(paths)) if i % _LEFT_OUT]
    references: list[Fingerprint] = []
    for result in map_images(
        partial(describe_reference, models=models, config=config), (paths[i] for i in stored), n_workers
    ):
        if not isinstance(result, Skipped):
            references.append(result)
        progress("calibration references", len(references), len(stored))
    picks = np.random.default_rng([seed, _SEED_STREAM]).integers(len(paths), size=n_queries)
    vectors: list[F64] = []
    labels: list[bool] = []
    with (
        tempfile.TemporaryDirectory(prefix="fingerprint-train-") as folder,
        Writer.create(Path(folder) / "collection", models, config) as writer,
    ):
        writer.add(
            references,
            [ImageRecord(str(i), None, None, None, r.width, r.height) for i, r in zip(stored, references, strict=True)],
        )
        work = partial(
            _query_pairs,
            paths=paths,
            picks=picks,
            cohort_rows=cohort_rows,
            reader=writer.reader,
            models=models,
            config=config,
            seed=seed,
        )
        for done, found in enumerate(map_images(work, range(n_queries), n_workers), start=1):
            if not isinstance(found, Skipped):
                vectors += [vector for vector, _ in found]
                labels += [label for _, label in found]
            progress("calibration queries", done, n_queries)
    x, y = np.stack(vectors), np.array(labels, dtype=np.bool_)
    weights, centre, spread, bias = fit_logistic(x, y)
    calibration = CalibrationModel(weights=weights, centre=centre, spread=spread, bias=bias)
    facts = {"n_calibration_queries": n_queries, "n_calibration_pairs": len(y), "n_calibration_copies": int(y.sum())}
    return calibration, facts


def _query_pairs(
    number: int,
    paths: Sequence[Path],
    picks: I64,
    cohort_rows: Mapping[int, int],
    reader: Reader,
    models: Models,
    config: Config,
    seed: int,
) -> list[tuple[F64, bool]]:
    """Make an edited copy, search for it, and return for each verified pair its evidence and whether it is a copy."""
    rng = np.random.default_rng([seed, _SEED_STREAM, number])
    source = int(picks[number])
    unrelated = [int(i) for i in rng.choice(len(paths), 2) if i != source]
    others = [read_rgb(paths[i], at_least=config.decode_side).pixels for i in unrelated]
    pixels = read_rgb(paths[source], at_least=config.decode_side).pixels
    query = describe_query(random_chain(pixels, rng, others).pixels, models, config)
    excluded = [cohort_rows[i] for i in (source, *unrelated) if i in cohort_rows]
    cohort_score = measure_cohort_score(query.assignments, models, config.match, excluded)
    query = replace(query, cohort_score=cohort_score)
    pasted = {str(i) for i in unrelated}  # these may be pasted into the query, and are then rightly found
    return [
        (evidence_vector(find_agreement(query, c.fingerprint, config.match).evidence), c.reference_id == str(source))
        for c in shortlist(query, reader.select_candidates(query)[0], config)
        if c.reference_id not in pasted
    ]
