"""How `/_sim` reads and writes JSON."""

import json
from decimal import Decimal
from typing import Any

from aiohttp import web

from local.d365 import edm


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object sent, empty when nothing was. Raises HTTPBadRequest for anything else."""
    text = await request.text()
    try:
        raw = edm.loads(text) if text else {}
    except ValueError as error:
        raise bad_request(f"no JSON: {error}") from error
    if not isinstance(raw, dict):
        raise bad_request("a JSON object is needed")
    return raw


def number_of(raw: Any) -> Decimal:
    try:
        found = Decimal(raw)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise bad_request(f"{raw!r} is no number") from error
    if not found.is_finite():
        raise bad_request(f"{raw!r} is no number")
    return found


def bad_request(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": reason}) + "\n", content_type="application/json")


def json_answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=edm.dumps(value) + "\n", status=status, content_type="application/json")
