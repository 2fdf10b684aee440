"""Days of work in the demonstration: some of the enrolled cases go on to printing, quality control and delivery."""

import random
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.cases import PassportCase, State
from models.catalogs import PassportType
from security.actor import Actor, load_actor
from security.scope import acting_as
from workflow import machine
from workflow.booklets import live_personalisation
from workflow.stock import on_hand

#: How far of 100 cases get: enrolled, authorised, in printing, printed, waiting for delivery, delivered, rejected.
MIX = ((34, None), (20, "authorise"), (3, "assign"), (9, "print"), (12, "check"), (18, "deliver"), (4, "reject"))
STEPS = ("authorise", "assign", "print", "check", "deliver")
WHO = {
    "authorise": "supersu",
    "reject": "supersu",
    "assign": "impres",
    "print": "impres",
    "check": "concal",
    "deliver": "entrega",
}


def work(session: Session, seed: int) -> int:
    """Carry each case that is still enrolled some way on, by users of the demonstration; returns how many moved.

    Only users who see the case's site can act, so the cases of other sites than GUA stop after authorisation.
    """
    rng = random.Random(seed)  # noqa: S311  (invented data, repeatable)
    actors = {name: _actor(session, name) for name in set(WHO.values())}
    moved = 0
    numbers = session.scalars(
        select(PassportCase.number)
        .where(PassportCase.state == State.ENROLADA)
        .order_by(PassportCase.id)
        .execution_options(every_site=True)
    ).all()
    for number in numbers:
        goal = rng.choices([goal for _, goal in MIX], [share for share, _ in MIX])[0]
        moved += bool(goal) and _carry(session, number, goal or "", actors)
        session.commit()
    return moved


def _actor(session: Session, username: str) -> Actor:
    actor = load_actor(session, username=username)
    if actor is None:
        raise LookupError(username)
    return actor.at("127.0.0.1")


def _carry(session: Session, number: str, goal: str, actors: dict[str, Actor]) -> bool:
    path = ("reject",) if goal == "reject" else STEPS[: STEPS.index(goal) + 1]
    for step in path:
        actor = actors[WHO[step]]
        with acting_as(actor):
            case = session.scalars(select(PassportCase).where(PassportCase.number == number)).first()
            if case is None:
                return step != path[0]
            ACTS[step](session, case, actor)
    return True


def _authorise(session: Session, case: PassportCase, actor: Actor) -> None:
    machine.perform(session, "authorise", case.number, actor)


def _reject(session: Session, case: PassportCase, actor: Actor) -> None:
    machine.perform(session, "reject", case.number, actor, reason="R01", comment="Fotografía con sombras en el rostro")


def _assign(session: Session, case: PassportCase, actor: Actor) -> None:
    category = session.get_one(PassportType, case.passport_type_code).category_code
    booklet = on_hand.offered_booklets(session, case.print_site_code, category, actor, 1)[0]
    name = "assign_booklet_mobile" if case.mobile else "assign_booklet"
    machine.perform(session, name, case.number, actor, booklet=booklet)
    machine.perform(session, "print_page", case.number, actor)


def _print(session: Session, case: PassportCase, actor: Actor) -> None:
    machine.perform(session, "accept_print", case.number, actor)


def _check(session: Session, case: PassportCase, actor: Actor) -> None:
    number = session.get_one(Booklet, case.booklet_number).number
    use = live_personalisation(session, number)
    if use is None:
        raise LookupError(number)
    machine.perform(
        session, "accept_quality", case.number, actor,
        booklet=number, mrz=f"{use.mrz_line_1}\r{use.mrz_line_2}", seal=use.seal_text,
        portrait_ok=True, signature_ok=True, text_ok=True,
    )  # fmt: skip


def _deliver(session: Session, case: PassportCase, actor: Actor) -> None:
    machine.perform(
        session, "deliver", case.number, actor,
        collector="HOLDER", document_type="DPI", document_number=case.cui,
    )  # fmt: skip


ACTS: dict[str, Callable[[Session, PassportCase, Actor], None]] = {
    "authorise": _authorise,
    "reject": _reject,
    "assign": _assign,
    "print": _print,
    "check": _check,
    "deliver": _deliver,
}
