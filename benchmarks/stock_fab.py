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
from sqlalchemy.orm import foreign, relationship

SCHEMA = "stock_fab"
PAGE_SIZE = 50
QUEUE_COLUMNS = (
    "number first_surname second_surname first_name second_name birth_date identification_type_code"
    " identification_number procedure_code passport_type_code state desk state_since"
).split()
#: What the page of a case shows besides the case, each as a related view of FAB's, and its columns.
CASE_PARTS = {
    "case_event": "at event from_state to_state username site_code",
    "applicant": "nationality_code occupation_code marital_status_code height_cm phone email",
    "personalisation": "booklet_number assigned_at issued_on expires_on printed_at delivered_at",
    "case_finding": "code found_at resolved_at resolution",
    "case_requirement": "requirement_code presented note",
    "case_picture": "kind missing",
}


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
        return type(name.title().replace("_", ""), (Model,), {"__table__": table, **more})

    movement = mapped("stock_movement")
    parts = {name: mapped(name) for name in CASE_PARTS}

    def of_case(part: Any) -> Any:
        at = part.__table__.c.case_id
        return relationship(part, primaryjoin=lambda: case.__table__.c.id == foreign(at), backref="case")

    case = mapped("passport_case", **{f"{name}_rows": of_case(part) for name, part in parts.items()})
    booklet = mapped(
        "booklet",
        movements=relationship(
            movement, backref="booklet",
            primaryjoin=lambda: booklet.__table__.c.number == foreign(movement.__table__.c.booklet_number),
        ),
    )  # fmt: skip
    former = mapped("former_case")
    return {**parts, "movement": movement, "case": case, "booklet": booklet, "former": former}


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

    parts = [view(f"{name.title()}View", name, list_columns=columns.split()) for name, columns in CASE_PARTS.items()]
    movements = view("MovementView", "movement", list_columns=["at", "kind", "from_place", "to_place", "case_id"])
    listed: dict[str, Any] = {"list_columns": QUEUE_COLUMNS, "search_columns": ["number", "search_name", "cui"]}
    waiting = [["state", FilterEqual, state], ["site_code", FilterEqual, site]]
    queue = view("QueueView", "case", base_filters=waiting, base_order=("enrolled_at", "asc"), **listed)
    cases = view("CaseView", "case", related_views=parts, show_columns=_shown(models["case"]), **listed)
    booklets = view("BookletView", "booklet", related_views=[movements], show_columns=_shown(models["booklet"]))
    former = view("FormerView", "former", search_columns=["number", "search_name", "cui"])
    return [*parts, movements, queue, cases, booklets, former]


def _shown(model: Any) -> list[str]:
    return [column.key for column in model.__table__.columns]


def cookie(secret: str) -> str:
    """The cookie of a session of the first user of all, `bench`."""
    signer = Flask("signer")
    signer.secret_key = secret
    serializer = signer.session_interface.get_signing_serializer(signer)  # type: ignore[attr-defined]
    return f"session={serializer.dumps({'_user_id': '1', '_fresh': True})}"
