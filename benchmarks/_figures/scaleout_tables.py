"""Tables of what clusters gain and cost, from `scaleout_ways.json` and `scaleout.json`, and of larger ones."""

from __future__ import annotations

from typing import Any

from _figures.results import Results
from _figures.tables import table

_APART = "speed-up of two processes apart to plain"
_WAYS = {"plain": "one thread", "threads": "threads", "local:1": "`local:1`", "local:2": "`local:2`"}


def ways(results: Results) -> list[str]:
    """Return seconds of each way, what processes used, and the ratios within rounds."""
    measured = results["scaleout_ways"]
    sizes, ways = measured["sizes"], list(_WAYS)
    words = {
        "index add": f"`index add`, {sizes['references']:,} pictures",
        "search": f"`search`, {sizes['queries']:,} queries, {sizes['searched']:,} references",
        "challenge describe": (
            f"`challenge describe`, {sizes['described']:,} queries, {2 * sizes['described']:,} references"
        ),
    }
    rows = []
    for job, found in measured["jobs"].items():
        ratios, alone = found["ratios"], found.get("plain", measured["jobs"]["search"]["plain"])
        rows.append(
            (
                words.get(job, f"the same in {_parts(results['scaleout'])} parts"),
                *(f"{found[way]['seconds']:.1f} s" if way in found else "" for way in ways),
                f"{ratios['local:1 to plain']:.2f}",
                f"{ratios['speed-up of local:2 to local:1']:.2f}",
                f"{ratios['speed-up of local:2 to plain']:.2f}",
                f"{ratios[_APART]:.2f}" if _APART in ratios else "",
                *(f"{_cores(found[way]) / _cores(alone):.2f}" for way in ("local:1", "local:2")),
                f"{found['local:2']['mb_between_workers']:.0f} MB",
            )
        )
    head = (
        "one round" if measured["rounds"] == 1 else f"median of {measured['rounds']} rounds",
        *_WAYS.values(),
        "`local:1` to one thread, times as long",
        "`local:2` to `local:1`, times as fast",
        "`local:2` to one thread, times as fast",
        "two processes apart, times as fast",
        "core time of `local:1`, to one thread",
        "of `local:2`",
        "travels between two workers",
    )
    return table(head, rows)


def costs(results: Results) -> list[str]:
    """Return what one picture and one task cost."""
    measured = results["scaleout"]
    constants, items = measured["constants"], measured["an_item"]
    one, several = items["search"]["tasks"], items[_several(measured)]["tasks"]
    asked = ("queries", "views")
    answered = ("name-in-part", "vote-in-part", "verify-in-part")
    rows = (
        ("to describe a reference", f"{constants['core_ms_to_describe_a_reference']:.0f} ms of a core"),
        ("to describe a query for one look", f"{constants['core_ms_to_describe_a_query_once']:.0f} ms"),
        ("all looks at a query in one part, once it is described", f"{one['look']['core_ms']:.0f} ms"),
        ("a reference on disk", f"{constants['bytes_of_a_reference_on_disk'] / 1e3:.0f} kB"),
        ("its fingerprint, on its way to the segment's writer", f"{constants['bytes_of_a_fingerprint'] / 1e3:.0f} kB"),
        (
            "a described query, with all views of it, on its way to a part",
            f"{sum(several[name]['bytes_answered'] for name in asked) / 1e3:,.0f} kB",
        ),
        (
            f"what {_parts(measured)} parts answer for a query in all looks",
            f"{sum(several[name]['bytes_answered'] for name in answered) / 1e3:.0f} kB",
        ),
        ("the verdicts on a query in one part", f"{one['look']['bytes_answered'] / 1e3:.0f} kB"),
        ("models, once for each worker", f"{constants['bytes_of_models'] / 1e6:.0f} MB"),
        (
            "a task of many that do nothing: caller and scheduler, worker",
            f"{constants['client_core_ms_a_task']:.1f}, {constants['worker_core_ms_a_task']:.1f} ms",
        ),
        ("a single task, from its start to its result", f"{constants['ms_from_start_to_result']:.0f} ms"),
        (
            "to start one worker, two",
            ", ".join(f"{seconds:.1f}" for seconds in measured["seconds_to_start"].values()) + " s",
        ),
    )
    return table(("", ""), rows)


def sizes(results: Results) -> list[str]:
    """Return what collections up to ten thousand million references need."""
    found = results["scaleout_simulation"]["sizes"]
    lines = (
        ("disk", lambda s: _bytes(s["disk_bytes"])),
        ("memory for what a search reads", lambda s: _bytes(s["memory_bytes"])),
        ("machines, cores", lambda s: f"{s['machines']:,}, {s['cores']:,}"),
        ("parts", lambda s: f"{s['parts']:,.0f}"),
        ("to build: core hours", lambda s: _number(s["build_core_hours"])),
        ("to build, on these machines", lambda s: f"{_number(s['build_hours'])} hours"),
        ("a reference on the network, while building", lambda s: _bytes(s["network_bytes_a_reference"])),
        ("a query: seconds of a core", lambda s: _number(s["core_seconds_a_query"])),
        ("a query on the network, all machines together", lambda s: _bytes(s["network_bytes_a_query"])),
        ("a query's share of tasks", lambda s: _number(s["tasks_a_query"])),
        ("queries a second: by cores", lambda s: _number(s["queries_a_second_by_cores"])),
        ("by the caller", lambda s: _number(s["queries_a_second_by_caller"])),
    )
    return table(
        ("references", *(f"{size['references']:,.0f}" for size in found)),
        ((name, *(cell(size) for size in found)) for name, cell in lines),
    )


def latency(results: Results) -> list[str]:
    """Return how long single queries take, by the number of parts."""
    found = results["scaleout_simulation"]["latency"]
    kinds = {
        "grown, steady": f"parts of {found['part_references']:,}",
        "grown, slow": "the same, with slow workers",
        "divided, steady": f"{found['divided_references']:,} divided",
        "divided, slow": "the same, with slow workers",
    }
    return table(
        ("parts", *(f"{words}: median, 95th, 99th percentile" for words in kinds.values())),
        ((f"{row['parts']:,}", *(_three(row[kind]) for kind in kinds)) for row in found["rows"]),
    )


def _cores(run: dict[str, float]) -> float:
    """Return the seconds of cores of all processes."""
    return run["client_core_seconds"] + run["worker_core_seconds"]


def _several(measured: dict[str, Any]) -> str:
    return next(job for job in measured["an_item"] if job.startswith("search, "))


def _parts(measured: dict[str, Any]) -> int:
    """Return the parts of the search in several: of what all tasks share, one is the setup."""
    return int(measured["an_item"][_several(measured)]["tasks"]["shared"]["number"]) - 1


def _three(times: dict[str, float]) -> str:
    return ", ".join(_number(milliseconds / 1e3) for milliseconds in times.values()) + " s"


def _number(value: float) -> str:
    """Return a number with two significant digits, or whole."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{float(f'{value:.2g}'):g}"


def _bytes(value: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{_number(value / size)} {unit}"
    return f"{_number(value)} bytes"
