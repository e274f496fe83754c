"""`contact-center import`: existing mail, by the same pipeline as new mail. Its key is its content, so a second run adds nothing."""

import hashlib
import mailbox
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from contact_center.app import build, open_database
from contact_center.config import Settings
from contact_center.errors import BadRequest, NotFound
from contact_center.model.messages import RawItem
from contact_center.store.repositories import access, channels, raw_items

BATCH = 100


async def import_into(settings: Settings, source: Path, address: str, *, progress: bool = False) -> dict[str, int]:
    """Import `source` into the account of `address` (empty: the first); returns how many mails met which fate.

    Raises BadRequest when the source is neither an mbox nor a folder of mails, NotFound for an unknown address.
    """
    mails = read_source(source)
    store = await open_database(settings)
    product = build(settings, store)
    try:
        account_id = await _account(store, address)
        read = 0
        while batch := list(islice(mails, BATCH)):
            items = [_item(content) for content in batch]
            await product.pipeline.accept(account_id, items, None, None)
            await product.pipeline.settle_all()
            read += len(batch)
            if progress:
                print(f"\r{read} mails", end="", file=sys.stderr, flush=True)
        if progress:
            print(file=sys.stderr)
        project_id = await store.read(access.first_project)
        assert project_id is not None
        books = await store.read(raw_items.books, project_id)
        return {"read": read} | books.get(account_id, {})
    finally:
        product.parsers.close()
        await store.close()


def read_source(source: Path) -> Iterator[bytes]:
    """Every mail of an mbox file, a Maildir or a folder of .eml files, in a stable order."""
    if source.is_dir():
        maildir = all((source / name).is_dir() for name in ("cur", "new"))
        folders = [source / "cur", source / "new"] if maildir else [source]
        paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and (maildir or _is_mail(path)))
        if not paths:
            raise BadRequest(f"There are no mails in {source}.")
        return (path.read_bytes() for path in paths)
    if not source.is_file():
        raise BadRequest(f"{source}: no such file or folder.")
    if _is_mail(source):
        return iter([source.read_bytes()])
    with source.open("rb") as file:
        if not file.read(5).startswith(b"From "):
            raise BadRequest(f"{source} is neither an mbox nor a mail: it does not begin with 'From '.")
    return _mbox(source)


def _mbox(source: Path) -> Iterator[bytes]:
    box = mailbox.mbox(str(source), create=False)
    try:
        for key in box.iterkeys():
            yield box.get_bytes(key)
    finally:
        box.close()


def _is_mail(path: Path) -> bool:
    return path.suffix.lower() in (".eml", ".msg", ".mail")


def _item(content: bytes) -> RawItem:
    # An archive has no time of its own: the sender's date is believed, unless it lies in the future.
    return RawItem(f"sha256:{hashlib.sha256(content).hexdigest()}", content, envelope={"trust_date": True})


async def _account(store: Any, address: str) -> int:
    accounts = [a for a in await store.read(channels.accounts) if not address or a.address.lower() == address.lower()]
    if not accounts:
        raise NotFound(f"There is no channel with the address {address}.")
    return int(accounts[0].id)
