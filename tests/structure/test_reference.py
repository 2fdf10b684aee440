"""docs/reference says what the declarations say."""

from flask import Flask

from app.reference import FOLDER, is_current, pages


def test_the_reference_is_current(app: Flask) -> None:
    stale = [name for name, text in pages(app).items() if not is_current(FOLDER, name, text)]
    assert stale == [], "run `pasaportes reference`"


def test_no_page_is_left_over(app: Flask) -> None:
    assert {path.name for path in FOLDER.iterdir()} == pages(app).keys()


def test_the_reference_is_the_same_each_time(app: Flask) -> None:
    assert pages(app) == pages(app)
