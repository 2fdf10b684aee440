"""What a station captures of the body: portrait, signature and fingerprints as items of the enrolment."""

import base64
import random
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from app.demo.drawings import Drawing, fingerprint_file, portrait_file, signature_file
from app.demo.looks import Look
from app.demo.people import Person

Item = dict[str, Any]

_SIGNS_FROM, _FINGERS_FROM = 7, 6


def _picture(kind: str, subtype: str, drawing: Drawing, device: str, when: datetime) -> Item:
    named: Item = {"biometricType": kind} | ({"biometricSubType": subtype} if subtype else {})
    return named | {
        "image": base64.b64encode(drawing.content).decode("ascii"),
        "captureDate": when.isoformat(),
        "captureDevice": device,
        "width": drawing.width,
        "height": drawing.height,
        "bitdepth": drawing.bit_depth,
        "mimeType": drawing.media_type,
        "resolution": drawing.resolution,
        "compression": drawing.compression,
    }


def _face(rng: random.Random, person: Person, years: int, when: datetime, *, formal: bool) -> Item:
    traditional = person.mayan and person.sex == "F" and crc32(person.cui.encode()) % 100 < 45
    look = Look(person.sex, years, person.skin_tone, person.hair_color, person.eye_color, formal, traditional)
    drawing = portrait_file(look, person.cui, jpeg2000=rng.random() < 0.02)
    return _picture("FACE", "PORTRAIT", drawing, "Kamara P3", when - timedelta(seconds=rng.randrange(60, 240)))


def _signature(rng: random.Random, person: Person, years: int, when: datetime) -> Item:
    if years < _SIGNS_FROM:
        return {"biometricType": "SIGNATURE", "comment": "Menor de edad que no firma"}
    if years > 68 and rng.random() < 0.14:
        return {"biometricType": "SIGNATURE", "comment": "No sabe firmar"}
    letters = 4 if years < 14 else 5 + len(person.name.first_surname) % 5
    taken = when - timedelta(seconds=rng.randrange(60, 400))
    return _picture("SIGNATURE", "", signature_file(person.cui, letters=letters), "Tablet S7", taken)


def _finger(rng: random.Random, person: Person, subtype: str, when: datetime, *, png: bool) -> Item:
    """One of the pool's drawings; the same finger of the same person is always the same one."""
    number = crc32(f"{person.cui[:8]} {subtype}".encode())
    drawing = fingerprint_file(number % 24, png=png)
    taken = when - timedelta(seconds=rng.randrange(60, 400))
    scale: Item = {"impressionType": "LIVE_SCAN_PLAIN", "quality": rng.randrange(38, 90), "qualityFormat": "NFIQ2"}
    return _picture("FINGER", subtype, drawing, "Lector F500", taken) | scale


def _fingers(rng: random.Random, person: Person, years: int, when: datetime) -> list[Item]:
    indexes = ("RIGHT_INDEX", "LEFT_INDEX")
    if years < _FINGERS_FROM:
        return [{"biometricType": "FINGER", "biometricSubType": name, "comment": "Menor de 6 años"} for name in indexes]
    png = rng.random() < 0.03
    items = [_finger(rng, person, name, when, png=png) for name in indexes]
    if rng.random() < 0.015:
        lost = rng.randrange(2)
        why = {"biometricSubType": indexes[lost], "presence": rng.choice(("BANDAGED", "AMPUTATED", "DAMAGED"))}
        items[lost] = {"biometricType": "FINGER", "biometricSubType": indexes[lost], "missing": [why]}
        items.append(_finger(rng, person, indexes[lost].replace("INDEX", "THUMB"), when, png=png))
    return items


def biometric_data(rng: random.Random, person: Person, years: int, when: datetime, *, formal: bool) -> list[Item]:
    """All items of one person, captured in the minutes before the enrolment is closed."""
    return [
        _face(rng, person, years, when, formal=formal),
        _signature(rng, person, years, when),
        *_fingers(rng, person, years, when),
    ]
