"""A shop and F&O's prices in memory, with what can go wrong between them, and the flow prices on both."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import httpx
from builders.confirming import confirm_held
from builders.memory_table import MemoryTable
from builders.sales import EU, with_rules

from shared.errors import DeniedError, ErrorCode, OutcomeUnknownError, ThrottledError, TransientError
from shared.rules import StoreRules
from shared.shopify.gid import gid_of, number_of
from shared.store.journal import Journal
from shared.sync.brake import read_held_changes
from shared.sync.prices.flow import push_prices
from shared.sync.prices.report import PriceReport

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
BLANK = {
    "ProductColorId": "",
    "ProductconfigurationId": "",
    "ProductConfigurationId": "",
    "ProductSizeId": "",
    "ProductStyleId": "",
    "ProductVersionId": "",
}
LOCATION = 5001
_CAPITAL = re.compile(r"([A-Z])")


def store_rules(**keys: Any) -> StoreRules:
    """A store whose prices are F&O's, with or without tax on both sides."""
    plain = {
        "currency": "EUR",
        "groups": ("WEB",),
        "base_currency": "EUR",
        "fo_includes_tax": False,
        "shop_includes_tax": False,
    }
    return with_rules(EU, flows={"prices": True}, prices=plain | keys)


@dataclass
class Variant:
    product: int
    sku: str
    price: Decimal
    compare_at: Decimal | None = None
    updated: datetime = NOON - timedelta(days=1)


@dataclass
class ListPrice:
    price: Decimal
    compare_at: Decimal | None = None
    tiers: dict[int, Decimal] = field(default_factory=dict)


@dataclass
class SimPriceList:
    name: str
    currency: str
    catalog: int | None = None
    prices: dict[int, ListPrice] = field(default_factory=dict)
    rules: dict[int, tuple[int, int | None, int]] = field(default_factory=dict)


