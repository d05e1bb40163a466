"""The app's settings: read once from the environment, typed, with all mistakes in one error.

Names follow Azure Functions' own rules, so that one name serves trigger and code: a connection `X` is either a
connection string in `X` (local emulators) or an identity with `X__fullyQualifiedNamespace`, `X__blobServiceUri` ...
(Azure). A store's secrets are `SHOPIFY_<KEY>_...`, in Azure references to Key Vault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from shared.errors import ConfigurationError
from shared.model.maintenance import Maintenance, read_maintenance

SERVICE_BUS: Final = "ServiceBusConnection"
FO_EVENTS: Final = "FoEventsConnection"
STATE: Final = "StateStorage"
MAINTENANCE: Final = "D365_MAINTENANCE"
LARGEST_WEBHOOK: Final = 20_000_000
"""Bytes of the largest body whose signature is computed, and so of the largest that can be accepted."""
SHORTEST_KEY: Final = 32
"""Characters of a key in an address, at least."""

_ROOT: Final = Path(__file__).resolve().parent.parent
TENANTS: Final = _ROOT / "config/tenants"
"""One file for each F&O environment, named by the first part of its host name."""


class Secret:
    """A value that is hidden in reprs, logs and tracebacks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class ServiceBusConnection:
    connection_string: Secret | None
    """For the local emulator only; in Azure the namespace allows no keys."""
    namespace: str | None
    """Host name, as in `sb-shop.servicebus.windows.net`."""


@dataclass(frozen=True, slots=True)
class StorageConnection:
    connection_string: Secret | None
    table_uri: str | None
    blob_uri: str | None


@dataclass(frozen=True, slots=True)
class ShopCredentials:
    """The secrets by which the app verifies a shop's webhooks, and its credentials for the shop's Admin API."""

    webhook_secrets: tuple[Secret, ...]
    """Every secret that Shopify may sign with now: the current one and, during a rotation, the former one."""
    client_id: str
    client_secret: Secret
    mistakes: tuple[str, ...] = ()
    """What is missing or wrong. The store is not served while there is any; the other stores are."""


