"""Recorded examples of the exchange's API: requests, answers and errors."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

_TEXT = (Path(__file__).parents[2] / "data" / "api_examples.json").read_text()

EXAMPLES: dict[str, Any] = json.loads(_TEXT)
EXACT: dict[str, Any] = json.loads(_TEXT, parse_float=Decimal)  # as the client parses them
REST: dict[str, Any] = EXAMPLES["rest"]
ERRORS: dict[str, Any] = EXAMPLES["errors"]
