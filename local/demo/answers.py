"""Requests to the parts of the local stack, for the demo."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import httpx

from local.process import StackError


async def answer_of(call: Awaitable[httpx.Response]) -> Any:
    """The answer's JSON, None where there is none. Raises StackError with the answer for anything but success."""
    answer = await call
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise StackError(f"{answer.request.url} answered {answer.status_code}: {answer.text[:400]}")
    return answer.json() if answer.content else None
