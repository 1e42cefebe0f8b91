"""Pictures by URL: the same bytes, names and ids as by path; bounded; and what cannot be read says why.

The tests of S3 run where s3fs and moto's server are installed: both bring many packages.
"""

from __future__ import annotations

import builtins
import functools
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images.decode import count_frames, read_grey, read_rgb
from fingerprint.images.files import load_regular
from fingerprint.images.find import find_images, identify_images, unread_folders
from fingerprint.images.frames import with_frames
from fingerprint.images.identity import load_identified
from fingerprint.locations import Url, location
from fingerprint.types import U8

fsspec = pytest.importorskip("fsspec")

NAMES = (
    "b.png",
    "a/z.png",
    "a/b c.PNG",
    "a/what?#1.png",
    "a.d/x.png",
    "notes.txt",
    ".hidden.png",
    ".git/x.png",
    "a/.b/x.png",
)
IDS = ["b.png", "a/b c.PNG", "a/what?#1.png", "a/z.png", "a.d/x.png"]


@pytest.fixture(scope="module")
def tree(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, a note, and hidden names."""
    folder = tmp_path_factory.mktemp("remote") / "tree"
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photos["coffee"][: 60 + number, :80]).save(path, "PNG")
    return folder


@pytest.fixture
def memory(tree: Path) -> Iterator[Any]:
    """The same in memory, at ``memory://tree``."""
    system = fsspec.filesystem("memory")
    for name in NAMES:
        system.pipe(f"/tree/{name}", (tree / name).read_bytes())
    yield system
    system.rm("/", recursive=True)


@pytest.fixture
def urls(tree: Path, memory: Any) -> list[str]:
    return [f"file://{tree}", f"file://{tree}/", "memory://tree", "memory://tree/"]


def reason(url: str | Url, limits: ReadLimits = DEFAULT_LIMITS) -> str:
    with pytest.raises(ImageError) as caught:
        load_identified(url, limits)
    assert caught.value.path == str(location(url))
    return caught.value.reason


def test_a_folder_has_the_ids_that_it_has_by_its_path(tree: Path, urls: list[str]) -> None:
    named, ignored = identify_images([tree])
    assert [image_id for image_id, _ in named] == IDS
    for url in urls:
        found, others = identify_images([url])
        assert [image_id for image_id, _ in found] == IDS
        assert [str(path) for path in others] == [f"{url.rstrip('/')}/notes.txt"]
        assert unread_folders(others) == ()
        for (_, path), (_, other) in zip(named, found, strict=True):
            assert load_identified(other, DEFAULT_LIMITS) == load_identified(path, DEFAULT_LIMITS)
    assert len(ignored) == 1


def test_ids_within_a_root(urls: list[str]) -> None:
    for url in urls:
        found, _ = identify_images([f"{url.rstrip('/')}/a"], root=url)
        assert [image_id for image_id, _ in found] == IDS[1:4]
    with pytest.raises(ConfigError, match=r"memory://tree/b\.png: not in the folder"):
        identify_images(["memory://tree/b.png"], root="/tree")


def test_the_id_of_a_file_is_its_name() -> None:
    given = ["s3://bucket/photos/a.jpg", "https://host/b.jpg?sig=abc", "memory://c.png"]
    named, ignored = identify_images(given)
    assert [image_id for image_id, _ in named] == ["a.jpg", "b.jpg", "c.png"]
    assert [path for _, path in named] == [Url(url) for url in given]
    assert ignored == []


def test_pixels_are_those_of_the_file(tree: Path, memory: Any) -> None:
    by_path = read_rgb(tree / "b.png")
    for url in (f"file://{tree}/b.png", "memory://tree/b.png"):
        by_url = read_rgb(url)
        assert np.array_equal(by_path.pixels, by_url.pixels)
        assert by_url.name == url


def test_frames(tmp_path: Path, memory: Any) -> None:
    frames = [Image.new("RGB", (40, 30), (0, 60 * k, 0)) for k in range(3)]
    frames[0].save(tmp_path / "cat.gif", save_all=True, append_images=frames[1:], duration=50)
    memory.pipe("/cat.gif", (tmp_path / "cat.gif").read_bytes())
    for url in (f"file://{tmp_path}/cat.gif", "memory://cat.gif"):
        assert count_frames(url) == 3
        named = with_frames([("cat.gif", location(url))], 3, DEFAULT_LIMITS, 1)
        assert [image_id for image_id, _ in named] == ["cat.gif", "cat.gif#frame=1", "cat.gif#frame=2"]
        assert [str(path) for _, path in named] == [url, f"{url}/#frame=1", f"{url}/#frame=2"]
        by_path = with_frames([("cat.gif", tmp_path / "cat.gif")], 3, DEFAULT_LIMITS, 1)
        for (_, path), (_, other) in zip(by_path, named, strict=True):
            assert np.array_equal(read_rgb(path).pixels, read_rgb(other).pixels)
            assert load_identified(path, DEFAULT_LIMITS)[1:] == load_identified(other, DEFAULT_LIMITS)[1:]


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    (tmp_path / "b.png").symlink_to(tree / "b.png")
    images, ignored = find_images([f"file://{tmp_path}"])
    assert images == [Url(f"file://{tmp_path}/b.png")]
    assert [item.reason.split(",")[0] for item in unread_folders(ignored)] == ["a link to another folder"]


def test_limits_hold_before_anything_is_read(tree: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (tree / "b.png").stat().st_size
    fitting, tight = ReadLimits(max_bytes=size), ReadLimits(max_bytes=size - 1)
    for url in (f"file://{tree}/b.png", "memory://tree/b.png"):
        assert load_identified(url, fitting)[2] == size
    monkeypatch.setattr(type(memory), "cat_file", lambda *_, **__: pytest.fail("read"))
    monkeypatch.setattr(type(memory), "_open", lambda *_, **__: pytest.fail("opened"))
    for url in (f"file://{tree}/b.png", "memory://tree/b.png"):
        assert reason(url, tight) == f"{size:,} bytes are more than the limit of {size - 1:,}"


def test_a_size_that_is_not_known(tree: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (tree / "b.png").read_bytes()
    monkeypatch.setattr(type(memory), "info", lambda *_, **__: {"type": "file", "size": None})
    assert load_regular("memory://tree/b.png", ReadLimits(max_bytes=len(data))) == data
    assert "more than the limit" in reason("memory://tree/b.png", ReadLimits(max_bytes=len(data) - 1))


def test_a_file_that_was_replaced_after_it_was_listed(tree: Path, memory: Any) -> None:
    find_images(["memory://tree"])
    memory.pipe("/tree/b.png", (tree / "b.png").read_bytes() + b"more")
    assert load_identified("memory://tree/b.png", DEFAULT_LIMITS)[2] == (tree / "b.png").stat().st_size + 4


def test_large_local_files_are_not_held(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 5000, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.bmp")
    by_url = load_identified(f"file://{tmp_path}/large.bmp", DEFAULT_LIMITS)
    assert by_url[0] == f"file://{tmp_path}/large.bmp"
    assert by_url[1:] == load_identified(tmp_path / "large.bmp", DEFAULT_LIMITS)[1:]
    assert np.array_equal(read_rgb(f"file://{tmp_path}/large.bmp").pixels, pixels)


def test_what_cannot_be_read(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/empty.png", b"")
    memory.pipe("/text.png", b"no image")
    assert reason("memory://none.png") == reason(f"file://{tmp_path}/none.png") == "no such file"
    assert reason("memory://tree") == reason(f"file://{tmp_path}") == "a folder, not an image"
    assert reason("file:///dev/zero") == "not a regular file"
    assert reason("nothing://tree/a.png") == "cannot be read: Protocol not known: nothing"
    for url in ("s3://someone:secret-word@photographs/b.png", "gs://someone:secret-word@photographs/b.png"):
        assert "credentials are not taken from such a URL" in reason(url)
    for url in ("memory://a.png::memory://b.png", "simplecache::s3://photographs/b.png", f"zip::file://{tmp_path}"):
        assert reason(url).startswith("URLs made of several, with '::', are not read")
    assert reason("s3://photographs/a::b.png").endswith("give the URL of the file itself, under a name without '::'")
    assert reason("https://[::1]/a::b.png").endswith("and write '::' in a name as '%3A%3A'")
    assert reason("http://[1::2::3]/a.png").startswith("[1::2::3] is no IPv6 address")
    for name in ("empty", "text"):
        with pytest.raises(ImageError, match=f"^memory://{name}.png: "):
            read_rgb(f"memory://{name}.png")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError("no"), "no permission to read it"),
        (OSError("connection\nreset"), "cannot be read: connection reset"),
        (RuntimeError(), "cannot be read: RuntimeError"),
        (ValueError("bucket KEY:secret@tree"), "cannot be read: bucket tree"),
    ],
)
def test_errors_of_other_packages(memory: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(memory), "info", fail)
    assert reason("memory://KEY:secret@tree/b.png") == said


def test_a_folder_that_cannot_be_listed(
    memory: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = type(memory).ls

    def ls(self: Any, path: str, **kwargs: Any) -> Any:
        if path.endswith("/a"):
            raise PermissionError(path)
        return whole(self, path, **kwargs)

    monkeypatch.setattr(type(memory), "ls", ls)
    images, ignored = find_images(["memory://tree"])
    assert [str(image) for image in images] == ["memory://tree/b.png", "memory://tree/a.d/x.png"]
    assert [(item.path, item.reason) for item in unread_folders(ignored)] == [
        ("memory://tree/a/", "a folder that cannot be read")
    ]
    assert "memory://tree/a: no permission to read it" in caplog.text


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(missing: str, name: str, *rest: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ImportError(f"No module named {name!r}")
        return whole(name, *rest, **kwargs)

    monkeypatch.setattr(builtins, "__import__", functools.partial(without, "fsspec"))
    assert reason("memory://a.png") == "URLs need fsspec: pip install 'copyprint[distributed]'"
    assert find_images(["memory://a"]) == ([Url("memory://a")], [])
    monkeypatch.undo()

    def unknown(*_: object, **__: object) -> None:
        raise ImportError("Install foo to access bar")

    monkeypatch.setattr("fsspec.core.url_to_fs", unknown)
    assert reason("s3://bucket/a.png") == "s3:// needs s3fs: pip install s3fs"
    assert reason("gs://bucket/a.png") == "gs:// needs gcsfs: pip install gcsfs"
    assert reason("bar://a.png") == "bar:// needs another package: Install foo to access bar"


def test_fsspec_is_loaded_only_for_urls(tree: Path) -> None:
    import subprocess
    import sys

    code = (
        f"import sys, fingerprint; from fingerprint.images.decode import read_rgb; read_rgb({str(tree / 'b.png')!r}); "
    )
    code += f"read_rgb('file://{tree}/b.png'); print('fsspec' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"


class _Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        if self.path.startswith("/secret"):
            self.send_error(403)
        elif self.path.startswith("/endless"):
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                return
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self.path.startswith(("/secret", "/endless")):
            self.send_error(403)
        else:
            super().do_HEAD()


@pytest.fixture
def server(tree: Path) -> Iterator[str]:
    """The address of a server on this machine that has the folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Server, directory=str(tree))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class _Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@pytest.mark.filterwarnings("ignore")
def test_servers_by_ipv6(tree: Path) -> None:
    pytest.importorskip("aiohttp")
    try:
        running = _Server6(("::1", 0), functools.partial(_Server, directory=str(tree)))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            assert load_regular(f"http://[::1]:{running.server_port}/b.png") == (tree / "b.png").read_bytes()
            assert reason(f"http://[::1]:{running.server_port}/none.png") == "no such file"
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.filterwarnings("ignore")
def test_servers(tree: Path, server: str) -> None:
    pytest.importorskip("aiohttp")
    data = (tree / "b.png").read_bytes()
    assert load_regular(f"{server}/b.png?width=3") == data
    assert load_regular(f"{server.replace('//', '//user:word@')}/b.png") == data
    assert reason(f"{server}/none.png") == "no such file"
    assert reason(f"{server}/secret.png") == "no permission to read it"
    assert reason(f"{server}/b.png", ReadLimits(max_bytes=9)) == f"{len(data):,} bytes are more than the limit of 9"
    assert "more than the limit" in reason(f"{server}/endless.png", ReadLimits(max_bytes=1 << 20))
    assert reason("http://127.0.0.1:9/b.png").startswith("cannot be read: Cannot connect")
    assert find_images([server, f"{server}/"])[0] == [Url(server), Url(f"{server}/")]  # no links are followed


@pytest.fixture(scope="module")
def bucket(tree: Path) -> Iterator[str]:
    """The URL of the folder in a store on this machine that speaks S3."""
    moto = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "nothing-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        system = s3fs.S3FileSystem()
        system.mkdir("photographs")
        for name in NAMES:
            system.pipe(f"photographs/tree/{name}", (tree / name).read_bytes())
        system.pipe("photographs/tree/a/", b"")  # an object that stands for the folder, as some programs make
        yield "s3://photographs/tree"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.filterwarnings("ignore")
def test_object_storage(tree: Path, bucket: str) -> None:
    named, _ = identify_images([tree])
    for url in (bucket, f"{bucket}/"):
        found, ignored = identify_images([url])
        assert [image_id for image_id, _ in found] == IDS
        assert [str(path) for path in ignored] == [f"{bucket}/notes.txt"]
        for (_, path), (_, other) in zip(named, found, strict=True):
            assert load_identified(other, DEFAULT_LIMITS) == load_identified(path, DEFAULT_LIMITS)
    assert identify_images([os.path.dirname(bucket)])[0][0][0] == "tree/b.png"  # noqa: PTH120 - of a URL
    size = (tree / "b.png").stat().st_size
    assert "more than the limit" in reason(f"{bucket}/b.png", ReadLimits(max_bytes=size - 1))
    assert reason(f"{bucket}/none.png") == "no such file"
    assert reason("s3://no-such-bucket/none.png") == "no such file"
    assert find_images([f"{bucket}/none"])[0] == [Url(f"{bucket}/none")]


def test_two_colons_in_the_name_of_a_file_of_this_machine(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 7).save(tmp_path / "a::b.png")
    for source in (tmp_path / "a::b.png", f"file://{tmp_path}/a::b.png"):
        assert read_grey(source).pixels.tolist() == [[7] * 3] * 2
