"""Decisions: read from JSON and CSV, acted on only where all is as it was, and taken back by the log."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fingerprint.dedupe import Log, act, decided_groups, read_decisions, read_log, undo
from fingerprint.errors import ConfigError
from fingerprint.files.names import written_name


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    made = {}
    for name in ("keeper.jpg", "copy.jpg", "other.jpg", "line\nbreak.jpg"):
        made[name] = folder / name
        made[name].write_bytes(name.encode())
    return made


def row(choice: str, query: Path, reference: Path, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"decision": choice, "group": 1, "query": str(query), "reference": str(reference)}
    for name, path in (("query", query), ("reference", reference)):
        facts[f"{name}_bytes"] = path.stat().st_size if path.exists() else 0
        facts[f"{name}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "0" * 64
    return facts | more


def written(folder: Path, rows: list[dict[str, Any]], form: str = "json") -> Path:
    path = folder / f"decisions.{form}"
    if form == "json":
        held = {"format": "fingerprint decisions", "version": 1, "kind": "dedupe", "decisions": rows}
        path.write_text(json.dumps(held))
    else:
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, list(rows[0]))
        table.writeheader()
        table.writerows(
            {**r, "query": written_name(r["query"]), "reference": written_name(r["reference"])} for r in rows
        )
        path.write_bytes(text.getvalue().encode())
    return path


def moves(
    decisions: Path, images: list[Path], references: list[Path] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return which file goes for which, and what is left alone, by the ends of their names."""
    decided, left = decided_groups(read_decisions(decisions), images, references or [])
    goes = {member.file.path.name: group.keeper.path.name for group in decided for member in group.members}
    return goes, {Path(item.path).name: item.reason for item in left}


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_is_decided_is_done_and_nothing_else(tmp_path: Path, files: dict[str, Path], form: str) -> None:
    keeper, copy, other, broken = files.values()
    rows = [row("copy", copy, keeper), row("not-a-copy", other, keeper), row("copy", broken, keeper)]
    decisions = written(tmp_path, rows, form)
    goes, left = moves(decisions, list(files.values()))
    assert goes == {"copy.jpg": "keeper.jpg", "line\nbreak.jpg": "keeper.jpg"}
    assert left == {}
    decided, _ = decided_groups(read_decisions(decisions), list(files.values()))
    log_file = tmp_path / "log.jsonl"
    with Log(log_file) as log:
        done = [outcome.done for outcome in act(decided, "move", log, tmp_path / "copies")]
    assert done == ["moved", "moved"]
    assert not copy.exists()
    assert other.exists()
    assert [item.done for item in undo(read_log(log_file)) if item.path.name != "copies"]
    assert copy.read_bytes() == b"copy.jpg"


def test_frames_that_nobody_compared_stay_whatever_is_decided(tmp_path: Path, files: dict[str, Path]) -> None:
    keeper, animation = files["keeper.jpg"], tmp_path / "photos" / "animation.gif"
    frames = [Image.new("L", (40, 30), level) for level in (10, 200)]
    frames[0].save(animation, save_all=True, append_images=frames[1:])
    same = tmp_path / "photos" / "same.gif"
    same.write_bytes(animation.read_bytes())
    images = [*files.values(), animation, same]
    goes, left = moves(written(tmp_path, [row("copy", animation, keeper)]), images)
    assert goes == {}
    assert "several frames" in left["animation.gif"]
    goes, left = moves(written(tmp_path, [row("copy", same, animation)]), images)
    assert (goes, left) == ({"same.gif": "animation.gif"}, {})  # it has the same bytes, so all its frames are known


def test_another_one_can_be_kept_and_the_others_of_its_group_go_for_it(tmp_path: Path, files: dict[str, Path]) -> None:
    keeper, copy, other, _ = files.values()
    rows = [row("keep-query", copy, keeper), row("copy", other, keeper)]
    assert moves(written(tmp_path, rows), list(files.values()))[0] == {
        "keeper.jpg": "copy.jpg",
        "other.jpg": "copy.jpg",
    }


def test_two_that_are_to_be_kept_are_a_contradiction(tmp_path: Path, files: dict[str, Path]) -> None:
    keeper, copy, other, _ = files.values()
    rows = [row("keep-query", copy, keeper), row("keep-query", other, keeper)]
    goes, left = moves(written(tmp_path, rows), list(files.values()))
    assert goes == {}
    assert set(left) == {"keeper.jpg", "copy.jpg", "other.jpg"}


def test_what_goes_in_one_group_and_is_kept_in_another_stays(tmp_path: Path, files: dict[str, Path]) -> None:
    keeper, copy, _, _ = files.values()
    goes, left = moves(written(tmp_path, [row("copy", copy, keeper), row("copy", keeper, copy)]), list(files.values()))
    assert goes == {}
    assert len(left) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_a_pair_on_which_two_decisions_differ_is_left_alone(
    tmp_path: Path, files: dict[str, Path], *, turned: bool
) -> None:
    keeper, copy, other, _ = files.values()
    rows = [row("copy", copy, keeper), row("not-a-copy", copy, keeper)]
    rows = [*(reversed(rows) if turned else rows), row("copy", other, keeper)]
    goes, left = moves(written(tmp_path, rows), list(files.values()))
    assert goes == {"other.jpg": "keeper.jpg"}
    assert set(left) == {"copy.jpg"}
    assert "'copy'" in left["copy.jpg"]
    assert "'not-a-copy'" in left["copy.jpg"]


