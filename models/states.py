"""The words of a case's life: its states, the events of its log, the findings of the checks, with their labels."""

from enum import StrEnum

from models.text import N_


class State(StrEnum):
    """Where a case stands (models/seed/estados_caso.csv)."""

    ENROLADA = "ENROLADA"
    VALIDACION_SECUNDARIA = "VALIDACION_SECUNDARIA"
    AUTORIZADA = "AUTORIZADA"
    RECHAZADA = "RECHAZADA"
    EN_IMPRESION = "EN_IMPRESION"
    IMPRESA = "IMPRESA"
    POST_IMPRESION = "POST_IMPRESION"
    ENTREGADA = "ENTREGADA"
    CORREGIDA = "CORREGIDA"


TERMINAL = frozenset({State.RECHAZADA, State.ENTREGADA, State.CORREGIDA})

STATE_LABELS = {
    State.ENROLADA: N_("Enrolled"),
    State.VALIDACION_SECUNDARIA: N_("In secondary validation"),
    State.AUTORIZADA: N_("Authorised"),
    State.RECHAZADA: N_("Rejected"),
    State.EN_IMPRESION: N_("Being printed"),
    State.IMPRESA: N_("Printed"),
    State.POST_IMPRESION: N_("Awaiting delivery"),
    State.ENTREGADA: N_("Delivered"),
    State.CORREGIDA: N_("Corrected"),
}


class Event(StrEnum):
    """What the log of a case can say (models/seed/eventos_bitacora.csv)."""

    RECEPCION = "RECEPCION"
    REVISION = "REVISION"
    INCONSISTENCIA = "INCONSISTENCIA"
    AUTORIZACION = "AUTORIZACION"
    ACEPTACION_SECUNDARIA = "ACEPTACION_SECUNDARIA"
    RECHAZO = "RECHAZO"
    IMPRESION = "IMPRESION"
    IMPRESION_GENERADA = "IMPRESION_GENERADA"
    IMPRESION_ACEPTADA = "IMPRESION_ACEPTADA"
    IMPRESION_RECHAZADA = "IMPRESION_RECHAZADA"
    DOCUCHECK = "DOCUCHECK"
    CONTROL_CALIDAD_RECHAZADO = "CONTROL_CALIDAD_RECHAZADO"
    ENTREGA = "ENTREGA"
    ANULACION = "ANULACION"
    REACTIVACION = "REACTIVACION"
    CORRECCION = "CORRECCION"
    CREADO_POR_CORRECCION = "CREADO_POR_CORRECCION"
    CREADO_POR_PRORROGA = "CREADO_POR_PRORROGA"


EVENT_LABELS = {
    Event.RECEPCION: N_("Reception (enrolment)"),
    Event.REVISION: N_("Review"),
    Event.INCONSISTENCIA: N_("Inconsistency found"),
    Event.AUTORIZACION: N_("Authorisation"),
    Event.ACEPTACION_SECUNDARIA: N_("Acceptance in secondary validation"),
    Event.RECHAZO: N_("Rejection"),
    Event.IMPRESION: N_("Printing (booklet assigned)"),
    Event.IMPRESION_GENERADA: N_("Page generated"),
    Event.IMPRESION_ACEPTADA: N_("Print accepted"),
    Event.IMPRESION_RECHAZADA: N_("Print refused (booklet voided)"),
    Event.DOCUCHECK: N_("DocuCheck (quality control accepted)"),
    Event.CONTROL_CALIDAD_RECHAZADO: N_("Quality control refused (booklet voided)"),
    Event.ENTREGA: N_("Handed over"),
    Event.ANULACION: N_("Booklet voided"),
    Event.REACTIVACION: N_("Booklet reactivated"),
    Event.CORRECCION: N_("Correction"),
    Event.CREADO_POR_CORRECCION: N_("Case created by correction"),
    Event.CREADO_POR_PRORROGA: N_("Case created by extension"),
}


class Finding(StrEnum):
    """What an automatic check at intake can find (SPEC 2)."""

    CUI_CHECK_DIGIT = "CUI_CHECK_DIGIT"
    CUI_BIRTH_PLACE = "CUI_BIRTH_PLACE"
    REGISTRY_MISMATCH = "REGISTRY_MISMATCH"
    REGISTRY_UNAVAILABLE = "REGISTRY_UNAVAILABLE"
    RENEWAL_MISMATCH = "RENEWAL_MISMATCH"
    VALID_PASSPORT = "VALID_PASSPORT"
    DUPLICATE_CASE = "DUPLICATE_CASE"
    PAYMENT_USED = "PAYMENT_USED"
    MINOR_CONSENT = "MINOR_CONSENT"
    WATCH_LIST = "WATCH_LIST"
    WATCH_LIST_UNAVAILABLE = "WATCH_LIST_UNAVAILABLE"
    NAME_NOT_PRINTABLE = "NAME_NOT_PRINTABLE"


FINDING_LABELS = {
    Finding.CUI_CHECK_DIGIT: N_("The check digit of the CUI is wrong"),
    Finding.CUI_BIRTH_PLACE: N_("The CUI does not agree with the municipality of birth"),
    Finding.REGISTRY_MISMATCH: N_("The civil registry says otherwise"),
    Finding.REGISTRY_UNAVAILABLE: N_("The civil registry did not answer"),
    Finding.RENEWAL_MISMATCH: N_("The former passport does not match"),
    Finding.VALID_PASSPORT: N_("The person already holds a valid passport of this type"),
    Finding.DUPLICATE_CASE: N_("The person has another open case of this type"),
    Finding.PAYMENT_USED: N_("The payment slip is on another case"),
    Finding.MINOR_CONSENT: N_("The consent for the minor is not complete"),
    Finding.WATCH_LIST: N_("A name or CUI is on a list"),
    Finding.WATCH_LIST_UNAVAILABLE: N_("The watch-list service did not answer"),
    Finding.NAME_NOT_PRINTABLE: N_("The name cannot be written in the machine-readable zone"),
}
