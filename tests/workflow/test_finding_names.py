"""Which names are found by which: expected hits and misses, written by hand; and who is found first, by whom, how fast.

A row says what is stored (surnames, given names), what is typed, and whether that is found as such (EXACT), as a twin
or past an error (ALIKE), or not at all (MISS).
"""

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.orm import Session

from models.base import make_engine
from models.cases import PassportCase, State
from models.enrolments import FormerCase
from models.names import NameWord
from security.actor import Actor
from tests.build import make_case
from workflow import name_hits
from workflow.name_search import Found, find, find_former, find_in_place
from workflow.name_words import one_slip
from workflow.persons import search_name
from workflow.watch_lists.sounds import sound

EXACT, ALIKE, MISS = "exact", "alike", "miss"

NAMES = [line.split("|") for line in """
Hernández García, María José  | maria jose hernandez garcia | exact
Hernández García, María José  | GARCIA HERNANDEZ            | exact
Hernández García, María José  | José García                 | exact
Hernández García, María José  | hern mar                    | exact
Hernández García, María José  | h g m j                     | exact
Hernández García, María José  | garcia garcia               | exact
Hernández García, María José  | garcía, maria.              | exact
Hernández García, María José  | ernandes garsia             | alike
Hernández García, María José  | hernandez lopez             | miss
Hernández García, María José  | ernan                       | alike
Ernández, Juan                | hernandez                   | alike
Güicoy Ajpop, Ana             | guicoy                      | exact
Güicoy Ajpop, Ana             | Güicoy                      | exact
Güicoy Ajpop, Ana             | güi                         | exact
Güicoy Ajpop, Ana             | guicoi                      | alike
Güicoy Ajpop, Ana             | gicoy                       | alike
Güicoy Ajpop, Ana             | huicoy                      | alike
Güicoy Ajpop, Ana             | ajpob                       | alike
Güicoy Ajpop, Ana             | ada                         | miss
Guicoy, Ada                   | güicoy ana                  | miss
Xiloj, Tomasa                 | xiloj                       | exact
Xiloj, Tomasa                 | chiloj                      | alike
Xiloj, Tomasa                 | jiloj                       | alike
Xiloj, Tomasa                 | xioj                        | alike
Xiloj, Tomasa                 | xol                         | miss
Vásquez, Luis                 | vasquez                     | exact
Vásquez, Luis                 | vasqu                       | exact
Vásquez, Luis                 | basques                     | alike
Vásquez, Luis                 | Bázquez                     | alike
Vásquez, Luis                 | basqu                       | alike
Vásquez, Luis                 | vasqez                      | alike
Vásquez, Luis                 | vaquez                      | alike
Velásquez, Luis               | vasquez                     | miss
Velásquez, Luis               | belas                       | alike
Jiménez, Rosa                 | ximenes                     | alike
Jiménez, Rosa                 | gimenez                     | alike
Jiménez, Rosa                 | Jimenes                     | alike
Ximénez, Rosa                 | jimenez                     | alike
Jiménez, Rosa                 | jimemez                     | alike
Jiménez, Rosa                 | mimemez                     | miss
Llanos, Hilda                 | yanos                       | alike
Yanos, Ilda                   | llanos hilda                | alike
Llanos, Hilda                 | lanos                       | alike
Llanos, Hilda                 | planas                      | miss
Quiej, Mateo                  | quiej                       | exact
Quiej, Mateo                  | kiej                        | alike
Quiej, Mateo                  | qiej                        | alike
Quiej, Mateo                  | queij                       | alike
Kej, Mateo                    | quej                        | alike
Núñez Peña, Íñigo             | nunez pena                  | exact
Núñez Peña, Íñigo             | Núñez Iñigo                 | exact
Núñez Peña, Íñigo             | nuñes                       | alike
Núñez Peña, Íñigo             | munez                       | alike
Nunez Pena, Inigo             | NÚÑEZ PEÑA                  | exact
Q'eqchi' Ch'oc, Rosa          | qeqchi choc                 | exact
Q'eqchi' Ch'oc, Rosa          | Q’eqchi’                    | exact
Q'eqchi' Ch'oc, Rosa          | q'eqchi' ch`oc              | exact
Q'eqchi' Ch'oc, Rosa          | kekchi                      | alike
Q'eqchi' Ch'oc, Rosa          | xok                         | alike
K'iche', Juan                 | quiche                      | alike
O'Connor, Sean                | oconnor                     | exact
O'Connor, Sean                | o connor                    | alike
Mac-Donald, John              | mac donald                  | exact
Mac-Donald, John              | MAC‐DONALD                  | exact
Mac-Donald, John              | donald mac                  | exact
Mac-Donald, John              | macdonald                   | miss
De León Barrios, Juan         | de leon                     | exact
De León Barrios, Juan         | leon                        | exact
De León Barrios, Juan         | d leon                      | exact
León Barrios, Juan            | de león                     | alike
De la Cruz Tzoc, Pedro        | pedro de la cruz            | exact
De la Cruz Tzoc, Pedro        | de la                       | exact
De la Cruz Tzoc, Pedro        | cruz soc                    | alike
De la Cruz Tzoc, Pedro        | del crus                    | alike
González, Cecilia             | gonsales sesilia            | alike
González, Cecilia             | gonzales                    | alike
González, Cecilia             | gonzalze                    | alike
González, Cecilia             | gomez                       | miss
Chávez, Zoila                 | chabes soila                | alike
Chávez, Zoila                 | cavez                       | alike
Guerra, Guillermo             | gerra                       | alike
Guerra, Guillermo             | guera gillermo              | alike
Guerra, Guillermo             | guevara                     | miss
García, Óscar                 | gracia                      | alike
García, Óscar                 | garia                       | alike
García, Óscar                 | garrcia                     | alike
García, Óscar                 | garfia                      | alike
García, Óscar                 | gartcia                     | alike
García, Óscar                 | gracai                      | miss
García, Óscar                 | oskar                       | alike
García, Óscar                 | hoscar                      | alike
Martínez López, Juana         | matinez                     | alike
Martínez López, Juana         | maritnez                    | alike
Martínez López, Juana         | martinezz                   | alike
Martínez López, Juana         | matinez lopze jauna         | alike
Martínez López, Juana         | matibez                     | miss
Martínez López, Juana         | juana martinez gomez        | miss
Lobos, Eva                    | lopez                       | miss
Lobos, Eva                    | ema                         | miss
Lobos, Eva                    | eba                         | alike
López, Ana                    | lobos                       | miss
López, Ana                    | lopes ana                   | alike
López, Ana                    | ada                         | miss
López, Ana                    | an                          | exact
López, Mariana                | ana                         | miss
López, Elena                  | lopez e                     | exact
Paz, Sol                      | pas                         | alike
Paz, Sol                      | pan                         | miss
Paz, Sol                      | sal                         | miss
Castro, Celia                 | castillo                    | miss
Castro, Celia                 | cleia                       | alike
Reyes, Marta                  | rojas                       | miss
Reyes, Marta                  | rellez                      | alike
Reyes, Marta                  | martita                     | miss
Caal Coy, Heidy               | kal koi                     | alike
Caal Coy, Heidy               | heydi                       | alike
Ixchel, Byron                 | ischel biron                | alike
Jolomná, Jhonatan             | jonathan                    | alike
Jolomná, Jhonatan             | jolomna                     | exact
Vicente, Mynor                | bisente minor               | alike
Vicente, Mynor                | icente                      | alike
Ajú 2, Juan                   | aju 2                       | exact
Ajú 2, Juan                   | aju 3                       | miss
Ajú 1234, Juan                | aju 1235                    | miss
""".strip().splitlines()]  # fmt: skip