@dataclass
class Shop:
    """As much of the Admin API as the flow uses. Set `faults` by name of a document to make its next calls fail."""

    now: Callable[[], datetime]
    variants: dict[int, Variant] = field(default_factory=dict)
    currency: str = "EUR"
    taxes_included: bool = False
    lists: dict[int, SimPriceList] = field(default_factory=dict)
    catalogs: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)
    """Variant -> why its price is refused."""
    calls: Counter[str] = field(default_factory=Counter)
    page: int = 250

    async def run(self, query, variables):
        self.calls[query.name] += 1
        fault = self.faults.get(query.name, [])
        effect = fault.pop(0) if fault else None
        if effect == "throttled":
            raise ThrottledError("Shopify's query budget is spent", retry_after=timedelta(seconds=20))
        if effect == "down":
            raise TransientError("Shopify answered with 503")
        if effect == "denied":
            raise DeniedError(ErrorCode.SHOPIFY_DENIED, message="the app lacks the access scopes write_products")
        answer = getattr(self, "_" + _CAPITAL.sub(r"_\1", query.name)[1:].lower())(**variables)
        if effect == "lost":
            raise OutcomeUnknownError("no answer")
        return json.loads(json.dumps(answer, default=str))

    def edit(self, sku: str, price: str, compare_at: str | None = None) -> None:
        """By hand, in the admin."""
        for variant in self.variants.values():
            if variant.sku == sku:
                variant.price = Decimal(price)
                variant.compare_at = None if compare_at is None else Decimal(compare_at)
                variant.updated = self.now()

    def shown(self) -> dict[str, str]:
        return {variant.sku: f"{variant.price:.2f}" for variant in self.variants.values()}

    def list_named(self, name: str) -> SimPriceList:
        [found] = [each for each in self.lists.values() if each.name == name]
        return found

    def on_list(self, name: str) -> dict[str, str]:
        """SKU -> price and quantity breaks, of the list's own prices."""
        return {
            self.variants[variant].sku: " ".join(
                [f"{own.price:.2f}", *(f"{minimum}:{price:.2f}" for minimum, price in sorted(own.tiers.items()))]
            )
            for variant, own in self.list_named(name).prices.items()
        }

    def _page(self, rows: list[tuple[int, Any]], after: str | None, size: int) -> tuple[list[Any], dict[str, Any]]:
        left = [(key, node) for key, node in sorted(rows) if after is None or key > int(after)]
        some = left[:size]
        info = {"hasNextPage": len(left) > size, "endCursor": str(some[-1][0]) if some else None}
        return [node for _, node in some], info

    def _price_shop(self):
        shop = {"currencyCode": self.currency, "taxesIncluded": self.taxes_included}
        return {"shop": shop, "productVariantsCount": {"count": len(self.variants)}}

    def _price_variants(self, query, after):
        since = None
        if query is not None:
            since = datetime.fromisoformat(query.removeprefix("updated_at:>=").strip("'"))
        rows = [
            (
                key,
                {
                    "id": gid_of("ProductVariant", key),
                    "sku": each.sku,
                    "price": each.price,
                    "compareAtPrice": each.compare_at,
                    "product": {"id": gid_of("Product", each.product)},
                },
            )
            for key, each in self.variants.items()
            if since is None or each.updated >= since
        ]
        nodes, info = self._page(rows, after, self.page)
        return {"productVariants": {"nodes": nodes, "pageInfo": info}}

    def _price_variants_set(self, product, variants):
        errors = []
        for index, given in enumerate(variants):
            number = number_of(given["id"])
            variant = self.variants.get(number)
            path = ["variants", str(index)]
            if variant is None:
                errors.append(_error([*path, "id"], "PRODUCT_VARIANT_DOES_NOT_EXIST", "Product variant does not exist"))
            elif number in self.refusals:
                errors.append(_error([*path, "price"], "INVALID", self.refusals[number]))
            else:
                assert variant.product == number_of(product)
                variant.price = Decimal(given["price"])
                if "compareAtPrice" in given:
                    compare_at = given["compareAtPrice"]
                    variant.compare_at = None if compare_at is None else Decimal(compare_at)
                variant.updated = self.now()
        return {"productVariantsBulkUpdate": {"userErrors": errors}}

    def _price_lists(self, after):
        rows = [
            (
                key,
                {
                    "id": gid_of("PriceList", key),
                    "name": each.name,
                    "currency": each.currency,
                    "catalog": None if each.catalog is None else {"id": gid_of("Catalog", each.catalog)},
                },
            )
            for key, each in self.lists.items()
        ]
        nodes, info = self._page(rows, after, 100)
        return {"priceLists": {"nodes": nodes, "pageInfo": info}}

    def _price_list_create(self, input):  # noqa: A002 - the variable's name
        if any(each.name == input["name"] for each in self.lists.values()):
            errors = [_error(["input", "name"], "TAKEN", "Name has already been taken")]
            return {"priceListCreate": {"priceList": None, "userErrors": errors}}
        key = 700 + len(self.lists)
        self.lists[key] = SimPriceList(input["name"], input["currency"])
        return {"priceListCreate": {"priceList": {"id": gid_of("PriceList", key)}, "userErrors": []}}

    def _catalog_create(self, input):  # noqa: A002 - the variable's name
        key = 800 + len(self.catalogs)
        self.catalogs[key] = {name: {number_of(each) for each in ids} for name, ids in input["context"].items()}
        self.lists[number_of(input["priceListId"])].catalog = key
        return {"catalogCreate": {"catalog": {"id": gid_of("Catalog", key)}, "userErrors": []}}

    def _catalog_locations(self, catalog, after):
        found = self.catalogs[number_of(catalog)].get("companyLocationIds")
        if found is None:
            return {"catalog": {}}
        nodes = [{"id": gid_of("CompanyLocation", each)} for each in sorted(found)]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return {"catalog": {"companyLocations": page}}

    def _catalog_markets(self, catalog, after):
        found = self.catalogs[number_of(catalog)].get("marketIds")
        if found is None:
            return {"catalog": {}}
        nodes = [{"id": gid_of("Market", each)} for each in sorted(found)]
        return {"catalog": {"markets": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}}

    def _catalog_context(self, catalog, add, remove):
        locations = self.catalogs[number_of(catalog)]["companyLocationIds"]
        locations |= {number_of(each) for each in (add or {}).get("companyLocationIds", ())}
        locations -= {number_of(each) for each in (remove or {}).get("companyLocationIds", ())}
        return {"catalogContextUpdate": {"userErrors": []}}

    def _price_list_prices(self, list, after):  # noqa: A002 - the variable's name
        found = self.lists.get(number_of(list))
        if found is None:
            return {"priceList": None}
        rows = [
            (
                key,
                {
                    "variant": {"id": gid_of("ProductVariant", key)},
                    "price": {"amount": own.price},
                    "compareAtPrice": None if own.compare_at is None else {"amount": own.compare_at},
                    "quantityPriceBreaks": {
                        "nodes": [
                            {"minimumQuantity": minimum, "price": {"amount": price}}
                            for minimum, price in own.tiers.items()
                        ]
                    },
                },
            )
            for key, own in found.prices.items()
        ]
        nodes, info = self._page(rows, after, self.page)
        return {"priceList": {"prices": {"nodes": nodes, "pageInfo": info}}}

    _price_list_tiers = _price_list_prices

    def _price_list_compare_at(self, list, query):  # noqa: A002 - the variable's name
        asked = {int(term.removeprefix("variant_id:")) for term in query.split(" OR ")}
        found = self._price_list_prices(list, None)["priceList"]
        if found is None:
            return {"priceList": None}
        nodes = [node for node in found["prices"]["nodes"] if number_of(node["variant"]["id"]) in asked]
        return {"priceList": {"prices": {"nodes": nodes}}}

    def _price_list_rules(self, list, after):  # noqa: A002 - the variable's name
        rules = self.lists[number_of(list)].rules
        rows = [
            (
                key,
                {
                    "productVariant": {"id": gid_of("ProductVariant", key)},
                    "minimum": minimum,
                    "maximum": maximum,
                    "increment": increment,
                },
            )
            for key, (minimum, maximum, increment) in rules.items()
        ]
        nodes, info = self._page(rows, after, self.page)
        return {"priceList": {"quantityRules": {"nodes": nodes, "pageInfo": info}}}

    def _price_list_set(self, list, set, delete):  # noqa: A002 - the variables' names
        found = self.lists.get(number_of(list))
        if found is None:
            errors = [_error(["priceListId"], "PRICE_LIST_NOT_FOUND", "Price list does not exist.")]
            return {"priceListFixedPricesUpdate": {"userErrors": errors}}
        errors = self._price_errors("pricesToAdd", set, found)
        if not errors:
            for given in set:
                self._set_price(found, given)
            for gid in delete:
                found.prices.pop(number_of(gid), None)
        return {"priceListFixedPricesUpdate": {"userErrors": errors}}

    def _price_list_tiers_set(self, list, input):  # noqa: A002 - the variables' names
        found = self.lists[number_of(list)]
        errors = self._price_errors("pricesToAdd", input["pricesToAdd"], found)
        errors = [error | {"field": ["input", *error["field"]]} for error in errors]
        priced = {number_of(each["variantId"]) for each in input["pricesToAdd"]} | found.prices.keys()
        for index, given in enumerate(input["quantityPriceBreaksToAdd"]):
            if number_of(given["variantId"]) not in priced:
                path = ["input", "quantityPriceBreaksToAdd", str(index)]
                errors.append(_error(path, "QUANTITY_PRICE_BREAK_ADD_PRICE_LIST_PRICE_NOT_FOUND", "no price"))
        if errors:
            return {"quantityPricingByVariantUpdate": {"userErrors": errors}}
        self._delete_tiers(found, input)
        for given in input["pricesToAdd"]:
            self._set_price(found, given)
        for given in input["quantityPriceBreaksToAdd"]:
            tiers = found.prices[number_of(given["variantId"])].tiers
            assert given["minimumQuantity"] not in tiers
            tiers[given["minimumQuantity"]] = Decimal(given["price"]["amount"])
        for given in input["quantityRulesToAdd"]:
            rule = (given["minimum"], given["maximum"], given["increment"])
            found.rules[number_of(given["variantId"])] = rule
        return {"quantityPricingByVariantUpdate": {"userErrors": []}}

    def _delete_tiers(self, found: SimPriceList, given: dict[str, Any]) -> None:
        for gid in given["quantityPriceBreaksToDeleteByVariantId"]:
            if own := found.prices.get(number_of(gid)):
                own.tiers = {}
        for gid in given["quantityRulesToDeleteByVariantId"]:
            del found.rules[number_of(gid)]
        for gid in given["pricesToDeleteByVariantId"]:
            found.prices.pop(number_of(gid), None)

    def _price_errors(self, name, prices, found) -> list[dict[str, Any]]:
        errors = []
        for index, given in enumerate(prices):
            assert given["price"]["currencyCode"] == found.currency
            variant = number_of(given["variantId"])
            if variant not in self.variants:
                errors.append(_error([name, str(index), "variantId"], "VARIANT_NOT_FOUND", "does not exist"))
            elif variant in self.refusals:
                errors.append(_error([name, str(index)], "INVALID", self.refusals[variant]))
        return errors

    def _set_price(self, found: SimPriceList, given: dict[str, Any]) -> None:
        own = found.prices.setdefault(number_of(given["variantId"]), ListPrice(Decimal(0)))
        own.price = Decimal(given["price"]["amount"])
        compare_at = given.get("compareAtPrice")
        own.compare_at = None if compare_at is None else Decimal(compare_at["amount"])


