"""Passports that go to their holders by mail: the address, the courier, how far each is, and all that was done."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.stock import among
from models.text import N_


class ShipmentState(StrEnum):
    """How far a shipment is; the first two are live."""

    PREPARED = "PREPARED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


SHIPMENT_LABELS = {
    ShipmentState.PREPARED: N_("Prepared"),
    ShipmentState.SENT: N_("On its way"),
    ShipmentState.DELIVERED: N_("Receipt confirmed"),
    ShipmentState.RETURNED: N_("Came back"),
    ShipmentState.LOST: N_("Lost in the mail"),
    ShipmentState.CANCELLED: N_("Not sent"),
}
LIVE = (ShipmentState.PREPARED, ShipmentState.SENT)


class Act(StrEnum):
    """What is done with a shipment: its new states, and what leaves the state as it is."""

    PREPARED = "PREPARED"
    ADDRESS = "ADDRESS"
    LABEL = "LABEL"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


ACT_LABELS = {
    **{Act(state): label for state, label in SHIPMENT_LABELS.items()},
    Act.ADDRESS: N_("Address corrected"),
    Act.LABEL: N_("Label printed"),
}


class Shipment(Base):
    """One passport on its way to one address in the USA. At most one of a case is live; its address is final once sent.

    `site_code` is the case's site. The database keeps the order of the states, takes a shipment only of a passport
    that waits for delivery, and refuses that such a passport is delivered or voided while its shipment is live.
    """

    __tablename__ = "shipment"

    id: Mapped[int] = mapped_column(Integer, Identity(start=1), primary_key=True)
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    booklet_number: Mapped[str] = mapped_column(ForeignKey("booklet.number"), index=True)
    site_code: Mapped[str] = mapped_column(ForeignKey("site.code"))
    state: Mapped[ShipmentState] = mapped_column(String(12), default=ShipmentState.PREPARED)
    recipient: Mapped[str] = mapped_column(String(120))
    line_1: Mapped[str] = mapped_column(String(80))
    line_2: Mapped[str | None] = mapped_column(String(80))
    city: Mapped[str] = mapped_column(String(60))
    us_state: Mapped[str] = mapped_column(String(2))
    zip_code: Mapped[str] = mapped_column(String(10))
    phone: Mapped[str | None] = mapped_column(String(24))
    courier_code: Mapped[str | None] = mapped_column(ForeignKey("courier.code"))
    tracking_number: Mapped[str | None] = mapped_column(String(40))
    labels: Mapped[int] = mapped_column(Integer, default=0)
    prepared_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    prepared_at: Mapped[dt.datetime]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    sent_at: Mapped[dt.datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    ended_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(among("state", ShipmentState), name="shipment_state_is_known"),
        CheckConstraint("us_state ~ '^[A-Z]{2}$'", name="us_state_has_two_letters"),
        CheckConstraint("zip_code ~ '^[0-9]{5}(-[0-9]{4})?$'", name="zip_code_has_its_form"),
        CheckConstraint("trim(recipient) <> '' and trim(line_1) <> '' and trim(city) <> ''", name="address_is_whole"),
        CheckConstraint("(sent_at is null) = (state in ('PREPARED', 'CANCELLED'))", name="sent_shipment_says_when"),
        CheckConstraint(
            "(sent_at is null) = (sent_by_id is null)"
            " and (sent_at is null or (courier_code is not null and tracking_number is not null))",
            name="sent_shipment_says_who_by_what",
        ),
        CheckConstraint("(ended_at is null) = (state in ('PREPARED', 'SENT'))", name="ended_shipment_says_when"),
        CheckConstraint("(ended_at is null) = (ended_by_id is null)", name="ended_shipment_says_who"),
        Index(
            "uq_shipment_live",
            "case_id",
            unique=True,
            postgresql_where=text("state in ('PREPARED', 'SENT')"),
        ),
        Index("ix_shipment_case_id", "case_id", "id"),
        Index("ix_shipment_state", "state", "id"),
        Index("ix_shipment_site_code", "site_code", "state", "id"),
        Index(
            "uq_shipment_tracking_number",
            "courier_code",
            "tracking_number",
            unique=True,
            postgresql_where=text("tracking_number is not null"),
        ),
    )

    @property
    def live(self) -> bool:
        return self.state in LIVE


class ShipmentEvent(Base):
    """One thing done with a shipment, and by whom; `data` has before and after, or what was said. Append-only."""

    __tablename__ = "shipment_event"

    id: Mapped[BigId]
    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipment.id"))
    act: Mapped[Act] = mapped_column(String(12))
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    address: Mapped[str | None] = mapped_column(INET)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (
        CheckConstraint(among("act", Act), name="shipment_act_is_known"),
        Index("ix_shipment_event_shipment_id", "shipment_id", "id"),
    )
