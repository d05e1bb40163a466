"""Settings: complete and typed, or one error that lists everything."""

import json
import logging
from pathlib import Path

import pytest
from builders.root import ROOT

from shared.errors import ConfigurationError
from shared.settings import TENANTS, Secret, read_settings, store_keys
from shared.telemetry import correlated, emit, logger, redact

SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
AZURE = {
    **{name: value for name, value in SAMPLE.items() if name.startswith(("SHOPIFY_NORDLYS", "SHOPIFY_PRAIRIE"))},
    "ServiceBusConnection__fullyQualifiedNamespace": "sb-shop.servicebus.windows.net",
    "StateStorage__tableServiceUri": "https://ststate.table.core.windows.net",
    "StateStorage__blobServiceUri": "https://ststate.blob.core.windows.net",
    "D365_BASE_URL": "https://contoso.operations.dynamics.com/",
    "AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
}


def mistakes(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(environ)
    return str(caught.value)


def test_the_sample_is_complete() -> None:
    settings = read_settings(SAMPLE)
    assert set(settings.shops) == set(store_keys(ROOT / "config/stores")) == {"nordlys", "prairie"}
    assert settings.service_bus.connection_string is not None
    assert settings.shops["nordlys"].webhook_secrets == (Secret("dev-nordlys-new"), Secret("dev-nordlys-old"))


def test_in_azure_identities_take_the_place_of_connection_strings() -> None:
    settings = read_settings(AZURE)
    assert settings.service_bus.namespace == "sb-shop.servicebus.windows.net"
    assert settings.service_bus.connection_string is None
    assert settings.d365_base_url == "https://contoso.operations.dynamics.com"
    assert settings.shopify_base_url == "https://{shop_domain}"
    assert settings.order_change_pause == 10


def test_the_file_of_the_environment_has_the_name_of_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(SAMPLE).tenant_file == TENANTS / "local.toml"
    assert read_settings(AZURE).tenant_file is None
    monkeypatch.setattr("shared.settings.TENANTS", tmp_path)
    (tmp_path / "contoso.toml").write_text("")
    assert read_settings(AZURE).tenant_file == tmp_path / "contoso.toml"
    assert "D365_TENANT is uat, but config/tenants has no uat.toml" in mistakes(AZURE | {"D365_TENANT": "uat"})


def test_one_error_lists_everything_that_is_missing() -> None:
    text = mistakes({})
    for name in (
        "ServiceBusConnection__fullyQualifiedNamespace",
        "StateStorage__tableServiceUri",
        "StateStorage__blobServiceUri",
        "D365_BASE_URL",
        "SHOPIFY_NORDLYS_WEBHOOK_SECRETS",
        "SHOPIFY_PRAIRIE_CLIENT_SECRET",
    ):
        assert name in text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("D365_BASE_URL", "http://contoso.operations.dynamics.com", "must start with https://"),
        ("WEBHOOK_BASE_URL", "http://orders.contoso.com", "must start with https://"),
        ("D365_MAX_CALLS", "0", "from 1 to 52"),
        ("D365_MAX_CALLS", "many", "not “many”"),
        ("WEBHOOK_PUBLISH_SECONDS", "9", "to 4.5"),
        ("ORDER_CHANGE_PAUSE_SECONDS", "-1", "from 0 to 60"),
        ("ORDER_CHANGE_PAUSE_SECONDS", "61", "from 0 to 60"),
        ("STORES_FOLDER", "config/none", "no store is configured"),
    ],
)
def test_a_wrong_value_is_explained(name: str, value: str, text: str) -> None:
    assert text in mistakes({**AZURE, name: value})


@pytest.mark.parametrize(
    ("given", "address"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"WEBSITE_HOSTNAME": "func-1.azurewebsites.net"}, "https://func-1.azurewebsites.net", id="Azure"),
        pytest.param({"WEBSITE_HOSTNAME": "localhost:7071"}, "", id="Core Tools"),
        pytest.param({"WEBHOOK_BASE_URL": "https://orders.contoso.com/"}, "https://orders.contoso.com", id="set"),
        pytest.param(
            {"WEBHOOK_BASE_URL": "https://orders.contoso.com", "WEBSITE_HOSTNAME": "func-1.azurewebsites.net"},
            "https://orders.contoso.com",
            id="a custom domain",
        ),
        pytest.param(
            {"WEBHOOK_BASE_URL": "", "WEBSITE_HOSTNAME": "func-1.azurewebsites.net"},
            "https://func-1.azurewebsites.net",
            id="left empty",
        ),
    ],
)
def test_the_apps_own_address_is_set_or_given_by_azure(given: dict[str, str], address: str) -> None:
    assert read_settings(AZURE | given).webhook_base_url == address


