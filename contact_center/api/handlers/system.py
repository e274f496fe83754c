"""For machines: liveness, readiness, metrics, the API's own description."""

import asyncio
import hmac
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from contact_center.api import openapi
from contact_center.api.addresses import is_loopback
from contact_center.api.answers import Ready
from contact_center.api.context import Context
from contact_center.api.framework import json_response
from contact_center.errors import ContactCenterError, Forbidden

CHECK_SECONDS = 3.0


async def healthz(ctx: Context) -> web.Response:
    """The process is alive; asks nothing of the database."""
    return web.Response(text="ok\n")


async def readyz(ctx: Context) -> web.Response:
    """The server can work: each check by name; 503 when one fails."""
    checks = {name: await _run(check) for name, check in ctx.services.checks.items()}
    ready = all(not words.startswith("failed") for words in checks.values())
    return json_response(Ready(ready, checks), 200 if ready else 503)


async def metrics(ctx: Context) -> web.Response:
    """Prometheus text. Open to this machine, or to whoever holds the metrics token."""
    token = ctx.services.settings.security.metrics_token
    headers = ctx.request.headers
    if token is not None:
        given = headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "replace")
        allowed = hmac.compare_digest(given, token.get_secret_value().encode())
    else:
        # A reverse proxy on this machine speaks for somebody else.
        allowed = is_loopback(ctx.request.remote or "") and "X-Forwarded-For" not in headers and "Forwarded" not in headers
    if not allowed:
        raise Forbidden("Metrics need the metrics token.")
    gauges = ctx.services.gauges() | await ctx.services.ledger.figures()
    lines = []
    for name, samples in itertools.groupby(sorted(gauges.items()), lambda sample: sample[0].partition("{")[0]):
        lines.append(f"# TYPE contact_center_{name} gauge")
        lines += [f"contact_center_{sample} {value:.15g}" for sample, value in samples]
    return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")


async def openapi_document(ctx: Context) -> web.Response:
    """This API as an OpenAPI 3.1 document, made from the code."""
    from contact_center.api.routes import ROUTES

    return json_response(openapi.document(ROUTES))


async def _run(check: Callable[[], Coroutine[Any, Any, str]]) -> str:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return "failed: no answer in time"
    except ContactCenterError as error:
        return f"failed: {error.message}"
    except Exception as error:  # noqa: BLE001 - a check that breaks is a check that failed
        return f"failed: {type(error).__name__}"
