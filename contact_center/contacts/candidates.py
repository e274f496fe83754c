"""Contacts that may be one person: by what they are compared, and what a match is worth. Nothing is joined by itself."""

import re
import unicodedata
from collections.abc import Iterable

from contact_center.contacts.domains import company_domain
from contact_center.model.people import Candidate, Contact, Viewer
from contact_center.model.words import PointKind, Reason
from contact_center.store import Connection
from contact_center.store.repositories import candidates, contacts

LEAST = 30
"""Pairs with a lower score are not worth a look: one weak reason, or the name of two strangers. A hint that is often wrong
teaches people to look past the right ones."""
WEIGHTS = {"exact": 5, "name": 25, "nd": 30, "phone": 60, "mail": 25}
"""What a shared key of each kind is worth; an exact name is also a transliterated one, so that it counts 30."""
EXTRA = {candidates.CLAIM: 45, candidates.ORGANIZATION: 15, "unverified": 10}
_REASONS = {
    "phone": Reason.SAME_PHONE_DIGITS,
    "mail": Reason.SAME_MAIL_NAME,
    candidates.CLAIM: Reason.CLAIMED_POINT,
    candidates.ORGANIZATION: Reason.SAME_ORGANIZATION,
}
_STRONG = frozenset({"phone", candidates.CLAIM})
"""What may be one person's under two names: who marries keeps the telephone."""
_NAMES = frozenset({"exact", "name", "nd"})
_DESKS = """
    info mail office sales support admin administrator contact hello help service order orders shop zakaz buh hr job
    noreply no-reply manager secretary reception billing accounting marketing webmaster postmaster zakupki sekretar
    priem post
"""
_GENERIC = frozenset(_DESKS.split())
_ALPHABET = """
    а:a б:b в:v г:g д:d е:e ж:zh з:z и:i й:i к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch ъ:
    ы:i ь: э:e ю:iu я:ia і:i ї:i є:e ґ:g ў:u
"""
_LETTERS = dict(pair.split(":") for pair in _ALPHABET.split())
# How one Russian sound is written in Latin letters, made the same: Yulia, Julia, Iuliia.
_SPELLINGS = (("shch", "sch"), ("yo", "e"), ("jo", "e"), ("yu", "iu"), ("ju", "iu"), ("ya", "ia"), ("ja", "ia"), ("kh", "h"), ("ks", "x"),
              ("ck", "k"), ("ph", "f"), ("w", "v"), ("c", "k"), ("y", "i"), ("j", "i"), ("ts", "z"), ("tz", "z"))  # fmt: skip
_PATRONYMIC = re.compile(r"(ovikh|evikh|ikh|ovna|evna|inikhna)$")  # as `_spoken` writes them


def keys_of(contact: Contact) -> dict[str, int]:
    """The keys by which a contact is compared, with what each is worth."""
    keys: dict[str, int] = {}
    spoken = _name_key(contact.name)
    if " " in spoken:
        _put(keys, "exact", " ".join(sorted(_words(contact.name))))
        _put(keys, "name", spoken)
    for point in contact.points:
        if point.kind is PointKind.PHONE and len(digits := re.sub(r"\D", "", point.value)) >= 9:
            _put(keys, "phone", digits[-10:])
        if point.kind is PointKind.EMAIL:
            local, _, _domain = point.value.rpartition("@")
            local = local.partition("+")[0]
            if len(local) >= 4 and local not in _GENERIC:
                _put(keys, "mail", local)
            # Of two who have only a first name, or only a calling, one company may well have both.
            if " " in spoken and (domain := company_domain(point.value)):
                _put(keys, "nd", f"{spoken}@{domain}")
    return keys


def remember(connection: Connection, project_id: int, contact: Contact, *, is_new: bool = False) -> None:
    """Compare the contact by how it stands now."""
    candidates.set_keys(connection, project_id, contact.id, keys_of(contact), is_new=is_new)


def forget(connection: Connection, project_id: int, contact_id: int) -> None:
    """Compare the contact with nobody any more: it was joined into another."""
    candidates.set_keys(connection, project_id, contact_id, {})


def find(connection: Connection, viewer: Viewer, *, of: int | None = None, limit: int = 50) -> list[Candidate]:
    """Pairs that may be one person, the highest score first; with `of`, those of one contact."""
    found = []
    for pair in candidates.pairs(connection, viewer, EXTRA, of=of, least=LEAST, limit=limit):
        low, high = (contacts.find_contact(connection, contact_id) for contact_id in (pair.low_id, pair.high_id))
        kinds = set(pair.kinds)
        if low is not None and high is not None and (_STRONG & kinds or not _NAMES & kinds or not _differ(low.name, high.name)):
            found.append(Candidate((low, high), min(pair.score, 100), tuple(_reasons(pair))))
    return found


def _differ(one: str, other: str) -> bool:
    """Whether each name has a word that the other lacks: another patronymic, another initial, another number."""
    mine, theirs = (
        {_spoken(word) for word in re.findall(r"[^\W\d_]+|\d+", _folded(name))} if "@" not in name else set[str]() for name in (one, other)
    )
    lacking, beyond = theirs - mine, mine - theirs
    return bool(lacking and beyond) and not any(a.startswith(b) or b.startswith(a) for a in lacking for b in beyond)


def _reasons(pair: candidates.Pair) -> Iterable[Reason]:
    kinds = set(pair.kinds)
    if "nd" in kinds:
        yield Reason.SAME_NAME_AND_DOMAIN
    elif "exact" in kinds:
        yield Reason.SAME_NAME
    if "name" in kinds and "exact" not in kinds:
        yield Reason.TRANSLITERATED_NAME
    yield from (reason for kind, reason in _REASONS.items() if kind in kinds)
    if not pair.proven:
        yield Reason.UNVERIFIED_ONLY


def _put(keys: dict[str, int], kind: str, value: str) -> None:
    keys[f"{kind}:{value[:200]}"] = WEIGHTS[kind]


def _words(name: str) -> list[str]:
    """The words of a name; none when it is an address or a number that stands where a name should."""
    if "@" in name:
        return []
    # Customer 1 and Customer 3 are two: a number in a name is part of it.
    return [word for word in re.findall(r"[^\W\d_]+|\d+", _folded(name)) if len(word) > 1 or word.isdigit()]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name[:300]).casefold().replace("ё", "е")


def _name_key(name: str) -> str:
    """A name as it sounds, in Latin letters, in any order and without the patronymic; empty when there is none."""
    spoken = [_spoken(word) for word in _words(name)]
    without = [word for word in spoken if not _PATRONYMIC.search(word)]
    return " ".join(sorted(without if len(spoken) > 2 and len(without) > 1 else spoken))


def _spoken(word: str) -> str:
    latin = "".join(_LETTERS.get(letter, letter) for letter in word)
    latin = "".join(letter for letter in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(letter))
    for written, meant in _SPELLINGS:
        latin = latin.replace(written, meant)
    return re.sub(r"er$", "r", re.sub(r"(.)\1+", r"\1", latin))
