"""Services outside the house: asked about a person before a transaction begins, never while one is open.

A slow service then holds no lock, no connection and no row; docs/decisions/0019 says what was weighed.
"""
