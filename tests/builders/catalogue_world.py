"""The store prairie with its F&O and its shop in one process, and the flow of products between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, cast

import httpx
from aiohttp import web

from local.d365 import Options, Simulator
from local.d365.catalogue.products import Catalogue
from local.d365.server import Server
from local.shopify.admin_http import AdminApi
from local.shopify.bulk_http import BulkHttp
from local.shopify.bulk_running import BulkRunner
from local.shopify.merchandise import Product
from local.shopify.products import staff
from local.shopify.state import Shop
from local.shopify.state import Simulator as ShopifySimulator
from local.shopify.translations.content import global_id
from local.shopify.upload_http import UploadHttp
from local.shopify.world import load_world
from shared.d365.odata.client import FoCall, ODataClient
from shared.flows import PRODUCTS, STOCK
from shared.model import Item, ListedPrice, VariantPrices
from shared.rules import StoreRules
from shared.rules.sections.products import ProductRules
from shared.settings import Secret
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient, ShopifyCall
from shared.shopify.admin.tokens import ClientCredentials
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.products.flow import ProductsPush
from shared.sync.products.open_shop import open_shop
from shared.sync.products.report import ProductsReport
from tests.builders.both_sides import WORLD, Identity, NoBreaker, Time, plentiful_world
from tests.builders.in_process import InProcess
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_blobs import MemoryContainer
from tests.builders.memory_table import MemoryTable
from tests.builders.pretending import Pretending
from tests.builders.sales import US, with_rules

SCOPES: Final = PRODUCTS.scopes | STOCK.scopes | {"read_publications"}
RULES: Final = with_rules(
    US,
    flows={"products": True, "prices": True, "stock": True},
    prices={"currency": "USD", "fo_includes_tax": False, "shop_includes_tax": False},
    # Not the example's own: what each test sets stands beside the defaults.
    products=ProductRules.model_validate(
        {"approved": {"lifecycle_states": ("Released",)}, "adopt": True, "full_minutes": 60}
    ),
)
PRICE: Final = ListedPrice(Decimal("24.00"))


@dataclass
class CatalogueWorld:
    fo: Simulator
    client: ODataClient
    shop: Shop
    shopify: ShopifySimulator
    http: httpx.AsyncClient
    time: Time
    bulk: BulkRunner
    rules: StoreRules = RULES
    container: MemoryContainer = field(default_factory=MemoryContainer)
    journal: Journal = field(default_factory=lambda: Journal(cast("Any", MemoryTable())))
    prices: Callable[[Item], ListedPrice | None] = lambda _: PRICE
    shopify_calls: Counter[str] = field(default_factory=Counter)
    """Of the last run, by document."""
    fo_calls: Counter[str] = field(default_factory=Counter)
    """Of the last run, by entity set."""

    open_shop: Any = None
    """Another shop than the simulated one."""
    slowness: timedelta = timedelta()
    """That each look of the app at its clock takes."""
    pretend_variants: int = 0
    """How many variants the shop says that it has beside its own."""

    @staticmethod
    def price_of(item: Item) -> Decimal:
        return Decimal(len(item.number)) + Decimal("0.95")

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(cast("Any", self.container))

    @property
    def catalogue(self) -> Catalogue:
        return self.fo.catalogue

    def admin(self) -> AdminClient:
        url = f"http://shopify.example.com/{self.rules.shop_domain}"
        tokens = ClientCredentials(
            self.http,
            url,
            client_id=f"dev-{self.rules.key}-client",
            client_secret=Secret(f"dev-{self.rules.key}-new"),
            scopes=SCOPES,
        )
        return AdminClient(
            self.http,
            url,
            api_version=self.rules.api_version,
            tokens=tokens,
            on_call=self._count,
            on_other_version=lambda _: None,
            bucket=CostBucket(clock=self.time.seconds),
            sleep=self.time.sleep,
        )

    def _count(self, call: ShopifyCall) -> None:
        self.shopify_calls[call.query] += 1

    async def quotes(self, rules: StoreRules, items: Collection[Item]) -> VariantPrices:
        return {item: self.prices(item) for item in items}

    async def push(self, rules: StoreRules | None = None) -> ProductsReport:
        """A run of the timer."""
        self.rules = rules or self.rules
        self.shopify_calls.clear()
        self.fo_calls.clear()
        push = ProductsPush(
            rules=self.rules,
            admin=Pretending(self.admin(), self.pretend_variants),
            fo=self.client,
            snapshots=self.snapshots,
            open_shop=self.open_shop
            or partial(open_shop, files=self.http, snapshots=self.snapshots, journal=self.journal, now=self.now),
            quotes=self.quotes,
            now=self.now,
        )
        return await push.run()

    async def push_in_full(self, rules: StoreRules | None = None) -> ProductsReport:
        """The next run after the time in which F&O is read in full."""
        await self.later(minutes=(rules or self.rules).products.full_minutes + 1)
        return await self.push(rules)

    def now(self) -> datetime:
        self.time._ahead += self.slowness
        return self.time.now()

    async def bulk_ends(self) -> None:
        """Shopify carries out what is under way."""
        await self.bulk.run(self.shop, at_once=True)

    async def bulk_rows(self) -> list[dict[str, Any]]:
        """What the journal says of bulk operations."""
        return await self.journal.history(self.rules.key, "bulk")

    async def later(self, **time: float) -> None:
        await self.time.sleep(timedelta(**time).total_seconds())

    def product(self, item_number: str) -> Product:
        """Of the shop, by the number that the app gave it."""
        [found] = self.products_of(item_number)
        return found

    def products_of(self, item_number: str) -> list[Product]:
        return [each for each in self.shop.products.values() if self.item_of(each) == item_number]

    def item_of(self, product: Product) -> str | None:
        document = staff.product_document(product)["metafields"]
        return next((value for name, value in document.items() if name.endswith(".item")), None)

    def document(self, item_number: str) -> dict[str, Any]:
        return staff.product_document(self.product(item_number))

    def translations(self, product: Product, locale: str) -> dict[str, str]:
        """Of the product's own texts by key; of its options and their values by their names in the shop's language."""
        found: dict[str, str] = {}
        options = [*product.options, *(value for option in product.options for value in option.values)]
        for resource in (product, *options):
            for (of, key), translation in self.shop.translations.get(global_id(resource), {}).items():
                if of == locale:
                    found[key if resource is product else resource.name] = translation.value
        return found

    def by_sku(self, sku: str) -> Product:
        [found] = [each for each in self.shop.products.values() if any(v.sku == sku for v in each.variants)]
        return found


@asynccontextmanager
async def catalogue_world(options: Options | None = None) -> AsyncIterator[CatalogueWorld]:
    time = Time()
    shopify = ShopifySimulator(load_world(WORLD), "http://app.example.com", clock=time.now)
    shop = shopify.shops[US.shop_domain]
    shop.scopes = frozenset(shop.seed.scopes) | SCOPES
    api = web.Application(client_max_size=2**26)
    shopify.url = "http://shopify.example.com"
    bulk = BulkRunner(shopify, lambda _shop, _order, _events: None, lambda _shop, _topic, _body: None)
    parts = (UploadHttp(shopify), BulkHttp(shopify, bulk), AdminApi(shopify, lambda _shop, _order, _events: None))
    api.add_routes([route for part in parts for route in part.routes()])
    fo = Simulator(plentiful_world(), options, clock=time.now)
    fo.base_url = "http://fo.example.com"
    calls: list[FoCall] = []
    async with httpx.AsyncClient(timeout=60, transport=InProcess(api)) as http:
        client = ODataClient(
            fo.base_url,
            Identity(fo),
            slots=LocalSlots(8),
            timeout=60,
            breaker=NoBreaker(),
            on_call=calls.append,
            transport=InProcess(Server(fo).application()),
            knows_fields=True,
        )
        world = CatalogueWorld(fo, client, shop, shopify, http, time, bulk)
        client._on_call = lambda call: world.fo_calls.update([call.entity_set])
        try:
            yield world
        finally:
            await client.aclose()
