"""JSON answers of the endpoints that people call by hand: they end with a newline, as a terminal needs it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


def json_line(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value) + "\n", status=status, content_type="application/json")
