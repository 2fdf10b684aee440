"""What is known of people without asking anybody: CUI, names for comparison, dates of birth known in part, ages."""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Self

ADULT_AGE = 18

_CUI = re.compile(r"[0-9]{13}")
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_FORMER_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_FORMER_LATIN = re.compile(r"(?P<day>[0-9]{2})/(?P<month>[0-9]{2})/(?P<year>[0-9]{4})")
_APOSTROPHES = "'’‘ʼʻ`´"
_HYPHENS = "-\u00ad‐‑‒–—"
_SIGNS = str.maketrans(dict.fromkeys(_APOSTROPHES, "") | dict.fromkeys(_HYPHENS, " "))
# Letters that Unicode does not take apart; the same choices as in the MRZ (ICAO 9303-3 §6.A).
_LETTERS = str.maketrans({"Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH"})


def cui_check_digit_ok(cui: str) -> bool:
    """True when the ninth of the 13 digits is 2·d1 + 3·d2 … + 9·d8 modulo 11; a remainder of 10 is never issued."""
    if not _CUI.fullmatch(cui):
        return False
    return sum(weight * int(digit) for weight, digit in enumerate(cui[:8], start=2)) % 11 == int(cui[8])


def cui_municipality(cui: str) -> str:
    """Code of the municipality that issued the CUI: two digits of the department, two of the municipality."""
    return cui[-4:]


def normalised(name: str) -> str:
    """The name as it is compared and searched.

    Capitals, no accents, Ñ as N, apostrophes dropped, hyphens as blanks, single blanks between the words.
    """
    capitals = name.translate(_SIGNS).upper()
    letters = (sign for sign in unicodedata.normalize("NFKD", capitals) if not unicodedata.combining(sign))
    return " ".join("".join(letters).translate(_LETTERS).split())


def search_name(*parts: str | None) -> str:
    """All parts of a name in one normalised text; parts that are missing leave no trace."""
    return normalised(" ".join(part for part in parts if part))


def words_query(*parts: str | None, whole: bool = False) -> str:
    """A PostgreSQL `tsquery` for names that hold each word given, or one beginning with it; empty for no word."""
    return " & ".join(word if whole else f"{word}:*" for word in re.findall(r"[A-Z0-9]+", search_name(*parts)))


@dataclass(frozen=True)
class PartialDate:
    """A date of which the day, or day and month, may be unknown (None). Equal only to one that is equally partial.

    ValueError when there is no such date, or a day without its month.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day without its month")
        self.earliest()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From YYYY, YYYY-MM or YYYY-MM-DD; ValueError otherwise."""
        match = _PARTIAL.fullmatch(text)
        if match is None:
            raise ValueError("not YYYY, YYYY-MM or YYYY-MM-DD")
        return cls(*(int(part) if part else None for part in match.groups()))  # type: ignore[arg-type]

    @classmethod
    def parse_former(cls, text: str) -> Self | None:
        """From DD/MM/YYYY or YYYY-MM-DD of the former system, unknown parts being 00; None when empty.

        ValueError for any other text and for a date that never was, like 30/02/1975.
        """
        text = text.strip()
        if not text:
            return None
        match = _FORMER_ISO.fullmatch(text) or _FORMER_LATIN.fullmatch(text)
        if match is None:
            raise ValueError("not DD/MM/YYYY or YYYY-MM-DD")
        return cls(int(match["year"]), int(match["month"]) or None, int(match["day"]) or None)

    @classmethod
    def of(cls, day: date) -> Self:
        """The date that is wholly known."""
        return cls(day.year, day.month, day.day)

    def __str__(self) -> str:
        """YYYY, YYYY-MM or YYYY-MM-DD, as precise as is known; `parse` reads it back."""
        known = [f"{self.year:04}"] + [f"{part:02}" for part in (self.month, self.day) if part is not None]
        return "-".join(known)

    def earliest(self) -> date:
        """First day that it can mean."""
        return date(self.year, 1 if self.month is None else self.month, 1 if self.day is None else self.day)

    def latest(self) -> date:
        """Last day that it can mean."""
        month = 12 if self.month is None else self.month
        return date(self.year, month, monthrange(self.year, month)[1] if self.day is None else self.day)

    def age_on(self, day: date) -> int:
        """Whole years of a person born on this date, counted from the latest day that it can mean."""
        born = self.latest()
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def is_minor_on(self, day: date) -> bool:
        """True unless the person is surely 18."""
        return self.age_on(day) < ADULT_AGE


def expiry(issued_on: date, years: int) -> date:
    """Last day of validity: the same day `years` later, as the former system had it; 28 February for a missing 29th."""
    try:
        return issued_on.replace(year=issued_on.year + years)
    except ValueError:
        return issued_on.replace(year=issued_on.year + years, day=28)
