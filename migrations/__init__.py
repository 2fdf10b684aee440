"""Alembic's history: it owns every table, Flask-AppBuilder's included."""
