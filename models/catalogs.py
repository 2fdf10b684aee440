"""The catalogs 33-49 of the manual (M:L1054-L1131) and the small lists the rules need besides.

A catalog is keyed by its code: other tables hold the code itself, readable and joined only when a label is shown. An
entry in use is deactivated, never deleted; the code never changes (a trigger refuses both).
"""

from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, String, Text, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.text import N_

CATALOGS: list[type["Catalog"]] = []


class Catalog(Base):
    """One list of codes. `seed` names its file under models/seed and which column fills which."""

    __abstract__ = True
    label: ClassVar[str]
    label_plural: ClassVar[str]
    seed: ClassVar[tuple[str, dict[str, str]]]

    code: Mapped[str] = mapped_column(String(16), primary_key=True, info={"label": N_("Code")})
    name: Mapped[str] = mapped_column(String(120), info={"label": N_("Name")})
    active: Mapped[bool] = mapped_column(server_default=true(), default=True, info={"label": N_("Active")})

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        CATALOGS.append(cls)

    def __str__(self) -> str:
        return self.name


class Country(Catalog):
    __tablename__ = "country"
    label, label_plural, seed = N_("Country"), N_("Countries"), ("paises", {"alpha2": "alpha2", "mrz_code": "mrz_code"})
    alpha2: Mapped[str | None] = mapped_column(String(2), info={"label": N_("Two-letter code")})
    mrz_code: Mapped[str] = mapped_column(String(3), info={"label": N_("Code in the MRZ")})


class MaritalStatus(Catalog):
    __tablename__ = "marital_status"
    label, label_plural, seed = N_("Marital status"), N_("Marital statuses"), ("estado_civil", {})


class Occupation(Catalog):
    __tablename__ = "occupation"
    label, label_plural = N_("Occupation"), N_("Occupations")
    seed = ("ocupaciones", {"major_group": "ciuo08_gran_grupo"})
    major_group: Mapped[str | None] = mapped_column(String(2), info={"label": N_("Major group (ISCO-08)")})


class EyeColour(Catalog):
    __tablename__ = "eye_colour"
    label, label_plural, seed = N_("Eye colour"), N_("Eye colours"), ("color_ojos", {})


class SkinTone(Catalog):
    __tablename__ = "skin_tone"
    label, label_plural, seed = N_("Skin tone"), N_("Skin tones"), ("color_tez", {})


class HairColour(Catalog):
    __tablename__ = "hair_colour"
    label, label_plural, seed = N_("Hair colour"), N_("Hair colours"), ("color_cabello", {})


class Sex(Catalog):
    __tablename__ = "sex"
    label, label_plural, seed = N_("Sex"), N_("Sexes"), ("sexo", {})


class IdentificationType(Catalog):
    __tablename__ = "identification_type"
    label, label_plural = N_("Identification type"), N_("Identification types")
    seed = ("tipos_identificacion", {"pattern": "pattern", "asks_registry": "valida_renap"})
    pattern: Mapped[str | None] = mapped_column(String(60), info={"label": N_("Pattern of the number")})
    asks_registry: Mapped[bool] = mapped_column(default=False, info={"label": N_("Checked with the civil registry")})


class StockCategory(Catalog):
    __tablename__ = "stock_category"
    label, label_plural, seed = N_("Stock category"), N_("Stock categories"), ("inv_categorias", {"prefix": "prefijo"})
    prefix: Mapped[str] = mapped_column(String(1), unique=True, info={"label": N_("Prefix")})


class PassportType(Catalog):
    __tablename__ = "passport_type"
    label, label_plural = N_("Passport type"), N_("Passport types")
    seed = (
        "tipos_pasaporte",
        {
            "category_code": "inv_categoria",
            "document_code": "mrz_doc_code_actual",
            "document_code_2028": "mrz_doc_code_2028",
            "minimum_age": "edad_min",
            "maximum_age": "edad_max",
            "validities": "vigencias_anios",
            "issuer": "emisor_legal",
        },
    )
    category_code: Mapped[str] = mapped_column(
        ForeignKey("stock_category.code"), info={"label": N_("Booklet category")}
    )
    document_code: Mapped[str] = mapped_column(String(2), info={"label": N_("Document code in the MRZ")})
    document_code_2028: Mapped[str] = mapped_column(String(2), info={"label": N_("Document code from 2028")})
    minimum_age: Mapped[int | None] = mapped_column(SmallInteger, info={"label": N_("Minimum age")})
    maximum_age: Mapped[int | None] = mapped_column(SmallInteger, info={"label": N_("Maximum age")})
    validities: Mapped[str] = mapped_column(String(20), info={"label": N_("Validities in years (5;10)")})
    issuer: Mapped[str] = mapped_column(String(40), info={"label": N_("Issuing authority")})


