"""A shop whose credentials the app does not have: its calls wait, and none is sent."""

import httpx
import pytest

from shared.errors import DENIED_WAIT, DeniedError
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import MissingCredentials
from shared.shopify.queries import load


async def test_a_call_waits_without_being_sent() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(401)

    async def never(seconds: float) -> None:
        raise AssertionError(f"the client slept {seconds} s instead of leaving the wait to the queue")

    admin = AdminClient(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        "https://nordlys-outdoor.myshopify.com",
        api_version="2026-10",
        tokens=MissingCredentials(),
        on_call=lambda call: None,
        on_other_version=lambda version: None,
        sleep=never,
    )
    with pytest.raises(DeniedError) as waits:
        await admin.run(load("order_state"), {})
    assert waits.value.retry_after == DENIED_WAIT
    assert "does not have the shop's credentials" in waits.value.refusal.cause
    assert sent == []
