"""A token for Shopify's Admin API that never ends."""

from __future__ import annotations

from shared.settings import Secret


class StaticToken:
    def __init__(self, token: Secret) -> None:
        self._token = token

    async def token(self, *, other_than: Secret | None = None) -> Secret:
        return self._token
