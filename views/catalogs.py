"""The catalogs 33-49 (M:L1054-L1131): one class each over `CatalogView`, with what its values must be."""

from typing import Any

from flask_babel import gettext as _
from wtforms.validators import StopValidation

from models import catalogs
from models.base import session as database
from models.booklets import BookletState
from models.text import N_
from views.catalog import CatalogView
from views.checks import between, compiles, made_of, matches

PLAIN = ("code", "name", "active")
THREE_LETTERS = matches(r"[A-Z]{3}", N_("Three capital letters."))
TWO_LETTERS = matches(r"[A-Z]{2}", N_("Two capital letters."))
DOCUMENT_CODE = matches(r"[A-Z][A-Z<]", N_("Two capital letters; < stands for none, as in P<."))
AGE = between(0, 120, N_("A number from %(low)s to %(high)s."))
MODULES = ("ANULAR_LIBRETA", "PRE_IMPRESION", "CONTROL_CALIDAD", "CORRECCION", "ENTREGA")
UNKNOWN_PART = N_("%(part)s is not known. With semicolons between: %(parts)s.")


class CountryView(CatalogView):
    model = catalogs.Country
    columns = ("code", "name", "alpha2", "mrz_code", "active")
    checks = {  # noqa: RUF012
        "code": [THREE_LETTERS], "alpha2": [TWO_LETTERS],
        "mrz_code": [matches(r"[A-Z]{1,3}", N_("One to three capital letters."))],
    }  # fmt: skip


class MaritalStatusView(CatalogView):
    model, columns = catalogs.MaritalStatus, PLAIN


class OccupationView(CatalogView):
    model, columns = catalogs.Occupation, ("code", "name", "major_group", "active")
    checks = {"major_group": [matches(r"[0-9]{1,2}", N_("One or two digits."))]}  # noqa: RUF012


class EyeColourView(CatalogView):
    model, columns = catalogs.EyeColour, PLAIN


class SkinToneView(CatalogView):
    model, columns = catalogs.SkinTone, PLAIN


class HairColourView(CatalogView):
    model, columns = catalogs.HairColour, PLAIN


class IdentificationTypeView(CatalogView):
    model, columns = catalogs.IdentificationType, ("code", "name", "pattern", "asks_registry", "active")
    checks = {"pattern": [compiles]}  # noqa: RUF012


def _ages_in_order(form: Any, field: Any) -> None:
    if field.data is not None and form.minimum_age.data is not None and field.data < form.minimum_age.data:
        raise StopValidation(_("The maximum age is below the minimum age."))


class PassportTypeView(CatalogView):
    model = catalogs.PassportType
    columns = (
        "code", "name", "category_code", "document_code", "document_code_2028", "minimum_age", "maximum_age",
        "validities", "issuer", "active",
    )  # fmt: skip
    listed = ("code", "name", "category_code", "document_code", "document_code_2028", "validities", "active")
    checks = {  # noqa: RUF012
        "document_code": [DOCUMENT_CODE], "document_code_2028": [DOCUMENT_CODE],
        "minimum_age": [AGE], "maximum_age": [AGE, _ages_in_order],
        "validities": [matches(r"[1-9][0-9]?(;[1-9][0-9]?)*", N_("Years with semicolons between, as in 5;10."))],
    }  # fmt: skip


class DepartmentView(CatalogView):
    model, columns = catalogs.Department, ("code", "name", "iso_code", "active")
    checks = {  # noqa: RUF012
        "code": [matches(r"[0-9]{2}", N_("Two digits."))],
        "iso_code": [matches(r"[A-Z]{2}-[A-Z0-9]{1,3}", N_("As in GT-01."))],
    }


def _within_its_department(form: Any, field: Any) -> None:
    code = form.code.data if "code" in form else form._id
    if code and field.data and not code.startswith(field.data):
        raise StopValidation(_("The code of a municipality begins with its department's."))


class MunicipalityView(CatalogView):
    model, columns = catalogs.Municipality, ("code", "name", "department_code", "active")
    checks = {  # noqa: RUF012
        "code": [matches(r"[0-9]{4}", N_("Four digits: department and municipality."))],
        "department_code": [_within_its_department],
    }


def _prints_somewhere(form: Any, field: Any) -> None:
    if not form.prints.data and not field.data:
        raise StopValidation(_("A site that does not print needs one that prints for it."))
    printer = database.get(catalogs.Site, field.data) if field.data else None
    if printer is not None and not printer.prints:
        raise StopValidation(_("%(site)s does not print.", site=printer.name))