class Department(Catalog):
    __tablename__ = "department"
    label, label_plural = N_("Department"), N_("Departments")
    seed = ("departamentos", {"iso_code": "iso_3166_2"})
    iso_code: Mapped[str | None] = mapped_column(String(6), info={"label": N_("ISO 3166-2 code")})


class Municipality(Catalog):
    __tablename__ = "municipality"
    label, label_plural = N_("Municipality"), N_("Municipalities")
    seed = ("municipios", {"department_code": "department_code"})
    department_code: Mapped[str] = mapped_column(
        ForeignKey("department.code"), index=True, info={"label": N_("Department")}
    )


class Site(Catalog):
    """A place that captures, prints or delivers. Where it does not print itself, `prints_at` does it."""

    __tablename__ = "site"
    label, label_plural = N_("Site"), N_("Sites")
    seed = (
        "sedes",
        {
            "country_code": "country_code",
            "region": "region",
            "city": "city",
            "kind": "kind",
            "enrols": "enrola",
            "prints": "imprime",
            "delivers": "entrega",
        },
    )
    country_code: Mapped[str] = mapped_column(ForeignKey("country.code"), info={"label": N_("Country")})
    region: Mapped[str | None] = mapped_column(String(60), info={"label": N_("Region")})
    city: Mapped[str | None] = mapped_column(String(60), info={"label": N_("City")})
    kind: Mapped[str] = mapped_column(String(16), info={"label": N_("Kind")})
    enrols: Mapped[bool] = mapped_column(default=True, info={"label": N_("Enrols")})
    prints: Mapped[bool] = mapped_column(default=False, info={"label": N_("Prints")})
    delivers: Mapped[bool] = mapped_column(default=True, info={"label": N_("Delivers")})
    prints_at_code: Mapped[str | None] = mapped_column(ForeignKey("site.code"), info={"label": N_("Printed at")})
    only_dealt: Mapped[bool] = mapped_column(
        server_default="false", default=False, info={"label": N_("Cases are only dealt, never picked")}
    )
    shift_issue: Mapped[bool] = mapped_column(
        server_default="false", default=False, info={"label": N_("Printers use only booklets issued to them")}
    )
    return_address: Mapped[str | None] = mapped_column(String(200), info={"label": N_("Sender's address on labels")})

    @property
    def printing_site(self) -> str:
        """The code of the site that prints for this one."""
        return self.code if self.prints else self.prints_at_code or self.code


class DecisionReason(Catalog):
    __tablename__ = "decision_reason"
    label, label_plural = N_("Authorisation or rejection reason"), N_("Authorisation and rejection reasons")
    seed = ("razones_autorizacion_rechazo", {"kind": "kind", "scope": "ambito", "needs_comment": "exige_comentario"})
    kind: Mapped[str] = mapped_column(String(16), info={"label": N_("Kind")})
    scope: Mapped[str] = mapped_column(String(24), info={"label": N_("Where it applies")})
    needs_comment: Mapped[bool] = mapped_column(default=False, info={"label": N_("Needs a comment")})


class ListType(Catalog):
    __tablename__ = "list_type"
    label, label_plural = N_("List type"), N_("List types")
    seed = ("tipos_lista", {"description": "description", "issuer": "emisor", "effect": "efecto_propuesto"})
    description: Mapped[str | None] = mapped_column(Text, info={"label": N_("Description")})
    issuer: Mapped[str | None] = mapped_column(String(60), info={"label": N_("Issuer")})
    effect: Mapped[str] = mapped_column(String(24), info={"label": N_("Effect")})


class StockMovementType(Catalog):
    __tablename__ = "stock_movement_type"
    label, label_plural = N_("Stock movement type"), N_("Stock movement types")
    seed = ("inv_tipos_movimiento", {"sign": "signo", "document": "documento"})
    code: Mapped[str] = mapped_column(String(32), primary_key=True, info={"label": N_("Code")})
    sign: Mapped[int] = mapped_column(SmallInteger, info={"label": N_("Sign (1 in, -1 out)")})
    document: Mapped[str] = mapped_column(String(16), info={"label": N_("Document")})


