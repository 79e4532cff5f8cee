"""``python -m tcpprobe``."""

from __future__ import annotations

import sys

from tcpprobe.cli.main import main

sys.exit(main())
