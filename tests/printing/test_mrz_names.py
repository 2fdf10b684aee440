"""Names in the zone: transliteration, 39 places, truncation; published rules and many invented names."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printing.mrz import EmptyName, MrzChoices, Untransliterable, name_field, transliterate

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzÁÉÍÓÚÜÑáéíóúüñÇÄÖÅØÆŁŠŽĐßŐẠ"
words = st.text(alphabet=LATIN, min_size=1, max_size=18)
apostrophed = st.tuples(words, st.sampled_from(["", "'", "’", "ʼ"]), words).map("".join)
names = st.lists(apostrophed, min_size=1, max_size=7).flatmap(
    lambda parts: st.sampled_from([" ", "-", ", "]).map(lambda separator: separator.join(parts))
)
many = settings(max_examples=400, deadline=None)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Muñoz Peñalonzo", "MUNOZ<PENALONZO"),
        ("Güitzal", "GUITZAL"),
        ("B'atz'anil-Q'uqum", "BATZANIL<QUQUM"),
        ("Tzʼokan", "TZOKAN"),
        ("O’Connor", "OCONNOR"),
        ("Ortiz, de la Encarnación", "ORTIZ<DE<LA<ENCARNACION"),
        ("Jr.", "JR"),
        ("Strauß Æsir Œuvre Øre", "STRAUSS<AESIR<OEUVRE<OERE"),
        ("Þór Ðuro Đuro Łódź Ångström", "THOR<DURO<DURO<LODZ<AANGSTROM"),
        ("Ĳssel Ŋa Ħal Ŧa", "IJSSEL<NA<HAL<TA"),
        ("  José   Ángel  ", "JOSE<ANGEL"),
    ],
)
def test_letters_become_those_of_doc_9303_part_3(name: str, written: str):
    assert transliterate(name) == written


def test_a_decomposed_letter_is_the_composed_one():
    assert transliterate("Mun\u0303oz Jose\u0301") == transliterate("Muñoz José") == "MUNOZ<JOSE"


def test_the_state_chooses_among_the_published_transliterations():
    choices = MrzChoices(enye="NXX", u_diaeresis="UXX", a_diaeresis="AE", o_diaeresis="OE", a_ring="A")
    assert transliterate("ÑÜÄÖÅ", choices) == "NXXUXXAEOEA"
    with pytest.raises(ValueError, match="Ñ may become N or NXX"):
        MrzChoices(enye="NY")


@pytest.mark.parametrize("character", ["Ж", "Ω", "中", "7", "$", "<", "Ə", "ª", "\u200b", "½"])
def test_an_unknown_character_is_an_error_that_names_it(character: str):
    with pytest.raises(Untransliterable, match=f"U\\+{ord(character):04X}") as refused:
        name_field("Pérez", f"Ana {character}")
    assert refused.value.character == character


@pytest.mark.parametrize(
    ("primary", "secondary", "field"),
    [
        ("Eriksson", "Anna Maria", "ERIKSSON<<ANNA<MARIA"),
        ("Arkfreith", "", "ARKFREITH"),
        ("", "Sutarmantyo", "SUTARMANTYO"),
        ("Van der Muellen", "Hilbert Pieter", "VAN<DER<MUELLEN<<HILBERT<PIETER"),
        ("D'Artagnan", "Yvette", "DARTAGNAN<<YVETTE"),
        ("Smith-Jones", "Susie Margaret", "SMITH<JONES<<SUSIE<MARGARET"),
    ],
)
def test_short_names_are_written_whole(primary: str, secondary: str, field: str):
    assert name_field(primary, secondary) == field.ljust(39, "<")


@pytest.mark.parametrize(
    ("primary", "secondary", "field"),
    [
        (
            "Bennelong Wooloomooloo Warrandyte Warnambool",
            "Dingo Potoroo",
            "BENNELONG<WOOLOOMOOL<W<W<<DINGO<POTOROO",
        ),
        ("Nilavadhanananda", "Arnpol Petch Charonguang", "NILAVADHANANANDA<<ARNPOL<PETCH<CHARONGU"),
        (
            "Xochitzalampec de la Encarnación de Montesclarosierra",
            "Guadalupe Esperanza del Rosario Inmaculada",
            "XOCHITZALAMPEC<D<L<E<D<M<<GUADALUPE<ESP",
        ),
        ("A" * 60, "Berta", "A" * 36 + "<<B"),
        ("A" * 60, "", "A" * 39),
        ("A" * 35 + " B", "C", "A" * 34 + "<B<<C"),
        ("A" * 20, "B" * 16 + " Cecilia", "A" * 20 + "<<" + "B" * 15 + "<C"),
        # Single letters fill even numbers of places: for the field to end in a letter the last two stand together.
        ("A B C D E F G H I J", "K L M N O P Q R S T", "A<B<C<D<E<F<G<H<I<J<<K<L<M<N<O<P<Q<R<ST"),
        (" ".join("ABCDEFGHIJKLMNOPQRST"), "U V", "A<B<C<D<E<F<G<H<I<J<K<L<M<N<O<P<Q<R<<UV"),
    ],
)
def test_long_names_are_shortened_by_the_states_method(primary: str, secondary: str, field: str):
    assert name_field(primary, secondary) == field


def test_a_name_of_39_is_never_shortened_and_one_of_40_is():
    assert name_field("A" * 20, "B" * 17) == "A" * 20 + "<<" + "B" * 17
    assert name_field("A" * 20, "B" * 18) == "A" * 20 + "<<" + "B" * 17


@pytest.mark.parametrize("name", ["", "   ", "'", "-.-"])
def test_a_name_without_a_letter_is_refused(name: str):
    with pytest.raises(EmptyName):
        name_field(name, name)


@many
@given(names, st.one_of(st.just(""), names))
def test_any_name_fills_39_places_of_the_alphabet(primary: str, secondary: str):
    field = name_field(primary, secondary)
    assert re.fullmatch(r"[A-Z]+(<[A-Z]+)*(<<[A-Z]+(<[A-Z]+)*)?<*", field)
    assert len(field) == 39
    assert ("<<" in field.rstrip("<")) == bool(secondary)


@many
@given(names, st.one_of(st.just(""), names))
def test_a_name_is_shortened_only_when_it_must_be_and_then_ends_in_a_letter(primary: str, secondary: str):
    whole = transliterate(primary) + ("<<" + transliterate(secondary) if secondary else "")
    field = name_field(primary, secondary)
    if len(whole) <= 39:
        assert field == whole.ljust(39, "<")
    else:
        assert field[-1] != "<"


@many
@given(names, st.one_of(st.just(""), names))
def test_every_part_that_is_left_begins_a_part_of_the_name_in_order(primary: str, secondary: str):
    written = name_field(primary, secondary).rstrip("<").split("<<")
    for identifier, name in zip(written, (primary, secondary), strict=False):
        parts = transliterate(name).split("<")
        kept = identifier.split("<")
        assert len(kept) <= len(parts)
        assert all(part.startswith(short) for part, short in zip(parts, kept, strict=False))
