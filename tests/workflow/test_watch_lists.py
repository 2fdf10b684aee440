"""Watch lists: files read row by row, loaded whole or not at all, and searched with tolerance but without a scan."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine
from models.catalogs import ListType
from models.users import AccessLog
from models.watch_lists import WatchListEntry, WatchListLoad
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, WrongState
from tests.build import make_entry
from workflow.watch_lists import entries, loading, searching
from workflow.watch_lists.loading import BadFile
from workflow.watch_lists.rows import Fault, read
from workflow.watch_lists.sounds import name_key, sounds

HEAD = "reference,surnames,given_names,birth_date,cui,document_number,reason,valid_from,valid_until"
ON = dt.date(2026, 11, 3)
WHOLE = {"surnames": "Tzoc Chub", "given_names": "Nola María"}


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("admadm")


def hits(db: Session, **person: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Grades and fields of what is found for Nola Tzoc Chub, born 1990-05-17, or as said."""
    asked = {
        "cui": "6000000080101", "documents": [], "surnames": "Tzoc Chub", "own_surnames": "Tzoc Chub",
        "given_names": "Nola María", "birth_date": "1990-05-17", "on": ON,
    } | person  # fmt: skip
    db.flush()
    return [(hit.grade, hit.fields) for hit in searching.search(db, **asked)]


# Names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("González", "Gonsales"), ("Ximénez", "Jiménez"), ("Vásquez", "Bazkez"), ("Quiché", "Kiché"),
        ("Llanos", "Yanos"), ("Hernández", "Ernandes"), ("Tzoc", "Soc"), ("Philippe", "Filipe"), ("Guevara", "Gebara"),
        ("Wilfredo", "Uilfredo"),
    ],
)  # fmt: skip
def test_spellings_of_one_sound_are_one(one: str, other: str) -> None:
    assert sounds(one) == sounds(other)


@pytest.mark.parametrize(("one", "other"), [("Chub", "Cub"), ("Pérez", "Peña"), ("Ana", "Inés"), ("Coc", "Choc")])
def test_other_names_sound_otherwise(one: str, other: str) -> None:
    assert sounds(one) != sounds(other)


def test_particles_tell_nobody_apart_and_order_does_not_count() -> None:
    assert sounds("de la Cruz y Paz") == sounds("Cruz", "Paz")
    assert name_key("Tzoc Chub", "Nola") == name_key("Nola", "Chub Tzoc")


# Searching


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"cui": "6000000080101"}, ("EXACT", ("cui",))),
        ({"surnames": "CHUB TZOC", "given_names": "MARIA NOLA"}, ("NAME", ("name",))),
        (WHOLE | {"birth_date": "1990-05-17"}, ("NAME_AND_BIRTH", ("name",))),
        (WHOLE | {"birth_date": "1990"}, ("NAME_AND_BIRTH", ("name",))),
        ({"surnames": "Soc Chub", "given_names": "Nola", "birth_date": "1990-05"}, ("SIMILAR", ("name",))),
        ({"surnames": "Tzoc", "given_names": "María", "birth_date": "1991-05-17"}, ("SIMILAR", ("name",))),
        ({"surnames": "Tzoc", "given_names": "Nola", "birth_date": "1990-05-18"}, ("SIMILAR", ("name",))),
        ({"surnames": "Tzoc Chub Caal", "given_names": "Nola María", "birth_date": "1990"}, ("SIMILAR", ("name",))),
        ({"surnames": "Tzoc", "given_names": "Nola"}, None),
        ({"surnames": "Tzoc Chub", "given_names": "Nola María", "birth_date": "1975-01-02"}, None),
        ({"surnames": "Tzoc Caal", "given_names": "Nola", "birth_date": "1990-05-17"}, None),
        ({"surnames": "Tzoc Chub", "given_names": "Nola", "birth_date": "1991-06-18"}, None),
    ],
)  # fmt: skip
def test_a_hit_says_how_surely_it_is_meant(
    db: Session, entry: dict[str, str], found: tuple[str, tuple[str, ...]] | None
) -> None:
    db.add(make_entry(**entry))
    assert hits(db) == ([found] if found else [])


