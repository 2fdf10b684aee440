"""What a line typed or scanned is taken for."""

import pytest

from workflow.typed import Typed, number_in, read

LINE_1 = "P<GTMTZUNUX<BARRONDO<<MARISELA<ODILIA<<<<<<<"
LINE_2 = "F5000001<3GTM9005171F31051716000000080101<04"


@pytest.mark.parametrize(
    ("text", "number", "cui", "document"),
    [
        ("GUA000000001", "GUA000000001", None, None),
        (" gua-000 000 001 ", "GUA000000001", None, None),
        ("f5000001", "F5000001", None, None),
        ("6000 00008 0101", "6000000080101", "6000000080101", None),
        ("078512023", "078512023", None, 78512023),
        ("2001", "2001", None, 2001),
        ("T2001;7;0123456789abcdef", "2001", None, 2001),
        ("a123456", "A123456", None, None),
        ("GT-77-1", "GT-77-1", None, None),
    ],
)
def test_numbers(text: str, number: str, cui: str | None, document: int | None) -> None:
    assert read(text) == Typed(text, number=number, cui=cui, document=document)


@pytest.mark.parametrize("text", ["ixchel tz'unun", "JUAN 2", "Peñate-Cruz", "''", "ñ1", "٣٣٣", "x" * 30 + "1"])
def test_what_has_no_form_of_a_number_is_names(text: str) -> None:
    assert read(text) == Typed(text, names=text)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert read(text) == Typed(text)


@pytest.mark.parametrize(
    "text",
    [
        LINE_2, f"{LINE_1}\r\n{LINE_2}", LINE_1 + LINE_2, f"{LINE_1} {LINE_2}", (LINE_1 + LINE_2).lower(),
        (LINE_1 + LINE_2).replace("<", ";"), LINE_2[:28],
    ],
)  # fmt: skip
def test_a_zone_is_the_booklet_in_it(text: str) -> None:
    found = read(text)
    assert (found.number, found.scanned, found.names) == ("F5000001", True, "")
    assert found.cui == (None if len(text) == 28 else "6000000080101")
    assert number_in(text) == "F5000001"


def test_the_first_line_alone_is_names() -> None:
    assert read(LINE_1) == Typed(LINE_1, names="TZUNUX BARRONDO MARISELA ODILIA", scanned=True)
    assert number_in(LINE_1) is None


@pytest.mark.parametrize("text", [LINE_1 + LINE_2[:20], LINE_2[:20], LINE_1[:30]])
def test_a_zone_cut_off_is_no_zone(text: str) -> None:
    assert not read(text).scanned


def test_a_code_cut_off_is_unreadable_and_finds_nothing() -> None:
    assert read("RDB1BAAAA") == Typed("RDB1BAAAA", scanned=True, unreadable=True)


def test_a_number_elsewhere_is_only_of_the_forms_there_are_here() -> None:
    assert [number_in(text) for text in ("A123456", "ana", "GUA 000000001", "12")] == [None, None, "GUA000000001", "12"]
