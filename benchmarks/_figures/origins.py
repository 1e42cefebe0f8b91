"""What result files say of where they come from, and which older ones do not say all of it.

A run writes its machine, versions, command and the digest of its pictures (`_records.header`, and the bench for each of
its runs). Files from before the digest was written lack it. It is not added afterwards: nobody could know that the
pictures were the same. A file leaves `OLD` when its benchmark is run again, and no file may join it.

`NOTES` are no runs of a command: they are notes of experiments with code that is gone. They stay because figures in
decision records rest on them. Only those records name them, no other page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from _figures.results import Results

_NO_DIGEST = ("data",)
_ALL = ("machine", "versions", "command", "data")

#: Notes of experiments, and the decision records that name them.
NOTES: Mapping[str, tuple[int, ...]] = {
    "experiments-evidence": (12,),
    "experiments-hamming": (19,),
    "experiments-insets": (14,),
    "experiments-local-index": (8, 9, 10),
}
#: What a file lacks, by its name.
OLD: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("large_vote", "scale"), _NO_DIGEST),
    **dict.fromkeys(NOTES, _ALL),
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
    """Yield what is to be said of files that lack what others name, or that are listed and lack nothing."""
    for name in results.names():
        expected = OLD.get(name, ())
        found = lacking(results[name])
        if missing := [what for what in found if what not in expected]:
            yield f"results/{name}.json: names no {', '.join(missing)}"
        if named := [what for what in expected if what not in found]:
            yield f"results/{name}.json: names {', '.join(named)} now; shorten the list in _figures/origins.py"
