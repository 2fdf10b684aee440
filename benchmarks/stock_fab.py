"""Flask-AppBuilder as it comes: plain ModelViews on the product's tables, with its default security and pages.

Its own tables (users, permissions) lie in a schema of their own, `stock_fab`, so that the product's are left alone.
"""

from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.filters import FilterEqual
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.orm import foreign, relationship, remote

SCHEMA = "stock_fab"
PAGE_SIZE = 50
QUEUE_COLUMNS = (
    "number first_surname second_surname first_name second_name birth_date identification_type_code"
    " identification_number procedure_code passport_type_code state desk state_since"
).split()
#: What the page of a case shows besides the case, as ours does: each a related view of FAB's, and its columns.
CASE_PARTS = {
    "case_event": "at event from_state to_state username site_code",
    "applicant": "nationality birth_country birth_department birth_municipality marital_status occupation eye_colour"
    " hair_colour skin_tone height_cm phone email address payment",
    "personalisation": "booklet_number assigned_by assigned_at issued_on expires_on printed_at delivered_at",
    "case_finding": "code found_at resolved_by resolved_at resolution",
    "case_requirement": "requirement presented note",
    "case_picture": "kind missing",
    "service_call": "service asked_at outcome took_ms attempts request answer",
}
#: The person's other passports, by CUI.
OTHERS = {
    "former_case": "number first_surname second_surname first_name second_name booklet_number issued_on expires_on"
    " state",
    "passport_case": "number procedure state site enrolled_at booklet_number",
}
#: Catalogs and users, whose names stand in the place of codes: table, key, and what is shown.
NAMES = {
    name: ("code", "name")
    for name in "country department municipality marital_status occupation eye_colour hair_colour skin_tone sex"
    " identification_type site procedure passport_type requirement".split()
} | {"ab_user": ("id", "username")}
#: Of a table: column, the name of its relation, and the table of `NAMES` it leads to.
CODED = {
    "passport_case": {
        "site_code": ("site", "site"), "print_site_code": ("print_site", "site"), "sex_code": ("sex", "sex"),
        "procedure_code": ("procedure", "procedure"), "passport_type_code": ("passport_type", "passport_type"),
        "identification_type_code": ("identification_type", "identification_type"),
        "held_by_id": ("held_by", "ab_user"),
    },
    "applicant": {
        "nationality_code": ("nationality", "country"), "birth_country_code": ("birth_country", "country"),
        "birth_department_code": ("birth_department", "department"),
        "birth_municipality_code": ("birth_municipality", "municipality"),
        "marital_status_code": ("marital_status", "marital_status"), "occupation_code": ("occupation", "occupation"),
        "eye_colour_code": ("eye_colour", "eye_colour"), "hair_colour_code": ("hair_colour", "hair_colour"),
        "skin_tone_code": ("skin_tone", "skin_tone"),
    },
    "personalisation": {"assigned_by_id": ("assigned_by", "ab_user")},
    "case_finding": {"resolved_by_id": ("resolved_by", "ab_user")},
    "case_requirement": {"requirement_code": ("requirement", "requirement")},
}  # fmt: skip


def prepare(url: str) -> None:
    """Make the schema anew, empty."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"drop schema if exists {SCHEMA} cascade"))
        connection.execute(text(f"create schema {SCHEMA}"))
    engine.dispose()


def remove(url: str) -> None:
    """Drop the schema."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"drop schema if exists {SCHEMA} cascade"))
    engine.dispose()


