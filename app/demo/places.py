"""Where people enrol, are born and live: sites with their share of the work, municipalities, invented addresses."""

import random
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.seeding import rows

City = tuple[str, str, str, str]


@lru_cache
def seed_rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a seed file of the catalogues, by its name without extension."""
    return tuple(rows(name))


@dataclass(frozen=True)
class Site:
    """A site of the demo: its share of the work (per mille), its clock and, abroad, the cities of its people.

    A city is its name, state, postal code and telephone area.
    """

    code: str
    weight: int
    zone: str = "America/Guatemala"
    stations: int = 3
    first_station: int = 1
    departments: tuple[str, ...] = ()
    cities: tuple[City, ...] = ()
    former_label: str = "CENTRAL"
    former_prefix: str = "GU"

    @property
    def is_consulate(self) -> bool:
        """Outside Guatemala: consular fees and requirements."""
        return bool(self.cities)

    @property
    def in_usa(self) -> bool:
        """A consulate that posts passports to addresses in the USA."""
        return self.is_consulate and self.code != "MAD"

    @property
    def is_mobile(self) -> bool:
        """Its stations travel."""
        return self.code == "MOV"

    def clock(self) -> ZoneInfo:
        """Time zone of the site's wall clock."""
        return ZoneInfo(self.zone)

    def station(self, rng: random.Random) -> str:
        """One of the site's capture stations."""
        return f"{self.code}-E{self.first_station + rng.randrange(self.stations):02d}"


_PACIFIC, _CENTRAL, _EASTERN = "America/Los_Angeles", "America/Chicago", "America/New_York"
_LAX = (("Los Angeles", "CA", "90057", "213"), ("Inglewood", "CA", "90301", "310"), ("Van Nuys", "CA", "91401", "818"))
_HOU = (("Houston", "TX", "77081", "713"), ("Pasadena", "TX", "77502", "832"), ("Katy", "TX", "77449", "281"))
_NYC = (("Brooklyn", "NY", "11220", "718"), ("Trenton", "NJ", "08611", "609"), ("Stamford", "CT", "06902", "203"))
_MIA = (("Homestead", "FL", "33030", "305"), ("Immokalee", "FL", "34142", "239"))
_SFO = (
    ("Oakland", "CA", "94601", "510"),
    ("San Francisco", "CA", "94110", "415"),
    ("San Rafael", "CA", "94901", "415"),
)

SITES: tuple[Site, ...] = (
    Site("GUA", 500, stations=12, departments=("01", "01", "01", "01", "03", "04", "05", "02")),
    Site("GU9", 62, stations=4, departments=("01", "01", "01", "03", "06")),
    Site(
        "QTZ", 64, departments=("09", "09", "12", "08", "11", "13"), former_label="QUETZALTENANGO", former_prefix="XE"
    ),
    Site("CHQ", 26, stations=2, departments=("20", "20", "22", "21")),
    Site("ZAC", 22, stations=2, departments=("19", "19", "18", "02")),
    Site("ESC", 28, stations=2, departments=("05", "05", "06", "10")),
    Site("PET", 24, stations=2, departments=("17",), former_label="EL PETEN", former_prefix="PE"),
    Site("MOV", 50, stations=4, first_station=90, departments=("14", "13", "08", "16", "15", "07")),
    Site("LAX", 52, _PACIFIC, 5, cities=_LAX, former_label="LOS ANGELES", former_prefix="LA"),
    Site("HOU", 34, _CENTRAL, cities=_HOU, former_label="HOUSTON", former_prefix="HO"),
    Site("NYC", 34, _EASTERN, cities=_NYC, former_label="NEW YORK", former_prefix="NY"),
    Site("MIA", 20, _EASTERN, 2, cities=_MIA, former_label="MIAMI", former_prefix="MI"),
    Site("SFO", 16, _PACIFIC, 2, cities=_SFO, former_label="SAN FRANCISCO", former_prefix="SF"),
    Site("CHI", 14, _CENTRAL, 2, cities=(("Chicago", "IL", "60625", "773"), ("Cicero", "IL", "60804", "708"))),
    Site("ATL", 14, _EASTERN, 2, cities=(("Atlanta", "GA", "30340", "404"), ("Dalton", "GA", "30720", "706"))),
    Site(
        "MDY", 14, _EASTERN, 2, cities=(("Silver Spring", "MD", "20902", "301"), ("Langley Park", "MD", "20783", "301"))
    ),
    Site("PVD", 10, _EASTERN, 2, cities=(("Providence", "RI", "02909", "401"), ("New Bedford", "MA", "02740", "508"))),
    Site(
        "PHX",
        8,
        "America/Phoenix",
        2,
        cities=(("Phoenix", "AZ", "85033", "602"),),
        former_label="PHOENIX",
        former_prefix="AZ",
    ),
    Site("MAD", 8, "Europe/Madrid", 1, cities=(("Madrid", "", "28025", "600"), ("Getafe", "", "28901", "600"))),
)

