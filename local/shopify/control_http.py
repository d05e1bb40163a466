"""What the `_sim` endpoints read, and how they refuse it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


async def read_object(request: web.Request) -> dict[str, Any]:
    try:
        document = json.loads(await request.text())
    except ValueError as broken:
        raise bad_request(f"not JSON: {broken}") from broken
    if not isinstance(document, dict):
        raise bad_request("not a JSON object")
    return document


def bad_request(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"errors": text}) + "\n", content_type="application/json")


def not_found() -> web.HTTPNotFound:
    return web.HTTPNotFound(text=json.dumps({"errors": "Not Found"}) + "\n", content_type="application/json")


@contextmanager
def telling() -> Iterator[None]:
    """Answer 400 with what is wrong in a document."""
    try:
        yield
    except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
        raise bad_request(f"refused: {wrong!r}") from wrong
