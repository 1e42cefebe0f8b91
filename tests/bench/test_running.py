"""Runs leave files that are judged again; an interrupted run goes on; results of another model are not mixed in."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fingerprint.bench import turns
from fingerprint.bench.base import DescribingMethod, Learned, Matcher, MatchingMethod, Role
from fingerprint.bench.blocks import in_blocks, joined
from fingerprint.bench.files import find_sets, read_set
from fingerprint.bench.judging import judge
from fingerprint.bench.registry import make_method, short_name
from fingerprint.bench.running import run_method
from fingerprint.bench.sets import BenchSet, open_set
from fingerprint.challenge import evaluate_matches
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images.decode import read_grey
from fingerprint.types import F32


class Tiny(DescribingMethod):
    """Mean grey of a few cells, less the mean of the training images; it counts what it describes."""

    title = "tiny"

    def __init__(self, model: str = "a", fails_at: int = -1) -> None:
        self.model, self.fails_at, self.described = model, fails_at, 0

    @property
    def identity(self) -> str:
        return self.model

    def learn(self, training: Sequence[Path]) -> Learned:
        return {"mean": np.mean([cells(path) for path in training], axis=0)}

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        self.described += 1
        if picture.stem == "R3":
            raise ImageError(str(picture), "torn")
        if self.described == self.fails_at:
            raise KeyboardInterrupt
        return np.asarray(cells(picture) - learned["mean"], np.float32)


def cells(path: Path) -> F32:
    pixels = read_grey(path).pixels
    return np.array([part.mean() for row in np.array_split(pixels, 4) for part in np.array_split(row, 4, axis=1)])


class Pairs(MatchingMethod):
    """Scores pairs by how near their mean grey values are."""

    def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
        return Means([float(cells(path).mean()) for path in references])


class Means(Matcher):
    def __init__(self, means: Sequence[float]) -> None:
        self.means = means

    @property
    def n_bytes(self) -> int:
        return 8 * len(self.means)

    def match(self, query: Path) -> Sequence[tuple[int, float]]:
        own = float(cells(query).mean())
        return [(row, -abs(own - mean)) for row, mean in enumerate(self.means)]


def test_a_run_leaves_what_a_judge_needs(bench_set: BenchSet, tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    result = run_method(
        bench_set,
        "tiny",
        Tiny(),
        tmp_path,
        command="bench run",
        n_workers=1,
        progress=lambda *said: stages.append(said),
    )
    assert stages[1:] == [
        ("tiny, learning", 1, 1),
        ("tiny, train", 5, 5),
        ("tiny, references", 6, 6),
        ("tiny, queries", 5, 5),
    ]
    assert result.rows == ("raw", "normalised")
    assert result.facts["skipped"] == [["R3.jpg", "torn"]]
    assert result.facts["set"]["digest"] == bench_set.digest
    assert result.facts["command"] == "bench run"
    assert result.costs.image_bytes == 64
    assert not (result.folder / "work").exists()
    (folder,) = find_sets(tmp_path)
    found = read_set(folder)
    rows = judge(found, resamples=20)
    assert {row.label for row in rows} == {"tiny", "tiny, normalised"}
    raw = next(row for row in rows if row.row == "raw")
    assert raw.metrics == evaluate_matches(result.read("raw"), bench_set.truth)
    with np.load(result.folder / "references.npz", allow_pickle=False) as kept:
        assert kept["ids"].tolist() == ["R0", "R1", "R2", "R4", "R5"]
        assert kept["vectors"].shape == (5, 16)


def test_the_normalised_row_takes_the_background_of_each_query(bench_set: BenchSet, tmp_path: Path) -> None:
    result = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
    arrays = {name: np.load(result.folder / f"{name}.npz")["vectors"] for name in ("train", "queries")}
    near = -np.square(arrays["queries"][:, None].astype(np.float64) - arrays["train"]).sum(axis=2) / 2
    expected = np.sort(near, axis=1)[:, -3:].mean(axis=1)
    raw, normalised = result.read("raw"), result.read("normalised")
    assert raw.query_ids == normalised.query_ids
    taken = {q: a - b for q, a, b in zip(raw.query_ids, raw.scores, normalised.scores, strict=True)}
    assert np.allclose([taken[name] for name in bench_set.queries.ids], expected)


def test_a_finished_run_is_read_and_not_made_again(bench_set: BenchSet, tmp_path: Path) -> None:
    run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
    again = Tiny()
    run_method(bench_set, "tiny", again, tmp_path, n_workers=1)
    assert again.described == 0
    run_method(bench_set, "tiny", again, tmp_path, again=True, n_workers=1)
    assert again.described > 0


def test_a_copy_of_a_set_in_another_folder_is_the_same_set(bench_set: BenchSet, tmp_path: Path) -> None:
    copy = tmp_path / "renamed"
    shutil.copytree(bench_set.folder, copy)
    first = run_method(bench_set, "tiny", Tiny(), tmp_path / "results", n_workers=1)
    again = Tiny()
    assert run_method(open_set(copy), "tiny", again, tmp_path / "results", n_workers=1).folder == first.folder
    assert again.described == 0
    other = run_method(open_set(copy), "other", Tiny("b"), tmp_path / "results", n_workers=1)
    (folder,) = find_sets(tmp_path / "results")
    assert [result.name for result in read_set(folder).results] == ["other", "tiny"]
    assert other.facts["set"]["name"] == folder.name
    with (copy / "edits.tsv").open("a") as file:
        file.write("Q99\t\tcrop\n")
    changed = run_method(open_set(copy), "tiny", Tiny(), tmp_path / "results", n_workers=1)
    assert changed.folder.parent.name.startswith("renamed-")


def test_another_model_under_the_same_name_is_refused(bench_set: BenchSet, tmp_path: Path) -> None:
    run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
    with pytest.raises(ConfigError, match="another model"):
        run_method(bench_set, "tiny", Tiny("b"), tmp_path, n_workers=1)


def test_a_run_that_failed_at_once_leaves_its_name_free(bench_set: BenchSet, tmp_path: Path) -> None:
    """As when what a model's file says is mended."""

    class Failing(Tiny):
        def learn(self, training: Sequence[Path]) -> Learned:
            raise ConfigError("no such layer")

    with pytest.raises(ConfigError, match="no such layer"):
        run_method(bench_set, "tiny", Failing(), tmp_path, n_workers=1)
    assert run_method(bench_set, "tiny", Tiny("b"), tmp_path, n_workers=1).rows == ("raw", "normalised")
    with pytest.raises(KeyboardInterrupt):
        run_method(bench_set, "cut", Tiny(fails_at=10), tmp_path, n_workers=1)
    with pytest.raises(ConfigError, match="another model"):  # what it described is not thrown away
        run_method(bench_set, "cut", Tiny("b"), tmp_path, n_workers=1)


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(bench_set: BenchSet, tmp_path: Path) -> None:
    whole = run_method(bench_set, "tiny", Tiny(), tmp_path / "whole", n_workers=1)
    with pytest.raises(KeyboardInterrupt):  # after the training images, among the references
        run_method(bench_set, "tiny", Tiny(fails_at=10), tmp_path / "cut", n_workers=1)
    second = Tiny()
    cut = run_method(bench_set, "tiny", second, tmp_path / "cut", n_workers=1)
    assert second.described == 1 + 7 + 6  # the first picture of each part is described once more, to compile
    for name in ("pairs-raw.csv", "pairs-normalised.csv"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_one_process_at_a_time_runs_a_method_on_a_set(bench_set: BenchSet, tmp_path: Path) -> None:
    class Meddled(Tiny):
        def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
            if self.described == 5:
                for name in ("tiny", "other"):
                    refused[name] = run_elsewhere(bench_set.folder, name, tmp_path)
            return super().describe(picture, role, learned)

    refused: dict[str, subprocess.CompletedProcess[str]] = {}
    whole = run_method(bench_set, "tiny", Tiny(), tmp_path / "alone", n_workers=1)
    result = run_method(bench_set, "tiny", Meddled(), tmp_path, n_workers=1)
    assert "BenchBusyError" in refused["tiny"].stderr
    assert f"'tiny' is run in another process (process {os.getpid()} on" in refused["tiny"].stderr
    assert "wait until it has ended" in refused["tiny"].stderr
    assert refused["other"].returncode == 0, refused["other"].stderr
    assert result.costs.image_bytes == whole.costs.image_bytes
    for name in ("pairs-raw.csv", "pairs-normalised.csv"):
        assert (result.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    (folder,) = find_sets(tmp_path / "alone")
    assert [found.name for found in read_set(folder).results] == ["tiny"]
    assert run_elsewhere(bench_set.folder, "tiny", tmp_path).returncode != 0  # finished, and of another method
    assert run_method(bench_set, "tiny", Tiny(), tmp_path, again=True, n_workers=1).rows == result.rows


def run_elsewhere(folder: Path, name: str, results: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run dHash in another process, with some lines of Python before."""
    program = f"""
import os, sys
from pathlib import Path
from fingerprint.bench.methods.dhash import DHash
from fingerprint.bench.running import run_method
from fingerprint.bench.sets import open_set
{before}
run_method(open_set(sys.argv[1]), sys.argv[2], DHash(), Path(sys.argv[3]), n_workers=1)
"""
    command = [sys.executable, "-c", program, str(folder), name, str(results)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_run_that_was_killed_frees_its_turn(bench_set: BenchSet, tmp_path: Path) -> None:
    dies = "whole = DHash.describe; DHash.describe = lambda *a: os._exit(9) if a[1].stem == 'R2' else whole(*a)"
    assert run_elsewhere(bench_set.folder, "dhash", tmp_path, dies).returncode == 9
    result = run_method(bench_set, "dhash", make_method("dhash", bench_set), tmp_path, n_workers=1)
    assert result.rows == ("raw", "normalised")


def test_files_that_cannot_be_locked_are_named(
    bench_set: BenchSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(_: Path) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(turns, "take", without_locks)
    with pytest.raises(ConfigError, match=r"\.tiny\.lock: files cannot be locked there: choose a folder"):
        run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)


def test_a_method_may_score_pairs_by_itself(bench_set: BenchSet, tmp_path: Path) -> None:
    result = run_method(bench_set, "pairs", Pairs(), tmp_path, n_workers=2)
    assert len(result.read("raw")) == 5 * 6
    assert result.rows == ("raw", "normalised")
    assert result.costs.image_bytes == 8


@pytest.mark.parametrize("name", ["sift-ratio", "sift-asmk", "matching-track-fast"])
def test_references_that_a_method_cannot_read_are_named(set_folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "torn"
    shutil.copytree(set_folder, copy)
    for path in (copy / "references" / "R2.jpg", copy / "train" / "T1.jpg"):
        path.write_bytes(path.read_bytes()[:200])
    torn = open_set(copy)
    result = run_method(torn, name, make_method(name, torn), tmp_path / "results", n_workers=1)
    expected = ["R2.jpg"] if name.startswith("matching") else ["R2.jpg", "T1.jpg"]
    assert sorted(picture for picture, _ in result.facts["skipped"]) == expected


@pytest.mark.parametrize(("row", "score"), [(6, 1.0), (-1, 1.0), (0, np.nan), (0, np.inf)])
def test_pairs_that_cannot_be_are_refused(bench_set: BenchSet, tmp_path: Path, row: int, score: float) -> None:
    class Wrong(Means):
        def match(self, query: Path) -> Sequence[tuple[int, float]]:
            return [(0, 1.0), (row, score)]

    class WrongPairs(MatchingMethod):
        def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
            return Wrong([])

    with pytest.raises(ConfigError, match=r"Q0\.jpg: Wrong\.match returned row .* of the 6 references"):
        run_method(bench_set, "wrong", WrongPairs(), tmp_path, n_workers=1)


@pytest.mark.parametrize("learned", [None, {"words": np.array([{}], object)}, {"words": object()}])
def test_what_is_no_array_is_not_learned(bench_set: BenchSet, tmp_path: Path, learned: Learned) -> None:
    class Wrong(Tiny):
        def learn(self, training: Sequence[Path]) -> Learned:
            return learned

    with pytest.raises(ConfigError, match=r"Wrong\.learn returned no arrays"):
        run_method(bench_set, "wrong", Wrong(), tmp_path, n_workers=1)


def test_pictures_are_described_alike(bench_set: BenchSet, tmp_path: Path) -> None:
    class Ragged(DescribingMethod):
        def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
            return np.ones(3 if picture.stem == "R4" else 2, np.float32)

    with pytest.raises(ConfigError, match=r"ragged/work/references: pictures are described by .* all alike"):
        run_method(bench_set, "ragged", Ragged(), tmp_path, n_workers=1)


@pytest.mark.parametrize(
    "found",
    [
        *(np.zeros(3), np.zeros((2, 3), np.float32), np.zeros((1, 1, 3), np.float32)),
        *(np.zeros(3, np.int64), np.zeros(0, np.float32)),
    ],
)
def test_what_is_no_vector_is_refused(bench_set: BenchSet, tmp_path: Path, found: F32) -> None:
    class Wrong(DescribingMethod):
        def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
            return found

    with pytest.raises(ConfigError, match=r"Wrong\.describe returned"):
        run_method(bench_set, "wrong", Wrong(), tmp_path, n_workers=1)


def test_the_fault_of_a_foreign_method_is_named(bench_set: BenchSet, tmp_path: Path) -> None:
    class Broken(DescribingMethod):
        def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
            raise ZeroDivisionError("no pixels")

    with pytest.raises(ConfigError, match=r"the method 'broken' of .* failed: ZeroDivisionError: no pixels") as caught:
        run_method(bench_set, "broken", Broken(), tmp_path, n_workers=1)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_set_without_training_images_has_no_normalised_row(bench_set: BenchSet, tmp_path: Path) -> None:
    import dataclasses

    from fingerprint.bench.sets import Part

    bare = dataclasses.replace(bench_set, train=Part((), ()))
    result = run_method(bare, "phash", make_method("phash", bare), tmp_path, n_workers=1)
    assert result.rows == ("raw",)


def test_the_fault_of_a_foreign_method_is_named_if_it_lacks_a_file(bench_set: BenchSet, tmp_path: Path) -> None:
    class Broken(DescribingMethod):
        def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
            return np.fromfile(tmp_path / "weights.bin", np.float32)

    with pytest.raises(ConfigError, match=r"the method 'broken' of .* failed: FileNotFoundError: .*weights\.bin"):
        run_method(bench_set, "broken", Broken(), tmp_path, n_workers=1)


def test_a_full_disk_is_no_fault_of_a_method(
    bench_set: BenchSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left") as caught:
        run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
    assert str(caught.value.filename).endswith("tiny/learned.npz")


def test_what_is_no_matcher_is_refused(bench_set: BenchSet, tmp_path: Path) -> None:
    class Forgetful(MatchingMethod):
        def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
            return None  # type: ignore[return-value]

    with pytest.raises(ConfigError, match=r"Forgetful\.open returned NoneType: return a Matcher"):
        run_method(bench_set, "forgetful", Forgetful(), tmp_path, n_workers=1)


@pytest.mark.parametrize("name", ["phash", "sift-ratio", "sift-asmk", "matching-track-fast"])
def test_a_set_of_which_nothing_can_be_read_has_no_result(set_folder: Path, tmp_path: Path, name: str) -> None:
    for part in ("references", "queries"):
        copy = tmp_path / part
        shutil.copytree(set_folder, copy)
        for path in (copy / part).iterdir():
            path.write_bytes(b"")
        torn = open_set(copy)
        with pytest.raises(
            ConfigError, match=rf"{part}/{part}: none of its \d pictures could be described; of .*0\.jpg: "
        ):
            run_method(torn, name, make_method(name, torn), tmp_path / "results", n_workers=1)


@pytest.mark.parametrize("name", ["phash", "sift-ratio"])
def test_training_images_of_which_none_can_be_read_are_no_background(
    set_folder: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(set_folder, copy)
    for path in (copy / "train").iterdir():
        path.write_bytes(b"")
    torn = open_set(copy)
    result = run_method(torn, name, make_method(name, torn), tmp_path / "results", n_workers=1)
    assert result.rows == ("raw",)
    assert len(result.facts["skipped"]) == 5


class TestBlocks:
    def test_blocks_keep_order_and_counts(self, tmp_path: Path) -> None:
        paths = [Path(f"{i}") for i in range(7)]
        blocks = in_blocks(paths, lambda p: {"a": np.full((int(p.name), 2), int(p.name))}, tmp_path, 2, size=3)
        assert [block.counts.tolist() for block in blocks] == [[0, 1, 2], [3, 4, 5], [6]]
        assert joined(blocks, "a")[:, 0].tolist() == [i for i in range(7) for _ in range(i)]

    def test_blocks_are_small_where_pictures_take_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An interruption costs seconds of work, not a part of a set."""
        clock = 0.0

        def slow(path: Path) -> dict[str, F32]:
            nonlocal clock
            clock += 4.0 if int(path.name) < 20 else 0.5
            return {"a": np.full((1, 1), int(path.name), np.float32)}

        monkeypatch.setattr("time.monotonic", lambda: clock)
        paths = [Path(f"{i}") for i in range(70)]
        ends: list[int] = []
        found = in_blocks(paths, slow, tmp_path, 1, lambda done, _: ends.append(done))
        assert [block.n_pictures for block in found] == [16, 4, 4, 31, 15]
        assert ends == [16, 20, 24, 55, 70]
        assert joined(found, "a")[:, 0].tolist() == list(range(70))
        clock = 1000.0
        (tmp_path / "00000024.npz").unlink()
        assert [block.n_pictures for block in in_blocks(paths, slow, tmp_path, 1)][:3] == [16, 4, 4]

    def test_a_block_of_more_pictures_is_refused(self, tmp_path: Path) -> None:
        paths = [Path(f"{i}") for i in range(5)]
        in_blocks(paths, lambda _: {"a": np.zeros((1, 2))}, tmp_path, 1)
        with pytest.raises(ConfigError, match=r"00000000\.npz: of other pictures; delete it"):
            in_blocks(paths[:3], lambda _: {"a": np.zeros((1, 2))}, tmp_path, 1)

    def test_a_damaged_block_is_named(self, tmp_path: Path) -> None:
        in_blocks([Path("1")], lambda _: {"a": np.zeros((1, 2))}, tmp_path, 1)
        (file,) = tmp_path.glob("*.npz")
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(ConfigError, match="damaged"):
            in_blocks([Path("1")], lambda _: {"a": np.zeros((1, 2))}, tmp_path, 1)
        np.savez(file, a=np.zeros((1, 2)))
        with pytest.raises(ConfigError, match="not of the bench; delete it"):
            in_blocks([Path("1")], lambda _: {"a": np.zeros((1, 2))}, tmp_path, 1)

    def test_blocks_of_different_forms_are_refused(self, tmp_path: Path) -> None:
        paths = [Path(f"{i}") for i in range(4)]
        with pytest.raises(ConfigError, match="a method describes all alike"):
            in_blocks(paths, lambda p: {"a": np.zeros((1, 2 + int(p.name) // 2))}, tmp_path, 1, size=2)


def with_another_digit(text: str) -> str:
    """Return a text of which the last digit is another one."""
    at = max(i for i, letter in enumerate(text) if letter.isdigit())
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


class TestFiles:
    def test_results_of_another_set_are_refused(self, bench_set: BenchSet, tmp_path: Path) -> None:
        result = run_method(bench_set, "phash", make_method("phash", bench_set), tmp_path, n_workers=1)
        path = result.folder / "result.json"
        facts = json.loads(path.read_text())
        facts["set"]["digest"] = "0" * 64
        path.write_text(json.dumps(facts))
        with pytest.raises(ConfigError, match="of another set"):
            read_set(result.folder.parent)

    def test_damaged_files_are_named(self, bench_set: BenchSet, tmp_path: Path) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder
        pairs = folder / "pairs-raw.csv"
        whole = pairs.read_text()
        pairs.write_text("".join(whole.splitlines(keepends=True)[:-2]))
        with pytest.raises(ConfigError, match=r"pairs-raw\.csv: 23 pairs, but the run wrote 25: .* --again"):
            judge(read_set(folder.parent), resamples=20)
        pairs.write_text(whole)
        judge(read_set(folder.parent), resamples=20)
        (folder / "result.json").write_text("{")
        with pytest.raises(ConfigError, match=r"result\.json: .* --again"):
            run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
        (folder / "method.json").write_text("{")
        with pytest.raises(ConfigError, match="give --again"):
            run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)
        run_method(bench_set, "tiny", Tiny(), tmp_path, again=True, n_workers=1)
        for name, message in (("queries.txt", "lacks the query 'Q0'"), ("set.json", "no results of")):
            (folder.parent / name).write_text("Q1\n")
            with pytest.raises(ConfigError, match=message):
                read_set(folder.parent)
        run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1)  # writes what is known of the set again
        assert len(read_set(folder.parent).query_ids) == 5

    @pytest.mark.parametrize("row", ["raw", "normalised"])
    def test_pairs_of_which_one_digit_is_another_are_named(self, bench_set: BenchSet, tmp_path: Path, row: str) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder
        pairs = folder / f"pairs-{row}.csv"
        whole = pairs.read_text()
        pairs.write_text(with_another_digit(whole))
        digests = json.loads((folder / "result.json").read_text())["pairs_sha256"]
        message = rf"pairs-{row}\.csv: not the file that the run wrote: .* result\.json {digests[row]}: .* --again"
        with pytest.raises(ConfigError, match=message):
            judge(read_set(folder.parent), resamples=20)
        pairs.write_text(whole)
        assert hashlib.sha256(pairs.read_bytes()).hexdigest() == digests[row]
        assert judge(read_set(folder.parent), resamples=20)

    def test_a_result_of_another_program_need_not_say_the_digest_of_its_pairs(
        self, bench_set: BenchSet, tmp_path: Path
    ) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder
        facts = json.loads((folder / "result.json").read_text())
        del facts["pairs_sha256"]
        (folder / "result.json").write_text(json.dumps(facts))
        pairs = folder / "pairs-raw.csv"
        pairs.write_text(with_another_digit(pairs.read_text()))
        assert judge(read_set(folder.parent), resamples=20)
        pairs.write_text(pairs.read_text().replace("Q4,R0", "Q9,R0"))
        with pytest.raises(ConfigError, match=r"pairs-raw\.csv: no query of the set is called 'Q9'"):
            judge(read_set(folder.parent), resamples=20)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *(("title", None), ("rows", []), ("rows", ["raw", "raw"]), ("rows", [["raw"]]), ("set", None)),
            *(("costs", {"image_ms": "1", "image_bytes": 1, "query_ms": 1}), ("costs", []), ("pairs", "5")),
            *(("pairs_sha256", "0"), ("pairs_sha256", {"raw": 1}), ("pairs_sha256", {"first": "0"})),
            *(("skipped", ["R3.jpg"]), ("skipped", 3), ("versions", ["1"])),
        ],
    )
    def test_wrong_entries_are_named(self, bench_set: BenchSet, tmp_path: Path, key: str, value: object) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder
        facts = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps(facts | {key: value}))
        with pytest.raises(ConfigError, match=rf"tiny/result\.json: .*'{key}' is .* --again"):
            read_set(folder.parent)

    def test_wrong_facts_of_a_set_are_named(self, bench_set: BenchSet, tmp_path: Path) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder.parent
        (folder / "queries.txt").write_text("Q0\nQ1\nQ2\nQ3\nQ4\nQ0\n")
        with pytest.raises(ConfigError, match=r"queries\.txt: 'Q0' is there twice: run any method again"):
            read_set(folder)
        facts = json.loads((folder / "set.json").read_text())
        (folder / "set.json").write_text(json.dumps(facts | {"train": None}))
        with pytest.raises(ConfigError, match="'train' is None"):
            read_set(folder)

    def test_a_copy_of_a_result_is_a_row_of_its_own(self, bench_set: BenchSet, tmp_path: Path) -> None:
        folder = run_method(bench_set, "tiny", Tiny(), tmp_path, n_workers=1).folder
        shutil.copytree(folder, folder.with_name("tiny-before"))
        rows = judge(read_set(folder.parent), resamples=20)
        assert {row.label for row in rows if row.row == "raw"} == {"tiny", "tiny-before"}

    def test_a_folder_without_results_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no results"):
            read_set(tmp_path)

    def test_names_are_short(self) -> None:
        assert short_name("vectors:a/b.npy,c.npy") == "vectors-b"
