"""The menu: the manual's 57 modules in its groups and order (SPEC 3); one entry each, shown to who may use it."""

from dataclasses import dataclass

from models.text import N_
from reports.catalogue import REPORTS, TRAILS
from reports.declaration import Report
from security.permissions import REPORTS as PERMISSIONS
from security.permissions import TRAILS as TRAIL_PERMISSIONS
from security.permissions import Permission as P


@dataclass(frozen=True)
class Item:
    """A module. `queue`: the key of a queue whose pages belong to the module besides those under its own address.

    `number` is the manual's; None for what it does not have. `also`: other permissions that open it.
    """

    number: int | None
    label: str
    icon: str
    endpoint: str
    permission: P
    values: tuple[tuple[str, str], ...] = ()
    queue: str | None = None
    also: tuple[P, ...] = ()

    @property
    def permissions(self) -> tuple[P, ...]:
        """One of them shows it."""
        return (self.permission, *self.also)


@dataclass(frozen=True)
class Group:
    key: str
    label: str
    icon: str
    items: tuple[Item, ...]


def _queue(number: int, label: str, icon: str, key: str, permission: P) -> Item:
    return Item(number, label, icon, "QueueView.sites", permission, (("key", key),))


def _report(report: Report) -> Item:
    return Item(report.number, report.title, report.icon, "ReportView.show", report.permission, (("key", report.key),))


def _catalog(number: int, label: str, view: str) -> Item:
    return Item(number, label, "list-ul", f"{view}.list", P.READ_CATALOGS)


MENU = (
    Group(
        "monitoring",
        N_("Monitoring"),
        "clipboard-check",
        (
            _queue(1, N_("Supervision"), "person-check", "supervision", P.AUTHORISE_CASES),
            _queue(2, N_("Pre-printing"), "printer", "printing", P.PRINT_BOOKLETS),
            Item(3, N_("Post-printing"), "box-arrow-up-right", "DeliveryView.start", P.DELIVER, queue="delivery"),
            Item(4, N_("Quality control"), "upc-scan", "QualityView.start", P.CHECK_QUALITY, queue="quality"),
            _queue(5, N_("Mobile pre-printing"), "truck", "mobile-printing", P.PRINT_MOBILE),
            _queue(6, N_("In printing"), "hourglass-split", "in-printing", P.RESUME_PRINTS),
            _queue(7, N_("Secondary validation"), "shield-exclamation", "secondary", P.DECIDE_SECONDARY),
        ),
    ),
    Group(
        "stock",
        N_("Stock"),
        "boxes",
        (
            Item(8, N_("Receipts"), "box-arrow-in-down", "ReceiptView.list", P.READ_STOCK),
            Item(9, N_("Issues"), "box-arrow-up", "IssueView.list", P.READ_STOCK),
            Item(10, N_("Transfers"), "truck", "TransferView.list", P.READ_STOCK),
            Item(None, N_("Stock and supply"), "boxes", "OnHandView.list", P.READ_STOCK),
            Item(None, N_("Day closings"), "calendar-check", "ClosingView.list", P.READ_STOCK),
            Item(
                None,
                N_("Lost or stolen documents"),
                "shield-exclamation",
                "LostDocumentView.list",
                P.READ_LOST_DOCUMENTS,
            ),
        ),
    ),
    Group(
        "enquiries",
        N_("Enquiries"),
        "search",
        (
            Item(11, N_("Case"), "file-person", "EnquiryView.case", P.READ_CASES),
            Item(12, N_("Search of people"), "person-bounding-box", "EnquiryView.people", P.SEARCH_CASES),
            Item(13, N_("Booklet"), "passport", "BookletView.start", P.READ_BOOKLETS),
            Item(14, N_("Former cases"), "archive", "FormerView.search", P.SEARCH_FORMER),
            Item(15, N_("Case enquiry"), "search", "EnquiryView.search", P.SEARCH_CASES),
        ),
    ),
    Group(
        "reports",
        N_("Reports"),
        "bar-chart",
        (
            *map(_report, REPORTS.values()),
            Item(None, N_("Refusal rates"), "speedometer2", "QualityRatesView.list", P.VOID_BOOKLETS),
            Item(
                None,
                N_("My reports"),
                "download",
                "FileView.list",
                P.REPORT_STOCK_ON_HAND,
                also=(*PERMISSIONS, *TRAIL_PERMISSIONS),
            ),
        ),
    ),
    Group(
        "catalogs",
        N_("Catalogs"),
        "journal-text",
        (
            _catalog(33, N_("Countries"), "CountryView"),
            _catalog(34, N_("Marital statuses"), "MaritalStatusView"),
            _catalog(35, N_("Occupations"), "OccupationView"),
            _catalog(36, N_("Eye colours"), "EyeColourView"),
            _catalog(37, N_("Skin tones"), "SkinToneView"),
            _catalog(38, N_("Hair colours"), "HairColourView"),
            _catalog(39, N_("Identification types"), "IdentificationTypeView"),
            _catalog(40, N_("Passport types"), "PassportTypeView"),
            _catalog(41, N_("Departments"), "DepartmentView"),
            _catalog(42, N_("Municipalities"), "MunicipalityView"),
            _catalog(43, N_("Site"), "SiteView"),
            _catalog(44, N_("Authorisation and rejection reasons"), "DecisionReasonView"),
            _catalog(45, N_("List types"), "ListTypeView"),
            _catalog(46, N_("Stock categories"), "StockCategoryView"),
            _catalog(47, N_("Stock movement types"), "StockMovementTypeView"),
            _catalog(48, N_("Warehouses"), "WarehouseView"),
            _catalog(49, N_("Void types"), "VoidTypeView"),
        ),
    ),
    Group(
        "security",
        N_("Security"),
        "shield-lock",
        (
            Item(50, N_("Users"), "people", "UserView.list", P.READ_USERS),
            Item(None, N_("Access reviews"), "clipboard-check", "ReviewView.list", P.REVIEW_ACCESS),
            Item(51, N_("Profiles"), "person-badge", "ProfileView.list", P.READ_PROFILES),
            Item(53, N_("Web service parameters"), "plug", "ServiceView.list", P.SET_SERVICES),
            Item(54, N_("USA address"), "mailbox", "ShipmentView.list", P.PREPARE_SHIPMENTS, also=(P.SEND_SHIPMENTS,)),
            Item(55, N_("Correction"), "pencil-square", "CorrectionView.start", P.CORRECT_CASES),
            Item(56, N_("Void booklet"), "slash-circle", "VoidView.start", P.VOID_BOOKLETS),
            Item(57, N_("Passport extension"), "calendar-range", "ExtensionView.start", P.EXTEND_PASSPORTS),
            Item(None, N_("Controls"), "sliders", "ControlView.list", P.READ_CONTROLS),
            Item(None, N_("Watch lists"), "flag", "WatchListView.list", P.READ_WATCH_LISTS, also=(P.LOAD_WATCH_LISTS,)),
            *map(_report, TRAILS.values()),
            Item(None, N_("Access tokens"), "key", "TokenView.list", P.EDIT_USERS),
        ),
    ),
)
