"""Users from a spreadsheet: what each row would do is said first, then all of it is done, or nothing (module 50)."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from models.catalogs import Site, Warehouse
from models.text import N_
from models.users import Role, User
from security.actor import SYSTEM_USERNAME, Actor
from security.errors import BadValue, NotAllowed, WrongState
from security.permissions import Permission
from workflow import users, whole_life

ROWS_AT_MOST = 500
#: A one-time password is random (69 bits): a dear hash would only make 500 of them last minutes.
HASH_METHOD = "pbkdf2:sha256:20000"
#: The columns and the headings they are known by, in small letters; the first is the template's.
COLUMNS = {
    "username": ("usuario", "user"),
    "first_name": ("nombres", "nombre", "first name"),
    "last_name": ("apellidos", "apellido", "last name"),
    "email": ("correo", "correo electrónico", "e-mail", "email"),
    "cui": ("cui",),
    "desk": ("mesa", "desk"),
    "warehouse": ("bodega", "warehouse"),
    "profiles": ("perfiles", "profiles"),
    "sites": ("sedes", "sites"),
}
TEMPLATE = (
    tuple(names[0] for names in COLUMNS.values()),
    ("m.tzunux", "Marisela", "Tzunux", "m.tzunux@example.org", "", "M-3", "", "IMPRES;ENTREGA", "GUA"),
)
_LENGTHS = {"first_name": 64, "last_name": 64, "email": 320, "desk": 10}
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_CHANGED = N_("Something changed since this was shown: look at it again.")
#: A message id and its values.
Said = tuple[str, dict[str, Any]]


@dataclass
class Row:
    """A row of the file and what it would do: make an account, change one, nothing, or why it is refused."""

    number: int
    values: dict[str, str]
    user_id: int | None = None
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    refusals: list[Said] = field(default_factory=list)

    @property
    def creates(self) -> bool:
        return self.user_id is None

    @property
    def kind(self) -> str:
        """refused, created, changed or same."""
        if self.refusals:
            return "refused"
        return "created" if self.creates else "changed" if self.changes else "same"

    def codes(self, name: str) -> list[str]:
        """The codes in a cell of several, as they were typed but in capitals."""
        return list(dict.fromkeys(code for code in re.split(r"[;,|\s]+", self.values[name].upper()) if code))


@dataclass(frozen=True)
class Plan:
    """What a file would do; `digest` changes when the office or the file does."""

    rows: tuple[Row, ...]

    def count(self, kind: str) -> int:
        return sum(row.kind == kind for row in self.rows)

    @property
    def ready(self) -> bool:
        """Whether it may be done: something to do, and nothing refused."""
        return not self.count("refused") and bool(self.count("created") + self.count("changed"))

    @property
    def digest(self) -> str:
        told = [(row.kind, row.user_id, row.values, row.changes) for row in self.rows]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """An account that was made, with the password to hand over."""

    username: str
    name: str
    password: str


def rows_of(table: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """The rows of a sheet by column, by its headings; `BadValue` on `file` for missing or doubled ones."""
    if len(table) < 2:
        raise BadValue(N_("The file has no rows below its headings."), field="file")
    places: dict[str, int] = {}
    for place, heading in enumerate(table[0]):
        name = next((name for name, known in COLUMNS.items() if heading.lower() in known), None)
        if name in places:
            raise BadValue(N_("The heading %(heading)s is there twice."), field="file", heading=heading)
        if name is not None:
            places[name] = place
    missing = [names[0] for name, names in COLUMNS.items() if name not in places]
    if missing:
        raise BadValue(N_("These headings are missing: %(headings)s."), field="file", headings=", ".join(missing))
    return [{name: row[place] if place < len(row) else "" for name, place in places.items()} for row in table[1:]]


class _Office:
    """What rows are held against; read once."""

    def __init__(self, session: Session, rows: Sequence[dict[str, str]]) -> None:
        names = [row["username"].lower() for row in rows]
        emails, cuis = [row["email"].lower() for row in rows], [row["cui"] for row in rows if row["cui"]]
        known = select(User).where(User.username.in_(names)).options(selectinload(User.roles), selectinload(User.sites))
        self.users = {user.username: user for user in session.scalars(known.execution_options(populate_existing=True))}
        taken = session.execute(
            select(func.lower(User.email), User.cui, User.username).where(
                func.lower(User.email).in_(emails) | User.cui.in_(cuis)
            )
        ).all()
        self.emails = {email: username for email, _cui, username in taken}
        self.cuis = {cui: username for _email, cui, username in taken if cui}
        self.profiles = {role.name: role for role in session.scalars(select(Role).where(Role.active))}
        self.sites = {site.code: site for site in session.scalars(select(Site).where(Site.active))}
        self.warehouses = {one.code: one for one in session.scalars(select(Warehouse).where(Warehouse.active))}
        self.twice = {
            name: {value for value, count in Counter(row[name].lower() for row in rows).items() if value and count > 1}
            for name in ("username", "email", "cui")
        }


def plan(session: Session, actor: Actor, rows: Sequence[dict[str, str]]) -> Plan:
    """What the rows would do, nothing of it done."""
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    office = _Office(session, rows)
    return Plan(tuple(_planned(office, actor, number, values) for number, values in enumerate(rows, 2)))


def _planned(office: _Office, actor: Actor, number: int, values: dict[str, str]) -> Row:
    values = {name: " ".join(values.get(name, "").split()) for name in COLUMNS}
    values |= {"username": values["username"].lower(), "warehouse": values["warehouse"].upper()}
    row = Row(number, values)
    user = office.users.get(values["username"])
    for check in _CHECKS:
        row.refusals += check(office, row)
    if user is not None:
        row.user_id = user.id
        if user.username == SYSTEM_USERNAME or user.id == actor.user_id:
            row.refusals.append((N_("Nobody does this to his own account: ask another administrator."), {}))
        elif not user.active:
            row.refusals.append((N_("The account is disabled: enable it first."), {}))
        row.changes = _changes(user, row)
    return row


def _words(_office: _Office, row: Row) -> list[Said]:
    found: list[Said] = []
    if not re.fullmatch(users.USERNAME, row.values["username"]):
        found.append((N_("Small letters, digits, point, hyphen and underscore; 2 to 40."), {}))
    for name, longest in _LENGTHS.items():
        if name != "desk" and not row.values[name]:
            found.append((N_("Missing: %(column)s."), {"column": COLUMNS[name][0]}))
        if len(row.values[name]) > longest:
            found.append((N_("Too long: %(column)s."), {"column": COLUMNS[name][0]}))
    if row.values["email"] and not re.fullmatch(_EMAIL, row.values["email"]):
        found.append((N_("This is no e-mail address: %(value)s."), {"value": row.values["email"][:60]}))
    if row.values["cui"] and not re.fullmatch(r"[0-9]{13}", row.values["cui"]):
        found.append((N_("A CUI has 13 digits; let the column be text."), {}))
    return found


def _unique(office: _Office, row: Row) -> list[Said]:
    found: list[Said] = []
    for name, twice in office.twice.items():
        if row.values[name].lower() in twice:
            found.append((N_("Twice in the file: %(value)s."), {"value": row.values[name]}))
    holders = office.emails.get(row.values["email"].lower()), office.cuis.get(row.values["cui"])
    for holder, message in zip(holders, (N_("Another user has this address: %(user)s."),
                                         N_("Another user has this CUI: %(user)s.")), strict=True):  # fmt: skip
        if holder is not None and holder != row.values["username"]:
            found.append((message, {"user": holder}))
    return found


def _known(office: _Office, row: Row) -> list[Said]:
    found: list[Said] = []
    for name, known, message in (
        ("profiles", office.profiles, N_("There is no such active profile: %(codes)s.")),
        ("sites", office.sites, N_("There is no such active site: %(codes)s.")),
    ):
        unknown = [code for code in row.codes(name) if code not in known]
        if unknown:
            found.append((message, {"codes": ", ".join(unknown)[:80]}))
    code = row.values["warehouse"]
    place = office.warehouses.get(code)
    if code and place is None:
        found.append((N_("There is no such active warehouse: %(code)s."), {"code": code[:16]}))
    elif place is not None and place.site_code not in row.codes("sites"):
        found.append((N_("The warehouse is not of one of the user's sites."), {}))
    return found


_CHECKS: tuple[Callable[[_Office, Row], list[Said]], ...] = (_words, _unique, _known)


def _changes(user: User, row: Row) -> dict[str, tuple[str, str]]:
    """What the row changes of an account: column, as it is, as it will be."""
    now = {name: getattr(user, name) or "" for name in ("first_name", "last_name", "email", "cui", "desk")}
    now |= {
        "warehouse": user.warehouse_code or "",
        "profiles": ";".join(sorted(role.name for role in user.roles)),
        "sites": ";".join(sorted(site.code for site in user.sites)),
    }
    wanted = {**row.values, "profiles": ";".join(sorted(row.codes("profiles"))),
              "sites": ";".join(sorted(row.codes("sites")))}  # fmt: skip
    return {COLUMNS[name][0]: (was, wanted[name]) for name, was in now.items() if was != wanted[name]}


def newly_alone(session: Session, planned: Plan) -> list[whole_life.Person]:
    """Those who, once the plan is carried out, could carry one case from start to end and cannot now."""
    office = whole_life.read(session)
    ids = {role.name: role.id for role in session.scalars(select(Role))}
    for row in planned.rows:
        if row.kind in ("created", "changed"):
            key = -row.number if row.user_id is None else row.user_id
            if row.user_id is None:
                name = f"{row.values['first_name']} {row.values['last_name']}"
                office.people.append(whole_life.Person(key, row.values["username"], name))
            office.general[key] = {ids[code] for code in row.codes("profiles")}
            office.sites[key] = frozenset(row.codes("sites"))
    return office.newly()


def carry_out(session: Session, actor: Actor, rows: Sequence[dict[str, str]], digest: str) -> list[Made]:
    """Do what the plan of `digest` said, all or nothing; the accounts made, with their one-time passwords.

    `WrongState` when the rows would do something else by now, or something is refused.
    """
    planned = plan(session, actor, rows)
    if planned.digest != digest or not planned.ready:
        raise WrongState(_CHANGED)
    office, made = _Office(session, rows), []
    try:
        for row in planned.rows:
            if row.kind == "created":
                made.append(_create(session, actor, office, row))
            elif row.kind == "changed":
                _change(session, actor, office, row)
    except IntegrityError as clash:
        raise WrongState(_CHANGED) from clash
    users.keep_an_administrator(session)
    return made


def _create(session: Session, actor: Actor, office: _Office, row: Row) -> Made:
    user = User(username=row.values["username"])
    _fill(office, user, row)
    password = users.prepare(user, actor, HASH_METHOD)
    session.add(user)
    session.flush()
    return Made(user.username, f"{user.first_name} {user.last_name}", password)


def _change(session: Session, actor: Actor, office: _Office, row: Row) -> None:
    assert row.user_id is not None
    user = users.account_of_another(session, actor, row.user_id)
    _fill(office, user, row)
    users.stamp(user, actor)
    session.flush()


def _fill(office: _Office, user: User, row: Row) -> None:
    for name in ("first_name", "last_name", "email"):
        setattr(user, name, row.values[name])
    user.cui, user.desk = row.values["cui"] or None, row.values["desk"] or None
    user.warehouse_code = row.values["warehouse"] or None
    user.roles = [office.profiles[code] for code in row.codes("profiles")]
    user.sites = [office.sites[code] for code in row.codes("sites")]
