"""Requests made from the API's own document, sent to a running product as everybody there is: right ones, wrong ones, absurd ones.

Every answer is held to the document: a status that it names, the media type and the shape that it promises, never a server's
error, never a piece of our insides.
"""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from contact_center.api.openapi import document
from contact_center.api.permissions import SCOPES
from contact_center.api.routes import ROUTES

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROLES = ("nobody", "agent", "supervisor", "admin", *(f"token:{scope}" for scope in SCOPES))
INSIDES = ("Traceback (most recent", 'File "/', '.py", line', "sqlalchemy", "sqlite3.", "asyncpg", "/contact_center/")
ABSURD: list[Any] = [
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    -0.0,
    2**53,
    0,
    -1,
    "",
    " ",
    "\x00",
    "\ud800",
    "a" * 100_000,
    "\u202e",
    "²",
    "NaN",
    None,
    True,
    [],
    {},
    [[]] * 60,
    {"\x00": 1},
]
SLOW = 5.0  # seconds after which an operation is named
LONGEST_LINE = 8000  # characters of an address or a header that a server takes, about
LAST = ("log_out", "change_password", "change_me", "revoke_device", "admin_change_user")
"""Operations that may end somebody's session or right: they come when everything else was tried."""


@dataclass
class Findings:
    """What was sent, and what disagreed with the document."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slow: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """By operation, status and kind of failure, so that each disagreement stands there once."""


def schema() -> Any:
    """The document without its `default` answers, so that a status which it does not name is told."""
    made = document(ROUTES)
    for item in made["paths"].values():
        for operation in item.values():
            operation["responses"].pop("default", None)
    made.pop("webhooks", None)
    return schemathesis.openapi.from_dict(made)


def operations() -> list[Any]:
    """All operations; those that end sessions come last."""
    found = [result.ok() for result in schema().get_all_operations()]
    return sorted(found, key=lambda each: LAST.index(_id(each)) + 1 if _id(each) in LAST else 0)


def _id(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def cases(operation: Any, count: int, seed: int) -> Iterator[Case]:
    """`count` requests as the document has them, and as many that are wrong somewhere."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        found: list[Case] = []
        # Nothing can be wrong with a request that takes nothing.
        with contextlib.suppress(hypothesis.errors.Unsatisfiable, schemathesis.errors.InvalidSchema, ValueError, AssertionError):
            _drawing(operation.as_strategy(generation_mode=mode), found, count, seed)()
        yield from found[:count]


def _drawing(strategy: Any, found: list[Case], count: int, seed: int) -> Callable[[], None]:
    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.given(strategy)
    def draw(case: Case) -> None:
        found.append(case)

    return draw  # type: ignore[no-any-return]


Drawn = list[tuple[int, int, bool, Case]]
"""Numbers of the operation and of the request, whether it is wrong, and the request."""


def drawn(count: int, seed: int) -> Drawn:
    """Requests for every operation. Not in a thread beside others: Hypothesis guards the one source of chance they share."""
    return [
        (number, place, place >= count, case)
        for number, operation in enumerate(operations())
        for place, case in enumerate(cases(operation, count, seed + number))
    ]


def send(base: str, headers: Callable[[str], dict[str, str]], ids: dict[str, int], cases: Drawn, *, seed: int, roles: int) -> Findings:
    """Send requests, each as `roles` of the people there are, in turn."""
    findings, rng = Findings(), random.Random(seed)
    with requests.Session() as session:
        session.trust_env = False
        for number, place, wrong, case in cases:
            _settle(case, ids, rng, wrong=wrong)
            chosen = ["admin", *(ROLES[(number + place * roles + step) % len(ROLES)] for step in range(roles - 1))]
            for who in dict.fromkeys(chosen):
                _one(session, base, case, who, headers(who), findings)
    return findings


def _settle(case: Case, ids: dict[str, int], rng: random.Random, *, wrong: bool) -> None:
    """Numbers of things that exist, so that more than their absence is tried; nothing that waits or calls far away."""
    for name in case.path_parameters or {}:
        if name in ids and rng.random() < 0.8:
            case.path_parameters[name] = ids[name]
    if isinstance(case.query, dict) and "wait" in case.query:
        case.query["wait"] = 0
    if not isinstance(case.body, dict):
        return
    for name in list(case.body):
        if name in ids and rng.random() < 0.7:
            case.body[name] = ids[name]
    if wrong and case.body and rng.random() < 0.5:
        case.body[rng.choice(list(case.body))] = rng.choice(ABSURD)
    if "/channels" in case.operation.path:
        case.body["check"] = False  # the real connection of whatever was made up


def _one(session: requests.Session, base: str, case: Case, who: str, headers: dict[str, str], findings: Findings) -> None:
    name = f"{case.method} {case.operation.path}"
    given = dict(headers)
    if not any(key.lower() == "idempotency-key" for key in (case.headers or {})) and "Idempotency-Key" in str(
        case.operation.definition.raw.get("parameters")
    ):
        given["Idempotency-Key"] = f"k{findings.sent}"
    began = time.perf_counter()
    try:
        response = case.call(base_url=base, session=session, headers=given, timeout=60, allow_redirects=False)
    except (UnicodeError, requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, ValueError):
        return  # a client that cannot even be made to say this
    except requests.RequestException as error:
        findings.failures[f"{name} connection"] = f"{who}: {error!r}"[:500]
        return
    findings.sent += 1
    findings.statuses[response.status_code] += 1
    took = time.perf_counter() - began
    findings.slowest = max(findings.slowest, took)
    if took > SLOW:
        findings.slow[name] = max(took, findings.slow.get(name, 0.0))
    if response.status_code == 400 and len(response.request.url or "") + sum(map(len, response.request.headers.values())) > LONGEST_LINE:
        return  # refused while it was read, before anybody knew for whom it is
    text = response.content.decode("utf-8", "replace")
    if any(word in text for word in INSIDES) and response.status_code >= 400:
        findings.failures[f"{name} insides"] = f"{who}: {text[:500]}"
    try:
        case.validate_response(response, checks=CHECKS)
    except (Failure, FailureGroup) as error:
        each = getattr(error, "exceptions", [error])
        for one in each:
            told = f"{who}: {case.as_curl_command()[:700]}\n    {str(one)[:500]}\n    {text[:300]}"
            findings.failures.setdefault(f"{name} {response.status_code} {type(one).__name__}", told)
