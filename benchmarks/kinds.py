"""What more kinds of graphics are worth, and more templates of each: judged on kinds that were left out of the fit.

The pairs are those of ``second_look.py``, which are kept in FOLDER and made only once. A fifth of the groups (families
of graphics, photographs, scenes) is judged at a time, by trees that were fitted on the others: on all of these, on half
of the templates of each family, or on some of the families with all of their templates.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, command_line, header, write
from second_look import closer, fit_first, kept_pairs, pair_maker

from fingerprint.config import TrainConfig
from fingerprint.train.boosting import BoostingPlan, fit_trees
from fingerprint.train.calibration import first_look_in_part
from fingerprint.train.known_pairs import COPY
from fingerprint.train.pairs import PairMaker
from fingerprint.types import F64, I64, Bool
from fingerprint.verify.score import LOOK_CLOSER, tree_log_odds

N_FOLDS = 5
KEPT = 0.75  # share of the copies at or above the threshold at which strangers are counted; some are never verified
#: Which of the pairs of graphics are fitted on: a function of the numbers of their families and of their templates.
Chosen = Callable[[I64, I64], Bool]
ROWS: dict[str, Chosen] = {
    "all": lambda families, _: families >= 0,
    "half of the templates": lambda _, templates: templates % 2 == 0,
    "a quarter of the templates": lambda _, templates: templates % 4 == 0,
    "three fifths of the families": lambda families, _: np.isin(families % 5, (0, 2, 4)),
    "two fifths of the families": lambda families, _: np.isin(families % 5, (1, 3)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pairs")
    parser.add_argument("--templates", type=int, default=TrainConfig().n_templates, help="of each family")
    parser.add_argument("--result", type=Path, default=RESULTS / "kinds.json")
    arguments = parser.parse_args()
    maker = pair_maker(arguments.data, TrainConfig(n_templates=arguments.templates))
    pairs = kept_pairs(maker, arguments.out)
    rows = {}
    for name, chosen in ROWS.items():
        rows[name] = judged(maker, pairs, chosen)
        print(name, rows[name], flush=True)
    write(
        arguments.result,
        {
            **header(arguments.data),
            "command": command_line(),
            "templates": arguments.templates,
            "kept": KEPT,
            "fitted_on": rows,
        },
    )


def judged(maker: PairMaker, pairs: dict[str, Any], chosen: Chosen) -> dict[str, float]:
    """Return how well graphics are judged by trees that did not see their family, fitted on some of the others."""
    tasks = maker.plan.tasks()
    names = list(dict.fromkeys(task.subject.group[1] for task in tasks if task.subject.group[1]))
    families = np.array([names.index(t.subject.group[1]) if t.subject.group[1] else -1 for t in tasks])
    templates = np.array([t.subject.group[2] for t in tasks])
    drawn = families[pairs["queries"]] >= 0
    fitted = ~drawn | chosen(families, templates)[pairs["queries"]]
    odds, looked = closer(pairs)
    odds = np.minimum(odds, LOOK_CLOSER)
    odds[looked] = left_out(pairs, looked, fitted[looked])
    copy = pairs["labels"] == COPY
    right = best_of_each(odds[copy & drawn], pairs["queries"][copy & drawn], len(tasks))
    wrong = best_of_each(odds[~copy & drawn], pairs["queries"][~copy & drawn], len(tasks))
    sources = set(maker.plan.references())
    has_source = np.array([task.subject in sources for task in tasks])
    copies, strangers = right[(families >= 0) & has_source], wrong[(families >= 0) & ~has_source]
    hits = copy[drawn][np.argsort(-odds[drawn], kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return {
        "pairs": int((looked & fitted).sum()),
        "micro_ap": round(float((precision * hits).sum() / len(copies)), 4),
        "strangers_at_threshold": round(float((strangers >= np.quantile(copies, 1 - KEPT)).mean()), 4),
    }


def left_out(pairs: dict[str, Any], looked: Bool, fitted: Bool) -> F64:
    """Return log-odds of the pairs that get the second look, by trees fitted on those of other groups."""
    x, y, groups = pairs["evidence"][looked], pairs["labels"][looked] == COPY, pairs["groups"][looked]
    rng, start = np.random.default_rng(SEED), first_look_in_part(fit_first(pairs), x.shape[1])
    folds = (rng.permutation(int(groups.max()) + 1) % N_FOLDS)[groups]
    odds = np.zeros(len(y))
    for fold in range(N_FOLDS):
        out = folds == fold
        trees = fit_trees(x[~out & fitted], y[~out & fitted], BoostingPlan(), np.random.default_rng(SEED), start)
        odds[out] = [tree_log_odds(row, trees) for row in x[out]]
    return odds


def best_of_each(odds: F64, queries: I64, n: int) -> F64:
    """Return the highest log-odds of each query's pairs, minus infinity without any: float64 array, shape (n,)."""
    best = np.full(n, -np.inf)
    np.maximum.at(best, queries, odds)
    return best


if __name__ == "__main__":
    main()
