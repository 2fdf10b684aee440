"""Everything that the pages of one case show, read in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from models.cases import CaseEvent, CasePicture, PassportCase
from models.catalogs import Site
from models.clock import local_date
from models.enrolments import FormerCase
from models.services import OUTCOME_LABELS, SERVICE_LABELS, WAIT_LABELS, Service, ServiceCall
from security.actor import Actor
from security.permissions import Permission
from workflow import changes, comparing, enquiries, queues
from workflow.changes import Change
from workflow.enquiries import BookletLine
from workflow.labels import Labels, read_labels, usernames
from workflow.machine import Transition, available
from workflow.outside import consulting, waiting
from workflow.persons import PartialDate
from workflow.requests import RequestRow, waiting_row
from workflow.watch_lists.hits import GRADE_LABELS

#: The order in which pictures are shown; other fingers follow.
FIRST_PICTURES = ("PORTRAIT", "SIGNATURE", "RIGHT_INDEX", "LEFT_INDEX")


@dataclass(frozen=True)
class CaseFile:
    """A case with what belongs to it. `pictures` is empty for who may not see them."""

    case: PassportCase
    site: Site
    labels: Labels
    users: dict[int, str]
    age: int
    pictures: list[CasePicture]
    acts: list[Transition]
    held: bool
    mine: bool
    events: list[CaseEvent] = field(default_factory=list)
    booklets: list[BookletLine] = field(default_factory=list)
    relatives: list[PassportCase] = field(default_factory=list)
    former: list[FormerCase] = field(default_factory=list)
    earlier: list[PassportCase] = field(default_factory=list)
    waiting: RequestRow | None = None
    calls: list[ServiceCall] = field(default_factory=list)
    waits: list[Service] = field(default_factory=list)
    sees_lists: bool = False

    #: Message ids of what findings and calls of outside services say.
    grades, services, outcomes, wait_labels = GRADE_LABELS, SERVICE_LABELS, OUTCOME_LABELS, WAIT_LABELS

    @property
    def seen(self) -> int:
        """The number of the last event shown; the page's forms carry it."""
        return self.events[-1].id if self.events else 0

    @property
    def holder(self) -> str | None:
        """The user name of who has taken the case, while that lasts."""
        return self.users.get(self.case.held_by_id or 0, "?") if self.held else None

    @property
    def parents(self) -> list[PassportCase]:
        return [case for case in self.relatives if case.id == self.case.parent_id]

    @property
    def children(self) -> list[PassportCase]:
        return [case for case in self.relatives if case.parent_id == self.case.id]

    def changes(self, event: CaseEvent) -> list[Change]:
        """What a correction noted in `event` changed."""
        return changes.in_words(self.labels, event.data.get("before") or {}, event.data.get("after") or {})

    def compared(self, field: str, value: str | None) -> str | None:
        """A compared datum in words where it is a code."""
        table = comparing.CODED.get(field)
        return self.labels.name(table, value) if table else value


def read_applicant(session: Session, number: str, actor: Actor) -> CaseFile:
    """The applicant's data and pictures alone (the magnifier); the look is logged."""
    case = enquiries.case_by_number(session, number, actor, "applicant")
    return _file(session, case, actor)


def read_file(session: Session, number: str, actor: Actor, screen: str) -> CaseFile:
    """The case with all that belongs to it; the look is logged."""
    case = enquiries.case_by_number(session, number, actor, screen)
    found = _file(
        session, case, actor, events=enquiries.events(session, case), booklets=enquiries.booklets(session, case),
        relatives=enquiries.relatives(session, case), former=enquiries.former_passports(session, case),
        earlier=enquiries.earlier_cases(session, case), calls=consulting.calls_of(session, case.id),
        waits=waiting.waits_of(session, [case.id] if case.state in waiting.DECIDABLE else []).get(case.id, []),
    )  # fmt: skip
    return replace(found, waiting=waiting_row(session, case))


def _file(
    session: Session,
    case: PassportCase,
    actor: Actor,
    *,
    events: Iterable[CaseEvent] = (),
    booklets: Iterable[BookletLine] = (),
    relatives: Iterable[PassportCase] = (),
    former: Iterable[FormerCase] = (),
    earlier: Iterable[PassportCase] = (),
    calls: Iterable[ServiceCall] = (),
    waits: Iterable[Service] = (),
) -> CaseFile:
    events, booklets, former, earlier = list(events), list(booklets), list(former), list(earlier)
    held = queues.is_held(case)
    pictures = enquiries.pictures(session, case) if enquiries.sees_images(actor, case) else []
    return CaseFile(
        case=case,
        site=session.get_one(Site, case.site_code),
        labels=_labels(session, case, events, booklets, former, earlier),
        users=usernames(session, _people(case, booklets)),
        age=PartialDate.parse(case.birth_date).age_on(local_date(case.enrolled_at)),
        pictures=sorted(pictures, key=_order),
        acts=available(case, actor),
        held=held,
        mine=held and case.held_by_id == actor.user_id,
        events=events,
        booklets=booklets,
        relatives=list(relatives),
        former=former,
        earlier=earlier,
        calls=list(calls),
        waits=list(waits),
        sees_lists=actor.may(Permission.READ_WATCH_LISTS),
    )


def _order(picture: CasePicture) -> tuple[int, str]:
    known = picture.kind in FIRST_PICTURES
    return (FIRST_PICTURES.index(picture.kind) if known else len(FIRST_PICTURES), picture.kind)


def _people(case: PassportCase, booklets: list[BookletLine]) -> Iterator[int | None]:
    yield case.held_by_id
    yield from (finding.resolved_by_id for finding in case.findings)
    yield from (line.created_by_id for line in booklets)


def _labels(
    session: Session,
    case: PassportCase,
    events: list[CaseEvent],
    booklets: list[BookletLine],
    former: list[FormerCase],
    earlier: list[PassportCase],
) -> Labels:
    codes: dict[str, set[str | None]] = defaultdict(set)
    for table, code in (*_coded_data(case, events), *_coded_records(events, booklets, former)):
        codes[table].add(code)
    return read_labels(session, [case, case.applicant, *case.requirements, *earlier], **codes)


def _coded_data(case: PassportCase, events: list[CaseEvent]) -> Iterator[tuple[str, str | None]]:
    """Table and code of what the address, findings and corrections hold."""
    yield from ((table, case.applicant.address.get(table)) for table in ("country", "department", "municipality"))
    for finding in case.findings:
        for line in comparing.of_finding(finding):
            if line.field in comparing.CODED:
                yield from ((comparing.CODED[line.field], code) for code in (line.captured, line.known))
    for event in events:
        for side in ("before", "after"):
            yield from changes.codes(event.data.get(side) or {})


def _coded_records(
    events: list[CaseEvent], booklets: list[BookletLine], former: list[FormerCase]
) -> Iterator[tuple[str, str | None]]:
    """Table and code of what log, booklets and former passports hold."""
    yield from (("void_type", line.void_type) for line in booklets)
    for event in events:
        yield from ((table, event.reason_code) for table in ("decision_reason", "void_type"))
        yield "decision_reason", event.data.get("reason")
    for record in former:
        yield "passport_type", record.passport_type_code
        yield "sex", record.sex_code
        yield "site", record.site_code
        yield "identification_type", record.identification_type_code
