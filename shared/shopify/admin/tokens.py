"""Access tokens for one shop's Admin API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

import httpx

from shared.errors import DeniedError, ErrorCode, TransientError
from shared.settings import Secret
from shared.shopify.scopes import missing_scopes

_MARGIN: Final = 300.0
"""Seconds before its expiry at which a token is renewed."""


class TokenSource(Protocol):
    async def token(self, *, other_than: Secret | None = None) -> Secret:
        """A valid token, other than one that Shopify has just refused."""


class MissingCredentials:
    """In place of a shop's credentials while the app does not have them: its calls wait, as those that are denied."""

    async def token(self, *, other_than: Secret | None = None) -> Secret:  # noqa: ARG002 - as TokenSource
        raise DeniedError(ErrorCode.SHOPIFY_DENIED, message="the app does not have the shop's credentials")


class ClientCredentials:
    """The client credentials grant, for an app and a shop of the same organisation. Tokens are valid for 24 hours.

    Concurrent callers share one renewal. Raises DeniedError SHOPIFY_DENIED for wrong credentials and for missing
    access scopes, TransientError when Shopify does not answer.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        client_id: str,
        client_secret: Secret,
        scopes: Collection[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is the shop's address without a trailing slash, `scopes` those that the app needs."""
        self._http = http
        self._url = f"{url}/admin/oauth/access_token"
        self._form = {"grant_type": "client_credentials", "client_id": client_id}
        self._secret = client_secret
        self._scopes = scopes
        self._clock = clock
        self._token: Secret | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def token(self, *, other_than: Secret | None = None) -> Secret:
        async with self._lock:
            refused = other_than is not None and self._token is other_than
            if self._token is None or refused or self._clock() > self._until - _MARGIN:
                self._token, self._until = await self._request()
            return self._token

    async def _request(self) -> tuple[Secret, float]:
        try:
            response = await self._http.post(
                self._url,
                data={**self._form, "client_secret": self._secret.reveal()},
                headers={"Accept": "application/json"},
            )
        except httpx.RequestError as error:
            raise TransientError(f"Shopify gives no token: {type(error).__name__}") from error
        status = response.status_code
        if httpx.codes.is_server_error(status) or status == httpx.codes.TOO_MANY_REQUESTS:
            raise TransientError(f"Shopify gives no token: {status}")
        try:
            grant = response.json() if response.is_success else {}
        except ValueError:
            grant = {}
        match grant:
            case {"access_token": str(token), "scope": str(scope), "expires_in": int(seconds)}:
                pass
            case _:
                raise DeniedError(ErrorCode.SHOPIFY_DENIED, message=f"the app's credentials were refused ({status})")
        if missing := missing_scopes(scope.split(","), self._scopes):
            raise DeniedError(ErrorCode.SHOPIFY_DENIED, message=f"the app lacks the access scopes {', '.join(missing)}")
        return Secret(token), self._clock() + seconds
