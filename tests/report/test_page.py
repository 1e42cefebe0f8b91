"""The page as a file: it needs nothing but itself, no name can break out of it, and it holds what was found."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fingerprint.features.thumbnail import make_thumbnail
from fingerprint.files.names import escaped
from fingerprint.report.embedded import SIDES, side_for
from fingerprint.report.page import SCRIPTS, TEMPLATE, write_page
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.report.words import kinds_of
from tests.report.conftest import HOSTILE_NAMES, found


class Parsed(HTMLParser):
    """The tags of a page, and the texts of its elements with an id."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def held(path: Path) -> dict[str, Any]:
    """Return the data in a page, as a browser finds them."""
    return json.loads(path.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0])


def embedded(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").partition('id="pictures">\n')[2].partition("</script>")[0].split("\n")[:-1]


def named(names: tuple[str, ...], **more: Any) -> Page:
    pictures = tuple(PagePicture(name, None, size=(200, 150)) for name in names)
    pairs = tuple(
        PagePair(k, (k + 1) % len(names), found(0.9), edits=(names[k],), why=names[k]) for k in range(len(names))
    )
    return Page("search", names[0], pictures, pairs, notes=names, **more)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_hostile_names_stay_names(out: Path) -> None:
    write_page(out, named(HOSTILE_NAMES))
    parsed = Parsed(out.read_text(encoding="utf-8"))
    plain = out.with_name("plain.html")
    write_page(plain, named(tuple(f"{k}.jpg" for k in range(len(HOSTILE_NAMES)))))
    assert [tag for tag, _ in parsed.tags] == [tag for tag, _ in Parsed(plain.read_text(encoding="utf-8")).tags]
    data = held(out)
    assert [picture.get("path", picture["name"]) for picture in data["pictures"]] == list(HOSTILE_NAMES)
    assert [picture["name"] for picture in data["pictures"]] == [escaped(name) for name in HOSTILE_NAMES]
    for name in HOSTILE_NAMES:
        assert any(escaped(name) == text.strip() for text in parsed.texts)


def test_nothing_is_loaded_from_elsewhere_and_only_this_script_may_run(out: Path) -> None:
    write_page(out, named(("a.jpg", "b.jpg")))
    text = out.read_text(encoding="utf-8")
    parsed = Parsed(text)
    assert not [
        tag for tag, _ in parsed.tags if tag in ("link", "iframe", "object", "embed", "base", "form") and tag != "form"
    ]
    assert not [attributes for _, attributes in parsed.tags if {"src", "href", "style", "onclick"} & attributes.keys()]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|\binnerHTML\b|\beval\(", text)
    (policy,) = [a["content"] for tag, a in parsed.tags if tag == "meta" and a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        content = text.rpartition(f"<{element}>")[2].partition(f"</{element}>")[0]
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


def test_no_part_of_the_script_could_end_it() -> None:
    for name in SCRIPTS:
        text = (TEMPLATE / name).read_text(encoding="utf-8")
        assert "</script" not in text.lower()
        assert "<!--" not in text
    assert {path.name for path in TEMPLATE.iterdir()} == {*SCRIPTS, "page.html", "page.css"}


def test_the_data_come_through_unchanged(out: Path) -> None:
    verdict = found(0.875, mirrored=True, inverted=True)
    pictures = (PagePicture("q.jpg", None, size=(200, 150)), PagePicture("r.PNG", None, size=(200, 150)))
    pair = PagePair(0, 1, verdict, group=7, why="largest", frees=12, is_true=True, edits=("crop", "hflip"))
    write_page(out, Page("search", "One", pictures, (pair,), threshold=0.25))
    data = held(out)
    (seen,) = data["pairs"]
    assert (data["threshold"], data["axis"], data["kind"]) == (0.25, "probability", "search")
    assert seen["transform"] == list(verdict.transform or ())
    assert seen["reference_region"] == [[-0.5, -0.5], [99.5, -0.5], [99.5, 149.5], [-0.5, 149.5]]
    assert seen["points"][1] == [20, 15, 10, 15]
    assert (seen["probability"], seen["group"], seen["why"], seen["frees"]) == (0.875, 7, "largest", 12)
    assert (seen["true"], seen["edits"], seen["inverted"]) == (True, ["crop", "hflip"], True)
    assert seen["words"].startswith("mirrored, negative, crop, 50 % shown")
    assert seen["headline"] == f"A copy: {seen['words']}"
    assert {"mirrored", "negative", "crop"} <= set(seen["kinds"])
    assert [picture["type"] for picture in data["pictures"]] == ["JPEG", "PNG"]


@pytest.mark.parametrize(
    ("probability", "shared", "relation", "headline"),
    [
        (0.02, 0.9, "shared", "The same template or scene; neither was made from the other"),
        (0.02, 0.1, "unrelated", "Unrelated"),
    ],
)
def test_other_verdicts_have_their_own_words(
    out: Path, probability: float, shared: float, relation: str, headline: str
) -> None:
    page = named(("a", "b"))
    pairs = (PagePair(0, 1, found(probability, shared=shared)), PagePair(1, words="nothing found"))
    write_page(out, replace(page, pairs=pairs))
    first, second = held(out)["pairs"]
    assert (first["relation"], first["headline"], first["kinds"]) == (relation, headline, [])
    assert (second["relation"], second["value"], second["headline"]) == (None, None, "Nothing found")
    assert (first["query_region"] is None) == (relation == "unrelated")


def test_numbers_that_json_does_not_have_are_left_out(out: Path) -> None:
    endless = ((float("inf"), 0.0), (1.0, 2.0), (3.0, float("nan")))
    verdict = found(0.9, transform=(float("nan"),) * 9, query_region=endless, reference_region=endless)
    verdict = replace(verdict, inliers=np.full((2, 4), np.inf, np.float32))
    write_page(out, replace(named(("a", "b")), pairs=(PagePair(0, 1, verdict),)))
    (pair,) = held(out)["pairs"]
    assert pair["transform"] is pair["query_region"] is None
    assert pair["points"] == []


def test_pictures_are_embedded_once_and_reduced(out: Path, photographs: list[Path]) -> None:
    pictures = tuple(PagePicture(str(path), path) for path in photographs)
    pairs = tuple(PagePair(0, k, found(0.9)) for k in (1, 2, 3, 1))
    assert write_page(out, Page("search", "Four", pictures, pairs), side=100) == ()
    lines = embedded(out)
    assert len(lines) == 4
    for line in lines:
        with Image.open(io.BytesIO(base64.b64decode(line))) as image:
            assert (image.format, image.size) == ("WEBP", (100, 75))
    assert [(p["width"], p["height"]) for p in held(out)["pictures"]] == [(200, 150)] * 4


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_goes_on(out: Path, photographs: list[Path]) -> None:
    broken = photographs[0].with_name("broken.jpg")
    broken.write_bytes(b"no picture")
    grey = np.arange(150 * 200, dtype=np.uint32).reshape(150, 200) % 251
    kept = make_thumbnail(grey.astype(np.uint8))
    pictures = (
        PagePicture("broken", broken),
        PagePicture("gone", None),
        PagePicture("gone, kept", None, size=(200, 150), thumbnail=kept),
        PagePicture("changed, kept", photographs[1], size=(200, 150), thumbnail=kept, content="0" * 64),
        PagePicture("fine", photographs[2]),
    )
    unread = write_page(out, Page("search", "x", pictures, (PagePair(0, 1, found(0.9)),)), n_workers=1)
    assert [Path(item.path).name for item in unread] == ["broken.jpg", "gone", "gone, kept", photographs[1].name]
    lines, data = embedded(out), held(out)
    assert [bool(line) for line in lines] == [False, False, True, True, True]
    with Image.open(io.BytesIO(base64.b64decode(lines[2]))) as image:
        assert image.size == (192, 144)
    assert [picture.get("stored") for picture in data["pictures"]] == [False, False, True, True, None]
    assert "changed" in data["pictures"][3]["problem"]
    assert len(data["skipped"]) == 4


def test_the_same_page_is_the_same_bytes(out: Path, photographs: list[Path]) -> None:
    page = Page("search", "x", tuple(PagePicture(p.name, p) for p in photographs), (PagePair(0, 1, found(0.9)),))
    out.write_text("something longer" * 100_000)
    write_page(out, page, n_workers=1)
    first = out.read_bytes()
    write_page(out, page, n_workers=2)
    assert out.read_bytes() == first


def test_more_pictures_are_smaller() -> None:
    sides = [side_for(n) for n in (1, 100, 1_000, 3_000, 10_000, 1_000_000)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == SIDES[0]
    assert sides[-1] == SIDES[-1]


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("same file", ["same file"]),
        ("mirrored top to bottom, negative", ["mirrored", "negative"]),
        ("rotated by 90° anticlockwise, crop, 40 % shown, smaller (50 %)", ["rotated", "crop", "smaller"]),
        ("inset, takes 12 % of it, stretched, enlarged (200 %)", ["inset in another picture", "stretched", "enlarged"]),
        ("larger picture that contains it", ["border or more around it"]),
        ("re-encoded or retouched", ["re-encoded or retouched"]),
        ("hard link of a, crop", ["another path to the file", "crop"]),
        ("something else", []),
    ],
)
def test_kinds_follow_from_the_words(words: str, kinds: list[str]) -> None:
    assert kinds_of(words) == kinds
