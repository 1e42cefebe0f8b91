"""Graphics that look alike and are no copies: members of one template with different content.

Two memes with the same caption over other photographs, a form filled in twice, two charts of one style: their templates
agree, though neither was made from the other. `draw_member` draws any number of members of any number of templates.

A *family* is a kind of graphics. It has *layouts*: functions that draw. A *template* is a layout with its style and
its fixed parts, drawn from a seed. A *member* is a template with content, drawn from a second seed. Layouts are for
training or for judging, so that a model is judged with templates that it was not trained on.
"""

from __future__ import annotations

from fingerprint.edits.graphics.families import SPLITS, Draw, GraphicsFamily, Layout, Split
from fingerprint.edits.graphics.registry import (
    FAMILIES,
    JUDGING_FAMILIES,
    TRAINING_FAMILIES,
    draw_member,
    families_of,
    layout_of,
)

__all__ = [
    "FAMILIES",
    "JUDGING_FAMILIES",
    "SPLITS",
    "TRAINING_FAMILIES",
    "Draw",
    "GraphicsFamily",
    "Layout",
    "Split",
    "draw_member",
    "families_of",
    "layout_of",
]
