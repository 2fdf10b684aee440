"""Bytes of the signed 2D code: C40 text, dates and tagged values, packed and unpacked without any tolerance.

The form follows ICAO's "Datastructure for Barcode"; the profile (which messages, booklet number, kind) is national and
no conformance is claimed, since Doc 9303 parts 3 and 4 define no bar code on the page.
"""

from datetime import date

_C40 = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_C40_OFFSET = 3  # 0 to 2 of C40 shift to other sets
_ONE_MORE = 0xFE  # announces one last character as its ASCII code plus one


class Malformed(ValueError):
    """Bytes or text that the packing never produces."""


def pack_text(text: str) -> bytes:
    """A-Z, 0-9 and `<` (as C40's blank), three characters in two bytes; Malformed for other characters."""
    try:
        values = [_C40.index(character.replace("<", " ")) + _C40_OFFSET for character in text]
    except ValueError as error:
        raise Malformed(f"{text!r} has a character outside A-Z, 0-9 and '<'") from error
    packed = b"".join(_pack_triple(values[at : at + 3]) for at in range(0, len(values) - len(values) % 3, 3))
    return packed + _pack_rest(text, values)


def _pack_triple(values: list[int]) -> bytes:
    return (values[0] * 1600 + values[1] * 40 + values[2] + 1).to_bytes(2, "big")


def _pack_rest(text: str, values: list[int]) -> bytes:
    if len(values) % 3 == 1:
        return bytes((_ONE_MORE, ord(text[-1].replace("<", " ")) + 1))
    return _pack_triple([*values[-2:], 0]) if len(values) % 3 else b""


def unpack_text(packed: bytes) -> str:
    """The text of `pack_text`, with `<` for blank; Malformed if packing it again gives other bytes."""
    text = "".join(_unpack_pair(packed[at : at + 2]) for at in range(0, len(packed), 2)).replace(" ", "<")
    if pack_text(text) != packed:
        raise Malformed("C40 text is not in its only form")
    return text


def _unpack_pair(pair: bytes) -> str:
    if len(pair) == 2 and pair[0] == _ONE_MORE:
        return chr(max(pair[1] - 1, 0))
    number = int.from_bytes(pair, "big") - 1
    values = (number // 1600, number // 40 % 40, number % 40)
    return "".join(_C40[value - _C40_OFFSET] for value in values if _C40_OFFSET <= value < 40)


def pack_date(day: date) -> bytes:
    """Four bytes: no unknown parts (0), then MMDDYYYY as a number."""
    return b"\0" + int(f"{day.month:02}{day.day:02}{day.year:04}").to_bytes(3, "big")


def unpack_date(packed: bytes) -> date:
    """The day of `pack_date`; Malformed for anything that is not one."""
    digits = f"{int.from_bytes(packed, 'big'):08}"
    try:
        day = date(int(digits[4:]), int(digits[:2]), int(digits[2:4]))
    except ValueError as error:
        raise Malformed(f"{digits} is no date") from error
    if pack_date(day) != packed:
        raise Malformed("date is not in its only form")
    return day


def pack_value(tag: int, value: bytes) -> bytes:
    """Tag, length in one byte, value of at most 127 bytes."""
    if len(value) > 127:
        raise Malformed(f"{len(value)} bytes are too many for one value")
    return bytes((tag, len(value))) + value


def unpack_values(packed: bytes, tags: tuple[int, ...]) -> list[bytes]:
    """The values of exactly these tags in this order; Malformed for another tag, a wrong length or bytes left over."""
    values, at = [], 0
    for tag in tags:
        head, at = packed[at : at + 2], at + 2
        if len(head) != 2 or head[0] != tag or len(packed) < at + head[1]:
            raise Malformed(f"value {tag:#04x} is missing or incomplete")
        values.append(packed[at : at + head[1]])
        at += head[1]
    if at != len(packed):
        raise Malformed("bytes are left over")
    return values
