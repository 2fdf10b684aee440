"""What a preview shows is what is printed later; it proves nothing and leaves nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from models.base import Base
from models.cases import PassportCase, State
from models.catalogs import Country
from printing.layout import render
from printing.mrz import FIELDS, check_digit
from printing.seal import LONGEST, SHORTEST, SealError, verify
from security.errors import BadValue, HeldByAnother, NotAllowed, Unavailable, WrongState
from security.permissions import Permission
from tests.build import make_case
from tests.printing.invented import run
from tests.workflow.test_machine import Office
from workflow import pages, previews, seal_keys
from workflow.machine import TRANSITIONS
from workflow.previews import NO_SEAL, preview, preview_correction

#: What only a booklet tells: its number, and the digits that are counted over it.
OF_THE_BOOKLET = {"number", "number_digit", "composite_digit"}
LONG = {"first_surname": "Ixcamparij", "second_surname": "Chuvajchuvaj", "first_name": "Maximiliana",
        "second_name": "Hermenegilda"}  # fmt: skip


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


def without_booklet(lines: tuple[str, str]) -> dict[str, str]:
    return {field.name: field.of(lines) for field in FIELDS if field.name not in OF_THE_BOOKLET}


def said(shown: previews.Preview) -> dict[str, str]:
    return {remark.label: remark.message_id % remark.params for remark in shown.remarks}


@contextmanager
def nothing_written(db: Session) -> Iterator[None]:
    """No row anywhere is added or changed, and no file of a key."""
    db.flush()
    folder = pages.press().keys.path
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")) or "nextval" in statement:
            written.append(statement)

    def counts() -> list[tuple[str, int]]:
        return [(t.name, db.scalar(select(func.count()).select_from(t)) or 0) for t in Base.metadata.sorted_tables]

    def files() -> list[Path]:
        return sorted(folder.rglob("*"))

    before = counts(), files()
    connection = db.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield
    db.flush()
    event.remove(connection, "before_cursor_execute", note)
    assert written == []
    assert (counts(), files()) == before


def corrected(db: Session, office: Office, case: PassportCase, act: str = "correct", **changes: Any) -> Any:
    values = {"changes": changes, "comment": "Así consta en el DPI"}
    return preview_correction(db, TRANSITIONS[act], case, office.actor("jpgu"), values)


@pytest.mark.parametrize(
    "changes",
    [{}, {"birth_date": "1990-05"}, {"first_name": None, "second_name": None}, LONG, {"sex_code": "M"},
     {"validity_years": 10, "first_surname": "Muñoz", "second_surname": "B’atz’anil"}],
)  # fmt: skip
def test_the_preview_is_what_is_printed_but_for_the_booklet(
    db: Session, office: Office, changes: dict[str, Any]
) -> None:
    case = make_case(db, State.AUTORIZADA, **changes)
    shown = preview(db, case)
    office.bring(case, State.EN_IMPRESION)
    use = office.use(case)
    assert shown.mrz_lines is not None
    assert without_booklet(shown.mrz_lines) == without_booklet((use.mrz_line_1, use.mrz_line_2))
    printed = pages.page_data(db, case, use)
    own = {"number": printed.number, "mrz_lines": printed.mrz_lines, "seal": printed.seal}
    assert replace(shown.page, **own) == printed


def test_the_number_of_a_preview_has_the_letter_of_its_kind_and_only_zeros(db: Session) -> None:
    ordinary, official = make_case(db), make_case(db, passport_type_code="OFI")
    assert preview(db, ordinary).page.number == "F0000000"
    shown = preview(db, official)
    assert shown.page.number == "S0000000"
    assert shown.mrz_lines is not None
    assert shown.mrz_lines[1][:10] == "S0000000<" + check_digit("S0000000<")


def test_the_code_of_a_preview_never_verifies(db: Session, office: Office, tmp_path: Path) -> None:
    case = office.case_in(State.IMPRESA)
    shown = preview(db, case)
    with pytest.raises(SealError):
        verify(shown.page.seal, seal_keys.known(db))
    assert pages.examine(office.use(case), shown.page.seal, "seal")[1] is False
    (tmp_path / "page.pdf").write_bytes(previews.as_pdf(shown))
    run("pdftoppm", "-r", "300", "-gray", "-singlefile", str(tmp_path / "page.pdf"), str(tmp_path / "page"))
    with Image.open(tmp_path / "page.pgm") as image:
        (code,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.DataMatrix)
    assert code.text == NO_SEAL
    assert SHORTEST <= len(NO_SEAL) <= LONGEST


def test_a_preview_is_a_specimen_also_where_pages_are_not(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_press", replace(pages.press(), specimen=False))
    shown, fonts = preview(db, make_case(db)), pages.press().text_fonts()
    assert previews.as_pdf(shown) == render(shown.page, fonts=fonts, specimen=True)
    assert previews.as_pdf(shown) != render(shown.page, fonts=fonts)


def test_a_preview_leaves_nothing(db: Session, office: Office) -> None:
    case = make_case(db)
    with nothing_written(db):
        previews.as_svg(preview(db, case))
        previews.as_svg(preview(db, case, {"first_surname": "Muñoz", "birth_place": "Sololá", "height_cm": 150}))
        corrected(db, office, case, first_name="Mariseli")
    assert (case.first_name, case.first_surname, case.applicant.height_cm) == ("Marisela", "Tzunux", 160)
    assert case.search_name == "TZUNUX BARRONDO MARISELA ODILIA"


def test_changes_that_cannot_be_leave_nothing_either(db: Session) -> None:
    case = make_case(db)
    with nothing_written(db), pytest.raises(BadValue):
        preview(db, case, {"first_name": "Mariseli", "sex_code": "Z"})
    assert case.first_name == "Marisela"


def test_a_name_that_cannot_be_written_is_named_by_its_field(db: Session) -> None:
    shown = preview(db, make_case(db, second_surname="Ивановна"))
    assert shown.mrz_lines is None
    assert not shown.printable
    assert list(said(shown)) == ["Second surname"]
    with pytest.raises(Unavailable):
        previews.as_pdf(shown)


def test_a_name_that_is_cut_is_shown_as_it_is_written(db: Session) -> None:
    shown = preview(db, make_case(db, **LONG))
    assert shown.mrz_lines is not None
    written = shown.mrz_lines[0][5:]
    assert "<<" in written
    assert said(shown)["Full name"] == f"The MRZ cannot hold the whole name: {written}"
    assert shown.printable


@pytest.mark.parametrize(("birth", "words"), [("1951-07", "The day is"), ("1951", "Day and month are")])
def test_unknown_parts_of_a_birth_are_said(db: Session, birth: str, words: str) -> None:
    shown = preview(db, make_case(db, birth_date=birth))
    assert said(shown)["Date of birth"].startswith(words)
    assert shown.printable


def test_a_text_too_long_for_its_place_is_named_by_its_field(db: Session) -> None:
    case, countries = make_case(db), select(Country.code).order_by(func.length(Country.name).desc())
    case.applicant.birth_department_code = case.applicant.birth_municipality_code = None
    case.applicant.birth_place, case.applicant.birth_country_code = "W" * 60, db.scalars(countries).first()
    db.flush()
    shown = preview(db, case)
    assert set(said(shown)) == {"Place of birth"}
    assert not shown.printable


def test_what_is_whole_has_no_remarks(db: Session) -> None:
    assert preview(db, make_case(db)).remarks == ()


def test_without_images_the_page_has_neither_portrait_nor_signature(db: Session) -> None:
    case = make_case(db)
    shown, whole = preview(db, case, images=False), preview(db, case)
    assert shown.page.signature is None
    assert shown.page.portrait != whole.page.portrait
    assert shown.mrz_lines == whole.mrz_lines
    assert previews.as_svg(shown).count("<image") == 1


def test_a_correction_is_previewed_before_and_after(db: Session, office: Office) -> None:
    case = make_case(db)
    found = corrected(db, office, case, first_name="Mariseli", height_cm=158, birth_date="1990-05")
    assert found.changes == {
        "first_name": ("Marisela", "Mariseli"), "height_cm": (160, 158), "birth_date": ("1990-05-17", "1990-05"),
    }  # fmt: skip
    assert not found.new_case
    assert found.before == preview(db, case)
    assert found.after.page.given_names == "MARISELI ODILIA"
    office.does("jpgu", "correct", case, changes={"first_name": "Mariseli", "birth_date": "1990-05"}, comment="DPI")
    assert preview(db, case).mrz_lines == found.after.mrz_lines


def test_a_correction_that_lengthens_a_name_shows_its_new_cut(db: Session, office: Office) -> None:
    case = make_case(db, **(LONG | {"second_name": None}))
    found = corrected(db, office, case, second_name="Hermenegilda")
    assert "Full name" not in said(found.before)
    cut = said(found.after)["Full name"]
    assert cut.endswith(found.after.mrz_lines[0][5:])
    assert found.before.mrz_lines[0] != found.after.mrz_lines[0]


def test_a_correction_after_printing_needs_a_new_booklet(db: Session, office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    found = corrected(db, office, case, "correct_issued", first_name="Mariseli")
    assert found.new_case
    office.does("jpgu", "correct_issued", case, changes={"first_name": "Mariseli"}, comment="DPI")
    made = db.scalars(
        select(PassportCase).where(PassportCase.parent_id == case.id).execution_options(every_site=True)
    ).one()
    assert preview(db, made).mrz_lines == found.after.mrz_lines


def test_a_preview_of_a_correction_is_refused_as_the_correction_would_be(
    db: Session, office: Office, as_user: Callable[[str], Any]
) -> None:
    case = make_case(db)
    with pytest.raises(BadValue):
        corrected(db, office, case)
    with pytest.raises(BadValue):
        corrected(db, office, case, birth_date="17/05/1990")
    with pytest.raises(WrongState):
        corrected(db, office, case, "correct_issued", first_name="Mariseli")
    supervisor = office.actor("supervisor")
    assert not supervisor.may(Permission.CORRECT_CASES)
    with pytest.raises(NotAllowed):
        preview_correction(db, TRANSITIONS["correct"], case, supervisor, {"changes": {"first_name": "A"}})
    case.held_by_id, case.held_at = supervisor.user_id, case.created_at
    with pytest.raises(HeldByAnother):
        corrected(db, office, case, first_name="Mariseli")
