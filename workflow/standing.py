"""Why a case stands where it is: what it lacks to go on, what is done next, and which profiles may do it there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.cases import FINDING_LABELS, TERMINAL, PassportCase, State
from models.text import N_
from security.actor import Actor
from security.permissions import Permission
from workflow.labels import Also, Labels
from workflow.machine import TRANSITIONS, Transition, may_here
from workflow.whole_case import Pending

#: What a case waits for in each state, whatever else.
WAITS_FOR = {
    State.ENROLADA: N_("A supervisor has to authorise or reject it."),
    State.VALIDACION_SECUNDARIA: N_("Secondary validation has to decide on its findings."),
    State.AUTORIZADA: N_("A booklet has to be assigned to it and its page printed."),
    State.EN_IMPRESION: N_("Its page was printed on booklet %(booklet)s: the print has to be accepted or refused."),
    State.IMPRESA: N_("Quality control has to prove booklet %(booklet)s."),
    State.POST_IMPRESION: N_("Booklet %(booklet)s has to be handed over."),
}
#: The kind under which labels hold the profiles that may act.
PROFILE = "profile"
_PROFILES = """
    select 'profile', p.name || ' ' || v.name || '/' || r.name, r.title
      from ab_role r
      join ab_permission_view_role pr on pr.role_id = r.id
      join ab_permission_view pv on pv.id = pr.permission_view_id
      join ab_permission p on p.id = pv.permission_id
      join ab_view_menu v on v.id = pv.view_menu_id
     where r.active and r.title <> '' and p.name || ' ' || v.name = any(:pairs)
"""


@dataclass(frozen=True)
class Words:
    """A text for people: an English message to translate, and its parameters; `parts` are messages that it lists."""

    message: str
    params: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """A way on: the act's label, the titles of the profiles that may do it, and whether the actor may."""

    label: str
    profiles: tuple[str, ...]
    mine: bool


@dataclass(frozen=True)
class Standing:
    """What a case lacks, and who goes on with it; both empty for one that is finished."""

    lacks: list[Words]
    steps: list[Step]


def next_moves(case: PassportCase) -> list[Transition]:
    """The acts that bring `case` on from where it is: the first of each permission, none that refuses or voids."""
    onward: dict[Permission, Transition] = {}
    for move in TRANSITIONS.values():
        leads = move.to_state is not None and move.to_state != case.state and not move.danger
        if case.state not in TERMINAL and case.state in move.from_states and leads and move.applies(case):
            onward.setdefault(move.permission, move)
    return list(onward.values())


def profiles(moves: Iterable[Transition]) -> list[Also]:
    """For `labels.read_labels`: the profiles that may do `moves`, under the kind PROFILE, each a pair and its name."""
    pairs = [" ".join(move.permission.value.pair) for move in moves]
    return [(_PROFILES, {"pairs": pairs})] if pairs else []


def standing(
    case: PassportCase, actor: Actor, labels: Labels, *, waits: Sequence[str], request: Pending | None
) -> Standing:
    """How `case`, whose findings and requirements are read, stands; `waits`: messages of the services it waits for."""
    steps = [
        Step(move.label, _holders(labels, move.permission), may_here(actor, move, case)) for move in next_moves(case)
    ]
    return Standing(list(_lacks(case, waits, request)) if steps else [], steps)


def _holders(labels: Labels, permission: Permission) -> tuple[str, ...]:
    start = " ".join(permission.value.pair) + "/"
    named = (name for (kind, code), name in labels.others.items() if kind == PROFILE and code.startswith(start))
    return tuple(sorted(named))


def _lacks(case: PassportCase, waits: Sequence[str], request: Pending | None) -> Iterator[Words]:
    yield Words(WAITS_FOR[case.state], {"booklet": case.booklet_number})
    if open_findings := [FINDING_LABELS[finding.code] for finding in case.findings if finding.resolved_at is None]:
        yield Words(N_("Findings without a resolution: %(parts)s."), parts=open_findings)
    if waits:
        yield Words(N_("It waits for an answer: %(parts)s."), parts=waits)
    if request is not None:
        yield Words(N_("Request No. %(number)s waits for a second person."), {"number": request.id})
