"""Control Calidad: what is scanned, what is compared, what is accepted or refused."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState, QualityScan
from models.cases import PassportCase, State
from models.catalogs import Site
from models.users import Role, User
from security.actor import load_actor
from tests.build import make_booklets
from tests.views.desk import WELL, act, again, checked, hidden, in_printing, printed, use_of
from workflow import inspections

Login = Callable[[str], FlaskClient]
LOOKS = list(WELL)


@pytest.fixture
def case(db: Session) -> PassportCase:
    """A printed case, its booklet F5000001."""
    return printed(db)


def zone(db: Session, case: PassportCase) -> str:
    use = use_of(db, case)
    return f"{use.mrz_line_1}\n{use.mrz_line_2}\n"


def scan(client: FlaskClient, case: PassportCase, raw: str, **more: str) -> str:
    answer = client.post(f"/quality/{case.number}/scan", data={"raw": raw, **more}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def verdict(page: str, kind: str) -> str:
    row = page.split(f'id="check-{kind}"')[1].split("</tr>")[0]
    return next(word for word in ("Pendiente", "Concuerda", "Difiere", "Lectura fallida") if word in row)


def read_all(db: Session, client: FlaskClient, case: PassportCase) -> str:
    scan(client, case, "F5000001")
    scan(client, case, zone(db, case))
    return scan(client, case, use_of(db, case).seal_text)


def test_the_start_counts_the_printed_booklets_by_site(db: Session, login: Login, case: PassportCase) -> None:
    page = login("concal").get("/quality/").text
    assert 'href="/queues/quality/GUA/"' in page
    assert '<td class="num">1</td>' in page
    assert 'name="raw"' in page


@pytest.mark.parametrize("typed", ["F5000001", " f5000001\r\n"])
def test_a_scanned_booklet_opens_its_case_and_counts_as_that_check(
    db: Session, login: Login, case: PassportCase, typed: str
) -> None:
    client = login("concal")
    answer = client.post("/quality/", data={"raw": typed})
    assert answer.location == f"/quality/{case.number}"
    page = client.get(answer.location).text
    assert verdict(page, "booklet") == "Concuerda"
    assert verdict(page, "mrz") == verdict(page, "seal") == "Pendiente"


@pytest.mark.parametrize("change", [str, lambda text: text.replace("\n", ""), lambda text: text.replace("<", ";")])
def test_a_scanned_zone_opens_the_case_of_its_booklet(
    db: Session, login: Login, case: PassportCase, change: Callable[[str], str]
) -> None:
    answer = login("concal").post("/quality/", data={"raw": change(zone(db, case))})
    assert answer.location == f"/quality/{case.number}"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("F9999999", "No existe la libreta F9999999"),
        ("TZUNUX", "No se leyó"),
        ("RDB1BAAAA", "demasiado"),
        ("F5000002", "no espera"),
        ("F5000009", "F5000009"),
    ],
)
def test_a_booklet_that_does_not_wait_is_refused_with_the_reason(
    db: Session, login: Login, case: PassportCase, typed: str, reason: str
) -> None:
    in_printing(db, 5_000_002)
    make_booklets(db, 5_000_009, 1)
    db.commit()
    answer = login("concal").post("/quality/", data={"raw": typed})
    assert answer.status_code in (400, 409)
    assert typed in answer.text
    assert reason in answer.text.split('id="f-raw-error"')[1].split("</p>")[0]


def test_three_scans_that_agree_enable_the_acceptance(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    assert re.search(r"<button[^>]*accesskey=\"a\"[^>]*disabled", client.get(f"/quality/{case.number}").text)
    page = read_all(db, client, case)
    assert [verdict(page, kind) for kind in ("booklet", "mrz", "seal")] == ["Concuerda"] * 3
    assert not re.search(r"<button[^>]*accesskey=\"a\"[^>]*disabled", page)
    answer = client.post(f"/quality/{case.number}/accept", data=WELL)
    assert answer.location == "/quality/"
    assert again(db, case).state == State.POST_IMPRESION


def test_the_server_does_not_accept_before_all_agree(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    scan(client, case, "F5000001")
    answer = client.post(f"/quality/{case.number}/accept", data=WELL)
    assert answer.status_code == 400
    assert again(db, case).state == State.IMPRESA
    assert "checked" in answer.text, "what was ticked stays ticked"


def test_a_look_that_is_missing_is_asked_for_at_its_box(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    read_all(db, client, case)
    answer = client.post(f"/quality/{case.number}/accept", data={name: "y" for name in LOOKS[:2]})
    assert answer.status_code == 400
    assert 'id="f-text_ok-error"' in answer.text
    looks = answer.text.split('class="choices looks"')[1].split("</fieldset>")[0]
    assert looks.count(" checked") == 2


def test_what_was_ticked_stays_ticked_over_a_scan(db: Session, login: Login, case: PassportCase) -> None:
    page = scan(login("concal"), case, "F5000001", portrait_ok="y")
    assert re.search(r'name="portrait_ok" value="y" checked', page)
    assert not re.search(r'name="text_ok" value="y" checked', page)


def test_a_wrong_character_is_marked_named_and_explained(db: Session, login: Login, case: PassportCase) -> None:
    good = zone(db, case)
    bad = good.replace("900517", "900S17", 1)
    page = scan(login("concal"), case, bad)
    assert verdict(page, "mrz") == "Difiere"
    compared = page.split("Comparación carácter por carácter")[1].split("</table>")[0]
    assert '<mark class="wrong">S</mark>' in compared
    assert " " * 16 + "^" in compared, "the place is marked without colour too"
    assert "Fecha de nacimiento" in compared
    assert '<td class="num">14–19</td>' in compared
    assert "Dígito verificador de la fecha de nacimiento" in page
    assert "Hay caracteres parecidos intercambiados" in page


def test_a_wrong_letter_in_a_name_has_no_check_digit_but_differs(db: Session, login: Login, case: PassportCase) -> None:
    page = scan(login("concal"), case, zone(db, case).replace("TZUNUX", "TZVNUX"))
    assert verdict(page, "mrz") == "Difiere"
    assert "Dígitos verificadores que fallan" not in page
    assert '<mark class="wrong">V</mark>' in page


def test_one_row_is_a_failed_read_and_not_a_wrong_page(db: Session, login: Login, case: PassportCase) -> None:
    page = scan(login("concal"), case, zone(db, case).splitlines()[0])
    assert verdict(page, "mrz") == "Lectura fallida"
    assert "Solo se leyó una línea" in page


def test_the_number_of_another_booklet_is_said_to_be_that(db: Session, login: Login, case: PassportCase) -> None:
    page = scan(login("concal"), case, "F5000002")
    assert verdict(page, "booklet") == "Difiere"
    assert "Este es el número de otra libreta" in page
    assert "F5000002" in page


def test_garbage_is_kept_and_said_to_be_unknown(db: Session, login: Login, case: PassportCase) -> None:
    page = scan(login("concal"), case, "<script>alert(1)</script>")
    assert "Lo leído no es número de libreta, MRZ ni código 2D" in page
    assert "<script>alert" not in page
    assert db.scalars(select(QualityScan.raw)).all() == ["<script>alert(1)</script>"]


def test_an_altered_code_is_refused(db: Session, login: Login, case: PassportCase) -> None:
    seal = use_of(db, case).seal_text
    altered = seal[:60] + ("A" if seal[60] != "A" else "B") + seal[61:]
    assert verdict(scan(login("concal"), case, altered), "seal") == "Difiere"


def test_a_code_of_another_page_shows_where_it_differs(db: Session, login: Login, case: PassportCase) -> None:
    other = printed(db, 5_000_002, first_surname="Xicará", cui="6000000180101")
    page = scan(login("concal"), case, use_of(db, other).seal_text)
    assert verdict(page, "seal") == "Difiere"
    assert "Comparación carácter por carácter" in page


def test_an_empty_scan_changes_nothing(db: Session, login: Login, case: PassportCase) -> None:
    scan(login("concal"), case, " \n ")
    assert db.scalars(select(QualityScan.id)).all() == []


def test_who_printed_the_booklet_is_warned(db: Session, login: Login, case: PassportCase) -> None:
    use_of(db, case).printed_by_id = int(db.connection().exec_driver_sql(
        "select id from ab_user where username = 'concal'").scalar_one())  # fmt: skip
    db.commit()
    assert "Usted imprimió esta libreta" in login("concal").get(f"/quality/{case.number}").text


def test_a_refused_booklet_is_voided_with_the_reason(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    missing = client.post(f"/quality/{case.number}/refuse", data={"comment": " "})
    assert missing.status_code == 400
    assert 'id="f-comment-error"' in missing.text
    assert client.post(f"/quality/{case.number}/refuse", data={"comment": "Rayada"}).location == "/quality/"
    assert again(db, case).state == State.AUTORIZADA
    assert db.get_one(Booklet, "F5000001").state == BookletState.ANULADA


def test_a_second_click_reads_what_the_first_did(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    seen = hidden(read_all(db, client, case), "seen")
    back = {"Referer": f"http://localhost/quality/{case.number}"}
    client.post(f"/quality/{case.number}/accept", data={**WELL, "seen": seen})
    answer = client.post(
        f"/quality/{case.number}/accept", data={**WELL, "seen": seen}, headers=back, follow_redirects=True
    )
    assert "concal" in answer.text
    assert "DocuCheck" in answer.text


def test_a_case_that_does_not_wait_takes_no_scan(db: Session, login: Login) -> None:
    case = in_printing(db)
    client = login("concal")
    assert 'name="raw"' not in client.get(f"/quality/{case.number}").text
    assert client.post(f"/quality/{case.number}/scan", data={"raw": "F5000001"}).status_code == 409
    assert db.scalars(select(QualityScan.id)).all() == []


def test_others_do_not_check(db: Session, login: Login, case: PassportCase) -> None:
    client = login("impres")
    assert client.get("/quality/").status_code == 403
    assert client.get(f"/quality/{case.number}").status_code == 403
    assert client.post(f"/quality/{case.number}/scan", data={"raw": "F5000001"}).status_code == 403
    act(db, "concal", "refuse_quality", case.number, comment="Rayada")


def test_a_scanned_code_opens_the_case_of_its_booklet(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    answer = client.post("/quality/", data={"raw": use_of(db, case).seal_text})
    assert answer.location == f"/quality/{case.number}"
    assert verdict(client.get(answer.location).text, "seal") == "Concuerda"


def test_a_station_declares_its_reader_once(db: Session, login: Login, case: PassportCase) -> None:
    client = login("concal")
    mangled = zone(db, case).replace("<", ";")
    assert verdict(scan(client, case, mangled), "mrz") == "Difiere"
    answer = client.post("/quality/reader", data={"reader": "us-on-spanish"})
    assert answer.location == "/quality/"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    page = scan(client, case, mangled)
    assert verdict(page, "mrz") == "Concuerda"
    assert "mapa de teclado" in page
    assert re.search(r'value="us-on-spanish" checked', client.get("/quality/").text)
    client.post("/quality/reader", data={"reader": "x"})
    assert verdict(scan(client, case, mangled), "mrz") == "Difiere"


# Second inspections.


def draw_all(db: Session) -> None:
    head = load_actor(db, username="admadm")
    assert head is not None
    inspections.set_rate(db, head, "*", "100", "5")
    db.commit()


@pytest.fixture
def drawn(db: Session) -> PassportCase:
    """A case drawn when `concal` accepted it; `concal2` works at quality control too."""
    role = db.scalars(select(Role).where(Role.name == "CONCAL")).one()
    sites = db.scalars(select(Site).where(Site.code == "GUA")).all()
    db.add(User(username="concal2", first_name="Otra", last_name="Prueba", email="concal2@example.org", active=True,
                password="-", must_change_password=False, roles=[role], sites=list(sites)))  # fmt: skip
    draw_all(db)
    return checked(db)


def test_who_accepts_a_drawn_booklet_is_told_to_put_it_aside(db: Session, login: Login, case: PassportCase) -> None:
    draw_all(db)
    client = login("concal")
    read_all(db, client, case)
    page = client.post(f"/quality/{case.number}/accept", data=WELL, follow_redirects=True).text
    assert "segunda inspección" in page.split("<main")[1]
    assert f'href="/quality/{case.number}"' in page.split('id="drawn"')[1]


def test_the_second_person_opens_it_by_any_scan_and_reads_all_anew(
    db: Session, login: Login, drawn: PassportCase
) -> None:
    client = login("concal2")
    assert drawn.number in client.get("/quality/").text
    assert client.post("/quality/", data={"raw": "F5000001"}).location == f"/quality/{drawn.number}"
    page = client.get(f"/quality/{drawn.number}").text
    assert [verdict(page, kind) for kind in ("booklet", "mrz", "seal")] == ["Concuerda", "Pendiente", "Pendiente"]
    assert re.search(r"<button[^>]*data-key=\"F2\"[^>]*disabled", page)
    page = read_all(db, client, drawn)
    assert f'formaction="/quality/{drawn.number}/inspection/pass"' in page
    answer = client.post(f"/quality/{drawn.number}/inspection/pass", data={**WELL, "seen": hidden(page, "seen")})
    assert answer.location == "/quality/"
    assert 'id="drawn"' not in client.get("/quality/").text
    assert again(db, drawn).state == State.POST_IMPRESION


def test_the_second_person_refuses_with_a_reason(db: Session, login: Login, drawn: PassportCase) -> None:
    client = login("concal2")
    missing = client.post(f"/quality/{drawn.number}/inspection/refuse", data={"comment": ""})
    assert missing.status_code == 400
    assert 'id="f-comment-error"' in missing.text
    client.post(f"/quality/{drawn.number}/inspection/refuse", data={"comment": "Rayada"})
    assert again(db, drawn).state == State.AUTORIZADA
    assert db.get_one(Booklet, "F5000001").state == BookletState.ANULADA


def test_who_accepted_it_is_warned_and_refused(db: Session, login: Login, drawn: PassportCase) -> None:
    client = login("concal")
    assert "Usted aceptó esta libreta" in client.get(f"/quality/{drawn.number}").text
    back = {"Referer": f"http://localhost/quality/{drawn.number}"}
    client.post(f"/quality/{drawn.number}/inspection/refuse", data={"comment": "Rayada"}, headers=back)
    assert again(db, drawn).state == State.POST_IMPRESION


def test_delivery_says_why_it_does_not_hand_over(db: Session, login: Login, drawn: PassportCase) -> None:
    sent = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
    answer = login("entrega").post(
        f"/delivery/{drawn.number}/deliver",
        data=sent,
        headers={"Referer": f"http://localhost/delivery/{drawn.number}"},
        follow_redirects=True,
    )
    assert "segunda inspección" in answer.text
    assert "concal" in answer.text
    assert again(db, drawn).state == State.POST_IMPRESION
