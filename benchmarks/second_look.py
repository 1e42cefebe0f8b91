"""What each kind of evidence of the second look is worth, judged on families of graphics that were left out of the fit.

The pairs are those that training makes from DATA/train; see ``fingerprint.train.pairs``. They are kept in FOLDER and
made only once. Trees are fitted on all families but a tenth, and judge that tenth; photographs and scenes are left out
one by one in the same way. Each row leaves out some of the evidence.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, command_line, header, write
from scipy.special import expit

from fingerprint.config import DEFAULT_CONFIG, TrainConfig
from fingerprint.images.find import find_images
from fingerprint.kernels.axial import AXIAL_MEASURES
from fingerprint.kernels.colours import COLOUR_MEASURES
from fingerprint.kernels.layers import LAYER_MEASURES
from fingerprint.kernels.overlap import MEASURES
from fingerprint.kernels.piece import PIECE_MEASURES, SLOT_MEASURES
from fingerprint.models import CalibrationModel, load_models
from fingerprint.train.boosting import BoostingPlan, fit_calibrated_trees
from fingerprint.train.calibration import counted, first_look_in_part, gets_second_look
from fingerprint.train.fitting import fit_logistic
from fingerprint.train.known_pairs import COPY, SHARED, read_known_pairs
from fingerprint.train.pairs import Pair, PairMaker, make_pairs
from fingerprint.types import F64, Bool
from fingerprint.verify.bend import BEND_NAMES
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, LOOK_CLOSER, first_look

NAMES = (*EVIDENCE_NAMES, *OVERLAP_NAMES)
TONE = ("tone_noise", "same_tone", "log_same_tone", "other_tone", "same_tone_part", "tone_difference")
OTHER_TONE = ("contrast_difference", "tone_broken", "log_tone_slope")
FLOW = ("flow", "flow_most", "gain")
DRAWN = ("ground", "flat", "log_gradient")
#: Rows of the table: names that are left out.
LEFT_OUT: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "the second look": OVERLAP_NAMES,
    "the fine comparison": tuple(f"fine_{name}" for name in MEASURES),
    "the coarse comparison": tuple(f"coarse_{name}" for name in MEASURES),
    "tone": tuple(f"{size}_{name}" for size in ("coarse", "fine") for name in (*TONE, *OTHER_TONE)),
    "flow": tuple(f"{size}_{name}" for size in ("coarse", "fine") for name in FLOW),
    "whether the reference is drawn": DRAWN,
    "piece and slot": (*PIECE_MEASURES, *SLOT_MEASURES),
    "directions of lines": AXIAL_MEASURES,
    "dark and light layers": LAYER_MEASURES,
    "bent back": BEND_NAMES,
    "colours": COLOUR_MEASURES,
}
#: Fewer trees than training grows: rows are compared with each other.
PLAN = BoostingPlan(n_trees=300, depth=5, rate=0.1, share=0.3)
KINDS = ("photograph", "graphics", "scene", "surface")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pairs")
    parser.add_argument("--result", type=Path, default=RESULTS / "second_look.json")
    arguments = parser.parse_args()
    maker = pair_maker(arguments.data)
    pairs = kept_pairs(maker, arguments.out)
    rows = {}
    for name, left_out in LEFT_OUT.items():
        columns = [i for i, n in enumerate(NAMES) if n not in left_out]
        rows[name] = judged(maker, pairs, cross_validated(pairs, columns))
        print(name, rows[name], flush=True)
    everything = list(range(len(NAMES)))
    rows["the first look to start from"] = judged(maker, pairs, cross_validated(pairs, everything, from_first=False))
    rows["the second look, and trees"] = judged(maker, pairs, logistic(pairs))
    rows["counts, every pair being one"] = judged(maker, pairs, cross_validated(pairs, everything, alike=True))
    write(
        arguments.result,
        {
            **header(arguments.data),
            "command": command_line(),
            "pairs": len(pairs["labels"]),
            "copies": int((pairs["labels"] == COPY).sum()),
            "shared": int((pairs["labels"] == SHARED).sum()),
            "left_out": rows,
        },
    )


def pair_maker(data: Path, train: TrainConfig = TrainConfig()) -> PairMaker:  # noqa: B008 - it cannot change
    """Return the maker of the pairs that training makes."""
    paths, models = sorted(find_images([data / "train"])[0]), load_models()
    in_cohort = np.unique(np.linspace(0, len(paths) - 1, min(train.n_cohort, len(paths))).astype(int))
    known = read_known_pairs(Path(__file__).parent / "training_pairs.csv")
    return PairMaker(paths, train, DEFAULT_CONFIG, models, {int(i): row for row, i in enumerate(in_cohort)}, known)


def kept_pairs(maker: PairMaker, folder: Path) -> dict[str, Any]:
    """Return the pairs as arrays by name; they are made if the folder has none.

    Raises
    ------
    SystemExit
        If those in the folder are of other queries than the maker's.
    """
    path = folder / "pairs.npz"
    if not path.exists():
        _keep_pairs(maker, path)
    with np.load(path) as kept:
        pairs = {name: kept[name] for name in kept.files}
    if pairs.get("n_queries") != len(maker.plan.tasks()):
        raise SystemExit(f"{path}: made with other settings; name another folder")
    return pairs


def _keep_pairs(maker: PairMaker, path: Path) -> None:
    """Make the pairs and write them to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = make_pairs(maker, None, lambda stage, done, total: print(stage, done, total, end="\r", file=sys.stderr))
    numbers = {group: number for number, group in enumerate(dict.fromkeys(p.group for p in pairs))}
    np.savez(
        path,
        evidence=np.stack([np.concatenate([p.evidence, p.overlap]) for p in pairs]),
        labels=np.array([p.label for p in pairs]),
        queries=np.array([p.query for p in pairs]),
        groups=np.array([numbers[p.group] for p in pairs]),
        kinds=np.array([p.group[0] for p in pairs]),
        n_queries=len(maker.plan.tasks()),
    )


