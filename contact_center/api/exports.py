"""A report as a file for spreadsheets: the same figures, unrounded. What somebody named is text there, and never a formula."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contact_center.model.figures import FIGURES, Figure, Unit
from contact_center.model.reports import CALL, Asked, By, Report, Row

Names = dict[str, str]
"""What rows are called, by key."""
_UNITS = {Unit.SECONDS: {"en": "s", "ru": "с"}, Unit.SHARE: {"en": "%", "ru": "%"}}
_HEADINGS = {
    By.QUEUE: ("Queue", "Очередь"),
    By.AGENT: ("Colleague", "Сотрудник"),
    By.CHANNEL: ("Channel", "Канал"),
    By.REASON: ("Reason", "Причина"),
    By.POLICY: ("Policy", "Обещание (SLA)"),
    By.INTERVAL: ("Beginning", "Начало"),
    By.HOUR: ("Hour of the week", "Час недели"),
}
_DAYS = (("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), ("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"))
_NONE = {By.AGENT: ("Nobody", "Никто"), By.REASON: ("None", "Не указана"), By.POLICY: ("None", "Нет")}
_TOTAL = ("Total", "Всего")
_CALLS = ("Calls", "Звонки")
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def as_csv(report: Report, asked: Asked, names: Names, language: str) -> bytes:
    """Comma-separated, with a mark that tells spreadsheets its encoding."""
    text = io.StringIO()
    writer = csv.writer(text)
    figures = _figures(report)
    writer.writerow([_heading(asked, language), *(_title(figure, language) for figure in figures)])
    for name, row in _rows(report, asked, names, language):
        said = name.isoformat() if isinstance(name, datetime) else _safe(name)
        writer.writerow([said, *(_plain(figure, value) for figure, value in zip(figures, _values(figures, row), strict=True))])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(report: Report, asked: Asked, names: Names, language: str) -> bytes:
    """A workbook with one sheet; written row by row, so that no more than one is held."""
    import xlsxwriter  # only who wants a workbook pays for it

    buffer = io.BytesIO()
    # Nothing is guessed from a text: what begins like a formula, a number or an address stays what was written.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("Отчёт" if language == "ru" else "Report")
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        formats = {
            Unit.COUNT: book.add_format({"num_format": "#,##0"}),
            Unit.SECONDS: book.add_format({"num_format": "#,##0"}),
            Unit.SHARE: book.add_format({"num_format": "0.0%"}),
            Unit.SCORE: book.add_format({"num_format": "0.0"}),
        }
        instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        figures = _figures(report)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, len(figures), 14)
        sheet.freeze_panes(1, 1)
        for column, title in enumerate([_heading(asked, language), *(_title(figure, language) for figure in figures)]):
            sheet.write_string(0, column, title, bold)
        for line, (name, row) in enumerate(_rows(report, asked, names, language), 1):
            if isinstance(name, datetime):
                sheet.write_datetime(line, 0, name.astimezone(ZoneInfo(asked.timezone)).replace(tzinfo=None), instant)
            else:
                sheet.write_string(line, 0, name, None if row.key else bold)
            for column, (figure, value) in enumerate(zip(figures, _values(figures, row), strict=True), 1):
                if value is not None:
                    sheet.write_number(line, column, value, formats[figure.unit])
    return buffer.getvalue()


def _plain(figure: Figure, value: float | None) -> float | str:
    """A bare number has no format of its own: under "%" stand percent, and not shares."""
    if value is None:
        return ""
    return round(value * 100, 10) if figure.unit is Unit.SHARE else value


KINDS: dict[str, tuple[str, Callable[[Report, Asked, Names, str], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
}


def _figures(report: Report) -> list[Figure]:
    return [figure for figure in FIGURES if figure.id in report.total.figures]


def _heading(asked: Asked, language: str) -> str:
    heading = _HEADINGS[asked.by][language == "ru"]
    return f"{heading} ({asked.timezone})" if asked.by in (By.INTERVAL, By.HOUR) else heading


def _title(figure: Figure, language: str) -> str:
    unit = _UNITS.get(figure.unit, {}).get(language, "")
    words = figure.ru if language == "ru" else figure.en
    return f"{words}, {unit}" if unit else words


def _rows(report: Report, asked: Asked, names: Names, language: str) -> Iterator[tuple[str | datetime, Row]]:
    for row in report.rows:
        yield _name(row.key, asked, names, language), row
    yield _TOTAL[language == "ru"], report.total


def _name(key: str, asked: Asked, names: Names, language: str) -> str | datetime:
    russian = language == "ru"
    if asked.by is By.INTERVAL:
        return datetime.fromisoformat(key)
    if asked.by is By.HOUR:
        day, hour = key.split("-")
        return f"{_DAYS[russian][int(day)]} {int(hour):02}:00"
    if key == CALL:
        return _CALLS[russian]
    return _NONE[asked.by][russian] if key == "0" and asked.by in _NONE else names.get(key, key)


def _values(figures: list[Figure], row: Row) -> list[Any]:
    found = [(figure, row.figures[figure.id]) for figure in figures]
    return [int(value) if figure.unit is Unit.COUNT and value is not None else value for figure, value in found]


def _safe(name: str) -> str:
    """A name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name[:1] in _RISKY else name