class Warehouse(Catalog):
    __tablename__ = "warehouse"
    label, label_plural = N_("Warehouse"), N_("Warehouses")
    seed = ("inv_bodegas", {"kind": "tipo", "site_code": "sede", "takes_receipts": "recibe_ingresos"})
    kind: Mapped[str] = mapped_column(String(16), info={"label": N_("Kind")})
    site_code: Mapped[str | None] = mapped_column(ForeignKey("site.code"), info={"label": N_("Site")})
    takes_receipts: Mapped[bool] = mapped_column(default=False, info={"label": N_("Takes receipts")})
    target_days: Mapped[int] = mapped_column(
        SmallInteger, server_default="20", default=20, info={"label": N_("Days of stock to keep")}
    )


class TransferRoute(Catalog):
    """Two warehouses between which a transfer is received in the moment it is closed, as the manual does (M:L892)."""

    __tablename__ = "transfer_route"
    label, label_plural = N_("Transfer received at once"), N_("Transfers received at once")
    seed = ("inv_rutas", {"from_warehouse_code": "sale", "to_warehouse_code": "ingresa"})
    from_warehouse_code: Mapped[str] = mapped_column(
        ForeignKey("warehouse.code"), info={"label": N_("Warehouse that sends")}
    )
    to_warehouse_code: Mapped[str] = mapped_column(
        ForeignKey("warehouse.code"), info={"label": N_("Warehouse that receives")}
    )

    __table_args__ = (
        CheckConstraint("from_warehouse_code <> to_warehouse_code", name="route_goes_somewhere"),
        Index("uq_transfer_route_pair", "from_warehouse_code", "to_warehouse_code", unique=True),
    )


class Printer(Catalog):
    """A machine that prints data pages at a site, and by how much pages must be moved for it to hit their place."""

    __tablename__ = "printer"
    label, label_plural = N_("Printer"), N_("Printers")
    seed = ("impresoras", {"site_code": "sede"})
    site_code: Mapped[str] = mapped_column(ForeignKey("site.code"), index=True, info={"label": N_("Site")})
    offset_x: Mapped[Decimal] = mapped_column(
        Numeric(4, 2), server_default="0", default=Decimal(0), info={"label": N_("Millimetres to the right")}
    )
    offset_y: Mapped[Decimal] = mapped_column(
        Numeric(4, 2), server_default="0", default=Decimal(0), info={"label": N_("Millimetres up")}
    )
    rotation: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info={"label": N_("Turn in degrees (0 or 180)")}
    )

    __table_args__ = (
        CheckConstraint("abs(offset_x) <= 10 and abs(offset_y) <= 10", name="printer_offset_is_small"),
        CheckConstraint("rotation in (0, 180)", name="printer_turns_by_half"),
    )


class Courier(Catalog):
    """Who carries passports by mail. The first group of the pattern, or all of it, is the tracking number."""

    __tablename__ = "courier"
    label, label_plural = N_("Courier"), N_("Couriers")
    seed = ("mensajeria", {"tracking_pattern": "patron_guia", "tracking_url": "url_guia"})
    tracking_pattern: Mapped[str] = mapped_column(String(120), info={"label": N_("Pattern of the tracking number")})
    tracking_url: Mapped[str | None] = mapped_column(String(200), info={"label": N_("Page that tracks a number")})


class VoidType(Catalog):
    __tablename__ = "void_type"
    label, label_plural = N_("Void type"), N_("Void types")
    seed = (
        "tipos_anulacion",
        {
            "modules": "desde_modulo",
            "automatic": "automatica",
            "booklet_states": "estado_libreta_requerido",
            "reversible": "reactivable",
        },
    )
    modules: Mapped[str] = mapped_column(String(60), info={"label": N_("Used in")})
    automatic: Mapped[bool] = mapped_column(default=False, info={"label": N_("Automatic")})
    booklet_states: Mapped[str] = mapped_column(String(60), info={"label": N_("Booklet states it applies to")})
    reversible: Mapped[bool] = mapped_column(default=False, info={"label": N_("Can be reversed")})


class Procedure(Catalog):
    __tablename__ = "procedure"
    label, label_plural = N_("Procedure"), N_("Procedures")
    seed = ("tipos_tramite", {"description": "description", "needs_previous": "requiere_pasaporte_previo"})
    description: Mapped[str | None] = mapped_column(Text, info={"label": N_("Description")})
    needs_previous: Mapped[bool] = mapped_column(default=False, info={"label": N_("Needs a previous passport")})


class Requirement(Catalog):
    __tablename__ = "requirement"
    label, label_plural, seed = N_("Requirement"), N_("Requirements"), ("requisitos", {})
