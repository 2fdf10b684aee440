"""A renewal is compared with what was imported by a mapping, and what was found at intake stays as it was found."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import history
from models.cases import CaseFinding, PassportCase
from models.enrolments import FormerCase
from security.actor import Actor
from tests.enrolment_bodies import cui, enrolment
from workflow import intake

SERIAL = 60000001
BOOKLET = "F1234567"
RENEWAL = {"requestData__procedure": "RENOVACION", "requestData__previousPassport": {"bookletNumber": BOOKLET}}
MAPPING = """
dates = ["DD.MM.YYYY"]
[columns]
case = "Expediente"
first_surname = "Apellido"
second_surname = "Otro apellido"
first_name = "Nombre"
identification_number = "Documento"
identification_type = "Clase"
birth_date = "Nacimiento"
sex = "Genero"
booklet = "Pasaporte"
expires_on = "Vence"
passport_type = "Tipo"
[defaults]
state = "entregado"
[codes.state]
entregado = "ENTREGADO"
[codes.sex]
mujer = "F"
hombre = "M"
[codes.identification_type]
dpi = "CUI"
[codes.passport_type]
corriente = "ORD"
"""
HEADER = "Expediente;Apellido;Otro apellido;Nombre;Documento;Clase;Nacimiento;Genero;Pasaporte;Vence;Tipo"


def row(name: str = "NOLA", born: str = "17.05.1990", sex: str = "Mujer") -> str:
    return f"LA-77;TZÓC;chub;{name};{cui(SERIAL)};DPI;{born};{sex};{BOOKLET};01.01.2020;Corriente"


@pytest.fixture
def load(db: Session, tmp_path: Path) -> Callable[..., None]:
    def loaded(line: str, *, updates: bool = False) -> None:
        (tmp_path / "m.toml").write_text(MAPPING, "utf-8")
        (tmp_path / "otro.csv").write_text(f"{HEADER}\n{line}\n", "cp1252")
        history.import_history(
            [tmp_path / "otro.csv"], tmp_path / "out", tmp_path / "m.toml", updates=updates, say=lambda _line: None
        )

    return loaded


@pytest.fixture
def station(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("estacion")


def enrolled(db: Session, station: Actor, name: str) -> dict[str, list[str]]:
    """The findings of a renewal, by code."""
    intake.create(db, station, name, json.dumps(enrolment(SERIAL, **RENEWAL)).encode(), finalize=True)
    db.commit()
    return found(db, name)


def found(db: Session, name: str) -> dict[str, list[str]]:
    case = select(PassportCase.id).where(PassportCase.enrollment_id == name).scalar_subquery()
    return {each.code: each.fields for each in db.scalars(select(CaseFinding).where(CaseFinding.case_id == case))}


def test_a_renewal_of_an_imported_passport_that_matches_is_clean(
    db: Session, station: Actor, load: Callable[..., None]
) -> None:
    load(row())
    assert "RENEWAL_MISMATCH" not in enrolled(db, station, "e1")


def test_a_renewal_names_what_the_mapped_columns_say_otherwise(
    db: Session, station: Actor, load: Callable[..., None]
) -> None:
    load(row(born="18.05.1990", sex="Hombre"))
    assert sorted(enrolled(db, station, "e1")["RENEWAL_MISMATCH"]) == ["dateOfBirth", "gender"]


def test_an_import_after_the_intake_does_not_change_what_was_found(
    db: Session, station: Actor, load: Callable[..., None]
) -> None:
    before = enrolled(db, station, "e1")
    assert before["RENEWAL_MISMATCH"] == ["bookletNumber"], "nobody knew the booklet then"
    load(row())
    assert found(db, "e1") == before


def test_an_update_after_the_intake_does_not_change_what_was_found(
    db: Session, station: Actor, load: Callable[..., None]
) -> None:
    load(row(sex="Hombre"))
    before = enrolled(db, station, "e1")
    load(row(), updates=True)
    assert db.get_one(FormerCase, "LA-77", populate_existing=True).sex_code == "F"
    assert found(db, "e1") == before == {"RENEWAL_MISMATCH": ["gender"]} | before
