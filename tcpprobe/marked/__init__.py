"""YAML that knows its line: text to nodes with places, and mistakes told all at once. Import from the modules."""
