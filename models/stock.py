"""The stock of booklets: documents with their lines, the ledger of movements, its daily turnover, arrivals."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.text import N_


class Account(StrEnum):
    """What kind of place a booklet can be at. A place is `ACCOUNT`, `ACCOUNT:<owner>` or `HANDS:<owner>:<user id>`.

    Owners: a warehouse (WAREHOUSE, HANDS, VOIDED), a site (PRINTING), a transfer's number (TRANSIT).
    """

    SUPPLIER = "SUPPLIER"
    WAREHOUSE = "WAREHOUSE"
    HANDS = "HANDS"
    TRANSIT = "TRANSIT"
    PRINTING = "PRINTING"
    HOLDER = "HOLDER"
    VOIDED = "VOIDED"
    OUTSIDE = "OUTSIDE"
    DESTROYED = "DESTROYED"


ACCOUNT_LABELS = {
    Account.SUPPLIER: N_("Supplier"),
    Account.WAREHOUSE: N_("Warehouse"),
    Account.HANDS: N_("In a printer's hands"),
    Account.TRANSIT: N_("In transit"),
    Account.PRINTING: N_("Personalised, at the site"),
    Account.HOLDER: N_("With its holder"),
    Account.VOIDED: N_("Voided, in custody"),
    Account.OUTSIDE: N_("Voided, out of our custody"),
    Account.DESTROYED: N_("Destroyed"),
}


class DocumentKind(StrEnum):
    """What a stock document does; the last three are of the module Salidas, the reversal of a mistake any."""

    INGRESO = "INGRESO"
    TRASLADO = "TRASLADO"
    SALIDA = "SALIDA"
    DEVOLUCION = "DEVOLUCION"
    DESTRUCCION = "DESTRUCCION"
    REVERSION = "REVERSION"


DOCUMENT_LABELS = {
    DocumentKind.INGRESO: N_("Receipt"),
    DocumentKind.TRASLADO: N_("Transfer"),
    DocumentKind.SALIDA: N_("Issue to a printer"),
    DocumentKind.DEVOLUCION: N_("Return from a printer"),
    DocumentKind.DESTRUCCION: N_("Destruction"),
    DocumentKind.REVERSION: N_("Reversal"),
}


class DocumentState(StrEnum):
    """How far a stock document is (models/seed/estados_documento_inventario.csv)."""

    ABIERTO = "ABIERTO"
    POR_CONFIRMAR = "POR_CONFIRMAR"
    CERRADO = "CERRADO"


def among(column: str, words: type[StrEnum]) -> str:
    return f"{column} in ({', '.join(repr(word.value) for word in words)})"


class StockDocument(Base):
    """A receipt, transfer, issue, return, destruction or reversal: a draft until it is closed for good.

    `warehouse_code` receives a receipt and a return, and gives the rest; `to_warehouse_code` receives a transfer.
    Where two people count, the first signs (`signed_by_id`) and the second closes. A transfer that waits for its
    receiver is closed and has no `received_at` yet.
    """

    __tablename__ = "stock_document"

    id: Mapped[int] = mapped_column(Integer, Identity(start=2001), primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(String(16))
    state: Mapped[DocumentState] = mapped_column(String(16), default=DocumentState.ABIERTO)
    category_code: Mapped[str | None] = mapped_column(ForeignKey("stock_category.code"))
    on: Mapped[dt.date] = mapped_column("document_on", Date)
    reference: Mapped[str | None] = mapped_column(String(80))
    warehouse_code: Mapped[str] = mapped_column(ForeignKey("warehouse.code"))
    to_warehouse_code: Mapped[str | None] = mapped_column(ForeignKey("warehouse.code"))
    printer_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("stock_document.id"))
    remarks: Mapped[str | None] = mapped_column(Text)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    signed_at: Mapped[dt.datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    closed_at: Mapped[dt.datetime | None]
    at_once: Mapped[bool] = mapped_column(server_default="false", default=False)
    received_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(Integer, default=1)

    lines: Mapped[list["StockLine"]] = relationship(
        order_by="StockLine.id", cascade="all, delete-orphan", back_populates="document"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(among("kind", DocumentKind), name="document_kind_is_known"),
        CheckConstraint(among("state", DocumentState), name="document_state_is_known"),
        CheckConstraint("(state = 'CERRADO') = (closed_at is not null)", name="closed_document_says_when"),
        CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed_document_says_who"),
        CheckConstraint("(signed_at is null) = (signed_by_id is null)", name="signed_document_says_who"),
        CheckConstraint("state <> 'POR_CONFIRMAR' or signed_at is not null", name="document_to_confirm_is_signed"),
        CheckConstraint("(kind = 'INGRESO') = (category_code is not null)", name="receipt_has_a_category"),
        CheckConstraint(
            "(kind = 'TRASLADO') = (to_warehouse_code is not null) and warehouse_code <> to_warehouse_code",
            name="transfer_goes_to_another_warehouse",
        ),
        CheckConstraint(
            "(kind in ('SALIDA', 'DEVOLUCION')) = (printer_id is not null)", name="issue_names_its_printer"
        ),
        CheckConstraint("(kind = 'REVERSION') = (reverses_id is not null)", name="reversal_names_what_it_reverses"),
        CheckConstraint(
            "kind not in ('SALIDA', 'DEVOLUCION', 'DESTRUCCION') or closed_at is null"
            " or (signed_by_id is not null and signed_by_id <> closed_by_id)",
            name="two_people_sign",
        ),
        CheckConstraint(
            "kind <> 'SALIDA' or closed_at is null or printer_id in (signed_by_id, closed_by_id)",
            name="printer_is_one_of_the_two",
        ),
        CheckConstraint(
            "received_at is null or (kind = 'TRASLADO' and closed_at is not null)", name="only_a_transfer_is_received"
        ),
        Index("ix_stock_document_state", "kind", "state", "id"),
        Index("ix_stock_document_kind", "kind", "id"),
        Index("ix_stock_document_closed", "kind", "closed_at", "id", postgresql_where=text("closed_at is not null")),
        Index(
            "ix_stock_document_in_transit",
            "id",
            postgresql_where=text("kind = 'TRASLADO' and state = 'CERRADO' and received_at is null"),
        ),
        Index(
            "uq_stock_document_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
    )

    @property
    def is_open(self) -> bool:
        return self.state == DocumentState.ABIERTO


#: The serials of a line as one range over all prefixes, so that a plain range index can refuse an overlap.
SERIAL_RANGE = "int8range(ascii(prefix)::bigint * 10000000 + {0}, ascii(prefix)::bigint * 10000000 + {0} + quantity)"


class StockLine(Base):
    """A range of serial numbers on a document: `quantity` booklets from `prefix``first`.

    `receives`: the line brings these numbers into stock; no two such lines overlap, whatever their documents.
    """

    __tablename__ = "stock_line"

    id: Mapped[BigId]
    document_id: Mapped[int] = mapped_column(ForeignKey("stock_document.id"), index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"))
    prefix: Mapped[str] = mapped_column(String(1))
    first: Mapped[int] = mapped_column("first_serial", Integer)
    quantity: Mapped[int] = mapped_column(Integer)
    receives: Mapped[bool] = mapped_column(server_default="false", default=False)

    document: Mapped[StockDocument] = relationship(back_populates="lines")

    __table_args__ = (
        CheckConstraint("quantity > 0", name="line_has_booklets"),
        CheckConstraint("first_serial >= 0 and first_serial + quantity <= 10000000", name="line_fits_seven_digits"),
        CheckConstraint("prefix in ('F', 'S', 'D')", name="prefix_is_known"),
        ExcludeConstraint(
            (text(SERIAL_RANGE.format("first_serial")), "&&"),
            where=text("receives"),
            using="gist",
            name="no_two_receipts_overlap",
        ),
        ExcludeConstraint(
            (text("int4range(document_id, document_id, '[]')"), "&&"),
            (text(SERIAL_RANGE.format("first_serial")), "&&"),
            using="gist",
            name="no_two_lines_of_a_document_overlap",
        ),
    )

    @property
    def first_number(self) -> str:
        return f"{self.prefix}{self.first:07d}"

    @property
    def last_number(self) -> str:
        return f"{self.prefix}{self.first + self.quantity - 1:07d}"


class StockMovement(Base):
    """One booklet out of one place and into another (`Account`). Append-only: the database refuses update and delete.

    Which kinds there are, and from where to where each leads, is declared in workflow.stock.ledger, the one writer; the
    database holds the same rules, moves the booklet and adds the movement to the day's turnover.
    """

    __tablename__ = "stock_movement"

    id: Mapped[BigId]
    booklet_number: Mapped[str] = mapped_column(ForeignKey("booklet.number", deferrable=True, initially="DEFERRED"))
    kind: Mapped[str] = mapped_column(ForeignKey("stock_movement_type.code"))
    from_place: Mapped[str] = mapped_column(String(40))
    to_place: Mapped[str] = mapped_column(String(40))
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("stock_document.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    reverses_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stock_movement.id"))
    void_type_code: Mapped[str | None] = mapped_column(ForeignKey("void_type.code"))
    remarks: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("from_place <> to_place", name="movement_goes_somewhere"),
        Index("ix_stock_movement_booklet_number", "booklet_number", "id"),
        Index("ix_stock_movement_at", "at", postgresql_using="brin"),
        Index("ix_stock_movement_voids", "at", "id", postgresql_where=text("kind = 'EGRESO_ANULACION'")),
        Index("ix_stock_movement_undone", "at", postgresql_where=text("kind = 'REINGRESO_REACTIVACION'")),
        Index("ix_stock_movement_document_id", "document_id", postgresql_where=text("document_id is not null")),
        Index(
            "uq_stock_movement_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
    )


class Span(StrEnum):
    """What a row of the turnover is about: a day, or a whole month, whose `on` is its first day."""

    DAY = "DAY"
    MONTH = "MONTH"


class StockTurnover(Base):
    """How many booklets a kind of movement put into and took out of an account on a day or in a month.

    Kept by the database. Several rows may stand for the same day: who finds one locked by another writes his own, so
    that nobody waits. Read sums. The months make ten years quick to add up. `owner` is the warehouse or site of the
    place, blank where it has none; the day is Guatemala's.
    """

    __tablename__ = "stock_turnover"

    id: Mapped[BigId]
    span: Mapped[Span] = mapped_column(String(5))
    account: Mapped[Account] = mapped_column(String(12))
    owner: Mapped[str] = mapped_column(String(16))
    category_code: Mapped[str] = mapped_column(String(16))
    on: Mapped[dt.date] = mapped_column("turnover_on", Date)
    kind: Mapped[str] = mapped_column(String(32))
    put: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint(among("span", Span), name="turnover_span_is_known"),
        Index("ix_stock_turnover_span", "span", "account", "turnover_on", "owner", "category_code", "kind"),
        {"postgresql_with": {"fillfactor": "70"}},
    )
