"""English msgids of everything `printing` tells a person; the screens translate them.

They stand here and not in the screens so that a new cause or fact cannot be added without its words.
"""


def N_(message: str) -> str:
    """Mark a msgid for extraction; returns it unchanged."""
    return message


FIELD_LABELS = {
    "document_code": N_("Document code"),
    "issuer": N_("Issuing state"),
    "name": N_("Name"),
    "number": N_("Document number"),
    "number_digit": N_("Check digit of the document number"),
    "nationality": N_("Nationality"),
    "birth": N_("Date of birth"),
    "birth_digit": N_("Check digit of the date of birth"),
    "sex": N_("Sex"),
    "expiry": N_("Date of expiry"),
    "expiry_digit": N_("Check digit of the date of expiry"),
    "personal_number": N_("Personal number"),
    "personal_number_digit": N_("Check digit of the personal number"),
    "composite_digit": N_("Composite check digit"),
}

CAUSE_LABELS = {
    "NONE": N_("No difference"),
    "EMPTY": N_("Nothing was read"),
    "GS": N_("The reader sends separators (GS): scan again with the reader set for keyboard use"),
    "KEYBOARD_LAYOUT": N_("The reader and this computer use different keyboard layouts: `;` was read for `<`"),
    "CAPS_LOCK": N_("Capitals and small letters are exchanged: caps lock is on"),
    "ONE_ROW": N_("Only one row was read: scan both rows"),
    "LENGTH": N_("The scan is not two rows of 44 characters"),
    "ROWS_SWAPPED": N_("The rows were read in the wrong order"),
    "O_ZERO": N_("Letter O and digit 0 are exchanged"),
    "LOOK_ALIKE": N_("Characters that look alike are exchanged"),
    "OTHER_DOCUMENT": N_("This is the page of another passport"),
    "DIFFERENT": N_("The page differs from what was sent to the printer"),
}

SEAL_LABELS = {
    "NOT_A_SEAL": N_("This is not the signed code of a passport"),
    "LENGTH": N_("The code is too short or too long"),
    "ENCODING": N_("The code has characters that it cannot have"),
    "STRUCTURE": N_("The content of the code is malformed"),
    "UNKNOWN_CERTIFICATE": N_("The code is signed with a key that is not known here"),
    "OUTSIDE_VALIDITY": N_("The code is signed on a day on which its key was not valid"),
    "SIGNATURE": N_("The signature is false: the code was altered or forged"),
    "OTHER_MRZ": N_("The code is genuine but carries another machine readable zone"),
    "OTHER_BOOKLET": N_("The code is genuine but belongs to another booklet"),
    "OTHER_KIND": N_("The code is genuine but belongs to another kind of passport"),
}
