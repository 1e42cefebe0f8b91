"""All recipes by name, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from _recipes.book import (
    ROOTED,
    SHIPPED,
    SIZED,
    WEIGHTS,
    Plan,
    Recipe,
    add_biases,
    compare,
    either_side,
    jointly,
    late,
    resized,
    single,
    stretch,
    viewed,
)
from _recipes.lab import Feature
from _recipes.pictures import N_QUERIED

_BASE = Plan(ROOTED)
_FOR_BIASES = resized(SHIPPED, (144, 63, 47))
#: The package's cues with four codebooks of 32 words.
_FOUR = (replace(SHIPPED[0], feature=Feature("vlad32x4-sized", 0.4)), *SHIPPED[1:])


def projections() -> Iterator[Recipe]:
    add = partial(Recipe, group="projection")
    whitening = Plan(ROOTED, m=256, how="whitening")
    yield add("vlad64-whitened-raw", description="VLAD of 64 words, whitened", run=partial(_one(whitening), share=0.0))
    yield add("vlad64-whitened", description="the same, background-normalised", run=_one(whitening))
    discriminant = replace(_BASE, how="discriminant")
    yield add(
        "vlad64-discriminant", description="linear discriminant in 512 whitened dimensions", run=_one(discriminant)
    )
    for m in (256, 512, 1024):
        plan = replace(_BASE, m=m)
        yield add(f"vlad64-agreement{m}", description=f"agreement in {m} whitened dimensions", run=_one(plan))
    for shrinkage in (0.01, 0.3, 1.0):
        plan = replace(_BASE, shrinkage=shrinkage)
        text = f"agreement in 512, shrinkage {shrinkage:g} (others 0.05)"
        yield add(f"vlad64-shrinkage{shrinkage:g}", description=text, run=_one(plan))
    for exponent in (0.0, 1.0):
        plan = replace(_BASE, exponent=exponent)
        text = f"agreement in 512, correlations to the power {exponent:g} (others 0.5)"
        yield add(f"vlad64-exponent{exponent:g}", description=text, run=_one(plan))
    for n in (1, 2, 8):
        plan = replace(_BASE, n_edited_copies=n)
        copies = "1 edited copy" if n == 1 else f"{n} edited copies"
        text = f"agreement in 512, fitted on {copies} of each image (others 12)"
        yield add(f"vlad64-versions{n}", description=text, run=_one(plan))  # the name that the kept results have


def aggregations() -> Iterator[Recipe]:
    add = partial(Recipe, group=f"aggregation, {N_QUERIED} edited copies")
    dense = Feature("vlad64-dense", 0.5)
    for name, text, feature in (
        ("vlad64", "VLAD of 64 words, power 0.5, agreement in 512", ROOTED),
        ("vlad64-power1", "power 1", Feature("vlad64", 1.0)),
        ("vlad64-power0.4", "power 0.4", Feature("vlad64", 0.4)),
        ("vlad64-power0.3", "power 0.3", Feature("vlad64", 0.3)),
        ("vlad64-intra", "intra-normalised, then power 0.5", Feature("vlad64", 0.5, intra=64)),
        ("vlad64-intra-only", "intra-normalised, no power", Feature("vlad64", 1.0, intra=64)),
        ("vlad64-lengths", "residuals with their lengths", Feature("vlad64-lengths", 0.5)),
        ("vlad64-own-coordinates", "words' own coordinates", Feature("vlad64-own", 0.5)),
        ("vlad64-own-coordinates-power0.3", "words' own coordinates, power 0.3", Feature("vlad64-own", 0.3)),
        ("vlad128", "128 words", Feature("vlad128", 0.5)),
        ("vlad256", "256 words", Feature("vlad256", 0.5)),
        ("vlad64x2", "2 codebooks of 64 words", Feature("vlad64x2", 0.5)),
        ("vlad32x4", "4 codebooks of 32 words", Feature("vlad32x4", 0.5)),
        ("fisher64", "Fisher vector of 64 Gaussians, means and variances", Feature("fisher64", 0.5)),
        (
            "triangulation16",
            "triangulation, democratic; 16 anchors, 32 local dimensions",
            Feature("triangulation16", 0.5),
        ),
        ("vlad64-dense", "upright keypoints on grids at 3 scales", dense),
        ("vlad64-coarse", "keypoints of 4 pixels and more", Feature("vlad64-coarse", 0.5)),
        ("vlad64-sized", "keypoints weighted by size", Feature("vlad64-sized", 0.5)),
        ("vlad64-sized-power0.4", "keypoints weighted by size, power 0.4: the package's VLAD", SIZED),
        (
            "vlad16x4-sized-power0.4",
            "4 codebooks of 16, by size, power 0.4",
            Feature("vlad16x4-sized", 0.4),
        ),
        (
            "vlad32x4-sized-power0.4",
            "4 codebooks of 32, by size, power 0.4",
            Feature("vlad32x4-sized", 0.4),
        ),
        ("vlad64-unmirrored", "mirror image not summed in", Feature("vlad64-one", 0.5)),
    ):
        yield add(name, description=text, run=_one(Plan(feature, n_edited_copies=N_QUERIED)))
    either = partial(either_side, plan=Plan(Feature("vlad64-one", 0.5), n_edited_copies=N_QUERIED))
    yield add("vlad64-either-side", description="the better of query and mirrored query", run=either)
    few = tuple(replace(plan, n_edited_copies=N_QUERIED, views=False) for plan in SHIPPED)
    text = "VLAD of weighted keypoints (144), GIST (64), colours (48)"
    yield add("late", description=text, run=partial(late, plans=few, weights=WEIGHTS))
    for name, text, feature in (
        ("late-fisher64", "Fisher vector instead of VLAD", Feature("fisher64", 0.5)),
        ("late-vlad16x4-sized", "4 codebooks of 16 words", Feature("vlad16x4-sized", 0.4)),
        ("late-vlad32x4-sized", "4 codebooks of 32 words", Feature("vlad32x4-sized", 0.4)),
    ):
        first = replace(few[0], feature=feature)
        run = partial(late, plans=(first, *few[1:]), weights=WEIGHTS)
        yield add(name, description=text, run=run)
    four = (*resized(few, (112, 64, 48)), replace(few[0], feature=dense, dimension=32))
    run = partial(late, plans=four, weights=(*WEIGHTS, 0.5))
    yield add("late-dense", description="dense keypoints as a fourth cue (32 of VLAD's)", run=run)


def cues() -> Iterator[Recipe]:
    add = partial(Recipe, group="cue")
    for table, text, n in (
        ("gist", "GIST of the middle", 400),
        ("gist-whole", "GIST of the whole picture", 400),
        ("gradients4", "gradient blocks 4 x 4 of the middle", 256),
        ("gradients8", "gradient blocks 8 x 8 of the middle", 256),
        ("gradients8-whole", "gradient blocks 8 x 8 of the whole picture", 256),
        ("dct", "8 x 8 frequencies of Y, Cb, Cr of the middle", 192),
        ("dct-whole", "8 x 8 frequencies of the whole picture", 192),
        ("colour", "colour histograms", 256),
        ("colour-middle", "colour histograms of the middle", 256),
        ("layout", "colour layout 6 x 6", 200),
    ):
        viewable = table in {"gist", "colour"}  # the same arrays as in the joins
        shrinkage = 0.5 if table.startswith("colour") else 0.05
        plan = Plan(Feature(table), min(128, n), n, shrinkage=shrinkage, views=viewable)
        yield add(f"{table}-alone", description=f"{text}, alone", run=_one(plan))
        both = (replace(SHIPPED[0], dimension=176), replace(plan, dimension=80))
        run = partial(late, plans=both, weights=(1.0, 0.7))
        yield add(f"vlad-and-{table}", description=f"VLAD of weighted keypoints (176) and {text} (80)", run=run)


def joins() -> Iterator[Recipe]:
    add = partial(Recipe, group="join")
    joint = partial(jointly, plans=SHIPPED, weights=(1.0, 0.6, 0.5))
    yield add("joint", description="VLAD, GIST and colours whitened, joined, one projection", run=joint)
    splits = ((144, 64, 48), (160, 56, 40), (128, 64, 64), (128, 80, 48), (112, 80, 64), (176, 48, 32))
    for dimensions in splits:
        text = f"a projection for each; {', '.join(map(str, dimensions))} dimensions"
        run = partial(late, plans=resized(SHIPPED, dimensions), weights=WEIGHTS)
        yield add(f"late-{'-'.join(map(str, dimensions))}", description=text, run=run)
    for weights in ((1.0, 1.0, 1.0), (1.0, 0.5, 0.4), (1.0, 0.8, 0.7)):
        text = f"144, 64, 48 dimensions, weights {', '.join(f'{w:g}' for w in weights)} (others 1, 0.7, 0.6)"
        run = partial(late, plans=SHIPPED, weights=weights)
        yield add(f"late-weights-{'-'.join(f'{w:g}' for w in weights)}", description=text, run=run)
    plans = [replace(plan, how="discriminant") for plan in SHIPPED]
    text = "144, 64, 48 dimensions, linear discriminants instead of agreement"
    yield add("late-discriminant", description=text, run=partial(late, plans=plans))
    text = "144, 64, 48 dimensions, VLAD of 4 codebooks of 32 words"
    yield add("late-four-vocabularies", description=text, run=partial(late, plans=_FOUR))
    four = (*resized(SHIPPED, (128, 56, 40)), Plan(Feature("gradients8"), 32, 256))
    run = partial(late, plans=four, weights=(*WEIGHTS, 0.5))
    yield add("late-gradients8", description="a fourth cue: gradient blocks 8 x 8 (32)", run=run)
    four = (*resized(SHIPPED, (128, 56, 40)), Plan(Feature("dct"), 32, 192))
    run = partial(late, plans=four, weights=(*WEIGHTS, 0.5))
    yield add("late-dct", description="a fourth cue: frequencies of Y, Cb, Cr (32)", run=run)


def backgrounds() -> Iterator[Recipe]:
    add = partial(Recipe, group="background normalisation")
    for share, n in ((0.0, 10), (0.2, 10), (0.5, 10), (0.35, 5), (0.35, 20), (0.5, 20)):
        text = f"{share:g} of {n} neighbours subtracted" if share else "nothing subtracted"
        run = partial(late, end=partial(compare, share=share, n_neighbours=n))
        yield add(f"subtract-{share:g}-{n}", description=text, run=run)
    for sides in ("queries", "references"):
        run = partial(late, end=partial(compare, sides=sides))
        yield add(f"subtract-{sides}", description=f"from {sides} only", run=run)
    for factor in (1.5, 2.5):
        text = f"queries stretched by {factor:g} times the cosine of 5 neighbours"
        yield add(f"stretch-{factor:g}", description=text, run=partial(late, end=partial(stretch, factor=factor)))
    for factor, share, both in ((0.3, 0.35, True), (0.5, 0.35, True), (0.5, 0.35, False), (0.5, 0.0, True)):
        text = f"two bias dimensions, {factor:g}, {'both sides' if both else 'queries only'}, {share:g} subtracted"
        name = f"bias-{factor:g}-{share:g}" + ("" if both else "-queries")
        end = partial(add_biases, factor=factor, share=share, both=both)
        yield add(name, description=text, run=partial(late, plans=_FOR_BIASES, end=end))


def views() -> Iterator[Recipe]:
    add = partial(Recipe, group="views of queries")
    yield add("whole", description="the whole picture", run=partial(viewed, insets=False))
    run = partial(viewed, insets=False, sides=True)
    yield add("whole-sides", description="the whole picture, also at 424 and 212 pixels", run=run)
    yield add("insets", description="whole (0.5) and insets: the package's descriptor", run=viewed)
    for weight in (0.3, 0.8):
        run = partial(viewed, whole_weight=weight)
        yield add(f"insets-whole{weight:g}", description=f"whole ({weight:g}) and insets", run=run)
    run = partial(viewed, sides=True)
    yield add("insets-sides", description="whole (0.5, also at 424 and 212) and insets", run=run)
    run = partial(viewed, plans=resized(SHIPPED, (112, 80, 64)))
    yield add("insets-112-80-64", description="whole (0.5) and insets; 112, 80, 64 dimensions", run=run)
    for share, n in ((0.35, 20), (0.5, 20)):
        run = partial(viewed, end=partial(compare, share=share, n_neighbours=n))
        yield add(f"insets-subtract-{share:g}-{n}", description=f"insets; {share:g} of {n} neighbours", run=run)
    run = partial(viewed, end=partial(stretch, factor=2.5))
    yield add("insets-stretch-2.5", description="insets; queries stretched by 2.5", run=run)
    biases = partial(add_biases, factor=0.3)
    run = partial(viewed, plans=_FOR_BIASES, end=biases)
    yield add("insets-bias-0.3", description="insets; two bias dimensions, 0.3", run=run)
    run = partial(viewed, plans=_FOR_BIASES, end=biases, sides=True)
    yield add("insets-sides-bias-0.3", description="insets, also at 424 and 212; two bias dimensions, 0.3", run=run)
    run = partial(viewed, plans=_FOR_BIASES, end=biases, sides=True, whole_weight=0.3)
    text = "whole (0.3, also at 424 and 212) and insets; two bias dimensions, 0.3"
    yield add("insets-sides-whole0.3-bias-0.3", description=text, run=run)
    for share in (0.35, 0.0):
        end = partial(add_biases, factor=0.5, share=share, both=False)
        run = partial(viewed, plans=_FOR_BIASES, end=end, sides=True)
        text = f"insets, also at 424 and 212; two bias dimensions, 0.5, queries only, {share:g} subtracted"
        yield add(f"insets-sides-bias-0.5-{share:g}-queries", description=text, run=run)
    end = partial(add_biases, factor=0.5, share=0.2, both=False)
    for sides in (False, True):
        run = partial(viewed, plans=_FOR_BIASES, whole_weight=0.3, end=end, sides=sides)
        text = f"whole (0.3{', also at 424 and 212' * sides}) and insets; bias 0.5, queries only, 0.2 subtracted"
        yield add(f"insets{'-sides' * sides}-whole0.3-bias-0.5-0.2-queries", description=text, run=run)
    run = partial(viewed, plans=_FOUR)
    yield add("insets-four-vocabularies", description="whole (0.5) and insets; 4 codebooks of 32 words", run=run)
    run = partial(viewed, plans=resized(_FOUR, (144, 63, 47)), whole_weight=0.3, end=end, sides=True)
    text = "4 codebooks, whole (0.3, also at 424 and 212) and insets; bias 0.5, queries only, 0.2 subtracted"
    yield add("insets-sides-four-vocabularies-whole0.3-bias-0.5-0.2-queries", description=text, run=run)


def _one(plan: Plan) -> partial:  # type: ignore[type-arg]
    return partial(single, plan=plan)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for chapter in (projections(), aggregations(), cues(), joins(), backgrounds(), views())
    for recipe in chapter
}
