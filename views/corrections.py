"""Corrección: the data of a case corrected, seen before and after, asked for with its evidence (module 55; M:L1217)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from models.amendments import REQUESTER_LABELS, AmendmentRequest
from models.cases import CaseEvent
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views import acts
from views.access import current_actor, needs, takes, transaction
from views.case_file import CaseFile, read_file
from views.counter import status_of
from views.documents import number_of
from views.frame import Crumb, Page
from views.previews import sides
from workflow import counters, enquiries, evidence, finding, previews, requests, second_person
from workflow.changes import Change
from workflow.controls import mode
from workflow.labels import read_labels
from workflow.previews import Correction
from workflow.second_person import EVIDENCED, Requester

CORRECT = Permission.CORRECT_CASES
#: Files at their largest, and what else a form holds.
LARGEST = (evidence.AT_MOST + 1) * evidence.MAX_BYTES
REQUESTER = ("requester_kind", "requester_name", "requester_identification")


class CorrectionView(Page):
    """Module 55. A file is kept as soon as it is sent; forms carry its number from then on."""

    route_base = "/corrections"
    default_view = "start"
    group = N_("Security")
    screen = N_("Correction")

    @expose("/")
    @needs(CORRECT)
    def start(self) -> ResponseReturnValue:
        """The box for a case, and the requests: those that wait, those decided lately."""
        return self._start()

    @expose("/", methods=["POST"])
    @needs(CORRECT)
    def find(self) -> ResponseReturnValue:
        """A case or booklet number, typed or scanned, opens the form; a CUI shows the person's cases."""
        typed = request.form.get("raw", "").strip()
        with transaction() as session:
            found = finding.cases_by_number(session, current_actor(), typed)
            labels = read_labels(session)
        if len(found) == 1:
            return redirect(url_for(".form", number=found[0].number), 303)
        none = None if found else BadValue(N_("No case at your sites has the number “%(typed)s”."), field="raw",
                                           typed=typed[:40])  # fmt: skip
        return self._start(none, found=found, labels=labels)

    @expose("/<number>")
    @needs(CORRECT)
    def form(self, number: str) -> ResponseReturnValue:
        """What may be corrected; `from` names a request to make anew."""
        earlier = number_of(request.args.get("from"))
        typed: Mapping[str, str] = {}
        if earlier is not None:
            with transaction() as session:
                typed = _typed_again(session, earlier, number)
        return self._form(number, typed)

    @expose("/<number>/preview")
    @needs(CORRECT)
    def again(self, number: str) -> ResponseReturnValue:
        """A preview that is opened anew has lost what was typed: back to the form."""
        return redirect(url_for(".form", number=number))

    @expose("/<number>/preview", methods=["POST"])
    @takes(LARGEST)
    @needs(CORRECT)
    def preview(self, number: str) -> ResponseReturnValue:
        """What was typed, before it is asked for; when it would be refused, the form with what was typed."""
        typed, refusal = self._keep_files(number)
        found = None
        try:
            if refusal is None:
                with transaction() as session:
                    found = _previewed(session, number, typed)
        except DomainError as error:
            refusal = _shown_here(error)
        return self._form(number, typed, refusal, found)

    @expose("/<number>", methods=["POST"])
    @needs(CORRECT)
    def ask(self, number: str) -> ResponseReturnValue:
        """Ask for what was previewed; where one person may, it is carried out at once."""
        try:
            with transaction() as session:
                made = second_person.ask(session, *_asked(session, number, request.form), **_with(request.form))
                event = session.get(CaseEvent, made.event_id) if made.event_id else None
        except DomainError as error:
            return self._form(number, request.form, _shown_here(error))
        tell(number, made, event)
        return redirect(url_for("RequestView.show", number=made.id), 303)

    def _keep_files(self, number: str) -> tuple[MultiDict[str, str], DomainError | None]:
        """What was typed, with the numbers of the files kept; and why one was not, if so."""
        typed: MultiDict[str, str] = MultiDict(request.form)
        kept, refusal = typed.getlist("evidence"), None
        for upload in request.files.getlist("files"):
            if not upload.filename:
                continue
            try:
                if len(kept) >= evidence.AT_MOST:
                    raise BadValue(evidence.TOO_MANY, field="evidence", most=evidence.AT_MOST)
                with transaction() as session:
                    case = enquiries.case_seen(session, number, current_actor())
                    data = upload.stream.read(evidence.MAX_BYTES + 1)
                    kept.append(str(evidence.keep(session, current_actor(), case, upload.filename, data).id))
            except BadValue as error:
                refusal = error
        typed.setlist("evidence", kept)
        return typed, refusal

    def _start(self, refusal: DomainError | None = None, **values: Any) -> ResponseReturnValue:
        listed = listing(requests.CORRECTIONS)
        page = self.page(
            "corrections/start.html", _("Correction"), refusal=refusal, raw=request.form.get("raw", ""),
            **listed, **{"found": [], "labels": None, **values},
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _form(
        self, number: str, typed: Mapping[str, str], refusal: DomainError | None = None,
        found: Correction | None = None,
    ) -> ResponseReturnValue:  # fmt: skip
        actor = current_actor()
        with transaction() as session:
            file = read_file(session, number, actor, "correction")
            form, obstacle = _act_form(session, file, typed, refusal)
            values: dict[str, Any] = {
                "kept": evidence.drafts(session, actor, file.case, _list(typed, "evidence")),
                "wanted": mode(session, EVIDENCED, file.case.site_code) == "enforce",
            }
            if found is not None and form is not None:
                wants_second = second_person.needs_second(session, *_asked(session, number, typed))
                values |= {"correction": found, "sides": sides(found), "changes": _in_words(form, found)}
                values |= {"second": wants_second, "typed": _sent_again(typed)}
        template, title = "preview" if found else "form", _("Correction of %(number)s", number=number)
        page = self.page(
            f"corrections/{template}.html", title,
            (file.case.number, None), wide=True, file=file, case=file.case, labels=file.labels, form=form,
            obstacle=obstacle, refusal=refusal, said={name: typed.get(name, "") for name in REQUESTER},
            requesters=[(value, _(label)) for value, label in REQUESTER_LABELS.items()], most=evidence.AT_MOST,
            largest=evidence.MAX_BYTES // 1024 // 1024, **values,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def listing(kinds: tuple[str, ...]) -> dict[str, Any]:
    """What a page shows of the requests of these kinds: those that wait, and a page of those decided."""
    before = number_of(request.args.get("before"))
    with transaction() as session:
        waiting = requests.waiting(session, kinds)
        decided, following = requests.decided(session, kinds, before=before)
    me = current_actor().user_id
    return {"waiting": waiting, "decided": decided, "following": following, "paged": before is not None, "me": me}


def tell(number: str, made: AmendmentRequest, event: CaseEvent | None) -> None:
    """Say on the next page what became of what was asked."""
    if event is not None:
        return acts.tell(number, event)
    flash(_("Request No. %(number)s waits for a second person.", number=made.id), "success")


def _act_form(
    session: Session, file: CaseFile, typed: Mapping[str, str], refusal: DomainError | None
) -> tuple[acts.ActForm | None, DomainError | None]:
    """The form of the correction that the case takes in its state; else why it takes none."""
    try:
        move = requests.correction_of(session, file.case)
    except DomainError as obstacle:
        return None, obstacle
    refused = acts.Refusal(move, typed, refusal) if refusal else None
    form = acts.form_of(session, move, file.case, refused, typed=typed)
    return replace(form, inputs=[replace(one, field=replace(one.field, required=True)) for one in form.inputs]), None


def _asked(session: Session, number: str, typed: Mapping[str, str]) -> tuple[str, str, Any, dict[str, Any]]:
    """What `second_person.ask` takes first: the transition, the case, the actor and the values that were typed."""
    case = counters.unless_changed(session, number, typed.get("seen"))
    move = requests.correction_of(session, case)
    return move.name, number, current_actor(), acts.values_of(move, typed)


def _with(typed: Mapping[str, str]) -> dict[str, Any]:
    """Who asks, and with which evidence."""
    return {"requester": Requester(*(typed.get(name, "") for name in REQUESTER)), "files": _list(typed, "evidence")}


def _list(typed: Mapping[str, str], name: str) -> list[str]:
    return typed.getlist(name) if isinstance(typed, MultiDict) else []


def _previewed(session: Session, number: str, typed: Mapping[str, str]) -> Correction:
    asked = _asked(session, number, typed)
    second_person.draft(session, *asked, **_with(typed))
    move = acts.transition_called(asked[0])
    case = enquiries.case_seen(session, number, current_actor())
    return previews.preview_correction(session, move, case, current_actor(), asked[3])


def _typed_again(session: Session, earlier: int, number: str) -> Mapping[str, str]:
    """What the form of a request that is made anew begins with; nothing for one of another case."""
    whole = requests.whole(session, earlier, current_actor())
    made, typed = whole.request, MultiDict[str, str]()
    if whole.case.number == number and made.kind in requests.CORRECTIONS:
        typed.update({acts.CHANGE + name: "" if value is None else str(value) for name, value in made.proposed.items()})
        typed.update({name: getattr(made, name) or "" for name in (*REQUESTER, "comment")})
        typed["reason"] = made.reason_code
        typed.setlist("evidence", [str(file.id) for file in whole.files])
    return typed


def _shown_here(error: DomainError) -> DomainError:
    """The refusal, where the form can show it; who may not or finds nothing is told so elsewhere."""
    if error.field is None and error.status in (403, 404):
        raise error
    return error


def _sent_again(typed: Mapping[str, str]) -> list[tuple[str, str]]:
    pairs = typed.items(multi=True) if isinstance(typed, MultiDict) else typed.items()
    return [(name, value) for name, value in pairs if name != "csrf_token"]


def _in_words(form: acts.ActForm, found: Correction) -> list[Change]:
    inputs = {each.column: each for each in form.changes}

    def said(column: str, value: Any) -> str:
        code = "" if value is None else str(value)
        return dict(inputs[column].options or ()).get(code, code)

    return [
        Change(inputs[column].label, said(column, before), said(column, after))
        for column, (before, after) in found.changes.items()
    ]


def crumbs_to(kinds: tuple[str, ...]) -> list[Crumb]:
    """Breadcrumbs to the page that lists requests of these kinds."""
    correction = (_("Correction"), url_for("CorrectionView.start"))
    void = (_("Void booklet"), url_for("VoidView.start"))
    return [(_("Security"), None), correction if kinds == requests.CORRECTIONS else void]


VIEWS = (CorrectionView,)
