"""Reports as files: what stands in the cells, and that nothing anybody named is ever computed."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime

import pytest

from contact_center.api import exports
from contact_center.model.figures import Tallies, values
from contact_center.model.reports import Asked, By, Report, Row

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def report(*keys: str) -> Report:
    tallies = Tallies(entered=3, answered=2, answered_in_target=1, open=1, wait_seconds=30)
    row = {key: Row(key, tallies, values(tallies)) for key in (*keys, "")}
    return Report(SINCE, UNTIL, [row[key] for key in keys], row[""])


def sheet(body: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


RISKY = ["=1+1", "+7", "-2", "@SUM(A1)", "\t=1", "=HYPERLINK(\"http://x\")", "http://x.example", "42"]  # fmt: skip


@pytest.mark.parametrize("name", RISKY)
def test_a_name_is_text_and_no_formula(name: str) -> None:
    """Whatever a queue is called, its cell holds that text: no formula, no link, no number."""
    body = sheet(exports.as_xlsx(report("1"), Asked(SINCE, UNTIL, By.QUEUE), {"1": name}, "en"))
    cell = re.search(r'<c r="A2"[^>]*>(.*?)</c>', body, re.S)
    assert cell is not None
    assert 't="inlineStr"' in cell[0]
    assert "<f>" not in body and "hyperlink" not in body
    rows = list(csv.reader(io.StringIO(exports.as_csv(report("1"), Asked(SINCE, UNTIL, By.QUEUE), {"1": name}, "en").decode("utf-8-sig"))))
    assert rows[1][0][:1] not in ("=", "+", "-", "@", "\t")


def test_times_are_dates_units_stand_in_headings_and_the_total_has_a_name() -> None:
    """An instant is a date of the asked zone that a spreadsheet can count with; seconds and shares say what they are."""
    asked = Asked(SINCE, UNTIL, By.INTERVAL, (SINCE,), "Europe/Berlin")
    body = sheet(exports.as_xlsx(report(SINCE.isoformat()), asked, {}, "ru"))
    assert '<c r="A2" s="' in body and "<v>46327.0416" in body, "1 November 2026, one in the morning in Berlin"
    assert "Среднее ожидание ответа, с" in body and "Отвечено вовремя, %" in body
    assert ">Всего<" in body
    assert ">15<" in body, "seconds of waiting on average"


def test_csv_and_workbook_hold_the_same_numbers() -> None:
    """Row by row and figure by figure; a share is percent in both, by its format there and by its number here."""
    asked = Asked(SINCE, UNTIL, By.QUEUE)
    found = report("1", "2")
    rows = list(csv.reader(io.StringIO(exports.as_csv(found, asked, {}, "en").decode("utf-8-sig"))))
    body = sheet(exports.as_xlsx(found, asked, {}, "en"))
    said = [list(zip(rows[0], row, strict=True))[1:] for row in rows[1:]]
    numbers = [float(cell) / (100 if heading.endswith(", %") else 1) for row in said for heading, cell in row if cell]
    assert any(heading == "Answered in time, %" and float(cell) > 1 for row in said for heading, cell in row if cell)
    assert [float(value) for value in re.findall(r"<c [^>]*><v>([^<]*)</v>", body)] == pytest.approx(numbers)
