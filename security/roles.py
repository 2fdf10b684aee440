"""The profiles of the manual (models/seed/perfiles.csv) and what each may do; one entry each.

Five are illegible in the manual's scan or guessed: ILEG1 and ILEG2 are left out (docs/decisions/0004). The sets are a
start: an administrator changes them in Perfiles, and what he changed is never overwritten.
"""

from dataclasses import dataclass

from security.permissions import REPORTS, TRAILS
from security.permissions import Permission as P


@dataclass(frozen=True)
class Profile:
    """A named set of permissions, as it is seeded."""

    code: str
    name: str
    permissions: frozenset[P]

    @property
    def national(self) -> bool:
        return P.SEE_EVERY_SITE in self.permissions


READER = {P.READ_CASES, P.SEARCH_CASES}
OPERATOR = READER | {P.SEE_IMAGES}
SUPERVISOR = (
    OPERATOR | {P.AUTHORISE_CASES, P.SEARCH_FORMER} | {P.REPORT_RECEIVED, P.REPORT_AUTHORISED, P.REPORT_REJECTED}
)
PRINTER = (
    OPERATOR
    | {P.PRINT_BOOKLETS, P.PRINT_MOBILE, P.RESUME_PRINTS, P.READ_BOOKLETS}
    | {P.READ_STOCK, P.CONFIRM_TRANSFERS, P.CLOSE_DAYS}
    | {P.REPORT_PRINTED, P.REPORT_PERSONALISED, P.REPORT_PRINTS, P.REPORT_PRINTS_BY_DAY}
)
POST = {P.PREPARE_SHIPMENTS, P.SEND_SHIPMENTS}
STOCK_REPORTS = {P.REPORT_STOCK_ON_HAND, P.REPORT_RECEIPTS, P.REPORT_TRANSFERS}
STOCK_KEEPER = {
    P.READ_STOCK,
    P.RECEIVE_STOCK,
    P.TRANSFER_STOCK,
    P.CONFIRM_TRANSFERS,
    P.ISSUE_STOCK,
    P.DESTROY_BOOKLETS,
    P.CLOSE_DAYS,
    P.READ_BOOKLETS,
}
HEAD = (
    OPERATOR
    | STOCK_KEEPER
    | REPORTS
    | POST
    | {P.READ_LOST_DOCUMENTS, P.EXPORT_LOST_DOCUMENTS}
    | {P.SEARCH_FORMER, P.REVERSE_STOCK, P.VOID_BOOKLETS, P.CORRECT_CASES}
    | {P.EXTEND_PASSPORTS, P.READ_CATALOGS, P.READ_USERS, P.REVIEW_ACCESS, P.READ_PROFILES, P.RESUME_PRINTS}
)
ADMINISTRATOR = (
    HEAD
    | TRAILS
    | {
        P.REACTIVATE_BOOKLETS,
        P.EDIT_CATALOGS,
        P.EDIT_USERS,
        P.EDIT_PROFILES,
        P.SET_SERVICES,
        P.READ_WATCH_LISTS,
        P.LOAD_WATCH_LISTS,
        P.READ_API_DOCS,
        P.READ_CONTROLS,
        P.EDIT_CONTROLS,
        P.SEE_EVERY_SITE,
    }
)
STATION = {P.ENROLL_READ, P.ENROLL_WRITE, P.ENROLL_BUFFER_READ, P.ENROLL_BUFFER_WRITE, P.READ_API_DOCS}
EVERYWHERE = {P.SEE_EVERY_SITE}


def _profile(code: str, name: str, permissions: set[P]) -> Profile:
    return Profile(code, name, frozenset(permissions))


PROFILES = (
    _profile("ADMADM", "Administrador", ADMINISTRATOR),
    _profile(
        "CONCAL",
        "Control Calidad",
        OPERATOR | {P.CHECK_QUALITY, P.READ_BOOKLETS, P.REPORT_PERSONALISED, P.REPORT_VOIDED},
    ),
    _profile("IMPRES", "Impresor", PRINTER),
    _profile("ENTREGA", "Entrega", OPERATOR | POST | {P.DELIVER, P.REPORT_DELIVERED}),
    _profile("SUPERVISOR", "Supervisor", SUPERVISOR),
    _profile(
        "SUPERSU",
        "Super Supervisor",
        SUPERVISOR | {P.DECIDE_SECONDARY, P.EXTEND_PASSPORTS, P.READ_WATCH_LISTS} | EVERYWHERE,
    ),
    _profile("CONSULTAS", "Consultas", OPERATOR | {P.SEARCH_FORMER, P.READ_BOOKLETS} | EVERYWHERE),
    _profile("JUSA", "Jefe de Pasaportes USA", HEAD | EVERYWHERE),
    _profile("JPGU", "Jefe Pasaportes Guatemala", HEAD | EVERYWHERE),
    _profile(
        "MRE",
        "Ministerio Relaciones Exteriores",
        OPERATOR | POST | {P.SEARCH_FORMER, P.REPORT_RECEIVED, P.REPORT_DELIVERED} | EVERYWHERE,
    ),
    _profile("IMPDEP", "Impresión departamentales", PRINTER),
    _profile("SUPUSA", "Supervisor USA", SUPERVISOR | {P.DECIDE_SECONDARY, P.READ_WATCH_LISTS}),
    _profile("MRELOC", "Ministerio Relaciones Exteriores Local", OPERATOR | POST),
    _profile("ATENC", "Atención al Cliente", READER),
    _profile(
        "PRODUCCION",
        "Control de Producción",
        OPERATOR
        | STOCK_KEEPER
        | {P.VOID_BOOKLETS, P.RESUME_PRINTS, P.READ_LOST_DOCUMENTS}
        | STOCK_REPORTS
        | {P.REPORT_PRINTED, P.REPORT_PERSONALISED, P.REPORT_PRINTS, P.REPORT_PRINTS_BY_DAY}
        | {P.REPORT_BOOKLET_LEDGER, P.REPORT_VOIDED, P.REPORT_VOIDED_RANGES}
        | EVERYWHERE,
    ),
    _profile(
        "REPORTE",
        "Reporte Anual",
        {P.READ_STOCK, P.REPORT_PRINTS_BY_DAY, P.REPORT_VOIDED} | STOCK_REPORTS | EVERYWHERE,
    ),
    _profile("CONSEXT", "Consulta Externa", READER | EVERYWHERE),
    _profile(
        "FINANCIERO",
        "Financiero",
        {P.READ_STOCK, P.SEARCH_CASES, P.READ_CASES, P.REPORT_SLIPS, P.REPORT_PRINTS_BY_DAY}
        | STOCK_REPORTS
        | EVERYWHERE,
    ),
)
#: Profiles that ask for a second factor when they are seeded; a demonstration takes it off again.
SECOND_FACTOR = frozenset({"ADMADM"})
STATION_PROFILE = _profile("ESTACION", "Estación de captura", STATION)
#: Not the manual's: whoever reads the trail need not be one of those who make it (SPEC 5).
AUDITOR_PROFILE = _profile(
    "AUDITOR",
    "Auditoría",
    {P.READ_CASES, P.READ_BOOKLETS, P.READ_STOCK, P.READ_CATALOGS, P.READ_USERS, P.READ_PROFILES, P.READ_CONTROLS}
    | TRAILS
    | EVERYWHERE,
)
BY_CODE = {profile.code: profile for profile in (*PROFILES, AUDITOR_PROFILE, STATION_PROFILE)}