def fit_first(pairs: dict[str, Any]) -> CalibrationModel:
    """Fit the first look on all pairs."""
    return CalibrationModel(*fit_logistic(pairs["evidence"][:, : len(EVIDENCE_NAMES)], pairs["labels"] == COPY))


def closer(pairs: dict[str, Any]) -> tuple[F64, Bool]:
    """Return log-odds by the first look, and which pairs get all of the second one."""
    model, promising, n = fit_first(pairs), load_models().promising, len(EVIDENCE_NAMES)
    odds = np.array([first_look(row[:n], model) for row in pairs["evidence"]])
    group = ("photograph", "", 0)
    looked = [
        gets_second_look(Pair(0, group, row[:n], row[n:], label), model, promising)
        for row, label in zip(pairs["evidence"], pairs["labels"].tolist(), strict=True)
    ]
    return odds, np.array(looked)


def cross_validated(
    pairs: dict[str, Any],
    columns: list[int],
    *,
    from_first: bool = True,
    alike: bool = False,
    plan: BoostingPlan = PLAN,
) -> F64:
    """Return the log-odds of each pair by trees that were not fitted on its group.

    `columns` begin with those of the first look; `from_first` lets the trees start from it, as training does. With
    `alike` a pair counts for one, whatever it is of.
    """
    odds, looked = closer(pairs)
    odds = np.minimum(odds, LOOK_CLOSER)
    x, y = pairs["evidence"][looked][:, columns], pairs["labels"][looked] == COPY
    rng = np.random.default_rng(TrainConfig().seed)
    start = first_look_in_part(fit_first(pairs), len(columns)) if from_first else None
    groups, queries = pairs["groups"][looked], pairs["queries"][looked]
    counts = None if alike else counted(pairs["kinds"][looked].tolist())
    _, left_out = fit_calibrated_trees(x, y, groups, queries, plan, rng, start, counts)
    odds[looked] = left_out
    return odds


def logistic(pairs: dict[str, Any]) -> F64:
    """Return log-odds by logistic models of the first look that were not fitted on a pair's group."""
    evidence, labels = pairs["evidence"][:, : len(EVIDENCE_NAMES)], pairs["labels"] == COPY
    odds, folds = np.zeros(len(labels)), pairs["groups"] % 5
    for fold in range(5):
        out = folds == fold
        weights, centre, spread, bias = fit_logistic(evidence[~out], labels[~out])
        odds[out] = (evidence[out] - centre) / spread @ weights + bias[0]
    return odds


def judged(maker: PairMaker, pairs: dict[str, Any], odds: F64) -> dict[str, dict[str, float]]:
    """Return by kind of query: strangers taken for copies, copies found, micro average precision, recall@P90."""
    tasks, known = maker.plan.tasks(), set(maker.plan.references())
    kinds = np.array([KINDS.index(task.subject.group[0]) for task in tasks])
    has_source = np.array([task.subject in known for task in tasks])
    queries, copy, p = pairs["queries"], pairs["labels"] == COPY, expit(odds)
    wrong, right = np.zeros(len(tasks)), np.zeros(len(tasks))
    np.maximum.at(wrong, queries[~copy], p[~copy])
    np.maximum.at(right, queries[copy], p[copy])
    found = {}
    for number, kind in enumerate(KINDS):
        of_kind, within = kinds == number, kinds[queries] == number
        strangers, copies = of_kind & ~has_source, of_kind & has_source
        order = np.argsort(-odds[within], kind="stable")
        hits = copy[within][order]
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        enough = np.flatnonzero(precision >= 0.9)
        recalled = float(np.cumsum(hits)[enough[-1]]) if len(enough) else 0.0
        found[kind] = {
            "strangers_at_half": round(float((wrong[strangers] >= 0.5).mean()), 4),
            "strangers_at_nine_tenths": round(float((wrong[strangers] >= 0.9).mean()), 4),
            "copies_at_half": round(float((right[copies] >= 0.5).mean()), 4),
            "micro_ap": round(float((precision * hits).sum() / copies.sum()), 4),
            "recall_at_p90": round(recalled / float(copies.sum()), 4),
        }
    return found


if __name__ == "__main__":
    main()
