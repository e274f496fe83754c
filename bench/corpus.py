"""The mails: made by the generator beside the project, put into a real mailbox, checked against the truth."""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.places import CACHE, PERF, say

PACE = 61  # seconds between two mails: a sender of twenty within ten minutes floods, and gets one ticket for all of them


@dataclass(frozen=True)
class Corpus:
    """Mails on disk and the truth about their threads."""

    folder: Path
    truth: dict[str, Any]

    @property
    def files(self) -> list[Path]:
        """The mails in the order they were written."""
        return sorted(self.folder.glob("*.eml"))

    @property
    def mbox(self) -> Path:
        """The same mails in one file."""
        return self.folder.with_name(self.folder.name + ".mbox")


def make(count: int) -> Corpus | None:
    """The corpus of `count` mails, made once and kept; None when the generator is not there."""
    script = PERF / "gen_mails.py"
    folder = CACHE / "corpus" / f"mails{count}"
    truth = folder.with_name(folder.name + ".truth.json")
    if not truth.is_file():
        if not script.is_file():
            say("the generator of mails is not at ../shared/perf/gen_mails.py: skipped")
            return None
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-B", str(script), str(count), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return Corpus(folder, json.loads(truth.read_text("utf-8")))


def fill_mailbox(maildir: Path, corpus: Corpus, *, shuffled: bool) -> None:
    """Put every mail into a Maildir folder; the server numbers them in the order of their file names."""
    files = corpus.files
    if shuffled:
        random.Random(7).shuffle(files)
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(files):
        data = path.read_bytes()
        lines = data.count(b"\n")
        at = 1_790_000_000 + number * PACE
        target = maildir / "cur" / f"{at}.M{number}P1.bench,S={len(data)},W={len(data) + lines}:2,"
        target.write_bytes(data)
        os.utime(target, (at, at))


def right_threads(corpus: Corpus, ticket_of: dict[str, int]) -> tuple[int, int]:
    """How many true threads are exactly one ticket that holds nothing else, and how many threads there are."""
    threads: defaultdict[int, set[int | None]] = defaultdict(set)
    owners: defaultdict[int, set[int]] = defaultdict(set)
    for mail in corpus.truth["msgs"]:
        ticket = ticket_of.get(bare(mail["mid"]))
        threads[mail["thread"]].add(ticket)
        if ticket is not None:
            owners[ticket].add(mail["thread"])
    right = sum(len(found) == 1 and None not in found and len(owners[next(iter(found))]) == 1 for found in threads.values())  # type: ignore[index]
    return right, len(threads)


def bare(message_id: str) -> str:
    """A Message-ID without its brackets."""
    return message_id.strip().strip("<>").lower()
