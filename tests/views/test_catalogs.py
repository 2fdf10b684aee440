"""Every catalog: listed, searched, added to, edited, deactivated and reactivated; never deleted; not for everybody."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.menu import MENU
from tests.views.counting import statements
from views.catalogs import VIEWS

Login = Callable[[str], FlaskClient]

#: What the add form needs besides code and name, and the code when it has a shape of its own.
VALUES: dict[str, dict[str, str]] = {
    "CountryView": {"code": "ZZQ", "alpha2": "ZQ", "mrz_code": "ZZQ"},
    "OccupationView": {"major_group": "2"},
    "IdentificationTypeView": {"pattern": "^[0-9]{4}$", "asks_registry": "y"},
    "PassportTypeView": {
        "category_code": "OFICIAL", "document_code": "P<", "document_code_2028": "PX", "minimum_age": "18",
        "maximum_age": "99", "validities": "5;10", "issuer": "IGM",
    },
    "DepartmentView": {"code": "98", "iso_code": "GT-98"},
    "MunicipalityView": {"code": "0198", "department_code": "01"},
    "SiteView": {"code": "ZZ9", "country_code": "GTM", "kind": "departamental", "enrols": "y", "prints_at_code": "GUA"},
    "DecisionReasonView": {"kind": "RECHAZO", "scope": "AMBOS"},
    "ListTypeView": {"effect": "INFORMATIVO"},
    "StockCategoryView": {"prefix": "Z"},
    "StockMovementTypeView": {"sign": "0", "document": "AJUSTE"},
    "WarehouseView": {"kind": "PRODUCCION", "site_code": "GUA", "target_days": "20"},
    "TransferRouteView": {"from_warehouse_code": "CENTRAL", "to_warehouse_code": "PROD-PET"},
    "PrinterView": {"site_code": "GUA", "offset_x": "0.5", "offset_y": "-1.25", "rotation": "180"},
    "CourierView": {"tracking_pattern": "[0-9]{10}", "tracking_url": "https://envios.example/{number}"},
    "VoidTypeView": {"modules": "ENTREGA;CORRECCION", "booklet_states": "IMPRESA"},
}  # fmt: skip
NAME = "Entrada de prueba Ñandú"
every_catalog = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)


def url(view: Any, rest: str) -> str:
    return f"/catalogs/{view.model.__tablename__.replace('_', '-')}/{rest}"


def values(view: Any) -> dict[str, str]:
    return {"code": "ZZ98", "name": NAME, **VALUES.get(view.__name__, {})}


def entry(db: Session, view: Any, code: str) -> Any:
    query = select(view.model).where(view.model.code == code).execution_options(populate_existing=True)
    return db.scalars(query).first()


def test_the_menu_has_every_catalog() -> None:
    items = {item.endpoint for group in MENU if group.key == "catalogs" for item in group.items}
    elsewhere = {"TransferRouteView.list", "PrinterView.list", "CourierView.list"}
    assert items == {f"{view.__name__}.list" for view in VIEWS} - elsewhere, (
        "those: see Transfers and the printing page"
    )
    assert len(VIEWS) == 20


@every_catalog
def test_a_catalog_is_kept_without_ever_deleting(view: Any, login: Login, db: Session) -> None:
    client, given = login("admadm"), values(view)
    code = given["code"]
    added = client.post(url(view, "add"), data=given)
    assert added.status_code == 303, _errors(added.text)
    assert entry(db, view, code).name == NAME
    assert entry(db, view, code).active

    found = client.get(url(view, "list/?q=nandu prueba"))
    assert f"/show/{code}" in found.text
    assert "1 registro" in found.text or "1 record" in found.text
    assert "/show/" not in client.get(url(view, "list/?q=noexiste")).text

    changed = {**given, "name": "Otro nombre", "code": "ZZ97"}
    assert client.post(url(view, f"edit/{code}"), data=changed).status_code == 303
    assert entry(db, view, code).name == "Otro nombre"
    assert entry(db, view, "ZZ97") is None, "the code never changes"

    assert client.post(url(view, f"action/deactivate/{code}")).status_code == 303
    assert not entry(db, view, code).active
    assert client.post(url(view, f"action/reactivate/{code}")).status_code == 303
    assert entry(db, view, code).active

    for method in (client.get, client.post):
        assert method(url(view, f"delete/{code}")).status_code == 404
    assert entry(db, view, code) is not None


@every_catalog
def test_a_code_that_exists_is_refused_naming_its_entry(view: Any, login: Login, db: Session) -> None:
    taken = db.scalars(select(view.model).order_by(view.model.code)).first()
    answer = login("admadm").post(url(view, "add"), data={**values(view), "code": taken.code})
    assert answer.status_code == 200
    assert f"{taken.code} " in answer.text or f"{taken.code}:" in answer.text
    assert _escaped(taken.name) in answer.text
    assert NAME in answer.text, "what was typed is kept"


@every_catalog
def test_who_may_not_see_catalogs_is_refused(view: Any, login: Login, app: Flask) -> None:
    client = login("concal")
    assert client.get(url(view, "list/")).status_code == 403
    assert client.get(url(view, "add")).status_code == 403
    assert client.post(url(view, "action/deactivate/X")).status_code in (403, 404)
    nobody = app.test_client().get(url(view, "list/"))
    assert nobody.status_code == 302
    assert "/login/" in nobody.location


@every_catalog
def test_who_may_only_read_catalogs_changes_nothing(view: Any, login: Login, db: Session) -> None:
    client, first = login("jpgu"), db.scalars(select(view.model.code).order_by(view.model.code)).first()
    page = client.get(url(view, "list/"))
    assert page.status_code == 200
    assert "action/deactivate" not in page.text
    assert client.post(url(view, "add"), data=values(view)).status_code == 403
    assert client.post(url(view, f"action/deactivate/{first}")).status_code == 403
    assert entry(db, view, first).active == db.get_one(view.model, first).active


@every_catalog
def test_a_list_costs_at_most_six_statements(view: Any, login: Login, connection: Connection) -> None:
    client = login("admadm")
    with statements(connection) as seen:
        assert client.get(url(view, "list/")).status_code == 200
    assert len(seen) <= 6, "\n".join(seen)


@every_catalog
def test_only_shown_columns_order_a_list(view: Any, login: Login) -> None:
    client = login("admadm")
    name = view.__name__
    assert client.get(url(view, f"list/?_oc_{name}=name&_od_{name}=desc")).status_code == 200
    assert client.get(url(view, f"list/?_oc_{name}=metadata&_od_{name}=asc")).status_code == 400


def test_several_marked_entries_are_deactivated_at_once(login: Login, db: Session) -> None:
    client, view = login("admadm"), next(one for one in VIEWS if one.__name__ == "EyeColourView")
    given = {"action": "deactivate", "rowid": ["CAF", "CAC"]}
    assert client.post(url(view, "action_post"), data=given).status_code == 303
    assert not entry(db, view, "CAF").active
    assert not entry(db, view, "CAC").active
    assert client.post(url(view, "action_post"), data={"action": "delete", "rowid": ["CAF"]}).status_code == 404
    assert client.post(url(view, "action_post"), data={"action": "deactivate", "rowid": ["QQ"]}).status_code == 404


def test_a_reference_is_shown_by_name_and_offers_active_entries_only(login: Login, db: Session) -> None:
    from models.catalogs import Department

    client = login("admadm")
    assert "El Progreso" in client.get("/catalogs/municipality/list/?q=guastatoya").text
    db.get_one(Department, "02").active = False
    db.commit()
    form = client.get("/catalogs/municipality/add").text
    assert '<option value="01">' in form
    assert '<option value="02">' not in form


def test_a_value_that_must_be_the_only_one_names_who_has_it(login: Login, db: Session) -> None:
    client, view = login("admadm"), next(one for one in VIEWS if one.__name__ == "StockCategoryView")
    assert "Libreta Ordinaria" in client.post(url(view, "add"), data={**values(view), "prefix": "F"}).text
    own = {"name": "Libreta Ordinaria", "prefix": "F"}
    assert client.post(url(view, "edit/ORDINARIA"), data=own).status_code == 303


def test_booleans_are_words(login: Login) -> None:
    page = login("admadm").get("/catalogs/identification-type/list/").text
    assert "True" not in page
    assert "False" not in page


@pytest.mark.parametrize(
    ("view", "wrong"),
    [
        ("CountryView", {"alpha2": "Q1"}), ("CountryView", {"mrz_code": "abc"}), ("CountryView", {"code": "zzq"}),
        ("IdentificationTypeView", {"pattern": "[0-9"}), ("PassportTypeView", {"document_code": "P1"}),
        ("PassportTypeView", {"document_code_2028": "P"}), ("PassportTypeView", {"validities": "5,10"}),
        ("PassportTypeView", {"minimum_age": "20", "maximum_age": "10"}), ("PassportTypeView", {"maximum_age": "900"}),
        ("DepartmentView", {"code": "1"}), ("MunicipalityView", {"department_code": "02"}),
        ("SiteView", {"kind": "luna"}), ("SiteView", {"prints_at_code": ""}), ("SiteView", {"country_code": "QQQ"}),
        ("DecisionReasonView", {"scope": ""}), ("StockCategoryView", {"prefix": "F"}),
        ("StockCategoryView", {"prefix": "1"}), ("StockMovementTypeView", {"sign": "2"}),
        ("StockMovementTypeView", {"sign": "x"}), ("WarehouseView", {"site_code": ""}),
        ("VoidTypeView", {"booklet_states": "IMPRESA;ROTA"}), ("EyeColourView", {"name": "   "}),
        ("EyeColourView", {"code": "A B"}), ("EyeColourView", {"code": "X" * 17}),
        ("EyeColourView", {"name": "x" * 121}),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(view: str, wrong: dict[str, str], login: Login, db: Session) -> None:
    cls = next(one for one in VIEWS if one.__name__ == view)
    given = {**values(cls), **wrong}
    answer = login("admadm").post(url(cls, "add"), data=given)
    assert answer.status_code == 200
    assert 'class="field-error"' in answer.text
    assert entry(db, cls, given["code"]) is None


def _errors(page: str) -> str:
    return "; ".join(re.findall(r'field-error"[^>]*>.*?</svg>([^<]*)', page))


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))
