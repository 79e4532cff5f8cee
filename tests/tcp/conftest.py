"""So that the tests of this room find their helper, whatever the import mode, and its assertions explain themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("dialogue")
