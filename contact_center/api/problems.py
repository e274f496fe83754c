"""Errors as RFC 9457 problem documents: ours, aiohttp's own, and the unforeseen."""

import secrets
from typing import Any

import structlog
from aiohttp import web

from contact_center.api.framework import to_json
from contact_center.errors import ContactCenterError, TooManyRequests

logger = structlog.get_logger(__name__)
TYPE_BASE = "https://contact-center.invalid/problems/"
_TITLES = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}


@web.middleware
async def problem_middleware(request: web.Request, handler: Any) -> web.StreamResponse:
    """Give every request an id and every failure the same form."""
    request_id = secrets.token_hex(8)
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        response: web.StreamResponse = await handler(request)
    except ContactCenterError as error:
        response = _problem(request_id, error.http_status, error.code, error.message, error.details)
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(error.details.get("retry_after", 60))
    except web.RequestPayloadError:
        response = _problem(request_id, 400, "bad-request", "The body is not encoded as its Content-Encoding says, or is cut short.", {})
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = _problem(request_id, error.status, _TITLES.get(error.status, "http-error"), error.reason, {})
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except Exception as error:
        logger.error("request.failed", path=request.path, error=repr(error), exc_info=error)
        response = _problem(request_id, 500, "internal", "Something went wrong on our side. Nothing was changed.", {})
    if not response.prepared:
        response.headers["X-Request-ID"] = request_id
    return response


def _problem(request_id: str, status: int, code: str, detail: str, extra: dict[str, Any]) -> web.Response:
    body = {"type": TYPE_BASE + code, "title": code, "status": status, "detail": detail, "request_id": request_id} | extra
    return web.Response(body=to_json(body), status=status, content_type="application/problem+json")
