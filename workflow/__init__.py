"""What may happen: the only code that changes business state. It knows no Flask request and no HTML.

Importing any part of it declares every transition and every control, so that none is forgotten by who imports one.
"""

from workflow import cases, personalisation, quality, delivery, amendments, extensions, controls, shipments  # noqa: F401, I001  (a case's life)