@pytest.mark.parametrize("choice", ["copy", "keep-query"])
def test_a_decision_that_is_written_twice_counts_once(tmp_path: Path, files: dict[str, Path], choice: str) -> None:
    keeper, copy, *_ = files.values()
    goes, left = moves(written(tmp_path, [row(choice, copy, keeper)] * 2), list(files.values()))
    assert goes == ({"copy.jpg": "keeper.jpg"} if choice == "copy" else {"keeper.jpg": "copy.jpg"})
    assert left == {}


def test_unknown_changed_and_untouchable_files_are_left_alone_and_listed(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    keeper, copy, other, broken = files.values()
    elsewhere = tmp_path / "elsewhere.jpg"
    elsewhere.write_bytes(b"elsewhere")
    gone = files["copy.jpg"].with_name("gone.jpg")
    link = copy.with_name("link.jpg")
    link.symlink_to(other)
    hard = copy.with_name("hard.jpg")
    hard.hardlink_to(keeper)
    rows = [row("copy", path, keeper) for path in (copy, other, broken, elsewhere, gone, link, hard)]
    rows.append(row("copy", keeper.with_name("unsaid.jpg"), keeper, query_sha256=""))
    copy.write_bytes(b"changed!")
    images = [keeper, copy, other, broken, gone, link, hard, keeper.with_name("unsaid.jpg")]
    goes, left = moves(written(tmp_path, rows), images, [broken])
    assert goes == {"other.jpg": "keeper.jpg"}
    assert "changed" in left["copy.jpg"]
    assert "not known" in left["elsewhere.jpg"]
    assert "never touched" in left["line\nbreak.jpg"]
    assert "cannot be read" in left["gone.jpg"]
    assert "symbolic link" in left["link.jpg"]
    assert "another path" in left["hard.jpg"]
    assert "which bytes" in left["unsaid.jpg"]


def test_copies_of_a_keeper_that_has_changed_stay(tmp_path: Path, files: dict[str, Path]) -> None:
    keeper, copy, *_ = files.values()
    decisions = written(tmp_path, [row("copy", copy, keeper)])
    keeper.write_bytes(b"painted over")
    decided, left = decided_groups(read_decisions(decisions), list(files.values()))
    assert left == []
    with Log(tmp_path / "log.jsonl") as log:
        (outcome,) = act(decided, "move", log, tmp_path / "copies")
    assert outcome.done == "failed"
    assert "keeper" in outcome.reason
    assert copy.exists()


_HEAD = "decision,group,query,reference,query_bytes,query_sha256,reference_bytes,reference_sha256\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\ufeff \n", "it is empty"),
        (_HEAD.replace(",", ";"), "separated by commas"),
        ("{", "no decisions"),
        ("[1]", "no column"),
        ('{"format": "other"}', "format"),
        ('{"format": "fingerprint decisions", "version": 2}', "version"),
        ('{"format": "fingerprint decisions", "version": 1, "kind": "search"}', "search"),
        ('{"format": "fingerprint decisions", "version": 1, "kind": "dedupe", "decisions": {}}', "no list"),
        ('{"format": "fingerprint decisions", "version": 1, "kind": "dedupe", "decisions": [1]}', "makes no sense"),
        (
            '{"format": "fingerprint decisions", "version": 1, "kind": "dedupe", "decisions": [null]}',
            "None has no fields",
        ),
        (
            '{"format": "fingerprint decisions", "version": 1, "kind": "dedupe", "decisions": [{"decision": "rm"}]}',
            "rm",
        ),
        ("decision,group,query\ncopy,1,/a\n", "no column"),
        ("\udcff", "save it in that encoding"),
        ('{"a":' * 100_000, "nested too deeply"),
        (_HEAD + "copy,1\n", "decision 1 has fewer columns"),
        (_HEAD + "\0\n", "decision 1 has fewer columns"),
    ],
)
def test_what_are_no_decisions_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "decisions.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=said):
        read_decisions(path)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("query_bytes", float("inf")), ("reference_bytes", float("nan")), ("reference", "/\ud800"), ("query", "/a\0b")],
)
def test_values_that_no_file_can_have_are_refused(
    tmp_path: Path, files: dict[str, Path], field: str, wrong: object
) -> None:
    decision = row("copy", files["copy.jpg"], files["keeper.jpg"]) | {field: wrong}
    with pytest.raises(ConfigError, match="decision 1 makes no sense"):
        read_decisions(written(tmp_path, [decision]))


def test_relative_paths_are_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    decision = row("copy", files["copy.jpg"], files["keeper.jpg"]) | {"query": "copy.jpg"}
    with pytest.raises(ConfigError, match="absolute"):
        read_decisions(written(tmp_path, [decision]))
