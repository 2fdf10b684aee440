"""The former system's export is imported whole, once, and everything odd is said row by row."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.loading import import_history, summary
from models.enrolments import FormerCase, RegistryPerson
from security.errors import BadValue
from workflow import registry
from workflow.former_export import COLUMNS, NotAnExport, encoding_of
from workflow.former_system import Outcome, Remark

ROW = "GU00000001;TZOC;CHUB;;ANA;;CED;A-1 12345;17/05/1960;F;F1234567;ORDINARIO;01/02/2009;01/02/2014;CENTRAL;ENTREGADO"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of the export with those rows."""

    def written(*rows: str, encoding: str = "latin-1", header: str = ";".join(COLUMNS)) -> Path:
        path = tmp_path / "casos.csv"
        path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
        return path

    return written


def load(place: Path) -> tuple[list[str], Outcome]:
    *remarks, outcome = import_history(place)
    assert isinstance(outcome, Outcome)
    assert all(isinstance(remark, Remark) for remark in remarks)
    return [str(remark) for remark in remarks], outcome


def changed(**columns: str) -> str:
    cells = dict(zip(COLUMNS, ROW.split(";"), strict=True)) | columns
    return ";".join(cells.values())


def test_the_sample_export_holds_what_its_readme_says(db: Session, samples: Path) -> None:
    remarks, outcome = load(samples / "former_system")
    assert (outcome.rows, outcome.imported, outcome.not_imported) == (2036, 2000, 0)
    assert (outcome.repeated, outcome.in_both) == (24, 12)
    words = ("repeats", "exported again", "birth", "booklet")
    kinds = Counter(word for remark in remarks for word in words if word in remark)
    assert kinds == {"repeats": 24, "exported again": 12, "birth": 3, "booklet": 2}
    assert db.scalars(select(func.count()).select_from(FormerCase)).one() == 2000
    assert db.scalars(select(FormerCase).where(FormerCase.site_code.is_(None))).all() == []
    assert {code for _label, code in outcome.labels} == {"GUA", "PET", "QTZ"}


def test_a_second_run_imports_nothing_new(db: Session, samples: Path) -> None:
    load(samples / "former_system")
    _remarks, again = load(samples / "former_system")
    assert (again.imported, again.there_already, again.repeated, again.in_both) == (0, 2000, 24, 12)


def test_an_import_that_was_cut_off_goes_on(db: Session, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflow import former_export

    monkeypatch.setattr(former_export, "BATCH", 100)
    begun = import_history(samples / "former_system")
    next(begun)
    begun.close()
    assert 0 < db.scalars(select(func.count()).select_from(FormerCase)).one() < 2000
    remarks, outcome = load(samples / "former_system")
    assert outcome.imported + outcome.there_already == 2000
    assert sum("repeats" in remark for remark in remarks) == 24


def test_a_row_is_kept_as_typed_and_compared_normalised(db: Session, write: Write) -> None:
    load(write(changed(APELLIDO1=" Núñez-Peña ", NOMBRE2="", NUM_IDENT="Ñ-15 1", FECHA_NAC="00/00/1938")))
    case = db.get_one(FormerCase, "GU00000001")
    assert (case.first_surname, case.second_name, case.identification_number) == (" Núñez-Peña ", None, "Ñ-15 1")
    assert (case.search_name, case.birth_date, case.cui) == ("NUNEZ PENA CHUB ANA", "1938", None)
    assert (case.passport_type_code, case.site_code, case.site_label, case.source_row) == ("ORD", "GUA", "CENTRAL", 2)


def test_a_cui_is_kept_without_blanks(db: Session, write: Write) -> None:
    load(write(changed(TIPO_IDENT="CUI", NUM_IDENT="6000 00009 0101")))
    case = db.get_one(FormerCase, "GU00000001")
    assert (case.cui, case.identification_number) == ("6000000090101", "6000000090101")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_encoding_and_separator_are_found_out(db: Session, write: Write, encoding: str, separator: str) -> None:
    header, row = separator.join(COLUMNS), changed(APELLIDO1="NÚÑEZ").replace(";", separator)
    _remarks, outcome = load(write(row, encoding=encoding, header=header))
    assert outcome.imported == 1
    assert db.get_one(FormerCase, "GU00000001").first_surname == "NÚÑEZ"


def test_a_letter_cut_in_two_at_the_end_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"abc\xc3")
    assert encoding_of(path) == "latin-1"


