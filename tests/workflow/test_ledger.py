"""The ledger's rules as the database keeps them, tried past the product's functions; the audit names what is broken."""

import datetime as dt
import itertools
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import State
from models.stock import Account
from security.actor import Actor, system_actor
from tests.build import make_booklets, make_case
from tests.workflow.ledger_world import CENTRAL, COLLECTED, PROD, Office
from workflow.stock import ledger, stock_audit
from workflow.stock.ledger import KINDS
from workflow.stock.serials import Run

F1, F2, F3 = "F5000001", "F5000002", "F5000003"
OWNERS = {"WAREHOUSE": ":PROD-GUA", "VOIDED": ":PROD-GUA", "HANDS": ":PROD-GUA:1", "TRANSIT": ":1", "PRINTING": ":GUA"}


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


@pytest.fixture
def system(db: Session) -> Actor:
    return system_actor(db)


def breach(db: Session, statement: str, **values: Any) -> str:
    """The constraint, or the SQLSTATE, with which the database refuses `statement`, at once or when it commits."""
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement), values)
    db.execute(text("set constraints all deferred"))
    return error.value.orig.diag.constraint_name or error.value.orig.sqlstate  # type: ignore[union-attr]


ENTRY = """
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, reverses_id,
        void_type_code, case_id)
    values (:booklet, :kind, :source, :target, now(), :user, :document, :reverses, :void_type, :case)
"""


def entry(booklet: str, kind: str, source: str, target: str, **values: Any) -> dict[str, Any]:
    blank = {"user": 1, "document": None, "reverses": None, "void_type": None, "case": None}
    return {**blank, "booklet": booklet, "kind": kind, "source": source, "target": target, **values}


def document(db: Session, kind: str, **columns: Any) -> int:
    """A document of `kind`, closed unless said otherwise, past the product's functions."""
    users = db.execute(text("select id from ab_user order by id limit 3")).scalars().all()
    values: dict[str, Any] = {
        "kind": kind, "state": "CERRADO", "document_on": dt.date(2026, 11, 20), "warehouse_code": PROD, "version": 1,
        "created_by_id": users[0], "created_at": utc_now(), "closed_by_id": users[0], "closed_at": utc_now(),
    }  # fmt: skip
    if kind == "TRASLADO":
        values["to_warehouse_code"] = CENTRAL
    if kind == "INGRESO":
        values["category_code"] = "ORDINARIA"
    if kind in ("SALIDA", "DEVOLUCION", "DESTRUCCION"):
        values |= {"signed_by_id": users[1], "signed_at": utc_now()}
    if kind in ("SALIDA", "DEVOLUCION"):
        values["printer_id"] = users[1]
    values |= columns
    names = ", ".join(values)
    query = f"insert into stock_document ({names}) values ({', '.join(':' + name for name in values)}) returning id"
    return int(db.execute(text(query), values).scalar_one())


def receipt_of(db: Session, booklet: str) -> tuple[int, int]:
    """The entry and the document that brought a booklet."""
    query = "select id, document_id from stock_movement where booklet_number = :n and kind = 'INGRESO'"
    movement, number = db.execute(text(query), {"n": booklet}).one()
    return movement, number


# Kinds and their places.


def test_the_database_accepts_exactly_the_declared_kinds_and_places(db: Session) -> None:
    rule = db.execute(
        text("select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'movement_kind_has_its_places'")
    ).scalar_one()
    kinds = [*db.execute(text("select code from stock_movement_type")).scalars(), "OTRO"]
    assert set(KINDS) <= set(kinds)
    ask = text(f"select {rule} from (select :kind ::text as kind, :a ::text as from_place, :b ::text as to_place) m")
    for kind, source, target in itertools.product(kinds, Account, Account):
        places = {"a": source + OWNERS.get(source, ""), "b": target + OWNERS.get(target, "")}
        accepted = db.execute(ask, {"kind": kind, **places}).scalar_one()
        declared = kind in KINDS and source in KINDS[kind].sources and target in KINDS[kind].targets
        assert accepted == declared, (kind, source, target)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_a_kind_says_whether_it_needs_document_case_and_what_it_reverses(db: Session, kind: ledger.Kind) -> None:
    make_booklets(db)
    movement, receipt = receipt_of(db, F1)
    right: dict[str, Any] = {
        "void_type": "DEF" if kind.code == "EGRESO_ANULACION" else None,
        "reverses": movement if kind.reverses else None,
        "case": make_case(db).id if kind.case else None,
        "document": receipt if kind.documents else None,
    }
    wrong = {
        "movement_has_its_document": {"document": None if kind.documents else receipt},
        "movement_names_what_it_reverses": {"reverses": None if kind.reverses else movement},
        "void_says_why": {"void_type": None if kind.code == "EGRESO_ANULACION" else "DEF"},
    }
    if kind.case:
        wrong["movement_has_its_case"] = {"case": None}
    source, target = (place + OWNERS.get(place, "") for place in (kind.sources[0], kind.targets[0]))
    for name, change in wrong.items():
        assert breach(db, ENTRY, **entry(F1, kind.code, source, target, **(right | change))) == name


