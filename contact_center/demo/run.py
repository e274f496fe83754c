"""Runs the demo: the server, its past, and the world around it."""

import asyncio
from collections.abc import Awaitable, Callable

from contact_center.app import Product
from contact_center.demo import history
from contact_center.demo.colleagues import Colleagues
from contact_center.demo.history import Shop
from contact_center.demo.outside import Gateway, Outside
from contact_center.model.words import Role
from contact_center.tasks import spawn, stop

MAILS = 7000  # about 5,000 tickets
Tell = Callable[[str], None]


async def prepare(product: Product, gateway: Gateway, tell: Tell, mails: int = MAILS, language: str = "en") -> Shop:
    """The shop with its past; before the server is open to people."""
    shop = await history.furnish(product, await gateway.start(), gateway.secret, language)
    await history.write_past(product, mails, tell)
    await product.supervisor.refresh()  # now that people are known, the calls of the log find them
    return shop


def outside_of(product: Product, shop: Shop, gateway: Gateway, pace: float) -> Outside:
    """The world around a running server."""
    environment = product.supervisor.environment("sms")
    outside = Outside(
        mail_port=product.supervisor.listening["email"].port,
        sms_hook=environment.hook_url(shop.sms_id),
        calls_hook=environment.hook_url(shop.calls_id),
        form_hook=environment.hook_url(shop.form_id),
        secret=gateway.secret,
        spool=environment.spool_dir,
        queue=history.WORDS[shop.language]["sales"],
        agents=tuple(names[shop.language] for _, names, role in history.COLLEAGUES if role == Role.AGENT),
        pace=pace,
    )
    gateway.outside = outside
    return outside


async def live(product: Product, shop: Shop, gateway: Gateway, pace: float, until: Callable[[], Awaitable[None]]) -> None:
    """Let the story go on until `until` returns."""
    while not getattr(product.supervisor.listening.get("email"), "port", 0):
        await asyncio.sleep(0.05)
    outside = outside_of(product, shop, gateway, pace)
    story = spawn(outside.live(), name="demo")
    colleagues = Colleagues(product.settings.base_url, shop.language, gateway.crm, pace)
    office = spawn(colleagues.work(), name="demo colleagues")
    try:
        await until()
    finally:
        await stop(story, office)
        await gateway.close()
