"""Commands about the signed 2D code: its keys, and the proof of one code, which needs the public keys alone."""

import datetime as dt
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import zxingcpp
from PIL import Image

from app.loading import opened
from app.settings import SETTINGS
from models.base import session as database
from models.base import utc_now
from printing.keys import KeyStore, KeyStoreError, last_day, published, read_public_keys
from printing.messages import SEAL_LABELS
from printing.mrz_reading import parse
from printing.seal import PREFIX, PublicKey, SealContents, SealError, verify
from workflow import pages, seal_keys

LONGEST_TEXT = 4096
#: What keyboard readers send around a text.
AROUND = "\r\n\t\x02\x03 "
MOST_PIXELS = 80_000_000  # more than a sheet of A4 at 600 dpi
KEY_LINE = "{:<10}  {:<10}  {:<10}  {}"


class NotJudged(click.ClickException):
    """No verdict is possible: keys or code cannot be read."""

    exit_code = 2


@contextmanager
def _key_folder() -> Iterator[KeyStore]:
    """The folder of the settings; what is wrong with it is said in one line."""
    opened()
    try:
        yield pages.press().keys
    except KeyStoreError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    finally:
        database.rollback()


@click.group("seal-keys")
def keys() -> None:
    """The keys that sign the 2D code; private halves stay in the folder `keys` of PASAPORTES_HOME."""


@keys.command("list")
def list_keys() -> None:
    """List every key with its validity; exit with 1 when the folder or a private key is open to others."""
    with _key_folder() as folder:
        entered, here = seal_keys.known(database()), folder.public_keys()
        click.echo(KEY_LINE.format("key", "from", "until", "state"))
        for key in ({**here, **entered}).values():
            state = ", ".join(_state(key, folder, is_entered=key.ref in entered))
            click.echo(KEY_LINE.format(key.ref, str(key.valid_from), str(key.valid_until or "-"), state))
        folder.check()


def _state(key: PublicKey, folder: KeyStore, *, is_entered: bool) -> Iterator[str]:
    yield "ended" if key.valid_until else "signs"
    yield "private key here" if folder.may_sign(key.ref) else "no private key here"
    if not is_entered:
        yield "not in the database: publish"


@keys.command()
@click.option("--replace", is_flag=True, help="End the keys whose private halves are lost.")
def create(replace: bool) -> None:
    """Make the first key, or one that replaces keys whose folder is lost."""
    with _key_folder() as folder:
        # The folder is read after the database, since a key is written to it before: or one just made would seem lost.
        signing = seal_keys.still_open(database())
        lost = [ref for ref in signing if ref not in folder.public_keys()]
        if lost and not replace:
            raise KeyStoreError(
                f"The database says that {', '.join(lost)} signs, and {folder.path} does not hold it: "
                "restore the folder, or end it with --replace"
            )
        now = utc_now()
        key = folder.create(now)
        seal_keys.end(database(), lost, last_day(now))
        _enter(folder)
        click.echo(f"{key.ref} signs from now on.")


@keys.command()
def rotate() -> None:
    """Make the key that signs from now on; codes of the former still verify."""
    with _key_folder() as folder:
        folder.check()
        seal_keys.known(database())  # a database that does not answer is found out before there is a new key
        key = folder.rotate(utc_now())
        _enter(folder)
        click.echo(f"{key.ref} signs from now on.")
        for former in folder.public_keys().values():
            if former.ref != key.ref:
                click.echo(f"{former.ref} signed from {former.valid_from} until {former.valid_until}.")


@keys.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def publish(file: Path) -> None:
    """Write all public keys as one JSON file, for those who verify."""
    with _key_folder() as folder:
        folder.check()
        if file.resolve().parent == folder.path.resolve():
            raise KeyStoreError(f"{file} would lie among the keys; name another folder")
        _enter(folder)
        every = seal_keys.known(database())
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(published(every.values()), encoding="ascii")
        draft.replace(file)
        click.echo(f"{len(every)} public keys in {file}")


def _enter(folder: KeyStore) -> None:
    seal_keys.enter(database(), folder.public_keys().values())
    database.commit()


