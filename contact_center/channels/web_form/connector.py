"""One web form at work: its pages, what is sent through them, and every customer's private page."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from contact_center.channels.base import ChannelKind, Environment, HookReply, HookRequest, Inbox
from contact_center.channels.web_form import checking, item, pages, reading
from contact_center.channels.web_form.challenge import Challenges, Refused
from contact_center.channels.web_form.checking import Checked
from contact_center.channels.web_form.item import Names
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.channels.web_form.pages import Site
from contact_center.channels.web_form.reading import Sent
from contact_center.errors import ChannelMisconfigured
from contact_center.keys import Keys
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import OutboundMessage, PublicEntry, PublicTicket, RawItem, Receipt

MIB = 1024 * 1024
HOOK_LIMIT = 30 * MIB  # 25 MiB of files and what multipart adds
SETTLES_WITHIN = 2.0  # seconds a page waits for a message to be understood before it says "being processed"
STATUS = {"unreadable": 400, "refused": 409, "used": 409, "too_much": 413, "too_often": 429, "trap": 422, "errors": 422}


class Declined(Exception):
    """What was sent is not taken in. `code` is the word that says why, in `words.py` too."""

    def __init__(self, code: str, errors: Mapping[str, str] | None = None) -> None:
        self.code = code
        self.errors = errors or {}
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Own:
    """The private page's own message and the ticket it is in."""

    ticket: PublicTicket
    facts: dict[str, Any]
    reference: str

    @property
    def joined(self) -> bool:
        """Somebody else's form is in the ticket too. Whoever fills in a form may claim any address, so that the page then shows
        nothing but what was written on it."""
        return not self.facts or any(not entry.ours and not self._is_own(entry) for entry in self.ticket.entries)

    @property
    def shown(self) -> PublicTicket:
        """The ticket as far as this page may show it."""
        if not self.joined:
            return self.ticket
        mine = tuple(entry for entry in self.ticket.entries if not entry.ours and self._is_own(entry))
        return PublicTicket(self.ticket.number, str(self.facts.get("form", "")), self.ticket.status, self.ticket.created_at, mine)

    def _is_own(self, entry: PublicEntry) -> bool:
        return self.reference in (_reference(entry), *(entry.facts or {}).get("answers", ()))


