"""From the route table to an aiohttp application: who asks, may they, what do they send, what do they get."""

from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from contact_center.api import security
from contact_center.api.addresses import PROXIES
from contact_center.api.context import SERVICES, Context, Replayed, Services
from contact_center.api.framework import PUBLIC_BODY_LIMIT, Route, json_response
from contact_center.api.handlers.account import LIMITS
from contact_center.api.handlers.hooks import LARGE_ONES, POSTS
from contact_center.api.limits import Places, PostLimits
from contact_center.api.passwords import LoginLimits
from contact_center.api.permissions import Permission, allows
from contact_center.api.problems import problem_middleware
from contact_center.api.routes import HOOKS, ROUTES
from contact_center.errors import Forbidden, NotSignedIn
from contact_center.model.people import Viewer

BODY_LIMIT = 2 * 1024 * 1024
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    # Pages and frames bring their own policy; whatever else a browser is made to show can do nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def make_app(services: Services) -> web.Application:
    """The HTTP application, without the console's files and sockets."""
    app = web.Application(middlewares=[problem_middleware], client_max_size=BODY_LIMIT)
    app.on_response_prepare.append(_add_headers)
    app[SERVICES] = services
    app[PROXIES] = services.settings.security.trusted_proxies
    app[POSTS] = PostLimits()
    app[LARGE_ONES] = Places(total=6, each=2)
    app[LIMITS] = LoginLimits(services.settings.security.login_attempts_per_minute)
    for route in (*ROUTES, *HOOKS):
        # Known digits only: /tickets/abc is not a path of ours.
        app.router.add_route(route.method, route.path, _endpoint(route))
    return app


def _endpoint(route: Route) -> Handler:
    limit = PUBLIC_BODY_LIMIT if route.permission is Permission.PUBLIC else None

    async def handle(request: web.Request) -> web.StreamResponse:
        if not route.from_anywhere:
            security.check_origin(request)
        ctx = Context(
            request,
            await _admitted(route, request),
            once=route.once,
            status=route.status,
            admitted=lambda: _admitted(route, request),
        )
        arguments = await route.signature.arguments(request, limit)
        if route.signature.body is not None:
            # Whoever was signed out while the body came does not act any more.
            await ctx.admit_again()
        return await _answer(route, ctx, route.handler, arguments)

    handle.__name__ = route.handler.__name__
    return handle


async def _admitted(route: Route, request: web.Request) -> Viewer | None:
    """Who asks, None on a public route. Raises NotSignedIn, or Forbidden for those without the permission."""
    if route.permission is Permission.PUBLIC:
        return None
    viewer = await security.viewer_of(request)
    if viewer is None:
        raise NotSignedIn
    if not allows(viewer.role, viewer.scopes, route.permission):
        raise Forbidden
    return viewer


async def _answer(
    route: Route, ctx: Context, handler: Callable[..., Coroutine[Any, Any, Any] | Any], arguments: dict[str, Any]
) -> web.StreamResponse:
    try:
        result = await handler(ctx, **arguments)
    except Replayed as replay:
        return web.Response(
            text=replay.body, status=replay.status, content_type="application/json", headers={"Idempotency-Replayed": "true"}
        )
    if isinstance(result, web.StreamResponse):
        return result
    response = web.Response(status=204) if result is None else json_response(result, route.status)
    response.headers.update(ctx.headers)
    for name, value, options in ctx.cookies:
        chosen: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"} | options
        response.set_cookie(name, value, **chosen)
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Protect every answer. Not a middleware: some refusals are made before those run, and some answers begin inside them."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)  # which libraries, of which versions, is nobody's business
    if request.path.startswith("/api/") and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if request.app[SERVICES].settings.https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
