"""The API described as OpenAPI 3.1, from the same annotations that validate it; live events stand under `webhooks`."""

import dataclasses
import functools
import typing
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from contact_center import __version__
from contact_center.api.framework import Route
from contact_center.api.permissions import Permission
from contact_center.model.events import CATALOGUE

REF = "#/components/schemas/{model}"


class _Schemas(GenerateJsonSchema):
    """What we send always has all its fields, also those with a default."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """A field of an answer is always there."""
        return self.mode == "serialization" or super().field_is_required(field, total)


def document(routes: list[Route]) -> dict[str, Any]:
    """The whole document."""
    results = {id(route): TypeAdapter(route.signature.result) for route in routes if _is_json(route)}
    events = {name: TypeAdapter(cls) for name, cls in CATALOGUE.items()}
    inputs = [(route.signature.body, "validation") for route in routes if route.signature.body]
    adapters: dict[Any, TypeAdapter[Any]] = {**results, **events}
    keyed = [(key, "serialization", adapter) for key, adapter in adapters.items()]
    schemas, definitions = TypeAdapter.json_schemas(keyed, ref_template=REF, schema_generator=_Schemas)  # type: ignore[arg-type]
    _, bodies = models_json_schema(list(dict.fromkeys(inputs)), ref_template=REF)  # type: ignore[arg-type]
    components = definitions.get("$defs", {}) | bodies.get("$defs", {}) | {"Problem": _PROBLEM_SCHEMA}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "contact_center",
            "version": __version__,
            "description": "One history for every channel. Times are UTC; lists are keyset-paged; errors are RFC 9457 problems.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(routes, {key: schemas[(key, "serialization")] for key in results}),
        "webhooks": {name: _event(name, cls, schemas[(name, "serialization")]) for name, cls in CATALOGUE.items()},
        "components": {
            "schemas": components,
            "responses": {"Problem": _PROBLEM_RESPONSE},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "cc_session"},
                "token": {"type": "http", "scheme": "bearer", "description": "An API token: cc_pat_..."},
            },
        },
    }


def _paths(routes: list[Route], results: dict[int, Any]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, results.get(id(route)))
    return paths


def _operation(route: Route, result: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__
        if route.handler.__module__.endswith("account")
        else f"{route.handler.__module__.rsplit('.', 1)[-1]}_{route.handler.__name__}",
        "summary": route.summary,
        "tags": [route.handler.__module__.rsplit(".", 1)[-1]],
        "responses": {str(status): _response(route, result) for status in (route.status, *route.alternatives)}
        | {str(status): _PROBLEM for status in _problems(route)}
        | {"default": _PROBLEM},
        "x-permission": route.permission.value,
        "security": [] if route.permission is Permission.PUBLIC else [{"session": []}, {"token": []}],
    }
    parameters = [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.signature.body is not None:
        schema = {"$ref": REF.format(model=route.signature.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif route.raw_body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    return operation


def _response(route: Route, result: Any) -> dict[str, Any]:
    if result is not None:
        return {"description": "Done", "content": {"application/json": {"schema": result}}}
    if route.signature.result is type(None):
        return {"description": "Done"}
    return {"description": "A document or a file", "content": {"*/*": {"schema": {}}}}


def _problems(route: Route) -> list[int]:
    """The refusals that a route's own nature brings; `default` stands for what can befall any request."""
    signature, changes = route.signature, route.method != "GET"
    found = {400} if signature.query or signature.body or route.once else set()
    if route.permission is not Permission.PUBLIC:
        found |= {401, 403}
    if changes:
        found |= {403, 409}
    if signature.path_params or signature.body:
        found |= {404}
    if signature.body or route.raw_body:
        found |= {408, 413}
    if signature.body:
        found |= {415}
    if signature.query or signature.body or route.once or route.raw_body:
        found |= {422}
    return sorted(found | set(route.refusals))


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}}
        for name in route.signature.path_params
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.signature.query is None:
        return []
    schema = route.signature.query.model_json_schema(ref_template=REF)
    shapes = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inlined(shape, shapes)}
        for name, shape in schema.get("properties", {}).items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if not route.once:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return [{"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema}]


def _inlined(shape: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in shape:
        rest = {key: value for key, value in shape.items() if key != "$ref"}
        return shapes[shape["$ref"].rsplit("/", 1)[-1]] | rest
    return shape


def _event(name: str, cls: type, schema: Any) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "required": ["seq", "type", "at", "actor_id", "data"],
        "properties": {
            "seq": {"type": "integer", "description": "Grows in the order of commits; gaps are ordinary."},
            "type": {"const": name},
            "at": {"type": "string", "format": "date-time"},
            "actor_id": {"type": ["integer", "null"]},
            "data": schema,
        },
    }
    return {
        "post": {
            "summary": (cls.__doc__ or "").split("\n")[0],
            "requestBody": {"content": {"application/json": {"schema": envelope}}},
            "responses": {"200": {"description": "Heard"}},
        }
    }


@functools.cache
def _response_types() -> tuple[type, ...]:
    return (web.Response, web.StreamResponse, type(None))


def _is_json(route: Route) -> bool:
    result = route.signature.result
    origin = typing.get_origin(result)
    return origin is not None or dataclasses.is_dataclass(result) or result not in _response_types()


_PROBLEM = {"$ref": "#/components/responses/Problem"}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_PROBLEM_RESPONSE = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
}
