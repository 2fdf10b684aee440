"""The automatic checks of SPEC 2 on an enrolment, one declared function per finding, in the order they are listed.

A check never refuses: it says which fields do not agree and what is known of them, for the screen to show side by side.
All are made as of the moment of capture. What other cases say is read under a lock on the person and on the payment
slip (`lock_out_rivals`), so that of two enrolments at the same time the later one sees the earlier.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, select, text
from sqlalchemy.orm import Session

from models.cases import TERMINAL, Applicant, Finding, PassportCase, State
from workflow import former_passports, printable
from workflow.facts import Facts, Found, words
from workflow.persons import PartialDate, cui_check_digit_ok, cui_municipality, normalised
from workflow.registry import RegistryDown, RegistryRecord
from workflow.watch_lists import searching
from workflow.watch_lists.hits import Hit, ListsDown

__all__ = ["CHECKS", "Facts", "Found", "check", "find", "lock_out_rivals"]

NAMES = ("firstName", "secondName", "otherNames", "firstSurname", "secondSurname", "marriedSurname")
IDENTITY = (*NAMES, "dateOfBirth", "gender")
_HOLDER = {
    "nationality": "nationality_code", "birthCountry": "birth_country_code", "birthPlace": "birth_place",
    "birthDepartment": "birth_department_code", "birthMunicipality": "birth_municipality_code",
}  # fmt: skip


Check = Callable[[Facts], Found | None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Declare a check."""
    CHECKS.append(function)
    return function


def find(facts: Facts) -> list[Found]:
    """Every finding, in the order of the checks. Call `lock_out_rivals` before."""
    return [found for function in CHECKS if (found := function(facts)) is not None]


def lock_out_rivals(session: Session, cui: str, slip: str) -> None:
    """Until the transaction ends nobody else finalizes an enrolment of this CUI or payment slip.

    Always in the same order, so that two never wait for each other.
    """
    keys = sorted(_lock_key(name) for name in (f"cui:{cui}", f"slip:{slip}"))
    session.execute(
        text("select pg_advisory_xact_lock(:first), pg_advisory_xact_lock(:second)"),
        {"first": keys[0], "second": keys[1]},
    )


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


@check
def cui_check_digit(facts: Facts) -> Found | None:
    """The ninth digit of the CUI is not the check digit."""
    if cui_check_digit_ok(facts.cui):
        return None
    return Found(Finding.CUI_CHECK_DIGIT, ["cui"], {"cui": _beside(facts.cui, None)})


@check
def cui_birth_place(facts: Facts) -> Found | None:
    """Born in Guatemala, and the CUI's last four digits are not the municipality of birth, which is in the catalog."""
    issued, born = cui_municipality(facts.cui), facts.person.get("birthMunicipality")
    if facts.person["birthCountry"] != "GTM" or issued == born:
        return None
    return Found(Finding.CUI_BIRTH_PLACE, ["birthMunicipality"], {"birthMunicipality": _beside(born, issued)})


@check
def registry_answer(facts: Facts) -> Found | None:
    """The civil registry does not know the CUI, says the person died, or differs in name, birth, sex."""
    if facts.registry is None:
        return None
    try:
        record = facts.registry.look_up(facts.cui)
    except RegistryDown as down:
        return Found(Finding.REGISTRY_UNAVAILABLE, refers=not down.goes_on)
    return beside_record(facts.person, record, facts.on)


def beside_record(person: dict[str, Any], record: RegistryRecord | None, on: dt.date) -> Found | None:
    """What the registry's record, None for nobody, says otherwise than the members of `person`, as of the day `on`."""
    if record is None:
        return Found(Finding.REGISTRY_MISMATCH, ["cui"], {"cui": _beside(person["cui"], None)})
    detail = _differences(person, vars(record), IDENTITY)
    if record.deceasedOn and record.deceasedOn <= on.isoformat():
        detail["deceasedOn"] = _beside(None, record.deceasedOn)
    return Found(Finding.REGISTRY_MISMATCH, list(detail), detail) if detail else None


@check
def renewal_mismatch(facts: Facts) -> Found | None:
    """The former passport is unknown, or differs in name, birth, sex, CUI (where both have one)."""
    if facts.request["procedure"] not in ("RENOVACION", "REPOSICION"):
        return None
    number, case = facts.previous["bookletNumber"], facts.previous.get("caseNumber")
    known = list(former_passports.holders(facts.session, number, facts.person))
    if not known:
        return Found(Finding.RENEWAL_MISMATCH, ["bookletNumber"], {"bookletNumber": _beside(number, None)})
    # A booklet may stand on two cases of the former system: the one that was named, or that fits best, is meant.
    meant = [holder for holder in known if holder.case == case] or known
    compared = (_differences(facts.person, holder.person, IDENTITY) | _other_cui(facts, holder) for holder in meant)
    detail = min(compared, key=len)
    return Found(Finding.RENEWAL_MISMATCH, list(detail), detail) if detail else None


@check
def valid_passport(facts: Facts) -> Found | None:
    """The person holds a delivered, unexpired passport of that type, other than the one named in previousPassport."""
    held = former_passports.valid_passport(
        facts.session, facts.cui, facts.passport_type, facts.on, but=facts.previous.get("bookletNumber")
    )
    if held is None:
        return None
    known = {"bookletNumber": held.booklet, "expiresOn": held.expires_on.isoformat(), "caseNumber": held.case}
    detail = {name: _beside(None, value) for name, value in known.items()}
    return Found(Finding.VALID_PASSPORT, ["passportType"], detail)


