"""Exports of the former system are imported whole, once, and everything odd is said row by row."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import history
from models.enrolments import FormerCase, FormerImport, RegistryPerson
from security.errors import BadValue
from workflow import former_import, former_mapping, registry
from workflow.former_export import NotAnExport
from workflow.former_mapping import DEFAULT

COLUMNS = (
    "CASO APELLIDO1 APELLIDO2 APELLIDO_CASADA NOMBRE1 NOMBRE2 TIPO_IDENT NUM_IDENT FECHA_NAC SEXO LIBRETA "
    "TIPO_PASAPORTE FECHA_EMISION FECHA_VENCE SEDE ESTADO"
).split()
ROW = "GU00000001;TZOC;CHUB;;ANA;;CED;A-1 12345;17/05/1960;F;F1234567;ORDINARIO;01/02/2009;01/02/2014;CENTRAL;ENTREGADO"
HEADER = ";".join(COLUMNS)
#: A line of a report: row, case, field, what, value, what became of it.
Line = tuple[str, ...]


def changed(**columns: str) -> str:
    cells = dict(zip(COLUMNS, ROW.split(";"), strict=True)) | columns
    return ";".join(cells.values())


class Desk:
    """A folder with exports, and the importer at work on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, list[str]()

    def write(self, *rows: str, name: str = "casos.csv", encoding: str = "latin-1", header: str = HEADER) -> Path:
        path = self.folder / name
        path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
        return path

    def load(self, *places: Path, mapping: Path = DEFAULT, **options: bool) -> FormerImport:
        """The last of the imports."""
        return history.import_history(
            places, self.folder / "out", mapping, say=self.said.append, **options
        )[-1]  # fmt: skip

    def report(self, run: FormerImport, kind: str = "report") -> Path:
        prefix = format(run.id, "06d") if run.id > 0 else "check"
        return self.folder / "out" / f"{prefix}-{Path(run.file_name).stem}.{kind}.csv"

    def lines(self, run: FormerImport) -> list[Line]:
        with self.report(run).open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["file", "row", "case", "field", "what", "value", "what became of it"]
        return [tuple(row[1:]) for row in rows]

    def rejected(self, run: FormerImport) -> bytes:
        return self.report(run, "rejects").read_bytes()


