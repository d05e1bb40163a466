"""What Shopify leaves out or withholds is no value: it neither books an order nor empties what F&O has.

Withheld personal data, goods that the buyer collects, an order without an address, a product without a SKU. Both
systems are simulated; where an order is parked, the advice is carried out and the message replayed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from local.d365.books import key_of
from local.d365.inventory import Stock
from local.d365.sales_tables import HEADERS
from local.shopify.order import Order
from shared.rules import StoreRules
from tests.builders.both_sides import App, app_in_process
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU, US = strategy("nordlys"), strategy("prairie", number="sequence")
BAG = {"sku": "BAG-DOWN", "quantity": 2, "price": "118.00", "tax": VAT}
AUSTIN = 72002002
SHIPPING: Final = tuple(each.model_dump(exclude_unset=True) for each in US.shipping)
COUNTER: Final = {"title": "Counter*", "delivery_mode": "10", "pick_up_at": AUSTIN}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


def address(header: dict[str, Any]) -> tuple[str, str, str, str]:
    fields = ("DeliveryAddressName", "DeliveryAddressStreet", "DeliveryAddressZipCode", "DeliveryAddressCity")
    name, street, postal_code, city = (header[field] for field in fields)
    return name, street, postal_code, city


# ---- personal data


def withhold(order: Order) -> None:
    """What an app without access to protected customer data gets: countries and ids."""
    for found in (order.shipping_address, order.billing_address):
        assert found is not None
        found.update({key: None for key in found if key not in ("country", "country_code")})
    assert order.customer is not None
    order.customer.first_name = order.customer.last_name = order.customer.email = order.customer.phone = None
    order.customer.default_address = order.email = order.phone = None


def give_access(order: Order) -> None:
    for found in (order.shipping_address, order.billing_address):
        assert found is not None
        found.update(first_name="Jelle", last_name="Dijkstra", name="Jelle Dijkstra", address1="Voorstraat 88")
        found.update(city="Harlingen", zip="8861BM")
    assert order.customer is not None
    order.customer.first_name, order.customer.last_name = "Jelle", "Dijkstra"
    order.customer.email = order.email = "jelle@example.net"


def on_one_account(rules: StoreRules) -> StoreRules:
    return with_rules(rules, customers={"strategy": "shared", "shared_account": "C-WEB"})


@pytest.mark.parametrize("customers", ["per_consumer", "shared"])
async def test_an_order_without_street_and_city_is_parked_until_the_app_may_read_them(app: App, customers: str) -> None:
    rules = EU if customers == "per_consumer" else on_one_account(EU)
    one = OneOrder(app, rules, checkout("nordlys", BAG), shape=withhold)
    if customers == "shared":
        account = {"dataAreaId": "nleu", "CustomerAccount": "C-WEB", "CustomerGroupId": "WEB"}
        party = {"SalesCurrencyCode": "EUR", "PartyType": "Organization", "OrganizationName": "Web orders"}
        await app.client.create("CustomersV3", {**account, **party})
    known = len(one.rows("CustomersV3"))
    await one.deliver()
    assert await app.parked() == {"PERSONAL_DATA_WITHHELD"}
    (advice,) = set(await app.next_steps())
    assert "request protected customer data with name, e-mail, phone and address" in advice
    assert one.rows(HEADERS) == []
    assert one.paid == []
    assert len(one.rows("CustomersV3")) == known

    give_access(one.order)
    await app.replay_parked()
    assert not await app.parked()
    assert address(one.header) == ("Jelle Dijkstra", "Voorstraat 88", "8861 BM", "Harlingen")
    assert one.goods == [("BAG-DOWN", 2, Decimal("236.00"))]
    assert one.paid == [Decimal("236.00")]


async def test_an_event_whose_personal_data_are_withheld_empties_nothing_and_changes_the_rest(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG, payment="unpaid"))
    await one.deliver()
    header, people = one.header, one.rows("CustomersV3")
    assert address(header) == ("Sanne de Vries", "Keizersgracht 241", "1016 EA", "Amsterdam")
    withhold(one.order)
    await one.step("edit", quantities={"BAG-DOWN": 1})
    body = json.loads(one.simulated.history().webhooks[-1].body)
    assert body["shipping_address"]["address1"] is body["customer"]["first_name"] is None
    assert not await app.parked()
    assert one.goods == [("BAG-DOWN", 1, Decimal("118.00"))]
    assert one.header == header
    assert one.rows("CustomersV3") == people


# ---- goods that the buyer collects

AUSTIN_TAX = [
    {"title": "Texas State Tax", "rate": "0.0625"},
    {"title": "Austin City Tax", "rate": "0.01"},
    {"title": "Austin MTA Transit", "rate": "0.01"},
]
HOME = {"address1": "88 Ogden St", "city": "Denver", "zip": "80218", "country_code": "US", "province_code": "CO"}


def collected(store: str, line: dict[str, Any], location: int | None, title: str, **parts: Any) -> dict[str, Any]:
    counter = {"title": title, "code": title, "price": "0", "tax": []}
    parts = {"billing_address": HOME, "shipping_address": None, "shipping": [counter], **parts}
    return checkout(store, line, delivery_method="PICK_UP", location_id=location, **parts)


BOOTS = {"sku": "BOOT-BRN-9", "quantity": 1, "price": "164.00", "tax": AUSTIN_TAX}


@pytest.mark.parametrize("is_routed", [True, False])
async def test_goods_that_the_buyer_collects_leave_from_that_location_and_are_taxed_there(
    app: App, *, is_routed: bool
) -> None:
    """Shopify's fulfilment order names the location; before it has one, the rule of the shipping method does."""
    never = 0 if is_routed else 10**10
    rules = with_rules(US, shipping=(COUNTER, *SHIPPING))
    document = collected("prairie", BOOTS, AUSTIN, "Counter in Austin", routing_seconds=never)
    one = OneOrder(app, rules, document)
    books = app.fo.books
    books.stock.put(books.bin("usmf", "BOOT-BRN-9", "21"), Stock(Decimal(6)))
    await one.deliver()
    assert not await app.parked()
    (line,) = one.lines
    assert (line["ShippingWarehouseId"], line["DeliveryModeCode"]) == ("21", "10")
    assert (line["SalesTaxGroupCode"], line["SalesTaxItemGroupCode"]) == ("TX-AUS", "ALL")
    assert address(one.header)[1:] == ("", "", "")  # no parcel to the billing address
    assert one.paid == [Decimal("177.53")]
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal("177.53")  # 164.00 and 8.25 %
    assert close_the_books(app.fo) == 0


