"""Duties and fees that are taxed themselves, booked by a rule and given back with their tax.

Shopify's webhooks show the taxes of duties, and those of fees only within the order's tax. Both systems are simulated.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from local.shopify.order import Order
from tests.builders.both_sides import App, app_in_process
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import POLICIES, strategy

STOVES = {"sku": "STOVE-GAS", "quantity": 2, "price": "57.35", "tax": VAT, "duties": [{"amount": "16.94", "tax": VAT}]}
ASSEMBLY = {"name": "Assembly", "price": "7.26", "tax": VAT}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


@pytest.mark.parametrize(
    ("taxes_included", "total", "given_back"), [(True, "138.90", "73.08"), (False, "168.07", "88.43")]
)
@pytest.mark.parametrize("policy", sorted(POLICIES))
async def test_taxed_duties_and_fees_are_booked_and_given_back_with_their_tax(
    app: App, policy: str, total: str, given_back: str, *, taxes_included: bool
) -> None:
    """114.70, duties of 16.94 and a fee of 7.26, with 21 % in them or on top. Half the goods come back, and the fee."""
    document = checkout("nordlys", STOVES, fees=[ASSEMBLY], taxes_included=taxes_included)
    one = OneOrder(app, strategy("nordlys", policy), document)
    await one.deliver()
    assert not await app.parked()
    booked = one.goods
    items = {"STOVE-GAS", "DUTIES", "FEES", *(["SALESTAX"] if policy == "service_line" else [])}
    groups = {("EXPORT", "NONE")} if policy == "service_line" else {("NL-VAT", "FULL")}
    assert {item for item, _, _ in booked} == items
    assert {(line["SalesTaxGroupCode"], line["SalesTaxItemGroupCode"]) for line in one.lines} == groups
    assert one.paid == [Decimal(total)]

    await one.step("amend", tags=["fragile"])
    await one.step("fulfill")
    assert not await app.parked()
    assert one.goods == booked
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal(total)

    await one.step("refund", lines=[{"line": "STOVE-GAS", "quantity": 1, "restock": "return"}], duties=True, fees=True)
    assert not await app.parked()
    assert one.paid == [Decimal(total), -Decimal(given_back)]
    cents = Decimal("0.01") if policy == "tolerate" and not taxes_included else 0
    assert abs(close_the_books(app.fo)) <= cents


def taxed_as_if_before_tax(order: Order) -> None:
    """21 % of 16.94, although the order's prices include tax: 2.94 would be in them."""
    (duty,) = order.lines[0].duties
    duty.taxes = tuple(replace(tax, shop=Decimal("3.56"), presentment=Decimal("3.56")) for tax in duty.taxes)


async def test_a_tax_of_duties_that_its_rate_does_not_give_is_booked_as_it_is_by_a_rule(app: App) -> None:
    rules = strategy("nordlys")
    one = OneOrder(app, rules, checkout("nordlys", STOVES), shape=taxed_as_if_before_tax)
    body = json.loads(one.simulated.history().webhooks[0].body)
    assert body["line_items"][0]["duties"][0]["tax_lines"][0]["price"] == "3.56"
    await one.deliver()
    assert await app.parked() == {"TAX_OF_CHARGE"}
    assert one.lines == []
    (advice,) = set(await app.next_steps())
    assert 'Set tax.policy = "service_line" in config/stores/nordlys.toml' in advice

    exempt = {"exempt_sales_tax_group": "EXPORT", "exempt_item_tax_group": "NONE"}
    app.change_rules(with_rules(rules, tax={"policy": "service_line", "service_item": "SALESTAX", **exempt}))
    await app.replay_parked()
    assert not await app.parked()
    assert one.goods == [
        ("STOVE-GAS", 2, Decimal("94.79")),
        ("DUTIES", 1, Decimal("13.38")),
        ("SALESTAX", 1, Decimal("23.47")),
    ]
    assert one.paid == [Decimal("131.64")]
    ship_and_invoice(app.fo)
    assert close_the_books(app.fo) == 0
