"""The papers of a transfer: the manifest that travels with it, the minutes of each arrival. Official, so in Spanish."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby

from sqlalchemy.orm import Session

from models.arrivals import Difference
from models.catalogs import StockCategory, Warehouse
from models.clock import local
from models.stock import Account, StockDocument
from models.text import N_
from models.users import User
from printing.papers import Column, Paper, Signature, Table, draw
from security.errors import WrongState
from workflow.pages import AUTHORITY
from workflow.stock import ledger, transfer_lists
from workflow.stock.arrivals import manifest_code
from workflow.stock.run_sets import size
from workflow.stock.serials import Run
from workflow.stock.transfer_lists import Arrival, DifferenceRow

DIFFERENCES = {Difference.MISSING: "Faltante", Difference.SURPLUS: "Sobrante", Difference.DAMAGED: "Dañada"}
#: What stock knows of a number, by the account of its place; `{}` is the owner.
KNOWN = {
    Account.SUPPLIER: "No ingresada",
    Account.WAREHOUSE: "En bodega {}",
    Account.HANDS: "En manos de un impresor de {}",
    Account.TRANSIT: "En tránsito, traslado No. {}",
    Account.PRINTING: "Personalizada en la sede {}",
    Account.HOLDER: "Entregada a su titular",
    Account.VOIDED: "Anulada, en custodia de {}",
    Account.OUTSIDE: "Anulada, fuera de custodia",
    Account.DESTROYED: "Destruida",
}
DAMAGED = (
    "Las libretas dañadas ingresan a la bodega como nuevas y deben anularse de inmediato en Consultas, Libreta; "
    "ninguna puede asignarse."
)
MISSING = (
    "Las libretas faltantes quedan en tránsito a cargo de este traslado hasta que aparezcan y se reciban, o se anulen "
    "como extraviadas."
)


def manifest(session: Session, document: StockDocument) -> bytes:
    """The PDF that travels with a sent transfer: its ranges, who hands over, carries and receives, the 2D code."""
    if document.closed_at is None:
        raise WrongState(N_("Document %(number)s is a draft."), number=document.id)
    sender = _person(session, document.closed_by_id)
    total = sum(line.quantity for line in document.lines)
    return draw(
        Paper(
            title=f"Manifiesto del traslado No. {document.id}",
            office=_office(session, document.warehouse_code),
            facts=(
                *_ways(session, document),
                ("Fecha", f"{document.on:%d/%m/%Y}"),
                ("Enviado", _moment(document.closed_at)),
                ("Referencia", document.reference or "—"),
                ("Libretas", _count(total)),
            ),
            blocks=(*_sent(session, document), *_said(document.remarks)),
            signatures=(Signature("Entrega", sender), Signature("Transporta", None), Signature("Recibe", None)),
            code=manifest_code(document),
            footer=f"Traslado No. {document.id} · {_count(total)} libretas",
        )
    )


def arrival_minutes(session: Session, document: StockDocument, number: int) -> bytes:
    """The minutes of arrival `number` of a transfer: what came, and every number that did not come as it was sent."""
    arrivals = transfer_lists.arrivals(session, document.id)
    found = transfer_lists.arrival(session, document.id, number)
    differences = transfer_lists.differences(session, document.id, number)
    so_far = sum(arrival.received for arrival in arrivals if arrival.number <= number)
    title = f"Acta de recepción No. {document.id}-{number}"
    return draw(
        Paper(
            title=title,
            office=_office(session, document.to_warehouse_code),
            facts=(
                *_ways(session, document),
                ("Traslado", f"No. {document.id} del {document.on:%d/%m/%Y}"),
                ("Recepción", _moment(found.at)),
                ("Enviadas", _count(sum(line.quantity for line in document.lines))),
                ("Recibidas en este acto", _count(found.received)),
                ("Recibidas hasta este acto", _count(so_far)),
                ("Faltantes", _count(found.missing)),
                ("Sobrantes", _count(found.surplus)),
                ("Dañadas", _count(found.damaged)),
            ),
            blocks=(*_came(session, document, found), *_different(differences), *_said(found.remarks)),
            signatures=(
                Signature("Entrega", _person(session, document.closed_by_id)),
                Signature("Recibe", found.name),
            ),
            footer=title,
        )
    )


def _office(session: Session, warehouse: str | None) -> tuple[str, str]:
    place = session.get_one(Warehouse, warehouse)
    return AUTHORITY, f"{place.name} · {place.code}"


def _ways(session: Session, document: StockDocument) -> Iterable[tuple[str, str]]:
    yield "Bodega que entrega", session.get_one(Warehouse, document.warehouse_code).name
    yield "Bodega que recibe", session.get_one(Warehouse, document.to_warehouse_code).name


def _sent(session: Session, document: StockDocument) -> Iterable[Table]:
    """A table for each category, its ranges in order."""
    lines = sorted(document.lines, key=lambda line: (line.category_code, line.prefix, line.first))
    for category, some in groupby(lines, key=lambda line: line.category_code):
        runs = [Run(line.prefix, line.first, line.quantity) for line in some]
        yield _ranges(session.get_one(StockCategory, category).name, runs)


def _ranges(title: str, runs: Sequence[Run]) -> Table:
    columns = (Column("#", 12, numeric=True), Column("Desde"), Column("Hasta"), Column("Cantidad", 30, numeric=True))
    rows = [(str(at), run.first_number, run.last_number, _count(run.quantity)) for at, run in enumerate(runs, 1)]
    return Table(columns, rows, title=title, totals=("", "Total", "", _count(size(runs))))


def _came(session: Session, document: StockDocument, arrival: Arrival) -> Iterable[Table | str]:
    runs = transfer_lists.runs_received(session, document.id, arrival.at)
    yield (
        f"{arrival.name} ({arrival.user}) hace constar lo recibido del traslado No. {document.id}, que "
        f"{_person(session, document.closed_by_id)} envió el {_moment(document.closed_at)}."
    )
    if runs:
        yield _ranges("Libretas recibidas", runs)
    else:
        yield "En este acto no se recibió ninguna libreta del traslado."


def _different(differences: Sequence[DifferenceRow]) -> Iterable[Table | str]:
    if not differences:
        yield "No hubo diferencias."
        return
    columns = (
        Column("#", 14, numeric=True),
        Column("Libreta", 28),
        Column("Diferencia", 30),
        Column("Según inventario"),
    )
    rows = [(str(at), row.number, DIFFERENCES[row.kind], _known(row.was_at)) for at, row in enumerate(differences, 1)]
    yield Table(columns, rows, title="Diferencias, libreta por libreta")
    kinds = {row.kind for row in differences}
    yield from (text for kind, text in ((Difference.DAMAGED, DAMAGED), (Difference.MISSING, MISSING)) if kind in kinds)


def _known(place: str | None) -> str:
    if place is None:
        return "No existe en inventario"
    return KNOWN[ledger.account_of(place)].format(ledger.owner_of(place))


def _said(remarks: str | None) -> Iterable[str]:
    return [f"Observaciones: {remarks}"] if remarks else []


def _person(session: Session, user_id: int | None) -> str:
    user = session.get_one(User, user_id)
    return f"{user.first_name} {user.last_name}".strip() or user.username


def _moment(at: dt.datetime | None) -> str:
    return f"{local(at):%d/%m/%Y %H:%M}" if at else ""


def _count(number: int) -> str:
    return f"{number:,}"
