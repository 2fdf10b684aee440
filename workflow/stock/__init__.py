"""The stock of booklets: the ledger, its documents, counts and enquiries (docs/decisions/0010, 0011)."""
