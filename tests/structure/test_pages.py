"""The check of pages sees what it is there to see."""

import pytest

from tests.pages import faults

PAGE = "<!doctype html><html lang='es'><head><title>Caso</title></head><body><h1>Caso</h1>{}</body></html>"


def test_a_good_page_has_no_faults() -> None:
    assert faults(PAGE.format("<label for='a'>No. de caso</label><input id='a' name='a'><p>En espera</p>")) == ()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<h1>Otro</h1>", "not one heading"),
        ("<p id='a'>uno</p><p id='a'>dos</p>", "is there 2 times"),
        ("<input name='a' type='text'>", "no label: <input name='a'"),
        ("<label for='b'>No. de caso</label><select name='a'></select>", "no label: <select"),
        ("<button type='button'><svg></svg></button>", "no label: <button"),
        ("<p><div>uno</div></p>", "invalid HTML"),
        ("<table><tr><td>uno</td></tr><p>dos</p></table>", "invalid HTML"),
        ("<p>Dear user of ours</p>", "English: 'Dear user of ours'"),
        ("<p>Look up cases by number or names</p>", "English: 'Look up cases by number"),
        ("<p>Case GUA000000001 is En Impresión.</p>", "English"),
        ("<img alt='Signature of Ana' src='x'>", "English"),
        ("<button data-confirm='Refuse the print?'>Rechazar</button>", "English"),
    ],
)
def test_a_fault_is_named(body: str, fault: str) -> None:
    found = faults(PAGE.format(body))
    assert any(fault in line for line in found), found


def test_a_page_without_title_is_named() -> None:
    assert "0 titles" in faults(PAGE.format("").replace("<title>Caso</title>", ""))


def test_english_is_no_fault_on_an_english_page() -> None:
    assert faults(PAGE.format("<p>Look up cases by number or names</p>").replace("'es'", "'en'")) == ()


def test_what_a_program_reads_is_not_taken_for_words() -> None:
    assert faults(PAGE.format("<pre>the token of the account</pre><a lang='en' href='/en'>The English</a>")) == ()