def person(db: Session, name: str, **changes: Any) -> PassportCase:
    surnames, given = (part.strip() or None for part in f"{name},".split(",")[:2])
    parts = {"first_surname": surnames, "second_surname": None, "first_name": given, "second_name": None}
    return make_case(db, **parts | changes)


def outcome(found: Any, case: Any) -> str:
    return EXACT if case in found.exact else ALIKE if case in found.alike else MISS


@pytest.mark.parametrize(("stored", "typed", "expected"), NAMES, ids=lambda part: part.strip())
def test_a_name_is_found(db: Session, as_user: Callable[[str], Actor], stored: str, typed: str, expected: str) -> None:
    case = person(db, stored)
    assert outcome(find(db, as_user("supersu"), typed, most=9), case) == expected.strip()


@pytest.mark.parametrize("way", ["newest", "index", "tiers", "walk"])
def test_it_is_found_alike_whichever_way_is_taken(
    db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for setting in {"index": ["RECENT"], "tiers": ["RECENT", "FEW"], "walk": ["RECENT", "FEW", "SORTED"]}.get(way, []):
        monkeypatch.setattr(name_hits, setting, -1 if setting == "RECENT" else 0)
    kinds = ["Baquiax", "Vaquiaxtun", "Vakiax", "Baquixa"]
    cases = [person(db, name) for name in kinds for _ in range(3)]
    whole, twins_begun, twins, slips = (cases[n : n + 3][::-1] for n in range(0, 12, 3))
    begun_as = person(db, "Baquiaxel")
    actor = as_user("supersu")
    assert find(db, actor, "baquiax", most=2) == Found(whole[:2], [])
    assert find(db, actor, "baquiax", most=4) == Found([begun_as, *whole], [])
    assert find(db, actor, "baquiax", most=6) == Found([begun_as, *whole], twins[:2])
    everyone = find(db, actor, "baquiax", most=50)
    assert everyone == Found([begun_as, *whole], [*slips, *twins, *twins_begun])
    assert find(db, actor, "vaki mari", most=50) == Found([], [])


def test_twins_at_other_sites_are_not_seen(db: Session, as_user: Callable[[str], Actor]) -> None:
    here, printed_here, elsewhere = (person(db, "Quexel", site_code=site) for site in ("GUA", "ATL", "QTZ"))
    assert find(db, as_user("supervisor"), "kexel", most=9) == Found([], [printed_here, here])
    assert find(db, as_user("supersu"), "quexle", most=1) == Found([], [elsewhere])


def test_conditions_hold_for_all_that_is_found(db: Session, as_user: Callable[[str], Actor]) -> None:
    person(db, "Quexel", state=State.AUTORIZADA)
    found = find(db, as_user("supersu"), "kexel", PassportCase.state == State.ENROLADA, most=9)
    assert found == Found([], [])


def test_names_in_their_own_columns_are_found_in_place(db: Session, as_user: Callable[[str], Actor]) -> None:
    very = make_case(db, first_surname="Váldez", second_surname="Paz", first_name="María", second_name="del Carmen")
    twin = make_case(db, first_surname="De Baldes", second_surname="Pas", first_name="María", second_name="Carmen")
    make_case(db, first_surname="Paz", second_surname="Váldez", first_name="Carmen", second_name="María")
    first, second = PassportCase.first_surname, PassportCase.second_name
    actor = as_user("supersu")
    assert find_in_place(db, actor, {first: "valdez"}, most=9) == Found([very], [twin])
    assert find_in_place(db, actor, {first: "vald", second: "del carmen"}, most=9) == Found([very], [twin])
    assert find_in_place(db, actor, {first: "valdez", second: "carmen"}, most=9) == Found([], [twin, very])
    assert find_in_place(db, actor, {first: "", second: "  "}, most=9) == Found([], [])


def former(db: Session, number: str, surname: str, issued_on: str | None) -> FormerCase:
    row = FormerCase(
        number=number, first_surname=surname, search_name=search_name(surname), issued_on=issued_on, state="ENTREGADO",
        source="test", source_row=1,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return row


@pytest.mark.parametrize("most_sorted", [10_000, 0])
def test_former_cases_are_found_newest_first(db: Session, monkeypatch: pytest.MonkeyPatch, most_sorted: int) -> None:
    monkeypatch.setattr(name_hits, "SORTED", most_sorted)
    undated, old, new = (former(db, f"H{n}", "Quexel", day) for n, day in enumerate((None, "2001-01-01", "2015-01-01")))
    twin = former(db, "H9", "Kexel", "2019-01-01")
    found = find_former(db, "quexel", most=9)
    assert (found.exact, found.alike) == ([new, old, undated], [twin])
    assert find_former(db, "quexel", most=1).exact == [new]


def test_a_name_that_is_changed_is_found(db: Session, as_user: Callable[[str], Actor]) -> None:
    case = person(db, "Quexel")
    case.search_name = "POCASANGRE"
    db.flush()
    assert find(db, as_user("supersu"), "pokasangre", most=9) == Found([], [case])


def statements(db: Session) -> list[str]:
    sent: list[str] = []
    event.listen(db.connection(), "before_cursor_execute", lambda _c, _k, statement, *_rest: sent.append(statement))
    return sent


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "'", "& | !", "@GUA", "@", "\\", "%", "(", "a:*", "\x00", "zzzz", "привет", "x " * 1000,
        "z" * 10_000, " ".join(f"quex{n}" for n in range(1000)), "'" * 5000, "(?:" * 100,
    ],
    ids=lambda typed: typed[:12],
)  # fmt: skip
def test_what_nobody_is_called_costs_one_statement_at_most(
    db: Session, as_user: Callable[[str], Actor], typed: str
) -> None:
    person(db, "Quexel")
    actor, sent = as_user("supersu"), statements(db)
    assert find(db, actor, typed, most=9) == Found([], [])
    assert find_former(db, typed, most=9).exact == []
    assert len(sent) <= 2