_STREETS_USA = (
    "Maplewood Avenue", "Juniper Lane", "Old Quarry Road", "West Larkspur Street", "Cedar Hollow Drive",
    "North Bluebird Court", "Willow Bend Road", "East Alder Street", "Sycamore Terrace", "Mill Pond Way",
)  # fmt: skip
_STREETS_SPAIN = ("Calle del Olmo Viejo", "Calle de la Alondra", "Avenida de los Tilos", "Calle del Molino")
_COLONIES = (
    "Los Amatillos", "Vista Serena", "El Encinal", "Las Buganvilias", "Lomas del Pinar", "La Ceiba", "El Mirador",
    "Jardines del Valle", "Los Conacastes", "San Mateo",
)  # fmt: skip
_VILLAGES = (
    "El Chilacayote", "Pajuyub", "Las Cruces", "Chiquin", "El Rincón", "Los Encuentros", "Xecoyeu", "Agua Tibia",
    "La Laguna Seca", "Piedras Blancas",
)  # fmt: skip
_ABROAD = (
    ("SLV", "Santa Ana"), ("HND", "Ocotepeque"), ("MEX", "Tapachula, Chiapas"), ("NIC", "Estelí"),
    ("COL", "Pasto, Nariño"), ("IDN", "Surabaya"), ("KOR", "Daegu"),
)  # fmt: skip
_BORN_IN_USA = {
    "CA": "Los Ángeles, California", "TX": "Houston, Texas", "NY": "Nueva York, Nueva York", "IL": "Chicago, Illinois",
    "FL": "Homestead, Florida", "GA": "Atlanta, Georgia", "MD": "Silver Spring, Maryland",
}  # fmt: skip

MAYAN_DEPARTMENTS = frozenset(("04", "07", "08", "09", "13", "14", "15", "16"))


def pick_site(rng: random.Random) -> Site:
    """A site, by its share of the work."""
    return rng.choices(SITES, [site.weight for site in SITES])[0]


@lru_cache
def municipalities(department: str) -> tuple[str, ...]:
    """Codes of the department's municipalities, the head town first."""
    return tuple(sorted(row["code"] for row in seed_rows("municipios") if row["department_code"] == department))


@lru_cache
def departments() -> tuple[str, ...]:
    """Codes of all departments."""
    return tuple(sorted(row["code"] for row in seed_rows("departamentos")))


def pick_municipality(rng: random.Random, near: tuple[str, ...] = ()) -> str:
    """A municipality, mostly of one of the departments given, often the head town."""
    department = rng.choice(near) if near and rng.random() < 0.8 else rng.choice(departments())
    codes = municipalities(department)
    return codes[0] if rng.random() < 0.35 else rng.choice(codes)


def birthplace_abroad(rng: random.Random, site: Site) -> tuple[str, str]:
    """Country and place of somebody not born in Guatemala."""
    if site.in_usa:
        return "USA", _BORN_IN_USA.get(rng.choice(site.cities)[1], "Providence, Rhode Island")
    return rng.choice(_ABROAD)


def home_line(rng: random.Random) -> str:
    """Street and number of an invented home in Guatemala."""
    kind = rng.random()
    if kind < 0.45:
        street = f"{rng.randrange(1, 40)}a. {rng.choice(('calle', 'avenida'))}"
        return f"{street} {rng.randrange(1, 40)}-{rng.randrange(1, 99):02d} zona {rng.randrange(1, 22)}"
    if kind < 0.72:
        return f"Colonia {rng.choice(_COLONIES)}, lote {rng.randrange(1, 90)}, manzana {rng.choice('ABCDEFGH')}"
    place = rng.choice(("Aldea", "Caserío", "Cantón"))
    return f"{place} {rng.choice(_VILLAGES)}, {rng.choice(('casa', 'sector'))} {rng.randrange(1, 60)}"


def home_abroad(rng: random.Random, city: City) -> str:
    """An invented home abroad, with city, state and postal code, in one line."""
    name, state, postal_code, _area = city
    if not state:
        return f"{rng.choice(_STREETS_SPAIN)} {rng.randrange(1, 120)}, {rng.randrange(1, 8)}.º B, {postal_code} {name}"
    return f"{street_usa(rng)}, {name}, {state} {postal_code}"


def street_usa(rng: random.Random) -> str:
    """Number and name of an invented street."""
    return f"{rng.randrange(100, 9900)} {rng.choice(_STREETS_USA)}"


def phone(rng: random.Random, city: City | None) -> str:
    """A number of the ranges kept for fiction where there are such."""
    if city is None:
        return f"+502 5555 {rng.randrange(10000):04d}"
    if not city[1]:
        return f"+34 600 000 {rng.randrange(1000):03d}"
    return f"+1 {city[3]} 555 01{rng.randrange(100):02d}"
