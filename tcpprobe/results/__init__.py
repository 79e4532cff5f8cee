"""Verdicts as data: what a run found, stored, read again, and set beside other runs."""
