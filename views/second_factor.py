"""Segundo factor: setting up one's authenticator, its recovery codes, and moving to another telephone."""

import base64

import zxingcpp
from flask import current_app, make_response, request, session
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security import factors
from security.sealed import CannotUnseal, seal, unseal
from views.access import current_actor, needs, transaction
from views.frame import Page
from views.login import WRONG_CODE
from workflow import second_factors


class SecondFactorView(Page):
    """The secret is sealed in the cookie until its first code shows that the authenticator has it."""

    route_base = "/account/second-factor"
    screen = N_("Second factor")

    @expose("/")
    @needs()
    def index(self) -> ResponseReturnValue:
        """What there is, or the symbol to set it up."""
        return self._index()

    @expose("/", methods=["POST"])
    @needs()
    def enrol(self) -> ResponseReturnValue:
        """Set it up with a first code; the recovery codes are on this answer and never again."""
        with transaction() as db:
            codes = second_factors.enrol(db, current_actor(), _secret(), request.form.get("code", ""))
        if codes is None:
            return self._index(enrolling=_("This is not the code of this moment. Wait for the next one and try again."))
        session.pop("factor", None)
        return self._codes(codes, _("Your second factor is set up"))

    @expose("/codes", methods=["POST"])
    @needs()
    def renew_codes(self) -> ResponseReturnValue:
        """New recovery codes, against a code."""
        if not self._shown():
            return self._index(renewing=_(WRONG_CODE))
        with transaction() as db:
            codes = second_factors.renew_codes(db, current_actor())
        return self._codes(codes, _("New recovery codes"))

    @expose("/remove", methods=["POST"])
    @needs()
    def remove(self) -> ResponseReturnValue:
        """Take it away, against a code, to set up another."""
        if not self._shown():
            return self._index(removing=_(WRONG_CODE))
        with transaction() as db:
            second_factors.remove(db, current_actor())
        return self.back(_("The second factor was taken away."))

    def _shown(self) -> bool:
        manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
        return bool(manager.knows_code(current_actor().user_id, request.form.get("code", "")))

    def _index(self, **refusals: str) -> ResponseReturnValue:
        with transaction() as db:
            found = second_factors.mine(db, current_actor())
        if found is not None:
            kept, left = found
            page = self.page("account/factor.html", _("Second factor"), kept=kept, left=left, refusals=refusals)
        else:
            secret = _secret()
            address = factors.address_of(secret, current_actor().username)
            page = self.page(
                "account/factor_setup.html", _("Set up the second factor"), refusals=refusals,
                symbol=symbol_of(address), secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
                required=current_actor().lacks_factor,
            )  # fmt: skip
        return make_response(page, 400 if refusals else 200)

    def _codes(self, codes: list[str], title: str) -> ResponseReturnValue:
        return self.page("account/recovery_codes.html", title, (title, None), codes=codes)


def _secret() -> str:
    """The secret that is being set up in this browser, made the first time."""
    try:
        return unseal(session.get("factor", ""))
    except CannotUnseal:
        secret = factors.new_secret()
        session["factor"] = seal(secret)
        return secret


def symbol_of(text: str) -> str:
    """A QR code of `text`, as the address of a picture that a page holds in itself."""
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = zxingcpp.write_barcode_to_svg(symbol).encode()
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode()


VIEWS = (SecondFactorView,)
