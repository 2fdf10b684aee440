"""The minutes of module 9: the slip of an issue or a return to sign, and the minutes of a destruction. In Spanish, as
the office keeps them; made from what was closed, so that a copy made years later is the same byte for byte.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.catalogs import VoidType
from models.clock import local
from models.stock import DocumentKind, DocumentState, StockDocument
from models.text import N_
from models.users import User
from printing.papers import Column, Paper, Signature, Table, draw
from security.actor import Actor
from security.errors import WrongState
from workflow.pages import AUTHORITY
from workflow.stock import document_lists, documents
from workflow.stock.document_lists import DocumentRow
from workflow.stock.serials import Run

KINDS = (DocumentKind.SALIDA, DocumentKind.DEVOLUCION, DocumentKind.DESTRUCCION)
TITLES = {
    DocumentKind.SALIDA: "Acta de entrega de libretas No. {}",
    DocumentKind.DEVOLUCION: "Acta de devolución de libretas No. {}",
    DocumentKind.DESTRUCCION: "Acta de destrucción No. {}",
}
_RUN_COLUMNS = (
    Column("No.", 12, numeric=True),
    Column("Categoría"),
    Column("Desde", 28),
    Column("Hasta", 28),
    Column("Cantidad", 22, numeric=True),
)
_VOID_COLUMNS = (
    Column("No.", 12, numeric=True),
    Column("Desde", 24),
    Column("Hasta", 24),
    Column("Cantidad", 20, numeric=True),
    Column("Tipo de anulación"),
    Column("Caso", 34),
)


def minutes(session: Session, number: int, actor: Actor) -> bytes:
    """The PDF of a closed issue, return or destruction; `WrongState` before two people have signed it."""
    row = document_lists.row(session, number, actor, *KINDS)
    if row.state != DocumentState.CERRADO:
        raise WrongState(N_("The minutes of document %(number)s are made when it is closed."), number=number)
    document = session.get_one(StockDocument, number)
    return draw(_PAPERS[row.kind](session, row, document))


def _slip(session: Session, row: DocumentRow, document: StockDocument) -> Paper:
    gives = row.kind == DocumentKind.SALIDA
    words = (
        "El encargado de la bodega entrega al impresor, que las recibe a su cargo, las libretas nuevas siguientes."
        if gives
        else "El impresor devuelve a la bodega, sin usar, las libretas nuevas siguientes, que el encargado recibe."
    )
    keeper, printer = ("Entrega", "Recibe") if gives else ("Recibe", "Entrega")
    lines = document_lists.lines(session, row.number)
    rows = [(line.category_code, Run(line.prefix, line.first, line.quantity)) for line in lines]
    return _paper(
        row,
        [("Impresor", _name(session, document.printer_id))],
        [f"{words} Ambos las contaron por separado.", _table(rows)],
        _signatures(
            session,
            document,
            lambda user: f"{printer}, impresor" if user == document.printer_id else f"{keeper}, encargado de bodega",
        ),
    )


def _destruction(session: Session, row: DocumentRow, document: StockDocument) -> Paper:
    names = {kind.code: kind.name for kind in session.query(VoidType)}
    found = [(names[kind], case or "", Run(*run)) for kind, case, *run in session.execute(_VOIDED, {"id": row.number})]
    rows = [
        (str(at), run.first_number, run.last_number, str(run.quantity), name, case)
        for at, (name, case, run) in enumerate(found, 1)
    ]
    table = Table(_VOID_COLUMNS, rows, "Libretas destruidas", ("", "Total", "", str(row.booklets), "", ""))
    words = (
        "Las personas que firman contaron las libretas anuladas siguientes, verificaron sus números y presenciaron su "
        "destrucción. Ninguna de ellas puede volver a usarse ni reactivarse."
    )
    totals = _totals((name, run) for name, _case, run in found)
    summary = Table((Column("Tipo de anulación"), Column("Cantidad", 26, numeric=True)), totals, "Resumen")
    roles = {document.signed_by_id: "Responsable de la destrucción"}
    return _paper(
        row, [], [words, summary, table],
        _signatures(session, document, lambda user: roles.get(user, "Testigo de la destrucción")),
    )  # fmt: skip


_PAPERS: dict[DocumentKind, Callable[[Session, DocumentRow, StockDocument], Paper]] = {
    DocumentKind.SALIDA: _slip,
    DocumentKind.DEVOLUCION: _slip,
    DocumentKind.DESTRUCCION: _destruction,
}

#: Booklets voided alike and of no case as runs; one that was voided on a case stands alone with it.
_VOIDED = text(
    """
    select void_type_code, case_number, prefix, min(n), count(*)
      from (select *, n - row_number() over (partition by void_type_code, case_number, prefix order by n) g
              from (select b.void_type_code, c.number case_number, left(b.number, 1) prefix,
                           substr(b.number, 2)\\:\\:int n
                      from stock_movement m
                      join booklet b on b.number = m.booklet_number
                      left join passport_case c on c.id = b.case_id
                     where m.document_id = :id and m.kind = 'DESTRUCCION') v) r
     group by void_type_code, case_number, prefix, g order by prefix, min(n)
    """
)


def _table(rows: Sequence[tuple[str, Run]]) -> Table:
    cells = [
        (str(at), category, run.first_number, run.last_number, str(run.quantity))
        for at, (category, run) in enumerate(rows, 1)
    ]
    total = str(sum(run.quantity for _category, run in rows))
    return Table(_RUN_COLUMNS, cells, "Libretas", ("", "Total", "", "", total))


def _totals(rows: Any) -> list[tuple[str, str]]:
    counts: dict[str, int] = {}
    for name, run in rows:
        counts[name] = counts.get(name, 0) + run.quantity
    return [(name, str(count)) for name, count in sorted(counts.items())]


def _paper(
    row: DocumentRow, facts: list[tuple[str, str]], blocks: list[Table | str], signatures: tuple[Signature, ...]
) -> Paper:
    head = [("Bodega", row.warehouse), ("Fecha", f"{row.on:%d/%m/%Y}"), *facts]
    head += [("Libretas", str(row.booklets)), ("Referencia", row.reference or "—")]
    if row.remarks:
        blocks = [*blocks[:1], f"Observaciones: {row.remarks}", *blocks[1:]]
    title = TITLES[row.kind].format(row.number)
    return Paper(
        title=title, office=(AUTHORITY, f"{row.warehouse} · {row.warehouse_code}"), facts=tuple(head),
        blocks=tuple(blocks), signatures=signatures,
        code=f"{row.kind} {row.number}", footer=f"{title} · cerrada el {_moment(row.closed_at)}",
    )  # fmt: skip


def _signatures(session: Session, document: StockDocument, role: Callable[[int | None], str]) -> tuple[Signature, ...]:
    """Who signed first and who counted second, with user name and time."""
    two = ((document.signed_by_id, document.signed_at), (document.closed_by_id, document.closed_at))
    return tuple(
        Signature(role(user), _name(session, user), f"{documents.username(session, user)} · {_moment(at)}")
        for user, at in two
    )


def _name(session: Session, user_id: int | None) -> str:
    user = session.get_one(User, user_id)
    return f"{user.first_name} {user.last_name}"


def _moment(at: dt.datetime | None) -> str:
    return f"{local(at):%d/%m/%Y %H:%M}" if at else ""
