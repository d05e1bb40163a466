"""Advice about orders, and about sales orders in F&O, and how it is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from local.shopify.order import Order
from shared.error_catalogue import ErrorCode
from shared.mapping.bounds import MAX_PROPERTIES
from shared.shopify.orders import ALL_ORDERS
from tests.builders.advice.scene import (
    BTW,
    MUG,
    STANDARD,
    TENT,
    Repair,
    Scene,
    changed,
    checkout,
    correcting,
    deploying,
    nothing,
    pack,
    replaying,
)
from tests.builders.checkouts import ADDRESSES
from tests.builders.sales import EU


async def _withdraw(scene: Scene) -> None:
    scene.take_out("ReleasedProductsV2", ItemNumber="TENT-2P")


async def _set_up(scene: Scene) -> None:
    scene.set_up()
    await scene.replay()


async def _sell_another(scene: Scene) -> None:
    """Removes the line from the order in Shopify, and adds another product."""
    line = str(scene.order.order.lines[0].id)
    await scene.step("edit", {"quantities": {line: 0}, "add": [{"sku": "BAG-DOWN", "quantity": 1}]})
    await scene.close()


async def _create_an_account(scene: Scene) -> None:
    account = {"dataAreaId": "nleu", "CustomerAccount": "C-WEB", "CustomerGroupId": "WEB", "SalesCurrencyCode": "EUR"}
    await scene.app.client.create(
        "CustomersV3", {**account, "PartyType": "Organization", "OrganizationName": "Web orders"}
    )


async def _create_sales_order(scene: Scene, number: str, reference: str) -> None:
    account = {"OrderingCustomerAccountNumber": "C-WEB", "InvoiceCustomerAccountNumber": "C-WEB"}
    header = {"dataAreaId": "nleu", "SalesOrderNumber": number, "CustomersOrderReference": reference, **account}
    await scene.app.client.create(
        "SalesOrderHeadersV4", {**header, "CurrencyCode": "EUR", "IsSalesProcessingStopped": "Yes"}
    )


async def _use_its_number(scene: Scene) -> None:
    await _create_an_account(scene)
    await _create_sales_order(scene, f"SN{scene.order.order.id}", "of another app")


async def _replace_numbers(scene: Scene) -> None:
    scene.app.fo.books.numbers.set_kind("nleu", "sales order", "replaced")


async def _create_two(scene: Scene) -> None:
    await _create_an_account(scene)
    for number in ("A-1", "A-2"):
        await _create_sales_order(scene, number, f"shopify-nordlys-{scene.order.order.id}")


async def _keep_one(scene: Scene) -> None:
    await scene.app.client.delete("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": "A-2"})
    await scene.replay()


async def _tax_by_unit(scene: Scene) -> None:
    codes = scene.app.fo.books.rows("TaxCodes")
    for key, row in codes.items():
        codes.put(key, replace(row, values={**row.values, "TaxBase": "PerUnit"}))


async def _book_on_a_shared_account(scene: Scene) -> None:
    await _create_an_account(scene)
    await scene.deploy(customers={"anonymous": "shared", "shared_account": "C-WEB"})


async def _show_nothing(scene: Scene) -> None:
    """Takes the order out of what Shopify lets the app read, while it is edited. The event is handled an hour later."""
    scene.hides_orders = True
    clock = scene.app.now
    scene.app.now = lambda: clock() + timedelta(hours=1)
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})
    scene.app.now = clock


async def _show_it(scene: Scene) -> None:
    scene.hides_orders = False
    await scene.deliver()
    await scene.replay()


async def _show_no_old_orders(scene: Scene) -> None:
    scene.shop.scopes -= {ALL_ORDERS}
    await _show_nothing(scene)


async def _grant_the_scope(scene: Scene) -> None:
    scene.shop.scopes |= {ALL_ORDERS}
    await _show_it(scene)


async def _delete_in_fo(scene: Scene) -> None:
    for header in scene.sales_orders:
        key = {name: str(header.values[name]) for name in ("dataAreaId", "SalesOrderNumber")}
        await scene.app.client.delete("SalesOrderHeadersV4", key)
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _cancel(scene: Scene) -> None:
    await scene.step("cancel", {})
    await scene.close()


def more_tax(order: Order) -> None:
    """Ten cents more tax on the first line than its rate gives. The price includes it."""
    units = order.lines[0].left
    tax = units.taxes[0]
    more = replace(tax, shop=tax.shop + Decimal("0.10"), presentment=tax.presentment + Decimal("0.10"))
    order.lines[0].left = replace(units, taxes=(more, *units.taxes[1:]))


def no_country(payload: dict[str, Any]) -> None:
    payload["shipping_address"].update(country_code="ZZ", country="Atlantis")


def with_endless_attributes(order: Order) -> None:
    order.note_attributes = [{"name": f"n{at}", "value": "x"} for at in range(MAX_PROPERTIES + 1)]


def without_sku(order: Order) -> None:
    order.lines[0].sku = None


def no_lines_field(payload: dict[str, Any]) -> None:
    del payload["line_items"]


async def _take_one_less(scene: Scene) -> None:
    await pack(scene)
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _take_it_back(scene: Scene) -> None:
    await scene.step("edit", {"quantities": {"TENT-2P": 2}})
    await scene.replay()


def with_taxes(*instead: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The store's tax rules, with these instead of those for the same rate."""
    replaced = {(rule["countries"], rule["rates"]) for rule in instead}
    kept = [rule.model_dump(exclude_unset=True) for rule in EU.taxes]
    return [*instead, *(rule for rule in kept if (rule["countries"], rule["rates"]) not in replaced)]


