"""Case numbers: site code and nine digits from one sequence; numbers that stations assigned are stepped over."""

from sqlalchemy import Sequence, select
from sqlalchemy.orm import Session

from models.base import Base
from models.cases import PassportCase

CASE_SERIAL = Sequence("case_serial", start=1, metadata=Base.metadata)


def next_case_number(session: Session, site: str) -> str:
    """The next free number for `site`, e.g. `GUA000000001`."""
    while True:
        number = f"{site}{session.execute(select(CASE_SERIAL.next_value())).scalar_one():09d}"
        taken = select(PassportCase.id).where(PassportCase.number == number).execution_options(every_site=True)
        if session.scalars(taken).first() is None:
            return number
