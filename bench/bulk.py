"""Bringing an archive in: `contact-center import` of one mbox, mails per second and the memory it takes at most."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench.corpus import Corpus, bare, make, right_threads
from bench.memory import family
from bench.places import Fresh, Setting, engines, has_references, reference, say
from bench.report import Row, show


def run(setting: Setting) -> None:
    """Measure and print. BULK_ENGINE names one engine alone: a hundred thousand mails take a while."""
    corpus = make(2000 if setting.quick else 100_000)
    if corpus is None:
        return
    megabytes = corpus.mbox.stat().st_size / 2**20
    with engines(setting) as databases:
        wanted = os.environ.get("BULK_ENGINE")
        chosen = {name: fresh for name, fresh in databases.items() if wanted in (None, name)}
        rows, memory = _measure(setting, corpus, chosen)
    show(f"Import of an mbox of {len(corpus.files)} mails, {megabytes:.0f} MiB", "mails/s", rows)
    show("The most memory it took, all its processes", "MiB", memory)


def _measure(setting: Setting, corpus: Corpus, databases: dict[str, Fresh]) -> tuple[list[Row], list[Row]]:
    raw = Row("reference g_pipeline", "sqlite")
    product = {engine: Row("contact-center import", engine, reference=raw) for engine in databases}
    memory = {engine: Row("contact-center import", engine) for engine in databases}
    with_raw = has_references()
    for _ in range(2 if setting.quick else 1):
        if with_raw:
            found = reference("ingest", corpus.folder, min(2000, len(corpus.files)), scratch=setting.folder("reference"))
            raw.values.append(found["rate"])
            raw.note = "on 2,000 of them" if len(corpus.files) > 2000 else ""
        for engine, fresh in databases.items():
            rate, peak, note = _import(setting.folder("data"), fresh(), corpus)
            product[engine].values.append(rate)
            product[engine].note = note
            memory[engine].values.append(peak)
    return [raw, *product.values()], list(memory.values())


def _import(folder: Path, url: str, corpus: Corpus) -> tuple[float, float, str]:
    """(mails per second, the most megabytes, what is right about the threads) of one run on an empty database."""
    environment = os.environ | {"CONTACT_CENTER_DATA_DIR": str(folder), "CONTACT_CENTER_DATABASE_URL": url}
    command = [sys.executable, "-m", "contact_center", "import", "--json", str(corpus.mbox)]
    began = time.perf_counter()
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    peaks = [0.0]
    watcher = threading.Thread(target=_watch, args=(run, peaks), daemon=True)
    watcher.start()
    output, _ = run.communicate()
    seconds = time.perf_counter() - began
    watcher.join()
    counts = json.loads(output)
    if counts["read"] != len(corpus.files) or counts["stored"] != len(corpus.files):
        say(f"NOT ALL: {counts}")
    note = ""
    if url.startswith("sqlite:///"):
        right, true = right_threads(corpus, _tickets(url.removeprefix("sqlite:///")))
        note = f"{right}/{true} threads right"
    return len(corpus.files) / seconds, peaks[0], note


def _watch(run: "subprocess.Popen[str]", peaks: list[float]) -> None:
    while run.poll() is None:
        peaks[0] = max(peaks[0], sum(_resident(pid) for pid in family(run.pid)))
        time.sleep(0.25)


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def _tickets(path: str) -> dict[str, Any]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT message_key, ticket_id FROM interaction WHERE message_key IS NOT NULL")
        return {bare(key): ticket for key, ticket in rows}
    finally:
        connection.close()
