"""The app's Entra token on each request to F&O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final

import httpx
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

_MARGIN: Final = 300.0
"""Seconds before its expiry at which a token is renewed, so that none expires under way."""

_NEW: Final = "{}"
"""Empty claims: for any claims azure-identity gets a new token instead of returning its cached one."""


class EntraAuth(httpx.Auth):
    """Signs requests for one F&O environment; a 401 is answered once with a new token.

    The scope is the environment's address without a trailing slash: with one, F&O sees another audience.
    Errors of the credential (azure.core.exceptions) pass through.
    """

    def __init__(
        self, credential: AsyncTokenCredential, base_url: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._credential = credential
        self._scope = f"{base_url.rstrip('/')}/.default"
        self._now = now
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._valid()
        request.headers["Authorization"] = f"Bearer {token.token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = await self._valid(other_than=token)
            request.headers["Authorization"] = f"Bearer {token.token}"
            yield request

    async def _valid(self, *, other_than: AccessToken | None = None) -> AccessToken:
        """A token that is valid for another five minutes. Concurrent callers share one renewal."""
        async with self._lock:
            refused = other_than is not None and self._token is other_than
            if refused:
                self._token = await self._credential.get_token(self._scope, claims=_NEW)
            elif self._token is None or self._token.expires_on - self._now() < _MARGIN:
                self._token = await self._credential.get_token(self._scope)
            return self._token
