"""Mails of a plausible month: customers who write in Russian and English, and some who write again."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

PEOPLE = [
    ("Мария Соколова", "maria.sokolova"), ("Олег Кузнецов", "o.kuznetsov"), ("Anna Müller", "anna.mueller"), ("John Carter", "john.carter"),
    ("Дарья Волкова", "darya.volkova"), ("Emily Clark", "emily.clark"), ("Иван Петров", "ivan.petrov"), ("Sofía García", "sofia.garcia"),
    ("Тимур Ахметов", "timur.akhmetov"), ("Peter Jones", "peter.jones"), ("Екатерина Лебедева", "k.lebedeva"), ("Priya Sharma", "priya.sharma"),
]  # fmt: skip
SUBJECTS = [
    ("Где мой заказ {n}?", "Здравствуйте!\n\nЗаказ {n} должен был прийти вчера, но курьер так и не позвонил. Подскажите, где он и когда его ждать?"),
    ("Возврат по заказу {n}", "Добрый день.\n\nТовар пришёл с трещиной на корпусе, фото приложу. Как оформить возврат и когда вернутся деньги?"),
    ("Счёт на оплату {n}", "Здравствуйте.\n\nНужен счёт на юрлицо, ИНН пришлю отдельно. Можно с отсрочкой на 14 дней?"),
    ("Не приходит код подтверждения", "Пытаюсь войти в кабинет, код не приходит уже третий раз. Номер телефона правильный, проверил."),
    ("Order {n}: wrong size delivered", "Hi,\n\nI ordered a medium and got a small. Could you tell me how to exchange it? I still have the box."),
    ("Invoice {n} has the wrong VAT number", "Hello,\n\nour VAT number changed in October. Please issue invoice {n} again with the new one."),
    ("Cannot change my delivery address", "Hi there,\n\nthe form says 'address not found' for a street that has been there for 200 years. Can you change it by hand?"),
    ("Question about the warranty of {n}", "Good morning,\n\nis the battery covered by the two-year warranty, or only the device?"),
]  # fmt: skip
MORE = [
    "Есть новости? Очень жду.", "Спасибо, разобрался. Вопрос закрыт.", "Any news on this? It is getting urgent.", "Thank you, that worked!",
    "Добавлю: звонил по телефону, сказали ждать письма.", "I also tried it on another computer, same result.",
]  # fmt: skip


def mails(count: int, *, people: int = 400, seed: int = 7, end: datetime | None = None) -> Iterator[EmailMessage]:
    """`count` mails, the oldest first, ending at `end` (now unless given). A third of them continue a thread."""
    chance = random.Random(seed)
    end = end or datetime.now(UTC)
    threads: list[tuple[str, str, str, str]] = []
    for number in range(count):
        at = end - timedelta(minutes=9 * (count - number) + chance.randint(0, 8))
        if threads and chance.random() < 0.33:
            sender, subject, last, chain = threads[chance.randrange(max(0, len(threads) - 60), len(threads))]
            text, subject = chance.choice(MORE), subject if subject.startswith("Re:") else f"Re: {subject}"
        else:
            name, local = PEOPLE[chance.randrange(len(PEOPLE))]
            who = min(people - 1, int(chance.paretovariate(0.7)))
            sender, chain, last = f"{name} <{local}{who}@example{who % 9}.org>", "", ""
            template, body = SUBJECTS[chance.randrange(len(SUBJECTS))]
            subject, text = template.format(n=40000 + number), body.format(n=40000 + number)
        mail = _mail(number, sender, subject, text, last, chain, at, chance)
        threads.append((sender, subject, mail["Message-ID"], f"{chain} {mail['Message-ID']}".strip()))
        yield mail


def _mail(number: int, sender: str, subject: str, text: str, last: str, chain: str, at: datetime, chance: random.Random) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@localhost", subject
    mail["Message-ID"], mail["Date"] = f"<{number}.{chance.getrandbits(32):x}@mail.example.org>", format_datetime(at)
    if last:
        mail["In-Reply-To"], mail["References"] = last, chain
        text += f"\n\n{at:%d.%m.%Y %H:%M}, Support <support@localhost> wrote:\n> Thank you for your message.\n> We are looking into it."
    mail.set_content(f"{text}\n\n-- \n{sender.split(' <', maxsplit=1)[0]}\n+7 495 {number % 1000:03d}-{number % 100:02d}-17\n")
    if number % 3 == 0:
        mail.add_alternative(
            f"<html><body><p>{text.replace(chr(10), '<br>')}</p><p style='color:#888'>Sent by mail</p></body></html>", subtype="html"
        )
    if number % 17 == 0:
        mail.add_attachment(chance.randbytes(30_000), maintype="application", subtype="pdf", filename=f"счёт-{number}.pdf")
    return mail
