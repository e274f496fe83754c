"""The words by which a message is acknowledged. They come from us and our administrators; nothing that the sender wrote is in them.

Whoever forges an address chooses who gets an acknowledgement, so that it must never carry what they want to say.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_RUSSIAN = re.compile(r"[а-яё]", re.I)
OPEN = ("number",)
"""What a text may name that is sent while somebody is there."""
CLOSED = ("number", "opens")
"""What a text may name that is sent while nobody is: `opens` is when somebody will be there again."""

USUAL = {
    ("ru", False): "Здравствуйте!\n\nМы получили ваше сообщение, номер обращения {number}. Ответим вам как можно скорее.\n\n"
    "Если хотите что-то добавить, ответьте на это письмо.",
    ("ru", True): "Здравствуйте!\n\nМы получили ваше сообщение, номер обращения {number}. Сейчас у нас нерабочее время, "
    "мы снова на связи {opens}.\n\nЕсли хотите что-то добавить, ответьте на это письмо.",
    ("en", False): "Hello,\n\nwe have received your message; its number is {number}. We will answer as soon as we can.\n\n"
    "If you want to add anything, reply to this mail.",
    ("en", True): "Hello,\n\nwe have received your message; its number is {number}. We are closed at the moment "
    "and will be back {opens}.\n\nIf you want to add anything, reply to this mail.",
}
SHORT = {
    ("ru", False): "Сообщение получено, обращение {number}. Ответим как можно скорее.",
    ("ru", True): "Сообщение получено, обращение {number}. Мы на связи {opens}.",
    ("en", False): "We have your message, number {number}. We will answer as soon as we can.",
    ("en", True): "We have your message, number {number}. We are back {opens}.",
}
"""The same for channels where every part of a message is paid."""
_SUBJECTS = {"ru": "Обращение №{number}", "en": "Your request #{number}"}
_DAYS = {
    "ru": ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"),
    "en": ("on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday", "on Sunday"),
}
_MONTHS = {
    "ru": ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}


def check_text(text: str, allowed: tuple[str, ...]) -> None:
    """Raises ValueError, with words for people, when a text names a variable that there is not."""
    for name in _VARIABLE.findall(text):
        if name not in allowed:
            known = ", ".join(f"{{{each}}}" for each in allowed)
            raise ValueError(f"{{{name[:40]}}} is nothing that can be filled in here: use {known}.")
    if re.search(r"[{}]", _VARIABLE.sub("", text)):
        raise ValueError("A brace stands alone: write {number}.")


def language_of(text: str) -> str:
    """The language to acknowledge a message in."""
    return "ru" if _RUSSIAN.search(text) else "en"


def subject(language: str, number: int) -> str:
    """A subject of our own, for senders who may not be who they say."""
    return _SUBJECTS[language].replace("{number}", str(number))


def words(options: Mapping[str, object], language: str, number: int, opens: str, *, short: bool = False) -> str:
    """The text to send; `opens` is empty while somebody is there. What an administrator left empty is the usual one."""
    closed = bool(opens)
    own = str(options.get(f"acknowledge_{'closed_' if closed else ''}{language}") or "").strip()
    text = own or (SHORT if short else USUAL)[language, closed]
    values = {"number": str(number), "opens": opens}
    return _VARIABLE.sub(lambda match: values.get(match[1], ""), text)


def opening(at: datetime, timezone: str, language: str) -> str:
    """An instant in words: "on Monday, 23 November, at 09:00 (UTC+3)"."""
    wall = at.astimezone(ZoneInfo(timezone))
    day, month = _DAYS[language][wall.weekday()], _MONTHS[language][wall.month - 1]
    date, clock = f"{wall.day} {month}", wall.strftime("%H:%M")
    return f"{day}, {date}, {'в' if language == 'ru' else 'at'} {clock} ({_distance(wall)})"


def _distance(wall: datetime) -> str:
    minutes = round((wall.utcoffset() or timedelta(0)).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" + (f"{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}" if minutes else "")
