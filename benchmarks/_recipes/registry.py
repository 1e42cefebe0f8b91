"""All recipes by name, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from _recipes.book import (
    ONE_CODEBOOK,
    ROOTED,
    SHIPPED,
    SIZED,
    WEIGHTS,
    Plan,
    Recipe,
    add_biases,
    compare,
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
#: The package's cues with one codebook of 64 words.
_ONE = (replace(SHIPPED[0], feature=ONE_CODEBOOK), *SHIPPED[1:])


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
        yield add(f"vlad64-copies{n}", description=text, run=_one(plan))


def aggregations() -> Iterator[Recipe]:
    add = partial(Recipe, group=f"aggregation, {N_QUERIED} edited copies")
    for name, text, feature in (
        ("vlad64", "VLAD of 64 words, power 0.5, agreement in 512", ROOTED),
        ("vlad64-power1", "power 1", Feature("vlad64", 1.0)),
        ("vlad64-power0.4", "power 0.4", Feature("vlad64", 0.4)),
        ("vlad64-power0.3", "power 0.3", Feature("vlad64", 0.3)),
        ("vlad64-intra", "intra-normalised, then power 0.5", Feature("vlad64", 0.5, intra=64)),
        ("vlad64-unmirrored", "mirror image not summed in", Feature("vlad64-one", 0.5)),
        ("vlad256", "256 words", Feature("vlad256", 0.5)),
        ("vlad32x4", "4 codebooks of 32 words", Feature("vlad32x4", 0.5)),
        ("vlad64-sized", "keypoints weighted by size", Feature("vlad64-sized", 0.5)),
        ("vlad64-sized-power0.4", "keypoints weighted by size, power 0.4", ONE_CODEBOOK),
        ("vlad32x4-sized-power0.4", "4 codebooks of 32, by size, power 0.4: the package's VLAD", SIZED),
    ):
        yield add(name, description=text, run=_one(Plan(feature, n_edited_copies=N_QUERIED)))
    few = tuple(replace(plan, n_edited_copies=N_QUERIED, views=False) for plan in SHIPPED)
    text = "the package's VLAD (144), GIST (64), colours (48)"
    yield add("late", description=text, run=partial(late, plans=few, weights=WEIGHTS))
    plans = (replace(few[0], feature=ONE_CODEBOOK), *few[1:])
    yield add("late-one-codebook", description="the same, one codebook of 64", run=partial(late, plans=plans))


def cues() -> Iterator[Recipe]:
    add = partial(Recipe, group="cue")
    for table, text, n in (
        ("gist", "GIST of the middle", 400),
        ("gist-whole", "GIST of the whole picture", 400),
        ("colour", "colour histograms", 256),
    ):
        viewable = table in {"gist", "colour"}  # the same arrays as in the joins
        shrinkage = 0.5 if table == "colour" else 0.05
        plan = Plan(Feature(table), min(128, n), n, shrinkage=shrinkage, views=viewable)
        yield add(f"{table}-alone", description=f"{text}, alone", run=_one(plan))
        both = (replace(SHIPPED[0], dimension=176), replace(plan, dimension=80))
        run = partial(late, plans=both, weights=(1.0, 0.7))
        yield add(f"vlad-and-{table}", description=f"the package's VLAD (176) and {text} (80)", run=run)


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
    text = "144, 64, 48 dimensions, VLAD of one codebook of 64 words"
    yield add("late-144-64-48-one-codebook", description=text, run=partial(late, plans=_ONE))


def backgrounds() -> Iterator[Recipe]:
    add = partial(Recipe, group="background normalisation")
    for share, n in ((0.0, 10), (0.2, 10), (0.5, 10), (0.35, 5), (0.35, 20), (0.5, 20)):
        text = f"{share:g} of {n} neighbours subtracted" if share else "nothing subtracted"
        run = partial(late, end=partial(compare, share=share, n_neighbours=n))
        yield add(f"subtract-{share:g}-{n}", description=text, run=run)
    for sides in ("queries", "references"):
        run = partial(late, end=partial(compare, sides=sides))
        yield add(f"subtract-{sides}", description=f"from {sides} only", run=run)
    for factor in (1.0, 1.5, 2.0):
        text = f"queries stretched: squared length {factor:g} times the cosine of 5 neighbours"
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
    for weight in (0.3, 0.4, 0.5, 0.8):
        run = partial(viewed, whole_weight=weight)
        yield add(f"insets-whole{weight:g}", description=f"whole ({weight:g}) and insets", run=run)
    run = partial(viewed, plans=_ONE)
    yield add("insets-one-codebook", description="whole (0.4) and insets; one codebook of 64 words", run=run)
    sides = partial(viewed, sides=True)
    both = "whole (0.4, also at 424 and 212) and insets"
    yield add("insets-sides", description=both, run=sides)
    run = partial(sides, end=partial(stretch, factor=1.5))
    text = f"{both}; queries stretched by 1.5: the package's queries"
    yield add("insets-sides-stretch-1.5", description=text, run=run)
    run = partial(sides, plans=_FOR_BIASES, end=partial(add_biases, factor=0.3))
    yield add("insets-sides-bias-0.3", description=f"{both}; two bias dimensions, 0.3", run=run)
    run = partial(sides, plans=_FOR_BIASES, end=partial(add_biases, factor=0.5, share=0.2, both=False))
    text = f"{both}; two bias dimensions, 0.5, queries only, 0.2 subtracted"
    yield add("insets-sides-bias-0.5-0.2-queries", description=text, run=run)


def _one(plan: Plan) -> partial:  # type: ignore[type-arg]
    return partial(single, plan=plan)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for chapter in (projections(), aggregations(), cues(), joins(), backgrounds(), views())
    for recipe in chapter
}
