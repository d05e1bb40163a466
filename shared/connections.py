"""Clients of Azure's services: with a connection string (local emulators) or with an identity, the app's or a person's.

They connect at their first use. A call to storage that hangs fails within a minute and a half, retries included: an
invocation may last four (host.json), and needs the time to have its message wait.
"""

from __future__ import annotations

import base64
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.request import getproxies_environment

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential
from azure.servicebus.aio import ServiceBusClient
from azure.storage.blob.aio import BlobServiceClient

from shared.settings import Connections, ServiceBusConnection, StorageConnection

_STORAGE: Final[dict[str, Any]] = {
    "connection_timeout": 5,
    "read_timeout": 15,
    "retry_total": 3,
    "auto_request_id": False,
    "use_env_settings": bool(getproxies_environment()),
}
"""Seconds, of each attempt. aiohttp looks for a proxy in the environment and in .netrc at each call, if it may.

Tables get no request id of our own: to make it takes as long as to send the request, and storage's tells more.
"""
_BLOBS: Final[dict[str, Any]] = {"initial_backoff": 1, "increment_base": 2}
_STORAGE_SCOPE: Final = "https://storage.azure.com/.default"
_AZ_SECONDS: Final = 60
_NAME_LIMIT: Final = 100


def open_service_bus(connection: ServiceBusConnection, credential: AsyncTokenCredential) -> ServiceBusClient:
    if connection.connection_string:
        return ServiceBusClient.from_connection_string(connection.connection_string.reveal())
    return ServiceBusClient(connection.namespace or "", credential)


def open_tables(connection: StorageConnection, credential: AsyncTokenCredential) -> TableServiceClient:
    if connection.connection_string:
        return TableServiceClient.from_connection_string(connection.connection_string.reveal(), **_STORAGE)
    return TableServiceClient(connection.table_uri or "", credential=credential, **_STORAGE)


def open_blobs(connection: StorageConnection, credential: AsyncTokenCredential) -> BlobServiceClient:
    if connection.connection_string:
        return BlobServiceClient.from_connection_string(connection.connection_string.reveal(), **_STORAGE, **_BLOBS)
    return BlobServiceClient(connection.blob_uri or "", credential=credential, **_STORAGE, **_BLOBS)


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
    token = await credential.get_token(_STORAGE_SCOPE)
    return _name_in(token.token)


def _name_in(token: str) -> str:
    """The account that an access token of Entra was issued to: only read, its signature is storage's to check."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    # A person's tokens have upn or, of a guest, unique_name; those of an application have appid.
    names = (claims.get(claim) for claim in ("upn", "unique_name", "appid", "oid"))
    return str(next((name for name in names if name), "unknown"))[:_NAME_LIMIT]
