"""Every permission there is: one entry each, mapped to Flask-AppBuilder's pair of permission and view.

The entry's label is what the profile editor shows; its screen groups it there.
"""

from dataclasses import dataclass
from enum import Enum

from models.text import N_


@dataclass(frozen=True)
class Grant:
    """Flask-AppBuilder's pair (`can_<act>` on `screen`) and the words for people."""

    act: str
    screen: str
    label: str

    @property
    def pair(self) -> tuple[str, str]:
        return f"can_{self.act}", self.screen


class Permission(Enum):
    """A thing a profile may allow."""

    #: Each is one object; the enumeration's own hashes the name, by a call of Python's, at each test of a set.
    __hash__ = object.__hash__

    READ_CASES = Grant("read", "Cases", N_("See cases: data, requirements, findings, log"))
    SEE_IMAGES = Grant("images", "Cases", N_("See portrait, signature and fingerprints"))
    SEE_EVERY_SITE = Grant("every_site", "Sites", N_("See and act at every site"))
    SEARCH_CASES = Grant("search", "Enquiries", N_("Look up cases by number or names"))
    SEARCH_FORMER = Grant("former", "Enquiries", N_("Look up cases of the former system"))

    AUTHORISE_CASES = Grant("authorise", "Supervision", N_("Authorise or reject enrolled cases"))
    DECIDE_SECONDARY = Grant("decide", "Secondary validation", N_("Decide cases with findings"))
    PRINT_BOOKLETS = Grant("print", "Printing", N_("Assign booklets and print data pages"))
    PRINT_MOBILE = Grant("print_mobile", "Printing", N_("Print cases of mobile stations"))
    RESUME_PRINTS = Grant("resume", "Printing", N_("Resume cases stuck in printing"))
    CHECK_QUALITY = Grant("check", "Quality control", N_("Accept or refuse personalised booklets"))
    DELIVER = Grant("deliver", "Delivery", N_("Hand passports over"))

    PREPARE_SHIPMENTS = Grant("prepare", "Postal delivery", N_("Prepare passports for the mail: address and label"))
    SEND_SHIPMENTS = Grant("send", "Postal delivery", N_("Hand passports to the courier and follow them"))

    VOID_BOOKLETS = Grant("void", "Booklets", N_("Void booklets"))
    REACTIVATE_BOOKLETS = Grant("reactivate", "Booklets", N_("Reactivate booklets voided by mistake"))
    READ_BOOKLETS = Grant("read", "Booklets", N_("See booklets and their movements"))
    READ_LOST_DOCUMENTS = Grant("lost", "Booklets", N_("See the list of lost and stolen documents"))
    EXPORT_LOST_DOCUMENTS = Grant(
        "export_lost", "Booklets", N_("Export the list of lost and stolen documents for INTERPOL")
    )
    CORRECT_CASES = Grant("correct", "Corrections", N_("Correct the data of a case"))
    EXTEND_PASSPORTS = Grant("extend", "Extensions", N_("Extend passports"))

    READ_STOCK = Grant("read", "Stock", N_("See stock documents and stock"))
    RECEIVE_STOCK = Grant("receive", "Stock", N_("Enter receipts of booklets and close them"))
    TRANSFER_STOCK = Grant("transfer", "Stock", N_("Prepare transfers between warehouses and send them"))
    CONFIRM_TRANSFERS = Grant("confirm", "Stock", N_("Confirm transfers that arrived"))
    ISSUE_STOCK = Grant("issue", "Stock", N_("Issue booklets to printers and take them back"))
    DESTROY_BOOKLETS = Grant("destroy", "Stock", N_("Destroy voided booklets"))
    REVERSE_STOCK = Grant("reverse", "Stock", N_("Reverse stock documents closed by mistake"))
    CLOSE_DAYS = Grant("close_day", "Stock", N_("Count and close the day of a warehouse"))

    # A report each: the act is the report's name (a module of `reports`), the label its title.
    REPORT_STOCK_ON_HAND = Grant("stock_on_hand", "Reports", N_("Stock on hand"))
    REPORT_RECEIVED = Grant("received", "Reports", N_("Received cases"))
    REPORT_PRINTED = Grant("printed", "Reports", N_("Printed cases"))
    REPORT_DELIVERED = Grant("delivered", "Reports", N_("Delivered cases"))
    REPORT_PERSONALISED = Grant("personalised", "Reports", N_("Personalised cases"))
    REPORT_AUTHORISED = Grant("authorised", "Reports", N_("Authorised cases"))
    REPORT_REJECTED = Grant("rejected", "Reports", N_("Rejected cases"))
    REPORT_RECEIPTS = Grant("stock_receipts", "Reports", N_("Stock receipts"))
    REPORT_TRANSFERS = Grant("stock_transfers", "Reports", N_("Stock transfers"))
    REPORT_BOOKLET_LEDGER = Grant("booklet_ledger", "Reports", N_("Stock enquiry of a booklet"))
    REPORT_VOIDED = Grant("voided", "Reports", N_("Voided booklets"))
    REPORT_PRINTS = Grant("prints", "Reports", N_("Detailed prints"))
    REPORT_PRINTS_BY_DAY = Grant("prints_by_day", "Reports", N_("Summarised prints"))
    REPORT_VOIDED_RANGES = Grant("voided_ranges", "Reports", N_("Report of voided booklets"))
    REPORT_SLIPS = Grant("payment_slips", "Reports", N_("By payment slip"))
    REPORT_REPLACEMENTS = Grant("replacements", "Reports", N_("Replacements"))
    REPORT_ISSUED = Grant("issued", "Reports", N_("Issued by department"))

    # The trail, for auditors: reports of no site, for who sees every site.
    AUDIT_ACTS = Grant("audit_acts", "Trail", N_("Log of acts"))
    AUDIT_LOOKS = Grant("audit_looks", "Trail", N_("Log of looks and exports"))
    AUDIT_CHANGES = Grant("audit_changes", "Trail", N_("Log of changes"))

    READ_CATALOGS = Grant("read", "Catalogs", N_("See catalogs"))
    EDIT_CATALOGS = Grant("edit", "Catalogs", N_("Change catalogs"))
    READ_USERS = Grant("read", "Users", N_("See users"))
    EDIT_USERS = Grant("edit", "Users", N_("Create, change and disable users; reset passwords"))
    REVIEW_ACCESS = Grant("review", "Users", N_("Review who has access, and sign the review"))
    READ_PROFILES = Grant("read", "Profiles", N_("See profiles"))
    EDIT_PROFILES = Grant("edit", "Profiles", N_("Change profiles"))
    READ_CONTROLS = Grant("read", "Controls", N_("See the controls"))
    EDIT_CONTROLS = Grant("edit", "Controls", N_("Enforce controls, only warn, or switch them off"))
    SET_SERVICES = Grant("set", "Services", N_("Set and test the services outside the house (civil registry)"))
    READ_WATCH_LISTS = Grant("read", "Watch lists", N_("See the entries of watch lists"))
    LOAD_WATCH_LISTS = Grant("load", "Watch lists", N_("Load watch lists from files and withdraw them"))
    READ_API_DOCS = Grant("read", "API", N_("See the description of the programming interface"))

    ENROLL_READ = Grant("enroll.read", "Enrolment", N_("Station: read enrolments"))
    ENROLL_WRITE = Grant("enroll.write", "Enrolment", N_("Station: send enrolments"))
    ENROLL_BUFFER_READ = Grant("enroll.buf.read", "Enrolment", N_("Station: read buffers"))
    ENROLL_BUFFER_WRITE = Grant("enroll.buf.write", "Enrolment", N_("Station: send buffers"))

    @property
    def label(self) -> str:
        return self.value.label

    @property
    def screen(self) -> str:
        return self.value.screen


