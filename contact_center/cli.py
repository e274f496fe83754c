"""`contact-center` and its verbs. Each says with --help what it does."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from aiohttp import web

from contact_center import __version__, logs
from contact_center.backup.commands import backup, restore
from contact_center.config import Settings, load_settings
from contact_center.errors import ConfigError, ContactCenterError
from contact_center.figures_cli import figures_app
from contact_center.ledger_cli import quarantine_app, read_again, reconcile
from contact_center.simulate import simulate

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
user_app = typer.Typer(no_args_is_help=True, help="Employees.")
config_app = typer.Typer(no_args_is_help=True, help="Settings.")
app.add_typer(user_app, name="user")
app.add_typer(config_app, name="config")
app.command("backup")(backup)
app.command("restore")(restore)
app.command("reconcile")(reconcile)
app.command("read-again")(read_again)
app.command("simulate")(simulate)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(figures_app, name="figures")
audit_app = typer.Typer(no_args_is_help=True, help="The audit log.")
app.add_typer(audit_app, name="audit")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Entry point: errors of ours are one line on stderr and exit code 1; wrong usage is exit code 2."""
    try:
        app()
    except ContactCenterError as error:
        print(f"contact-center: {error.message}", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    role: Annotated[str, typer.Option(help="all, web (no intake, no sending) or worker (no consoles).")] = "all",
) -> None:
    """Run the server: console, API, mail receiver, mailboxes, sending.

    Example: contact-center serve --port 8080
    """
    if role not in ("all", "web", "worker"):
        raise typer.BadParameter("all, web or worker", param_hint="--role")
    settings = load_settings(host=host, port=port)
    settings.check_transport()
    logs.set_up(settings.log_level)
    _run(_serve(settings, role))


@app.command("parse-mail")
def parse_mail(files: Annotated[list[Path], typer.Argument(help="Raw mails (.eml).")]) -> None:
    """Print what the product understands of each mail, one line of JSON a file.

    Example: contact-center parse-mail strange.eml | jq .
    """
    from contact_center.mail_report import report

    for path in files:
        print(json.dumps(report(path), ensure_ascii=False))


