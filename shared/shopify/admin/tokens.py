"""Access tokens for one shop's Admin API."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

import httpx

from shared.errors import DeniedError, ErrorCode, TransientError
from shared.settings import Secret
from shared.shopify.scopes import missing_scopes

_MARGIN: Final = 300.0
"""Seconds before its expiry at which a token is renewed."""

_PASSING: Final = {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS}
_REASON_LENGTH: Final = 200
_OAUTH_ERROR: Final = re.compile(r"[Oo]auth error (\w+(?:: [^<\n]*)?)")
"""In the page that Shopify gives to a browser."""


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
        if httpx.codes.is_server_error(status) or status in _PASSING:
            raise TransientError(f"Shopify gives no token: {status}")
        answer = _json(response)
        match answer if response.is_success else {}:
            case {"access_token": str(token), "scope": str(scope), "expires_in": int(seconds)}:
                pass
            case _:
                reason = self._reason(response, answer)
                raise DeniedError(ErrorCode.SHOPIFY_DENIED, message=f"no access token (HTTP {status}){reason}")
        if missing := missing_scopes(scope.split(","), self._scopes):
            raise DeniedError(ErrorCode.SHOPIFY_DENIED, message=f"the app lacks the access scopes {', '.join(missing)}")
        return Secret(token), self._clock() + seconds

    def _reason(self, response: httpx.Response, answer: Any) -> str:
        """What Shopify says of a refusal, ": " before it; "" if it says nothing.

        It answers in OAuth's form, or with a page for people that has the same words. What was sent is left out.
        """
        match answer:
            case {"error": str(code), "error_description": str(description)}:
                text = f"{code}: {description}"
            case {"error": str(code)}:
                text = code
            case _:
                found = _OAUTH_ERROR.search(response.text)
                text = found[1] if found else ""
        for sent in (self._secret.reveal(), self._form["client_id"]):
            text = text.replace(sent, "***")
        return f": {text[:_REASON_LENGTH].strip()}" if text else ""


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
