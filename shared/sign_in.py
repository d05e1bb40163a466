"""Who works with the app's state from a command line: a person signed in by `az login`, or the app's own identity."""

from __future__ import annotations

import base64
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

from shared.settings import Connections

_STORAGE: Final = "https://storage.azure.com/.default"
_AZ_SECONDS: Final = 60
_NAME_LIMIT: Final = 100


@asynccontextmanager
async def opened_credential(connections: Connections, *, as_app: bool) -> AsyncIterator[AsyncTokenCredential]:
    """Of the app's identity, on a machine that carries it; otherwise of whoever signed in by `az login`."""
    if as_app:
        async with ManagedIdentityCredential(client_id=connections.client_id) as app:
            yield app
    else:
        async with AzureCliCredential(process_timeout=_AZ_SECONDS) as person:
            yield person


async def read_name(credential: AsyncTokenCredential, connections: Connections) -> str:
    """The name to record with what is done: of the account, as Entra knows it, or of the machine's user where a
    connection string is used. Raises AzureError when nobody is signed in.
    """
    if connections.state.connection_string is not None:
        return f"{getpass.getuser()} (local)"
    token = await credential.get_token(_STORAGE)
    return _name_in(token.token)


def _name_in(token: str) -> str:
    """The account that an access token of Entra was issued to: only read, its signature is storage's to check."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    # A person's tokens have upn or, of a guest, unique_name; those of an application have appid.
    names = (claims.get(claim) for claim in ("upn", "unique_name", "appid", "oid"))
    return str(next((name for name in names if name), "unknown"))[:_NAME_LIMIT]