ODD = {
    "date of birth": changed(FECHA_NAC="30/02/1975"),
    "date of issue": changed(FECHA_EMISION="31/04/2009"),
    "is no CUI": changed(TIPO_IDENT="CUI", NUM_IDENT="123"),
    "site 'LUNA'": changed(SEDE="LUNA"),
    "passport type 'OTRO'": changed(TIPO_PASAPORTE="OTRO"),
    "state 'PERDIDO'": changed(ESTADO="perdido"),
    "no first surname": changed(APELLIDO1=" "),
    "sex 'Q'": changed(SEXO="q"),
}


@pytest.mark.parametrize(("words", "row"), ODD.items(), ids=list(ODD))
def test_an_odd_row_is_kept_and_reported(db: Session, write: Write, words: str, row: str) -> None:
    remarks, outcome = load(write(row))
    assert (outcome.imported, len(remarks)) == (1, 1)
    assert words in remarks[0]
    assert remarks[0].startswith("casos.csv:2: GU00000001: ")


LOST = [
    changed(CASO=""), changed(CASO="x" * 30), changed(APELLIDO2="y" * 100), ROW + ";more", "GU00000001;TZOC",
    changed(NOMBRE1="A\0B"),
]  # fmt: skip


@pytest.mark.parametrize("row", LOST, ids=range(len(LOST)))
def test_a_row_that_cannot_be_kept_is_reported_whole(db: Session, write: Write, row: str) -> None:
    remarks, outcome = load(write(row, changed(CASO="GU00000002")))
    assert (outcome.rows, outcome.imported, outcome.not_imported, len(remarks)) == (2, 1, 1, 1)
    assert "not imported" in remarks[0]
    assert "TZOC" in remarks[0]


def test_another_person_under_a_taken_number_is_reported_with_both_data(db: Session, write: Write) -> None:
    remarks, outcome = load(write(ROW, changed(NOMBRE1="BERTA", NOMBRE2="INES")))
    assert (outcome.imported, outcome.not_imported) == (1, 1)
    assert "ANA / BERTA" in remarks[0]


def test_the_same_case_typed_differently_is_the_same(db: Session, write: Write) -> None:
    again = changed(APELLIDO1=" tzóc", FECHA_NAC="1960-05-17", TIPO_PASAPORTE="Ordinario", SEDE="Guatemala")
    remarks, outcome = load(write(ROW, again))
    assert (outcome.imported, outcome.repeated, remarks) == (1, 1, ["casos.csv:3: GU00000001: repeats casos.csv:2"])


def test_two_cases_on_one_booklet_are_both_kept(db: Session, write: Write) -> None:
    remarks, outcome = load(write(ROW, changed(CASO="GU00000002", NOMBRE1="BERTA")))
    assert outcome.imported == 2
    assert remarks == ["casos.csv:3: GU00000002: booklet F1234567 stands on case GU00000001 too: both are kept"]


def test_a_file_without_the_columns_is_no_export(db: Session, write: Write) -> None:
    with pytest.raises(NotAnExport, match="CASO"):
        load(write(header="a;b;c"))


def test_the_summary_counts_every_row(db: Session, write: Write) -> None:
    _remarks, outcome = load(write(ROW, ROW, changed(SEDE="Petén", CASO="GU00000003", LIBRETA="")))
    assert list(summary(outcome)) == [
        "site label 'Petén' is PET: 1 rows",
        "3 rows: 2 cases imported, 0 there already, 1 repeated, 0 again in another file, 0 not imported",
    ]


def test_the_registry_is_loaded_and_loaded_over(db: Session, samples: Path) -> None:
    path = samples / "registry" / "registry.csv"
    assert registry.load(db, path) == registry.load(db, path) == 123
    assert db.scalars(select(func.count()).select_from(RegistryPerson)).one() == 123


def test_a_registry_file_with_a_bad_cui_is_refused(db: Session, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("cui,firstName\n123,Ana\n", "utf-8")
    with pytest.raises(BadValue) as refusal:
        registry.load(db, path)
    assert refusal.value.field == "line 2"
