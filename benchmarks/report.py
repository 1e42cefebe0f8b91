"""Measure the page of reports in headless Chromium: how large it is, how soon it is ready, how long a recount takes.

The pages are those of 1,000 queries with a pair each, and of 5,000 pairs of 10,000 pictures. The pictures are parts of
the photographs in the wheel of scikit-image; verdicts are made up, with as many matched keypoints as a page holds.
``ready`` is from the request of the file to the page that can be used. ``recount`` is from a move of the slider to the
page with its new counts, list and pair, laid out.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from fingerprint.report.embedded import side_for
from fingerprint.report.page import write_page
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.results import Verification

PHOTOGRAPHS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "hubble_deep_field.jpg",
)
N_FILES, WIDTH, HEIGHT = 300, 640, 480
PAGES = {"1000_queries": 1_000, "5000_pairs": 5_000}
N_POINTS, N_LOADS, N_MOVES = 120, 5, 20

MOVE = """
const range = document.getElementById("threshold");
const begun = performance.now();
range.value = arguments[0];
range.dispatchEvent(new Event("input", { bubbles: true }));
document.body.getBoundingClientRect();
return performance.now() - begun;
"""
STEP = """
const begun = performance.now();
document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
document.body.getBoundingClientRect();
return performance.now() - begun;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS / "report.json")
    out: Path = parser.parse_args().out
    result = header(None)
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder))
        driver = browser()
        result["chromium"] = driver.capabilities["browserVersion"]
        try:
            for name, n_pairs in PAGES.items():
                result[name] = measured(driver, files, n_pairs, Path(folder) / f"{name}.html")
        finally:
            driver.quit()
    write(out, result)


def make_files(folder: Path) -> list[Path]:
    """Write different parts of photographs as files."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "scikit-image is not installed; its wheel holds the photographs: pip install 'copyprint[demo]'"
        )
    rng = np.random.default_rng(SEED)
    files = []
    for k in range(N_FILES):
        with Image.open(Path(spec.origin).parent / "data" / PHOTOGRAPHS[k % len(PHOTOGRAPHS)]) as photograph:
            width = min(int(rng.integers(200, 400)), photograph.width)
            height = min(width * HEIGHT // WIDTH, photograph.height)
            left, top = (
                int(rng.integers(0, most + 1)) for most in (photograph.width - width, photograph.height - height)
            )
            part = photograph.convert("RGB").crop((left, top, left + width, top + height))
        files.append(folder / f"{k}.jpg")
        part.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(files[-1], quality=90)
    return files


def made_up(n_pairs: int, files: list[Path]) -> Page:
    """Return a page on which each picture is in one pair."""
    rng = np.random.default_rng(SEED)
    pictures = tuple(
        PagePicture(f"{'queries' if k < n_pairs else 'references'}/picture {k:05}.jpg", files[k % len(files)])
        for k in range(2 * n_pairs)
    )
    corners = ((-0.5, -0.5), (WIDTH - 0.5, -0.5), (WIDTH - 0.5, HEIGHT - 0.5), (-0.5, HEIGHT - 0.5))
    pairs = []
    for k in range(n_pairs):
        probability = float(rng.random())
        points = rng.integers(0, HEIGHT, (N_POINTS, 4)).astype(np.float32)
        verdict = Verification(
            *(probability, (1 - probability) / 2, 0.0, N_POINTS, (1.0, 0, 0, 0, 1, 0, 0, 0, 1), False, False),
            *(corners, corners),
            inliers=points,
        )
        pairs.append(PagePair(k, n_pairs + k, verdict))
    return Page("search", "Made up", pictures, tuple(pairs))


def browser() -> Any:
    options = Options()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1600,900",
    ):
        options.add_argument(argument)
    return Chrome(options=options, service=Service(shutil.which("chromedriver")))


def measured(driver: Any, files: list[Path], n_pairs: int, path: Path) -> dict[str, Any]:
    page = made_up(n_pairs, files)
    begun = time.process_time()
    write_page(path, page)
    written = time.process_time() - begun
    ready = []
    for _ in range(N_LOADS):
        driver.get("about:blank")
        driver.get(path.as_uri())
        WebDriverWait(driver, 120).until(
            lambda d: d.execute_script("return document.documentElement.dataset.ready !== undefined")
        )
        ready.append(int(driver.execute_script("return document.documentElement.dataset.ready")))
    moves = [driver.execute_script(MOVE, round(1000 * k / N_MOVES)) for k in range(N_MOVES)]
    driver.execute_script(MOVE, 0)
    steps = [driver.execute_script(STEP) for _ in range(N_MOVES)]
    return {
        "pairs": n_pairs,
        "pictures": len(page.pictures),
        "picture_side": side_for(len(page.pictures)),
        "bytes": path.stat().st_size,
        "written_in_core_seconds": round(written, 1),
        "ready_ms": {"median": statistics.median(ready), "most": max(ready)},
        "recount_ms": {"median": round(statistics.median(moves), 1), "most": round(max(moves), 1)},
        "next_pair_ms": {"median": round(statistics.median(steps), 1), "most": round(max(steps), 1)},
        "rows_in_document": driver.execute_script("return document.querySelectorAll('#rows .row').length"),
    }


if __name__ == "__main__":
    main()
