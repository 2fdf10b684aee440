"""The form of a transition: its fields as inputs, its values from what was sent, and the attempt to carry it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import EVENT_LABELS, CaseEvent, PassportCase
from models.text import N_
from security.errors import BadValue, DomainError, NotAllowed, NotFound
from views.access import current_actor, transaction
from workflow import counters, machine
from workflow.controls import DECLARED
from workflow.fields import Field, Kind, choices
from workflow.labels import coded_columns, entries
from workflow.machine import Transition
from workflow.succession import CORRECTABLE, CORRECTABLE_APPLICANT

REFUSALS = {control.name: control.refusal for control in DECLARED}
RESOLUTION, CHANGE, WAS = "resolution-", "change-", "was-"
_WHOLE_NUMBERS = ("height_cm", "validity_years")


@dataclass(frozen=True)
class Input:
    """A field as the form draws it. `translated`: the labels of its options are message ids."""

    field: Field
    value: str
    options: list[tuple[str, str]]

    @property
    def translated(self) -> bool:
        return self.field.kind is Kind.CHOICE


@dataclass(frozen=True)
class ChangeInput:
    """A datum that may be corrected: as it is (`was`), as it is to be (`value`), and what may be chosen, if listed."""

    column: str
    label: str
    was: str
    value: str
    options: list[tuple[str, str]] | None


@dataclass(frozen=True)
class Refusal:
    """A transition that was tried and refused: what was typed, and why."""

    move: Transition
    typed: Mapping[str, str]
    error: DomainError


@dataclass(frozen=True)
class ActForm:
    """A transition about to be carried out on a case: its inputs, what was typed, and why it was refused, if it was."""

    move: Transition
    inputs: list[Input]
    changes: list[ChangeInput]
    typed: Mapping[str, str]
    error: DomainError | None = None

    def refused(self, name: str) -> DomainError | None:
        """The error, when it is about the input `name`."""
        error = self.error
        if error is None or error.field is None:
            return None
        about = error.params.get("name", "") if error.field == "changes" else error.params.get("code", "")
        return error if name in (error.field, f"{error.field}.{about}") else None


def form_of(
    session: Session, move: Transition, case: PassportCase, refusal: Refusal | None = None, *,
    typed: Mapping[str, str] | None = None,
) -> ActForm:  # fmt: skip
    """The form of `move` on `case`, with what was `typed` before, or what was typed when it was refused."""
    mine = refusal if refusal and refusal.move == move else None
    typed = mine.typed if mine else typed or {}
    plain = [field for field in move.fields if field.name not in ("changes", "resolutions")]
    inputs = [Input(field, typed.get(field.name, ""), choices(session, field)) for field in plain]
    changes = _changes(session, case, typed) if _corrects(move) else []
    return ActForm(move, inputs, changes, typed, mine.error if mine else None)


def _corrects(move: Transition) -> bool:
    return any(field.name == "changes" for field in move.fields)


def _changes(session: Session, case: PassportCase, typed: Mapping[str, str]) -> list[ChangeInput]:
    tables = dict(coded_columns(type(case)) + coded_columns(type(case.applicant)))
    labels = CORRECTABLE | CORRECTABLE_APPLICANT
    listed = entries(session, *dict.fromkeys(tables[column] for column in labels if column in tables))
    shown = []
    for column, label in labels.items():
        now = getattr(case if column in CORRECTABLE else case.applicant, column)
        was = typed.get(WAS + column, "" if now is None else str(now))
        options = listed[tables[column]] if column in tables else None
        if options is not None and was and was not in dict(options):
            options = [*options, (was, was)]
        shown.append(ChangeInput(column, label, was, typed.get(CHANGE + column, was), options))
    return shown


def values_of(move: Transition, sent: Mapping[str, str]) -> dict[str, Any]:
    """The values of `move` in a form that was sent."""
    return {field.name: _value(field, sent) for field in move.fields}


def _value(field: Field, sent: Mapping[str, str]) -> Any:
    if field.kind is Kind.FLAG:
        return field.name in sent
    if field.kind is not Kind.DATA:
        return sent.get(field.name)
    if field.name == "resolutions":
        given = {name: text for name, text in sent.items() if name.startswith(RESOLUTION) and text.strip()}
        return {name.removeprefix(RESOLUTION): text for name, text in given.items()}
    if field.name == "changes":
        return _changed(sent)
    try:
        return json.loads(sent.get(field.name) or "{}")
    except ValueError:
        raise BadValue(N_("%(label)s is not JSON."), field=field.name, label=field.label) from None


def _changed(sent: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name, text in sent.items():
        column = name.removeprefix(CHANGE)
        if column != name and text.strip() != sent.get(WAS + column, "").strip():
            whole = column in _WHOLE_NUMBERS and text.strip().isascii() and text.strip().isdecimal()
            changed[column] = int(text) if whole else text.strip() or None
    return changed


def transition_called(name: str) -> Transition:
    """The transition of that name, or `NotFound`."""
    if name not in machine.TRANSITIONS:
        raise NotFound(N_("There is no act called %(name)s."), name=name[:40])
    return machine.TRANSITIONS[name]


def attempt(number: str, move: Transition) -> CaseEvent | Refusal:
    """Carry `move` out with the form that was sent; a refusal is returned, so that its page can show what was typed."""
    try:
        values = values_of(move, request.form)
        with transaction() as session:
            counters.unless_changed(session, number, request.form.get("seen"))
            return machine.perform(session, move.name, number, current_actor(), **values)
    except (NotAllowed, NotFound) as error:
        if error.field is None:
            raise
        return Refusal(move, request.form, error)
    except DomainError as error:
        return Refusal(move, request.form, error)


def tell(number: str, event: CaseEvent) -> None:
    """Say on the next page what was done."""
    done = _(EVENT_LABELS[event.event])
    if event.booklet_number:
        done = f"{done} · {event.booklet_number}"
    flash(_("Case %(number)s: %(event)s.", number=number, event=done), "success")
    if "new_case" in event.data:
        flash(_("A new case was made: %(number)s.", number=event.data["new_case"]), "info")
    for name in event.data.get("warnings", ()):
        flash(_("Warning, noted in the log. %(refusal)s", refusal=_(REFUSALS[name])), "warning")


def local_path(text: str | None) -> str | None:
    """`text` when it is a path of this application and nothing else; a form's `next` may say where to go on."""
    safe = text and text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if safe else None
