"""Every single-character change of a genuine 2D code is refused: each place, each character that could stand there."""

from collections import Counter

from printing.comparison import compare_seal
from printing.keys import KeyStore
from printing.seal import SealError, SealFact, verify

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
FOREIGN = "01890abcxyz<;-+= \t\r\n\x00\x1d\u017fÑ０Ａ\ud800"


def refusals(texts: list[str], store: KeyStore) -> Counter[str]:
    """How often each fact is the reason; a text that is accepted fails the test."""
    keys, facts = store.public_keys(), Counter[str]()
    for text in texts:
        try:
            verify(text, keys)
        except SealError as error:
            facts[error.fact] += 1
        else:
            raise AssertionError(text)
    return facts


def test_every_other_base32_character_in_every_place_is_refused(store: KeyStore, seal: str):
    texts = [
        seal[:place] + other + seal[place + 1 :]
        for place, character in enumerate(seal)
        for other in BASE32
        if other != character
    ]
    # Of the prefix RDB1B, the 1 is no character of Base32: it has 32 others.
    assert len(texts) == 250 * 31 + 1
    facts = refusals(texts, store)
    assert facts[SealFact.NOT_A_SEAL] == 5 * 31 + 1
    assert facts.keys() == {
        SealFact.NOT_A_SEAL, SealFact.ENCODING, SealFact.STRUCTURE, SealFact.UNKNOWN_CERTIFICATE, SealFact.SIGNATURE,
    }  # fmt: skip
    assert facts[SealFact.SIGNATURE] > 5000


def test_every_foreign_character_in_every_place_is_refused(store: KeyStore, seal: str):
    texts = [seal[:place] + other + seal[place + 1 :] for place in range(len(seal)) for other in FOREIGN]
    assert refusals([text for text in texts if text != seal], store).keys() == {SealFact.NOT_A_SEAL, SealFact.ENCODING}


def test_every_character_left_out_doubled_or_exchanged_with_its_neighbour_is_refused(store: KeyStore, seal: str):
    texts = [seal[:place] + seal[place + 1 :] for place in range(len(seal))]
    texts += [seal[:place] + seal[place] + seal[place:] for place in range(len(seal))]
    texts += [seal[:place] + seal[place + 1] + seal[place] + seal[place + 2 :] for place in range(len(seal) - 1)]
    assert sum(refusals([text for text in texts if text != seal], store).values()) > 700


def test_the_code_cut_anywhere_is_refused(store: KeyStore, seal: str):
    assert refusals([seal[:end] for end in range(len(seal))], store).total() == len(seal)


def test_one_code_does_not_pass_for_another_page_and_nothing_may_follow_it(
    store: KeyStore, seal: str, lines: tuple[str, str]
):
    keys = store.public_keys()
    assert compare_seal(seal, lines, "F0012345", keys, "P").ok
    for place in range(88):
        text = "".join(lines)
        other = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        verdict = compare_seal(seal, (other[:44], other[44:]), "F0012345", keys, "P")
        assert (verdict.ok, verdict.cause, len(verdict.differences)) == (False, "OTHER_MRZ", 1)
    for behind in ("X", " X", "\rX", " " * 5000, " " * 5000 + "X", "\n" * 4090 + seal):
        assert not compare_seal(seal + behind, lines, "F0012345", keys, "P").ok
