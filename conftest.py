"""pytest's configuration of this repository."""

pytest_plugins = ["pytester"]
