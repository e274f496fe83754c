"""`contact-center reconcile`, `quarantine` and `read-again`: the ledger, from a terminal."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contact_center import app as root
from contact_center.config import load_settings
from contact_center.errors import NotFound
from contact_center.model.channels import ChannelAccount
from contact_center.store import Connection
from contact_center.store.repositories import access, channels, raw_items

quarantine_app = typer.Typer(no_args_is_help=True, help="What could not be understood.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Channel = Annotated[str, typer.Option(help="Address of one channel; all without it.")]


def reconcile(channel: Channel = "", as_json: AsJson = False) -> None:
    """Compare the ledger with each source itself and name what is missing; exit code 1 when something is.

    Example: contact-center reconcile --channel support@example.com
    """

    async def run(product: root.Product, accounts: list[ChannelAccount]) -> bool:
        complete = True
        for account in accounts:
            found = await product.ledger.compare(account.id)
            complete &= not found.missing
            if as_json:
                print(json.dumps({"channel": account.address, "at_source": found.at_source, "in_ledger": found.in_ledger,
                                  "missing": found.missing, "keys": found.missing_keys, "error": found.error}))  # fmt: skip
                continue
            words = found.error or f"{found.at_source} at the source, {found.in_ledger} in the ledger, {found.missing} missing"
            print(f"{account.kind} {account.address}: {words}")
            for key in found.missing_keys:
                print(f"    {key}")
        return complete

    raise typer.Exit(0 if _with_product(channel, run) else 1)


@quarantine_app.command("list")
def list_items(as_json: AsJson = False) -> None:
    """What is in quarantine, the newest first, and why.

    Example: contact-center quarantine list --json | jq .reason
    """

    async def run(product: root.Product, _accounts: list[ChannelAccount]) -> None:
        for row in await product.store.read(_all_in_quarantine):
            if as_json:
                print(json.dumps({"id": row.id, "received_at": row.received_at.isoformat(), "size": row.size, "reason": row.reason}))
            else:
                print(f"{row.id:>8}  {row.received_at:%Y-%m-%d %H:%M}  {row.size:>9} bytes  {row.reason}")

    _with_product("", run)


@quarantine_app.command("replay")
def replay(channel: Channel = "", as_json: AsJson = False) -> None:
    """Try everything in quarantine again, after a mended release; each item takes its own place in the history.

    Example: contact-center quarantine replay
    """

    async def run(product: root.Product, accounts: list[ChannelAccount]) -> dict[str, int]:
        released = 0
        for account in accounts:
            released += await product.store.write(raw_items.release_all, account.project_id, account_id=account.id)
        await product.pipeline.settle_all()
        left = len([row for row in await product.store.read(_all_in_quarantine) if row.account_id in {a.id for a in accounts}])
        return {"tried": released, "still in quarantine": left}

    counts = _with_product(channel, run)
    print(json.dumps(counts) if as_json else ", ".join(f"{name}: {count}" for name, count in counts.items()))


def read_again(
    channel: Annotated[str, typer.Option(help="Address of the channel.")],
    since: Annotated[datetime | None, typer.Option(help="Only what was received since then (UTC).", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Read the originals of a channel again with this release's parser; entries keep their place, ticket and id.

    Example: contact-center read-again --channel support@example.com --since 2026-11-01
    """

    async def run(product: root.Product, accounts: list[ChannelAccount]) -> tuple[int, int]:
        def tell(read: int, failed: int) -> None:
            print(f"\r{read} read, {failed} not understood", end="", file=sys.stderr, flush=True)

        begin = since.replace(tzinfo=UTC) if since else None
        return await product.ledger.read_all_again(accounts[0].id, begin, tell)

    read, failed = _with_product(channel, run)
    print(file=sys.stderr)
    print(f"read again: {read}, not understood: {failed}")


def _with_product(channel: str, work: Callable[[root.Product, list[ChannelAccount]], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        settings = load_settings()
        store = await root.open_database(settings)
        product = root.build(settings, store)
        try:
            accounts = [a for a in await store.read(channels.accounts) if not channel or a.address.lower() == channel.lower()]
            if not accounts:
                raise NotFound(f"There is no channel with the address {channel}.")
            return await work(product, accounts)
        finally:
            product.parsers.close()
            await store.close()

    return asyncio.run(run())


def _all_in_quarantine(connection: Connection) -> list[Any]:
    project_id = access.first_project(connection)
    found: list[Any] = []
    before = 0
    while project_id is not None and (rows := raw_items.quarantined(connection, project_id, None, before, 500)):
        found += rows
        before = rows[-1].id
    return found