def test_day_and_month_exchanged_are_one_mistake(db: Session) -> None:
    db.add(make_entry(surnames="Tzoc", given_names="Nola", birth_date="1990-05-07"))
    assert hits(db, birth_date="1990-07-05") == [("SIMILAR", ("name",))]


def test_a_document_is_found_by_its_number(db: Session) -> None:
    db.add(make_entry("LRE", document_number="F0009914"))
    assert hits(db, documents=["F0009914"]) == [("EXACT", ("identificationNumber",))]


def test_the_married_surname_hides_nobody(db: Session) -> None:
    db.add(make_entry(surnames="Tzoc Chub", given_names="Nola María"))
    assert hits(db, surnames="Tzoc Chub de Pop") == [("NAME", ("name",))]


@pytest.mark.parametrize(
    ("days", "there"),
    [
        ({"valid_from": "2026-11-03"}, True),
        ({"valid_from": "2026-11-04"}, False),
        ({"valid_until": "2026-11-02"}, False),
    ],
)
def test_an_entry_counts_while_it_is_valid(db: Session, days: dict[str, str], there: bool) -> None:
    db.add(make_entry(cui="6000000080101", **days))
    assert bool(hits(db)) is there


def test_a_list_type_that_is_switched_off_finds_nobody(db: Session) -> None:
    db.add(make_entry(cui="6000000080101"))
    db.execute(update(ListType).where(ListType.code == "OCA").values(active=False))
    assert hits(db) == []


def test_the_surest_come_first_and_each_entry_once(db: Session) -> None:
    db.add(make_entry(surnames="Soc", given_names="Nola", birth_date="1990"))
    db.add(make_entry(surnames="Tzoc Chub", given_names="Nola María", birth_date="1990", cui="6000000080101"))
    assert [grade for grade, _fields in hits(db)] == ["EXACT", "SIMILAR"]


def test_a_finding_names_the_list_and_only_informing_lists_refer_nobody(db: Session) -> None:
    from workflow.checks import on_lists

    db.add(make_entry("VIP", reference="V-1", cui="6000000080101"))
    db.flush()
    person = {"documents": [], "surnames": "", "own_surnames": "", "given_names": "", "birth_date": "1990", "on": ON}
    [hit] = searching.search(db, cui="6000000080101", **person)
    found = on_lists([hit])
    assert found is not None
    assert (found.refers, found.fields) == (False, ["cui"])
    shown = found.detail["lists"][0]
    assert (shown["list"], shown["reference"], shown["grade"], shown["source"]) == ("VIP", "V-1", "EXACT", "PRUEBA")
    assert "reason" not in shown


# Files


def faults(*lines: str) -> list[tuple[int, str]]:
    return [(row.line, row.message) for row in read([f"{line}\n" for line in lines]) if isinstance(row, Fault)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a,b", "has %(n)s values"),
        (",Tzoc,Nola,1990-13,,,,,", "birth_date"),
        (",Tzoc,Nola,17/05/1990,,,,,", "birth_date"),
        (",,,,123,,,,", "cui"),
        (",Tzoc,Nola,,,,,2026-02-30,", "valid_from"),
        (",Tzoc,Nola,,,,,2026-02-02,2026-02-01", "before"),
        (",de Tzoc,,,,,,,", "two words"),
        (",,,1990,,,sin nombre,,", "two words"),
        (f",{'T' * 121},Nola,,,,,,", "at most"),
        (",Tzoc,No\x07la,,,,,,", "control"),
    ],
)
def test_each_bad_line_is_named_with_its_fault(line: str, words: str) -> None:
    [(number, message)] = faults(HEAD, ",Bueno,Don,,,,,,", line)
    assert number == 3
    assert words in message


@pytest.mark.parametrize("head", ["", "nombre,apellido", "surnames,surnames", "reference,reason"])
def test_a_header_of_other_columns_ends_the_reading(head: str) -> None:
    assert [number for number, _message in faults(head, "x,y")] == [1]