# One writer, nothing undone.


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("update stock_movement set at = now()", "23001"),
        ("delete from stock_movement", "23001"),
        ("truncate stock_movement cascade", "23001"),
        ("update booklet set place = 'HOLDER', state = 'ENTREGADA', case_id = 1", "booklet_is_where_its_ledger_says"),
        ("update booklet set warehouse_code = 'CENTRAL'", "booklet_is_where_its_ledger_says"),
        ("update booklet set state = 'ANULADA', void_type_code = 'DEF'", "booklet_is_where_its_state_says"),
        ("update booklet set category_code = 'OFICIAL'", "23001"),
        ("insert into booklet (number, category_code, state, place, warehouse_code, state_since) values ('F0000009',"
         " 'ORDINARIA', 'NUEVA', 'WAREHOUSE:PROD-GUA', 'PROD-GUA', now())", "booklet_is_where_its_ledger_says"),
        ("delete from booklet", "fk_stock_movement_booklet_number"),
        ("update stock_turnover set put = put + 1", "23001"),
        ("insert into stock_turnover (account, owner, category_code, turnover_on, kind, put, taken)"
         " select account, owner, category_code, turnover_on, kind, 0, 0 from stock_turnover", "23001"),
        ("delete from stock_turnover", "23001"),
        ("truncate stock_turnover", "23001"),
        ("update stock_line set first_serial = 1", "23001"),
        ("update stock_line set receives = false", "23001"),
        ("delete from stock_line", "23001"),
        ("update stock_document set document_on = '2020-01-01' where state = 'CERRADO'", "23001"),
        ("update stock_document set state = 'ABIERTO', closed_at = null, closed_by_id = null", "23001"),
        ("delete from stock_document where state = 'CERRADO'", "23001"),
    ],
)  # fmt: skip
def test_what_was_written_stays_and_only_a_movement_moves(db: Session, statement: str, name: str) -> None:
    make_booklets(db)
    assert breach(db, statement) == name


@pytest.mark.parametrize(
    ("booklet", "source"),
    [(F1, "WAREHOUSE:CENTRAL"), (F1, "HANDS:PROD-GUA:1"), ("F9999999", "WAREHOUSE:PROD-GUA")],
)
def test_a_movement_starts_where_the_booklet_is(db: Session, booklet: str, source: str) -> None:
    make_booklets(db)
    void = entry(booklet, "EGRESO_ANULACION", source, "VOIDED:PROD-GUA", void_type="DEF")
    assert breach(db, ENTRY, **void) in ("movement_starts_where_the_booklet_is", "fk_stock_movement_booklet_number")


@pytest.mark.parametrize("place", ["VOIDED:", "VOIDED", "NOWHERE", "OUTSIDE:X", "VOIDED:a b"])
def test_a_place_has_its_form(db: Session, place: str) -> None:
    make_booklets(db)
    void = entry(F1, "EGRESO_ANULACION", "WAREHOUSE:PROD-GUA", place, void_type="DEF")
    assert breach(db, ENTRY, **void) in ("place_is_well_formed", "movement_kind_has_its_places")


