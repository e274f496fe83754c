"""Mails of a plausible month: people who write in their own language, about one thing at a time, and some who write again."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple


class Topic(NamedTuple):
    """What a ticket is about, from the first letter to the last, in one language."""

    subject: str
    body: str
    more: tuple[str, ...]
    """What the customer writes next; the last one ends it."""
    answers: tuple[str, ...]
    """What a colleague answers, first and later."""


TOPICS = [
    Topic("Где мой заказ {n}?", "Здравствуйте!\n\nЗаказ {n} должен был прийти вчера, но курьер так и не позвонил. Подскажите, где он и когда его ждать?",
          ("Сегодня дома буду только после шести. Курьер сможет вечером?", "Спасибо, привезли! Вопрос закрыт."),
          ("Здравствуйте! Заказ {n} сейчас у курьера, он позвонит за час. Простите, что вчера не успели.", "Передали курьеру: приедет с 18 до 21 часа.")),
    Topic("Возврат по заказу {n}", "Добрый день.\n\nТовар пришёл с трещиной на корпусе. Как оформить возврат и когда вернутся деньги?",
          ("Упаковки уже нет. Это не помешает?", "Деньги пришли, спасибо."),
          ("Добрый день! Жаль, что так вышло. Оформили возврат по заказу {n}: курьер заберёт товар завтра, деньги придут в течение трёх рабочих дней.", "Не помешает: упакует курьер.")),
    Topic("Счёт на оплату {n}", "Здравствуйте.\n\nНужен счёт {n} на юрлицо, ИНН пришлю отдельно. Можно с отсрочкой на 14 дней?",
          ("ИНН 7701234567. Когда будет счёт?", "Счёт получили, спасибо."),
          ("Здравствуйте! Отсрочка на 14 дней возможна. Пришлите, пожалуйста, ИНН, и мы выставим счёт сегодня.", "Счёт {n} выставлен, он у вас в кабинете.")),
    Topic("Не приходит код подтверждения", "Пытаюсь войти в кабинет, код не приходит уже третий раз. Номер телефона правильный, проверено.",
          ("Теперь код пришёл, но пишет, что он устарел.", "Всё получилось, спасибо!"),
          ("Здравствуйте! У оператора была задержка сообщений. Запросите код ещё раз: сейчас они приходят сразу.", "Нажмите «Выслать новый код»: старый действует только пять минут.")),
    Topic("Замена размера в заказе {n}", "Добрый вечер!\n\nВ заказе {n} куртка мала на размер. Можно обменять на следующий, если он есть?",
          ("Цвет тот же, тёмно-синий. Обменять в пункте выдачи можно?", "Всё подошло, спасибо большое."),
          ("Добрый вечер! Следующий размер есть. Какой цвет отложить?", "Отложили на неделю в вашем пункте выдачи, возьмите с собой старую.")),
    Topic("Order {n}: wrong size delivered", "Hi,\n\nI ordered a medium and got a small. Could you tell me how to exchange it? I still have the box.",
          ("Friday morning would suit me. Do I need to print anything?", "Exchanged, thank you. That was quick."),
          ("Hello! Sorry for that. A medium for order {n} is set aside; when may the courier bring it and take the small one back?", "Nothing to print: the courier brings the label.")),
    Topic("Invoice {n} has the wrong VAT number", "Hello,\n\nour VAT number changed in October. Please issue invoice {n} again with the new one.",
          ("It is GB 117 4200 17. The old invoice is not paid yet.", "Received, all correct now. Thank you!"),
          ("Hello! Please send us the new number, and invoice {n} is issued again today.", "Here it is: invoice {n} is in your account, the old one is cancelled.")),
    Topic("Cannot change my delivery address", "Hi there,\n\nthe form says 'address not found' for a street that has been there for 200 years. Can you change it by hand?",
          ("14 Old Mill Lane, and the postcode stays the same.", "It arrived at the right door, thanks!"),
          ("Hello! Of course. Which street and number shall we write down?", "Changed by hand. The street is on our map now, too.")),
    Topic("Question about the warranty of {n}", "Good morning,\n\nis the battery covered by the two-year warranty, or only the device?",
          ("And does it hold if I change the battery myself?", "Clear, thank you."),
          ("Good morning! The battery is covered for one year, the device for two.", "It does, with an original battery; keep the receipt.")),
    Topic("Parcel {n} has not moved for a week", "Hello,\n\ntracking says 'in transit' since last Monday. Is parcel {n} lost?",
          ("Thanks. Please send it to my office this time, the address is in my account.", "The replacement is here. Thank you!"),
          ("Hello! The carrier cannot find it either, so we count it as lost: a replacement leaves today. Where to?", "It goes to your office and comes the day after tomorrow.")),
]  # fmt: skip
SUBJECTS = TOPICS
TEXTS = {
    "ru": (("Курьер не приехал, что делать?", "Простите! Он будет сегодня до 20:00."), ("Можно забрать заказ завтра?", "Да, он ждёт вас до воскресенья."),
           ("Вы сегодня до скольких?", "До 21:00, в выходные до 18:00.")),
    "en": (("Is my parcel there yet?", "It is! Pick it up until Sunday."), ("The link you sent does not open", "Sorry, here it is again: shop.example/track"),
           ("Until when are you open today?", "Until nine, at weekends until six.")),
}  # fmt: skip
THANKS = {"ru": "Спасибо!", "en": "Thank you!"}


class Person(NamedTuple):
    """Somebody who writes, always in the same language."""

    name: str
    local: str
    domain: str
    language: str
    phone: str

    @property
    def address(self) -> str:
        """Their mail address."""
        return f"{self.local}@{self.domain}"

    @property
    def sender(self) -> str:
        """As it stands in From."""
        return f"{self.name} <{self.address}>"


_SHE = ["Мария", "Дарья", "Екатерина", "Ольга", "Анна", "Наталья", "Юлия", "Ирина", "Светлана", "Полина", "Алина", "Вера"]
_HE = ["Олег", "Иван", "Тимур", "Сергей", "Андрей", "Павел", "Дмитрий", "Максим", "Артём", "Никита", "Роман", "Глеб"]
_OF = [
    "Соколов",
    "Кузнецов",
    "Волков",
    "Петров",
    "Ахметов",
    "Лебедев",
    "Орлов",
    "Зайцев",
    "Морозов",
    "Белов",
    "Гусев",
    "Титов",
    "Комаров",
    "Фролов",
    "Быков",
    "Ларин",
]
_FIRST = [
    "Emily",
    "John",
    "Priya",
    "Peter",
    "Sofia",
    "Thomas",
    "Grace",
    "Daniel",
    "Nora",
    "Lucas",
    "Hannah",
    "Oliver",
    "Clara",
    "Samuel",
    "Ruth",
    "Martin",
]
_LAST = [
    "Carter",
    "Sharma",
    "Jones",
    "Garcia",
    "Keller",
    "Murphy",
    "Walsh",
    "Novak",
    "Brandt",
    "Fischer",
    "Hughes",
    "Costa",
    "Larsen",
    "Moreau",
    "Reid",
    "Silva",
    "Becker",
    "Doyle",
]
_PRIVATE = ("post.example", "letters.example", "mailhaus.example", "pochta.example")
_COMPANIES = ("severstroy.example", "northlight.example", "kedr.example", "oldmill.example", "vector.example", "harbour.example")
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "sch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)


def latin(name: str) -> str:
    """A Russian name as it stands in an address."""
    return "".join(_LATIN.get(letter, letter) for letter in name.lower())


def _people() -> list[Person]:
    """Some hundreds, each with a name of their own; two of them write from a second address, too, as people do."""
    chance = random.Random(5)
    names = [(f"{first} {last}а", "ru") for first in _SHE for last in _OF] + [(f"{first} {last}", "ru") for first in _HE for last in _OF]
    names += [(f"{first} {last}", "en") for first in _FIRST for last in _LAST]
    chance.shuffle(names)
    found = []
    for number, (name, language) in enumerate(names[:400]):
        domain = chance.choice(_PRIVATE if chance.random() < 0.7 else _COMPANIES)
        phone = f"+7916{number:03d}0117" if language == "ru" else f"+447700900{number:03d}"
        found.append(Person(name, latin(name).replace(" ", "."), domain, language, phone))
    for number in (3, 9):
        one = found[number]
        found[number] = one._replace(domain=_COMPANIES[number % 6])
        first, last = latin(one.name).title().split()
        found[number + 20] = Person(f"{first} {last}", f"{first[0]}.{last}".lower(), _COMPANIES[number % 6], one.language, "")
    return found


PEOPLE = _people()


def somebody(chance: random.Random, people: int = 400) -> Person:
    """Somebody; a few write often, most of them once."""
    return PEOPLE[min(people, len(PEOPLE), 1 + int(chance.expovariate(1 / 90))) - 1]


def topic_for(chance: random.Random, person: Person) -> Topic:
    """Something to write about, in their language."""
    return chance.choice([topic for topic in TOPICS if language_of(topic.subject) == person.language])


def language_of(text: str) -> str:
    """The language that somebody writes in, which is the one to answer in."""
    return "ru" if re.search("[а-яё]", text.lower()) else "en"


def topic_of(subject: str) -> tuple[Topic, str] | None:
    """What a ticket with this subject is about, and the number that it names; None for what nobody wrote here."""
    for topic in TOPICS:
        found = re.search(re.escape(topic.subject).replace(r"\{n\}", r"(\d+)"), subject)
        if found:
            return topic, found[1] if found.groups() else ""
    return None


def answer_to(subject: str, said: str) -> tuple[str, bool] | None:
    """What a colleague answers when a customer last said this, and whether that ends it; None when nothing is left to say."""
    known = topic_of(subject)
    if known is None:
        text = next((answer for pairs in TEXTS.values() for words, answer in pairs if words in (subject, said)), None)
        return (text, True) if text else None
    topic, number = known
    if topic.more[-1] in said:
        return None
    answer = topic.answers[1 if topic.more[0] in said else 0]
    return answer.format(n=number), False


@dataclass
class _Thread:
    person: Person
    subject: str
    topic: Topic
    last: str
    chain: str
    step: int = 0


def mails(count: int, *, people: int = 400, seed: int = 7, end: datetime | None = None) -> Iterator[EmailMessage]:
    """`count` mails, the oldest first, ending at `end` (now unless given). A third of them continue a thread."""
    chance = random.Random(seed)
    end = end or datetime.now(UTC)
    threads: list[_Thread] = []
    for number in range(count):
        at = end - timedelta(minutes=9 * (count - number) + chance.randint(0, 8))
        if threads and chance.random() < 0.33:
            thread = threads.pop(chance.randrange(max(0, len(threads) - 60), len(threads)))
            text, subject = thread.topic.more[thread.step], f"Re: {thread.subject}"
            thread.step += 1
        else:
            person = somebody(chance, people)
            topic = topic_for(chance, person)
            thread = _Thread(person, topic.subject.format(n=40000 + number), topic, "", "")
            subject, text = thread.subject, topic.body.format(n=40000 + number)
        mail = _mail(number, thread.person, subject, text, thread.last, thread.chain, at, chance)
        thread.last, thread.chain = mail["Message-ID"], f"{thread.chain} {mail['Message-ID']}".strip()
        if thread.step < len(thread.topic.more):
            threads.append(thread)
        yield mail


def _mail(number: int, person: Person, subject: str, text: str, last: str, chain: str, at: datetime, chance: random.Random) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = person.sender, "support@localhost", subject
    mail["Message-ID"], mail["Date"] = f"<{number}.{chance.getrandbits(32):x}@mail.example.org>", format_datetime(at)
    russian = person.language == "ru"
    if last:
        mail["In-Reply-To"], mail["References"] = last, chain
        thanks = "Спасибо за письмо.\n> Мы уже разбираемся." if russian else "Thank you for your message.\n> We are looking into it."
        text += f"\n\n{at:%d.%m.%Y %H:%M}, Support <support@localhost> {'пишет' if russian else 'wrote'}:\n> {thanks}"
    mail.set_content(f"{text}\n\n-- \n{person.name}\n{person.phone}\n")
    if number % 3 == 0:
        sent = "Отправлено с телефона" if russian else "Sent by mail"
        mail.add_alternative(
            f"<html><body><p>{text.replace(chr(10), '<br>')}</p><p style='color:#888'>{sent}</p></body></html>", subtype="html"
        )
    if number % 17 == 0:
        name = f"счёт-{number}.pdf" if russian else f"invoice-{number}.pdf"
        mail.add_attachment(chance.randbytes(30_000), maintype="application", subtype="pdf", filename=name)
    return mail
