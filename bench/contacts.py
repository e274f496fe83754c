"""Contacts: rows a second from a file to people in the address book, the same file again, and who may be one person."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.places import Setting, engines, say
from bench.report import Row, interleave, show

_NAMES = ("Иван", "Ольга", "Anna", "Пётр", "Мария", "Sergey", "Елена", "Dmitri", "Юлия", "Павел")
_FAMILIES = ("Иванов", "Petrov", "Сидоров", "Kuznetsov", "Смирнов", "Попов", "Volkov", "Лебедев", "Козлов", "Новиков")


def run(setting: Setting) -> None:
    """Measure and print."""
    count = 10_000 if setting.quick else 100_000
    content = _file(count)
    say(f"the file: {count} rows, {len(content) / 1e6:.1f} MB; each row a name, a mail address, a number and a company")
    found: dict[str, list[Row]] = {"import": [], "again": [], "candidates": []}
    with engines(setting) as databases:
        for engine, fresh in databases.items():
            rows = {what: Row(f"product, {what}", engine) for what in found}
            results = _measure(setting, fresh, content, count)
            for what, row in rows.items():
                interleave(1, [(row, _value(results[what]))])
                found[what].append(row)
    show(f"Importing {count} contacts", "rows/s", found["import"])
    show("The same file again, which adds nothing", "rows/s", found["again"])
    show(f"The most likely duplicates among {count} contacts", "lists/s", found["candidates"])


def _value(number: float) -> Callable[[], float]:
    return lambda: number


def _measure(setting: Setting, fresh: Callable[[], str], content: bytes, count: int) -> dict[str, float]:
    import uvloop

    return dict(uvloop.run(_import(setting.folder("data"), fresh(), content, count)))


async def _import(folder: Path, url: str, content: bytes, count: int) -> dict[str, float]:
    from contact_center import app as root
    from contact_center.contacts import candidates
    from contact_center.contacts.importing.runner import Imports
    from contact_center.model.people import Viewer
    from contact_center.model.words import Role
    from contact_center.store.blobs import BlobFiles
    from contact_center.store.repositories import access, imports
    from contact_center.testing import settings_for

    store = await root.open_database(settings_for(folder, database_url=url))
    try:
        user_id = await store.write(access.add_user, 1, "bench@example.com", "Bench", Role.ADMIN, None, root.utc_now())
        files = BlobFiles(store.blob_dir)
        runner = Imports(store, files, root.utc_now)
        rates = {}
        for what in ("import", "again"):
            import_id = await store.write(_enter, user_id, files.keep(content), len(content), root.utc_now())
            began = time.perf_counter()
            await runner.carry_out(import_id)
            rates[what] = count / (time.perf_counter() - began)
            job = await store.read(imports.find, 1, import_id)
            assert job is not None
            assert job.outcomes == {"new" if what == "import" else "skip": count}, job
        viewer = Viewer(user_id, 1, Role.ADMIN, ())
        began = time.perf_counter()
        pairs = await store.read(candidates.find, viewer, limit=20)
        rates["candidates"] = 1 / (time.perf_counter() - began)
        say(f"{store.dialect}: {len(pairs)} pairs, the first with {pairs[0].score if pairs else 0} points")
        return rates
    finally:
        await store.close()


def _enter(connection: Any, user_id: int, sha256: str, size: int, now: Any) -> int:
    from contact_center.model.imports import ImportState
    from contact_center.store import blobs
    from contact_center.store.repositories import imports

    blobs.put(connection, sha256, size, None)
    kept = {"header": True, "columns": ["name", "email", "phone", "organization"], "sample": []}
    import_id = imports.add(
        connection, project_id=1, created_by=user_id, created_at=now, filename="b.csv", sha256=sha256, size=size, mapping=kept
    )
    imports.change_if(connection, import_id, list(ImportState), state=ImportState.RUNNING)
    return import_id


def _file(count: int) -> bytes:
    lines = ["ФИО;E-mail;Телефон;Компания"]
    for number in range(count):
        name = f"{_FAMILIES[number // 10 % 10]}{chr(97 + number // 1000 % 26)} {_NAMES[number % 10]}"
        company = number * 7919 % (count // 20)
        lines.append(f"{name};person{number}@company{company}.example;+7 9{number:09d};Company {company}")
    return "\n".join(lines).encode()
