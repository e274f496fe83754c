"""The console's files: the bundle that Vite built from `src/`, served under a strict content security policy."""

from pathlib import Path

from aiohttp import web

DIST = Path(__file__).parent / "dist"
# Nothing inline, nothing from elsewhere: a script that got into a mail has nowhere to run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The API page's viewer sets styles by script.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


def is_built() -> bool:
    """Whether the bundle is there."""
    return (DIST / "index.html").is_file()


def mount(app: web.Application) -> None:
    """Serve the bundle at `/`; every path that is not a file or the API is a page of the console."""
    app.router.add_get("/api/docs", _docs)
    if (DIST / "assets").is_dir():
        app.router.add_static("/assets", DIST / "assets", append_version=False)
    app.router.add_get("/{page:(?!api/|socket\\.io|media/|assets/|hooks/).*}", _page)


async def _page(request: web.Request) -> web.StreamResponse:
    name = request.match_info["page"]
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    wanted = DIST / name
    if name and "/" not in name and "\\" not in name and wanted.suffix and wanted.is_file():
        return web.FileResponse(wanted, headers=headers)
    if name and Path(name).suffix:
        raise web.HTTPNotFound
    if not is_built():
        return web.Response(text="The console is not built yet: run make console.\n", status=503)
    return web.FileResponse(DIST / "index.html", headers=headers)


async def _docs(_request: web.Request) -> web.StreamResponse:
    if not (DIST / "docs.html").is_file():
        return web.Response(text="The console is not built yet: run make console.\n", status=503)
    return web.FileResponse(DIST / "docs.html", headers={"Content-Security-Policy": DOCS_POLICY, "Cache-Control": "no-cache"})
