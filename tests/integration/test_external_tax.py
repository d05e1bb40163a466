"""A store whose tax F&O leaves to an engine outside it: nothing is asked or sent, and the invoice is compared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from local.d365.free_text_posting import post_free_text
from local.d365.return_posting import ReturnPosting
from local.d365.sales_tables import HEADERS, LINES
from shared.mapping.shopify.state import read_state
from shared.sync.sweep.duplicates import hold_duplicates
from shared.sync.sweep.reconciliation import Comparison, compare_order
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import ADDRESSES, BUYER
from tests.builders.fo_people import ship_and_invoice
from tests.builders.histories import SimulatedOrder
from tests.builders.sales import US, with_rules

pytestmark = pytest.mark.usefixtures("wire")
EXEMPT = {"sales_tax_group": "NOTAX", "item_tax_group": "EXEMPT"}
RULES = with_rules(
    US,
    taxes=(),
    tax={
        "verify": "external",
        "tolerance": 2,
        "tolerance_per_line": 1,
        "engine_sales_tax_group": "CO-DEN",
        "engine_item_tax_group": "ALL",
    },
    orders={"odd_cents": "charge"},
    refunds={
        "accounts": {
            "goods_kept": {"main_account": "401100"},
            "goodwill": {"main_account": "418190"} | EXEMPT,
            "discrepancy": {"main_account": "418190"} | EXEMPT,
        },
    },
)
RATES = [
    {"title": "Colorado", "rate": "0.029"},
    {"title": "Denver", "rate": "0.0481"},
    {"title": "RTD", "rate": "0.011"},
]
ORDER = {
    "customer": BUYER,
    "shipping_address": ADDRESSES["prairie"],
    "lines": [{"sku": "TEE-RED-M", "quantity": 3, "tax": RATES}, {"sku": "HAT-STR-ONE", "quantity": 1, "tax": RATES}],
    "shipping": [{"title": "Ground", "code": "GROUND", "price": "7.50", "tax": []}],
}


@asynccontextmanager
async def engine(percent: str) -> AsyncIterator[App]:
    async with running_apps(1, external_tax=percent) as (app,):
        app.reset(RULES)
        yield app


class Sale:
    """An order in the simulated shop, whose webhooks the app gets one by one."""

    def __init__(self, app: App, **checkout: str) -> None:
        self.app = app
        self.simulated = SimulatedOrder("prairie", ORDER | checkout)
        self._delivered = 0

    async def deliver(self) -> None:
        self.app.shopify.show("prairie", self.simulated.order)
        webhooks = self.simulated.history().webhooks
        for webhook in webhooks[self._delivered :]:
            await self.app.handle(webhook)
        self._delivered = len(webhooks)

    async def step(self, name: str, wish: dict[str, Any]) -> None:
        self.simulated.step(name, wish)
        await self.deliver()

    async def compare(self) -> Comparison:
        bodies = [json.loads(each.body, parse_float=Decimal) for each in self.simulated.history().webhooks]
        body = [each for each in bodies if "line_items" in each][-1]
        state = read_state(body, store="prairie", side=RULES.currency_side)
        link = await self.app.link(self.simulated.order.id)
        assert link is not None
        ports = self.app._ports
        found = await compare_order(state, link, await hold_duplicates(link, RULES, ports), RULES, ports)
        assert found is not None
        return found


def rows(app: App, entity_set: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in app.fo.books.rows(entity_set)]


async def test_no_order_gets_tax_groups_of_the_app_and_no_tax_set_up_is_read() -> None:
    async with engine("8.81") as app:
        sale = Sale(app, payment="unpaid")
        await sale.deliver()
        assert await app.parked() == set()
        (header,), lines = rows(app, HEADERS), rows(app, LINES)
        assert header["SalesTaxGroupCode"] == ""
        assert {line["SalesTaxGroupCode"] for line in lines} == {""}
        # What F&O takes from its items itself.
        assert {line["ItemNumber"]: line["SalesTaxItemGroupCode"] for line in lines} == {
            "TEE": "ALL",
            "HAT": "ALL",
            "SHIPPING": "EXEMPT",
        }
        assert not [call for call in app.fo.http_calls if "Tax" in call]


async def test_the_same_tax_within_the_tolerance_is_no_finding() -> None:
    async with engine("8.81") as app:
        sale = Sale(app, payment="unpaid")
        await sale.deliver()
        ship_and_invoice(app.fo)
        assert (await sale.compare()).findings == ()


async def test_another_tax_on_the_invoice_is_told_with_both_sides() -> None:
    async with engine("9.81") as app:
        sale = Sale(app, payment="unpaid")
        await sale.deliver()
        assert (await sale.compare()).findings == ()  # nothing is known before F&O has invoiced
        ship_and_invoice(app.fo)
        (finding,) = (await sale.compare()).findings
        assert finding.as_dict()["code"] == "INVOICE_DIFFERS"
        # 72.00 + 45.00 + 7.50, taxed by Shopify with 8.81 % on the goods, by the engine with 7.06 + 4.41.
        assert finding.shopify == "134.81 USD with a tax of 10.31 USD"
        assert finding.fo == "135.97 USD with a tax of 11.47 USD"
        assert not finding.is_healable


async def test_a_later_change_leaves_the_tax_groups_to_f_and_o() -> None:
    async with engine("8.81") as app:
        sale = Sale(app, payment="unpaid")
        await sale.deliver()
        await sale.step("edit", {"quantities": {"TEE-RED-M": 2}})
        assert await app.parked() == set()
        lines = rows(app, LINES)
        assert {line["SalesTaxGroupCode"] for line in lines} == {""}
        assert next(line["OrderedSalesQuantity"] for line in lines if line["ItemNumber"] == "TEE") == 2
        ship_and_invoice(app.fo)
        assert (await sale.compare()).findings == ()


async def test_refunds_are_taxed_by_the_engine_as_the_goods_were() -> None:
    """Returned goods as their lot was, kept goods by the groups of the rules, goodwill not at all."""
    async with engine("8.81") as app:
        sale = Sale(app)
        await sale.deliver()
        ship_and_invoice(app.fo)
        before = balance(app)
        await sale.step("fulfill", {})
        tee, hat = (line.id for line in sale.simulated.order.lines)
        lines = [
            {"line": tee, "quantity": 2, "restock": "return"},
            {"line": hat, "quantity": 1, "restock": "no_restock"},
        ]
        await sale.step("refund", {"lines": lines})
        assert await app.parked() == set()
        (kept,) = rows(app, "FreeTextInvoiceLines")
        assert (kept["SalesTaxGroupId"], kept["SalesTaxItemGroupId"]) == ("CO-DEN", "ALL")
        post_credits(app)
        # 48.00 + 4.23 for two shirts, 45.00 + 3.96 for the hat.
        assert before - balance(app) == Decimal("101.19")


def post_credits(app: App) -> None:
    posting = ReturnPosting(app.fo.books)
    for header in list(app.fo.books.rows("ReturnOrderHeadersV2")):
        posting.receive(header, {})
        posting.invoice(app.fo.books.find("ReturnOrderHeadersV2", "usmf", header.values["ReturnOrderNumber"]) or header)
    for invoice in list(app.fo.books.rows("FreeTextInvoiceHeaders")):
        post_free_text(app.fo.books, invoice)


def balance(app: App) -> Decimal:
    return sum((row["AmountCur"] for row in rows(app, "CustTransactions")), Decimal(0))
