"""Bodies of enrolments as a station sends them: complete and clean unless a test changes a member."""

import base64
import copy
import functools
import io
import json
from typing import Any

from PIL import Image

DELETE = object()


def cui(serial: int, municipality: str = "0101") -> str:
    """The CUI of a serial from 60000000, with its check digit; the next serial when that has none."""
    digit = sum(weight * int(d) for weight, d in enumerate(str(serial), start=2)) % 11
    return cui(serial + 1, municipality) if digit == 10 else f"{serial}{digit}{municipality}"


@functools.cache
def jpeg(width: int = 413, height: int = 531, colour: str = "lightgrey") -> bytes:
    """A plain portrait."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, "JPEG")
    return stream.getvalue()


@functools.cache
def png(width: int = 320, height: int = 400, shade: int = 90) -> bytes:
    """A plain picture in 8-bit grey."""
    stream = io.BytesIO()
    Image.new("L", (width, height), shade).save(stream, "PNG")
    return stream.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _finger(which: str, shade: int) -> dict[str, Any]:
    return {
        "biometricType": "FINGER", "biometricSubType": which, "image": base64_of(png(shade=shade)), "width": 320,
        "height": 400, "mimeType": "image/png", "compression": "PNG", "resolution": 500,
    }  # fmt: skip


def enrolment(serial: int = 60000001, /, **changes: Any) -> dict[str, Any]:
    """A complete enrolment of an adult born in Guatemala; slip and CUI follow from `serial`.

    `changes` are dotted paths with `__` for the dot, DELETE to take a member out.
    """
    body: dict[str, Any] = {
        "enrollmentType": "PASSPORT",
        "biographicData": {
            "firstName": "Nola", "firstSurname": "Tzoc", "secondSurname": "Chub", "dateOfBirth": "1990-05-17",
            "gender": "F", "nationality": "GTM", "identificationType": "CUI", "cui": cui(serial),
            "birthCountry": "GTM", "birthDepartment": "01", "birthMunicipality": "0101", "maritalStatus": "SOL",
            "occupation": "OC045", "eyeColor": "CAF", "skinTone": "MOR", "hairColor": "NEG", "heightCm": 160,
            "address": {"line": "1 calle", "department": "01", "municipality": "0101", "country": "GTM"},
        },
        "contextualData": {
            "enrollmentDate": "2026-11-03T08:12:00-06:00", "site": "GUA", "station": "GUA-E03", "stationKind": "FIXED",
            "operator": "nobody",
        },
        "requestData": {
            "procedure": "NUEVO", "passportType": "ORD", "validityYears": 5,
            "paymentSlip": {"number": str(serial), "amount": "50.00", "currency": "USD", "paidOn": "2026-11-02"},
            "requirements": [{"code": "FORM", "presented": True}, {"code": "BOLETA", "presented": True}],
        },
        "biometricData": [
            {
                "biometricType": "FACE", "biometricSubType": "PORTRAIT", "image": base64_of(jpeg()), "width": 413,
                "height": 531, "mimeType": "image/jpeg", "compression": "JPEG", "resolution": 300,
            },
            {"biometricType": "SIGNATURE", "comment": "does not sign"},
            _finger("RIGHT_INDEX", 90),
            _finger("LEFT_INDEX", 120),
        ],
    }  # fmt: skip
    for path, value in changes.items():
        _set(body, path.split("__"), value)
    return body


def _set(holder: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    key: Any = int(steps[-1]) if isinstance(holder, list) else steps[-1]
    if value is DELETE:
        del holder[key]
    else:
        holder[key] = copy.deepcopy(value)


def raw(body: Any) -> bytes:
    """As it travels."""
    return json.dumps(body, ensure_ascii=False).encode()