def test_columns_may_come_in_any_order_with_semicolons_as_excel_writes_them() -> None:
    [row] = read(["given_names;surnames;birth_date\n", "Nola;Tzoc Chub;1990-05\n", "\n", ";;\n"])
    assert not isinstance(row, Fault)
    assert (row["search_name"], row["birth_date"], row["sound_words"]) == (
        "TZOC CHUB NOLA",
        "1990-05",
        "y1990 SOK XUB NOLA",
    )


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "lista.csv"
    path.write_text("\ufeff" + "\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path


def names(db: Session) -> list[str | None]:
    return list(db.scalars(select(WatchListEntry.surnames).order_by(WatchListEntry.id)))


def test_a_file_takes_the_place_of_the_former_one_and_what_stays_keeps_its_number(
    db: Session, keeper: Actor, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, ",Tzoc,Nola,,,,,,", ",Caal,Ana,,,,,,", ",Caal,Ana,,,,,,")
    first = loading.load_file(db, keeper, path, list_type="OCA", source="MP")
    assert (first.state, first.entries, first.added, first.removed) == ("CURRENT", 2, 2, 0)
    kept = db.scalars(select(WatchListEntry.id).where(WatchListEntry.surnames == "Caal")).one()
    path = csv_file(tmp_path, ",Caal,Ana,,,,,,", ",Pop,Luz,,,,,,")
    second = loading.load_file(db, keeper, path, list_type="OCA", source="MP")
    assert (second.entries, second.added, second.removed) == (2, 1, 1)
    assert loading.load_file(db, keeper, path, list_type="OCA", source="MP") is second, (
        "the same file again is nothing new"
    )
    assert (first.state, first.ended_by_id) == ("REPLACED", keeper.user_id)
    assert names(db) == ["Caal", "Pop"]
    assert db.scalars(select(WatchListEntry.id).where(WatchListEntry.surnames == "Caal")).one() == kept
    loading.load_file(db, keeper, csv_file(tmp_path, ",Otro,Don,,,,,,"), list_type="OCA", source="PNC")
    loading.load_file(db, keeper, csv_file(tmp_path, ",Mas,Don,,,,,,"), list_type="INT", source="MP")
    assert names(db) == ["Caal", "Pop", "Otro", "Mas"], "another source or type is another list"


def test_a_file_with_one_bad_line_loads_nothing(db: Session, keeper: Actor, tmp_path: Path) -> None:
    loading.load_file(db, keeper, csv_file(tmp_path, ",Tzoc,Nola,,,,,,"), list_type="OCA", source="MP")
    db.commit()
    path = csv_file(tmp_path, ",Pop,Luz,,,,,,", ",Solo,,,,,,,", ",,,,77,,,,")
    with pytest.raises(BadFile) as refused:
        loading.load_file(db, keeper, path, list_type="OCA", source="MP")
    db.rollback()
    assert [fault.line for fault in refused.value.faults] == [3, 4]
    assert names(db) == ["Tzoc"]


def test_a_file_that_is_no_utf_8_is_said_to_be_none(db: Session, keeper: Actor, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(f"{HEAD}\n,Nuñez,Don,,,,,,\n".encode("latin-1"))
    with pytest.raises(BadFile, match="cannot be taken"):
        loading.load_file(db, keeper, path, list_type="OCA", source="MP")


@pytest.mark.parametrize(
    ("list_type", "source", "field"), [("XXX", "MP", "list_type"), ("OCA", "", "source"), ("OCA", "a b", "source")]
)
def test_a_list_needs_a_known_type_and_a_source(
    db: Session, keeper: Actor, list_type: str, source: str, field: str
) -> None:
    with pytest.raises(BadValue) as refused:
        loading.prepare(db, keeper, b"x", "x.csv", list_type=list_type, source=source)
    assert refused.value.field == field


def test_who_may_not_load_lists_loads_none(db: Session, as_user: Callable[[str], Actor], tmp_path: Path) -> None:
    path, reader = csv_file(tmp_path, ",Tzoc,Nola,,,,,,"), as_user("supersu")
    with pytest.raises(NotAllowed):
        loading.load_file(db, reader, path, list_type="OCA", source="MP")


def test_a_prepared_file_changes_nothing_until_it_is_confirmed_once(db: Session, keeper: Actor) -> None:
    content = f"{HEAD}\n,Tzoc,Nola,,,,,,\n".encode()
    load = loading.prepare(db, keeper, content, "lista.csv", list_type="OCA", source="MP")
    assert (load.state, load.entries, load.added, names(db)) == ("PREPARED", 1, 1, [])
    confirmed = loading.confirm(db, keeper, load.id)
    assert (confirmed.state, confirmed.content, names(db)) == ("CURRENT", None, ["Tzoc"])
    with pytest.raises(WrongState):
        loading.confirm(db, keeper, load.id)
    loading.withdraw(db, keeper, load.id)
    assert (load.state, names(db)) == ("WITHDRAWN", [])


def test_a_load_that_is_cut_off_leaves_the_list_as_it_was(fresh_database: Callable[[str], str], tmp_path: Path) -> None:
    """As a kill would: the connection is gone after the rows were written, before the commit."""
    engine = make_engine(fresh_database("lists"))
    with Session(engine) as session:
        actor = load_actor(session, username="admadm")
        assert actor is not None
        loading.load_file(session, actor, csv_file(tmp_path, ",Tzoc,Nola,,,,,,"), list_type="OCA", source="MP")
        session.commit()
        path = csv_file(tmp_path, *(f",Pop,Luz {serial},,,,,," for serial in range(2000)))
        loading.load_file(session, actor, path, list_type="OCA", source="MP")
        with engine.connect() as other:
            pid = session.execute(text("select pg_backend_pid()")).scalar_one()
            other.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()
        assert names(session) == ["Tzoc"]
        loading.load_file(session, actor, path, list_type="OCA", source="MP")
        session.commit()
        assert session.scalar(select(func.count(WatchListEntry.id))) == 2000
        assert session.scalar(select(func.count(WatchListLoad.id))) == 2
    _plans(engine)
    engine.dispose()


def _plans(engine: Engine) -> None:
    """No way of searching reads the entries from end to end."""
    with Session(engine) as session:
        session.execute(text("analyze watch_list_entry"))
        session.execute(text("set local enable_seqscan = off"))
        sent: list[str] = []
        for query in _queries(session):
            plan = "\n".join(session.execute(text(f"explain {query}")).scalars())
            sent.append(plan)
            assert "Seq Scan on watch_list_entry" not in plan, plan
            assert "ix_watch_list_entry" in plan, plan
        assert len(sent) == 2


def _queries(session: Session) -> list[str]:
    """What a search of the lists asks, with its values."""
    asked: list[str] = []

    class Spy:
        def execute(self, query: Any) -> list[Any]:
            asked.append(str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})))
            return []

    searching.search(
        Spy(), cui="6000000080101", documents=["F1"], surnames="Tzoc Chub", own_surnames="Tzoc Chub",  # type: ignore[arg-type]
        given_names="Nola", birth_date="1990-05-17", on=ON,
    )  # fmt: skip
    return asked


# Looking


def test_entries_are_found_as_they_sound_and_each_look_is_logged(db: Session, as_user: Callable[[str], Actor]) -> None:
    reader = as_user("supersu")
    db.add(make_entry(surnames="González Ximénez", given_names="José", birth_date="1990"))
    db.add(make_entry(cui="6000000080101"))
    db.flush()
    assert [row.surnames for row, _list in entries.find(db, reader, "gonsales jose")] == ["González Ximénez"]
    assert [row.cui for row, _list in entries.find(db, reader, "6000 00008 0101")] == ["6000000080101"]
    assert entries.find(db, reader, "de la") == []
    db.flush()
    assert db.scalar(select(func.count(AccessLog.id)).where(AccessLog.screen == "watch-lists")) == 3
    with pytest.raises(NotFound):
        entries.entry(db, reader, 999_999)
    with pytest.raises(NotAllowed):
        entries.find(db, as_user("supervisor"), "Tzoc")