@check
def duplicate_case(facts: Facts) -> Found | None:
    """Another case of the same CUI and passport type is not in a terminal state."""
    same = and_(PassportCase.cui == facts.cui, PassportCase.passport_type_code == facts.passport_type)
    cases = _cases(facts, and_(same, PassportCase.state.not_in(TERMINAL)))
    return Found(Finding.DUPLICATE_CASE, ["cui", "passportType"], {"cases": cases}) if cases else None


@check
def payment_used(facts: Facts) -> Found | None:
    """The payment slip number is on another case that was not refused."""
    cases = _cases(facts, and_(PassportCase.payment_slip == facts.slip, PassportCase.state != State.RECHAZADA))
    return Found(Finding.PAYMENT_USED, ["paymentSlip"], {"cases": cases}) if cases else None


@check
def minor_consent(facts: Facts) -> Found | None:
    """Under 18, and no guardian is present, or one who is absent has no consentDocument."""
    if not PartialDate.parse(facts.person["dateOfBirth"]).is_minor_on(facts.on):
        return None
    guardians = facts.person.get("guardians", [])
    present = [guardian for guardian in guardians if guardian["present"]]
    silent = [each["name"] for each in guardians if not each["present"] and "consentDocument" not in each]
    if present and not silent:
        return None
    return Found(Finding.MINOR_CONSENT, ["guardians"], {"guardians": guardians, "without_consent": silent})


@check
def watch_list(facts: Facts) -> Found | None:
    """The name, CUI or a document is on a list, of ours or of the watch-list service; says on which, and how surely."""
    try:
        others = facts.lists.search(facts.cui) if facts.lists else []
    except ListsDown:
        others = []
    ours = searching.search(
        facts.session, cui=facts.cui, documents=facts.documents, surnames=facts.surnames,
        own_surnames=words(facts.person, "firstSurname", "secondSurname"), given_names=facts.given_names,
        birth_date=facts.person["dateOfBirth"], on=facts.on,
    )  # fmt: skip
    return on_lists([*ours, *others])


@check
def watch_list_unavailable(facts: Facts) -> Found | None:
    """The watch-list service does not answer."""
    try:
        if facts.lists:
            facts.lists.search(facts.cui)
    except ListsDown as down:
        return Found(Finding.WATCH_LIST_UNAVAILABLE, refers=not down.goes_on)
    return None


def on_lists(hits: list[Hit]) -> Found | None:
    """The finding that `hits` make; one that comes from informing lists alone refers nobody."""
    if not hits:
        return None
    fields = sorted({field for hit in hits for field in hit.fields})
    detail = {"lists": [hit.detail() for hit in hits]}
    return Found(Finding.WATCH_LIST, fields, detail, refers=not all(hit.informs for hit in hits))


@check
def name_not_printable(facts: Facts) -> Found | None:
    """The name, nationality or place of birth cannot be written on the page or in its machine readable zone."""
    stands = [(field, said, obstacle) for field, said, obstacle in _to_print(facts) if obstacle]
    if not stands:
        return None
    detail: dict[str, Any] = {field: _beside(said, None) for field, said, _ in stands}
    detail["reasons"] = [{"message": obstacle.message, "params": obstacle.params} for *_, obstacle in stands]
    return Found(Finding.NAME_NOT_PRINTABLE, [field for field, *_ in stands], detail)


def _to_print(facts: Facts) -> Iterator[tuple[str, str, printable.Obstacle | None]]:
    """What of the enrolment is printed: its field, what it says, and what keeps it from being printed."""
    name = f"{facts.surnames} {facts.given_names}".strip()
    yield "name", name, printable.in_names(facts.surnames, facts.given_names)
    holder = Applicant(**{column: facts.person.get(member) for member, column in _HOLDER.items()})
    yield "nationality", holder.nationality_code, printable.in_nationality(facts.session, holder)
    yield "birthPlace", holder.birth_place or "", printable.in_birth_place(facts.session, holder)


def _beside(captured: Any, known: Any) -> dict[str, Any]:
    return {"captured": captured, "known": known}


def _differences(captured: dict[str, Any], known: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of `names` that differ, names compared as SPEC says, everything else exactly."""
    found = {}
    for name in names:
        ours, theirs = captured.get(name) or "", known.get(name) or ""
        if (normalised(ours) != normalised(theirs)) if name in NAMES else ours != theirs:
            found[name] = _beside(ours or None, theirs or None)
    return found


def _other_cui(facts: Facts, holder: former_passports.Holder) -> dict[str, Any]:
    known = holder.person["cui"]
    return {"cui": _beside(facts.cui, known)} if known not in (None, facts.cui) else {}


def _cases(facts: Facts, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    query = select(PassportCase.number, PassportCase.state, PassportCase.site_code).where(condition)
    rows = facts.session.execute(query.order_by(PassportCase.id).limit(10).execution_options(every_site=True))
    return [{"number": row.number, "state": row.state, "site": row.site_code} for row in rows]
