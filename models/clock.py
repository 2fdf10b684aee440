"""Times are kept in UTC and lived in Guatemala; an issue date is the day there."""

import datetime as dt
from zoneinfo import ZoneInfo

GUATEMALA = ZoneInfo("America/Guatemala")


def local(instant: dt.datetime) -> dt.datetime:
    """`instant` on the clock of Guatemala."""
    return instant.astimezone(GUATEMALA)


def local_date(instant: dt.datetime) -> dt.date:
    """The calendar day in Guatemala at `instant`."""
    return local(instant).date()
