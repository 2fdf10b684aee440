"""Makes the file of a run: one snapshot of the database, every line, its totals, drawings and hash.

The hash is over what was read, not over the file: codes instead of names, no words of a language. The same question of
the same moment gives the same hash in a workbook, in a PDF and years later.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session

from models.base import SessionLocal
from models.report_runs import ReportRun, RunFormat
from models.text import N_
from models.users import User
from reports import charting, pdf, presenting, reading, ties, xlsx
from reports.asking import READING, question
from reports.catalogue import report_called
from reports.declaration import Asked
from reports.document import Document, Fact, Heading, Value, Words
from reports.names import Names, read_names
from reports.presenting import Presenter, Translate, moment_text
from reports.reading import Counted
from reports.runs import Made, number_of
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed
from security.looks import log_look
from security.permissions import Permission
from security.scope import acting_as

#: JPEG thumbnails of the cases of those numbers: portrait, signature, a fingerprint; None where there is none.
Thumbnails = Callable[[Session, Sequence[str]], list[tuple[bytes | None, ...]]]
PICTURES = (N_("Portrait"), N_("Signature"), N_("Fingerprint"))
#: Lines read between two notes of how far a run is.
_NOTED_EVERY = 1000


@dataclass(frozen=True)
class Limits:
    """The most lines of a PDF, and of one with pictures: beyond, nobody leafs through it, and a workbook serves."""

    pdf: int = 20_000
    pictures: int = 300


@dataclass(frozen=True)
class Press:
    """What making a file needs besides the run. `language` gives the words of a language by its code."""

    bind: Engine | Connection
    language: Callable[[str], Translate]
    thumbnails: Thumbnails
    limits: Limits = Limits()


def make(press: Press, run: ReportRun, target: BinaryIO, on_progress: Callable[[int, int | None], None]) -> Made:
    """Write the file of `run` into `target`. Whoever asked for it must still be allowed to.

    Raises `NotAllowed`, and `BadValue` for more lines than a PDF may have.
    """
    translate = press.language(run.language)
    with _snapshot(press.bind) as session:
        actor = load_actor(session, user_id=run.requested_by_id)
        report = report_called(run.report)
        _refuse(actor, run, report.permission)
        assert actor is not None
        with acting_as(actor):
            asked = question(report, run.filters, None if run.sites is None else tuple(run.sites), run.as_of)
            counted = reading.count(session, asked)
            on_progress(0, counted.lines)
            job = _Job(session, asked, counted, run, actor, translate, press)
            document = job.document(on_progress)
            (xlsx if run.format == RunFormat.XLSX else pdf).write(document, target)
    if report.personal:
        _log(press.bind, actor, run, counted)
    return Made(counted.lines, job.digest(), f"{report.key}-{number_of(run)}.{run.format}")


def _refuse(actor: Actor | None, run: ReportRun, permission: Permission) -> None:
    if actor is None or not actor.active or not actor.may(permission):
        raise NotAllowed()
    if not actor.covers(permission, run.sites):
        raise NotAllowed()


@contextmanager
def _snapshot(bind: Engine | Connection) -> Iterator[Session]:
    """A session in which the database stands still; it only reads."""
    if isinstance(bind, Engine):
        bind = bind.execution_options(isolation_level="REPEATABLE READ")
    with SessionLocal(bind=bind) as session:
        session.execute(text(f"set local application_name = '{READING}'"))
        yield session
        session.rollback()


def _log(bind: Engine | Connection, actor: Actor, run: ReportRun, counted: Counted) -> None:
    """Write down that people's data went into a file: which, whose filters, how many lines."""
    with SessionLocal(bind=bind) as session:
        detail: dict[str, Any] = {"run": number_of(run), "lines": counted.lines, "filters": dict(run.filters)}
        log_look(session, actor, f"report:{run.report}", None, format=run.format, **detail)
        session.commit()


