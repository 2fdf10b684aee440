"""The few PDF objects of a booklet page, written so that the same page always is the same bytes.

Not through reportlab's canvas: one of its TrueType fonts cannot serve two documents at a time, which threads need; it
cuts a font subset for every document; its files change with its version. The reports, which need none of this, keep it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Picture:
    """An image object: its number, pixel width and height."""

    number: int
    width: int
    height: int


class PdfDocument:
    """Collects objects and pages; `finish` gives the file. Lengths are points unless a name says millimetres."""

    def __init__(self, title: str) -> None:
        self._objects: list[bytes] = [b""] * 3  # catalog, page tree and information, filled in by finish
        self._pages: list[int] = []
        self._title = title

    def add(self, body: bytes | str) -> int:
        """Add an object and return its number."""
        self._objects.append(body.encode("ascii") if isinstance(body, str) else body)
        return len(self._objects)

    def add_stream(self, entries: str, data: bytes) -> int:
        """Add a stream with these dictionary entries; `data` is written as it is, so `entries` names its filter."""
        return self.add(f"<<{entries}/Length {len(data)}>>stream\n".encode("ascii") + data + b"\nendstream")

    def add_page(
        self, size: tuple[float, float], content: int, fonts: Mapping[str, int], pictures: Mapping[str, int]
    ) -> None:
        """Add a page of `size` with the stream `content`; resources by the names that the content uses."""
        box = f"[0 0 {number(size[0])} {number(size[1])}]"
        resources = f"/Font<<{_references(fonts)}>>/XObject<<{_references(pictures)}>>"
        page = f"<</Type/Page/Parent 2 0 R/MediaBox{box}/Resources<<{resources}>>/Contents {content} 0 R>>"
        self._pages.append(self.add(page))

    def finish(self) -> bytes:
        """The whole file. Viewers are told not to scale it to the paper."""
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        preferences = "/Lang(es-GT)/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>"
        self._objects[0] = f"<</Type/Catalog/Pages 2 0 R{preferences}>>".encode("ascii")
        self._objects[1] = f"<</Type/Pages/Count {len(self._pages)}/Kids[{kids}]>>".encode("ascii")
        self._objects[2] = b"<</Title<" + (b"\xfe\xff" + self._title.encode("utf-16-be")).hex().encode("ascii") + b">>>"
        return _file(self._objects)


@lru_cache(maxsize=4096)
def number(value: float) -> str:
    """A number as PDF wants it: up to four decimals, no exponent. Kept, for most stand on every page."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _references(numbers: Mapping[str, int]) -> str:
    return "".join(f"/{name} {number} 0 R" for name, number in numbers.items())


def _file(objects: list[bytes]) -> bytes:
    parts, offsets, at = [b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n"], [], 15
    for place, inner in enumerate(objects, start=1):
        offsets.append(at)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (place, inner))
        at += len(parts[-1])
    body = b"".join(parts)
    identity = sha256(body).hexdigest()[:32]
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"<</Size {len(objects) + 1}/Root 1 0 R/Info 3 0 R/ID[<{identity}><{identity}>]>>"
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    return body + f"{head}trailer\n{trailer}\nstartxref\n{at}\n%%EOF\n".encode("ascii")
