"""The state of every shop and of the simulator."""

import itertools
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from local.shopify.assortment import Assortment
from local.shopify.bulk_records import BulkOperation
from local.shopify.costs import Bucket
from local.shopify.faults import Faults
from local.shopify.media_records import Picture, Upload
from local.shopify.merchandise import Publication, Variant
from local.shopify.model import Level, Location, MetafieldDefinition, Subscription
from local.shopify.order import Order
from local.shopify.price_records import Company, CompanyLocation, Market, Pricing
from local.shopify.topics import DEFAULT_TOPICS, ENDPOINTS
from local.shopify.translation_records import Translation
from local.shopify.world import CompanyLocationSeed, ShopSeed, VariantSeed

Clock = Callable[[], datetime]

#: Tokens of the client credentials grant are valid for one day (Shopify answers `expires_in: 86399`).
TOKEN_LIFETIME = timedelta(hours=24)


#: How old the shops of world.toml, and all that they hold, are at start.
_AGE = timedelta(days=30)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; it becomes invalid with the client secret that it was granted for."""

    secret: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(slots=True)
class IdempotentCall:
    """The arguments and the payload of a call with an idempotency key."""

    mutation: str
    arguments: str
    payload: dict[str, Any]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Operation:
    """A productSet in the background."""

    product_id: int | None
    user_errors: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP attempt to deliver a webhook. `status` is None without a response."""

    topic: str
    webhook_id: str
    event_id: str
    attempt: int
    status: int | None
    ms: int
    error: str | None


class Shop:
    """Everything that one shop holds."""

    def __init__(self, seed: ShopSeed, clock: Clock) -> None:
        self.seed = seed
        self.clock = clock
        self.timezone = ZoneInfo(seed.timezone)
        self.created_at = clock() - _AGE
        #: newest first; webhooks are signed by the last one
        self.secrets = list(dict.fromkeys((seed.client_secret, *seed.webhook_secrets)))
        self.scopes = frozenset(seed.scopes)
        #: the webhooks' API version, as it is configured in the app
        self.webhook_version = LATEST_VERSION
        #: whether Shopify lets the app have protected customer data
        self.protected_data_approved = True
        #: the OAuth error of every token request; None to grant tokens
        self.refuses_tokens: str | None = None
        self.tokens: dict[str, Token] = {}
        self.bucket = Bucket(clock)
        self.locations: dict[int, Location] = {}
        self._ids = itertools.count(seed.id * 100_000 + 1)
        self._routing_ids = itertools.count(seed.id * 100_000 + 3_000_000_000_001)
        self._catalogue_ids = itertools.count(seed.id * 100_000 + 6_000_000_000_001)
        self.assortment = Assortment(self.next_catalogue_id)
        self.products = self.assortment.products
        self.variants = self.assortment.variants
        self.variant_by_item = self.assortment.variant_by_item
        self.variant_by_sku = self.assortment.variant_by_sku
        self.publications = {each.id: Publication(each.id, each.name, each.takes_dates) for each in seed.publications}
        self.bulk_operations: dict[int, BulkOperation] = {}
        #: how long a bulk operation waits
        self.bulk_seconds = 2.0
        self.uploads: dict[str, Upload] = {}
        self.pictures: dict[int, Picture] = {}
        #: how long a picture is processed
        self.processing_seconds = 2.0
        #: by global id of what is translated, then by locale and key
        self.translations: dict[str, dict[tuple[str, str], Translation]] = {}
        self.option_owners: dict[tuple[str, int], int] = {}
        """Product of each option and option value (kind, id), as far as they were looked up."""
        self.pricing = Pricing()
        for market in seed.markets:
            self.pricing.markets[market.id] = Market(market.id, market.name, market.currency, market.is_primary)
        for each in seed.company_locations:
            self.add_company_location(each)
        #: what productSet does in the background, by id
        self.operations: dict[int, Operation] = {}
        self.levels: dict[tuple[int, int], Level] = {}
        #: whose quantity changed since webhooks were sent
        self.moved_levels: dict[tuple[int, int], Level] = {}
        self.orders: dict[int, Order] = {}
        self.subscriptions: dict[int, Subscription] = {}
        #: of metafields, by the type of their owner, then by namespace as it is stored and key
        self.definitions_of: defaultdict[str, dict[tuple[str, str], MetafieldDefinition]] = defaultdict(dict)
        self.definitions = self.definitions_of["ORDER"]
        #: definitions that can be pinned (documented), and that staff can filter by (a guess)
        self.most_pinned = 20
        self.most_filterable = 10
        self.idempotency: dict[str, IdempotentCall] = {}
        #: all of them are done
        self.jobs: set[str] = set()
        self.attempts: deque[Attempt] = deque(maxlen=10_000)
        self._order_numbers = itertools.count(1001)
        for location in seed.locations:
            self.locations[location.id] = Location(
                location.id, location.name, location.country, location.city, location.province, self.created_at
            )
        for variant in seed.variants:
            self._seed(variant)
        self.assortment.created.clear()

    def _seed(self, seed: VariantSeed) -> None:
        values = dict(zip(seed.options, seed.variant.split(" / "), strict=True)) if seed.variant else None
        made = self.assortment.seed(
            product_id=seed.product,
            variant_id=seed.id,
            item_id=seed.inventory_item,
            title=seed.title,
            vendor=self.seed.name,
            sku=seed.sku,
            price=seed.price,
            grams=seed.grams,
            at=self.created_at,
            values=values,
        )
        made.product.publications = dict.fromkeys(self.publications, self.created_at)
        self.stock(made, seed.available)

    def next_id(self) -> int:
        """A new resource id of 13 digits, unique in all shops."""
        return next(self._ids)

    def next_routing_id(self) -> int:
        """The same for fulfilment orders, their lines and holds. All other ids are independent of how an order is
        routed, so that recorded orders keep theirs.
        """
        return next(self._routing_ids)

    def next_catalogue_id(self) -> int:
        """The same for all that belongs to products and prices."""
        return next(self._catalogue_ids)

    def next_order_number(self) -> int:
        return next(self._order_numbers)

    def add_company_location(self, seed: CompanyLocationSeed) -> CompanyLocation:
        """A location; those with the same company name belong together."""
        known = (each.company for each in self.pricing.locations.values() if each.company.name == seed.company)
        company = next(known, None) or Company(self.next_catalogue_id(), seed.company, self.created_at)
        number = seed.id or self.next_catalogue_id()
        made = CompanyLocation(number, company, seed.name, seed.currency, self.created_at, seed.external_id)
        self.pricing.locations[made.id] = made
        return made

    def add_location(self, name: str, country: str, city: str, fulfillment_service: str | None) -> Location:
        made = Location(self.next_id(), name, country, city, None, self.clock(), fulfillment_service)
        self.locations[made.id] = made
        return made

    def stock(self, variant: Variant, available: Mapping[int, int]) -> None:
        """Stock a new variant: its quantity by location."""
        for location_id, quantity in available.items():
            level = self.activate(variant.inventory_item_id, location_id)
            level.states["available"] = quantity
            level.created_at = level.updated_at = variant.created_at

    def add_variants(self, count: int, sku_pattern: str, price: Decimal, available: dict[int, int]) -> None:
        """`count` tracked variants, one product each; `sku_pattern` takes `{n}`."""
        now = self.clock()
        for n in range(1, count + 1):
            sku = sku_pattern.format(n=n)
            made = self.assortment.seed(
                variant_id=self.next_id(),
                product_id=self.next_id(),
                item_id=self.next_id(),
                title=sku,
                vendor=self.seed.name,
                sku=sku,
                price=price,
                grams=100,
                at=now,
            )
            self.stock(made, available)

    def activate(self, item_id: int, location_id: int) -> Level:
        now = self.clock()
        level = Level(self.next_id(), item_id, location_id, now, now, {"available": 0})
        self.levels[item_id, location_id] = level
        return level

    def levels_of(self, item_id: int) -> list[Level]:
        pairs = ((item_id, location_id) for location_id in self.locations)
        return [self.levels[pair] for pair in pairs if pair in self.levels]

    def grant(self, secret: str, lifetime: timedelta) -> str:
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens[token] = Token(secret, self.scopes, self.clock() + lifetime)
        return token

    def client_secrets(self) -> set[str]:
        """The secrets that are valid now: two during a rotation."""
        return set(self.secrets)

    def valid_token(self, token: str | None) -> Token | None:
        found = self.tokens.get(token or "")
        if found and found.expires_at > self.clock() and found.secret in self.client_secrets():
            return found
        return None

    def local(self, moment: datetime) -> str:
        """REST timestamps carry the shop's offset."""
        return moment.astimezone(self.timezone).isoformat(timespec="seconds")


