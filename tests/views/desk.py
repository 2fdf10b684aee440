"""What tests of the counters do before they look: cases brought to a state by the people who would, forms read back."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Personalisation
from models.cases import CaseEvent, PassportCase, State
from security.actor import load_actor
from security.scope import acting_as
from tests.build import make_booklets, make_case
from workflow import quality
from workflow.machine import perform

WELL = {"portrait_ok": "y", "signature_ok": "y", "text_ok": "y"}


def act(db: Session, username: str, name: str, number: str, **values: Any) -> CaseEvent:
    """Perform a transition as a user of the cast, and commit."""
    actor = load_actor(db, username=username)
    assert actor is not None
    with acting_as(actor):
        event = perform(db, name, number, actor, **values)
        db.commit()
    return event


def in_printing(db: Session, serial: int = 5_000_001, **changes: Any) -> PassportCase:
    """A case whose booklet `impres` has assigned."""
    (booklet,) = make_booklets(db, serial, 1)
    case = make_case(db, State.AUTORIZADA, **changes)
    act(db, "impres", "assign_booklet", case.number, booklet=booklet)
    return case


def printed(db: Session, serial: int = 5_000_001, **changes: Any) -> PassportCase:
    """A case that waits for quality control."""
    case = in_printing(db, serial, **changes)
    act(db, "impres", "print_page", case.number)
    act(db, "impres", "accept_print", case.number)
    return case


def checked(db: Session, serial: int = 5_000_001, **changes: Any) -> PassportCase:
    """A case that waits for delivery."""
    case = printed(db, serial, **changes)
    use = use_of(db, case)
    scans = {"booklet": use.booklet_number, "mrz": f"{use.mrz_line_1}\n{use.mrz_line_2}", "seal": use.seal_text}
    assert set(scans) == {kind for kind, _label in quality.SCANS}
    act(db, "concal", "accept_quality", case.number, **scans, **WELL)
    return case


def use_of(db: Session, case: PassportCase) -> Personalisation:
    """The live use of the case's booklet."""
    query = select(Personalisation).where(Personalisation.case_id == case.id, Personalisation.voided_at.is_(None))
    return db.scalars(query).one()


def again(db: Session, case: PassportCase) -> PassportCase:
    """The case as the database has it now."""
    query = select(PassportCase).where(PassportCase.id == case.id)
    return db.scalars(query.execution_options(populate_existing=True, every_site=True)).one()


def hidden(page: str, name: str) -> str:
    """The value of the first hidden input of that name."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found, f"no hidden input {name}"
    return found.group(1)