@pytest.mark.parametrize(
    "second",
    ["'WAREHOUSE:PROD-GUA', 'VOIDED:PROD-GUA'", "'VOIDED:PROD-GUA', 'OUTSIDE'", "'WAREHOUSE:PROD-GUA', 'OUTSIDE'"],
)
def test_a_booklet_moves_once_in_a_statement(db: Session, second: str) -> None:
    make_booklets(db)
    twice = (
        "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, void_type_code) select"
        " 'F5000001', 'EGRESO_ANULACION', a, b, now(), 1, 'DEF' from (values ('WAREHOUSE:PROD-GUA', 'VOIDED:PROD-GUA'),"
        f" ({second})) v(a, b)"
    )
    assert breach(db, twice) in ("movement_starts_where_the_booklet_is", "movement_kind_has_its_places")


def test_no_two_receipts_bring_the_same_number(db: Session) -> None:
    make_booklets(db, 5_000_001, 10)
    draft = document(db, "INGRESO", state="ABIERTO", closed_by_id=None, closed_at=None)
    line = (
        "insert into stock_line (document_id, category_code, prefix, first_serial, quantity, receives)"
        " values (:d, 'ORDINARIA', :prefix, :first, :quantity, :receives)"
    )
    taken = [(5_000_010, 1), (4_999_990, 12), (5_000_003, 2), (0, 9_999_999)]
    for first, quantity in taken:
        values = {"d": draft, "prefix": "F", "first": first, "quantity": quantity, "receives": True}
        assert breach(db, line, **values) == "no_two_receipts_overlap"
    for prefix, first, receives in (("F", 5_000_011, True), ("S", 5_000_001, True), ("F", 5_000_001, False)):
        db.execute(text(line), {"d": draft, "prefix": prefix, "first": first, "quantity": 2, "receives": receives})
    again = {"d": draft, "prefix": "F", "first": 5_000_002, "quantity": 1, "receives": False}
    assert breach(db, line, **again) == "no_two_lines_of_a_document_overlap"


# Documents.


def test_a_draft_moves_nothing(db: Session) -> None:
    make_booklets(db)
    for state, more in (("ABIERTO", {}), ("POR_CONFIRMAR", {"signed_by_id": 1, "signed_at": utc_now()})):
        number = document(db, "TRASLADO", state=state, closed_by_id=None, closed_at=None, **more)
        out = entry(F1, "TRASLADO_SALE", "WAREHOUSE:PROD-GUA", f"TRANSIT:{number}", document=number)
        assert breach(db, ENTRY, **out) == "movement_follows_its_document"


def test_a_movement_goes_where_its_document_says(db: Session) -> None:
    make_booklets(db)
    make_booklets(db, 5_000_011, 1, warehouse=CENTRAL)
    transfer, issue = document(db, "TRASLADO"), document(db, "SALIDA")
    destruction = document(db, "DESTRUCCION", warehouse_code=CENTRAL)
    db.execute(text(ENTRY), entry(F2, "EGRESO_ANULACION", "WAREHOUSE:PROD-GUA", "VOIDED:PROD-GUA", void_type="DEF"))
    printer = db.execute(text("select printer_id from stock_document where id = :n"), {"n": issue}).scalar_one()
    wrong = [
        entry(F1, "TRASLADO_SALE", "WAREHOUSE:PROD-GUA", "TRANSIT:1", document=transfer),
        entry("F5000011", "TRASLADO_SALE", "WAREHOUSE:CENTRAL", f"TRANSIT:{transfer}", document=transfer),
        entry(F1, "TRASLADO_SALE", "WAREHOUSE:PROD-GUA", f"TRANSIT:{transfer}", document=issue),
        entry(F1, "SALIDA", "WAREHOUSE:PROD-GUA", f"HANDS:PROD-GUA:{printer + 1}", document=issue),
        entry("F5000011", "SALIDA", "WAREHOUSE:CENTRAL", f"HANDS:PROD-GUA:{printer}", document=issue),
        entry(F2, "DESTRUCCION", "VOIDED:PROD-GUA", "DESTROYED", document=destruction),
    ]
    for values in wrong:
        assert breach(db, ENTRY, **values) == "movement_follows_its_document"
    back = entry(F1, "REVERSION", "WAREHOUSE:PROD-GUA", "SUPPLIER", document=issue, reverses=receipt_of(db, F1)[0])
    assert breach(db, ENTRY, **back) == "reversal_undoes_the_last_movement"


