"""Who gets into the F&O simulator, with which token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.identity.aio import ManagedIdentityCredential
from fixtures.d365_sim import Client, running_f_and_o

from local.d365 import Options

GROUPS = "/data/CustomerGroups?cross-company=true"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def d365(wire: None, clock: Clock) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=clock) as client:
        yield client


def form(d365: Client, **changes: str) -> dict[str, str]:
    options = d365.simulator.options
    return {
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "grant_type": "client_credentials",
        "scope": f"{d365.simulator.base_url}/.default",
        **changes,
    }


async def entra(d365: Client, fields: dict[str, str]) -> tuple[int, dict[str, str]]:
    url = f"{d365.simulator.base_url}/{d365.simulator.options.tenant}/oauth2/v2.0/token"
    async with d365.http.post(url, data=fields) as answer:
        return answer.status, await answer.json()


async def status_with(d365: Client, authorization: str) -> int:
    return (await d365.call("GET", GROUPS, Authorization=authorization)).status


async def test_client_credentials_give_a_token_for_an_hour(d365: Client) -> None:
    status, body = await entra(d365, form(d365))
    assert status == 200
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert await status_with(d365, f"Bearer {body['access_token']}") == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "https://elsewhere/.default"}, 400, "invalid_resource"),
        ({"scope": "https://elsewhere"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_request_gets_no_token(
    d365: Client,
    changes: dict[str, str],
    status: int,
    error: str,
) -> None:
    answered, body = await entra(d365, form(d365, **changes))
    assert (answered, body["error"]) == (status, error)


async def test_a_slash_too_many_in_the_scope_makes_a_token_that_f_and_o_refuses(d365: Client) -> None:
    status, body = await entra(d365, form(d365, scope=f"{d365.simulator.base_url}//.default"))
    assert status == 200
    assert await status_with(d365, f"Bearer {body['access_token']}") == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer unknown", "Basic abc"])
async def test_without_a_good_token_nothing_is_answered(d365: Client, authorization: str) -> None:
    answer = await d365.call("GET", GROUPS, Authorization=authorization)
    assert (answer.status, answer.text, answer.headers["WWW-Authenticate"]) == (401, "", "Bearer")


async def test_a_token_ends_after_its_time(d365: Client, clock: Clock) -> None:
    authorization = f"Bearer {d365.token()}"
    clock.now += timedelta(seconds=3598)
    assert await status_with(d365, authorization) == 200
    clock.now += timedelta(seconds=1)
    assert await status_with(d365, authorization) == 401


async def test_a_revoked_token_is_void_and_a_new_one_is_good(d365: Client) -> None:
    await d365.admin("POST", "tokens/revoke")
    assert await status_with(d365, d365.headers["Authorization"]) == 401
    assert await status_with(d365, f"Bearer {d365.token()}") == 200


async def test_an_application_that_f_and_o_does_not_list_is_refused(d365: Client) -> None:
    client_id = d365.simulator.options.client_id
    assert (await d365.data("DELETE", f"SysAADClients('{client_id}')")).status == 204
    assert await status_with(d365, d365.headers["Authorization"]) == 401


async def test_microsofts_managed_identity_credential_gets_in(
    d365: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{d365.simulator.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", Options().identity_header)
    async with ManagedIdentityCredential(client_id=d365.simulator.options.client_id) as credential:
        token = await credential.get_token(f"{d365.simulator.base_url}/.default")
        elsewhere = await credential.get_token("https://vault.azure.net/.default")
    # The simulator's clock is not the credential's; what counts is that the life span came across.
    assert token.expires_on == int((d365.simulator.clock() + timedelta(seconds=3599)).timestamp())
    assert await status_with(d365, f"Bearer {token.token}") == 200
    assert await status_with(d365, f"Bearer {elsewhere.token}") == 401


@pytest.mark.parametrize(
    ("changes", "header", "status"),
    [
        ({}, "wrong", 401),
        ({"client_id": "another"}, "dev-identity-header", 400),
        ({"api-version": "2017-09-01"}, "dev-identity-header", 400),
        ({"resource": ""}, "dev-identity-header", 400),
    ],
)
async def test_the_identity_endpoint_is_as_strict_as_app_services(
    d365: Client,
    changes: dict[str, str],
    header: str,
    status: int,
) -> None:
    asked = {"api-version": "2019-08-01", "resource": d365.simulator.base_url, **changes}
    url = f"{d365.simulator.base_url}/msi/token"
    async with d365.http.get(url, params=asked, headers={"X-IDENTITY-HEADER": header}) as answer:
        assert answer.status == status
