"""How many trees, how deep, and of how many features: judged on families of graphics that were left out of the fit.

The pairs are those of ``second_look.py``, which are kept in FOLDER and made only once; so are the judgements.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from _records import RESULTS, command_line, header, write
from second_look import NAMES, cross_validated, judged, kept_pairs, pair_maker

from fingerprint.train.boosting import BoostingPlan

#: Before, with deeper trees that ask about fewer features, and with more of them that each add more as well: today's.
PLANS = (
    BoostingPlan(n_trees=1000, depth=5, rate=0.03, share=0.3),
    BoostingPlan(n_trees=1000, depth=6, rate=0.03, share=0.1),
    BoostingPlan(),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pairs")
    parser.add_argument("--result", type=Path, default=RESULTS / "trees.json")
    arguments = parser.parse_args()
    maker = pair_maker(arguments.data)
    pairs = kept_pairs(maker, arguments.out)
    rows = []
    for plan in PLANS:
        start = time.perf_counter()
        odds = cross_validated(pairs, list(range(len(NAMES))), plan=plan)
        rows.append({"plan": asdict(plan), "seconds": round(time.perf_counter() - start), **judged(maker, pairs, odds)})
        print(rows[-1], flush=True)
    write(arguments.result, {**header(arguments.data), "command": command_line(), "plans": rows})


if __name__ == "__main__":
    main()