@pytest.mark.parametrize("at_once", [False, True])
def test_who_sent_a_transfer_does_not_receive_it_unless_it_is_received_at_once(db: Session, at_once: bool) -> None:
    make_booklets(db)
    number = document(db, "TRASLADO", at_once=at_once)
    sender, other = db.execute(text("select id from ab_user order by id limit 2")).scalars()
    place = f"TRANSIT:{number}"
    db.execute(text(ENTRY), entry(F1, "TRASLADO_SALE", "WAREHOUSE:PROD-GUA", place, document=number, user=sender))
    arrival = entry(F1, "TRASLADO_INGRESA", place, "WAREHOUSE:CENTRAL", document=number, user=sender)
    if not at_once:
        assert breach(db, ENTRY, **arrival) == "movement_follows_its_document"
        arrival["user"] = other
    db.execute(text(ENTRY), arrival)


@pytest.mark.parametrize("kind", ["SALIDA", "DEVOLUCION", "DESTRUCCION"])
def test_two_people_close_what_two_must_count(db: Session, kind: str) -> None:
    first, second, third = db.execute(text("select id from ab_user order by id limit 3")).scalars()
    printed = {} if kind == "DESTRUCCION" else {"printer_id": first}
    for signer, closer in ((first, first), (None, first)):
        signed = {"signed_by_id": signer, "signed_at": utc_now() if signer else None, "closed_by_id": closer}
        with pytest.raises(DBAPIError) as error, db.begin_nested():
            document(db, kind, **printed, **signed)
        assert error.value.orig.diag.constraint_name == "two_people_sign"  # type: ignore[union-attr]
    if kind == "SALIDA":
        with pytest.raises(DBAPIError) as error, db.begin_nested():
            document(db, kind, **printed, signed_by_id=second, closed_by_id=third)
        assert error.value.orig.diag.constraint_name == "printer_is_one_of_the_two"  # type: ignore[union-attr]
    document(db, kind, **printed, signed_by_id=second, closed_by_id=first)


@pytest.mark.parametrize("numbers", [(1, 2), (1, 4), (2, 4)])
def test_a_receipt_brings_in_the_booklets_of_its_lines_all_of_them_and_no_other(
    db: Session, numbers: tuple[int, int]
) -> None:
    make_booklets(db, 5_000_004, 1)
    receipt = document(db, "INGRESO", state="ABIERTO", closed_at=None, closed_by_id=None)
    db.execute(text("insert into stock_line (document_id, category_code, prefix, first_serial, quantity, receives)"
                    " values (:n, 'ORDINARIA', 'F', 5000001, 3, true)"), {"n": receipt})  # fmt: skip
    db.execute(text("update stock_document set state = 'CERRADO', closed_at = now(), closed_by_id = 1 where id = :n"),
               {"n": receipt})  # fmt: skip
    post = (
        "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id)"
        " select 'F500000' || n, 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', now(), 1, :n"
        " from generate_series(cast(:a as int), cast(:b as int)) n"
    )
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(post), {"n": receipt, "a": numbers[0], "b": numbers[1]})
    assert error.value.orig.diag.constraint_name == "receipt_brings_in_its_lines"  # type: ignore[union-attr]
    db.execute(text(post), {"n": receipt, "a": 1, "b": 3})


# Reversals.


def test_a_reversal_mirrors_the_last_movement_of_its_booklet(db: Session, office: Office) -> None:
    make_booklets(db)
    first, receipt = receipt_of(db, F1)
    reversal = document(db, "REVERSION", reverses_id=receipt)
    back = entry(F1, "REVERSION", "WAREHOUSE:PROD-GUA", "SUPPLIER", document=reversal, reverses=first)
    other = back | {"reverses": receipt_of(db, F2)[0]}
    assert breach(db, ENTRY, **other) == "reversal_undoes_the_last_movement"
    office.void_blank("produccion", F1, "DAB")
    lost = ledger.last_movement(db, F1).id
    astray = entry(F1, "REINGRESO_REACTIVACION", "VOIDED:PROD-GUA", "WAREHOUSE:CENTRAL", reverses=lost)
    assert breach(db, ENTRY, **astray) == "reversal_undoes_the_last_movement"
    office.reactivate_blank("admadm", F1)
    assert breach(db, ENTRY, **back) == "reversal_undoes_the_last_movement"
    again = entry(F1, "REINGRESO_REACTIVACION", "VOIDED:PROD-GUA", "WAREHOUSE:PROD-GUA", reverses=lost)
    assert breach(db, ENTRY, **again) == "uq_stock_movement_reverses_id"
    db.execute(text(ENTRY), back | {"booklet": F2, "reverses": receipt_of(db, F2)[0]})
    assert (
        breach(db, ENTRY, **back | {"booklet": F3, "reverses": receipt_of(db, F2)[0]})
        == "uq_stock_movement_reverses_id"
    )


