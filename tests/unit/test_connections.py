"""Who is recorded with what an operator does."""

import base64
import getpass
import json
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

from shared.connections import open_blobs, open_service_bus, open_tables, opened_credential, read_name
from shared.model.maintenance import Maintenance
from shared.settings import Connections, Secret, ServiceBusConnection, StorageConnection

IN_AZURE = Connections(
    ServiceBusConnection(None, "sb.example"), StorageConnection(None, "https://t", "https://b"), "app", Maintenance()
)
LOCAL = Connections(
    ServiceBusConnection(Secret("Endpoint=x"), None),
    StorageConnection(Secret("UseDevelopmentStorage=true"), None, None),
    None,
    Maintenance(),
)


class Signed:
    """A credential with one token of Entra."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del kwargs
        assert scopes == ("https://storage.azure.com/.default",)
        return AccessToken(self._token, 0)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *of: object) -> None: ...


def token(**claims: str) -> Signed:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Signed(f"header.{payload}.signature")


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"upn": "kim@contoso.com", "oid": "1"}, "kim@contoso.com"),
        ({"unique_name": "guest@example.com", "oid": "1"}, "guest@example.com"),
        ({"appid": "11111111-2222", "oid": "1"}, "11111111-2222"),
        ({"oid": "1"}, "1"),
        ({}, "unknown"),
    ],
)
async def test_name_is_the_account_that_entra_signed_in(claims: dict[str, str], name: str) -> None:
    assert await read_name(token(**claims), IN_AZURE) == name


async def test_local_services_ask_nobody_to_sign_in() -> None:
    assert await read_name(token(upn="kim@contoso.com"), LOCAL) == f"{getpass.getuser()} (local)"


async def test_people_sign_in_with_azure_cli_and_the_app_with_its_identity() -> None:
    async with opened_credential(IN_AZURE, as_app=False) as person, opened_credential(IN_AZURE, as_app=True) as app:
        assert isinstance(person, AzureCliCredential)
        assert isinstance(app, ManagedIdentityCredential)


async def test_connections_lead_where_the_settings_say() -> None:
    credential: Any = token()
    bus = open_service_bus(IN_AZURE.service_bus, credential)
    assert bus.fully_qualified_namespace == "sb.example"
    storage = StorageConnection(None, "https://t.example", "https://b.example")
    async with open_tables(storage, credential) as tables, open_blobs(storage, credential) as blobs:
        assert (tables.url, blobs.url) == ("https://t.example", "https://b.example/")