def _error(path: list[str], code: str, message: str) -> dict[str, Any]:
    return {"field": path, "code": code, "message": message}


def item_row(number: str, price: str = "100", **fields: Any) -> dict[str, Any]:
    plain = {
        "ItemNumber": number,
        "ProductNumber": number,
        "ProductSubType": "Product",
        "SalesUnitSymbol": "ea",
        "InventoryUnitSymbol": "ea",
        "SalesPrice": Decimal(price),
        "SalesPriceQuantity": Decimal(1),
        "FixedSalesPriceCharges": Decimal(0),
        "SalesSalesTaxItemGroupCode": "FULL",
        "SalesLineDiscountProductGroupCode": "",
    }
    return plain | fields


def variant_row(number: str, item: str, **fields: Any) -> dict[str, Any]:
    return BLANK | {"ProductVariantNumber": number, "ItemNumber": item, "SalesSalesTaxItemGroupCode": ""} | fields


def agreement_row(item: str, price: str, *, record: int = 1, **fields: Any) -> dict[str, Any]:
    plain = {
        **BLANK,
        "RecordId": Decimal(record),
        "ItemNumber": item,
        "CustomerAccountNumber": "",
        "PriceCustomerGroupCode": "WEB",
        "PriceCurrencyCode": "EUR",
        "QuantityUnitySymbol": "ea",
        "FromQuantity": Decimal(0),
        "ToQuantity": Decimal(0),
        "PriceApplicableFromDate": "1900-01-01T12:00:00Z",
        "PriceApplicableToDate": "1900-01-01T12:00:00Z",
        "PriceSiteId": "",
        "PriceWarehouseId": "",
        "WillSearchContinue": "Yes",
        "IsGenericCurrencySearchEnabled": "No",
        "AttributeBasedPricingId": "",
        "Price": Decimal(price),
        "SalesPriceQuantity": Decimal(1),
        "FixedPriceCharges": Decimal(0),
    }
    return plain | fields


