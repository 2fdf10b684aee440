"""Charts of a report: every day of a span, months of a long one, others ranked, the small ones together."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import GUATEMALA
from reports import charting
from reports.asking import question
from reports.catalogue import REPORTS
from reports.document import Chart, Shape
from reports.names import read_names
from reports.presenting import lists_of
from tests.build import make_case


def chart_of(db: Session, key: str, at: int = 0, **typed: str) -> Chart:
    asked = question(REPORTS[key], typed, None, utc_now())
    return charting.charts(db, asked, read_names(db, lists_of(asked.report)), str)[at]


def received(db: Session, *days: str) -> None:
    for day in days:
        make_case(db, created_at=dt.datetime.fromisoformat(f"{day} 09:00").replace(tzinfo=GUATEMALA))


def test_days_without_lines_stand_between_those_with(db: Session, as_user) -> None:
    as_user("admadm")
    received(db, "2026-03-02", "2026-03-02", "2026-03-05")
    chart = chart_of(db, "received", first="2026-03-01", last="2026-03-31")
    assert chart.categories == ("02/03", "03/03", "04/03", "05/03")
    assert [series.values for series in chart.series] == [(2, 0, 0, 1)]


def test_a_long_span_is_drawn_by_months_with_their_year(db: Session, as_user) -> None:
    as_user("admadm")
    received(db, "2025-11-20", "2025-12-01", "2025-12-31", "2026-03-01")
    chart = chart_of(db, "received", first="2025-01-01", last="2026-12-31")
    assert chart.categories == ("11/2025", "12/2025", "01/2026", "02/2026", "03/2026")
    assert [series.values for series in chart.series] == [(1, 2, 0, 0, 1)]


def test_names_come_from_the_largest_to_the_smallest_and_the_last_together(
    db: Session, as_user, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user("admadm")
    monkeypatch.setattr(charting, "BARS_DRAWN", 2)
    numbers = {("GUA", ""): 5, ("PET", ""): 1, ("LAX", "a"): 3, ("LAX", ""): 4, ("ZAC", ""): 2}
    kept, ranked, shown = charting._ranking(numbers, "Otros")
    assert shown == tuple(ranked) == ("LAX", "GUA", "Otros")
    assert kept == {("GUA", ""): 5, ("LAX", "a"): 3, ("LAX", ""): 4, ("Otros", ""): 3}


def test_nothing_is_drawn_of_nothing(db: Session, as_user) -> None:
    as_user("admadm")
    asked = question(REPORTS["rejected"], {}, None, utc_now())
    assert charting.charts(db, asked, {}, str) == ()
    assert REPORTS["rejected"].charts[0].shape is Shape.LYING