async def test_a_store_without_a_rule_for_pick_up_books_it_once_it_has_one(app: App) -> None:
    lamps = {"sku": "LAMP-HEAD", "quantity": 3, "price": "41.10", "tax": VAT}
    home = {"address1": "Lange Haven 9", "city": "Schiedam", "zip": "3111CA", "country_code": "NL"}
    one = OneOrder(app, EU, collected("nordlys", lamps, None, "Amsterdam counter", billing_address=home))
    await one.deliver()
    assert one.rows(HEADERS) == []
    assert await app.parked() == {"PICK_UP_WITHOUT_RULE"}
    (advice,) = set(await app.next_steps())
    assert "Add the table [orders.delivery.pick_up] to config/stores/nordlys.toml" in advice

    app.change_rules(with_rules(EU, orders={"delivery": {"pick_up": {"delivery_mode": "EXPR"}}}))
    await app.replay_parked()
    assert not await app.parked()
    assert one.goods == [("LAMP-HEAD", 3, Decimal("123.30"))]
    assert (one.lines[0]["ShippingWarehouseId"], one.lines[0]["DeliveryModeCode"]) == ("AMS", "EXPR")
    assert one.header["IsDeliveryAddressOrderSpecific"] == "No"  # F&O shows the address of the customer's account


# ---- an order without an address

ELSEWHERE: Final = tuple(each.model_dump(exclude_unset=True) for each in US.warehouses if each.location != AUSTIN)
HATS = {"sku": "HAT-STR-ONE", "quantity": 2, "price": "38.25", "tax": []}