@pytest.mark.parametrize(
    ("name", "field", "default", "least", "most"),
    [
        ("D365_MAX_CALLS", "d365_max_calls", 8, 1, 52),
        ("D365_TIMEOUT_SECONDS", "d365_timeout", 120.0, 1, 180),
        ("WEBHOOK_MAX_BYTES", "webhook_max_bytes", 5_000_000, 10_000, 20_000_000),
        ("WEBHOOK_PUBLISH_SECONDS", "publish_timeout", 3.5, 0.1, 4.5),
    ],
)
def test_a_number_has_a_range_and_a_default(name: str, field: str, default: float, least: float, most: float) -> None:
    assert getattr(read_settings(AZURE), field) == default
    for value in (least, most):
        assert getattr(read_settings(AZURE | {name: str(value)}), field) == value
    step = 1 if isinstance(default, int) else 0.1
    for value in (least - step, most + step):
        assert f"{name} must be a number from {least} to {most}" in mistakes(AZURE | {name: str(value)})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SHOPIFY_NORDLYS_CLIENT_SECRET", "@Microsoft.KeyVault(SecretUri=https://v/secrets/x)", "was not resolved"),
        ("SHOPIFY_NORDLYS_CLIENT_SECRET", "", "is missing"),
        ("SHOPIFY_NORDLYS_CLIENT_ID", " ", "is missing"),
        ("SHOPIFY_NORDLYS_WEBHOOK_SECRETS", "", "is missing"),
        ("SHOPIFY_NORDLYS_WEBHOOK_SECRETS", " , ,", "is missing"),
        ("SHOPIFY_NORDLYS_WEBHOOK_SECRETS", "@Microsoft.KeyVault(SecretUri=https://v/secrets/x)", "was not resolved"),
    ],
)
def test_a_stores_missing_secret_is_a_mistake_of_that_store_alone(name: str, value: str, text: str) -> None:
    shops = read_settings({**AZURE, name: value}).shops
    (mistake,) = shops["nordlys"].mistakes
    assert mistake.startswith(name)
    assert text in mistake
    assert shops["prairie"].mistakes == ()
    assert shops["prairie"].webhook_secrets


def test_a_reference_that_was_not_resolved_never_counts_as_a_secret() -> None:
    unresolved = "@Microsoft.KeyVault(SecretUri=https://v/secrets/x)"
    names = ("WEBHOOK_SECRETS", "CLIENT_ID", "CLIENT_SECRET")
    shop = read_settings({**AZURE, **{f"SHOPIFY_NORDLYS_{name}": unresolved for name in names}}).shops["nordlys"]
    assert (shop.webhook_secrets, shop.client_id, shop.client_secret) == ((), "", Secret(""))


def test_a_secret_is_hidden_in_every_representation() -> None:
    settings = read_settings(SAMPLE)
    assert "dev-nordlys" not in repr(settings.shops["nordlys"].webhook_secrets)
    assert "dev-nordlys" not in f"{settings.shops['nordlys'].client_secret}"
    assert "SharedAccessKey" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail ada@example.com now", "mail <email> now"),
        ("call +1 (303) 555-0100 now", "call <phone> now"),
        ("token shpat_0123456789abcdef", "token <token>"),
        ("Bearer eyJ0eXAi.abc.def", "<token>"),
        ("order 5551234567890 NL5551234567890", "order 5551234567890 NL5551234567890"),
        ("a.b+c@example.com, d@e.fr;x@y.zz", "<email>, <email>;<email>"),
        ("mail=ada@example.com&sig=abc", "mail=<email>&<token>"),
        ("+13035550100 +1+13035550100", "<phone> +1<phone>"),
        ("token=eyJ0eXAi.abc.def %3DeyJ0eXAi.abc.def", "token=<token> %<token>"),
        ("a" * 60 + "@example.com", "<email>"),
        ("eyJ" * 60 + "@ " + "+1" * 60 + " shpat_", "eyJ" * 60 + "@ " + "+1" * 60 + " shpat_"),
    ],
)
def test_personal_data_and_tokens_are_masked_in_texts(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_events_are_one_json_line_with_their_correlation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=logger.name), correlated(event_id="e1", store="nordlys"):
        emit("message.done", document="NL42", nothing=None, cause="ada@example.com was refused")
    (record,) = caplog.records
    assert json.loads(record.getMessage()) == {
        "event": "message.done",
        "event_id": "e1",
        "store": "nordlys",
        "document": "NL42",
        "cause": "<email> was refused",
    }


KEY: str = "k" * 32


@pytest.mark.parametrize(
    ("text", "keys", "mistake"),
    [
        pytest.param("", (), "", id="no events"),
        pytest.param(" , ", (), "", id="only commas"),
        pytest.param(KEY, (Secret(KEY),), "", id="one"),
        pytest.param(f"{KEY}n, {KEY}o", (Secret(f"{KEY}n"), Secret(f"{KEY}o")), "", id="two during a rotation"),
        pytest.param(KEY[1:], (), "less than 32 characters", id="short"),
        pytest.param(f"{KEY},short", (), "less than 32 characters", id="one of them short"),
        pytest.param("@Microsoft.KeyVault(SecretUri=https://v/secrets/x)", (), "was not resolved", id="unresolved"),
    ],
)
def test_keys_for_fos_events_stop_nothing_else(text: str, keys: tuple[Secret, ...], mistake: str) -> None:
    settings = read_settings(AZURE | {"D365_EVENT_KEYS": text})
    assert settings.event_keys == keys
    assert mistake in "".join(settings.event_mistakes)
    assert bool(settings.event_mistakes) == bool(mistake)
    assert text not in "".join(settings.event_mistakes) or not text


def test_a_maintenance_window_that_cannot_be_read_stops_the_app_and_is_named() -> None:
    settings = read_settings(AZURE | {"D365_MAINTENANCE": "Sun 02:00-05:00 Europe/Amsterdam"})
    assert [window.day for window in settings.maintenance.windows] == [6]
    assert read_settings(AZURE).maintenance.windows == ()
    assert "D365_MAINTENANCE: “Sunday 2-5” is not as in" in mistakes(AZURE | {"D365_MAINTENANCE": "Sunday 2-5"})