@pytest.fixture
def desk(db: Session, tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def cases(db: Session) -> int:
    return db.scalars(select(func.count()).select_from(FormerCase)).one()


def counts(run: FormerImport) -> dict[str, int]:
    return {name: count for name in former_import.COUNTS if (count := getattr(run, name))}


# The samples


def test_the_sample_export_holds_what_its_readme_says(db: Session, desk: Desk, samples: Path) -> None:
    runs = history.import_history([samples / "former_system"], desk.folder / "out", say=desk.said.append)
    assert sum(run.rows for run in runs) == 2036
    assert sum(run.imported for run in runs) == cases(db) == 2000
    assert [sum(getattr(run, name) for run in runs) for name in ("repeated", "in_both", "not_imported")] == [24, 12, 0]
    words = ("repeats", "is the same as", "no such date", "stands on case")
    said = [what for run in runs for _row, _case, _field, what, *_rest in desk.lines(run)]
    assert Counter(word for what in said for word in words if word in what) == dict(
        zip(words, (24, 12, 3, 2), strict=True)
    )
    assert len(said) == 41
    assert db.scalars(select(FormerCase).where(FormerCase.site_code.is_(None))).all() == []


def test_the_same_files_again_are_known_and_change_nothing(db: Session, desk: Desk, samples: Path) -> None:
    desk.load(samples / "former_system")
    desk.said.clear()
    again = desk.load(samples / "former_system")
    assert cases(db) == 2000
    assert all("imported already at" in line and again.started_by in line for line in desk.said)
    assert db.scalars(select(func.count()).select_from(FormerImport)).one() == 2


# What is kept of a row


def test_a_row_is_kept_as_typed_and_compared_normalised(db: Session, desk: Desk) -> None:
    row = changed(APELLIDO1=" Núñez-Peña ", NOMBRE2="", NUM_IDENT="Ñ-15 1", FECHA_NAC="00/00/1938")
    run = desk.load(desk.write(row))
    case = db.get_one(FormerCase, "GU00000001")
    assert (case.first_surname, case.second_name, case.identification_number) == (" Núñez-Peña ", None, "Ñ-15 1")
    assert (case.search_name, case.birth_date, case.cui) == ("NUNEZ PENA CHUB ANA", "1938", None)
    assert (case.passport_type_code, case.site_code, case.site_label, case.source_row) == ("ORD", "GUA", "CENTRAL", 2)
    assert (case.source_cells, case.import_id) == (row.split(";"), run.id)


@pytest.mark.parametrize("typed", ["6000 00009 0101", "6000-00009-0101", "6000000090101"])
def test_a_cui_is_kept_as_its_digits(db: Session, desk: Desk, typed: str) -> None:
    desk.load(desk.write(changed(TIPO_IDENT="CUI", NUM_IDENT=typed)))
    case = db.get_one(FormerCase, "GU00000001")
    assert (case.cui, case.identification_number) == ("6000000090101", "6000000090101")


ODD = {
    "birth_date": changed(FECHA_NAC="30/02/1975"),
    "birth_date short": changed(FECHA_NAC="17/05/60"),
    "issued_on": changed(FECHA_EMISION="31/04/2009"),
    "issued_on day": changed(FECHA_EMISION="00/04/2009"),
    "identification_number": changed(TIPO_IDENT="CUI", NUM_IDENT="123"),
    "identification_type": changed(TIPO_IDENT="XYZ"),
    "site": changed(SEDE="LUNA"),
    "passport_type": changed(TIPO_PASAPORTE="OTRO"),
    "state": changed(ESTADO="perdido"),
    "first_surname": changed(APELLIDO1=" "),
    "sex": changed(SEXO="q"),
}


@pytest.mark.parametrize(("field", "row"), ODD.items(), ids=list(ODD))
def test_an_odd_row_is_kept_and_reported_with_field_and_value(db: Session, desk: Desk, field: str, row: str) -> None:
    run = desk.load(desk.write(row))
    assert counts(run) == {"rows": 1, "imported": 1}
    ((line, case, named, _what, value, became),) = desk.lines(run)
    assert (line, case, named) == ("2", "GU00000001", field.split()[0])
    assert value in row
    assert became in ("left empty", "kept as it is")


LOST = [
    changed(CASO=""), changed(CASO="x" * 30), changed(APELLIDO2="y" * 100), ROW + ";more", "GU00000001;TZOC",
    changed(NOMBRE1="A\0B"), changed(NOMBRE1='"ANA'), changed(NOMBRE1='"A"NA'),
]  # fmt: skip


@pytest.mark.parametrize("row", LOST, ids=range(len(LOST)))
def test_a_row_that_cannot_be_kept_is_reported_and_put_aside_as_it_was(db: Session, desk: Desk, row: str) -> None:
    run = desk.load(desk.write(row, changed(CASO="GU00000002", NOMBRE1='"ANA"')))
    assert counts(run) == {"rows": 2, "imported": 1, "not_imported": 1}
    assert db.get_one(FormerCase, "GU00000002").first_name == "ANA"
    ((line, _case, _field, _what, value, became),) = desk.lines(run)
    assert (line, became) == ("2", "not imported")
    assert "TZOC" in value
    assert desk.rejected(run) == f"{HEADER}\r\n{row}\r\n".encode("latin-1")


def test_rejected_rows_that_were_mended_are_imported(db: Session, desk: Desk) -> None:
    first = desk.load(desk.write(ROW, changed(CASO="", NOMBRE1="ÑUSTA")))
    mended = desk.folder / "mended.csv"
    mended.write_bytes(desk.rejected(first).replace(b"\n;", b"\nGU00000002;"))
    assert counts(desk.load(mended)) == {"rows": 1, "imported": 1}
    assert db.get_one(FormerCase, "GU00000002").first_name == "ÑUSTA"


def test_a_quoted_cell_may_hold_separators_quotes_and_line_ends(db: Session, desk: Desk) -> None:
    odd = changed(NOMBRE1='"ANA; ""LA""\r\nMAYOR"')
    run = desk.load(desk.write(odd, changed(CASO="GU00000002", SEXO="q")))
    assert db.get_one(FormerCase, "GU00000001").first_name == 'ANA; "LA"\r\nMAYOR'
    assert [line[0] for line in desk.lines(run)] == ["4", "4"], (
        "a record of two lines, then line 4: sex, and the booklet"
    )


def test_an_open_quote_costs_its_own_line_alone(db: Session, desk: Desk) -> None:
    many = [changed(CASO=f"GU{n:08d}", LIBRETA="") for n in range(10, 200)]
    run = desk.load(desk.write(changed(NOMBRE1='"ANA'), *many, changed(CASO="GU00000002", NOMBRE1='"EVA"')))
    assert counts(run) == {"rows": 192, "imported": 191, "not_imported": 1}


def test_lines_without_anything_are_passed_over(desk: Desk) -> None:
    assert counts(desk.load(desk.write("", ";" * 15, ROW, ""))) == {"rows": 1, "imported": 1}


def test_a_line_without_end_does_not_fill_the_memory(db: Session, desk: Desk) -> None:
    path = desk.write(changed(NOMBRE1="A" * 3_000_000), changed(CASO="GU00000002"))
    run = desk.load(path)
    assert (run.imported, db.get_one(FormerCase, "GU00000002").first_name) == (1, "ANA")
    assert desk.rejected(run).count(b"A" * 1000) == 3000, "whole, in as many parts as it was read"


def test_a_report_holds_no_formula_and_the_page_no_markup(desk: Desk) -> None:
    run = desk.load(desk.write(changed(SEDE="=HYPERLINK(1)", ESTADO="<b>x</b>", SEXO="@x")))
    values = {line[2]: line[4] for line in desk.lines(run)}
    assert values == {"site": "'=HYPERLINK(1)", "state": "<b>x</b>", "sex": "'@x"}


# Encodings


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_encoding_and_separator_are_found_out(db: Session, desk: Desk, encoding: str, separator: str) -> None:
    header, row = separator.join(COLUMNS), changed(APELLIDO1="NÚÑEZ").replace(";", separator)
    run = desk.load(desk.write(row, changed(CASO="").replace(";", separator), encoding=encoding, header=header))
    assert counts(run) == {"rows": 2, "imported": 1, "not_imported": 1}
    assert db.get_one(FormerCase, "GU00000001").first_surname == "NÚÑEZ"
    rejects = desk.rejected(run).decode("utf-16" if encoding == "utf-16" else encoding)
    assert rejects.splitlines() == [header, changed(CASO="").replace(";", separator)]


def test_windows_quotes_and_dashes_are_read(db: Session, desk: Desk) -> None:
    desk.load(desk.write(changed(APELLIDO1="O’CAMPO–NÚÑEZ", NOMBRE1="“ANA”"), encoding="cp1252"))
    case = db.get_one(FormerCase, "GU00000001")
    assert (case.first_surname, case.search_name) == ("O’CAMPO–NÚÑEZ", "OCAMPO NUNEZ CHUB “ANA”")


def test_a_file_of_two_encodings_is_read_line_by_line_and_says_so(db: Session, desk: Desk) -> None:
    path = desk.write()
    second = changed(CASO="GU00000002", APELLIDO1="PEÑA", LIBRETA="")
    path.write_bytes(path.read_bytes() + changed(APELLIDO1="NÚÑEZ").encode() + b"\n" + second.encode("cp1252"))
    run = desk.load(path)
    assert [db.get_one(FormerCase, f"GU0000000{n}").first_surname for n in (1, 2)] == ["NÚÑEZ", "PEÑA"]
    assert desk.lines(run) == [("3", "GU00000002", "row", "read in another encoding", "cp1252", "imported")]


def test_a_line_that_is_not_in_the_encoding_told_is_put_aside(desk: Desk) -> None:
    mapping = desk.folder / "m.toml"
    mapping.write_text(DEFAULT.read_text("utf-8").replace('encoding = "auto"', 'encoding = "utf-8"'), "utf-8")
    path = desk.write(ROW)
    path.write_bytes(path.read_bytes() + changed(CASO="GU00000002", NOMBRE1="IÑÉS").encode("latin-1"))
    run = desk.load(path, mapping=mapping)
    assert counts(run) == {"rows": 2, "imported": 1, "not_imported": 1}
    assert desk.rejected(run).endswith("IÑÉS".encode("latin-1") + changed(NOMBRE1="|").split("|")[1].encode())


# The same case again


def test_the_same_case_typed_differently_is_the_same(desk: Desk) -> None:
    again = changed(APELLIDO1=" tzóc", FECHA_NAC="1960-05-17", TIPO_PASAPORTE="Ordinario", SEDE="Guatemala")
    run = desk.load(desk.write(ROW, again))
    assert counts(run) == {"rows": 2, "imported": 1, "repeated": 1}
    assert desk.lines(run) == [("3", "GU00000001", "case", "repeats casos.csv:2", "", "counted as repeated")]


def test_another_person_under_a_taken_number_is_put_aside_with_both_data(desk: Desk) -> None:
    other = changed(NOMBRE1="BERTA", NOMBRE2="INES")
    run = desk.load(desk.write(ROW, other), updates=True)
    assert counts(run) == {"rows": 2, "imported": 1, "not_imported": 1}, "of one file nobody can say which is later"
    assert "first_name ANA / BERTA" in desk.lines(run)[0][4]
    assert other.encode() in desk.rejected(run)


def test_two_cases_on_one_booklet_are_both_kept(desk: Desk) -> None:
    run = desk.load(desk.write(ROW, changed(CASO="GU00000002", NOMBRE1="BERTA")))
    assert run.imported == 2
    what = ("booklet_number", "stands on case GU00000001 too", "F1234567", "imported")
    assert desk.lines(run) == [("3", "GU00000002", *what)]


def test_a_corrected_file_brings_what_is_new_and_refuses_what_changed(db: Session, desk: Desk) -> None:
    desk.load(desk.write(ROW, changed(CASO="GU00000002", LIBRETA="")))
    corrected = [changed(CASO="GU00000003", LIBRETA=""), ROW, changed(CASO="GU00000002", LIBRETA="", NOMBRE1="EVA")]
    run = desk.load(desk.write(*corrected))
    assert counts(run) == {"rows": 3, "imported": 1, "there_already": 1, "not_imported": 1}
    assert db.get_one(FormerCase, "GU00000002").first_name == "ANA"


def test_an_update_replaces_what_changed_and_writes_both_down(db: Session, desk: Desk) -> None:
    desk.load(desk.write(ROW))
    run = desk.load(desk.write(changed(NOMBRE1="EVA", FECHA_VENCE="02/02/2014")), updates=True)
    assert counts(run) == {"rows": 1, "updated": 1}
    case = db.get_one(FormerCase, "GU00000001", populate_existing=True)
    assert (case.first_name, case.search_name, case.import_id) == ("EVA", "TZOC CHUB EVA", run.id)
    said = {line[2]: line[4:] for line in desk.lines(run)}
    assert said["first_name"] == ("ANA → EVA", "replaced")
    assert said["expires_on"] == ("2014-02-01 → 2014-02-02", "replaced")


def test_another_mapping_reads_the_same_file_again(db: Session, desk: Desk) -> None:
    path = desk.write(changed(SEDE="LUNA"))
    desk.load(path)
    better = desk.folder / "m.toml"
    better.write_text(DEFAULT.read_text("utf-8").replace('"CENTRAL" =', '"LUNA" = "QTZ"\n"CENTRAL" ='), "utf-8")
    assert counts(desk.load(path, mapping=better, updates=True)) == {"rows": 1, "updated": 1}
    assert db.get_one(FormerCase, "GU00000001", populate_existing=True).site_code == "QTZ"


# A check


def test_a_check_says_what_would_happen_and_writes_nothing(db: Session, desk: Desk) -> None:
    desk.load(desk.write(ROW))
    rows = [changed(NOMBRE1="EVA"), changed(CASO="GU00000002"), changed(CASO="GU00000002"), changed(CASO="")]
    first, second = desk.write(*rows, name="a.csv"), desk.write(changed(CASO="GU00000002"), name="b.csv")
    runs = history.import_history([first, second], desk.folder / "out", updates=True, check=True, say=desk.said.append)
    assert counts(runs[0]) == {"rows": 4, "imported": 1, "updated": 1, "repeated": 1, "not_imported": 1}
    assert counts(runs[1]) == {"rows": 1, "in_both": 1}
    assert "nothing was written into the database" in desk.said[-1]
    assert (cases(db), db.get_one(FormerCase, "GU00000001").first_name) == (1, "ANA")
    assert db.scalars(select(func.count()).select_from(FormerImport)).one() == 1
    really = history.import_history([first, second], desk.folder / "out", updates=True, say=desk.said.append)
    assert [counts(run) for run in really] == [counts(run) for run in runs]
    assert [desk.lines(run) for run in really] == [desk.lines(run) for run in runs]


# Cut off, and gone on with


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former_import, "BATCH", 10)


