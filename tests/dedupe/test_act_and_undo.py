"""Moving copies away, linking them, and taking that back: nothing is lost, whatever happens in between."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fingerprint.config import DEFAULT_LIMITS
from fingerprint.dedupe import Group, Log, Member, Outcome, Undone, act, read_log, undo
from fingerprint.dedupe.actions import Linked, Moved
from fingerprint.dedupe.log import Reopened
from fingerprint.dedupe.scan import scan_files
from fingerprint.dedupe.values import Action, PictureFile
from fingerprint.dedupe.verdicts import same_picture
from fingerprint.errors import ConfigError
from fingerprint.verify.changes import changes_of
from fingerprint.verify.verification import IDENTICAL_LOG_ODDS

ACT = importlib.import_module("fingerprint.dedupe.act")  # its name in the package is that of its function
KEEPER, SAME, OTHER = b"the keeper", b"the keeper", b"a smaller one"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return a folder with a keeper, a file with the same bytes and one with others."""
    folder = tmp_path / "library"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    for name, data in (("a/keeper.jpg", KEEPER), ("b/same.jpg", SAME), ("b/other.jpg", OTHER)):
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(10**18, 10**18 + len(name)))
    (folder / "b" / "same.jpg").chmod(0o640)
    return folder


def group_of(library: Path, names: tuple[str, ...] = ("b/same.jpg", "b/other.jpg")) -> Group:
    """Return a group whose members need not be pictures."""
    paths = [library / name for name in ("a/keeper.jpg", *names)]
    scanned, skipped = scan_files(paths, [], DEFAULT_LIMITS, 1, read_all=True)
    assert not skipped
    by_path: dict[Path, tuple[PictureFile, PictureFile | None]] = {}
    for group in scanned:
        by_path |= {file.path: (file, None) for file in group.files}
        by_path |= {other.path: (other, file) for other, file in group.others}
    keeper = by_path[paths[0]][0]
    verdict = same_picture(4, 3)
    members = []
    for path in paths[1:]:
        file, same_as = by_path[path]
        same = file.content == keeper.content
        found = verdict if same else replace(verdict, log_odds=IDENTICAL_LOG_ODDS)
        members.append(Member(file, (4, 3), found, changes_of(found), same_as))
    return Group(keeper, (4, 3), (), tuple(members))