@dataclass(slots=True)
class Call:
    """One GraphQL call, as `_sim/calls` lists it."""

    shop: str
    operation: str | None
    fields: list[str]
    requested: int | None
    actual: int | None
    errors: list[str]
    ms: int


@dataclass(slots=True)
class Simulator:
    """All shops, faults and counted calls. `reset` restores the state of world.toml."""

    seeds: tuple[ShopSeed, ...]
    webhooks: str
    clock: Clock = utc_now
    token_lifetime: timedelta = TOKEN_LIFETIME
    topics: tuple[str, ...] = DEFAULT_TOPICS
    #: where it is served, for addresses that it gives
    url: str = "http://127.0.0.1:7200"
    faults: Faults = field(default_factory=Faults)
    shops: dict[str, Shop] = field(default_factory=dict)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=50_000))

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.faults.clear()
        self.calls.clear()
        self.shops = {seed.domain: Shop(seed, self.clock) for seed in self.seeds}
        for shop in self.shops.values():
            for topic in self.topics:
                subscription = Subscription(
                    id=shop.next_id(),
                    topic=topic,
                    uri=f"{self.webhooks}/{shop.seed.store}/{ENDPOINTS[topic]}",
                    created_at=shop.clock(),
                    through_api=False,
                )
                shop.subscriptions[subscription.id] = subscription


#: Stable versions on the date of the facts; the oldest is what unsupported requests fall forward to.
SUPPORTED_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
LATEST_VERSION = SUPPORTED_VERSIONS[-1]


def served_version(requested: str) -> str:
    """Shopify "falls forward": an unsupported version is served by the oldest supported one."""
    return requested if requested in (*SUPPORTED_VERSIONS, "unstable") else SUPPORTED_VERSIONS[0]
