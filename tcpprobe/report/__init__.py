"""Results as a page, as Markdown, as text in a terminal, as a capture."""
