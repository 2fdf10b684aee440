"""Invented people and their enrolments, for demo mode and for tests."""
