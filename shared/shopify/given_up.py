"""Units that will not be delivered: what they are worth to the buyer, and taking them off the order in Shopify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Money, total
from shared.shopify import queries
from shared.shopify.admin.answers import Json, user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of, number_of

_NOTE: Final = "Given up in F&O"


@dataclass(frozen=True, slots=True)
class LostLine:
    line_id: int
    name: str
    """SKU, or title without one."""
    units: int
    worth: Money
    """What the buyer was charged for them, tax included, in the buyer's currency."""

    def __str__(self) -> str:
        return f"{self.units} x {self.name} ({self.worth})"


@dataclass(frozen=True, slots=True)
class LostUnits:
    lines: tuple[LostLine, ...]
    currency: str
    """The buyer's."""
    transactions: tuple[Mapping[str, str], ...]
    """How Shopify would pay their worth back, as OrderTransactionInput. None for an order that is not paid."""

    @property
    def worth(self) -> Money:
        return total((line.worth for line in self.lines), self.currency)


async def read_worth(admin: AdminClient, order_id: int, units: Mapping[int, int]) -> LostUnits | None:
    """`units` is by order line. None for an order that Shopify does not have."""
    order = gid_of("Order", order_id)
    variables = {"order": order, "lines": _lines(units)}
    found: Json | None = (await admin.run(queries.load("given_up_worth"), variables))["order"]
    if found is None:
        return None
    suggested: Json = found["suggestedRefund"]
    return LostUnits(
        lines=tuple(
            _line(row, taxes_included=found["taxesIncluded"])
            for row in sorted(suggested["refundLineItems"], key=lambda row: number_of(row["lineItem"]["id"]))
        ),
        currency=found["presentmentCurrencyCode"],
        transactions=tuple(_transaction(order, row) for row in suggested["suggestedTransactions"]),
    )


def refund_input(order_id: int, lost: LostUnits, *, money: bool, notify: bool) -> dict[str, Any]:
    """RefundInput, with or without the money, and a mail to the buyer."""
    return {
        "orderId": gid_of("Order", order_id),
        "currency": lost.currency,
        "note": _NOTE,
        "notify": notify,
        "refundLineItems": _lines({line.line_id: line.units for line in lost.lines}),
        "transactions": [dict(each) for each in lost.transactions] if money else [],
    }


def units_of(given: Mapping[str, Any]) -> dict[int, int]:
    """Order line -> units of a RefundInput."""
    return {number_of(row["lineItemId"]): row["quantity"] for row in given["refundLineItems"]}


async def refund_units(admin: AdminClient, given: Mapping[str, Any], key: str) -> None:
    """Makes the refund of a RefundInput once, however often it is called with the same key.

    Raises RefusedError GIVEN_UP_NOT_REFUNDED with Shopify's words.
    """
    data = await admin.run(queries.load("given_up_refund"), {"input": dict(given), "key": key})
    errors = user_errors(data["refundCreate"])
    if errors:
        raise RefusedError(ErrorCode.GIVEN_UP_NOT_REFUNDED, message="; ".join(error.message for error in errors))


def _lines(units: Mapping[int, int]) -> Sequence[Json]:
    return [
        {"lineItemId": gid_of("LineItem", line_id), "quantity": count, "restockType": "CANCEL"}
        for line_id, count in units.items()
    ]


def _line(row: Json, *, taxes_included: bool) -> LostLine:
    line, worth = row["lineItem"], _money(row["subtotalSet"])
    return LostLine(
        line_id=number_of(line["id"]),
        name=line["sku"] or line["title"],
        units=row["quantity"],
        worth=worth if taxes_included else worth + _money(row["totalTaxSet"]),
    )


def _transaction(order: str, row: Json) -> Mapping[str, str]:
    return {
        "orderId": order,
        "parentId": row["parentTransaction"]["id"],
        "gateway": row["gateway"],
        "kind": "REFUND",
        "amount": str(_money(row["amountSet"]).amount),
    }


def _money(bag: Json) -> Money:
    """In the buyer's currency."""
    side = bag["presentmentMoney"]
    return Money(Decimal(side["amount"]), side["currencyCode"])
