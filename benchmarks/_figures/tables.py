"""Tables of figures, line by line, but for those of hashes.

Results are records of a run and keep the words of their time; where a page must say it in today's words, the labels
are mapped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from _recipes.registry import RECIPES

from _figures.bench_rows import others
from _figures.results import Results
from _figures.singles import insert_figures

#: Of `stages.json` and `descriptor.json`: words that have changed since the run.
_WORDS = {
    "versions and signatures": "variants and signatures",
    "background": "cohort score",
    "projection and background": "projection and background normalisation",
}
_MEASURES = ("micro_ap", "recall_at_p90", "recall_at_1")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    return [_row(head), "|" + "---|" * len(head), *map(_row, rows)]


def _row(cells: Sequence[object]) -> str:
    return "".join(f"| {cell} " if cell != "" else "| " for cell in cells) + "|"


def tracks(results: Results) -> list[str]:
    judged = results["challenge_set"]
    rows = {
        "Matching, fast": judged["matching_track"]["fast"],
        "Matching, standard": judged["matching_track"]["standard"],
        "Matching, thorough": judged["matching_track"]["thorough"],
        "Descriptor (256-d)": judged["descriptor_track"],
    }
    measures = (*_MEASURES, "recall_at_10")
    return table(
        ("track", "µAP", "recall@P90", "recall@1", "recall@10"),
        ((name, *(f"{row[measure]:.4f}" for measure in measures)) for name, row in rows.items()),
    )


def quality(results: Results) -> list[str]:
    """Return our measures and those of the peers, best of each track first."""
    judged = results["challenge_set"]
    ours = {
        "**copyprint, Matching Track, `--profile fast`**": judged["matching_track"]["fast"],
        "**copyprint, Matching Track**": judged["matching_track"]["standard"],
        "**copyprint, Matching Track, `--profile thorough`**": judged["matching_track"]["thorough"],
        "**copyprint, Descriptor Track**, 256 numbers": judged["descriptor_track"],
    }
    rows = [(name, *(f"**{row[measure]:.3f}**" for measure in _MEASURES)) for name, row in ours.items()]
    for name, row in others(results).items():
        rows.append((name, *(f"{row[measure]:.3f}" for measure in _MEASURES)))
    intro = (
        "On {set.references} references and {set.queries} queries ({set.copies} of them copies, with one to five "
        "chained edits),\nthrough the commands of this package; the peers by its bench, on the same files:"
    )
    head = ("", "µAP", "recall at 90 % precision", "source ranked first")
    return [*insert_figures(intro, results).splitlines(), "", *table(head, rows)]


def edits(results: Results) -> list[str]:
    standard, thorough = (results["challenge_set"][f"recall_by_edit{end}"] for end in ("", "_thorough"))
    return table(
        ("edit (a query has one to five)", "queries", "source first", "probability >= 0.5", "thorough: first"),
        (
            (
                edit,
                row["queries"],
                f"{row['recall_at_1']:.3f}",
                f"{row['recall_at_half']:.3f}",
                f"{thorough[edit]['recall_at_1']:.3f}",
            )
            for edit, row in sorted(standard.items(), key=lambda item: item[1]["recall_at_1"])
        ),
    )


def reliability(results: Results) -> list[str]:
    return table(
        ("said", "rows", "mean probability", "frequency"),
        (
            (
                f"{row['from']:.1f} to {row['to']:.1f}",
                row["rows"],
                f"{row['probability']:.3f}",
                f"{row['frequency']:.3f}",
            )
            for row in results["challenge_set"]["calibration"]["top_rows"]["reliability"]
        ),
    )


def thresholds(results: Results) -> list[str]:
    """Return what is found, and what is wrongly matched, from a probability on."""
    judged, queries = results["challenge_set"]["thresholds"], results["bench"]["set"]["queries"]
    return table(
        ("`--min-score`", "copies whose source is found", f"of {queries} queries, matched to something else"),
        ((row["probability"], f"{100 * row['found']:.1f} %", row["wrongly_matched"]) for row in judged),
    )


def pieces(results: Results) -> list[str]:
    """Return what is found of pieces, and how well the part that is seen is known."""
    found = results["pieces"]["profiles"]["standard"]
    names = {
        "crop": "cropped",
        "pasted": "cropped and pasted",
        "turned": "and turned",
        "outlined": "cut out as an ellipse and pasted",
        "band": "a band laid over the lowest part",
    }
    measures = ("found_at_half", "found_at_nine_tenths", "overlap_median")
    rows = [
        (words, found[kind]["queries"], *(f"{found[kind][measure]:.3f}" for measure in measures))
        for kind, words in names.items()
    ]
    return table(("", "queries", "found at 0.5", "at 0.9", "overlap"), rows)


def wide_edits(results: Results) -> list[str]:
    """Return recall by kind of the wider edits, before record 40 and since, on both splits together."""
    before, now = (results[name]["splits"] for name in ("wide_edits_before", "wide_edits"))
    held_out = results["wide_edits"]["held_out"]
    names = ("recall_at_1", "recall_at_half", "recall_at_1_of_descriptors")

    def mean(splits: Any, kind: str, name: str) -> float:
        rows = [split["kinds"][kind] for split in splits.values()]
        return float(sum(row["queries"] * row[name] for row in rows) / sum(row["queries"] for row in rows))

    kinds = sorted(now["seen"]["kinds"], key=lambda kind: mean(now, kind, "recall_at_1"))
    rows = [
        (
            f"`{kind}`{', held out' if kind in held_out else ''}",
            sum(split["kinds"][kind]["queries"] for split in now.values()),
            *(f"{mean(splits, kind, name):.3f}" for splits in (before, now) for name in names),
        )
        for kind in kinds
    ]
    columns = ("source first", "at 0.5", "first by descriptor")
    return table(("", "queries", *(f"{run}: {name}" for run in ("before", "now") for name in columns)), rows)


def wide_splits(results: Results) -> list[str]:
    """Return the figures of both tracks on the wider edits, before record 40 and since."""
    rows = []
    for run, name in (("before", "wide_edits_before"), ("now", "wide_edits")):
        for split, found in results[name]["splits"].items():
            first, vector = found["matching_track"], found["descriptor_track"]
            rows.append(
                (
                    f"{run}, {split}",
                    found["queries"],
                    f"{first['micro_ap']:.4f}",
                    f"{first['recall_at_p90']:.4f}",
                    f"{found['trained']['recall_at_1']:.4f}",
                    f"{found['held_out']['recall_at_1']:.4f}",
                    f"{vector['micro_ap']:.4f}",
                )
            )
    head = ("µAP", "recall@P90", "source first: trained kinds", "held-out kinds", "Descriptor Track: µAP")
    return table(("", "queries", *head), rows)


def deduped(results: Results) -> list[str]:
    """Return how groups of copies compare with pairs of near hashes."""
    judged = results["dedupe"]
    names = {
        "dedupe": "`fingerprint dedupe`",
        "phash_8": "pHash of imagehash, distance 8",
        "pdq_31": "PDQ, distance 31",
    }
    return table(
        ("", "precision", "recall", "second shots apart", "core seconds"),
        (
            (
                words,
                f"{judged[name]['precision']:.3f}",
                f"{judged[name]['recall']:.3f}",
                f"{judged[name]['second_shots_apart']:.3f}",
                f"{judged[name]['core_seconds']:.0f}",
            )
            for name, words in names.items()
        ),
    )


def stages(results: Results) -> list[str]:
    measured = results["stages"]
    rows = [(_WORDS.get(name, name), row) for name, row in measured["queries"]["stages"].items()]
    rows += [(f"of references: {name}", row) for name, row in measured["references"]["stages"].items()]
    return table(
        ("stage", "median ms", "p95 ms", "ratio to SIFT at 512 px"),
        ((name, f"{row['median_ms']:.1f}", f"{row['p95_ms']:.1f}", f"{row['ratio']:.3f}") for name, row in rows),
    )


def query_stages(results: Results) -> list[str]:
    """Return the stages of a search alone."""
    shown = {
        "SIFT, 512 px, 500 keypoints": "OpenCV's SIFT, 512 px, 500 keypoints",
        "keypoints, query profile": "keypoints",
        "beyond extraction": "all from variants to verification",
    }
    left_out = ("keypoints, reference profile", "extraction")
    return table(
        ("stage", "ms", "part of the yardstick"),
        (
            (shown.get(name, _WORDS.get(name, name)), f"{row['median_ms']:.1f}", f"{row['ratio']:.2f}")
            for name, row in results["stages"]["queries"]["stages"].items()
            if name not in left_out
        ),
    )


def descriptor_ms(results: Results) -> list[str]:
    ms = results["descriptor"]["ms"]
    return table(
        ("", "references", "queries"),
        (
            (_WORDS.get(name, name), *(f"{ms[role][name]:.2f}" if name in ms[role] else "" for role in ms))
            for name in ms["queries"]
        ),
    )


def descriptor_forms(results: Results) -> list[str]:
    measured = results["descriptor"]
    keys = ("micro_average_precision", "recall_at_p90", "recall_at_1")
    return table(
        ("form", "µAP", "recall@P90", "source first", "a million"),
        (
            (
                form,
                *(f"{row[key]:.4f}" for key in keys),
                f"{measured['gb_of_a_million'][form.split()[0]]:.2f} GB",
            )
            for form, row in measured["quality"]["judged"].items()
        ),
    )


def recipes(results: Results) -> list[str]:
    """Return what was measured of every recipe, described as the registry describes it now."""
    rows = []
    for recipe in RECIPES.values():
        if results.has(f"recipes/{recipe.name}"):
            result = results[f"recipes/{recipe.name}"]
            cells = [recipe.group, f"{recipe.description} (`{recipe.name}`)", str(result["dimension"])]
            for split in ("dev", "judged"):
                cells += [f"{result[split][measure]:.4f}" if result[split] else "" for measure in _MEASURES]
            rows.append(cells)
    return table(
        ("group", "recipe", "dimensions", "dev µAP", "R@P90", "R@1", "judged µAP", "R@P90", "R@1"),
        rows,
    )


def exact(results: Results) -> list[str]:
    found = results["exact_search"]
    whole, each = found["global"], found.get("each")
    beyond = found["peak_memory"]["all, bytes"] - found["peak_memory"]["vectors alone, bytes"]
    rows: list[tuple[str, str]] = [
        (f"the {whole['pairs']:,} nearest of all pairs", f"{whole['seconds'] / 60:.1f} min"),
        ("pairs a second", f"{whole['pairs_per_second'] / 1e6:.0f} million"),
        ("part of the bare product's speed", f"{whole['ratio']:.2f}"),
        ("memory at the most", f"{found['peak_memory']['all, bytes'] / 1e9:.2f} GB"),
        ("of these, beyond the vectors and what is loaded", f"{beyond / 1e9:.2f} GB"),
    ]
    if each:
        of_each = f"the 10 nearest of each of {each['queries']:,} queries: part of the bare product's speed"
        rows.append((of_each, f"{each['ratio_to_bare_product']:.2f}"))
        if "ratio_to_faiss" in each:
            rows.append(("the same: times the speed of Faiss's `IndexFlatL2`", f"{each['ratio_to_faiss']:.2f}"))
    head = f"{found['queries']:,} queries, {found['references']:,} references, {found['dimensions']} dimensions"
    return table((head, ""), rows)


def annoy(results: Results) -> list[str]:
    """Tell, of each set of vectors, what each way finds and takes: as shipped, and the quickest settings of others."""
    rows = []
    for kind in ("compact", "learned"):
        for size, measured in results["annoy_search"][kind].items():
            searches = measured["searches"]
            exact = f"{measured['exact_ms']:.2f} ms"
            sources = f"{measured['exact_sources_of_10']:.3f}"
            name = f"{int(size):,} {kind}, {measured['dimensions']} numbers"
            rows.append((name, "all compared", "", "1.000", sources, f"1 ({exact})"))
            rows += [_annoy_row("", row) for row in searches if row["way"] in _SHIPPED]
            for least in (2 / 3, 0.95):
                for way in ("annoy", "codes", "signs"):
                    enough = [row for row in searches if row["way"] == way and row["share_of_10"] >= least]
                    if enough:
                        rows.append(_annoy_row("", min(enough, key=lambda row: row["ratio_to_exact"])))
    head = ("vectors", "way", "setting", "of the 10 nearest", "sources among the 10", "time")
    return table(head, rows)


_WAYS = {
    "8 bits": "all compared, 8 bits a number",
    "codes, as shipped": "codes, as shipped",
    "annoy, as shipped": "Annoy, as shipped",
    "annoy": "Annoy",
    "codes": "codes",
    "signs": "codes after a rotation",
}
_SHIPPED = ("8 bits", "codes, as shipped", "annoy, as shipped")


def _annoy_row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    setting = f"{row['n_trees']} trees, `search_k` {row['search_k']:,}" if "n_trees" in row else ""
    setting = f"{row['kept']} kept" if "kept" in row else setting
    found = (f"{row['share_of_10']:.3f}", f"{row['sources_of_10']:.3f}", f"{row['ratio_to_exact']:.2f}")
    return (name, _WAYS[row["way"]], setting, *found)


def annoy_bytes(results: Results) -> list[str]:
    rows = [
        (f"{int(size):,} {kind}, {measured['dimensions']} numbers", trees["n_trees"], f"{trees['bytes_a_reference']:,}")
        for kind in ("compact", "learned")
        for size, measured in results["annoy_search"][kind].items()
        for trees in measured["trees"]
    ]
    return table(("vectors", "trees", "bytes a reference"), rows)


def descriptor_source(results: Results) -> list[str]:
    found = results["descriptor_source"]
    names = {
        "exact": "the 10 nearest",
        "annoy": f"what Annoy names, {found['n_trees']} trees, `search_k` {found['search_k']:,}",
        "none": "none",
    }
    rows = [
        (
            name,
            f"{found['ways'][way]['share_of_10']:.3f}",
            f"{found['ways'][way]['micro_ap']:.4f}",
            f"{found['ways'][way]['copies_found']} of {found['copies']}",
        )
        for way, name in names.items()
    ]
    head = (f"candidates by descriptor, {found['references']:,} references", "of the 10 nearest", "µAP", "copies found")
    return table(head, rows)


def closer(results: Results) -> list[str]:
    found = results["closer"]
    rows = [
        (
            way,
            f"{row['micro_ap']:.4f}",
            f"{row['recall_at_p90']:.4f}",
            f"{row['source_first']:.4f}",
            f"{row['looks']['copies']:.2f}, {row['looks']['strangers']:.2f}",
            f"{row['times']:.2f}",
        )
        for way, row in found["ways"].items()
    ]
    head = (
        f"{found['queries']:,} queries, {found['copies']:,} copies",
        *("µAP", "recall@P90", "source first", "looks at a copy, a stranger", "time, of one look"),
    )
    return table(head, rows)


def verified(results: Results) -> list[str]:
    """Return which candidates are worth verifying."""
    asked, edited = (results["verified"][name] for name in ("queries", "strong edits"))
    head = (
        "candidates that no row above has",
        *(
            f"{part['n_queries']:,} {name}: {what}"
            for part, name in ((asked, "queries"), (edited, "strong edits"))
            for what in ("a query", "copies found")
        ),
    )
    rows = [
        (
            rule,
            f"{row['pairs']:.1f}",
            row["found"],
            f"{edited['rules'][rule]['pairs']:.1f}",
            edited["rules"][rule]["found"],
        )
        for rule, row in asked["rules"].items()
    ]
    return table(head, rows)


def ended_early(results: Results) -> list[str]:
    """Return what ending the second look on the coarse grid saves and loses."""
    asked, edited = (results["verified"][name] for name in ("queries", "strong edits"))
    rows = [
        (
            least,
            *(
                cell
                for part in (asked, edited)
                for row in (part["second_look"][least],)
                for cell in (f"{100 * row['ended']:.0f} %", row["lost_at_0.5"], row["lost_at_0.02"])
            ),
        )
        for least in asked["second_look"]
    ]
    columns = ("ended", "copies lost at 0.5", "at 0.02")
    return table(
        ("least log-odds", *(f"{name}: {what}" for name in ("queries", "strong edits") for what in columns)), rows
    )


def large_vote(results: Results) -> list[str]:
    """Return what the vote finds among a million references, by its settings."""
    found = results["large_vote"]
    head = (
        f"{found['queries']:,} queries with a source among {found['references']:,}",
        *("verified", "first by words", "hits", "time for candidates"),
    )
    rows = [
        (name, row["verified"], row["first"], f"{row['hits']:,}", f"{row['ms']:.0f} ms")
        for name, row in found["settings"].items()
    ]
    return table(head, rows)


def storage(results: Results) -> list[str]:
    """Return the bytes of a collection by part."""
    found = results["storage"]
    head = f"bytes a reference, {found['references']:,} references of {found['keypoints']:.0f} keypoints"
    rows = [(part, f"{count:,.0f}") for part, count in found["bytes_a_reference"].items()]
    return table((head, f"format {found['format']}"), rows)


def hostile(results: Results) -> list[str]:
    """Return how many cases of each kind were tried, and what they took; one that fails leaves no result."""
    runs = results["hostile"]["runs"]
    named = {
        "kills": "writers killed, at random moments",
        "data": "data files changed by chance",
        "pictures": "pictures changed by chance",
        "bombs": "pictures made to cost much, two workers: `index create`",
        "bombs-search": "the same: `search`",
        "bombs-dedupe": "the same: `dedupe`",
        "bombs-hash": "the same: `hash`",
    }
    rows = []
    for part, what in named.items():
        if part in runs:
            run = runs[part]
            cases = run["cases"] if "cases" in run else run["files"]
            rows.append((what, f"{cases:,}", run["endings"].get("failed", 0), f"{run['peak_memory_mb'] / 1000:.2f} GB"))
    return table(("what", "cases", "lost, twice, a crash, a hang or no reason", "most memory of all processes"), rows)