class WebFormConnector:
    """Answers browsers. There is nothing to fetch, and answers wait on the private page."""

    repeatable = True  # nothing leaves, so sending again changes nothing

    def __init__(
        self, account: ChannelAccount, options: WebFormOptions, environment: Environment, clock: Callable[[], float] = time.time
    ) -> None:
        self.account = account
        self.options = options
        self.environment = environment
        self.clock = clock
        self.site = Site(options, urlsplit(environment.hook_url(account.id)).path)

    async def run(self, inbox: Inbox) -> None:
        """Nothing is fetched; the form hears by `answer`."""
        await inbox.report(True)

    async def send(self, message: OutboundMessage) -> Receipt:
        """The customer reads the answer on the private page, where it stands as soon as this returns."""
        return Receipt(provider_id=message.message_key)

    async def check(self) -> None:
        """Whether the form can do what it offers."""
        kinds = {question.type for question in self.options.questions}
        if self.environment.keys is None:
            raise ChannelMisconfigured("A form needs the instance's secret key.")
        if self.options.callback and "phone" not in kinds:
            raise ChannelMisconfigured("To offer a call back the form needs a field of the type phone.")
        if kinds <= {"checkbox"}:
            raise ChannelMisconfigured("The form asks for nothing that could be answered: add a text, a choice or a mail address.")

    # Requests.

    async def answer(self, request: HookRequest, inbox: Inbox) -> HookReply:
        """Answer a browser."""
        path = request.path.strip("/")
        if path.startswith("r/"):
            key, _, verb = path.removeprefix("r/").partition("/")
            return await self._private(request, inbox, key, verb)
        if request.method == "POST":
            return await self._taken(request, inbox) if not path else self._not_found()
        match path:
            case "":
                return self._site(request).reply(self.site.heading, pages.form(self.site), challenge=f"{self.site.base}/challenge")
            case "challenge":
                return self._challenge("")
            case "embed.js":
                return self._embed()
            case "form.js" | "pow.js" | "form.css":
                return _asset(path)
        return self._not_found()

    def _site(self, request: HookRequest) -> Site:
        """The form in the looks that the page around it asks for."""
        return Site(self.options, self.site.base, light=("theme", "light") in request.query)

    def _embed(self) -> HookReply:
        said = json.dumps({"title": self.site.heading})
        script = pages.asset("embed.js").replace(b"var FORM = {};", f"var FORM = {said};".encode())
        # Loaded by other sites, which is what it is for; short-lived, because they cannot know its version.
        headers = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
        return HookReply(200, script, pages.TYPES[".js"], headers)

    def _challenge(self, key: str) -> HookReply:
        return _json({"challenge": self._challenges(key).issue(self.clock(), self.options.difficulty)})

    def _challenges(self, key: str) -> Challenges:
        return Challenges(self._keys, self._scope(key))

    def _scope(self, key: str) -> str:
        return f"{self.account.id}/{key}"

    @property
    def _keys(self) -> Keys:
        if self.environment.keys is None:
            raise ChannelMisconfigured("A form needs the instance's secret key.")
        return self.environment.keys

    def _not_found(self) -> HookReply:
        said = self.site.words
        return self.site.reply(said["not_found_title"], pages.message(said["not_found_title"], said["not_found"]), status=404, private=True)

    # A new request.

    async def _taken(self, request: HookRequest, inbox: Inbox) -> HookReply:
        try:
            names, own = await self._take_request(request, inbox)
        except Declined as declined:
            return self._declined(request, declined)
        path = self._path(names.message_key)
        number = None if own is None or own.joined else own.ticket.number
        known = self.site.words["joined"] if own is not None and own.joined else ""
        body = pages.thanks(self.site, path, self.site.words["number"].format(number=number) if number else known)
        if _wants_json(request):
            return _json({"path": path, "number": number, "html": body})
        return self.site.reply(self.site.words["thanks_title"], body, challenge=f"{self.site.base}/challenge")

    async def _take_request(self, request: HookRequest, inbox: Inbox) -> tuple[Names, Own | None]:
        sent = await self._read(request)
        checked = self._checked(lambda: checking.check(self.options, sent))
        nonce = self._worked(sent, "")
        came_from = self._attribution(sent)
        call = checking.wants_call(self.options, sent)
        rows = item.as_rows(checked.answers)
        names = await self._name("", nonce, [rows, call], sent)
        said: dict[str, Any] = {"fields": rows, "attribution": came_from, "callback": call, "code_words": self.site.words["visit_code"]}
        if self.options.consent_text:
            said["consent"] = self._consent()
        found = await self._store(inbox, names, "request", sent, said)
        return names, None if found is None else self._own(found, names.message_key)

    def _consent(self) -> dict[str, str]:
        """What the customer agreed to, and when: the text may change later."""
        text = self.options.consent_text
        return {"at": item.moment(self.clock()), "text": text, "sha256": item.fingerprint(text)}

    def _attribution(self, sent: Sent) -> dict[str, str]:
        try:
            return checking.clean_attribution(reading.attribution(sent))
        except reading.Unreadable as error:
            raise Declined("unreadable") from error

    # The private page.

    async def _private(self, request: HookRequest, inbox: Inbox, key: str, verb: str) -> HookReply:
        known, found = await self._look(inbox, key)
        if not known:
            return self._not_found()
        if request.method == "GET" and verb == "challenge":
            return self._challenge(key)
        if request.method == "GET" and not verb:
            return self._page(request, key, found)
        if request.method == "GET" and verb.startswith("files/"):
            return self._file(key, verb.removeprefix("files/"), found)
        if request.method == "POST" and verb in ("messages", "callback") and (verb == "messages" or self.options.callback):
            return await self._added(request, inbox, key, verb, found)
        return self._not_found()

    async def _look(self, inbox: Inbox, key: str) -> tuple[bool, PublicTicket | None]:
        """Whether there is such a page, and its ticket once it is known. Asks the same of the store for every key, so that the
        time an answer takes tells nothing."""
        asked = key if item.KEY.match(key) else "a" * 48
        found = await inbox.ticket(item.locked(asked))
        unknown = await inbox.unknown([item.provider_key(asked)])
        return asked == key and not unknown, found

    def _own(self, found: PublicTicket, key: str) -> Own:
        """The entry that this page belongs to, with what its channel noted."""
        reference = item.reference(key)
        mine = next((entry for entry in found.entries if _reference(entry) == reference), None)
        return Own(found, mine.facts if mine is not None and mine.facts is not None else {}, reference)

    def _page(self, request: HookRequest, key: str, found: PublicTicket | None) -> HookReply:
        own = self._own(found, key) if found is not None else None
        path, said = self._path(key), self.site.words
        if _wants_json(request):
            return _json(self._news(path, own))
        if own is None:
            body, title = pages.processing(self.site), said["processing_title"]
        else:
            body = pages.ticket(self.site, path, own.shown, str(own.facts.get("from", {}).get("phone", "")), joined=own.joined)
            title = said["callback"] if own.joined else said["request"].format(number=own.ticket.number)
        return self.site.reply(title, body, private=True, challenge=f"{path}/challenge")

    def _file(self, key: str, number: str, found: PublicTicket | None) -> HookReply:
        """A file that a colleague sent by this form and this page shows. What customers sent themselves is not given out: the
        form would be a place to spread anything from."""
        shown = self._own(found, key).shown.entries if found is not None else ()
        known = next((file.id for entry in shown if entry.ours for file in entry.files if str(file.id) == number), None)
        return self._not_found() if known is None else HookReply(200, headers=dict(pages.PRIVATE), attachment_id=known)

    def _news(self, path: str, own: Own | None) -> dict[str, Any]:
        if own is None:
            return {"version": "0", "number": None}
        shown = own.shown
        return {
            "version": pages.stamp(shown),
            "number": None if own.joined else shown.number,
            "summary": pages.summary(self.site, shown, joined=own.joined),
            "thread": pages.thread(self.site, path, shown),
        }

    async def _added(self, request: HookRequest, inbox: Inbox, key: str, verb: str, found: PublicTicket | None) -> HookReply:
        path = self._path(key)
        try:
            if found is None:
                raise Declined("used")  # the first message is being processed: nothing can be added to it yet
            add = self._take_message if verb == "messages" else self._take_call
            moved = await add(request, inbox, key, self._own(found, key))
        except Declined as declined:
            return self._declined(request, declined, path)
        if _wants_json(request):
            return _json({"moved": moved})
        return HookReply(303, headers=dict(pages.PRIVATE) | {"Location": moved or path})

    async def _take_message(self, request: HookRequest, inbox: Inbox, key: str, own: Own) -> str | None:
        """Take a further message in; returns the path of its own page when it could not join its ticket any more."""
        sent = await self._read(request)
        checked = self._checked(lambda: checking.check_message(self.options, sent))
        nonce = self._worked(sent, key)
        rows = item.as_rows(checked.answers)
        names = await self._name(key, nonce, rows, sent)
        to = {} if own.joined else {"answers": [item.locked(key)], "answers_to": [own.reference]}
        said = to | {"fields": rows, "from": own.facts.get("from"), "subject": own.shown.subject}
        found = await self._store(inbox, names, "message", sent, said)
        return self._path(names.message_key) if found is not None and found.number != own.ticket.number else None

    async def _take_call(self, request: HookRequest, inbox: Inbox, key: str, own: Own) -> None:
        """Take a wish to be called in. It names no earlier message: joined to a ticket that waits for an answer already, it
        would ask for no call of its own. From one page it stands once, however often they ask."""
        sent = await self._read(request)
        checked = self._checked(lambda: checking.check_call(self.options, sent))
        nonce = self._worked(sent, key)
        rows = item.as_rows(checked.answers)
        names = await self._name(key, nonce, [rows, "call"], sent)
        document = {
            "fields": rows,
            "from": own.facts.get("from"),
            "phone": checked.answers[0].value,
            "page": own.reference,
        }
        await self._store(inbox, names, "callback", sent, document)

    # What both do.

    async def _read(self, request: HookRequest) -> Sent:
        if request.too_often:
            raise Declined("too_often")
        try:
            sent = await asyncio.to_thread(reading.read, request)
        except reading.TooMuch as error:
            raise Declined("too_much") from error
        except reading.Unreadable as error:
            raise Declined("unreadable") from error
        if sent.own.get("leave_empty"):
            # Said aloud: a browser that fills in forms by itself may have done it for a customer.
            raise Declined("trap")
        return sent

    def _checked(self, check: Callable[[], Checked]) -> Checked:
        try:
            checked = check()
        except reading.Unreadable as error:
            raise Declined("unreadable") from error
        if checked.errors:
            raise Declined("errors", checked.errors)
        return checked

    def _worked(self, sent: Sent, key: str) -> str:
        try:
            return self._challenges(key).accept(sent.own.get("challenge", ""), sent.own.get("solution", ""), self.clock())
        except Refused as error:
            raise Declined("refused") from error

    async def _name(self, key: str, nonce: str, said: Any, sent: Sent) -> Names:
        files = [[file.field, file.filename, await asyncio.to_thread(item.fingerprint, file.content)] for file in sent.files]
        return item.name(self._keys, self._scope(key), nonce, item.digest(said, files))

    async def _store(self, inbox: Inbox, names: Names, kind: str, sent: Sent, said: dict[str, Any]) -> PublicTicket | None:
        """Take a submission in once; the ticket it came into, None while it is being processed. Raises Declined for a
        solution that was used for something else."""
        new: Set[str] = set()
        if await inbox.unknown([names.provider_key]):
            # Only the commit tells which of two that come at once was taken in.
            new = await inbox.accept([await asyncio.to_thread(self._item, names, kind, sent, said)])
        found = await self._settled(inbox, names.message_key)
        if not new and found is None:
            raise Declined("used")
        return found

    def _item(self, names: Names, kind: str, sent: Sent, said: dict[str, Any]) -> RawItem:
        own = {"form": self.options.title, "reference": item.reference(names.message_key), "call_words": self.site.words["callback"]}
        return item.build(names, self.clock(), kind, sent.files, **own, **said)

    async def _settled(self, inbox: Inbox, key: str) -> PublicTicket | None:
        waited = 0.0
        while (found := await inbox.ticket(item.locked(key))) is None and waited < SETTLES_WITHIN:
            await asyncio.sleep(0.05 + waited / 4)
            waited += 0.05 + waited / 4
        return found

    def _path(self, key: str) -> str:
        return f"{self.site.base}/r/{key}"

    def _declined(self, request: HookRequest, declined: Declined, path: str = "") -> HookReply:
        """Say what is wrong: to the script as JSON, to a browser without it as the page again."""
        status, said = STATUS[declined.code], self.site.words
        notice = said["errors_title"] if declined.code == "errors" else said[declined.code]
        if _wants_json(request):
            answer = {"code": declined.code, "message": notice} | ({"errors": dict(declined.errors)} if declined.errors else {})
            return _json(answer, status)
        if path:
            return self.site.reply(notice, pages.message(notice, said["no_script_ticket"]), status=status, private=True)
        body = pages.form(self.site, _values(request), declined.errors, notice)
        return self.site.reply(self.site.heading, body, status=status, challenge=f"{self.site.base}/challenge")


