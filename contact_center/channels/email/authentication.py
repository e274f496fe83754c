"""What our own mail server found out about a mail's sender (RFC 8601).

Anybody can write an Authentication-Results field. Only the topmost one that carries the name of our own server counts, and
only when people have said what that name is: servers put their own on top and remove older ones under their name.
"""

import re
from dataclasses import dataclass

from contact_center.model.tickets import Proof
from contact_center.model.words import ProofState

FIELD_LIMIT = 20_000  # characters of one field
MAX_RESULTS = 100
SEVERAL_SENDERS = "several_senders"
"""There are two From fields, or one with two mailboxes: programs differ in which of them they show, and servers in which they check."""
NO_VERDICT = "no_verdict"
"""Our server said nothing, although it should."""

_METHOD = re.compile(r"\s*([a-z0-9_.-]{1,60})(?:\s*/\s*\d+)?\s*=\s*([a-z]{1,40})", re.I)
_PROPERTY = re.compile(r"\b(smtp|header)\s*\.\s*(mailfrom|mfrom|from|d|i|helo)\s*=\s*((?:\"[^\"]{0,500}\"|[^\s;\"]){1,500})", re.I)
_REASON = re.compile(r"\breason\s*=\s*\"[^\"]*\"", re.I)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result, and the domain it is about."""

    method: str
    result: str
    domain: str


def prove(fields: tuple[str, ...], authserv_id: str, sender_domain: str, senders: int) -> Proof | None:
    """What is known of the sender; None when nobody has said whose word counts, and nothing is odd.

    `fields` are the values of the Authentication-Results fields, the topmost first; `senders` is how many From fields,
    or mailboxes in them, the mail has.
    """
    odd = (SEVERAL_SENDERS,) if senders > 1 else ()
    results = trusted(fields, authserv_id)
    if results is None:
        if odd:
            return Proof(ProofState.FAILED, warnings=odd)
        return Proof(ProofState.UNKNOWN, warnings=(NO_VERDICT,)) if authserv_id.strip() else None
    sender_domain = _known(sender_domain)
    said = {name: next((each.result for each in results if each.method == name), "") for name in ("spf", "dkim", "dmarc")}
    state = ProofState.FAILED if odd else _state(results, sender_domain)
    if state is ProofState.UNKNOWN and any(each.method == "dkim" and each.result == "pass" for each in results):
        said["dkim"] = "pass"
    return Proof(state, **said, warnings=odd)


def trusted(fields: tuple[str, ...], authserv_id: str) -> tuple[Result, ...] | None:
    """What the topmost field under this name says; None when there is none, or the name is empty."""
    wanted = authserv_id.strip().casefold()
    for field in fields if wanted else ():
        name, results = read(field)
        if name.casefold() == wanted:
            return results
    return None


def read(field: str) -> tuple[str, tuple[Result, ...]]:
    """The name of the server that wrote a field, and its results. Never raises."""
    parts = _split(_without_comments(field[:FIELD_LIMIT]))
    name = parts[0].split()[0].strip('"') if parts and parts[0].split() else ""
    found = []
    for part in parts[1 : MAX_RESULTS + 1]:
        match = _METHOD.match(part)
        if match is None:
            continue
        properties: dict[str, str] = {}
        for kind, what, value in _PROPERTY.findall(_REASON.sub(" ", part[match.end() :])):
            name_of = f"{kind}.{what}".lower()
            # Said twice, and differently, it says nothing.
            properties[name_of] = value if properties.get(name_of, value) == value else ""
        found.append(Result(match[1].lower(), match[2].lower(), _domain(match[1].lower(), properties)))
    return name, tuple(found)


def _state(results: tuple[Result, ...], sender_domain: str) -> ProofState:
    verdicts = [each for each in results if each.method == "dmarc"]
    if any(each.result == "fail" for each in verdicts):
        return ProofState.FAILED
    passed = [each.domain for each in verdicts if each.result == "pass"]
    # A verdict about another domain: the server read another address in From than we did.
    if any(domain and not _is_aligned(domain, sender_domain) for domain in passed):
        return ProofState.FAILED
    if passed and all(domain == sender_domain for domain in passed):
        return ProofState.VERIFIED if sender_domain else ProofState.UNKNOWN
    # A domain without a policy: a signature or a path of the very domain that stands in From proves as much.
    aligned = any(each.method in ("dkim", "spf") and each.result == "pass" and _is_aligned(each.domain, sender_domain) for each in results)
    return ProofState.VERIFIED if aligned else ProofState.UNKNOWN


def _is_aligned(proven: str, claimed: str) -> bool:
    """Whether they are one domain, or the claimed one lies below the proven one, which is no mere top-level domain."""
    return bool(proven) and (proven == claimed or (claimed.endswith("." + proven) and "." in proven))


def _domain(method: str, properties: dict[str, str]) -> str:
    names = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.mfrom"), "dmarc": ("header.from",)}.get(method, ())
    value = next((properties[name] for name in names if name in properties), "")
    if len(value) > 1 and value[0] == value[-1] == '"' and value.count('"') == 2:
        value = value[1:-1]
    domain = _known(value.rpartition("@")[2].strip().strip("<>"))
    return domain if '"' not in domain else ""


def _known(domain: str) -> str:
    """A domain as it is compared: in lower case, in ASCII."""
    domain = domain.strip().rstrip(".").casefold()
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return domain


def _without_comments(text: str) -> str:
    """`text` without comments, which may be nested; what stands in quotes is no comment."""
    out: list[str] = []
    depth, quoted, skip = 0, False, False
    for char in text:
        if skip:
            skip = False
            char = "_" if char == '"' else char
        elif char == "\\":
            skip = True
            continue
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            continue
        elif char == ")" and not quoted and depth:
            depth -= 1
            continue
        if not depth:
            out.append(" " if char in "\r\n\t" else char)
    return "".join(out)


def _split(text: str) -> list[str]:
    """At semicolons outside quotes."""
    parts: list[str] = [""]
    quoted = False
    for piece in re.split(r'([";])', text):
        if piece == ";" and not quoted:
            parts.append("")
            continue
        quoted ^= piece == '"'
        parts[-1] += piece
    return parts
