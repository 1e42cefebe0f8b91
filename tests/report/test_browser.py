"""The page in a browser: it says nothing on its console, and does what its controls and keys promise."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main
from fingerprint.files.names import escaped
from fingerprint.report.page import write_page
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.types import U8
from tests.report.conftest import HOSTILE_NAMES, Browser, found, many_pairs


@pytest.fixture
def page(photographs: list[Path], tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    write_page(path, many_pairs(photographs, 400), n_workers=1)
    return path


def set_threshold(browser: Browser, value: float) -> None:
    browser.run(
        "const range = document.getElementById('threshold'); range.value = arguments[0];"
        "range.dispatchEvent(new Event('input', { bubbles: true }))",
        round(1000 * value),
    )


def counts(browser: Browser) -> list[int]:
    return browser.run(
        "return [...document.querySelectorAll('#show b')].map((b) => Number(b.textContent.replace(',', '')))"
    )


def chips(browser: Browser) -> dict[str, int]:
    return browser.run(
        "return Object.fromEntries([...document.querySelectorAll('#facets button')].map((b) =>"
        " [b.dataset.chip, Number(b.querySelector('.n').textContent)]))"
    )


def open_filters(browser: Browser) -> None:
    """Open the filters and wait for them: a browser says that something opened in a later turn of its own."""
    browser.click("#filters summary")
    browser.until("return document.querySelector('#facets button') !== null", True)


def test_nothing_is_complained_of_and_nothing_runs_that_a_name_brings(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run("return window.broken === undefined")
    assert browser.run("return document.querySelectorAll('img[onerror], #rows script, b > b').length") == 0
    assert browser.text("loading") if browser.run("return !!document.getElementById('loading')") else True
    for _ in range(8):
        browser.press("j")
    browser.press("f", "d", "1", "m", "o")
    assert browser.complaints() == []
    assert (
        browser.run("return performance.getEntriesByType('resource').filter((e) => !e.name.startsWith('data:')).length")
        == 0
    )


def test_names_are_shown_as_they_are_but_for_what_deceives(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("const s = document.getElementById('sort'); s.value = 'as found'; s.dispatchEvent(new Event('change'))")
    names = browser.run(
        "return [...document.querySelectorAll('#rows .row')].map((r) => r.querySelector('bdi'))"
        ".map((name) => [name.title, name.textContent])"
    )
    expected = [escaped(name) for name in HOSTILE_NAMES]
    assert [whole for whole, _ in names][: len(expected)] == expected[: len(names)]
    assert all(shown == whole for whole, shown in names if "/" not in whole)
    assert len(names) >= 8


def test_a_row_shows_as_much_of_both_paths_as_tells_them_apart(
    browser: Browser, photographs: list[Path], tmp_path: Path
) -> None:
    names = {
        ("trip/a/1.jpg", "trip/b/2.jpg"): ["…/1.jpg", "…/2.jpg"],
        ("trip/a/1.jpg", "trip/b/1.jpg"): ["…/a/1.jpg", "…/b/1.jpg"],
        ("1.jpg", "trip/1.jpg"): ["1.jpg", "trip/1.jpg"],
        ("same.gif", "same.gif"): ["same.gif", "same.gif"],
    }
    pictures = [PagePicture(name, photographs[0], size=(200, 150)) for pair in names for name in pair]
    pairs = tuple(PagePair(2 * k, 2 * k + 1, found(0.9 - k / 10)) for k in range(len(names)))
    write_page(tmp_path / "paths.html", Page("search", "Paths", tuple(pictures), pairs), n_workers=1)
    browser.open(tmp_path / "paths.html")
    shown = browser.run(
        "return [...document.querySelectorAll('#rows .row')].map((r) => [...r.querySelectorAll('bdi')])"
        ".map((parts) => parts.map((part) => part.textContent))"
    )
    assert sorted(shown) == sorted(names.values())


def test_the_chosen_pair_shows_both_names_whole(browser: Browser, page: Path) -> None:
    browser.open(page)
    name, title = browser.run(
        "const bdi = document.querySelector('.row[aria-selected=true] bdi');"
        "return [document.querySelector('figcaption .name').textContent, bdi.title]"
    )
    assert name == title


def test_the_slider_changes_the_counts_while_it_moves(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert counts(browser) == [400, 200, 200]
    set_threshold(browser, 0.9)
    assert counts(browser) == [400, 40, 360]
    assert browser.text("summary").startswith("40 pairs at or above the threshold")
    browser.click("#show button[value=above]")
    assert browser.text("listed") == "40 pairs listed"
    browser.run(
        "const field = document.getElementById('threshold-number'); field.value = '0.99';"
        "field.dispatchEvent(new Event('change'))"
    )
    assert browser.text("listed") == "4 pairs listed"


def test_filters_narrow_the_list_and_count_what_is_left(browser: Browser, page: Path) -> None:
    browser.open(page)
    open_filters(browser)
    before = chips(browser)
    assert before["relation:A copy"] == 200
    assert before["relation:Something shared"] + before["relation:Unrelated"] == 200
    assert before["done:crop"] == 200
    browser.click("#facets button[data-chip='relation:A copy']")
    assert browser.text("listed") == "200 pairs listed"
    browser.run("const f = document.getElementById('find'); f.value = 'QUERY 003'; f.dispatchEvent(new Event('input'))")
    assert browser.text("listed") == "100 pairs listed"
    assert "2 on" in browser.text("filters-on")
    browser.click("#clear")
    assert browser.text("listed") == "400 pairs listed"
    browser.run(
        "const s = document.getElementById('sort'); s.value = 'least sure first'; s.dispatchEvent(new Event('change'))"
    )
    browser.until("return document.querySelector('#rows .row .what span:last-child').textContent", "0.1 %")


def test_keys_move_decide_and_change_the_view(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.text("position") == "1 of 400"
    browser.press("j", "j", "b")
    assert browser.text("position") == "2 of 400"
    browser.press("k")  # decided, and on to the next
    assert browser.text("position") == "3 of 400"
    browser.press("n", "s")
    assert "3 pairs decided" in browser.text("summary")
    browser.press("b", "z")
    assert "2 pairs decided" in browser.text("summary")
    for key, mode in (("f", "flicker"), ("d", "difference")):
        browser.press(key)
        assert browser.run("return document.querySelector('.frame').className") == f"frame {mode}"
        assert "matrix3d" in browser.run("return document.querySelector('.over').style.transform")
    browser.press("d")
    assert browser.run("return document.querySelectorAll('#stage figure').length") == 2
    assert browser.run("return document.querySelectorAll('.corner').length") == 8
    browser.press("o", "m")
    assert browser.run("return document.querySelectorAll('.corner').length") == 0
    assert browser.run("return document.querySelectorAll('.point.over').length") == 2
    browser.press("?")
    assert browser.run("return document.getElementById('help').open")
    assert "not a copy" in browser.text("keys")
    browser.press("j")  # keys do nothing behind a dialog
    assert browser.text("position").startswith("4 of") or browser.text("position").startswith("3 of")


def test_all_listed_copies_are_decided_at_once_and_taken_back(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("n")  # what is decided stays as it is
    label = browser.text("at-once")
    n = int("".join(sign for sign in label if sign.isdigit()))
    assert n == 199  # of 200 copies
    browser.click("#at-once")
    assert f"{n + 1} pairs decided" in browser.text("summary")
    assert browser.text("at-once").startswith("Take back")
    browser.click("#at-once")
    assert "1 pair decided" in browser.text("summary")
    browser.click("#at-once")
    browser.run("const f = document.getElementById('find'); f.value = 'QUERY 003'; f.dispatchEvent(new Event('input'))")
    assert "Take back" not in browser.text("at-once")  # of another list
    assert f"{n + 1} pairs decided" in browser.text("summary")


def test_keys_that_are_typed_into_a_field_are_text(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    browser.press("k", "n")
    assert browser.run("return document.getElementById('find').value") == "kn"
    assert "0 pairs decided" in browser.text("summary")


def test_matched_keypoints_follow_the_pointer(browser: Browser, page: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    browser.open(page)
    frame = browser.driver.find_element(By.CSS_SELECTOR, ".frame")
    ActionChains(browser.driver).move_to_element(frame).perform()
    assert browser.run("return document.querySelectorAll('.ring').length") == 2
    ActionChains(browser.driver).move_to_element(browser.driver.find_element(By.ID, "summary")).perform()
    assert browser.run("return document.querySelectorAll('.ring').length") == 0


def test_decisions_are_saved_as_json_and_as_csv_and_kept(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("const s = document.getElementById('sort'); s.value = 'as found'; s.dispatchEvent(new Event('change'))")
    for k in range(len(HOSTILE_NAMES)):
        browser.press("kns"[k % 3])
    browser.press("e")
    saved = json.loads(browser.downloaded("decisions.json").read_text(encoding="utf-8"))
    assert saved["format"] == "fingerprint decisions"
    rows = saved["decisions"]
    assert [row["query"] for row in rows] == list(HOSTILE_NAMES)
    assert [row["decision"] for row in rows[:3]] == ["copy", "not-a-copy", "skip"]
    browser.click("#export-csv")
    with browser.downloaded("decisions.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["decision"] for row in table] == [row["decision"] for row in rows]
    assert not [row for row in table if row["query"].startswith("=")]
    browser.driver.refresh()
    assert "12 pairs decided" in browser.text("summary")


@pytest.mark.parametrize("size", [(1600, 900), (400, 800)])
def test_of_5000_pairs_only_the_rows_in_view_are_in_the_document(
    browser: Browser, photographs: list[Path], tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "many.html"
    write_page(path, many_pairs(photographs, 5000), n_workers=1)
    browser.open(path, size=size)
    assert counts(browser)[0] == 5000
    for share in (0, 0.5, 1):
        browser.run(
            "const list = document.getElementById('list'); list.scrollTop = arguments[0] * list.scrollHeight", share
        )
        browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        assert 5 < browser.run("return document.querySelectorAll('#rows .row').length") < 40
    assert browser.run("return document.querySelector('#rows .row:last-child').getAttribute('aria-posinset')") == "5000"
    assert browser.run("return document.getElementsByTagName('*').length") < 1500
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_dark_follows_the_browser_and_the_switch(browser: Browser, page: Path) -> None:
    def ground() -> int:
        colour = browser.run("return getComputedStyle(document.body).backgroundColor")
        return int(colour.partition("(")[2].partition(",")[0])

    browser.open(page, "light")
    assert ground() > 200
    browser.press("t")
    assert ground() < 60
    browser.open(page, "dark")
    assert ground() < 60
    browser.click("#theme")
    assert ground() > 200


def test_every_control_has_a_name_and_is_a_real_control(browser: Browser, page: Path) -> None:
    browser.open(page)
    unnamed = browser.run(
        "return [...document.querySelectorAll('button, input, select')].filter((e) =>"
        " !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length))).map((e) => e.id)"
    )
    assert unnamed == []
    assert browser.run("return [...document.querySelectorAll('img')].every((i) => i.hasAttribute('alt'))")


def test_decisions_on_groups_are_acted_on_by_dedupe(
    browser: Browser, photos: dict[str, U8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("chelsea", "rocket", "coffee"):
        image = Image.fromarray(photos[name])
        image.thumbnail((320, 320))
        image.save(f"photos/{name}.jpg", quality=92)
        image.resize((image.width // 2, image.height // 2)).save(f"photos/{name} small.jpg")
    command = [*("dedupe", "find", "photos"), "--workers", "1"]
    result = CliRunner().invoke(main, [*command, "--report", "page.html", "--show-shared"])
    assert result.exit_code == 0, result.output
    assert sum(path.suffix == ".jpg" for path in Path("photos").iterdir()) == 6
    browser.open(Path("page.html"))
    assert counts(browser)[0] == 3
    browser.press("k", "l", "n")
    browser.press("e")
    browser.click("#export-csv")
    said = []
    for form in ("json", "csv"):
        decisions = browser.downloaded(f"decisions.{form}")
        done = CliRunner().invoke(main, [*command, "--apply", str(decisions), "--json"])
        assert done.exit_code == 0, done.output
        said.append([json.loads(line) for line in done.stdout.splitlines()])
    assert said[0] == said[1]
    assert [(Path(row["path"]).name, Path(row["keeper"]).name) for row in said[0]] == [
        ("chelsea small.jpg", "chelsea.jpg"),
        ("coffee.jpg", "coffee small.jpg"),
    ]
    moved = CliRunner().invoke(
        main,
        [*command, "--apply", str(browser.downloaded("decisions.json")), "--move-to", "copies", "--log", "log.jsonl"],
    )
    assert moved.exit_code == 0, moved.output
    assert sorted(path.name for path in Path("copies").iterdir()) == ["chelsea small.jpg", "coffee.jpg"]
    back = CliRunner().invoke(main, ["dedupe", "undo", "log.jsonl"])
    assert "2 files back" in back.output
    assert browser.complaints() == []


def test_what_never_goes_cannot_be_decided_to_go(browser: Browser, tmp_path: Path) -> None:
    pictures = tuple(PagePicture(f"{k}.gif", None, size=(200, 150)) for k in range(4))
    pairs = (PagePair(0, 1, found(0.9), group=1, goes=False), PagePair(2, 3, found(0.8), group=2))
    write_page(tmp_path / "page.html", Page("dedupe", "Copies", pictures, pairs))
    browser.open(tmp_path / "page.html")
    assert browser.text("at-once") == "Keep as proposed: all 1 listed copies"
    browser.press("k")
    assert "0 pairs decided" in browser.text("summary")
    assert "Both files stay" in browser.text("said")
    browser.press("s", "k")
    assert "2 pairs decided" in browser.text("summary")
    assert browser.complaints() == []


def test_against_a_ground_truth_it_counts_what_was_missed_and_wrong_by_edit(browser: Browser, tmp_path: Path) -> None:
    rows = [(0.9, True, ("crop",)), (0.6, True, ("crop", "blur")), (0.2, True, ("blur",)), (0.7, False, ("blur",))]
    pictures = tuple(PagePicture(f"{k}", None, size=(200, 150)) for k in range(8))
    pairs = tuple(
        PagePair(k, 4 + k, found(p), is_true=is_true, edits=edits) for k, (p, is_true, edits) in enumerate(rows)
    )
    write_page(tmp_path / "run.html", Page("challenge", "A run", pictures, pairs))
    browser.open(tmp_path / "run.html")
    assert browser.text("summary").startswith("2 found, 1 missed, 1 wrong · recall 66.7 %, precision 66.7 %")
    browser.click("#by-edit-open")
    table = (
        "return [...document.querySelectorAll('#edit-rows tr')]"
        ".map((row) => row.innerText.replace(/\\s+/g, ' ').trim())"
    )
    assert browser.run(table) == ["blur 2 1 1 50.0 %", "crop 2 2 0 100.0 %"]
    browser.click("#edit-rows tr button")
    assert browser.text("listed") == "2 pairs listed"
    set_threshold(browser, 0.8)
    assert browser.text("summary").startswith("1 found, 2 missed, 0 wrong")
    browser.click("#clear")
    browser.click("#facets button[data-chip='outcome:missed']")
    assert browser.text("listed") == "2 pairs listed"


def test_a_page_without_pairs_is_a_page(browser: Browser, tmp_path: Path) -> None:
    write_page(tmp_path / "empty.html", Page("search", "Nothing", (), ()))
    browser.open(tmp_path / "empty.html")
    assert browser.run("return !document.getElementById('nothing').hidden")
    browser.press("j", "k", "f", "e")
    assert browser.complaints() == []