@dataclass
class Fo:
    """Rows by entity set. `fails` makes the reading of a set stop after so many rows."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)

    async def pages(self, entity_set, **what):
        self.read[entity_set] += 1
        rows = list(self.rows.get(entity_set, ()))
        if entity_set in self.fails:
            yield rows[: self.fails[entity_set]]
            raise TransientError(f"F&O answered GET {entity_set} with 500")
        yield rows

    async def ask_service(self, path, question):
        self.asked.append({"path": path, **question})
        return self.answers[path](question)


@dataclass
class Snapshots:
    documents: dict[str, str] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)

    async def read(self, name):
        text = self.documents.get(name)
        return (json.loads(text), str(self.versions[name])) if text else (None, None)

    async def write(self, name, value, etag):
        if etag != (str(self.versions[name]) if name in self.documents else None):
            raise TransientError("written by another run")
        self.documents[name] = json.dumps(value)
        self.versions[name] += 1
        return str(self.versions[name])

    async def names(self, prefix):
        return sorted(name for name in self.documents if name.startswith(prefix))


def _no_file(_: httpx.Request) -> httpx.Response:
    """A transport of its own spares each run the loading of the system's certificates, most of its time."""
    return httpx.Response(404)


@dataclass
class World:
    rules: StoreRules = field(default_factory=store_rules)
    time: datetime = NOON
    fo: Fo = field(default_factory=Fo)
    snapshots: Snapshots = field(default_factory=Snapshots)
    told: list[str] = field(default_factory=list)
    """Codes of the problems, in the order in which they were told."""
    shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.shop = Shop(self.now)

    def now(self) -> datetime:
        return self.time

    def sell(self, sku: str, price: str, *, product: int | None = None, base: str | None = None, **item: Any) -> int:
        """A product of the shop, released in F&O with a base price; the variant's id."""
        number = 9001 + len(self.shop.variants)
        self.shop.variants[number] = Variant(product or number - 1000, sku, Decimal(price), updated=self.time)
        self.fo.rows.setdefault("ReleasedProductsV2", []).append(item_row(sku, base or price, **item))
        return number

    def agree(self, item: str, price: str, **fields: Any) -> dict[str, Any]:
        rows = self.fo.rows.setdefault("SalesPriceAgreements", [])
        rows.append(agreement_row(item, price, record=len(rows) + 1, **fields))
        return rows[-1]

    async def run(self, *, after: timedelta = timedelta(minutes=15), **options: Any) -> PriceReport:
        """The timer, after so much time."""
        self.time += after
        reports = []

        async def tell(report: PriceReport) -> None:
            reports.append(report)
            self.told += (problem.code for problem in report.news)

        return await push_prices(
            self.rules,
            admin=self.shop,
            fo=self.fo,
            snapshots=self.snapshots,
            journal=Journal(cast("Any", MemoryTable())),
            files=httpx.AsyncClient(transport=httpx.MockTransport(_no_file)),
            now=self.now,
            tell=tell,
            **options,
        )

    async def confirm(self, *leaving: str) -> list[str]:
        confirmed = await confirm_held(self.snapshots, self.rules.key, "prices", self.time, leaving=leaving)
        return [held.kind for held in confirmed]

    async def held(self) -> dict[str, str]:
        held = await read_held_changes(self.snapshots, self.rules.key)
        return {what: how for each in held for what, how in each.changes.items()}
