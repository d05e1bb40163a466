"""The simulated shop nordlys in one process, with what the flow of products needs to write to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import httpx
from aiohttp import web

from local.shopify.admin_http import AdminApi
from local.shopify.bulk_http import BulkHttp
from local.shopify.bulk_running import BulkRunner
from local.shopify.faults import Faults
from local.shopify.merchandise import Product
from local.shopify.products import staff
from local.shopify.products.making import delete_product, delete_variant
from local.shopify.state import Shop
from local.shopify.state import Simulator as ShopifySimulator
from local.shopify.upload_http import UploadHttp
from local.shopify.world import load_world
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import Adoption, Converged, KnownProduct, ProductImage, VariantPrices, WantedProduct
from shared.settings import Secret
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient, ShopifyCall
from shared.shopify.admin.tokens import ClientCredentials
from shared.shopify.products.definition import define_item
from shared.shopify.products.pictures import HttpUploader
from shared.sync.products.shop.flow import converge, look
from shared.sync.products.shop.ports import ShopProductPorts
from tests.builders.both_sides import WORLD, Time
from tests.builders.in_process import InProcess
from tests.builders.sales import EU

_URL: Final = "http://shopify.example.com"
ONLINE_STORE: Final = 75001001
SCOPES: Final = frozenset(
    {
        "read_locations",
        "read_publications",
        "write_files",
        "write_inventory",
        "write_products",
        "write_publications",
        "write_translations",
    }
)
LOCATIONS: Final = tuple(sorted({warehouse.location for warehouse in EU.warehouses}))


@dataclass
class ShopSide:
    """One shop, and what the app knows of it."""

    shop: Shop
    faults: Faults
    http: httpx.AsyncClient
    time: Time
    policy: ShopPolicy
    bulk: BulkRunner
    calls: Counter[str] = field(default_factory=Counter)
    """Of the last `converge`, by document."""
    known: dict[str, KnownProduct] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    """F&O's, by key."""

    def admin(self) -> AdminClient:
        url = f"{_URL}/{EU.shop_domain}"
        tokens = ClientCredentials(
            self.http,
            url,
            client_id=f"dev-{EU.key}-client",
            client_secret=Secret(f"dev-{EU.key}-new"),
            scopes=SCOPES,
        )
        return AdminClient(
            self.http,
            url,
            api_version=EU.api_version,
            tokens=tokens,
            on_call=self._count,
            on_other_version=lambda _: None,
            bucket=CostBucket(clock=self.time.seconds),
            sleep=self.time.sleep,
        )

    def _count(self, call: ShopifyCall) -> None:
        self.calls[call.query] += 1

    def ports(self, policy: ShopPolicy | None = None) -> ShopProductPorts:
        admin = self.admin()

        async def read_picture(item: str, image: ProductImage) -> bytes:
            return self.pictures[image.key]

        return ShopProductPorts(admin, policy or self.policy, read_picture, HttpUploader(self.http))

    async def converge(
        self, wanted: WantedProduct, prices: VariantPrices, policy: ShopPolicy | None = None
    ) -> Converged:
        """As a run does, that remembers what the one before it found."""
        self.calls.clear()
        known = self.known.get(wanted.item_number)
        result = await converge(wanted, known, prices, self.ports(policy))
        assert result.calls <= self.calls.total()  # attempts, of which a call has several
        if result.id is None:
            self.known.pop(wanted.item_number, None)
        else:
            self.known[wanted.item_number] = KnownProduct(result.id, result.variants)
        return result

    async def look(self, wanted: WantedProduct) -> Adoption | None:
        self.calls.clear()
        [found] = await look([wanted], self.ports())
        return found

    def product(self, result: Converged | int) -> Product:
        number = result if isinstance(result, int) else result.id
        assert number is not None
        return self.shop.products[number]

    def document(self, result: Converged | int) -> dict[str, Any]:
        """All that the shop stores of a product, but its ids and times."""
        document = staff.product_document(self.product(result))
        document["media"] = self.shown_pictures(result)
        for each in (document, *document["variants"]):
            each.pop("id")
            each.pop("updated_at", None)
            each.pop("inventory_item_id", None)
        return document

    def shown_pictures(self, result: Converged | int) -> list[tuple[str, str]]:
        """The alternative text of each picture of the product, and the name of its bytes in `pictures` ("" for one
        that staff added).
        """
        names = {sha256(content).hexdigest(): key for key, content in self.pictures.items()}
        documents = (
            staff.picture_document(self.shop, self.shop.pictures[number]) for number in self.product(result).media
        )
        return [(each["alt"] or "", names.get(each["sha256"], "")) for each in documents]

    def translated(self, result: Converged | int, locale: str) -> dict[str, str]:
        """All translations of the product, of its options and of their values, by key, or by name in the shop's own
        language.
        """
        product = self.product(result)
        owners = {f"gid://shopify/Product/{product.id}": ""}
        for option in product.options:
            owners[f"gid://shopify/ProductOption/{option.id}"] = option.name
            owners |= {f"gid://shopify/ProductOptionValue/{value.id}": value.name for value in option.values}
        return {
            owners[resource] or key: row.value
            for resource, rows in self.shop.translations.items()
            if resource in owners
            for (of, key), row in rows.items()
            if of == locale
        }

    def stocked(self, result: Converged) -> dict[str, dict[int, int]]:
        """What is available of each variant, by SKU and location."""
        return {
            variant.sku or "": {
                level.location_id: level.quantity("available")
                for level in self.shop.levels_of(variant.inventory_item_id)
            }
            for variant in self.product(result).variants
        }

    def variant(self, result: Converged | int, sku: str) -> Any:
        [found] = [each for each in self.product(result).variants if each.sku == sku]
        return found

    def edit(self, result: Converged | int, **fields: Any) -> None:
        """By hand, in the admin."""
        staff.edit_product(self.shop, self.product(result), fields)

    def edit_variant(self, result: Converged | int, sku: str, /, **fields: Any) -> None:
        staff.edit_variant(self.shop, self.variant(result, sku), fields)

    def add_variant(self, result: Converged | int, **fields: Any) -> None:
        staff.add_variant(self.shop, self.product(result), fields)

    def rename(self, result: Converged | int, option: str, **fields: Any) -> None:
        staff.rename_option(self.shop, self.product(result), {"option": option, **fields})

    def add(self, **fields: Any) -> int:
        return staff.add_product(self.shop, fields).id

    def add_picture(self, result: Converged | int, alt: str) -> int:
        return staff.add_picture(self.shop, self.product(result), {"alt": alt}).id

    def translate(self, result: Converged | int, locale: str, **texts: str) -> None:
        staff.translate(self.shop, self.product(result), {"locale": locale, "texts": texts})

    def delete(self, result: Converged | int) -> None:
        delete_product(self.shop, self.product(result))

    def delete_variant(self, result: Converged | int, sku: str) -> None:
        delete_variant(self.shop, self.variant(result, sku))


