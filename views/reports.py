"""Reports on screen: the list of them, one with its filters, and what asks for its file (modules 16-32)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from models.report_runs import PERIOD_LABELS, Period
from models.text import N_
from reports import charting, presenting, reading, schedules, ties
from reports.asking import ask, horizon
from reports.catalogue import EVERY, report_called
from reports.chart import svg
from reports.declaration import Asked, Column, Report, Shape
from reports.filters import Choice, Days, Exact, Filter, Literal, Month, OnDay, SiteChoice, Span
from reports.making import PICTURES, tie_text, words
from reports.names import Names, read_names
from reports.reading import Page as Lines
from security.actor import Actor
from security.errors import BadValue, DomainError
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from views.report_files import FileView
from views.report_forms import READERS, asked_format, asked_moment, language, refuse_lacking, typed_for
from workflow.thumbnails import kinds_of

WIDGETS: tuple[tuple[type[Filter], str], ...] = (
    (Days, "days"), (Month, "month"), (OnDay, "day"), (Span, "span"), (Exact, "exact"), (Choice, "choice"),
    (Literal, "literal"),
)  # fmt: skip
#: A lying chart of more bars waits closed, or the lines would begin below the screen.
CATEGORIES_OPEN = 12
#: Where the value of a column leads, and the permission that opens it.
LINKS = {
    "case": ("CaseView.show", "number", Permission.READ_CASES),
    "booklet": ("BookletView.show", "number", Permission.READ_BOOKLETS),
    "receipt": ("ReceiptView.show", "number", Permission.READ_STOCK),
    "transfer": ("TransferView.show", "number", Permission.READ_STOCK),
}


@dataclass(frozen=True)
class Field:
    """A filter as a form shows it: which widget, what was typed in each of its fields, its choices."""

    filter: Filter
    widget: str
    typed: tuple[str, ...]
    options: Sequence[tuple[Any, str]] = ()


@dataclass(frozen=True)
class Line:
    """A line on screen: its values and their codes, where each leads, the kinds of its case's pictures."""

    values: tuple[Any, ...]
    codes: tuple[Any, ...]
    links: tuple[str | None, ...]
    case: str | None
    pictures: tuple[str | None, ...]


