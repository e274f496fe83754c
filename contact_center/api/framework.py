"""Typed handlers on aiohttp: parameters are validated from their annotations, results serialised, errors told the same way.

A handler is `async def name(ctx, <path parameters>, query: Model, body: Model) -> Result`. The same annotations make the
OpenAPI document, so the two cannot disagree.
"""

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, ValidationInfo, field_validator

from contact_center.api.permissions import Permission
from contact_center.errors import BadRequest, Invalid, NotFound, TooLarge, TooSlow, UnsupportedMediaType
from contact_center.model.text import clean_text

MAX_NESTING = 40
BODY_SECONDS = 15.0  # in which a JSON body must have come
PUBLIC_BODY_LIMIT = 16 * 1024  # bytes of a JSON body from somebody who is not signed in
JSON = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class Input(BaseModel):
    """What a client sends: closed, so that nobody can set what is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _in_our_time(cls, value: Any) -> Any:
        """An instant in UTC. The first and the last day of the calendar are none in every zone."""
        if not isinstance(value, datetime) or value.tzinfo is None:
            return value
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise ValueError("a time beyond the calendar") from None

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any, info: ValidationInfo) -> Any:
        """Text without what databases refuse: NUL characters and lone surrogates. A cursor is ours or it is wrong."""
        return clean_text(value) if isinstance(value, str) and info.field_name != "cursor" else value


@dataclass(frozen=True)
class Route:
    """One path with its handler and the permission it asks for. A route without a permission fails at import."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    permission: Permission
    status: int = 200
    once: bool = False
    """Asks for an Idempotency-Key: repeating the request with the same key has no second effect."""
    refusals: tuple[int, ...] = ()
    """Statuses of refusals that this route adds to those which its parameters bring; for its document."""
    alternatives: tuple[int, ...] = ()
    """Statuses that come with the same document as `status`."""
    raw_body: bool = False
    """The body is bytes, not JSON."""
    from_anywhere: bool = False
    """Pages of other sites may send this: it looks at no cookie."""
    signature: "Signature" = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.permission, Permission):
            raise TypeError(f"{self.method} {self.path} names no permission")
        if not inspect.getdoc(self.handler):
            raise TypeError(f"{self.handler.__qualname__} has no docstring")
        object.__setattr__(self, "signature", Signature(self.handler, self.path))

    @property
    def summary(self) -> str:
        """The first sentence of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").split("\n", 1)[0]


class Signature:
    """What a handler takes and gives, read from its annotations once, at import."""

    def __init__(self, handler: Callable[..., Any], path: str) -> None:
        hints = typing.get_type_hints(handler)
        names = [name for name in inspect.signature(handler).parameters if name != "ctx"]
        self.path_params: dict[str, Any] = {name: hints[name] for name in names if "{" + name + "}" in path}
        self.query: type[BaseModel] | None = hints.get("query") if "query" in names else None
        self.body: type[BaseModel] | None = hints.get("body") if "body" in names else None
        self.result: Any = hints["return"]
        unknown = set(names) - set(self.path_params) - {"query", "body"}
        if unknown:
            raise TypeError(f"{handler.__qualname__}: parameters {unknown} are neither in the path nor query nor body")
        self._adapters = {name: TypeAdapter(hint) for name, hint in self.path_params.items()}

    async def arguments(self, request: web.Request, limit: int | None = None) -> dict[str, Any]:
        """The handler's arguments from a request, with a JSON body of at most `limit` bytes; None: as the application has it.

        Raises NotFound, Invalid, BadRequest, TooLarge, TooSlow or UnsupportedMediaType.
        """
        arguments: dict[str, Any] = {}
        for name, adapter in self._adapters.items():
            try:
                arguments[name] = adapter.validate_python(request.match_info[name])
            except ValidationError:
                raise NotFound from None
            if isinstance(arguments[name], int) and not 0 < arguments[name] < 2**53:
                raise NotFound
        if self.query is not None:
            arguments["query"] = _validate(self.query, _query_values(request, self.query), "query")
        if self.body is not None:
            arguments["body"] = _validate(self.body, await _json_body(request, limit), "body")
        return arguments


def to_json(value: Any) -> bytes:
    """The one way results are written: dataclasses, models, instants in UTC with a Z."""
    return orjson.dumps(value, default=_encode, option=JSON)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer that no cache keeps."""
    return web.Response(body=to_json(value), status=status, content_type="application/json", headers=headers)


def _encode(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _query_values(request: web.Request, model: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in request.query:
        many = request.query.getall(name)
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        values[name] = many if typing.get_origin(annotation) in (list, tuple) else many[-1]
    return values


async def _json_body(request: web.Request, limit: int | None) -> Any:
    if request.content_type != "application/json":
        raise UnsupportedMediaType
    try:
        async with asyncio.timeout(BODY_SECONDS):
            data = await (request.read() if limit is None else _at_most(request, limit))
    except TimeoutError:
        raise TooSlow from None
    if _nesting(data) > MAX_NESTING:
        raise BadRequest("The body is nested too deeply.")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}") from error


async def _at_most(request: web.Request, limit: int) -> bytes:
    content = bytearray()
    while chunk := await request.content.readany():
        content += chunk
        if len(content) > limit:
            raise TooLarge(f"At most {limit // 1024} KiB.")
    return bytes(content)


def _nesting(data: bytes) -> int:
    depth = deepest = 0
    for byte in data if data.count(b"[") + data.count(b"{") > MAX_NESTING else b"":
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _validate(model: type[BaseModel], values: Any, where: str) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = [{"in": where, "loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]} for item in error.errors()[:50]]
        raise Invalid(errors=errors) from None
