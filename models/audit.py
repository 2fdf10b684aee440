"""The trail: what is logged of changes, and the chain that ties every line of the logs to those before it.

Three logs tell who did what: `case_event` (acts on cases), `access_log` (looks at people's data, exports, log-ins) and
`change_log` (users, profiles, catalogs, controls and what else `AUDITED` names, before and after). Each line has a link
in one of `LANES` chains. A transaction adds to a chain that no other holds, so that nobody waits (docs/decisions/0020).
"""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.text import N_

LANES = 64
#: What a line of each log is hashed from, in this order: every column, times in UTC. `r` is the row.
LOGS = {
    "case_event": (
        "r.id, r.case_id, r.event, r.transition, r.from_state, r.to_state, r.started_at at time zone 'UTC', "
        "r.at at time zone 'UTC', r.user_id, r.username, r.site_code, r.address, r.booklet_number, r.reason_code, "
        "r.comment, r.data"
    ),
    "access_log": "r.id, r.at at time zone 'UTC', r.user_id, r.case_number, r.screen, r.address, r.detail",
    "change_log": (
        "r.id, r.at at time zone 'UTC', r.user_id, r.username, r.address, r.screen, r.subject, r.key, r.act, "
        "r.before, r.after"
    ),
}
ACTS = {"INSERT": N_("Made"), "UPDATE": N_("Changed"), "DELETE": N_("Removed")}
#: The tables whose every change is logged, besides the catalogs, and what they are called.
AUDITED = {
    "ab_user": N_("User"),
    "ab_role": N_("Profile"),
    "ab_user_role": N_("Profile of a user"),
    "user_site": N_("Site of a user"),
    "ab_permission_view_role": N_("Permission of a profile"),
    "control_setting": N_("Control"),
    "inspection_setting": N_("Second inspections"),
    "seal_key": N_("Seal key"),
    "report_schedule": N_("Schedule of a report"),
    "stock_document": N_("Stock document"),
    "day_closing": N_("Day closing"),
    "user_assignment": N_("Assignment of a user"),
    "access_review": N_("Review of accesses"),
    "second_factor": N_("Second factor of a user"),
    "amendment_request": N_("Request of a correction or void"),
    "loss_report": N_("Report of a loss"),
    "shipment": N_("Shipment"),
    "service_parameters": N_("Parameters of a service"),
    "watch_list_load": N_("Load of a watch list"),
    "former_case": N_("Case of the former system"),
}


def digest(log: str, row: str = "r") -> str:
    """The SQL expression of the SHA-256 of a line of `log`."""
    columns = LOGS[log].replace("r.", f"{row}.")
    return f"sha256(convert_to(jsonb_build_array('{log}', {columns})::text, 'UTF8'))"


class ChangeLog(Base):
    """One change of a row of an audited table: what was there and what is, of the columns that differ. Append-only.

    Written by triggers, so that no program leaves it out. `key` tells the row: its primary key, or whose it is. Without
    a user it was done in the database itself, by the role that `username` names. Secrets are not in it.
    """

    __tablename__ = "change_log"

    id: Mapped[BigId]
    at: Mapped[dt.datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    username: Mapped[str] = mapped_column(String(128))
    address: Mapped[str | None] = mapped_column(INET)
    screen: Mapped[str | None] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(63))
    key: Mapped[str] = mapped_column(String(160))
    act: Mapped[str] = mapped_column(String(6))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]

    __table_args__ = (
        CheckConstraint("act in ('INSERT', 'UPDATE', 'DELETE')", name="act_is_known"),
        Index("ix_change_log_at", "at", "id"),
        Index("ix_change_log_subject", "subject", "key", "id"),
    )


class AuditLink(Base):
    """A link of a chain: which line of which log, the line's SHA-256, and that of the chain up to here. Append-only.

    `hash` = SHA-256 of the former link's hash, "`seq` `log` `row_id`" in UTF-8, and `digest`.
    """

    __tablename__ = "audit_link"

    lane: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    log: Mapped[str] = mapped_column(String(16))
    row_id: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLane(Base):
    """The head of a chain: how many links it has, and the hash of the last; 32 zero bytes before the first."""

    __tablename__ = "audit_lane"

    lane: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = ({"postgresql_with": {"fillfactor": "10"}},)
