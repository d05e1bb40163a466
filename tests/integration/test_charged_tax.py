"""F&O taxes what Shopify charged tax on: a rate with an amount of 0.00 decides nothing. Both systems are simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from local.d365.books import key_of
from local.shopify.order import Order
from tests.builders.both_sides import App, app_in_process
from tests.builders.checkouts import Document
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import DENVER_TAX, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import POLICIES, strategy


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


def at_no_charge(taxes: list[Document]) -> list[Document]:
    """The taxes with an amount of 0.00; `show_rates` sets their rates."""
    return [{**tax, "rate": "0"} for tax in taxes]


def groups(one: OneOrder) -> list[tuple[str, str]]:
    return [(line["SalesTaxGroupCode"], line["SalesTaxItemGroupCode"]) for line in one.lines]


def show_rates(order: Order) -> None:
    """Shopify shows the full rates of every line, also where it charged nothing."""
    for line in order.lines:
        rates = {tax["title"]: tax for tax in (*VAT, *DENVER_TAX)}
        line.rates = tuple(replace(rate, rate=Decimal(rates[rate.title]["rate"])) for rate in line.rates)


FULL, NONE, EXPORT = ("NL-VAT", "FULL"), ("NL-VAT", "NONE"), ("EXPORT", "NONE")


@pytest.mark.parametrize(("taxes_included", "total"), [(True, "259.35"), (False, "300.01")])
@pytest.mark.parametrize("policy", sorted(POLICIES))
async def test_a_line_that_is_not_taxed_is_booked_untaxed_although_it_has_a_rate(
    app: App, policy: str, total: str, *, taxes_included: bool
) -> None:
    """2 x 96.80 with VAT of 33.60, or of 40.66 on top, and 5 x 13.15 without any."""
    bags = {"sku": "BAG-DOWN", "quantity": 2, "price": "96.80", "tax": VAT}
    maps = {"sku": "MAP-NORDIC", "quantity": 5, "price": "13.15", "tax": at_no_charge(VAT)}
    document = checkout("nordlys", bags, maps, taxes_included=taxes_included)
    one = OneOrder(app, strategy("nordlys", policy), document, shape=show_rates)
    await one.deliver()
    assert not await app.parked()
    assert groups(one) == ([EXPORT] * 3 if policy == "service_line" else [FULL, NONE])
    assert one.paid == [Decimal(total)]
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal(total)
    assert close_the_books(app.fo) == 0


@pytest.mark.parametrize("policy", sorted(POLICIES))
async def test_an_exempt_buyer_is_booked_untaxed_although_every_line_has_rates(app: App, policy: str) -> None:
    hats = {"sku": "HAT-STR-ONE", "quantity": 3, "price": "31.70", "tax": at_no_charge(DENVER_TAX)}
    parcel = {"title": "Ground", "code": "GROUND", "price": "9.25", "tax": []}
    rules = strategy("prairie", policy, number="sequence")
    one = OneOrder(app, rules, checkout("prairie", hats, shipping=[parcel]), shape=show_rates)
    await one.deliver()
    assert not await app.parked()
    assert one.goods == [("HAT", 3, Decimal("95.10")), ("SHIPPING", 1, Decimal("9.25"))]
    assert groups(one) == [("NOTAX" if policy == "service_line" else "CO-DEN", "EXEMPT")] * 2
    assert one.paid == [Decimal("104.35")]
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal("104.35")
    assert close_the_books(app.fo) == 0


STATE, CITY, REGION = DENVER_TAX
WITHOUT_CITY = {
    "countries": ("US",),
    "provinces": ("CO",),
    "rates": (Decimal("0.04"),),
    "sales_tax_group": "CO-DEN",
    "item_tax_group": "NO-CITY",
}


def add_item_group(app: App, name: str, codes: set[str]) -> None:
    """An item sales tax group of F&O like ALL, with these codes only."""
    books = app.fo.books
    for entity_set, field in (("TaxItemGroupHeadings", "TaxItemGroup"), ("TaxItemGroups", "TaxItemGroupCode")):
        rows, keys = books.rows(entity_set), books.schema.sets[entity_set]
        for row in [each for each in rows if each.values[field] == "ALL"]:
            if codes >= {row.values.get("TaxCodeId")} - {None}:
                values = {**row.values, field: name}
                rows.put(key_of(keys, values), replace(row, values=values))


@pytest.mark.parametrize("policy", sorted(POLICIES))
async def test_a_buyer_whom_the_city_does_not_tax_is_booked_with_what_state_and_region_tax(
    app: App, policy: str
) -> None:
    """4 % of 95.10 in two taxes. Only Shopify's own tax lines need no rule for the rate."""
    hats = {"sku": "HAT-STR-ONE", "quantity": 3, "price": "31.70", "tax": [STATE, *at_no_charge([CITY]), REGION]}
    rules = strategy("prairie", policy, number="sequence", verify="fo")
    one = OneOrder(app, rules, checkout("prairie", hats), shape=show_rates)
    add_item_group(app, "NO-CITY", {"CO", "RTD"})
    await one.deliver()
    if policy != "service_line":
        assert await app.parked() == {"TAX_WITHOUT_RULE"}
        assert one.lines == []
        (advice,) = set(await app.next_steps())
        assert "Add a [[taxes]] rule with rates = [0.04] and the F&O tax groups" in advice
        app.change_rules(with_rules(rules, taxes=(WITHOUT_CITY, *rules.model_dump(exclude_unset=True)["taxes"])))
        await app.replay_parked()
    assert not await app.parked()
    assert groups(one) == ([("NOTAX", "EXEMPT")] * 3 if policy == "service_line" else [("CO-DEN", "NO-CITY")])
    assert one.paid == [Decimal("98.91")]
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal("98.91")
    assert close_the_books(app.fo) == 0
