"""An address in the USA as the Postal Service wants it: its parts, its forms, its states."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from models.cases import PassportCase
from models.shipments import Shipment
from models.text import N_
from security.errors import BadValue

#: Two letters of the Postal Service: states, the District, territories, the armed forces. Names need no translation.
US_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "Washington, D. C.", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands", "AA": "Armed Forces Americas", "AE": "Armed Forces Europe",
    "AP": "Armed Forces Pacific",
}  # fmt: skip
_ZIP = re.compile(r"([0-9]{5})(?:[ -]?([0-9]{4}))?")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{6,19}")
#: The part of the enrolment's delivery address that fills each part of ours.
_GIVEN = {
    "recipient": "recipient", "line_1": "address1", "line_2": "address2", "city": "city", "us_state": "state",
    "zip_code": "postalCode", "phone": "phone",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """Where a passport goes; `zip_code` is 12345 or 12345-6789. Blank: `line_2` and `phone` may be."""

    recipient: str
    line_1: str
    line_2: str
    city: str
    us_state: str
    zip_code: str
    phone: str

    def parts(self) -> dict[str, str]:
        """Each part by its name."""
        return asdict(self)

    def changes(self, other: "Address") -> dict[str, dict[str, str]]:
        """What differs in `other`: before and after, by part."""
        before, after = self.parts(), other.parts()
        wrong = [name for name in before if before[name] != after[name]]
        return {"before": {name: before[name] for name in wrong}, "after": {name: after[name] for name in wrong}}


PARTS = tuple(field.name for field in fields(Address))
_LONGEST = {"recipient": 120, "line_1": 80, "line_2": 80, "city": 60}


def read_address(values: Mapping[str, Any]) -> Address:
    """The address that was typed; `BadValue` naming the part that cannot be taken."""
    plain = {name: " ".join(str(values.get(name) or "").replace("\x00", "").split()) for name in PARTS}
    for name, longest in _LONGEST.items():
        if not plain[name] and name != "line_2":
            raise BadValue(N_("This is missing."), field=name)
        if len(plain[name]) > longest:
            raise BadValue(N_("This is longer than %(longest)s characters."), field=name, longest=longest)
    plain["us_state"] = plain["us_state"].upper()
    if plain["us_state"] not in US_STATES:
        raise BadValue(N_("Choose a state of the USA."), field="us_state")
    found = _ZIP.fullmatch(plain["zip_code"])
    if found is None:
        raise BadValue(N_("A ZIP code has five digits, or five and four: 77081 or 77081-4410."), field="zip_code")
    plain["zip_code"] = "-".join(filter(None, found.groups()))
    if plain["phone"] and not _PHONE.fullmatch(plain["phone"]):
        raise BadValue(N_("A telephone number has digits, blanks and + ( ) - only."), field="phone")
    return Address(**plain)


def given_address(case: PassportCase) -> Address:
    """What the enrolment said; the holder is the recipient unless it names another. Blank where it says nothing."""
    said = case.applicant.delivery_address or {}
    parts = {name: str(said.get(source) or "") for name, source in _GIVEN.items()}
    parts["recipient"] = parts["recipient"] or f"{case.given_names} {case.surnames}".strip()
    parts["phone"] = parts["phone"] or (case.applicant.phone or "")
    return Address(**parts)


def address_of(shipment: Shipment) -> Address:
    """Where `shipment` goes."""
    return Address(**{name: getattr(shipment, name) or "" for name in PARTS})


def write_address(shipment: Shipment, address: Address) -> None:
    """Make `shipment` go there."""
    for name, part in address.parts().items():
        setattr(shipment, name, part or None)
