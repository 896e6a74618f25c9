"""The page of an example: its files, and what a browser may load for it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

__all__ = ["serve_page"]

SHARED = Path(__file__).parent / "static"


def serve_page(app: web.Application, static: Path) -> None:
    """Serve `static`/index.html at /, its files below /static/, and what the pages have in common below /shared/."""

    async def page(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(static / "index.html")

    async def label(request: web.Request, response: web.StreamResponse) -> None:
        # Scripts come from here only, so even a mistake in the page could not run what somebody typed.
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:")
        response.headers.setdefault("Cache-Control", "no-cache")

    app.router.add_get("/", page)
    app.router.add_static("/static/", static)
    app.router.add_static("/shared/", SHARED)
    app.on_response_prepare.append(label)
