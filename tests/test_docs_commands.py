"""The commands of README, tutorials and how-to pages run as written, from top to bottom, on photographs."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main
from fingerprint.types import U8

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "docs/tutorial/first-search.md",
    "docs/tutorial/your-photographs.md",
    "docs/howto/choose-a-threshold.md",
    "docs/howto/clean-a-photo-library.md",
    pytest.param(
        "docs/howto/cluster.md",
        marks=[
            pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed"),
            pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed", "ignore::ResourceWarning"),
        ],
    ),
    "docs/howto/hash-lists.md",
    "docs/howto/learned-descriptors.md",
    "docs/howto/look-at-results.md",
    "docs/howto/moderate-uploads.md",
    "docs/howto/run-the-challenge.md",
)
#: Commands of the shell that pages name, and that are not ours: what they install is here already.
OTHERS = ("sudo ", "make ", "python3 -m venv", ".venv/bin/pip", ". .venv/bin/activate", "pip ", "dask ")
#: The scheduler that pages name; here it is one on this machine.
SCHEDULER = "tcp://10.0.0.5:8786"
#: What a person chose on a page in a browser; `tests/report` has such files, and what is done with them.
CHOSEN = "decisions.json"
_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of a page's examples, in order."""
    for found in _BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        yield found[1], found[2]


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield what is typed at each prompt, and what is typed after it into the command."""
    for found in re.finditer(r"^\$ (.*)\n((?:> .*\n)*)", block, re.MULTILINE):
        yield found[1], re.sub(r"^> ", "", found[2], flags=re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path, photos: dict[str, U8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folders and files that pages say a reader has, and go there."""
    pictures = list(photos.values())
    folders = ("photos", "more-photos", "phone", "uploads", "queries", "references", "fraud", "press", "tmp")
    for name in folders:
        (tmp_path / name).mkdir()
    for number, pixels in enumerate(pictures[:5]):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"IMG_{number + 1:04}.jpg", quality=92)
        Image.fromarray(pixels).save(tmp_path / "references" / f"R{number:06}.jpg", quality=92)
    original = photos["chelsea"]
    Image.fromarray(original).save(tmp_path / "photos" / "original.jpg", quality=95)
    copy = Image.fromarray(original[20:280, 400:60:-1])
    for name in (
        "suspicious.jpg",
        "phone/from-chat.jpg",
        "uploads/upload.jpg",
        "photos/copy.jpg",
        "queries/Q00000.jpg",
    ):
        copy.save(tmp_path / name, quality=70)
    Image.fromarray(original).save(tmp_path / "fraud" / "poster.jpg")
    Image.fromarray(pictures[5]).save(tmp_path / "more-photos" / "IMG_0001.jpg")
    Image.fromarray(pictures[6]).save(tmp_path / "queries" / "Q00001.jpg")
    Image.fromarray(original).save(tmp_path / "references" / "R000009.jpg")
    for name in ("query", "reference"):
        source = tmp_path / ("queries" if name == "query" else "references")
        shutil.copytree(source, tmp_path / "disc21" / f"{name}_images")
    (tmp_path / "disc21" / "public_ground_truth.csv").write_text("query_id,reference_id\nQ00000,R000009\nQ00001,\n")
    (tmp_path / "edits.tsv").write_text("Q00000\tR000009\tcrop+hflip\nQ00001\t\t\n")
    (tmp_path / "ground_truth.csv").write_text("query_id,reference_id\nQ00000,R000009\nQ00001,\n")
    shutil.copy(tmp_path / "photos" / "original.jpg", tmp_path / "phone" / "original.jpg")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["index", "create", "photos.fp", "photos/"])
    assert done.exit_code == 0, done.output
    return tmp_path


@contextmanager
def scheduler_of(page: str) -> Iterator[str]:
    """Yield the address of the scheduler that a page needs; it is started only for those that name one."""
    if SCHEDULER not in (ROOT / page).read_text(encoding="utf-8"):
        yield SCHEDULER
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_from_top_to_bottom(page: str, place: Path) -> None:
    with scheduler_of(page) as scheduler:
        run_page(page, place, scheduler)


def run_page(page: str, place: Path, scheduler: str) -> None:
    names: dict[str, object] = {}
    if re.search(r"(index create |create_collection\(\")photos.fp", (ROOT / page).read_text(encoding="utf-8")):
        shutil.rmtree(place / "photos.fp")
    for language, block in blocks(page):
        if language == "python":
            exec(compile(block, page, "exec"), names)
            continue
        for command, typed in commands(block):
            if command.startswith(OTHERS) or CHOSEN in command:
                continue
            run(command.replace(SCHEDULER, scheduler), typed)


def run(command: str, typed: str) -> None:
    """Run a command as a shell would: ``fingerprint``, or Python with a script that is typed in."""
    if command.startswith("python3 - <<'END'"):
        script = typed.removesuffix("END\n")
        exec(compile(script, command, "exec"), {})
        return
    line, _, out = command.partition(" > ")
    words = shlex.split(line, comments=True)
    assert words[0] == "fingerprint", command
    done = CliRunner().invoke(main, words[1:], catch_exceptions=False)
    assert done.exit_code == 0, f"{command}\n{done.output}"
    if out:
        Path(out.strip()).write_bytes(done.stdout_bytes)


def test_the_copy_that_the_tutorial_makes_is_found(place: Path) -> None:
    """The picture is made by the page's own script."""
    script = next(
        typed for _, block in blocks("docs/tutorial/your-photographs.md") for _, typed in commands(block) if typed
    )
    run("python3 - <<'END'", script)
    done = CliRunner().invoke(main, ["search", "photos.fp", "suspicious.jpg"])
    assert "IMG_0001.jpg" in done.stdout
    assert "mirrored" in done.stdout
    assert np.asarray(Image.open("suspicious.jpg")).shape[2] == 3
