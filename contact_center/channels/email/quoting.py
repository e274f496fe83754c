"""What the person wrote, apart from what they quoted and how they sign. A line scanner: linear, no backtracking.

Only a tail is folded (quotes, forwarded headers, signature), or the attribution line and header block that stand on
top of a text. Answers written between quoted lines stay where they are, with the quotes they answer.
"""

import re
from dataclasses import dataclass

LINE_SEEN = 400  # characters of a line that the patterns look at
ATTRIBUTION_LINES = 3

_VERBS = (
    r"wrote|writes|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|volgende geschreven|skrev|napisał(?:\(a\)|a)?|napsal(?:\(a\))?"
    r"|пишет|писал(?:\(а\)|а)?|написал(?:\(а\)|а)?|сообщил(?:\(а\)|а)?|пише|написав|написала|kirjoitti|írta|yazdı|a scris|написао"
)
_ENDS_WITH_VERB = re.compile(rf"(?:{_VERBS})\s*:\s*$", re.I)
_I_WROTE = re.compile(r"(?:^|\s)(?:я|мы|i|we)\s+\w+\s*:\s*$", re.I)
_YOU_WROTE = re.compile(r"\s*(?:вы писали|you wrote)\b", re.I)
_ENDS_WITH_ADDRESS = re.compile(r"[@<][^<>\s]*>?\s*:\s*$")
_HAS_DATE_OR_ADDRESS = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|@|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_ATTRIBUTION_START = re.compile(
    r"\s*(?:On\s|Am\s|Le\s|El\s|Il\s|Op\s|Den\s|Dnia\s|Em\s|Dne\s|В\s|В\u00a0|От\s|Від\s|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    r"|\d{1,2}\s+[^\W\d]{3,12}\.?,?\s+\d{4}|(?:пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|сред[ау]|четверг|пятниц[ау]|суббот[ау]|воскресенье)\b"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s)",
    re.I,
)
_DASHED = re.compile(r"\s*-{2,}\s*On .{5,300}wrote\s*-{2,}\s*$", re.I)
_SEPARATOR = re.compile(
    r"\s*[-_*]{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine"
    r"|message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|oprindelig meddelelse"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|оригинальное сообщение|конец переадресованного сообщения"
    r"|пересилане повідомлення|begin forwarded message|reply message|antwort)[^\n]{0,60}$",
    re.I,
)
_RULE = re.compile(r"\s*_{5,}\s*$")
_LABEL = re.compile(
    r"\s*\*?(from|von|de|från|fra|da|van|od|от|від|sent|date|gesendet|datum|envoyé|enviado|skickat|sendt|inviato|verzonden|data|дата"
    r"|отправлено|надіслано|to|an|para|till|til|à|a|aan|do|кому|subject|betreff|asunto|assunto|objet|ämne|emne|oggetto|onderwerp|temat"
    r"|тема|reply-to|cc|копия|копія|bcc|importance)\*?\s?:\*?(?:\s|$)",
    re.I,
)
_FROM_LABELS = {"from", "von", "de", "från", "fra", "da", "van", "od", "от", "від"}
_DEVICE = re.compile(
    r"\s*(?:sent (?:from|via|with)|get outlook for|envoyé (?:depuis|de) mon|envoyé à partir|von meinem"
    r"|gesendet (?:von|mit) (?:meinem|mein|der)"
    r"|diese nachricht wurde von|sendt fra|skickat från|verzonden (?:vanaf|met|via)|enviado (?:desde|do|de) (?:mi|meu)|inviato da"
    r"|wysłane z|отправлено (?:с|из|через)|послано (?:с|из)|скачать outlook|from my (?:iphone|ipad|android|phone|mobile))\b.{0,120}$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in two parts; together they hold every word of it."""

    visible: str
    folded: str


def fold(text: str) -> Folded:
    """Split `text` into what the person wrote and what is folded away under it."""
    lines = _trim(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    own = _own_text_from(lines)
    top, start = _top(lines, own)
    end = _tail(lines, start, own)
    visible = _trim(lines[start:end])
    hidden = _trim(lines[:top] if not visible else lines[:start]) + lines[end:]
    if not visible and top < start:
        hidden = lines
    return Folded("\n".join(line.rstrip() if not line.strip() else line for line in visible), "\n".join(_trim(hidden)))


def _top(lines: list[str], own: list[bool]) -> tuple[int, int]:
    """Where the text begins after an attribution line or a forwarded header that stands on top of everything."""
    if not lines:
        return 0, 0
    span = _attribution(lines, 0)
    if span and not _is_quote_next(lines, span):
        return span, span
    if span:
        return (0, span) if own[span] else (0, 0)
    header = _header_block(lines, 1 if _is_separator(lines, 0) else 0)
    return (header, header) if header else (0, 0)


def _tail(lines: list[str], start: int, own: list[bool]) -> int:
    """Where the folded tail begins."""
    end = len(lines)
    seen_text = False
    index = start
    while index < end:
        line = lines[index][:LINE_SEEN]
        if seen_text and (_is_signature(line) or _is_hard_cut(lines, index)):
            end = index
            break
        span = _attribution(lines, index) if seen_text else 0
        if span and (not own[index + span] or not _is_quote_next(lines, index + span)):
            end = index
            break
        seen_text = seen_text or bool(line.strip())
        index += 1
    return _without_trailing_quotes(lines, start, end)


def _without_trailing_quotes(lines: list[str], start: int, end: int) -> int:
    cut = end
    while cut > start and (not lines[cut - 1].strip() or _is_quote(lines, cut - 1)):
        cut -= 1
    return cut


def _is_hard_cut(lines: list[str], index: int) -> bool:
    line = lines[index][:LINE_SEEN]
    if _DASHED.match(line) or _is_separator(lines, index):
        return True
    return bool(_header_block(lines, index))


def _is_separator(lines: list[str], index: int) -> bool:
    line = lines[index][:LINE_SEEN]
    if _SEPARATOR.match(line):
        return True
    return bool(_RULE.match(line)) and index + 1 < len(lines) and bool(_header_block(lines, _next_filled(lines, index + 1)))


def _header_block(lines: list[str], index: int) -> int:
    """The length of lines[:n] covered if a block of mail headers stands at `index`, else 0."""
    if index >= len(lines):
        return 0
    first = _LABEL.match(lines[index][:LINE_SEEN])
    if not first or first[1].lower() not in _FROM_LABELS:
        return 0
    labels, last = {first[1].lower()}, index
    for position in range(index + 1, min(index + 12, len(lines))):
        line = lines[position][:LINE_SEEN]
        if not line.strip():
            break
        if (label := _LABEL.match(line)) is not None:
            labels.add(label[1].lower())
        last = position
    return last + 1 if len(labels) >= 3 else 0


def _attribution(lines: list[str], index: int) -> int:
    """How many lines from `index` are an attribution ("On ... wrote:"), 0 for none."""
    first = lines[index][:LINE_SEEN]
    if not first.strip() or first.lstrip().startswith(">"):
        return 0
    starts = bool(_ATTRIBUTION_START.match(first) or _YOU_WROTE.match(first))
    joined = ""
    for count in range(1, ATTRIBUTION_LINES + 1):
        if index + count > len(lines) or not lines[index + count - 1].strip():
            return 0
        joined = (joined + " " + lines[index + count - 1][:LINE_SEEN].strip())[-3 * LINE_SEEN :]
        if not joined.endswith(":"):
            if not starts:
                return 0
            continue
        dated = _HAS_DATE_OR_ADDRESS.search(joined)
        if dated and (_YOU_WROTE.match(first) or (_ENDS_WITH_VERB.search(joined[-80:]) and not _I_WROTE.search(joined[-80:]))):
            return count
        if dated and starts and _ENDS_WITH_ADDRESS.search(joined[-200:]):
            return count
        return 0
    return 0


def _is_signature(line: str) -> bool:
    return line.rstrip() in ("--", "—") or line == "-- " or bool(_DEVICE.match(line))


def _is_quote(lines: list[str], index: int) -> bool:
    """A quoted line, or one that a mail program wrapped out of a quote: stuck between two quoted lines."""
    if lines[index].lstrip()[:1] == ">":
        return True
    if not 0 < index < len(lines) - 1 or not lines[index].strip():
        return False
    return lines[index - 1].lstrip()[:1] == ">" and lines[index + 1].lstrip()[:1] == ">"


def _is_quote_next(lines: list[str], index: int) -> bool:
    position = _next_filled(lines, index)
    return position < len(lines) and _is_quote(lines, position)


def _own_text_from(lines: list[str]) -> list[bool]:
    """For each position, whether the person wrote something from there on before signing. One backward pass."""
    own = [False] * (len(lines) + 1)
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index][:LINE_SEEN]
        if _is_signature(line) or _is_hard_cut(lines, index):
            own[index] = False
        elif line.strip() and not _is_quote(lines, index) and not _attribution(lines, index):
            own[index] = True
        else:
            own[index] = own[index + 1]
    return own


def _next_filled(lines: list[str], index: int) -> int:
    while index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _trim(lines: list[str]) -> list[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]
