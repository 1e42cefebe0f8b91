"""The examples, run on the photographs of scikit-image."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fingerprint
from fingerprint import Collection, create_collection
from fingerprint.types import U8

EXAMPLES = Path(fingerprint.__file__).parents[1] / "examples"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="not in a checkout")


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def jpeg(pixels: U8) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    """Small photographs, which are quick."""
    return {name: np.ascontiguousarray(photos[name][:300, :400]) for name in ("chelsea", "coffee", "rocket")}


@pytest.fixture
def collection(tmp_path: Path, scenes: dict[str, U8]) -> Iterator[Collection]:
    with create_collection(tmp_path / "known.fp") as made:
        made.add_many([("cat", scenes["chelsea"])])
        yield made


def test_the_page_lists_them_all() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert names == {name for name in names if f"`{name}`" in page}


@pytest.mark.filterwarnings("ignore")  # those of other packages
def test_the_upload_hook_refuses_copies(collection: Collection, scenes: dict[str, U8]) -> None:
    pytest.importorskip("multipart")
    client_of = pytest.importorskip("fastapi.testclient").TestClient
    with client_of(example("upload_hook").make_service(collection)) as client:

        def post(name: str, data: bytes) -> Any:
            return client.post(f"/pictures/{name}", files={"picture": ("a.jpg", data)})

        refused = post("again", jpeg(scenes["chelsea"][20:260, 30:380]))
        assert (refused.status_code, refused.json()["detail"]["copy_of"]) == (409, "cat")
        unreadable = post("text", b"no picture")
        assert unreadable.status_code == 422
        assert "known format" in unreadable.json()["detail"]
        with ThreadPoolExecutor(2) as threads:
            added = list(threads.map(lambda name: post(name, jpeg(scenes[name])), ("coffee", "rocket")))
        assert [answer.status_code for answer in added] == [200, 200]
    assert set(collection.ids) == {"cat", "coffee", "rocket"}


def test_the_nightly_job(tmp_path: Path, scenes: dict[str, U8], capsys: pytest.CaptureFixture[str]) -> None:
    job, incoming = example("nightly"), tmp_path / "incoming"
    incoming.mkdir()
    (incoming / "cat.jpg").write_bytes(jpeg(scenes["chelsea"]))
    assert job.main(tmp_path / "photos.fp", incoming) == 0
    assert capsys.readouterr().out == ""
    (incoming / "crop.jpg").write_bytes(jpeg(scenes["chelsea"][20:260, 30:380]))
    (incoming / "torn.jpg").write_bytes(jpeg(scenes["coffee"])[:2000])
    assert job.main(tmp_path / "photos.fp", incoming) == 1
    found, told = capsys.readouterr()
    (copy,) = [json.loads(line) for line in found.splitlines()]
    assert (copy["new"], copy["copy_of"]) == ("crop.jpg", "cat.jpg")
    assert "skipped: " in told
    assert told.endswith("1 added, 1 unchanged\n")


def test_block_lists(tmp_path: Path, scenes: dict[str, U8]) -> None:
    room = example("block_list")
    crop = scenes["chelsea"][20:260, 30:380].copy()
    with (
        create_collection(tmp_path / "a.fp") as spam,
        create_collection(tmp_path / "b.fp") as harm,
        create_collection(tmp_path / "c.fp") as never,
    ):
        spam.add("coffee", scenes["coffee"])
        harm.add("cat", scenes["chelsea"])
        lists = [room.BlockList("spam", spam, 0.9), room.BlockList("harm", harm, 0.5)]
        verdict = room.blocked_by(crop, lists, never)
        assert (verdict.label, verdict.match.reference_id) == ("harm", "cat")
        assert room.blocked_by(scenes["rocket"], lists, never) is None
        assert room.blocked_by(crop, [room.BlockList("strict", harm, 1.0)]) is None
        never.add("allowed", crop)
        assert room.blocked_by(crop, lists, never) is None
        assert room.blocked_by(scenes["chelsea"], lists, never).label == "harm"


@pytest.mark.filterwarnings("ignore")  # those of other packages
def test_the_extension_of_threatexchange(scenes: dict[str, U8]) -> None:
    manifest = pytest.importorskip("threatexchange.extensions.manifest")
    validation = pytest.importorskip("threatexchange.interface_validation")
    example("tx_copyprint")
    loaded = manifest.ThreatExchangeExtensionManifest.load_from_module_name("tx_copyprint")
    pdq, photo = loaded.signal_types
    assert validation.SignalTypeMapping([*photo.get_content_types()], [pdq, photo])
    whole, crop = jpeg(scenes["chelsea"]), jpeg(scenes["chelsea"][20:260, 30:380])
    stranger = jpeg(scenes["rocket"])

    for signal, query, expected in (
        (pdq, whole, ["cat"]),
        (pdq, crop, []),
        (photo, crop, ["cat"]),
        (photo, stranger, []),
    ):
        hashes = [
            (signal.validate_signal_str(signal.hash_from_bytes(jpeg(scenes[n]))), m)
            for n, m in (("chelsea", "cat"), ("coffee", "cup"))
        ]
        index = signal.get_index_cls().build(hashes)
        stored = io.BytesIO()
        index.serialize(stored)
        stored.seek(0)
        for each in (index, type(index).deserialize(stored)):
            assert [match.metadata for match in each.query(signal.hash_from_bytes(query))] == expected
    assert photo.compare_hash(photo.hash_from_bytes(whole), photo.hash_from_bytes(crop)).match
    assert not pdq.compare_hash(pdq.hash_from_bytes(whole), pdq.hash_from_bytes(stranger)).match
    assert pdq.hash_from_bytes(b"no picture") == photo.hash_from_bytes(b"no picture") == ""
    with pytest.raises(ValueError, match="no signal"):
        photo.validate_signal_str("x")


def test_the_notebook() -> None:
    cells = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = [executed("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    assert [type(value).__name__ for value in shown] == ["Verification", "Collection", "Answer", "Fingerprint"]
    assert shown[0].mirrored
    assert shown[2].matches[0].reference_id == "cat"
    assert all(value._repr_html_().startswith("<table>") for value in shown)
    assert all(cell.get("outputs", []) == [] for cell in cells)  # none that would grow old


def executed(source: str, names: dict[str, Any]) -> Any:
    """Run a cell, and return the value of its last line, as a notebook shows it."""
    body = ast.parse(source).body
    last = body[-1]
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(body[:-1], []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