def _models(engine: Engine) -> dict[str, Any]:
    def mapped(name: str, **more: Any) -> Any:
        table = Table(name, Model.metadata, autoload_with=engine, schema="public", resolve_fks=False)
        coded = {relation: named(table, column, other) for column, (relation, other) in CODED.get(name, {}).items()}
        return type(name.title().replace("_", ""), (Model,), {"__table__": table, **coded, **more})

    def named(table: Table, column: str, other: str) -> Any:
        joined = table.c[column], names[other].__table__.c[NAMES[other][0]]
        return relationship(names[other], primaryjoin=foreign(joined[0]) == joined[1], viewonly=True)

    def parts_of(name: str, own: str, at: str, back: str) -> Any:
        part = parts[name]
        return relationship(
            part, backref=back,
            primaryjoin=lambda: case.__table__.c[own] == foreign(part.__table__.c[at]),
        )  # fmt: skip

    names = {name: mapped(name) for name in NAMES}
    for name, (_key, shown) in NAMES.items():
        names[name].__repr__ = lambda row, shown=shown: getattr(row, shown)
    movement = mapped("stock_movement")
    parts = {name: mapped(name) for name in (*CASE_PARTS, "former_case")}
    case = mapped(
        "passport_case",
        **{f"{name}_rows": parts_of(name, "id", "case_id", "case") for name in CASE_PARTS},
        former_rows=parts_of("former_case", "cui", "cui", "case"),
        same_person=relationship(
            lambda: case, uselist=False, viewonly=True,
            primaryjoin=lambda: foreign(case.__table__.c.cui) == remote(case.__table__.c.cui),
        ),
    )  # fmt: skip
    booklet = mapped(
        "booklet",
        movements=relationship(
            movement, backref="booklet",
            primaryjoin=lambda: booklet.__table__.c.number == foreign(movement.__table__.c.booklet_number),
        ),
    )  # fmt: skip
    return {**parts, "passport_case": case, "stock_movement": movement, "booklet": booklet}


def stock_fab(url: str, secret: str, patience: float, state: str, site: str) -> Flask:
    """The application: a queue of `state` at `site`, cases, booklets; a statement is given up after `patience` s."""
    app = Flask("stock_fab")
    options = f"-c search_path={SCHEMA} -c statement_timeout={int(patience * 1000)}"
    app.config.update(
        SECRET_KEY=secret,
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"options": options}},
    )
    db = SQLA(app)
    with app.app_context():
        models = _models(db.engine)
        builder = AppBuilder(app, db.session)
        for view in _views(models, state, site):
            builder.add_view(view, view.__name__, category="Pasaportes")
        if builder.sm.find_user("bench") is None:
            builder.sm.add_user("bench", "Bench", "Mark", "bench@example.org", builder.sm.find_role("Admin"), "bench-1")
        db.session.remove()
        db.engine.dispose()
    return app


def _views(models: dict[str, Any], state: str, site: str) -> list[type[ModelView]]:
    def view(name: str, model: str, **more: Any) -> type[ModelView]:
        return type(name, (ModelView,), {"datamodel": SQLAInterface(models[model]), "page_size": PAGE_SIZE, **more})

    shown = (CASE_PARTS | OTHERS).items()
    parts = [view(f"{name.title()}Part", name, list_columns=columns.split()) for name, columns in shown]
    movements = view("MovementView", "stock_movement", list_columns=["at", "kind", "from_place", "to_place", "case_id"])
    listed: dict[str, Any] = {"list_columns": QUEUE_COLUMNS, "search_columns": ["number", "search_name", "cui"]}
    waiting = [["state", FilterEqual, state], ["site_code", FilterEqual, site]]
    queue = view("QueueView", "passport_case", base_filters=waiting, base_order=("enrolled_at", "asc"), **listed)
    cases = view(
        "CaseView", "passport_case", related_views=parts, show_columns=_shown("passport_case", models), **listed
    )
    booklets = view("BookletView", "booklet", related_views=[movements], show_columns=_shown("booklet", models))
    former = view("FormerView", "former_case", search_columns=["number", "search_name", "cui"])
    return [*parts, movements, queue, cases, booklets, former]


def _shown(name: str, models: dict[str, Any]) -> list[str]:
    """All columns, those of codes by the names they lead to."""
    coded = CODED.get(name, {})
    return [coded[column.key][0] if column.key in coded else column.key for column in models[name].__table__.columns]


def cookie(secret: str) -> str:
    """The cookie of a session of the first user of all, `bench`."""
    signer = Flask("signer")
    signer.secret_key = secret
    serializer = signer.session_interface.get_signing_serializer(signer)  # type: ignore[attr-defined]
    return f"session={serializer.dumps({'_user_id': '1', '_fresh': True})}"