def test_a_receipt_is_reversed_once_though_its_numbers_came_again(db: Session, office: Office) -> None:
    number = office.receive("produccion", PROD, Run("F", 5_000_001, 2))[1]
    office.reverse("jpgu", number)
    office.receive("produccion", PROD, Run("F", 5_000_001, 2))
    with pytest.raises(Exception, match="reversed already"):
        office.reverse("jpgu", number)
    assert stock_audit.audit(db) == []


# The past.


def test_on_hand_at_a_past_date_is_receipts_less_issues_up_to_then(db: Session, system: Actor) -> None:
    days = [dt.datetime(2026, 11, day, 18, tzinfo=dt.UTC) for day in (2, 3, 5)]
    receipt = document(db, "INGRESO", state="ABIERTO", closed_at=None, closed_by_id=None)
    db.execute(text("insert into stock_line (document_id, category_code, prefix, first_serial, quantity, receives)"
                    " values (:n, 'ORDINARIA', 'F', 5000001, 5, true)"), {"n": receipt})  # fmt: skip
    db.execute(text("update stock_document set state = 'CERRADO', closed_at = :at, closed_by_id = 1 where id = :n"),
               {"n": receipt, "at": days[0]})  # fmt: skip
    post = (
        "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id,"
        " void_type_code) select 'F500000' || n, :kind, :a, :b, :at, 1, :document, :void from generate_series(1, :n) n"
    )
    receive = {"kind": "INGRESO", "a": "SUPPLIER", "b": "WAREHOUSE:PROD-GUA", "at": days[0], "document": receipt}
    db.execute(text(post), receive | {"void": None, "n": 5})
    lose = {"kind": "EGRESO_ANULACION", "a": "WAREHOUSE:PROD-GUA", "b": "OUTSIDE", "document": None, "void": "EXB"}
    db.execute(text(post), lose | {"at": days[1], "n": 1})
    db.execute(text(post.replace("(1, :n)", "(2, :n)")), lose | {"at": days[2], "n": 3})
    on_hand = text(
        "select coalesce(sum(put - taken), 0) from stock_turnover where account = 'WAREHOUSE' and owner = 'PROD-GUA'"
        " and span = 'DAY' and turnover_on <= :day"
    )
    for day, expected in ((1, 0), (2, 5), (3, 4), (4, 4), (5, 2), (30, 2)):
        assert db.execute(on_hand, {"day": dt.date(2026, 11, day)}).scalar_one() == expected


def test_the_day_of_a_movement_is_guatemalas(db: Session) -> None:
    make_booklets(db)
    void = ENTRY.replace("now()", "'2026-11-03 05:59:59+00'")
    db.execute(text(void), entry(F1, "EGRESO_ANULACION", "WAREHOUSE:PROD-GUA", "OUTSIDE", void_type="EXB"))
    days = text("select turnover_on from stock_turnover where kind = 'EGRESO_ANULACION' and span = 'DAY'")
    assert set(db.execute(days).scalars()) == {dt.date(2026, 11, 2)}


# The audit finds what is broken behind the triggers' back.