class SiteView(CatalogView):
    model = catalogs.Site
    columns = (
        "code", "name", "country_code", "region", "city", "kind", "enrols", "prints", "delivers", "prints_at_code",
        "only_dealt", "shift_issue", "return_address", "active",
    )  # fmt: skip
    listed = ("code", "name", "country_code", "kind", "enrols", "prints", "delivers", "prints_at_code", "active")
    checks = {  # noqa: RUF012
        "code": [matches(r"[A-Z][A-Z0-9]{2}", N_("Three capital letters or digits, a letter first."))],
        "prints_at_code": [_prints_somewhere],
    }
    words = {  # noqa: RUF012
        "kind": {
            "central": N_("Central"), "departamental": N_("Departmental"), "consulado": N_("Consulate"),
            "movil": N_("Mobile"),
        }
    }  # fmt: skip


class DecisionReasonView(CatalogView):
    model, columns = catalogs.DecisionReason, ("code", "name", "kind", "scope", "needs_comment", "active")
    words = {  # noqa: RUF012
        "kind": {"AUTORIZACION": N_("Authorisation"), "RECHAZO": N_("Rejection")},
        "scope": {
            "SUPERVISION": N_("Supervision"), "VALIDACION_SECUNDARIA": N_("Secondary validation"), "AMBOS": N_("Both"),
        },
    }  # fmt: skip


class ListTypeView(CatalogView):
    model, columns = catalogs.ListType, ("code", "name", "description", "issuer", "effect", "active")
    words = {  # noqa: RUF012
        "effect": {
            "VALIDACION_SECUNDARIA": N_("Secondary validation"), "BLOQUEO_LIBRETA": N_("Blocks the booklet"),
            "INFORMATIVO": N_("Informs only"),
        }
    }  # fmt: skip


class StockCategoryView(CatalogView):
    model, columns = catalogs.StockCategory, ("code", "name", "prefix", "active")
    checks = {"prefix": [matches(r"[A-Z]", N_("One capital letter."))]}  # noqa: RUF012


class StockMovementTypeView(CatalogView):
    model, columns = catalogs.StockMovementType, ("code", "name", "sign", "document", "active")
    checks = {"sign": [between(-1, 1, N_("1 for in, -1 for out, 0 for neither."))]}  # noqa: RUF012


def _is_somewhere(form: Any, field: Any) -> None:
    if form.kind.data == "PRODUCCION" and not field.data:
        raise StopValidation(_("A production warehouse belongs to a site."))


class WarehouseView(CatalogView):
    model, columns = (
        catalogs.Warehouse,
        ("code", "name", "kind", "site_code", "takes_receipts", "target_days", "active"),
    )
    checks = {  # noqa: RUF012
        "site_code": [_is_somewhere],
        "target_days": [between(1, 365, N_("From 1 to 365 days."))],
    }
    words = {"kind": {"CENTRAL": N_("Central"), "PRODUCCION": N_("Production")}}  # noqa: RUF012


def _other_warehouse(form: Any, field: Any) -> None:
    if field.data and field.data == form.from_warehouse_code.data:
        raise StopValidation(_("A warehouse sends to another one, not to itself."))


class TransferRouteView(CatalogView):
    model, columns = catalogs.TransferRoute, ("code", "name", "from_warehouse_code", "to_warehouse_code", "active")
    checks = {"to_warehouse_code": [_other_warehouse]}  # noqa: RUF012


OFFSET = between(-10, 10, N_("A number from %(low)s to %(high)s."))


def _turned_by_half(_form: Any, field: Any) -> None:
    if field.data not in (None, 0, 180):
        raise StopValidation(_("0 or 180."))


class PrinterView(CatalogView):
    model = catalogs.Printer
    columns = ("code", "name", "site_code", "offset_x", "offset_y", "rotation", "active")
    checks = {"offset_x": [OFFSET], "offset_y": [OFFSET], "rotation": [_turned_by_half]}  # noqa: RUF012


class CourierView(CatalogView):
    model, columns = catalogs.Courier, ("code", "name", "tracking_pattern", "tracking_url", "active")
    checks = {  # noqa: RUF012
        "tracking_pattern": [compiles],
        "tracking_url": [
            matches(r"https://[^\s{}]+\{number\}[^\s{}]*", N_("An address that begins with https:// and has {number}."))
        ],
    }


class VoidTypeView(CatalogView):
    model = catalogs.VoidType
    columns = ("code", "name", "modules", "automatic", "booklet_states", "reversible", "active")
    checks = {  # noqa: RUF012
        "modules": [made_of(MODULES, UNKNOWN_PART)],
        "booklet_states": [made_of([state.value for state in BookletState], UNKNOWN_PART)],
    }


VIEWS = (
    CountryView, MaritalStatusView, OccupationView, EyeColourView, SkinToneView, HairColourView,
    IdentificationTypeView, PassportTypeView, DepartmentView, MunicipalityView, SiteView, DecisionReasonView,
    ListTypeView, StockCategoryView, StockMovementTypeView, WarehouseView, VoidTypeView,
    TransferRouteView, PrinterView, CourierView,
)  # fmt: skip
