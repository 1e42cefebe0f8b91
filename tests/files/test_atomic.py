"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fingerprint.files.atomic import UNFINISHED, flush_folder, replace_bytes, replacing

LOCKED = pytest.mark.parametrize("locked", [False, True], ids=["anyone writes", "locked"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_half(path: Path, error: BaseException | type[BaseException], *, locked: bool = False) -> None:
    with replacing(path, locked=locked) as temporary:
        temporary.write_bytes(b"ha")
        raise error


def failing(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


class TestWhole:
    @LOCKED
    def test_a_new_file(self, tmp_path: Path, *, locked: bool) -> None:
        replace_bytes(tmp_path / "x", b"new", locked=locked)
        assert contents(tmp_path) == {"x": b"new"}

    @LOCKED
    def test_an_old_file_is_replaced(self, tmp_path: Path, *, locked: bool) -> None:
        (tmp_path / "x").write_bytes(b"an old and longer one")
        replace_bytes(tmp_path / "x", b"new", locked=locked)
        assert contents(tmp_path) == {"x": b"new"}

    @LOCKED
    def test_until_then_the_old_one_is_there(self, tmp_path: Path, *, locked: bool) -> None:
        target = tmp_path / "x"
        target.write_bytes(b"old")
        with replacing(target, locked=locked) as temporary:
            assert (temporary.parent, temporary.exists()) == (tmp_path, False)
            temporary.write_bytes(b"new")
            assert target.read_bytes() == b"old"
        assert contents(tmp_path) == {"x": b"new"}

    def test_a_path_may_be_text_and_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        replace_bytes("x", b"new")
        assert contents(tmp_path) == {"x": b"new"}

    def test_two_writers_of_one_file_do_not_meet(self, tmp_path: Path) -> None:
        with replacing(tmp_path / "x") as one, replacing(tmp_path / "x") as other:
            one.write_bytes(b"first")
            other.write_bytes(b"second")
        assert contents(tmp_path) == {"x": b"first"}  # the outer one was finished last

    def test_what_a_killed_writer_left_is_overwritten_under_a_lock(self, tmp_path: Path) -> None:
        (tmp_path / f"x{UNFINISHED}").write_bytes(b"half of something much longer")
        replace_bytes(tmp_path / "x", b"new", locked=True)
        assert contents(tmp_path) == {"x": b"new"}


class TestNotAtAll:
    @LOCKED
    @pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
    def test_a_failure_while_writing(self, error: type[BaseException], tmp_path: Path, *, locked: bool) -> None:
        (tmp_path / "x").write_bytes(b"old")
        with pytest.raises(error):
            write_half(tmp_path / "x", error, locked=locked)
        assert contents(tmp_path) == {"x": b"old"}

    @LOCKED
    @pytest.mark.parametrize("name", ["os.fsync", "pathlib.Path.replace"])
    def test_a_failure_at_the_end(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, locked: bool
    ) -> None:
        (tmp_path / "x").write_bytes(b"old")
        with monkeypatch.context() as patch:
            patch.setattr(name, failing)
            with pytest.raises(OSError, match="No space left") as caught:
                replace_bytes(tmp_path / "x", b"new", locked=locked)
        assert caught.value.filename == str(tmp_path / "x")
        assert contents(tmp_path) == {"x": b"old"}

    def test_where_there_was_no_file_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="torn"):
            write_half(tmp_path / "x", ValueError("torn"))
        assert contents(tmp_path) == {}

    def test_the_first_error_is_raised_though_the_rest_cannot_be_removed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pathlib.Path.unlink", failing)
        with pytest.raises(ValueError, match="torn"):
            write_half(tmp_path / "x", ValueError("torn"))

    @LOCKED
    def test_nothing_was_written(self, tmp_path: Path, *, locked: bool) -> None:
        (tmp_path / "x").write_bytes(b"old")
        with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "x", locked=locked):
            pass
        assert caught.value.filename == str(tmp_path / "x")  # not the temporary name
        assert contents(tmp_path) == {"x": b"old"}

    def test_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            replace_bytes(tmp_path / "nowhere" / "x", b"new")
        assert contents(tmp_path) == {}

    def test_a_folder_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        with pytest.raises(OSError, match="x"):
            replace_bytes(tmp_path / "x", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["x"]


class TestOnDisk:
    @pytest.fixture
    def steps(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What is done to the disk, in order."""
        done: list[str] = []
        fsync: Callable[[int], None] = os.fsync
        replace = Path.replace

        def flushing(handle: int) -> None:
            status = os.fstat(handle)
            done.append("flush the folder" if stat.S_ISDIR(status.st_mode) else f"flush {status.st_size} bytes")
            fsync(handle)

        def renaming(path: Path, target: Path) -> Path:
            done.append("rename")
            return replace(path, target)

        monkeypatch.setattr(os, "fsync", flushing)
        monkeypatch.setattr(Path, "replace", renaming)
        return done

    @LOCKED
    def test_the_contents_come_before_the_name_and_the_name_before_the_return(
        self, tmp_path: Path, steps: list[str], *, locked: bool
    ) -> None:
        replace_bytes(tmp_path / "x", b"12345", locked=locked)
        assert steps == ["flush 5 bytes", "rename", "flush the folder"]

    def test_a_failure_is_not_followed_by_a_new_name(self, tmp_path: Path, steps: list[str]) -> None:
        with pytest.raises(ValueError, match="torn"):
            write_half(tmp_path / "x", ValueError("torn"))
        assert steps == []

    def test_a_folder_that_cannot_be_flushed_is_an_error_though_the_file_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fingerprint.files.atomic.flush_folder", failing)
        with pytest.raises(OSError, match="No space left"):
            replace_bytes(tmp_path / "x", b"new")
        assert contents(tmp_path) == {"x": b"new"}

    def test_flushing_a_folder_leaves_no_file_open(self, tmp_path: Path, steps: list[str]) -> None:
        free = os.dup(0)
        os.close(free)
        flush_folder(tmp_path)
        after = os.dup(0)
        os.close(after)
        assert (steps, after) == (["flush the folder"], free)


class TestWhatIsThere:
    def test_a_link_is_followed_and_permissions_are_kept(self, tmp_path: Path) -> None:
        target, link = tmp_path / "target", tmp_path / "link"
        target.write_bytes(b"old")
        target.chmod(0o600)
        link.symlink_to(target)
        replace_bytes(link, b"new")
        assert link.is_symlink()
        assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)

    def test_a_pipe_is_not_replaced(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with pytest.raises(OSError, match="not a regular file"):
            replace_bytes(pipe, b"new")
        assert pipe.is_fifo()
        assert list(tmp_path.iterdir()) == [pipe]

    def test_a_name_may_be_as_long_as_the_system_allows(self, tmp_path: Path) -> None:
        path = tmp_path / ("n" * 255)
        replace_bytes(path, b"new")
        assert path.read_bytes() == b"new"
