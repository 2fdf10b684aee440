"""The queues of Monitoreo: sites, a site's queue, the next case, cases taken and given back."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import CaseEvent, PassportCase, State
from models.catalogs import Site
from models.users import AccessLog, User
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from workflow import queues

Login = Callable[[str], FlaskClient]
BACK = {"Referer": "http://localhost/queues/supervision/GUA/"}
QUEUE = "/queues/supervision/GUA/"


def put_in_post_printing(db: Session, case: PassportCase, number: str) -> None:
    case.booklet_number, case.state = number, State.POST_IMPRESION


def only_deal(db: Session, code: str = "GUA") -> None:
    db.get_one(Site, code).only_dealt = True
    db.commit()


def again(db: Session, number: str) -> PassportCase:
    query = select(PassportCase).where(PassportCase.number == number)
    return db.scalars(query.execution_options(populate_existing=True, every_site=True)).one()


def user_id(db: Session, name: str) -> int:
    return db.scalars(select(User.id).where(User.username == name)).one()


def test_the_sites_are_listed_with_their_counts_those_with_cases_first(db: Session, login: Login) -> None:
    for site in ("LAX", "LAX", "HOU"):
        make_case(db, site_code=site)
    db.commit()
    page = login("supersu").get("/queues/supervision/").text
    assert page.index(">LAX<") < page.index(">HOU<") < page.index("Sedes donde nada espera")
    assert '<td class="num"><strong>2</strong></td>' in page


def test_a_count_beyond_the_cap_says_more_than(db: Session, login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "COUNT_CAP", 1)
    make_case(db), make_case(db), make_case(db, site_code="LAX")
    db.commit()
    page = login("supersu").get("/queues/supervision/").text
    assert "más de 1" in page


def test_who_has_a_single_site_goes_straight_to_its_queue_and_can_come_back(db: Session, login: Login) -> None:
    client = login("supervisor")
    answer = client.get("/queues/supervision/")
    assert answer.status_code == 302
    assert answer.location == QUEUE
    assert 'href="/queues/supervision/?all=1"' in client.get(QUEUE).text
    assert client.get("/queues/supervision/?all=1").status_code == 200


def test_who_has_cases_at_two_sites_is_asked_which(db: Session, login: Login) -> None:
    make_case(db, site_code="LAX", print_site_code="GUA")
    db.get_one(Site, "LAX").prints_at_code = "GUA"
    db.get_one(Site, "LAX").prints = False
    db.commit()
    assert login("supervisor").get("/queues/supervision/").status_code == 200


def test_a_queue_shows_the_columns_of_the_manual(db: Session, login: Login) -> None:
    case = make_case(db, birth_date="1951-07", desk="M-07", priority=1)
    db.commit()
    page = login("supervisor").get(QUEUE).text
    for text in (case.number, case.full_name, "XX/07/1951", case.identification_number, "NUEVO", "ORDINARIO", "M-07"):
        assert text in page, text
    assert "Emergencia" in page
    assert f'href="/cases/{case.number}/review"' in page
    assert f'href="/cases/{case.number}/applicant"' in page


def test_a_queue_is_worked_by_priority_then_by_enrolment(db: Session, login: Login) -> None:
    old = make_case(db, enrolled_at=utc_now() - dt.timedelta(days=3))
    urgent = make_case(db, priority=1)
    new = make_case(db)
    db.commit()
    page = login("supervisor").get(QUEUE).text
    assert page.index(urgent.number) < page.index(old.number) < page.index(new.number)


def test_a_long_queue_pages_by_key_without_losing_or_repeating(
    db: Session, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAGE", 2)
    made = [make_case(db, enrolled_at=utc_now() - dt.timedelta(hours=9 - n)).number for n in range(5)]
    db.commit()
    client, url, seen = login("supervisor"), QUEUE, []
    while url:
        page = client.get(url).text
        seen += [number for number in made if f'href="/cases/{number}/review"' in page]
        url = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0] if 'rel="next"' in page else ""
    assert seen == made


@pytest.mark.parametrize("after", ["x", "1_2", "3_1e400_4", "3_nan_4", "1_2_3_4"])
def test_a_place_that_is_none_is_a_bad_request(login: Login, after: str) -> None:
    assert login("supervisor").get(f"{QUEUE}?after={after}").status_code == 400


def test_a_full_page_costs_few_statements_whatever_its_length(
    db: Session, login: Login, connection: Connection
) -> None:
    def cost(cases: int) -> int:
        for _ in range(cases):
            make_case(db, held_by_id=user_id(db, "supersu"), held_at=utc_now())
        db.commit()
        client = login("supervisor")
        with statements(connection) as sent:
            assert client.get(QUEUE).status_code == 200
        return len(sent)

    few = cost(2)
    assert few <= 8
    assert cost(30) == few


def test_looking_at_a_queue_is_logged_with_the_cases_shown(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    login("supervisor").get(QUEUE)
    look = db.scalars(select(AccessLog).order_by(AccessLog.id.desc())).first()
    assert look is not None
    assert (look.screen, look.detail) == ("queue:supervision", {"site": "GUA", "cases": [case.number]})


def test_the_next_case_is_the_most_urgent_and_is_held_for_who_asked(db: Session, login: Login) -> None:
    make_case(db)
    urgent = make_case(db, priority=1)
    db.commit()
    answer = login("supervisor").post(f"{QUEUE}next")
    assert answer.location == f"/cases/{urgent.number}/review"
    assert again(db, urgent.number).held_by_id == user_id(db, "supervisor")


def test_the_next_case_of_two_people_differs(db: Session, login: Login) -> None:
    make_case(db), make_case(db)
    db.commit()
    first, second = (login(name).post(f"{QUEUE}next").location for name in ("supervisor", "supersu"))
    assert first != second


def test_an_empty_queue_deals_nothing_and_says_so(login: Login) -> None:
    client = login("supervisor")
    answer = client.post(f"{QUEUE}next", follow_redirects=True)
    assert answer.request.path == QUEUE
    assert "No hay casos libres aquí." in answer.text


def test_the_traffic_light_takes_the_case_and_the_others_see_who_has_it(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    taken = login("supersu").post(f"{QUEUE}take", data={"number": case.number})
    assert taken.location == f"/cases/{case.number}/review"
    page = login("supervisor").get(QUEUE).text
    assert "supersu" in page
    assert f'name="number" value="{case.number}"' not in page


def test_a_refusal_never_leads_to_another_server(login: Login) -> None:
    client = login("supervisor")
    for place in ("https://elsewhere.example/", "//elsewhere.example/", "http://localhost.elsewhere.example/"):
        answer = client.post(f"{QUEUE}take", data={"number": "GUA999999999"}, headers={"Referer": place})
        assert (answer.status_code, answer.location) == (404, None)


def test_a_case_that_somebody_has_cannot_be_taken(db: Session, login: Login) -> None:
    case = make_case(db, held_by_id=user_id(db, "supersu"), held_at=utc_now())
    db.commit()
    client = login("supervisor")
    answer = client.post(f"{QUEUE}take", data={"number": case.number}, headers=BACK, follow_redirects=True)
    assert "supersu" in answer.text
    assert again(db, case.number).held_by_id == user_id(db, "supersu")


def test_a_case_given_back_is_free_again(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("supervisor")
    client.post(f"{QUEUE}take", data={"number": case.number})
    assert client.post(f"{QUEUE}give-back", data={"number": case.number}).location == QUEUE
    assert again(db, case.number).held_by_id is None


def test_where_cases_are_only_dealt_none_can_be_picked(db: Session, login: Login) -> None:
    case = make_case(db)
    only_deal(db)
    client = login("supervisor")
    page = client.get(QUEUE).text
    assert 'name="number"' not in page
    assert "Siguiente caso" in page
    client.post(f"{QUEUE}take", data={"number": case.number}, headers=BACK)
    assert again(db, case.number).held_by_id is None


def test_where_cases_are_only_dealt_none_that_was_not_dealt_is_decided(db: Session, login: Login) -> None:
    case = make_case(db)
    only_deal(db)
    client = login("supervisor")
    assert f'action="/cases/{case.number}/authorise"' not in client.get(f"/cases/{case.number}/review").text
    refused = client.post(f"/cases/{case.number}/authorise", data={"from": "review"})
    assert refused.status_code == 409
    assert again(db, case.number).state == State.ENROLADA
    client.post(f"{QUEUE}next")
    assert client.post(f"/cases/{case.number}/authorise", data={"from": "review"}).status_code == 303
    assert again(db, case.number).state == State.AUTORIZADA


def test_a_case_is_found_in_the_delivery_queue_by_booklet_and_by_names(db: Session, login: Login) -> None:
    number = make_booklets(db, count=1)[0]
    case = make_case(db, State.ENROLADA, first_name="Ixchel", first_surname="Quexalón", second_surname="O'Hara")
    put_in_post_printing(db, case, number)
    make_case(db, first_name="Ixchel")
    db.commit()
    client = login("entrega")
    for typed in (number, f"{number[0].lower()} {number[1:]}", "ixch quexalon", "o'hara"):
        page = client.get("/queues/delivery/find", query_string={"q": typed}).text
        assert page.count(f">{case.number}</a>") == 1, typed
        assert page.count("<tr>") == 2, typed
    for typed in ("nadie", "\\", "'", "a & | !", ""):
        assert client.get("/queues/delivery/find", query_string={"q": typed}).status_code == 200


def test_a_queue_asks_for_its_own_permission(login: Login) -> None:
    assert login("supervisor").get("/queues/secondary/").status_code == 403
    assert login("supervisor").get("/queues/delivery/GUA/").status_code == 403
    assert login("atenc").get("/queues/supervision/").status_code == 403


def test_a_site_of_others_and_a_queue_that_is_none_are_not_found(login: Login) -> None:
    client = login("supervisor")
    assert client.get("/queues/supervision/QTZ/").status_code == 404
    assert client.post("/queues/supervision/QTZ/next").status_code == 404
    assert client.get("/queues/nothing/").status_code == 404


def test_taking_a_case_writes_the_review_into_its_log(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    login("supervisor").post(f"{QUEUE}take", data={"number": case.number})
    last = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc())).first()
    assert last is not None
    assert (last.event, last.username) == ("REVISION", "supervisor")
