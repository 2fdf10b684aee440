"""Users from a spreadsheet: the template, what a file would do, and doing it; the passwords are shown once."""

import csv
import io
import json

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import spreadsheets, user_import, whole_life

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UserImportView(Page):
    """`/users/import`."""

    route_base = "/users/import"
    default_view = "form"
    group, screen = N_("Security"), N_("Users")

    def home_url(self) -> str:
        return url_for("UserView.list")

    @expose("/")
    @needs(Permission.EDIT_USERS)
    def form(self) -> ResponseReturnValue:
        """Choose a file."""
        return self._form()

    @expose("/template")
    @needs(Permission.EDIT_USERS)
    def template(self) -> ResponseReturnValue:
        """A workbook with the headings and a line of example."""
        return _download(spreadsheets.write(user_import.TEMPLATE), XLSX, "usuarios.xlsx")

    @expose("/", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def preview(self) -> ResponseReturnValue:
        """What each row of the file would do; nothing is done."""
        sent = request.files.get("file")
        try:
            data = sent.stream.read(spreadsheets.LARGEST + 1) if sent else b""
            if not data:
                raise BadValue(N_("Choose a file."), field="file")
            table = spreadsheets.read(data, rows=user_import.ROWS_AT_MOST + 1)
            return self._preview(user_import.rows_of(table))
        except BadValue as refusal:
            return self._form(refusal)

    @expose("/confirm", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def confirm(self) -> ResponseReturnValue:
        """Do what was shown, all or nothing."""
        rows = _rows_sent()
        with transaction() as session:
            planned = user_import.plan(session, current_actor(), rows)
            if "aware" not in request.form and user_import.newly_alone(session, planned):
                return self._preview(rows)
            made = user_import.carry_out(session, current_actor(), rows, request.form.get("digest", ""))
        if request.form.get("as") == "csv":
            return _download(_csv(made), "text/csv; charset=utf-8", "claves.csv")
        title = _("Users imported")
        answer = make_response(self.page("users/imported.html", title, (title, None), made=made, back=self.home_url()))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _form(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        title = _("Import users")
        page = self.page(
            "users/import.html", title, (title, None), refusal=refusal, most=user_import.ROWS_AT_MOST,
            back=self.home_url(), headings=[names[0] for names in user_import.COLUMNS.values()],
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _preview(self, rows: list[dict[str, str]]) -> ResponseReturnValue:
        with transaction() as session:
            planned = user_import.plan(session, current_actor(), rows)
            alone = user_import.newly_alone(session, planned)
        title = _("Import users")
        return self.page(
            "users/import_preview.html", title, (title, None), plan=planned, rows=json.dumps(rows, ensure_ascii=False),
            alone=alone, shown=whole_life.SHOWN, kinds=("created", "changed", "same", "refused"),
        )  # fmt: skip


def _rows_sent() -> list[dict[str, str]]:
    """The rows that the preview gave along; 400 for what it cannot have given."""
    try:
        found = json.loads(request.form.get("rows", ""))
        rows = [{name: str(row[name]) for name in user_import.COLUMNS} for row in found]
    except (ValueError, TypeError, KeyError):
        rows = []
    if not 0 < len(rows) <= user_import.ROWS_AT_MOST or any("\x00" in text for row in rows for text in row.values()):
        raise BadValue(N_("Choose a file."), field="file")
    return rows


def _csv(made: list[user_import.Made]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_("User"), _("Name"), _("One-time password")])
    writer.writerows((one.username, one.name, one.password) for one in made)
    return text.getvalue().encode("utf-8-sig")


def _download(data: bytes, media_type: str, name: str) -> Response:
    answer = Response(data, mimetype=None, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


VIEWS = (UserImportView,)