@dataclass(frozen=True, slots=True)
class Settings:
    service_bus: ServiceBusConnection
    state: StorageConnection
    client_id: str | None
    """Of the user-assigned managed identity."""
    stores_folder: Path
    tenant_file: Path | None
    """How F&O behaves; None where no file describes the environment."""
    shops: Mapping[str, ShopCredentials]
    """By store key."""
    shopify_base_url: str
    """With `{shop_domain}` in it."""
    d365_base_url: str
    """Without a trailing slash: the token's audience is derived from it."""
    d365_max_calls: int
    """Calls to F&O at once, of all processes together."""
    d365_timeout: float
    """Seconds until an answer of F&O counts as lost."""
    maintenance: Maintenance
    """When F&O is known to be away."""
    order_change_pause: float
    """Seconds between two changes of one sales order; 0 applies each change at once."""
    event_keys: tuple[Secret, ...]
    """Keys that the address for F&O's business events may have, newest first; none where the app takes no events."""
    event_mistakes: tuple[str, ...]
    """What is wrong with them: the app then takes no events."""
    webhook_max_bytes: int
    webhook_base_url: str
    """The app's own address, without a trailing slash; "" where it is not known."""
    publish_timeout: float
    """Seconds in which Service Bus must confirm a webhook's message; Shopify times out after 5."""
    application_insights: str | None
    """The connection string of Application Insights; None to write log lines only."""
    app_name: str
    """The name of the app in Azure."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """All settings. Raises ConfigurationError with a line for each setting that is missing or wrong, unless only stores
    lack secrets: those are in ShopCredentials.mistakes.
    """
    reader = _Reader(environ)
    event_keys, event_mistakes = reader.event_keys("D365_EVENT_KEYS")
    settings = Settings(
        service_bus=reader.service_bus(),
        state=reader.storage(),
        client_id=environ.get("AZURE_CLIENT_ID") or None,
        stores_folder=_ROOT / environ.get("STORES_FOLDER", "config/stores"),
        tenant_file=reader.tenant_file(),
        shops=reader.shops(environ.get("STORES_FOLDER", "config/stores")),
        shopify_base_url=reader.url("SHOPIFY_BASE_URL", default="https://{shop_domain}"),
        d365_base_url=reader.url("D365_BASE_URL"),
        d365_max_calls=reader.number("D365_MAX_CALLS", int, default=8, low=1, high=52),
        d365_timeout=reader.number("D365_TIMEOUT_SECONDS", float, default=120.0, low=1, high=180),
        maintenance=reader.maintenance(),
        order_change_pause=reader.number("ORDER_CHANGE_PAUSE_SECONDS", float, default=10.0, low=0, high=60),
        event_keys=event_keys,
        event_mistakes=event_mistakes,
        webhook_max_bytes=reader.number("WEBHOOK_MAX_BYTES", int, default=5_000_000, low=10_000, high=LARGEST_WEBHOOK),
        webhook_base_url=reader.own_url("WEBHOOK_BASE_URL"),
        publish_timeout=reader.number("WEBHOOK_PUBLISH_SECONDS", float, default=3.5, low=0.1, high=4.5),
        application_insights=environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING") or None,
        app_name=environ.get("WEBSITE_SITE_NAME", "shopify-d365-connector"),  # Azure sets it
    )
    if reader.mistakes:
        raise ConfigurationError(reader.mistakes + [each for shop in settings.shops.values() for each in shop.mistakes])
    return settings


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections to the app's own messages and state, without Shopify and F&O."""

    service_bus: ServiceBusConnection
    state: StorageConnection
    client_id: str | None
    maintenance: Maintenance
    """When F&O is known to be away, for whoever wonders why orders wait."""


def read_connections(environ: Mapping[str, str]) -> Connections:
    """The connections. Raises ConfigurationError with a line for each mistake."""
    reader = _Reader(environ)
    connections = Connections(
        reader.service_bus(), reader.storage(), environ.get("AZURE_CLIENT_ID") or None, reader.maintenance()
    )
    if reader.mistakes:
        raise ConfigurationError(reader.mistakes)
    return connections


def has_fo_queue(environ: Mapping[str, str]) -> bool:
    """Whether there is a namespace to which F&O sends its business events."""
    return any(environ.get(name) for name in (FO_EVENTS, f"{FO_EVENTS}__fullyQualifiedNamespace"))


def store_keys(folder: Path) -> list[str]:
    """The keys of the configured stores: each has one TOML file, named by its key."""
    return sorted(path.stem for path in folder.glob("*.toml"))


