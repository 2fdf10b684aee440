"""When and where the demo's people enrol, and who serves them."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32

from app.demo import places
from app.demo.places import Site

DAYS = 45
OPERATORS = (
    "ymazariegos", "jtzul", "hbarillas", "mxicay", "acoxaj", "lpineda", "rsicay", "dquinonez", "kajanel",
    "pmonzon", "ecalel", "wlorenzana", "sxiloj", "vguzman", "bchacaj", "nsamayoa", "otambriz", "gvielman",
    "falvarez", "ibatzin",
)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """One appointment: an aware time on the site's clock, the site, its station, and the enrolment's identifier."""

    when: datetime
    site: Site
    station: str
    enrollment_id: str


def operator_of(station: str) -> str:
    """Who works at the station, of `OPERATORS`."""
    return OPERATORS[crc32(station.encode()) % len(OPERATORS)]


def slots(rng: random.Random, count: int, today: date) -> list[Slot]:
    """When and where: working hours of the 45 days before today, Sundays free, in the order of time."""
    taken: set[str] = set()
    found: list[Slot] = []
    days = [day for back in range(DAYS, 0, -1) if (day := today - timedelta(days=back)).weekday() < 6]
    while len(found) < count:
        site, day = places.pick_site(rng), rng.choice(days)
        clock = time(7 + rng.randrange(9), rng.randrange(60), rng.randrange(60), tzinfo=site.clock())
        station = site.station(rng)
        name = f"{day:%Y%m%d}-{station}-{clock:%H%M}"
        if name not in taken:
            taken.add(name)
            found.append(Slot(datetime.combine(day, clock), site, station, name))
    return sorted(found, key=lambda slot: (slot.when.astimezone(UTC), slot.enrollment_id))
