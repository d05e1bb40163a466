"""One order in the Shopify simulator and one installation of the app: its webhooks, and what F&O has afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from local.d365.edm import number
from local.d365.free_text import LINES as INVOICE_LINES
from local.d365.journals import LINES as PAYMENTS
from local.d365.ledger import TRANSACTIONS
from local.d365.return_tables import LINES as RETURN_LINES
from local.d365.sales_tables import HEADERS, LINES
from local.shopify.events import Event
from local.shopify.order import Order
from shared.rules import StoreRules
from tests.builders.both_sides import App
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.histories import SimulatedOrder, Webhook

type Payload = dict[str, Any]
type Change = Callable[[Payload], None]
type Fields = dict[str, Any]

VAT: Final = [{"title": "BTW", "rate": "0.21"}]
REDUCED_VAT: Final = [{"title": "BTW", "rate": "0.09"}]
DENVER_TAX: Final = [
    {"title": "Colorado State Tax", "rate": "0.029"},
    {"title": "Denver City Tax", "rate": "0.0481"},
    {"title": "RTD Tax", "rate": "0.011"},
]


def checkout(store: str, *lines: Document, **parts: Any) -> Document:
    """A checkout of the store's usual buyer; a part that is None is left out."""
    whole = {"customer": BUYER, "shipping_address": ADDRESSES[store], "lines": list(lines), **parts}
    return {key: value for key, value in whole.items() if value is not None}


class FoDocuments:
    """What F&O has in the company of one app, which has one order."""

    app: App

    def rows(self, entity_set: str) -> list[Fields]:
        return [dict(row.values) for row in self.app.fo.books.rows(entity_set)]

    @property
    def header(self) -> Fields:
        """Of its one sales order."""
        (header,) = self.rows(HEADERS)
        return header

    @property
    def lines(self) -> list[Fields]:
        return self.rows(LINES)

    @property
    def goods(self) -> list[tuple[str, Decimal, Decimal]]:
        """Item, quantity and amount of each line of the sales order."""
        return [
            (line["ItemNumber"], number(line, "OrderedSalesQuantity"), number(line, "LineAmount"))
            for line in self.lines
        ]

    @property
    def credits(self) -> list[tuple[str, Decimal]]:
        """Main account and amount of each line of the free text invoices; what is credited is below zero."""
        return [
            (line["MainAccountDisplayValue"], number(line, "TransactionCurrencyAmount"))
            for line in self.rows(INVOICE_LINES)
        ]

    @property
    def returned(self) -> list[tuple[str, Decimal, Decimal]]:
        """Item, quantity and amount of each line of the return orders."""
        return [
            (line["ItemNumber"], number(line, "ReturnSalesQuantity"), number(line, "LineAmount"))
            for line in self.rows(RETURN_LINES)
        ]

    @property
    def paid(self) -> list[Decimal]:
        """The lines of the payment journals, money paid out below zero."""
        return [number(line, "CreditAmount") - number(line, "DebitAmount") for line in self.rows(PAYMENTS)]

    @property
    def invoiced(self) -> Decimal:
        """What the buyer was charged by all that is posted, tax included."""
        return sum((number(row, "AmountCur") for row in self.rows(TRANSACTIONS)), Decimal(0))


class OneOrder(FoDocuments):
    """An order in Shopify whose webhooks the app gets, each as it was sent or changed."""

    def __init__(
        self, app: App, rules: StoreRules, document: Document, *, shape: Callable[[Order], None] | None = None
    ):
        """`shape` changes the order in Shopify before its first webhook is sent."""
        app.reset(rules)
        self.app = app
        self.simulated = SimulatedOrder(rules.key, document)
        if shape is not None:
            shape(self.order)
            self.simulated.steps.clear()
            self.simulated._record("checkout", document, [Event("orders/create", self.order)])
        self._delivered = 0

    @property
    def order(self) -> Order:
        return self.simulated.order

    @property
    def reference(self) -> str:
        return f"shopify-{self.app.rules.key}-{self.order.id}"

    def change(self, step: str, **wish: Any) -> None:
        """Changes the order in Shopify. Its webhooks are sent by `deliver`."""
        known = len(self.simulated.steps)
        self.simulated.step(step, wish)
        assert len(self.simulated.steps) > known, f"Shopify refused {step}"

    def pending(self) -> list[Webhook]:
        """The webhooks since the last call, in the order in which Shopify sent them."""
        webhooks = self.simulated.history().webhooks
        new, self._delivered = webhooks[self._delivered :], len(webhooks)
        return list(new)

    async def deliver(self, spoil: Change | None = None, *, topic: str | None = None) -> None:
        """Delivers what Shopify has sent since, each body changed by `spoil`; with a topic, only webhooks of it."""
        for webhook in self.pending():
            if topic in (None, webhook.topic):
                await self.send(webhook, spoil)

    async def send(self, webhook: Webhook, spoil: Change | None = None) -> None:
        self.app.shopify.show(self.app.rules.key, self.order)
        await self.app.handle(changed(webhook, spoil) if spoil is not None else webhook)

    async def step(self, step: str, spoil: Change | None = None, **wish: Any) -> None:
        """Changes the order in Shopify and delivers the webhooks."""
        self.change(step, **wish)
        await self.deliver(spoil)


def changed(webhook: Webhook, change: Change) -> Webhook:
    """The webhook with another body. One that does not contain the order stays as it is."""
    payload = json.loads(webhook.body)
    if "line_items" not in payload:
        return webhook
    change(payload)
    return replace(webhook, body=json.dumps(payload).encode())
