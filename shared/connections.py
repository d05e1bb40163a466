"""Clients of Azure's services: with a connection string (local emulators) or with the app's managed identity.

They connect at their first use.
"""

from __future__ import annotations

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.servicebus.aio import ServiceBusClient
from azure.storage.blob.aio import BlobServiceClient

from shared.settings import ServiceBusConnection, StorageConnection


def open_service_bus(connection: ServiceBusConnection, credential: AsyncTokenCredential) -> ServiceBusClient:
    if connection.connection_string:
        return ServiceBusClient.from_connection_string(connection.connection_string.reveal())
    return ServiceBusClient(connection.namespace or "", credential)


def open_tables(connection: StorageConnection, credential: AsyncTokenCredential) -> TableServiceClient:
    if connection.connection_string:
        return TableServiceClient.from_connection_string(connection.connection_string.reveal())
    return TableServiceClient(connection.table_uri or "", credential=credential)


def open_blobs(connection: StorageConnection, credential: AsyncTokenCredential) -> BlobServiceClient:
    if connection.connection_string:
        return BlobServiceClient.from_connection_string(connection.connection_string.reveal())
    return BlobServiceClient(connection.blob_uri or "", credential=credential)