@pytest.mark.parametrize(
    ("repaired", "advice", "warehouse", "group"),
    [
        (US, f"Add a [[warehouses]] entry with location = {AUSTIN} to config/stores/prairie.toml", "21", "TX-AUS"),
        (
            with_rules(US, warehouses=ELSEWHERE, orders={"address_without_shipping": "omit"}),
            'set orders.address_without_shipping = "omit" there',
            "11",
            "CO-DEN",
        ),
    ],
    ids=["a warehouse", "the store's home"],
)
async def test_a_draft_order_of_a_location_without_warehouse_is_booked_once_the_rules_say_where(
    app: App, repaired: StoreRules, advice: str, warehouse: str, group: str
) -> None:
    parcel = {"title": "Ground", "code": "GROUND", "price": "6.10", "tax": []}
    document = checkout("prairie", HATS, shipping_address=None, shipping=[parcel], sold_at=AUSTIN)
    one = OneOrder(app, with_rules(US, warehouses=ELSEWHERE), document)
    await one.deliver()
    assert one.rows(HEADERS) == []
    assert await app.parked() == {"LOCATION_WITHOUT_WAREHOUSE"}
    (next_step,) = set(await app.next_steps())
    assert advice in next_step

    app.change_rules(repaired)
    await app.replay_parked()
    assert not await app.parked()
    assert one.goods == [("HAT", 2, Decimal("76.50")), ("SHIPPING", 1, Decimal("6.10"))]
    assert {line["SalesTaxGroupCode"] for line in one.lines} == {group}
    assert one.lines[0]["ShippingWarehouseId"] == warehouse
    assert one.paid == [Decimal("82.60")]


# ---- a product without a SKU


def without_sku(order: Order) -> None:
    """A product that has a barcode, whose SKU was never filled in."""
    line = order.lines[0]
    assert line.variant is not None
    line.sku, line.variant = None, replace(line.variant, sku="", barcode="STOVE-GAS")


LAMP_BY_ID = "91004"
"""The id of the variant LAMP-HEAD, as the number of an item in F&O."""


def number_by_variant(app: App) -> None:
    """F&O has the lamp under the id of its variant too."""
    books = app.fo.books
    item = books.items["nleu", "lamp-head"]
    books.items["nleu", LAMP_BY_ID] = replace(item, number=LAMP_BY_ID)
    rows, keys = books.rows("ReleasedProductsV2"), books.schema.sets["ReleasedProductsV2"]
    lamp = next(row for row in rows if row.values["ItemNumber"] == "LAMP-HEAD")
    values = {**lamp.values, "ItemNumber": LAMP_BY_ID}
    rows.put(key_of(keys, values), replace(lamp, values=values))


@pytest.mark.parametrize(
    ("rule", "item"),
    [
        ({"sku_missing": "variant_id"}, LAMP_BY_ID),
        ({"sku_missing": "barcode"}, "STOVE-GAS"),
        ({"sku_missing": "item", "sku_missing_item": "CUSTOM_LINE"}, "CUSTOM_LINE"),
    ],
    ids=["by variant", "by barcode", "one item"],
)
async def test_a_product_without_sku_is_booked_on_the_item_that_the_rules_give(
    app: App, rule: dict[str, str], item: str
) -> None:
    lamps = {"sku": "LAMP-HEAD", "quantity": 2, "price": "27.45", "tax": VAT}
    one = OneOrder(app, EU, checkout("nordlys", lamps), shape=without_sku)
    number_by_variant(app)
    await one.deliver()
    assert one.rows(HEADERS) == []
    assert await app.parked() == {"SKU_EMPTY"}
    (advice,) = set(await app.next_steps())
    assert "Set orders.sku_missing in config/stores/nordlys.toml" in advice

    app.change_rules(with_rules(EU, orders=rule))
    await app.replay_parked()
    assert not await app.parked()
    assert one.goods == [(item, 2, Decimal("54.90"))]
    assert one.paid == [Decimal("54.90")]
    await one.step("edit", quantities={str(one.order.lines[0].id): 1})
    assert one.goods == [(item, 1, Decimal("27.45"))]
