"""What result files say of where they come from: their machine, versions, command and the digest of their pictures.

A run writes these (`_records.header`, and the bench for each of its runs). `NOTES` are no runs of a command: they are
notes of experiments with code that is gone. They stay because figures in decision records rest on them. Only those
records name them, no other page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from _figures.results import Results

#: Notes of experiments, and the decision records that name them.
NOTES: Mapping[str, tuple[int, ...]] = {
    "experiments-colours": (49,),
    "experiments-evidence": (12,),
    "experiments-hamming": (19,),
    "experiments-insets": (14,),
    "experiments-keepers": (34,),
    "experiments-local-index": (8, 9, 10),
}


def lacking(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a result does not name, of machine, versions, command and data."""
    runs = [*record["runs"].values()] if "runs" in record else [record]
    named = {
        "machine": all(run.get("machine") for run in runs),
        "versions": all(run.get("versions") or run.get("copyprint") for run in runs),
        "command": all(run.get("command") for run in runs),
        "data": "data_digest" in record or "digest" in record.get("set", {}),  # null: all is made from a seed
    }
    return tuple(what for what, is_named in named.items() if not is_named)


def unexpected(results: Results) -> Iterator[str]:
    """Yield what is to be said of files that are no notes, and lack what others name."""
    for name in results.names():
        missing = lacking(results[name])
        if missing and name not in NOTES:
            yield f"results/{name}.json: names no {', '.join(missing)}"
