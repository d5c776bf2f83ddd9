"""Sections of a run.toml, whose writer is known: one key a line. The standard library reads TOML from Python 3.11 on
only."""

from __future__ import annotations

import json
import re
from typing import Any, Dict


def _value(text: str) -> Any:
    if text.startswith("{"):
        keys = re.findall(r'([\w-]+) = ("[^"]*"|\[[^]]*\]|[^,}\s]+)', text)
        return {key: _value(value) for key, value in keys}
    if text.startswith(("[", '"')) or text in ("true", "false"):
        return json.loads(text)
    try:
        return int(text)
    except ValueError:
        return float(text)


def section(text: str, header: str) -> Dict[str, Any]:
    """The keys of the section `header` with their values; empty where there is no such section."""
    found = re.search(rf"^\[{re.escape(header)}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    keys = re.findall(r"^([\w-]+) = (.*)$", found.group(1) if found else "", re.M)
    return {key: _value(value) for key, value in keys}