@asynccontextmanager
async def shop_in_process(
    over: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda inner: inner,
) -> AsyncIterator[ShopSide]:
    """The shop of the example world, with the definition of the id metafield. All calls go through `over`."""
    time = Time()
    simulator = ShopifySimulator(load_world(WORLD), "http://app.example.com", clock=time.now)
    shop = simulator.shops[EU.shop_domain]
    shop.scopes = frozenset(shop.seed.scopes) | SCOPES
    api = web.Application(client_max_size=2**26)
    simulator.url = _URL
    runner = BulkRunner(simulator, lambda _shop, _order, _events: None, lambda _shop, _topic, _body: None)
    parts = (
        UploadHttp(simulator),
        BulkHttp(simulator, runner),
        AdminApi(simulator, lambda _shop, _order, _events: None),
    )
    api.add_routes([route for part in parts for route in part.routes()])
    async with httpx.AsyncClient(timeout=60, transport=over(InProcess(api))) as http:
        policy = ShopPolicy(locations=LOCATIONS, publications=(ONLINE_STORE,))
        side = ShopSide(shop, simulator.faults, http, time, policy, runner)
        assert not await define_item(side.admin())
        yield side


def with_policy(side: ShopSide, **fields: Any) -> ShopPolicy:
    return replace(side.policy, **fields)