def contents(folder: Path) -> dict[str, tuple[bytes, int, int, bool, int]]:
    """Return everything in a folder: bytes, time, permissions, whether it is a link, and the number of names."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            state = path.lstat()
            facts = (state.st_mtime_ns, state.st_mode, path.is_symlink(), state.st_nlink)
            found[path.relative_to(folder).as_posix()] = (path.read_bytes(), *facts)
    return found


def acted(library: Path, action: Action, group: Group | None = None) -> tuple[dict[str, Outcome], Path]:
    """Act on a group, and return what was done by name, and the log."""
    log = library.parent / f"{action}.jsonl"
    with Log(log) as written:
        outcomes = list(act([group or group_of(library)], action, written, library.parent / "moved"))
    return {outcome.path.name: outcome for outcome in outcomes}, log


def taken_back(log: Path) -> dict[str, Undone]:
    with Reopened(log) as noted:
        return {item.path.name: item for item in undo(read_log(log), noted)}


@pytest.mark.parametrize("action", ["move", "hardlink", "symlink"])
def test_everything_is_as_it_was_after_undoing(library: Path, action: Action) -> None:
    before = contents(library)
    _, log = acted(library, action)
    assert contents(library) != before
    assert {item.done for item in taken_back(log).values()} == {"back"}
    assert contents(library) == before
    assert {item.done for item in taken_back(log).values()} == {"was there already"}
    assert contents(library) == before
    assert not (library.parent / "moved").exists()


def test_files_are_moved_as_they_lay(library: Path) -> None:
    outcomes, _ = acted(library, "move")
    moved = library.parent / "moved"
    assert outcomes["same.jpg"] == Outcome(library / "b/same.jpg", "moved", moved / "same.jpg", n_bytes=len(SAME))
    assert (moved / "other.jpg").read_bytes() == OTHER
    assert sorted(contents(library)) == ["a/keeper.jpg"]


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_only_the_same_bytes_become_links(library: Path, action: Action) -> None:
    outcomes, _ = acted(library, action)
    assert outcomes["same.jpg"].done == f"{action}ed"
    assert outcomes["other.jpg"].done == "left alone"
    assert "its bytes are not those of the keeper" in outcomes["other.jpg"].reason
    assert (library / "b/same.jpg").samefile(library / "a/keeper.jpg")
    assert (library / "b/same.jpg").is_symlink() == (action == "symlink")
    assert (library / "b/other.jpg").read_bytes() == OTHER
    assert sorted(contents(library)) == ["a/keeper.jpg", "b/other.jpg", "b/same.jpg"]


def test_a_symbolic_link_moves_with_the_library(library: Path) -> None:
    acted(library, "symlink")
    library.rename(library.parent / "elsewhere")
    assert (library.parent / "elsewhere/b/same.jpg").read_bytes() == KEEPER


@pytest.mark.parametrize("action", ["move", "hardlink", "symlink"])
@pytest.mark.parametrize("changed", ["bytes", "time", "gone"])
def test_a_file_that_has_changed_is_left_alone(library: Path, action: Action, changed: str) -> None:
    group, path = group_of(library), library / "b/same.jpg"
    if changed == "bytes":
        path.write_bytes(b"THE KEEPER")
        os.utime(path, ns=(10**18, 10**18 + len("b/same.jpg")))
    elif changed == "time":
        os.utime(path, ns=(10**18, 10**18 + 1))
    else:
        path.unlink()
    before = contents(library)
    outcomes, _ = acted(library, action, replace(group, members=group.members[:1]))
    assert outcomes["same.jpg"].done == "failed"
    assert f"{'is gone' if changed == 'gone' else 'has changed'} since" in outcomes["same.jpg"].reason
    assert contents(library) == before


@pytest.mark.parametrize("action", ["move", "hardlink", "symlink"])
def test_nothing_is_done_without_the_keeper(library: Path, action: Action) -> None:
    group = group_of(library)
    (library / "a/keeper.jpg").write_bytes(b"another")
    before = contents(library)
    outcomes, _ = acted(library, action, group)
    assert "keeper" in outcomes["same.jpg"].reason
    assert contents(library) == before


@pytest.mark.parametrize("action", ["move", "hardlink", "symlink"])
def test_a_file_of_which_only_the_first_frame_was_compared_is_left_alone(library: Path, action: Action) -> None:
    group, before = group_of(library), contents(library)
    animation = replace(group.members[1], n_frames=6)
    outcomes, _ = acted(library, action, replace(group, members=(animation,)))
    assert outcomes["other.jpg"].done == "left alone"
    assert "only the first" in outcomes["other.jpg"].reason
    assert animation.frees == 0
    assert animation.words.endswith(", only the first of 6 frames")
    assert contents(library) == before


def test_an_animation_with_the_same_bytes_is_a_copy_of_all_its_frames(library: Path) -> None:
    group = group_of(library)
    animation = replace(group.members[0], n_frames=6)
    outcomes, _ = acted(library, "move", replace(group, members=(animation,)))
    assert outcomes["same.jpg"].done == "moved"
    assert (animation.frees, animation.words) == (len(SAME), "same file")


@pytest.mark.parametrize("action", ["move", "hardlink", "symlink"])
def test_other_paths_to_a_file_are_left_alone(library: Path, action: Action) -> None:
    os.link(library / "a/keeper.jpg", library / "b/hard.jpg")
    (library / "b/soft.jpg").symlink_to("../a/keeper.jpg")
    before = contents(library)
    group = group_of(library, ("b/hard.jpg", "b/soft.jpg"))
    assert [member.frees for member in group.members] == [0, 0]
    outcomes, _ = acted(library, action, group)
    assert outcomes["hard.jpg"].reason == f"hard link of {library / 'a/keeper.jpg'}: nothing would be freed"
    assert outcomes["soft.jpg"].reason == f"symbolic link to {library / 'a/keeper.jpg'}: nothing would be freed"
    assert contents(library) == before


def test_nothing_is_overwritten_where_files_are_moved_to(library: Path) -> None:
    moved = library.parent / "moved"
    moved.mkdir()
    (moved / "same.jpg").write_bytes(b"mine")
    outcomes, log = acted(library, "move")
    assert outcomes["same.jpg"].to == moved / "same (2).jpg"
    assert (moved / "same.jpg").read_bytes() == b"mine"
    taken_back(log)
    assert sorted(contents(moved)) == ["same.jpg"]


def test_what_lies_in_the_way_of_undoing_stays(library: Path) -> None:
    _, log = acted(library, "move")
    (library / "b/same.jpg").write_bytes(b"mine")
    undone = taken_back(log)
    assert (undone["same.jpg"].done, undone["same.jpg"].reason) == ("not undone", "something else lies there")
    assert undone["other.jpg"].done == "back"
    assert (library / "b/same.jpg").read_bytes() == b"mine"
    assert (library.parent / "moved/same.jpg").read_bytes() == SAME


def test_a_moved_file_that_has_changed_or_is_gone_is_told(library: Path) -> None:
    _, log = acted(library, "move")
    (library.parent / "moved/same.jpg").write_bytes(b"edited meanwhile")
    (library.parent / "moved/other.jpg").unlink()
    undone = taken_back(log)
    assert "has changed" in undone["same.jpg"].reason
    assert "is gone" in undone["other.jpg"].reason


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_a_link_whose_keeper_has_changed_is_not_undone(library: Path, action: Action) -> None:
    _, log = acted(library, action)
    (library / "a/keeper.jpg").write_bytes(b"painted over")
    assert "has changed" in taken_back(log)["same.jpg"].reason


def test_a_link_in_whose_place_another_file_lies_stays(library: Path) -> None:
    _, log = acted(library, "symlink")
    (library / "b/same.jpg").unlink()
    (library / "b/same.jpg").write_bytes(b"mine")
    assert taken_back(log)["same.jpg"].reason == "something else lies there"
    assert (library / "b/same.jpg").read_bytes() == b"mine"


class Interrupted(BaseException):
    """Stands for the end of the process."""


def killed_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool) -> None:
    """End the process at a call, and let none of the code that would mend things run."""
    work: Callable[..., object] = getattr(owner, name)

    def last(*arguments: object, **options: object) -> None:
        if after:
            work(*arguments, **options)
        for broken in ("unlink", "rename", "replace"):
            monkeypatch.setattr(Path, broken, lambda *_, **__: (_ for _ in ()).throw(Interrupted))
        raise Interrupted

    monkeypatch.setattr(owner, name, last)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("action", "owner", "name"),
    [
        ("move", os, "open"),
        ("move", Path, "rename"),
        ("hardlink", Path, "rename"),
        ("hardlink", os, "link"),
        ("hardlink", Path, "unlink"),
        ("symlink", Path, "symlink_to"),
        ("symlink", Path, "unlink"),
    ],
)
def test_an_interruption_anywhere_is_undone(
    library: Path, action: Action, owner: object, name: str, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    before, group = contents(library), group_of(library)
    log = library.parent / "log.jsonl"
    with Log(log) as written, monkeypatch.context() as patch:
        if name == "open":  # that of the placeholder, not those before it
            patch.setattr(ACT, "move", _move_and_die(after=after))
        else:
            killed_at(patch, owner, name, after=after)
        with pytest.raises(Interrupted):
            list(act([group], action, written, library.parent / "moved"))
    taken_back(log)
    assert contents(library) == before
    assert not (library.parent / "moved").exists() or not contents(library.parent / "moved")
    assert {item.done for item in taken_back(log).values()} <= {"was there already"}


def _move_and_die(*, after: bool) -> Callable[[Path, Path], None]:
    def move(_source: Path, target: Path) -> None:
        if after:
            target.touch(exist_ok=False)
        raise Interrupted

    return move


def cross_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all moves be to another file system."""

    def elsewhere(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", os.fspath(self))

    monkeypatch.setattr(Path, "rename", elsewhere)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(Path, "rename"), (shutil, "copyfileobj"), (shutil, "copystat"), (Path, "replace"), (Path, "unlink")],
)
def test_undoing_that_was_interrupted_is_gone_on_with(
    library: Path, owner: object, name: str, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    before = contents(library)
    _, log = acted(library, "move")
    with monkeypatch.context() as patch:
        if name != "rename":
            cross_devices(patch)
        killed_at(patch, owner, name, after=after)
        with pytest.raises(Interrupted):
            taken_back(log)
    assert {item.done for item in taken_back(log).values()} <= {"back", "was there already"}
    assert contents(library) == before
    assert not (library.parent / "moved").exists()


@pytest.mark.parametrize("name", ["copyfileobj", "copystat", "replace", "unlink"])
def test_a_copy_to_another_file_system_that_was_interrupted_leaves_nothing_there(
    library: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, group = contents(library), group_of(library)
    log = library.parent / "log.jsonl"
    with Log(log) as written, monkeypatch.context() as patch:
        cross_devices(patch)
        killed_at(patch, Path if name in ("replace", "unlink") else shutil, name, after=False)
        with pytest.raises(Interrupted):
            list(act([group], "move", written, library.parent / "moved"))
    taken_back(log)
    assert contents(library) == before
    assert not (library.parent / "moved").exists()


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600"])
def test_names_may_be_as_long_as_file_systems_take(library: Path, letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = letter * ((255 - len(".jpg")) // len(letter.encode())) + ".jpg"
    (library / "b/same.jpg").rename(library / "b" / longest)
    before, group = contents(library), group_of(library, (f"b/{longest}",))
    taken = library.parent / "moved" / longest
    taken.parent.mkdir()
    taken.write_bytes(b"mine")
    links: tuple[Action, ...] = ("hardlink", "symlink")
    for action in links:
        outcomes, log = acted(library, action, group)
        assert {outcome.done for outcome in outcomes.values()} == {f"{action}ed"}
        taken_back(log)
    cross_devices(monkeypatch)
    outcomes, log = acted(library, "move", group_of(library, (f"b/{longest}",)))
    assert [outcome.done for outcome in outcomes.values()] == ["moved"]
    assert taken.read_bytes() == b"mine"
    taken_back(log)
    assert contents(library) == before
    assert sorted(contents(taken.parent)) == [longest]


def test_undoing_runs_in_any_folder(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, elsewhere = contents(library), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    with Log(Path("log.jsonl")) as written:
        outcomes = list(act([group_of(library)], "move", written, Path("moved")))
    assert [outcome.to for outcome in outcomes] == [Path("moved/same.jpg"), Path("moved/other.jpg")]
    monkeypatch.chdir(elsewhere)
    taken_back(tmp_path / "log.jsonl")
    assert contents(library) == before
    assert not (tmp_path / "moved").exists()


def test_a_folder_that_another_run_makes_at_the_same_time_is_no_problem(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def faster(self: Path, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        raise FileExistsError(errno.EEXIST, "File exists", os.fspath(self))

    monkeypatch.setattr(Path, "mkdir", faster)
    outcomes, _ = acted(library, "move")
    assert {outcome.done for outcome in outcomes.values()} == {"moved"}


def test_a_log_that_cannot_be_written_is_named(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(library)
    log = library.parent / "log.jsonl"
    with Log(log) as written, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        outcomes = list(act([group_of(library)], "move", written, library.parent / "moved"))
    assert {outcome.done for outcome in outcomes} == {"failed"}
    assert all("the log cannot be written: No space left" in outcome.reason for outcome in outcomes)
    assert contents(library) == before


def test_a_disk_that_gets_full_while_files_are_moved_leaves_a_log_that_takes_back_what_was_done(
    library: Path,
) -> None:
    before = contents(library)
    log = library.parent / "log.jsonl"
    with Log(log) as written:
        file = written._file

        class Filling:
            """Takes 700 bytes more, and half of the line that does not fit."""

            left = 700

            def write(self, data: bytes) -> int:
                if not self.left:
                    raise OSError(errno.ENOSPC, "No space left on device")
                n = file.write(data[: self.left])
                self.left -= n
                return n

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

        written._file = Filling()  # type: ignore[assignment]
        outcomes = list(act([group_of(library)], "move", written, library.parent / "moved"))
    assert {outcome.done for outcome in outcomes} == {"moved", "failed"}
    assert all("the log cannot be written" in outcome.reason for outcome in outcomes if outcome.done == "failed")
    assert "failed" not in {outcome.done for outcome in undo(read_log(log))}
    assert contents(library) == before


def test_a_log_that_cannot_be_begun_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(OSError, match="the log cannot be written"):
            Log(tmp_path / "log.jsonl")
    Log(tmp_path / "log.jsonl").__exit__(None, None, None)  # so another attempt can be made


_LOG_HEAD = '{"log": "fingerprint dedupe log", "version": 1}\n'
_STATE = {"n_bytes": 1, "mtime_ns": 1, "mode": 0o644, "content": "00"}
_MOVE = {"do": "move", "path": "/a.jpg", "to": "/b.jpg", "keeper": "/k.jpg", "state": _STATE}
_LINK = _MOVE | {"do": "link", "to": None, "aside": "/c.jpg", "target": "", "action": "hardlink"}
_LINK.pop("to")


@pytest.mark.parametrize("line", [_MOVE, _LINK, {"do": "folder", "path": "/f"}], ids=["move", "link", "folder"])
@pytest.mark.parametrize(
    "wrong",
    [None, 5, True, [], {}, 1e400, "", "relative", "/nul\0", "/\ud800", 10**30],
    ids=lambda value: repr(value)[:20],
)
def test_a_log_of_which_any_field_was_tampered_with_is_refused_before_anything_is_done(
    line: dict[str, Any], wrong: object, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(_LOG_HEAD + json.dumps(line) + "\n")
    assert len(read_log(log)) == 1
    for name in ("do", "path", "to", "aside", "keeper", "action"):
        if name in line:
            log.write_text(_LOG_HEAD + json.dumps(line | {name: wrong}) + "\n")
            with pytest.raises(ConfigError, match="line 2 of the log is damaged; nothing was undone"):
                read_log(log)
    for name in _STATE if "state" in line else ():
        if name != "content" and wrong == 5:
            continue  # a number that it may be
        if name == "content" and wrong in ("", "relative"):
            continue
        log.write_text(_LOG_HEAD + json.dumps(line | {"state": _STATE | {name: wrong}}) + "\n")
        with pytest.raises(ConfigError, match="line 2 of the log is damaged; nothing was undone"):
            read_log(log)


def test_a_log_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(_LOG_HEAD + "[" * 100_000 + "\n")
    with pytest.raises(ConfigError, match="line 2"):
        read_log(log)


def test_a_move_to_another_file_system_is_a_copy(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(library)
    cross_devices(monkeypatch)
    _, log = acted(library, "move")
    assert sorted(contents(library)) == ["a/keeper.jpg"]
    assert (library.parent / "moved/other.jpg").read_bytes() == OTHER
    taken_back(log)
    assert contents(library) == before


def test_a_copy_on_another_file_system_goes_if_the_file_cannot(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, unlink = contents(library), Path.unlink

    def elsewhere(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", os.fspath(self))

    def protected(self: Path, missing_ok: bool = False) -> None:
        if self.is_relative_to(library):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "rename", elsewhere)
    monkeypatch.setattr(Path, "unlink", protected)
    outcomes, _ = acted(library, "move")
    assert {outcome.done for outcome in outcomes.values()} == {"failed"}
    assert contents(library) == before
    assert not contents(library.parent / "moved")


def test_a_file_system_without_hard_links_leaves_all_as_it_was(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(library)

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    outcomes, _ = acted(library, "hardlink")
    assert outcomes["same.jpg"].done == "failed"
    assert contents(library) == before


def test_the_log_is_ahead_of_the_action(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = library.parent / "log.jsonl"
    seen = []

    def look(source: Path, target: Path) -> None:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        seen.append((lines[-1]["path"], lines[-1]["to"]) == (str(source), str(target)))

    monkeypatch.setattr(ACT, "move", look)
    with Log(log) as written:
        list(act([group_of(library)], "move", written, library.parent / "moved"))
    assert seen == [True, True]


def test_a_line_that_was_cut_short_was_not_begun(library: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, log = acted(library, "move")
    whole, lines = read_log(log), log.read_bytes().splitlines(keepends=True)
    assert not caplog.records
    log.write_bytes(b"".join(lines[:-1])[:-20])  # the last line says how the action before it has ended
    assert read_log(log) == whole[:-1]
    assert "is cut short" in caplog.text
    assert all(isinstance(entry, Moved | Linked) or entry.path for entry in whole)


@pytest.mark.parametrize("n_lines", [0, 1], ids=["how the action ended", "the action"])
def test_a_last_line_that_only_lacks_its_end_counts(library: Path, n_lines: int) -> None:
    before = contents(library)
    _, log = acted(library, "move")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: len(lines) - n_lines]).rstrip(b"\n"))  # as some editors save it
    assert {item.done for item in taken_back(log).values()} == {"back"}
    assert contents(library) == before
    assert {item.done for item in taken_back(log).values()} == {"was there already"}


def test_undoing_again_leaves_alone_what_another_run_has_moved_there(library: Path) -> None:
    group, moved = group_of(library, ("b/same.jpg",)), library.parent / "moved"
    _, log = acted(library, "move", group)
    taken_back(log)
    (library / "c").mkdir()
    shutil.copy2(library / "a/keeper.jpg", library / "c/same.jpg")
    later = group_of(library, ("c/same.jpg",))
    with Log(library.parent / "later.jsonl") as written:
        assert [outcome.to for outcome in act([later], "move", written, moved)] == [moved / "same.jpg"]
    assert [item.done for item in taken_back(log).values()] == ["was there already"]
    assert (moved / "same.jpg").read_bytes() == SAME
    assert [item.done for item in taken_back(library.parent / "later.jsonl").values()] == ["back"]


def test_what_was_taken_back_and_is_gone_or_changed_since_is_told(library: Path) -> None:
    _, log = acted(library, "move")
    taken_back(log)
    (library / "b/same.jpg").write_bytes(b"painted over")
    (library / "b/other.jpg").unlink()
    undone = taken_back(log)
    assert (undone["same.jpg"].done, undone["same.jpg"].reason) == ("not undone", "something else lies there")
    assert (undone["other.jpg"].done, undone["other.jpg"].reason) == (
        "not undone",
        "it is gone since it was taken back",
    )


def test_what_could_not_be_moved_is_not_taken_back(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group, moved = group_of(library, ("b/same.jpg",)), library.parent / "moved"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no")))
        outcomes, log = acted(library, "move", group)
    assert [outcome.done for outcome in outcomes.values()] == ["failed"]
    (library / "b/same.jpg").replace(moved / "same.jpg")  # another run does it
    assert taken_back(log) == {}
    assert (moved / "same.jpg").read_bytes() == SAME


def test_a_file_that_vanishes_leaves_nothing_where_it_was_to_go(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        gone = FileNotFoundError(errno.ENOENT, "No such file or directory")
        patch.setattr(Path, "rename", lambda self, _: (self.unlink(), (_ for _ in ()).throw(gone)))
        outcomes, _ = acted(library, "move")
    assert {outcome.done for outcome in outcomes.values()} == {"failed"}
    assert not contents(library.parent / "moved")


def test_a_keeper_that_goes_while_its_copies_are_moved_ends_that(library: Path) -> None:
    with Log(library.parent / "log.jsonl") as written:
        outcomes = act([group_of(library)], "move", written, library.parent / "moved")
        assert next(outcomes).done == "moved"
        (library / "a/keeper.jpg").unlink()
        left = next(outcomes)
    assert (left.done, "its keeper" in left.reason) == ("failed", True)
    assert (library / "b/other.jpg").read_bytes() == OTHER


def test_a_log_of_the_version_before_is_taken_back(library: Path) -> None:
    before = contents(library)
    _, log = acted(library, "move")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    old = [{**lines[0], "version": 1}, *(line for line in lines[1:] if line["do"] != "ended")]
    log.write_text("".join(json.dumps(line) + "\n" for line in old))
    assert {item.done for item in taken_back(log).values()} == {"back"}
    assert contents(library) == before
    assert {item.done for item in taken_back(log).values()} == {"was there already"}


@pytest.mark.parametrize(
    "line",
    [
        {"do": "ended", "done": True},
        {"do": "undone", "number": 0},
        {"do": "undoing", "number": -1},
        {"do": "undone", "number": True},
        {"do": "undone", "number": "0"},
        {"do": "undone"},
    ],
    ids=str,
)
def test_a_line_on_an_action_that_is_not_there_is_refused(line: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"log": "fingerprint dedupe log", "version": 2}\n' + json.dumps(line) + "\n")
    with pytest.raises(ConfigError, match="line 2 of the log is damaged; nothing was undone"):
        read_log(log)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no log"),
        ('{"a": 1}\n', "no log"),
        ("[]\n", "no log"),
        ('{"log": "fingerprint dedupe log", "version": 9}\n', "another version"),
        ('{"log": "fingerprint dedupe log", "version": 1}\n{"do": "dance"}\n', "line 2"),
        ('{"log": "fingerprint dedupe log", "version": 1}\nnoise\n', "line 2"),
    ],
)
def test_what_is_no_log_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_log(tmp_path / "log.jsonl")


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("mine")
    with pytest.raises(FileExistsError):
        Log(tmp_path / "log.jsonl")


def test_moving_needs_a_folder(library: Path) -> None:
    with Log(library.parent / "log.jsonl") as log, pytest.raises(ConfigError, match="give the folder"):
        list(act([group_of(library)], "move", log))
