"""Pages made of synthetic results, and a browser without a screen to open them in."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.results import Verification

#: Set where a browser must be there, so that its absence is a failure and not a skipped test.
BROWSER_NEEDED = "FINGERPRINT_TEST_BROWSER"
HOSTILE_NAMES = (
    "</script><script>window.broken = 1</script>.jpg",
    "<!--<script>.jpg",
    "\"><img src=x onerror='window.broken=1'>.jpg",
    "line\nbreak\ttab.jpg",
    "abc\u202egpj.exe",
    "שלום-עולם.png",
    "🙂 photo 👩‍👩‍👧.webp",
    "caf\udce9.jpg",  # a byte that is no UTF-8
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "\u2028\u2029\x00\x1b[2J.jpg",
    "&lt;&amp;.jpg",
)


def found(probability: float, *, shared: float = 0.0, n: int = 30, **more: Any) -> Verification:
    """Return a verdict in which the query, 200 x 150 pixels, shows the left half of a reference of that size."""
    log_odds = float(np.log(probability / (1 - probability))) if 0 < probability < 1 else 0.0
    region = ((-0.5, -0.5), (99.5, -0.5), (99.5, 149.5), (-0.5, 149.5))
    whole = ((-0.5, -0.5), (199.5, -0.5), (199.5, 149.5), (-0.5, 149.5))
    values: dict[str, Any] = {
        "transform": (0.5, 0.0, -0.25, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        "mirrored": False,
        "inverted": False,
        "reference_region": region,
        "query_region": whole,
        "inliers": np.array([[20 * k, 15 * k, 10 * k, 15 * k] for k in range(9)], np.float32),
    }
    return Verification(probability, shared, log_odds, n, **(values | more))


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Four small files of pictures, two of each kind."""
    paths = []
    for k, ending in enumerate(("jpg", "png", "jpg", "png")):
        pixels = np.random.default_rng(k).integers(0, 255, (15, 20, 3), np.uint8)
        paths.append(tmp_path / f"picture {k}.{ending}")
        Image.fromarray(pixels).resize((200, 150)).save(paths[-1])
    return paths


def many_pairs(photographs: list[Path], n: int) -> Page:
    """Return a page of `n` pairs with probabilities spread over 0 to 1; of many the queries have no files."""
    pictures, pairs = [], []
    for k in range(n):
        name = HOSTILE_NAMES[k % len(HOSTILE_NAMES)] if k < 2 * len(HOSTILE_NAMES) else f"folder/query {k:05}.jpg"
        pictures.append(PagePicture(name, photographs[k % 4] if n < 1000 else None, size=(200, 150)))
        probability = (k + 0.5) / n
        shared = 0.8 * (1 - probability) if k % 2 else 0.0
        pairs.append(PagePair(k, n + k % 4, found(probability, shared=shared)))
    pictures += [PagePicture(f"reference {k}.png", path) for k, path in enumerate(photographs)]
    return Page("search", "Synthetic <b>results</b>", tuple(pictures), tuple(pairs), ("A note with <i>signs</i>.",))


class Browser:
    """A headless Chromium."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads

    def open(self, page: Path, scheme: str = "light", size: tuple[int, int] = (1600, 900)) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get(page.absolute().as_uri())
        WebDriverWait(self.driver, 60).until(lambda _: self.run("return document.documentElement.dataset.ready"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, expected: object) -> None:
        """Wait for what a script returns: what scrolls is drawn with the next frame of a machine that may be busy."""
        ended = time.monotonic() + 10
        while (found := self.run(script)) != expected:
            assert time.monotonic() < ended, f"{script}: {found!r}, not {expected!r}"
            time.sleep(0.05)

    def text(self, element_id: str) -> str:
        return str(self.run("return document.getElementById(arguments[0]).textContent", element_id))

    def click(self, selector: str) -> None:
        from selenium.webdriver.common.by import By

        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def downloaded(self, name: str) -> Path:
        """Return a file that the page saved, once it is complete."""
        from selenium.webdriver.support.ui import WebDriverWait

        path = self.downloads / name
        WebDriverWait(self.driver, 30).until(lambda _: path.is_file())
        return path


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; without one the test is skipped, or fails where one must be there."""
    binary, service = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or service is None:
        reason = "no chromium or no chromedriver here: apt-get install chromium chromium-driver"
        if os.environ.get(BROWSER_NEEDED):
            pytest.fail(reason)
        pytest.skip(reason)
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    downloads = tmp_path_factory.mktemp("downloads")
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(service))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser, with an empty folder of downloads and nothing said yet; it remembers no decisions afterwards."""
    for path in chromium.downloads.iterdir():
        path.unlink()
    chromium.complaints()
    yield chromium
    chromium.run("localStorage.clear()")