def _values(request: HookRequest) -> dict[str, str]:
    """What was written, to be shown again; nothing when it cannot be read."""
    try:
        sent = reading.read(request)
    except (reading.Unreadable, reading.TooMuch):
        return {}
    return sent.values | {"callback": sent.own.get("callback", "")}


def _reference(entry: PublicEntry) -> str:
    return str((entry.facts or {}).get("reference", ""))


def _wants_json(request: HookRequest) -> bool:
    return "application/json" in str(request.headers.get("Accept", ""))


def _json(answer: Mapping[str, Any], status: int = 200) -> HookReply:
    return HookReply(status, json.dumps(answer).encode(), "application/json", dict(pages.PRIVATE))


def _asset(name: str) -> HookReply:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HookReply(200, pages.asset(name), pages.TYPES[name[name.rindex(".") :]], headers)


def connect(account: ChannelAccount, options: Any, environment: Environment) -> WebFormConnector:
    """The connector of an account."""
    return WebFormConnector(account, options, environment)


KIND = ChannelKind(
    name="web_form",
    label="Web form",
    options=WebFormOptions,
    connect=connect,
    reaches=None,
    address_label="Short name",
    hook_limit=HOOK_LIMIT,
    posts_per_minute=lambda options: int(options.posts_per_minute),
)
