"""Paths and URLs: what is a URL, its names, and that nothing shows its credentials."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.locations import Url, is_url, local_name, location, scrubbed, without_credentials
from fingerprint.types import source_name

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("C", "Z")), min_size=1)
WORDS = st.text("abcXYZ019+/-_%", min_size=8, max_size=20)


@pytest.mark.parametrize("text", ["s3://bucket/a.jpg", "file:///a.jpg", "HTTPS://host", "gs://b", "abfs://c@a/x"])
def test_urls_stay_texts(text: str) -> None:
    assert is_url(text)
    assert location(text) == Url(text)
    assert str(location(text)) == os.fspath(location(text)) == text


@pytest.mark.parametrize(
    "text", ["C:/a.jpg", "C://a.jpg", "photos//a.jpg", "./s3://a.jpg", "a.jpg", "", "s3:/a", "://a"]
)
def test_paths_are_no_urls(text: str) -> None:
    assert not is_url(text)
    assert location(text) == Path(text)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_names_of_a_folder_are_joined_as_they_are(names: list[str]) -> None:
    names = [name for name in names if name not in (".", "..")] or ["a"]
    folder = Url("memory://photos")
    url = folder
    for name in names:
        url = url / name
    assert url.relative_to(folder).as_posix() == "/".join(names)
    assert url.name == names[-1]
    assert url.parent / names[-1] == url


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8))
def test_the_order_of_urls_is_that_of_paths(names: list[str]) -> None:
    paths = sorted({Path("/", name) for name in names if ".." not in name and not name.startswith(".")})
    assert paths == sorted(paths, key=lambda path: path.parts)
    urls = [Url(f"memory://photos{path}") for path in paths]
    assert urls == sorted(urls, key=lambda url: url.parts)


@pytest.mark.parametrize(
    ("text", "name", "suffix", "parent", "is_dir"),
    [
        ("s3://bucket/a/b.JPG", "b.JPG", ".JPG", "s3://bucket/a", False),
        ("s3://bucket/a.jpg/", "a.jpg", "", "s3://bucket", True),
        ("s3://bucket/what?.jpg", "what?.jpg", ".jpg", "s3://bucket", False),
        ("https://host/a.jpg?width=10/2", "a.jpg", ".jpg", "https://host", False),
        ("https://host", "host", "", "https://", False),
        ("memory://a.jpg", "a.jpg", ".jpg", "memory://", False),
    ],
)
def test_parts(text: str, name: str, suffix: str, parent: str, is_dir: bool) -> None:
    url = Url(text)
    assert (url.name, url.suffix, str(url.parent), url.is_dir()) == (name, suffix, parent, is_dir)
    assert url.relative_to(url.parent).as_posix() == name


def test_what_is_not_in_a_folder() -> None:
    for url, folder in (
        ("s3://b/ab/x", "s3://b/a"),
        ("s3://b/x", "gs://b"),
        ("s3://b/x", "/b"),
        ("s3://b", "s3://b/x"),
    ):
        with pytest.raises(ValueError, match="is not in"):
            Url(url).relative_to(folder)


def test_the_url_of_a_local_file(tmp_path: Path) -> None:
    url = Url(f"file://{tmp_path}")
    assert url.local == tmp_path
    assert url.is_dir()
    assert not url.is_file()
    (tmp_path / "a").write_text("")
    assert (url / "a").is_file()
    (tmp_path / "b").symlink_to("a")
    assert (url / "b").is_symlink()
    assert local_name(str(tmp_path)) == str(tmp_path)
    assert Url("memory://a").local is None
    assert not Url("memory://a").is_file()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://KEY:secret@bucket/a@2x.jpg", "s3://bucket/a@2x.jpg"),
        ("s3://KEY:sec/ret@bucket/a.jpg", "s3://bucket/a.jpg"),
        ("https://user:word@host:8080/a.jpg", "https://host:8080/a.jpg"),
        ("https://token@host/a.jpg", "https://host/a.jpg"),
        ("https://host/a.jpg?X-Amz-Signature=ab&width=3", "https://host/a.jpg?width=3"),
        ("https://host/a.jpg?width=3&sig=ab#top", "https://host/a.jpg?width=3#top"),
        ("https://host/a.jpg?sig=ab", "https://host/a.jpg"),
        ("ftp://user:word@host/a.jpg", "ftp://host/a.jpg"),
        ("simplecache::https://user:word@host/a.jpg", "simplecache::https://host/a.jpg"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert without_credentials(text) == source_name(text) == str(Url(text)) == os.fspath(Url(text)) == shown
    assert repr(Url(text)) == f"Url({shown!r})"
    assert f"{Url(text)}" == shown
    assert Url(text).whole == text
    assert str(Url(text) / "b") == f"{shown.split('?')[0]}/b"


@pytest.mark.parametrize(
    "text",
    [
        *("s3://bucket/a@2x.jpg", "https://host:8080/a@2x.jpg", "https://[::1]:80/a@b", "abfs://container@account/a"),
        *("https://host/a?width=3&", "s3://bucket/what?", "photos/user:word@host.jpg", "sftp://user@host/a.jpg"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_credentials(text) == text


@given(st.text("abcXYZ019", min_size=8, max_size=20), WORDS)
def test_no_secret_is_left(user: str, password: str) -> None:
    url = f"s3://{user}x:{password}x@bucket/a.jpg"
    assert without_credentials(url) == "s3://bucket/a.jpg"
    message = scrubbed(f"Invalid bucket name {user}x:{password}x@bucket; {password}x", url)
    assert f"{password}x" not in message


def test_messages_of_other_packages() -> None:
    url = "https://host/a?X-Amz-Signature=abc%2Fdef&x=1"
    assert scrubbed("no abc/def, no abc%2Fdef", url) == "no , no "
    assert scrubbed("all is well", url) == "all is well"


def test_urls_of_several_are_urls_and_name_no_file_of_this_machine() -> None:
    for text in ("simplecache::s3://bucket/a.jpg", "zip::simplecache::file:///photos/a.jpg"):
        assert is_url(text)
        assert isinstance(location(text), Url)
        assert local_name(text) == text
        assert Url(text).local is None
    for text in ("photos/a::b.jpg", "a::b.jpg", "zip::a.jpg", "::s3://a", "a b::s3://c"):
        assert not is_url(text)