BY_PAIR = {permission.value.pair: permission for permission in Permission}
REPORTS = frozenset(permission for permission in Permission if permission.screen == "Reports")
TRAILS = frozenset(permission for permission in Permission if permission.screen == "Trail")

_OFFICE_SCREENS = ("Sites", "Users", "Profiles", "Controls", "Services", "Trail")
#: What is of the whole office: a profile held at one site alone does not give it.
OFFICE_WIDE = frozenset(
    {permission for permission in Permission if permission.screen in _OFFICE_SCREENS} | {Permission.EDIT_CATALOGS}
)
#: What a profile that may do all of these could carry a case through alone, from authorisation to delivery.
WHOLE_LIFE = frozenset(
    {Permission.AUTHORISE_CASES, Permission.PRINT_BOOKLETS, Permission.CHECK_QUALITY, Permission.DELIVER}
)
SCREEN_LABELS = {
    "Cases": N_("Cases"),
    "Sites": N_("Sites"),
    "Enquiries": N_("Enquiries"),
    "Supervision": N_("Supervision"),
    "Secondary validation": N_("Secondary validation"),
    "Printing": N_("Printing"),
    "Quality control": N_("Quality control"),
    "Delivery": N_("Delivery"),
    "Postal delivery": N_("Postal delivery"),
    "Booklets": N_("Booklets"),
    "Corrections": N_("Corrections"),
    "Extensions": N_("Extensions"),
    "Stock": N_("Stock"),
    "Reports": N_("Reports"),
    "Trail": N_("Audit"),
    "Catalogs": N_("Catalogs"),
    "Users": N_("Users"),
    "Profiles": N_("Profiles"),
    "Controls": N_("Controls"),
    "Services": N_("Outside services"),
    "Watch lists": N_("Watch lists"),
    "API": N_("Programming interface"),
    "Enrolment": N_("Enrolment stations"),
}