@click.command("verify-seal")
@click.argument("text", required=False)
@click.option("--keys", "place", type=click.Path(path_type=Path), help="Published keys, a file or a folder.")
@click.option("--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read it from PNG or JPEG.")
def verify_seal(text: str | None, place: Path | None, image: Path | None) -> None:
    """Say what a 2D code says and whether it is genuine; TEXT, or `-` to read it from the input.

    Needs the public keys alone. Exit: 0 genuine, 1 not, 2 no verdict.
    """
    if text is not None and image is not None:
        raise click.UsageError("Give TEXT or --image, not both.")
    try:
        known = read_public_keys(place or _own_folder())
    except KeyStoreError as error:
        raise NotJudged(str(error)) from error
    code = (_code_in(image) if image else _given(text)).strip(AROUND)
    try:
        contents = verify(code, known)
    except SealError as error:
        if error.contents:
            click.echo("NOT PROVED, the code claims:")
            click.echo("\n".join(_lines(error.contents, known)))
        click.echo(f"NOT VALID: {SEAL_LABELS[error.fact]} ({error})")
        raise SystemExit(1) from error
    click.echo("\n".join(_lines(contents, known)))
    click.echo("VALID")


def _own_folder() -> Path:
    """The folder of this machine's keys, without making a home for them."""
    home = next(setting for setting in SETTINGS if setting.name == "home")
    return Path(home.value(os.environ, demo=False)) / "keys"


def _given(text: str | None) -> str:
    if text is not None and text != "-":
        return text
    return sys.stdin.buffer.read(LONGEST_TEXT).decode("ascii", "replace")


def _code_in(file: Path) -> str:
    """The one signed code of a picture; `NotJudged` when there is none, or more than one."""
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NotJudged(f"{file} has {picture.width} x {picture.height} pixels: too many")
            grey = picture.convert("L")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NotJudged(f"{file} is no picture in PNG or JPEG") from error
    read = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.DataMatrix))
    codes = {symbol.text for symbol in read if symbol.text.startswith(PREFIX)}
    if len(codes) != 1:
        raise NotJudged(f"{file} shows {len(codes) or 'no'} signed code{'s' if codes else ''}")
    return codes.pop()


def _lines(contents: SealContents, known: Mapping[str, PublicKey]) -> Iterable[str]:
    zone = parse(*contents.mrz_lines)
    expires = _expiry(zone.value("expiry"), contents.signed_on)
    rows = {
        "Document": f"{zone.value('document_code').rstrip('<')} {zone.value('issuer').rstrip('<')}",
        "Name": ", ".join(filter(None, zone.names)),
        "Number": zone.value("number").rstrip("<"),
        "Nationality": zone.value("nationality").rstrip("<"),
        "Born": _birth(zone.value("birth")),
        "Sex": zone.value("sex").replace("<", "X"),
        "Personal number": zone.value("personal_number").rstrip("<"),
        "Expires": f"{expires or zone.value('expiry')}{' (expired)' if expires and expires < dt.date.today() else ''}",
        "Booklet": contents.booklet,
        "Kind": contents.kind,
        "Signed": f"{contents.signed_on} for {contents.country.rstrip('<')}",
        "Key": f"{contents.ref}, {_validity(known.get(contents.ref))}",
    }
    return [f"{name:<16} {value}" for name, value in rows.items()]


def _birth(digits: str) -> str:
    known = digits.replace("<", "X")
    return f"{known[:2]}-{known[2:4]}-{known[4:]} (two digits of the year)"


def _expiry(digits: str, signed_on: dt.date) -> dt.date | None:
    """The first day with those digits, YYMMDD, in or after the year of the signature; None when it is no day."""
    try:
        year = signed_on.year + (int(digits[:2]) - signed_on.year) % 100
        return dt.date(year, int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return None


def _validity(key: PublicKey | None) -> str:
    if key is None:
        return "not known here"
    return f"signs from {key.valid_from} {f'until {key.valid_until}' if key.valid_until else 'until further notice'}"


COMMANDS = (keys, verify_seal)