class _Reader:
    """Reads values and collects all mistakes, so that one start reports them together."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.mistakes: list[str] = []

    def text(self, name: str, purpose: str) -> str:
        """The value; "" with a mistake if it is missing or a reference that Azure did not resolve."""
        value = self._environ.get(name, "").strip()
        if value.startswith("@Microsoft.KeyVault("):
            self.mistakes.append(
                f"{name} is a Key Vault reference that was not resolved: check that the secret exists and that the "
                "app's identity has the role Key Vault Secrets User."
            )
            return ""
        if not value.strip(" ,"):
            self.mistakes.append(f"{name} is missing: {purpose}.")
            return ""
        return value

    def url(self, name: str, default: str | None = None) -> str:
        value = self._environ.get(name, "").strip() or default
        if not value:
            self.mistakes.append(f"{name} is missing: an address as in https://contoso.operations.dynamics.com.")
            return ""
        if not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            self.mistakes.append(f"{name} must start with https:// (http only for a local address).")
        return value.rstrip("/")

    def tenant_file(self) -> Path | None:
        """The file that the setting names, or else the one with the name of F&O's host, if there is one."""
        if named := self._environ.get("D365_TENANT", "").strip():
            path = TENANTS / f"{named}.toml"
            if not path.is_file():
                self.mistakes.append(f"D365_TENANT is {named}, but config/tenants has no {path.name}.")
            return path
        host = urlsplit(self._environ.get("D365_BASE_URL", "")).hostname or ""
        path = TENANTS / f"{host.split('.')[0]}.toml"
        return path if path.is_file() else None

    def own_url(self, name: str) -> str:
        """The address that Shopify sends to: the setting, or else the host name that Azure gives the app."""
        host = self._environ.get("WEBSITE_HOSTNAME", "").strip()  # func start sets "localhost:7071"
        default = f"https://{host}" if host and not host.startswith("localhost") else ""
        return self.url(name, default) if self._environ.get(name, "").strip() or default else ""

    def number[N: (int, float)](self, name: str, kind: Callable[[str], N], *, default: N, low: N, high: N) -> N:
        text = self._environ.get(name, "").strip()
        if not text:
            return default
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            self.mistakes.append(f"{name} must be a number from {low} to {high}, not “{text}”.")
            return default
        return value

    def maintenance(self) -> Maintenance:
        try:
            return read_maintenance(self._environ.get(MAINTENANCE, ""))
        except ValueError as mistake:
            self.mistakes.append(f"{MAINTENANCE}: {mistake}.")
            return Maintenance()

    def service_bus(self) -> ServiceBusConnection:
        if connection_string := self._environ.get(SERVICE_BUS):
            return ServiceBusConnection(Secret(connection_string), None)
        name = f"{SERVICE_BUS}__fullyQualifiedNamespace"
        return ServiceBusConnection(None, self.text(name, "the host name of the Service Bus namespace"))

    def storage(self) -> StorageConnection:
        if connection_string := self._environ.get(STATE):
            return StorageConnection(Secret(connection_string), None, None)
        return StorageConnection(
            None,
            self.text(f"{STATE}__tableServiceUri", "the address of the table service that keeps the app's state"),
            self.text(f"{STATE}__blobServiceUri", "the address of the blob service that keeps large bodies"),
        )

    def shops(self, folder: str) -> dict[str, ShopCredentials]:
        keys = store_keys(_ROOT / folder)
        if not keys:
            self.mistakes.append(f"STORES_FOLDER: no store is configured, {folder} has no .toml file.")
        return {key: self._shop(key) for key in keys}

    def event_keys(self, name: str) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
        """The keys, and what is wrong with them. Whoever wants no events leaves the setting out."""
        if not self._environ.get(name, "").strip(" ,"):
            return (), ()
        own = _Reader(self._environ)
        keys = tuple(_parts(own.text(name, "")))
        if any(len(key) < SHORTEST_KEY for key in keys):
            own.mistakes.append(f"{name} has a key of less than {SHORTEST_KEY} characters, which could be guessed.")
        if own.mistakes:
            return (), tuple(own.mistakes)
        return tuple(Secret(key) for key in keys), ()

    def _shop(self, key: str) -> ShopCredentials:
        prefix = f"SHOPIFY_{key.upper().replace('-', '_')}"
        own = _Reader(self._environ)
        secrets = own.text(
            f"{prefix}_WEBHOOK_SECRETS",
            f"the secrets that sign store {key}'s webhooks, newest first, with commas",
        )
        client_id = own.text(f"{prefix}_CLIENT_ID", f"the client id of store {key}'s app in Shopify")
        client_secret = own.text(f"{prefix}_CLIENT_SECRET", f"the client secret of store {key}'s app")
        return ShopCredentials(
            webhook_secrets=tuple(Secret(part) for part in _parts(secrets)),
            client_id=client_id,
            client_secret=Secret(client_secret),
            mistakes=tuple(own.mistakes),
        )


def _parts(text: str) -> Iterable[str]:
    return (part.strip() for part in text.split(",") if part.strip())
