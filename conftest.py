"""pytest's configuration of this repository."""

# What is measured is no test, and what a run has written is none either.
collect_ignore = ["benchmarks", "reports"]