def fail_at(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """The power goes when a batch is on the disk and not yet committed."""
    take, left = former_import.take, iter(range(batch))

    def broken(*given: object) -> object:
        done = take(*given)  # type: ignore[arg-type]
        if next(left, None) is None:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(former_import, "take", broken)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_an_import_that_was_cut_off_goes_on_and_its_report_is_that_of_one_run(
    db: Session, desk: Desk, encoding: str
) -> None:
    rows = [changed(CASO=f"GU{n:08d}", LIBRETA="", SEXO="q" if n % 3 else "F", NOMBRE2='"A\r\nB"') for n in range(40)]
    rows[15] = changed(CASO="", APELLIDO1="ÑEQUE")
    path = desk.write(*rows, rows[2], encoding=encoding)
    with pytest.MonkeyPatch.context() as patch:
        fail_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            desk.load(path)
    assert cases(db) == 19
    reading: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        real = former_import.former_export.records
        patch.setattr(
            former_import.former_export,
            "records",
            lambda export, at, line: reading.append(line) or real(export, at, line),
        )
        run = desk.load(path)
    assert reading == [2 + 20 * 2 - 1], "the line after twenty records, of which one has a single line"
    assert "goes on after 20 rows" in desk.said[0]
    assert counts(run) == {"rows": 41, "imported": 39, "not_imported": 1, "repeated": 1}
    odd = [line for line in desk.lines(run) if line[2] == "sex"]
    assert len(odd) == len({line[0] for line in odd}) == sum(1 for row in [*rows, rows[2]] if ";q;" in row)
    assert desk.rejected(run).decode(encoding).count("ÑEQUE") == 1


def test_another_import_at_once_is_refused_with_who_and_when(
    desk: Desk, engine, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(former_import, "PATIENCE", 0.1)
    with (
        Session(engine) as other,
        former_import.alone(other),
        pytest.raises(former_import.ImportRunning, match="has just begun"),
    ):
        desk.load(desk.write(ROW))
    run = desk.load(desk.write(ROW))
    assert run.imported == 1


# Files and mappings that are refused


def test_a_file_without_the_columns_is_no_export_and_no_file_before_it_is_read(db: Session, desk: Desk) -> None:
    good, bad = desk.write(ROW, name="a.csv"), desk.write(header="a;b;c", name="b.csv")
    with pytest.raises(NotAnExport, match=r"CASO \(columns.case\)"):
        desk.load(good, bad)
    assert cases(db) == 0


def test_a_column_that_is_there_twice_is_refused(desk: Desk) -> None:
    with pytest.raises(NotAnExport, match="SEXO twice"):
        desk.load(desk.write(header=HEADER + ";Sexo"))


OTHER = """
name = "Consulado"
separator = "|"
dates = ["D-M-YY", "YYYY"]
[two_digit_years]
birth_date = 1910
issued_on = 1980
[columns]
case = "Expediente"
first_surname = "Apellidos"
first_name = "Nombres"
birth_date = "Nació"
issued_on = "Extendido"
site = "Oficina"
[defaults]
state = "ENTREGADO"
site = "LAX"
passport_type = "corriente"
[codes.site]
"Los Ángeles" = "LAX"
lax = "LAX"
[codes.state]
ENTREGADO = "ENTREGADO"
[codes.passport_type]
corriente = "ORD"
"""


def test_a_mapping_of_its_own_reads_another_export(db: Session, desk: Desk) -> None:
    mapping = desk.folder / "otro.toml"
    mapping.write_text(OTHER, "utf-8")
    header = "EXPEDIENTE|apellidos|Nombres|nacio|Extendido|Oficina|Nota"
    rows = ["LA-1|Tzoc Chub|Ana|7-5-60|1-2-09|los angeles|algo", "LA-2|Batz|Eva|1931|1-2-89||"]
    run = desk.load(desk.write(*rows, header=header, encoding="utf-8"), mapping=mapping)
    assert (counts(run), desk.lines(run)) == ({"rows": 2, "imported": 2}, [])
    one, two = db.get_one(FormerCase, "LA-1"), db.get_one(FormerCase, "LA-2")
    assert (one.birth_date, str(one.issued_on), one.site_code) == ("1960-05-07", "2009-02-01", "LAX")
    assert (two.birth_date, str(two.issued_on), two.site_label) == ("1931", "1989-02-01", "LAX")
    assert {(case.state, case.passport_type_code) for case in (one, two)} == {("ENTREGADO", "ORD")}
    assert one.source_cells == rows[0].split("|")


def test_a_mapping_may_be_json(db: Session, desk: Desk) -> None:
    import tomllib

    mapping = desk.folder / "m.json"
    mapping.write_text(json.dumps(tomllib.loads(DEFAULT.read_text("utf-8"))), "utf-8")
    assert desk.load(desk.write(ROW), mapping=mapping).imported == 1


FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "no TOML": (lambda text: text + "[", "Invalid"),
    "an unknown section": (lambda text: "colums = 1\n" + text, "colums: is not known"),
    "an unknown field": (lambda text: text.replace("case =", "caso ="), "columns.caso: is not known"),
    "no case": (lambda text: text.replace('case = "Expediente"', ""), "columns.case: is missing"),
    "no state": (lambda text: text.replace('state = "ENTREGADO"', ""), "columns.state: is missing"),
    "one column for two": (lambda text: text.replace('"Nombres"', '"APELLIDOS"'), "columns.first_name: column"),
    "a code that is none": (lambda text: text.replace('lax = "LAX"', 'lax = "LUNA"'), 'codes.site."lax": there is no'),
    "two codes for one": (lambda text: text + '"CORRIENTE " = "ORM"\n', 'codes.passport_type."CORRIENTE ": is'),
    "a default unknown": (lambda text: text.replace('"corriente"', '"otro"', 1), "defaults.passport_type: 'otro'"),
    "a strange date": (lambda text: text.replace("YYYY", "DD/MMM/YYYY"), "dates, entry 2"),
    "dates alike": (lambda text: text.replace('"YYYY"', '"MM-DD-YY"'), "cannot be told from 'D-M-YY'"),
    "no century": (lambda text: text.replace("issued_on = 1980", ""), "two_digit_years.issued_on: is missing"),
    "a strange encoding": (lambda text: 'encoding = "ebcdic"\n' + text, "encoding: 'ebcdic' is not known"),
    "a strange separator": (lambda text: text.replace('"|"', '"||"'), "separator: '||'"),
    "a text for a group": (lambda text: 'columns = "x"\n' + text.split("[columns]")[0], "columns: must be a group"),
    "a number for a name": (lambda text: text.replace('"Nombres"', "7"), "columns.first_name: must be a str"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_mapping_is_refused_with_the_place_of_its_fault(db: Session, desk: Desk, fault: str) -> None:
    spoil, said = FAULTS[fault]
    mapping = desk.folder / "otro.toml"
    mapping.write_text(spoil(OTHER), "utf-8")
    with pytest.raises(former_mapping.BadMapping) as refusal:
        desk.load(desk.write(ROW), mapping=mapping)
    assert any(said in line for line in refusal.value.faults), refusal.value.faults
    assert db.scalars(select(func.count()).select_from(FormerImport)).one() == 0


def test_every_fault_of_a_mapping_is_said_at_once(db: Session, desk: Desk) -> None:
    mapping = desk.folder / "otro.toml"
    mapping.write_text(OTHER.replace('lax = "LAX"', 'lax = "LUNA"').replace('"|"', '"||"'), "utf-8")
    with pytest.raises(former_mapping.BadMapping) as refusal:
        desk.load(desk.write(ROW), mapping=mapping)
    assert len(refusal.value.faults) == 2


# The simulated registry


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
