"""The signed 2D code: its contract, and that nothing but the genuine text passes."""

import base64
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printing.keys import KeyStore
from printing.seal import PREFIX, SealError, SealFact, sign, verify
from printing.seal_coding import Malformed, pack_date, pack_text, unpack_date, unpack_text

OTHERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def neighbour(character: str) -> str:
    """The Base32 character that differs in the last bit."""
    return OTHERS[OTHERS.index(character) ^ 1]


def refusal(text: str, store: KeyStore) -> SealFact:
    with pytest.raises(SealError) as refused:
        verify(text, store.public_keys())
    return refused.value.fact


def test_a_code_says_what_was_signed(store: KeyStore, seal: str, lines: tuple[str, str]):
    contents = verify(seal, store.public_keys())
    assert contents.mrz_lines == lines
    assert (contents.country, contents.booklet, contents.kind) == ("GTM", "F0012345", "P")
    assert contents.signed_on == date(2026, 11, 20)
    assert contents.ref == store.current().ref


def test_a_code_is_250_characters_of_153_bytes_in_the_agreed_order(store: KeyStore, seal: str):
    raw = base64.b32decode(seal.removeprefix(PREFIX) + "===")
    assert seal.startswith("RDB1B")
    assert (len(seal), len(raw)) == (250, 153)
    assert raw[:2] == pack_text("GTM")
    assert raw[2] == 1
    assert raw[3:8].hex() == store.current().ref
    assert raw[12:16] == bytes((0x61, 73, 0x08, 60))
    assert (raw[76], raw[77], raw[84:87], raw[87:89]) == (0x85, 6, b"\x86\x01P", b"\x7f\x40")


def test_signing_again_gives_the_same_code(store: KeyStore, seal: str, lines: tuple[str, str]):
    key = store.current()
    assert sign(key.private, key.ref, lines, "F0012345", "P", date(2026, 11, 20)) == seal


def test_every_changed_character_is_refused(store: KeyStore, seal: str):
    keys = store.public_keys()
    for place, character in enumerate(seal):
        other = OTHERS[(OTHERS.find(character) + 1 + place % 31) % 32]
        forged = seal[:place] + (other if other != character else "A") + seal[place + 1 :]
        with pytest.raises(SealError):
            verify(forged, keys)


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda text: "", SealFact.NOT_A_SEAL),
        (lambda text: "P<GTM", SealFact.NOT_A_SEAL),
        (lambda text: text.lower(), SealFact.NOT_A_SEAL),
        (lambda text: text[:100], SealFact.LENGTH),
        (lambda text: text + text, SealFact.LENGTH),
        (lambda text: text + "A", SealFact.ENCODING),
        (lambda text: text[:-1] + neighbour(text[-1]), SealFact.ENCODING),
        (lambda text: text[:50] + "1" + text[51:], SealFact.ENCODING),
        (lambda text: text[:50] + "á" + text[51:], SealFact.ENCODING),
        (lambda text: text[:25] + neighbour(text[25]) + text[26:], SealFact.STRUCTURE),
        (lambda text: text[:-10] + "QQQQQQQQQA", SealFact.SIGNATURE),
    ],
)
def test_the_fact_says_what_is_wrong(store: KeyStore, seal: str, spoil, fact: SealFact):
    assert refusal(spoil(seal), store) is fact


def test_a_code_of_an_unknown_key_is_told_from_a_false_signature(
    store: KeyStore, seal: str, lines: tuple[str, str], tmp_path
):
    stranger = KeyStore(tmp_path / "strange").ensure()
    foreign = sign(stranger.private, stranger.ref, lines, "F0012345", "P", date(2026, 11, 20))
    assert refusal(foreign, store) is SealFact.UNKNOWN_CERTIFICATE
    pretended = sign(stranger.private, store.current().ref, lines, "F0012345", "P", date(2026, 11, 20))
    assert refusal(pretended, store) is SealFact.SIGNATURE


def test_a_code_signed_before_its_key_was_valid_is_refused(store: KeyStore, lines: tuple[str, str]):
    key = store.current()
    early = sign(key.private, key.ref, lines, "F0012345", "P", date(2026, 11, 1))
    assert refusal(early, store) is SealFact.OUTSIDE_VALIDITY


@pytest.mark.parametrize(
    "wrong",
    [
        {"ref": "xyz"},
        {"kind": "p"},
        {"kind": "PP"},
        {"booklet": "F-12"},
        {"booklet": "F" * 40},
        {"mrz_lines": ("A", "B")},
        {"mrz_lines": ("Ñ" * 44, "B" * 44)},
    ],
)
def test_what_the_code_cannot_carry_is_refused_at_signing(store: KeyStore, lines: tuple[str, str], wrong):
    given_ = {"ref": "0123456789", "mrz_lines": lines, "booklet": "F0012345", "kind": "P"} | wrong
    with pytest.raises(ValueError, match=r"ref is|kind|outside A-Z|makes a code|too many|two lines"):
        sign(store.current().private, signed_on=date(2026, 11, 20), **given_)


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", max_size=90))
def test_packed_text_comes_back(text: str):
    packed = pack_text(text)
    assert unpack_text(packed) == text
    assert len(packed) == 2 * -(-len(text) // 3)


@given(st.binary(max_size=62))
def test_bytes_unpack_to_one_text_or_not_at_all(packed: bytes):
    try:
        text = unpack_text(packed)
    except Malformed:
        return
    assert pack_text(text) == packed


def test_every_day_of_a_leap_year_comes_back():
    for after in range(366):
        day = date(2028, 1, 1) + timedelta(after)
        assert unpack_date(pack_date(day)) == day
    with pytest.raises(Malformed):
        unpack_date(b"\0\0\0\0")


@given(st.binary(min_size=140, max_size=160))
def test_no_bytes_in_the_right_wrapping_crash_or_pass(store_of_session: KeyStore, raw: bytes):
    text = PREFIX + base64.b32encode(raw).decode().rstrip("=")
    with pytest.raises(SealError):
        verify(text, store_of_session.public_keys())


@pytest.fixture(scope="module")
def store_of_session(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    store = KeyStore(tmp_path_factory.mktemp("keys"))
    store.ensure()
    return store
