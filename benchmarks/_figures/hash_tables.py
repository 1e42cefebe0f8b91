"""Tables of the perceptual hashes and of search among them, line by line."""

from __future__ import annotations

from _figures.results import Results
from _figures.tables import table
from fingerprint.hashes import MIN_QUALITY


def speed(results: Results) -> list[str]:
    measured = results["hashing"]
    sets = list(measured["files"])
    files, arrays, pdq = ([measured[part][name] for name in sets] for part in ("files", "arrays", "pdq"))
    rows: dict[str, list[str]] = {
        "`cv2.imread`, luma at 1/8": [f"{found['ms']['decode 1/8'] * 1e3:.0f} us" for found in files],
        "pHash and dHash from the path": [f"{found['ms']['phash and dhash'] * 1e3:.0f} us" for found in files],
        "the same, times the bare decode": [f"**{found['ratio to decode 1/8']:.2f}**" for found in files],
        "times faster than `imagehash.phash`": [f"{found['times faster than imagehash.phash']:.1f}" for found in files],
        "from a decoded grey array, times faster": [f"{found['grey']['times faster']:.1f}" for found in arrays],
        "from a decoded colour array, times faster": [f"{found['colour']['times faster']:.1f}" for found in arrays],
        "PDQ from the path": [f"{found['ms']['pdq'] * 1e3:.0f} us" for found in pdq],
        "times faster than `pdqhash` behind OpenCV": [f"{found['times faster']:.1f}" for found in pdq],
        "all eight orientations, times the cost of one": [f"{found['eight for the cost of']:.2f}" for found in pdq],
    }
    sizes = [f"{name}, {found['pixels, median'] / 1e6:.2f} MP" for name, found in zip(sets, files, strict=True)]
    return table(("", *sizes), ((what, *values) for what, values in rows.items()))


def workers(results: Results) -> list[str]:
    measured = results["hashing"]["workers"]
    rows = []
    for name in ("pdq", "phash"):
        found = measured[name]
        one, two = min(found["seconds, one worker"]), min(found["seconds, two"])
        scaling = (f"{found['scaling']:.2f}", f"{found['scaling without start-up']:.2f}")
        rows.append((f"`{name}`, {measured['files']:,} files", f"{one:.2f} s", f"{two:.2f} s", *scaling))
    return table(("", "one worker", "two", "scaling", "without start-up"), rows)


def agreement(results: Results) -> list[str]:
    rows = []
    for folder, algorithms in results["hashing"]["agreement"].items():
        for name, modes in algorithms.items():
            exact, quick = modes["exact"], modes["quick"]
            near = (f"{quick['mean']:.2f}", f"{quick['median']:g}", f"{quick['p95']:g}", quick["max"])
            rows.append((f"{name}, {folder}", exact["files"], exact["equal"], exact["max"], *near))
    head = ("", "files", "exact: equal", "most bits", "quick: mean bits", "median", "95 of 100", "most")
    return table(head, rows)


def pdq_files(results: Results) -> list[str]:
    found = results["hashing"]["pdq, all files"]
    return [
        f"Of {found['files']:,} files in all folders, {found['of quality 80 or more']:,} have a quality of 80 or more.",
        f"Their quick PDQ hashes differ from the package's by {found['mean']:.2f} bits on average, median",
        f"{found['median']:g}, {found['most']} at most; the quality of all files by {found['quality off by at most']}.",
    ]


def pairs(results: Results) -> list[str]:
    rows = []
    for name, found in results["hashing"]["pairs"].items():
        least = ", ".join(f"{distance}: {count:,}" for distance, count in found["from the least distance on"][:6])
        rows.append((name, f"{found['pairs']:,}", found["match_distance"], f"{found['within it']:,}", least))
    return table(("", "pairs", "a match up to", "pairs within", "least distances and pairs within them"), rows)


def quality(results: Results) -> list[str]:
    found = results["hashing"]["quality"]
    return [
        f"Of {found['pictures']:,} photographs of contrasts from 1 to 0.03, {found['on the same side']:.1%} have a",
        f"quality on the same side of {MIN_QUALITY} by PDQ's picture and by the thumbnail of the others. Of those",
        f"that PDQ finds low, {found['low by PDQ alone']:.1%} are high by the thumbnail; of those it finds high,",
        f"{found['high by PDQ alone']:.1%} are low.",
    ]


def information(results: Results) -> list[str]:
    found = results["hash_information"]
    simple = found["simple"]
    rows = []
    for name, quality in found["quality"].items():
        steps = found["steps"].get(name, {}).get("JPEG 75")
        near = sum(one[name][0] for one in simple.values())
        matches = ", ".join(f"{what} {one[name][1]}" for what, one in simple.items() if one[name][1])
        first, second, fifth = quality["percentiles 1, 2, 5"]
        rows.append(
            (
                name,
                "" if steps is None else f"{steps[2]:g}",
                f"{quality['below']:.1%}",
                f"{first}, {second}, {fifth}",
                str(near),
                matches or "none",
            )
        )
    heads = ("", "JPEG 75 moves by", "quality below 50", "1st, 2nd, 5th percentile", "near pairs", "of these matches")
    return table(heads, rows)


def tiny(results: Results) -> list[str]:
    names = ("pdq", "phash", "dhash")
    rows = []
    for found in results["hashing"]["tiny"]:
        cells = [found["shorter side"]]
        for name in names:
            cells += [f"{found[f'{name}, median']:g}", f"{found[f'{name}, share within match_distance']:.2f}"]
        rows.append(cells)
    return table(("shorter side", *(head for name in names for head in (f"{name}: median", "match"))), rows)


def hamming(results: Results) -> list[str]:
    rows = []
    for name, found in results["hamming"]["sets"].items():
        for key, ratio in found["ratios"].items():
            what, of = key.split(", to ")
            rate = found["queries_per_second"][what]
            rows.append((f"{name} ({found['codes']:,})", what, f"{rate:,}", f"{ratio} x {of}"))
    return table(("codes", "what", "queries a second", "beside Faiss"), rows)
