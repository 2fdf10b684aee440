"""Sealed secrets: read back with the same secret key only, and never in the clear."""

from collections.abc import Iterator

import pytest
from flask import Flask

from security import sealed


@pytest.fixture(autouse=True)
def own_key(app: Flask) -> Iterator[None]:
    sealed.configure("a secret key of this test, long enough")
    yield
    sealed.configure(app.config["SECRET_KEY"])


def test_what_was_sealed_is_read_back_and_does_not_show() -> None:
    kept = sealed.seal("clave del registro ñ")
    assert "clave" not in kept
    assert kept.isascii()
    assert kept != sealed.seal("clave del registro ñ"), "equal secrets do not look equal"
    assert sealed.unseal(kept) == "clave del registro ñ"


def test_another_secret_key_reads_nothing() -> None:
    kept = sealed.seal("clave")
    sealed.configure("another secret key, as long as that")
    with pytest.raises(sealed.CannotUnseal):
        sealed.unseal(kept)


@pytest.mark.parametrize("changed", ["", "x", "ñ"])
def test_what_was_changed_is_refused(changed: str) -> None:
    with pytest.raises(sealed.CannotUnseal):
        sealed.unseal(changed or sealed.seal("clave")[:-4])


def test_without_a_secret_key_nothing_is_sealed() -> None:
    sealed.configure("")
    with pytest.raises(LookupError, match="PASAPORTES_SECRET_KEY"):
        sealed.seal("clave")