@pytest.fixture
def busy(db: Session, office: Office) -> Session:
    """An office where something of everything has happened, and nothing is wrong."""
    make_booklets(db, 5_000_001, 20)
    transfer = office.send("produccion", PROD, CENTRAL, Run("F", 5_000_001, 4))[1]
    office.arrive("jpgu", transfer, Run("F", 5_000_001, 2))
    office.issue("produccion", "impres", Run("F", 5_000_011, 3))
    office.take_back("produccion", "impres", Run("F", 5_000_011, 1))
    office.void_blank("produccion", "F5000005", "DAB")
    office.void_blank("produccion", "F5000006", "DAB")
    office.reactivate_blank("admadm", "F5000006")
    office.destroy("produccion", "jpgu", PROD, Run("F", 5_000_005, 1))
    extra = office.receive("produccion", CENTRAL, Run("F", 6_000_001, 2))[1]
    office.reverse("jpgu", extra)
    for booklet, steps in (("F5000008", 0), ("F5000009", 2), ("F5000010", 3)):
        case = make_case(db, State.AUTORIZADA).number
        office.assign("impres", case, booklet)
        if steps > 0:
            office.act("impres", "accept_print", case)
        if steps > 1:
            office.accept_quality(case, booklet)
        if steps > 2:
            office.act("entrega", "deliver", case, **COLLECTED)
    assert stock_audit.audit(db) == []
    return db


#: Everything that refuses a wrong row: triggers, conditions, exclusions, references.
GUARDS = """
    select format('alter table %I disable trigger user', t) from unnest(array['booklet', 'stock_movement', 'stock_line',
        'stock_document', 'stock_turnover', 'personalisation', 'passport_case']) t
    union all
    select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
     where contype in ('c', 'f', 'x') and conrelid::regclass::text in (
        'booklet', 'stock_movement', 'stock_line', 'stock_document', 'stock_turnover', 'personalisation',
        'passport_case')
"""


def found(db: Session, *statements: str) -> dict[str, list[stock_audit.Fault]]:
    """The faults after `statements`, done without any trigger, by what they are."""
    faults: dict[str, list[stock_audit.Fault]] = {}
    undo = db.begin_nested()
    db.execute(text("set constraints all immediate"))
    for guard in db.execute(text(GUARDS)).scalars().all():
        db.execute(text(guard))
    for statement in statements:
        db.execute(text(statement))
    for fault in stock_audit.audit(db):
        faults.setdefault(fault.what, []).append(fault)
    undo.rollback()
    return faults


