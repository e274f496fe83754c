"""What people wrote, apart from what they quoted: replies as the common mail programs make them, in Russian and English."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center.channels.email.quoting import fold

ANSWER = "Спасибо, всё получилось!"
QUESTION = "Проверьте, пожалуйста, ещё раз."
OUTLOOK_RU = "From: Поддержка <support@example.com>\nSent: Monday, November 2, 2026 12:00 PM\nTo: Иван\nSubject: RE: Заказ"
REPLIES = {
    "gmail-ru": f"{ANSWER}\n\nпн, 2 нояб. 2026 г. в 12:00, Поддержка <support@example.com>:\n\n> {QUESTION}\n",
    "gmail-ru-wrapped": f"{ANSWER}\n\nпн, 2 нояб. 2026 г. в 12:00, Служба поддержки магазина\n<support@example.com>:\n\n> {QUESTION}\n",
    "gmail-ru-wrote": f"{ANSWER}\n\n2 ноября 2026 г., 12:00 пользователь Поддержка <support@example.com> написал:\n\n> {QUESTION}\n",
    "yandex": f"{ANSWER}\n\n02.11.2026, 12:00, \"Поддержка\" <support@example.com>:\n> {QUESTION}\n",
    "yandex-date": f"{ANSWER}\n\n \n2 ноября 2026, 12:00, Поддержка <support@example.com>:\n> {QUESTION}\n",
    "mail.ru": f"{ANSWER}\n\n>Понедельник, 2 ноября 2026, 12:00 +03:00 от Поддержка <support@example.com>:\n>{QUESTION}\n",
    "mail.ru-top": f"{ANSWER}\n\nПонедельник, 2 ноября 2026, 12:00 +03:00 от Поддержка <support@example.com>:\n>\n>{QUESTION}\n",
    "outlook-ru": f"{ANSWER}\n\nОт: Поддержка <support@example.com>\nОтправлено: 2 ноября 2026 г.\nКому: Иван\nТема: RE\n\n{QUESTION}\n",
    "outlook-en-in-ru": f"{ANSWER}\n\n{OUTLOOK_RU}\n\n{QUESTION}\n",
    "outlook-rule": f"{ANSWER}\n\n________________________________\n{OUTLOOK_RU}\n\n{QUESTION}\n",
    "outlook-express-ru": f"{ANSWER}\n\n-----Исходное сообщение-----\nFrom: Поддержка\nSent: 2 ноября\nTo: Иван\n\n{QUESTION}\n",
    "thunderbird-ru": f"{ANSWER}\n\n02.11.2026 12:00, Поддержка пишет:\n> {QUESTION}\n",
    "the-bat": f"{ANSWER}\n\nВы писали 2 ноября 2026 г., 12:00:\n\n> {QUESTION}\n",
    "iphone-ru": f"{ANSWER}\n\nОтправлено с iPhone\n\n> 2 нояб. 2026 г., в 12:00, Мы <support@example.com> написал(а):\n> \n> {QUESTION}\n",
    "samsung-ru": f"{ANSWER}\n\nОтправлено с моего Galaxy\n\n--- Исходное сообщение ---\nОт: Мы\nДата: 02.11\nКому: Иван\n\n{QUESTION}\n",
    "signature-ru": f"{ANSWER}\n\n-- \nС уважением,\nИван Петров\n",
    "gmail-en": f"{ANSWER}\n\nOn Mon, Nov 2, 2026 at 12:00 PM Support <support@example.com> wrote:\n\n> {QUESTION}\n",
    "gmail-en-wrapped": f"{ANSWER}\n\nOn Mon, Nov 2, 2026 at 12:00 PM A Long Name <\nsupport@example.com> wrote:\n\n> {QUESTION}\n",
    "thunderbird-en": f"{ANSWER}\n\nOn 11/2/26 12:00, Support wrote:\n> {QUESTION}\n",
    "apple-mail": f"{ANSWER}\n\n> On 2 Nov 2026, at 12:00, Support <support@example.com> wrote:\n> \n> {QUESTION}\n",
    "iphone-en": f"{ANSWER}\n\nSent from my iPhone\n\n> On Nov 2, 2026, at 12:00, Support <support@example.com> wrote:\n> \n> {QUESTION}\n",
    "outlook-en": f"{ANSWER}\n\n-----Original Message-----\nFrom: Support\nSent: Monday\nTo: Ivan\nSubject: Order\n\n{QUESTION}\n",
}  # fmt: skip


@pytest.mark.parametrize("program", REPLIES)
def test_replies_of_common_programs(program: str) -> None:
    """Of a reply exactly the answer is visible; quote, attribution and signature are folded, not lost."""
    text = REPLIES[program]
    found = fold(text)
    assert found.visible.split() == ANSWER.split()
    assert sorted((found.visible + "\n" + found.folded).split()) == sorted(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "> Куда доставить?\n\nНа Ленина, 5.\n\n> Когда?\n\nЗавтра утром.",
        "On 2 Nov 2026, Support wrote:\n> Where to?\n\nLenin street 5.\n\n> When?\n\nTomorrow.",
    ],
    ids=["ru", "en"],
)
def test_answers_between_quotes_stay(text: str) -> None:
    """Answers written between quoted lines stay visible with the quotes that they answer."""
    visible = fold(text).visible
    assert ("Завтра утром." in visible and "> Когда?" in visible) or ("Tomorrow." in visible and "> When?" in visible)


@pytest.mark.parametrize(
    "text",
    [
        "Отправлено вчера, а посылки нет.",
        "От: дома до работы\nя не доехал.",
        "В 2026 году я написал:\nвсё хорошо.\nИ ещё раз.",
        "Список:\n-- первое\n-- второе",
        "From: Moscow to Tver it takes two hours.\nWill you manage?",
        "On Monday I wrote to you twice.\nNobody answered.",
        "Цена > 100 рублей?",
    ],
    ids=range(7),
)
def test_ordinary_words_are_not_folded(text: str) -> None:
    """Words that only resemble an attribution or a header block stay visible."""
    assert fold(text).visible.split() == text.split()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"\n".join(REPLIES.values()).split("\n"), "", "> x", ">", "-- ", "____", "From: a", "To: b", "\r", "\x85"]),
        max_size=25,
    )
)
def test_no_word_is_lost(lines: list[str]) -> None:
    """Visible and folded together hold every word of the text, however its lines are mixed."""
    text = "\n".join(lines)
    found = fold(text)
    assert sorted((found.visible + "\n" + found.folded).split()) == sorted(text.split())


HOSTILE: dict[str, Callable[[int], str]] = {
    "attributions": lambda n: "a\n" + "On 2 Nov 2026 x@y.z\n" * n,
    "wrote": lambda n: "a\n" + "On 2026 a@b wrote:\n\n" * n,
    "headers": lambda n: "a\n" + "From: a\nTo: b\n" * n,
    "rules": lambda n: "a\n" + "_____\n\n\n" * n,
    "one-line": lambda n: "On " + "2026 a@b " * n,
    "dashes": lambda n: "-" * n * 10,
    "blank": lambda n: "a\n_____" + "\n" * n * 10,
    "attributions-blank": lambda n: "a\n" + "On 2026 a@b wrote:\n" + "\n" * n + "On 2026 a@b wrote:\n" * n,
    "rules-then-blank": lambda n: "a\n" + "_____\n" * n + "\n" * n,
    "quotes": lambda n: "> a\nb\n" * n,
    "spaces": lambda n: ("a" + " " * 300 + "\n") * (n // 50),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_text(name: str) -> None:
    """Four times the text takes about four times as long, whatever stands in it."""

    def cost(size: int) -> float:
        text = HOSTILE[name](size)
        best = 1e9
        for _ in range(3):
            started = time.process_time()
            fold(text)
            best = min(best, time.process_time() - started)
        return best

    assert cost(16_000) < 10 * cost(4_000) + 0.02
