"""Scenarios: YAML files to compiled cases that a play can run. Import from the modules."""
