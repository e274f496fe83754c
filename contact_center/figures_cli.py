"""`contact-center figures`: what reports are counted from, from a terminal."""

import asyncio
import json
import sys
import time
from typing import Annotated

import typer

from contact_center import app as root
from contact_center import logs
from contact_center.config import load_settings
from contact_center.figures import folder

figures_app = typer.Typer(no_args_is_help=True, help="What reports are counted from.")


@figures_app.callback()
def _figures() -> None:
    """What reports are counted from."""


@figures_app.command("rebuild")
def rebuild(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Count every rollup anew from the rows. Reports stay right meanwhile, they are only slower; a server may be running.

    Example: contact-center figures rebuild
    """
    settings = load_settings()
    logs.set_up("warning")

    async def run() -> None:
        store = await root.open_database(settings)
        began = time.monotonic()

        def tell(stays: int) -> None:
            if sys.stderr.isatty():
                print(f"\r{stays:,} counted", end="", file=sys.stderr)

        try:
            stays, made = await folder.rebuild(store, tell)
        finally:
            await store.close()
        seconds = time.monotonic() - began
        if as_json:
            print(json.dumps({"counted": stays, "rollups": made, "seconds": round(seconds, 3)}))
        else:
            print(f"{stays:,} stays and calls counted into {made:,} rollups in {seconds:.1f} s")

    asyncio.run(run())
