"""Everything that the pages of one case show, read in a fixed number of statements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from models.base import AnyRow
from models.cases import PassportCase
from models.clock import local_date
from models.services import OUTCOME_LABELS, SERVICE_LABELS, WAIT_LABELS, Service
from security.actor import Actor
from security.permissions import Permission
from workflow import changes, comparing, enquiries, labels, queues, whole_case
from workflow.changes import Change
from workflow.enquiries import BookletLine
from workflow.labels import Labels
from workflow.machine import Transition, available
from workflow.outside import consulting
from workflow.persons import PartialDate
from workflow.stages import Stage, stages
from workflow.standing import Standing, next_moves, profiles, standing
from workflow.watch_lists.hits import GRADE_LABELS
from workflow.whole_case import Pending, Whole

#: The order in which pictures are shown; other fingers follow.
FIRST_PICTURES = ("PORTRAIT", "SIGNATURE", "RIGHT_INDEX", "LEFT_INDEX")


@dataclass(frozen=True)
class CaseFile:
    """A case with what belongs to it. `pictures` is empty for who may not see them."""

    case: PassportCase
    only_dealt: bool
    requirements: Sequence[AnyRow]
    labels: Labels
    age: int
    pictures: list[AnyRow]
    acts: list[Transition]
    held: bool
    mine: bool
    events: list[AnyRow] = field(default_factory=list)
    booklets: list[BookletLine] = field(default_factory=list)
    lineage: list[AnyRow] = field(default_factory=list)
    former: list[AnyRow] = field(default_factory=list)
    earlier: list[AnyRow] = field(default_factory=list)
    waiting: Pending | None = None
    calls: list[AnyRow] = field(default_factory=list)
    waits: list[Service] = field(default_factory=list)
    sees_lists: bool = False
    sees_former: bool = False
    standing: Standing = field(default_factory=lambda: Standing([], []))

    #: Message ids of what findings and calls of outside services say.
    grades, services, outcomes, wait_labels = GRADE_LABELS, SERVICE_LABELS, OUTCOME_LABELS, WAIT_LABELS

    @property
    def seen(self) -> int:
        """The number of the last event shown; the page's forms carry it."""
        return self.events[-1].id if self.events else 0

    @property
    def holder(self) -> str | None:
        """The user name of who has taken the case, while that lasts."""
        return self.labels.user(self.case.held_by_id) if self.held else None

    @property
    def stages(self) -> list[Stage]:
        """The states that the case was in, one after the other."""
        return stages(self.events)

    def changes(self, event: AnyRow) -> list[Change]:
        """What a correction noted in `event` changed."""
        return changes.in_words(self.labels, event.data.get("before") or {}, event.data.get("after") or {})

    def compared(self, field: str, value: str | None) -> str | None:
        """A compared datum in words where it is a code."""
        table = comparing.CODED.get(field)
        return self.labels.name(table, value) if table else value


def read_applicant(session: Session, number: str, actor: Actor) -> CaseFile:
    """The applicant's data and pictures alone (the magnifier); the look is logged."""
    return _file(session, whole_case.read(session, number, actor, "applicant"), actor)


def read_file(session: Session, number: str, actor: Actor, screen: str) -> CaseFile:
    """The case with all that belongs to it; the look is logged."""
    whole = whole_case.read(session, number, actor, screen)
    case, kin = whole.case, whole_case.kin(session, whole.case)
    return _file(
        session, whole, actor, events=enquiries.events(session, case), booklets=enquiries.booklets(session, case),
        lineage=kin.lineage, earlier=kin.earlier, former=enquiries.former_passports(session, case),
        calls=consulting.calls_of(session, case.id) if screen == "case" else [],
    )  # fmt: skip


def _file(
    session: Session,
    whole: Whole,
    actor: Actor,
    *,
    events: Sequence[AnyRow] = (),
    booklets: Sequence[BookletLine] = (),
    lineage: Sequence[AnyRow] = (),
    former: Sequence[AnyRow] = (),
    earlier: Sequence[AnyRow] = (),
    calls: Sequence[AnyRow] = (),
) -> CaseFile:
    case, request = whole.case, whole.request
    held = queues.is_held(case)
    pictures = enquiries.pictures(session, case) if enquiries.sees_images(actor, case) else []
    people = [*_people(case, booklets), request.requested_by_id if request else None]
    names = labels.read_labels(session, people, *profiles(next_moves(case)))
    waits = [WAIT_LABELS[service] for service in whole.waits]
    return CaseFile(
        case=case,
        only_dealt=whole.only_dealt,
        requirements=whole.requirements,
        labels=names,
        age=PartialDate.parse(case.birth_date).age_on(local_date(case.enrolled_at)),
        pictures=sorted(pictures, key=_order),
        acts=available(case, actor),
        held=held,
        mine=held and case.held_by_id == actor.user_id,
        events=list(events),
        booklets=list(booklets),
        lineage=list(lineage),
        former=list(former),
        earlier=list(earlier),
        waiting=request,
        calls=list(calls),
        waits=whole.waits,
        sees_lists=actor.may(Permission.READ_WATCH_LISTS),
        sees_former=actor.may(Permission.SEARCH_FORMER),
        standing=standing(case, actor, names, waits=waits, request=request),
    )


def _order(picture: AnyRow) -> tuple[int, str]:
    known = picture.kind in FIRST_PICTURES
    return (FIRST_PICTURES.index(picture.kind) if known else len(FIRST_PICTURES), picture.kind)


def _people(case: PassportCase, booklets: Sequence[BookletLine]) -> Iterator[int | None]:
    yield case.held_by_id
    yield from (finding.resolved_by_id for finding in case.findings)
    yield from (line.created_by_id for line in booklets)