@app.command("import")
def import_mail(
    source: Annotated[Path, typer.Argument(help="An mbox file, a Maildir, an MH folder or a folder of .eml files.")],
    channel: Annotated[str, typer.Option(help="Address of the channel account that receives it.")] = "",
    open_since: Annotated[datetime | None, typer.Option(help="Mail from this day on asks for an answer; without it none does.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Drafts, junk and deleted mail too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring existing mail in, by the same pipeline as new mail, with its own dates and without waking anybody.

    Running it again adds nothing twice; a run that was interrupted goes on where it was.

    Example: contact-center import --open-since 2026-11-01 archive.mbox
    """
    from contact_center.mail_import import Wishes, import_into, tell

    settings = load_settings()
    logs.set_up("warning")
    since = open_since.astimezone() if open_since is not None else None
    wishes = Wishes(channel, open_since=since, everything=everything, progress=sys.stderr.isatty())
    counts = _run(import_into(settings, source, wishes))
    print(json.dumps(counts) if as_json else tell(counts))


@app.command("migrate")
def migrate_command(
    check: Annotated[bool, typer.Option("--check", help="Only say whether the database is current; exit code 1 when not.")] = False,
) -> None:
    """Bring the database to the version this release needs.

    Example: contact-center migrate --check
    """
    settings = load_settings()

    async def run(store: Any) -> bool:
        from contact_center.store import version

        if not check:
            await store.migrate()
        return bool(await store.read(version.is_current))

    current = _with_store(settings, run)
    print("current" if current else "not current")
    raise typer.Exit(0 if current else 1)


@app.command("rotate-key")
def rotate_key(
    forget: Annotated[bool, typer.Option("--forget", help="Forget the earlier keys: links and codes made with them end.")] = False,
) -> None:
    """Make a new secret key and encrypt every stored secret with it; earlier keys go on verifying what they signed.

    Stop the server first, and start it again afterwards.

    Example: contact-center rotate-key
    """
    from contact_center.checkup import encrypt_anew
    from contact_center.keys import forget_earlier, renew_secret

    settings = load_settings()
    path = settings.data_dir / "secret_key"
    # A key in the settings is theirs to change: the new one there, the old one under earlier_secret_keys.
    ours = settings.secret_key is None
    if ours:
        renew_secret(path)
    count = _with_store(settings, lambda store: encrypt_anew(settings, store))
    if ours and forget:
        forget_earlier(path)
    print(f"{count} channel accounts have their secrets encrypted with the new key.")


@app.command("reindex")
def reindex_command() -> None:
    """Make the search index anew from the tables; the server may run meanwhile.

    Example: contact-center reindex
    """
    from contact_center.search.indexer import reindex

    def tell(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}", end="", file=sys.stderr, flush=True)

    _with_store(load_settings(), lambda store: reindex(store, tell))
    print("The index is made anew.")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look at the configuration, the database and the books, and say what is wrong.

    Example: contact-center doctor --json
    """
    from contact_center.checkup import examine

    settings = load_settings()
    findings = _with_store(settings, lambda store: examine(settings, store))
    if as_json:
        print(json.dumps(findings))
    else:
        for name, finding in findings.items():
            print(f"{name}: {finding}")
    raise typer.Exit(1 if any(str(finding).startswith("failed") for finding in findings.values()) else 0)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API.

    Example: contact-center openapi > openapi.json
    """
    from contact_center.api.framework import to_json
    from contact_center.api.openapi import document
    from contact_center.api.routes import ROUTES

    print(to_json(document(ROUTES)).decode())


@config_app.command("show")
def config_show() -> None:
    """Print the settings in force, secrets masked.

    Example: contact-center config show
    """
    settings = load_settings()
    masked = re.sub(r"://([^:/@]*):.*@", r"://\1:**********@", settings.database_url)
    print(settings.model_copy(update={"database_url": masked}).model_dump_json(indent=2))


@user_app.command("list")
def user_list(as_json: AsJson = False) -> None:
    """List employees.

    Example: contact-center user list
    """
    from contact_center.checkup import list_users

    users = _with_store(load_settings(), list_users)
    if as_json:
        print(json.dumps(users))
        return
    for user in users:
        print(f"{user['id']}\t{user['role']}\t{user['email']}\t{user['name']}{'  (disabled)' if user['disabled'] else ''}")


@user_app.command("invite")
def user_invite(email: Annotated[str, typer.Argument(help="Address of the employee.")]) -> None:
    """Print a new one-time link with which an employee sets a password.

    Example: contact-center user invite anna@example.org
    """
    from contact_center.checkup import invite

    settings = load_settings()
    print(_with_store(settings, lambda store: invite(settings, store, email)))


@audit_app.command("verify")
def audit_verify() -> None:
    """Say whether the audit log is as it was written, or name the first entry that is not; exit code 1 then.

    Reads the chain, its head, and the anchors of each day in audit-anchors.jsonl in the data folder.

    Example: contact-center audit verify
    """
    from contact_center.checkup import examine_audit

    settings = load_settings()
    count, fault = _with_store(settings, lambda store: examine_audit(settings, store))
    if fault is None:
        print(f"{count} entries, all as they were written.")
        return
    print(f"Entry {fault.number}: {fault.what}. The {count} before it are as they were written.")
    raise typer.Exit(1)


@audit_app.command("export")
def audit_export() -> None:
    """Print the audit log, the oldest entry first, a line of JSON each.

    Example: contact-center audit export > audit.jsonl
    """
    from contact_center.checkup import export_audit
    from contact_center.store import dump_json

    settings = load_settings()
    _with_store(settings, lambda store: export_audit(settings, store, lambda entry: print(dump_json(entry))))


@app.command()
def demo(
    pace: Annotated[float, typer.Option(help="Seconds between two things that happen, on average.")] = 6.0,
    mails: Annotated[int, typer.Option(help="Mails of the past.")] = 7000,
    language: Annotated[str, typer.Option(help="What the shop speaks: en or ru. Customers write in both.")] = "",
) -> None:
    """Run the server with a living story: a shop, its past, and customers who keep writing and calling.

    Its data stand apart, in the folder `demo` of the data folder, and where its ports are taken it chooses free ones, so that
    it runs beside another server. Without --language the shop speaks Russian where the system does.

    Example: contact-center demo
    """
    settings = load_settings()
    if language not in ("", "en", "ru"):
        raise typer.BadParameter("en or ru", param_hint="--language")
    language = language or ("ru" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("ru") else "en")
    host, _, port = (settings.mail.listen or "127.0.0.1:8025").rpartition(":")
    settings = settings.model_copy(
        update={
            "data_dir": settings.data_dir / "demo",
            "database_url": "",
            "port": _free_port(settings.host, settings.port),
            "mail": settings.mail.model_copy(update={"listen": f"{host}:{_free_port(host, int(port))}"}),
            # The other system of the story listens on this machine.
            "webhooks": settings.webhooks.model_copy(update={"allow_private_networks": True}),
        }
    )
    settings.check_transport()
    logs.set_up("warning")
    _run(_demo(settings, pace, mails, language))


async def _demo(settings: Settings, pace: float, mails: int, language: str) -> None:
    from contact_center import app as root
    from contact_center.demo import history, run
    from contact_center.demo.outside import Gateway

    def tell(words: str) -> None:
        print(words, flush=True)

    door = _bind(settings)
    settings = settings.model_copy(update={"port": door.getsockname()[1]})
    store = await root.open_database(settings)
    try:
        product, gateway = root.build(settings, store), Gateway()
        shop = await run.prepare(product, gateway, tell, mails, language)
        runner = web.AppRunner(product.app, access_log=None, handle_signals=False, shutdown_timeout=10)
        await runner.setup()
        async with root.running(product):
            await web.SockSite(runner, door).start()
            # By another name than other servers on this machine: browsers keep one sign-in a name, whatever the port.
            tell(f"The demo is at {settings.base_url.replace('127.0.0.1', 'localhost')}, and takes mail at {settings.mail.listen}")
            for address, names, role in history.COLLEAGUES:
                tell(f"  sign in as {address} with the password: {history.PASSWORD}  ({names[language]}, {role})")
            await run.live(product, shop, gateway, pace, _until_told_to_stop)
            await runner.cleanup()
    finally:
        await store.close()


async def _serve(settings: Settings, role: str) -> None:
    from contact_center import app as root

    # Bound first: what the product says of its own address must be true, also when the port was ours to choose.
    door = _bind(settings)
    settings = settings.model_copy(update={"port": door.getsockname()[1]})
    store = await root.open_database(settings)
    try:
        product = root.build(settings, store)
        runner = web.AppRunner(product.app, access_log=None, handle_signals=False, shutdown_timeout=10)
        await runner.setup()
        async with root.running(product, workers=role != "web"):
            await web.SockSite(runner, door).start()
            await _announce(product, settings, takes_mail=role != "web")
            await _until_told_to_stop()
            await runner.cleanup()
    finally:
        await store.close()


def _free_port(host: str, wanted: int) -> int:
    """The port that is wanted, or the next one that nobody listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(wanted, wanted + 50) if wanted else ():
        with socket.socket(family) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                door.bind((host.strip("[]"), port))
                return port
    return wanted


def _bind(settings: Settings) -> socket.socket:
    """The socket to listen on. Raises ConfigError when the address cannot be had."""
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        door = socket.socket(family)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}") from error
    return door


async def _announce(product: Any, settings: Settings, *, takes_mail: bool) -> None:
    from contact_center import app as root

    logs.say(f"contact_center {__version__} is at {settings.base_url}")
    if settings.mail.listen and takes_mail:
        logs.say(f"Mail is received at {settings.mail.listen} (SMTP and LMTP)")
    url = await root.first_log_in_url(product)
    if url is not None:
        logs.say(f"First log-in (works once): {url}")


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _with_store(settings: Settings, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        from contact_center.store import open_store

        store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
        try:
            return await work(store)
        finally:
            await store.close()

    return _run(run())


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.run(coroutine)
    return asyncio.run(coroutine)
