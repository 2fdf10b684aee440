"""Typed builders of what tests act on: the cast of users, cases in any state, booklets in a warehouse."""

import datetime as dt
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import Applicant, CaseEvent, CasePicture, Event, PassportCase, Picture, State
from models.catalogs import Site, StockCategory
from models.clock import local_date
from models.users import Role, User
from models.watch_lists import WatchListEntry
from security.actor import SYSTEM_USERNAME, system_actor
from security.roles import BY_CODE
from workflow.numbering import next_case_number
from workflow.persons import search_name
from workflow.watch_lists.rows import COLUMNS, Fault, read

#: One user per profile, named like it in lower case, and the station; national profiles see every site, others GUA.
CAST = {code.lower(): profile for code, profile in BY_CODE.items()}


def make_cast(session: Session) -> None:
    """The users of CAST; their password is `secreto-<name>`, and none has to have a second factor."""
    from werkzeug.security import generate_password_hash

    every = list(session.scalars(select(Site).where(Site.active)))
    here = [site for site in every if site.code == "GUA"]
    session.execute(update(Role).values(second_factor=False))
    for name, profile in CAST.items():
        role = session.scalars(select(Role).where(Role.name == profile.code)).one()
        session.add(
            User(
                username=name,
                first_name=profile.name,
                last_name="Prueba",
                email=f"{name}@example.org",
                active=True,
                password=generate_password_hash(f"secreto-{name}", "pbkdf2:sha256:1"),
                must_change_password=False,
                roles=[role],
                sites=every if name == "estacion" else here,
            )
        )


PERSON: dict[str, Any] = {
    "first_name": "Marisela",
    "second_name": "Odilia",
    "first_surname": "Tzunux",
    "second_surname": "Barrondo",
    "cui": "6000000080101",
    "birth_date": "1990-05-17",
    "sex_code": "F",
    "identification_type_code": "CUI",
    "identification_number": "6000000080101",
}


def make_case(session: Session, state: State = State.ENROLADA, **changes: Any) -> PassportCase:
    """A case with applicant, portrait and signature, in a state that needs no booklet."""
    now = utc_now()
    site = changes.pop("site_code", "GUA")
    system = session.scalars(select(User).where(User.username == SYSTEM_USERNAME)).one()
    values: dict[str, Any] = {
        **PERSON,
        "number": next_case_number(session, site),
        "state": state,
        "site_code": site,
        "print_site_code": session.get_one(Site, site).printing_site,
        "station": f"{site}-E01",
        "operator": "capturista",
        "procedure_code": "NUEVO",
        "passport_type_code": "ORD",
        "validity_years": 5,
        "priority": 3,
        "enrolled_at": now - dt.timedelta(hours=2),
        "created_at": now,
        "state_since": now,
        "payment_slip": None,
    } | changes
    case = PassportCase(**values, search_name="")
    case.search_name = search_name(case.surnames, case.given_names)
    session.add(case)
    session.flush()
    session.add_all([_applicant(case), _first_event(case, system, now)])
    _add_pictures(session, case)
    session.flush()
    return case


def _applicant(case: PassportCase) -> Applicant:
    return Applicant(
        case_id=case.id,
        nationality_code="GTM",
        birth_country_code="GTM",
        birth_department_code="01",
        birth_municipality_code="0101",
        marital_status_code="SOL",
        occupation_code="OC001",
        eye_colour_code="CAF",
        skin_tone_code="MOR",
        hair_colour_code="NEG",
        height_cm=160,
        address={"line": "Calle 1", "country": "GTM"},
        guardians=[],
        payment={"number": "0001", "amount": "50.00", "currency": "USD", "paidOn": "2026-11-01"},
    )


def _first_event(case: PassportCase, user: User, now: dt.datetime) -> CaseEvent:
    return CaseEvent(
        case_id=case.id,
        event=Event.RECEPCION,
        transition="receive",
        from_state=None,
        to_state=case.state,
        started_at=now,
        at=now,
        user_id=user.id,
        username=user.username,
        site_code=case.site_code,
    )


def _add_pictures(session: Session, case: PassportCase) -> None:
    import hashlib
    import io

    from PIL import Image

    for kind, size in (("PORTRAIT", (413, 531)), ("SIGNATURE", (600, 200))):
        stream = io.BytesIO()
        Image.new("RGB", size, "lightgrey").save(stream, "JPEG")
        data = stream.getvalue()
        picture = Picture(
            media_type="image/jpeg", width=size[0], height=size[1], sha256=hashlib.sha256(data).digest(), data=data
        )
        session.add(picture)
        session.flush()
        session.add(CasePicture(case_id=case.id, kind=kind, picture_id=picture.id, print_picture_id=picture.id))


def make_booklets(
    session: Session,
    first: int = 5_000_001,
    count: int = 3,
    *,
    warehouse: str = "PROD-GUA",
    category: str = "ORDINARIA",
) -> list[str]:
    """New booklets in a warehouse, received there by a closed document of the system's."""
    from workflow.stock import receipts

    system, prefix = system_actor(session), session.get_one(StockCategory, category).prefix
    receipt = receipts.draft_receipt(
        session, system, category=category, on=local_date(utc_now()), warehouse=warehouse, reference="Prueba"
    )
    receipts.add_line(session, receipt, system, category=category, prefix=prefix, first=first, quantity=count)
    receipts.close_receipt(session, receipt, system)
    if count >= 1000:  # else, vacuumed while it was empty, the table passes for empty: no office's ever is
        session.execute(text("analyze booklet"))
    return [f"{prefix}{serial:07d}" for serial in range(first, first + count)]


def make_entry(list_type: str = "OCA", source: str = "PRUEBA", **given: str) -> WatchListEntry:
    """An entry of a watch list as its file would have it; `given`: columns of the file."""
    names = [name for name in COLUMNS if name in given]
    (row,) = read([",".join(names), ",".join(given[name] for name in names)])
    assert not isinstance(row, Fault), row
    return WatchListEntry(list_type_code=list_type, source=source, **row)
