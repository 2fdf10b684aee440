"""The codes of an enrolment against the live catalogs, all in one statement."""

import re
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session

from models.catalogs import CATALOGS
from models.text import N_
from workflow.enrolment_form import BadEnrolment, coded_values

UNKNOWN_CODE = N_("The code %(code)s is not in its catalog, or not active.")
DOES_NOT_ENROL = N_("The site %(code)s does not enrol.")
OFFICE_ONLY = N_("The procedure %(code)s begins in the back office, not at a station.")
NO_SUCH_VALIDITY = N_("A passport of type %(type)s is valid for %(years)s years.")
BAD_NUMBER = N_("A document of type %(type)s has no such number.")
#: Types of document whose number is the CUI.
BY_CUI = frozenset({"CUI", "CNA", "CME", "DPX"})
FROM_STATIONS = frozenset({"NUEVO", "RENOVACION", "REPOSICION"})

_TABLES = {catalog.seed[0]: cast(Table, catalog.__table__) for catalog in CATALOGS}


@dataclass(frozen=True)
class Entries:
    """The catalog entries that an enrolment names: (catalog as the schema calls it, code) to the columns."""

    rows: dict[tuple[str, str], dict[str, Any]]

    def of(self, catalog: str, code: str) -> dict[str, Any]:
        """The columns of one entry."""
        return self.rows[catalog, code]


def check_codes(session: Session, body: dict[str, Any]) -> Entries:
    """The entries of every code in `body`, whose form was checked; BadEnrolment for the first that cannot be taken."""
    named = list(coded_values(body))
    entries = Entries(_active(session, {(catalog, code) for _, catalog, code in named}))
    for path, catalog, code in named:
        if (catalog, code) not in entries.rows:
            raise BadEnrolment(path, UNKNOWN_CODE, code=code)
    _check_site(body, entries)
    _check_request(body.get("requestData", {}), entries)
    _check_identification(body.get("biographicData", {}), entries)
    return entries


def _active(session: Session, named: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    codes: dict[str, list[str]] = {}
    for catalog, code in sorted(named):
        codes.setdefault(catalog, []).append(code)
    if not codes:
        return {}
    parts = []
    for catalog, wanted in codes.items():
        table = _TABLES[catalog]
        row = func.to_jsonb(literal_column(table.name))
        parts.append(select(literal(catalog), table.c.code, row).where(table.c.code.in_(wanted), table.c.active))
    return {(catalog, code): columns for catalog, code, columns in session.execute(union_all(*parts))}


def _check_site(body: dict[str, Any], entries: Entries) -> None:
    site = body.get("contextualData", {}).get("site")
    if site is not None and not entries.of("sedes", site)["enrols"]:
        raise BadEnrolment("$.contextualData.site", DOES_NOT_ENROL, code=site)


def _check_request(request: dict[str, Any], entries: Entries) -> None:
    procedure, kind, years = (request.get(name) for name in ("procedure", "passportType", "validityYears"))
    if procedure is not None and procedure not in FROM_STATIONS:
        raise BadEnrolment("$.requestData.procedure", OFFICE_ONLY, code=procedure)
    if kind is None or years is None:
        return
    possible = entries.of("tipos_pasaporte", kind)["validities"].split(";")
    if str(years) not in possible:
        raise BadEnrolment("$.requestData.validityYears", NO_SUCH_VALIDITY, type=kind, years=", ".join(possible))


def _check_identification(person: dict[str, Any], entries: Entries) -> None:
    kind, number = person.get("identificationType"), person.get("identificationNumber")
    if kind is None or number is None:
        return
    pattern = entries.of("tipos_identificacion", kind)["pattern"]
    if pattern and not _matches(pattern, number):
        raise BadEnrolment("$.biographicData.identificationNumber", BAD_NUMBER, type=kind)


def _matches(pattern: str, number: str) -> bool:
    try:
        return re.fullmatch(pattern, number) is not None
    except re.error:  # a catalog's pattern is what an administrator typed
        return True
