"""Access tokens: opaque, for one audience, for a while."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    client_id: str
    audience: str
    expires: datetime


class Tokens:
    def __init__(self, clock: Callable[[], datetime], lifetime: timedelta) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._issued: dict[str, Token] = {}

    def issue(self, client_id: str, audience: str) -> Token:
        token = Token(secrets.token_urlsafe(48), client_id, audience, self._clock() + self._lifetime)
        self._issued[token.text] = token
        return token

    def bearer(self, authorization: str, audience: str) -> str | None:
        """The client id behind an Authorization header, None unless its token is good here and now."""
        scheme, _, text = authorization.partition(" ")
        token = self._issued.get(text)
        if scheme.lower() != "bearer" or token is None:
            return None
        return token.client_id if token.audience == audience and self._clock() < token.expires else None

    def revoke(self) -> None:
        """Every token issued so far is void."""
        self._issued.clear()
