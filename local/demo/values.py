"""The demo's results: what its tables print, and what `build/demo.json` holds of the same values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

type Pair = tuple[Decimal, Decimal]
"""The same figure in Shopify and in F&O."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `build/demo.json`: the same fact in both systems. Money is text with its currency."""

    flow: str
    subject: str
    what: str
    shopify: str
    fo: str
    difference: str = ""
    """F&O's figure less Shopify's, as in the app's proofs; "" where nothing is compared."""

    def document(self) -> dict[str, str]:
        return asdict(self)


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:.2f} {currency}"


def _money_row(flow: str, subject: str, what: str, pair: Pair, currency: str) -> Row:
    shopify, fo = pair
    return Row(
        flow, subject, what, money(shopify, currency), money(fo, currency), difference=money(fo - shopify, currency)
    )


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """What F&O has of an order."""

    number: str
    warehouses: tuple[str, ...]
    lines: int
    total: Decimal
    """What F&O will invoice: the amounts of its lines, and the tax on top where prices do not include it."""


@dataclass(frozen=True, slots=True)
class OrderResult:
    """An order in Shopify and the sales order that the app made of it."""

    order: str
    customer: str
    lines: int
    total: Decimal
    currency: str
    outcome: str
    """The journal's: done or parked."""
    seconds: float
    """From the webhook to this outcome."""
    sales_order: SalesOrder | None

    def rows(self) -> list[Row]:
        if self.sales_order is None:
            return [Row("orders", self.order, self.outcome, money(self.total, self.currency), "")]
        booked = self.sales_order
        return [
            Row("orders", self.order, "number", self.order.partition(" ")[0], booked.number),
            Row("orders", self.order, "lines", str(self.lines), str(booked.lines)),
            _money_row("orders", self.order, "total when placed", (self.total, booked.total), self.currency),
        ]


@dataclass(frozen=True, slots=True)
class ParkedOrder:
    """An order that waits for a person, and what that person has to do."""

    order: str
    cause: str
    owner: str
    next_step: str

    def rows(self) -> list[Row]:
        return [Row("orders", self.order, f"parked for {self.owner}: {self.next_step}", self.cause, "")]


@dataclass(frozen=True, slots=True)
class StockLevel:
    """The stock of one SKU at one location, before and after a run of the stock flow. Quantities are pieces."""

    location: str
    sku: str
    before: int
    after: int
    warehouses: str = ""
    """F&O's figures, as in "AMS 14 (2 kept back), HAM 6"."""
    available_to_promise: str = ""
    """By F&O; "" for a SKU that F&O does not have."""

    @property
    def is_changed(self) -> bool:
        return self.before != self.after

    def rows(self) -> list[Row]:
        fo = self.available_to_promise
        difference = str(Decimal(fo) - self.after) if fo else ""
        return [Row("stock", f"{self.sku}, {self.location}", "available to promise", str(self.after), fo, difference)]


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What happened to an order in Shopify, and what the app did about it in F&O."""

    flow: str
    order: str
    what: str
    notes: tuple[str, ...]
    """From the app's journal."""

    def rows(self) -> list[Row]:
        return [Row(self.flow, self.order, "change", self.what, "; ".join(self.notes))]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One packing slip of F&O, and the fulfilment that Shopify shows of it."""

    order: str
    tracking: str
    left: str
    """What left which warehouse, by F&O."""
    shown: str
    """What Shopify shows; "" for nothing."""

    def rows(self) -> list[Row]:
        return [Row("shipments", self.order, f"parcel {self.tracking}", self.shown, self.left)]


@dataclass(frozen=True, slots=True)
class Collected:
    """An order that the buyer picks up: how far F&O is with it, and what the buyer got to know."""

    order: str
    state: str
    """In F&O."""
    told: str
    """By Shopify; "" for nothing."""

    def rows(self) -> list[Row]:
        return [Row("shipments", self.order, "pick-up", self.told, self.state)]


@dataclass(frozen=True, slots=True)
class OrderNumber:
    """F&O's number of an order, as staff see it at the order in Shopify."""

    order: str
    shown: str
    number: str

    def rows(self) -> list[Row]:
        return [Row("order_numbers", self.order, "F&O's number at the order", self.shown, self.number)]


@dataclass(frozen=True, slots=True)
class Account:
    """One order in both systems, after F&O has invoiced everything and settled what was paid."""

    order: str
    currency: str
    lines: tuple[tuple[str, Pair], ...]
    """What was sold, line by line, before returns."""
    invoiced: Pair
    """Shopify's current total; F&O's invoices and credit notes. Tax included."""
    paid: Pair
    """What the buyer paid, less what was paid back."""

    @property
    def agrees(self) -> bool:
        return all(shopify == fo for shopify, fo in (*(pair for _, pair in self.lines), self.invoiced, self.paid))

    def rows(self) -> list[Row]:
        figures = [
            *(("orders", what, pair) for what, pair in self.lines),
            ("orders", "invoiced, tax included", self.invoiced),
            ("payments", "paid, less money back", self.paid),
        ]
        return [_money_row(flow, self.order, what, pair, self.currency) for flow, what, pair in figures]


@dataclass(frozen=True, slots=True)
class CatalogueFact:
    """What both systems say of a product or of a price."""

    flow: str
    subject: str
    what: str
    shopify: str
    fo: str

    @property
    def agrees(self) -> bool:
        return self.shopify == self.fo

    def rows(self) -> list[Row]:
        return [Row(self.flow, self.subject, self.what, self.shopify, self.fo)]


type Result = (
    OrderResult | ParkedOrder | StockLevel | OrderChange | OrderNumber | Parcel | Collected | Account | CatalogueFact
)


def documents(results: list[Result]) -> list[dict[str, Any]]:
    """The content of `build/demo.json`."""
    return [row.document() for result in results for row in result.rows()]