ADD = (
    "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, reverses_id,"
    " void_type_code, case_id) select booklet_number, kind, from_place, to_place, at, user_id, document_id, {}"
)
BREAKS: tuple[tuple[str, str, str], ...] = (
    ("A movement does not start where the last one ended", "F5000012",
     "update stock_movement set from_place = 'WAREHOUSE:CENTRAL' where booklet_number = 'F5000012' and kind ="
     " 'SALIDA'"),
    ("A kind of movement does not lead there", "INGRESO",
     "update stock_movement set to_place = 'HOLDER' where booklet_number = 'F5000020'"),
    ("A booklet is in more or less than one place", "F5000012 at WAREHOUSE:PROD-GUA",
     "delete from stock_movement where booklet_number = 'F5000012' and kind = 'INGRESO'"),
    ("A booklet is not as its ledger has it", "F5000020",
     "update booklet set place = 'WAREHOUSE:CENTRAL', warehouse_code = 'CENTRAL' where number = 'F5000020'"),
    ("A booklet is not as its ledger has it", "F5000020",
     "update booklet set warehouse_code = 'CENTRAL' where number = 'F5000020'"),
    ("A booklet is not as its ledger has it", "F5000005",
     "update booklet set void_type_code = 'EXB' where number = 'F5000005'"),
    ("A booklet is not as its ledger has it", "F7000001",
     "insert into booklet (number, category_code, state, place, warehouse_code, state_since) values"
     " ('F7000001', 'ORDINARIA', 'NUEVA', 'WAREHOUSE:CENTRAL', 'CENTRAL', now())"),
    ("The turnover of a day is not what was moved", "WAREHOUSE PROD-GUA ORDINARIA SALIDA",
     "update stock_turnover set taken = taken + 1 where account = 'WAREHOUSE' and kind = 'SALIDA'"),
    ("The turnover of a day is not what was moved", "TRANSIT ORDINARIA TRASLADO_INGRESA",
     "delete from stock_turnover where account = 'TRANSIT' and kind = 'TRASLADO_INGRESA'"),
    ("The turnover of a month is not that of its days", "HANDS PROD-GUA ORDINARIA SALIDA",
     "update stock_turnover set put = put + 1 where account = 'HANDS' and kind = 'SALIDA' and span = 'MONTH'"),
    ("Receipts less issues are not the booklets on hand", "HANDS PROD-GUA ORDINARIA",
     "update stock_turnover set put = put + 1 where account = 'HANDS' and kind = 'SALIDA'"),
    ("On a past day there was less than nothing on hand", "WAREHOUSE CENTRAL ORDINARIA",
     "update stock_turnover set turnover_on = turnover_on - 1 where owner = 'CENTRAL' and taken > 0"),
    ("A document did not move what its lines say", "INGRESO",
     "update stock_line set quantity = quantity + 1 where first_serial = 5000001 and receives"),
    ("A document did not move what its lines say", "SALIDA",
     "update stock_document set state = 'POR_CONFIRMAR', closed_at = null, closed_by_id = null where kind = 'SALIDA'"),
    ("A document did not move what its lines say", "DESTRUCCION",
     "delete from stock_movement where kind = 'DESTRUCCION'"),
    ("A document did not move what its lines say", "REVERSION",
     "delete from stock_movement where kind = 'REVERSION' and booklet_number = 'F6000001'"),
    ("A document did not move what its lines say", "TRASLADO",
     "delete from stock_movement where kind = 'TRASLADO_SALE' and booklet_number = 'F5000001'"),
    ("A document did not move what its lines say", "DEVOLUCION",
     "update stock_movement set kind = 'REINGRESO_SALIDA', document_id = (select id from stock_document where kind ="
     " 'DEVOLUCION') where booklet_number = 'F5000019'"),
    ("A movement is of no line of its document", "F5000020",
     "update stock_line set quantity = 19 where first_serial = 5000001 and receives"),
    ("A movement is of no line of its document", "F5000001",
     "update stock_line set first_serial = 5000002 where first_serial = 5000001 and not receives"),
    ("A transfer's booklets in transit are not those sent less those arrived", "TRASLADO",
     "update booklet set place = 'WAREHOUSE:CENTRAL' where number = 'F5000003'"),
    ("A reversal does not mirror what it reverses", "F5000006",
     "update stock_movement set reverses_id = null where kind = 'REINGRESO_REACTIVACION'"),
    ("A reversal does not mirror what it reverses", "F5000006",
     "update stock_movement m set reverses_id = r.id from stock_movement r where m.kind = 'REINGRESO_REACTIVACION'"
     " and r.kind = 'EGRESO_ANULACION' and r.booklet_number = 'F5000005'"),
    ("A reversal does not mirror what it reverses", "F6000001",
     "update stock_document set reverses_id = id where kind = 'REVERSION'"),
    ("A movement is reversed more than once", "F5000006",
     "drop index uq_stock_movement_reverses_id; " + ADD.format(
         "reverses_id, void_type_code, case_id from stock_movement where kind = 'REINGRESO_REACTIVACION'")),
    ("A booklet in use is not where its case is", "F5000008",
     "update booklet set place = 'PRINTING:LWF' where number = 'F5000008'"),
    ("A booklet in use is not where its case is", "F5000009",
     "update booklet set state = 'ASIGNADA' where number = 'F5000009'"),
    ("A booklet in use is not where its case is", "F5000008",
     "update personalisation set voided_at = now() where booklet_number = 'F5000008'"),
    ("A booklet in use is not where its case is", "F5000008",
     "update passport_case set state = 'AUTORIZADA', booklet_number = null where booklet_number = 'F5000008'"),
    ("A case has no booklet in use", "GUA",
     "update passport_case set booklet_number = 'F5000020' where booklet_number = 'F5000008'"),
    ("A use has ended and says that it lasts", "F5000005",
     "update personalisation set booklet_number = 'F5000005' where booklet_number = 'F5000008'"),
)  # fmt: skip


@pytest.mark.parametrize(("what", "of", "statement"), BREAKS, ids=[f"{n}-{b[0]}" for n, b in enumerate(BREAKS)])
def test_the_audit_names_what_was_broken(busy: Session, what: str, of: str, statement: str) -> None:
    faults = found(busy, *statement.split("; "))
    assert any(fault.of.startswith(of) for fault in faults.get(what, [])), faults


def test_every_check_of_the_audit_is_tried() -> None:
    assert {what for what, _of, _statement in BREAKS} == set(stock_audit.CHECKS)