class ReportView(Page):
    """Any report, by its name."""

    route_base = "/reports"
    default_view = "list"
    group = N_("Reports")
    screen = N_("All reports")

    @expose("/")
    @needs(*READERS)
    def list(self) -> ResponseReturnValue:
        """The reports the actor may see, with what each says."""
        actor = current_actor()
        seen = [report for report in EVERY.values() if actor.may(report.permission)]
        return self.page("reports/list.html", _("All reports"), reports=seen)

    @expose("/<key>/")
    @needs(*READERS)
    def show(self, key: str) -> ResponseReturnValue:
        """A report as its filters say, fifty lines at a time."""
        report, args = report_called(key), request.args
        actor = current_actor().by(report.permission)
        typed = typed_for(report, args)
        refusal: DomainError | None = None
        values: dict[str, Any] = {"asked": None, "lines": None}
        with transaction() as session:
            names = read_names(session, presenting.lists_of(report) | {"site", "user"})
            try:
                asked = ask(report, actor, typed, asked_moment(session, args.get("at", "")))
                if answerable(asked):
                    values["asked"] = asked  # its file can be asked for, whatever becomes of the page
                    with reading.in_time(session):
                        values |= _read(session, asked, actor, names)
            except BadValue as wrong:
                refusal = wrong
        shown = values["asked"].settled if values["asked"] else typed
        page = self.page(
            "reports/show.html", _(report.title), (_(report.title), None), report=report, refusal=refusal,
            fields=[_field(each, shown, names, actor) for each in report.filters], typed=typed,
            spans=spans(report, local_date(utc_now())), periods=periods(report),
            wide=True, **values,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    @expose("/<key>/schedule", methods=["POST"])
    @needs(*READERS)
    def schedule(self, key: str) -> ResponseReturnValue:
        """Have the report made by itself each day, week or month."""
        report, actor = report_called(key), current_actor()
        typed = typed_for(report, request.form)
        with transaction() as session:
            asked = ask(report, actor, typed, horizon(session))
            refuse_lacking(asked)
            schedules.plan(
                session, actor, report=report.key, format=asked_format(request.form.get("format", "")),
                filters=asked.settled, period=_period(report, request.form.get("period", "")), language=language(),
            )  # fmt: skip
        return self.back(_("The report was scheduled: its files will wait among yours."), url=url_for("FileView.list"))


def _period(report: Report, typed: str) -> Period:
    if typed not in dict(periods(report)):
        raise BadValue(N_("%(value)s is not one of the choices."), field="period", value=typed[:10])
    return Period(typed)


def answerable(asked: Asked) -> bool:
    """Whether what must be given was."""
    return all(asked.values[each.name] is not None for each in asked.report.filters if isinstance(each, Exact))


def spans(report: Report, today: dt.date) -> list[tuple[str, str]]:
    """The days that are asked for most, as name and address, for a report of days or of a month."""
    months = [today.replace(day=1), (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)]
    ends = [today, months[0] - dt.timedelta(days=1)]
    named = [(_("This month"), months[0], ends[0]), (_("Last month"), months[1], ends[1])]
    if any(isinstance(each, Days) for each in report.filters):
        yesterday, monday = today - dt.timedelta(days=1), today - dt.timedelta(days=today.weekday())
        named.insert(0, (_("This week"), monday, today))
        named[:0] = [(name, day, day) for name, day in ((_("Today"), today), (_("Yesterday"), yesterday))]
    asked = [(name, of_period(report, first, last)) for name, first, last in named]
    return [(name, url_for("ReportView.show", key=report.key, **days)) for name, days in asked if days]


def of_period(report: Report, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Those days as the report's filters; none for a report of a moment or of one thing."""
    days = (each for each in report.filters if not isinstance(each, OnDay))
    return {name: typed for each in days for name, typed in each.of_period(first, last).items()}


def periods(report: Report) -> list[tuple[str, str]]:
    """How often it can be made by itself; never when it is not of days, which a schedule puts in."""
    of_days = any(isinstance(each, Days | Month | OnDay) for each in report.filters)
    return [(str(period), _(label)) for period, label in PERIOD_LABELS.items()] if of_days else []


def _read(session: Session, asked: Asked, actor: Actor, names: Names) -> dict[str, Any]:
    """What the page shows of a question; the look is logged."""
    report, args = asked.report, request.args
    lines = reading.page(
        session, asked, after=args.get("after", "")[:200], sort=args.get("sort", "")[:20], descending="down" in args
    )
    presenter = presenting.Presenter(report, names, _)
    shown = [presenter.shown([getattr(row, column.key) for column in report.columns]) for row in lines.rows]
    cases = [str(row.case) for row in lines.rows if getattr(row, "case", None)] if report.personal else []
    pictured = report.pictures and actor.covers(Permission.SEE_IMAGES, asked.held_to)
    kinds = kinds_of(session, cases) if pictured else {}
    if report.personal:
        log_look(session, actor, f"report:{report.key}", None, filters=asked.settled, cases=cases)
    drawn = () if lines.counted.capped else charting.charts(session, asked, names, _)
    tied, said = ties.tied(session, asked, lines.counted), words(_, language())
    return {
        "lines": lines,
        "rows": [_line(report, row, values, kinds, actor) for row, values in zip(lines.rows, shown, strict=True)],
        "pictures": [_(title) for title in PICTURES] if pictured else [],
        "charts": [(chart.title, Markup(svg(chart, words=said))) for chart in drawn],  # noqa: S704 -- its texts are escaped
        "charts_open": all(
            len(chart.categories) <= CATEGORIES_OPEN or chart.shape is not Shape.LYING for chart in drawn
        ),
        "tied": tied,
        "tie_text": tie_text(tied, _) if tied else "",
        "cap": reading.COUNT_CAP,
        **_links(asked, lines),
    }


def _line(report: Report, row: Any, values: tuple[Any, ...], kinds: Mapping[str, Any], actor: Actor) -> Line:
    case = getattr(row, "case", None)
    links = tuple(_link(column, getattr(row, column.key), actor) for column in report.columns)
    return Line(
        values, tuple(getattr(row, column.key) for column in report.columns), links, case, kinds.get(str(case), ())
    )


def _link(column: Column, value: Any, actor: Actor) -> str | None:
    endpoint, name, permission = LINKS.get(column.opens, ("", "", None))
    if value is None or permission is None or not actor.may(permission):
        return None
    values: dict[str, Any] = {name: value}
    return url_for(endpoint, **values)


def _links(asked: Asked, lines: Lines) -> dict[str, Any]:
    """The addresses of the next page and of each order, all of the same moment."""
    key, at = asked.report.key, asked.as_of.isoformat()
    base = {**asked.settled, "at": at}
    order = {"sort": lines.sort, "down": "1"} if lines.descending else {"sort": lines.sort}
    ordered = {name: value for name, value in order.items() if value}

    def url(**more: str) -> str:
        values: dict[str, Any] = {**base, **more}
        return url_for("ReportView.show", key=key, **values)

    def sort_url(column: Column) -> str | None:
        if lines.counted.capped or not reading.sortable(column):
            return None
        down = {"down": "1"} if lines.sort == column.key and not lines.descending else {}
        return url(sort=column.key, **down)

    return {
        "first_url": url(**ordered) if request.args.get("after") else None,
        "next_url": url(**ordered, after=lines.following) if lines.following else None,
        "sort_urls": [sort_url(column) for column in asked.report.columns],
    }


def _field(each: Filter, typed: Mapping[str, str], names: Names, actor: Actor) -> Field:
    widget = next(name for kind, name in WIDGETS if isinstance(each, kind))
    options: list[tuple[Any, str]] = []
    if isinstance(each, Choice):
        options = [(code, name) for code, name in names.get(each.names, {}).items()]
        options += [(code, _(label)) for code, label in each.labels.items()]
    if isinstance(each, SiteChoice) and actor.sites is not None:
        options = [(code, name) for code, name in options if code in actor.sites]
    return Field(each, widget, tuple(typed.get(name, "") for name in each.fields), options)


VIEWS = (ReportView, FileView)