def test_a_search_asks_few_statements(db: Session, as_user: Callable[[str], Actor]) -> None:
    person(db, "Quexel")
    actor, sent = as_user("supersu"), statements(db)
    find(db, actor, "kexel maria", most=9)
    assert len(sent) <= 5


def test_a_word_too_long_is_cut_and_a_beginning_still(db: Session, as_user: Callable[[str], Actor]) -> None:
    case = person(db, "W" * 60)
    assert find(db, as_user("supersu"), "w" * 59, most=9) == Found([case], [])


def test_the_database_hears_what_the_program_hears(db: Session) -> None:
    chance = random.Random(7)
    words = [search_name(stored).split()[-1] for stored, *_rest in NAMES]
    words += ["".join(chance.choices("ABCEGHILQUSTXYZJKVWP1", k=chance.randint(1, 9))) for _ in range(3000)]
    rows = db.execute(
        text("select word, name_sound(lower(word)) from unnest(cast(:words as text[])) word"), {"words": words}
    )
    assert [(word, heard) for word, heard in rows if heard != sound(word)] == []


def test_a_slip_is_one_error_of_four_kinds() -> None:
    typed = "garcia"
    letters = "abcdefghijklmnopqrstuvwxyz"
    once = {typed[:n] + typed[n + 1 :] for n in range(6)}
    once |= {typed[:n] + letter + typed[n:] for n in range(7) for letter in letters}
    once |= {typed[:n] + letter + typed[n + 1 :] for n in range(6) for letter in letters}
    once |= {typed[:n] + typed[n + 1] + typed[n] + typed[n + 2 :] for n in range(5)}
    assert all(one_slip(typed, other) and one_slip(other, typed) for other in once)
    for far in ("", "gar", "garciaxx", "gracai", "gracix", "agricia", "acgria", "xgarciax"):
        assert not one_slip(typed, far), far


@pytest.fixture
def office(fresh_database: Callable[[str], str]) -> Iterator[Engine]:
    engine = make_engine(fresh_database("name_words"), pool_size=4)
    yield engine
    engine.dispose()


def test_nobody_waits_for_another_who_brings_the_same_words(office: Engine) -> None:
    """Three transactions bring the same new words in different orders, and hold them at once."""
    orders = (["Zutuj", "Yalibat"], ["Yalibat", "Zutuj"], ["Yalibat", "Quexel"])
    all_there, failures = threading.Barrier(len(orders), timeout=30), []

    def bring(names: list[str]) -> None:
        try:
            with Session(office) as session:
                session.execute(text("set local lock_timeout = '5s'"))
                for name in names:
                    person(session, name)
                    all_there.wait()  # each has written, none has committed
                session.commit()
        except Exception as error:
            failures.append(error)
            all_there.abort()

    threads = [threading.Thread(target=bring, args=(names,)) for names in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with Session(office) as session:
        known = select(func.count(NameWord.word.distinct())).where(NameWord.word.in_(["zutuj", "yalibat", "quexel"]))
        assert session.scalar(known) == 3
