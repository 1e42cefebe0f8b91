"""Two processes that know nothing of each other and share some work: the most that two workers can gain on a machine.

Cores share their memory and their clock, so two processes seldom do twice the work of one, whatever hands it to them.
"""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import cv2

from fingerprint import create_collection, open_collection
from fingerprint.models import load_models
from fingerprint.tracks import describe_track
from fingerprint.types import Skipped

N_PROCESSES = 2
#: The work of `scaleout` that can be divided without a cluster.
JOBS = ("index add", "search", "challenge describe")


class Apart:
    """Processes of one thread, each with its own share of the work; they end with the block."""

    def __init__(self, stack: ExitStack, folder: Path, searched: Path, added: Sequence[Path], queries: Sequence[Path]):
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        for k in range(N_PROCESSES):
            own = folder / f"apart-{k}"
            for name in ("queries", "references"):
                (own / name).mkdir(parents=True)
                for path in sorted((folder / name).iterdir())[k::N_PROCESSES]:
                    shutil.copy(path, own / name)
            here, there = context.Pipe()
            shares = added[k::N_PROCESSES], queries[k::N_PROCESSES]
            process = context.Process(target=_work, args=(there, own, searched, *shares), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(here.send, None)
            self._pipes.append(here)

    def seconds(self, job: str) -> float:
        """Let all do their share at once, and return what the last one took.

        Raises
        ------
        SystemExit
            If one of them ended.
        """
        for pipe in self._pipes:
            pipe.send(job)
        try:
            return max(pipe.recv() for pipe in self._pipes)
        except EOFError:
            raise SystemExit(f"{job}: a process of two ended; its message is above") from None


def _work(pipe: Connection, own: Path, searched: Path, added: Sequence[Path], queries: Sequence[Path]) -> None:
    """Do the jobs that come, and answer with the seconds each took, until None comes."""
    cv2.setNumThreads(1)
    models = load_models()
    collection = open_collection(searched, models=models)
    while (job := pipe.recv()) is not None:
        start = time.perf_counter()
        if job == "index add":
            with create_collection(own / "added", models=models) as made:
                made.add_files(added, n_workers=1)
        elif job == "search":
            for answer in collection.answer_many(queries, n_workers=1):
                if isinstance(answer, Skipped):
                    raise SystemExit(f"{answer.path}: {answer.reason}")
        else:
            describe_track(own / "queries", own / "references", models=models, n_workers=1)
        pipe.send(time.perf_counter() - start)
        if job == "index add":
            shutil.rmtree(own / "added")