def _rates(rate: str, group: str = "NL-VAT", item_group: str = "FULL") -> Mapping[str, Any]:
    return {
        "countries": ("NL",),
        "rates": (Decimal(rate),),
        "sales_tax_group": group,
        "item_tax_group": item_group,
    }


TWELVE: Final = [{"title": "BTW", "rate": "0.12"}]


REPAIRED: Final[dict[ErrorCode, Repair]] = {
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=_set_up),
    ErrorCode.LINE_WITHOUT_RULE: Repair(
        order=checkout(lines=[TENT, {"title": "Engraving", "price": "5.00", "quantity": 1, "tax": BTW}]),
        act=deploying(orders={"custom_line_item": "CUSTOM_LINE"}),
    ),
    ErrorCode.AMOUNT_WITHOUT_RULE: Repair(
        order=checkout(fees=[{"name": "Handling", "price": "4.30"}]), act=deploying(orders={"fees_item": "FEES"})
    ),
    ErrorCode.CURRENCY_WITHOUT_RULE: Repair(
        order=checkout(currency="DKK", exchange_rate="7.4604"),
        rules=changed(EU, currency_side="presentment"),
        act=deploying(currencies=("EUR", "DKK")),
    ),
    ErrorCode.TAX_WITHOUT_RULE: Repair(
        order=checkout(lines=[{**TENT, "tax": TWELVE}]), act=deploying(taxes=with_taxes(_rates("0.12")))
    ),
    ErrorCode.TAX_AMBIGUOUS: Repair(
        order=checkout(lines=[TENT, {**MUG, "tax": [{"title": "BTW", "rate": "0.09"}]}]),
        rules=changed(EU, taxes=with_taxes(_rates("0.09", "DE-VAT", "REDUCED"))),
        act=deploying(taxes=with_taxes()),
    ),
    ErrorCode.TAX_SETUP_MISSING: Repair(
        rules=changed(EU, taxes=with_taxes(_rates("0.21", "NO-SUCH")), tax={"verify": "fo"}),
        act=deploying(taxes=with_taxes()),
    ),
    ErrorCode.TAX_DIFFERS: Repair(shape=more_tax, act=deploying(tax={"tolerance": 50})),
    ErrorCode.TAX_OF_MARKETPLACE: Repair(
        order=checkout(lines=[{**TENT, "tax": [{**BTW[0], "channel_liable": True}]}]),
        act=deploying(tax={"marketplace": "take_out"}),
    ),
    ErrorCode.SHIPPING_WITHOUT_RULE: Repair(
        order=checkout(shipping=[{**STANDARD, "title": "By drone", "code": "DRONE"}]),
        act=deploying(shipping=[{"code": "DRONE", "delivery_mode": "EXPR"}]),
    ),
    ErrorCode.NO_WAREHOUSE: Repair(
        rules=changed(
            EU, warehouses=[{**each.model_dump(exclude_unset=True), "countries": ("DE",)} for each in EU.warehouses]
        ),
        act=deploying(warehouses=[each.model_dump(exclude_unset=True) for each in EU.warehouses]),
    ),
    ErrorCode.NO_ADDRESS: Repair(
        order=checkout(shipping_address=None),
        act=correcting(shipping_address=ADDRESSES["nordlys"]),
    ),
    ErrorCode.NO_BUYER: Repair(
        order=checkout(customer=None),
        act=_book_on_a_shared_account,
    ),
    ErrorCode.UNKNOWN_COUNTRY: Repair(spoil=no_country, act=correcting(note="the address is corrected")),
    ErrorCode.FIELD_TOO_LONG: Repair(order=checkout(po_number="PO-" + "7" * 30), act=correcting(po_number="PO-7")),
    ErrorCode.ORDER_TOO_LARGE: Repair(shape=with_endless_attributes, act=_cancel, sales_orders=0),
    ErrorCode.TOO_MANY_LINES: Repair(
        rules=changed(EU, orders={"max_lines": 2}), act=deploying(orders={"max_lines": 10})
    ),
    ErrorCode.TEST_ORDER: Repair(order=checkout(test=True), act=deploying(orders={"test_orders": "book"})),
    ErrorCode.CHANGE_HELD: Repair(act=_take_it_back, then=_take_one_less),
    ErrorCode.SKU_EMPTY: Repair(shape=without_sku, act=_sell_another),
    ErrorCode.TAX_SETUP_BEYOND: Repair(
        rules=changed(EU, tax={"verify": "fo"}), before=_tax_by_unit, act=deploying(tax={"verify": "rules"})
    ),
    ErrorCode.FO_FOREIGN_ORDER: Repair(
        ready=_use_its_number, act=deploying(orders={"number_prefix": "SW"}), sales_orders=2
    ),
    ErrorCode.FO_NUMBER_REPLACED: Repair(
        ready=_replace_numbers, act=deploying(tenant={"order_number": "replaced"}, orders={"number": "sequence"})
    ),
    ErrorCode.CUSTOMER_FIELD_UNUSABLE: Repair(
        rules=changed(EU, customers={"id_field": "NotInThisF"}), act=deploying(customers={"id_field": "KnownAs"})
    ),
    ErrorCode.FO_DUPLICATE: Repair(
        rules=changed(EU, orders={"number": "sequence", "number_prefix": ""}), ready=_create_two, act=_keep_one
    ),
    ErrorCode.NOT_AN_ORDER: Repair(spoil=no_lines_field, act=correcting(tags=["again"])),
    ErrorCode.ORDER_GONE: Repair(then=_show_nothing, act=_show_it),
    ErrorCode.ORDER_TOO_OLD: Repair(then=_show_no_old_orders, act=_grant_the_scope),
    ErrorCode.FO_ORDER_GONE: Repair(then=_delete_in_fo, act=_cancel, sales_orders=0),
}

ALSO_REPAIRED: Final = (
    (ErrorCode.NOT_AN_ORDER, Repair(spoil=no_lines_field, act=replaying)),  # what was wrong came with the event alone
    (ErrorCode.UNKNOWN_SKU, Repair(before=_withdraw, act=_sell_another)),
    (
        ErrorCode.NO_ADDRESS,
        Repair(order=checkout(shipping_address=None), act=deploying(orders={"address_without_shipping": "omit"})),
    ),
)

BY_HAND: dict[ErrorCode, Repair] = {
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=nothing),
    ErrorCode.SKU_EMPTY: Repair(shape=without_sku, act=nothing),
    ErrorCode.FIELD_TOO_LONG: Repair(order=checkout(po_number="PO-" + "7" * 30), act=nothing),
    ErrorCode.TOO_MANY_LINES: Repair(rules=changed(EU, orders={"max_lines": 2}), act=nothing),
    ErrorCode.ORDER_TOO_LARGE: Repair(shape=with_endless_attributes, act=nothing),
}
"""The order is entered in F&O by hand: its later events do nothing."""
