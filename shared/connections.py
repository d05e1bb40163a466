"""Clients of Azure's services: with a connection string (local emulators) or with the app's managed identity.

They connect at their first use. A call to storage that hangs fails within a minute and a half, retries included: an
invocation may last four (host.json), and needs the time to have its message wait.
"""

from __future__ import annotations

from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.servicebus.aio import ServiceBusClient
from azure.storage.blob.aio import BlobServiceClient

from shared.settings import ServiceBusConnection, StorageConnection

_STORAGE: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 15, "retry_total": 3}
"""Seconds, of each attempt."""
_BLOBS: Final[dict[str, Any]] = {"initial_backoff": 1, "increment_base": 2}


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