class _Job:
    """One file being made."""

    def __init__(
        self, session: Session, asked: Asked, counted: Counted, run: ReportRun, actor: Actor, translate: Translate,
        press: Press,
    ) -> None:  # fmt: skip
        self.session, self.asked, self.counted, self.run, self.actor = session, asked, counted, run, actor
        self.translate, self.press = translate, press
        self.names: Names = read_names(session, presenting.lists_of(asked.report) | {"site", "user"})
        self.presenter = Presenter(asked.report, self.names, translate)
        self._hash = hashlib.sha256(_question_bytes(asked))

    def digest(self) -> str:
        """The hash of the question and of all lines that were read."""
        return self._hash.hexdigest()

    def document(self, on_progress: Callable[[int, int | None], None]) -> Document:
        """The report as what is written to a file."""
        report, translate = self.asked.report, self.translate
        pictured = self._pictured()
        rows: Iterator[tuple[Value, ...]] = self._rows(on_progress)
        pictures = None
        if pictured:
            kept = list(self._raw(on_progress))
            at = [column.key for column in report.columns].index("case")
            thumbnails = self._thumbnails([line[at] for line in kept])
            rows, pictures = (self.presenter.shown(line) for line in kept), thumbnails.__getitem__
        return Document(
            title=translate(report.title),
            number=number_of(self.run),
            office=translate(N_("Guatemalan Migration Institute · Passports")),
            facts=self._facts(),
            notes=self._notes(pictured=pictured),
            columns=tuple(self._heading(column.key) for column in report.columns),
            rows=rows,
            count=self.counted.lines,
            charts=charting.charts(self.session, self.asked, self.names, translate),
            closing=lambda: ((translate(N_("SHA-256 of the data")), self.digest()),),
            picture_titles=tuple(map(translate, PICTURES)) if pictured else (),
            pictures=pictures,
            words=words(translate, self.run.language),
        )

    def _pictured(self) -> bool:
        """Whether the file shows pictures; refuses what is too long for a PDF."""
        if self.run.format != RunFormat.PDF:
            return False
        limits, lines = self.press.limits, self.counted.lines
        if lines > limits.pdf:
            raise BadValue(
                N_("A PDF has at most %(most)s lines, this one would have %(lines)s: take the workbook."),
                most=limits.pdf,
                lines=lines,
            )
        return self._sees_pictures() and lines <= limits.pictures

    def _sees_pictures(self) -> bool:
        return self.asked.report.pictures and self.actor.covers(Permission.SEE_IMAGES, self.asked.held_to)

    def _raw(self, on_progress: Callable[[int, int | None], None]) -> Iterator[tuple[Any, ...]]:
        pick = self.presenter.picker(self.asked.report.lines(self.asked).selected_columns.keys())
        update, total = self._hash.update, self.counted.lines
        for place, row in enumerate(reading.every_line(self.session, self.asked), 1):
            line = pick(row)
            update("\x1f".join(["\x00" if value is None else str(value) for value in line]).encode() + b"\x1e")
            if place % _NOTED_EVERY == 0:
                on_progress(place, total)
            yield line

    def _rows(self, on_progress: Callable[[int, int | None], None]) -> Iterator[tuple[Value, ...]]:
        return map(self.presenter.shown, self._raw(on_progress))

    def _thumbnails(self, numbers: Sequence[str]) -> list[tuple[bytes | None, ...]]:
        """Those that are made now are kept, which the snapshot could not."""
        with SessionLocal(bind=self.press.bind) as session:
            found = self.press.thumbnails(session, numbers)
            session.commit()
        return found

    def _heading(self, key: str) -> Heading:
        column = self.asked.report.column(key)
        return Heading(self.translate(column.label), column.kind, column.width, self.counted.totals.get(key))

    def _facts(self) -> list[Fact]:
        translate, run = self.translate, self.run
        who = self.session.get(User, run.requested_by_id)
        facts = presenting.filter_facts(self.asked, self.names, translate)
        facts += [
            (translate(N_("Data as of")), moment_text(run.as_of)),
            (translate(N_("Asked for by")), f"{who.username} · {who.first_name} {who.last_name}" if who else ""),
            (translate(N_("Asked for at")), moment_text(run.requested_at)),
        ]
        if run.repeats_id:
            facts.append((translate(N_("Made again from")), f"R{run.repeats_id:08d}"))
        return facts

    def _notes(self, *, pictured: bool) -> list[str]:
        notes, most = [self.translate(self.asked.report.about)], self.press.limits.pictures
        if self.asked.report.pictures and self.run.format == RunFormat.PDF and not pictured:
            without = N_("Without pictures: a PDF shows them for at most %(most)s lines, to who may see them.")
            notes.append(self.translate(without) % {"most": f"{most:,}"})
        tied = ties.tied(self.session, self.asked, self.counted)
        if tied is not None:
            notes.append(tie_text(tied, self.translate))
        return notes


def tie_text(tied: ties.Tied, translate: Translate) -> str:
    """What the comparison with the ledger says, in a sentence."""
    if tied.holds:
        return translate(N_("It agrees with the ledger of booklets: %(ledger)s.")) % {"ledger": f"{tied.ledger:,}"}
    return translate(N_("IT DOES NOT AGREE with the ledger of booklets: %(said)s here, %(ledger)s there.")) % {
        "said": f"{tied.said:,}",
        "ledger": f"{tied.ledger:,}",
    }


def words(translate: Translate, language: str) -> Words:
    """The words that renderers add."""
    return Words(
        yes=translate(N_("Yes")),
        no=translate(N_("No")),
        total=translate(N_("Total")),
        lines=translate(N_("Lines of the report")),
        nothing=translate(N_("No data")),
        page=translate(N_("Page %(page)s of %(pages)s")),
        about_sheet=translate(N_("Report title")),
        data_sheet=translate(N_("Data")),
        chart_sheet=translate(N_("Chart")),
        language="es-GT" if language == "es" else language,
    )


def _question_bytes(asked: Asked) -> bytes:
    question = [asked.report.key, asked.settled, asked.as_of.isoformat(), asked.sites]
    return json.dumps(question, sort_keys=True).encode() + b"\x1e"
